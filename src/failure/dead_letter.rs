//! Dead letters: messages that were sent and will not be handled, counted and published.

use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::unwind::{catch_user, drop_quietly};
use super::wait_end::WaitEnd;
use crate::address::{ActorId, ActorPath, Envelope};

/// Declares the reasons, their list and their texts from one table, so that none can lack one of them.
macro_rules! reasons {
    ($($(#[$doc:meta])+ $reason:ident: $text:literal,)+) => {
        /// Why a message became a dead letter.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum DeadLetterReason {
            $($(#[$doc])+ $reason,)+
        }

        impl DeadLetterReason {
            /// All reasons, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$reason),+];
        }

        impl fmt::Display for DeadLetterReason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$reason => $text,)+
                })
            }
        }
    };
}

reasons! {
    /// The actor had stopped, or was stopping, when the message came.
    Stopped: "its actor had stopped",
    /// The actor stopped, after a failure of its own or of its parent's, with the message in its mailbox
    /// or its stash.
    Failed: "its actor failed before handling it",
    /// The actor was restarted with the message in its stash.
    Restarted: "its actor was restarted with it in its stash",
    /// The handler returned [`Next::Unhandled`](crate::Next::Unhandled).
    Unhandled: "its actor did not handle it",
    /// A shutdown reached its deadline with the message in the mailbox.
    Forced: "a shutdown's deadline passed before it was handled",
    /// The pool had ended.
    PoolClosed: "its pool had ended",
    /// The mailbox was full, and its policy is to refuse further messages.
    Full: "its actor's mailbox was full",
    /// The mailbox was full, and its policy is to drop the newest message.
    DroppedNewest: "its actor's full mailbox drops the newest",
    /// The mailbox was full, and dropped the message to make room for a later one.
    DroppedOldest: "its actor's full mailbox drops the oldest",
    /// The asker had given up waiting for the answer when the question's turn came.
    Cancelled: "its answer was no longer awaited",
    /// The time for the answer was over when the question's turn came.
    Expired: "the deadline of its answer had passed",
}

/// The record of a lost message. The message itself has been dropped.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The actor it was sent to.
    pub target: ActorId,
    /// The type of the message.
    pub message_type: &'static str,
    /// Why it was not handled.
    pub reason: DeadLetterReason,
    /// Its ids, and its sender.
    pub envelope: Envelope,
}

impl DeadLetter {
    /// Returns the path of the actor that it was sent to, if it is known on this thread at this time. A
    /// subscriber finds it wherever the message was lost; for a stored letter it is known for a while.
    /// See [`ActorId::path`].
    // Looked up on demand: when many messages are lost at once, the path may not be needed at all.
    pub fn path(&self) -> Option<ActorPath> {
        self.target.path()
    }
}

/// Displays what was lost, its target, its sender, and why it was lost.
impl fmt::Display for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} to ", self.message_type)?;
        match self.path() {
            Some(path) => write!(f, "{path}")?,
            None => write!(f, "the actor {}", self.target)?,
        }
        if let Some(sender) = self.envelope.sender() {
            match sender.path() {
                Some(path) => write!(f, ", sent by {path},")?,
                None => write!(f, ", sent by the actor {sender},")?,
            }
        }
        write!(f, " was lost: {}", self.reason)
    }
}

/// The number of recent dead letters that are kept.
const KEPT: usize = 256;

type Subscriber = Arc<dyn Fn(&DeadLetter) + Send + Sync>;

/// The dead letters of one pool.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::DeadLetterReason;
/// use std::time::Duration;
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let mute = pool.spawn("mute", Props::new(|| {
///     Behavior::receive(|_ctx, _question: u32| Next::Unhandled)
/// }))?;
/// mute.tell(42);
/// pool.shutdown(Duration::from_secs(5))?;
///
/// let letters = pool.dead_letters();
/// assert_eq!(letters.count(DeadLetterReason::Unhandled), 1);
/// let letter = &letters.recent()[0];
/// assert_eq!(letter.message_type, "u32");
/// assert_eq!(letter.to_string(), "a u32 to /user/mute was lost: its actor did not handle it");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct DeadLetters {
    counts: [AtomicU64; DeadLetterReason::ALL.len()],
    recent: Mutex<VecDeque<DeadLetter>>,
    /// By number, in the order of subscription.
    subscribers: Mutex<BTreeMap<u64, Subscriber>>,
    next_subscriber: AtomicU64,
}

impl DeadLetters {
    /// Returns the number of all messages lost so far. Never decreases.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Relaxed)).sum()
    }

    /// Returns the number of messages lost for this reason so far. Never decreases.
    pub fn count(&self, reason: DeadLetterReason) -> u64 {
        self.counts[reason as usize].load(Relaxed)
    }

    /// Returns the most recent dead letters, oldest first: up to 256.
    pub fn recent(&self) -> Vec<DeadLetter> {
        self.recent.lock().iter().cloned().collect()
    }

    /// Calls `subscriber` with each dead letter from now on, on the thread that recorded it, until the
    /// returned subscription is dropped. Keep it short: a worker may be waiting.
    ///
    /// Messages that the subscriber itself loses are counted, but reported to no subscriber. A panic of a
    /// subscriber ends with that call.
    pub fn subscribe(
        self: &Arc<Self>,
        subscriber: impl Fn(&DeadLetter) + Send + Sync + 'static,
    ) -> Subscription {
        let number = self.next_subscriber.fetch_add(1, Relaxed);
        let subscriber = Arc::new(subscriber);
        self.subscribers.lock().insert(number, subscriber);
        Subscription {
            letters: Arc::clone(self),
            number,
        }
    }

    #[cold]
    pub(crate) fn record(&self, letter: DeadLetter, as_subscriber: fn(&mut dyn FnMut())) {
        self.counts[letter.reason as usize].fetch_add(1, Relaxed);
        // Messages that subscribers lose are counted, but not reported again: two workers could keep each
        // other busy with them for ever.
        let told: Vec<Subscriber> = self.subscribers.lock().values().map(Arc::clone).collect();
        if !told.is_empty() && letter.envelope.sender != ActorId::SUBSCRIBER {
            let mut told = told.into_iter();
            as_subscriber(&mut || {
                for subscriber in told.by_ref() {
                    // The panic hook has reported a subscriber's panic; there is no one else to report it
                    // to.
                    let _ = catch_user(|| subscriber(&letter));
                    let _ = drop_quietly(subscriber);
                }
            });
        }
        let mut recent = self.recent.lock();
        if recent.len() == KEPT {
            recent.pop_front();
        }
        recent.push_back(letter);
    }
}

impl Drop for DeadLetters {
    fn drop(&mut self) {
        for (_, subscriber) in std::mem::take(self.subscribers.get_mut()) {
            let _ = drop_quietly(subscriber);
        }
    }
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = DeadLetterReason::ALL.iter();
        let counts = counts.map(|&reason| (reason, self.count(reason)));
        f.debug_map().entries(counts).finish()
    }
}

/// A subscription to dead letters, which ends when it is dropped.
#[must_use = "the subscription ends when this is dropped"]
pub struct Subscription {
    letters: Arc<DeadLetters>,
    number: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let ended = self.letters.subscribers.lock().remove(&self.number);
        // Dropped outside the lock: what a subscriber has captured may come back here.
        drop(ended);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

impl From<DeadLetterReason> for WaitEnd {
    fn from(reason: DeadLetterReason) -> Self {
        match reason {
            DeadLetterReason::Unhandled => Self::NoReply,
            DeadLetterReason::Cancelled | DeadLetterReason::Expired => Self::NoReply,
            DeadLetterReason::Stopped | DeadLetterReason::Forced => Self::Stopped,
            DeadLetterReason::Failed | DeadLetterReason::Restarted => Self::Failed,
            DeadLetterReason::PoolClosed => Self::PoolClosed,
            DeadLetterReason::Full
            | DeadLetterReason::DroppedNewest
            | DeadLetterReason::DroppedOldest => Self::NoRoom,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{DropMarks, TELLING};

    /// As the room of the shard calls subscribers on a thread that is no worker.
    fn as_subscriber(tell: &mut dyn FnMut()) {
        let outer = DropMarks::current();
        outer.with(TELLING).put_back();
        tell();
        outer.put_back();
    }

    fn letter(reason: DeadLetterReason) -> DeadLetter {
        let envelope = Envelope::NONE;
        DeadLetter {
            target: ActorId::NOBODY,
            message_type: "u8",
            reason,
            envelope,
        }
    }

    #[test]
    fn s7_1_counts_by_reason_and_keeps_the_last_ones() {
        let letters = DeadLetters::default();
        for _ in 0..KEPT {
            letters.record(letter(DeadLetterReason::Stopped), as_subscriber);
        }
        letters.record(letter(DeadLetterReason::Unhandled), as_subscriber);
        assert_eq!(letters.total(), KEPT as u64 + 1);
        assert_eq!(letters.count(DeadLetterReason::Stopped), KEPT as u64);
        assert_eq!(letters.count(DeadLetterReason::Unhandled), 1);
        let recent = letters.recent();
        assert_eq!(recent.len(), KEPT, "the ring is bounded");
        assert_eq!(recent.last().unwrap().reason, DeadLetterReason::Unhandled);
    }

    #[test]
    fn s7_1_subscribers_hear_of_each_until_they_leave() {
        let letters = Arc::new(DeadLetters::default());
        let heard = Arc::new(AtomicU64::new(0));
        let counting = Arc::clone(&heard);
        let subscription = letters.subscribe(move |_| {
            counting.fetch_add(1, Relaxed);
        });
        letters.record(letter(DeadLetterReason::Stopped), as_subscriber);
        letters.record(letter(DeadLetterReason::Stopped), as_subscriber);
        drop(subscription);
        letters.record(letter(DeadLetterReason::Stopped), as_subscriber);
        assert_eq!(heard.load(Relaxed), 2);
    }

    #[test]
    fn s7_1_a_subscriber_that_panics_or_loses_messages_disturbs_nobody() {
        let letters = Arc::new(DeadLetters::default());
        let again = Arc::clone(&letters);
        let loser = letters.subscribe(move |_| {
            let mut lost = letter(DeadLetterReason::Stopped);
            lost.envelope.sender = crate::failure::drop_marks::outside_sender();
            again.record(lost, as_subscriber);
        });
        let _panicking = letters.subscribe(|_| panic!("planned"));
        letters.record(letter(DeadLetterReason::Unhandled), as_subscriber);
        assert_eq!(letters.total(), 2);
        drop(loser);
    }
}
