//! How an actor starts: its name, its slot, its factory and setups.

use std::sync::Arc;

use super::at_end::{EndsWait, on_end};
use super::build::{FailedStart, build};
use super::naming::{release, reserve, tell_of_start};
use super::stand_in::tell_of_beginning;
use super::stop::begin_stop;
use crate::address::{ActorId, ActorPath, Envelope, Home, Key, MessageType};
use crate::deadlock::{look_again_for_cycle, look_if_held_up};
use crate::failure::{BoxError, Cause, DeadLetterReason, SpawnError, Stage, Unwound, drop_quietly};
use crate::fiber::{STACK_SIZES, StackClass};
use crate::mailbox::Overflow;
use crate::observe::{ActorStarted, StartKind};
use crate::pool_core::{DirectoryEntry, Heard, PoolCore};
use crate::shard::{
    ActorState, MessageVtable, Name, NewBody, Parcel, Recipe, Role, Shard, Supervised, adopt, bind,
    describe, dispatch, path_of, path_of_child, wake,
};
use crate::supervision::Signal;
use crate::suspend::{ForgetAtEnd, do_apart, wait_for};

/// What an actor is started from: its settings, its recipe, and what makes the first instance if the recipe
/// does not.
///
/// # Safety
///
/// The bodies that `build_once` and the recipe make handle messages of the type `Message`.
#[allow(unsafe_code)]
pub(crate) unsafe trait Blueprint: Sized + 'static {
    /// The messages that the actor handles.
    type Message: Send + 'static;
    /// How the actor is built, stored for later instances.
    type Recipe: Recipe + 'static;
    /// What makes the first instance in its place.
    type Once: 'static;

    /// The stack that the actor's handlers need, in bytes, if they need another one than the worker's.
    fn stack_size(&self) -> Option<usize>;

    /// The capacity of the mailbox, if it is bounded, and what happens to a message for which there is none.
    fn bound(&self) -> Option<(usize, Overflow)>;

    /// Returns what is stored of it, if anything, and what makes the first instance if that does not.
    fn split(self) -> (Option<Arc<Self::Recipe>>, Option<Self::Once>);

    /// Makes the first instance. `None` means that the actor is to stop at once.
    ///
    /// # Errors
    ///
    /// The error of a setup.
    fn build_once(once: Self::Once, shard: &Shard, key: Key) -> Result<Option<NewBody>, BoxError>;
}

/// Starts an actor as a child of `parent`, and returns what a reference to it holds when it runs. If a caller
/// on another worker waits for that, `starter` is its wait: searches for cycles learn from it which actor the
/// wait is for.
pub(crate) fn start<B: Blueprint>(
    shard: &Shard,
    parent: u32,
    name: Name<'_>,
    blueprint: B,
    starter: Option<(Home, Key)>,
) -> Result<ActorId, SpawnError> {
    start_as(shard, parent, name, blueprint, starter, None)
}

/// As [`start`]; `supervised` is the link to the supervisor, if the parent is on another worker.
#[inline(always)]
pub(super) fn start_as<B: Blueprint>(
    shard: &Shard,
    parent: u32,
    name: Name<'_>,
    blueprint: B,
    starter: Option<(Home, Key)>,
    supervised: Option<Supervised>,
) -> Result<ActorId, SpawnError> {
    let (path, stack) = match prepare(shard, parent, name, blueprint.stack_size()) {
        Ok(prepared) => prepared,
        Err(error) => {
            let _ = drop_quietly(blueprint);
            if let Some(supervised) = supervised {
                tell_of_beginning(supervised, None);
            }
            return Err(error);
        }
    };
    let bound = blueprint.bound();
    let (recipe, once) = blueprint.split();
    let key = occupy::<B>(shard, parent, path.as_ref(), recipe);
    let slot = shard.slot(key.slot());
    slot.attention.need_stack(stack);
    if let Some((capacity, overflow)) = bound {
        bind(shard, key, capacity, overflow);
    }
    let (id, address) = (shard.id_of(key), shard.address_of(key));
    if let Some(supervised) = supervised {
        slot.with_extra(|extra| extra.role = Some(Box::new(Role::Supervised(supervised))));
        tell_of_beginning(supervised, Some(id));
    }
    if let Some(path) = &path {
        let message = MessageType::of::<B::Message>();
        let entry = DirectoryEntry { address, message };
        shard.core.directory.begins(path, entry);
    }
    if let Some((home, wait)) = starter {
        let mail = slot.message_kind();
        dispatch(ActorId::new(home, wait), BeginsToStart { actor: id, mail });
    }
    shard.with_start_noted(id, || {
        if stack.is_none() {
            let built = build_first::<B>(shard, key, once);
            return run(shard, key, built, path);
        }
        let started = do_apart(shard, stack, id, move |shard| {
            let built = build_first::<B>(shard, key, once);
            run(shard, key, built, path)
        });
        started.map_err(|error| SpawnError::CannotWait(error.into()))?
    })?;
    Ok(address)
}

/// Tells the wait that ends with a start which actor begins to start.
struct BeginsToStart {
    actor: ActorId,
    mail: &'static MessageType,
}

impl Parcel for BeginsToStart {
    fn deliver(self, shard: &Shard, wait: Key, _envelope: &Envelope) {
        shard.waits.is_for_work(wait, self.actor, self.mail);
        look_again_for_cycle(shard, wait);
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
fn build_first<B: Blueprint>(
    shard: &Shard,
    key: Key,
    once: Option<B::Once>,
) -> Result<Option<NewBody>, FailedStart> {
    shard.acting_as(shard.id_of(key), || match once {
        Some(once) => {
            let make = || B::build_once(once, shard, key);
            build(shard, key, make, &Signal::PreStart)
        }
        None => {
            #[allow(unsafe_code)]
            // SAFETY: `occupy` stored a recipe of that type. While the actor is built, the tenancy does not
            // end: the actor counts as queued, so that it has no turn.
            let recipe = unsafe { shard.slot(key.slot()).recipe_as::<B::Recipe>() };
            build(shard, key, || recipe.build(shard, key), &Signal::PreStart)
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
                if shard.slot(key.slot()).state() != ActorState::Starting {
                    shard.core.directory.ends(path); // it was asked to stop in its start
                }
            }
            begin_running(shard, key, body);
            shard.tell_of_actor(key, |observer, actor| {
                let kind = StartKind::First;
                observer.started(&ActorStarted { actor, kind });
            });
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
    shard.tell_of_actor(key, |observer, actor| observer.not_started(&actor, &error));
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

fn occupy<B: Blueprint>(
    shard: &Shard,
    parent: u32,
    path: Option<&ActorPath>,
    recipe: Option<Arc<B::Recipe>>,
) -> Key {
    let index = shard.slots().occupy();
    let slot = shard.slot(index);
    let generation = slot.occupy(MessageVtable::of::<B::Message>(), parent);
    // Stored before the actor is built: its setup may start children and wait, and they are supervised by
    // what the recipe says.
    if let Some(recipe) = recipe {
        let mail = MessageVtable::with_recipe::<B::Message, B::Recipe>();
        #[allow(unsafe_code)]
        // SAFETY: this tenancy was begun for these messages just now, and the operations are of this recipe.
        unsafe {
            slot.keep_recipe(mail, recipe);
        }
    }
    if let Some(path) = path {
        slot.with_extra(|extra| extra.path = Some(path.clone()));
    }
    adopt(shard, parent, index);
    shard.note_arrivals_at(slot);
    shard.births.note(index);
    shard.counts.started.add(1);
    shard.counts.alive.add(1);
    let key = Key::new(index, generation);
    if let Some(path) = path {
        shard.make_known_as(key, path);
    }
    if let Some(tracer) = shard.observation.tracer() {
        tracer.starts(shard.id_of(key), &path_of(shard, index));
    }
    key
}

fn begin_running(shard: &Shard, key: Key, body: NewBody) {
    let slot = shard.slot(key.slot());
    slot.take_in(body, shard.slabs());
    if slot.state() == ActorState::Starting {
        slot.enter(ActorState::Running);
    }
    if shard.interrupts.is_forcing() {
        // It starts after the deadline, which has stopped all others: nothing would end it if it were
        // suspended, or waited for a restart.
        slot.set_forced(true);
        slot.attention.set(true);
    }
    slot.queued.set(false);
    if slot.mailbox_len() > 0 || slot.state() != ActorState::Running || slot.attention.get() {
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

/// Removes an actor that did not start, and the children that its setup started.
#[cold]
fn undo_start(shard: &Shard, key: Key, reason: DeadLetterReason) {
    let (slot, id) = (shard.slot(key.slot()), shard.id_of(key));
    let wait = ForgetAtEnd(shard, shard.waits.begin_work(id, slot.message_kind()));
    let vacated = wait.1;
    on_end(shard, key, Box::new(EndsWait(vacated)));
    slot.with_system(|system| system.start_failed = true);
    begin_stop(shard, key.slot(), reason);
    if shard.waits.is_pending(vacated) {
        look_if_held_up(shard, slot, key);
    }
    // Without children the slot is vacant by now. Otherwise the children stop first, in their own turns;
    // if the caller cannot wait for that, they stop after it has returned.
    let _ = wait_for(shard, vacated);
}
