//! Timers: how late they fire on an idle machine, and the cost of setting and cancelling one.

use super::Workload;
use crate::moment::{self, BEGUN, HANDLED, PATIENCE};
use crate::outcome::Outcome;
use crate::stakker;
use crate::system::{nexus, tokio};
use nexus_actors::prelude::*;
use std::cell::RefCell;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Timers that one message sets; the message also computes for [`WORK`].
pub(crate) const EACH: u64 = 1_000;
/// How long each such message computes.
pub(crate) const WORK: Duration = Duration::from_millis(1);
/// Longer than it takes to set all of them, so that none fires meanwhile.
const SETTING: Duration = Duration::from_secs(2);

/// How late they have fired, in nanoseconds.
static LATE: Mutex<Vec<u64>> = Mutex::new(Vec::new());

thread_local! {
    static LATE_HERE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Has the thread compute for that long.
pub(crate) fn compute() {
    let begun = Instant::now();
    while begun.elapsed() < WORK {
        std::hint::spin_loop();
    }
}

/// The delay of a timer: no two timers of one message are due at once, as on an idle machine.
pub(crate) fn delay(number: u64) -> Duration {
    SETTING + Duration::from_micros(number % EACH * 20)
}

/// Notes that a timer fires that was due then; `all` is the number of timers on this thread.
pub(crate) fn rings(due: Instant, all: u64) {
    let late = Instant::now().checked_duration_since(due);
    let late = late.expect("no timer is early");
    let rung = LATE_HERE.with_borrow_mut(|here| {
        here.push(late.as_nanos() as u64);
        here.len() as u64
    });
    if rung == all {
        LATE_HERE.with_borrow_mut(|here| {
            LATE.lock().expect("not poisoned").append(here);
        });
        moment::part_handled(all);
    }
}

fn lateness(count: u64) -> Outcome {
    let mut late = LATE.lock().expect("not poisoned");
    assert_eq!(late.len() as u64, count);
    late.sort_unstable();
    let ms = |place: usize| late[place] as f64 / 1e6;
    let last = late.len() - 1;
    Outcome::new()
        .with("ms late p50", ms(last / 2))
        .with("ms late p99", ms(last * 99 / 100))
        .with("ms late max", ms(last))
}

enum Clerk {
    Set(u64),
    Ring(Instant),
}

fn late_ours(count: u64) -> Outcome {
    let pool = nexus::pool(2);
    let clerk = Props::new(move || {
        Behavior::receive(move |ctx, message| match message {
            Clerk::Set(first) => {
                compute();
                for number in first..first + EACH {
                    let (now, delay) = (Instant::now(), delay(number));
                    ctx.timers()
                        .start_single(number, Clerk::Ring(now + delay), delay);
                }
            }
            Clerk::Ring(due) => rings(due, count),
        })
    });
    let clerk = pool.spawn("clerk", clerk).expect("starts");
    (0..count / EACH).for_each(|message| clerk.tell(Clerk::Set(message * EACH)));
    HANDLED.wait();
    nexus::end(&pool);
    lateness(count)
}

fn late_stakker(count: u64) -> Outcome {
    stakker::ring_timers(count);
    HANDLED.wait();
    lateness(count)
}

fn late_tokio(count: u64) -> Outcome {
    let runtime = tokio::runtime(2);
    runtime.spawn(async move {
        for number in 0..count {
            if number % EACH == 0 {
                compute();
            }
            let (now, delay) = (Instant::now(), delay(number));
            ::tokio::spawn(async move {
                ::tokio::time::sleep_until((now + delay).into()).await;
                rings_anywhere(now + delay, count);
            });
        }
    });
    HANDLED.wait();
    lateness(count)
}

/// As [`rings`], if it is not known which thread hears how many timers.
fn rings_anywhere(due: Instant, all: u64) {
    let late = Instant::now().checked_duration_since(due);
    let late = late.expect("no timer is early").as_nanos() as u64;
    let mut rung = LATE.lock().expect("not poisoned");
    rung.push(late);
    if rung.len() as u64 == all {
        drop(rung);
        moment::part_handled(all);
    }
}

enum Keys {
    SetAll(u64),
    CancelAll(u64, Reply<()>),
    Never,
}

const DAY: Duration = Duration::from_secs(86_400);

fn set_ours(count: u64) -> Outcome {
    let pool = nexus::pool(1);
    let owner = Props::new(|| {
        Behavior::receive(|ctx: &mut Context<'_, Keys>, message| match message {
            Keys::SetAll(count) => {
                BEGUN.set();
                let mut timers = ctx.timers();
                (0..count).for_each(|key| timers.start_single(key, Keys::Never, DAY));
                moment::part_handled(count);
            }
            Keys::CancelAll(count, reply) => {
                let mut timers = ctx.timers();
                let cancelled = (0..count).filter(|key| timers.cancel(*key)).count();
                assert_eq!(cancelled as u64, count);
                reply.send(());
            }
            Keys::Never => unreachable!("a day has not passed"),
        })
    });
    let owner = pool.spawn("owner", owner).expect("starts");
    owner.tell(Keys::SetAll(count));
    HANDLED.wait();
    let begun = Instant::now();
    let cancelled = owner.ask(|reply| Keys::CancelAll(count, reply), PATIENCE);
    cancelled.wait().expect("answers");
    let cancelling = begun.elapsed();
    nexus::end(&pool);
    Outcome::new()
        .each("ns/set", count, moment::took())
        .each("ns/cancel", count, cancelling)
}

fn set_stakker(count: u64) -> Outcome {
    let (setting, cancelling) = stakker::set_timers(count);
    Outcome::new()
        .each("ns/set", count, setting)
        .each("ns/cancel", count, cancelling)
}

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::new("timers-late", &[200_000], 2 * EACH)
            .ours(late_ours)
            .beside("stakker", late_stakker)
            .beside("tokio", late_tokio),
        Workload::new("timers-set", &[1_000, 100_000], 1_000)
            .ours(set_ours)
            .beside("stakker", set_stakker),
    ]
}
