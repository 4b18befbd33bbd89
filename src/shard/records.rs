//! What a worker records of its actors beside their slots, and the traits by which this room and those above
//! know an actor's recipe, its store, a task's closure and an action at an end.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::num::NonZeroU64;
use std::rc::Rc;
use std::sync::Arc;

use super::body::NewBody;
use super::state::Shard;
use crate::address::{ActorId, Envelope, Key, MessageId, MessageType};
use crate::failure::{
    BoxError, Cause, DeadLetterReason, Failure, TaskError, TerminationReason, WaitEnd,
};
use crate::fiber::FiberId;
use crate::memory::OrderedMap;
use crate::observe::Numbers;
use crate::supervision::{History, Signal, SupervisorStrategy};
use crate::time::TimerId;

/// One of the messages in an actor's store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnMessage {
    /// The message of a timer that is due.
    Timer(u32),
    /// The oldest message that came out of the stash.
    Stashed,
}

/// The store of an actor, whatever the type of its messages.
pub(crate) trait Store {
    fn as_any(&mut self) -> &mut dyn Any;

    /// Notes that a timer is due.
    fn ring(&mut self, timer: u32);

    /// Returns the message to be handled next, with its envelope. For a timer, it is the envelope of the
    /// message under which the timer was started, and the timer is removed from the list of due timers.
    fn next(&mut self) -> Option<(OwnMessage, Envelope)>;

    /// Notes that the message of a timer has been handled. Intervals that count from there begin.
    fn handled(&mut self, shard: &Shard, actor: Key, timer: u32);

    /// Takes a message out, to be dropped; `None` if the message would first have to be made.
    fn discard(&mut self, shard: &Shard, actor: Key, kept: OwnMessage) -> Option<Box<dyn Any>>;

    /// Notes that the answer to a question, which may be in the stash, is no longer awaited.
    fn withdraw(&mut self, question: MessageId, reason: DeadLetterReason);

    /// Returns the number of active timers, and of messages in the stash.
    fn sizes(&self) -> (usize, usize);

    /// Returns why a message that comes out of the stash must not be handled, if it must not.
    fn screen(&mut self, message: MessageId) -> Option<DeadLetterReason>;

    /// Ends all timers. The messages in the stash are handled before the mail. Returns `None` if the
    /// stash is empty.
    fn rest(self: Box<Self>, shard: &Shard) -> Option<Box<dyn Store>>;

    /// Ends all timers. The messages in the stash are lost for that reason.
    fn end(self: Box<Self>, shard: &Shard, actor: Key, reason: DeadLetterReason);
}

/// How an actor is built, for any message type.
pub(crate) trait Recipe: Send + Sync {
    /// Whether it builds more than one instance.
    fn serves_again(&self) -> bool;

    /// Runs the factory and its setups. `None` means that the actor is to stop at once.
    ///
    /// # Errors
    ///
    /// The error of a setup.
    ///
    /// # Panics
    ///
    /// If it does not [serve again](Self::serves_again).
    fn build(&self, shard: &Shard, key: Key) -> Result<Option<NewBody>, BoxError>;

    /// How the actor supervises its children.
    fn strategy(&self) -> &SupervisorStrategy;
}

/// Why an actor is to handle nothing more, with the failure that caused it, if there is one.
pub(crate) struct CutShort(
    pub(crate) TerminationReason,
    pub(crate) Option<Arc<Failure>>,
);

/// An action for when an actor has ended and its name is free.
pub(crate) trait AtEnd {
    fn ended(self: Box<Self>, shard: &Shard);

    /// Whether the action is still wanted.
    fn is_wanted(&self) -> bool {
        true
    }
}

/// A strategy around the actor's own behaviour, with its history.
pub(crate) struct Own {
    pub(crate) strategy: SupervisorStrategy,
    pub(crate) history: History,
}

/// A decision about an actor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decided {
    Resume,
    /// Restart it, after that many nanoseconds.
    Restart {
        after: u64,
    },
    Stop,
}

/// What the system wants of one actor, and has recorded of it. Made when it is first needed.
#[derive(Default)]
pub(crate) struct System {
    pub(crate) signals: Signals,
    pub(crate) child_failures: VecDeque<Arc<Failure>>,
    /// Failures of its tasks, which are its own.
    pub(crate) task_failures: VecDeque<Arc<Failure>>,
    pub(crate) decided: Option<(Decided, Arc<Failure>)>,
    /// What its parent, on another worker, has decided about its own failure.
    pub(crate) answer: Option<(Decided, Arc<Failure>)>,
    /// Whether it was suspended.
    pub(crate) suspended: bool,
    /// Why it handles nothing more and ends, whatever mail it has, if so.
    pub(crate) cut_short: Option<TerminationReason>,
    /// Why its parent has it stop, if that is more than a stop.
    pub(crate) inherited: Option<TerminationReason>,
    /// The failure because of which it ends: its own, or that of an actor above or beside it.
    pub(crate) ended_by: Option<Arc<Failure>>,
    /// Whether it did not start, and ends when its children have.
    pub(crate) start_failed: bool,
    /// Whether it rests because its failure is its parent's now.
    pub(crate) escalated: bool,
    pub(crate) restarting: Option<Arc<Failure>>,
    /// How often it was restarted.
    pub(crate) restarts: u64,
    /// Whether it is to passivate.
    pub(crate) passivation_wanted: bool,
    pub(crate) passive: Option<Passive>,
    /// Whether its factory is running again.
    pub(crate) building_again: bool,
    /// Whether that has failed, so that there is no instance.
    pub(crate) unbuilt: bool,
    /// The wait that ends when it may start again.
    pub(crate) backoff: Option<Key>,
    /// The strategies around its own behaviour, the outermost first.
    pub(crate) own: Vec<Own>,
    /// The history of its own failures, for a strategy that counts each child alone.
    pub(crate) history: History,
    /// The history of its children's failures, for a strategy that counts all of them together.
    pub(crate) children: History,
    /// The actors that are to be told of its end, in that order.
    pub(crate) watchers: OrderedMap<ActorId, ()>,
    pub(crate) watching: Watching,
    pub(crate) receive_timeout: Option<ReceiveTimeout>,
    /// The messages of its timers, and those in its stash.
    pub(crate) store: Option<Box<dyn Store>>,
}

/// The progress of a passivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passive {
    /// Its children and tasks are ending; then the instance is told.
    Leaving,
    /// The instance was told, and has begun something, which has to end too.
    Told,
    /// The actor has no instance.
    Asleep,
}

/// The time that an actor may be without a message before it is told.
pub(crate) struct ReceiveTimeout {
    pub(crate) slot: u32,
    pub(crate) after: u64,
    /// The start of the current time without a message.
    pub(crate) since: u64,
    /// Due when that time may be over; `None` once it is.
    pub(crate) alarm: Option<TimerId>,
}

/// The actors that an actor watches, until it is told of their end.
#[derive(Default)]
pub(crate) struct Watching(pub(crate) OrderedMap<ActorId, Option<SignalNumber>>);

/// The signals that the actor is to be told, in that order.
#[derive(Default)]
pub(crate) struct Signals {
    pub(crate) waiting: BTreeMap<SignalNumber, Signal>,
    last: u64,
}

/// The number of a waiting signal, among those of its actor.
type SignalNumber = NonZeroU64;

impl Signals {
    /// Adds a signal behind all others.
    pub(crate) fn push(&mut self, signal: Signal) -> SignalNumber {
        self.last += 1;
        let number = NonZeroU64::new(self.last).expect("it was counted up");
        self.waiting.insert(number, signal);
        number
    }
}

/// What a worker knows of families that it shares with other workers.
#[derive(Default)]
pub(crate) struct Elsewhere {
    /// The slot that is the local parent of actors whose parent is elsewhere, if there are any.
    pub(crate) outpost: Cell<Option<u32>>,
    /// The stand-ins of this worker, by the actors for which they stand.
    pub(crate) stand_ins: RefCell<HashMap<ActorId, Key>>,
}

/// The role of a slot that is not just an actor with its parent on its own worker.
pub(crate) enum Role {
    /// A task, which is no actor.
    Task(TaskRecord),
    /// No actor either: a stand-in for a child on another worker.
    StandIn(StandIn),
    /// An actor whose parent is on another worker.
    Supervised(Supervised),
}

/// The record of a stand-in.
#[derive(Default)]
pub(crate) struct StandIn {
    /// The child for which it stands, once that begins to start.
    pub(crate) actor: Option<ActorId>,
    /// Failures of the child that are not decided yet.
    pub(crate) failures: VecDeque<Arc<Failure>>,
    /// How the child is to end, if that was ordered before the child was known.
    pub(crate) ends: Option<ToChild>,
    /// Whether nothing is left of the child.
    pub(crate) ended: bool,
}

/// The record of an actor whose parent is elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct Supervised {
    /// Its stand-in among the parent's children.
    pub(crate) stand_in: ActorId,
    /// The kind of the parent's messages.
    pub(crate) parent_mail: &'static MessageType,
}

impl Supervised {
    /// Its stand-in among the parent's children.
    pub(crate) fn stand_in(self) -> ActorId {
        self.stand_in
    }

    /// The kind of the parent's messages.
    pub(crate) fn parent_mail(self) -> &'static MessageType {
        self.parent_mail
    }
}

/// A message from a stand-in to its child.
pub(crate) enum ToChild {
    /// A decision about it, because of that failure: its own or a sibling's.
    Decided(Decided, Arc<Failure>),
    /// Its parent, which had failed with it, is resumed.
    Resume(Arc<Failure>),
    /// Stop, as its parent ends for that reason, and because of that failure.
    Stop(TerminationReason, Option<Arc<Failure>>),
    /// End without handling anything more.
    CutShort(CutShort),
}

/// The record of a task.
pub(crate) struct TaskRecord {
    /// The work, until it begins.
    pub(crate) job: Option<Box<dyn TaskJob>>,
    /// The message during which it was spawned.
    pub(crate) envelope: Envelope,
    /// The observers that are told of what it sends.
    pub(crate) told_of_sends: Numbers,
    /// The span in which it was begun.
    #[cfg(feature = "tracing")]
    pub(crate) span: Option<tracing::Span>,
    /// Why it cannot begin, if there is no stack for it.
    pub(crate) no_stack: Option<String>,
    /// The fiber on which it has begun, and the latest wait there.
    pub(crate) fiber: Option<(FiberId, Rc<Cell<Key>>)>,
    /// How the replies that it holds end, if it was cancelled.
    pub(crate) cancelled: Option<WaitEnd>,
}

/// A task, with its types erased.
pub(crate) trait TaskJob {
    /// Runs it, on the fiber that is to be its own.
    fn run(self: Box<Self>, shard: &Shard, task: Key) -> JobEnd;

    /// Drops a task that has not begun.
    fn refuse(self: Box<Self>, shard: &Shard, why: TaskError, end: WaitEnd) -> JobEnd;
}

/// What remains to be reported of a task that has ended.
pub(crate) enum JobEnd {
    /// Nothing.
    Quiet,
    /// It failed, and no code that would handle this was told.
    Failed(Cause),
    /// It failed, and that is not its actor's failure.
    Noted(Cause),
}

/// The questions withdrawn from one actor.
#[derive(Default)]
pub(crate) struct Withdrawn {
    pub(crate) reasons: HashMap<MessageId, DeadLetterReason>,
    /// Each with the number of messages after which it is no longer in the mailbox.
    pub(crate) until: VecDeque<(u64, MessageId)>,
    /// Messages that have left the mailbox since.
    taken: u64,
}

impl Withdrawn {
    pub(crate) fn add(&mut self, question: MessageId, reason: DeadLetterReason, waiting: usize) {
        self.until
            .push_back((self.taken + waiting as u64, question));
        self.reasons.insert(question, reason);
    }

    /// Notes that a message leaves the mailbox. Returns why it is not to be handled, if it is not.
    pub(crate) fn take(&mut self, message: MessageId) -> Option<DeadLetterReason> {
        let reason = self.reasons.remove(&message);
        self.taken += 1;
        while let Some((until, gone)) = self.until.front()
            && *until <= self.taken
        {
            self.reasons.remove(gone);
            self.until.pop_front();
        }
        reason
    }
}

impl System {
    /// Whether it is passive, and would wake up for a message.
    pub(super) fn is_asleep(&self) -> bool {
        self.passive == Some(Passive::Asleep)
            && !(self.suspended || self.escalated)
            && self.cut_short.is_none()
            && self.restarting.is_none()
            && self.decided.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s5_4_word_of_a_question_is_kept_no_longer_than_the_mail_of_that_time() {
        let id = |number| MessageId::start_of_worker(0).plus(number);
        let mut withdrawn = Withdrawn::default();
        withdrawn.add(id(2), DeadLetterReason::Cancelled, 3);
        withdrawn.add(id(9), DeadLetterReason::Expired, 3); // being handled: not among the three
        assert_eq!(withdrawn.take(id(1)), None);
        assert_eq!(withdrawn.take(id(2)), Some(DeadLetterReason::Cancelled));
        assert!(!withdrawn.until.is_empty());
        assert_eq!(withdrawn.take(id(3)), None);
        assert!(withdrawn.until.is_empty() && withdrawn.reasons.is_empty());
    }
}
