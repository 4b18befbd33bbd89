//! Message throughput and round trips, beside the yardsticks, in one run.
//!
//! Each group is one case; each entry in it is this crate or a yardstick. What counts is the ratio of two
//! medians of one run: absolute figures cannot be compared between machines, or between hours.

#![allow(missing_docs)] // criterion's macros make public functions

#[path = "yardsticks/mod.rs"]
mod yardsticks;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use nexus_actors::pool::WaitStrategy;
use nexus_actors::prelude::*;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// Messages that one producer sends in a measured round.
const MESSAGES: u64 = 1_000_000;
/// Messages that a producer sends before it yields.
const BURST: u64 = 256;

enum Count {
    Sum(Reply<u64>),
}

fn counter() -> Props<Count> {
    Props::new(|| {
        Behavior::with_state(0, |sum: &mut u64, _ctx, Count::Sum(reply)| reply.send(*sum))
    })
}

/// Stores the question or the sum, whichever comes first, for the other.
enum Judge {
    Await(Reply<u64>),
    Sum(u64),
}

fn judge() -> Props<Judge> {
    Props::new(|| {
        let (mut asked, mut known) = (None::<Reply<u64>>, None);
        Behavior::receive(move |_ctx, message| {
            match message {
                Judge::Await(reply) => asked = Some(reply),
                Judge::Sum(sum) => known = Some(sum),
            }
            if let (Some(_), Some(sum)) = (&asked, known) {
                known = None;
                asked.take().into_iter().for_each(|reply| reply.send(sum));
            }
        })
    })
}

/// The number that makes a summing actor report its sum.
const LAST: u64 = u64::MAX;

/// Adds up bare numbers, as the yardsticks do.
fn summing(judge: ActorRef<Judge>) -> Props<u64> {
    Props::new(move || {
        Behavior::with_state(0, move |sum: &mut u64, _ctx, number| {
            if number == LAST {
                judge.tell(Judge::Sum(std::mem::take(sum)));
            } else {
                *sum += number;
            }
        })
    })
}

/// Sends as many numbers as it is told, and yields after each burst.
fn producer(counter: ActorRef<u64>) -> Props<(u64, u64)> {
    Props::new(move || {
        Behavior::receive(move |ctx, (messages, burst): (u64, u64)| {
            let mut next = 0;
            while next < messages {
                let end = messages.min(next + burst);
                (next..end).for_each(|number| counter.tell(number));
                next = end;
                ctx.yield_now()?;
            }
            counter.tell(LAST);
            Ok(())
        })
    })
}

fn pool(workers: usize) -> WorkerPool {
    let pool = WorkerPool::builder().workers(workers);
    pool.wait_strategy(WaitStrategy::SpinThenPark(Duration::from_millis(1)))
        .start()
        .expect("starts")
}

/// One producer to one counter, on workers `from` and `to`.
fn count(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, workers: [usize; 2], burst: u64) {
    let pool = pool(workers[0].max(workers[1]) + 1);
    let judge = pool.spawn_on(workers[1], "judge", judge()).expect("spawns");
    let counter = pool
        .spawn_on(workers[1], "counter", summing(judge))
        .expect("spawns");
    let producer = pool
        .spawn_on(workers[0], "producer", producer(counter))
        .expect("spawns");
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let asked = judge.ask(Judge::Await, PATIENCE);
            producer.tell((MESSAGES, burst));
            assert_eq!(asked.wait(), Ok(MESSAGES * (MESSAGES - 1) / 2));
        });
    });
    pool.shutdown(PATIENCE).expect("ends");
}

fn one_worker(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one producer, one counter");
    group.throughput(Throughput::Elements(MESSAGES));
    count(
        &mut group,
        "nexus, one worker, bursts of 256",
        [0, 0],
        BURST,
    );
    count(&mut group, "nexus, one worker, one burst", [0, 0], MESSAGES);
    count(&mut group, "nexus, two workers", [0, 1], BURST);
    group.bench_function("stakker, bursts of 256", |bencher| {
        bencher.iter(|| yardsticks::stakker_count(MESSAGES, BURST));
    });
    group.bench_function("stakker, one burst", |bencher| {
        bencher.iter(|| yardsticks::stakker_count(MESSAGES, MESSAGES));
    });
    group.bench_function("crossbeam-channel, two threads", |bencher| {
        bencher.iter(|| yardsticks::channel_count(MESSAGES));
    });
    group.bench_function("SegQueue, two polling threads", |bencher| {
        bencher.iter(|| yardsticks::seg_queue_count(MESSAGES));
    });
    group.finish();
}

const TRIPS: u64 = 200_000;

enum Ball {
    Meet(ActorRef<Ball>),
    Hit(u64),
}

/// Hits each ball back to its partner, until it was hit often enough.
fn player(referee: ActorRef<Referee>) -> Props<Ball> {
    Props::new(move || {
        let mut partner = None;
        Behavior::receive(move |_ctx, ball| match (ball, partner) {
            (Ball::Meet(other), _) => partner = Some(other),
            (Ball::Hit(0), _) | (_, None) => referee.tell(Referee::Over),
            (Ball::Hit(left), Some(other)) => other.tell(Ball::Hit(left - 1)),
        })
    })
}

enum Referee {
    Start {
        hits: u64,
        player: ActorRef<Ball>,
        done: Reply<()>,
    },
    Over,
}

fn referee() -> Props<Referee> {
    Props::new(|| {
        Behavior::with_state(
            None,
            |waiting: &mut Option<Reply<()>>, _ctx, message| match message {
                Referee::Start { hits, player, done } => {
                    player.tell(Ball::Hit(hits));
                    *waiting = Some(done);
                }
                Referee::Over => {
                    if let Some(done) = waiting.take() {
                        done.send(());
                    }
                }
            },
        )
    })
}

fn round_trips(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    workers: [usize; 2],
    trips: u64,
) {
    let pool = pool(workers[0].max(workers[1]) + 1);
    let referee = pool.spawn_on(0, "referee", referee()).expect("spawns");
    let one = pool
        .spawn_on(workers[0], "one", player(referee))
        .expect("spawns");
    let other = pool
        .spawn_on(workers[1], "other", player(referee))
        .expect("spawns");
    one.tell(Ball::Meet(other));
    other.tell(Ball::Meet(one));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let start = |done| Referee::Start {
                hits: 2 * trips,
                player: one,
                done,
            };
            referee.ask(start, PATIENCE).wait().expect("answers");
        });
    });
    pool.shutdown(PATIENCE).expect("ends");
}

fn ping_pong(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ping-pong");
    group.throughput(Throughput::Elements(TRIPS));
    round_trips(&mut group, "nexus, one worker", [0, 0], TRIPS);
    group.bench_function("stakker", |bencher| {
        bencher.iter(|| yardsticks::stakker_ping_pong(TRIPS));
    });
    group.bench_function("tokio tasks, one thread", |bencher| {
        bencher.iter(|| yardsticks::tokio_ping_pong(TRIPS));
    });
    group.finish();

    let mut group = criterion.benchmark_group("ping-pong across two threads");
    let trips = TRIPS / 10;
    group.throughput(Throughput::Elements(trips));
    round_trips(&mut group, "nexus, two workers", [0, 1], trips);
    group.bench_function("one cache line, two spinning threads", |bencher| {
        bencher.iter(|| yardsticks::cache_line_ping_pong(trips));
    });
    group.finish();
}

/// Asks the counter repeatedly, from inside a handler.
fn asker(counter: ActorRef<Count>) -> Props<(u64, Reply<()>)> {
    Props::new(move || {
        Behavior::receive(move |_ctx, (asks, done): (u64, Reply<()>)| {
            for _ in 0..asks {
                counter.ask(Count::Sum, PATIENCE).wait()?;
            }
            done.send(());
            Ok(())
        })
    })
}

fn ask(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ask from a handler");
    group.throughput(Throughput::Elements(TRIPS));
    for (name, workers) in [
        ("nexus, one worker", [0, 0]),
        ("nexus, two workers", [0, 1]),
    ] {
        let pool = pool(workers[1] + 1);
        let counter = pool
            .spawn_on(workers[1], "counter", counter())
            .expect("spawns");
        let asker = pool
            .spawn_on(workers[0], "asker", asker(counter))
            .expect("spawns");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                asker
                    .ask(|done| (TRIPS, done), PATIENCE)
                    .wait()
                    .expect("answers");
            });
        });
        pool.shutdown(PATIENCE).expect("ends");
    }
    group.bench_function("stakker, with a callback", |bencher| {
        bencher.iter(|| yardsticks::stakker_ask(TRIPS));
    });
    group.bench_function("tokio mpsc and oneshot, local tasks", |bencher| {
        bencher.iter(|| yardsticks::tokio_ask(TRIPS));
    });
    for (name, threads) in [
        ("tokio mpsc and oneshot, runtime of one thread", 1),
        ("tokio mpsc and oneshot, runtime of two threads", 2),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| yardsticks::tokio_ask_on_threads(threads, TRIPS));
        });
    }
    group.bench_function("one-shots between two spinning threads", |bencher| {
        bencher.iter(|| yardsticks::bare_one_shots(TRIPS));
    });
    group.finish();
}

/// Repeated asks from a thread outside to a worker that sleeps in between, or polls.
fn ask_from_a_thread(criterion: &mut Criterion) {
    const ASKS: u64 = 2_000;
    let mut group = criterion.benchmark_group("ask from a thread");
    group.throughput(Throughput::Elements(ASKS));
    for (name, strategy) in [
        ("nexus, which parks", WaitStrategy::Park),
        (
            "nexus, which spins and parks",
            WaitStrategy::SpinThenPark(Duration::from_micros(20)),
        ),
    ] {
        let pool = WorkerPool::builder().workers(1).wait_strategy(strategy);
        let pool = pool.start().expect("starts");
        let counter = pool.spawn("counter", counter()).expect("spawns");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for _ in 0..ASKS {
                    counter.ask(Count::Sum, PATIENCE).wait().expect("answers");
                }
            });
        });
        pool.shutdown(PATIENCE).expect("ends");
    }
    group.bench_function("park and unpark, two threads", |bencher| {
        bencher.iter(|| yardsticks::park_and_unpark(ASKS));
    });
    group.finish();
}

/// As [`ask_from_a_thread`], but with a pause before each ask, so that the answering side sleeps.
fn ask_a_sleeper(criterion: &mut Criterion) {
    const PAUSE: Duration = Duration::from_millis(1);
    let mut group = criterion.benchmark_group("ask from a thread, after a pause");
    let mut measure = |name: &str, ask: &mut dyn FnMut()| {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|asks| {
                let timed = (0..asks).map(|_| {
                    std::thread::sleep(PAUSE);
                    let begun = Instant::now();
                    ask();
                    begun.elapsed()
                });
                timed.sum()
            });
        });
    };
    let pool = WorkerPool::builder().workers(1);
    let pool = pool
        .wait_strategy(WaitStrategy::Park)
        .start()
        .expect("starts");
    let counter = pool.spawn("counter", counter()).expect("spawns");
    measure("nexus, which parks", &mut || {
        counter.ask(Count::Sum, PATIENCE).wait().expect("answers");
    });
    pool.shutdown(PATIENCE).expect("ends");
    let sleeper = yardsticks::Sleeper::new();
    measure("park and unpark, two threads", &mut || sleeper.ask());
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = benches;
    config = settings();
    targets = one_worker, ping_pong, ask, ask_from_a_thread, ask_a_sleeper
}
criterion_main!(benches);
