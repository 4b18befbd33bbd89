//! One actor calls another, or many in turn.

use super::{new, run};
use crate::moment::{self, BEGUN, TOLD};
use crate::outcome::{self, Outcome, resident};
use crate::workloads::burst::{Counter, Payload, figures};
use ::stakker::{ActorOwn, CX, Stakker, actor, call, ret_nop};
use std::time::Duration;

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
