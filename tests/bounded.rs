//! Bounded mailboxes: rows 3.1 to 3.4 of the contract, in simulation under many interleavings, and
//! under pools of threads.

mod common;

use common::*;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Fault, Sim, check};
use nexus_actors::{DeadLetters, MailboxError};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(3600);
const SEEDS: std::ops::Range<u64> = 0..60;
const STRATEGIES: [Overflow; 4] = [
    Overflow::DropNewest,
    Overflow::DropOldest,
    Overflow::Backpressure,
    Overflow::Fail,
];

fn bounded(capacity: usize, overflow: Overflow) -> Mailbox {
    Mailbox::bounded(capacity, overflow).unwrap()
}

/// What an actor has handled, in order.
type Handled = Arc<Mutex<Vec<u64>>>;

fn handled(log: &Handled) -> Vec<u64> {
    log.lock().unwrap().clone()
}

/// Notes the numbers, and never finds more of them than there may be.
fn sink(capacity: usize, overflow: Overflow, pause: Duration) -> (Props<u64>, Handled) {
    let log = Handled::default();
    let written = Arc::clone(&log);
    let props = Props::new(move || {
        let log = Arc::clone(&written);
        Behavior::receive(move |ctx, number: u64| {
            assert!(ctx.mailbox_len() <= capacity, "the mailbox is too full");
            log.lock().unwrap().push(number);
            if !pause.is_zero() {
                ctx.sleep(pause)?;
                assert!(ctx.mailbox_len() <= capacity, "the mailbox is too full");
            }
            Ok::<_, WaitError>(())
        })
    });
    (props.mailbox(bounded(capacity, overflow)), log)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Tell,
    TryTell,
    Send,
    SendTimeout(Duration),
}

/// Sends a number, and says what came of it. What is given back must be what was sent.
fn send(way: Way, to: ActorRef<u64>, number: u64) -> String {
    let (text, back) = match way {
        Way::Tell => {
            to.tell(number);
            return "Ok(())".to_owned();
        }
        Way::TryTell => {
            let result = to.try_tell(number);
            (
                format!("{result:?}"),
                result.err().map(TellError::into_message),
            )
        }
        Way::Send => {
            let result = to.send(number);
            (
                format!("{result:?}"),
                result.err().map(SendError::into_message),
            )
        }
        Way::SendTimeout(time) => {
            let result = to.send_timeout(number, time);
            (
                format!("{result:?}"),
                result.err().map(SendError::into_message),
            )
        }
    };
    assert!(
        back.is_none_or(|back| back == number),
        "another message was given back"
    );
    text
}

/// Sends numbers one after the other, and answers what came of each.
struct Deal(Way, ActorRef<u64>, Vec<u64>, Reply<Vec<String>>);

fn dealer() -> Props<Deal> {
    Props::new(|| {
        Behavior::receive(|_ctx, Deal(way, to, numbers, reply)| {
            let results = numbers.iter().map(|number| send(way, to, *number));
            reply.send(results.collect());
        })
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    SameWorker,
    OtherWorker,
    Outside,
}

const PLACES: [Place; 3] = [Place::SameWorker, Place::OtherWorker, Place::Outside];

/// Sends numbers from a place to an actor of worker 0.
fn deal(
    sim: &mut Sim,
    dealers: &[ActorRef<Deal>],
    place: Place,
    way: Way,
    to: ActorRef<u64>,
    numbers: Vec<u64>,
) -> Vec<String> {
    let dealer = match place {
        Place::SameWorker => dealers[0],
        Place::OtherWorker => dealers[1],
        Place::Outside => {
            return numbers
                .iter()
                .map(|number| send(way, to, *number))
                .collect();
        }
    };
    let asked = dealer.ask(|reply| Deal(way, to, numbers, reply), LONG);
    sim.run_until(asked).unwrap()
}

fn dealers(sim: &mut Sim) -> Vec<ActorRef<Deal>> {
    let on = |sim: &mut Sim, worker, name| sim.spawn_on(worker, name, dealer()).unwrap();
    vec![on(sim, 0, "dealer-0"), on(sim, 1, "dealer-1")]
}

fn suspended(sim: &mut Sim, name: &str, props: Props<u64>) -> ActorRef<u64> {
    let actor = sim.spawn_on(0, name, props).unwrap();
    actor.suspend();
    sim.run_until_idle();
    actor
}

fn lost(letters: &DeadLetters) -> [u64; 3] {
    [
        DeadLetterReason::Full,
        DeadLetterReason::DroppedNewest,
        DeadLetterReason::DroppedOldest,
    ]
    .map(|reason| letters.count(reason))
}

// ---- the bound ----------------------------------------------------------------------------------

#[test]
fn s3_1_a_capacity_of_zero_is_refused_when_it_is_asked_for() {
    for overflow in STRATEGIES {
        assert_eq!(Mailbox::bounded(0, overflow), Err(MailboxError::NoCapacity));
    }
    assert_eq!(Mailbox::default(), Mailbox::unbounded());
    assert_eq!(bounded(3, Overflow::Fail).capacity(), Some(3));
}

/// What five messages to a mailbox of three come to that nobody empties: the results, what is
/// handled at last, and the dead letters.
fn expected(overflow: Overflow, way: Way) -> (Vec<&'static str>, Vec<u64>, [u64; 3]) {
    let refusal = match (way, overflow) {
        (Way::Tell, _) | (_, Overflow::DropOldest) => "Ok(())",
        (_, Overflow::DropNewest) => "Err(Dropped(..))",
        (Way::TryTell, _) | (_, Overflow::Fail) => "Err(Full(..))",
        (_, Overflow::Backpressure) => "Err(Timeout(..))",
    };
    let results = vec!["Ok(())", "Ok(())", "Ok(())", refusal, refusal];
    let (kept, lost) = match overflow {
        Overflow::DropNewest => (vec![0, 1, 2], [0, 2, 0]),
        Overflow::DropOldest => (vec![2, 3, 4], [0, 0, 2]),
        _ if way == Way::Tell => (vec![0, 1, 2], [2, 0, 0]),
        _ => (vec![0, 1, 2], [0; 3]),
    };
    (results, kept, lost)
}

#[test]
fn s3_2_every_strategy_tells_the_truth_in_every_way_from_every_place() {
    check(0..20, |sim| {
        let dealers = dealers(sim);
        let letters = sim.dead_letters();
        for overflow in STRATEGIES {
            for place in PLACES {
                for way in [Way::Tell, Way::TryTell, Way::SendTimeout(SECOND)] {
                    let case = format!("{overflow:?} {place:?} {way:?}");
                    let (props, log) = sink(3, overflow, Duration::ZERO);
                    let actor = suspended(sim, "actor", props);
                    let before = lost(&letters);
                    let results = deal(sim, &dealers, place, way, actor, (0..5).collect());
                    sim.run_until_idle();
                    let (expected, kept, buried) = expected(overflow, way);
                    assert_eq!(results, expected, "{case}");
                    assert_eq!(sim.pending().messages, 3, "{case}");
                    actor.resume();
                    sim.run_until_idle();
                    assert_eq!(handled(&log), kept, "{case}");
                    let after = lost(&letters);
                    let buried_now = [0, 1, 2].map(|index| after[index] - before[index]);
                    assert_eq!(buried_now, buried, "{case}");
                    actor.stop();
                    sim.run_until_idle();
                    assert_eq!(send(Way::TryTell, actor, 9), "Err(Stopped(..))", "{case}");
                    assert_eq!(send(Way::Send, actor, 9), "Err(Stopped(..))", "{case}");
                }
            }
        }
    });
}

#[test]
fn s3_2_a_question_to_a_full_mailbox_fails_at_once() {
    for overflow in [Overflow::Fail, Overflow::DropNewest, Overflow::DropOldest] {
        check(0..20, move |sim| {
            let props = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| reply.send(1)));
            let actor = sim
                .spawn("actor", props.mailbox(bounded(1, overflow)))
                .unwrap();
            actor.suspend();
            sim.run_until_idle();
            let first = actor.ask(|reply| reply, LONG);
            let second = actor.ask(|reply| reply, LONG);
            let (kept, refused) = match overflow {
                Overflow::DropOldest => (second, first),
                _ => (first, second),
            };
            assert!(matches!(
                sim.run_until(refused),
                Err(AskError::MailboxFull(_))
            ));
            assert!(sim.now() < SECOND, "it is told at once");
            actor.resume();
            assert_eq!(sim.run_until(kept), Ok(1));
        });
    }
}

#[test]
fn s3_2_all_references_to_a_bounded_actor_are_equal_and_bounded() {
    check(0..10, |sim| {
        let seen: Arc<Mutex<Option<ActorRef<u64>>>> = Arc::default();
        let told = Arc::clone(&seen);
        let props = Props::new(move || {
            let told = Arc::clone(&told);
            Behavior::receive(move |ctx, _: u64| *told.lock().unwrap() = Some(ctx.self_ref()))
        });
        let actor = sim
            .spawn("actor", props.mailbox(bounded(1, Overflow::Fail)))
            .unwrap();
        actor.tell(1);
        sim.run_until_idle();
        let itself = seen.lock().unwrap().unwrap();
        let found = sim.lookup::<u64>("/user/actor").unwrap();
        assert!(actor == itself && actor == found);
        assert_eq!((actor.id(), actor.id()), (itself.id(), found.id()));
        actor.suspend();
        sim.run_until_idle();
        assert_eq!(send(Way::TryTell, itself, 1), "Ok(())");
        assert_eq!(send(Way::TryTell, found, 1), "Err(Full(..))");
        assert_eq!(send(Way::TryTell, itself, 1), "Err(Full(..))");
    });
}

#[test]
fn s3_1_restarting_and_becoming_keep_the_mailbox_and_its_bound() {
    check(SEEDS, |sim| {
        let log = Handled::default();
        let written = Arc::clone(&log);
        fn after(log: Handled) -> Behavior<u64> {
            Behavior::receive(move |_ctx, number| {
                log.lock().unwrap().push(number);
                match number {
                    10 => Ok(Next::Become(after(Arc::clone(&log)))),
                    20 => Err(nexus_actors::BoxError::from("planned")),
                    _ => Ok(Next::Same),
                }
            })
        }
        let props = Props::new(move || {
            after(Arc::clone(&written)).supervise(SupervisorStrategy::one_for_one())
        });
        let props = props.mailbox(bounded(2, Overflow::Backpressure));
        let actor = sim.spawn("actor", props).unwrap();
        let numbers = [10, 1, 20, 2, 10, 20, 3, 4];
        for number in numbers {
            assert_eq!(send(Way::Send, actor, number), "Ok(())");
        }
        sim.run_until_idle();
        assert_eq!(
            handled(&log),
            numbers,
            "only the failing ones are not retried"
        );
        actor.suspend();
        sim.run_until_idle();
        let results = [5, 6, 7].map(|number| send(Way::TryTell, actor, number));
        assert_eq!(
            results,
            ["Ok(())", "Ok(())", "Err(Full(..))"],
            "every place was freed"
        );
    });
}

// ---- backpressure -------------------------------------------------------------------------------

/// Whether each sender's numbers came in order, each once. A sender's begin with its thousands.
fn assert_in_order(numbers: &[u64], senders: u64, each: u64) {
    for sender in 0..senders {
        let own = |number: &&u64| **number / 1000 == sender;
        let own: Vec<u64> = numbers
            .iter()
            .filter(own)
            .map(|number| number % 1000)
            .collect();
        assert_eq!(own, (0..each).collect::<Vec<_>>(), "sender {sender}");
    }
}

#[test]
fn s3_3_with_backpressure_everything_arrives_once_and_in_order() {
    for (capacity, pause) in [(1, 0), (3, 50), (16, 0)] {
        check(0..30, move |sim| {
            let pause = Duration::from_micros(pause);
            let (props, log) = sink(capacity, Overflow::Backpressure, pause);
            let actor = sim.spawn_on(0, "actor", props).unwrap();
            let mut asks = Vec::new();
            for sender in 0..4_u64 {
                let (worker, name) = (sender as usize % 2, format!("dealer-{sender}"));
                let dealer = sim.spawn_on(worker, &name, dealer()).unwrap();
                let numbers: Vec<u64> = (0..40).map(|number| sender * 1000 + number).collect();
                asks.push(dealer.ask(|reply| Deal(Way::Send, actor, numbers, reply), LONG));
            }
            for number in 0..40 {
                assert_eq!(send(Way::Send, actor, 4000 + number), "Ok(())");
                assert!(
                    sim.pending().messages <= capacity as u64 + 4,
                    "asks, and the bound"
                );
            }
            for ask in asks {
                let results = sim.run_until(ask).unwrap();
                assert!(results.iter().all(|result| result == "Ok(())"));
            }
            sim.run_for(SECOND);
            assert_in_order(&handled(&log), 5, 40);
            assert_eq!(sim.stats().dead_letters, 0);
        });
    }
}

#[test]
fn s3_3_who_waits_first_is_let_in_first_and_nobody_overtakes() {
    check(SEEDS, |sim| {
        let (props, log) = sink(1, Overflow::Backpressure, Duration::ZERO);
        let actor = suspended(sim, "actor", props);
        actor.tell(0);
        sim.run_for(SECOND);
        let mut asks = Vec::new();
        for number in 1..=6_u64 {
            let worker = number as usize % 2;
            let dealer = sim
                .spawn_on(worker, &format!("dealer-{number}"), dealer())
                .unwrap();
            asks.push(dealer.ask(|reply| Deal(Way::Send, actor, vec![number], reply), LONG));
            sim.run_for(SECOND);
        }
        actor.resume();
        for ask in asks {
            assert_eq!(sim.run_until(ask).unwrap(), ["Ok(())"]);
        }
        sim.run_until_idle();
        assert_eq!(handled(&log), [0, 1, 2, 3, 4, 5, 6]);
    });
}

#[test]
fn s3_3_who_waits_is_let_in_before_those_who_do_not() {
    check(SEEDS, |sim| {
        let (props, log) = sink(2, Overflow::Backpressure, SECOND);
        let actor = sim.spawn_on(0, "actor", props).unwrap();
        let dealers = dealers(sim);
        // One is handled for a second, two wait in the mailbox, one at the door.
        actor.tell(0);
        sim.run_until_idle();
        (1..=2).for_each(|number| actor.tell(number));
        let waits = dealers[1].ask(|reply| Deal(Way::Send, actor, vec![3], reply), LONG);
        sim.run_until_idle();
        assert_eq!(send(Way::TryTell, actor, 9), "Err(Full(..))");
        assert_eq!(sim.run_until(waits).unwrap(), ["Ok(())"]);
        sim.run_for(10 * SECOND);
        assert_eq!(handled(&log), [0, 1, 2, 3]);
    });
}

#[test]
fn s3_3_a_deadline_is_kept_and_gives_the_message_back() {
    for place in PLACES {
        check(SEEDS, move |sim| {
            sim.be_orderly();
            let (props, log) = sink(1, Overflow::Backpressure, Duration::ZERO);
            let actor = suspended(sim, "actor", props);
            let dealers = dealers(sim);
            actor.tell(0);
            sim.run_until_idle();
            let began = sim.now();
            let way = Way::SendTimeout(5 * SECOND);
            let result = deal(sim, &dealers, place, way, actor, vec![1]);
            assert_eq!(result, ["Err(Timeout(..))"]);
            assert_eq!(sim.now() - began, 5 * SECOND, "{place:?}");
            actor.resume();
            sim.run_until_idle();
            assert_eq!(handled(&log), [0]);
        });
    }
}

#[test]
fn s3_3_a_sender_that_gives_up_leaves_its_place_to_others() {
    check(0..100, |sim| {
        // Room comes about when the senders give up.
        let (props, log) = sink(2, Overflow::Backpressure, Duration::from_micros(40));
        let actor = sim.spawn_on(0, "actor", props).unwrap();
        let mut asks = Vec::new();
        for sender in 0..6_u64 {
            let worker = sender as usize % 2;
            let dealer = sim
                .spawn_on(worker, &format!("dealer-{sender}"), dealer())
                .unwrap();
            let way = Way::SendTimeout(Duration::from_micros(20 + 15 * sender));
            let numbers = (0..10).map(|number| sender * 1000 + number).collect();
            asks.push(dealer.ask(|reply| Deal(way, actor, numbers, reply), LONG));
        }
        let mut sent = 0;
        for ask in asks {
            let results = sim.run_until(ask).unwrap();
            sent += results.iter().filter(|result| *result == "Ok(())").count();
        }
        sim.run_for(SECOND);
        assert_eq!(
            handled(&log).len(),
            sent,
            "what was accepted is handled, and nothing else"
        );
        actor.suspend();
        sim.run_until_idle();
        let results = [1, 2, 3].map(|number| send(Way::TryTell, actor, number));
        assert_eq!(
            results,
            ["Ok(())", "Ok(())", "Err(Full(..))"],
            "no place was lost or made"
        );
        assert_eq!(sim.stats().late_replies, 0, "room is no reply");
    });
}

#[test]
fn s3_3_a_full_mailbox_holds_up_its_senders_only() {
    check(SEEDS, |sim| {
        let (props, _log) = sink(1, Overflow::Backpressure, Duration::ZERO);
        let actor = suspended(sim, "actor", props);
        actor.tell(0);
        let dealers = dealers(sim);
        let asks: Vec<_> = dealers
            .iter()
            .map(|dealer| dealer.ask(|reply| Deal(Way::Send, actor, vec![1], reply), LONG))
            .collect();
        sim.run_until_idle();
        for worker in 0..2 {
            let echo = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| reply.send(7)));
            let echo = sim
                .spawn_on(worker, &format!("echo-{worker}"), echo)
                .unwrap();
            assert_eq!(echo.ask(|reply| reply, SECOND).wait(), Ok(7));
        }
        actor.resume();
        for ask in asks {
            assert_eq!(sim.run_until(ask).unwrap(), ["Ok(())"]);
        }
    });
}

#[test]
fn s3_3_who_waits_is_told_at_once_when_the_actor_ends() {
    type End = fn(ActorRef<u64>);
    let ends: [End; 2] = [ActorRef::stop, ActorRef::kill];
    for (place, end) in PLACES
        .into_iter()
        .flat_map(|place| ends.map(|end| (place, end)))
    {
        check(0..30, move |sim| {
            let (props, log) = sink(1, Overflow::Backpressure, Duration::ZERO);
            let actor = suspended(sim, "actor", props);
            let dealers = dealers(sim);
            actor.tell(0);
            sim.schedule(SECOND, move || end(actor));
            sim.schedule(2 * SECOND, move || actor.resume());
            let began = sim.now();
            let result = deal(sim, &dealers, place, Way::Send, actor, vec![1]);
            assert_eq!(result, ["Err(Stopped(..))"]);
            assert!(
                sim.now() - began < 2 * SECOND,
                "before it has handled its mail"
            );
            sim.run_for(5 * SECOND);
            assert!(handled(&log).len() <= 1);
        });
    }
}

#[test]
fn s3_3_a_forced_end_leaves_nobody_waiting() {
    check(SEEDS, |sim| {
        let (props, _log) = sink(1, Overflow::Backpressure, Duration::ZERO);
        let actor = suspended(sim, "actor", props);
        let dealers = dealers(sim);
        actor.tell(0);
        let asks: Vec<_> = dealers
            .iter()
            .map(|dealer| dealer.ask(|reply| Deal(Way::Send, actor, vec![1, 2], reply), LONG))
            .collect();
        sim.run_until_idle();
        sim.shutdown(Duration::ZERO);
        asks.into_iter().for_each(|ask| drop(ask.wait()));
    });
}

#[test]
fn s3_3_to_wait_for_room_in_ones_own_mailbox_fails_at_once() {
    check(SEEDS, |sim| {
        let results: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&results);
        let props = Props::new(move || {
            let noted = Arc::clone(&noted);
            Behavior::receive(move |ctx, number: u64| {
                if number == 0 {
                    let own = ctx.self_ref();
                    let sent = [1, 2].map(|number| send(Way::Send, own, number));
                    noted.lock().unwrap().extend(sent);
                }
            })
        });
        let props = props.mailbox(bounded(1, Overflow::Backpressure));
        sim.spawn("actor", props).unwrap().tell(0);
        sim.run_until_idle();
        assert_eq!(*results.lock().unwrap(), ["Ok(())", "Err(Full(..))"]);
    });
}

// ---- the system's lane --------------------------------------------------------------------------

#[test]
fn s3_4_orders_and_signals_pass_a_full_mailbox() {
    check(SEEDS, |sim| {
        let told: Arc<Mutex<Vec<TerminationReason>>> = Arc::default();
        let (props, log) = sink(1, Overflow::Fail, Duration::ZERO);
        let stopped = suspended(sim, "stopped", props.clone());
        let killed = suspended(sim, "killed", props);
        for actor in [stopped, killed] {
            actor.tell(1);
            assert_eq!(send(Way::TryTell, actor, 2), "Err(Full(..))");
        }
        let noted = Arc::clone(&told);
        let watcher = Props::new(move || {
            let noted = Arc::clone(&noted);
            Behavior::setup(move |ctx| {
                ctx.watch(stopped);
                ctx.watch(killed);
                Ok(
                    Behavior::receive(|_ctx, _: u8| ()).on_signal(move |_ctx, signal| {
                        if let Signal::Terminated { reason, .. } = signal {
                            noted.lock().unwrap().push(*reason);
                        }
                    }),
                )
            })
        });
        sim.spawn("watcher", watcher).unwrap();
        killed.kill();
        sim.run_until_idle();
        assert_eq!(*told.lock().unwrap(), [TerminationReason::Killed]);
        stopped.stop();
        stopped.resume();
        sim.run_until_idle();
        assert_eq!(
            told.lock().unwrap().last(),
            Some(&TerminationReason::Stopped)
        );
        assert_eq!(handled(&log), [1], "a stop keeps its place behind the mail");
    });
}

// ---- faults -------------------------------------------------------------------------------------

#[test]
fn s3_2_a_fault_keeps_a_mailbox_full_for_a_while() {
    for overflow in STRATEGIES {
        check(0..30, move |sim| {
            let (since, until) = (5 * SECOND, 10 * SECOND);
            sim.inject(Fault::full_mailbox("/user/actor", since, until))
                .unwrap();
            let (props, log) = sink(5, overflow, Duration::ZERO);
            let actor = sim.spawn_on(0, "actor", props).unwrap();
            sim.run_for(SECOND);
            assert_eq!(send(Way::TryTell, actor, 1), "Ok(())");
            sim.run_for(6 * SECOND - sim.now());
            let refused = match overflow {
                Overflow::DropNewest => "Err(Dropped(..))",
                Overflow::DropOldest => "Ok(())",
                _ => "Err(Full(..))",
            };
            assert_eq!(send(Way::TryTell, actor, 2), refused);
            if overflow == Overflow::Backpressure {
                assert_eq!(send(Way::Send, actor, 3), "Ok(())");
                assert!(
                    (until..until + SECOND).contains(&sim.now()),
                    "{:?}",
                    sim.now()
                );
            }
            sim.run_for(12 * SECOND - sim.now());
            assert_eq!(send(Way::TryTell, actor, 4), "Ok(())");
            sim.run_until_idle();
            let kept = match overflow {
                Overflow::Backpressure => vec![1, 3, 4],
                _ => vec![1, 4],
            };
            assert_eq!(handled(&log), kept);
        });
    }
}

#[test]
fn s7_2_nothing_is_unaccounted_for_under_kills_failures_and_lost_patience() {
    check(SEEDS, |sim| {
        let (props, _log) = sink(2, Overflow::Backpressure, Duration::from_micros(30));
        let ends = match sim.seed() % 2 {
            0 => Fault::panic("/user/actor", 5),
            _ => Fault::kill("/user/actor", 5),
        };
        sim.inject(ends).unwrap();
        let actor = sim.spawn_on(0, "actor", props).unwrap();
        let mut asks = Vec::new();
        for sender in 0..6_u64 {
            let worker = sender as usize % 2;
            let dealer = sim
                .spawn_on(worker, &format!("dealer-{sender}"), dealer())
                .unwrap();
            let way = [
                Way::Tell,
                Way::Send,
                Way::SendTimeout(Duration::from_micros(100)),
            ];
            let (way, numbers) = (way[sender as usize / 2], (0..10).collect());
            asks.push(dealer.ask(|reply| Deal(way, actor, numbers, reply), LONG));
        }
        for ask in asks {
            sim.run_until(ask).unwrap();
        }
    });
}

// ---- threads ------------------------------------------------------------------------------------

#[test]
fn s3_3_threads_and_handlers_wait_for_room_and_lose_nothing() {
    const EACH: u64 = 500;
    for capacity in [1, 16] {
        with_pools(|pool| {
            let (props, log) = sink(capacity, Overflow::Backpressure, Duration::ZERO);
            let actor = pool.spawn("actor", props).unwrap();
            let mut asks = Vec::new();
            for sender in 0..4_u64 {
                let worker = sender as usize % pool.workers();
                let dealer = pool
                    .spawn_on(worker, &format!("dealer-{sender}"), dealer())
                    .unwrap();
                let numbers = (0..EACH).map(|number| sender * 1000 + number).collect();
                asks.push(dealer.ask(|reply| Deal(Way::Send, actor, numbers, reply), NEVER));
            }
            thread::scope(|scope| {
                for sender in 4..8_u64 {
                    scope.spawn(move || {
                        for number in 0..EACH {
                            let number = sender * 1000 + number;
                            assert_eq!(send(Way::Send, actor, number), "Ok(())");
                        }
                    });
                }
            });
            for ask in asks {
                assert!(ask.wait().unwrap().iter().all(|result| result == "Ok(())"));
            }
            while log.lock().unwrap().len() < 8 * EACH as usize {
                thread::yield_now();
            }
            assert_in_order(&handled(&log), 8, EACH);
            assert_eq!(pool.stats().dead_letters, 0);
        });
    }
}

#[test]
fn s3_2_what_try_tell_accepts_is_handled_and_nothing_else() {
    for overflow in [Overflow::Fail, Overflow::DropNewest, Overflow::Backpressure] {
        with_pools(|pool| {
            let (props, log) = sink(8, overflow, Duration::ZERO);
            let actor = pool.spawn("actor", props).unwrap();
            let accepted = AtomicUsize::new(0);
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        for number in 0..2000 {
                            if actor.try_tell(number).is_ok() {
                                accepted.fetch_add(1, Relaxed);
                            }
                        }
                    });
                }
            });
            while log.lock().unwrap().len() < accepted.load(Relaxed) {
                thread::yield_now();
            }
            actor.stop();
            while pool.lookup::<u64>("/user/actor").is_ok() {
                thread::yield_now();
            }
            assert_eq!(log.lock().unwrap().len(), accepted.load(Relaxed));
            let dropped = pool.dead_letters().count(DeadLetterReason::DroppedNewest);
            let refused = 6000 - accepted.load(Relaxed) as u64;
            let expected = if overflow == Overflow::DropNewest {
                refused
            } else {
                0
            };
            assert_eq!(dropped, expected);
        });
    }
}

#[test]
fn s3_3_threads_that_wait_are_told_when_the_actor_ends() {
    with_pools(|pool| {
        let (props, _log) = sink(1, Overflow::Backpressure, Duration::ZERO);
        let actor = pool.spawn("actor", props).unwrap();
        actor.suspend();
        while actor.try_tell(0).is_ok() {}
        let waits = thread::spawn(move || send(Way::Send, actor, 1));
        let gives_up = send(Way::SendTimeout(Duration::from_millis(20)), actor, 2);
        assert!(gives_up == "Err(Timeout(..))" || gives_up == "Ok(())");
        actor.kill();
        let told = waits.join().unwrap();
        assert!(told == "Err(Stopped(..))" || told == "Ok(())", "{told}");
    });
}

#[test]
fn s3_3_handlers_wait_for_room_in_another_pool() {
    with_pools(|pool| {
        with_pool(pool_of(2), |other| {
            let (props, log) = sink(2, Overflow::Backpressure, Duration::ZERO);
            let actor = other.spawn_on(1, "actor", props).unwrap();
            let dealer = pool.spawn("dealer", dealer()).unwrap();
            let numbers: Vec<u64> = (0..300).collect();
            let sent = numbers.clone();
            let results = dealer.ask(|reply| Deal(Way::Send, actor, sent, reply), NEVER);
            assert!(
                results
                    .wait()
                    .unwrap()
                    .iter()
                    .all(|result| result == "Ok(())")
            );
            while log.lock().unwrap().len() < 300 {
                thread::yield_now();
            }
            assert_eq!(handled(&log), numbers);
        });
    });
}

#[test]
fn s3_3_a_shutdown_tells_threads_and_handlers_that_wait() {
    for workers in SIZES {
        let _watchdog = watchdog();
        let pool = pool_of(workers).start().unwrap();
        let (props, _log) = sink(1, Overflow::Backpressure, Duration::ZERO);
        let actor = pool.spawn("actor", props).unwrap();
        actor.suspend();
        while actor.try_tell(0).is_ok() {}
        let dealer = pool.spawn("dealer", dealer()).unwrap();
        let asked = dealer.ask(|reply| Deal(Way::Send, actor, vec![1], reply), NEVER);
        let waits = thread::spawn(move || send(Way::Send, actor, 2));
        thread::sleep(Duration::from_millis(20));
        pool.shutdown(Duration::from_millis(100)).unwrap();
        let told = ["Err(Stopped(..))", "Err(PoolClosed(..))", "Ok(())"];
        assert!(told.contains(&waits.join().unwrap().as_str()));
        if let Ok(results) = asked.wait() {
            assert!(told.contains(&results[0].as_str()), "{results:?}");
        }
    }
}

/// Too large to lie in a batch, and strictly aligned.
#[repr(align(64))]
struct Large([u8; 500]);

#[test]
fn s3_3_large_messages_wait_for_room_too() {
    check(0..20, |sim| {
        let sum = Arc::new(AtomicUsize::new(0));
        for overflow in [Overflow::Backpressure, Overflow::DropOldest] {
            let counted = Arc::clone(&sum);
            let props = Props::new(move || {
                let sum = Arc::clone(&counted);
                Behavior::receive(move |ctx, large: Large| {
                    assert!(ctx.mailbox_len() <= 2);
                    sum.fetch_add(usize::from(large.0[499]), Relaxed);
                })
            });
            let name = format!("{overflow:?}");
            let actor = sim
                .spawn_on(0, &name, props.mailbox(bounded(2, overflow)))
                .unwrap();
            let sender = Props::new(move || {
                Behavior::receive(move |_ctx, reply: Reply<usize>| {
                    let sent = (0..20).filter(|_| actor.send(Large([1; 500])).is_ok());
                    reply.send(sent.count());
                })
            });
            let sender = sim.spawn_on(1, &format!("to-{name}"), sender).unwrap();
            assert_eq!(sender.ask(|reply| reply, LONG).wait(), Ok(20));
            sim.run_until_idle();
            let evicted = sim.dead_letters().count(DeadLetterReason::DroppedOldest);
            let handled = sum.swap(0, Relaxed);
            match overflow {
                Overflow::Backpressure => assert_eq!((handled, evicted), (20, 0)),
                _ => assert_eq!(handled + usize::try_from(evicted).unwrap(), 20),
            }
        }
    });
}
