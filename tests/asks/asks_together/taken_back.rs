//! Questions that are withdrawn from mailboxes, and the capacity that this frees.

use super::{HOUR, Job, SEEDS, ms, runner, slow, worker};
use nexus_actors::DeadLetterReason;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
                // No permit was lost or created.
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

/// Stashes questions until it is told to open; `slow` questions only after a while.
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
                        Shut::Leave => return Ok(Next::Passivate),
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
                // Given up while it is in a handler, which stashes it only later.
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
    // With a bounded mailbox or without; the question comes from the mailbox, or has been stashed before.
    for (bounded, again) in [(false, false), (true, false), (false, true), (true, true)] {
        Sim::builder().workers(1).check(SEEDS, |sim| {
            enum Job {
                /// Stored outside the actor.
                Keep(Reply<u64>),
                /// Stashed after a while, or at once if `quick` is set.
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
                        Ok(())
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
            // Its handler is running, and nothing else is in the mailbox.
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

#[test]
fn s5_4_a_question_that_was_handed_on_twice_is_taken_back_wherever_it_is_whenever_that_is() {
    const WORKERS: usize = 4;
    let given_up = [0, 20, 50, 80, 120, 200, 400, 100_000].map(Duration::from_micros);
    for (place, after) in given_up.into_iter().enumerate() {
        // The asker drops its ask, or its time-out expires.
        let (within, reason) = match place % 2 {
            0 => (HOUR, DeadLetterReason::Cancelled),
            _ => (after, DeadLetterReason::Expired),
        };
        Sim::builder().workers(WORKERS).check(SEEDS, |sim| {
            let handled = Arc::default();
            let clerk = sim.spawn_on(3, "clerk", worker(&handled)).unwrap();
            let second = Props::new(move || {
                Behavior::receive(move |_ctx, (number, reply): (u64, Reply<u64>)| {
                    reply.forward(clerk, |reply| Job::After(ms(0), number, reply));
                })
            });
            let second = sim.spawn_on(2, "second", second).unwrap();
            let first = Props::new(move || {
                Behavior::receive(move |_ctx, (number, reply): (u64, Reply<u64>)| {
                    reply.forward(second, |reply| (number, reply));
                })
            });
            let first = sim.spawn_on(1, "first", first).unwrap();
            assert_eq!(first.ask(|reply| (1, reply), HOUR).wait(), Ok(1));
            clerk.tell(Job::Sleep(ms(500)));
            sim.run_for(ms(10));
            let asked = first.ask(|reply| (2, reply), within);
            sim.run_for(after);
            if within == HOUR {
                drop(asked);
            } else {
                assert_eq!(asked.wait().unwrap_err().kind(), AskErrorKind::Timeout);
            }
            sim.run_for(ms(1000));
            assert_eq!(*handled.lock().unwrap(), [1]);
            assert_eq!(sim.dead_letters().count(reason), 1);
            assert_eq!(sim.dead_letters().total(), 1);
        });
    }
}

#[test]
fn s5_4_the_permit_of_a_withdrawn_question_is_returned_to_its_own_mailbox_only() {
    Sim::builder().workers(1).check(SEEDS, |sim| {
        let slow = sim.spawn("slow", slow(ms(100))).unwrap();
        let bound = Mailbox::bounded(3, Overflow::Backpressure).unwrap();
        let of_three = || worker(&Arc::default()).mailbox(bound);
        let busy = sim.spawn("busy", of_three()).unwrap();
        let runner = sim.spawn("runner", runner()).unwrap();
        // The subscriber waits, and when it resumes, the actor and its slot are gone.
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

/// A question whose destructor waits.
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
fn s5_4_a_cancelled_waiter_resumes_though_a_destructor_of_its_question_waits() {
    for in_task in [false, true] {
        Sim::builder().workers(1).check(SEEDS, |sim| {
            let (slow, idle) = (slow(ms(300)), slow(ms(0)));
            let slow = sim.spawn("slow", slow).unwrap();
            let idle = sim.spawn("idle", idle).unwrap();
            let busy = Props::new(|| {
                Behavior::receive(|ctx, mut question: Clinging| {
                    question.waits_for = None;
                    Ok(ctx.sleep(ms(5000))?)
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
                        asked.wait_on_behalf_of(reply).unwrap_err().kind()
                    };
                    if in_task {
                        // The task is cancelled as well, and other tasks take its slot.
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
                    Ok(())
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
