//! A worker: one shard with its timers and its end, as a state machine that is told the time.
//!
//! ```text
//!         ShutDown order        no actors left           Close order
//!  Open ───────────────▶ Draining ───────────▶ Quiet ───────────────▶ Closed
//!                           │ deadline            ▲
//!                           └──────▶ Forcing ─────┘ no actors left
//! ```
//!
//! A quiet worker continues to take in mail, so that asks to its stopped actors fail at once. The last worker
//! to become quiet orders all of them to close. If one never becomes quiet, because a handler does not
//! return, the caller that waits for the end gives that order: then any worker that is not quiet yet is
//! forced first.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::ending::ShutdownProgress;
use super::pace::TickPacer;
use super::scheduler::{end, fiber_body, run};
use crate::cancel::time_out;
use crate::deadlock::{has_unprobed_waits, send_probes, send_probes_of_long_waits};
use crate::failure::{DeadLetterReason, DropMarks, WaitEnd, catch_user};
use crate::fiber::{StackConfig, StackError};
use crate::lifecycle::{
    self, force_all, has_children_elsewhere, leave_children_elsewhere, stop_all,
};
use crate::pool_core::{PoolCore, Source, WorkerOrder};
use crate::shard::{Alarm, Shard, enter, open_shard};
use crate::sync::{Mutant, is_mutated};
use crate::time::{AT_FIRST, Clock};

/// Idle fibers that a worker keeps when it has nothing to do, and how many it ends at a time.
const KEPT_FIBERS: usize = 64;
const TRIMMED_PER_TICK: usize = 64;

/// Ticks after which a worker that never rests checks waits for actors of other workers.
const TICKS_UNPROBED: u32 = 64;
/// Ticks after which a worker that never sleeps measures how deep its stacks were used.
const TICKS_BETWEEN_MEASURES: u32 = 1024;

/// What a worker needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    /// It is to be called again at once.
    Busy,
    /// It is to be called again when something arrives, or at that time, if there is one.
    Idle(Option<u64>),
    /// Nothing any more: it has ended.
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WorkerPhase {
    Open,
    Draining { deadline: u64 },
    Forcing,
    Quiet,
    Closed,
}

/// The parts of a new worker.
pub(crate) struct WorkerParts {
    pub(crate) core: Arc<PoolCore>,
    pub(crate) index: u32,
    pub(crate) source: Box<dyn Source>,
    pub(crate) stacks: StackConfig,
    pub(crate) ending: Arc<ShutdownProgress>,
    /// The clock, unless the driver of the worker tells the time.
    pub(crate) clock: Option<Clock>,
}

/// One worker.
pub(crate) struct Worker {
    shard: Rc<Shard>,
    source: Box<dyn Source>,
    fired: Vec<Alarm>,
    pace: TickPacer,
    phase: WorkerPhase,
    /// Whether it is to close as soon as it is quiet.
    closes: bool,
    ending: Arc<ShutdownProgress>,
    parks: u64,
    busy_ticks: u64,
    /// Nanoseconds spent in ticks.
    busy: u64,
    ticks_until_measure: u32,
    ticks_unprobed: u32,
}

impl Worker {
    pub(crate) fn new(parts: WorkerParts) -> Self {
        let WorkerParts {
            core,
            index,
            source,
            stacks,
            ending,
            clock,
        } = parts;
        let shard = open_shard(core, index, stacks, fiber_body, clock);
        Self {
            shard: Rc::new(shard),
            source,
            fired: Vec::new(),
            pace: TickPacer::new(),
            phase: WorkerPhase::Open,
            closes: false,
            ending,
            parks: 0,
            busy_ticks: 0,
            busy: 0,
            ticks_until_measure: TICKS_BETWEEN_MEASURES,
            ticks_unprobed: 0,
        }
    }

    pub(crate) fn shard(&self) -> &Rc<Shard> {
        &self.shard
    }

    /// The number of pending timers.
    pub(crate) fn timers(&self) -> usize {
        self.shard.alarms.len()
    }

    /// Whether anything has arrived that the next tick would take in.
    pub(crate) fn has_mail(&self) -> bool {
        self.source.has_mail()
    }

    /// The number of ticks in which something had arrived, or was due.
    pub(crate) fn busy_ticks(&self) -> u64 {
        self.busy_ticks
    }

    /// Frees the memory that it keeps at hand, and measures how deep its stacks were used: before a long
    /// rest.
    pub(crate) fn tidy_up(&mut self) {
        self.shard.trim();
        self.fired.shrink_to(AT_FIRST);
        self.measure_stacks();
        let segments = &self.shard.core.segments;
        while (self.source.tidy_up() | segments[0].trim() | segments[1].trim())
            && !self.source.has_mail()
        {}
    }

    /// Adds the time that a tick has taken, in nanoseconds.
    pub(crate) fn was_busy(&mut self, nanos: u64) {
        self.busy += nanos;
    }

    /// Sleeps until something arrives, or for `nanos` if given.
    pub(crate) fn park(&mut self, nanos: Option<u64>) {
        self.parks += 1;
        self.publish_stats();
        self.source.park(nanos.map(std::time::Duration::from_nanos));
    }

    /// Takes in what has arrived, fires what is due, gives turns, and returns what it needs next.
    ///
    /// # Errors
    ///
    /// If there is no stack for the very first fiber.
    pub(crate) fn tick(&mut self, now: u64) -> Result<Tick, StackError> {
        let measure = self.pace.begin(now, self.shard.counts.begun());
        self.shard.set_budget(measure);
        let tick = self.tick_up_to(now, measure.turns)?;
        if tick != Tick::Busy {
            self.pace.rest();
        }
        Ok(tick)
    }

    /// As [`tick`](Self::tick), with another limit on the number of turns.
    ///
    /// # Errors
    ///
    /// As for [`tick`](Self::tick).
    pub(crate) fn tick_up_to(&mut self, now: u64, turns: u32) -> Result<Tick, StackError> {
        let shard = Rc::clone(&self.shard);
        // The caller may be in a destructor that the runtime runs. The reason for that drop must not reach
        // the handlers.
        let marks = DropMarks::take();
        let tick = enter(&shard, |shard| {
            shard.tick_begins(now);
            let batches = shard.counts.batches.get();
            let orders = shard.core.orders_to(shard.home.worker());
            // Followed at the end of this tick: mail sent before an order comes first.
            let orders = orders.take_before(|ordered| {
                // An ask from a destructor meanwhile would be armed with the time of this tick, which is too
                // early for it.
                shard.with_exact_clock(|| self.take_in(shard, ordered));
            });
            self.turn_clock(now);
            let is_busy = !shard.due.is_empty() || shard.counts.batches.get() != batches;
            if is_busy {
                self.busy_ticks += 1;
                shard.activity.note_progress();
            }
            run(shard, turns)?;
            self.probe_in_time();
            shard.outboxes.flush();
            self.cancel_timers();
            self.advance_shutdown(now, orders);
            self.publish_stats_of_tick();
            Ok(self.what_next())
        });
        marks.put_back();
        tick
    }

    /// Takes in a measure of what has arrived, or `all` of it, and follows the orders to actors, which go
    /// ahead of the mail that is left for later. Nothing that is taken in here has been handled yet.
    fn take_in(&mut self, shard: &Shard, all: bool) {
        // As much as it handles: more would only wait in mailboxes, and delay what waits there already.
        let most = (!all).then_some(shard.budget.get().messages);
        let orders = shard.core.orders_to_actors(shard.home.worker());
        let orders =
            orders.take_around(|| self.source.receive(most, &mut |mail| shard.take_in(mail)));
        for (actor, order) in orders {
            order.follow(shard, actor);
        }
    }

    /// Checks whether actors wait for each other, across workers. To be called before the worker rests.
    /// Returns whether it has something to do for that.
    pub(crate) fn look_for_cycles(&mut self) -> bool {
        if !has_unprobed_waits(&self.shard) {
            return false;
        }
        self.ticks_unprobed = 0;
        // The caller may be in a destructor that the runtime runs, as in a tick.
        let marks = DropMarks::take();
        enter(&Rc::clone(&self.shard), |shard| {
            send_probes(shard);
            shard.outboxes.flush();
        });
        marks.put_back();
        true
    }

    /// Does the same from time to time on a worker that never rests.
    fn probe_in_time(&mut self) {
        if has_unprobed_waits(&self.shard) {
            self.ticks_unprobed += 1;
            if self.ticks_unprobed == TICKS_UNPROBED {
                self.ticks_unprobed = 0;
                send_probes_of_long_waits(&self.shard);
            }
        }
    }

    /// Publishes the counts, and how deep the stacks were used until now.
    pub(crate) fn measure_stacks(&self) {
        self.shard.fibers.measure(KEPT_FIBERS);
        self.publish_stats();
    }

    fn publish_stats_of_tick(&mut self) {
        self.ticks_until_measure -= 1;
        if self.ticks_until_measure == 0 {
            self.ticks_until_measure = TICKS_BETWEEN_MEASURES;
            self.measure_stacks();
        } else {
            self.publish_stats();
        }
    }

    fn publish_stats(&self) {
        let index = self.shard.home.worker() as usize;
        self.shard.core.workers[index].publish(self.shard.stats(self.parks, self.busy));
    }

    /// Sets the alarms of asks that were made before this tick, so that each counts from a time no earlier
    /// than its call, and handles the alarms that are due.
    fn turn_clock(&mut self, now: u64) {
        let waits = &self.shard.waits;
        if waits.has_timer_requests() {
            waits.arm_all(|key, timeout| {
                let deadline = now.saturating_add(timeout);
                (self.shard.alarms.set(deadline, Alarm::Wait(key)), deadline)
            });
        }
        if self.shard.alarms.is_empty() {
            return;
        }
        let early = if is_mutated(Mutant::TimerEarly) {
            1 << 16
        } else {
            0
        };
        self.shard.alarms.advance(now + early, &mut self.fired);
        for alarm in self.fired.drain(..) {
            match alarm {
                Alarm::Wait(key) => {
                    waits.fired(key);
                    time_out(&self.shard, key);
                }
                Alarm::Timer { slot, timer } => lifecycle::ring(&self.shard, slot, timer),
            }
        }
    }

    /// Called after the turns, for which a caller may wait. A timer that fires before then comes too late.
    fn cancel_timers(&mut self) {
        while let Some(timer) = self.shard.waits.next_disarmed() {
            self.shard.alarms.cancel(timer);
        }
    }

    fn what_next(&mut self) -> Tick {
        if self.phase == WorkerPhase::Closed {
            return Tick::Done;
        }
        let shard = &self.shard;
        if !shard.due.is_empty() || shard.waits.has_timer_requests() {
            return Tick::Busy;
        }
        if self.source.is_behind() {
            return Tick::Busy;
        }
        // An order that was given after this tick took its orders, and whose nudge this tick then took in.
        let worker = shard.home.worker();
        if shard.core.orders_to(worker).any() || shard.core.orders_to_actors(worker).any() {
            return Tick::Busy;
        }
        shard.fibers.trim_larger(KEPT_FIBERS);
        let idle = shard.fibers.idle();
        if idle > KEPT_FIBERS {
            shard
                .fibers
                .trim(KEPT_FIBERS.max(idle.saturating_sub(TRIMMED_PER_TICK)));
            return Tick::Busy;
        }
        let deadline = match self.phase {
            WorkerPhase::Draining { deadline } => Some(deadline),
            _ => None,
        };
        let timer = self.shard.alarms.next();
        Tick::Idle(timer.into_iter().chain(deadline).min())
    }

    // ---- the end ----------------------------------------------------------------------------

    fn advance_shutdown(&mut self, now: u64, orders: VecDeque<WorkerOrder>) {
        for order in orders {
            match order {
                WorkerOrder::ShutDown { within } => self.shut_down(now.saturating_add(within)),
                WorkerOrder::Close if self.phase == WorkerPhase::Quiet => return self.close(),
                WorkerOrder::Close => {
                    self.closes = true;
                    self.shut_down(now);
                }
            }
        }
        self.force_in_time(now);
        let is_left = !self.shard.has_work()
            // A handler that waits never stops if nothing can unwind.
            || cfg!(panic = "abort") && self.phase == WorkerPhase::Forcing && self.shard.due.is_empty();
        if matches!(
            self.phase,
            WorkerPhase::Draining { .. } | WorkerPhase::Forcing
        ) && is_left
        {
            self.become_quiet();
            if self.closes {
                self.close();
            }
        }
    }

    fn force_in_time(&mut self, now: u64) {
        if matches!(self.phase, WorkerPhase::Draining { deadline } if now >= deadline)
            && self.shard.has_work()
        {
            self.force();
        }
        // Workers that make no progress are not waited for, and what is left here may wait for their actors.
        if self.closes && self.phase == WorkerPhase::Forcing && self.shard.due.is_empty() {
            leave_children_elsewhere(&self.shard);
        }
    }

    /// A later order may bring the deadline forward, but never postpone it.
    fn shut_down(&mut self, by: u64) {
        if let WorkerPhase::Draining { deadline } = &mut self.phase {
            *deadline = by.min(*deadline);
        } else if self.phase == WorkerPhase::Open {
            self.shard.closing.set(true);
            self.phase = WorkerPhase::Draining { deadline: by };
            stop_all(&self.shard);
        }
    }

    #[cold]
    fn force(&mut self) {
        self.phase = WorkerPhase::Forcing;
        if has_children_elsewhere(&self.shard) {
            self.ending.note_waiting(self.shard.home.worker());
        }
        force_all(&self.shard, &mut |path| self.ending.note_forced(path));
        self.end_waiting();
    }

    /// Unwinds every handler and task that waits; from now on none waits.
    fn end_waiting(&mut self) {
        self.shard.interrupts.force();
        for fiber in self.shard.waits.abandon_all() {
            end(&self.shard, fiber);
        }
    }

    #[cold]
    fn become_quiet(&mut self) {
        self.phase = WorkerPhase::Quiet;
        let worker = self.shard.home.worker();
        self.ending.one_more_is_quiet(&self.shard.core, worker);
    }

    #[cold]
    fn close(&mut self) {
        self.end_waiting();
        self.refuse_mail();
        self.shard.fibers.trim(0);
        // No handler waits any more, and no tick follows that would cancel unneeded timers.
        self.shard.fibers.trim_larger(0);
        self.shard.alarms.clear();
        self.phase = WorkerPhase::Closed;
    }

    /// Closes the source and loses the mail that has arrived.
    fn refuse_mail(&mut self) {
        let Self { shard, source, .. } = self;
        source.close(&mut |mail| {
            shard.activity.note_progress();
            mail.bounce(
                shard.core.as_pool(),
                shard.home,
                DeadLetterReason::PoolClosed,
            );
        });
        shard.drop_tasks();
        // The turns that those tasks would have had.
        shard.due.clear();
        // The mail lost just now may have sent something in its destructor.
        shard.outboxes.flush();
        // No reply arrives any more: the holder of such an ask, usually on another thread, is told.
        for wait in shard.waits.unattended() {
            shard.follow_up(shard.waits.end(wait, WaitEnd::PoolClosed));
        }
    }

    /// Forces the end at once, without another turn: the ticks from now on only tell actors that they have
    /// stopped.
    #[cold]
    pub(crate) fn force_end(&mut self, now: u64) {
        let marks = DropMarks::take();
        enter(&Rc::clone(&self.shard), |shard| {
            shard.tick_begins(now);
            self.closes = true;
            self.shut_down(now);
            if matches!(self.phase, WorkerPhase::Draining { .. }) {
                self.force();
            }
        });
        marks.put_back();
    }
}

impl Drop for Worker {
    /// Ends a worker that never ended because its pool did not start: nothing may arrive any more.
    fn drop(&mut self) {
        if !matches!(self.phase, WorkerPhase::Quiet | WorkerPhase::Closed) {
            self.become_quiet();
        }
        if self.phase != WorkerPhase::Closed {
            let shard = Rc::clone(&self.shard);
            // The values dropped here may be the user's.
            let _ = catch_user(|| enter(&shard, |_| self.close()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{core_of_one_worker, lanes};
    use crate::pool_core::{Mail, unregister};
    use std::time::Duration;

    /// A source whose first delivery gives an order and delivers its nudge.
    struct OrderMeanwhile<S> {
        core: Arc<PoolCore>,
        given: bool,
        source: S,
    }

    impl<S: Source> Source for OrderMeanwhile<S> {
        fn has_mail(&self) -> bool {
            self.source.has_mail()
        }

        fn receive(&mut self, most: Option<u32>, sink: &mut dyn FnMut(Mail<'_>)) {
            if !std::mem::replace(&mut self.given, true) {
                self.core.give_order(0, WorkerOrder::ShutDown { within: 0 });
            }
            self.source.receive(most, sink);
        }

        fn close(&mut self, sink: &mut dyn FnMut(Mail<'_>)) {
            self.source.close(sink);
        }

        fn park(&mut self, timeout: Option<Duration>) {
            self.source.park(timeout);
        }
    }

    #[test]
    fn s4_4_an_order_that_is_given_while_mail_is_taken_in_is_not_slept_over() {
        let (transport, mut sources) = lanes(1);
        let core = core_of_one_worker(transport);
        let source = sources.pop().expect("there is one for each worker");
        let mut worker = Worker::new(WorkerParts {
            core: Arc::clone(&core),
            index: 0,
            source: Box::new(OrderMeanwhile {
                core: Arc::clone(&core),
                given: false,
                source,
            }),
            stacks: StackConfig { size: 64 * 1024 },
            ending: Arc::default(),
            clock: None,
        });
        let mut last = Tick::Busy;
        for _ in 0..10 {
            if last != Tick::Busy && !worker.has_mail() {
                break;
            }
            last = worker.tick(0).expect("there is memory for a stack");
        }
        assert_eq!(
            last,
            Tick::Done,
            "it sleeps, with an order that nobody took"
        );
        unregister(&core);
    }
}
