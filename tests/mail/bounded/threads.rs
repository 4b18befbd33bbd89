//! Waiting for capacity under pools of threads.

use super::{Deal, LONG, Way, assert_in_order, bounded, dealer, handled, send, sink};
use crate::common::*;
use nexus_actors::DeadLetterReason;
use nexus_actors::prelude::*;
use nexus_actors::sim::check;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

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

/// An actor that has no capacity left, and frees none.
fn full(pool: &WorkerPool) -> ActorRef<u64> {
    let (props, _log) = sink(1, Overflow::Backpressure, Duration::ZERO);
    let actor = pool.spawn("actor", props).unwrap();
    actor.suspend();
    while actor.try_tell(0).is_ok() {}
    actor
}

#[test]
fn s3_3_threads_that_wait_are_told_when_the_actor_ends() {
    with_pools(|pool| {
        let actor = full(pool);
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
        let actor = full(&pool);
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

/// Too large to be stored inline in a batch, and strictly aligned.
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
