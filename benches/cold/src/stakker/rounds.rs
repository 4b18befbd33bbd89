//! One call that is always in flight, and questions with a callback.

use super::{new, run};
use crate::moment::{self, BEGUN};
use ::stakker::{Actor, ActorOwn, CX, Ret, actor, call, ret_nop, ret_some_to};

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
