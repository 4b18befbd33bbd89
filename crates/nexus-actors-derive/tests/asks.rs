//! Questions: when they are sent, and from which contexts.

mod common;

use common::{SIZES, SOON, with_pool};
use nexus_actors::ask::{AskErrorKind, Question};
use nexus_actors::prelude::*;
use nexus_actors::{DeadLetterReason, Deadline};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Message)]
enum Counter {
    Add(i64),
    Get(Reply<i64>),
    /// The number of these that were handled, including this one.
    Count(Reply<u32>),
    /// Never answered.
    Keep(Reply<u32>),
    /// Dropped without an answer.
    Lose(Reply<u32>),
}

#[derive(Default)]
struct State {
    sum: i64,
    counted: u32,
    kept: Vec<Reply<u32>>,
}

fn counter() -> Props<Counter> {
    Props::new(|| {
        Behavior::with_state(
            State::default(),
            |state: &mut State, _ctx, message| match message {
                Counter::Add(number) => state.sum += number,
                Counter::Get(reply) => reply.send(state.sum),
                Counter::Count(reply) => {
                    state.counted += 1;
                    reply.send(state.counted);
                }
                Counter::Keep(reply) => state.kept.push(reply),
                Counter::Lose(reply) => drop(reply),
            },
        )
    })
}

#[test]
fn a_question_is_sent_by_within_and_never_if_it_is_dropped() {
    for size in SIZES {
        with_pool(size, |pool| {
            let counter = pool.spawn("counter", counter()).unwrap();
            drop(counter.count());
            assert_eq!(
                counter.count().wait_for(SOON),
                Ok(1),
                "the first one was not sent"
            );

            let later = counter.get();
            let now: Ask<i64> = counter.get().within(SOON);
            counter.add(5);
            let later = later.within(SOON);
            assert_eq!((now.wait(), later.wait()), (Ok(0), Ok(5)));
        });
    }
}

#[test]
fn a_question_may_have_any_deadline_and_ends_with_it() {
    with_pool(2, |pool| {
        let counter = pool.spawn("counter", counter()).unwrap();
        assert_eq!(counter.count().wait_for(Deadline::NEVER), Ok(1));
        assert_eq!(counter.count().wait_for(Instant::now() + SOON), Ok(2));
        let late = counter.keep().wait_for(Duration::from_millis(1));
        assert_eq!(late.unwrap_err().kind(), AskErrorKind::Timeout);
        let lost = counter.lose().wait_for(SOON);
        assert_eq!(lost.unwrap_err().kind(), AskErrorKind::NoReply);
    });
}

#[test]
fn handlers_ask_as_threads_do() {
    for size in SIZES {
        with_pool(size, |pool| {
            let counters = ["north", "south"].map(|name| pool.spawn(name, counter()).unwrap());
            let office = Props::new(move || {
                Behavior::receive(move |_ctx, reply: Reply<i64>| {
                    let asked = counters.map(|counter| counter.get().within(SOON));
                    let [north, south] = asked.map(Ask::wait);
                    let again = counters[0].get().wait_for(SOON)?;
                    reply.send(north? + south? + again);
                    Ok(())
                })
            });
            let office = pool.spawn("office", office).unwrap();
            thread::scope(|scope| {
                for number in 1..=4 {
                    scope.spawn(move || {
                        let [north, south] = counters;
                        north.add(number);
                        south.add(10 * number);
                        assert!(north.get().wait_for(SOON).unwrap() >= number);
                    });
                }
            });
            let sum = office.ask(|reply| reply, SOON).wait();
            assert_eq!(sum, Ok(10 + 100 + 10));
        });
    }
}

#[test]
fn a_thread_that_waits_drives_its_system() {
    let system = ActorSystem::new("counters").unwrap();
    let counter = system.spawn("counter", counter()).unwrap();
    counter.add(2);
    counter.add(3);
    assert_eq!(counter.get().wait_for(SOON), Ok(5));
    system.shutdown(SOON);
}

#[test]
fn what_is_told_to_an_actor_that_has_stopped_is_a_dead_letter() {
    with_pool(1, |pool| {
        let once = Props::new(|| Behavior::receive(|_ctx, _: Counter| Next::Stop));
        let once = pool.spawn("once", once).unwrap();
        assert_eq!(
            once.count().wait_for(SOON).unwrap_err().kind(),
            AskErrorKind::NoReply
        );
        let gone = once.count().wait_for(SOON).unwrap_err();
        assert_eq!(gone.kind(), AskErrorKind::TargetStopped);
        once.add(1);
        // It takes the same path as the message, and so arrives after it.
        let _ = once.count().wait_for(SOON);
        let lost = pool.dead_letters().count(DeadLetterReason::Stopped);
        assert_eq!(lost, 3);
    });
}

/// A question may be passed on before it is sent, even to another thread.
fn ask<R: Send + 'static>(
    question: Question<Counter, R, impl FnOnce(Reply<R>) -> Counter + Send>,
) -> R {
    thread::scope(|scope| {
        scope
            .spawn(|| question.wait_for(SOON).unwrap())
            .join()
            .unwrap()
    })
}

#[test]
fn a_question_may_be_sent_by_another_thread() {
    with_pool(1, |pool| {
        let counter = pool.spawn("counter", counter()).unwrap();
        counter.add(7);
        assert_eq!(counter.get().wait_for(SOON), Ok(7));
        assert_eq!(ask(counter.get()), 7);
        assert_eq!(ask(counter.count()), 1);
        let shown = format!("{:?}", counter.get());
        assert!(shown.starts_with("Question(ActorRef<"), "{shown}");
    });
}
