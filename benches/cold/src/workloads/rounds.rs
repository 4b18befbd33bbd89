//! One message that is always in flight: to and fro, round a ring, and as a question.
//!
//! With two workers our actors are placed so that every message crosses, as it does between the threads.
//! Tasks of tokio and components of kompact may run on two threads, and mostly stay on one.

use super::Workload;
use crate::moment::{self, BEGUN, HANDLED, PATIENCE};
use crate::outcome::Outcome;
use crate::stakker;
use crate::system::nexus::Nexus;
use crate::system::tokio::Tokio;
use crate::system::{Role, System, Then, nexus, threads, tokio};
use ::tokio::sync::{mpsc, oneshot};
use nexus_actors::prelude::{ActorRef, Behavior, Props, Reply};

/// Passes the ball on, until it was passed often enough.
struct Player<S: System> {
    next: Option<S::Ref<Self>>,
}

impl<S: System> Clone for Player<S> {
    fn clone(&self) -> Self {
        Self {
            next: self.next.clone(),
        }
    }
}

enum Ball<S: System> {
    Meet(S::Ref<Player<S>>),
    Serve(u64),
    Pass(u64),
}

impl<S: System> Role<S> for Player<S> {
    type Message = Ball<S>;

    fn take(&mut self, _: &mut S::Here<'_, Self>, ball: Ball<S>) -> Then {
        match (ball, &self.next) {
            (Ball::Meet(next), _) => self.next = Some(next),
            (Ball::Pass(0), _) => moment::part_handled(0),
            (Ball::Serve(passes), Some(next)) => {
                BEGUN.set();
                S::tell(next, Ball::Pass(passes));
            }
            (Ball::Pass(left), Some(next)) => S::tell(next, Ball::Pass(left - 1)),
            (Ball::Serve(_), None) | (Ball::Pass(_), None) => unreachable!("they have met"),
        }
        Then::Stay
    }
}

/// Has that many players pass a ball round; with two workers each pass is to the other worker.
fn ring<S: System>(workers: usize, players: usize, passes: u64) {
    let system = S::new(workers);
    let player = Player { next: None };
    let start = |player: &Player<S>, index| system.start(index % workers, player.clone());
    let players: Vec<_> = (0..players).map(|index| start(&player, index)).collect();
    for (index, one) in players.iter().enumerate() {
        let next = players[(index + 1) % players.len()].clone();
        S::tell(one, Ball::Meet(next));
    }
    S::tell(&players[0], Ball::Serve(passes));
    system.wait(&HANDLED);
    system.end();
}

pub(super) fn ping_pong<S: System, const WORKERS: usize>(trips: u64) -> Outcome {
    ring::<S>(WORKERS, 2, 2 * trips);
    tripped(trips)
}

fn tripped(trips: u64) -> Outcome {
    Outcome::new().each("ns/round trip", trips, moment::took())
}

pub(super) fn hundred<S: System, const WORKERS: usize>(passes: u64) -> Outcome {
    ring::<S>(WORKERS, 100, passes);
    hopped(passes)
}

fn hopped(passes: u64) -> Outcome {
    Outcome::new().each("ns/hop", passes, moment::took())
}

fn answering() -> Props<Reply<u64>> {
    Props::new(|| {
        Behavior::with_state(0, |answered: &mut u64, _ctx, reply: Reply<u64>| {
            *answered += 1;
            reply.send(*answered);
        })
    })
}

fn asking(whom: ActorRef<Reply<u64>>) -> Props<u64> {
    Props::new(move || {
        Behavior::receive(move |_ctx, asks: u64| {
            BEGUN.set();
            let mut last = 0;
            for _ in 0..asks {
                last = whom.ask(|reply| reply, PATIENCE).wait()?;
            }
            moment::part_handled(last);
            Ok(())
        })
    })
}

fn ask<const WORKERS: usize>(asks: u64) -> Outcome {
    let pool = nexus::pool(WORKERS);
    let whom = pool.spawn_on(WORKERS - 1, "answering", answering());
    let asker = pool.spawn_on(0, "asking", asking(whom.expect("starts")));
    asker.expect("starts").tell(asks);
    HANDLED.wait();
    nexus::end(&pool);
    asked(asks)
}

fn asked(asks: u64) -> Outcome {
    assert_eq!(moment::sum(), asks, "each was answered");
    Outcome::new().each("ns/ask", asks, moment::took())
}

fn tokio_ask<const THREADS: usize>(asks: u64) -> Outcome {
    let runtime = tokio::runtime(THREADS);
    let (whom, mut questions) = mpsc::unbounded_channel::<oneshot::Sender<u64>>();
    runtime.spawn(async move {
        let mut answered = 0;
        while let Some(reply) = questions.recv().await {
            answered += 1;
            let _ = reply.send(answered);
        }
    });
    runtime.spawn(async move {
        BEGUN.set();
        let mut last = 0;
        for _ in 0..asks {
            let (reply, answer) = oneshot::channel();
            whom.send(reply).expect("the other lives");
            last = answer.await.expect("the other answers");
        }
        moment::part_handled(last);
    });
    tokio::run_until(&runtime, &HANDLED);
    asked(asks)
}

pub(crate) fn workloads() -> Vec<Workload> {
    type SegQueue = threads::Threads<threads::Polling>;
    type Channel = threads::Threads<threads::Channel>;
    const TRIPS: u64 = 1_000_000;
    const ACROSS: u64 = 200_000;
    const QUICK: u64 = 5_000;
    vec![
        Workload::new("ping-pong", &[TRIPS], QUICK)
            .ours(ping_pong::<Nexus, 1>)
            .beside("stakker", |size| {
                stakker::ring(2, 2 * size);
                tripped(size)
            })
            .beside("tokio", ping_pong::<Tokio, 1>),
        Workload::new("ping-pong-2w", &[ACROSS], QUICK)
            .ours(ping_pong::<Nexus, 2>)
            .beside("seg-queue", ping_pong::<SegQueue, 2>)
            .beside("channel", ping_pong::<Channel, 2>)
            .beside("tokio", ping_pong::<Tokio, 2>),
        Workload::new("ring", &[TRIPS], QUICK)
            .ours(hundred::<Nexus, 1>)
            .beside("stakker", |size| {
                stakker::ring(100, size);
                hopped(size)
            })
            .beside("tokio", hundred::<Tokio, 1>),
        Workload::new("ring-2w", &[ACROSS], QUICK)
            .ours(hundred::<Nexus, 2>)
            .beside("tokio", hundred::<Tokio, 2>),
        Workload::new("ask", &[TRIPS], QUICK)
            .ours(ask::<1>)
            .beside("stakker", |size| {
                stakker::ask(size);
                asked(size)
            })
            .beside("tokio", tokio_ask::<1>),
        Workload::new("ask-2w", &[ACROSS], QUICK)
            .ours(ask::<2>)
            .beside("tokio", tokio_ask::<2>),
    ]
}
