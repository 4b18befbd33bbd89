//! The control protocol of an ask, driven through networks that lose, repeat, delay and reorder,
//! with clocks that agree on nothing. Compared with what is observed from outside.

mod end;
mod intervals;
mod network;
mod properties;
mod requester;
mod responder;

use nexus_actors::control::{
    RequestId, Requester, RequesterLimits, RequesterMessage, Resend, Responder, ResponderLimits,
    ResponderMessage,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const SESSION: u64 = 9;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

// ---- what may happen ----------------------------------------------------------------------------

#[derive(Clone, Debug)]
struct Config {
    lossless: bool,
    first: u64,
    longest_interval: u64,
    outstanding: usize,
    unconfirmed: usize,
    confirm_within: u64,
    in_progress: usize,
    longest: u64,
    remembered: usize,
    remember_for: u64,
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Requester,
    Responder,
}

/// Numbers select among the existing items, modulo their count.
#[derive(Clone, Debug)]
enum Step {
    Request { timeout: u64 },
    Cancel(usize),
    Deliver(Side, usize),
    Lose(Side, usize),
    Repeat(Side, usize),
    Finish(usize),
    GiveUp(usize),
    Clock(Side, i64),
    Poll(Side),
    Stray(Side),
}

fn config(lossless: bool) -> impl Strategy<Value = Config> {
    (
        (1..20_u64, 0..50_u64, 1..6_usize, 0..4_usize, 0..100_u64),
        (1..5_usize, 1..200_u64, 0..6_usize, 0..100_u64),
    )
        .prop_map(move |(requester, responder)| Config {
            lossless,
            first: requester.0,
            longest_interval: requester.0 + requester.1,
            outstanding: requester.2,
            unconfirmed: requester.3,
            confirm_within: requester.4,
            in_progress: responder.0,
            longest: responder.1,
            remembered: responder.2,
            remember_for: responder.3,
        })
}

fn step() -> impl Strategy<Value = Step> {
    let side = || prop_oneof![Just(Side::Requester), Just(Side::Responder)];
    let clock = prop_oneof![
        8 => 0..15_i64,
        1 => -60..0_i64,
        1 => 50..300_i64,
    ];
    prop_oneof![
        4 => prop_oneof![0..3_u64, 10..80_u64, Just(u64::MAX)]
            .prop_map(|timeout| Step::Request { timeout }),
        2 => any::<usize>().prop_map(Step::Cancel),
        10 => (side(), any::<usize>()).prop_map(|(to, which)| Step::Deliver(to, which)),
        2 => (side(), any::<usize>()).prop_map(|(to, which)| Step::Lose(to, which)),
        3 => (side(), any::<usize>()).prop_map(|(to, which)| Step::Repeat(to, which)),
        4 => any::<usize>().prop_map(Step::Finish),
        1 => any::<usize>().prop_map(Step::GiveUp),
        5 => (side(), clock).prop_map(|(side, by)| Step::Clock(side, by)),
        5 => side().prop_map(Step::Poll),
        1 => side().prop_map(Step::Stray),
    ]
}

// ---- the world ----------------------------------------------------------------------------------

/// The time that a clock shows, and the largest time that its side was given.
#[derive(Default)]
struct Clock {
    shows: Duration,
    told: Duration,
}

impl Clock {
    fn tell(&mut self) -> Duration {
        self.told = self.told.max(self.shows);
        self.shows
    }

    fn step(&mut self, by: i64) {
        let millis = ms(by.unsigned_abs());
        self.shows = if by < 0 {
            self.shows.saturating_sub(millis)
        } else {
            self.shows.saturating_add(millis)
        };
    }
}

/// What was observed of a request.
#[derive(Default)]
struct Seen {
    tag: u64,
    deadline: Duration,
    last_sent: Duration,
    /// The requester was told the end of the request.
    over: bool,
    begun: bool,
    /// The time until which it may be executed; `None` before and after its execution.
    in_progress: Option<Duration>,
    result: Option<u64>,
    /// It was cancelled or refused, and must never begin.
    barred: bool,
    sent: BTreeMap<&'static str, u32>,
}

/// How often the rarer cases occurred.
#[derive(Debug, Default)]
struct Met {
    replied: u32,
    cached: u32,
    late_replies: u32,
    late_results: u32,
    cancelled_first: u32,
    cancelled_in_progress: u32,
    busy: u32,
    forgotten: u32,
    timed_out: u32,
    expired: u32,
    full: u32,
    confirmed: u32,
}

struct World {
    config: Config,
    requester: Requester<u64>,
    responder: Responder<u64>,
    here: Clock,
    there: Clock,
    to_responder: Vec<RequesterMessage<u64>>,
    to_requester: Vec<ResponderMessage<u64>>,
    seen: BTreeMap<u64, Seen>,
    executing: Vec<RequestId>,
    serial: u64,
    late_replies: u64,
    foreign_messages: [u64; 2],
    met: Met,
}

impl World {
    fn new(config: Config) -> Self {
        let here = RequesterLimits::default()
            .outstanding(config.outstanding)
            .unconfirmed(config.unconfirmed)
            .confirm_within(ms(config.confirm_within));
        let there = ResponderLimits::default()
            .in_progress(config.in_progress)
            .longest(ms(config.longest))
            .remembered(config.remembered)
            .remember_for(ms(config.remember_for));
        let resend = Resend::new(ms(config.first), ms(config.longest_interval)).unwrap();
        let (requester, responder) = if config.lossless {
            let requester = Requester::lossless(SESSION, here);
            (requester, Responder::lossless(SESSION, there))
        } else {
            let requester = Requester::lossy(SESSION, resend, here);
            (requester, Responder::lossy(SESSION, there))
        };
        Self {
            config,
            requester,
            responder,
            here: Clock::default(),
            there: Clock::default(),
            to_responder: Vec::new(),
            to_requester: Vec::new(),
            seen: BTreeMap::new(),
            executing: Vec::new(),
            serial: 0,
            late_replies: 0,
            foreign_messages: [0; 2],
            met: Met::default(),
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Request { timeout } => self.request(timeout),
            Step::Cancel(which) => self.cancel(which),
            Step::Deliver(to, which) => self.deliver(to, which),
            Step::Lose(to, which) => {
                if !self.config.lossless {
                    match to {
                        Side::Requester => drop(take(&mut self.to_requester, which)),
                        Side::Responder => drop(take(&mut self.to_responder, which)),
                    }
                }
            }
            Step::Repeat(to, which) => {
                if !self.config.lossless {
                    match to {
                        Side::Requester => repeat(&mut self.to_requester, which),
                        Side::Responder => repeat(&mut self.to_responder, which),
                    }
                }
            }
            Step::Finish(which) => self.finish(which),
            Step::GiveUp(which) => self.give_up(which),
            Step::Clock(Side::Requester, by) => self.here.step(by),
            Step::Clock(Side::Responder, by) => self.there.step(by),
            Step::Poll(Side::Requester) => self.poll_requester(),
            Step::Poll(Side::Responder) => self.poll_responder(),
            Step::Stray(to) => self.stray(to),
        }
        self.check();
    }

    /// What holds at any time.
    fn check(&self) {
        let config = &self.config;
        assert!(self.requester.outstanding() <= config.outstanding);
        let unconfirmed = if config.lossless {
            0
        } else {
            config.unconfirmed
        };
        assert!(self.requester.unconfirmed() <= unconfirmed);
        assert!(self.responder.in_progress() <= config.in_progress);
        let remembered = if config.lossless {
            0
        } else {
            config.remembered
        };
        assert!(self.responder.remembered() <= remembered);

        let waiting = self.seen.values().filter(|seen| !seen.over).count();
        assert_eq!(self.requester.outstanding(), waiting);
        let in_progress = self.seen.values().filter(|seen| seen.in_progress.is_some());
        assert_eq!(self.responder.in_progress(), in_progress.count());
        assert_eq!(self.requester.late_replies(), self.late_replies);
        let foreign_messages = [
            self.requester.foreign_messages(),
            self.responder.foreign_messages(),
        ];
        assert_eq!(foreign_messages, self.foreign_messages);
    }

    fn of(&mut self, id: RequestId) -> &mut Seen {
        assert_eq!(id.session, SESSION);
        self.seen.get_mut(&id.number).expect("nobody asked that")
    }

    fn send_to_responder(&mut self, message: RequesterMessage<u64>) {
        let kind = match message {
            RequesterMessage::Request { .. } => "request",
            RequesterMessage::Cancel { .. } => "cancel",
        };
        *self.of(message.id()).sent.entry(kind).or_default() += 1;
        self.to_responder.push(message);
    }

    fn send_to_requester(&mut self, message: ResponderMessage<u64>) {
        let kind = match message {
            ResponderMessage::Ack { .. } => "ack",
            _ => "answer",
        };
        *self.of(message.id()).sent.entry(kind).or_default() += 1;
        self.to_requester.push(message);
    }
}

fn pick<T>(from: &[T], which: usize) -> Option<&T> {
    from.get(which.checked_rem(from.len())?)
}

fn take<T>(from: &mut Vec<T>, which: usize) -> Option<T> {
    let which = which.checked_rem(from.len())?;
    Some(from.remove(which))
}

fn repeat<T: Clone>(messages: &mut Vec<T>, which: usize) {
    if let Some(message) = pick(messages, which).cloned() {
        messages.push(message);
    }
}

fn run(config: Config, steps: &[Step]) -> World {
    let mut world = World::new(config);
    for step in steps {
        world.step(step);
    }
    world.settle();
    world
}
