//! A worker: one shard with its timers and its end, as a state machine that is told the time.
//!
//! ```text
//!         ShutDown order        no actors left           Close order
//!  Open ───────────────▶ Draining ───────────▶ Quiet ───────────────▶ Closed
//!                           │ deadline            ▲
//!                           └──────▶ Forcing ─────┘ no actors left
//! ```
//!
//! A quiet worker goes on taking in mail, so that asks to its stopped actors fail at once. The
//! last worker to become quiet orders all of them to close.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::AcqRel, Ordering::Relaxed};

use super::scheduler;
use super::wheel::{TimerId, TimerWheel};
use crate::actor::core::PoolCore;
use crate::actor::{
    ActorOrder, DeadLetterReason, End, Key, Marks, Order, Shard, Source, catch_user, enter,
    lifecycle,
};
use crate::fiber::{StackConfig, StackError};
use crate::sync::{Mutant, is_mutated};

/// Turns in one tick: few enough that timers and mail from outside are looked after in time.
const TURNS_PER_TICK: u32 = 128;

/// Idle fibers that a worker keeps when it has nothing to do, and how many it ends at a time.
const KEPT_FIBERS: usize = 64;
const TRIMMED_PER_TICK: usize = 64;

/// How often a tick looks for orders to actors that come while it takes mail in.
const LOOKS_FOR_ORDERS: u32 = 4;

/// Ticks after which waits for actors of other workers are looked at, where the worker never rests.
const TICKS_UNPROBED: u32 = 64;
/// Ticks after which a worker that never sleeps looks how deep its stacks were used.
const TICKS_BETWEEN_MEASURES: u32 = 1024;

/// What a worker wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    /// To be called again at once.
    Busy,
    /// To be called again when something arrives, or at that time where there is one.
    Idle(Option<u64>),
    /// Nothing any more: it has ended.
    Done,
}

/// What the workers of a pool share about their end.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    quiet: AtomicUsize,
    forced: AtomicU64,
}

impl Ending {
    /// Counts a worker that has no actors left, or never had any. The last one orders all of them
    /// to close.
    pub(crate) fn one_more_is_quiet(&self, core: &PoolCore) {
        // Acquire and release: the last worker orders the end after all that the others did.
        if self.quiet.fetch_add(1, AcqRel) + 1 == core.workers.len() {
            for index in core.worker_indices() {
                core.give_order(index, Order::Close);
            }
        }
    }

    /// Actors that a shutdown's deadline has stopped.
    pub(crate) fn forced(&self) -> u64 {
        self.forced.load(Relaxed)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Draining { deadline: u64 },
    Forcing,
    Quiet,
    Closed,
}

/// What a worker is made of.
pub(crate) struct WorkerParts {
    pub(crate) core: Arc<PoolCore>,
    pub(crate) index: u32,
    pub(crate) source: Box<dyn Source>,
    pub(crate) stacks: StackConfig,
    pub(crate) ending: Arc<Ending>,
    pub(crate) now: u64,
}

/// One worker.
pub(crate) struct Worker {
    shard: Rc<Shard>,
    source: Box<dyn Source>,
    wheel: TimerWheel<Key>,
    fired: Vec<Key>,
    phase: Phase,
    ending: Arc<Ending>,
    parks: u64,
    busy_ticks: u64,
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
            now,
        } = parts;
        let shard = Shard::new(core, index, stacks, scheduler::fiber_body);
        shard.now.set(now);
        Self {
            shard: Rc::new(shard),
            source,
            wheel: TimerWheel::new(now),
            fired: Vec::new(),
            phase: Phase::Open,
            ending,
            parks: 0,
            busy_ticks: 0,
            ticks_until_measure: TICKS_BETWEEN_MEASURES,
            ticks_unprobed: 0,
        }
    }

    pub(crate) fn shard(&self) -> &Rc<Shard> {
        &self.shard
    }

    /// Timers that are pending.
    pub(crate) fn timers(&self) -> usize {
        self.wheel.len()
    }

    /// Whether anything has arrived that the next tick would take in.
    pub(crate) fn has_mail(&self) -> bool {
        self.source.has_mail()
    }

    /// Ticks in which something had come, or was due.
    pub(crate) fn busy_ticks(&self) -> u64 {
        self.busy_ticks
    }

    /// Frees what it keeps at hand, and looks how deep its stacks were used: before a long rest.
    pub(crate) fn tidy_up(&mut self) {
        self.shard.trim();
        self.measure_stacks();
        let segments = &self.shard.core.segments;
        while (self.source.tidy_up() | segments[0].trim() | segments[1].trim())
            && !self.source.has_mail()
        {}
    }

    /// Sleeps until something arrives, or for `nanos` where given.
    pub(crate) fn park(&mut self, nanos: Option<u64>) {
        self.parks += 1;
        self.publish_stats();
        self.source.park(nanos.map(std::time::Duration::from_nanos));
    }

    /// Takes in what has arrived, fires what is due, gives turns, and says what it wants next.
    ///
    /// # Errors
    ///
    /// When the very first fiber cannot have a stack.
    pub(crate) fn tick(&mut self, now: u64) -> Result<Tick, StackError> {
        self.tick_up_to(now, TURNS_PER_TICK)
    }

    /// As [`tick`](Self::tick), with another limit on the number of turns.
    ///
    /// # Errors
    ///
    /// As for [`tick`](Self::tick).
    pub(crate) fn tick_up_to(&mut self, now: u64, turns: u32) -> Result<Tick, StackError> {
        let shard = Rc::clone(&self.shard);
        // Whoever drives it may stand in a destructor that the runtime runs: why it runs is no
        // business of the handlers.
        let marks = Marks::take();
        let tick = enter(&shard, |shard| {
            shard.now.set(now);
            // Taken before the mail, and followed after it: mail sent before an order comes first.
            let orders = shard.core.take_orders(shard.home.worker());
            let batches = shard.counts.batches.get();
            self.take_in(shard, !orders.is_empty());
            self.turn_clock(now);
            let is_busy = !shard.due.is_empty() || shard.counts.batches.get() != batches;
            self.busy_ticks += u64::from(is_busy);
            scheduler::run(shard, turns)?;
            self.probe_in_time();
            shard.outboxes.flush();
            self.cancel_timers();
            self.go_on_ending(now, orders);
            self.publish_stats_of_tick();
            Ok(self.what_next())
        });
        marks.put_back();
        tick
    }

    /// Takes in a measure of what has arrived, or `all` of it, and follows the orders to actors.
    ///
    /// Orders go ahead of the mail that is left for later. But what is taken in is taken in after the
    /// orders that were given before it, so that it does not overtake them either, and so that an order
    /// does not overtake what its giver sent before, unless there is more than a measure: so the mail is
    /// looked at again where an order has come meanwhile.
    fn take_in(&mut self, shard: &Shard, all: bool) {
        let worker = shard.home.worker();
        if shard.core.has_actor_orders(worker) {
            return self.take_in_with_orders(shard, all);
        }
        self.source.receive(all, &mut |mail| shard.take_in(mail));
        if shard.core.has_actor_orders(worker) {
            follow(shard, shard.core.take_actor_orders(worker));
        }
    }

    #[cold]
    fn take_in_with_orders(&mut self, shard: &Shard, all: bool) {
        let mut orders = VecDeque::new();
        for _ in 0..LOOKS_FOR_ORDERS {
            let more = shard.core.take_actor_orders(shard.home.worker());
            let again = !more.is_empty();
            orders.extend(more);
            self.source.receive(all, &mut |mail| shard.take_in(mail));
            if !again {
                break;
            }
        }
        // None of the messages has been handled yet.
        orders.extend(shard.core.take_actor_orders(shard.home.worker()));
        follow(shard, orders);
    }

    /// To be called before it rests: looks whether those who wait wait for each other, across
    /// workers. Answers whether it has something to do for that.
    pub(crate) fn look_for_cycles(&mut self) -> bool {
        if !self.shard.has_unprobed_waits() {
            return false;
        }
        self.ticks_unprobed = 0;
        enter(&Rc::clone(&self.shard), |shard| {
            shard.send_probes();
            shard.outboxes.flush();
        });
        true
    }

    /// A worker that never rests looks as well, from time to time.
    fn probe_in_time(&mut self) {
        if self.shard.has_unprobed_waits() {
            self.ticks_unprobed += 1;
            if self.ticks_unprobed == TICKS_UNPROBED {
                self.ticks_unprobed = 0;
                self.shard.send_probes_of_long_waits();
            }
        }
    }

    /// Publishes the counts, and how deep stacks were used until now.
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
        self.shard.core.workers[index].publish(self.shard.stats(self.parks));
    }

    /// Arms the time-outs that were asked for before this tick, so that each counts from a time
    /// no earlier than its call, and fires those that are due.
    fn turn_clock(&mut self, now: u64) {
        let waits = &self.shard.waits;
        if waits.has_timer_requests() {
            waits.arm_all(|key, timeout| {
                let deadline = now.saturating_add(timeout);
                (self.wheel.insert(deadline, key).to_bits(), deadline)
            });
        }
        if self.wheel.is_empty() {
            return;
        }
        let early = if is_mutated(Mutant::TimerEarly) {
            1 << 16
        } else {
            0
        };
        self.wheel.advance(now + early, &mut self.fired);
        for key in self.fired.drain(..) {
            waits.fired(key);
            self.shard.time_out(key);
        }
    }

    /// Not before the turns, which somebody may wait for: what fires meanwhile comes too late.
    fn cancel_timers(&mut self) {
        while let Some(timer) = self.shard.waits.next_disarmed() {
            self.wheel.cancel(TimerId::from_bits(timer));
        }
    }

    fn what_next(&mut self) -> Tick {
        if self.phase == Phase::Closed {
            return Tick::Done;
        }
        let shard = &self.shard;
        if !shard.due.is_empty() || shard.waits.has_timer_requests() {
            return Tick::Busy;
        }
        if self.source.is_behind() {
            return Tick::Busy;
        }
        // One that was given after this tick took its orders, and whose nudge it then took in.
        if shard.core.has_orders(shard.home.worker()) {
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
            Phase::Draining { deadline } => Some(deadline),
            _ => None,
        };
        let timer = self.wheel.next_deadline();
        Tick::Idle(timer.into_iter().chain(deadline).min())
    }

    // ---- the end ----------------------------------------------------------------------------

    fn go_on_ending(&mut self, now: u64, orders: VecDeque<Order>) {
        for order in orders {
            match order {
                Order::ShutDown { within } => self.shut_down(now.saturating_add(within)),
                Order::Close => return self.close(),
            }
        }
        if matches!(self.phase, Phase::Draining { deadline } if now >= deadline)
            && self.shard.has_work()
        {
            self.force();
        }
        if matches!(self.phase, Phase::Draining { .. } | Phase::Forcing) && !self.shard.has_work() {
            self.become_quiet();
        }
    }

    /// A later order may bring the deadline forward, never put it off.
    fn shut_down(&mut self, by: u64) {
        if let Phase::Draining { deadline } = &mut self.phase {
            *deadline = by.min(*deadline);
        } else if self.phase == Phase::Open {
            self.shard.closing.set(true);
            self.phase = Phase::Draining { deadline: by };
            lifecycle::stop_all(&self.shard);
        }
    }

    #[cold]
    fn force(&mut self) {
        self.phase = Phase::Forcing;
        self.ending
            .forced
            .fetch_add(lifecycle::force_all(&self.shard), Relaxed);
        self.end_waiting();
    }

    /// Unwinds every handler and task that waits; from now on nobody waits any more.
    fn end_waiting(&mut self) {
        self.shard.interrupts.force();
        for fiber in self.shard.waits.abandon_all() {
            scheduler::end(&self.shard, fiber);
        }
    }

    #[cold]
    fn become_quiet(&mut self) {
        self.phase = Phase::Quiet;
        self.ending.one_more_is_quiet(&self.shard.core);
    }

    #[cold]
    fn close(&mut self) {
        self.end_waiting();
        self.refuse_mail();
        self.shard.fibers.trim(0);
        // Nobody waits any more, and no tick comes that would cancel what is not needed.
        self.shard.fibers.trim_larger(0);
        self.wheel = TimerWheel::new(self.shard.now.get());
        self.phase = Phase::Closed;
    }

    /// Takes no more mail, and loses what has arrived.
    fn refuse_mail(&mut self) {
        let Self { shard, source, .. } = self;
        let worker = shard.home.worker();
        source.close(&mut |mail| {
            mail.bounce(&shard.core, worker, DeadLetterReason::PoolClosed);
        });
        shard.drop_tasks();
        // The turns that those tasks were to have.
        shard.due.clear();
        // What was lost just now may have sent something in its destructor.
        shard.outboxes.flush();
        // No answer arrives any more: whoever holds such an ask, on another thread as a rule, is told.
        for wait in shard.waits.unattended() {
            shard.follow_up(shard.waits.end(wait, End::PoolClosed));
        }
    }

    /// Takes no more mail, and keeps all the rest for ever: where handlers cannot be ended.
    #[cold]
    pub(crate) fn leak(mut self) {
        let shard = Rc::clone(&self.shard);
        enter(&shard, |_| self.refuse_mail());
        std::mem::forget(self);
    }
}

fn follow(shard: &Shard, orders: VecDeque<(Key, ActorOrder)>) {
    for (actor, order) in orders {
        order.follow(shard, actor);
    }
}

impl Drop for Worker {
    /// A worker that never ended, as its pool did not start: nothing may arrive any more.
    fn drop(&mut self) {
        if !matches!(self.phase, Phase::Quiet | Phase::Closed) {
            self.become_quiet();
        }
        if self.phase != Phase::Closed {
            let shard = Rc::clone(&self.shard);
            // What is dropped here may be the user's.
            let _ = catch_user(|| enter(&shard, |_| self.close()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Mail;
    use crate::actor::core::unregister;
    use crate::pool::{core_of_one_worker, lanes};
    use std::time::Duration;

    /// A source in whose first delivery an order is given, and its nudge arrives.
    struct OrderMeanwhile<S> {
        core: Arc<PoolCore>,
        given: bool,
        source: S,
    }

    impl<S: Source> Source for OrderMeanwhile<S> {
        fn has_mail(&self) -> bool {
            self.source.has_mail()
        }

        fn receive(&mut self, all: bool, sink: &mut dyn FnMut(Mail<'_>)) {
            if !std::mem::replace(&mut self.given, true) {
                self.core.give_order(0, Order::ShutDown { within: 0 });
            }
            self.source.receive(all, sink);
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
            now: 0,
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
