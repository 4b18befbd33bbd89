//! Generated names, and the paths of references.

use super::{Count, counter, said, with_pools};
use crate::common::{SOON, gone};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{ActorPath, SpawnError};
use std::collections::HashSet;
use std::sync::mpsc;

#[test]
fn s1_9_a_generated_name_may_begin_with_a_word() {
    with_pools(|pool| {
        let mut paths = HashSet::new();
        for _ in 0..100 {
            let actor = pool.spawn_prefixed("conn", counter()).unwrap();
            let path = actor.path().expect("it is known everywhere");
            let number = path
                .as_str()
                .strip_prefix("/user/$conn-")
                .expect("its prefix");
            assert!(number.parse::<u64>().is_ok(), "{path}");
            assert_eq!(pool.lookup::<Count>(&path).unwrap(), actor);
            assert_eq!(path.as_str().parse(), Ok(path.clone()));
            assert!(paths.insert(path), "no two have the same name");
        }
        let node = pool.node();
        let parent = Props::new(move || {
            let node = node.clone();
            Behavior::receive(move |ctx, reply: Reply<Vec<String>>| {
                let child = ctx.spawn_prefixed("conn", counter())?;
                let top = node.spawn_prefixed("conn", counter())?;
                let paths = [child.path(), top.path()].into_iter().flatten();
                reply.send(paths.map(|path| path.to_string()).collect());
                Ok(())
            })
        });
        let parent = pool.spawn("parent", parent).unwrap();
        let told = parent.ask(|reply| reply, SOON).wait().unwrap();
        assert!(told[0].starts_with("/user/parent/$conn-"), "{told:?}");
        assert!(told[1].starts_with("/user/$conn-"), "{told:?}");
        for prefix in ["", "$conn", "a b", &"a".repeat(254)] {
            let refused = pool.spawn_prefixed(prefix, counter());
            assert!(
                matches!(refused, Err(SpawnError::InvalidName(_))),
                "{refused:?}"
            );
        }
        // Users cannot choose such a name.
        assert!(matches!(
            pool.spawn("$conn-1", counter()),
            Err(SpawnError::InvalidName(_))
        ));
    });
    let system = ActorSystem::new("system").unwrap();
    let actor = system.spawn_prefixed("conn", counter()).unwrap();
    assert_eq!(actor.path().unwrap().as_str(), "/user/$conn-1");
    system.shutdown(SOON);
    let mut sim = Sim::new(1);
    let actor = sim.spawn_prefixed("conn", counter()).unwrap();
    assert_eq!(actor.path().unwrap().as_str(), "/user/$conn-1");
    sim.shutdown(SOON);
}

/// The path of an actor as an actor on that worker finds it.
fn path_seen_on(
    pool: &WorkerPool,
    worker: usize,
    id: nexus_actors::address::ActorId,
) -> Option<ActorPath> {
    let props = Once::new(move || {
        Behavior::receive(move |_ctx, reply: Reply<Option<ActorPath>>| {
            reply.send(id.path());
            Next::Stop
        })
    });
    let looks = pool
        .spawn_on(worker, &format!("looks-{worker}"), props)
        .unwrap();
    let seen = looks.ask(|reply| reply, SOON).wait().unwrap();
    gone(pool, &format!("/user/looks-{worker}"));
    seen
}

#[test]
fn s1_14_a_path_is_known_everywhere_and_for_a_while_after_the_end() {
    with_pools(|pool| {
        let parent = Props::new(|| {
            Behavior::setup(|ctx| {
                let child = ctx.spawn("child", counter())?;
                let nameless = ctx.spawn_anonymous(counter())?;
                Ok(Behavior::receive(
                    move |_ctx, reply: Reply<(ActorRef<Count>, String)>| {
                        // On its own worker, an actor without a name has a path too.
                        let path = nameless.path().map(|path| path.to_string());
                        reply.send((child, path.unwrap_or_default()));
                    },
                ))
            })
        });
        let parent = pool.spawn("parent", parent).unwrap();
        let (child, told) = parent.ask(|reply| reply, SOON).wait().unwrap();
        let bounded = Mailbox::bounded(1, Overflow::Fail).unwrap();
        let bounded = pool.spawn("bounded", counter().mailbox(bounded)).unwrap();
        assert!(told.starts_with("/user/parent/$"), "{told}");
        for lives in [true, false] {
            for (actor, path) in [
                (parent.id(), "/user/parent"),
                (child.id(), "/user/parent/child"),
                (bounded.id(), "/user/bounded"),
            ] {
                let seen = actor.path().map(|path| path.to_string());
                assert_eq!(seen.as_deref(), Some(path), "lives: {lives}");
                for worker in 0..pool.workers() {
                    let seen = path_seen_on(pool, worker, actor).map(|path| path.to_string());
                    assert_eq!(
                        seen.as_deref(),
                        Some(path),
                        "worker {worker}, lives: {lives}"
                    );
                }
            }
            parent.stop();
            bounded.stop();
            gone(pool, "/user/parent");
            gone(pool, "/user/bounded");
        }
        // Elsewhere, the path of an actor without a name is known once the actor was asked from there. That
        // it is unknown before is not promised.
        let again = pool.spawn_anonymous(counter()).unwrap();
        assert_eq!(said(again), 0);
        assert!(again.path().unwrap().as_str().starts_with("/user/$"));
    });
}

#[test]
fn s1_14_routers_topics_groups_and_recipients_have_paths() {
    use nexus_actors::{Group, Router, Topic};
    with_pools(|pool| {
        let node = pool.node();
        let actor = pool.spawn("counter", counter()).unwrap();
        let recipient = actor.contramap(|(): ()| Count::On);
        let router = Router::round_robin(2, counter())
            .spawn(&node, "router")
            .unwrap();
        let topic = Topic::<u8>::open(&node, "prices").unwrap();
        let group = Group::<u8>::open(&node, "tellers").unwrap();
        let paths = [
            actor.path(),
            recipient.path(),
            router.path(),
            topic.path(),
            group.path(),
        ];
        let paths: Vec<_> = paths
            .into_iter()
            .flatten()
            .map(|path| path.to_string())
            .collect();
        assert_eq!(
            paths,
            [
                "/user/counter",
                "/user/counter",
                "/user/router",
                "/topic/prices",
                "/group/tellers"
            ]
        );
    });
}

#[test]
fn s1_14_a_dead_letter_says_whose_it_was() {
    with_pools(|pool| {
        let letters = pool.dead_letters();
        let (tell, told) = mpsc::channel();
        let _subscription = letters.subscribe(move |letter| {
            let path = letter.path().map(|path| path.to_string());
            let _ = tell.send((path, letter.to_string()));
        });
        let mute = || Props::new(|| Behavior::receive(|_ctx, _: u32| Next::Unhandled));
        let actor = pool.spawn("mute", mute()).unwrap();
        let sender = Props::new(move || Behavior::receive(move |_ctx, ()| actor.tell(2)));
        let sender = pool.spawn("sender", sender).unwrap();
        actor.tell(1);
        let next = || told.recv_timeout(SOON).expect("it is lost");
        let (path, text) = next();
        assert_eq!(path.as_deref(), Some("/user/mute"));
        assert_eq!(
            text,
            "a u32 to /user/mute was lost: its actor did not handle it"
        );
        sender.tell(());
        let (_, text) = next();
        assert_eq!(
            text,
            "a u32 to /user/mute, sent by /user/sender, was lost: its actor did not handle it"
        );
        // Its path is still known after it has stopped, everywhere.
        actor.stop();
        gone(pool, "/user/mute");
        actor.tell(3);
        sender.tell(());
        for _ in 0..2 {
            let (path, text) = next();
            assert_eq!(path.as_deref(), Some("/user/mute"), "{text}");
            assert!(text.ends_with("its actor had stopped"), "{text}");
        }
    });
}
