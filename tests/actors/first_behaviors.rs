//! Actors that end in their start: the caller that spawns one is told so, however it is spawned and whatever
//! ends it, and nothing of the actor is left.

use crate::common::*;
use nexus_actors::prelude::*;
use nexus_actors::routing::RouterError;
use nexus_actors::sim::{Sim, check};
use nexus_actors::testkit::{BehaviorTest, BehaviorTestError};
use nexus_actors::{DeadLetterReason, LookupError, Router, SpawnError, StartError};
use std::sync::mpsc;
use std::time::Duration;

/// An actor with no first behaviour.
fn stopped() -> Props<u8> {
    Props::new(Behavior::stopped)
}

type Outcome = Result<ActorRef<u8>, SpawnError>;

/// The path of an actor that is reported to have ended in its start.
#[track_caller]
fn ended(outcome: Outcome) -> String {
    match outcome {
        Err(SpawnError::EndedInStart(path)) => path.to_string(),
        other => panic!("it was to end in its start, but: {other:?}"),
    }
}

/// A behaviour that ends at once, by this decision, when it is told `PreStart`.
fn leaves_at_once(next: fn() -> Next<u8>) -> Behavior<u8> {
    Behavior::receive(|_ctx, _| ()).on_signal(move |_ctx, signal| match signal {
        Signal::PreStart => next(),
        _ => Next::Same,
    })
}

type Form = (&'static str, fn() -> Behavior<u8>);

/// Every form of a first behaviour that ends at once.
fn forms() -> Vec<Form> {
    fn strategy() -> SupervisorStrategy {
        SupervisorStrategy::one_for_one()
    }
    vec![
        ("stopped", Behavior::stopped),
        ("setup", || Behavior::setup(|_ctx| Ok(Behavior::stopped()))),
        ("setup in a setup", || {
            Behavior::setup(|_ctx| Ok(Behavior::setup(|_ctx| Ok(Behavior::stopped()))))
        }),
        ("setup that waits", || {
            Behavior::setup(|ctx| {
                ctx.sleep(ms(1))?;
                Ok(Behavior::stopped())
            })
        }),
        ("supervised", || Behavior::stopped().supervise(strategy())),
        ("with timers", || {
            Behavior::with_timers(|timers| {
                timers.start_single("late", 1, SECOND);
                Ok(Behavior::stopped())
            })
        }),
        ("with a stash", || {
            Behavior::with_stash(3, |_ctx| Ok(Behavior::stopped()))
        }),
        ("told of signals", || {
            Behavior::stopped().on_signal(|_ctx, _signal| Next::Same)
        }),
        ("stops when it is told", || leaves_at_once(|| Next::Stop)),
        ("becomes stopped when it is told", || {
            leaves_at_once(|| Next::Become(Behavior::stopped()))
        }),
    ]
}

#[test]
fn s1_10_an_actor_that_ends_in_its_start_is_an_error_in_every_way_to_spawn() {
    with_pools(|pool| {
        let other = pool.spawn("other", echo(|| ())).unwrap();
        let last = pool.workers() - 1;
        assert_eq!(ended(pool.spawn("a", stopped())), "/user/a");
        assert_eq!(ended(pool.spawn_on(last, "b", stopped())), "/user/b");
        assert_eq!(ended(pool.spawn_near(other, "c", stopped())), "/user/c");
        assert!(ended(pool.spawn_anonymous(stopped())).starts_with("/user/$"));
        let all = pool.spawn_all([("d", stopped()), ("e", stopped())]);
        let all: Vec<_> = all.into_iter().map(ended).collect();
        assert_eq!(all, ["/user/d", "/user/e"]);
        let all = pool.spawn_all_anonymous([stopped(), stopped()]);
        all.into_iter().map(ended).for_each(drop);
        let node = pool.node();
        assert_eq!(ended(node.spawn("f", stopped())), "/user/f");
        assert_eq!(ended(node.spawn_on(last, "g", stopped())), "/user/g");
        assert_eq!(ended(node.spawn_near(other, "h", stopped())), "/user/h");
        node.spawn_all([("i", stopped())])
            .into_iter()
            .for_each(|it| drop(ended(it)));
        let once = Once::new(Behavior::<u8>::stopped);
        assert_eq!(ended(pool.spawn("j", once)), "/user/j");
        // The parent of such a child is told, and continues.
        let parent = Props::new(|| {
            Behavior::receive(|ctx, reply: Reply<[Outcome; 3]>| {
                reply.send([
                    ctx.spawn("k", stopped()),
                    ctx.spawn("l", Once::new(Behavior::stopped)),
                    ctx.spawn_anonymous(stopped()),
                ]);
            })
        });
        let parent = pool.spawn("parent", parent).unwrap();
        let [k, l, anonymous] = parent.ask(|reply| reply, SOON).wait().unwrap();
        assert_eq!(ended(k), "/user/parent/k");
        assert_eq!(ended(l), "/user/parent/l");
        assert!(ended(anonymous).starts_with("/user/parent/$"));
        // Nothing is left of any of them, and every name is free.
        assert_eq!(pool.stats().actors(), 2);
        for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
            let found = pool.lookup::<u8>(format!("/user/{name}"));
            assert!(matches!(found, Err(LookupError::NotFound(_))), "{name}");
            let again = pool.spawn(name, echo(|| ())).unwrap();
            again.stop();
        }
        let routees = Router::round_robin(2, stopped()).spawn(&node, "router");
        match routees {
            Err(RouterError::Spawn(SpawnError::Failed(failure))) => {
                let text = failure.to_string();
                assert!(
                    text.contains("/user/router/routee-1 ended in its start"),
                    "{text}"
                );
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn s1_10_systems_simulations_and_configure_say_so_too() {
    let system = ActorSystem::new("system").unwrap();
    assert_eq!(ended(system.spawn("a", stopped())), "/user/a");
    ended(system.spawn_anonymous(stopped()));
    system
        .spawn_all([("b", stopped())])
        .into_iter()
        .for_each(|it| drop(ended(it)));
    let mut sim = Sim::builder().orderly().start().unwrap();
    assert_eq!(ended(sim.spawn("a", stopped())), "/user/a");
    assert_eq!(ended(sim.spawn_on(1, "b", stopped())), "/user/b");
    assert_eq!(ended(sim.node(0).spawn("c", stopped())), "/user/c");
    let configured = pool_of(2)
        .configure(|node| Ok(node.spawn("a", stopped()).map(drop)?))
        .start();
    match configured {
        Err(StartError::Configure { error, .. }) => {
            let error = error.downcast::<SpawnError>().unwrap();
            ended(Err(*error));
        }
        other => panic!("{other:?}"),
    }
    match BehaviorTest::new(Behavior::<u8>::stopped) {
        Err(BehaviorTestError::Spawn(error)) => drop(ended(Err(error))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn s1_10_whatever_has_it_end_in_its_start_it_is_the_same_error() {
    for (form, make) in forms() {
        check(0..10, |sim| {
            let made = sim.spawn_on(0, "actor", Props::new(make));
            assert_eq!(ended(made), "/user/actor", "{form}");
            let made = sim.spawn_on(1, "actor", Once::new(make));
            assert_eq!(ended(made), "/user/actor", "{form}, once");
            assert_eq!(sim.pending().actors, 0, "{form}");
        });
    }
    check(0..10, |sim| {
        // An actor that cannot come back does not passivate.
        let once = Once::new(|| leaves_at_once(|| Next::Passivate));
        assert_eq!(ended(sim.spawn("once", once)), "/user/once");
        let again = Props::new(|| leaves_at_once(|| Next::Passivate));
        sim.spawn("again", again).unwrap();
    });
}

#[test]
fn s1_10_nothing_is_left_of_an_actor_that_ends_in_its_start() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let noted = log.clone();
        let props = Props::new(move || {
            let noted = noted.clone();
            Behavior::setup(move |ctx| {
                ctx.self_ref().tell(1);
                for name in ["one", "other"] {
                    let noted = noted.clone();
                    let child = Behavior::<u8>::empty;
                    ctx.spawn(
                        name,
                        Props::new(move || {
                            let noted = noted.clone();
                            child().on_signal(move |ctx, signal| {
                                noted.add(format!("{} {signal:?}", ctx.path().name()));
                            })
                        }),
                    )?;
                }
                drop(ctx.spawn_task(|task| task.sleep(LONG)));
                Ok(Behavior::stopped())
            })
        });
        assert_eq!(ended(sim.spawn("actor", props)), "/user/actor");
        // Its children have stopped by then, and its mail is lost like that of any other actor that stops.
        assert_eq!(log.of("one"), ["PreStart", "PostStop(Stopped)"]);
        assert_eq!(log.of("other"), ["PreStart", "PostStop(Stopped)"]);
        let pending = sim.pending();
        assert_eq!((pending.actors, pending.slots, pending.names), (0, 0, 0));
        assert_eq!(sim.dead_letters().count(DeadLetterReason::Stopped), 1);
    });
}

#[test]
fn s1_10_an_order_that_comes_during_a_start_is_followed_after_it() {
    check(SEEDS, |sim| {
        type Order = fn(ActorRef<u8>);
        for (order, end) in [
            (ActorRef::stop as Order, "PostStop(Stopped)"),
            (ActorRef::kill, "PostStop(Killed)"),
        ] {
            let (tell, told) = mpsc::channel();
            let props = Props::new(move || {
                let tell = tell.clone();
                Behavior::<u8>::setup(move |ctx| {
                    order(ctx.self_ref());
                    Ok(Behavior::empty().on_signal(move |_ctx, signal| {
                        let _ = tell.send(format!("{signal:?}"));
                    }))
                })
            });
            sim.spawn("actor", props).unwrap();
            sim.run_until_idle();
            assert_eq!(told.iter().collect::<Vec<_>>(), ["PreStart", end]);
        }
    });
}

#[test]
fn s4_7_a_behaviour_that_is_stopped_when_it_is_built_again_is_an_end_and_no_failed_start() {
    check(SEEDS, |sim| {
        let first = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        let props = Props::new(move || {
            if !first.swap(false, std::sync::atomic::Ordering::SeqCst) {
                return Behavior::stopped();
            }
            Behavior::receive(|_ctx, _: u8| Err::<(), _>("torn".into()))
        });
        let parent = Props::new(move || {
            let props = props.clone();
            Behavior::setup(move |ctx| {
                let child = ctx.spawn("child", props)?;
                Ok(Behavior::receive(move |_ctx, number: u8| {
                    child.tell(number)
                }))
            })
        });
        sim.spawn("parent", parent).unwrap().tell(1);
        sim.run_for(Duration::from_secs(1));
        assert!(sim.lookup::<u8>("/user/parent/child").is_err());
        assert!(sim.lookup::<u8>("/user/parent").is_ok());
    });
}
