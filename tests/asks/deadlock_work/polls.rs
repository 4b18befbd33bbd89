//! Futures that are polled in handlers: waits within a poll, on whose behalf they wait, and what
//! arrives from other workers.

use super::{Do, Ended, HOUR, Told, doer, tell, told};
use crate::common::ms;
use nexus_actors::all;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context as TaskCx, Poll, Waker};
use std::time::{Duration, Instant};

/// Has an actor answer after a while.
pub(super) fn sleep_in(actor: ActorRef<Told>, millis: u64) -> Ask<Ended> {
    tell(actor, move |ctx, _| Ok(ctx.sleep(ms(millis))?))
}

/// An actor begins to wait for another one while that one is in a poll that waits for something else.
#[test]
fn s5_6_a_cycle_that_closes_while_a_poll_waits_inside_is_found() {
    for nested in [false, true] {
        for workers in [1, 2] {
            Sim::builder().workers(workers).check(0..5, |sim| {
                let mut on = |worker, name| sim.spawn_on(worker % workers, name, told()).unwrap();
                let (asker, other) = (on(0, "asker"), on(1, "other"));
                let (slow, quick, inner) = (on(0, "slow"), on(0, "quick"), on(0, "inner"));
                let asked = tell(asker, move |_, _| {
                    let first = tell(other, move |ctx, reply| {
                        ctx.sleep(ms(10))?;
                        asker
                            .ask(super::nothing, HOUR)
                            .wait_on_behalf_of(reply)
                            .map(drop)
                    });
                    let inside = sleep_in(quick, 5).map(move |_| {
                        if nested {
                            let _ = sleep_in(inner, 15).wait();
                        }
                    });
                    all((first, inside, sleep_in(slow, 900))).wait().map(drop)
                });
                sim.run_for(ms(500));
                let waiting = format!("{:?}", sim.waiting());
                assert!(
                    !waiting.contains("/user/other"),
                    "nested: {nested}, {workers}: {waiting}"
                );
                drop(asked);
            });
        }
    }
}

/// A part is answered during the first poll, after it was polled itself. Then no wait has begun;
/// when one begins, the other parts are followed.
#[test]
fn s5_6_parts_that_were_polled_and_not_waited_for_are_followed() {
    for answered_within in [false, true] {
        Sim::builder().check(0..5, |sim| {
            let mut new = |name| sim.spawn(name, told()).unwrap();
            let (asker, other, quick, slow) =
                (new("asker"), new("other"), new("quick"), new("slow"));
            let idle = sim.spawn("idle", doer()).unwrap();
            let asked = tell(asker, move |ctx, _| {
                let closing = tell(other, move |ctx, reply| {
                    ctx.sleep(ms(2))?;
                    asker
                        .ask(super::nothing, HOUR)
                        .wait_on_behalf_of(reply)
                        .map(drop)
                });
                let mut held = None;
                let part = idle.ask(
                    |reply: Reply<()>| {
                        held = Some(reply);
                        Do::Work(Box::new(|_| Ok(Next::Same)))
                    },
                    HOUR,
                );
                let ready = sleep_in(quick, 1);
                ctx.sleep(ms(10))?;
                let answers = ready.map(move |_| {
                    if answered_within {
                        held.take().unwrap().send(());
                    } else {
                        std::mem::forget(held.take());
                    }
                });
                all((part, answers, closing, sleep_in(slow, 900)))
                    .wait()
                    .map(drop)
            });
            sim.run_for(ms(500));
            let waiting = format!("{:?}", sim.waiting());
            assert!(!waiting.contains("other"), "{answered_within}: {waiting}");
            drop(asked);
        });
    }
}

/// Other executors on the thread that drives the pool drive it meanwhile.
#[test]
fn s5_1_a_poll_that_waits_inside_is_no_bar_to_other_executors() {
    poll_outside(false);
}

#[test]
fn s5_1_polls_that_wait_inside_and_overlap_are_none_either() {
    poll_outside(true);
}

fn poll_outside(overlapping: bool) {
    let mut sim = Sim::builder().seed(1).start().unwrap();
    let mut new = |name| sim.spawn(name, told()).unwrap();
    let (one, two, other, slow) = (new("one"), new("two"), new("other"), [new("s1"), new("s2")]);
    let inside = |actor: ActorRef<Told>, slow: ActorRef<Told>, pause, lasts| {
        tell(actor, move |ctx, _| {
            ctx.sleep(ms(pause))?;
            let waits = poll_fn(move |_| {
                let _ = sleep_in(slow, lasts).wait();
                Poll::Ready(())
            });
            Ok(ctx.block_on(waits)?)
        })
    };
    let polled = inside(one, slow[0], 1, 10);
    let mut also = None;
    if overlapping {
        also = Some(inside(two, slow[1], 5, 20));
        sim.run_for(ms(200)); // both are over
    } else {
        sim.run_for(ms(5));
    }
    let mut asked = other.ask(super::nothing, HOUR);
    let polled_outside = Pin::new(&mut asked).poll(&mut TaskCx::from_waker(Waker::noop()));
    assert!(
        polled_outside.is_ready(),
        "not driven; overlapping: {overlapping}"
    );
    drop((polled, also));
}

#[test]
fn s5_1_an_ask_of_another_worker_is_given_up_with_the_one_it_is_waited_for() {
    moved_in_handler(0);
}

#[test]
fn s5_1_several_asks_of_another_worker_are_given_up_with_the_one_they_are_waited_for() {
    moved_in_handler(1);
}

fn moved_in_handler(form: u32) {
    Sim::builder().workers(2).check(0..5, |sim| {
        let slow = sim.spawn_on(1, "slow", told()).unwrap();
        let maker = sim.spawn_on(1, "maker", told()).unwrap();
        let waits = sim.spawn_on(0, "waits", told()).unwrap();
        let asked = tell(maker, move |_, _| {
            let moved = tell(slow, |ctx, _| Ok(ctx.sleep(HOUR)?));
            let step = move |_: &mut Context<'_, Told>, reply: &Reply<Ended>| match form {
                0 => moved.wait_on_behalf_of(reply)?,
                _ => all([moved]).wait_on_behalf_of(reply).map(drop),
            };
            waits
                .ask(|reply| Told(Box::new(step), reply), ms(50))
                .wait()?
        });
        sim.run_for(ms(500));
        let waiting = format!("{:?}", sim.waiting());
        assert!(!waiting.contains("/user/waits"), "{form}: {waiting}");
        drop(asked);
    });
}

/// The same with a thread as the asker: no message reports that it has given up, but its deadline is known.
#[test]
fn s5_1_an_ask_of_another_worker_is_waited_for_no_longer_than_a_thread_waits() {
    asked_by_thread(0);
}

#[test]
fn s5_1_several_asks_of_another_worker_are_waited_for_no_longer_than_a_thread_waits() {
    asked_by_thread(1);
}

/// The same if the other part belongs to the worker itself.
#[test]
fn s5_1_an_ask_of_another_worker_beside_an_own_ask_is_waited_for_no_longer_than_a_thread_waits() {
    asked_by_thread(2);
}

fn asked_by_thread(form: u32) {
    let pool = WorkerPool::builder().workers(2).start().unwrap();
    let slow = pool.spawn_on(1, "slow", told()).unwrap();
    let maker = pool.spawn_on(1, "maker", told()).unwrap();
    let waits = pool.spawn_on(0, "waits", told()).unwrap();
    let (sender, moved) = std::sync::mpsc::channel();
    let made = tell(maker, move |_, _| {
        sender
            .send(tell(slow, |ctx, _| Ok(ctx.sleep(ms(3000))?)))
            .unwrap();
        Ok(())
    });
    made.wait().unwrap().unwrap();
    let moved: Ask<Ended> = moved.recv().unwrap();
    let (done, lasted) = std::sync::mpsc::channel();
    let step = move |_: &mut Context<'_, Told>, reply: &Reply<Ended>| {
        let began = Instant::now();
        let ended = match form {
            0 => moved.wait_on_behalf_of(reply).map(drop),
            1 => all([moved]).wait_on_behalf_of(reply).map(drop),
            _ => all((moved, sleep_in(slow, 4000)))
                .wait_on_behalf_of(reply)
                .map(drop),
        };
        done.send((began.elapsed(), format!("{ended:?}"))).unwrap();
        ended
    };
    // The actor in between may report its time-out just before this ask's own time-out.
    let asked = waits.ask(|reply| Told(Box::new(step), reply), ms(100));
    let answer = asked.wait();
    assert!(!matches!(answer, Ok(Ok(()))), "{answer:?}");
    let (lasted, ended) = lasted.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(lasted < ms(1000), "{form}: {lasted:?} {ended}");
    let _ = pool.shutdown(Duration::ZERO);
}

/// A withdrawal travels down a chain of actors, across workers, that wait for several on behalf of
/// each other.
#[test]
fn s5_1_giving_up_travels_down_a_chain_of_actors_that_wait_for_several() {
    for workers in [1, 2, 3] {
        Sim::builder().workers(workers).check(0..30, |sim| {
            let actors: Vec<_> = (0..6)
                .map(|n| sim.spawn_on(n % workers, &format!("a{n}"), told()).unwrap())
                .collect();
            let slow = sim.spawn_on(0, "slow", told()).unwrap();
            let quick = sim.spawn_on(workers - 1, "quick", told()).unwrap();
            fn down(
                actors: &[ActorRef<Told>],
                slow: ActorRef<Told>,
                quick: ActorRef<Told>,
            ) -> Ask<Ended> {
                let Some((&first, rest)) = actors.split_first() else {
                    return sleep_in(slow, 400);
                };
                let rest = rest.to_vec();
                tell(first, move |_, reply| {
                    let next = down(&rest, slow, quick);
                    let beside = sleep_in(quick, 1)
                        .and_then(move |_| sleep_in(quick, 1))
                        .map(|ended| ended);
                    all((next, nexus_actors::first([beside])))
                        .wait_on_behalf_of(reply)
                        .map(drop)
                })
            }
            let root = sim.spawn("root", told()).unwrap();
            let chain = actors.clone();
            let asked = tell(root, move |ctx, _| {
                let asked = down(&chain, slow, quick);
                ctx.sleep(ms(50))?;
                drop(asked);
                Ok(())
            });
            sim.run_for(ms(200));
            let waiting = format!("{:?}", sim.waiting());
            assert!(!waiting.contains("/user/a"), "{workers}: {waiting}");
            drop(asked);
        });
    }
}

/// A panic in a poll leaves nothing behind, and neither does a forced end during a wait within a poll.
#[test]
fn s5_1_a_panic_or_an_end_in_a_poll_leaves_nothing_behind() {
    for killed in [false, true] {
        let mut sim = Sim::builder().seed(3).on_failure(|_| {}).start().unwrap();
        let mut new = |name| sim.spawn(name, told()).unwrap();
        let (one, quick, slow, other) = (new("one"), new("quick"), new("slow"), new("other"));
        let asked = tell(one, move |_, _| {
            let inside = sleep_in(quick, 1).map(move |_| {
                if killed {
                    let _ = sleep_in(slow, 100).wait();
                }
                panic!("planned");
            });
            all((sleep_in(slow, 50), inside)).wait().map(drop)
        });
        sim.run_for(ms(5));
        if killed {
            one.kill();
        }
        sim.run_for(ms(1000));
        assert!(asked.wait().is_err());
        let mut asked = other.ask(super::nothing, HOUR);
        let polled_outside = Pin::new(&mut asked).poll(&mut TaskCx::from_waker(Waker::noop()));
        assert!(polled_outside.is_ready(), "killed: {killed}");
        drop(asked);
        assert_eq!(sim.waiting(), []);
    }
}
