//! Every run of a small session: two requests over a network that loses, repeats and reorders, with
//! two clocks, step by step, until no new state is found (breadth first).
//!
//! The tests with random networks reach far; this one leaves nothing out.

use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128;

use super::{
    Due, Execution, Outcome, Refusal, RequestId, Requester, RequesterLimits, RequesterMessage,
    Resend, Responder, ResponderLimits, ResponderMessage,
};

const TIMEOUT: u64 = 2;
/// The capacity of one direction; messages beyond it are lost.
const CAPACITY: usize = 3;

fn ns(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Begin,
    Cancel(usize),
    /// Delivers a message to the responder, or to the requester, by its position.
    DeliverRequest(usize),
    DeliverAnswer(usize),
    LoseRequest(usize),
    LoseAnswer(usize),
    RepeatRequest(usize),
    RepeatAnswer(usize),
    Finish(usize),
    TickHere,
    TickThere,
}

/// What has been observed of a request from outside.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Seen {
    ends: u8,
    begins: u8,
    deadline: u64,
    /// Whether the responder has accepted a cancel, or refused the request.
    barred: bool,
    /// The end of its time, while it is in progress.
    until: Option<u64>,
    result: Option<u8>,
    /// Answers sent over a lossless link.
    answers: u8,
}

/// How often each of these may still happen.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Budget {
    requests: u8,
    /// Messages lost or repeated by the network.
    faults: u8,
    /// Steps of each clock.
    ticks: u8,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    requester: Requester<u8>,
    responder: Responder<u8>,
    to_responder: Vec<RequesterMessage<u8>>,
    to_requester: Vec<ResponderMessage<u8>>,
    executing: Vec<RequestId>,
    seen: Vec<Seen>,
    here: u64,
    there: u64,
    budget: Budget,
    lossless: bool,
}

type Checked = Result<(), &'static str>;

fn ensure(holds: bool, what: &'static str) -> Checked {
    if holds { Ok(()) } else { Err(what) }
}

fn index(id: RequestId) -> usize {
    usize::try_from(id.number - 1).unwrap()
}

/// The order of messages on a lossy link has no meaning, so states that differ only in it count as
/// one.
fn rank_of_request(message: &RequesterMessage<u8>) -> (u64, u8, Duration) {
    let number = message.id().number;
    match message {
        RequesterMessage::Request { time_left, .. } => (number, 0, *time_left),
        RequesterMessage::Cancel { .. } => (number, 1, Duration::ZERO),
    }
}

fn rank_of_answer(message: &ResponderMessage<u8>) -> (u64, u8) {
    let rank = match message {
        ResponderMessage::Ack { .. } => 0,
        ResponderMessage::Reply { .. } => 1,
        ResponderMessage::Refused { refusal, .. } => 2 + u8::from(*refusal == Refusal::Busy),
        ResponderMessage::Cancelled { .. } => 4,
    };
    (message.id().number, rank)
}

impl State {
    fn new(lossless: bool, budget: Budget) -> Self {
        let here = RequesterLimits::default()
            .outstanding(2)
            .unconfirmed(1)
            .confirm_within(ns(2));
        let there = ResponderLimits::default()
            .in_progress(1)
            .longest(ns(2))
            .remembered(1)
            .remember_for(ns(2));
        let resend = Resend::new(ns(1), ns(2)).unwrap();
        let (requester, responder) = if lossless {
            (Requester::lossless(1, here), Responder::lossless(1, there))
        } else {
            let requester = Requester::lossy(1, resend, here);
            (requester, Responder::lossy(1, there))
        };
        Self {
            requester,
            responder,
            to_responder: Vec::new(),
            to_requester: Vec::new(),
            executing: Vec::new(),
            seen: Vec::new(),
            here: 0,
            there: 0,
            budget,
            lossless,
        }
    }

    fn actions(&self) -> Vec<Action> {
        let budget = &self.budget;
        let mut actions = Vec::new();
        if budget.requests > 0 {
            actions.push(Action::Begin);
        }
        let waiting = |&which: &usize| self.seen[which].ends == 0;
        actions.extend((0..self.seen.len()).filter(waiting).map(Action::Cancel));
        actions.extend((0..self.executing.len()).map(Action::Finish));
        let requests = self.different(&self.to_responder);
        let answers = self.different(&self.to_requester);
        actions.extend(requests.iter().copied().map(Action::DeliverRequest));
        actions.extend(answers.iter().copied().map(Action::DeliverAnswer));
        if budget.faults > 0 {
            actions.extend(requests.iter().copied().map(Action::LoseRequest));
            actions.extend(answers.iter().copied().map(Action::LoseAnswer));
            actions.extend(requests.iter().copied().map(Action::RepeatRequest));
            actions.extend(answers.iter().copied().map(Action::RepeatAnswer));
        }
        if budget.ticks > 0 {
            actions.extend([Action::TickHere, Action::TickThere]);
        }
        actions
    }

    /// The positions of the messages that may arrive next, one for each set of equal messages.
    fn different<M: PartialEq>(&self, messages: &[M]) -> Vec<usize> {
        let mut places: Vec<usize> = (0..messages.len()).collect();
        if self.lossless {
            places.truncate(1);
        } else {
            places.dedup_by(|a, b| messages[*a] == messages[*b]);
        }
        places
    }

    fn apply(&mut self, action: Action) -> Checked {
        match action {
            Action::Begin => {
                self.budget.requests -= 1;
                self.begin()?;
            }
            Action::Cancel(which) => self.cancel(which)?,
            Action::DeliverRequest(which) => {
                let message = self.to_responder.remove(which);
                self.take_in(message)?;
            }
            Action::DeliverAnswer(which) => {
                let message = self.to_requester.remove(which);
                self.receive(message)?;
            }
            Action::LoseRequest(which) => {
                self.budget.faults -= 1;
                self.to_responder.remove(which);
            }
            Action::LoseAnswer(which) => {
                self.budget.faults -= 1;
                self.to_requester.remove(which);
            }
            Action::RepeatRequest(which) => {
                self.budget.faults -= 1;
                self.send_request(self.to_responder[which].clone());
            }
            Action::RepeatAnswer(which) => {
                self.budget.faults -= 1;
                self.send_answer(self.to_requester[which].clone());
            }
            Action::Finish(which) => {
                let id = self.executing.remove(which);
                self.finish(id)?;
            }
            Action::TickHere => {
                self.budget.ticks -= 1;
                self.here += 1;
                self.poll_requester()?;
            }
            Action::TickThere => {
                self.budget.ticks -= 1;
                self.there += 1;
                self.poll_responder()?;
            }
        }
        Ok(())
    }

    /// Checks what holds in every state.
    fn check(&self) -> Checked {
        let (requester, responder) = (&self.requester, &self.responder);
        requester.check();
        responder.check();
        ensure(requester.outstanding() <= 2, "too many are outstanding")?;
        let unconfirmed = usize::from(!self.lossless);
        ensure(requester.unconfirmed() <= unconfirmed, "too many cancels")?;
        ensure(responder.in_progress() <= 1, "too many are in progress")?;
        let remembered = usize::from(!self.lossless);
        ensure(responder.remembered() <= remembered, "too much memory")?;
        let waiting = self.seen.iter().filter(|seen| seen.ends == 0).count();
        ensure(requester.outstanding() == waiting, "it lost one")?;
        let often = |seen: &Seen| seen.answers > 1;
        ensure(!self.seen.iter().any(often), "answered twice")
    }

    fn begin(&mut self) -> Checked {
        let payload = u8::try_from(self.seen.len() + 1).unwrap();
        let begun = self.requester.request(ns(self.here), payload, ns(TIMEOUT));
        let (id, message) = begun.map_err(|_| "there is room")?;
        ensure(index(id) == self.seen.len(), "a number anew")?;
        self.seen.push(Seen {
            deadline: self.here + TIMEOUT,
            ..Seen::default()
        });
        self.send_request(message);
        Ok(())
    }

    fn cancel(&mut self, which: usize) -> Checked {
        let id = RequestId {
            session: 1,
            number: which as u64 + 1,
        };
        let seen = &mut self.seen[which];
        match self.requester.cancel(ns(self.here), id) {
            Some(message) => {
                seen.ends += 1;
                ensure(seen.ends == 1, "cancelled after its end")?;
                self.send_request(message);
            }
            None => ensure(seen.ends == 1, "not cancelled, though it waits")?,
        }
        Ok(())
    }

    fn receive(&mut self, message: ResponderMessage<u8>) -> Checked {
        let id = message.id();
        let is_ack = matches!(message, ResponderMessage::Ack { .. });
        let Some((ended, outcome)) = self.requester.handle(ns(self.here), message) else {
            let over = self.seen[index(id)].ends == 1;
            return ensure(is_ack || over, "the last word was not heard");
        };
        ensure(ended == id, "another request has ended")?;
        let seen = &mut self.seen[index(id)];
        seen.ends += 1;
        ensure(seen.ends == 1, "it ends twice")?;
        match outcome {
            Outcome::Replied(result) => ensure(seen.result == Some(result), "a wrong reply"),
            Outcome::Refused(Refusal::Busy) => ensure(seen.begins == 0, "executed and refused"),
            Outcome::Refused(Refusal::Forgotten) | Outcome::Cancelled => Ok(()),
        }
    }

    fn take_in(&mut self, message: RequesterMessage<u8>) -> Checked {
        let id = message.id();
        let is_cancel = matches!(message, RequesterMessage::Cancel { .. });
        let received = self.responder.handle(ns(self.there), message);
        let seen = &mut self.seen[index(id)];
        if is_cancel {
            seen.until = None;
        }
        if let Some(Execution::Begin {
            payload, time_left, ..
        }) = received.execution
        {
            seen.until = Some(self.there + u64::try_from(time_left.as_nanos()).unwrap());
            seen.begins += 1;
            ensure(seen.begins == 1, "executed twice")?;
            ensure(!seen.barred, "executed though cancelled or refused")?;
            ensure(u64::from(payload) == id.number, "a wrong payload")?;
            self.executing.push(id);
            self.executing.sort_unstable();
        }
        if let Some(ResponderMessage::Reply { payload, .. }) = &received.send {
            ensure(seen.result == Some(*payload), "a wrong reply in the cache")?;
        }
        let refused = matches!(received.send, Some(ResponderMessage::Refused { .. }));
        seen.barred |= is_cancel || refused;
        ensure(
            !is_cancel || !self.responder.is_in_progress(id),
            "a cancel was not obeyed",
        )?;
        ensure(received.send.is_some() || self.lossless, "no answer")?;
        if let Some(answer) = received.send {
            self.send_answer(answer);
        }
        Ok(())
    }

    fn finish(&mut self, id: RequestId) -> Checked {
        let was_in_progress = self.responder.is_in_progress(id);
        let result = 10 + u8::try_from(id.number).unwrap();
        let reply = self.responder.reply(ns(self.there), id, result);
        ensure(reply.is_some() == was_in_progress, "a result was lost")?;
        self.seen[index(id)].until = None;
        if let Some(reply) = reply {
            self.seen[index(id)].result = Some(result);
            self.send_answer(reply);
        }
        Ok(())
    }

    fn poll_requester(&mut self) -> Checked {
        let now = ns(self.here);
        while let Some(due) = self.requester.poll(now) {
            match due {
                Due::Resend(message) => {
                    ensure(!self.lossless, "sent again over a lossless link")?;
                    self.send_request(message);
                }
                Due::TimedOut { id, cancel } => {
                    let seen = &mut self.seen[index(id)];
                    seen.ends += 1;
                    ensure(seen.ends == 1, "timed out after its end")?;
                    ensure(seen.deadline <= self.here, "timed out too early")?;
                    self.send_request(cancel);
                }
            }
        }
        let missed = |seen: &Seen| seen.ends == 0 && seen.deadline <= self.here;
        ensure(!self.seen.iter().any(missed), "a deadline was missed")
    }

    fn poll_responder(&mut self) -> Checked {
        while let Some(expired) = self.responder.poll(ns(self.there)) {
            let until = self.seen[index(expired.id)].until.take();
            ensure(
                until.is_some_and(|until| until <= self.there),
                "it has time",
            )?;
            self.send_answer(expired.send);
        }
        let overdue = |seen: &Seen| seen.until.is_some_and(|until| until <= self.there);
        ensure(!self.seen.iter().any(overdue), "its time was over")
    }

    fn send_request(&mut self, message: RequesterMessage<u8>) {
        if self.lossless {
            self.to_responder.push(message);
        } else if self.to_responder.len() < CAPACITY {
            self.to_responder.push(message);
            self.to_responder.sort_by_key(rank_of_request);
        }
    }

    fn send_answer(&mut self, message: ResponderMessage<u8>) {
        if self.lossless {
            self.seen[index(message.id())].answers += 1;
            self.to_requester.push(message);
        } else if self.to_requester.len() < CAPACITY {
            self.to_requester.push(message);
            self.to_requester.sort_by_key(rank_of_answer);
        }
    }

    /// From here on everything arrives and time passes, so everything must come to its end.
    fn settle(mut self) -> Checked {
        self.budget.ticks = 40;
        for _ in 0..20 {
            while !self.to_responder.is_empty() {
                self.apply(Action::DeliverRequest(0))?;
            }
            while !self.to_requester.is_empty() {
                self.apply(Action::DeliverAnswer(0))?;
            }
            while !self.executing.is_empty() {
                self.apply(Action::Finish(0))?;
            }
            self.apply(Action::TickHere)?;
            self.apply(Action::TickThere)?;
        }
        self.check()?;
        ensure(self.seen.iter().all(|seen| seen.ends == 1), "no end")?;
        let due = [self.requester.next_due(), self.responder.next_due()];
        ensure(due == [None; 2], "something is left")
    }
}

/// Collects the bytes to be hashed: hashing many small pieces is slow without optimisation.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        unreachable!("the bytes are hashed as a whole")
    }
}

/// How a state was reached.
struct Trace {
    action: Action,
    before: Option<Rc<Trace>>,
}

fn text(mut trace: Option<&Rc<Trace>>) -> String {
    let mut actions = Vec::new();
    while let Some(step) = trace {
        actions.push(format!("{:?}", step.action));
        trace = step.before.as_ref();
    }
    actions.reverse();
    actions.join(", ")
}

/// What the search has found.
#[derive(Debug, Default)]
struct Found {
    states: usize,
    /// States from which only the passing of time leads on.
    last: usize,
    /// Late replies, late results, cancels awaiting confirmation, something remembered, and
    /// refusals as busy and as forgotten.
    cases: [bool; 6],
}

impl Found {
    fn note(&mut self, state: &State) {
        let refused = |why| {
            let is = move |message: &ResponderMessage<u8>| matches!(message, ResponderMessage::Refused { refusal, .. } if *refusal == why);
            state.to_requester.iter().any(is)
        };
        let cases = [
            state.requester.late_replies() > 0,
            state.responder.late_replies() > 0,
            state.requester.unconfirmed() > 0,
            state.responder.remembered() > 0,
            refused(Refusal::Busy),
            refused(Refusal::Forgotten),
        ];
        self.states += 1;
        for (met, case) in self.cases.iter_mut().zip(cases) {
            *met |= case;
        }
    }

    /// A search that finds hardly anything proves hardly anything.
    fn is_at_least(&self, states: usize, cases: [bool; 6]) {
        assert!(self.states >= states && self.last > 100, "{self:?}");
        assert_eq!(self.cases, cases, "{self:?}");
    }
}

/// Visits every state reachable from the first one, and checks what holds in each.
fn explore(first: State) -> Found {
    let fingerprint = |state: &State| {
        let mut bytes = Bytes::default();
        state.hash(&mut bytes);
        // Two of a million states collide with a probability of 10^-27.
        xxh3_128(&bytes.0)
    };
    let mut known = HashSet::from([fingerprint(&first)]);
    let mut frontier = VecDeque::from([(fingerprint(&first), first, None::<Rc<Trace>>)]);
    let mut found = Found::default();
    while let Some((this, state, before)) = frontier.pop_front() {
        found.note(&state);
        let mut goes_on = false;
        for action in state.actions() {
            let mut next = state.clone();
            let checked = next.apply(action);
            let reached = fingerprint(&next);
            goes_on |= reached != this;
            let is_new = known.insert(reached);
            if checked.is_ok() && !is_new {
                continue;
            }
            let before = before.clone();
            let trace = Some(Rc::new(Trace { action, before }));
            if let Err(what) = checked.and_then(|()| next.check()) {
                panic!("{what}: {}", text(trace.as_ref()));
            }
            frontier.push_back((reached, next, trace));
        }
        if !goes_on {
            found.last += 1;
            if let Err(what) = state.settle() {
                panic!("{what}, in the end: {}", text(before.as_ref()));
            }
        }
    }
    found
}

#[test]
fn s5_7_every_run_of_two_requests_with_two_faults_of_the_network_keeps_the_promises() {
    let found = explore(State::new(
        false,
        Budget {
            requests: 2,
            faults: 2,
            ticks: 0,
        },
    ));
    found.is_at_least(100_000, [true, true, true, true, true, true]);
}

#[test]
fn s5_7_every_run_of_two_requests_with_a_step_of_a_clock_keeps_the_promises() {
    let found = explore(State::new(
        false,
        Budget {
            requests: 2,
            faults: 0,
            ticks: 1,
        },
    ));
    found.is_at_least(100_000, [true, true, true, true, true, true]);
}

#[test]
fn s5_7_every_run_of_a_request_with_faults_and_time_outs_keeps_the_promises() {
    let found = explore(State::new(
        false,
        Budget {
            requests: 1,
            faults: 2,
            ticks: 3,
        },
    ));
    // A single request is never too many.
    found.is_at_least(50_000, [true, true, true, true, false, true]);
}

#[test]
fn s5_7_every_run_of_two_requests_over_a_lossless_link_keeps_the_promises() {
    let found = explore(State::new(
        true,
        Budget {
            requests: 2,
            faults: 0,
            ticks: 5,
        },
    ));
    // Nothing is remembered, confirmed, or forgotten.
    found.is_at_least(20_000, [true, true, false, false, true, false]);
}
