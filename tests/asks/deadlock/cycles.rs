//! Cycles of asks, and cycles through full mailboxes.

use super::HOUR;
use crate::common::{watchdog, with_pools};
use nexus_actors::DeadLetterReason;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::failure::Cycle;
use nexus_actors::pool::WaitsFor;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SEEDS: std::ops::Range<u64> = 0..200;

/// Asks the next actor, if there is one, on behalf of the asker or not.
enum Ask1 {
    Meet(ActorRef<Ask1>),
    Question(Reply<Result<u32, AskError>>),
}

#[derive(Clone, Copy)]
enum How {
    OnBehalf,
    Plainly,
}

fn member(how: How) -> Props<Ask1> {
    Props::new(move || {
        Behavior::with_state(
            None,
            move |next: &mut Option<ActorRef<Ask1>>, _ctx, message| match message {
                Ask1::Meet(other) => *next = Some(other),
                Ask1::Question(reply) => {
                    let answer = match next {
                        None => Ok(Ok(1)),
                        Some(next) => {
                            let asked = next.ask(Ask1::Question, HOUR);
                            match how {
                                How::OnBehalf => asked.wait_on_behalf_of(&reply),
                                How::Plainly => asked.wait(),
                            }
                        }
                    };
                    reply.send(answer.unwrap_or_else(Err));
                }
            },
        )
    })
}

fn paths(cycle: &Cycle) -> Vec<String> {
    let links = cycle.links().iter();
    links.map(|link| link.path.to_string()).collect()
}

/// A ring of that many actors, on one worker or spread over three.
fn ring(sim: &mut Sim, how: How, members: usize, spread: bool) -> Vec<ActorRef<Ask1>> {
    let ring: Vec<_> = (0..members)
        .map(|place| {
            let worker = if spread { place % 3 } else { 0 };
            sim.spawn_on(worker, &format!("m{place}"), member(how))
                .unwrap()
        })
        .collect();
    for (place, actor) in ring.iter().enumerate() {
        actor.tell(Ask1::Meet(ring[(place + 1) % members]));
    }
    sim.run_until_idle();
    ring
}

#[test]
fn s5_6_an_actor_that_asks_itself_is_told_at_once() {
    Sim::builder().check(SEEDS, |sim| {
        let itself = sim
            .spawn(
                "narcissus",
                Props::new(|| {
                    Behavior::receive(|ctx, reply: Reply<Option<String>>| {
                        let error = ctx.self_ref().ask(|reply| reply, HOUR).wait();
                        let error = error.unwrap_err();
                        assert_eq!(error.kind(), AskErrorKind::Deadlock);
                        reply.send(Some(error.to_string()));
                    })
                }),
            )
            .unwrap();
        let text = itself.ask(|reply| reply, HOUR).wait().unwrap().unwrap();
        assert!(
            text.contains("/user/narcissus -> /user/narcissus"),
            "{text}"
        );
        assert!(
            sim.now() < Duration::from_secs(1),
            "no time-out was waited for"
        );
        // The question is never handled.
        let letters = sim.dead_letters();
        sim.run_until_idle();
        assert_eq!(letters.count(DeadLetterReason::Cancelled), 1);
    });
}

#[test]
fn s5_6_a_ring_of_asks_is_told_at_once_by_the_one_that_closes_it() {
    for spread in [false, true] {
        for members in [2, 3, 7] {
            Sim::builder().workers(3).check(0..40, |sim| {
                let ring = ring(sim, How::OnBehalf, members, spread);
                let answer = ring[0].ask(Ask1::Question, HOUR).wait().unwrap();
                let error = answer.unwrap_err();
                assert_eq!(error.kind(), AskErrorKind::Deadlock, "{error}");
                let cycle = error.details().unwrap().cycle().unwrap();
                assert!(cycle.is_certain());
                // The cycle begins with the actor that closes it.
                let mut expected: Vec<_> = (0..members).map(|i| format!("/user/m{i}")).collect();
                expected.rotate_left(members - 1);
                assert_eq!(paths(cycle), expected);
                assert!(
                    sim.now() < Duration::from_secs(1),
                    "no time-out was waited for"
                );
            });
        }
    }
}

#[test]
fn s5_6_a_ring_whose_replies_may_be_elsewhere_is_suspected_and_named_at_the_time_out() {
    for spread in [false, true] {
        let suspected: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
        let log = Arc::clone(&suspected);
        Sim::builder()
            .workers(3)
            .on_suspected_deadlock(move |cycle| log.lock().unwrap().push(paths(cycle)))
            .check(0..20, |sim| {
                suspected.lock().unwrap().clear();
                let ring = ring(sim, How::Plainly, 3, spread);
                let asked = ring[0].ask(Ask1::Question, 2 * HOUR);
                sim.run_for(Duration::from_secs(1));
                let (mut first, seen) = (suspected.lock().unwrap().clone(), sim.waiting());
                assert_eq!(first.len(), 1, "once");
                first[0].sort();
                assert_eq!(first[0], ["/user/m0", "/user/m1", "/user/m2"]);
                assert!(seen.iter().all(|one| one.cycle.is_some()), "in snapshots");
                assert!(matches!(seen[0].waits_for, WaitsFor::Actor(..)));
                let error = asked.wait().unwrap().unwrap_err();
                assert_eq!(error.kind(), AskErrorKind::Timeout);
                let cycle = error.details().unwrap().cycle().unwrap();
                assert!(!cycle.is_certain());
                assert_eq!(cycle.links().len(), 3);
            });
    }
}

#[test]
fn s5_6_a_cycle_that_was_suspected_and_is_over_is_not_named_by_those_who_wait_next() {
    enum Job {
        /// Asks that actor, and then the keeper.
        Begin(ActorRef<Job>, Reply<AskError>),
        /// Hands the reply to the keeper, and asks that actor.
        Ask(ActorRef<Job>, Reply<()>),
        Nothing(Reply<()>),
    }
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..50, |sim| {
            let kept: Arc<Mutex<Vec<Reply<()>>>> = Arc::default();
            let keeps = Arc::clone(&kept);
            let keeper = Props::new(move || {
                let keeps = Arc::clone(&keeps);
                Behavior::receive(move |_ctx, reply| keeps.lock().unwrap().push(reply))
            });
            let keeper = sim.spawn("keeper", keeper).unwrap();
            let member = || {
                Props::new(move || {
                    Behavior::receive(move |ctx, job| match job {
                        Job::Begin(other, reply) => {
                            let own = ctx.self_ref();
                            let answer = other.ask(|reply| Job::Ask(own, reply), HOUR).wait();
                            assert_eq!(answer, Ok(()));
                            let late = keeper.ask(|reply| reply, Duration::from_millis(5));
                            reply.send(late.wait().unwrap_err());
                        }
                        Job::Ask(other, reply) => {
                            keeper.tell(reply);
                            let _ = other.ask(Job::Nothing, HOUR).wait();
                        }
                        Job::Nothing(reply) => reply.send(()),
                    })
                })
            };
            let a = sim.spawn_on(0, "a", member()).unwrap();
            let b = sim.spawn_on(workers - 1, "b", member()).unwrap();
            let asked = a.ask(|reply| Job::Begin(b, reply), HOUR);
            sim.run_for(Duration::from_millis(1));
            let waiting = sim.waiting();
            assert_eq!(waiting.len(), 2);
            assert!(waiting.iter().all(|one| one.cycle.is_some()), "suspected");
            let reply = kept.lock().unwrap().pop().unwrap();
            reply.send(());
            sim.run_for(Duration::from_millis(1));
            let waiting = sim.waiting();
            let of_a = waiting
                .iter()
                .find(|one| one.actor.as_ref().unwrap().0 == a.id());
            assert_eq!(of_a.unwrap().cycle, None);
            let error = asked.wait().unwrap();
            assert_eq!(error.kind(), AskErrorKind::Timeout);
            assert_eq!(error.details().unwrap().cycle(), None);
            kept.lock().unwrap().clear();
        });
    }
}

#[test]
fn s5_6_unhandled_questions_make_a_cycle_however_they_are_waited_for() {
    /// Asks the peer when told to; answers when asked.
    enum Peer {
        Begin(ActorRef<Peer>),
        Question(Reply<u32>),
    }
    fn peer(log: &Arc<Mutex<Vec<AskErrorKind>>>) -> Props<Peer> {
        let log = Arc::clone(log);
        Props::new(move || {
            let log = Arc::clone(&log);
            Behavior::receive(move |_ctx, message| match message {
                Peer::Begin(other) => {
                    if let Err(error) = other.ask(Peer::Question, HOUR).wait() {
                        log.lock().unwrap().push(error.kind());
                    }
                }
                Peer::Question(reply) => reply.send(1),
            })
        })
    }
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(SEEDS, |sim| {
            let log = Arc::default();
            let a = sim.spawn_on(0, "a", peer(&log)).unwrap();
            let b = sim.spawn_on(workers - 1, "b", peer(&log)).unwrap();
            a.tell(Peer::Begin(b));
            b.tell(Peer::Begin(a));
            sim.run_until_idle();
            // If one finishes before the other begins, there is no cycle. Otherwise one of them
            // receives the deadlock, and the other is answered.
            let log = log.lock().unwrap();
            assert!(log.len() <= 1, "{log:?}");
            assert!(log.iter().all(|kind| *kind == AskErrorKind::Deadlock));
            assert!(sim.now() < Duration::from_secs(1));
        });
    }
}

#[test]
fn s5_6_an_ask_and_a_full_mailbox_make_a_cycle_together() {
    enum Job {
        Fill,
        Work(ActorRef<Job>),
        Question(Reply<u32>),
    }
    fn worker(log: &Arc<Mutex<Vec<String>>>) -> Props<Job> {
        let log = Arc::clone(log);
        Props::new(move || {
            let log = Arc::clone(&log);
            Behavior::receive(move |_ctx, message| match message {
                Job::Fill => {}
                Job::Work(other) => {
                    let asked = other.ask(Job::Question, HOUR).wait();
                    log.lock()
                        .unwrap()
                        .extend(asked.err().map(|e| e.to_string()));
                }
                Job::Question(reply) => reply.send(1),
            })
        })
        .mailbox(Mailbox::bounded(3, Overflow::Backpressure).unwrap())
    }
    fn filler(log: &Arc<Mutex<Vec<String>>>, to: ActorRef<Job>) -> Props<Job> {
        let log = Arc::clone(log);
        Props::new(move || {
            let log = Arc::clone(&log);
            Behavior::receive(move |_ctx, message| match message {
                Job::Question(reply) => reply.send(1),
                _ => {
                    let full = (0..9).find_map(|_| to.send(Job::Fill).err());
                    log.lock().unwrap().extend(full.map(|e| e.to_string()));
                }
            })
        })
    }
    let met = AtomicU64::new(0);
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(SEEDS, |sim| {
            let log = Arc::default();
            let a = sim.spawn_on(0, "a", worker(&log)).unwrap();
            let b = sim.spawn_on(workers - 1, "b", filler(&log, a)).unwrap();
            a.tell(Job::Work(b));
            b.tell(Job::Fill);
            sim.run_until_idle();
            let log = log.lock().unwrap();
            assert!(
                log.len() <= 1 && log.iter().all(|text| text.contains("a deadlock")),
                "{log:?}"
            );
            assert_eq!(sim.waiting(), []);
            met.fetch_add(log.len() as u64, Relaxed);
        });
    }
    let met = met.into_inner();
    assert!(met > 50, "they have met {met} times");
}

#[test]
fn s5_6_no_full_mailbox_makes_a_certain_cycle_from_which_a_question_can_be_taken_back() {
    enum Job {
        Fill,
        Work(ActorRef<Job>),
        Question(Reply<u32>),
    }
    for (workers, taken_back) in [(1, true), (1, false), (2, true), (2, false)] {
        Sim::builder().workers(workers).check(SEEDS, |sim| {
            let log: Arc<Mutex<Vec<bool>>> = Arc::default();
            let asked = Arc::clone(&log);
            let a = Props::new(move || {
                let asked = Arc::clone(&asked);
                Behavior::receive(move |ctx, message| {
                    match message {
                        Job::Fill => {}
                        Job::Work(other) => {
                            ctx.sleep(Duration::from_millis(20))?;
                            let answer = other.ask(Job::Question, HOUR).wait();
                            asked.lock().unwrap().push(answer.is_ok());
                        }
                        Job::Question(reply) => reply.send(1),
                    }
                    Ok(())
                })
            });
            let bound = Mailbox::bounded(1, Overflow::Backpressure).unwrap();
            let a = sim.spawn_on(0, "a", a.mailbox(bound)).unwrap();
            let sent = Arc::clone(&log);
            let b = Props::new(move || {
                let sent = Arc::clone(&sent);
                Behavior::receive(move |_ctx, message| match message {
                    Job::Question(reply) => reply.send(1),
                    _ => {
                        let room = a.send(Job::Fill).is_ok();
                        sent.lock().unwrap().push(room);
                    }
                })
            });
            let b = sim.spawn_on(workers - 1, "b", b).unwrap();
            a.tell(Job::Work(b));
            sim.run_for(Duration::from_millis(5));
            // Its mailbox is full: of a question that may be withdrawn later, or of something else.
            let question = taken_back.then(|| a.ask(Job::Question, HOUR));
            if !taken_back {
                a.tell(Job::Fill);
            }
            sim.run_for(Duration::from_millis(5));
            b.tell(Job::Fill);
            sim.run_for(Duration::from_millis(100));
            assert_eq!(log.lock().unwrap().is_empty(), taken_back);
            drop(question);
            sim.run_for(Duration::from_millis(100));
            assert_eq!(sim.waiting(), []);
            let mut log = log.lock().unwrap().clone();
            log.sort_unstable();
            assert_eq!(log, [taken_back, true]);
        });
    }
}

#[test]
fn s5_6_a_pool_of_threads_finds_them_too() {
    let _watchdog = watchdog();
    with_pools(|pool| {
        let ring: Vec<_> = (0..pool.workers())
            .map(|worker| {
                let props = member(How::OnBehalf);
                pool.spawn_on(worker, &format!("p{worker}"), props).unwrap()
            })
            .collect();
        for (place, actor) in ring.iter().enumerate() {
            actor.tell(Ask1::Meet(ring[(place + 1) % ring.len()]));
        }
        for first in &ring {
            let answer = first.ask(Ask1::Question, HOUR).wait().unwrap();
            assert_eq!(answer.unwrap_err().kind(), AskErrorKind::Deadlock);
        }
    });
}

#[test]
fn s5_6_a_question_to_an_actor_that_waits_for_another_one_waits_its_turn() {
    for workers in [1, 3] {
        Sim::builder().workers(workers).check(SEEDS, |sim| {
            let chain: Vec<_> = (0..4)
                .map(|place| {
                    let name = format!("c{place}");
                    let how = [How::OnBehalf, How::Plainly][place % 2];
                    sim.spawn_on(place % workers, &name, member(how)).unwrap()
                })
                .collect();
            for (place, actor) in chain.iter().enumerate().take(3) {
                actor.tell(Ask1::Meet(chain[place + 1]));
            }
            sim.run_until_idle();
            let asked: Vec<_> = (0..8)
                .map(|i| chain[i % 4].ask(Ask1::Question, HOUR))
                .collect();
            for asked in asked {
                assert_eq!(asked.wait().unwrap(), Ok(1));
            }
        });
    }
}
