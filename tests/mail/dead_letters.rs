//! Dead letters: every way to lose a message leads there, and nothing is counted twice.

use crate::common::*;
use nexus_actors::DeadLetterReason;
use nexus_actors::address::{Envelope, MessageId};
use nexus_actors::failure::DeadLetter;
use nexus_actors::prelude::*;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

fn sink() -> Props<u32> {
    Props::new(|| Behavior::receive(|_ctx, _: u32| ()))
}

/// Sends `target` a number from every kind of place. Returns the count of messages.
fn tell_from_everywhere(pool: &WorkerPool, target: ActorRef<u32>) -> u64 {
    target.tell(0);
    thread::spawn(move || target.tell(1)).join().unwrap();
    for worker in 0..pool.workers() {
        let name = format!("teller-{worker}");
        let teller = pool
            .spawn_on(worker, &name, echo(move || target.tell(2)))
            .unwrap();
        teller.ask(|reply| reply, SOON).wait().unwrap();
        teller.stop();
        gone(pool, &format!("/user/{name}"));
    }
    2 + pool.workers() as u64
}

#[test]
fn s7_1_messages_to_stopped_actors_are_dead_letters_from_wherever_they_come() {
    with_pools(|pool| {
        let stopped = pool.spawn("stopped", sink()).unwrap();
        stopped.stop();
        gone(pool, "/user/stopped");
        let again = pool.spawn("stopped", sink()).unwrap();
        let told = tell_from_everywhere(pool, stopped);
        let letters = pool.dead_letters();
        eventually("all are there", || {
            letters.count(DeadLetterReason::Stopped) == told
        });
        assert_eq!(letters.total(), told);
        for letter in letters.recent() {
            assert_eq!((letter.target, letter.message_type), (stopped.id(), "u32"));
            assert_ne!(letter.target, again.id());
        }
    });
}

#[test]
fn s7_1_the_mail_of_an_actor_that_stops_or_fails_is_lost_with_its_reason() {
    with_pools(|pool| {
        for (number, reason) in [
            (0, DeadLetterReason::Stopped),
            (1, DeadLetterReason::Failed),
        ] {
            let actor = pool
                .spawn(
                    "actor",
                    Props::new(move || {
                        Behavior::receive(|ctx, number: u32| {
                            // Waits until the other messages are in the mailbox.
                            while ctx.mailbox_len() < 5 {
                                ctx.yield_now()?;
                            }
                            if number == 0 {
                                Ok(Next::Stop)
                            } else {
                                Err(BoxError::from("planned"))
                            }
                        })
                    }),
                )
                .unwrap();
            (0..6).for_each(|_| actor.tell(number));
            gone(pool, "/user/actor");
            assert_eq!(pool.dead_letters().count(reason), 5);
        }
    });
}

#[test]
fn s7_1_what_is_unhandled_forced_or_too_late_is_lost_with_its_reason() {
    for workers in SIZES {
        let _watchdog = watchdog();
        let pool = pool_of(workers).start().unwrap();
        let letters = pool.dead_letters();
        let picky = pool
            .spawn(
                "picky",
                Props::new(|| Behavior::receive(|_ctx, _: u32| Next::Unhandled)),
            )
            .unwrap();
        let told = tell_from_everywhere(&pool, picky);
        eventually("all are there", || {
            letters.count(DeadLetterReason::Unhandled) == told
        });

        let (entered, entry) = mpsc::channel();
        let slow = pool
            .spawn(
                "slow",
                Props::new(move || {
                    let entered = entered.clone();
                    Behavior::receive(move |ctx, _: u32| {
                        entered.send(()).unwrap();
                        Ok(ctx.sleep(NEVER)?)
                    })
                }),
            )
            .unwrap();
        (0..4).for_each(|_| slow.tell(0));
        entry.recv().unwrap();
        finish(&pool, Duration::from_millis(20));
        assert_eq!(letters.count(DeadLetterReason::Forced), 3);

        slow.tell(0);
        assert_eq!(letters.count(DeadLetterReason::PoolClosed), 1);
        assert_conserved(&pool);
    }
}

#[test]
fn s7_1_messages_to_a_pool_that_is_gone_are_kept_apart() {
    let orphan = with_pool(pool_of(1), |pool| pool.spawn("orphan", sink()).unwrap());
    let letters = nexus_actors::pool::dead_letters_without_pool();
    let (give, heard) = mpsc::channel::<DeadLetter>();
    let subscription = letters.subscribe(move |letter| {
        if letter.target == orphan.id() {
            give.send(letter.clone()).unwrap();
        }
    });
    orphan.tell(1);
    drop(subscription);
    orphan.tell(2);
    let heard: Vec<_> = heard.iter().collect();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].reason, DeadLetterReason::PoolClosed);
}

#[test]
fn s7_1_subscribers_hear_of_each_and_the_last_ones_are_kept() {
    with_pools(|pool| {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        let letters = pool.dead_letters();
        let subscription = letters
            .subscribe(move |letter| told.lock().unwrap().push(letter.envelope.message_id()));
        let _panicking = letters.subscribe(|_letter| panic!("planned"));
        let stopped = pool.spawn("stopped", sink()).unwrap();
        stopped.stop();
        gone(pool, "/user/stopped");
        (0..300).for_each(|number| stopped.tell(number));
        eventually("all are lost", || letters.total() == 300);
        eventually("the last is told", || heard.lock().unwrap().len() == 300);
        let heard = heard.lock().unwrap().clone();
        eventually("the last is kept", || {
            letters
                .recent()
                .last()
                .map(|last| last.envelope.message_id())
                == heard.last().copied()
        });
        let kept: Vec<MessageId> = letters
            .recent()
            .iter()
            .map(|letter| letter.envelope.message_id())
            .collect();
        assert_eq!(kept, heard[300 - 256..]);
        drop(subscription);
    });
}

#[test]
fn s7_2_sent_is_handled_lost_or_queued_under_a_storm_of_starts_stops_and_failures() {
    for workers in SIZES {
        let _watchdog = watchdog();
        let pool = pool_of(workers).on_failure(|_failure| ()).start().unwrap();
        let threads: Vec<_> = (0..4_u32)
            .map(|thread| {
                let pool = pool.clone();
                thread::spawn(move || {
                    let mut kept: Vec<ActorRef<u32>> = Vec::new();
                    for round in 0..200 {
                        let others = kept.clone();
                        let spawned = pool.spawn_anonymous(Props::new(move || {
                            let others = others.clone();
                            Behavior::receive(move |ctx, number: u32| {
                                for other in others.iter().rev().take(2) {
                                    if number > 0 {
                                        other.tell(number - 1);
                                    }
                                }
                                match number % 7 {
                                    0 => Ok(Next::Unhandled),
                                    1 => Ok(Next::Stop),
                                    2 => Err("planned".into()),
                                    3 => {
                                        ctx.yield_now().map(|()| Next::Same).map_err(BoxError::from)
                                    }
                                    _ => Ok(Next::Same),
                                }
                            })
                        }));
                        let Ok(actor) = spawned else { break };
                        kept.push(actor);
                        for number in 0..10 {
                            let _ = kept[(round * 7 + number) % kept.len()]
                                .try_tell(thread + number as u32);
                        }
                    }
                })
            })
            .collect();
        pool.request_shutdown(Duration::from_millis(200));
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        finish(&pool, SOON);
        assert_eq!(pool.stats().queued(), 0);
    }
}

#[test]
fn s7_3_envelopes_name_sender_correlation_and_cause() {
    type Seen = Arc<Mutex<Vec<Envelope>>>;
    with_pools(|pool| {
        let seen: Seen = Arc::default();
        // Each link records the envelope and sends on, to the last worker first.
        let mut next: Option<ActorRef<()>> = None;
        let mut ids = Vec::new();
        for worker in (0..pool.workers()).chain([0]) {
            let (to, notes) = (next, Arc::clone(&seen));
            let link = pool
                .spawn_on(
                    worker,
                    &format!("link-{}", ids.len()),
                    Props::new(move || {
                        let notes = Arc::clone(&notes);
                        Behavior::receive(move |ctx, ()| {
                            assert_eq!(ctx.sender(), ctx.envelope().sender());
                            notes.lock().unwrap().push(ctx.envelope());
                            ctx.yield_now().unwrap();
                            if let Some(to) = to {
                                to.tell(());
                            }
                        })
                    }),
                )
                .unwrap();
            ids.push(link.id());
            next = Some(link);
        }
        let links = ids.len();
        next.unwrap().tell(());
        eventually("it went through", || seen.lock().unwrap().len() == links);
        let seen = seen.lock().unwrap().clone();
        let root = seen[0];
        assert_eq!((root.sender(), root.causation_id()), (None, None));
        assert_eq!(root.correlation_id(), root.message_id());
        for (place, pair) in seen.windows(2).enumerate() {
            assert_eq!(pair[1].correlation_id(), root.message_id());
            assert_eq!(pair[1].causation_id(), Some(pair[0].message_id()));
            assert_eq!(pair[1].sender(), Some(ids[links - 1 - place]));
        }
    });
}

#[test]
fn s7_3_ids_are_unique_in_a_pool() {
    const EACH: usize = 2_000;
    with_pools(|pool| {
        let seen: Arc<Mutex<Vec<MessageId>>> = Arc::default();
        let notes = Arc::clone(&seen);
        let target = pool
            .spawn(
                "target",
                Props::new(move || {
                    let notes = Arc::clone(&notes);
                    Behavior::receive(move |ctx, ()| {
                        notes.lock().unwrap().push(ctx.envelope().message_id())
                    })
                }),
            )
            .unwrap();
        for worker in 0..pool.workers() {
            let sender = pool
                .spawn_on(
                    worker,
                    &format!("sender-{worker}"),
                    Props::new(move || {
                        Behavior::receive(move |_ctx, ()| (0..EACH).for_each(|_| target.tell(())))
                    }),
                )
                .unwrap();
            sender.tell(());
        }
        let threads: Vec<_> = (0..4)
            .map(|_| thread::spawn(move || (0..EACH).for_each(|_| target.tell(()))))
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        let all = (4 + pool.workers()) * EACH;
        eventually("all arrive", || seen.lock().unwrap().len() == all);
        let different: HashSet<_> = seen.lock().unwrap().iter().copied().collect();
        assert_eq!(different.len(), all);
    });
}
