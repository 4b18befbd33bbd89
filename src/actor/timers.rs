//! Keyed timers: messages that an actor has sent to itself, at a later time or again and again.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::alarms::Alarm;
use super::envelope::Envelope;
use super::fate::{End, drop_with_fate};
use super::id::Key;
use super::kept::{look_at_store, with_store};
use super::shard::Shard;
use super::slot::State;
use crate::sync::{Mutant, is_mutated};
use crate::time::TimerId;

/// What a timer is called among those of its actor: a name, a number, or both.
///
/// ```
/// use nexus_actors::TimerKey;
///
/// let plain: TimerKey = "retry".into();
/// let numbered: TimerKey = ("retry", 7).into();
/// assert_ne!(plain, numbered);
/// assert_eq!(TimerKey::from(7), ("", 7).into());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerKey {
    name: Cow<'static, str>,
    number: u64,
}

impl Hash for TimerKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(xxh3_64_with_seed(self.name.as_bytes(), self.number));
    }
}

/// Takes the one number that a key writes, which is a hash already. Without chance, so that a simulation can
/// be repeated.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("the key of a timer writes one number")
    }
}

impl From<&'static str> for TimerKey {
    fn from(name: &'static str) -> Self {
        (name, 0).into()
    }
}

impl From<u64> for TimerKey {
    fn from(number: u64) -> Self {
        ("", number).into()
    }
}

impl From<String> for TimerKey {
    fn from(name: String) -> Self {
        Self {
            name: name.into(),
            number: 0,
        }
    }
}

impl From<(&'static str, u64)> for TimerKey {
    fn from((name, number): (&'static str, u64)) -> Self {
        Self {
            name: name.into(),
            number,
        }
    }
}

/// Makes the messages of a timer that rings again and again.
pub(crate) type Make<M> = Box<dyn FnMut() -> M>;

/// What a timer does when it is due.
enum Kind<M> {
    Single(M),
    /// The maker is out while it makes a message.
    Repeated {
        make: Option<Make<M>>,
        every: u64,
        beat: Beat,
    },
}

/// What the next time of a timer counts from.
#[derive(Clone, Copy)]
enum Beat {
    /// The end of the handling.
    Handling,
    /// The time at which it was last due.
    Due,
}

struct Timer<M> {
    key: TimerKey,
    /// When it is due, and what then rings; none once it has.
    at: u64,
    alarm: Option<TimerId>,
    /// Which of the timers this is that the actor has ever had.
    serial: u64,
    /// The message under which it was started.
    origin: Envelope,
    kind: Kind<M>,
}

/// What is taken from a timer that is due.
pub(crate) enum Taken<M> {
    Message(M),
    Maker(Make<M>),
}

/// The timers of one actor.
pub(crate) struct TimerTable<M> {
    by_key: HashMap<TimerKey, u32, BuildHasherDefault<Hashed>>,
    timers: Vec<Option<Timer<M>>>,
    free: Vec<u32>,
    /// Timers that have rung, and numbers of such that were cancelled since.
    rung: VecDeque<u32>,
    /// Which numbers are among these, each of which is there once.
    is_listed: Vec<bool>,
    /// The timer whose message is being handled, where the next one counts from there.
    handling: Option<u64>,
    last_serial: u64,
}

impl<M> Default for TimerTable<M> {
    fn default() -> Self {
        Self {
            by_key: HashMap::default(),
            timers: Vec::new(),
            free: Vec::new(),
            rung: VecDeque::new(),
            is_listed: Vec::new(),
            handling: None,
            last_serial: 0,
        }
    }
}

impl<M> TimerTable<M> {
    pub(super) fn ring(&mut self, number: u32) {
        if let Some(timer) = self.at(number) {
            timer.alarm = None;
            let index = number as usize;
            if self.is_listed.len() <= index {
                self.is_listed.resize(self.timers.len(), false);
            }
            // One that was replaced after it had rung is listed yet, if its actor has not come to it.
            if !std::mem::replace(&mut self.is_listed[index], true) {
                self.rung.push_back(number);
            }
        }
    }

    fn at(&mut self, number: u32) -> Option<&mut Timer<M>> {
        self.timers.get_mut(number as usize)?.as_mut()
    }

    /// The timer that is due next, and the message under which it was started.
    pub(super) fn next_due(&mut self) -> Option<(u32, Envelope)> {
        while let Some(number) = self.rung.pop_front() {
            self.is_listed[number as usize] = false;
            // One that was cancelled, or replaced by another that is not due yet, is passed over.
            let timer = self.at(number);
            if let Some(timer) = timer.filter(|timer| timer.alarm.is_none()) {
                return Some((number, timer.origin));
            }
        }
        None
    }

    /// Adds a timer that is due at that time, and returns what the one with the same key would have rung.
    #[inline]
    fn insert(
        &mut self,
        shard: &Shard,
        actor: Key,
        (key, at): (TimerKey, u64),
        kind: Kind<M>,
    ) -> Option<Box<Kind<M>>> {
        let mut replaced = None;
        let number = match self.by_key.entry(key.clone()) {
            Entry::Occupied(taken) => {
                let number = *taken.get();
                let before = self.timers[number as usize].take();
                replaced = before.map(|timer| timer.replaced(shard));
                number
            }
            Entry::Vacant(vacant) => {
                let number = self.free.pop().unwrap_or_else(|| {
                    self.timers.push(None);
                    u32::try_from(self.timers.len() - 1).expect("timers are fewer than alarms")
                });
                *vacant.insert(number)
            }
        };
        self.last_serial += 1;
        // Written where it lies: whole timers are much to move about.
        self.timers[number as usize] = Some(Timer {
            key,
            at,
            alarm: Some(set_alarm(shard, actor, number, at)),
            serial: self.last_serial,
            origin: shard.envelope(),
            kind,
        });
        replaced
    }

    /// Ends a timer, and returns what it would have rung.
    #[inline]
    fn remove(&mut self, shard: &Shard, number: u32) -> Option<Kind<M>> {
        let Timer {
            key, alarm, kind, ..
        } = self.timers.get_mut(number as usize)?.take()?;
        alarm.inspect(|alarm| shard.alarms.cancel(*alarm));
        self.by_key.remove(&key);
        self.free.push(number);
        Some(kind)
    }

    /// Takes what the message of a timer that is due comes from. A single timer ends by that.
    pub(super) fn take(&mut self, shard: &Shard, actor: Key, number: u32) -> Option<Taken<M>> {
        let timer = self.timers.get_mut(number as usize)?.as_mut()?;
        let Kind::Repeated { make, every, beat } = &mut timer.kind else {
            let Kind::Single(message) = self.remove(shard, number)? else {
                return None;
            };
            return Some(Taken::Message(message));
        };
        let make = make.take()?;
        match beat {
            Beat::Handling => self.handling = Some(timer.serial),
            Beat::Due => {
                let next = if is_mutated(Mutant::BeatsMadeUp) {
                    timer.at.saturating_add(*every)
                } else {
                    next_on_the_grid(timer.at, *every, shard.read_clock())
                };
                timer.set(shard, actor, number, next);
            }
        }
        Some(Taken::Maker(make))
    }

    /// A message was made.
    pub(super) fn put_back(&mut self, number: u32, maker: Make<M>) {
        if let Some(Timer {
            kind: Kind::Repeated { make, .. },
            ..
        }) = self.at(number)
        {
            *make = Some(maker);
        }
    }

    pub(super) fn handled(&mut self, shard: &Shard, actor: Key, number: u32) {
        let handling = self.handling.take();
        let Some(timer) = self.at(number) else {
            return;
        };
        let Kind::Repeated { make, every, .. } = &timer.kind else {
            return;
        };
        if make.is_none() {
            // It panicked, and is gone.
            self.remove(shard, number);
        } else if handling == Some(timer.serial) {
            let next = shard.read_clock().saturating_add(*every);
            timer.set(shard, actor, number, next);
        }
    }

    pub(super) fn end(self, shard: &Shard, end: End) {
        for timer in self.timers.into_iter().flatten() {
            timer.unset(shard);
            let _ = drop_with_fate(timer, end);
        }
    }
}

impl<M> Timer<M> {
    /// It is due at that time.
    fn set(&mut self, shard: &Shard, actor: Key, number: u32, at: u64) {
        self.at = at;
        self.alarm = Some(set_alarm(shard, actor, number, at));
    }

    #[cold]
    fn replaced(self, shard: &Shard) -> Box<Kind<M>> {
        self.unset(shard);
        Box::new(self.kind)
    }

    fn unset(&self, shard: &Shard) {
        self.alarm.inspect(|alarm| shard.alarms.cancel(*alarm));
    }
}

fn set_alarm(shard: &Shard, actor: Key, number: u32, at: u64) -> TimerId {
    let (slot, timer) = (actor.slot(), number);
    shard.alarms.set(at, Alarm::Timer { slot, timer })
}

/// The first time after `now` on the grid of `last`: what was missed is passed over.
fn next_on_the_grid(last: u64, every: u64, now: u64) -> u64 {
    let missed = now.saturating_sub(last) / every;
    let beats = every.saturating_mul(missed.saturating_add(1));
    last.saturating_add(beats).max(now)
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The timers of an actor, from [`Context::timers`](crate::Context::timers).
///
/// A timer sends a message to its own actor, which handles it like any other, but ahead of its mail.
/// Each has a key; another timer with the same key takes its place. A timer that was cancelled or
/// replaced is not heard of any more, even if it was due already. No timer outlives its actor, nor
/// its restart; they do outlive a change of the behaviour. While the actor is suspended, what is due
/// waits.
///
/// A message counts as sent when it is handled; its sender is the actor itself, and its cause is
/// the message under which the timer was started. No timer is ever early.
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

    /// Sends `message`, once, after `delay`. From when it is handled, the timer is inactive.
    pub fn start_single(&mut self, key: impl Into<TimerKey>, message: M, delay: Duration) {
        self.start(key.into(), nanos(delay), Kind::Single(message));
    }

    /// Sends a message that `make` makes, first after `delay`, then each time that long after the
    /// one before was handled.
    ///
    /// Where `make` panics the actor fails, and the timer ends.
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
        self.repeat(key.into(), Box::new(make), delay, Beat::Handling);
    }

    /// Sends a message that `make` makes, first after `period`, then with that period: each time
    /// counts from when the one before was due, so that no delay adds up.
    ///
    /// While the actor is busy, or suspended, nothing piles up: one message is waiting at the most.
    /// It is handled late, and the next one is due at the next time of the same grid.
    ///
    /// Where `make` panics the actor fails, and the timer ends.
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
        self.repeat(key.into(), Box::new(make), period, Beat::Due);
    }

    fn repeat(&mut self, key: TimerKey, make: Make<M>, every: Duration, beat: Beat) {
        assert!(!every.is_zero(), "a timer cannot ring again after no time");
        let every = nanos(every);
        let make = Some(make);
        self.start(key, every, Kind::Repeated { make, every, beat });
    }

    fn start(&mut self, key: TimerKey, after: u64, kind: Kind<M>) {
        let slot = self.shard.slot(self.actor.slot());
        if slot.state() == State::Stopping {
            return; // nothing is handled after `PostStop`
        }
        let at = self.shard.read_clock().saturating_add(after);
        let insert =
            |table: &mut TimerTable<M>| table.insert(self.shard, self.actor, (key, at), kind);
        let replaced = with_store::<M, _>(slot, |store| insert(&mut store.timers));
        // Dropped here, where nothing is borrowed.
        drop(replaced);
    }

    /// Ends a timer. Answers whether there was one.
    pub fn cancel(&mut self, key: impl Into<TimerKey>) -> bool {
        let (key, slot) = (key.into(), self.shard.slot(self.actor.slot()));
        let ended = look_at_store::<M, _>(slot, |store| {
            let number = *store.timers.by_key.get(&key)?;
            if is_mutated(Mutant::TimerNotCancelled) {
                store.timers.by_key.remove(&key);
                return None;
            }
            store.timers.remove(self.shard, number)
        });
        ended.flatten().is_some()
    }

    /// Ends all timers of the actor.
    pub fn cancel_all(&mut self) {
        let slot = self.shard.slot(self.actor.slot());
        let ended = look_at_store::<M, _>(slot, |store| {
            let table = std::mem::take(&mut store.timers);
            let timers = table.timers.iter().flatten();
            timers.for_each(|timer| timer.unset(self.shard));
            table
        });
        drop(ended);
    }

    /// Whether a timer of that key is to ring: it was started, and was neither cancelled nor, if it
    /// is a single one, handled.
    pub fn is_active(&self, key: impl Into<TimerKey>) -> bool {
        let (key, slot) = (key.into(), self.shard.slot(self.actor.slot()));
        let active = look_at_store::<M, _>(slot, |store| store.timers.by_key.contains_key(&key));
        active.unwrap_or(false)
    }
}

impl<M> fmt::Debug for Timers<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s6_1_the_next_time_is_on_the_grid_and_in_the_future() {
        assert_eq!(next_on_the_grid(10, 5, 10), 15);
        assert_eq!(next_on_the_grid(10, 5, 14), 15);
        assert_eq!(next_on_the_grid(10, 5, 15), 20);
        assert_eq!(next_on_the_grid(10, 5, 1_000_000), 1_000_005);
        assert_eq!(next_on_the_grid(10, u64::MAX, 11), u64::MAX);
    }

    #[test]
    fn s9_5_a_timer_that_rings_again_and_again_unheard_is_listed_once() {
        let timer = |number: u64| Timer {
            key: number.into(),
            at: 0,
            alarm: None,
            serial: number,
            origin: Envelope::NONE,
            kind: Kind::Single(()),
        };
        let mut table = TimerTable {
            timers: (0..3).map(|number| Some(timer(number))).collect(),
            ..TimerTable::default()
        };
        for _ in 0..100 {
            table.ring(2);
            table.ring(0);
        }
        assert_eq!(table.rung.len(), 2);
        let mut next = || table.next_due().map(|(number, _)| number);
        assert_eq!([next(), next(), next()], [Some(2), Some(0), None]);
        table.ring(2);
        assert_eq!(table.next_due().map(|(number, _)| number), Some(2));
    }
}
