//! One actor sends to another, or to sixty, as fast as it can.
//!
//! With two workers our actors are placed so that messages cross, as they do between the threads. Tasks
//! of tokio and components of kompact may run on two threads, and are placed as their schedulers like.

use super::Workload;
use crate::moment::{self, BEGUN, HANDLED, TOLD};
use crate::outcome::{self, Outcome, resident};
use crate::stakker;
use crate::system::nexus::Nexus;
use crate::system::tokio::Tokio;
use crate::system::{Role, System, Then, threads};
use std::time::Duration;

type SegQueue = threads::Threads<threads::Polling>;
type Channel = threads::Threads<threads::Channel>;

const BURST: u64 = 256;
const TARGETS: u64 = 60;

/// A message of that many words.
pub(crate) type Payload<const WORDS: usize> = [u64; WORDS];

/// Adds up what it is sent.
#[derive(Clone)]
pub(crate) struct Counter<const WORDS: usize> {
    pub(crate) left: u64,
    pub(crate) sum: u64,
}

impl<const WORDS: usize> Counter<WORDS> {
    pub(crate) fn of(messages: u64) -> Self {
        Self {
            left: messages,
            sum: 0,
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, payload: &Payload<WORDS>) {
        self.sum += payload[WORDS - 1];
        self.left -= 1;
        if self.left == 0 {
            moment::part_handled(self.sum);
        }
    }
}

impl<S: System, const WORDS: usize> Role<S> for Counter<WORDS> {
    type Message = Payload<WORDS>;

    #[inline]
    fn take(&mut self, _: &mut S::Here<'_, Self>, message: Self::Message) -> Then {
        self.add(&message);
        Then::Stay
    }
}

/// Sends `burst` messages in one go, to its targets in turn; then it sends itself the rest.
struct Producer<S: System, const WORDS: usize> {
    targets: Vec<S::Ref<Counter<WORDS>>>,
    messages: u64,
    burst: u64,
}

impl<S: System, const WORDS: usize> Clone for Producer<S, WORDS> {
    fn clone(&self) -> Self {
        Self {
            targets: self.targets.clone(),
            ..*self
        }
    }
}

/// The message from which to continue, and the producer itself.
struct Go<S: System, const WORDS: usize>(u64, S::Ref<Producer<S, WORDS>>);

impl<S: System, const WORDS: usize> Role<S> for Producer<S, WORDS> {
    type Message = Go<S, WORDS>;

    fn take(&mut self, _: &mut S::Here<'_, Self>, Go(next, me): Self::Message) -> Then {
        if next == 0 {
            BEGUN.set();
        }
        let end = self.messages.min(next + self.burst);
        if let [target] = &self.targets[..] {
            (next..end).for_each(|number| S::tell::<Counter<WORDS>>(target, [number; WORDS]));
        } else {
            let targets = self.targets.iter().cycle();
            let targets = targets.skip(next as usize % self.targets.len());
            (next..end)
                .zip(targets)
                .for_each(|(number, target)| S::tell::<Counter<WORDS>>(target, [number; WORDS]));
        }
        if end == self.messages {
            TOLD.set();
        } else {
            S::tell::<Self>(&me.clone(), Go(end, me));
        }
        Then::Stay
    }
}

/// Runs a producer, and checks the sum. With two workers the producer is on the first, and a single
/// target on the second; several targets are on both.
fn produce<S: System, const WORDS: usize>(
    workers: usize,
    targets: u64,
    messages: u64,
    burst: u64,
) -> S {
    assert_eq!(messages % targets, 0, "each target gets as many");
    let each = messages / targets;
    moment::expect_parts(targets);
    let system = S::new(workers);
    let start = |target| system.start((target + 1) % workers, Counter::<WORDS>::of(each));
    let producer = Producer::<S, WORDS> {
        targets: (0..targets as usize).map(start).collect(),
        messages,
        burst,
    };
    let producer = system.start(0, producer);
    S::tell::<Producer<S, WORDS>>(&producer.clone(), Go(0, producer));
    system.wait(&HANDLED);
    assert_eq!(moment::sum(), messages * (messages - 1) / 2);
    system
}

/// Below this number, messages do not show in memory, which is allocated by the page.
const SEEN_IN_MEMORY: u64 = 100_000;

pub(crate) fn figures(messages: u64) -> Outcome {
    let outcome = Outcome::new().rate(messages, moment::took()).each(
        "ns/tell",
        messages,
        moment::telling_took(),
    );
    if messages < SEEN_IN_MEMORY {
        return outcome;
    }
    outcome.peak()
}

pub(super) fn one_burst<S: System, const WORKERS: usize, const WORDS: usize>(
    messages: u64,
) -> Outcome {
    produce::<S, WORDS>(WORKERS, 1, messages, messages).end();
    figures(messages)
}

pub(super) fn bursts<S: System, const WORKERS: usize>(messages: u64) -> Outcome {
    produce::<S, 1>(WORKERS, 1, messages, BURST).end();
    let outcome = Outcome::new().rate(messages, moment::took());
    outcome.peak()
}

pub(super) fn fan_out<S: System, const WORKERS: usize>(messages: u64) -> Outcome {
    let messages = messages / TARGETS * TARGETS;
    produce::<S, 1>(WORKERS, TARGETS, messages, messages).end();
    figures(messages)
}

/// The memory that stays resident after a burst, a second later.
pub(super) fn rest<S: System>(messages: u64) -> Outcome {
    let before = resident();
    let system = produce::<S, 1>(1, 1, messages, messages);
    system.rest(outcome::length(Duration::from_secs(1)));
    let after = resident();
    system.end();
    outcome::rested(before, after)
}

fn sized<const WORDS: usize>(
    name: &'static str,
    across: &'static str,
    sizes: &'static [u64],
) -> [Workload; 2] {
    let quick = sizes[0].clamp(2_000, 20_000);
    let one = Workload::new(name, sizes, quick)
        .ours(one_burst::<Nexus, 1, WORDS>)
        .beside("stakker", |size| stakker::bursts::<WORDS>(size, size))
        .beside("tokio", one_burst::<Tokio, 1, WORDS>);
    let two = Workload::new(across, sizes, quick)
        .ours(one_burst::<Nexus, 2, WORDS>)
        .beside("seg-queue", one_burst::<SegQueue, 2, WORDS>)
        .beside("channel", one_burst::<Channel, 2, WORDS>)
        .beside("tokio", one_burst::<Tokio, 2, WORDS>);
    [one, two]
}

pub(crate) fn workloads() -> Vec<Workload> {
    const MILLION: u64 = 1_000_000;
    let sizes = &[10, 1_000, 100_000, 5 * MILLION, 10 * MILLION];
    let mut all = Vec::new();
    all.extend(sized::<1>("burst", "burst-2w", sizes));
    all.extend(sized::<8>("burst-64", "burst-64-2w", &[MILLION]));
    all.extend(sized::<32>("burst-256", "burst-256-2w", &[MILLION]));
    all.extend(sized::<512>("burst-4k", "burst-4k-2w", &[100_000]));
    let one = Workload::new("bursts-of-256", &[5 * MILLION], 20_000)
        .ours(bursts::<Nexus, 1>)
        .beside("stakker", |size| stakker::bursts::<1>(size, BURST))
        .beside("tokio", bursts::<Tokio, 1>);
    let two = Workload::new("bursts-of-256-2w", &[5 * MILLION], 20_000)
        .ours(bursts::<Nexus, 2>)
        .beside("seg-queue", bursts::<SegQueue, 2>)
        .beside("channel", bursts::<Channel, 2>)
        .beside("tokio", bursts::<Tokio, 2>);
    let fan = Workload::new("fan-out", &[5 * MILLION], 20_000)
        .ours(fan_out::<Nexus, 1>)
        .beside("stakker", |size| stakker::fan_out(size / TARGETS, TARGETS))
        .beside("tokio", fan_out::<Tokio, 1>);
    let fan_two = Workload::new("fan-out-2w", &[5 * MILLION], 20_000)
        .ours(fan_out::<Nexus, 2>)
        .beside("tokio", fan_out::<Tokio, 2>);
    all.extend([one, two, fan, fan_two]);
    let rest = Workload::new("rest-burst", &[10 * MILLION], 20_000)
        .ours(rest::<Nexus>)
        .beside("stakker", stakker::rest)
        .beside("tokio", rest::<Tokio>);
    all.push(rest);
    all
}
