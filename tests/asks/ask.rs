//! Asks: eager, linear, answered once, and awaited without blocking others.

use crate::common::*;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// An actor that hands every reply over to the test.
fn keeper<R: Send + 'static>(
    pool: &WorkerPool,
    worker: usize,
) -> (ActorRef<Reply<R>>, mpsc::Receiver<Reply<R>>) {
    let (keeper, replies, _) = counting_keeper(pool, worker);
    (keeper, replies)
}

/// As [`keeper`], with a count of the replies it has taken.
fn counting_keeper<R: Send + 'static>(
    pool: &WorkerPool,
    worker: usize,
) -> (ActorRef<Reply<R>>, mpsc::Receiver<Reply<R>>, Arc<AtomicU64>) {
    let (give, replies) = mpsc::channel::<Reply<R>>();
    let kept = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&kept);
    let keeper = pool
        .spawn_on(
            worker,
            "keeper",
            Props::new(move || {
                let (give, count) = (give.clone(), Arc::clone(&count));
                Behavior::receive(move |_ctx, reply| {
                    give.send(reply).unwrap();
                    count.fetch_add(1, SeqCst);
                })
            }),
        )
        .unwrap();
    (keeper, replies, kept)
}

/// An actor on that worker that runs a function for each question.
fn asker<R: Send + 'static>(
    pool: &WorkerPool,
    worker: usize,
    ask: impl Fn() -> R + Send + Sync + 'static,
) -> ActorRef<Reply<R>> {
    pool.spawn_on(worker, &format!("asker-{worker}"), echo(ask))
        .unwrap()
}

fn every_worker(pool: &WorkerPool) -> std::ops::Range<usize> {
    0..pool.workers()
}

#[test]
fn s5_1_an_ask_is_sent_at_the_call_and_waited_for_later() {
    with_pools(|pool| {
        let (keeper, replies) = keeper::<u8>(pool, 0);
        let asked = keeper.ask(|reply| reply, SOON);
        let reply = replies.recv().expect("it was sent before anybody waits");
        reply.send(7);
        assert_eq!(asked.wait(), Ok(7));
    });
}

#[test]
fn s5_1_handlers_and_threads_wait_for_answers() {
    with_pools(|pool| {
        let answering = pool
            .spawn("answering", echo(|| String::from("answer")))
            .unwrap();
        let ask = move || answering.ask(|reply| reply, SOON).wait().unwrap();
        assert_eq!(ask(), "answer");
        for worker in every_worker(pool) {
            let asker = asker(pool, worker, ask);
            assert_eq!(asker.ask(|reply| reply, SOON).wait().unwrap(), "answer");
        }
    });
}

#[test]
fn s5_1_several_asks_run_at_once() {
    with_pools(|pool| {
        let (keeper, replies) = keeper::<u64>(pool, 0);
        for worker in every_worker(pool) {
            let asker = asker(pool, worker, move || {
                let asked: Vec<_> = (0..10).map(|_| keeper.ask(|reply| reply, SOON)).collect();
                asked
                    .into_iter()
                    .map(|ask| ask.wait().unwrap())
                    .collect::<Vec<_>>()
            });
            let asked = asker.ask(|reply| reply, SOON);
            let held: Vec<_> = replies.iter().take(10).collect();
            for (number, reply) in held.into_iter().enumerate().rev() {
                reply.send(number as u64);
            }
            assert_eq!(asked.wait().unwrap(), (0..10).collect::<Vec<_>>());
        }
    });
}

#[test]
fn s5_2_a_reply_dropped_unanswered_ends_the_ask_at_once() {
    with_pools(|pool| {
        let forgetful = pool
            .spawn(
                "forgetful",
                Props::new(|| Behavior::receive(|_ctx, reply: Reply<()>| drop(reply))),
            )
            .unwrap();
        let ask = move || forgetful.ask(|reply| reply, NEVER).wait();
        assert!(matches!(ask(), Err(AskError::NoReply(_))));
        for worker in every_worker(pool) {
            let told = asker(pool, worker, ask).ask(|reply| reply, SOON).wait();
            assert!(matches!(told, Ok(Err(AskError::NoReply(_)))));
        }
    });
}

#[test]
fn s5_2_a_reply_may_be_passed_on_kept_and_answered_by_anybody() {
    with_pools(|pool| {
        let (keeper, replies) = keeper::<u8>(pool, 0);
        let mut next = keeper;
        for worker in every_worker(pool) {
            let to = next;
            next = pool
                .spawn_on(
                    worker,
                    &format!("relay-{worker}"),
                    Props::new(move || Behavior::receive(move |_ctx, reply| to.tell(reply))),
                )
                .unwrap();
        }
        let entry = next;
        let answering = thread::spawn(move || replies.iter().for_each(|reply| reply.send(9)));
        let ask = move || entry.ask(|reply| reply, SOON).wait();
        assert_eq!(ask(), Ok(9), "by a thread, to a thread");
        for worker in every_worker(pool) {
            assert_eq!(
                asker(pool, worker, ask).ask(|reply| reply, SOON).wait(),
                Ok(Ok(9))
            );
        }
        keeper.stop();
        gone(pool, "/user/keeper");
        answering.join().unwrap();
    });
}

#[test]
fn s5_2_a_reply_may_be_answered_by_an_actor_that_was_told_later() {
    enum Box9 {
        Ask(Reply<u8>),
        Fill(u8),
    }
    with_pools(|pool| {
        let slot = pool
            .spawn(
                "slot",
                Props::new(|| {
                    Behavior::with_state(
                        Vec::new(),
                        |waiting: &mut Vec<Reply<u8>>, _ctx, message| match message {
                            Box9::Ask(reply) => waiting.push(reply),
                            Box9::Fill(value) => {
                                waiting.drain(..).for_each(|reply| reply.send(value))
                            }
                        },
                    )
                }),
            )
            .unwrap();
        let asked: Vec<_> = (0..3).map(|_| slot.ask(Box9::Ask, SOON)).collect();
        slot.tell(Box9::Fill(5));
        for ask in asked {
            assert_eq!(ask.wait(), Ok(5));
        }
    });
}

#[test]
fn s5_3_a_time_out_comes_in_time_and_a_late_reply_never_reaches_the_next_ask() {
    with_pools(|pool| {
        let (keeper, replies, kept) = counting_keeper::<u32>(pool, 0);
        for worker in every_worker(pool) {
            let (before, kept) = (pool.stats().late_replies, Arc::clone(&kept));
            let (go, gone_on) = mpsc::channel::<()>();
            let gone_on = Mutex::new(gone_on);
            let (tell, timed_out) = mpsc::channel::<()>();
            let asker = asker(pool, worker, move || {
                let short = Duration::from_millis(5);
                let already = kept.load(SeqCst);
                // A question that was not taken in time is withdrawn, and asked again.
                while kept.load(SeqCst) == already {
                    let begun = Instant::now();
                    let first = keeper.ask(|reply| reply, short).wait();
                    assert!(begun.elapsed() >= short, "never early");
                    assert_eq!(first.unwrap_err().kind(), AskErrorKind::Timeout);
                }
                let second = keeper.ask(|reply| reply, SOON);
                tell.send(()).unwrap();
                gone_on.lock().unwrap().recv().unwrap();
                second.wait()
            });
            let asked = asker.ask(|reply| reply, SOON);
            let late = replies.recv().unwrap();
            timed_out.recv().unwrap();
            // Its worker stands still until the late answer has been sent.
            late.send(1);
            go.send(()).unwrap();
            let fresh = replies.iter().find(|reply| !reply.is_cancelled());
            fresh.unwrap().send(2);
            assert_eq!(asked.wait(), Ok(Ok(2)));
            eventually("it is counted", || pool.stats().late_replies > before);
        }
    });
}

#[test]
fn s5_3_on_a_thread_the_time_out_comes_too_and_no_late_reply_after_it() {
    with_pools(|pool| {
        let (keeper, replies) = keeper::<u32>(pool, 0);
        let short = Duration::from_millis(5);
        let asked = keeper.ask(|reply| reply, short);
        // Taken before the time-out is checked: otherwise the question would be withdrawn.
        let late = replies.recv().unwrap();
        let error = asked.wait().unwrap_err();
        assert_eq!(error.kind(), AskErrorKind::Timeout);
        assert!(error.details().unwrap().waited() >= short);
        late.send(1);
        let asked = keeper.ask(|reply| reply, SOON);
        replies.recv().unwrap().send(2);
        assert_eq!(asked.wait(), Ok(2));
    });
}

#[test]
fn s5_3_a_target_that_stops_or_fails_with_the_question_ends_the_ask_at_once() {
    #[derive(Clone, Copy)]
    enum Way {
        Stop,
        Panic,
    }
    with_pools(|pool| {
        for (way, expected) in [
            (Way::Stop, AskErrorKind::TargetStopped),
            (Way::Panic, AskErrorKind::TargetFailed),
        ] {
            // One question in the state, one being handled, one in the mailbox.
            let target = pool
                .spawn(
                    "target",
                    Props::new(move || {
                        Behavior::with_state(Vec::new(), move |kept, ctx, reply: Reply<()>| {
                            kept.push(reply);
                            if kept.len() < 2 {
                                return Next::Same;
                            }
                            while ctx.mailbox_len() == 0 {
                                ctx.yield_now().unwrap();
                            }
                            match way {
                                Way::Stop => Next::Stop,
                                Way::Panic => panic!("planned"),
                            }
                        })
                    }),
                )
                .unwrap();
            let asked: Vec<_> = (0..3).map(|_| target.ask(|reply| reply, NEVER)).collect();
            for ask in asked {
                assert_eq!(ask.wait().unwrap_err().kind(), expected);
            }
            gone(pool, "/user/target");
        }
    });
}

#[test]
fn s5_5_only_the_actor_that_asks_waits() {
    with_pools(|pool| {
        let (keeper, replies) = keeper::<()>(pool, 0);
        let order = Log::default();
        let told = order.clone();
        let waiting = pool
            .spawn_on(
                0,
                "waiting",
                Props::new(move || {
                    let told = told.clone();
                    Behavior::receive(move |_ctx, name: &'static str| {
                        told.add(format!("{name} begins"));
                        keeper.ask(|reply| reply, SOON).wait().unwrap();
                        told.add(format!("{name} ends"));
                    })
                }),
            )
            .unwrap();
        let other = pool.spawn_on(0, "other", echo(|| 3_u8)).unwrap();
        waiting.tell("a");
        waiting.tell("b");
        let first = replies.recv().unwrap();
        for _ in 0..100 {
            assert_eq!(
                other.ask(|reply| reply, SOON).wait(),
                Ok(3),
                "its worker goes on"
            );
        }
        assert_eq!(order.lines(), ["a begins"], "its mail waits");
        first.send(());
        replies.recv().unwrap().send(());
        eventually("both end", || {
            order.lines() == ["a begins", "a ends", "b begins", "b ends"]
        });
    });
}

#[test]
fn s5_5_asks_nest_through_a_chain_of_a_thousand_actors() {
    const LINKS: u64 = 1_000;
    with_pools(|pool| {
        let mut next: Option<ActorRef<Reply<u64>>> = None;
        for number in 0..LINKS {
            let to = next;
            let worker = number as usize % pool.workers();
            next = Some(
                pool.spawn_on(
                    worker,
                    &format!("link-{number}"),
                    Props::new(move || {
                        Behavior::receive(move |_ctx, reply: Reply<u64>| {
                            let below = match to {
                                Some(to) => to.ask(|reply| reply, SOON).wait()?,
                                None => 0,
                            };
                            reply.send(below + 1);
                            Ok(())
                        })
                    }),
                )
                .unwrap(),
            );
        }
        let top = next.unwrap();
        assert_eq!(top.ask(|reply| reply, SOON).wait(), Ok(LINKS));
        assert_eq!(top.ask(|reply| reply, SOON).wait(), Ok(LINKS));
    });
}

#[test]
fn s5_5_ten_thousand_handlers_wait_at_once() {
    const WAITING: u64 = 10_000;
    with_pools(|pool| {
        let (keeper, replies) = keeper::<u64>(pool, 0);
        let sum = Arc::new(AtomicU64::new(0));
        for number in 0..WAITING {
            let sum = Arc::clone(&sum);
            let props = Props::new(move || {
                let sum = Arc::clone(&sum);
                Behavior::receive(move |_ctx, ()| {
                    sum.fetch_add(keeper.ask(|reply| reply, SOON).wait().unwrap(), SeqCst);
                })
            });
            let worker = number as usize % pool.workers();
            pool.spawn_on(worker, &format!("waiting-{number}"), props)
                .unwrap()
                .tell(());
        }
        let held: Vec<_> = replies.iter().take(WAITING as usize).collect();
        eventually("all wait", || {
            pool.stats()
                .workers
                .iter()
                .map(|worker| worker.waiting)
                .sum::<u64>()
                >= WAITING
        });
        held.into_iter().for_each(|reply| reply.send(1));
        eventually("all go on", || sum.load(SeqCst) == WAITING);
        eventually("and give their stacks back", || {
            pool.stats()
                .workers
                .iter()
                .all(|worker| worker.fibers <= 64)
        });
    });
}

#[test]
fn s5_8_an_ask_of_a_stopped_actor_fails_at_once() {
    let orphan = Mutex::new(None);
    with_pools(|pool| {
        let stopped = pool.spawn("stopped", echo(|| ())).unwrap();
        stopped.stop();
        gone(pool, "/user/stopped");
        let ask = move || stopped.ask(|reply| reply, NEVER).wait();
        assert!(matches!(ask(), Err(AskError::TargetStopped(_))));
        for worker in every_worker(pool) {
            let told = asker(pool, worker, ask).ask(|reply| reply, SOON).wait();
            assert!(matches!(told, Ok(Err(AskError::TargetStopped(_)))));
        }
        *orphan.lock().unwrap() = Some(stopped);
    });
    let orphan = orphan.into_inner().unwrap().unwrap();
    let failed = orphan.ask(|reply| reply, NEVER).wait();
    assert!(matches!(failed, Err(AskError::PoolClosed(_))));
}

#[test]
fn s5_8_asks_under_way_at_a_shutdown_all_end() {
    for workers in SIZES {
        let _watchdog = watchdog();
        let pool = pool_of(workers).start().unwrap();
        let (keeper, replies) = keeper::<()>(&pool, 0);
        let threads: Vec<_> = (0..4)
            .map(|_| thread::spawn(move || keeper.ask(|reply| reply, NEVER).wait()))
            .collect();
        let inside = asker(&pool, pool.workers() - 1, move || {
            keeper.ask(|reply| reply, NEVER).wait()
        });
        let asked = inside.ask(|reply| reply, NEVER);
        let mut held: Vec<_> = replies.iter().take(5).collect();
        let report = finish(&pool, Duration::from_millis(20));
        assert_eq!(report.forced, 1, "the one that waits");
        assert!(asked.wait().is_err());
        held.drain(..).for_each(drop);
        for thread in threads {
            assert!(thread.join().unwrap().is_err());
        }
    }
}
