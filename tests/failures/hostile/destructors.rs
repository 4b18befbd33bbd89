//! Destructors that panic, wait, send, or do all of that at once.

use super::keeper;
use crate::common::*;
use nexus_actors::SpawnError;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

#[test]
fn s4_9_a_late_reply_whose_value_panics_when_dropped_harms_nobody() {
    in_child(
        "hostile::destructors::s4_9_a_late_reply_whose_value_panics_when_dropped_harms_nobody",
        || {
            with_pool(pool_of(2), |pool| {
                let (give, replies) = mpsc::channel::<Reply<Bomb>>();
                let keeper = pool
                    .spawn_on(
                        1,
                        "keeper",
                        Props::new(move || {
                            let give = give.clone();
                            Behavior::receive(move |_ctx, reply: Reply<Bomb>| {
                                give.send(reply).unwrap()
                            })
                        }),
                    )
                    .unwrap();
                let asker = pool
                    .spawn_on(
                        0,
                        "asker",
                        Props::new(move || {
                            Behavior::receive(move |_ctx, done: Reply<bool>| {
                                let bomb =
                                    keeper.ask(|reply| reply, Duration::from_millis(1)).wait();
                                done.send(
                                    bomb.is_err_and(|error| matches!(error, AskError::Timeout(_))),
                                );
                            })
                        }),
                    )
                    .unwrap();
                // A question whose time is over before it arrives is not handled, and has no reply.
                let late = std::iter::from_fn(|| {
                    assert!(asker.ask(|reply| reply, SOON).wait().unwrap());
                    Some(replies.try_recv().ok())
                });
                late.flatten().next().unwrap().send(Bomb);
                assert_eq!(
                    asker.ask(|reply| reply, SOON).wait(),
                    Ok(true),
                    "its worker goes on"
                );
            });
        },
    );
}

#[test]
fn s4_9_an_error_that_panics_when_dropped_harms_nobody() {
    in_child(
        "hostile::destructors::s4_9_an_error_that_panics_when_dropped_harms_nobody",
        || {
            #[derive(Debug)]
            struct BadError;
            impl std::fmt::Display for BadError {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("planned")
                }
            }
            impl std::error::Error for BadError {}
            impl Drop for BadError {
                fn drop(&mut self) {
                    panic!("planned: dropped an error");
                }
            }
            with_pool(pool_of(1), |pool| {
                let failing = pool
                    .spawn(
                        "failing",
                        Props::new(|| Behavior::receive(|_ctx, ()| Err::<(), _>(BadError.into()))),
                    )
                    .unwrap();
                failing.tell(());
                gone(pool, "/user/failing");
            });
        },
    );
}

#[test]
fn s4_9_props_that_panic_when_dropped_harm_nobody() {
    in_child(
        "hostile::destructors::s4_9_props_that_panic_when_dropped_harm_nobody",
        || {
            with_pool(pool_of(1), |pool| {
                let bomb = Arc::new(Bomb);
                let actor = pool
                    .spawn(
                        "actor",
                        Props::new(move || {
                            let _used = &bomb;
                            Behavior::receive(|_ctx, reply: Reply<()>| reply.send(()))
                        }),
                    )
                    .unwrap();
                assert_eq!(actor.ask(|reply| reply, SOON).wait(), Ok(()));
            });
        },
    );
}

#[test]
fn s4_9_a_pre_start_that_panics_with_a_state_that_panics_harms_nobody() {
    in_child(
        "hostile::destructors::s4_9_a_pre_start_that_panics_with_a_state_that_panics_harms_nobody",
        || {
            with_pool(pool_of(1), |pool| {
                let started = pool.spawn(
                    "twice",
                    Props::new(|| {
                        Behavior::with_state(Bomb, |_bomb, _ctx, ()| ())
                            .on_signal(|_ctx, _signal| -> Next<_> { panic!("planned") })
                    }),
                );
                assert!(matches!(started, Err(SpawnError::Failed(_))));
            });
        },
    );
}

#[test]
fn s4_9_a_panic_in_the_drop_of_the_state_is_reported() {
    let log = Log::default();
    with_pool(pool_of(1).on_failure(log.hook()), |pool| {
        let actor = pool
            .spawn(
                "fragile",
                Props::new(|| Behavior::with_state(Bomb, |_bomb, _ctx, ()| Next::Stop)),
            )
            .unwrap();
        actor.tell(());
        gone(pool, "/user/fragile");
    });
    assert_eq!(log.lines().len(), 1, "{:?}", log.lines());
}

#[test]
fn s7_1_a_subscriber_whose_destructor_loses_a_message_ends_its_subscription() {
    in_child(
        "hostile::destructors::s7_1_a_subscriber_whose_destructor_loses_a_message_ends_its_subscription",
        || {
            let orphan = with_pool(pool_of(1), |pool| {
                pool.spawn("orphan", Props::new(|| Behavior::receive(|_ctx, _: u8| ())))
                    .unwrap()
            });
            let letters = nexus_actors::pool::dead_letters_without_pool();
            let sending = OnDrop(move || orphan.tell(1));
            drop(letters.subscribe(move |_letter| {
                let _captured = &sending;
            }));
            assert_eq!(letters.total(), 1);
        },
    );
}

#[test]
fn s5_2_a_destructor_that_waits_does_not_change_the_end_of_other_asks() {
    with_pool(pool_of(1), |pool| {
        let (keeper, replies) = keeper(pool);
        let forgetful = pool
            .spawn(
                "forgetful",
                Props::new(|| Behavior::receive(|_ctx, reply: Reply<()>| drop(reply))),
            )
            .unwrap();
        let slow = pool
            .spawn(
                "slow",
                Props::new(move || {
                    let waiting = OnDrop(move || {
                        let _ = keeper.ask(|reply| reply, NEVER).wait();
                    });
                    Behavior::with_state(waiting, |_waiting, _ctx, ()| Next::Stop)
                }),
            )
            .unwrap();
        slow.tell(());
        let reply = replies.recv().unwrap();
        let answer = forgetful.ask(|reply| reply, SOON).wait();
        reply.send(());
        assert!(matches!(answer, Err(AskError::NoReply(_))));
    });
}

#[test]
fn s7_2_messages_whose_destructors_send_are_counted_while_the_pool_ends() {
    struct Chatty(ActorRef<u8>);
    impl Drop for Chatty {
        fn drop(&mut self) {
            self.0.tell(1);
        }
    }
    let _watchdog = watchdog();
    for _ in 0..20 {
        let pool = pool_of(2).start().unwrap();
        let target = pool
            .spawn_on(
                1,
                "target",
                Props::new(|| Behavior::receive(|_ctx, _: u8| ())),
            )
            .unwrap();
        let sink = pool
            .spawn_on(
                0,
                "sink",
                Props::new(|| Behavior::receive(|_ctx, _: Chatty| ())),
            )
            .unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let flood = thread::spawn(move || {
            while !ended.load(SeqCst) {
                for _ in 0..100 {
                    sink.tell(Chatty(target));
                }
            }
        });
        let report = pool.shutdown(SOON).unwrap();
        over.store(true, SeqCst);
        flood.join().unwrap();
        assert_eq!(report.stuck_workers.len(), 0);
        assert_conserved(&pool);
    }
}

#[test]
fn s7_2_a_message_whose_destructor_does_everything_is_buried_well() {
    struct Busy(
        WorkerPool,
        ActorRef<Busy>,
        ActorRef<Reply<u8>>,
        Arc<AtomicU64>,
    );
    impl Drop for Busy {
        fn drop(&mut self) {
            let Self(pool, own, other, done) = self;
            other.ask(|reply| reply, SOON).wait().unwrap();
            let name = format!("from-drop-{}", done.load(SeqCst));
            pool.spawn(&name, echo(|| 1_u8)).unwrap().stop();
            own.stop();
            assert!(
                own.try_tell(Busy(pool.clone(), *own, *other, Arc::clone(done)))
                    .map_err(|refused| {
                        std::mem::forget(refused);
                    })
                    .is_err()
            );
            done.fetch_add(1, SeqCst);
        }
    }
    with_pool(pool_of(2), |pool| {
        let done = Arc::new(AtomicU64::new(0));
        let other = pool.spawn_on(1, "other", echo(|| 1_u8)).unwrap();
        let target = pool
            .spawn_on(
                0,
                "target",
                Props::new(|| {
                    Behavior::receive(|_ctx, busy: Busy| {
                        std::mem::forget(busy);
                        Next::Stop
                    })
                }),
            )
            .unwrap();
        // Sent from its own worker, so that all of them are in its mailbox when it stops, and
        // their destructors run where they may wait.
        let feeder = Props::new(move || {
            Behavior::receive(move |_ctx, all: Vec<Busy>| {
                all.into_iter().for_each(|busy| target.tell(busy));
            })
        });
        let feeder = pool.spawn_on(0, "feeder", feeder).unwrap();
        let leaked = pool.clone();
        let busy = || Busy(pool.clone(), target, other, Arc::clone(&done));
        feeder.tell((0..4).map(|_| busy()).collect());
        gone(pool, "/user/target");
        assert_eq!(done.load(SeqCst), 3);
        drop(leaked);
    });
}

/// A message whose destructor sends the next one.
struct Chain {
    to: ActorRef<Chain>,
    left: u64,
}

impl Drop for Chain {
    fn drop(&mut self) {
        if let Some(left) = self.left.checked_sub(1) {
            let to = self.to;
            to.tell(Chain { to, left });
        }
    }
}

/// More nested destructors than fit on a stack.
const LONG_CHAIN: u64 = 50_000;

#[test]
fn s4_9_a_chain_of_lost_messages_does_not_use_up_the_stack() {
    in_child(
        "hostile::destructors::s4_9_a_chain_of_lost_messages_does_not_use_up_the_stack",
        || {
            for mailbox in [None, Some(Overflow::Fail), Some(Overflow::DropNewest)] {
                let pool = pool_of(2).start().unwrap();
                let props = Props::new(|| Behavior::receive(|_ctx, _: Chain| {}));
                let props = match mailbox {
                    None => props,
                    Some(overflow) => props.mailbox(Mailbox::bounded(1, overflow).unwrap()),
                };
                let to = pool.spawn_on(0, "stopped", props).unwrap();
                to.stop();
                gone(&pool, "/user/stopped");
                let lost = || pool.dead_letters().total();
                // From a thread, then from a handler of the same worker and of another one.
                let left = LONG_CHAIN;
                to.tell(Chain { to, left });
                let mut expected = left + 1;
                eventually("all are lost", || lost() == expected);
                for worker in [0, 1] {
                    let sender = Props::new(move || {
                        Behavior::receive(move |_ctx, ()| to.tell(Chain { to, left }))
                    });
                    let sender = pool.spawn_on(worker, "sender", sender).unwrap();
                    sender.tell(());
                    expected += left + 1;
                    eventually("all are lost", || lost() == expected);
                    sender.stop();
                    gone(&pool, "/user/sender");
                }
                finish(&pool, SOON);
                // The same after the pool is gone.
                drop(pool);
                let before = nexus_actors::pool::dead_letters_without_pool().total();
                to.tell(Chain { to, left });
                let after = nexus_actors::pool::dead_letters_without_pool().total();
                assert_eq!(after - before, left + 1);
            }
        },
    );
}

/// A lost message whose destructor passes a reply on to the next one.
struct Passes {
    to: ActorRef<Passes>,
    left: u32,
    reply: Option<Reply<()>>,
}

impl Drop for Passes {
    fn drop(&mut self) {
        if let Some(left) = self.left.checked_sub(1) {
            let (to, reply) = (self.to, self.reply.take());
            to.tell(Passes { to, left, reply });
        }
    }
}

/// A lost message whose destructor waits for the reply that lost messages pass on.
struct Waits {
    to: ActorRef<Passes>,
    keeper: ActorRef<Reply<()>>,
    echo: ActorRef<Reply<()>>,
    replies: Arc<Mutex<mpsc::Receiver<Reply<()>>>>,
    ended: mpsc::Sender<Option<AskErrorKind>>,
}

impl Drop for Waits {
    fn drop(&mut self) {
        let asked = self.keeper.ask(|reply| reply, SOON);
        // What a handler sends leaves its worker when the handler waits.
        self.echo.ask(|reply| reply, SOON).wait().unwrap();
        let reply = Some(self.replies.lock().unwrap().recv().unwrap());
        // Deeper than the nesting up to which lost messages are dropped at once.
        let (to, left) = (self.to, 50);
        to.tell(Passes { to, left, reply });
        let ended = asked.wait().err().map(|error| error.kind());
        self.ended.send(ended).unwrap();
    }
}

#[test]
fn s5_2_a_destructor_may_wait_for_what_is_lost_deep_below_it() {
    let _watchdog = watchdog();
    // Of a pool that is gone, so that its messages are lost at the sender.
    let gone = pool_of(1).start().unwrap();
    let passes = Props::new(|| Behavior::receive(|_ctx, _: Passes| {}));
    let to = gone.spawn("passes", passes).unwrap();
    let waits = Props::new(|| Behavior::receive(|_ctx, _: Waits| {}));
    let lost = gone.spawn("waits", waits).unwrap();
    finish(&gone, SOON);
    drop(gone);
    let pool = pool_of(2).start().unwrap();
    let (give, replies) = mpsc::channel();
    let keeper = Props::new(move || {
        let give = give.clone();
        Behavior::receive(move |_ctx, reply: Reply<()>| give.send(reply).unwrap())
    });
    let keeper = pool.spawn_on(1, "keeper", keeper).unwrap();
    let echo = Props::new(|| Behavior::receive(|_ctx, reply: Reply<()>| reply.send(())));
    let echo = pool.spawn_on(1, "echo", echo).unwrap();
    let replies = Arc::new(Mutex::new(replies));
    let (tell, told) = mpsc::channel();
    let waits = move || Waits {
        to,
        keeper,
        echo,
        replies: Arc::clone(&replies),
        ended: tell.clone(),
    };
    // On a thread outside, and in a handler.
    let waits = Arc::new(waits);
    lost.tell(waits());
    let soon = Ok(Some(AskErrorKind::PoolClosed));
    assert_eq!(told.recv_timeout(SOON), soon);
    let sender = Props::new(move || {
        let waits = Arc::clone(&waits);
        Behavior::receive(move |_ctx, ()| lost.tell(waits()))
    });
    pool.spawn_on(0, "sender", sender).unwrap().tell(());
    assert_eq!(told.recv_timeout(SOON), soon);
    finish(&pool, SOON);
}

#[test]
fn s4_9_a_chain_of_unwanted_answers_does_not_use_up_the_stack() {
    /// An answer whose destructor answers the next question.
    struct Link(Option<Reply<Link>>, Arc<Mutex<Vec<Reply<Link>>>>);
    impl Drop for Link {
        fn drop(&mut self) {
            if let Some(reply) = self.0.take() {
                let next = self.1.lock().unwrap().pop();
                reply.send(Link(next, Arc::clone(&self.1)));
            }
        }
    }
    in_child(
        "hostile::destructors::s4_9_a_chain_of_unwanted_answers_does_not_use_up_the_stack",
        || {
            let pool = pool_of(1).start().unwrap();
            let kept = Arc::new(Mutex::new(Vec::new()));
            let keep = Arc::clone(&kept);
            let keeper = Props::new(move || {
                let keep = Arc::clone(&keep);
                Behavior::receive(move |_ctx, reply| keep.lock().unwrap().push(reply))
            });
            let keeper = pool.spawn("keeper", keeper).unwrap();
            let asked: Vec<Ask<Link>> = (0..LONG_CHAIN)
                .map(|_| keeper.ask(|reply| reply, NEVER))
                .collect();
            eventually("all are asked", || {
                kept.lock().unwrap().len() as u64 == LONG_CHAIN
            });
            drop(asked);
            let first = kept.lock().unwrap().pop();
            drop(Link(first, Arc::clone(&kept)));
            assert!(kept.lock().unwrap().is_empty(), "each was answered");
            finish(&pool, SOON);
        },
    );
}
