//! The requester's side of a session.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::clock::ProtocolClock;
use super::message::{Refusal, RequestId, RequesterMessage, ResponderMessage};
use super::progress::{Event, Progress, Transition};
use super::resend::Resend;

/// The requester's side of a session: the requests that are outstanding, and what is to be sent for
/// them. See the [module](super) for the protocol, and for an example.
///
/// The requester sends nothing itself and has no clock: what is to be sent is returned, and every
/// call is given the time since some fixed moment. Events count in the order in which they are
/// passed in; if a deadline is to win over a reply that was received later, call
/// [`poll`](Self::poll) before [`handle`](Self::handle).
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub struct Requester<P> {
    session: u64,
    link: RequesterLink<P>,
    limits: RequesterLimits,
    clock: ProtocolClock,
    /// The number of the latest request.
    latest: u64,
    /// Outstanding requests, and cancels that are not confirmed yet.
    entries: BTreeMap<u64, RequesterEntry<P>>,
    /// When each of the entries needs attention next.
    due: BTreeSet<(Duration, u64)>,
    /// The entries that are only cancels awaiting confirmation, by the time at which they are given
    /// up.
    unconfirmed: BTreeSet<(Duration, u64)>,
    late_replies: u64,
    foreign_messages: u64,
}

/// How the messages travel.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
#[cfg_attr(test, allow(unpredictable_function_pointer_comparisons))]
enum RequesterLink<P> {
    Lossless,
    /// Only over a lossy link is a payload sent more than once. Storing the function, instead of
    /// requiring the bound, lets payloads for lossless links do without `Clone`.
    Lossy {
        resend: Resend,
        clone: fn(&P) -> P,
    },
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
struct RequesterEntry<P> {
    progress: Progress<Refusal>,
    /// The payload to resend. A cancel has none, and neither has anything on a lossless link.
    payload: Option<P>,
    /// The deadline of a waiting request, or the time at which a cancel is given up.
    until: Duration,
    /// When to resend, and the interval since the last time.
    resend: Option<(Duration, Duration)>,
}

impl<P> RequesterEntry<P> {
    fn due(&self) -> Duration {
        match self.resend {
            Some((at, _)) => self.until.min(at),
            None => self.until,
        }
    }
}

/// Bounds on what a [`Requester`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "it has no effect before it is given to a `Requester`"]
pub struct RequesterLimits {
    outstanding: usize,
    unconfirmed: usize,
    confirm_within: Duration,
}

impl Default for RequesterLimits {
    /// 1024 requests, and as many unconfirmed cancels, each for at most a minute.
    fn default() -> Self {
        Self {
            outstanding: 1024,
            unconfirmed: 1024,
            confirm_within: Duration::from_secs(60),
        }
    }
}

impl RequesterLimits {
    /// Sets how many requests may be outstanding; a further one is refused.
    pub const fn outstanding(self, outstanding: usize) -> Self {
        Self {
            outstanding,
            ..self
        }
    }

    /// Sets how many cancels are resent until they are confirmed, over a lossy link. One more makes
    /// the requester give up the oldest. The responder then learns that the request is over only
    /// from the request's own time.
    pub const fn unconfirmed(self, unconfirmed: usize) -> Self {
        Self {
            unconfirmed,
            ..self
        }
    }

    /// Sets the time after which an unconfirmed cancel is given up.
    pub const fn confirm_within(self, confirm_within: Duration) -> Self {
        Self {
            confirm_within,
            ..self
        }
    }
}

/// How a request has ended, as the responder reports it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<R> {
    /// It was executed, once, with this result.
    Replied(R),
    /// It will not be executed. The [`Refusal`] says whether it was executed before.
    Refused(Refusal),
    /// The responder gave it up: its time ran out there, or there is no reply.
    Cancelled,
}

/// What the passing of time requires to be done now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "what is due is told once"]
pub enum Due<P> {
    /// Send this; it was sent before, and may have been lost.
    Resend(RequesterMessage<P>),
    /// The request has timed out; inform its caller, and send the cancel.
    TimedOut {
        /// The request.
        id: RequestId,
        /// Keeps the responder from executing in vain what it has not executed yet.
        cancel: RequesterMessage<P>,
    },
}

/// The request was not accepted, as [too many](RequesterLimits::outstanding) are outstanding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests are outstanding; ask again when one of them has ended")]
pub struct TooManyOutstanding<P>(
    /// The payload of the request.
    pub P,
);

impl<P> Requester<P> {
    /// Creates a requester for a link that delivers every message once, in sending order.
    ///
    /// Nothing is resent, and no payload is stored.
    pub fn lossless(session: u64, limits: RequesterLimits) -> Self {
        Self::new(session, RequesterLink::Lossless, limits)
    }

    /// Creates a requester for a link that may lose, repeat, delay and reorder messages.
    ///
    /// A request is resent, with its payload, until it has ended; after an acknowledgement, at the
    /// longest interval, as the reply may be lost too.
    pub fn lossy(session: u64, resend: Resend, limits: RequesterLimits) -> Self
    where
        P: Clone,
    {
        let clone = P::clone;
        Self::new(session, RequesterLink::Lossy { resend, clone }, limits)
    }

    fn new(session: u64, link: RequesterLink<P>, limits: RequesterLimits) -> Self {
        Self {
            session,
            link,
            limits,
            clock: ProtocolClock::default(),
            latest: 0,
            entries: BTreeMap::new(),
            due: BTreeSet::new(),
            unconfirmed: BTreeSet::new(),
            late_replies: 0,
            foreign_messages: 0,
        }
    }

    /// Begins a request that ends by itself after that time, by the clock that `now` is read from:
    /// a [`Deadline`](crate::Deadline) has no part in it. Returns its id, and the message to send.
    ///
    /// # Errors
    ///
    /// Returns the payload if too many requests are outstanding.
    pub fn request(
        &mut self,
        now: Duration,
        payload: P,
        within: Duration,
    ) -> Result<(RequestId, RequesterMessage<P>), TooManyOutstanding<P>> {
        let now = self.clock.advance(now);
        if self.outstanding() >= self.limits.outstanding {
            return Err(TooManyOutstanding(payload));
        }
        // At one request a nanosecond the numbers last for 584 years.
        self.latest += 1;
        let id = self.id(self.latest);
        let (kept, resend) = match &self.link {
            RequesterLink::Lossless => (None, None),
            RequesterLink::Lossy { resend, clone } => {
                let interval = resend.first();
                let at = now.saturating_add(interval);
                (Some(clone(&payload)), Some((at, interval)))
            }
        };
        let entry = RequesterEntry {
            progress: Progress::Waiting,
            payload: kept,
            until: now.saturating_add(within),
            resend,
        };
        self.insert(self.latest, entry);
        let request = RequesterMessage::Request {
            id,
            time_left: within,
            payload,
        };
        Ok((id, request))
    }

    /// Handles a message of the responder. Returns the request that it has ended, and how; `None`
    /// if it has ended none.
    ///
    /// A reply to a request that had ended before is dropped, and [counted](Self::late_replies).
    pub fn handle<R>(
        &mut self,
        now: Duration,
        message: ResponderMessage<R>,
    ) -> Option<(RequestId, Outcome<R>)> {
        let now = self.clock.advance(now);
        let id = message.id();
        if id.session != self.session {
            self.foreign_messages += 1;
            return None;
        }
        let (event, outcome) = match message {
            ResponderMessage::Ack { .. } => {
                self.acknowledged(id.number, now);
                return None;
            }
            ResponderMessage::Reply { payload, .. } => (Event::Reply, Outcome::Replied(payload)),
            ResponderMessage::Refused { refusal, .. } => {
                (Event::Failure(refusal), Outcome::Refused(refusal))
            }
            ResponderMessage::Cancelled { .. } => (Event::Cancel, Outcome::Cancelled),
        };
        // Whatever it is, it is the responder's last word: there is nothing left to confirm.
        let entry = self.remove(id.number);
        // A missing entry has ended before, as no number is used twice.
        let progress = entry.map_or(Progress::Cancelled, |entry| entry.progress);
        match progress.on(event) {
            Transition::Ends(_) => Some((id, outcome)),
            Transition::LateReply => {
                self.late_replies += 1;
                None
            }
            Transition::Late => None,
        }
    }

    /// Cancels a request, which ends it here. Returns the message to send, or `None` if the request
    /// had ended before.
    pub fn cancel(&mut self, now: Duration, id: RequestId) -> Option<RequesterMessage<P>> {
        let now = self.clock.advance(now);
        if id.session != self.session {
            return None;
        }
        let progress = self.entries.get(&id.number)?.progress;
        match progress.on(Event::Cancel) {
            Transition::Ends(progress) => Some(self.let_go(id.number, progress, now)),
            Transition::LateReply | Transition::Late => None,
        }
    }

    /// Returns what the passing of time requires to be done now. Call it until it returns `None`.
    ///
    /// However far the time has jumped, nothing is resent more than once.
    pub fn poll(&mut self, now: Duration) -> Option<Due<P>> {
        let now = self.clock.advance(now);
        loop {
            let &(due, number) = self.due.first()?;
            if due > now {
                return None;
            }
            let entry = self.entries.get(&number)?;
            if entry.until > now {
                return self.resend(number, now).map(Due::Resend);
            }
            if let Transition::Ends(progress) = entry.progress.on(Event::Deadline) {
                let cancel = self.let_go(number, progress, now);
                let id = self.id(number);
                return Some(Due::TimedOut { id, cancel });
            }
            // A cancel that was not confirmed in time.
            self.remove(number);
        }
    }

    /// The time at which [`poll`](Self::poll) is next needed.
    pub fn next_due(&self) -> Option<Duration> {
        self.due.first().map(|&(due, _)| due)
    }

    /// The number of requests that have not ended.
    pub fn outstanding(&self) -> usize {
        self.entries.len() - self.unconfirmed.len()
    }

    /// The number of requests that have ended here, with a cancel that the responder has not
    /// confirmed.
    pub fn unconfirmed(&self) -> usize {
        self.unconfirmed.len()
    }

    /// The number of replies that came for requests that had ended. Each copy of a repeated reply
    /// counts.
    pub fn late_replies(&self) -> u64 {
        self.late_replies
    }

    /// The number of messages for another session, which were dropped.
    pub fn foreign_messages(&self) -> u64 {
        self.foreign_messages
    }

    fn id(&self, number: u64) -> RequestId {
        RequestId {
            session: self.session,
            number,
        }
    }

    /// Notes that the request has arrived; from now on it is resent only to get its reply.
    fn acknowledged(&mut self, number: u64, now: Duration) {
        let RequesterLink::Lossy { resend, .. } = self.link else {
            return;
        };
        let Some(mut entry) = self.remove(number) else {
            return;
        };
        // A second acknowledgement does not postpone the resend again, or a flood of late ones
        // would postpone it for ever. Cancels are not affected.
        let interval = resend.longest();
        if entry.progress == Progress::Waiting && entry.resend.is_none_or(|(_, i)| i < interval) {
            entry.resend = Some((now.saturating_add(interval), interval));
        }
        self.insert(number, entry);
    }

    /// Abandons a request: from here on it is a cancel, until that is confirmed.
    fn let_go(
        &mut self,
        number: u64,
        progress: Progress<Refusal>,
        now: Duration,
    ) -> RequesterMessage<P> {
        self.remove(number);
        if let RequesterLink::Lossy { resend, .. } = self.link {
            let interval = resend.first();
            let entry = RequesterEntry {
                progress,
                payload: None,
                until: now.saturating_add(self.limits.confirm_within),
                resend: Some((now.saturating_add(interval), interval)),
            };
            self.insert(number, entry);
            if self.unconfirmed.len() > self.limits.unconfirmed
                && let Some(&(_, oldest)) = self.unconfirmed.first()
            {
                self.remove(oldest);
            }
        } // else the cancel arrives, and so does its answer, or a message that crossed it
        RequesterMessage::Cancel {
            id: self.id(number),
        }
    }

    fn resend(&mut self, number: u64, now: Duration) -> Option<RequesterMessage<P>> {
        let RequesterLink::Lossy { resend, clone } = self.link else {
            return None;
        };
        let mut entry = self.remove(number)?;
        let interval = match entry.resend {
            Some((_, last)) => resend.after(last),
            None => resend.first(),
        };
        entry.resend = Some((now.saturating_add(interval), interval));
        let id = self.id(number);
        let message = match &entry.payload {
            Some(payload) => RequesterMessage::Request {
                id,
                time_left: entry.until.saturating_sub(now),
                payload: clone(payload),
            },
            None => RequesterMessage::Cancel { id },
        };
        self.insert(number, entry);
        Some(message)
    }

    fn insert(&mut self, number: u64, entry: RequesterEntry<P>) {
        if entry.progress.is_terminal() {
            self.unconfirmed.insert((entry.until, number));
        }
        self.due.insert((entry.due(), number));
        self.entries.insert(number, entry);
    }

    fn remove(&mut self, number: u64) -> Option<RequesterEntry<P>> {
        let entry = self.entries.remove(&number)?;
        self.due.remove(&(entry.due(), number));
        if entry.progress.is_terminal() {
            self.unconfirmed.remove(&(entry.until, number));
        }
        Some(entry)
    }

    /// Checks that the parts agree.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let due = self.entries.iter().map(|(&number, e)| (e.due(), number));
        assert_eq!(due.collect::<BTreeSet<_>>(), self.due);
        let over = self
            .entries
            .iter()
            .filter(|(_, e)| e.progress.is_terminal());
        let unconfirmed = over.map(|(&number, e)| (e.until, number));
        assert_eq!(unconfirmed.collect::<BTreeSet<_>>(), self.unconfirmed);
    }
}
