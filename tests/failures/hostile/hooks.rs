//! Hooks, subscribers and handlers that re-enter the pool that runs them.

use super::{failing, keeper};
use crate::common::*;
use nexus_actors::prelude::*;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

#[test]
fn s7_1_a_subscriber_that_waits_does_not_keep_others_from_being_told() {
    let heard = Arc::new(AtomicUsize::new(0));
    with_pool(pool_of(1), |pool| {
        let (keeper, replies) = keeper(pool);
        let picky = |name: &str| {
            pool.spawn(
                name,
                Props::new(|| Behavior::receive(|_ctx, _: u8| Next::Unhandled)),
            )
            .unwrap()
        };
        let (first, second) = (picky("first"), picky("second"));
        let (count, slow) = (Arc::clone(&heard), first.id());
        let _subscription = pool.dead_letters().subscribe(move |letter| {
            if letter.target == slow {
                let _ = keeper.ask(|reply| reply, NEVER).wait();
            } else {
                count.fetch_add(1, SeqCst);
            }
        });
        first.tell(1);
        let reply = replies.recv().unwrap();
        second.tell(2);
        round_trip(pool, 0);
        let in_between = heard.load(SeqCst);
        reply.send(());
        assert_eq!(
            in_between, 1,
            "the second dead letter is told while the first is"
        );
    });
}

#[test]
fn s4_4_waiting_for_the_end_on_a_worker_does_not_hold_it_for_ever() {
    in_child(
        "hostile::hooks::s4_4_waiting_for_the_end_on_a_worker_does_not_hold_it_for_ever",
        || {
            let pool = pool_of(1).start().unwrap();
            let handle = pool.clone();
            let waiter = pool
                .spawn(
                    "waiter",
                    Props::new(move || {
                        let handle = handle.clone();
                        Behavior::receive(move |_ctx, ()| {
                            let _ = handle.wait();
                        })
                    }),
                )
                .unwrap();
            waiter.tell(());
            let report = pool.shutdown(Duration::from_millis(100)).unwrap();
            assert_eq!(report.stuck_workers.len(), 0);
        },
    );
}

#[test]
fn s4_4_the_last_handle_may_be_dropped_in_a_handler() {
    let _watchdog = watchdog();
    let (stopped, stop) = mpsc::channel();
    let pool = pool_of(2).name("lasthandle").start().unwrap();
    let holder = pool
        .spawn(
            "holder",
            Props::new(move || {
                let stopped = stopped.clone();
                Behavior::with_state(
                    None::<WorkerPool>,
                    |held, _ctx, handle: Option<WorkerPool>| *held = handle,
                )
                .on_signal(move |_ctx, signal| {
                    if matches!(signal, Signal::PostStop(_)) {
                        stopped.send(()).unwrap();
                    }
                    Ok(())
                })
            }),
        )
        .unwrap();
    holder.tell(Some(pool));
    holder.tell(None);
    stop.recv().unwrap();
    eventually("its threads have ended", || {
        threads_named("lasthandle").is_empty()
    });
    let before = nexus_actors::pool::dead_letters_without_pool().total();
    holder.tell(None);
    assert!(nexus_actors::pool::dead_letters_without_pool().total() > before);
}

#[test]
fn s4_9_a_failure_hook_may_send_spawn_ask_stop_and_shut_down() {
    let _watchdog = watchdog();
    let hands: Arc<Mutex<Option<WorkerPool>>> = Arc::default();
    let (held, log) = (Arc::clone(&hands), Log::default());
    let said = log.clone();
    let pool = pool_of(2)
        .on_failure(move |failure| {
            let pool = held.lock().unwrap().clone().unwrap();
            for worker in 0..2 {
                let name = format!("helper-{worker}");
                let helper = pool.spawn_on(worker, &name, echo(|| 7_u8)).unwrap();
                assert_eq!(helper.ask(|reply| reply, SOON).wait(), Ok(7));
                helper.stop();
            }
            let failed = pool.lookup::<()>(failure.path.as_str()).unwrap();
            failed.tell(());
            failed.stop();
            failed.tell(());
            assert!(pool.shutdown(SOON).is_err());
            said.add("done");
        })
        .start()
        .unwrap();
    *hands.lock().unwrap() = Some(pool.clone());
    let failing = pool.spawn("failing", failing()).unwrap();
    failing.tell(());
    assert_eq!(pool.wait().unwrap().forced, 0);
    assert_eq!(log.lines(), ["done"]);
    assert_conserved(&pool);
    hands.lock().unwrap().take();
}

#[test]
fn s4_4_post_stop_may_start_children() {
    let log = Log::default();
    let said = log.clone();
    with_pool(pool_of(1), move |pool| {
        let parent = pool
            .spawn(
                "parent",
                Props::new(move || {
                    let said = said.clone();
                    Behavior::receive(|_ctx, ()| ()).on_signal(move |ctx, signal| {
                        if matches!(signal, Signal::PostStop(_)) {
                            said.add("parent");
                            for number in 0..3 {
                                let said = said.clone();
                                ctx.spawn_anonymous(Props::new(move || {
                                    let said = said.clone();
                                    Behavior::<()>::receive(|_ctx, ()| ()).on_signal(
                                        move |_ctx, signal| {
                                            said.add(format!("child {number} {signal:?}"));
                                            Ok(())
                                        },
                                    )
                                }))?;
                            }
                            ctx.sleep(Duration::from_millis(1))?;
                        }
                        Ok(())
                    })
                }),
            )
            .unwrap();
        parent.stop();
        gone(pool, "/user/parent");
    });
    assert_eq!(log.lines().len(), 7, "{:?}", log.lines());
}
