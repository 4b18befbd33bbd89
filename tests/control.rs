//! The control protocol of an ask, driven through networks that lose, repeat, delay and reorder,
//! with clocks that agree in nothing, against what was seen from outside.

use nexus_actors::control::{
    Due, Execution, Outcome, Refusal, RequestId, Requester, RequesterLimits, RequesterMessage,
    Resend, Responder, ResponderLimits, ResponderMessage,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::collections::{BTreeMap, BTreeSet};
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

/// Numbers choose among what there is, by their remainder.
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

/// A clock as it shows, and the largest time that its side was told.
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

/// What was seen of a request.
#[derive(Default)]
struct Seen {
    tag: u64,
    deadline: Duration,
    last_sent: Duration,
    /// The requester was told its end.
    over: bool,
    begun: bool,
    /// Until when it may be executed; `None` before and after that.
    in_progress: Option<Duration>,
    result: Option<u64>,
    /// Why it must never begin.
    barred: bool,
    sent: BTreeMap<&'static str, u32>,
}

/// How often the rarer cases were met.
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
    strays: [u64; 2],
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
            strays: [0; 2],
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
        let strays = [self.requester.strays(), self.responder.strays()];
        assert_eq!(strays, self.strays);
    }

    fn of(&mut self, id: RequestId) -> &mut Seen {
        assert_eq!(id.session, SESSION);
        self.seen.get_mut(&id.number).expect("nobody asked that")
    }

    // ---- at the requester ----

    fn request(&mut self, timeout: u64) {
        self.serial += 1;
        let tag = self.serial;
        // The longest time there is, for one; ends at no time.
        let timeout = if timeout == u64::MAX {
            Duration::MAX
        } else {
            ms(timeout)
        };
        match self.requester.request(self.here.tell(), tag, timeout) {
            Ok((id, message)) => {
                let seen = Seen {
                    tag,
                    deadline: self.here.told.saturating_add(timeout),
                    last_sent: self.here.told,
                    ..Seen::default()
                };
                assert!(self.seen.insert(id.number, seen).is_none(), "a number anew");
                assert_eq!(message.id(), id);
                self.send_to_responder(message);
            }
            Err(refused) => {
                assert_eq!(refused.0, tag, "what was refused is given back");
                assert_eq!(self.requester.outstanding(), self.config.outstanding);
                self.met.full += 1;
            }
        }
    }

    fn cancel(&mut self, which: usize) {
        let numbers: Vec<u64> = self.seen.keys().copied().collect();
        let Some(&number) = pick(&numbers, which) else {
            return;
        };
        let id = RequestId {
            session: SESSION,
            number,
        };
        let cancel = self.requester.cancel(self.here.tell(), id);
        assert_eq!(cancel.is_none(), self.of(id).over, "cancelled if it waits");
        if let Some(cancel) = cancel {
            assert_eq!(cancel, RequesterMessage::Cancel { id });
            self.ends(id);
            self.of(id).last_sent = self.here.told;
            self.send_to_responder(cancel);
        }
    }

    /// The one end of a request.
    fn ends(&mut self, id: RequestId) {
        let seen = self.of(id);
        assert!(!seen.over, "{id:?} ends for a second time");
        seen.over = true;
    }

    fn poll_requester(&mut self) {
        let now = self.here.tell();
        let (told, first) = (self.here.told, ms(self.config.first));
        let mut sent = BTreeSet::new();
        while let Some(due) = self.requester.poll(now) {
            match due {
                Due::Resend(message) => {
                    assert!(!self.config.lossless, "nothing is sent again");
                    let id = message.id();
                    assert!(sent.insert(id), "however far the time has jumped, once");
                    let seen = self.of(id);
                    assert!(seen.last_sent + first <= told, "not before its interval");
                    seen.last_sent = told;
                    if let RequesterMessage::Request {
                        time_left, payload, ..
                    } = &message
                    {
                        assert!(!seen.over, "nobody waits for it");
                        assert_eq!(*payload, seen.tag);
                        assert_eq!(*time_left, seen.deadline - told);
                    } else {
                        assert!(seen.over, "it is waited for");
                    }
                    self.send_to_responder(message);
                }
                Due::TimedOut { id, cancel } => {
                    assert!(self.of(id).deadline <= told, "never early");
                    self.ends(id);
                    self.of(id).last_sent = told;
                    self.met.timed_out += 1;
                    assert_eq!(cancel, RequesterMessage::Cancel { id });
                    self.send_to_responder(cancel);
                }
            }
        }
        let missed = self.seen.values().find(|s| !s.over && s.deadline <= told);
        assert!(missed.is_none(), "a deadline has passed");
        assert!(self.requester.next_due().is_none_or(|due| due > told));
    }

    fn receive(&mut self, message: ResponderMessage<u64>) {
        let id = message.id();
        let before = self.requester.unconfirmed();
        let is_reply = matches!(message, ResponderMessage::Reply { .. });
        let was_over = self.of(id).over;
        let ended = self.requester.handle(self.here.tell(), message.clone());
        if is_reply && was_over {
            self.late_replies += 1;
            self.met.late_replies += 1;
        }
        self.met.confirmed += u32::from(self.requester.unconfirmed() < before);
        let Some((ended, outcome)) = ended else {
            let ack = matches!(message, ResponderMessage::Ack { .. });
            assert!(ack || was_over, "{message:?} ends what waits");
            return;
        };
        assert_eq!(ended, id, "the reply of another request");
        self.ends(id);
        let (seen, met) = (&self.seen[&id.number], &mut self.met);
        match outcome {
            Outcome::Replied(result) => {
                assert_eq!(Some(result), seen.result, "of its one execution");
                met.replied += 1;
            }
            Outcome::Refused(Refusal::Busy) => {
                assert!(!seen.begun && seen.barred, "it was not executed");
                met.busy += 1;
            }
            Outcome::Refused(_) => met.forgotten += 1,
            Outcome::Cancelled => assert!(seen.in_progress.is_none()),
        }
    }

    // ---- at the responder ----

    fn take_in(&mut self, message: RequesterMessage<u64>) {
        let (now, id) = (self.there.tell(), message.id());
        let in_progress = self.responder.in_progress();
        let received = self.responder.handle(now, message.clone());
        let (told, longest) = (self.there.told, ms(self.config.longest));
        let is_cancel = matches!(message, RequesterMessage::Cancel { .. });
        let room = in_progress < self.config.in_progress;
        let seen = self.of(id);
        match received.execution {
            Some(Execution::Begin {
                id: begun,
                time_left,
                payload,
            }) => {
                assert_eq!((begun, payload), (id, seen.tag));
                assert!(!seen.begun, "{id:?} is executed a second time");
                assert!(!seen.barred, "{id:?} was cancelled or refused");
                assert!(!is_cancel && room && !time_left.is_zero());
                assert!(time_left <= longest);
                seen.begun = true;
                seen.in_progress = Some(told.saturating_add(time_left));
                self.executing.push(id);
            }
            Some(Execution::Abort { id: aborted }) => {
                assert_eq!(aborted, id);
                assert!(is_cancel && seen.in_progress.is_some());
                seen.in_progress = None;
                self.met.cancelled_in_progress += 1;
            }
            None => {}
        }
        let seen = self.seen.get_mut(&id.number).expect("it is there");
        if is_cancel {
            self.met.cancelled_first += u32::from(!seen.begun && !seen.barred);
            assert!(seen.in_progress.is_none(), "a cancel is obeyed");
            seen.barred = true;
        }
        match &received.send {
            None => assert!(self.config.lossless, "each message is answered"),
            Some(ResponderMessage::Ack { .. }) => assert!(seen.in_progress.is_some()),
            Some(ResponderMessage::Reply { payload, .. }) => {
                assert_eq!(Some(*payload), seen.result);
                self.met.cached += 1;
            }
            Some(ResponderMessage::Refused { refusal, .. }) => {
                assert!(seen.in_progress.is_none());
                if *refusal == Refusal::Busy {
                    assert!(!seen.begun && (!room || seen.barred));
                }
                seen.barred = true;
            }
            Some(ResponderMessage::Cancelled { .. }) => {
                assert!(seen.in_progress.is_none());
                seen.barred = true;
            }
        }
        if let Some(answer) = received.send {
            assert_eq!(answer.id(), id);
            self.send_to_requester(answer);
        }
    }

    fn finish(&mut self, which: usize) {
        let Some(id) = take(&mut self.executing, which) else {
            return;
        };
        self.serial += 1;
        let result = self.serial;
        let reply = self.responder.reply(self.there.tell(), id, result);
        let was_in_progress = self.of(id).in_progress.take().is_some();
        assert_eq!(reply.is_some(), was_in_progress);
        self.met.late_results += u32::from(!was_in_progress);
        if let Some(reply) = reply {
            let payload = result;
            assert_eq!(reply, ResponderMessage::Reply { id, payload });
            self.of(id).result = Some(result);
            self.send_to_requester(reply);
        }
    }

    /// Without a result; the execution may have one later on, which is too late.
    fn give_up(&mut self, which: usize) {
        let Some(&id) = pick(&self.executing, which) else {
            return;
        };
        let cancelled = self.responder.cancel(self.there.tell(), id);
        let was_in_progress = self.of(id).in_progress.take().is_some();
        assert_eq!(cancelled.is_some(), was_in_progress);
        if let Some(cancelled) = cancelled {
            assert_eq!(cancelled, ResponderMessage::Cancelled { id });
            self.send_to_requester(cancelled);
        }
    }

    fn poll_responder(&mut self) {
        let now = self.there.tell();
        let told = self.there.told;
        while let Some(expired) = self.responder.poll(now) {
            let id = expired.id;
            let until = self.of(id).in_progress.take();
            assert!(until.expect("it was in progress") <= told, "never early");
            assert_eq!(expired.send, ResponderMessage::Cancelled { id });
            self.met.expired += 1;
            self.send_to_requester(expired.send);
        }
        let overdue = |seen: &Seen| seen.in_progress.is_some_and(|until| until <= told);
        assert!(!self.seen.values().any(overdue), "it is past its time");
        assert!(self.responder.next_due().is_none_or(|due| due > told));
    }

    // ---- on the way ----

    fn deliver(&mut self, to: Side, which: usize) {
        let which = if self.config.lossless { 0 } else { which };
        match to {
            Side::Requester => {
                if let Some(message) = take(&mut self.to_requester, which) {
                    self.receive(message);
                }
            }
            Side::Responder => {
                if let Some(message) = take(&mut self.to_responder, which) {
                    self.take_in(message);
                }
            }
        }
    }

    /// A message of another session, about a number that this one has, too.
    fn stray(&mut self, to: Side) {
        let number = self.seen.keys().next_back().copied().unwrap_or(1);
        let id = RequestId {
            session: SESSION + 1,
            number,
        };
        match to {
            Side::Requester => {
                let payload = 0;
                let message = ResponderMessage::Reply { id, payload };
                assert_eq!(self.requester.handle(self.here.tell(), message), None);
                assert_eq!(self.requester.cancel(self.here.tell(), id), None);
                self.strays[0] += 1;
            }
            Side::Responder => {
                let message = RequesterMessage::<u64>::Cancel { id };
                let received = self.responder.handle(self.there.tell(), message);
                assert_eq!((received.send, received.execution), (None, None));
                assert!(!self.responder.is_in_progress(id));
                assert_eq!(self.responder.cancel(self.there.tell(), id), None);
                self.strays[1] += 1;
            }
        }
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

    // ---- the end ----

    /// From now on nothing arrives, and nobody asks, works or waits any more. Only time passes.
    fn die_out(&mut self) {
        for which in 0..self.seen.len() {
            self.step(&Step::Cancel(which));
        }
        self.to_responder.clear();
        self.to_requester.clear();
        let config = &self.config;
        let later = |age: u64| i64::try_from(age).unwrap();
        let (here, there) = (
            later(config.confirm_within),
            later(config.longest.max(config.remember_for)),
        );
        // Clocks that have gone back stand still until they are where they were.
        self.here.shows = self.here.told;
        self.there.shows = self.there.told;
        self.step(&Step::Clock(Side::Requester, here));
        self.step(&Step::Poll(Side::Requester));
        for _ in 0..2 {
            self.step(&Step::Clock(Side::Responder, there));
            self.step(&Step::Poll(Side::Responder));
        }
        self.is_empty();
    }

    fn is_empty(&self) {
        let held = [
            self.requester.outstanding(),
            self.requester.unconfirmed(),
            self.responder.in_progress(),
            self.responder.remembered(),
        ];
        assert_eq!(held, [0; 4], "nothing is left");
        let due = [self.requester.next_due(), self.responder.next_due()];
        assert_eq!(due, [None; 2]);
    }

    /// From now on messages arrive, executions end, and time passes. All comes to its end.
    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 1_000, "it does not come to its end");
            while !self.to_responder.is_empty() || !self.to_requester.is_empty() {
                self.step(&Step::Deliver(Side::Responder, round));
                self.step(&Step::Deliver(Side::Requester, round));
            }
            self.step(&Step::Finish(round));
            let due = [self.requester.next_due(), self.responder.next_due()];
            let nothing_under_way = self.to_requester.is_empty() && self.executing.is_empty();
            if due == [None; 2] && nothing_under_way {
                break;
            }
            // For ever is not waited for; whoever gave a request so much time gets its answer.
            let soon = |due: &Duration| *due < Duration::MAX;
            self.here.shows = due[0].filter(soon).unwrap_or(self.here.told);
            self.there.shows = due[1].filter(soon).unwrap_or(self.there.told);
            self.step(&Step::Poll(Side::Requester));
            self.step(&Step::Poll(Side::Responder));
        }
        assert!(self.seen.values().all(|seen| seen.over), "each has ended");
        self.is_empty();
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

// ---- the properties -----------------------------------------------------------------------------

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn s5_7_whatever_the_network_and_the_clocks_do_a_request_runs_once_and_ends_once(
        config in config(false),
        steps in prop::collection::vec(step(), 0..150),
    ) {
        run(config, &steps);
    }

    #[test]
    fn s5_7_where_nothing_arrives_any_more_both_sides_are_empty_when_their_times_have_passed(
        config in config(false),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut world = World::new(config);
        for step in &steps {
            world.step(step);
        }
        world.die_out();
    }

    #[test]
    fn s5_7_over_a_lossless_link_there_is_one_answer_to_a_request_and_nothing_else(
        config in config(true),
        steps in prop::collection::vec(step(), 0..150),
    ) {
        let world = run(config, &steps);
        for seen in world.seen.values() {
            let sent = |kind| seen.sent.get(kind).copied().unwrap_or_default();
            prop_assert_eq!((sent("request"), sent("answer"), sent("ack")), (1, 1, 0));
            prop_assert!(sent("cancel") <= 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    /// With limits that are large enough, half of the messages lost, and others repeated.
    #[test]
    fn s5_7_over_a_bad_network_every_reply_arrives_and_every_cancel_is_confirmed(
        chances in prop::collection::vec((0..4_u8, any::<usize>()), 1_000),
        cancels in prop::collection::btree_set(1..20_usize, 0..6),
    ) {
        let config = Config {
            lossless: false,
            first: 5,
            longest_interval: 40,
            outstanding: 100,
            unconfirmed: 100,
            confirm_within: 1_000_000,
            in_progress: 100,
            longest: 1_000_000,
            remembered: 100,
            remember_for: 1_000_000,
        };
        let mut world = World::new(config);
        for number in 1..20 {
            world.step(&Step::Request { timeout: 1_000_000 });
            if cancels.contains(&number) {
                world.step(&Step::Cancel(number - 1));
            }
        }
        for (chance, which) in chances {
            let to = if which % 2 == 0 { Side::Requester } else { Side::Responder };
            world.step(&match chance {
                0 | 1 => Step::Lose(to, which / 2),
                2 => Step::Deliver(to, which / 2),
                _ => Step::Repeat(to, which / 2),
            });
            world.step(&Step::Deliver(to, which / 3));
            world.step(&Step::Finish(which));
            world.step(&Step::Clock(Side::Requester, 1));
            world.step(&Step::Poll(Side::Requester));
        }
        for (number, seen) in &world.seen {
            prop_assert!(seen.over, "{} has not ended", number);
            let cancelled = cancels.contains(&usize::try_from(*number).unwrap());
            prop_assert!(cancelled || seen.result.is_some());
        }
        prop_assert_eq!(world.requester.unconfirmed(), 0);
        prop_assert_eq!(world.met.replied as usize, 19 - cancels.len());
    }
}

#[test]
fn s5_7_the_runs_above_meet_every_case() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::with_cases(300), rng);
    let mut met = Vec::new();
    let runs = (config(false), prop::collection::vec(step(), 0..150));
    for _ in 0..300 {
        let (config, steps) = runs.new_tree(&mut runner).unwrap().current();
        met.push(run(config, &steps).met);
    }
    let all = |count: fn(&Met) -> u32| met.iter().map(count).sum::<u32>();
    let counts = [
        ("replied", all(|met| met.replied)),
        ("cached", all(|met| met.cached)),
        ("late replies", all(|met| met.late_replies)),
        ("late results", all(|met| met.late_results)),
        ("cancelled first", all(|met| met.cancelled_first)),
        ("cancelled in progress", all(|m| m.cancelled_in_progress)),
        ("busy", all(|met| met.busy)),
        ("forgotten", all(|met| met.forgotten)),
        ("timed out", all(|met| met.timed_out)),
        ("expired", all(|met| met.expired)),
        ("full", all(|met| met.full)),
        ("confirmed", all(|met| met.confirmed)),
    ];
    let rare: Vec<_> = counts.iter().filter(|(_, count)| *count < 20).collect();
    assert!(rare.is_empty(), "hardly met: {rare:?} of {counts:?}");
}

// ---- the intervals ------------------------------------------------------------------------------

/// When something is sent again up to some time, told once a millisecond; acknowledged at those times.
fn sent_again(acks: &[u64], until: u64) -> Vec<u64> {
    let resend = Resend::new(ms(10), ms(40)).unwrap();
    let mut requester = Requester::lossy(SESSION, resend, RequesterLimits::default());
    let (id, _) = requester.request(ms(0), (), ms(1000)).unwrap();
    let mut sent = Vec::new();
    for now in 0..until {
        if acks.contains(&now) {
            let ack = ResponderMessage::<()>::Ack { id };
            assert_eq!(requester.handle(ms(now), ack), None);
        }
        let due = requester.next_due().unwrap();
        if requester.poll(ms(now)).is_some() {
            assert_eq!(due, ms(now));
            sent.push(now);
        }
    }
    sent
}

#[test]
fn s5_7_what_is_not_acknowledged_is_sent_again_at_intervals_that_double() {
    assert_eq!(sent_again(&[], 200), [10, 30, 70, 110, 150, 190]);
}

#[test]
fn s5_7_what_is_acknowledged_is_sent_at_the_longest_interval_and_repeated_acks_change_nothing() {
    assert_eq!(sent_again(&[5], 200), [45, 85, 125, 165]);
    assert_eq!(sent_again(&[12], 200), [10, 52, 92, 132, 172]);
    let often: Vec<u64> = (5..200).step_by(3).collect();
    assert_eq!(sent_again(&often, 200), sent_again(&[5], 200));
}
