//! Timers, each with a call that is made when the timer is due.

use super::{new, run};
use crate::workloads::timers::{EACH, compute, delay, rings};
use ::stakker::{Actor, CX, Stakker, actor, call, ret_nop};
use std::time::{Duration, Instant};

struct Clerk(u64);

impl Clerk {
    fn init(_: CX![], all: u64) -> Option<Self> {
        Some(Self(all))
    }

    fn set(&mut self, cx: CX![], first: u64) {
        compute();
        let all = self.0;
        for number in first..first + EACH {
            let due = Instant::now() + delay(number);
            cx.timer_add(due, move |_| rings(due, all));
        }
    }
}

/// Drives it until nothing is left to do.
fn drive(stakker: &mut Stakker) {
    loop {
        run(stakker);
        let Some(wait) = stakker.next_wait(Instant::now()) else {
            return;
        };
        std::thread::sleep(wait);
    }
}

pub(crate) fn ring_timers(count: u64) {
    let mut stakker = new();
    let clerk = actor!(stakker, Clerk::init(count), ret_nop!());
    let clerk: &Actor<Clerk> = &clerk;
    for message in 0..count / EACH {
        call!([clerk], set(message * EACH));
    }
    drive(&mut stakker);
}

/// The time that it takes to set that many timers, and to cancel them.
pub(crate) fn set_timers(count: u64) -> (Duration, Duration) {
    let mut stakker = new();
    let day = Duration::from_secs(86_400);
    let begun = Instant::now();
    let keys: Vec<_> = (0..count)
        .map(|_| {
            stakker.timer_add(Instant::now() + day, |_| {
                unreachable!("a day has not passed")
            })
        })
        .collect();
    let setting = begun.elapsed();
    let begun = Instant::now();
    let cancelled = keys
        .into_iter()
        .filter(|key| stakker.timer_del(*key))
        .count();
    assert_eq!(cancelled as u64, count);
    (setting, begun.elapsed())
}
