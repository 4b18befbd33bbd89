//! Asks by the driving thread, by other threads and by handlers.

use super::{Count, SHORT, counter, end, mute, sleeper, system, with_system};
use crate::common::*;
use nexus_actors::DeadLetterReason;
use nexus_actors::all;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn s1_5_a_handler_of_a_pool_asks_an_actor_of_a_system() {
    with_system(ActorSystem::builder(), |system| {
        let ours = system.spawn("ours", echo(|| 7)).unwrap();
        let pool = pool_of(1).start().unwrap();
        let node = system.node();
        let asker = pool.spawn(
            "asker",
            Props::new(move || {
                let node = node.clone();
                Behavior::receive(move |_ctx, ()| {
                    assert_eq!(ours.ask(|reply| reply, SOON).wait(), Ok(7));
                    node.request_shutdown(SOON);
                })
            }),
        );
        asker.unwrap().tell(());
        system.run_until_shutdown();
        finish(&pool, SOON);
        assert_eq!(system.stats().handled(), 1);
    });
}

#[test]
fn s5_2_a_reply_dropped_unanswered_ends_the_ask_at_once() {
    with_system(ActorSystem::builder(), |system| {
        let props = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| drop(reply)));
        let forgetful = system.spawn("forgetful", props).unwrap();
        let answer = forgetful.ask(|reply| reply, NEVER).wait();
        assert!(matches!(answer, Err(AskError::NoReply(_))));
    });
}

#[test]
fn s5_3_a_circle_of_asks_ends_by_its_time_out() {
    type Round = (u8, Reply<bool>);
    with_system(ActorSystem::builder(), |system| {
        let node = system.node();
        let asks = |other: &'static str| {
            let node = node.clone();
            Props::new(move || {
                let node = node.clone();
                Behavior::receive(move |_ctx, (left, reply): Round| {
                    if left > 0 {
                        let other = node.lookup::<Round>(other)?;
                        let answer = other.ask(|reply| (left - 1, reply), SHORT).wait();
                        reply.send(matches!(answer, Err(AskError::Timeout(_))));
                    }
                    Ok(())
                })
            })
        };
        let a = system.spawn("a", asks("/user/b")).unwrap();
        system.spawn("b", asks("/user/a")).unwrap();
        let answer = a.ask(|reply| (2, reply), NEVER).wait();
        assert_eq!(answer, Ok(true));
        system.run();
        assert!(system.waiting().is_empty(), "{:?}", system.waiting());
    });
}

#[test]
fn s5_1_several_asks_of_the_driving_thread_run_at_once() {
    with_system(ActorSystem::builder(), |system| {
        let sleepers: Vec<_> = (0..100)
            .map(|_| system.spawn_anonymous(sleeper(SHORT)).unwrap())
            .collect();
        let start = Instant::now();
        let asked: Vec<_> = sleepers
            .iter()
            .map(|sleeper| sleeper.ask(|reply| reply, NEVER))
            .collect();
        for ask in asked.into_iter().rev() {
            ask.wait().unwrap();
        }
        assert!(start.elapsed() < SHORT * 50, "{:?}", start.elapsed());
    });
}

#[test]
fn s5_3_a_late_reply_is_counted_and_not_delivered() {
    with_system(ActorSystem::builder(), |system| {
        let sleeper = system.spawn("sleeper", sleeper(SHORT)).unwrap();
        let answer = sleeper.ask(|reply| reply, SHORT / 4).wait();
        assert_eq!(answer.unwrap_err().kind(), AskErrorKind::Timeout);
        // Withdrawn before its turn has come.
        drop(sleeper.ask(|reply| reply, NEVER));
        system.run();
        assert_eq!(system.stats().late_replies, 1);
        let letters = system.dead_letters();
        assert_eq!(letters.count(DeadLetterReason::Cancelled), 1);
        assert!(sleeper.ask(|reply| reply, NEVER).wait().is_ok());
    });
}

#[test]
fn s5_2_a_reply_of_a_thread_wakes_the_driver() {
    with_system(ActorSystem::builder(), |system| {
        let (give, replies) = mpsc::channel::<Reply<u8>>();
        let props = Props::new(move || {
            let give = give.clone();
            Behavior::receive(move |_ctx, reply| give.send(reply).unwrap())
        });
        let keeper = system.spawn("keeper", props).unwrap();
        let answering = thread::spawn(move || {
            for number in 0..20 {
                let reply = replies.recv().unwrap();
                thread::sleep(Duration::from_millis(2));
                reply.send(number);
            }
        });
        let start = Instant::now();
        for number in 0..20 {
            assert_eq!(keeper.ask(|reply| reply, NEVER).wait(), Ok(number));
        }
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        answering.join().unwrap();
    });
}

#[test]
fn s5_8_an_ask_under_way_ends_when_another_thread_shuts_the_system_down() {
    let _watchdog = watchdog();
    let system = system();
    let mute = system.spawn("mute", mute::<u8>()).unwrap();
    let node = system.node();
    let stopper = thread::spawn(move || {
        thread::sleep(SHORT);
        node.request_shutdown(SOON);
    });
    let answer = mute.ask(|reply| reply, NEVER).wait();
    assert!(matches!(answer, Err(AskError::TargetStopped(_))));
    stopper.join().unwrap();
    end(&system);
}

#[test]
fn s5_5_a_flood_from_outside_keeps_no_answer_from_the_driver() {
    with_system(ActorSystem::builder(), |system| {
        let [flooded, quiet] =
            ["flooded", "quiet"].map(|name| system.spawn(name, counter()).unwrap());
        let over = Arc::new(AtomicBool::new(false));
        let flood = thread::spawn({
            let over = Arc::clone(&over);
            move || {
                while !over.load(SeqCst) {
                    flooded.tell(Count::Add(1));
                    thread::yield_now();
                }
            }
        });
        for _ in 0..1_000 {
            assert_eq!(quiet.ask(Count::Get, SOON).wait(), Ok(0));
        }
        over.store(true, SeqCst);
        flood.join().unwrap();
    });
}

#[test]
fn s5_5_ten_thousand_handlers_wait_at_once() {
    with_system(ActorSystem::builder(), |system| {
        let gate = system.spawn("gate", mute::<u8>()).unwrap();
        let asker = Props::new(move || {
            Behavior::receive(move |_ctx, ()| drop(gate.ask(|reply| reply, NEVER).wait()))
        });
        for _ in 0..10_000 {
            system.spawn_anonymous(asker.clone()).unwrap().tell(());
        }
        system.run_until_idle();
        assert_eq!(system.waiting().len(), 10_000);
        gate.stop();
        system.run();
        assert!(system.waiting().is_empty());
    });
}

#[test]
fn s5_6_a_cycle_through_several_asks_at_once_ends_while_the_thread_has_nothing_else_to_do() {
    type Answer = Reply<bool>;
    let is_deadlock = |error: &AskError| error.kind() == AskErrorKind::Deadlock;
    with_system(ActorSystem::builder(), |system| {
        let node = system.node();
        let one = Props::new(move || {
            let node = node.clone();
            Behavior::receive(move |_ctx, reply: Answer| {
                let ask = |name| node.lookup::<Answer>(name).map(|it| it.ask(|it| it, SOON));
                let both =
                    all([ask("/user/other")?, ask("/user/quick")?]).wait_on_behalf_of(&reply);
                reply.send(both.map_or_else(|error| is_deadlock(&error), |[other, _]| other));
                Ok(())
            })
        });
        let one = system.spawn("one", one).unwrap();
        let other = Props::new(move || {
            Behavior::receive(move |_ctx, reply: Answer| {
                let answer = one.ask(|it| it, SOON).wait_on_behalf_of(&reply);
                reply.send(answer.is_err_and(|error| is_deadlock(&error)));
            })
        });
        system.spawn("other", other).unwrap();
        system.spawn("quick", echo(|| true)).unwrap();
        assert_eq!(one.ask(|it| it, SOON * 2).wait(), Ok(true));
    });
}
