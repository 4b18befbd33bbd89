//! Numbers in readable form.

use std::time::Duration;

/// With the numbers of a long run, the line is shorter than the eighty columns of a narrow terminal.
const BAR: u64 = 16;

/// Formats a number in groups of thousands: 1,234,567.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `[####............]  25%  25,000 of 100,000 flights, 3 s left`
pub(crate) fn progress(done: u64, all: u64, since: Duration) -> String {
    let part = |of: u64| done * of / all.max(1);
    let bar = "#".repeat(part(BAR) as usize);
    let left = since.as_secs_f64() * (all - done) as f64 / done.max(1) as f64;
    format!(
        "[{bar:.<width$}] {percent:>3}%  {done} of {all} flights, {left:.0} s left",
        width = BAR as usize,
        percent = part(100),
        done = grouped(done),
        all = grouped(all),
    )
}
