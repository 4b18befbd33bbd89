//! Bounded mailboxes: no more is taken than there is room for, and nothing is refused for no reason.

use nexus_actors::{DeadLetterReason, Overflow};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use super::{Check, ensure};

/// What is known of a mailbox.
#[derive(Debug)]
pub struct Room {
    bound: Option<(usize, Overflow)>,
    /// Messages that are in it, or on their way to it.
    held: AtomicI64,
    /// Messages that it has refused or dropped.
    lost: AtomicI64,
    /// Of those that were taken out of it, the ones that its actor has put aside.
    aside: Mutex<BTreeSet<u64>>,
    line: Mutex<Line>,
}

/// Those who wait for room, of whom it is known in which order they began.
#[derive(Debug, Default)]
struct Line {
    drawn: u64,
    waiting: Vec<Waiter>,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    ticket: u64,
    /// It may have given up from that time on.
    until: u64,
    /// Somebody behind it was let in, so that it must have been before.
    overtaken: bool,
    /// And nobody had kept a place for it.
    crowded: bool,
}

impl Room {
    /// A mailbox with such a bound, if any.
    pub fn new(bound: Option<(usize, Overflow)>) -> Self {
        Self {
            bound,
            held: AtomicI64::new(0),
            lost: AtomicI64::new(0),
            aside: Mutex::default(),
            line: Mutex::default(),
        }
    }

    /// Somebody begins to wait for room, where there is none, up to that time. Answers their place in the
    /// line.
    pub fn is_waited_for(&self, until: u64) -> u64 {
        let line = &mut *self.line.lock();
        line.drawn += 1;
        line.waiting.push(Waiter {
            ticket: line.drawn,
            until,
            overtaken: false,
            crowded: false,
        });
        line.drawn
    }

    /// Somebody leaves the line, for another reason than that they were let in.
    pub fn is_left_alone(&self, ticket: u64) {
        let waiting = &mut self.line.lock().waiting;
        waiting.retain(|waiter| waiter.ticket != ticket);
    }

    /// Somebody of that place in the line has a message let in. So all who were before them have been
    /// promised places.
    ///
    /// # Errors
    ///
    /// When others were let in before them instead.
    pub fn lets_in(&self, ticket: u64, now: u64) -> Check {
        let held = self.held.load(SeqCst);
        let line = &mut *self.line.lock();
        let place = |waiter: &Waiter| waiter.ticket == ticket;
        let place = line.waiting.iter().position(place);
        let own = place.map(|place| line.waiting.remove(place));
        let before = line.waiting.iter_mut().take(place.unwrap_or(0));
        let before = before.filter(|waiter| now < waiter.until);
        before.for_each(|waiter| waiter.overtaken = true);
        let full = |(capacity, _)| i64::try_from(capacity).is_ok_and(|most| held >= most);
        if self.bound.is_some_and(full) {
            let overtaken = line.waiting.iter_mut().filter(|waiter| waiter.overtaken);
            overtaken.for_each(|waiter| waiter.crowded = true);
        }
        let in_turn = own.is_none_or(|waiter| !waiter.crowded);
        ensure(in_turn, || {
            format!(
                "was let in behind others who came later, with {:?}",
                self.bound
            )
        })
    }

    /// Somebody who waits gives up, as their time is over.
    ///
    /// # Errors
    ///
    /// When somebody behind them was let in before that.
    pub fn is_given_up(&self, ticket: u64) -> Check {
        let line = self.line.lock();
        let mut waiting = line.waiting.iter();
        let waiter = waiting.find(|waiter| waiter.ticket == ticket);
        ensure(waiter.is_none_or(|waiter| !waiter.overtaken), || {
            format!("waited in vain, and others behind were let in: {waiter:?}")
        })
    }

    /// A message of another way than the mail's own is handled, and so many are left.
    ///
    /// # Errors
    ///
    /// When those are more than it takes.
    pub fn fits(&self, messages: usize) -> Check {
        let within = self.bound.is_none_or(|(capacity, _)| messages <= capacity);
        ensure(within, || {
            format!("{messages} messages wait in a mailbox of {:?}", self.bound)
        })
    }

    /// Its bound.
    pub fn bound(&self) -> Option<(usize, Overflow)> {
        self.bound
    }

    /// How many messages it has refused or dropped.
    pub fn lost(&self) -> i64 {
        self.lost.load(SeqCst)
    }

    /// So many messages are sent to it.
    pub fn is_sent(&self, messages: usize) {
        let messages = i64::try_from(messages).unwrap_or(i64::MAX);
        self.held.fetch_add(messages, SeqCst);
    }

    /// A message is taken out of it, to be handled, and so many are left.
    ///
    /// # Errors
    ///
    /// When those are more than it takes.
    pub fn is_left_with(&self, messages: usize) -> Check {
        self.held.fetch_sub(1, SeqCst);
        self.fits(messages)
    }

    /// A message that was taken out of it is put aside.
    pub fn is_put_aside(&self, message: u64) {
        self.aside.lock().insert(message);
    }

    /// A message for it was lost, for that reason.
    ///
    /// # Errors
    ///
    /// When it does not lose any for that.
    pub fn loses(&self, message: u64, reason: DeadLetterReason) -> Check {
        use DeadLetterReason::{
            Cancelled, DroppedNewest, DroppedOldest, Expired, Full, Restarted, Unhandled,
        };
        if matches!(reason, Cancelled | Expired) && self.aside.lock().remove(&message) {
            return Ok(()); // it was taken out of the stash
        }
        // Those were taken out of it long ago.
        if !matches!(reason, Unhandled | Restarted) {
            self.held.fetch_sub(1, SeqCst);
        }
        let overflow = self.bound.map(|(_, overflow)| overflow);
        let there = match reason {
            Full => matches!(overflow, Some(Overflow::Fail | Overflow::Backpressure)),
            DroppedNewest => overflow == Some(Overflow::DropNewest),
            DroppedOldest => overflow == Some(Overflow::DropOldest),
            // Questions that were taken back.
            Cancelled | Expired => true,
            _ => return Ok(()),
        };
        self.lost.fetch_add(1, SeqCst);
        ensure(there, || {
            format!("a message was lost for {reason:?}, with {overflow:?}")
        })
    }

    /// It has taken a message, or lost it: what it holds fits.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn holds_what_fits(&self) -> Check {
        let held = self.held.load(SeqCst);
        let within = match self.bound {
            // What is on its way to a mailbox that drops the oldest has no bound.
            None | Some((_, Overflow::DropOldest)) => true,
            Some((capacity, _)) => i64::try_from(capacity).is_ok_and(|most| held <= most),
        };
        ensure(within, || {
            format!("{held} messages are in a mailbox of {:?}", self.bound)
        })
    }

    /// It has refused a message, as it was full. `exactly` says whether its messages are all known.
    ///
    /// # Errors
    ///
    /// When it cannot be, or was not.
    pub fn refuses(&self, drops: bool, exactly: bool) -> Check {
        let held = self.held.load(SeqCst);
        let may = match self.bound {
            None | Some((_, Overflow::DropOldest)) => false,
            Some((_, Overflow::DropNewest)) => drops,
            Some((_, Overflow::Backpressure | Overflow::Fail)) => !drops,
        };
        ensure(may, || format!("refused a message, with {:?}", self.bound))?;
        let full = match self.bound {
            // Some of its places are promised to those who wait.
            Some((_, Overflow::Backpressure)) | None => true,
            Some((capacity, _)) => i64::try_from(capacity).is_ok_and(|most| held >= most),
        };
        ensure(full || !exactly, || {
            format!("refused a message with {held} in {:?}", self.bound)
        })
    }
}
