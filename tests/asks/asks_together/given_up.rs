//! Asks that are given up, and how the actor that was asked learns of it.

use super::{HOUR, Job, SEEDS, ms, runner, worker};
use crate::common::with_pools;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{ActorSystem, DeadLetterReason};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskCx, Poll, Waker};
use std::time::Duration;

/// Whether the asker has given up, and how long it still waits if not.
type Look = (bool, Option<Duration>);

#[test]
fn s5_4_a_question_whose_asker_has_given_up_is_not_handled() {
    for (asker, target) in [(0, 0), (0, 1)] {
        Sim::builder().workers(2).check(SEEDS, |sim| {
            let handled = Arc::default();
            let busy = sim.spawn_on(target, "busy", worker(&handled)).unwrap();
            let runner = sim.spawn_on(asker, "runner", runner()).unwrap();
            busy.tell(Job::Sleep(ms(500)));
            sim.run_for(ms(1));
            runner.tell(Box::new(move || {
                let dropped = busy.ask(|reply| Job::After(ms(0), 1, reply), HOUR);
                let kept = busy.ask(|reply| Job::After(ms(0), 2, reply), HOUR);
                let expires = busy.ask(|reply| Job::After(ms(0), 3, reply), ms(20));
                dropped.cancel();
                assert_eq!(expires.wait().unwrap_err().kind(), AskErrorKind::Timeout);
                assert_eq!(kept.wait(), Ok(2));
            }));
            let late = busy.ask(|reply| Job::After(ms(0), 4, reply), HOUR);
            sim.run_for(ms(1000));
            assert_eq!(late.wait(), Ok(4));
            let mut handled = handled.lock().unwrap();
            handled.sort_unstable();
            assert_eq!(*handled, [2, 4]);
            let letters = sim.dead_letters();
            assert_eq!(letters.count(DeadLetterReason::Cancelled), 1);
            assert_eq!(letters.count(DeadLetterReason::Expired), 1);
            assert_eq!(sim.stats().late_replies, 0);
            let stats = sim.stats();
            assert_eq!(
                stats.sent(),
                stats.handled() + stats.dead_letters,
                "conserved"
            );
        });
    }
}

#[test]
fn s5_4_a_thread_that_gives_up_takes_its_question_back() {
    with_pools(|pool| {
        let handled = Arc::default();
        let busy = pool.spawn_on(0, "busy", worker(&handled)).unwrap();
        busy.tell(Job::Sleep(ms(50)));
        let dropped = busy.ask(|reply| Job::After(ms(0), 1, reply), HOUR);
        let expires = busy.ask(|reply| Job::After(ms(0), 2, reply), ms(1));
        drop(dropped);
        assert_eq!(expires.wait().unwrap_err().kind(), AskErrorKind::Timeout);
        let kept = busy.ask(|reply| Job::After(ms(0), 3, reply), HOUR);
        assert_eq!(kept.wait(), Ok(3));
        // If the sleep ended earlier, they may have been handled.
        let (handled, letters) = (handled.lock().unwrap().len() as u64, pool.dead_letters());
        let taken_back =
            letters.count(DeadLetterReason::Cancelled) + letters.count(DeadLetterReason::Expired);
        assert_eq!(handled + taken_back, 3);
    });
}

#[test]
fn s5_4_a_handler_can_see_that_the_asker_has_given_up() {
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(SEEDS, |sim| {
            let seen: Arc<Mutex<Vec<Look>>> = Arc::default();
            let log = Arc::clone(&seen);
            let looking = Props::new(move || {
                let log = Arc::clone(&log);
                Behavior::receive(move |ctx, reply: Reply<()>| {
                    for _ in 0..2 {
                        log.lock()
                            .unwrap()
                            .push((reply.is_cancelled(), reply.time_left()));
                        ctx.sleep(ms(100))?;
                    }
                    drop(reply);
                    Ok(())
                })
            });
            let looking = sim.spawn_on(workers - 1, "looking", looking).unwrap();
            let runner = sim.spawn_on(0, "runner", runner()).unwrap();
            for timeout in [ms(60), HOUR] {
                runner.tell(Box::new(move || {
                    let asked = looking.ask(|reply| reply, timeout);
                    let other = looking.ask(|reply| reply, ms(50));
                    let _ = other.wait();
                    drop(asked);
                }));
                sim.run_for(ms(1000));
            }
            let seen = seen.lock().unwrap();
            let cancelled: Vec<_> = seen.iter().map(|(cancelled, _)| *cancelled).collect();
            assert_eq!(cancelled, [false, true, false, true]);
            let (first, second) = (seen[0].1.unwrap(), seen[2].1.unwrap());
            assert!(first > ms(40) && first <= ms(60), "{first:?}");
            assert!(second > HOUR - ms(100) && second <= HOUR, "{second:?}");
            assert_eq!(seen[1].1, Some(Duration::ZERO));
        });
    }
}

#[test]
fn s5_4_an_ask_is_given_up_wherever_it_is_dropped() {
    /// The worker on which it is dropped, and whether it was polled there.
    const WAYS: [(Option<usize>, bool); 6] = [
        (None, false),
        (Some(0), false),
        (Some(1), false),
        (None, true),
        (Some(0), true),
        (Some(1), true),
    ];
    for (begun_on, (place, polled)) in [0, 1].into_iter().flat_map(|on| WAYS.map(|way| (on, way))) {
        if place.is_none() && polled {
            continue; // outside, a poll waits for the answer
        }
        Sim::builder().workers(2).check(0..30, |sim| {
            let handled = Arc::default();
            let busy = sim.spawn_on(0, "busy", worker(&handled)).unwrap();
            let runners = [0, 1].map(|worker| {
                let name = format!("runner-{worker}");
                sim.spawn_on(worker, &name, runner()).unwrap()
            });
            busy.tell(Job::Sleep(ms(500)));
            // Others wait in the same slots of each worker.
            let others: Arc<Mutex<Vec<u64>>> = Arc::default();
            let asked: Arc<Mutex<Option<Ask<u64>>>> = Arc::default();
            let given = Arc::clone(&asked);
            let begin = move || {
                let asked = busy.ask(|reply| Job::After(ms(0), 1, reply), HOUR);
                *given.lock().unwrap() = Some(asked);
            };
            let mut begin: Option<Box<dyn FnOnce() + Send>> = Some(Box::new(begin));
            for (worker, runner) in runners.iter().enumerate() {
                if worker == begun_on {
                    runner.tell(begin.take().unwrap());
                }
                for number in [2, 3] {
                    let others = Arc::clone(&others);
                    let waits = Props::new(move || {
                        let others = Arc::clone(&others);
                        Behavior::receive(move |_ctx, ()| {
                            let asked = busy.ask(|reply| Job::After(ms(0), number, reply), HOUR);
                            let answer = asked.wait();
                            others.lock().unwrap().extend(answer);
                        })
                    });
                    let name = format!("waits-{worker}-{number}");
                    sim.spawn_on(worker, &name, waits).unwrap().tell(());
                }
            }
            sim.run_for(ms(1));
            let dropped = Arc::clone(&asked);
            let drop_it = move || {
                let mut asked = dropped.lock().unwrap().take().unwrap();
                if polled {
                    let mut cx = TaskCx::from_waker(Waker::noop());
                    assert!(Pin::new(&mut asked).poll(&mut cx).is_pending());
                }
            };
            match place {
                None => drop_it(),
                Some(worker) => runners[worker].tell(Box::new(drop_it)),
            }
            sim.run_for(ms(1000));
            let mut others = others.lock().unwrap().clone();
            others.sort_unstable();
            assert_eq!(others, [2, 2, 3, 3]);
            assert!(!handled.lock().unwrap().contains(&1));
            assert_eq!(sim.dead_letters().count(DeadLetterReason::Cancelled), 1);
        });
    }
}

#[test]
fn s5_1_a_driver_waits_for_asks_that_were_begun_on_any_worker() {
    for (polled, moved) in [(true, true), (true, false), (false, true), (false, false)] {
        Sim::builder().workers(2).check(0..30, |sim| {
            let busy = sim.spawn_on(0, "busy", worker(&Arc::default())).unwrap();
            let runners = [0, 1].map(|number| {
                let name = format!("runner-{number}");
                sim.spawn_on(number, &name, runner()).unwrap()
            });
            for number in [0, 1] {
                let asked: Arc<Mutex<Option<Ask<u64>>>> = Arc::default();
                let given = Arc::clone(&asked);
                runners[number].tell(Box::new(move || {
                    let asked = busy.ask(|reply| Job::After(ms(5), number as u64, reply), HOUR);
                    *given.lock().unwrap() = Some(asked);
                }));
                sim.run_for(ms(1));
                let mut cx = TaskCx::from_waker(Waker::noop());
                if moved {
                    // The outcome is on its way to the worker where it was awaited before.
                    let asked = Arc::clone(&asked);
                    runners[1 - number].tell(Box::new(move || {
                        let mut cx = TaskCx::from_waker(Waker::noop());
                        let mut asked = asked.lock().unwrap();
                        assert!(Pin::new(asked.as_mut().unwrap()).poll(&mut cx).is_pending());
                    }));
                    sim.run_for(ms(1));
                }
                let mut asked = asked.lock().unwrap().take().unwrap();
                let answer = if polled {
                    let Poll::Ready(answer) = Pin::new(&mut asked).poll(&mut cx) else {
                        panic!("nobody else would drive it");
                    };
                    answer
                } else {
                    asked.wait()
                };
                assert_eq!(answer, Ok(number as u64));
            }
        });
    }
}

#[test]
fn s5_1_a_driver_waits_for_asks_of_threads_that_do_not_drive() {
    for polled in [true, false] {
        let system = ActorSystem::builder().start().unwrap();
        let echo = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u64>| reply.send(7)));
        let echo = system.spawn("echo", echo).unwrap();
        let elsewhere = std::thread::spawn(move || echo.ask(|reply| reply, HOUR));
        let mut asked = elsewhere.join().unwrap();
        let mut cx = TaskCx::from_waker(Waker::noop());
        let answer = if polled {
            Pin::new(&mut asked).poll(&mut cx)
        } else {
            Poll::Ready(asked.wait())
        };
        assert_eq!(answer, Poll::Ready(Ok(7)));
    }
}

#[test]
fn s5_4_an_ask_whose_question_panics_while_it_is_made_is_given_up() {
    type Answer = Arc<()>;
    type Kept = Arc<Mutex<Option<Reply<Answer>>>>;
    type Asks = fn(ActorRef<Reply<Answer>>, Kept);

    fn keeps(kept: Kept) -> impl Fn(Reply<Answer>) -> Reply<Answer> {
        move |reply| {
            *kept.lock().unwrap() = Some(reply);
            resume_unwind(Box::new("planned"))
        }
    }
    let plainly: Asks = |asked, kept| drop(asked.ask(keeps(kept), HOUR));
    let narrowed: Asks = |asked, kept| {
        drop(asked.contramap(keeps(kept)).ask(|reply| reply, HOUR));
    };
    for (asks, bound) in [(plainly, None), (plainly, Some(1)), (narrowed, None)] {
        Sim::builder().workers(1).check(SEEDS, |sim| {
            let asked = Props::new(|| Behavior::receive(|_ctx, _: Reply<Answer>| {}));
            let bound = bound.map(|most| Mailbox::bounded(most, Overflow::Fail).unwrap());
            let asked = match bound {
                Some(bound) => asked.mailbox(bound),
                None => asked,
            };
            let asked = sim.spawn("asked", asked).unwrap();
            let runner = sim.spawn("runner", runner()).unwrap();
            let kept = Kept::default();
            let keep = Arc::clone(&kept);
            runner.tell(Box::new(move || {
                assert!(catch_unwind(AssertUnwindSafe(|| asks(asked, keep))).is_err());
            }));
            sim.run_until_idle();
            let reply = kept.lock().unwrap().take().unwrap();
            let answer = Answer::default();
            let dropped = Arc::downgrade(&answer);
            runner.tell(Box::new(move || {
                assert!(reply.is_cancelled());
                reply.send(answer);
            }));
            sim.run_until_idle();
            assert!(dropped.upgrade().is_none(), "nobody would ever take it");
            assert_eq!(sim.stats().late_replies, 1);
        });
    }
}
