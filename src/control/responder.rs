//! The responder's side of a session.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::clock::ProtocolClock;
use super::message::{Refusal, RequestId, RequesterMessage, ResponderMessage};
use super::progress::{Event, Progress, Transition};

/// The responder's side of a session: the requests that are in progress, and those that ended not
/// long ago. See the [module](super) for the protocol, and for an example.
///
/// The responder sends nothing itself, executes nothing, and has no clock: what is to be done is
/// returned, and every call is given the time since some fixed moment. The requester may count from
/// a different one.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub struct Responder<R> {
    session: u64,
    link: ResponderLink<R>,
    limits: ResponderLimits,
    clock: ProtocolClock,
    entries: BTreeMap<u64, ResponderEntry<R>>,
    /// The entries in progress, by the end of their time.
    in_progress: BTreeSet<(Duration, u64)>,
    /// The entries that have ended, by the time at which they are forgotten, oldest first.
    ended: VecDeque<(Duration, u64)>,
    /// The highest number that was forgotten. A request at or below it without an entry may have
    /// been executed before.
    floor: u64,
    late_replies: u64,
    foreign_messages: u64,
}

/// How the messages travel.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
#[cfg_attr(test, allow(unpredictable_function_pointer_comparisons))]
enum ResponderLink<R> {
    Lossless,
    /// Only over a lossy link is a reply sent more than once. Storing the function, instead of
    /// requiring the bound, lets replies for lossless links do without `Clone`.
    Lossy {
        clone: fn(&R) -> R,
    },
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
struct ResponderEntry<R> {
    progress: Progress<Refusal>,
    /// The time at which the request expires, or, once it has ended, is forgotten.
    until: Duration,
    /// The reply, if there was one.
    reply: Option<R>,
}

/// Bounds on what a [`Responder`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "it has no effect before it is given to a `Responder`"]
pub struct ResponderLimits {
    in_progress: usize,
    longest: Duration,
    remembered: usize,
    remember_for: Duration,
}

impl Default for ResponderLimits {
    /// 1024 requests in progress, each for at most an hour; 4096 remembered for a minute.
    fn default() -> Self {
        Self {
            in_progress: 1024,
            longest: Duration::from_secs(3600),
            remembered: 4096,
            remember_for: Duration::from_secs(60),
        }
    }
}

impl ResponderLimits {
    /// Sets how many requests may be in progress; a further one is refused with [`Refusal::Busy`].
    pub const fn in_progress(self, in_progress: usize) -> Self {
        Self {
            in_progress,
            ..self
        }
    }

    /// Sets the time after which a request in progress is cancelled, even if its requester gave it
    /// more.
    pub const fn longest(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// Sets how many ended requests are remembered over a lossy link, with their replies.
    ///
    /// It should be at least as many as a requester can begin in the time that a message travels:
    /// one too many makes the oldest forgotten, and a request older than that, should it arrive
    /// only now, is refused with [`Refusal::Forgotten`].
    pub const fn remembered(self, remembered: usize) -> Self {
        Self { remembered, ..self }
    }

    /// Sets how long an ended request is remembered over a lossy link: as long as its requester may
    /// still ask for it, and messages it has sent may still be in transit.
    pub const fn remember_for(self, remember_for: Duration) -> Self {
        Self {
            remember_for,
            ..self
        }
    }
}

/// What is to be done about a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "what is to be done is told once"]
pub struct Received<P, R> {
    /// The message to send.
    pub send: Option<ResponderMessage<R>>,
    /// The execution to begin or to abort.
    pub execution: Option<Execution<P>>,
}

impl<P, R> Received<P, R> {
    const NOTHING: Self = Self {
        send: None,
        execution: None,
    };

    fn send(message: ResponderMessage<R>) -> Self {
        Self {
            send: Some(message),
            execution: None,
        }
    }
}

/// What is to be done about an execution.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Execution<P> {
    /// Begin it, and pass its result to [`Responder::reply`]. This is returned once for a request.
    /// If the execution is queued before it begins, check [`Responder::is_in_progress`] then.
    Begin {
        /// The request.
        id: RequestId,
        /// How long the result is awaited.
        time_left: Duration,
        /// What is requested.
        payload: P,
    },
    /// Do not begin it, or abort it: its result is no longer awaited. A result that is produced all
    /// the same is dropped.
    Abort {
        /// The request.
        id: RequestId,
    },
}

/// A request whose time ran out while it was in progress. Its result is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "what is to be sent is told once"]
pub struct Expired<R> {
    /// The request, whose execution is not to begin, or is to be aborted.
    pub id: RequestId,
    /// The message to send.
    pub send: ResponderMessage<R>,
}

impl<R> Responder<R> {
    /// Creates a responder for a link that delivers every message once, in sending order.
    ///
    /// Nothing is acknowledged, and ended requests are not remembered.
    pub fn lossless(session: u64, limits: ResponderLimits) -> Self {
        Self::new(session, ResponderLink::Lossless, limits.remembered(0))
    }

    /// Creates a responder for a link that may lose, repeat, delay and reorder messages.
    pub fn lossy(session: u64, limits: ResponderLimits) -> Self
    where
        R: Clone,
    {
        Self::new(session, ResponderLink::Lossy { clone: R::clone }, limits)
    }

    fn new(session: u64, link: ResponderLink<R>, limits: ResponderLimits) -> Self {
        Self {
            session,
            link,
            limits,
            clock: ProtocolClock::default(),
            entries: BTreeMap::new(),
            in_progress: BTreeSet::new(),
            ended: VecDeque::new(),
            floor: 0,
            late_replies: 0,
            foreign_messages: 0,
        }
    }

    /// Handles a message of the requester.
    pub fn handle<P>(&mut self, now: Duration, message: RequesterMessage<P>) -> Received<P, R> {
        let now = self.clock.advance(now);
        let id = message.id();
        if id.session != self.session {
            self.foreign_messages += 1;
            return Received::NOTHING;
        }
        self.forget_old(now);
        match message {
            RequesterMessage::Request {
                id,
                time_left,
                payload,
            } => self.requested(now, id, time_left, payload),
            RequesterMessage::Cancel { id } => self.called_off(now, id),
        }
    }

    /// Records the result of an execution. Returns the message to send, or `None` if the result is
    /// too late: the request has ended meanwhile.
    pub fn reply(
        &mut self,
        now: Duration,
        id: RequestId,
        result: R,
    ) -> Option<ResponderMessage<R>> {
        let now = self.clock.advance(now);
        let Transition::Ends(progress) = self.progress(id).on(Event::Reply) else {
            self.late_replies += 1;
            return None;
        };
        let kept = match self.link {
            ResponderLink::Lossless => None,
            ResponderLink::Lossy { clone } => Some(clone(&result)),
        };
        self.end(now, id.number, progress, kept);
        let payload = result;
        Some(ResponderMessage::Reply { id, payload })
    }

    /// Records that there will be no result, for example because the execution has failed or was
    /// given up. Returns the message to send, or `None` if the request has ended before.
    pub fn cancel(&mut self, now: Duration, id: RequestId) -> Option<ResponderMessage<R>> {
        let now = self.clock.advance(now);
        match self.progress(id).on(Event::Cancel) {
            Transition::Ends(progress) => {
                self.end(now, id.number, progress, None);
                Some(ResponderMessage::Cancelled { id })
            }
            Transition::LateReply | Transition::Late => None,
        }
    }

    /// Returns what the passing of time requires to be done now. Call it until it returns `None`.
    pub fn poll(&mut self, now: Duration) -> Option<Expired<R>> {
        let now = self.clock.advance(now);
        self.forget_old(now);
        let &(until, number) = self.in_progress.first()?;
        if until > now {
            return None;
        }
        self.end(now, number, Progress::TimedOut, None);
        let id = RequestId {
            session: self.session,
            number,
        };
        let send = ResponderMessage::Cancelled { id };
        Some(Expired { id, send })
    }

    /// The time at which [`poll`](Self::poll) is next needed, if only to forget an ended request.
    pub fn next_due(&self) -> Option<Duration> {
        let first = self.in_progress.first().map(|&(until, _)| until);
        let oldest = self.ended.front().map(|&(until, _)| until);
        first.into_iter().chain(oldest).min()
    }

    /// Whether the result is still awaited: whether to begin an execution, or to continue it.
    pub fn is_in_progress(&self, id: RequestId) -> bool {
        !self.progress(id).is_terminal()
    }

    /// The number of requests in progress.
    pub fn in_progress(&self) -> usize {
        self.in_progress.len()
    }

    /// The number of ended requests that are remembered.
    pub fn remembered(&self) -> usize {
        self.ended.len()
    }

    /// The number of results that came for requests that had ended.
    pub fn late_replies(&self) -> u64 {
        self.late_replies
    }

    /// The number of messages for another session, which were dropped.
    pub fn foreign_messages(&self) -> u64 {
        self.foreign_messages
    }

    fn requested<P>(
        &mut self,
        now: Duration,
        id: RequestId,
        time_left: Duration,
        payload: P,
    ) -> Received<P, R> {
        if self.entries.contains_key(&id.number) {
            return self.answer(id).map_or(Received::NOTHING, Received::send);
        }
        if id.number <= self.floor {
            let refusal = Refusal::Forgotten;
            return Received::send(ResponderMessage::Refused { id, refusal });
        }
        if time_left.is_zero() {
            self.end(now, id.number, Progress::TimedOut, None);
            return Received::send(ResponderMessage::Cancelled { id });
        }
        if self.in_progress.len() >= self.limits.in_progress {
            // Remembered, because otherwise a copy that arrives once there is capacity would be
            // executed, although its requester was told that it would not be.
            let refusal = Refusal::Busy;
            self.end(now, id.number, Progress::Failed(refusal), None);
            return Received::send(ResponderMessage::Refused { id, refusal });
        }
        let time_left = time_left.min(self.limits.longest);
        let entry = ResponderEntry {
            progress: Progress::Waiting,
            until: now.saturating_add(time_left),
            reply: None,
        };
        self.in_progress.insert((entry.until, id.number));
        self.entries.insert(id.number, entry);
        Received {
            send: self.answer(id),
            execution: Some(Execution::Begin {
                id,
                time_left,
                payload,
            }),
        }
    }

    fn called_off<P>(&mut self, now: Duration, id: RequestId) -> Received<P, R> {
        let cancelled = ResponderMessage::Cancelled { id };
        match self.entries.get(&id.number).map(|entry| entry.progress) {
            Some(Progress::Waiting) => {
                self.end(now, id.number, Progress::Cancelled, None);
                Received {
                    send: Some(cancelled),
                    execution: Some(Execution::Abort { id }),
                }
            }
            Some(_) => self.answer(id).map_or(Received::NOTHING, Received::send),
            // Over a lossless link the answer is in transit already.
            None if id.number <= self.floor && matches!(self.link, ResponderLink::Lossless) => {
                Received::NOTHING
            }
            None => {
                // The cancel has overtaken its request, which must not be executed when it arrives.
                // A request at or below the floor is not executed anyway.
                if id.number > self.floor {
                    self.end(now, id.number, Progress::Cancelled, None);
                }
                Received::send(cancelled)
            }
        }
    }

    /// The answer to a repeated request or cancel.
    fn answer(&self, id: RequestId) -> Option<ResponderMessage<R>> {
        let ResponderLink::Lossy { clone } = self.link else {
            return None;
        };
        let entry = self.entries.get(&id.number)?;
        Some(match (entry.progress, &entry.reply) {
            (Progress::Waiting, _) => ResponderMessage::Ack { id },
            (Progress::Failed(refusal), _) => ResponderMessage::Refused { id, refusal },
            (Progress::Replied, Some(reply)) => {
                let payload = clone(reply);
                ResponderMessage::Reply { id, payload }
            }
            _ => ResponderMessage::Cancelled { id },
        })
    }

    /// An unknown request is not in progress.
    fn progress(&self, id: RequestId) -> Progress<Refusal> {
        let known = id.session == self.session;
        let entry = self.entries.get(&id.number).filter(|_| known);
        entry.map_or(Progress::Cancelled, |entry| entry.progress)
    }

    /// Ends the request, whether known before or not, and remembers it.
    fn end(&mut self, now: Duration, number: u64, progress: Progress<Refusal>, reply: Option<R>) {
        if let Some(entry) = self.entries.remove(&number) {
            self.in_progress.remove(&(entry.until, number));
        }
        let until = now.saturating_add(self.limits.remember_for);
        let entry = ResponderEntry {
            progress,
            until,
            reply,
        };
        self.entries.insert(number, entry);
        self.ended.push_back((until, number));
        if self.ended.len() > self.limits.remembered {
            self.forget_oldest();
        }
    }

    fn forget_old(&mut self, now: Duration) {
        while self.ended.front().is_some_and(|&(until, _)| until <= now) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, number)) = self.ended.pop_front() {
            self.entries.remove(&number);
            self.floor = self.floor.max(number);
        }
    }

    /// Checks that the parts agree.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let those = |ended| {
            let entries = self.entries.iter();
            let those = entries.filter(move |(_, entry)| entry.progress.is_terminal() == ended);
            those.map(|(&number, entry)| (entry.until, number))
        };
        assert_eq!(those(false).collect::<BTreeSet<_>>(), self.in_progress);
        let ended: BTreeSet<_> = self.ended.iter().copied().collect();
        assert_eq!(those(true).collect::<BTreeSet<_>>(), ended);
        assert_eq!(ended.len(), self.ended.len());
        assert!(self.ended.iter().is_sorted_by_key(|&(until, _)| until));
    }
}
