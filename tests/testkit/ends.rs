//! Waiting for the end of an actor.

use super::{BRIEF, everywhere, later, other_worker, panics};
use crate::common::SOON;
use nexus_actors::prelude::*;
use nexus_actors::testkit::{Probe, ProbeError, expect_terminated, try_expect_terminated};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

#[test]
fn s9_2_the_end_of_an_actor_is_seen_from_every_worker_also_when_it_is_long_past() {
    everywhere(|node| {
        for worker in 0..node.workers() {
            let actor = || Props::new(|| Behavior::receive(|_ctx, _: u8| Next::Stop));
            let one = node
                .spawn_on(worker, &format!("one-{worker}"), actor())
                .unwrap();
            one.tell(1);
            expect_terminated(one, SOON);
            // The name is free, and its next owner is another incarnation.
            let next = node
                .spawn_on(worker, &format!("one-{worker}"), actor())
                .unwrap();
            expect_terminated(one, BRIEF);
            assert!(try_expect_terminated(next, BRIEF).is_err());
            next.stop();
            expect_terminated(next, SOON);
        }
    });
}

#[test]
fn s9_2_an_actor_that_has_failed_is_terminated() {
    everywhere(|node| {
        let probe = Probe::<()>::new(node, "probe").unwrap();
        for worker in 0..node.workers() {
            let failing = || {
                Once::new(|| {
                    Behavior::receive(|_ctx, panics: bool| {
                        assert!(!panics, "planned");
                        Err::<(), _>("planned".into())
                    })
                })
            };
            for panics in [false, true] {
                let name = format!("failing-{worker}-{panics}");
                let failing = node.spawn_on(worker, &name, failing()).unwrap();
                failing.tell(panics);
                probe.expect_terminated(failing, SOON);
            }
        }
    });
}

#[test]
fn s9_2_an_actor_that_lives_is_named_with_its_path() {
    everywhere(|node| {
        let worker = other_worker(node);
        let alive = node.spawn_on(
            worker,
            "alive",
            later(Probe::new(node, "to").unwrap().actor_ref()),
        );
        let alive = alive.unwrap();
        let text = panics(|| expect_terminated(alive, BRIEF));
        let id = alive.id();
        let expected = format!(
            "/user/alive ({id}), which handles (core::time::Duration, u32), \
             did not stop within 30ms"
        );
        assert_eq!(text, expected);
        // A wait that was given up does not disturb a later one.
        let error = try_expect_terminated(alive, BRIEF).unwrap_err();
        assert!(matches!(error, ProbeError::Alive { path: Some(_), .. }));
        alive.stop();
        expect_terminated(alive, SOON);
    });
}

#[test]
fn s9_2_an_actor_is_terminated_when_its_children_are() {
    everywhere(|node| {
        let stopped = Arc::new(AtomicU32::new(0));
        let counting = Arc::clone(&stopped);
        let parent = Props::new(move || {
            let counting = Arc::clone(&counting);
            Behavior::setup(move |ctx| {
                for number in 0..3 {
                    let counting = Arc::clone(&counting);
                    let child = Props::new(move || {
                        let counting = Arc::clone(&counting);
                        Behavior::receive(|_ctx, _: u8| ()).on_signal(move |ctx, signal| {
                            if matches!(signal, Signal::PostStop(_)) {
                                ctx.sleep(BRIEF)?;
                                counting.fetch_add(1, Relaxed);
                            }
                            Ok(())
                        })
                    });
                    ctx.spawn(&format!("child-{number}"), child)?;
                }
                Ok(Behavior::receive(|_ctx, _: u8| ()))
            })
        });
        let parent = node.spawn_on(other_worker(node), "parent", parent).unwrap();
        parent.stop();
        expect_terminated(parent, SOON);
        assert_eq!(stopped.load(Relaxed), 3);
        assert!(node.lookup::<u8>("/user/parent").is_err());
    });
}

#[test]
fn s9_2_a_handler_waits_for_the_end_of_another_actor() {
    everywhere(|node| {
        let watcher = Props::new(|| {
            Behavior::receive(|_ctx, (actor, reply): (ActorRef<u8>, Reply<bool>)| {
                actor.stop();
                reply.send(try_expect_terminated(actor, SOON).is_ok());
            })
        });
        let watcher = node.spawn("watcher", watcher).unwrap();
        for worker in 0..node.workers() {
            let actor = Props::new(|| Behavior::receive(|_ctx, _: u8| ()));
            let actor = node
                .spawn_on(worker, &format!("actor-{worker}"), actor)
                .unwrap();
            let told = watcher.ask(|reply| (actor, reply), SOON).wait();
            assert_eq!(told, Ok(true));
            assert_eq!(watcher.ask(|reply| (actor, reply), SOON).wait(), Ok(true));
        }
    });
}
