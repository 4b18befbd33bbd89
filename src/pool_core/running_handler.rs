//! The current activity of a worker, as keys of actors and types of messages, for the worker itself and for
//! other threads: see [`WorkerActivity`].

#![allow(unsafe_code)]

use std::ptr;

use crate::address::{Key, MessageType};
use crate::shared;

/// The current turn of one worker.
pub(crate) type WorkerActivity = shared::Activity<MessageType>;

/// The handler that runs, for a worker that leaves it and comes back.
pub(crate) type RunningTurn = shared::ActivityMark<MessageType>;

/// A running handler, as seen from another thread.
pub(crate) struct RunningHandler {
    pub(crate) turn: u64,
    pub(crate) key: Key,
    pub(crate) message_type: &'static str,
}

impl RunningTurn {
    pub(crate) const NOBODY: Self = Self::new(0, ptr::null_mut());

    /// A turn of the tenant of a slot, with the slot's kind of mail.
    #[inline(always)]
    pub(crate) fn of_turn(key: Key, mail: Option<&'static MessageType>) -> Self {
        let mail = mail.map_or(ptr::null_mut(), |mail| ptr::from_ref(mail).cast_mut());
        Self::new(key.to_bits(), mail)
    }

    #[inline(always)]
    pub(crate) fn of(key: Key, mail: &'static MessageType) -> Self {
        Self::of_turn(key, Some(mail))
    }
}

/// Returns which actor's handler ran last, and whether it still runs. For the worker's own thread.
pub(crate) fn last_handler(activity: &WorkerActivity) -> Option<(Key, bool)> {
    let (key, mail) = activity.last().parts();
    let any = !mail.is_null();
    any.then_some((
        Key::from_bits(key),
        WorkerActivity::is_running(activity.turn()),
    ))
}

/// Returns the handler that runs. For other threads.
pub(crate) fn look_at_handler(activity: &WorkerActivity) -> Option<RunningHandler> {
    let (turn, running) = activity.look()?;
    let (key, mail) = running.parts();
    // SAFETY: only `RunningTurn::of_turn` makes a pointer that is not null, from a `&'static` reference, and
    // nothing is ever written through it.
    let mail = unsafe { mail.as_ref() }?;
    Some(RunningHandler {
        turn,
        key: Key::from_bits(key),
        message_type: mail.name(),
    })
}

/// Returns the actors that wait in the middle of their handlers; only some of them if there are many. For
/// other threads.
pub(crate) fn look_at_waiting(activity: &WorkerActivity) -> impl Iterator<Item = Key> {
    activity.waiting().map(Key::from_bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s9_3_a_handler_is_seen_while_it_runs_and_each_time_has_a_number_of_its_own() {
        let (activity, key) = (WorkerActivity::default(), Key::new(3, 2));
        assert!(look_at_handler(&activity).is_none());
        activity.begin(RunningTurn::of(key, MessageType::of::<u8>()));
        let first = look_at_handler(&activity).unwrap();
        assert_eq!((first.key, first.message_type), (key, "u8"));
        let outer = activity.running();
        activity.begin_within(RunningTurn::of(key, MessageType::of::<u16>()));
        assert_eq!(look_at_handler(&activity).unwrap().message_type, "u16");
        activity.go_on(outer);
        let again = look_at_handler(&activity).unwrap();
        assert_eq!(again.message_type, "u8");
        assert_ne!(first.turn, again.turn);
        activity.end();
        assert!(
            look_at_handler(&activity).is_none() && !WorkerActivity::is_running(activity.turn())
        );
        activity.go_on(activity.running());
        assert!(look_at_handler(&activity).is_none());
    }
}
