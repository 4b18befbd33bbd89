//! What observers are told of the messages that handlers and tasks send, and of those that have a context.

use crate::common::*;
use nexus_actors::actor::TellError;
use nexus_actors::actor::with_context;
use nexus_actors::address::MessageId;
use nexus_actors::observe::{AskEnded, Handling, Observer, Sampling, SendBegun};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{Mailbox, Overflow};
use std::sync::{Arc, Mutex};

/// A message that was told as sent: its ids and its number.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sent {
    message: MessageId,
    causation: Option<MessageId>,
    is_question: bool,
    message_type: &'static str,
    number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Sent,
    Handled,
}

/// Keeps the numbers of the messages that it is told of.
struct Recorder {
    sampling: Sampling,
    observes_sends: bool,
    sent: Mutex<Vec<Sent>>,
    handled: Mutex<Vec<(MessageId, u32)>>,
    /// All of these in one row.
    log: Mutex<Vec<(Step, MessageId)>>,
    answers: Mutex<Vec<u32>>,
    /// The questions of asks that have ended.
    questions: Mutex<Vec<MessageId>>,
    /// Where a note of each message that is sent goes.
    notes: Mutex<Option<ActorRef<Numbered>>>,
}

/// A message with a number, and perhaps a reply.
struct Numbered(u32, Option<Reply<u32>>);

fn tell(number: u32) -> Numbered {
    Numbered(number, None)
}

fn number_of(message: &dyn std::any::Any) -> u32 {
    let numbered = message.downcast_ref::<Numbered>();
    numbered.map_or(u32::MAX, |numbered| numbered.0)
}

impl Observer for Recorder {
    fn sampling(&self) -> Sampling {
        self.sampling
    }

    fn observes_sends(&self) -> bool {
        self.observes_sends
    }

    fn sending(&self, event: &SendBegun<'_>) {
        let envelope = event.envelope;
        self.sent.lock().unwrap().push(Sent {
            message: envelope.message_id(),
            causation: envelope.causation_id(),
            is_question: event.is_question,
            message_type: event.message_type,
            number: number_of(event.message),
        });
        self.log
            .lock()
            .unwrap()
            .push((Step::Sent, envelope.message_id()));
        if let Some(notes) = *self.notes.lock().unwrap() {
            notes.tell(tell(1_000));
        }
    }

    fn handling(&self, event: &Handling<'_>) {
        let handled = (event.envelope.message_id(), number_of(event.message));
        self.handled.lock().unwrap().push(handled);
        self.log.lock().unwrap().push((Step::Handled, handled.0));
    }

    fn asked(&self, event: &AskEnded<'_>) {
        let answer = event.answer.and_then(|answer| answer.downcast_ref::<u32>());
        self.answers.lock().unwrap().extend(answer);
        self.questions.lock().unwrap().push(event.question);
    }
}

impl Recorder {
    fn new(sampling: Sampling, observes_sends: bool) -> Arc<Self> {
        Arc::new(Self {
            sampling,
            observes_sends,
            sent: Mutex::default(),
            handled: Mutex::default(),
            log: Mutex::default(),
            answers: Mutex::default(),
            questions: Mutex::default(),
            notes: Mutex::default(),
        })
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    fn sent_numbers(&self) -> Vec<u32> {
        self.sent().iter().map(|sent| sent.number).collect()
    }

    fn received(&self) -> Vec<(MessageId, u32)> {
        self.handled.lock().unwrap().clone()
    }
}

/// Collects the numbers that it is sent, and answers with them.
fn collector(collected: &Arc<Mutex<Vec<u32>>>, mailbox: Option<usize>) -> Props<Numbered> {
    let collected = Arc::clone(collected);
    let props = Props::new(move || {
        let collected = Arc::clone(&collected);
        Behavior::receive(move |_ctx, Numbered(number, reply)| {
            collected.lock().unwrap().push(number);
            reply.into_iter().for_each(|reply| reply.send(number));
        })
    });
    match mailbox {
        Some(capacity) => {
            props.mailbox(Mailbox::bounded(capacity, Overflow::Backpressure).unwrap())
        }
        None => props,
    }
}

/// Sends from 1 on by all ways that there are, to an actor here and one elsewhere, each.
fn sends_in_all_ways(targets: [ActorRef<Numbered>; 2]) -> Props<Numbered> {
    Props::new(move || {
        Behavior::receive(
            move |ctx: &mut Context<'_, Numbered>, Numbered(number, reply)| {
                let mut numbers = 1..;
                let mut next = move || numbers.next().expect("there are many");
                for target in targets {
                    target.tell(tell(next()));
                    assert!(target.try_tell(tell(next())).is_ok());
                    assert!(target.send(tell(next())).is_ok());
                    target.tell_all([tell(next()), tell(next())]);
                    let number = next();
                    let asked = target.ask(|reply| Numbered(number, Some(reply)), SOON);
                    assert_eq!(asked.wait()?, number);
                    ctx.sleep(ms(1))?;
                    target.tell(tell(next()));
                    let (later, last) = (next(), next());
                    let task = ctx.spawn_task(move |task| {
                        target.tell(tell(later));
                        task.sleep(ms(1)).expect("a task can wait");
                        target.tell(tell(last));
                    });
                    task.wait()?;
                }
                reply.into_iter().for_each(|reply| reply.send(number));
                Ok::<_, BoxError>(())
            },
        )
    })
}

const SENT_IN_ALL_WAYS: u32 = 18;

/// Starts a sender and two collectors, here and elsewhere, and returns what each has collected.
fn run_in_all_ways(pool: &WorkerPool, mailbox: Option<usize>, notes: &Recorder) -> [Vec<u32>; 2] {
    let last = pool.workers() - 1;
    let collected = [0, last].map(|worker| {
        let collected = Arc::default();
        let name = format!("collector-{worker}-{}", mailbox.is_some());
        let props = collector(&collected, mailbox);
        let actor = pool.spawn_on(worker, name.as_str(), props);
        (collected, actor)
    });
    if last > 0 {
        let notes_to = pool.spawn_on(0, "notes", collector(&Arc::default(), None));
        *notes.notes.lock().unwrap() = Some(notes_to.unwrap());
    }
    let [(here, one), (elsewhere, other)] = match last {
        0 => {
            let [one, _] = collected;
            let twice = (Arc::clone(&one.0), Ok(*one.1.as_ref().unwrap()));
            [one, twice]
        }
        _ => collected,
    };
    let targets = [one.unwrap(), other.unwrap()];
    let sender = pool
        .spawn_on(0, "sender", sends_in_all_ways(targets))
        .unwrap();
    let done = sender.ask(|reply| Numbered(0, Some(reply)), SOON);
    assert_eq!(done.wait().unwrap(), 0);
    pool.shutdown(SOON).unwrap();
    [here, elsewhere].map(|collected| collected.lock().unwrap().clone())
}

#[test]
fn s10_1_what_a_handler_and_its_tasks_send_is_told_before_it_arrives() {
    for (mailbox, workers) in [(None, 2), (Some(100), 2), (None, 1)] {
        let recorder = Recorder::new(Sampling::All, true);
        let pool = WorkerPool::builder().workers(workers);
        let pool = pool.observer(Arc::clone(&recorder)).start().unwrap();
        let [here, elsewhere] = run_in_all_ways(&pool, mailbox, &recorder);
        let all: Vec<u32> = (1..=SENT_IN_ALL_WAYS).collect();
        if workers > 1 {
            // Nothing is lost, and nothing overtakes.
            assert_eq!((here.as_slice(), elsewhere.as_slice()), all.split_at(9));
        } else {
            assert_eq!(here, all);
        }
        assert_eq!(recorder.sent_numbers(), all);
        let questions: Vec<u32> = recorder
            .sent()
            .iter()
            .filter(|sent| sent.is_question)
            .map(|sent| sent.number)
            .collect();
        assert_eq!(questions, [6, 15]);
        assert_eq!(*recorder.answers.lock().unwrap(), [6, 15]);
        let handled = recorder.received();
        let log = recorder.log.lock().unwrap().clone();
        let place = |step, message| log.iter().position(|entry| *entry == (step, message));
        for sent in recorder.sent() {
            assert_eq!(sent.message_type, std::any::type_name::<Numbered>());
            let (before, after) = (
                place(Step::Sent, sent.message),
                place(Step::Handled, sent.message),
            );
            assert!(before.is_some() && before < after, "{before:?} {after:?}");
            let arrived = handled.iter().find(|(message, _)| *message == sent.message);
            assert_eq!(arrived.map(|arrived| arrived.1), Some(sent.number));
            let cause = handled
                .iter()
                .find(|(_, number)| *number == 0)
                .expect("the first");
            assert_eq!(sent.causation, Some(cause.0));
        }
    }
}

#[test]
fn s10_1_an_observer_that_does_not_ask_for_it_is_not_told_what_is_sent() {
    for (sampling, observes_sends) in [(Sampling::All, false), (Sampling::None, true)] {
        let recorder = Recorder::new(sampling, observes_sends);
        let pool = WorkerPool::builder().workers(2);
        let pool = pool.observer(Arc::clone(&recorder)).start().unwrap();
        let [here, elsewhere] = run_in_all_ways(&pool, None, &recorder);
        assert_eq!(here.len() + elsewhere.len(), SENT_IN_ALL_WAYS as usize);
        assert_eq!(recorder.sent(), []);
    }
}

#[test]
fn s10_1_a_refused_message_is_not_told_as_sent_and_one_to_a_stopped_actor_is() {
    let recorder = Recorder::new(Sampling::All, true);
    let mut sim = Sim::builder()
        .workers(1)
        .observer(Arc::clone(&recorder))
        .start()
        .unwrap();
    let fails =
        collector(&Arc::default(), None).mailbox(Mailbox::bounded(1, Overflow::Fail).unwrap());
    let full = sim.spawn("full", fails).unwrap();
    let stopped = sim
        .spawn("stopped", collector(&Arc::default(), None))
        .unwrap();
    stopped.stop();
    sim.run_until_idle();
    let sender = Props::new(move || {
        Behavior::receive(move |_ctx, _: Numbered| {
            full.tell(tell(1));
            full.tell(tell(2));
            assert!(matches!(full.try_tell(tell(3)), Err(TellError::Full(_))));
            stopped.tell(tell(4));
            assert!(matches!(
                stopped.try_tell(tell(5)),
                Err(TellError::Stopped(_))
            ));
        })
    });
    let sender = sim.spawn("sender", sender).unwrap();
    sender.tell(tell(0));
    sim.run_until_idle();
    assert_eq!(recorder.sent_numbers(), [1, 4]);
}

#[test]
fn s10_1_under_a_context_all_that_follows_is_observed_and_nothing_else() {
    let recorder = Recorder::new(Sampling::UnderContext, true);
    let mut sim = Sim::builder()
        .workers(2)
        .observer(Arc::clone(&recorder))
        .start()
        .unwrap();
    let collected = Arc::default();
    let collector = sim
        .spawn_on(1, "collector", collector(&collected, None))
        .unwrap();
    let middle = Props::new(move || {
        Behavior::receive(
            move |ctx: &mut Context<'_, Numbered>, Numbered(number, _)| {
                collector.tell(tell(number + 1));
                ctx.sleep(ms(1))?;
                collector.tell(tell(number + 2));
                Ok::<_, BoxError>(())
            },
        )
    });
    let middle = sim.spawn_on(0, "middle", middle).unwrap();
    for number in [10, 20, 30, 40, 50] {
        // In one row with those that have none, in the same mailbox.
        if number == 30 {
            with_context("a request", || middle.tell(tell(number)));
        } else {
            middle.tell(tell(number));
        }
    }
    sim.run_for(ms(100));
    let handled: Vec<u32> = recorder
        .received()
        .iter()
        .map(|handled| handled.1)
        .collect();
    assert_eq!(handled, [30, 31, 32]);
    assert_eq!(recorder.sent_numbers(), [31, 32]);
    assert_eq!(collected.lock().unwrap().len(), 10);
}

#[test]
fn s10_1_a_few_messages_with_a_context_are_found_among_very_many_without() {
    let recorder = Recorder::new(Sampling::UnderContext, false);
    let pool = WorkerPool::builder()
        .workers(1)
        .observer(Arc::clone(&recorder))
        .start()
        .unwrap();
    let collected = Arc::default();
    let collector = pool
        .spawn("collector", collector(&collected, None))
        .unwrap();
    let every = 977;
    for number in 0..20_000 {
        match number as usize % every {
            0 => with_context((), || collector.tell(tell(number))),
            _ => collector.tell(tell(number)),
        }
    }
    pool.shutdown(SOON).unwrap();
    let handled: Vec<u32> = recorder
        .received()
        .iter()
        .map(|handled| handled.1)
        .collect();
    let expected: Vec<u32> = (0..20_000).step_by(every).collect();
    assert_eq!(handled, expected);
    assert_eq!(*collected.lock().unwrap(), (0..20_000).collect::<Vec<_>>());
}

#[test]
fn s10_1_the_end_of_an_ask_names_the_question_that_was_told_as_sent() {
    for [worker, last] in [[0, 0], [0, 1], [1, 0]] {
        let recorder = Recorder::new(Sampling::All, true);
        let sim = Sim::builder().workers(2).observer(Arc::clone(&recorder));
        let mut sim = sim.start().unwrap();
        let notes = sim
            .spawn_on(0, "notes", collector(&Arc::default(), None))
            .unwrap();
        *recorder.notes.lock().unwrap() = Some(notes);
        let answers = sim
            .spawn_on(last, "answers", collector(&Arc::default(), None))
            .unwrap();
        let hands_on = Props::new(move || {
            Behavior::receive(move |_ctx, Numbered(number, reply)| {
                let reply = reply.expect("it is asked");
                reply.forward(answers, |reply| Numbered(number, Some(reply)));
            })
        });
        let hands_on = sim.spawn_on(worker, "hands_on", hands_on).unwrap();
        let silent = Props::new(|| Behavior::receive(|_ctx, Numbered(_, reply)| drop(reply)));
        let silent = sim.spawn_on(worker, "silent", silent).unwrap();
        let stopped = sim
            .spawn_on(worker, "stopped", collector(&Arc::default(), None))
            .unwrap();
        stopped.stop();
        sim.run_until_idle();
        let asker = Props::new(move || {
            Behavior::receive(move |_ctx, Numbered(number, reply)| {
                for (number, target) in (number + 1..).zip([answers, hands_on, silent, stopped]) {
                    let asked = target
                        .ask(|reply| Numbered(number, Some(reply)), SOON)
                        .wait();
                    assert_eq!(asked.is_ok(), number < 3);
                }
                reply.into_iter().for_each(|reply| reply.send(0));
            })
        });
        let asker = sim.spawn_on(0, "asker", asker).unwrap();
        let done = asker.ask(|reply| Numbered(0, Some(reply)), SOON);
        assert_eq!(sim.run_until(done).unwrap(), 0);
        let handled = recorder.received();
        let first = handled
            .iter()
            .find(|(_, number)| *number == 0)
            .map(|(message, _)| *message);
        let sent = recorder.sent();
        let by_asker = sent
            .iter()
            .filter(|sent| sent.is_question && sent.causation == first);
        let questions: Vec<MessageId> = by_asker.map(|sent| sent.message).collect();
        assert_eq!(questions.len(), 4);
        assert_eq!(
            *recorder.questions.lock().unwrap(),
            questions,
            "{worker} {last}"
        );
    }
}

#[test]
fn s10_1_the_end_of_an_ask_is_told_also_if_a_child_was_started_in_between() {
    let recorder = Recorder::new(Sampling::All, true);
    let builder = WorkerPool::builder().workers(1);
    let pool = builder.observer(Arc::clone(&recorder)).start().unwrap();
    let target = pool
        .spawn("target", collector(&Arc::default(), None))
        .unwrap();
    let asker = Props::new(move || {
        Behavior::receive(move |ctx: &mut Context<'_, Numbered>, Numbered(_, reply)| {
            let asked = target.ask(|reply| Numbered(1, Some(reply)), SOON);
            let child = ctx.spawn_anonymous(collector(&Arc::default(), None))?;
            assert_eq!(asked.wait()?, 1);
            let asked = child.ask(|reply| Numbered(2, Some(reply)), SOON);
            assert_eq!(asked.wait()?, 2);
            reply.into_iter().for_each(|reply| reply.send(0));
            Ok::<_, BoxError>(())
        })
    });
    let asker = pool.spawn("asker", asker).unwrap();
    let done = asker.ask(|reply| Numbered(0, Some(reply)), SOON);
    assert_eq!(done.wait().unwrap(), 0);
    pool.shutdown(SOON).unwrap();
    assert_eq!(*recorder.answers.lock().unwrap(), [1, 2]);
}
