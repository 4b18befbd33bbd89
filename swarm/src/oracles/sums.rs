//! Sums: every message sent is handled, lost or left, and messages say where they come from.

use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::SeqCst;

use super::asks::LateAnswers;
use super::{Check, ensure};

/// What a message's envelope says, besides what its sender says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The actor that sent it; `None` for a thread outside.
    pub sender: Option<nexus_actors::address::ActorId>,
    /// Whether it was a task instead, whose id is not known.
    pub by_task: bool,
    /// The message that the sending handler was handling.
    pub cause: Option<nexus_actors::address::MessageId>,
    /// The first message of the chain.
    pub chain: Option<nexus_actors::address::MessageId>,
}

impl Origin {
    /// Checks that the envelope says the same.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub fn check(&self, envelope: &nexus_actors::address::Envelope) -> Check {
        let chain = self.chain.unwrap_or(envelope.message_id());
        let by = match self.by_task {
            true => envelope.sender().is_some(),
            false => envelope.sender() == self.sender,
        };
        let same =
            by && envelope.causation_id() == self.cause && envelope.correlation_id() == chain;
        ensure(same, || {
            format!("sent as {self:?}, it came as {envelope:?}")
        })
    }
}

/// The ids of the messages of a run: no two are equal.
#[derive(Debug, Default)]
pub struct Ids(Mutex<HashSet<u64>>);

impl Ids {
    /// Records that a message with that id is handled.
    ///
    /// # Errors
    ///
    /// If another one had it.
    pub fn is_new(&self, id: u64) -> Check {
        let new = self.0.lock().insert(id);
        ensure(new, || format!("the id {id:x} has come twice"))
    }
}

/// The result of a run, by the counts of the pool and by those of the swarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Messages sent, by the pool's count.
    pub sent: u64,
    /// Messages handled, by the pool's count.
    pub handled: u64,
    /// Messages lost.
    pub dead_letters: u64,
    /// Messages waiting in mailboxes.
    pub queued: u64,
    /// Of the messages lost, those that were left unhandled.
    pub unhandled: u64,
    /// Those lost to the deadline of a shutdown.
    pub forced: u64,
    /// Those sent to a pool that had ended.
    pub too_late: u64,
    /// Those lost to an actor's failure.
    pub failed: u64,
    /// Late replies, by the pool's count.
    pub late_replies: u64,
    /// Messages sent, by the swarm's count.
    pub own_sent: u64,
    /// Messages handled, by the swarm's count.
    pub own_handled: u64,
    /// Messages left unhandled, by the swarm's count.
    pub own_unhandled: u64,
    /// Messages sent to topics, groups and routers.
    pub helpers_sent: u64,
    /// Those of them that were lost, and among these the ones left unhandled, if that is known.
    pub helpers_lost: Option<(u64, u64)>,
    /// Messages that routers may have forwarded, and that never arrived.
    pub lost_on_the_way: u64,
}

impl Sums {
    /// Checks that every message sent was handled or lost, and that none is waiting.
    ///
    /// # Errors
    ///
    /// If that is not so.
    pub fn check(&self) -> Check {
        let Self {
            sent,
            handled,
            dead_letters,
            queued,
            own_sent,
            own_handled,
            unhandled,
            own_unhandled,
            ..
        } = *self;
        ensure(sent == handled + dead_letters + queued, || {
            format!("messages are not accounted for: {self:?}")
        })?;
        ensure(queued == 0, || format!("messages are left: {self:?}"))?;
        let (sent, handled) = (sent.checked_sub(own_sent), handled.checked_sub(own_handled));
        let unhandled = unhandled.checked_sub(own_unhandled);
        let least = self.helpers_lost.map(|(lost, _)| self.helpers_sent - lost);
        let same = sent.is_some_and(|sent| sent <= self.lost_on_the_way)
            && handled.is_some_and(|handled| {
                handled <= self.helpers_sent && least.is_none_or(|least| handled == least)
            })
            && unhandled.is_some_and(|left| match self.helpers_lost {
                Some((_, unhandled)) => left == unhandled,
                None => left <= self.helpers_sent,
            });
        ensure(same, || {
            format!("the pool counts otherwise than its actors: {self:?}")
        })
    }

    /// Checks that messages are lost for existing reasons only.
    ///
    /// # Errors
    ///
    /// If one is lost to a failure although none was planned, or to an end that had not come.
    pub fn check_reasons(&self, any_failed: bool, any_late: bool, any_forced: bool) -> Check {
        let reasons = [
            (self.failed, any_failed),
            (self.too_late, any_late),
            (self.forced, any_forced),
        ];
        let there = reasons.iter().all(|(lost, there)| *lost == 0 || *there);
        ensure(there, || {
            format!("messages are lost for no reason: {self:?}")
        })
    }

    /// Checks that the number of late replies is possible.
    ///
    /// # Errors
    ///
    /// If there were more; or fewer, if all are certain to have arrived. `others` may have been
    /// late besides: answers of the runtime itself.
    pub fn check_late(&self, late: LateAnswers, others: u64, all_arrived: bool) -> Check {
        let most = late.certain + late.possible + others;
        ensure(self.late_replies <= most, || {
            format!("more replies came late than can have: {self:?}, {late:?}")
        })?;
        ensure(!all_arrived || self.late_replies >= late.certain, || {
            format!("replies came late and were not counted: {self:?}, {late:?}")
        })
    }
}

/// A count of existing things. At the end there are none.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<AtomicI64>);

/// One of the things.
#[derive(Debug)]
pub struct Counted(Tally);

impl Tally {
    /// Counts one more.
    pub fn one_more(&self) -> Counted {
        self.0.fetch_add(1, SeqCst);
        Counted(self.clone())
    }

    /// The number of things that exist.
    pub fn count(&self) -> i64 {
        self.0.load(SeqCst)
    }

    /// Checks that none is left.
    ///
    /// # Errors
    ///
    /// If some are.
    pub fn is_empty(&self, of_what: &str) -> Check {
        let left = self.count();
        ensure(left == 0, || format!("{left} {of_what} are left"))
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.one_more()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, SeqCst);
    }
}
