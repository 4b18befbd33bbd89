//! The timers of one actor, by their keys: the part that the worker's wheel does not know.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::mem;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::address::{ActorId, Envelope, Key, MessageId};
use crate::failure::{WaitEnd, drop_with_fate};
use crate::shard::{Alarm, Shard};
use crate::sync::{Mutant, is_mutated};
use crate::time::TimerId;

/// Makes the messages of a repeated timer.
pub(crate) type Make<M> = Box<dyn FnMut() -> M>;

/// What a timer does when it is due.
pub(crate) enum TimerKind<M> {
    Single(M),
    /// Boxed, so that a single timer is as small as its message.
    Repeated(Box<Repeated<M>>),
}

pub(crate) struct Repeated<M> {
    /// `None` while it makes a message.
    make: Option<Make<M>>,
    every: u64,
    interval: IntervalStart,
    /// When it is due, or was last due.
    at: u64,
    /// The number of this timer among all that the actor has ever had.
    serial: u64,
}

/// What the next time of a timer counts from.
#[derive(Clone, Copy)]
pub(crate) enum IntervalStart {
    /// The end of the handling.
    Handling,
    /// The time at which it was last due.
    Due,
}

impl<M> TimerKind<M> {
    /// Repeats, each time this long after it was handled or was due.
    pub(crate) fn repeated(make: Make<M>, every: u64, interval: IntervalStart) -> Self {
        Self::Repeated(Box::new(Repeated {
            make: Some(make),
            every,
            interval,
            at: 0,
            serial: 0,
        }))
    }
}

/// The message under which a timer was started, as far as the timer's own message follows from it.
#[derive(Clone, Copy)]
struct Origin {
    message: MessageId,
    correlation: MessageId,
}

impl From<Envelope> for Origin {
    fn from(envelope: Envelope) -> Self {
        Self {
            message: envelope.message,
            correlation: envelope.correlation,
        }
    }
}

impl From<Origin> for Envelope {
    fn from(origin: Origin) -> Self {
        Self {
            sender: ActorId::NOBODY,
            message: origin.message,
            correlation: origin.correlation,
            causation: MessageId::NONE,
        }
    }
}

struct Timer<M> {
    key: TimerKey,
    /// The alarm that fires when it is due; `None` once it has fired.
    alarm: Option<TimerId>,
    origin: Origin,
    kind: TimerKind<M>,
}

/// A place for a timer, numbered by its position.
enum TimerPlace<M> {
    Taken(Timer<M>),
    /// Free; holds the number of the next free place.
    Free(u32),
}

/// The end of the list of free places.
const NONE: u32 = u32::MAX;

/// Where the timer of a key is, with as much of the hash as the table needs to grow without a look at any
/// key.
#[derive(Clone, Copy)]
struct FoundTimer {
    hash: u32,
    number: u32,
}

/// What a timer that is due yields.
pub(super) enum Taken<M> {
    Message(M),
    Maker(Make<M>),
}

/// The timers of one actor.
///
/// A timer stays in one place as long as it is pending, and the table of keys holds the number of that
/// place: an actor may have a hundred thousand timers, and what is searched should fit into a cache.
pub(crate) struct TimerTable<M> {
    by_key: HashTable<FoundTimer>,
    places: Vec<TimerPlace<M>>,
    free: u32,
    /// Timers that have fired, and numbers of timers that were cancelled since they did.
    rung: VecDeque<u32>,
    /// Which numbers are among these; each is there once.
    is_listed: Vec<bool>,
    /// The timer whose message is being handled, if its next time counts from that.
    handling: Option<u64>,
    last_serial: u64,
}

impl<M> Default for TimerTable<M> {
    fn default() -> Self {
        Self {
            by_key: HashTable::new(),
            places: Vec::new(),
            free: NONE,
            rung: VecDeque::new(),
            is_listed: Vec::new(),
            handling: None,
            last_serial: 0,
        }
    }
}

/// Without randomness, so that a simulation can be repeated.
fn hash_of(key: &TimerKey) -> u32 {
    let hash = xxh3_64_with_seed(key.name().as_bytes(), key.number());
    (hash ^ (hash >> 32)) as u32
}

/// The table uses both ends of a hash.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl<M> TimerTable<M> {
    /// The number of active timers.
    pub(super) fn count(&self) -> usize {
        self.by_key.len()
    }

    pub(super) fn ring(&mut self, number: u32) {
        if let Some(timer) = self.at(number) {
            timer.alarm = None;
            let index = number as usize;
            if self.is_listed.len() <= index {
                self.is_listed.resize(self.places.len(), false);
            }
            // A timer that was replaced after it had fired is still listed if its actor has not come to it.
            if !mem::replace(&mut self.is_listed[index], true) {
                self.rung.push_back(number);
            }
        }
    }

    fn at(&mut self, number: u32) -> Option<&mut Timer<M>> {
        match self.places.get_mut(number as usize)? {
            TimerPlace::Taken(timer) => Some(timer),
            TimerPlace::Free(_) => None,
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Timer<M>> {
        self.places.iter().filter_map(|place| match place {
            TimerPlace::Taken(timer) => Some(timer),
            TimerPlace::Free(_) => None,
        })
    }

    /// Returns the timer that is due next, and the message under which it was started.
    pub(super) fn next_due(&mut self) -> Option<(u32, Envelope)> {
        while let Some(number) = self.rung.pop_front() {
            self.is_listed[number as usize] = false;
            // A timer that was cancelled, or replaced by one that is not due yet, is passed over.
            let timer = self.at(number);
            if let Some(timer) = timer.filter(|timer| timer.alarm.is_none()) {
                return Some((number, timer.origin.into()));
            }
        }
        None
    }

    /// Adds a timer that is due at that time, and returns what the one with the same key would have sent.
    pub(crate) fn insert(
        &mut self,
        shard: &Shard,
        actor: Key,
        (key, at): (TimerKey, u64),
        mut kind: TimerKind<M>,
    ) -> Option<TimerKind<M>> {
        if let TimerKind::Repeated(repeated) = &mut kind {
            self.last_serial += 1;
            (repeated.at, repeated.serial) = (at, self.last_serial);
        }
        let origin = shard.envelope().into();
        let hash = hash_of(&key);
        let places = &self.places;
        let entry = self.by_key.entry(
            spread(hash),
            |found| found.hash == hash && has_key(places, found.number, &key),
            |found| spread(found.hash),
        );
        match entry {
            Entry::Occupied(taken) => {
                let number = taken.get().number;
                let alarm = Some(set_alarm(shard, actor, number, at));
                let timer = self.at(number)?;
                timer.unset(shard);
                (timer.alarm, timer.origin) = (alarm, origin);
                Some(mem::replace(&mut timer.kind, kind))
            }
            Entry::Vacant(vacant) => {
                let number = match self.free {
                    NONE => u32::try_from(places.len()).expect("timers are fewer than alarms"),
                    number => number,
                };
                vacant.insert(FoundTimer { hash, number });
                let timer = TimerPlace::Taken(Timer {
                    key,
                    alarm: Some(set_alarm(shard, actor, number, at)),
                    origin,
                    kind,
                });
                match self.places.get_mut(number as usize) {
                    None => self.places.push(timer),
                    Some(place) => {
                        if let TimerPlace::Free(next) = *place {
                            self.free = next;
                        }
                        *place = timer;
                    }
                }
                None
            }
        }
    }

    pub(crate) fn contains(&self, key: &TimerKey) -> bool {
        let hash = hash_of(key);
        let is_it =
            |found: &FoundTimer| found.hash == hash && has_key(&self.places, found.number, key);
        self.by_key.find(spread(hash), is_it).is_some()
    }

    /// Ends the timer of a key, and returns what it would have sent.
    pub(crate) fn cancel(&mut self, shard: &Shard, key: &TimerKey) -> Option<TimerKind<M>> {
        let number = self.forget(key)?;
        if is_mutated(Mutant::TimerNotCancelled) {
            return None;
        }
        self.vacate(shard, number).map(|timer| timer.kind)
    }

    /// Removes a key from the table, and returns the number of its timer.
    fn forget(&mut self, key: &TimerKey) -> Option<u32> {
        let hash = hash_of(key);
        let places = &self.places;
        let is_it = |found: &FoundTimer| found.hash == hash && has_key(places, found.number, key);
        let found = self.by_key.find_entry(spread(hash), is_it).ok()?;
        Some(found.remove().0.number)
    }

    /// Removes a timer from its place.
    fn vacate(&mut self, shard: &Shard, number: u32) -> Option<Timer<M>> {
        let place = self.places.get_mut(number as usize)?;
        let TimerPlace::Taken(timer) = mem::replace(place, TimerPlace::Free(self.free)) else {
            unreachable!("a place that is free has no number");
        };
        self.free = number;
        timer.unset(shard);
        Some(timer)
    }

    /// Ends a timer, and returns what it would have sent.
    fn remove(&mut self, shard: &Shard, number: u32) -> Option<TimerKind<M>> {
        self.at(number)?;
        let timer = self.vacate(shard, number)?;
        let hash = hash_of(&timer.key);
        let is_it = |found: &FoundTimer| found.number == number;
        if let Ok(found) = self.by_key.find_entry(spread(hash), is_it) {
            found.remove();
        }
        Some(timer.kind)
    }

    /// Takes what the message of a due timer comes from. This ends a single timer.
    pub(super) fn take(&mut self, shard: &Shard, actor: Key, number: u32) -> Option<Taken<M>> {
        let TimerKind::Repeated(repeated) = &mut self.at(number)?.kind else {
            let TimerKind::Single(message) = self.remove(shard, number)? else {
                return None;
            };
            return Some(Taken::Message(message));
        };
        let make = repeated.make.take()?;
        match repeated.interval {
            IntervalStart::Handling => self.handling = Some(repeated.serial),
            IntervalStart::Due => {
                let (last, every) = (repeated.at, repeated.every);
                let next = if is_mutated(Mutant::BeatsMadeUp) {
                    last.saturating_add(every)
                } else {
                    next_on_the_grid(last, every, shard.read_clock())
                };
                self.set(shard, actor, number, next);
            }
        }
        Some(Taken::Maker(make))
    }

    /// A message was made: puts its maker back.
    pub(super) fn put_back(&mut self, number: u32, maker: Make<M>) {
        if let Some(Timer {
            kind: TimerKind::Repeated(repeated),
            ..
        }) = self.at(number)
        {
            repeated.make = Some(maker);
        }
    }

    pub(super) fn handled(&mut self, shard: &Shard, actor: Key, number: u32) {
        let handling = self.handling.take();
        let Some(timer) = self.at(number) else {
            return;
        };
        let TimerKind::Repeated(repeated) = &timer.kind else {
            return;
        };
        if repeated.make.is_none() {
            // `make` panicked, and is gone.
            self.remove(shard, number);
        } else if handling == Some(repeated.serial) {
            let next = shard.read_clock().saturating_add(repeated.every);
            self.set(shard, actor, number, next);
        }
    }

    /// Sets when a repeated timer is due next.
    fn set(&mut self, shard: &Shard, actor: Key, number: u32, at: u64) {
        if let Some(timer) = self.at(number)
            && let TimerKind::Repeated(repeated) = &mut timer.kind
        {
            repeated.at = at;
            timer.alarm = Some(set_alarm(shard, actor, number, at));
        }
    }

    /// Unsets the alarms of all timers.
    pub(crate) fn unset(&self, shard: &Shard) {
        self.iter().for_each(|timer| timer.unset(shard));
    }

    pub(super) fn end(self, shard: &Shard, end: WaitEnd) {
        for place in self.places {
            if let TimerPlace::Taken(timer) = place {
                timer.unset(shard);
                let _ = drop_with_fate(timer, end);
            }
        }
    }
}

fn has_key<M>(places: &[TimerPlace<M>], number: u32, key: &TimerKey) -> bool {
    matches!(places.get(number as usize), Some(TimerPlace::Taken(timer)) if timer.key == *key)
}

impl<M> Timer<M> {
    fn unset(&self, shard: &Shard) {
        self.alarm.inspect(|alarm| shard.alarms.cancel(*alarm));
    }
}

fn set_alarm(shard: &Shard, actor: Key, number: u32, at: u64) -> TimerId {
    let (slot, timer) = (actor.slot(), number);
    shard.alarms.set(at, Alarm::Timer { slot, timer })
}

/// Returns the first time after `now` on the grid of `last`: missed times are passed over.
fn next_on_the_grid(last: u64, every: u64, now: u64) -> u64 {
    let missed = now.saturating_sub(last) / every;
    let beats = every.saturating_mul(missed.saturating_add(1));
    last.saturating_add(beats).max(now)
}

/// The key of a timer among those of its actor: a name, a number, or both.
///
/// ```
/// use nexus_actors::actor::TimerKey;
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

impl TimerKey {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn number(&self) -> u64 {
        self.number
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
            alarm: None,
            origin: Envelope::NONE.into(),
            kind: TimerKind::Single(()),
        };
        let mut table = TimerTable {
            places: (0..3)
                .map(|number| TimerPlace::Taken(timer(number)))
                .collect(),
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
