//! The work: messages around a ring, asks, and a burst to a great many actors.

use nexus_actors::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use crate::Work;

const PATIENCE: Duration = Duration::from_secs(60);

/// Prepares work of that size.
type Prepare = fn(&WorkerPool, u64) -> Box<dyn Work>;

pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// What is counted.
    pub(crate) operation: &'static str,
    pub(crate) workers: usize,
    /// Operations of a round.
    pub(crate) size: u64,
    pub(crate) prepare: Prepare,
}

pub(crate) fn all() -> impl Iterator<Item = Case> {
    let case = |name, operation, workers, size, prepare| Case {
        name,
        operation,
        workers,
        size,
        prepare,
    };
    [
        case(
            "a ring on one worker",
            "message",
            1,
            1_000_000,
            ring as Prepare,
        ),
        case("a ring across two workers", "message", 2, 1_000_000, ring),
        case("asks on one worker", "ask", 1, 200_000, asks),
        case("asks across two workers", "ask", 2, 50_000, asks),
        case(
            "a burst to 200,000 cold actors",
            "message",
            2,
            200_000,
            burst,
        ),
    ]
    .into_iter()
}

/// Actors of a ring, and messages that go around it at once.
const RING: usize = 64;

enum Around {
    Next(ActorRef<Around>),
    /// How often the message is still to be handed on.
    Go(u64),
}

struct Ring {
    first: ActorRef<Around>,
    /// Hears of each message that has ended.
    ended: Receiver<()>,
    trips: u64,
}

/// The actors live on the workers in turn.
fn ring(pool: &WorkerPool, size: u64) -> Box<dyn Work> {
    let (ends, ended) = channel();
    let workers = pool.node().workers();
    let member = |number: usize| {
        let props = member_of_ring(ends.clone());
        let name = format!("ring-{number}");
        pool.spawn_on(number % workers, &name, props)
            .expect("spawns")
    };
    let all: Vec<ActorRef<Around>> = (0..RING).map(member).collect();
    for (number, one) in all.iter().enumerate() {
        one.tell(Around::Next(all[(number + 1) % RING]));
    }
    Box::new(Ring {
        first: all[0],
        ended,
        trips: size / RING as u64,
    })
}

fn member_of_ring(ends: Sender<()>) -> Props<Around> {
    Props::new(move || {
        let (ends, mut next) = (ends.clone(), None::<ActorRef<Around>>);
        Behavior::receive(move |_ctx, message| {
            match message {
                Around::Next(other) => next = Some(other),
                Around::Go(0) => ends.send(())?,
                Around::Go(left) => next.iter().for_each(|next| next.tell(Around::Go(left - 1))),
            }
            Ok::<_, BoxError>(())
        })
    })
}

impl Work for Ring {
    fn round(&mut self) -> (u64, Duration) {
        let begun = Instant::now();
        (0..RING).for_each(|_| self.first.tell(Around::Go(self.trips)));
        for _ in 0..RING {
            self.ended.recv_timeout(PATIENCE).expect("ends");
        }
        ((self.trips + 1) * RING as u64, begun.elapsed())
    }
}

struct Asks {
    asker: ActorRef<(u64, Reply<()>)>,
    asks: u64,
}

/// An actor of the first worker asks one of the last.
fn asks(pool: &WorkerPool, size: u64) -> Box<dyn Work> {
    let last = pool.node().workers() - 1;
    let answers = Props::receive(|_ctx, reply: Reply<u64>| reply.send(1));
    let answers = pool.spawn_on(last, "answers", answers).expect("spawns");
    let asker = Props::receive(move |_ctx, (asks, done): (u64, Reply<()>)| {
        for _ in 0..asks {
            answers.ask(|reply| reply, PATIENCE).wait()?;
        }
        done.send(());
        Ok(())
    });
    Box::new(Asks {
        asker: pool.spawn_on(0, "asker", asker).expect("spawns"),
        asks: size,
    })
}

impl Work for Asks {
    fn round(&mut self) -> (u64, Duration) {
        let begun = Instant::now();
        let asked = self.asker.ask(|done| (self.asks, done), PATIENCE);
        asked.wait().expect("answers");
        (self.asks, begun.elapsed())
    }
}

/// On a cache line of its own.
#[repr(align(128))]
#[derive(Default)]
struct Handled(AtomicU64);

impl Handled {
    /// Only the worker's thread writes, so this needs no locked instruction.
    fn add(&self) -> u64 {
        let now = self.0.load(Relaxed) + 1;
        self.0.store(now, Relaxed);
        now
    }
}

struct Burst {
    sender: ActorRef<()>,
    ended: Receiver<()>,
    actors: u64,
    workers: usize,
}

/// One message for each of many actors, each of which has a state of its own that no cache has any more.
fn burst(pool: &WorkerPool, size: u64) -> Box<dyn Work> {
    let workers = pool.node().workers();
    let each = size / workers as u64;
    let (ends, ended) = channel();
    let mut targets = Vec::new();
    let props: Vec<Props<u64>> = (0..workers)
        .map(|_| target(Arc::default(), each, ends.clone()))
        .collect();
    for number in 0..each {
        for (worker, props) in props.iter().enumerate() {
            let name = format!("target-{worker}-{number}");
            let target = pool.spawn_on(worker, &name, props.clone());
            targets.push(target.expect("spawns"));
        }
    }
    let sender = Props::receive(move |_ctx, ()| {
        for (number, target) in targets.iter().enumerate() {
            target.tell(number as u64);
        }
    });
    Box::new(Burst {
        sender: pool.spawn_on(0, "sender", sender).expect("spawns"),
        ended,
        actors: each * workers as u64,
        workers,
    })
}

/// Adds up what it is sent. The one that completes a round of its worker says so.
fn target(handled: Arc<Handled>, each: u64, ends: Sender<()>) -> Props<u64> {
    Props::new(move || {
        let (handled, ends) = (Arc::clone(&handled), ends.clone());
        Behavior::with_state([0_u64; 8], move |state, _ctx, number: u64| {
            state[0] = state[0].wrapping_add(number);
            if handled.add().is_multiple_of(each) {
                ends.send(())?;
            }
            Ok::<_, BoxError>(())
        })
    })
}

impl Work for Burst {
    fn round(&mut self) -> (u64, Duration) {
        let begun = Instant::now();
        self.sender.tell(());
        for _ in 0..self.workers {
            self.ended.recv_timeout(PATIENCE).expect("ends");
        }
        (self.actors, begun.elapsed())
    }
}
