//! Many actors: started, called, and stopped.

use super::{new, run};
use crate::moment::{self, BEGUN, TOLD};
use crate::outcome::{self, Outcome, resident};
use crate::random::Random;
use crate::workloads::life::LITTER;
use ::stakker::{Actor, ActorOwn, CX, actor, call, ret_nop};
use std::time::Duration;

struct Idle(u64);

impl Idle {
    fn init(_: CX![]) -> Option<Self> {
        Some(Self(0))
    }

    fn one(&mut self, _: CX![], message: u64) {
        self.0 += message;
        moment::count(message);
    }

    /// The only message.
    fn only(&mut self, cx: CX![], message: u64) {
        moment::count(message);
        cx.stop();
    }
}

#[derive(Default)]
struct Nursery {
    children: Vec<ActorOwn<Idle>>,
}

impl Nursery {
    fn init(_: CX![]) -> Option<Self> {
        Some(Self::default())
    }

    fn create(&mut self, cx: CX![], count: u64) {
        self.children.reserve_exact(count as usize);
        for _ in 0..count {
            let child = actor!(cx, Idle::init(), ret_nop!());
            self.children.push(child);
        }
    }

    fn start(&mut self, cx: CX![], count: u64) {
        self.children.reserve_exact(count as usize);
        BEGUN.set();
        self.create(cx, count);
        // Deferred behind everything that has to be done until they are there.
        call!([cx], started());
    }

    fn started(&mut self, _: CX![]) {
        moment::part_handled(self.children.len() as u64);
    }

    fn shuffle(&mut self, _: CX![]) {
        Random::new(7).shuffle(&mut self.children);
    }

    fn tell(&mut self, _: CX![], each: u64) {
        BEGUN.set();
        for round in 0..each {
            for child in &self.children {
                call!([child], one(round + 1));
            }
        }
        TOLD.set();
    }

    fn litters(&mut self, cx: CX![], left: u64) {
        for _ in 0..LITTER.min(left) {
            let child = actor!(cx, Idle::init(), ret_nop!());
            call!([child], only(1));
        }
        if left > LITTER {
            call!([cx], litters(left - LITTER));
        }
    }
}

/// As for the others: creates the actors, and tells each of them `each` messages.
pub(crate) fn told(count: u64, each: u64, shuffled: bool) -> outcome::Memory {
    moment::expect_on_thread(count * each);
    let mut stakker = new();
    let nursery = actor!(stakker, Nursery::init(), ret_nop!());
    run(&mut stakker);
    let before = resident();
    call!([nursery], create(count));
    run(&mut stakker);
    let list = count * size_of::<ActorOwn<Idle>>() as u64;
    let idle = resident().saturating_sub(before + list) as f64 / count as f64;
    if shuffled {
        call!([nursery], shuffle());
    }
    call!([nursery], tell(each));
    run(&mut stakker);
    assert_eq!(moment::sum(), count * each * (each + 1) / 2);
    std::thread::sleep(outcome::length(Duration::from_secs(1)));
    outcome::Memory {
        before,
        idle,
        rest: resident(),
    }
}

fn with_nursery(begin: impl FnOnce(&Actor<Nursery>)) {
    let mut stakker = new();
    let nursery = actor!(stakker, Nursery::init(), ret_nop!());
    begin(&nursery);
    run(&mut stakker);
}

pub(crate) fn start(count: u64) -> Outcome {
    with_nursery(|nursery| call!([nursery], start(count)));
    assert_eq!(moment::sum(), count);
    Outcome::new().rate(count, moment::took()).peak()
}

pub(crate) fn life(count: u64) -> Outcome {
    moment::expect_on_thread(count);
    BEGUN.set();
    with_nursery(|nursery| call!([nursery], litters(count)));
    assert_eq!(moment::sum(), count);
    Outcome::new().rate(count, moment::took()).peak()
}
