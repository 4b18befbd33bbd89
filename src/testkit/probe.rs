//! A probe: an actor that keeps what it is sent, for a test to look at.

use parking_lot::Mutex;
use std::any::type_name;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::ProbeError;
use super::termination::{expect_terminated, try_expect_terminated};
use super::watched::{Vain, Watched};
use crate::actor::{ActorPath, ActorRef, Behavior, Props, SpawnError};
use crate::pool::WorkerNode;

/// An actor that keeps what it is sent, for a test to look at.
///
/// Messages wait in the probe until they are taken out, in the order in which they came. An
/// expectation that is not met takes nothing, so a message that comes too late for one is there for
/// the next.
///
/// The methods that wait do so as [`Ask::wait`](crate::Ask::wait) does: a thread outside parks, and
/// its time is the real one; a handler is suspended; the thread of a simulation drives it, in
/// simulated time. A time of zero looks at what is there, and neither waits nor drives.
///
/// Clones are the same probe. It may be used from any thread, and lives until it is stopped, as any
/// actor: it does not stop when this value is dropped.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::testkit::Probe;
/// use std::time::Duration;
///
/// const SOON: Duration = Duration::from_secs(5);
///
/// enum Stock { Take(u32, Reply<bool>), Close }
///
/// let pool = WorkerPool::builder().workers(2).start()?;
/// let stock = Probe::new(&pool.node(), "stock")?;
///
/// // What a shop asks of its stock, and what it does with the answer.
/// let actor = stock.actor_ref();
/// let shop = pool.spawn("shop", Props::new(move || Behavior::receive(move |_ctx, pieces| {
///     if !actor.ask(|reply| Stock::Take(pieces, reply), SOON).wait()? {
///         actor.tell(Stock::Close);
///     }
///     Ok(())
/// })))?;
/// shop.tell(3);
///
/// // The test answers in place of the stock.
/// let Stock::Take(3, reply) = stock.expect(SOON) else { panic!("three pieces were asked for") };
/// reply.send(false);
/// assert!(matches!(stock.expect(SOON), Stock::Close));
/// pool.shutdown(SOON)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Probe<M> {
    actor: ActorRef<M>,
    inbox: Watched<Inbox<M>>,
}

struct Inbox<M> {
    messages: VecDeque<M>,
    /// How many messages were ever taken out.
    taken: u64,
    path: ActorPath,
    ended: bool,
}

/// Notes the end of a probe however it comes about.
struct NoteEnd<M>(Watched<Inbox<M>>);

impl<M> Drop for NoteEnd<M> {
    fn drop(&mut self) {
        self.0.change(|inbox| inbox.ended = true);
    }
}

impl<M: Send + 'static> Probe<M> {
    /// Starts a probe, `/user/<name>`, on the worker that the ring names. Unlike what
    /// [`WorkerNode::spawn`] starts while a pool is configured, it is its caller's alone.
    ///
    /// # Errors
    ///
    /// As for [`WorkerPool::spawn`](crate::WorkerPool::spawn).
    pub fn new(node: &WorkerNode, name: &str) -> Result<Self, SpawnError> {
        Self::on(node, node.owner(name), name)
    }

    /// Starts a probe on a given worker.
    ///
    /// # Errors
    ///
    /// As for [`WorkerPool::spawn_on`](crate::WorkerPool::spawn_on).
    pub fn on(node: &WorkerNode, worker: usize, name: &str) -> Result<Self, SpawnError> {
        Self::start(node, worker, Some(name), Some)
    }

    /// Starts a probe under a generated name, on the node's own worker.
    ///
    /// # Errors
    ///
    /// As for [`WorkerPool::spawn_anonymous`](crate::WorkerPool::spawn_anonymous).
    pub fn anonymous(node: &WorkerNode) -> Result<Self, SpawnError> {
        Self::start(node, node.index(), None, Some)
    }

    /// Starts a probe that sees to messages as soon as they come, and keeps those that `answer`
    /// gives back: a stand-in for an actor that is asked while the test itself waits for
    /// something else. `answer` is a handler like any other: it may wait, and where it panics the
    /// probe fails.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors::sim::Sim;
    /// use nexus_actors::testkit::Probe;
    /// use std::time::Duration;
    ///
    /// enum Prices { Of(&'static str, Reply<u32>), Reload }
    ///
    /// let mut sim = Sim::new(1);
    /// let prices = Probe::answering(&sim.node(0), "prices", |message| match message {
    ///     Prices::Of(_, reply) => { reply.send(5); None }
    ///     other => Some(other),
    /// })?;
    /// let actor = prices.actor_ref();
    /// let till = sim.spawn("till", Props::new(move || {
    ///     Behavior::receive(move |_ctx, (pieces, reply): (u32, Reply<u32>)| {
    ///         let price = actor.ask(|reply| Prices::Of("tea", reply), Duration::from_secs(5));
    ///         reply.send(pieces * price.wait()?);
    ///         actor.tell(Prices::Reload);
    ///         Ok(())
    ///     })
    /// }))?;
    /// let sum = till.ask(|reply| (3, reply), Duration::from_secs(5)).wait()?;
    /// assert_eq!(sum, 15);
    /// assert!(matches!(prices.expect(Duration::from_secs(5)), Prices::Reload));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn answering(
        node: &WorkerNode,
        name: &str,
        answer: impl FnMut(M) -> Option<M> + Send + 'static,
    ) -> Result<Self, SpawnError> {
        Self::start(node, node.owner(name), Some(name), answer)
    }

    fn start(
        node: &WorkerNode,
        worker: usize,
        name: Option<&str>,
        keep: impl FnMut(M) -> Option<M> + Send + 'static,
    ) -> Result<Self, SpawnError> {
        let inbox = Watched::new(Inbox {
            messages: VecDeque::new(),
            taken: 0,
            path: ActorPath::user(),
            ended: false,
        });
        let (kept, keep) = (inbox.clone(), Arc::new(Mutex::new(keep)));
        let props = Props::new(move || keeping(kept.clone(), Arc::clone(&keep)));
        let shared = &node.shared;
        let actor = shared.spawn(shared.worker(worker)?, name, props)?;
        Ok(Self { actor, inbox })
    }

    /// The probe as an actor, to be given to those who are to send to it.
    pub fn actor_ref(&self) -> ActorRef<M> {
        self.actor
    }

    /// The probe's path.
    pub fn path(&self) -> ActorPath {
        self.inbox.look(|inbox| inbox.path.clone())
    }

    /// How many messages are there.
    pub fn len(&self) -> usize {
        self.inbox.look(|inbox| inbox.messages.len())
    }

    /// Whether no message is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes out all messages that are there.
    pub fn drain(&self) -> Vec<M> {
        let messages = self.inbox.look(|inbox| {
            inbox.taken += inbox.messages.len() as u64;
            std::mem::take(&mut inbox.messages)
        });
        messages.into()
    }

    /// Takes the next message out, and waits for it where there is none.
    ///
    /// # Panics
    ///
    /// When none comes in that time.
    #[track_caller]
    pub fn expect(&self, within: Duration) -> M {
        met(self.try_expect(within))
    }

    /// As [`expect`](Self::expect), for tests that go on without it.
    ///
    /// # Errors
    ///
    /// [`ProbeError`] says why no message came.
    pub fn try_expect(&self, within: Duration) -> Result<M, ProbeError> {
        let next = |messages: &mut VecDeque<M>, _| messages.pop_front();
        self.wait_for(within, a_message::<M>, next)
    }

    /// Takes the first message out for which `fits` holds, among those that are there and those
    /// that come. The others stay where they are. `fits` must not use the probe.
    ///
    /// ```
    /// use nexus_actors::sim::Sim;
    /// use nexus_actors::testkit::Probe;
    /// use std::time::Duration;
    ///
    /// let sim = Sim::new(1);
    /// let probe = Probe::new(&sim.node(0), "probe")?;
    /// (1..=3).for_each(|number| probe.actor_ref().tell(number));
    /// assert_eq!(probe.expect_where(|number| number % 2 == 0, Duration::from_secs(1)), 2);
    /// assert_eq!(probe.receive_n(2, Duration::from_secs(1)), [1, 3]);
    /// # Ok::<(), nexus_actors::SpawnError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// When none comes in that time.
    #[track_caller]
    pub fn expect_where(&self, fits: impl FnMut(&M) -> bool, within: Duration) -> M {
        met(self.try_expect_where(fits, within))
    }

    /// As [`expect_where`](Self::expect_where), for tests that go on without it.
    ///
    /// # Errors
    ///
    /// [`ProbeError`] says why no such message came.
    pub fn try_expect_where(
        &self,
        mut fits: impl FnMut(&M) -> bool,
        within: Duration,
    ) -> Result<M, ProbeError> {
        let expected = || format!("a fitting {}", type_name::<M>());
        self.wait_for(within, expected, |messages, new| {
            let place = messages.range(new..).position(&mut fits)?;
            messages.remove(new + place)
        })
    }

    /// Takes the next `n` messages out, and waits until they are there, all of them within that
    /// time.
    ///
    /// # Panics
    ///
    /// When fewer come in that time. They stay.
    #[track_caller]
    pub fn receive_n(&self, n: usize, within: Duration) -> Vec<M> {
        met(self.try_receive_n(n, within))
    }

    /// As [`receive_n`](Self::receive_n), for tests that go on without them.
    ///
    /// # Errors
    ///
    /// [`ProbeError`] says why fewer came. They stay.
    pub fn try_receive_n(&self, n: usize, within: Duration) -> Result<Vec<M>, ProbeError> {
        let expected = || format!("{n} messages of type {}", type_name::<M>());
        self.wait_for(within, expected, |messages, _| {
            (messages.len() >= n).then(|| messages.drain(..n).collect())
        })
    }

    /// Takes the next message out, which must equal that one.
    ///
    /// # Panics
    ///
    /// When another one comes, at once, and when none comes in that time. What came stays.
    #[track_caller]
    pub fn expect_message(&self, expected: M, within: Duration)
    where
        M: PartialEq + fmt::Debug,
    {
        self.expect_in_order([expected], within);
    }

    /// Takes the next messages out, which must equal those, in that order, and come within that
    /// time.
    ///
    /// # Panics
    ///
    /// When another message comes, at once, and when fewer come in that time. What came stays.
    #[track_caller]
    pub fn expect_in_order(&self, expected: impl IntoIterator<Item = M>, within: Duration)
    where
        M: PartialEq + fmt::Debug,
    {
        let expected: Vec<M> = expected.into_iter().collect();
        let of_type = || format!("{expected:?} of type {}", type_name::<M>());
        let outcome = self.wait_for(within, of_type, |messages, new| {
            let mut pairs = messages.range(new..).zip(expected.iter().skip(new));
            if pairs.any(|(came, to)| came != to) {
                return Some(Err(format!("{messages:?}")));
            }
            let all = messages.len() >= expected.len();
            // To be dropped outside of the lock: their destructors are the user's.
            all.then(|| Ok(messages.drain(..expected.len()).collect::<Vec<M>>()))
        });
        let (path, what) = (self.path(), of_type());
        match met(outcome) {
            Ok(came) => drop(came),
            Err(came) => panic!("{path}: {what} was to come, but {came} came"),
        }
    }

    /// Waits for that time, in which no message may come; nor may one be there. A probe that has
    /// stopped gets none, which is certain at once.
    ///
    /// # Panics
    ///
    /// When one comes. It stays.
    #[track_caller]
    pub fn expect_no_message(&self, within: Duration) {
        met(self.try_expect_no_message(within));
    }

    /// As [`expect_no_message`](Self::expect_no_message), for tests that go on nevertheless.
    ///
    /// # Errors
    ///
    /// [`ProbeError::Unexpected`] when one comes; it stays.
    pub fn try_expect_no_message(&self, within: Duration) -> Result<(), ProbeError> {
        let any = |messages: &mut VecDeque<M>, _| (!messages.is_empty()).then_some(());
        match self.wait_for(within, a_message::<M>, any) {
            Ok(()) => Err(ProbeError::Unexpected {
                probe: self.path(),
                message: type_name::<M>(),
                within,
                there: self.len(),
            }),
            Err(ProbeError::CannotWait(error)) => Err(ProbeError::CannotWait(error)),
            Err(_) => Ok(()),
        }
    }

    /// As [`testkit::expect_terminated`](super::expect_terminated).
    ///
    /// # Panics
    ///
    /// When the actor has not stopped by then.
    #[track_caller]
    pub fn expect_terminated<N: Send + 'static>(&self, actor: ActorRef<N>, within: Duration) {
        expect_terminated(actor, within);
    }

    /// As [`testkit::try_expect_terminated`](super::try_expect_terminated).
    ///
    /// # Errors
    ///
    /// [`ProbeError::Alive`] when the actor has not stopped by then.
    pub fn try_expect_terminated<N: Send + 'static>(
        &self,
        actor: ActorRef<N>,
        within: Duration,
    ) -> Result<(), ProbeError> {
        try_expect_terminated(actor, within)
    }

    /// Waits until `take` takes something out of the messages. It is told as well where those begin at which it
    /// has not looked; at all others it need not look again.
    fn wait_for<R>(
        &self,
        within: Duration,
        expected: impl Fn() -> String,
        mut take: impl FnMut(&mut VecDeque<M>, usize) -> Option<R>,
    ) -> Result<R, ProbeError> {
        // As long as nobody takes any out, messages stay where they are.
        let (mut looked_at, mut taken_before) = (0, 0);
        let outcome = self.inbox.wait_for(self.actor.id(), within, |inbox| {
            let Inbox {
                messages, taken, ..
            } = inbox;
            let new = if taken_before == *taken { looked_at } else { 0 };
            looked_at = messages.len();
            let found = take(messages, new).map(Ok);
            *taken += (looked_at - messages.len()) as u64;
            taken_before = *taken;
            found.or_else(|| inbox.ended.then_some(Err(Vain::Closed)))
        });
        let vain = match outcome.unwrap_or_else(Err) {
            Ok(taken) => return Ok(taken),
            Err(vain) => vain,
        };
        let (probe, there) = (self.path(), self.len());
        let expected = expected();
        Err(match vain {
            Vain::CannotWait(error) => ProbeError::CannotWait(error),
            Vain::TimedOut => ProbeError::Timeout {
                probe,
                expected,
                within,
                there,
            },
            Vain::Closed => ProbeError::Ended {
                probe,
                expected,
                there,
            },
        })
    }
}

fn a_message<M>() -> String {
    format!("a message of type {}", type_name::<M>())
}

/// What a probe does: to keep whatever `keep` gives back.
fn keeping<M, F>(inbox: Watched<Inbox<M>>, keep: Arc<Mutex<F>>) -> Behavior<M>
where
    M: Send + 'static,
    F: FnMut(M) -> Option<M> + Send + 'static,
{
    Behavior::setup(move |ctx| {
        let path = ctx.path();
        inbox.look(|inbox| inbox.path = path);
        let inbox = NoteEnd(inbox);
        Ok(Behavior::receive(move |_ctx, message| {
            // Held while it waits, if it does: nobody else takes this lock, as an actor handles
            // one message at a time.
            let kept = (keep.lock())(message);
            if let Some(message) = kept {
                inbox.0.change(|inbox| inbox.messages.push_back(message));
            }
        }))
    })
}

/// What was expected, or a panic that says why it is not there.
#[track_caller]
pub(super) fn met<T>(outcome: Result<T, ProbeError>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

impl<M> Clone for Probe<M> {
    fn clone(&self) -> Self {
        Self {
            actor: self.actor,
            inbox: self.inbox.clone(),
        }
    }
}

impl<M: Send + 'static> fmt::Debug for Probe<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("actor", &self.actor)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
