//! Asks that are joined, raced, chained, and identified by their ids.

use super::{HOUR, Job, SEEDS, ms, runner, worker};
use crate::common::with_pools;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{DeadLetterReason, Recipient, all, first};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

type Asking = fn(ActorRef<Job>, ActorRef<Job>);

/// Runs the test in every context that can wait: in a handler, on the simulation's thread, and on threads.
fn everywhere(test: Asking) {
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..20, |sim| {
            let handled = Arc::default();
            let a = sim.spawn_on(0, "a", worker(&handled)).unwrap();
            let b = sim.spawn_on(workers - 1, "b", worker(&handled)).unwrap();
            test(a, b);
            let runner = sim.spawn("runner", runner()).unwrap();
            runner.tell(Box::new(move || test(a, b)));
            let begun = sim.now();
            sim.run_for(ms(2000));
            assert_eq!(sim.waiting(), []);
            assert!(
                sim.now() - begun < ms(2500),
                "nothing has waited for a time-out"
            );
        });
    }
    with_pools(|pool| {
        let handled = Arc::default();
        let a = pool.spawn_on(0, "a", worker(&handled)).unwrap();
        let b = pool
            .spawn_on(pool.workers() - 1, "b", worker(&handled))
            .unwrap();
        test(a, b);
    });
}

#[test]
fn s5_1_all_answers_come_together_or_the_first_error_at_once() {
    everywhere(|a, b| {
        let ask = |actor: ActorRef<Job>, number| {
            actor.ask(move |reply| Job::After(ms(1), number, reply), HOUR)
        };
        assert_eq!(all((ask(a, 1), ask(b, 2))).wait(), Ok((1, 2)));
        assert_eq!(all([ask(a, 1), ask(b, 2), ask(a, 3)]).wait(), Ok([1, 2, 3]));
        assert_eq!(all(vec![ask(b, 1), ask(b, 2)]).wait(), Ok(vec![1, 2]));
        let keyed = HashMap::from([("x", ask(a, 1)), ("y", ask(b, 2))]);
        assert_eq!(all(keyed).wait(), Ok(HashMap::from([("x", 1), ("y", 2)])));
        assert_eq!(
            all(Vec::<nexus_actors::Ask<u64>>::new()).wait(),
            Ok(Vec::new())
        );
        // The second ask's error is reported at once, and the first ask is given up.
        let slow = a.ask(|reply| Job::After(ms(300), 9, reply), HOUR);
        let error = all((slow, b.ask(Job::Drop, HOUR))).wait().unwrap_err();
        assert_eq!(error.kind(), AskErrorKind::NoReply);
    });
}

/// So many that they are not all polled each time one is answered.
const MANY: u64 = 40;

#[test]
fn s5_1_many_answers_come_together_or_the_first_error_at_once() {
    everywhere(|a, b| {
        let ask = move |number: u64| {
            let actor = if number.is_multiple_of(2) { a } else { b };
            actor.ask(move |reply| Job::After(ms(1), number, reply), HOUR)
        };
        let numbers: Vec<u64> = (0..MANY).collect();
        let asked: Vec<_> = (0..MANY).map(ask).collect();
        assert_eq!(all(asked).wait(), Ok(numbers.clone()));
        // Each answer leads to a further ask, and some asks are nested joins.
        let asked = (0..MANY).map(|number| ask(number + 1).and_then(move |next| ask(next - 1)));
        let asked: Vec<_> = asked.collect();
        let others: Vec<_> = (0..MANY).map(|number| ask(number).map(|it| it)).collect();
        let both = all((all(asked), all(others))).wait();
        assert_eq!(both, Ok((numbers.clone(), numbers)));
        // The first error is reported at once, and the other asks are given up.
        let slow = |_| a.ask(|reply| Job::After(ms(300), 9, reply), HOUR);
        let mut asked: Vec<_> = (0..MANY).map(slow).collect();
        asked.insert(30, b.ask(Job::Drop, HOUR));
        let error = all(asked).wait().unwrap_err();
        assert_eq!(error.kind(), AskErrorKind::NoReply);
    });
}

#[test]
fn s5_1_the_first_of_many_answers_counts() {
    everywhere(|a, b| {
        let refused = || (0..MANY).map(|_| b.ask(Job::Drop, HOUR));
        let one = a.ask(|reply| Job::After(ms(5), 7, reply), HOUR);
        assert_eq!(first(refused().chain([one])).wait(), Ok(7));
        let error = first(refused()).wait().unwrap_err();
        assert_eq!(error.kind(), AskErrorKind::NoReply);
    });
}

#[test]
fn s5_1_the_first_answer_counts_and_the_others_are_given_up() {
    everywhere(|a, b| {
        let slow = a.ask(|reply| Job::After(ms(300), 1, reply), HOUR);
        let quick = b.ask(|reply| Job::After(ms(1), 2, reply), HOUR);
        assert_eq!(first([slow, quick]).wait(), Ok(2));
        let (none, one) = (
            b.ask(Job::Drop, HOUR),
            b.ask(|r| Job::After(ms(1), 3, r), HOUR),
        );
        assert_eq!(first([none, one]).wait(), Ok(3));
        let error = first([b.ask(Job::Drop, HOUR), b.ask(Job::Drop, HOUR)])
            .wait()
            .unwrap_err();
        assert_eq!(error.kind(), AskErrorKind::NoReply);
    });
}

#[test]
fn s5_1_an_answer_is_gone_on_with() {
    everywhere(|a, b| {
        let asked = a
            .ask(|reply| Job::After(ms(1), 20, reply), HOUR)
            .map(|number| number + 1)
            .and_then(move |number| b.ask(move |reply| Job::After(ms(1), number, reply), HOUR))
            .map(|number| number * 2);
        assert_eq!(asked.wait(), Ok(42));
        let failing = a.ask(Job::Drop, HOUR).map(|_| panic!("there is no answer"));
        let failing = failing.and_then(move |(): ()| b.ask(Job::Drop, HOUR));
        assert_eq!(failing.wait().unwrap_err().kind(), AskErrorKind::NoReply);
    });
}

#[test]
fn s5_4_a_question_is_known_by_its_id_though_others_send_when_it_comes() {
    /// How question 1 is sent.
    type Way = fn(ActorRef<Job>, ActorRef<Reply<u64>>) -> Ask<u64>;
    let ways: [Way; 5] = [
        |busy, _| busy.ask(|reply| Job::After(ms(0), 1, reply), HOUR),
        |busy, _| Recipient::from(busy).ask(|reply| Job::After(ms(0), 1, reply), HOUR),
        |busy, _| {
            let part = busy.contramap(|reply| Job::After(ms(0), 1, reply));
            part.ask(|reply| reply, HOUR)
        },
        |busy, _| {
            // A conversion may first send a message of its own.
            let part = busy.contramap(move |(number, reply)| {
                busy.tell(Job::Sleep(ms(0)));
                Job::After(ms(0), number, reply)
            });
            let part = part.contramap(|reply| (1, reply));
            part.ask(|reply| reply, HOUR)
        },
        |_, desk| desk.ask(|reply| reply, HOUR),
    ];
    for way in ways {
        Sim::builder().workers(1).check(SEEDS, |sim| {
            let handled = Arc::<Mutex<Vec<u64>>>::default();
            let newest = Mailbox::bounded(2, Overflow::DropOldest).unwrap();
            let busy = sim.spawn("busy", worker(&handled).mailbox(newest)).unwrap();
            let desk = Props::new(move || {
                Behavior::receive(move |_ctx, reply: Reply<u64>| {
                    reply.forward(busy, |reply| Job::After(ms(0), 1, reply));
                })
            });
            let desk = sim.spawn("desk", desk).unwrap();
            let runner = sim.spawn("runner", runner()).unwrap();
            let told = sim.spawn("told", Props::new(|| Behavior::receive(|_, _: u8| ())));
            let told = told.unwrap();
            // The subscriber to the dead letter of the displaced question sends a message too.
            let _subscription = sim.dead_letters().subscribe(move |_| told.tell(1));
            busy.tell(Job::Sleep(ms(100)));
            sim.run_for(ms(1));
            busy.tell(Job::Sleep(ms(0)));
            busy.tell(Job::Sleep(ms(0)));
            let asked: Arc<Mutex<Option<Ask<u64>>>> = Arc::default();
            let kept = Arc::clone(&asked);
            runner.tell(Box::new(move || {
                *kept.lock().unwrap() = Some(way(busy, desk))
            }));
            sim.run_for(ms(1));
            runner.tell(Box::new(move || drop(asked.lock().unwrap().take())));
            sim.run_for(ms(500));
            assert!(handled.lock().unwrap().is_empty());
            assert_eq!(sim.dead_letters().count(DeadLetterReason::Cancelled), 1);
        });
    }
}
