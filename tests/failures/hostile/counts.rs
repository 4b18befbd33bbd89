//! Ids that are unique, and replies that are counted as late or as missing.

use super::keeper;
use crate::common::*;
use nexus_actors::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn s7_3_ids_are_unique_in_a_pool_that_another_pool_sends_to() {
    with_pool(pool_of(1), |here| {
        let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
        let ids = Arc::clone(&seen);
        let sink = here
            .spawn(
                "sink",
                Props::new(move || {
                    let ids = Arc::clone(&ids);
                    Behavior::receive(move |ctx, ()| {
                        ids.lock().unwrap().push(ctx.envelope().message_id().get())
                    })
                }),
            )
            .unwrap();
        let source = || {
            Props::new(move || {
                Behavior::receive(move |_ctx, reply: Reply<()>| {
                    (0..100).for_each(|_| sink.tell(()));
                    reply.send(());
                })
            })
        };
        with_pool(pool_of(1), |there| {
            for pool in [here, there] {
                pool.spawn("source", source())
                    .unwrap()
                    .ask(|reply| reply, SOON)
                    .wait()
                    .unwrap();
            }
        });
        eventually("all have arrived", || seen.lock().unwrap().len() == 200);
        let mut ids = seen.lock().unwrap().clone();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 200);
    });
}

#[test]
fn s5_3_an_unanswered_reply_that_is_dropped_late_is_no_late_reply() {
    with_pool(pool_of(1), |pool| {
        let (keeper, replies) = keeper(pool);
        let asker = pool
            .spawn(
                "asker",
                Props::new(move || {
                    Behavior::receive(move |_ctx, done: Reply<()>| {
                        let _ = keeper.ask(|reply| reply, Duration::from_millis(1)).wait();
                        done.send(());
                    })
                }),
            )
            .unwrap();
        asker.ask(|reply| reply, SOON).wait().unwrap();
        drop(replies.recv().unwrap());
        round_trip(pool, 0);
        assert_eq!(pool.stats().late_replies, 0);
    });
}

#[test]
fn s5_3_a_late_reply_of_a_thread_to_a_thread_is_counted() {
    with_pool(pool_of(1), |pool| {
        let (keeper, replies) = keeper(pool);
        let asked = keeper.ask(|reply| reply, Duration::from_millis(1));
        // Received before the time-out is checked: otherwise the question would be withdrawn.
        let late = replies.recv().unwrap();
        assert!(matches!(asked.wait(), Err(AskError::Timeout(_))));
        late.send(());
        assert_eq!(pool.stats().late_replies, 1);
    });
}

#[test]
fn s5_3_a_target_that_returns_an_error_fails_the_ask_as_failed() {
    with_pool(pool_of(1), |pool| {
        let failing = pool
            .spawn(
                "failing",
                Props::new(|| {
                    Behavior::receive(|_ctx, _reply: Reply<()>| Err::<(), _>("planned".into()))
                }),
            )
            .unwrap();
        assert!(matches!(
            failing.ask(|reply| reply, SOON).wait(),
            Err(AskError::TargetFailed(_))
        ));
    });
}
