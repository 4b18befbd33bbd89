//! How messages come to an actor: in order, one at a time, never before their time.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::{Check, ensure};

/// The messages that one actor has got from each sender: they come without a gap and in order.
#[derive(Debug, Default)]
pub struct Sequences(BTreeMap<u32, u32>);

impl Sequences {
    /// The message of that number has come from that sender. Numbers begin with 1.
    ///
    /// # Errors
    ///
    /// Where another was to come.
    pub fn arrives(&mut self, sender: u32, number: u32) -> Check {
        let last = self.0.entry(sender).or_default();
        let expected = *last + 1;
        *last = number.max(*last);
        ensure(number == expected, || {
            format!("got message {number} of sender {sender} where {expected} was to come")
        })
    }

    /// As above, where messages may be lost on the way: they come in order all the same.
    ///
    /// # Errors
    ///
    /// Where it came before, or a later one did.
    pub fn arrives_after_losses(&mut self, sender: u32, number: u32) -> Check {
        let last = self.0.entry(sender).or_default();
        let before = std::mem::replace(last, number.max(*last));
        ensure(number > before, || {
            format!("got message {number} of sender {sender} after {before}")
        })
    }

    /// The number of the last message of a sender.
    pub fn last(&self, sender: u32) -> u32 {
        self.0.get(&sender).copied().unwrap_or_default()
    }
}

/// Whether an actor is in a handler: it is in one at a time.
#[derive(Debug, Default)]
pub struct OneAtATime(Cell<bool>);

/// An actor is in a handler for as long as this lives.
#[derive(Debug)]
pub struct InHandler<'a>(&'a Cell<bool>);

impl OneAtATime {
    /// A handler begins. It ends with the guard.
    pub fn enter(&self) -> (InHandler<'_>, Check) {
        let busy = self.0.replace(true);
        let check = ensure(!busy, || "two handlers at the same time".to_owned());
        (InHandler(&self.0), check)
    }
}

impl Drop for InHandler<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Whether what was to take that long has.
///
/// # Errors
///
/// When it was over before.
pub fn never_early(what: &str, began: u64, ended: u64, length: u64) -> Check {
    let took = ended.saturating_sub(began);
    ensure(took >= length, || {
        format!("{what} of {length} ns was over after {took}")
    })
}
