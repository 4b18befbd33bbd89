//! A day's work: very many actors, some of which get much mail, from four threads, with an awaited
//! question now and then.

use super::Workload;
use crate::moment::{self, PATIENCE};
use crate::outcome::{self, Outcome, mebibytes, resident};
use crate::random::Random;
use crate::system::{nexus, tokio};
use ::tokio::sync::{mpsc, oneshot};
use nexus_actors::prelude::*;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

const THREADS: u64 = 4;
const WORKERS: usize = 2;
/// Messages, for each actor.
const EACH: u64 = 4;
/// One in this many messages is a question.
const QUESTIONS: usize = 50;

/// The targets of each thread's messages, drawn before anything is measured.
fn drawn(actors: u64) -> Vec<Vec<u32>> {
    let draw = |seed| {
        let mut random = Random::new(seed);
        let messages = actors * EACH / THREADS;
        (0..messages).map(|_| random.zipf(actors) as u32).collect()
    };
    (1..=THREADS).map(draw).collect()
}

/// Sends everything, waits until everything is handled, and returns the outcome.
fn day(actors: u64, tell: impl Fn(u32) + Sync, ask: impl Fn(u32) -> u64 + Sync) -> Outcome {
    let mail = drawn(actors);
    let messages = mail.iter().map(Vec::len).sum::<usize>() as u64;
    let barrier = Barrier::new(mail.len() + 1);
    let begun = thread::scope(|scope| {
        for mail in &mail {
            scope.spawn(|| {
                barrier.wait();
                for (number, whom) in mail.iter().enumerate() {
                    if number % QUESTIONS == 0 {
                        assert!(ask(*whom) > 0, "it has handled this one at least");
                    } else {
                        tell(*whom);
                    }
                }
            });
        }
        barrier.wait();
        Instant::now()
    });
    moment::wait_for_counted(messages);
    let took = begun.elapsed();
    let outcome = Outcome::new().rate(messages, took).peak();
    thread::sleep(outcome::length(Duration::from_secs(1)));
    outcome.with("rest MB", mebibytes(resident()))
}

/// The mail of an account, which counts what it was sent.
enum Mail {
    Note,
    Question(Reply<u64>),
}

fn account() -> Props<Mail> {
    Props::new(|| {
        Behavior::with_state(0, |handled: &mut u64, _ctx, mail| {
            *handled += 1;
            moment::count_anywhere();
            if let Mail::Question(reply) = mail {
                reply.send(*handled);
            }
        })
    })
}

/// Starts as many accounts as it is asked for.
fn bank() -> Props<(u64, Reply<Vec<ActorRef<Mail>>>)> {
    Props::new(|| {
        let account = account();
        Behavior::receive(move |ctx, (count, reply): (u64, Reply<_>)| {
            let accounts = (0..count).map(|_| ctx.spawn_anonymous(account.clone()));
            reply.send(accounts.collect::<Result<Vec<_>, _>>()?);
            Ok(())
        })
    })
}

fn ours(actors: u64) -> Outcome {
    let pool = nexus::pool(WORKERS);
    let mut accounts = Vec::new();
    for worker in 0..WORKERS {
        let name = format!("bank-{worker}");
        let bank = pool.spawn_on(worker, &name, bank()).expect("starts");
        let ask = |reply| (actors / WORKERS as u64, reply);
        accounts.extend(bank.ask(ask, PATIENCE).wait().expect("answers"));
    }
    let account = |whom| accounts[whom as usize];
    let ask = |whom| account(whom).ask(Mail::Question, PATIENCE).wait();
    let outcome = day(
        actors,
        |whom| account(whom).tell(Mail::Note),
        |whom| ask(whom).expect("answers"),
    );
    nexus::end(&pool);
    outcome
}

type Letters = mpsc::UnboundedReceiver<Option<oneshot::Sender<u64>>>;

async fn task(mut mail: Letters) {
    let mut handled = 0;
    while let Some(question) = mail.recv().await {
        handled += 1;
        moment::count_anywhere();
        if let Some(reply) = question {
            let _ = reply.send(handled);
        }
    }
}

fn tasks(actors: u64) -> Outcome {
    let runtime = tokio::runtime(WORKERS);
    let accounts = runtime.block_on(runtime.spawn(async move {
        let start = |_| {
            let (sender, mail) = mpsc::unbounded_channel();
            ::tokio::spawn(task(mail));
            sender
        };
        (0..actors).map(start).collect::<Vec<_>>()
    }));
    let accounts = accounts.expect("starts");
    let send = |whom: u32, letter| {
        let sent = accounts[whom as usize].send(letter);
        assert!(sent.is_ok(), "the task lives");
    };
    let ask = |whom| {
        let (reply, answer) = oneshot::channel();
        send(whom, Some(reply));
        answer.blocking_recv().expect("answers")
    };
    let outcome = day(actors, |whom| send(whom, None), ask);
    runtime.shutdown_background();
    outcome
}

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::new("mixed-day", &[1_000_000], 2_000)
            .ours(ours)
            .beside("tokio", tasks),
    ]
}
