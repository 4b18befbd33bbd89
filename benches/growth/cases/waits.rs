//! Senders that wait for room, joined answers, tasks, timers.

use super::{Case, HOUR, Job, Keeper, doer, job, keeper, simulation, system};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{DeadLetterReason, Task, all, first};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context as TaskContext, Waker};
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "an actor asks, again and again",
        size: 16_000,
        run: asks_in_a_row,
    },
    Case {
        name: "those who await room give up, the last one first",
        size: 8000,
        run: |count| room_given_up(count, true),
    },
    Case {
        name: "those who await room give up, the first one first",
        size: 8000,
        run: |count| room_given_up(count, false),
    },
    Case {
        name: "those who await room are let in",
        size: 4000,
        run: let_in,
    },
    Case {
        name: "asks are given up whose questions wait, the last one first",
        size: 8000,
        run: asks_given_up,
    },
    Case {
        name: "all of many answers, which come one by one",
        size: 2000,
        run: all_answers,
    },
    Case {
        name: "all of many answers, in joins of a join",
        size: 2000,
        run: all_answers_of_joins,
    },
    Case {
        name: "all of many answers, after many more questions",
        size: 1000,
        run: all_answers_of_two,
    },
    Case {
        name: "all of many answers of another worker, after many more questions",
        size: 500,
        run: all_answers_of_another_worker,
    },
    Case {
        name: "the first of many answers, after all others were refused",
        size: 2000,
        run: first_answer,
    },
    Case {
        name: "all of many answers, the questions being handed on",
        size: 2000,
        run: all_handed_on,
    },
    Case {
        name: "tasks that wait, and end with their actor",
        size: 2000,
        run: tasks_end,
    },
    Case {
        name: "tasks that wait, and are cancelled one by one",
        size: 2000,
        run: tasks_cancelled,
    },
    Case {
        name: "timers that are due one after the other, within a tick of the clock",
        size: 4000,
        run: timers_of_one_tick,
    },
    Case {
        name: "timers that are about to be due, while others go on",
        size: 4000,
        run: timers_to_come,
    },
    Case {
        name: "timers that are cancelled, the last one first",
        size: 8000,
        run: timers_cancelled,
    },
];

fn asks_in_a_row(count: usize) {
    let system = system();
    let answering = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u32>| reply.send(1)));
    let answering = system.spawn("answering", answering).unwrap();
    let asker = system.spawn("asker", doer()).unwrap();
    let (sum, sums) = counter();
    asker.tell(job(move |_ctx| {
        for _ in 0..count {
            let answer = answering.ask(|reply| reply, HOUR).wait();
            sums.fetch_add(answer.unwrap() as usize, Relaxed);
        }
    }));
    system.run_until_idle();
    assert_eq!(sum.load(Relaxed), count);
}

fn counter() -> (Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let counter: Arc<AtomicUsize> = Arc::default();
    (Arc::clone(&counter), counter)
}

/// Polls a future once; it must not be ready.
fn begin<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    let polled = future
        .as_mut()
        .poll(&mut TaskContext::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    future
}

/// An actor with a mailbox for one message, which is full and which the actor does not reach.
fn full(system: &ActorSystem) -> ActorRef<u32> {
    let mailbox = Mailbox::bounded(1, Overflow::Backpressure).unwrap();
    let full = system
        .spawn("full", super::idle().mailbox(mailbox))
        .unwrap();
    full.suspend();
    full.tell(1);
    system.run_until_idle();
    full
}

/// Starts that many waits for room, on a thread that does not drive the system.
fn awaiting(full: ActorRef<u32>, count: usize) -> Vec<impl Future + Send> {
    let begin_all = move || (0..count).map(|_| begin(full.send_async(1))).collect();
    let outside = std::thread::spawn(begin_all);
    outside.join().unwrap()
}

fn room_given_up(count: usize, from_the_last: bool) {
    let system = system();
    let full = full(&system);
    let mut awaiting = awaiting(full, count);
    system.run_until_idle();
    if from_the_last {
        awaiting.reverse();
    }
    awaiting.into_iter().for_each(drop);
    system.run_until_idle();
    full.resume();
    system.run_until_idle();
    assert_eq!(system.stats().handled(), 1);
}

fn let_in(count: usize) {
    let system = system();
    let full = full(&system);
    let actor = system.spawn("actor", doer()).unwrap();
    actor.tell(job(move |ctx| {
        for _ in 0..count {
            drop(ctx.spawn_task(move |_task| full.send(1).unwrap()));
        }
    }));
    system.run_until_idle();
    assert_eq!(system.waiting().len(), count);
    full.resume();
    system.run_until_idle();
    assert_eq!(system.stats().handled(), count as u64 + 2);
}

fn asks_given_up(count: usize) {
    let system = system();
    let keeper = system.spawn("keeper", keeper()).unwrap();
    let asker = system.spawn("asker", doer()).unwrap();
    keeper.suspend();
    asker.tell(job(move |_ctx| {
        let asked = (0..count).map(|_| keeper.ask(Keeper::Keep, HOUR));
        let mut asked: Vec<_> = asked.collect();
        asked.reverse();
        asked.into_iter().for_each(drop);
    }));
    system.run_until_idle();
    keeper.resume();
    system.run_until_idle();
    let letters = system.dead_letters();
    assert_eq!(letters.count(DeadLetterReason::Cancelled), count as u64);
}

/// Has an actor do something with the answers to its questions, all of which a keeper holds.
fn asking<P: Send + 'static>(
    count: usize,
    ask: impl Fn(ActorRef<Keeper>) -> P + Send + 'static,
    wait: impl FnOnce(Vec<P>) + Send + 'static,
) -> (ActorSystem, ActorRef<Keeper>, Arc<AtomicUsize>) {
    let system = system();
    let keeper = system.spawn("keeper", keeper()).unwrap();
    let asker = system.spawn("asker", doer()).unwrap();
    let (done, is_done) = counter();
    asker.tell(job(move |_ctx| {
        wait((0..count).map(|_| ask(keeper)).collect());
        is_done.fetch_add(1, Relaxed);
    }));
    system.run_until_idle();
    (system, keeper, done)
}

fn all_answers(count: usize) {
    let (system, keeper, done) = asking(
        count,
        |keeper| keeper.ask(Keeper::Keep, HOUR),
        move |asked| assert_eq!(all(asked).wait().unwrap().len(), count),
    );
    for _ in 0..count {
        assert_eq!(done.load(Relaxed), 0);
        keeper.tell(Keeper::Answer);
        system.run_until_idle();
    }
    assert_eq!(done.load(Relaxed), 1);
}

fn all_answers_of_joins(count: usize) {
    let (system, keeper, done) = asking(
        count,
        |keeper| keeper.ask(Keeper::Keep, HOUR),
        move |mut asked| {
            let (row, alone) = (asked.split_off(count / 2), asked.split_off(count / 4));
            let joined = all((all(asked), all(vec![all(row), all(alone)])));
            let (some, more) = joined.wait().unwrap();
            assert_eq!(some.len() + more.concat().len(), count);
        },
    );
    for _ in 0..count {
        assert_eq!(done.load(Relaxed), 0);
        keeper.tell(Keeper::Answer);
        system.run_until_idle();
    }
    assert_eq!(done.load(Relaxed), 1);
}

fn all_answers_of_two(count: usize) {
    let (system, keeper, done) = asking(
        count,
        |keeper| {
            let asked = keeper.ask(Keeper::Keep, HOUR);
            asked.and_then(move |_| keeper.ask(Keeper::Keep, HOUR))
        },
        move |asked| assert_eq!(all(asked).wait().unwrap().len(), count),
    );
    for _ in 0..2 * count {
        assert_eq!(done.load(Relaxed), 0);
        keeper.tell(Keeper::Answer);
        system.run_until_idle();
    }
    assert_eq!(done.load(Relaxed), 1);
}

fn all_answers_of_another_worker(count: usize) {
    let builder = Sim::builder().orderly().workers(2).keep_events(0);
    let mut sim = builder.start().unwrap();
    let keeper = sim.spawn_on(1, "keeper", keeper()).unwrap();
    let asker = sim.spawn_on(0, "asker", doer()).unwrap();
    let (done, is_done) = counter();
    asker.tell(job(move |_ctx| {
        let asked = (0..count).map(|_| {
            let asked = keeper.ask(Keeper::Keep, HOUR);
            asked.and_then(move |_| keeper.ask(Keeper::Keep, HOUR))
        });
        let asked: Vec<_> = asked.collect();
        assert_eq!(all(asked).wait().unwrap().len(), count);
        is_done.fetch_add(1, Relaxed);
    }));
    for _ in 0..2 * count {
        sim.run_until_idle();
        assert_eq!(done.load(Relaxed), 0);
        keeper.tell(Keeper::Answer);
    }
    sim.run_until_idle();
    assert_eq!(done.load(Relaxed), 1);
}

fn first_answer(count: usize) {
    let (system, keeper, done) = asking(
        count,
        |keeper| keeper.ask(Keeper::Keep, HOUR),
        |asked| assert_eq!(first(asked).wait(), Ok(1)),
    );
    for _ in 1..count {
        keeper.tell(Keeper::Drop);
        system.run_until_idle();
    }
    assert_eq!(done.load(Relaxed), 0);
    keeper.tell(Keeper::Answer);
    system.run_until_idle();
    assert_eq!(done.load(Relaxed), 1);
}

fn all_handed_on(count: usize) {
    let (system, first, done) = asking(
        count,
        |keeper| keeper.ask(Keeper::Keep, HOUR),
        move |asked| assert_eq!(all(asked).wait().unwrap().len(), count),
    );
    let other = system.spawn("other", keeper()).unwrap();
    for _ in 0..count {
        first.tell(Keeper::HandOn(other));
    }
    system.run_until_idle();
    for _ in 0..count {
        other.tell(Keeper::Answer);
    }
    system.run_until_idle();
    assert_eq!(done.load(Relaxed), 1);
}

/// An actor with that many waiting tasks, and its handles to them.
fn with_tasks(system: &ActorSystem, count: usize, then: fn(Vec<Task<()>>)) -> ActorRef<Job> {
    let keeper = system.spawn("keeper", keeper()).unwrap();
    let actor = system.spawn("actor", doer()).unwrap();
    actor.tell(job(move |ctx| {
        let tasks = (0..count)
            .map(|_| ctx.spawn_task(move |_task| drop(keeper.ask(Keeper::Keep, HOUR).wait())));
        let tasks: Vec<_> = tasks.collect();
        // The tasks begin.
        ctx.yield_now().unwrap();
        then(tasks);
    }));
    system.run_until_idle();
    actor
}

fn tasks_end(count: usize) {
    let system = system();
    let actor = with_tasks(&system, count, drop);
    assert_eq!(system.waiting().len(), count);
    actor.stop();
    system.run_until_idle();
    assert_eq!(system.waiting().len(), 0);
}

fn tasks_cancelled(count: usize) {
    let system = system();
    with_tasks(&system, count, |tasks| tasks.iter().for_each(Task::cancel));
    assert_eq!(system.waiting().len(), 0);
}

/// Starts timers, each a nanosecond after the one before.
fn with_timers(
    count: usize,
    first: Duration,
    then: fn(&mut Context<'_, u32>, usize),
) -> Props<u32> {
    Props::new(move || {
        Behavior::setup(move |ctx| {
            for number in 0..count as u64 {
                let delay = first + Duration::from_nanos(number);
                ctx.timers().start_single(number, 1_u32, delay);
            }
            then(ctx, count);
            Ok(Behavior::receive(|_ctx, _: u32| ()))
        })
    })
}

fn timers_of_one_tick(count: usize) {
    let mut sim = simulation();
    let props = with_timers(count, Duration::from_millis(10), |_, _| {});
    sim.spawn("actor", props).unwrap();
    sim.run_for(Duration::from_secs(1));
    assert_eq!(sim.stats().handled(), count as u64);
}

fn timers_to_come(count: usize) {
    let mut sim = simulation();
    let props = with_timers(count, Duration::from_millis(2), |_, _| {});
    sim.spawn("actor", props).unwrap();
    let other = sim.spawn("other", super::idle()).unwrap();
    for _ in 0..count {
        other.tell(1);
        sim.run_until_idle();
    }
    assert_eq!(sim.stats().handled(), count as u64);
    sim.run_for(Duration::from_secs(1));
    assert_eq!(sim.stats().handled(), 2 * count as u64);
}

fn timers_cancelled(count: usize) {
    let mut sim = simulation();
    let props = with_timers(count, Duration::from_millis(2), |ctx, count| {
        for number in (0..count as u64).rev() {
            assert!(ctx.timers().cancel(number));
        }
    });
    sim.spawn("actor", props).unwrap();
    sim.run_for(Duration::from_secs(1));
    assert_eq!(sim.stats().handled(), 0);
}
