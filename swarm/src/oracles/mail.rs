//! How messages reach an actor: in order, one at a time, never early.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::{Check, ensure};

/// The messages that one actor has received from each sender: they arrive without a gap and in
/// order.
#[derive(Debug, Default)]
pub struct Sequences(BTreeMap<u32, u32>);

impl Sequences {
    /// Records that the message with that number has arrived from that sender. Numbers begin with
    /// 1.
    ///
    /// # Errors
    ///
    /// If another one was due.
    pub fn arrives(&mut self, sender: u32, number: u32) -> Check {
        let last = self.0.entry(sender).or_default();
        let expected = *last + 1;
        *last = number.max(*last);
        ensure(number == expected, || {
            format!("got message {number} of sender {sender} where {expected} was to come")
        })
    }

    /// As above, if messages may be lost on the way: the others still arrive in order.
    ///
    /// # Errors
    ///
    /// If it arrived before, or a later one did.
    pub fn arrives_after_losses(&mut self, sender: u32, number: u32) -> Check {
        let last = self.0.entry(sender).or_default();
        let before = std::mem::replace(last, number.max(*last));
        ensure(number > before, || {
            format!("got message {number} of sender {sender} after {before}")
        })
    }

    /// The number of the last message from a sender.
    pub fn last(&self, sender: u32) -> u32 {
        self.0.get(&sender).copied().unwrap_or_default()
    }
}

/// Whether an actor is in a handler: it is in at most one.
#[derive(Debug, Default)]
pub struct OneAtATime(Cell<bool>);

/// A guard that lives while an actor is in a handler.
#[derive(Debug)]
pub struct InHandler<'a>(&'a Cell<bool>);

impl OneAtATime {
    /// Begins a handler, which ends with the guard.
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

/// Checks that something took as long as it was to take.
///
/// # Errors
///
/// If it ended earlier.
pub fn never_early(what: &str, began: u64, ended: u64, length: u64) -> Check {
    let took = ended.saturating_sub(began);
    ensure(took >= length, || {
        format!("{what} of {length} ns was over after {took}")
    })
}
