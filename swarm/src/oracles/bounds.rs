//! Bounded mailboxes: none accepts more than its capacity, and none refuses without a reason.

use nexus_actors::{DeadLetterReason, Overflow};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use super::{Check, ensure};

/// What is known about a mailbox.
#[derive(Debug)]
pub struct Room {
    bound: Option<(usize, Overflow)>,
    /// Messages in the mailbox, or on their way to it.
    held: AtomicI64,
    /// Messages it has refused or dropped.
    lost: AtomicI64,
    /// Of the messages taken out of it, those that its actor has stashed.
    aside: Mutex<BTreeSet<u64>>,
    line: Mutex<Line>,
}

/// The senders that wait for capacity and whose order of arrival is known.
#[derive(Debug, Default)]
struct Line {
    drawn: u64,
    waiting: Vec<Waiter>,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    ticket: u64,
    /// The time from which on the waiter may have given up.
    until: u64,
    /// A waiter behind it was let in, so it must have been let in before.
    overtaken: bool,
    /// In addition, no place was reserved for it.
    crowded: bool,
}

impl Room {
    /// A mailbox with that bound, if any.
    pub fn new(bound: Option<(usize, Overflow)>) -> Self {
        Self {
            bound,
            held: AtomicI64::new(0),
            lost: AtomicI64::new(0),
            aside: Mutex::default(),
            line: Mutex::default(),
        }
    }

    /// Records that a sender begins to wait for capacity of a full mailbox, until that time.
    /// Returns its ticket in the queue.
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

    /// Removes a waiter from the queue for a reason other than being let in.
    pub fn is_left_alone(&self, ticket: u64) {
        let waiting = &mut self.line.lock().waiting;
        waiting.retain(|waiter| waiter.ticket != ticket);
    }

    /// Records that the waiter with that ticket is admitted. So all waiters before it have been
    /// promised places.
    ///
    /// # Errors
    ///
    /// If others were let in before it instead.
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

    /// Checks a waiter that gives up because its time is over.
    ///
    /// # Errors
    ///
    /// If a waiter behind it was let in before that.
    pub fn is_given_up(&self, ticket: u64) -> Check {
        let line = self.line.lock();
        let mut waiting = line.waiting.iter();
        let waiter = waiting.find(|waiter| waiter.ticket == ticket);
        ensure(waiter.is_none_or(|waiter| !waiter.overtaken), || {
            format!("waited in vain, and others behind were let in: {waiter:?}")
        })
    }

    /// Checks the mailbox as a message that came another way than its mail is handled, and that
    /// many are left.
    ///
    /// # Errors
    ///
    /// If those are more than its capacity.
    pub fn fits(&self, messages: usize) -> Check {
        let within = self.bound.is_none_or(|(capacity, _)| messages <= capacity);
        ensure(within, || {
            format!("{messages} messages wait in a mailbox of {:?}", self.bound)
        })
    }

    /// The bound.
    pub fn bound(&self) -> Option<(usize, Overflow)> {
        self.bound
    }

    /// The number of messages it has refused or dropped.
    pub fn lost(&self) -> i64 {
        self.lost.load(SeqCst)
    }

    /// Records that so many messages are sent to it.
    pub fn is_sent(&self, messages: usize) {
        let messages = i64::try_from(messages).unwrap_or(i64::MAX);
        self.held.fetch_add(messages, SeqCst);
    }

    /// Records that a message is taken out to be handled, and that so many are left.
    ///
    /// # Errors
    ///
    /// If those are more than its capacity.
    pub fn is_left_with(&self, messages: usize) -> Check {
        self.held.fetch_sub(1, SeqCst);
        self.fits(messages)
    }

    /// Records that a message that was taken out is stashed.
    pub fn is_put_aside(&self, message: u64) {
        self.aside.lock().insert(message);
    }

    /// Records that a message to it was lost, for that reason.
    ///
    /// # Errors
    ///
    /// If it loses no messages for that reason.
    pub fn loses(&self, message: u64, reason: DeadLetterReason) -> Check {
        use DeadLetterReason::{
            Cancelled, DroppedNewest, DroppedOldest, Expired, Full, Restarted, Unhandled,
        };
        if matches!(reason, Cancelled | Expired) && self.aside.lock().remove(&message) {
            return Ok(()); // it was taken out of the stash
        }
        // Those had left the mailbox long before.
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

    /// Checks, once it has accepted or lost a message, that its contents fit.
    ///
    /// # Errors
    ///
    /// If they do not.
    pub fn holds_what_fits(&self) -> Check {
        let held = self.held.load(SeqCst);
        let within = match self.bound {
            // Messages on their way to a mailbox that drops the oldest are not bounded.
            None | Some((_, Overflow::DropOldest)) => true,
            Some((capacity, _)) => i64::try_from(capacity).is_ok_and(|most| held <= most),
        };
        ensure(within, || {
            format!("{held} messages are in a mailbox of {:?}", self.bound)
        })
    }

    /// Checks that a message was refused because the mailbox was full. `exactly` says whether all
    /// of its messages are known.
    ///
    /// # Errors
    ///
    /// If it cannot be full, or was not.
    pub fn refuses(&self, drops: bool, exactly: bool) -> Check {
        let held = self.held.load(SeqCst);
        let may = match self.bound {
            None | Some((_, Overflow::DropOldest)) => false,
            Some((_, Overflow::DropNewest)) => drops,
            Some((_, Overflow::Backpressure | Overflow::Fail)) => !drops,
            Some((_, unknown)) => unreachable!("no rule says what {unknown:?} refuses"),
        };
        ensure(may, || format!("refused a message, with {:?}", self.bound))?;
        let full = match self.bound {
            // Some of its places are promised to waiters.
            Some((_, Overflow::Backpressure)) | None => true,
            Some((capacity, _)) => i64::try_from(capacity).is_ok_and(|most| held >= most),
        };
        ensure(full || !exactly, || {
            format!("refused a message with {held} in {:?}", self.bound)
        })
    }
}
