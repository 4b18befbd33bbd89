//! The workloads in stakker, written as its users would: its actors cannot leave their thread, and
//! have methods where others have messages.

#![allow(clippy::unnecessary_wraps)] // stakker's constructors answer an option

use crate::moment::{self, BEGUN, TOLD};
use crate::outcome::{self, Outcome, resident};
use crate::random::Random;
use crate::workloads::burst::{Counter, Payload, figures};
use crate::workloads::life::LITTER;
use stakker::{Actor, ActorOwn, CX, Ret, Stakker, actor, call, ret_nop, ret_some_to};
use std::time::{Duration, Instant};

fn new() -> Stakker {
    Stakker::new(Instant::now())
}

/// Runs what is to be run, on this thread.
fn run(stakker: &mut Stakker) {
    stakker.run(Instant::now(), false);
}

// ---- bursts ----------------------------------------------------------------------------------

impl<const WORDS: usize> Counter<WORDS> {
    fn init(_: CX![], messages: u64) -> Option<Self> {
        Some(Self::of(messages))
    }

    fn one(&mut self, _: CX![], payload: Payload<WORDS>) {
        self.add(&payload);
    }
}

struct Producer<const WORDS: usize> {
    targets: Vec<ActorOwn<Counter<WORDS>>>,
    messages: u64,
    burst: u64,
}

impl<const WORDS: usize> Producer<WORDS> {
    fn init(
        _: CX![],
        targets: Vec<ActorOwn<Counter<WORDS>>>,
        messages: u64,
        burst: u64,
    ) -> Option<Self> {
        Some(Self {
            targets,
            messages,
            burst,
        })
    }

    fn go(&mut self, cx: CX![], next: u64) {
        if next == 0 {
            BEGUN.set();
        }
        let end = self.messages.min(next + self.burst);
        if let [target] = &self.targets[..] {
            for number in next..end {
                call!([target], one([number; WORDS]));
            }
        } else {
            for (number, target) in (next..end).zip(self.targets.iter().cycle()) {
                call!([target], one([number; WORDS]));
            }
        }
        if end == self.messages {
            TOLD.set();
        } else {
            call!([cx], go(end));
        }
    }
}

fn produce<const WORDS: usize>(targets: u64, messages: u64, burst: u64) -> Stakker {
    moment::expect_parts(targets);
    let mut stakker = new();
    let each = messages / targets;
    let counters = (0..targets)
        .map(|_| actor!(stakker, <Counter<WORDS>>::init(each), ret_nop!()))
        .collect();
    let producer = actor!(
        stakker,
        <Producer<WORDS>>::init(counters, messages, burst),
        ret_nop!()
    );
    call!([producer], go(0));
    run(&mut stakker);
    assert_eq!(moment::sum(), messages * (messages - 1) / 2);
    stakker
}

pub(crate) fn bursts<const WORDS: usize>(messages: u64, burst: u64) -> Outcome {
    produce::<WORDS>(1, messages, burst);
    figures(messages)
}

pub(crate) fn fan_out(each: u64, targets: u64) -> Outcome {
    let messages = each * targets;
    produce::<1>(targets, messages, messages);
    figures(messages)
}

pub(crate) fn rest(messages: u64) -> Outcome {
    let before = resident();
    let stakker = produce::<1>(1, messages, messages);
    std::thread::sleep(outcome::length(Duration::from_secs(1)));
    let after = resident();
    drop(stakker);
    outcome::rested(before, after)
}

// ---- many ------------------------------------------------------------------------------------

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
        // Behind all that has to be done until they are there.
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

/// As for the others: created, and each told so often.
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

// ---- round and round -------------------------------------------------------------------------

struct Player {
    next: Option<Actor<Player>>,
}

impl Player {
    fn init(_: CX![]) -> Option<Self> {
        Some(Self { next: None })
    }

    fn meet(&mut self, _: CX![], next: Actor<Player>) {
        self.next = Some(next);
    }

    fn serve(&mut self, _: CX![], passes: u64) {
        BEGUN.set();
        if let Some(next) = &self.next {
            call!([next], pass(passes));
        }
    }

    fn pass(&mut self, _: CX![], left: u64) {
        match &self.next {
            Some(next) if left > 0 => call!([next], pass(left - 1)),
            _ => moment::part_handled(0),
        }
    }
}

pub(crate) fn ring(players: usize, passes: u64) {
    let mut stakker = new();
    let players: Vec<_> = (0..players)
        .map(|_| actor!(stakker, Player::init(), ret_nop!()))
        .collect();
    for (index, one) in players.iter().enumerate() {
        let next = &players[(index + 1) % players.len()];
        call!([one], meet((**next).clone()));
    }
    call!([players[0]], serve(passes));
    run(&mut stakker);
}

struct Answering(u64);

impl Answering {
    fn init(_: CX![]) -> Option<Self> {
        Some(Self(0))
    }

    fn answer(&mut self, _: CX![], reply: Ret<u64>) {
        self.0 += 1;
        reply.ret(self.0);
    }
}

struct Asking {
    whom: ActorOwn<Answering>,
    left: u64,
}

impl Asking {
    fn init(_: CX![], whom: ActorOwn<Answering>, asks: u64) -> Option<Self> {
        Some(Self { whom, left: asks })
    }

    fn begin(&mut self, cx: CX![]) {
        BEGUN.set();
        self.ask(cx);
    }

    fn ask(&mut self, cx: CX![]) {
        self.left -= 1;
        let reply = ret_some_to!([cx], answered() as (u64));
        call!([self.whom], answer(reply));
    }

    fn answered(&mut self, cx: CX![], count: u64) {
        if self.left == 0 {
            moment::part_handled(count);
        } else {
            self.ask(cx);
        }
    }
}

/// One question after the other, with a callback for the answer.
pub(crate) fn ask(asks: u64) {
    let mut stakker = new();
    let whom = actor!(stakker, Answering::init(), ret_nop!());
    let asking = actor!(stakker, Asking::init(whom, asks), ret_nop!());
    call!([asking], begin());
    run(&mut stakker);
}
