//! Asks that are given up, handed on, waited for on behalf of others, and joined.

mod common;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskCx, Poll, Waker};
use std::time::Duration;

use common::with_pools;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{Pending, Recipient, all, first};

const HOUR: Duration = Duration::from_secs(3600);
const SEEDS: std::ops::Range<u64> = 0..60;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What an actor is to do with a question.
enum Job {
    /// Answers with the number after that time.
    After(Duration, u64, Reply<u64>),
    /// Never answers, and says so at once.
    Drop(Reply<u64>),
    /// Holds the actor up.
    Sleep(Duration),
}

fn worker(handled: &Arc<Mutex<Vec<u64>>>) -> Props<Job> {
    let handled = Arc::clone(handled);
    Props::new(move || {
        let handled = Arc::clone(&handled);
        Behavior::receive(move |ctx, job| {
            match job {
                Job::After(time, number, reply) => {
                    handled.lock().unwrap().push(number);
                    if !time.is_zero() {
                        ctx.sleep(time)?;
                    }
                    reply.send(number);
                }
                Job::Drop(reply) => drop(reply),
                Job::Sleep(time) => ctx.sleep(time)?,
            }
            Ok::<_, nexus_actors::WaitError>(())
        })
    })
}

/// Whether nobody waits any more, and how long somebody does.
type Look = (bool, Option<Duration>);

/// An actor that runs a function.
fn runner() -> Props<Box<dyn FnOnce() + Send>> {
    Props::new(|| Behavior::receive(|_ctx, work: Box<dyn FnOnce() + Send>| work()))
}

// ---- given up -------------------------------------------------------------------------------------

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
        // Where the sleep was over before, they may have been handled.
        let (handled, letters) = (handled.lock().unwrap().len() as u64, pool.dead_letters());
        let taken_back =
            letters.count(DeadLetterReason::Cancelled) + letters.count(DeadLetterReason::Expired);
        assert_eq!(handled + taken_back, 3);
    });
}

#[test]
fn s5_4_a_handler_can_see_that_nobody_waits_any_more() {
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
                    Ok::<_, nexus_actors::WaitError>(())
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
    /// Where it is dropped, and whether it was polled there.
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
            continue; // there it is waited for
        }
        Sim::builder().workers(2).check(0..30, |sim| {
            let handled = Arc::default();
            let busy = sim.spawn_on(0, "busy", worker(&handled)).unwrap();
            let runners = [0, 1].map(|worker| {
                let name = format!("runner-{worker}");
                sim.spawn_on(worker, &name, runner()).unwrap()
            });
            busy.tell(Job::Sleep(ms(500)));
            // Others wait in the same places of each worker.
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
fn s5_1_whoever_drives_waits_for_asks_that_were_begun_on_any_worker() {
    for polled in [false, true] {
        Sim::builder().workers(2).check(0..30, |sim| {
            let busy = sim.spawn_on(0, "busy", worker(&Arc::default())).unwrap();
            for number in [0, 1] {
                let name = format!("runner-{number}");
                let runner = sim.spawn_on(number, &name, runner()).unwrap();
                let asked: Arc<Mutex<Option<Ask<u64>>>> = Arc::default();
                let given = Arc::clone(&asked);
                runner.tell(Box::new(move || {
                    let asked = busy.ask(|reply| Job::After(ms(5), number as u64, reply), HOUR);
                    *given.lock().unwrap() = Some(asked);
                }));
                sim.run_for(ms(1));
                let mut asked = asked.lock().unwrap().take().unwrap();
                let answer = if polled {
                    let mut cx = TaskCx::from_waker(Waker::noop());
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
fn s5_4_a_question_that_is_taken_back_makes_room_in_a_bounded_mailbox_at_once() {
    for overflow in [Overflow::Fail, Overflow::Backpressure, Overflow::DropOldest] {
        for asker in [0, 1] {
            Sim::builder().workers(2).check(SEEDS, |sim| {
                let handled = Arc::default();
                let bound = Mailbox::bounded(3, overflow).unwrap();
                let props = worker(&handled).mailbox(bound);
                let busy = sim.spawn_on(0, "busy", props).unwrap();
                busy.tell(Job::Sleep(ms(500)));
                sim.run_for(ms(1));
                let runner = sim.spawn_on(asker, "runner", runner()).unwrap();
                runner.tell(Box::new(move || {
                    let first = busy.ask(|reply| Job::After(ms(0), 1, reply), HOUR);
                    let dropped = busy.ask(|reply| Job::After(ms(0), 2, reply), HOUR);
                    let expires = busy.ask(|reply| Job::After(ms(0), 3, reply), ms(20));
                    dropped.cancel();
                    assert_eq!(expires.wait().unwrap_err().kind(), AskErrorKind::Timeout);
                    assert_eq!(first.wait(), Ok(1));
                }));
                sim.run_for(ms(100));
                let letters = sim.dead_letters();
                assert_eq!(letters.count(DeadLetterReason::Cancelled), 1);
                assert_eq!(letters.count(DeadLetterReason::Expired), 1);
                let late =
                    [4, 5].map(|number| busy.ask(|reply| Job::After(ms(0), number, reply), HOUR));
                assert_eq!(late.map(|asked| asked.wait().unwrap()), [4, 5]);
                sim.run_until_idle();
                assert_eq!(*handled.lock().unwrap(), [1, 4, 5]);
                let stats = sim.stats();
                let ends = stats.handled() + stats.dead_letters;
                assert_eq!(stats.sent(), ends, "conserved");
                // No place was lost or made.
                busy.suspend();
                sim.run_until_idle();
                let room = (0..5).take_while(|_| busy.try_tell(Job::Sleep(ms(0))).is_ok());
                let expected = if overflow == Overflow::DropOldest {
                    5
                } else {
                    3
                };
                assert_eq!(room.count(), expected);
            });
        }
    }
}

#[test]
fn s5_4_who_waits_for_room_is_let_in_when_a_question_is_taken_back() {
    Sim::builder().workers(2).check(SEEDS, |sim| {
        let handled = Arc::default();
        let bound = Mailbox::bounded(1, Overflow::Backpressure).unwrap();
        let busy = sim.spawn_on(0, "busy", worker(&handled).mailbox(bound));
        let busy = busy.unwrap();
        busy.suspend();
        sim.run_until_idle();
        let asked = busy.ask(|reply| Job::After(ms(0), 1, reply), ms(100));
        let runner = sim.spawn_on(1, "runner", runner()).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        runner.tell(Box::new(move || {
            tell.send(busy.send(Job::Sleep(ms(0))).is_ok()).unwrap();
        }));
        sim.run_for(ms(50));
        assert!(told.try_recv().is_err(), "there is no room");
        assert_eq!(asked.wait().unwrap_err().kind(), AskErrorKind::Timeout);
        sim.run_for(ms(1));
        assert_eq!(told.try_recv(), Ok(true), "while the actor is suspended");
    });
}

/// Puts questions aside until it is told to open; `slow` ones only after a while.
enum Shut {
    Question(u64, Duration, Reply<u64>),
    Open,
    Leave,
}

fn shut(handled: &Arc<Mutex<Vec<u64>>>) -> Props<Shut> {
    let handled = Arc::clone(handled);
    Props::new(move || {
        let handled = Arc::clone(&handled);
        Behavior::with_stash(8, move |_ctx| {
            let handled = Arc::clone(&handled);
            Ok(Behavior::with_state(
                false,
                move |open: &mut bool, ctx, message| {
                    match message {
                        Shut::Question(number, _, reply) if *open => {
                            handled.lock().unwrap().push(number);
                            reply.send(number);
                        }
                        Shut::Question(number, slow, reply) => {
                            ctx.sleep(slow)?;
                            ctx.stash(Shut::Question(number, slow, reply))
                                .map_err(|_| "it is full")?;
                        }
                        Shut::Open => {
                            *open = true;
                            ctx.unstash_all();
                        }
                        Shut::Leave => return Ok::<_, BoxError>(Next::Passivate),
                    }
                    Ok(Next::Same)
                },
            ))
        })
    })
}

#[test]
fn s5_4_a_question_that_was_put_aside_is_not_handled_either() {
    for (asker, passivates) in [(0, false), (1, false), (0, true), (1, true)] {
        Sim::builder().workers(2).check(SEEDS, |sim| {
            let handled = Arc::default();
            let target = sim.spawn_on(0, "target", shut(&handled)).unwrap();
            let runner = sim.spawn_on(asker, "runner", runner()).unwrap();
            runner.tell(Box::new(move || {
                let ask = |number, slow, within| {
                    target.ask(|reply| Shut::Question(number, slow, reply), within)
                };
                let dropped = ask(1, ms(0), HOUR);
                let kept = ask(2, ms(0), HOUR);
                let expires = ask(3, ms(0), ms(20));
                // Given up while a handler has it, which puts it aside only then.
                let in_hand = ask(4, ms(500), ms(100));
                let last = ask(5, ms(0), HOUR);
                let sorry = |asked: Ask<u64>| asked.wait().unwrap_err().kind();
                assert_eq!(sorry(expires), AskErrorKind::Timeout);
                dropped.cancel();
                assert_eq!(sorry(in_hand), AskErrorKind::Timeout);
                assert_eq!((kept.wait(), last.wait()), (Ok(2), Ok(5)));
            }));
            sim.run_for(ms(1000));
            assert_eq!(sim.stats().stashed(), 5);
            if passivates {
                target.tell(Shut::Leave);
                sim.run_for(ms(1));
            }
            target.tell(Shut::Open);
            sim.run_for(ms(1000));
            assert_eq!(*handled.lock().unwrap(), [2, 5]);
            let letters = sim.dead_letters();
            assert_eq!(letters.count(DeadLetterReason::Cancelled), 1);
            assert_eq!(letters.count(DeadLetterReason::Expired), 2);
            let stats = sim.stats();
            let ends = stats.handled() + stats.dead_letters;
            assert_eq!((stats.sent(), stats.stashed()), (ends, 0), "conserved");
        });
    }
}

#[test]
fn s5_4_word_of_the_question_in_hand_is_kept_however_many_others_are_withdrawn() {
    // A bounded mailbox or not; and the question comes out of the mail, or has been put aside before.
    for (bounded, again) in [(false, false), (true, false), (false, true), (true, true)] {
        Sim::builder().workers(1).check(SEEDS, |sim| {
            enum Job {
                /// Handed on to whoever keeps it.
                Keep(Reply<u64>),
                /// Put aside after a while, and at once where there is no hurry.
                Slow(u64, Reply<u64>),
                Again,
                Open,
            }
            let handled: Arc<Mutex<Vec<u64>>> = Arc::default();
            let log = Arc::clone(&handled);
            let kept: Arc<Mutex<Vec<Reply<u64>>>> = Arc::default();
            let keeps = Arc::clone(&kept);
            let target = Props::new(move || {
                let (log, keeps) = (Arc::clone(&log), Arc::clone(&keeps));
                Behavior::with_stash(4, move |_ctx| {
                    let (mut open, mut quick) = (false, again);
                    Ok(Behavior::receive(move |ctx, job| {
                        match job {
                            Job::Keep(reply) => keeps.lock().unwrap().push(reply),
                            Job::Slow(number, reply) if open => {
                                log.lock().unwrap().push(number);
                                reply.send(number);
                            }
                            Job::Slow(number, reply) => {
                                if !std::mem::take(&mut quick) {
                                    ctx.sleep(ms(500))?;
                                }
                                ctx.stash(Job::Slow(number, reply))
                                    .map_err(|_| "it is full")?;
                            }
                            Job::Again => ctx.unstash_all(),
                            Job::Open => {
                                open = true;
                                ctx.unstash_all();
                            }
                        }
                        Ok::<_, BoxError>(())
                    })
                    .on_signal(|_ctx, _signal| ()))
                })
            });
            let target = if bounded {
                target.mailbox(Mailbox::bounded(100, Overflow::Backpressure).unwrap())
            } else {
                target
            };
            let target = sim.spawn("target", target).unwrap();
            let others: Vec<_> = (0..50).map(|_| target.ask(Job::Keep, HOUR)).collect();
            sim.run_until_idle();
            let given_up = target.ask(|reply| Job::Slow(1, reply), HOUR);
            sim.run_for(ms(1));
            if again {
                target.tell(Job::Again);
                sim.run_for(ms(1));
            }
            // It is in hand, and nothing else is in the mailbox.
            given_up.cancel();
            others.into_iter().for_each(Ask::cancel);
            sim.run_for(ms(1000));
            target.tell(Job::Open);
            sim.run_for(ms(1));
            assert!(handled.lock().unwrap().is_empty());
            assert_eq!(sim.dead_letters().count(DeadLetterReason::Cancelled), 1);
            kept.lock().unwrap().clear();
        });
    }
}

#[test]
fn s5_2_a_question_that_was_handed_on_is_answered_and_taken_back_there() {
    for workers in [1, 3] {
        Sim::builder().workers(workers).check(SEEDS, |sim| {
            let handled = Arc::default();
            let clerk = sim
                .spawn_on(workers - 1, "clerk", worker(&handled))
                .unwrap();
            let desk = Props::new(move || {
                Behavior::receive(move |_ctx, (number, reply): (u64, Reply<u64>)| {
                    reply.forward(clerk, |reply| Job::After(ms(0), number, reply));
                })
            });
            let desk = sim.spawn_on(0, "desk", desk).unwrap();
            assert_eq!(desk.ask(|reply| (1, reply), HOUR).wait(), Ok(1));
            clerk.tell(Job::Sleep(ms(500)));
            sim.run_for(ms(1));
            let asked = desk.ask(|reply| (2, reply), HOUR);
            sim.run_for(ms(100));
            drop(asked);
            sim.run_for(ms(1000));
            assert_eq!(*handled.lock().unwrap(), [1]);
            assert_eq!(sim.dead_letters().count(DeadLetterReason::Cancelled), 1);
        });
    }
}

/// Answers after that time.
fn slow(time: Duration) -> Props<Reply<()>> {
    Props::new(move || {
        Behavior::receive(move |ctx, reply: Reply<()>| {
            ctx.sleep(time)?;
            reply.send(());
            Ok::<_, nexus_actors::WaitError>(())
        })
    })
}

#[test]
fn s5_4_the_place_of_a_question_that_is_taken_back_is_its_own_mailboxs_whoever_waits_meanwhile() {
    Sim::builder().workers(1).check(SEEDS, |sim| {
        let slow = sim.spawn("slow", slow(ms(100))).unwrap();
        let bound = Mailbox::bounded(3, Overflow::Backpressure).unwrap();
        let of_three = || worker(&Arc::default()).mailbox(bound);
        let busy = sim.spawn("busy", of_three()).unwrap();
        let runner = sim.spawn("runner", runner()).unwrap();
        // Whoever is told of it waits, and the actor and its slot are gone when that is over.
        let _subscription = sim.dead_letters().subscribe(move |letter| {
            if letter.reason == DeadLetterReason::Cancelled {
                let _ = slow.ask(|reply| reply, HOUR).wait();
            }
        });
        busy.tell(Job::Sleep(ms(10)));
        sim.run_for(ms(1));
        runner.tell(Box::new(move || {
            busy.ask(|reply| Job::After(ms(0), 1, reply), HOUR).cancel();
        }));
        sim.run_for(ms(1));
        busy.kill();
        sim.run_for(ms(20));
        let next = sim.spawn("next", of_three()).unwrap();
        assert_eq!(
            next.id().to_string(),
            busy.id().to_string().replace("#1", "#2")
        );
        next.suspend();
        sim.run_for(ms(500));
        let room = (0..5).take_while(|_| next.try_tell(Job::Sleep(ms(0))).is_ok());
        assert_eq!(room.count(), 3);
    });
}

/// A question of which a part waits when it is dropped.
struct Clinging {
    waits_for: Option<ActorRef<Reply<()>>>,
    _reply: Reply<u64>,
}

impl Clinging {
    fn to(waits_for: Option<ActorRef<Reply<()>>>, reply: Reply<u64>) -> Self {
        Self {
            waits_for,
            _reply: reply,
        }
    }
}

impl Drop for Clinging {
    fn drop(&mut self) {
        if let Some(slow) = self.waits_for.take() {
            let _ = slow.ask(|reply| reply, HOUR).wait();
        }
    }
}

#[test]
fn s5_4_whoever_is_to_wait_no_longer_goes_on_though_a_destructor_of_its_question_waits() {
    for in_task in [false, true] {
        Sim::builder().workers(1).check(SEEDS, |sim| {
            let (slow, idle) = (slow(ms(300)), slow(ms(0)));
            let slow = sim.spawn("slow", slow).unwrap();
            let idle = sim.spawn("idle", idle).unwrap();
            let busy = Props::new(|| {
                Behavior::receive(|ctx, mut question: Clinging| {
                    question.waits_for = None;
                    ctx.sleep(ms(5000))
                })
            });
            let bound = Mailbox::bounded(3, Overflow::Backpressure).unwrap();
            let busy = sim.spawn("busy", busy.mailbox(bound)).unwrap();
            let told: Arc<Mutex<Option<Duration>>> = Arc::default();
            let log = Arc::clone(&told);
            let between = Props::new(move || {
                let log = Arc::clone(&log);
                Behavior::receive(move |ctx, reply: Reply<u64>| {
                    let log = Arc::clone(&log);
                    let asks = move |reply: &Reply<u64>| {
                        let asked = busy.ask(|reply| Clinging::to(Some(slow), reply), HOUR);
                        asked.wait_for(reply).unwrap_err().kind()
                    };
                    if in_task {
                        // It is ended besides, and there are others to take its place.
                        let task = ctx.spawn_task(move |_task| asks(&reply));
                        ctx.sleep(ms(50))?;
                        task.cancel();
                        *log.lock().unwrap() = Some(ctx.now());
                        for _ in 0..3 {
                            drop(ctx.spawn_task(|task| task.sleep(ms(1000))));
                        }
                    } else {
                        assert_eq!(asks(&reply), AskErrorKind::Cancelled);
                        *log.lock().unwrap() = Some(ctx.now());
                    }
                    Ok::<_, nexus_actors::WaitError>(())
                })
            });
            let between = sim.spawn("between", between).unwrap();
            let runner = sim.spawn("runner", runner()).unwrap();
            let first = busy.ask(|reply| Clinging::to(None, reply), HOUR);
            sim.run_for(ms(1));
            let begun = sim.now();
            runner.tell(Box::new(move || {
                let asked = between.ask(|reply| reply, HOUR);
                assert!(idle.ask(|reply| reply, HOUR).wait().is_ok());
                assert!(slow.ask(|reply| reply, ms(20)).wait().is_err());
                asked.cancel();
            }));
            sim.run_for(ms(3000));
            let told = told.lock().unwrap().expect("it went on") - begun;
            assert!(told < ms(100), "{told:?}");
            assert_eq!(sim.waiting().len(), 1, "the one that sleeps");
            drop(first);
        });
    }
}

// ---- on behalf ------------------------------------------------------------------------------------

#[test]
fn s5_1_a_chain_of_any_length_that_waits_on_behalf_of_one_is_given_up_with_it() {
    const CHAIN: usize = 5000;
    for spread in [1, 2] {
        let mut sim = Sim::builder().workers(2).orderly().start().unwrap();
        let told: Arc<Mutex<Vec<AskErrorKind>>> = Arc::default();
        let keeper = Props::new(|| {
            Behavior::with_state(Vec::new(), |kept, _ctx, reply: Reply<()>| kept.push(reply))
        });
        let mut next = sim.spawn("keeper", keeper).unwrap();
        for number in 0..CHAIN {
            let (asked, told) = (next, Arc::clone(&told));
            let link = Props::new(move || {
                let told = Arc::clone(&told);
                Behavior::receive(move |_ctx, reply: Reply<()>| {
                    let ended = asked.ask(|reply| reply, HOUR).wait_for(&reply);
                    told.lock().unwrap().push(ended.unwrap_err().kind());
                })
            });
            // Some of the way, or all of it, is on one worker.
            let worker = number / 1000 % spread;
            next = sim
                .spawn_on(worker, &format!("link-{number}"), link)
                .unwrap();
        }
        let runner = sim.spawn("runner", runner()).unwrap();
        runner.tell(Box::new(move || {
            let asked = next.ask(|reply| reply, HOUR);
            assert!(next.ask(|reply| reply, ms(100)).wait().is_err());
            asked.cancel();
        }));
        sim.run_for(ms(50));
        assert_eq!(sim.waiting().len(), CHAIN + 1);
        sim.run_for(ms(100));
        assert_eq!(sim.waiting(), []);
        assert_eq!(*told.lock().unwrap(), vec![AskErrorKind::Cancelled; CHAIN]);
    }
}

#[test]
fn s5_1_who_waits_on_behalf_of_a_reply_waits_no_longer_than_it_is_waited_for() {
    for workers in [1, 2] {
        for gives_up in [false, true] {
            Sim::builder().workers(workers).check(SEEDS, |sim| {
                let handled = Arc::default();
                let slow = sim.spawn_on(workers - 1, "slow", worker(&handled)).unwrap();
                let ended: Arc<Mutex<Vec<(AskErrorKind, Duration)>>> = Arc::default();
                let log = Arc::clone(&ended);
                let between = Props::new(move || {
                    let log = Arc::clone(&log);
                    Behavior::receive(move |ctx, reply: Reply<u64>| {
                        let asked = slow.ask(|reply| Job::After(HOUR / 2, 1, reply), HOUR);
                        let begun = ctx.now();
                        let error = asked.wait_for(&reply).unwrap_err();
                        log.lock().unwrap().push((error.kind(), ctx.now() - begun));
                    })
                });
                let between = sim.spawn_on(0, "between", between).unwrap();
                let runner = sim.spawn_on(workers - 1, "runner", runner()).unwrap();
                runner.tell(Box::new(move || {
                    let asked = between.ask(|reply| reply, ms(200));
                    if gives_up {
                        let other = between.ask(|reply| reply, ms(100));
                        let _ = other.wait();
                        drop(asked);
                    } else {
                        assert!(asked.wait().is_err());
                    }
                }));
                sim.run_for(ms(1000));
                let ended = ended.lock().unwrap();
                let (kind, waited) = ended[0];
                if gives_up {
                    assert_eq!(kind, AskErrorKind::Cancelled);
                    assert!(waited < ms(190), "{waited:?}");
                } else {
                    let expected = [AskErrorKind::Timeout, AskErrorKind::Cancelled];
                    assert!(expected.contains(&kind));
                    assert!(waited < ms(250), "{waited:?}");
                }
            });
        }
    }
}

#[test]
fn s5_1_a_thread_waits_on_behalf_of_a_reply_by_its_time_out_too() {
    with_pools(|pool| {
        let (give, replies) = std::sync::mpsc::channel::<Reply<u64>>();
        let keeper = Props::new(move || {
            let give = give.clone();
            Behavior::receive(move |_ctx, reply| give.send(reply).unwrap())
        });
        let keeper = pool.spawn("keeper", keeper).unwrap();
        let outer = keeper.ask(|reply| reply, ms(20));
        let reply = replies.recv().unwrap();
        let asked = keeper.ask(|reply| reply, HOUR);
        let _held = replies.recv().unwrap();
        let kind = asked.wait_for(&reply).unwrap_err().kind();
        let over = [AskErrorKind::Timeout, AskErrorKind::Cancelled];
        assert!(over.contains(&kind), "{kind:?}");
        drop(outer);
        let asked = keeper.ask(|reply| reply, HOUR);
        assert_eq!(
            asked.wait_for(&reply).unwrap_err().kind(),
            AskErrorKind::Cancelled
        );
    });
}

// ---- joined ---------------------------------------------------------------------------------------

type Asking = fn(ActorRef<Job>, ActorRef<Job>);

/// Everywhere where one can wait: in a handler, on the thread of the simulation, and on threads.
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
        // The second one's end is told at once, and the first one is given up.
        let slow = a.ask(|reply| Job::After(ms(300), 9, reply), HOUR);
        let error = all((slow, b.ask(Job::Drop, HOUR))).wait().unwrap_err();
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
    /// How a question gets there, whose number is 1.
    type Way = fn(ActorRef<Job>, ActorRef<Reply<u64>>) -> Ask<u64>;
    let ways: [Way; 5] = [
        |busy, _| busy.ask(|reply| Job::After(ms(0), 1, reply), HOUR),
        |busy, _| Recipient::from(busy).ask(|reply| Job::After(ms(0), 1, reply), HOUR),
        |busy, _| {
            let part = busy.contramap(|reply| Job::After(ms(0), 1, reply));
            part.ask(|reply| reply, HOUR)
        },
        |busy, _| {
            // A conversion may send something of its own first.
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
            // Whoever is told of the message that the question displaces sends one as well.
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
