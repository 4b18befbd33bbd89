//! Keyed timers: messages that an actor sends to itself, at a later time or repeatedly.

use std::fmt;
use std::time::Duration;

use crate::address::Key;
use crate::self_queue::IntervalStart;
use crate::self_queue::Make;
use crate::self_queue::TimerKey;
use crate::self_queue::TimerKind;
use crate::self_queue::look_at_store;
use crate::self_queue::with_store;
use crate::shard::ActorState;
use crate::shard::Shard;

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The timers of an actor, from [`Context::timers`](crate::Context::timers).
///
/// A timer sends a message to its own actor, which handles it like any other, but ahead of its mail. Each
/// timer has a key; another timer with the same key replaces it. A timer that was cancelled or replaced
/// sends nothing any more, even if it was due already. No timer outlives its actor, or a restart; timers do
/// outlive a change of the behaviour. While the actor is suspended, what is due waits.
///
/// A message counts as sent when it is handled; its sender is the actor itself, and its cause is the
/// message under which the timer was started. No timer is ever early.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::sim::Sim;
/// use std::time::Duration;
///
/// enum Heart { Beat, Count(Reply<u32>) }
///
/// let heart = Props::new(|| Behavior::with_timers(|timers| {
///     timers.start_fixed_rate("beat", || Heart::Beat, Duration::from_secs(1));
///     Ok(Behavior::with_state(0, |beats, _ctx, message| match message {
///         Heart::Beat => *beats += 1,
///         Heart::Count(reply) => reply.send(*beats),
///     }))
/// }));
///
/// let mut sim = Sim::builder().orderly().start()?;
/// let heart = sim.spawn("heart", heart)?;
/// sim.run_for(Duration::from_secs(60));
/// assert_eq!(heart.ask(Heart::Count, Duration::from_secs(1)).wait()?, 60);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Timers<'a, M> {
    shard: &'a Shard,
    actor: Key,
    messages: std::marker::PhantomData<fn(M)>,
}

impl<'a, M: Send + 'static> Timers<'a, M> {
    pub(super) fn new(shard: &'a Shard, actor: Key) -> Self {
        Self {
            shard,
            actor,
            messages: std::marker::PhantomData,
        }
    }

    /// Sends `message`, once, after `delay`. Once it is handled, the timer is inactive.
    pub fn start_single(&mut self, key: impl Into<TimerKey>, message: M, delay: Duration) {
        self.start(key.into(), nanos(delay), TimerKind::Single(message));
    }

    /// Sends a message that `make` makes, first after `delay`, then each time that long after the previous
    /// one was handled.
    ///
    /// If `make` panics the actor fails, and the timer ends.
    ///
    /// # Panics
    ///
    /// When `delay` is zero.
    pub fn start_fixed_delay(
        &mut self,
        key: impl Into<TimerKey>,
        make: impl FnMut() -> M + 'static,
        delay: Duration,
    ) {
        self.repeat(key.into(), Box::new(make), delay, IntervalStart::Handling);
    }

    /// Sends a message that `make` makes, first after `period`, then with that period: each time counts
    /// from when the previous one was due, so that delays do not add up.
    ///
    /// While the actor is busy, or suspended, messages do not pile up: at most one is waiting. It is
    /// handled late, and the next one is due at the next time of the same grid.
    ///
    /// If `make` panics the actor fails, and the timer ends.
    ///
    /// # Panics
    ///
    /// When `period` is zero.
    pub fn start_fixed_rate(
        &mut self,
        key: impl Into<TimerKey>,
        make: impl FnMut() -> M + 'static,
        period: Duration,
    ) {
        self.repeat(key.into(), Box::new(make), period, IntervalStart::Due);
    }

    fn repeat(&mut self, key: TimerKey, make: Make<M>, every: Duration, interval: IntervalStart) {
        assert!(
            !every.is_zero(),
            "the period of a repeated timer must not be zero"
        );
        let every = nanos(every);
        self.start(key, every, TimerKind::repeated(make, every, interval));
    }

    fn start(&mut self, key: TimerKey, after: u64, kind: TimerKind<M>) {
        let slot = self.shard.slot(self.actor.slot());
        if slot.state() == ActorState::Stopping {
            return; // nothing is handled after `PostStop`
        }
        let at = self.shard.read_clock().saturating_add(after);
        let (shard, actor) = (self.shard, self.actor);
        let replaced = with_store::<M, _>(slot, |store| {
            store.timers.insert(shard, actor, (key, at), kind)
        });
        // Dropped here, where nothing is borrowed.
        drop(replaced);
    }

    /// Ends a timer. Returns whether there was one.
    pub fn cancel(&mut self, key: impl Into<TimerKey>) -> bool {
        let (key, slot) = (key.into(), self.shard.slot(self.actor.slot()));
        let ended = look_at_store::<M, _>(slot, |store| store.timers.cancel(self.shard, &key));
        ended.flatten().is_some()
    }

    /// Ends all timers of the actor.
    pub fn cancel_all(&mut self) {
        let slot = self.shard.slot(self.actor.slot());
        let ended = look_at_store::<M, _>(slot, |store| {
            let table = std::mem::take(&mut store.timers);
            table.unset(self.shard);
            table
        });
        drop(ended);
    }

    /// Returns whether a timer of that key is pending: it was started, and was neither cancelled nor, if it
    /// is a single one, handled.
    pub fn is_active(&self, key: impl Into<TimerKey>) -> bool {
        let (key, slot) = (key.into(), self.shard.slot(self.actor.slot()));
        let active = look_at_store::<M, _>(slot, |store| store.timers.contains(&key));
        active.unwrap_or(false)
    }
}

impl<M> fmt::Debug for Timers<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").finish_non_exhaustive()
    }
}
