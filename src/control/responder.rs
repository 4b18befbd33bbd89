//! The side that is asked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::clock::Clock;
use super::message::{Refusal, RequestId, RequesterMessage, ResponderMessage};
use super::progress::{Event, Progress, Transition};

/// The responder's side of a session: the requests that are in progress, and those that have
/// ended not long ago. See the [module](super) for the protocol, and for an example.
///
/// It sends nothing itself, executes nothing, and has no clock: what is to be done is returned, and
/// every call is told the time since some moment that stays the same. That moment is its own; the
/// requester's may be another.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub struct Responder<R> {
    session: u64,
    link: Link<R>,
    limits: ResponderLimits,
    clock: Clock,
    entries: BTreeMap<u64, Entry<R>>,
    /// The entries in progress, by when their time is over.
    in_progress: BTreeSet<(Duration, u64)>,
    /// The entries that have ended, by when they are forgotten: the oldest first.
    ended: VecDeque<(Duration, u64)>,
    /// The highest number that was forgotten. What is not above it, and not among the entries, may
    /// have been executed before.
    floor: u64,
    late_replies: u64,
    strays: u64,
}

/// How the messages travel.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(test, derive(PartialEq, Eq, Hash))]
#[cfg_attr(test, allow(unpredictable_function_pointer_comparisons))]
enum Link<R> {
    Lossless,
    /// Only here a reply is sent more than once. With the function instead of a bound, replies
    /// for lossless links need not be `Clone`.
    Lossy {
        clone: fn(&R) -> R,
    },
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
struct Entry<R> {
    progress: Progress<Refusal>,
    /// When its time is over, or it is forgotten.
    until: Duration,
    /// Where it was replied to.
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
    /// 1024 requests in progress, each for an hour at the most; 4096 remembered for a minute.
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
    /// How many requests may be in progress; another one is refused with [`Refusal::Busy`].
    pub const fn in_progress(self, in_progress: usize) -> Self {
        Self {
            in_progress,
            ..self
        }
    }

    /// After how long a request in progress is cancelled, even if it was given more time.
    pub const fn longest(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// How many requests that have ended are remembered over a lossy link, with their replies.
    ///
    /// As many as a requester may begin in the time that a message travels, or more: with one too
    /// many the oldest is forgotten, and a request older than that, should it arrive only now, is
    /// refused with [`Refusal::Forgotten`].
    pub const fn remembered(self, remembered: usize) -> Self {
        Self { remembered, ..self }
    }

    /// For how long a request that has ended is remembered over a lossy link: as long as its
    /// requester may still ask for it, and what it has sent may still be on its way.
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
    /// To be sent.
    pub send: Option<ResponderMessage<R>>,
    /// To be executed, or not any more.
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
    /// Begin it, and hand its result to [`Responder::reply`]. This is told once for a request. If it
    /// waits before it begins, ask [`Responder::is_in_progress`] then.
    Begin {
        /// Which request.
        id: RequestId,
        /// How long anybody waits for it.
        time_left: Duration,
        /// What is asked for.
        payload: P,
    },
    /// Do not begin it, or stop it: nobody waits for it any more. A result that comes all the same
    /// is dropped.
    Abort {
        /// Which request.
        id: RequestId,
    },
}

/// A request whose time was over while it was in progress. What comes of it is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "what is to be sent is told once"]
pub struct Expired<R> {
    /// Which request is not to begin, or to be stopped.
    pub id: RequestId,
    /// To be sent.
    pub send: ResponderMessage<R>,
}

impl<R> Responder<R> {
    /// For a link that delivers every message once, and in the order of sending.
    ///
    /// Nothing is acknowledged, and what has ended is not remembered.
    pub fn lossless(session: u64, limits: ResponderLimits) -> Self {
        Self::new(session, Link::Lossless, limits.remembered(0))
    }

    /// For a link that may lose, repeat, delay and reorder messages.
    pub fn lossy(session: u64, limits: ResponderLimits) -> Self
    where
        R: Clone,
    {
        Self::new(session, Link::Lossy { clone: R::clone }, limits)
    }

    fn new(session: u64, link: Link<R>, limits: ResponderLimits) -> Self {
        Self {
            session,
            link,
            limits,
            clock: Clock::default(),
            entries: BTreeMap::new(),
            in_progress: BTreeSet::new(),
            ended: VecDeque::new(),
            floor: 0,
            late_replies: 0,
            strays: 0,
        }
    }

    /// Takes a message of the requester.
    pub fn handle<P>(&mut self, now: Duration, message: RequesterMessage<P>) -> Received<P, R> {
        let now = self.clock.advance(now);
        let id = message.id();
        if id.session != self.session {
            self.strays += 1;
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

    /// An execution has a result. Answers what is to be sent, or `None` where it comes too late: the
    /// request has ended meanwhile.
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
            Link::Lossless => None,
            Link::Lossy { clone } => Some(clone(&result)),
        };
        self.end(now, id.number, progress, kept);
        let payload = result;
        Some(ResponderMessage::Reply { id, payload })
    }

    /// There will be no result: its execution has failed, say, or is given up. Answers what is to
    /// be sent, or `None` where the request has ended before.
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

    /// What is to be done now, as time has passed. Call it until it answers `None`.
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

    /// When [`poll`](Self::poll) has something to do next, if only to forget what has ended.
    pub fn next_due(&self) -> Option<Duration> {
        let first = self.in_progress.first().map(|&(until, _)| until);
        let oldest = self.ended.front().map(|&(until, _)| until);
        first.into_iter().chain(oldest).min()
    }

    /// Whether anybody waits for the result: whether to begin with it, or to go on.
    pub fn is_in_progress(&self, id: RequestId) -> bool {
        !self.progress(id).is_terminal()
    }

    /// How many requests are in progress.
    pub fn in_progress(&self) -> usize {
        self.in_progress.len()
    }

    /// How many requests are remembered that have ended.
    pub fn remembered(&self) -> usize {
        self.ended.len()
    }

    /// How many results came for requests that had ended.
    pub fn late_replies(&self) -> u64 {
        self.late_replies
    }

    /// How many messages came for another session, and were dropped.
    pub fn strays(&self) -> u64 {
        self.strays
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
            // Remembered, or a copy of it which comes when there is room would be executed, though
            // its requester has been told that it is not.
            let refusal = Refusal::Busy;
            self.end(now, id.number, Progress::Failed(refusal), None);
            return Received::send(ResponderMessage::Refused { id, refusal });
        }
        let time_left = time_left.min(self.limits.longest);
        let entry = Entry {
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
            // Over a lossless link the answer is on its way already.
            None if id.number <= self.floor && matches!(self.link, Link::Lossless) => {
                Received::NOTHING
            }
            None => {
                // It has overtaken its request, which is not to be executed when it comes. One
                // below the floor is not executed anyway.
                if id.number > self.floor {
                    self.end(now, id.number, Progress::Cancelled, None);
                }
                Received::send(cancelled)
            }
        }
    }

    /// What a requester is told that asks, or calls off, again.
    fn answer(&self, id: RequestId) -> Option<ResponderMessage<R>> {
        let Link::Lossy { clone } = self.link else {
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

    /// What is not known is not in progress.
    fn progress(&self, id: RequestId) -> Progress<Refusal> {
        let known = id.session == self.session;
        let entry = self.entries.get(&id.number).filter(|_| known);
        entry.map_or(Progress::Cancelled, |entry| entry.progress)
    }

    /// The request ends, known before or not, and is remembered.
    fn end(&mut self, now: Duration, number: u64, progress: Progress<Refusal>, reply: Option<R>) {
        if let Some(entry) = self.entries.remove(&number) {
            self.in_progress.remove(&(entry.until, number));
        }
        let until = now.saturating_add(self.limits.remember_for);
        let entry = Entry {
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

    /// Whether its parts agree.
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
