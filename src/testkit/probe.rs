//! A probe: an actor that stores what is sent to it, for a test to inspect.

use parking_lot::Mutex;
use std::any::type_name;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::error::ProbeError;
use super::termination::{expect_terminated, try_expect_terminated};
use super::watched::Observable;
use super::watched::Vain;
use crate::actor::{ActorRef, Behavior, Props};
use crate::address::ActorPath;
use crate::ask::Deadline;
use crate::failure::SpawnError;
use crate::pool::WorkerNode;

/// An actor that stores what is sent to it, for a test to inspect.
///
/// Messages stay in the probe until they are taken out, in the order in which they arrived. An
/// expectation that is not met takes nothing, so a message that arrives too late for one is there
/// for the next.
///
/// The waiting methods wait as [`Ask::wait`](crate::Ask::wait) does: an outside thread parks, and
/// its time is the real one; a handler is suspended; the thread of a simulation drives it, in
/// simulated time. A time of zero checks what is there, and neither waits nor drives.
///
/// Clones are the same probe. It can be used from any thread, and lives until it is stopped, as any
/// actor: dropping this value does not stop it.
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
    inbox: Observable<ProbeInbox<M>>,
}

struct ProbeInbox<M> {
    messages: VecDeque<M>,
    /// The number of messages ever taken out.
    taken: u64,
    path: ActorPath,
    ended: bool,
}

/// Records the end of a probe, however it happens.
struct NoteProbeEnd<M>(Observable<ProbeInbox<M>>);

impl<M> Drop for NoteProbeEnd<M> {
    fn drop(&mut self) {
        self.0.change(|inbox| inbox.ended = true);
    }
}

impl<M: Send + 'static> Probe<M> {
    /// Starts a probe, `/user/<name>`, on the worker that the ring selects. Unlike an actor that
    /// [`WorkerNode::spawn`] starts while a pool is configured, it belongs to this caller alone.
    ///
    /// # Errors
    ///
    /// As for [`WorkerPool::spawn`](crate::WorkerPool::spawn).
    pub fn new(node: &WorkerNode, name: &str) -> Result<Self, SpawnError> {
        Self::on(node, node.owner(name), name)
    }

    /// Starts a probe on the given worker.
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

    /// Starts a probe that processes messages as they arrive, and stores those that `answer`
    /// returns: a stand-in for an actor that is asked while the test itself waits for something
    /// else. `answer` is a handler like any other: it may wait, and if it panics the probe fails.
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
        let inbox = Observable::new(ProbeInbox {
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

    /// The probe as an actor, to be given to actors that are to send to it.
    pub fn actor_ref(&self) -> ActorRef<M> {
        self.actor
    }

    /// The probe's path.
    pub fn path(&self) -> ActorPath {
        self.inbox.look(|inbox| inbox.path.clone())
    }

    /// The number of messages that are there.
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

    /// Takes out the next message; waits for it if there is none.
    ///
    /// # Panics
    ///
    /// If none arrives in that time.
    #[track_caller]
    pub fn expect(&self, within: impl Into<Deadline>) -> M {
        met(self.try_expect(within))
    }

    /// As [`expect`](Self::expect), for tests that continue without it.
    ///
    /// # Errors
    ///
    /// [`ProbeError`] tells why no message arrived.
    pub fn try_expect(&self, within: impl Into<Deadline>) -> Result<M, ProbeError> {
        let next = |messages: &mut VecDeque<M>, _| messages.pop_front();
        self.wait_for(within, a_message::<M>, next)
    }

    /// Takes out the first message for which `fits` holds, among those that are there and those
    /// that arrive. The others stay where they are. `fits` must not use the probe.
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
    /// If none arrives in that time.
    #[track_caller]
    pub fn expect_where(&self, fits: impl FnMut(&M) -> bool, within: impl Into<Deadline>) -> M {
        met(self.try_expect_where(fits, within))
    }

    /// As [`expect_where`](Self::expect_where), for tests that continue without it.
    ///
    /// # Errors
    ///
    /// [`ProbeError`] tells why no such message arrived.
    pub fn try_expect_where(
        &self,
        mut fits: impl FnMut(&M) -> bool,
        within: impl Into<Deadline>,
    ) -> Result<M, ProbeError> {
        let expected = || format!("a fitting {}", type_name::<M>());
        self.wait_for(within, expected, |messages, new| {
            let place = messages.range(new..).position(&mut fits)?;
            messages.remove(new + place)
        })
    }

    /// Takes out the next `n` messages; waits until all of them are there, at most for that time.
    ///
    /// # Panics
    ///
    /// If fewer arrive in that time. They stay.
    #[track_caller]
    pub fn receive_n(&self, n: usize, within: impl Into<Deadline>) -> Vec<M> {
        met(self.try_receive_n(n, within))
    }

    /// As [`receive_n`](Self::receive_n), for tests that continue without them.
    ///
    /// # Errors
    ///
    /// [`ProbeError`] tells why fewer arrived. They stay.
    pub fn try_receive_n(
        &self,
        n: usize,
        within: impl Into<Deadline>,
    ) -> Result<Vec<M>, ProbeError> {
        let expected = || format!("{n} messages of type {}", type_name::<M>());
        self.wait_for(within, expected, |messages, _| {
            (messages.len() >= n).then(|| messages.drain(..n).collect())
        })
    }

    /// Takes out the next message, which must equal `expected`.
    ///
    /// # Panics
    ///
    /// At once if a different message arrives, and if none arrives in that time. What arrived
    /// stays.
    #[track_caller]
    pub fn expect_message(&self, expected: M, within: impl Into<Deadline>)
    where
        M: PartialEq + fmt::Debug,
    {
        self.expect_in_order([expected], within);
    }

    /// Takes out the next messages, which must equal `expected`, in that order, and arrive within
    /// that time.
    ///
    /// # Panics
    ///
    /// At once if a different message arrives, and if fewer arrive in that time. What arrived
    /// stays.
    #[track_caller]
    pub fn expect_in_order(
        &self,
        expected: impl IntoIterator<Item = M>,
        within: impl Into<Deadline>,
    ) where
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
            // To be dropped outside the lock: their destructors are the user's.
            all.then(|| Ok(messages.drain(..expected.len()).collect::<Vec<M>>()))
        });
        let (path, what) = (self.path(), of_type());
        match met(outcome) {
            Ok(came) => drop(came),
            Err(came) => panic!("{path}: {what} was to come, but {came} came"),
        }
    }

    /// Waits for that time, and asserts that no message is there at its begin or arrives in it. If
    /// the probe has stopped, none can arrive, and the wait ends at once.
    ///
    /// # Panics
    ///
    /// If a message is there or arrives. It stays.
    #[track_caller]
    pub fn expect_no_message(&self, within: impl Into<Deadline>) {
        met(self.try_expect_no_message(within));
    }

    /// As [`expect_no_message`](Self::expect_no_message), for tests that continue regardless.
    ///
    /// # Errors
    ///
    /// [`ProbeError::Unexpected`] if a message is there or arrives; it stays.
    pub fn try_expect_no_message(&self, within: impl Into<Deadline>) -> Result<(), ProbeError> {
        let within = within.into().left();
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
    /// If the actor has not stopped in time.
    #[track_caller]
    pub fn expect_terminated<N: Send + 'static>(
        &self,
        actor: ActorRef<N>,
        within: impl Into<Deadline>,
    ) {
        expect_terminated(actor, within);
    }

    /// As [`testkit::try_expect_terminated`](super::try_expect_terminated).
    ///
    /// # Errors
    ///
    /// [`ProbeError::Alive`] if the actor has not stopped in time.
    pub fn try_expect_terminated<N: Send + 'static>(
        &self,
        actor: ActorRef<N>,
        within: impl Into<Deadline>,
    ) -> Result<(), ProbeError> {
        try_expect_terminated(actor, within)
    }

    /// Waits until `take` takes something out of the messages. It also receives the index of the
    /// first message that it has not seen yet; it need not look at earlier ones again.
    fn wait_for<R>(
        &self,
        within: impl Into<Deadline>,
        expected: impl Fn() -> String,
        mut take: impl FnMut(&mut VecDeque<M>, usize) -> Option<R>,
    ) -> Result<R, ProbeError> {
        let within = within.into().left();
        // As long as no other caller takes any out, messages stay where they are.
        let (mut looked_at, mut taken_before) = (0, 0);
        let outcome = self.inbox.wait_for(self.actor.id(), within, |inbox| {
            let ProbeInbox {
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

/// The behaviour of a probe: it stores what `keep` returns.
fn keeping<M, F>(inbox: Observable<ProbeInbox<M>>, keep: Arc<Mutex<F>>) -> Behavior<M>
where
    M: Send + 'static,
    F: FnMut(M) -> Option<M> + Send + 'static,
{
    Behavior::setup(move |ctx| {
        let path = ctx.path();
        inbox.look(|inbox| inbox.path = path);
        let inbox = NoteProbeEnd(inbox);
        Ok(Behavior::receive(move |_ctx, message| {
            // Held across a wait of the handler, if there is one: nothing else takes this lock, as
            // an actor handles one message at a time.
            let kept = (keep.lock())(message);
            if let Some(message) = kept {
                inbox.0.change(|inbox| inbox.messages.push_back(message));
            }
        }))
    })
}

/// Returns the expected value, or panics with the reason why it is not there.
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
