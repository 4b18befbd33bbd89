//! How an actor starts, has its turns, fails, stops, and leaves nothing behind.
//!
//! Starting and stopping run in a fiber of the owning worker, like every handler, so that setups
//! and signal handlers may wait.

use std::any::TypeId;
use std::sync::Arc;

use super::behavior::Signal;
use super::body::{Body, TurnEnd, resolve};
use super::context::Context;
use super::dead_letter::DeadLetterReason;
use super::directory::DirectoryEntry;
use super::envelope::Envelope;
use super::failure::{BoxError, Cause, Failure, Stage};
use super::fate::{End, drop_with_fate};
use super::id::Key;
use super::observer::{Intervention, Observer};
use super::path::{ActorPath, NameError};
use super::props::Props;
use super::reference::ActorRef;
use super::run_queue::Due;
use super::shard::{ForgetAtEnd, Shard};
use super::slot::{NO_SLOT, Slot, State};
use super::unwind::{Unwound, catch_user};
use crate::sync::{Mutant, is_mutated};

/// Messages that an actor handles in one turn at the most, so that others have theirs.
const MOST_PER_TURN: usize = 256;

/// The slot of the guardian, `/user`, the parent of the top-level actors. It handles nothing.
pub(crate) const GUARDIAN: u32 = 0;

/// What an actor is to be called.
#[derive(Clone, Copy)]
pub(crate) enum Name<'a> {
    Given(&'a str),
    Generated,
}

/// Why an actor was not started. Nothing of it is left behind.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// A live actor has that name.
    #[error("the name {0} is taken; choose another, or stop the actor that has it first")]
    NameTaken(ActorPath),
    /// The name is not a valid one.
    #[error(transparent)]
    InvalidName(#[from] NameError),
    /// Its factory, its setup or its handling of `PreStart` failed.
    #[error(transparent)]
    Failed(Arc<Failure>),
    /// The pool shuts down.
    #[error("the pool shuts down and starts no more actors")]
    ShuttingDown,
    /// The pool has ended.
    #[error("the pool has ended")]
    PoolClosed,
    /// There is no worker of that index.
    #[error("the pool has {workers} workers, numbered from 0, so there is no worker {worker}")]
    NoSuchWorker {
        /// The index that was asked for.
        worker: usize,
        /// How many workers there are.
        workers: usize,
    },
    /// The actor to be near belongs to another pool.
    #[error("the actor to be near belongs to another pool")]
    OtherPool,
    /// Another worker spawned an actor of that name in `configure`, for other messages.
    #[error("{path} handles {actual}, not {expected}: every worker must configure it alike")]
    WrongType {
        /// The actor's path.
        path: ActorPath,
        /// The type of messages that was asked for.
        expected: &'static str,
        /// The type of messages that it handles.
        actual: &'static str,
    },
    /// The caller would have to wait for another worker, and cannot.
    #[error(transparent)]
    CannotWait(#[from] super::context::WaitError),
}

/// Makes the guardian of a new shard.
pub(crate) fn found_guardian(shard: &Shard) {
    let slot = shard.slots().occupy();
    debug_assert_eq!(slot, GUARDIAN);
    shard.slot(slot).occupy::<()>(NO_SLOT);
    shard.slot(slot).shut();
}

/// The path of an actor of this shard.
pub(crate) fn path_of(shard: &Shard, index: u32) -> ActorPath {
    // Upwards to the next ancestor that was given a name, then down again: families are deep.
    let mut generated = Vec::new();
    let mut at = index;
    let path = loop {
        if at == GUARDIAN {
            break ActorPath::user();
        }
        let slot = shard.slot(at);
        if let Some(path) = slot.given_path() {
            break path;
        }
        let generation = slot.generation();
        generated.push(format!("${:x}.{at:x}.{generation:x}", shard.home.worker()));
        at = slot.parent.get();
    };
    generated.iter().rev().fold(path, |path, name| {
        path.generated_child(name)
            .expect("a generated name is made of valid characters")
    })
}

// ---- starting ------------------------------------------------------------------------------

/// Starts an actor as a child of `parent`, and returns when it runs.
pub(crate) fn start<M: Send + 'static>(
    shard: &Shard,
    parent: u32,
    name: Name<'_>,
    props: &Props<M>,
) -> Result<ActorRef<M>, SpawnError> {
    let path = match name {
        Name::Given(name) => Some(reserve(shard, parent, name)?),
        Name::Generated => None,
    };
    let key = occupy::<M>(shard, parent, path.as_ref());
    let slot = shard.slot(key.slot);
    let id = shard.id_of(key);
    match shard.acting_as(id, || build(shard, key, props)) {
        Ok(body) => {
            if let Some(path) = &path {
                let (message, message_type) = (TypeId::of::<M>(), slot.message_type());
                let entry = DirectoryEntry {
                    actor: id,
                    message,
                    message_type,
                };
                shard.core.directory.publish(path, entry);
            }
            begin_running(shard, key, body);
            #[allow(unsafe_code)]
            // SAFETY: `occupy` above began this tenancy for `M`.
            Ok(unsafe { ActorRef::assume(id) })
        }
        Err(cause) => {
            let reason = cause.reason();
            let error = describe_failed_start(shard, key, cause);
            undo_start(shard, key, reason);
            Err(error)
        }
    }
}

fn reserve(shard: &Shard, parent: u32, name: &str) -> Result<ActorPath, SpawnError> {
    let path = path_of(shard, parent).child(name)?;
    if shard.core.directory.reserve(&path) {
        Ok(path)
    } else {
        Err(SpawnError::NameTaken(path))
    }
}

fn occupy<M: 'static>(shard: &Shard, parent: u32, path: Option<&ActorPath>) -> Key {
    let index = shard.slots().occupy();
    let slot = shard.slot(index);
    let generation = slot.occupy::<M>(parent);
    if let Some(path) = path {
        slot.with_extra(|extra| extra.path = Some(path.clone()));
    }
    adopt(shard, parent, index);
    shard.counts.started.add(1);
    shard.counts.alive.add(1);
    let key = Key {
        slot: index,
        generation,
    };
    if let Some(observer) = shard.observer.get() {
        observer.starts(shard.id_of(key), &path_of(shard, index));
    }
    key
}

/// Why a start came to nothing.
enum FailedStart {
    Error(BoxError),
    Unwound(Unwound),
}

impl FailedStart {
    /// Why the mail is lost that came meanwhile.
    fn reason(&self) -> DeadLetterReason {
        match self {
            Self::Unwound(Unwound::Forced) => DeadLetterReason::Forced,
            _ => DeadLetterReason::Failed,
        }
    }
}

/// Runs the factory, the setups and `PreStart`. `None`: the actor is to stop at once.
fn build<M: Send + 'static>(
    shard: &Shard,
    key: Key,
    props: &Props<M>,
) -> Result<Option<Box<dyn Body>>, FailedStart> {
    let resolved = catch_user(|| resolve(props.build(), &mut Context::new(shard, key)));
    let Some(mut body) = ended_well(resolved)? else {
        return Ok(None);
    };
    // The body stays outside of what is caught: were its destructor to panic in the middle of an
    // unwinding, the process would end.
    let told = catch_user(|| body.signal(shard, key, &Signal::PreStart));
    match ended_well(told) {
        Ok(()) => Ok(Some(body)),
        Err(failed) => {
            let _ = drop_with_fate(body, End::from(failed.reason()));
            Err(failed)
        }
    }
}

fn ended_well<T>(ended: Result<Result<T, BoxError>, Unwound>) -> Result<T, FailedStart> {
    match ended {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(FailedStart::Error(error)),
        Err(unwound) => Err(FailedStart::Unwound(unwound)),
    }
}

fn begin_running(shard: &Shard, key: Key, body: Option<Box<dyn Body>>) {
    let slot = shard.slot(key.slot);
    let Some(body) = body else {
        return begin_stop(shard, key.slot, DeadLetterReason::Stopped);
    };
    slot.put_body(body);
    if slot.state() == State::Starting {
        slot.enter(State::Running);
    }
    slot.queued.set(false);
    if slot.mailbox_len() > 0 || slot.state() != State::Running || slot.forced.get() {
        make_due(shard, key.slot);
    }
}

#[cold]
fn describe_failed_start(shard: &Shard, key: Key, cause: FailedStart) -> SpawnError {
    let cause = match cause {
        FailedStart::Error(error) => Cause::Error(error),
        FailedStart::Unwound(Unwound::Panicked(text)) => Cause::Panic(text),
        FailedStart::Unwound(Unwound::Forced) => return SpawnError::ShuttingDown,
    };
    SpawnError::Failed(Arc::new(describe(shard, key, Stage::Starting, cause)))
}

/// Removes an actor that did not start, together with the children that its setup started.
#[cold]
fn undo_start(shard: &Shard, key: Key, reason: DeadLetterReason) {
    let wait = ForgetAtEnd(shard, shard.waits.begin(None, shard.id_of(key)));
    let vacated = wait.1;
    shard
        .slot(key.slot)
        .with_extra(|extra| extra.on_vacated = Some(vacated));
    begin_stop(shard, key.slot, reason);
    // Without children the slot is vacant by now. Else the children stop first, on their own
    // turns; where the caller cannot wait for that, they do so after it.
    let _ = shard.wait_for(vacated);
}

// ---- the family ----------------------------------------------------------------------------

fn adopt(shard: &Shard, parent: u32, child: u32) {
    let (parent, slot) = (shard.slot(parent), shard.slot(child));
    let next = parent.first_child.replace(child);
    slot.next_sibling.set(next);
    slot.previous_sibling.set(NO_SLOT);
    if next != NO_SLOT {
        shard.slot(next).previous_sibling.set(child);
    }
}

fn disown(shard: &Shard, slot: &Slot) {
    let (next, previous) = (slot.next_sibling.get(), slot.previous_sibling.get());
    if next != NO_SLOT {
        shard.slot(next).previous_sibling.set(previous);
    }
    if previous == NO_SLOT {
        shard.slot(slot.parent.get()).first_child.set(next);
    } else {
        shard.slot(previous).next_sibling.set(next);
    }
}

fn children<'a>(shard: &'a Shard, parent: &Slot) -> impl Iterator<Item = u32> + 'a {
    let mut next = parent.first_child.get();
    std::iter::from_fn(move || {
        let child = (next != NO_SLOT).then_some(next)?;
        next = shard.slot(child).next_sibling.get();
        Some(child)
    })
}

fn key_of(shard: &Shard, index: u32) -> Key {
    Key {
        slot: index,
        generation: shard.slot(index).generation(),
    }
}

fn make_due(shard: &Shard, index: u32) {
    if !shard.slot(index).queued.replace(true) {
        shard.due.push(Due::Turn(index));
    }
}

// ---- turns ---------------------------------------------------------------------------------

/// Gives an actor its turn: it handles what was in its mailbox when the turn began, up to a
/// measure, or goes on with stopping.
pub(crate) fn take_turn(shard: &Shard, index: u32) {
    let slot = shard.slot(index);
    if slot.state() == State::Stopping {
        return finish_stop(shard, index);
    }
    let key = key_of(shard, index);
    let waiting = slot.mailbox_len();
    if waiting > 0 && !slot.forced.get() {
        let Some(mut body) = slot.take_body() else {
            if is_mutated(Mutant::HandledWhileWaiting) {
                return slot.discard_next(shard, End::NoReply);
            }
            unreachable!("a running actor has a body")
        };
        shard.set_actor(shard.id_of(key));
        shard.verdicts.open();
        let end = match shard.observer.get() {
            None => catch_user(|| body.turn(shard, key, waiting.min(MOST_PER_TURN))),
            Some(observer) => observed_turn(shard, key, &mut *body, &**observer),
        };
        let failed = matches!(end, Ok(TurnEnd::Failed(_)) | Err(_));
        shard
            .verdicts
            .close(failed.then(|| shard.envelope().message_id()));
        if let Ok(TurnEnd::Done) = end {
            slot.put_body(body);
        } else if !end_turn_early(shard, key, body, end) {
            return shard.act_as_nobody();
        }
    }
    end_turn(shard, slot, index);
    shard.act_as_nobody();
}

/// A turn of one message, with somebody looking on who may let a fault happen.
#[cold]
#[inline(never)]
fn observed_turn(
    shard: &Shard,
    key: Key,
    body: &mut dyn Body,
    observer: &dyn Observer,
) -> Result<TurnEnd, Unwound> {
    let slot = shard.slot(key.slot);
    let envelope = slot.peek_envelope().unwrap_or(Envelope::NONE);
    match observer.handles(shard.id_of(key), &envelope, slot.message_type()) {
        Intervention::None => catch_user(|| body.turn(shard, key, 1)),
        Intervention::Panic(text) => {
            slot.discard_next(shard, End::Failed);
            Err(Unwound::Panicked(text))
        }
        Intervention::Kill => {
            kill(shard, key);
            Ok(TurnEnd::Done)
        }
    }
}

/// Lets an actor whose handler waits have turns nevertheless: a mistake, see [`Mutant`].
#[cold]
pub(crate) fn allow_turns(shard: &Shard, actor: super::id::ActorId) {
    if let Some(slot) = shard.tenant(actor.key) {
        slot.queued.set(false);
        if slot.mailbox_len() > 0 {
            make_due(shard, actor.key.slot);
        }
    }
}

#[inline]
fn end_turn(shard: &Shard, slot: &Slot, index: u32) {
    if slot.state() == State::Running && !slot.forced.get() {
        if slot.mailbox_len() > 0 {
            if is_mutated(Mutant::TurnForgotten) {
                return slot.queued.set(false);
            }
            shard.due.push(Due::Turn(index));
        } else {
            slot.release_mailbox(shard.blocks());
            slot.queued.set(false);
        }
    } else {
        end_last_turns(shard, slot, index);
    }
}

#[cold]
fn end_last_turns(shard: &Shard, slot: &Slot, index: u32) {
    if slot.forced.get() {
        begin_stop(shard, index, DeadLetterReason::Forced);
    } else if slot.mailbox_len() > 0 {
        shard.due.push(Due::Turn(index));
    } else {
        begin_stop(shard, index, DeadLetterReason::Stopped);
    }
}

/// Ends a turn that did not simply come to its end. Answers whether the actor goes on.
#[cold]
fn end_turn_early(
    shard: &Shard,
    key: Key,
    body: Box<dyn Body>,
    end: Result<TurnEnd, Unwound>,
) -> bool {
    let slot = shard.slot(key.slot);
    let cause = match end {
        Ok(TurnEnd::Become(next)) => {
            if let Some(Unwound::Panicked(text)) = drop_with_fate(body, End::NoReply) {
                report(shard, key, Stage::Handling, Cause::Panic(text));
            }
            slot.put_body(next);
            return true;
        }
        Ok(TurnEnd::Done | TurnEnd::Stop) => {
            slot.put_body(body);
            begin_stop(shard, key.slot, DeadLetterReason::Stopped);
            return false;
        }
        Ok(TurnEnd::Failed(error)) => Cause::Error(error),
        Err(Unwound::Panicked(text)) => Cause::Panic(text),
        Err(Unwound::Forced) => {
            slot.put_body(body);
            begin_stop(shard, key.slot, DeadLetterReason::Forced);
            return false;
        }
    };
    slot.put_body(body);
    report(shard, key, Stage::Handling, cause);
    begin_stop(shard, key.slot, DeadLetterReason::Failed);
    false
}

fn describe(shard: &Shard, key: Key, during: Stage, cause: Cause) -> Failure {
    let message_type = shard.slot(key.slot).message_type();
    Failure {
        actor: shard.id_of(key),
        path: path_of(shard, key.slot),
        message_type,
        during,
        cause,
    }
}

/// Tells the pool's hook of a failure. A supervisor would decide here; for now a failed actor
/// stops.
#[cold]
fn report(shard: &Shard, key: Key, during: Stage, cause: Cause) {
    let failure = describe(shard, key, during, cause);
    // A hook that panics has told its own story through the panic hook, and so has an error.
    let _ = catch_user(|| (shard.core.on_failure)(&failure));
    let _ = drop_with_fate(failure, End::Failed);
}

// ---- stopping ------------------------------------------------------------------------------

/// Asks an actor to stop when it has handled the mail that it has.
pub(crate) fn request_stop(shard: &Shard, key: Key) {
    let Some(slot) = shard.tenant(key) else {
        return;
    };
    if matches!(slot.state(), State::Starting | State::Running) {
        slot.shut();
        slot.enter(State::Draining);
        if is_mutated(Mutant::StopOvertakesMail) {
            let buried = slot.bury_mail(shard, shard.id_of(key), DeadLetterReason::Stopped);
            shard.counts.buried.add(buried);
        }
        make_due(shard, key.slot);
    }
}

/// Lets an actor handle nothing after the message that it is at: its mail becomes dead letters, and it
/// stops.
pub(crate) fn kill(shard: &Shard, key: Key) {
    request_stop(shard, key);
    if let Some(slot) = shard.tenant(key) {
        let buried = slot.bury_mail(shard, shard.id_of(key), DeadLetterReason::Stopped);
        shard.counts.buried.add(buried);
    }
}

/// Asks every top-level actor to stop.
pub(crate) fn stop_all(shard: &Shard) {
    ask_children_to_stop(shard, shard.slot(GUARDIAN));
}

fn ask_children_to_stop(shard: &Shard, parent: &Slot) {
    for child in children(shard, parent) {
        request_stop(shard, key_of(shard, child));
    }
}

/// Stops every actor that is left, without waiting for its mail or its handler. Answers how many.
pub(crate) fn force_all(shard: &Shard) -> u64 {
    let mut forced = 0;
    for (index, slot) in shard.slots().iter() {
        if index == GUARDIAN || slot.state() == State::Vacant {
            continue;
        }
        slot.forced.set(true);
        slot.shut();
        forced += 1;
        // At once, so that a handler which survives its forced end finds nothing more to handle.
        let actor = shard.id_of(key_of(shard, index));
        shard
            .counts
            .buried
            .add(slot.bury_mail(shard, actor, DeadLetterReason::Forced));
        if matches!(slot.state(), State::Running | State::Draining) {
            make_due(shard, index);
        }
    }
    forced
}

/// Lets an actor handle nothing more. It has stopped when its children have.
fn begin_stop(shard: &Shard, index: u32, reason: DeadLetterReason) {
    let slot = shard.slot(index);
    slot.shut();
    slot.enter(State::Stopping);
    let actor = shard.id_of(key_of(shard, index));
    let reason = if slot.forced.get() {
        DeadLetterReason::Forced
    } else {
        reason
    };
    slot.end_with(End::from(reason));
    shard
        .counts
        .buried
        .add(slot.bury_mail(shard, actor, reason));
    // Until the last child is gone there is nothing to do for it.
    slot.queued.set(false);
    ask_children_to_stop(shard, slot);
    if slot.first_child.get() == NO_SLOT {
        slot.queued.set(true);
        finish_stop(shard, index);
    } else if is_mutated(Mutant::ParentStopsFirst) {
        tell_of_stop(shard, key_of(shard, index));
    }
}

/// Tells the actor that it has stopped, and vacates its slot.
fn finish_stop(shard: &Shard, index: u32) {
    let slot = shard.slot(index);
    debug_assert_eq!(slot.first_child.get(), NO_SLOT);
    let key = key_of(shard, index);
    tell_of_stop(shard, key);
    if slot.first_child.get() == NO_SLOT {
        vacate(shard, key);
    } else {
        // `PostStop` started children: they stop first, and nobody is told a second time.
        slot.queued.set(false);
        ask_children_to_stop(shard, slot);
    }
}

/// Tells the actor that it has stopped, unless it has been told, and drops its state.
fn tell_of_stop(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot);
    if let Some(mut body) = slot.take_body() {
        let id = shard.id_of(key);
        let stopped = shard.acting_as(id, || {
            catch_user(|| body.signal(shard, key, &Signal::PostStop))
        });
        match stopped {
            Ok(Ok(())) | Err(Unwound::Forced) => {}
            Ok(Err(error)) => report(shard, key, Stage::Stopping, Cause::Error(error)),
            Err(Unwound::Panicked(text)) => {
                report(shard, key, Stage::Stopping, Cause::Panic(text));
            }
        }
        let dropped = shard.acting_as(id, || drop_with_fate(body, slot.ending()));
        if let Some(Unwound::Panicked(text)) = dropped {
            report(shard, key, Stage::Stopping, Cause::Panic(text));
        }
    }
}

fn vacate(shard: &Shard, key: Key) {
    let slot = shard.slot(key.slot);
    disown(shard, slot);
    let extra = slot.take_extra().unwrap_or_default();
    let parent = slot.parent.get();
    let with_parent = shard.slot(parent).state() == State::Stopping;
    if let Some(path) = &extra.path
        && !(is_mutated(Mutant::NameKept) && with_parent)
    {
        shard.core.directory.release(path);
    }
    let failed = slot.ending() == End::Failed;
    if slot.vacate(shard.blocks()) && !(is_mutated(Mutant::SlotLeaked) && failed) {
        shard.slots().vacate(key.slot);
    }
    shard.counts.alive.take_away(1);
    if let Some(observer) = shard.observer.get() {
        observer.stopped(shard.id_of(key));
    }
    if let Some(wait) = extra.on_vacated {
        shard.follow_up(&shard.waits.fulfil(wait, ()));
    }
    let parent_slot = shard.slot(parent);
    if parent_slot.state() == State::Stopping && parent_slot.first_child.get() == NO_SLOT {
        make_due(shard, parent);
    }
}
