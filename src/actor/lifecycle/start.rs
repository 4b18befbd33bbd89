//! How an actor starts: its name, its slot, its factory and setups.

use std::sync::Arc;

use super::elsewhere::{Role, Supervised, tell_of_beginning};
use super::family::{Name, adopt, path_of, path_of_child, wake};
use super::stop::{AtEnd, begin_stop, on_end};
use super::supervise::describe;
use crate::actor::behavior::Signal;
use crate::actor::body::{NewBody, TurnEnd};
use crate::actor::context::WaitError;
use crate::actor::core::PoolCore;
use crate::actor::cycle::Cycle;
use crate::actor::dead_letter::DeadLetterReason;
use crate::actor::directory::{DirectoryEntry, MessageType};
use crate::actor::envelope::Envelope;
use crate::actor::failure::{BoxError, Cause, Failure, Stage};
use crate::actor::fate::{End, drop_with_fate};
use crate::actor::gates::dispatch;
use crate::actor::id::{ActorId, Home, Key};
use crate::actor::mail_kind::MailKind;
use crate::actor::names::Heard;
use crate::actor::parcel::Parcel;
use crate::actor::path::{ActorPath, NameError};
use crate::actor::props::{FirstInstance, Formula, Recipe, Seed, build_from};
use crate::actor::queueing::bind;
use crate::actor::reference::ActorRef;
use crate::actor::shard::Shard;
use crate::actor::slot::State;
use crate::actor::unwind::{Unwound, catch_user, drop_quietly};
use crate::actor::waiter::ForgetAtEnd;
use crate::fiber::{STACK_SIZES, StackClass};

/// Why an actor was not started.
///
/// Nothing of the actor is left behind, with one exception: if a shutdown's deadline cuts short a start that
/// failed, the actor's children may stop, and its name become free, a little later.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// A live actor has that name.
    #[error("the name {0} is taken; choose another, or stop the actor that has it first")]
    NameTaken(ActorPath),
    /// The name is not a valid one.
    #[error(transparent)]
    InvalidName(#[from] NameError),
    /// Its factory, its setup or its handling of [`PreStart`](crate::Signal::PreStart) failed.
    #[error(transparent)]
    Failed(Arc<Failure>),
    /// It ended in its start, without a failure, and has handled no message.
    ///
    /// Its first behaviour was [`stopped`], or it answered [`PreStart`] with [`Next::Stop`], or with
    /// [`Next::Passivate`] if it was made [once](crate::Once).
    ///
    /// [`stopped`]: crate::Behavior::stopped
    /// [`PreStart`]: crate::Signal::PreStart
    /// [`Next::Stop`]: crate::Next::Stop
    /// [`Next::Passivate`]: crate::Next::Passivate
    #[error(
        "{0} ended in its start: its behaviour stopped before any message; give it one that continues"
    )]
    EndedInStart(ActorPath),
    /// The pool shuts down.
    #[error("the pool shuts down and starts no more actors; start another pool")]
    ShuttingDown,
    /// The pool has ended.
    #[error("the pool has ended and starts no more actors; start another pool")]
    PoolClosed,
    /// There is no worker with that index.
    #[error("the pool has {workers} workers, numbered from 0, so there is no worker {worker}")]
    NoSuchWorker {
        /// The requested index.
        worker: usize,
        /// The number of workers.
        workers: usize,
    },
    /// The actor that the new one is to be near belongs to another pool.
    #[error("the actor to be near belongs to another pool; start this one there, or near another")]
    OtherPool,
    /// An actor of that name handles other messages: the new one was to be started only if there is none, or
    /// another worker spawned the existing one in `configure`.
    #[error("{path} handles {actual}, not {expected}; use it for those, or choose another name")]
    WrongType {
        /// The actor's path.
        path: ActorPath,
        /// The requested type of messages.
        expected: &'static str,
        /// The type of messages that the actor handles.
        actual: &'static str,
    },
    /// The stack that its props ask for would be too small for any handler, or too large for any machine.
    #[error("a stack has between 64 KiB and 1 GiB, not {0} bytes")]
    InvalidStackSize(usize),
    /// The operating system granted no memory for the stack that its props ask for.
    #[error("{0}; raise the limit on memory or mappings, or let the actor have a smaller stack")]
    NoStack(String),
    /// The actor of that name waits, in its start or its end, itself or through others, for the caller that
    /// wants it here: see [`get_or_spawn`](crate::WorkerPool::get_or_spawn).
    #[error("a deadlock: one actor of the cycle must not wait: {0}")]
    Deadlock(Cycle),
    /// The caller would have to wait for another worker, and cannot.
    #[error(transparent)]
    CannotWait(#[from] WaitError),
}

/// Starts an actor as a child of `parent`, and returns when it runs. If a caller on another worker waits for
/// that, `starter` is its wait: searches for cycles learn from it which actor the wait is for.
pub(crate) fn start<M: Send + 'static>(
    shard: &Shard,
    parent: u32,
    name: Name<'_>,
    seed: Seed<M>,
    starter: Option<(Home, Key)>,
) -> Result<ActorRef<M>, SpawnError> {
    start_as(shard, parent, name, seed, starter, None)
}

/// As [`start`]; `supervised` is the link to the supervisor, if the parent is on another worker.
#[inline(always)]
pub(super) fn start_as<M: Send + 'static>(
    shard: &Shard,
    parent: u32,
    name: Name<'_>,
    seed: Seed<M>,
    starter: Option<(Home, Key)>,
    supervised: Option<Supervised>,
) -> Result<ActorRef<M>, SpawnError> {
    let (path, stack) = match prepare(shard, parent, name, seed.stack_size()) {
        Ok(prepared) => prepared,
        Err(error) => {
            let _ = drop_quietly(seed);
            if let Some(supervised) = supervised {
                tell_of_beginning(supervised, None);
            }
            return Err(error);
        }
    };
    let bound = seed.bound();
    let (formula, first) = seed.split();
    let key = occupy(shard, parent, path.as_ref(), formula);
    let slot = shard.slot(key.slot());
    slot.special.need_stack(stack);
    if let Some((capacity, overflow)) = bound {
        bind(shard, key, capacity, overflow);
    }
    let (id, address) = (shard.id_of(key), shard.address_of(key));
    if let Some(supervised) = supervised {
        slot.with_extra(|extra| extra.role = Some(Box::new(Role::Supervised(supervised))));
        tell_of_beginning(supervised, Some(id));
    }
    if let Some(path) = &path {
        let message = MessageType::of::<M>();
        let entry = DirectoryEntry { address, message };
        shard.core.directory.begins(path, entry);
    }
    if let Some((home, wait)) = starter {
        let mail = slot.mail_kind();
        dispatch(ActorId::new(home, wait), BeginsToStart { actor: id, mail });
    }
    shard.with_start_noted(id, || {
        if stack.is_none() {
            let built = build_first(shard, key, first);
            return run(shard, key, built, path);
        }
        let started = shard.do_apart(stack, id, move |shard| {
            let built = build_first(shard, key, first);
            run(shard, key, built, path)
        });
        started.map_err(|error| SpawnError::CannotWait(error.into()))?
    })?;
    #[allow(unsafe_code)]
    // SAFETY: `occupy` above began this tenancy for `M`.
    Ok(unsafe { ActorRef::assume(address) })
}

/// Tells the wait that ends with a start which actor begins to start.
struct BeginsToStart {
    actor: ActorId,
    mail: &'static MailKind,
}

impl Parcel for BeginsToStart {
    fn deliver(self, shard: &Shard, wait: Key, _envelope: &Envelope) {
        shard.waits.is_for_work(wait, self.actor, self.mail);
        shard.look_again_for_cycle(wait);
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}

    fn bounce_without_pool(self, _: ActorId) {}
}

/// Reserves a name and a stack for an actor that is to start.
fn prepare(
    shard: &Shard,
    parent: u32,
    name: Name<'_>,
    stack_size: Option<usize>,
) -> Result<(Option<ActorPath>, Option<StackClass>), SpawnError> {
    let path = match name {
        Name::Given(name) => Some(reserve(shard, path_of_child(shard, parent, name)?)?),
        Name::At(path) => Some(reserve(shard, path.clone())?),
        Name::Reserved(path) => Some(path.clone()),
        Name::Generated => None,
    };
    let stack = claim_stack(shard, stack_size).inspect_err(|_| {
        if let Some(path) = &path {
            release(shard, path);
        }
    })?;
    Ok((path, stack))
}

/// Builds an actor in the slot that it already occupies.
fn build_first<M: Send + 'static>(
    shard: &Shard,
    key: Key,
    first: FirstInstance<M>,
) -> Result<Option<NewBody>, FailedStart> {
    shard.acting_as(shard.id_of(key), || match first {
        FirstInstance::Once(factory) => {
            let make = || build_from(factory(), shard, key);
            build(shard, key, make, &Signal::PreStart)
        }
        FirstInstance::ByFormula => {
            #[allow(unsafe_code)]
            // SAFETY: `occupy` began this tenancy for `M` and kept the formula. While the actor is built,
            // the tenancy does not end: the actor counts as queued, so that it has no turn.
            let formula = unsafe { shard.slot(key.slot()).formula::<M>() };
            build(shard, key, || formula.build(shard, key), &Signal::PreStart)
        }
    })
}

/// Lets an actor run that was built, or undoes its start.
fn run(
    shard: &Shard,
    key: Key,
    built: Result<Option<NewBody>, FailedStart>,
    path: Option<ActorPath>,
) -> Result<(), SpawnError> {
    match built {
        Ok(Some(body)) => {
            if let Some(path) = &path {
                shard.core.directory.publish(path);
                if shard.slot(key.slot()).state() != State::Starting {
                    shard.core.directory.ends(path); // it was asked to stop in its start
                }
            }
            begin_running(shard, key, body);
            if let Some(path) = &path {
                tell_of_start(shard, key, path);
            }
            Ok(())
        }
        Ok(None) => {
            let error = SpawnError::EndedInStart(path_of(shard, key.slot()));
            Err(give_up_start(
                shard,
                key,
                path,
                DeadLetterReason::Stopped,
                error,
            ))
        }
        Err(cause) => {
            let reason = cause.reason();
            let error = describe_failed_start(shard, key, cause);
            Err(give_up_start(shard, key, path, reason, error))
        }
    }
}

/// Undoes a start, and tells the callers that wait for it why. A caller that wants the name meanwhile waits
/// for its end.
#[cold]
fn give_up_start(
    shard: &Shard,
    key: Key,
    path: Option<ActorPath>,
    reason: DeadLetterReason,
    error: SpawnError,
) -> SpawnError {
    let waiting = path.map(|path| shard.core.names.take(&path));
    undo_start(shard, key, reason);
    for waiter in waiting.into_iter().flatten() {
        waiter(Heard::NotStarted(error.clone()));
    }
    error
}

/// Claims a stack for the actor's turns, if it asks for a larger one than others have.
fn claim_stack(shard: &Shard, stack_size: Option<usize>) -> Result<Option<StackClass>, SpawnError> {
    let Some(bytes) = stack_size else {
        return Ok(None);
    };
    if !STACK_SIZES.contains(&bytes) {
        return Err(SpawnError::InvalidStackSize(bytes));
    }
    let claimed = shard.fibers.claim(bytes);
    claimed.map_err(|error| SpawnError::NoStack(error.to_string()))
}

/// Tells the callers that wait for the start of an actor.
fn tell_of_start(shard: &Shard, key: Key, path: &ActorPath) {
    let waiting = shard.core.names.take(path);
    if waiting.is_empty() {
        return;
    }
    // It may have stopped since, and others wait for its end.
    let live = shard.core.directory.look(path);
    let entry = live.and_then(|(_, entry)| entry);
    let entry = entry.filter(|entry| entry.actor() == shard.id_of(key));
    for waiter in waiting {
        waiter(entry.map_or(Heard::Freed, Heard::Started));
    }
}

/// Frees a name, and tells the callers that wait for that.
pub(super) fn release(shard: &Shard, path: &ActorPath) {
    shard.core.directory.release(path);
    for waiter in shard.core.names.take(path) {
        waiter(Heard::Freed);
    }
}

fn reserve(shard: &Shard, path: ActorPath) -> Result<ActorPath, SpawnError> {
    if shard.core.directory.reserve(&path) {
        Ok(path)
    } else {
        Err(SpawnError::NameTaken(path))
    }
}

fn occupy<M: Send + 'static>(
    shard: &Shard,
    parent: u32,
    path: Option<&ActorPath>,
    formula: Option<Arc<Formula<M>>>,
) -> Key {
    let index = shard.slots().occupy();
    let slot = shard.slot(index);
    let generation = slot.occupy::<M>(parent);
    // Stored before the actor is built: its setup may start children and wait, and they are supervised by
    // what the recipe says.
    if let Some(formula) = formula {
        #[allow(unsafe_code)]
        // SAFETY: this tenancy was begun for `M` just now.
        unsafe {
            slot.keep_recipe(formula);
        }
    }
    if let Some(path) = path {
        slot.with_extra(|extra| extra.path = Some(path.clone()));
    }
    adopt(shard, parent, index);
    shard.counts.started.add(1);
    shard.counts.alive.add(1);
    let key = Key::new(index, generation);
    if let Some(path) = path {
        shard.make_known_as(key, path);
    }
    if let Some(observer) = shard.observer.get() {
        observer.starts(shard.id_of(key), &path_of(shard, index));
    }
    key
}

/// Why a start failed.
pub(super) enum FailedStart {
    Error(BoxError),
    Unwound(Unwound),
}

impl FailedStart {
    /// Returns why mail that came meanwhile is lost.
    fn reason(&self) -> DeadLetterReason {
        match self {
            Self::Unwound(Unwound::Forced) => DeadLetterReason::Forced,
            _ => DeadLetterReason::Failed,
        }
    }
}

/// Runs the factory and the setups, and tells the new body that it starts, or starts again. Returns `None` if
/// the actor is to stop at once.
pub(super) fn build(
    shard: &Shard,
    key: Key,
    make: impl FnOnce() -> Result<Option<NewBody>, BoxError>,
    first: &Signal,
) -> Result<Option<NewBody>, FailedStart> {
    let made = catch_user(make);
    let Some(mut body) = ended_well(made)? else {
        return Ok(None);
    };
    if !body.hears_signals() {
        return Ok(Some(body));
    }
    // The body stays outside of the closure: if its destructor panicked during an unwinding, the process
    // would abort.
    let failed = match catch_user(|| body.signal(shard, key, first)) {
        Ok(TurnEnd::Done) => return Ok(Some(body)),
        Ok(TurnEnd::Become(next)) => {
            let _ = drop_with_fate(body, End::NoReply);
            return Ok(Some(*next));
        }
        Ok(TurnEnd::Passivate) if shard.slot(key.slot()).can_be_built_again() => {
            let slot = shard.slot(key.slot());
            slot.with_system(|system| system.passivation_wanted = true);
            slot.special.set(true);
            return Ok(Some(body));
        }
        // An actor that cannot be built again has nothing to come back to.
        Ok(TurnEnd::Stop | TurnEnd::Passivate) => {
            let _ = drop_with_fate(body, End::Stopped);
            return Ok(None);
        }
        Ok(TurnEnd::Failed(error)) => FailedStart::Error(*error),
        Err(unwound) => FailedStart::Unwound(unwound),
    };
    let _ = drop_with_fate(body, End::from(failed.reason()));
    Err(failed)
}

fn ended_well<T>(ended: Result<Result<T, BoxError>, Unwound>) -> Result<T, FailedStart> {
    match ended {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(FailedStart::Error(error)),
        Err(unwound) => Err(FailedStart::Unwound(unwound)),
    }
}

fn begin_running(shard: &Shard, key: Key, body: NewBody) {
    let slot = shard.slot(key.slot());
    slot.take_in(body, shard.slabs());
    if slot.state() == State::Starting {
        slot.enter(State::Running);
    }
    if shard.interrupts.is_forcing() {
        // It starts after the deadline, which has stopped all others: nothing would end it if it were
        // suspended, or waited for a restart.
        slot.set_forced(true);
        slot.special.set(true);
    }
    slot.queued.set(false);
    if slot.mailbox_len() > 0 || slot.state() != State::Running || slot.special.get() {
        wake(shard, key.slot());
    }
}

#[cold]
fn describe_failed_start(shard: &Shard, key: Key, cause: FailedStart) -> SpawnError {
    let cause = match cause {
        FailedStart::Error(error) => Cause::Error(error),
        FailedStart::Unwound(Unwound::Panicked(payload)) => Cause::Panic(payload),
        FailedStart::Unwound(Unwound::Forced) => return SpawnError::ShuttingDown,
    };
    SpawnError::Failed(Arc::new(describe(shard, key, Stage::Starting, cause)))
}

/// Ends a wait when an actor has ended.
struct EndsWait(Key);

impl AtEnd for EndsWait {
    fn ended(self: Box<Self>, shard: &Shard) {
        shard.follow_up(shard.waits.fulfil(self.0, ()));
    }
}

/// Removes an actor that did not start, and the children that its setup started.
#[cold]
fn undo_start(shard: &Shard, key: Key, reason: DeadLetterReason) {
    let (slot, id) = (shard.slot(key.slot()), shard.id_of(key));
    let wait = ForgetAtEnd(shard, shard.waits.begin_work(id, slot.mail_kind()));
    let vacated = wait.1;
    on_end(shard, key, Box::new(EndsWait(vacated)));
    slot.with_system(|system| system.start_failed = true);
    begin_stop(shard, key.slot(), reason);
    if shard.waits.is_pending(vacated) {
        shard.look_if_held_up(slot, key);
    }
    // Without children the slot is vacant by now. Otherwise the children stop first, in their own turns;
    // if the caller cannot wait for that, they stop after it has returned.
    let _ = shard.wait_for(vacated);
}
