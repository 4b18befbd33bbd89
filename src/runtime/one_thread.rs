//! The current-thread driver: all workers of a pool stepped on one thread, by a clock that stands
//! still unless it is told to go on.
//!
//! It drives the same `Worker::tick` as the threads do, over the doubles of the transport and the
//! directory, so that everything above them is tested without threads and without waiting.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::doubles::{MemoryDirectory, Unruliness, memory_transport};
use super::worker::{Ending, Tick, Worker, WorkerParts};
use crate::actor::core::{CoreParts, PoolCore, register, unregister};
use crate::actor::lifecycle::{self, GUARDIAN, Name};
use crate::actor::{ActorRef, Failure, Order, Props, Shard, WorkerStats};
use crate::ask::order;
use crate::fiber::StackConfig;

/// A pool without threads.
pub(crate) struct OneThread {
    pub(crate) core: Arc<PoolCore>,
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) ending: Arc<Ending>,
    workers: Vec<Worker>,
    done: Vec<bool>,
    now: u64,
}

impl OneThread {
    pub(crate) fn new(workers: usize) -> Self {
        Self::unruly(workers, Unruliness::default(), 0, |_| {})
    }

    pub(crate) fn unruly(
        workers: usize,
        unruliness: Unruliness,
        seed: u64,
        on_failure: impl Fn(&Failure) + Send + Sync + 'static,
    ) -> Self {
        let (transport, sources) = memory_transport(workers, unruliness, seed);
        let directory = Arc::new(MemoryDirectory::default());
        let core = register(CoreParts {
            name: "one-thread".to_owned(),
            workers,
            transport: Box::new(transport),
            directory: Box::new(Arc::clone(&directory)),
            on_failure: Box::new(on_failure),
            repeatable: false,
        })
        .expect("few pools are alive in a test");
        let ending = Arc::new(Ending::default());
        let workers: Vec<_> = (0..)
            .zip(sources)
            .map(|(index, source)| {
                Worker::new(WorkerParts {
                    core: Arc::clone(&core),
                    index,
                    source: Box::new(source),
                    stacks: StackConfig { size: 64 * 1024 },
                    ending: Arc::clone(&ending),
                    now: 0,
                })
            })
            .collect();
        let done = vec![false; workers.len()];
        Self {
            core,
            directory,
            ending,
            workers,
            done,
            now: 0,
        }
    }

    /// Runs `work` on a fiber of that worker, and whatever it leads to, until all are idle.
    pub(crate) fn on<R: 'static>(
        &mut self,
        worker: usize,
        work: impl FnOnce(&Shard) -> R + 'static,
    ) -> R {
        let answer = Rc::new(RefCell::new(None));
        let place = Rc::clone(&answer);
        self.workers[worker]
            .shard()
            .add_task(Box::new(move |shard| {
                *place.borrow_mut() = Some(work(shard));
            }));
        self.run_until_idle();
        answer.take().expect("the work was done")
    }

    pub(crate) fn spawn<M: Send + 'static>(
        &mut self,
        worker: usize,
        name: &'static str,
        props: Props<M>,
    ) -> ActorRef<M> {
        let started = self.on(worker, move |shard| {
            lifecycle::start(shard, GUARDIAN, Name::Given(name), &props)
        });
        started.expect("starts")
    }

    /// Steps the workers in turn until none has anything to do; answers the next timer's time.
    pub(crate) fn run_until_idle(&mut self) -> Option<u64> {
        loop {
            let mut busy = false;
            let mut next: Option<u64> = None;
            for (worker, done) in self.workers.iter_mut().zip(&mut self.done) {
                if *done {
                    continue;
                }
                match worker.tick(self.now).expect("there is memory for a stack") {
                    Tick::Busy => busy = true,
                    Tick::Idle(until) => next = next.into_iter().chain(until).min(),
                    Tick::Done => *done = true,
                }
            }
            let mail = self
                .workers
                .iter()
                .zip(&self.done)
                .any(|(worker, done)| !done && worker.has_mail());
            if !busy && !mail {
                return next;
            }
        }
    }

    /// Lets that much time pass, stopping at every timer on the way.
    pub(crate) fn advance(&mut self, by: Duration) {
        let until = self.now + u64::try_from(by.as_nanos()).expect("a short time");
        while let Some(next) = self.run_until_idle() {
            if next > until {
                break;
            }
            self.now = next.max(self.now);
        }
        self.now = until;
        self.run_until_idle();
    }

    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.now)
    }

    /// Orders all workers to shut down, and runs what they can do about it at once.
    pub(crate) fn shut_down(&mut self, within: Duration) {
        let within = u64::try_from(within.as_nanos()).expect("a short time");
        for worker in self.core.worker_indices() {
            order(&self.core, worker, Order::ShutDown { within });
        }
        self.run_until_idle();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.done.iter().all(|done| *done)
    }

    pub(crate) fn stats(&self) -> Vec<WorkerStats> {
        self.core
            .workers
            .iter()
            .map(|worker| worker.read())
            .collect()
    }

    /// Every message that was sent is handled, lost, or waits.
    pub(crate) fn assert_conservation(&self) {
        let stats = self.stats();
        let sum = |field: fn(&WorkerStats) -> u64| stats.iter().map(field).sum::<u64>();
        let sent = sum(|worker| worker.sent) + self.core.sent_outside();
        let rest = sum(|worker| worker.handled) + sum(|worker| worker.queued);
        assert_eq!(sent, rest + self.core.dead_letters.total(), "{stats:?}");
    }
}

impl Drop for OneThread {
    fn drop(&mut self) {
        unregister(&self.core);
    }
}

#[cfg(test)]
mod tests {
    use super::super::doubles::Rng;
    use super::*;
    use crate::actor::{Behavior, BoxError, DeadLetterReason, Next, Signal};
    use crate::ask::{AskError, Reply};
    use parking_lot::Mutex;

    const LONG: Duration = Duration::from_secs(3600);

    enum Count {
        Add(u64),
        Get(Reply<u64>),
        Forget(Reply<u64>),
    }

    fn counter() -> Props<Count> {
        Props::new(|| {
            Behavior::with_state(0, |sum: &mut u64, _ctx, message| match message {
                Count::Add(number) => *sum += number,
                Count::Get(reply) => reply.send(*sum),
                Count::Forget(reply) => drop(reply),
            })
        })
    }

    #[test]
    fn s8_6_actors_of_two_workers_work_without_threads() {
        let mut pool = OneThread::new(2);
        let counter = pool.spawn(1, "counter", counter());
        let sum = pool.on(0, move |_| {
            (1..=100).for_each(|number| counter.tell(Count::Add(number)));
            counter.ask(Count::Get, LONG).wait()
        });
        assert_eq!(sum, Ok(5050));
        pool.shut_down(LONG);
        assert!(pool.has_ended());
        assert_eq!(pool.directory.names(), 0);
        pool.assert_conservation();
    }

    #[test]
    fn s5_3_a_timeout_comes_at_its_time_and_a_certain_end_at_once() {
        let mut pool = OneThread::new(2);
        let holder = pool.spawn(1, "holder", {
            Props::new(|| {
                Behavior::with_state(Vec::new(), |held: &mut Vec<Reply<u64>>, _ctx, reply| {
                    held.push(reply);
                })
            })
        });
        let counter = pool.spawn(1, "counter", counter());
        let ends = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&ends);
        let asker = pool.spawn(
            0,
            "asker",
            Props::new(move || {
                let seen = Arc::clone(&seen);
                Behavior::receive(move |ctx, (): ()| {
                    let forgotten = counter.ask(Count::Forget, LONG).wait();
                    seen.lock().push((ctx.now(), forgotten));
                    let held = holder.ask(|reply| reply, Duration::from_secs(10)).wait();
                    seen.lock().push((ctx.now(), held));
                })
            }),
        );
        asker.tell(());
        pool.advance(Duration::from_millis(9_999));
        assert_eq!(*ends.lock(), [(Duration::ZERO, Err(AskError::NoReply))]);
        pool.advance(Duration::from_millis(2));
        let (at, held) = ends.lock()[1].clone();
        assert_eq!(held, Err(AskError::Timeout(Duration::from_secs(10))));
        let late = at - Duration::from_secs(10);
        assert!(late < Duration::from_micros(70), "it was {late:?} late");
    }

    #[test]
    fn s5_5_only_the_actor_that_waits_does() {
        let mut pool = OneThread::new(1);
        let counter = pool.spawn(0, "counter", counter());
        let sleeper = pool.spawn(
            0,
            "sleeper",
            Props::new(|| Behavior::receive(|ctx, length: Duration| ctx.sleep(length))),
        );
        sleeper.tell(Duration::from_secs(60));
        sleeper.tell(Duration::from_secs(60));
        pool.run_until_idle();
        let sum = pool.on(0, move |_| counter.ask(Count::Get, LONG).wait());
        assert_eq!(sum, Ok(0), "the worker goes on with others");
        assert_eq!(
            (pool.stats()[0].waiting, pool.stats()[0].queued),
            (1, 1),
            "its mail waits"
        );
        pool.advance(Duration::from_secs(121));
        assert_eq!((pool.stats()[0].waiting, pool.stats()[0].queued), (0, 0));
        assert_eq!(pool.now(), Duration::from_secs(121));
    }

    /// Notes in its log when it is dropped.
    struct Noted(Arc<Mutex<Vec<&'static str>>>, &'static str);

    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.lock().push(self.1);
        }
    }

    #[test]
    fn s4_4_what_is_left_at_the_deadline_is_stopped_by_force() {
        let mut pool = OneThread::new(2);
        let log = Arc::new(Mutex::new(Vec::new()));
        let noting = Arc::clone(&log);
        let stuck = pool.spawn(
            1,
            "stuck",
            Props::new(move || {
                let (noting, told) = (Arc::clone(&noting), Arc::clone(&noting));
                Behavior::receive(move |ctx, (): ()| {
                    let _on_stack = Noted(Arc::clone(&noting), "unwound");
                    ctx.sleep(LONG)
                })
                .on_signal(move |_ctx, signal| {
                    if *signal == Signal::PostStop {
                        told.lock().push("told");
                    }
                    Ok(())
                })
            }),
        );
        (0..3).for_each(|_| stuck.tell(()));
        pool.run_until_idle();
        pool.shut_down(Duration::from_secs(5));
        pool.advance(Duration::from_millis(4_999));
        assert!(log.lock().is_empty() && !pool.has_ended());
        pool.advance(Duration::from_millis(2));
        assert!(pool.has_ended());
        assert_eq!(*log.lock(), ["unwound", "told"]);
        assert_eq!(pool.ending.forced(), 1);
        assert_eq!(pool.core.dead_letters.count(DeadLetterReason::Forced), 2);
        pool.assert_conservation();
    }

    type Chatter = ActorRef<(u32, u64)>;

    /// Sends numbered messages to others on every worker, which check their order.
    fn chatter(others: Arc<Mutex<Vec<Chatter>>>, me: u32) -> Props<(u32, u64)> {
        Props::new(move || {
            let others = Arc::clone(&others);
            let (mut heard, mut said) = ([0; 8], 0);
            Behavior::receive(move |_ctx, (from, number): (u32, u64)| {
                let last = &mut heard[from as usize];
                if number <= *last {
                    return Err(BoxError::from("out of order"));
                }
                *last = number;
                if said < 300 {
                    said += 1;
                    others
                        .lock()
                        .iter()
                        .for_each(|other| other.tell((me, said)));
                }
                Ok(Next::Same)
            })
        })
    }

    #[test]
    fn s8_6_nothing_is_lost_or_reordered_over_a_transport_that_misbehaves() {
        for seed in 0..40 {
            let mut rng = Rng(seed);
            let unruliness = Unruliness {
                drop: u8::try_from(rng.below(10)).unwrap(),
                delay: u8::try_from(rng.below(60)).unwrap(),
                repeat: u8::try_from(rng.below(60)).unwrap(),
            };
            let workers = usize::try_from(1 + rng.below(4)).unwrap();
            let failures = Arc::new(Mutex::new(Vec::new()));
            let failed = Arc::clone(&failures);
            let mut pool = OneThread::unruly(workers, unruliness, seed, move |failure| {
                failed.lock().push(failure.to_string());
            });
            let all = Arc::new(Mutex::new(Vec::new()));
            let names = ["a", "b", "c", "d", "e", "f"];
            for (me, name) in (0..).zip(names) {
                let props = chatter(Arc::clone(&all), me);
                let started = pool.spawn(me as usize % workers, name, props);
                all.lock().push(started);
            }
            let first = all.lock()[0];
            (1..=3).for_each(|number| first.tell((7, number)));
            pool.run_until_idle();
            all.lock().iter().for_each(|actor| actor.stop());
            all.lock().clear();
            pool.shut_down(LONG);
            for _ in 0..100 {
                // An order that was dropped is given again, as a caller who waits would.
                pool.shut_down(Duration::ZERO);
            }
            assert!(unruliness.drop > 0 || pool.has_ended(), "seed {seed}");
            assert_eq!(*failures.lock(), Vec::<String>::new(), "seed {seed}");
            pool.assert_conservation();
        }
    }
}
