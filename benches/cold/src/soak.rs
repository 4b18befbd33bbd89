//! A soak: one day's work after the other in one process, and the memory that it holds in the nights
//! between.
//!
//! Each day starts new actors, a random number of them, and has four threads send them mail: notes, some
//! of which are passed on to another account; questions whose answers are awaited; and some messages on
//! which the account fails and restarts. In the evening all of them stop. Nothing may be lost, and the
//! process may not grow: a night at the end may take no more memory than one at the beginning, apart from
//! some that the allocator has not returned.

use crate::moment::PATIENCE;
use crate::outcome::{mebibytes, resident};
use crate::random::Random;
use crate::system::nexus;
use nexus_actors::SpawnError;
use nexus_actors::prelude::*;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const WORKERS: usize = 2;
const THREADS: u64 = 4;
/// The most accounts in a day.
const MOST: u64 = 200_000;
/// Messages in a day, for each account.
const EACH: u64 = 4;
/// Days until the process has reached its size, and the number of nights that are compared at either end.
const FIRST_DAYS: usize = 3;
const NIGHTS: usize = 15;
/// The most MB by which the median of the last nights may exceed that of the first ones. Single nights
/// differ by more, as the allocator returns more or less memory.
const MOST_GROWTH: f64 = 4.0;

enum Mail {
    Note,
    Question(Reply<u64>),
    Pass(ActorRef<Mail>),
    Fail,
}

/// Starts accounts, and stops together with them.
type Bank = ActorRef<(u64, Reply<Vec<ActorRef<Mail>>>)>;

fn account(handled: &Arc<AtomicU64>) -> Props<Mail> {
    let all = Arc::clone(handled);
    Props::new(move || {
        let all = Arc::clone(&all);
        Behavior::with_state(0, move |handled: &mut u64, _ctx, mail| {
            *handled += 1;
            all.fetch_add(1, Relaxed);
            match mail {
                Mail::Note => {}
                Mail::Question(reply) => reply.send(*handled),
                Mail::Pass(other) => other.tell(Mail::Note),
                Mail::Fail => return Err(BoxError::from("as it must")),
            }
            Ok(())
        })
    })
}

fn bank(
    pool: &WorkerPool,
    worker: usize,
    day: usize,
    handled: &Arc<AtomicU64>,
) -> Result<Bank, SpawnError> {
    let account = account(handled);
    let props = Props::new(move || {
        let account = account.clone();
        Behavior::receive(move |ctx, (count, reply): (u64, Reply<_>)| {
            let accounts = (0..count).map(|_| ctx.spawn_anonymous(account.clone()));
            reply.send(accounts.collect::<Result<Vec<_>, _>>()?);
            Ok(())
        })
    });
    let strategy = SupervisorStrategy::one_for_one().without_limit();
    pool.spawn_on(
        worker,
        &format!("bank-{worker}-{day}"),
        props.supervising(strategy),
    )
}

/// Sends a thread's share of the mail. Returns how many of its messages there are to handle.
fn send(accounts: &[ActorRef<Mail>], messages: u64, mut random: Random) -> u64 {
    let mut expected = 0;
    for _ in 0..messages {
        let whom = accounts[random.zipf(accounts.len() as u64) as usize];
        expected += 1;
        match random.below(64) {
            0 => {
                let answer = whom.ask(Mail::Question, PATIENCE).wait();
                assert!(
                    answer.expect("answers") > 0,
                    "it has handled this one at least"
                );
            }
            1 => whom.tell(Mail::Fail),
            2..10 => {
                let other = random.below(accounts.len() as u64) as usize;
                whom.tell(Mail::Pass(accounts[other]));
                expected += 1;
            }
            _ => whom.tell(Mail::Note),
        }
    }
    expected
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs one day. Returns how much mail there was.
fn day(pool: &WorkerPool, number: usize, random: &mut Random) -> u64 {
    // The first days have the full size, so that memory that is kept longest is held from then on.
    let count = if number < FIRST_DAYS {
        MOST
    } else {
        1_000 + random.below(MOST - 1_000)
    };
    let handled = Arc::default();
    let mut accounts = Vec::new();
    let banks: Vec<_> = (0..WORKERS)
        .map(|worker| bank(pool, worker, number, &handled).expect("starts"))
        .collect();
    for bank in &banks {
        let ask = |reply| (count / WORKERS as u64, reply);
        accounts.extend(bank.ask(ask, PATIENCE).wait().expect("answers"));
    }
    let seeds: Vec<_> = (0..THREADS).map(|_| Random::new(random.next())).collect();
    let messages = count * EACH / THREADS;
    let expected: u64 = thread::scope(|scope| {
        let senders = seeds
            .into_iter()
            .map(|seed| scope.spawn(|| send(&accounts, messages, seed)));
        let senders: Vec<_> = senders.collect();
        senders
            .into_iter()
            .map(|one| one.join().expect("sends"))
            .sum()
    });
    until("all mail is handled", || handled.load(Relaxed) == expected);
    for bank in banks {
        bank.stop();
    }
    until("all actors have stopped", || pool.stats().actors() == 0);
    expected
}

/// Works for that long. Fails if the process has grown.
pub(crate) fn soak(length: Duration, seed: u64) -> ExitCode {
    let builder = WorkerPool::builder().workers(WORKERS);
    // The failures are intended.
    let pool = builder.on_failure(|_| ()).start().expect("starts");
    let (begun, mut random) = (Instant::now(), Random::new(seed));
    let (mut nights, mut mail) = (Vec::new(), 0);
    println!("Seed {seed}.\n\n| day | minutes | messages | MB in the night |\n|--:|--:|--:|--:|");
    while nights.len() < FIRST_DAYS + 2 * NIGHTS || begun.elapsed() < length {
        mail += day(&pool, nights.len(), &mut random);
        thread::sleep(Duration::from_secs(1));
        let night = mebibytes(resident());
        nights.push(night);
        if nights.len().is_power_of_two() || nights.len().is_multiple_of(100) {
            let minutes = begun.elapsed().as_secs_f64() / 60.0;
            println!("| {} | {minutes:.1} | {mail} | {night:.1} |", nights.len());
        }
    }
    nexus::end(&pool);
    let median = |nights: &[f64]| {
        let mut nights = nights.to_vec();
        nights.sort_by(f64::total_cmp);
        nights[nights.len() / 2]
    };
    let first = median(&nights[FIRST_DAYS..][..NIGHTS]);
    let last = median(&nights[nights.len() - NIGHTS..]);
    println!(
        "\n{} days, {mail} messages: {first:.1} MB at the beginning, {last:.1} MB at the end.",
        nights.len()
    );
    if last > first + MOST_GROWTH {
        eprintln!("it has grown by more than {MOST_GROWTH} MB");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
