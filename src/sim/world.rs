//! The world of a simulation: the workers of a pool, and a clock that advances from one event to
//! the next (a discrete-event simulation).
//!
//! Each worker reports what it wants, as it does to a thread that drives it: to continue at once,
//! to be called at a given time, or when something arrives. The worker whose time comes first
//! continues; chance decides between equals. Everything else left to chance is a length of time:
//! how long a round takes, how long a batch is in flight.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::choices::{Choice, Choices};
use super::log::Log;
use super::network::Network;
use super::rng::Rng;
use crate::worker::{Tick, Worker};

/// The most turns a worker has in one round, if chance decides their number.
const MOST_TURNS: u64 = 8;
/// The average number of rounds between two stalls, or two needless wake-ups.
const BETWEEN_STALLS: u64 = 400;
const BETWEEN_WAKE_UPS: u64 = 50;

/// The lengths of time that chance chooses from, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct VirtualSpans {
    pub(super) round: u64,
    pub(super) latency: u64,
    pub(super) stall: u64,
}

/// What is left to chance, for how long, and within which bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) choices: Choices,
    /// The step at which chance ends.
    pub(super) orderly_from: u64,
    pub(super) spans: VirtualSpans,
    /// The last step that is allowed.
    pub(super) step_limit: u64,
}

/// A worker, and what it wants next.
struct Seat {
    worker: Worker,
    busy: bool,
    timer: Option<u64>,
    /// The time before which it does nothing.
    free_at: u64,
    done: bool,
}

/// Something planned for a time.
pub(super) enum Planned {
    /// Work of an outside thread.
    Outside(Box<dyn FnOnce()>),
    /// The fault of that number: a worker stalls.
    Stall {
        fault: usize,
        worker: usize,
        length: u64,
    },
    /// The fault of that number: the clock jumps.
    Jump { fault: usize, by: u64 },
}

/// How far a step may go.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// The time beyond which it does not go.
    pub(super) until: Option<u64>,
    /// Whether it stops once only timers are left.
    pub(super) while_busy: bool,
}

/// What a step came to.
pub(super) enum SimStep {
    /// Something was done.
    Done,
    /// Work that an outside thread is to do now.
    Outside(Box<dyn FnOnce()>),
    /// Nothing is left to do within the bounds.
    Idle,
    /// All workers have ended.
    Ended,
}

/// The generators that decide, one for each kind of choice, so that removing one kind leaves the
/// others unchanged.
struct Dice {
    actors: Rng,
    pace: Rng,
    stalls: Rng,
    wake_ups: Rng,
}

/// The workers and their clock.
pub(super) struct World {
    seats: Vec<Seat>,
    network: Network,
    log: Arc<Mutex<Log>>,
    rules: Rules,
    dice: Dice,
    planned: BTreeMap<(u64, u64), Planned>,
    plans: u64,
    pub(super) now: u64,
    pub(super) steps: u64,
    /// The seat whose turn is next among equals, if chance does not decide.
    next_seat: usize,
}

/// The generator of the latency of batches, which the network owns.
pub(super) fn latency_of(seed: u64, choices: Choices, spans: VirtualSpans) -> Option<(u64, Rng)> {
    let chosen = choices.contains(Choice::Latency);
    chosen.then(|| (spans.latency, Rng::of(seed, 0)))
}

impl World {
    pub(super) fn new(
        seed: u64,
        workers: Vec<Worker>,
        network: Network,
        log: Arc<Mutex<Log>>,
        rules: Rules,
    ) -> Self {
        let seats = workers.into_iter().map(|worker| Seat {
            worker,
            busy: true,
            timer: None,
            free_at: 0,
            done: false,
        });
        Self {
            seats: seats.collect(),
            network,
            log,
            rules,
            dice: Dice {
                actors: Rng::of(seed, 1),
                pace: Rng::of(seed, 2),
                stalls: Rng::of(seed, 3),
                wake_ups: Rng::of(seed, 4),
            },
            planned: BTreeMap::new(),
            plans: 0,
            now: 0,
            steps: 0,
            next_seat: 0,
        }
    }

    pub(super) fn workers(&self) -> impl Iterator<Item = &Worker> {
        self.seats.iter().map(|seat| &seat.worker)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.seats.iter().all(|seat| seat.done)
    }

    /// Notes that a worker was given work from outside.
    pub(super) fn has_work(&mut self, worker: usize) {
        self.seats[worker].busy = true;
    }

    /// Plans something for a time.
    pub(super) fn plan(&mut self, at: u64, planned: Planned) {
        self.plans += 1;
        self.planned.insert((at, self.plans), planned);
    }

    /// Leaves nothing to chance from now on.
    pub(super) fn disable_chance(&mut self) {
        self.rules.choices = Choices::NONE;
        self.network.disable_chance();
    }

    /// Leaves nothing to chance from now on, and lifts the step limit.
    pub(super) fn end_orderly(&mut self) {
        self.disable_chance();
        self.rules.step_limit = u64::MAX;
    }

    /// Moves the clock forward, past anything due in between.
    pub(super) fn set_now(&mut self, now: u64) {
        self.now = now.max(self.now);
        let struck = self.network.set_now(self.now);
        let mut log = self.log.lock();
        log.now = self.now;
        log.step = self.steps;
        struck.into_iter().for_each(|fault| log.fire(fault));
    }

    /// When a worker is to be called next, and whether for more than a timer.
    fn wants(&self, seat: usize) -> Option<(u64, bool)> {
        let Seat {
            busy,
            timer,
            free_at,
            done,
            ..
        } = &self.seats[seat];
        if *done {
            return None;
        }
        let arrival = self.network.next_arrival(seat);
        let overdue = timer.is_some_and(|timer| timer <= self.now);
        let work = if *busy || overdue { Some(0) } else { arrival };
        let time = work.into_iter().chain(*timer).min()?;
        Some((time.max(*free_at).max(self.now), work.is_some()))
    }

    /// The next worker to continue and its time, and whether there is more to do than timers.
    fn next_worker(&mut self) -> (Option<(u64, usize)>, bool) {
        let (count, first) = (self.seats.len(), self.next_seat);
        let chance = self.rules.choices.contains(Choice::Pace);
        let mut best: Option<(u64, usize)> = None;
        let (mut equals, mut busy) = (0, false);
        for seat in (0..count).map(|step| (first + step) % count) {
            let Some((time, work)) = self.wants(seat) else {
                continue;
            };
            busy |= work;
            let earlier = best.is_none_or(|(earliest, _)| time < earliest);
            let equal = best.is_some_and(|(earliest, _)| time == earliest);
            equals = if earlier {
                1
            } else {
                equals + u64::from(equal)
            };
            if earlier || (equal && chance && self.dice.pace.once_in(equals)) {
                best = Some((time, seat));
            }
        }
        (best, busy)
    }

    /// Performs the next step within the bounds.
    pub(super) fn step(&mut self, bounds: Bounds) -> SimStep {
        if self.has_ended() {
            return SimStep::Ended;
        }
        let (worker, busy) = self.next_worker();
        let plan = self.planned.first_key_value().map(|((at, _), _)| *at);
        if bounds.while_busy && !busy && plan.is_none() {
            return SimStep::Idle;
        }
        let at = worker.map(|(at, _)| at).into_iter().chain(plan).min();
        let within = |at: &u64| bounds.until.is_none_or(|until| *at <= until);
        let Some(at) = at.filter(within) else {
            return SimStep::Idle;
        };
        self.steps += 1;
        let limit = self.rules.step_limit;
        assert!(
            self.steps <= limit,
            "the simulation goes on after {limit} steps"
        );
        if self.steps == self.rules.orderly_from {
            self.disable_chance();
        }
        self.set_now(at);
        match worker {
            Some((due, seat)) if plan.is_none_or(|plan| due < plan) => {
                self.call(seat);
                SimStep::Done
            }
            _ => self.do_planned(),
        }
    }

    fn do_planned(&mut self) -> SimStep {
        let Some((_, planned)) = self.planned.pop_first() else {
            return SimStep::Idle;
        };
        match planned {
            Planned::Outside(work) => return SimStep::Outside(work),
            Planned::Stall {
                fault,
                worker,
                length,
            } => {
                let seat = &mut self.seats[worker];
                seat.free_at = seat.free_at.max(self.now.saturating_add(length));
                self.log.lock().fire(fault);
            }
            Planned::Jump { fault, by } => {
                self.set_now(self.now.saturating_add(by));
                self.log.lock().fire(fault);
            }
        }
        SimStep::Done
    }

    /// Calls a worker, as its thread would.
    fn call(&mut self, index: usize) {
        let turns = self.choose_turns(index);
        let now = self.now;
        let seat = &mut self.seats[index];
        let tick = seat.worker.tick_up_to(now, turns);
        let tick = tick.expect("there is memory for a stack");
        let probing = matches!(tick, Tick::Idle(_)) && seat.worker.look_for_cycles();
        seat.busy = tick == Tick::Busy || probing;
        seat.timer = match tick {
            Tick::Idle(until) => until,
            _ => None,
        };
        seat.done = tick == Tick::Done;
        self.next_seat = (index + 1) % self.seats.len();
        self.let_time_pass(index);
    }

    /// Returns how many turns the worker has, and chooses which actors run first.
    fn choose_turns(&mut self, index: usize) -> u32 {
        if !self.rules.choices.contains(Choice::Actors) {
            return 128;
        }
        let turns = 1 + self.dice.actors.below(MOST_TURNS);
        let due = &self.seats[index].worker.shard().due;
        let length = due.len();
        for place in 0..length.saturating_sub(1).min(turns as usize) {
            due.swap(place, place + self.dice.actors.index(length - place));
        }
        turns as u32
    }

    fn let_time_pass(&mut self, index: usize) {
        let Self { rules, dice, .. } = self;
        let Rules { choices, spans, .. } = *rules;
        let mut took = 0;
        if choices.contains(Choice::Pace) {
            took += dice.pace.span(spans.round);
        }
        if choices.contains(Choice::Stalls) && dice.stalls.once_in(BETWEEN_STALLS) {
            took += dice.stalls.span(spans.stall);
        }
        self.seats[index].free_at = self.now.saturating_add(took);
        if choices.contains(Choice::WakeUps) && dice.wake_ups.once_in(BETWEEN_WAKE_UPS) {
            let woken = dice.wake_ups.index(self.seats.len());
            self.seats[woken].busy = true;
        }
    }

    /// Ends the workers by force, during an unwinding or in a handler of another pool. Waiting
    /// fibers are unwound, as none may outlive what it has borrowed from this thread.
    pub(super) fn end_here(&mut self) {
        let mut workers: Vec<Worker> = self.seats.drain(..).map(|seat| seat.worker).collect();
        workers
            .iter_mut()
            .for_each(|worker| worker.force_end(self.now));
        while !workers.is_empty() {
            workers.retain_mut(|worker| {
                let tick = worker.tick(self.now);
                tick.expect("no handler can wait any more, so no stack is needed") != Tick::Done
            });
        }
    }
}
