//! Starts of actors by code that knows their types; and get-or-start, which returns the actor that has a
//! name, or starts one, which concurrent callers share.
//!
//! The first caller to reserve the name starts the actor. All others wait until it has started, and share
//! the outcome. While a previous actor of that name still ends, they wait for its end and try again.

use super::props::{Seed, Spawnable};
use super::reference::ActorRef;
use crate::address::{ActorId, ActorPath, Envelope, Home, Key, MessageType};
use crate::deadlock::look_again_for_cycle;
use crate::failure::{DeadLetterReason, SpawnError, WaitEnd, drop_quietly, drop_with_fate};
use crate::lifecycle;
use crate::pool_core::{DirectoryEntry, Heard, NameLookup, NamePhase, PoolCore};
use crate::shard::{Name, Parcel, Shard, Supervised, dispatch, path_of_child};
use crate::suspend::{CannotWait, ForgetAtEnd, wait_for, yield_now};

/// Starts an actor as a child of `parent`: see [`lifecycle::start`].
pub(crate) fn start<M: Send + 'static>(
    shard: &Shard,
    parent: u32,
    name: Name<'_>,
    seed: Seed<M>,
    starter: Option<(Home, Key)>,
) -> Result<ActorRef<M>, SpawnError> {
    let address = lifecycle::start(shard, parent, name, seed, starter)?;
    #[allow(unsafe_code)]
    // SAFETY: the tenancy was begun for the messages of the seed.
    Ok(unsafe { ActorRef::assume(address) })
}

/// Starts a child of an actor of another worker: see [`lifecycle::start_for`].
pub(crate) fn start_for<M: Send + 'static>(
    shard: &Shard,
    supervised: Supervised,
    path: &ActorPath,
    seed: Seed<M>,
    starter: Option<(Home, Key)>,
) -> Result<ActorRef<M>, SpawnError> {
    let address = lifecycle::start_for(shard, supervised, path, seed, starter)?;
    #[allow(unsafe_code)]
    // SAFETY: as in `start`.
    Ok(unsafe { ActorRef::assume(address) })
}

/// Returns the child of that name, and starts it if there is none.
pub(super) fn get_or_start_child<P: Spawnable>(
    shard: &Shard,
    parent: u32,
    name: &str,
    props: P,
) -> Result<ActorRef<P::Message>, SpawnError> {
    match path_of_child(shard, parent, name) {
        Ok(path) => get_or_start(shard, parent, &path, props, None),
        Err(error) => {
            let _ = drop_quietly(props);
            Err(error.into())
        }
    }
}

/// Returns the actor of that path, and starts it here, as a child of `parent`, if there is none. If a
/// caller on another worker waits for that, `caller` is its wait.
pub(crate) fn get_or_start<P: Spawnable>(
    shard: &Shard,
    parent: u32,
    path: &ActorPath,
    props: P,
    caller: Option<(Home, Key)>,
) -> Result<ActorRef<P::Message>, SpawnError> {
    let found = loop {
        if shard.closing.get() {
            break Err(SpawnError::ShuttingDown);
        }
        if shard.core.directory.reserve(path) {
            return start(shard, parent, Name::Reserved(path), Seed::of(props), caller);
        }
        match find_or_wait::<P::Message>(shard, path, caller) {
            Ok(None) => {}
            Ok(Some(found)) => break Ok(found),
            Err(error) => break Err(error),
        }
    };
    let _ = drop_quietly(props);
    found
}

/// Returns the reference to an actor of the directory, if it handles messages of that type.
pub(crate) fn typed<M: Send + 'static>(
    path: &ActorPath,
    entry: DirectoryEntry,
) -> Result<ActorRef<M>, SpawnError> {
    typed_or(entry, |expected, actual| SpawnError::WrongType {
        path: path.clone(),
        expected,
        actual,
    })
}

/// As [`typed`], with an error made from the requested type and the type that the actor handles.
pub(crate) fn typed_or<M: Send + 'static, E>(
    entry: DirectoryEntry,
    wrong_type: impl FnOnce(&'static str, &'static str) -> E,
) -> Result<ActorRef<M>, E> {
    if !entry.message.is::<M>() {
        let expected = MessageType::of::<M>().name();
        return Err(wrong_type(expected, entry.message.name()));
    }
    #[allow(unsafe_code)]
    // SAFETY: the entry was made by `start` with the type for which it began the tenancy, and that is
    // `M`.
    Ok(unsafe { ActorRef::assume(entry.address) })
}

/// Returns the actor of a name that was taken, once it has started. `None` if the name may be free by
/// now.
fn find_or_wait<M: Send + 'static>(
    shard: &Shard,
    path: &ActorPath,
    caller: Option<(Home, Key)>,
) -> Result<Option<ActorRef<M>>, SpawnError> {
    let mut wrong = None;
    let mut wait = None;
    let looked = shard
        .core
        .names
        .look(&*shard.core.directory, path, |phase, entry| {
            if phase == NamePhase::Starting
                && let Err(error) = typed::<M>(path, entry)
            {
                wrong = Some(error);
                return None;
            }
            let (actor, mail) = (entry.actor(), MessageType::of::<M>());
            let key = shard.waits.begin_for_name(actor, mail);
            wait = Some((ForgetAtEnd(shard, key), actor));
            let waiter = ActorId::new(shard.home, key);
            Some(Box::new(move |heard| dispatch(waiter, Tell(heard))))
        });
    if let Some(error) = wrong {
        return Err(error);
    }
    match (looked, wait) {
        (NameLookup::Live(entry), _) => typed(path, entry).map(Some),
        (NameLookup::Wait, Some((wait, actor))) => {
            if let Some((home, wait)) = caller {
                let mail = MessageType::of::<M>();
                dispatch(ActorId::new(home, wait), WantsName { actor, mail });
            }
            hear(shard, path, wait.1)
        }
        (NameLookup::Again, _) => {
            yield_now(shard).map_err(cannot_wait)?;
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// Waits until the outcome for a name is known.
fn hear<M: Send + 'static>(
    shard: &Shard,
    path: &ActorPath,
    wait: Key,
) -> Result<Option<ActorRef<M>>, SpawnError> {
    wait_for(shard, wait).map_err(cannot_wait)?;
    match shard.waits.take_value::<Heard>(wait) {
        Some(Heard::Started(entry)) => return typed(path, entry).map(Some),
        Some(Heard::NotStarted(error)) => return Err(error),
        Some(Heard::Freed) => return Ok(None),
        None => {}
    }
    let cycle = shard.waits.take_cycle(wait);
    match (shard.waits.take_end(wait), cycle) {
        (Some(WaitEnd::Deadlock), Some(cycle)) => Err(SpawnError::Deadlock(cycle)),
        // Otherwise only the end of the pool ends the wait.
        _ => Err(SpawnError::PoolClosed),
    }
}

fn cannot_wait(error: CannotWait) -> SpawnError {
    SpawnError::CannotWait(error.into())
}

/// The outcome for a name, on its way to a wait for it.
struct Tell(Heard);

impl Parcel for Tell {
    fn deliver(self, shard: &Shard, wait: Key, _envelope: &Envelope) {
        if shard.waits.is_pending(wait) {
            shard.follow_up(shard.waits.fulfil(wait, self.0));
        } else {
            let _ = drop_with_fate(self.0, WaitEnd::NoReply);
        }
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {
        let _ = drop_with_fate(self.0, WaitEnd::PoolClosed);
    }

    fn bounce_without_pool(self, _: ActorId) {
        let _ = drop_with_fate(self.0, WaitEnd::PoolClosed);
    }
}

/// Tells a wait on another worker which actor it waits for, by its name.
struct WantsName {
    actor: ActorId,
    mail: &'static MessageType,
}

impl Parcel for WantsName {
    fn deliver(self, shard: &Shard, wait: Key, _envelope: &Envelope) {
        shard.waits.is_for_name(wait, self.actor, self.mail);
        look_again_for_cycle(shard, wait);
    }

    fn bounce(self, _: &PoolCore, _: ActorId, _: Envelope, _: DeadLetterReason) {}

    fn bounce_without_pool(self, _: ActorId) {}
}
