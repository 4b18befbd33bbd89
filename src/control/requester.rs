//! The side that asks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::clock::Clock;
use super::message::{Refusal, RequestId, RequesterMessage, ResponderMessage};
use super::progress::{Event, Progress, Transition};
use super::resend::Resend;

/// The requester's side of a session: the requests that are outstanding, and what is to be sent
/// for them. See the [module](super) for the protocol, and for an example.
///
/// It sends nothing itself and has no clock: what is to be sent is returned, and every call is
/// told the time since some moment that stays the same. An event that is handed in first is the
/// first one; where a deadline is to come before a reply that was received later, call
/// [`poll`](Self::poll) before [`handle`](Self::handle).
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub struct Requester<P> {
    session: u64,
    link: Link<P>,
    limits: RequesterLimits,
    clock: Clock,
    /// The number of the latest request.
    latest: u64,
    /// Outstanding requests, and cancels that were not confirmed yet.
    entries: BTreeMap<u64, Entry<P>>,
    /// When each of the entries is to be looked at next.
    due: BTreeSet<(Duration, u64)>,
    /// The entries that are but cancels to be confirmed, by when they are given up.
    unconfirmed: BTreeSet<(Duration, u64)>,
    late_replies: u64,
    strays: u64,
}

/// How the messages travel.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
#[cfg_attr(test, allow(unpredictable_function_pointer_comparisons))]
enum Link<P> {
    Lossless,
    /// Only here a payload is sent more than once. With the function instead of a bound, payloads
    /// for lossless links need not be `Clone`.
    Lossy {
        resend: Resend,
        clone: fn(&P) -> P,
    },
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
struct Entry<P> {
    progress: Progress<Refusal>,
    /// What is to be sent again. A cancel has none, and nothing on a lossless link.
    payload: Option<P>,
    /// The deadline of a request that waits; else, when a cancel is given up.
    until: Duration,
    /// When to send again, and how long that is after the last time.
    resend: Option<(Duration, Duration)>,
}

impl<P> Entry<P> {
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
    /// 1024 requests, and as many cancels that are not confirmed, each for at most a minute.
    fn default() -> Self {
        Self {
            outstanding: 1024,
            unconfirmed: 1024,
            confirm_within: Duration::from_secs(60),
        }
    }
}

impl RequesterLimits {
    /// How many requests may be outstanding; another one is refused.
    pub const fn outstanding(self, outstanding: usize) -> Self {
        Self {
            outstanding,
            ..self
        }
    }

    /// How many cancels are sent again until they are confirmed, over a lossy link. With one more,
    /// the oldest is given up. The responder learns of that from the request's own time alone.
    pub const fn unconfirmed(self, unconfirmed: usize) -> Self {
        Self {
            unconfirmed,
            ..self
        }
    }

    /// After how long a cancel that is not confirmed is given up.
    pub const fn confirm_within(self, confirm_within: Duration) -> Self {
        Self {
            confirm_within,
            ..self
        }
    }
}

/// How a request has ended, as the responder tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<R> {
    /// It was executed, once; this came of it.
    Replied(R),
    /// It will not be executed. Whether it was before, the [`Refusal`] says.
    Refused(Refusal),
    /// The responder let go of it: its time was over there, or there is no reply.
    Cancelled,
}

/// What is to be done now, as time has passed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "what is due is told once"]
pub enum Due<P> {
    /// Send this; it was sent before, and may have been lost.
    Resend(RequesterMessage<P>),
    /// The request has ended, as its time is over; tell its asker, and send this.
    TimedOut {
        /// Which request.
        id: RequestId,
        /// So that the responder does not do in vain what it has not done yet.
        cancel: RequesterMessage<P>,
    },
}

/// The request was not taken, as [too many](RequesterLimits::outstanding) are outstanding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests are outstanding; ask again when one of them has ended")]
pub struct TooManyOutstanding<P>(
    /// What was to be asked for.
    pub P,
);

impl<P> Requester<P> {
    /// For a link that delivers every message once, and in the order of sending.
    ///
    /// Nothing is sent again, and no payload is kept.
    pub fn lossless(session: u64, limits: RequesterLimits) -> Self {
        Self::new(session, Link::Lossless, limits)
    }

    /// For a link that may lose, repeat, delay and reorder messages.
    ///
    /// A request is sent again and again, with its payload, until it has ended; when an
    /// acknowledgement has come, at the longest interval, for the reply may be lost too.
    pub fn lossy(session: u64, resend: Resend, limits: RequesterLimits) -> Self
    where
        P: Clone,
    {
        let clone = P::clone;
        Self::new(session, Link::Lossy { resend, clone }, limits)
    }

    fn new(session: u64, link: Link<P>, limits: RequesterLimits) -> Self {
        Self {
            session,
            link,
            limits,
            clock: Clock::default(),
            latest: 0,
            entries: BTreeMap::new(),
            due: BTreeSet::new(),
            unconfirmed: BTreeSet::new(),
            late_replies: 0,
            strays: 0,
        }
    }

    /// Begins a request that ends by itself when `timeout` has passed. Answers its name, and what
    /// is to be sent.
    ///
    /// # Errors
    ///
    /// Gives the payload back when too many are outstanding.
    pub fn request(
        &mut self,
        now: Duration,
        payload: P,
        timeout: Duration,
    ) -> Result<(RequestId, RequesterMessage<P>), TooManyOutstanding<P>> {
        let now = self.clock.advance(now);
        if self.outstanding() >= self.limits.outstanding {
            return Err(TooManyOutstanding(payload));
        }
        // At one request a nanosecond the numbers last for 584 years.
        self.latest += 1;
        let id = self.id(self.latest);
        let (kept, resend) = match &self.link {
            Link::Lossless => (None, None),
            Link::Lossy { resend, clone } => {
                let interval = resend.first();
                let at = now.saturating_add(interval);
                (Some(clone(&payload)), Some((at, interval)))
            }
        };
        let entry = Entry {
            progress: Progress::Waiting,
            payload: kept,
            until: now.saturating_add(timeout),
            resend,
        };
        self.insert(self.latest, entry);
        let request = RequesterMessage::Request {
            id,
            time_left: timeout,
            payload,
        };
        Ok((id, request))
    }

    /// Takes a message of the responder. Answers which request it has ended, and how; `None`
    /// where it has ended none.
    ///
    /// A reply to a request that has ended before is dropped, and
    /// [counted](Self::late_replies).
    pub fn handle<R>(
        &mut self,
        now: Duration,
        message: ResponderMessage<R>,
    ) -> Option<(RequestId, Outcome<R>)> {
        let now = self.clock.advance(now);
        let id = message.id();
        if id.session != self.session {
            self.strays += 1;
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
        // Whatever it is, the responder's last word: there is nothing left to be confirmed.
        let entry = self.remove(id.number);
        // What is not there has ended before, for no number is given twice.
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

    /// Calls a request off. It has ended with this; answers what is to be sent, or `None` where it
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

    /// What is to be done now, as time has passed. Call it until it answers `None`.
    ///
    /// However far the time has jumped, nothing is sent again more than once.
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
            // A cancel that nobody has confirmed in time.
            self.remove(number);
        }
    }

    /// When [`poll`](Self::poll) has something to do next.
    pub fn next_due(&self) -> Option<Duration> {
        self.due.first().map(|&(due, _)| due)
    }

    /// How many requests have not ended.
    pub fn outstanding(&self) -> usize {
        self.entries.len() - self.unconfirmed.len()
    }

    /// How many requests have ended here, with a cancel that the responder has not confirmed.
    pub fn unconfirmed(&self) -> usize {
        self.unconfirmed.len()
    }

    /// How many replies came for requests that had ended. One that was repeated on the way counts
    /// each time.
    pub fn late_replies(&self) -> u64 {
        self.late_replies
    }

    /// How many messages came for another session, and were dropped.
    pub fn strays(&self) -> u64 {
        self.strays
    }

    fn id(&self, number: u64) -> RequestId {
        RequestId {
            session: self.session,
            number,
        }
    }

    /// The request has arrived; from now on it is sent to learn of its reply.
    fn acknowledged(&mut self, number: u64, now: Duration) {
        let Link::Lossy { resend, .. } = self.link else {
            return;
        };
        let Some(mut entry) = self.remove(number) else {
            return;
        };
        // Twice acknowledged is not put off twice, or a flood of late ones would put it off for
        // ever. A cancel is not meant.
        let interval = resend.longest();
        if entry.progress == Progress::Waiting && entry.resend.is_none_or(|(_, i)| i < interval) {
            entry.resend = Some((now.saturating_add(interval), interval));
        }
        self.insert(number, entry);
    }

    /// Nobody waits for it any more: from here on it is a cancel, until that is confirmed.
    fn let_go(
        &mut self,
        number: u64,
        progress: Progress<Refusal>,
        now: Duration,
    ) -> RequesterMessage<P> {
        self.remove(number);
        if let Link::Lossy { resend, .. } = self.link {
            let interval = resend.first();
            let entry = Entry {
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
        } // else it arrives, and so does the answer to it, or what has crossed it
        RequesterMessage::Cancel {
            id: self.id(number),
        }
    }

    fn resend(&mut self, number: u64, now: Duration) -> Option<RequesterMessage<P>> {
        let Link::Lossy { resend, clone } = self.link else {
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

    fn insert(&mut self, number: u64, entry: Entry<P>) {
        if entry.progress.is_terminal() {
            self.unconfirmed.insert((entry.until, number));
        }
        self.due.insert((entry.due(), number));
        self.entries.insert(number, entry);
    }

    fn remove(&mut self, number: u64) -> Option<Entry<P>> {
        let entry = self.entries.remove(&number)?;
        self.due.remove(&(entry.due(), number));
        if entry.progress.is_terminal() {
            self.unconfirmed.remove(&(entry.until, number));
        }
        Some(entry)
    }

    /// Whether its parts agree.
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
