//! Starts of children on other workers, and what remains of those that fail.

use super::{Job, at, child_of, worker};
use crate::common::{Log, NEVER, SEEDS, SIZES, SOON, eventually, gone, pool_of, with_pool};
use nexus_actors::actor::no_wait;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use nexus_actors::{SpawnError, WaitError};

#[test]
fn s4_17_a_child_on_any_worker_is_below_its_parent() {
    for workers in SIZES {
        with_pool(pool_of(workers), |pool| {
            let log = Log::default();
            let parent = pool.spawn_on(0, "parent", worker(&log)).unwrap();
            for place in 0..workers {
                let props = worker(&log);
                let child = at(parent, move |ctx| ctx.spawn_on(place, "child", props)).unwrap();
                let seen = at(child, |ctx| (ctx.path().to_string(), ctx.worker()));
                assert_eq!(seen, ("/user/parent/child".to_owned(), place));
                assert_eq!(child.id().path().unwrap().as_str(), "/user/parent/child");
                assert_eq!(pool.lookup::<Job>("/user/parent/child"), Ok(child));
                assert_eq!(at(parent, |ctx| ctx.children()), [child.id()]);
                for other in 0..workers {
                    let props = worker(&log);
                    let again = at(parent, move |ctx| ctx.spawn_on(other, "child", props));
                    assert!(matches!(again, Err(SpawnError::NameTaken(_))), "{again:?}");
                }
                let props = worker(&log);
                let again = at(parent, move |ctx| ctx.spawn("child", props));
                assert!(matches!(again, Err(SpawnError::NameTaken(_))), "{again:?}");
                let props = worker(&log);
                let found = at(parent, move |ctx| ctx.get_or_spawn("child", props));
                assert_eq!(found.unwrap(), child);
                child.stop();
                gone(pool, "/user/parent/child");
                eventually("its parent has no child", || {
                    at(parent, |ctx| ctx.children()).is_empty()
                });
            }
        });
    }
}

#[test]
fn s4_17_there_is_no_child_on_a_worker_that_is_none() {
    for workers in SIZES {
        with_pool(pool_of(workers), |pool| {
            let log = Log::default();
            let parent = pool.spawn("parent", worker(&log)).unwrap();
            for place in [workers, usize::MAX] {
                let props = worker(&log);
                let refused = at(parent, move |ctx| ctx.spawn_on(place, "child", props));
                let Err(SpawnError::NoSuchWorker {
                    worker,
                    workers: all,
                }) = refused
                else {
                    panic!("{refused:?}");
                };
                assert_eq!((worker, all), (place, workers));
            }
        });
    }
}

#[test]
fn s4_17_a_system_has_the_worker_of_its_thread() {
    let system = ActorSystem::new("system").unwrap();
    let log = Log::default();
    let parent = system.spawn("parent", worker(&log)).unwrap();
    let child = child_of(parent, 0, "child", worker(&log));
    assert_eq!(
        at(child, |ctx| ctx.path().to_string()),
        "/user/parent/child"
    );
    let props = worker(&log);
    let refused = at(parent, move |ctx| ctx.spawn_on(1, "other", props));
    assert!(matches!(refused, Err(SpawnError::NoSuchWorker { .. })));
    assert_eq!(system.shutdown(SOON).forced, 0);
}

/// Props that do not start, and whether an error is the one that they give.
type Wrong = (Props<Job>, fn(&SpawnError) -> bool);

fn wrong(log: &Log) -> [Wrong; 5] {
    let setup = Props::new(|| Behavior::setup(|_ctx| Err("no setup".into())));
    let panics = Props::new(|| -> Behavior<Job> { panic!("planned") });
    let stopped = Props::new(Behavior::stopped);
    let failed = |error: &SpawnError| match error {
        SpawnError::Failed(failure) => failure.path.as_str() == "/user/parent/child",
        _ => false,
    };
    // Its own child is elsewhere too, and takes a while to end.
    let log = log.clone();
    let with_child = Props::new(move || {
        let log = log.clone();
        Behavior::setup(move |ctx| {
            let other = 1 - ctx.worker();
            ctx.spawn_on(other, "grandchild", worker(&log))?
                .tell(Job::sleep(crate::common::ms(1)));
            Err("no setup".into())
        })
    });
    [
        (setup, failed),
        (panics, failed),
        (with_child, failed),
        (stopped, |error| {
            matches!(error, SpawnError::EndedInStart(_))
        }),
        (worker(&Log::default()).stack_size(1), |error| {
            matches!(error, SpawnError::InvalidStackSize(1))
        }),
    ]
}

#[test]
fn s4_17_a_start_that_fails_tells_the_parent_why_and_leaves_nothing_behind() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let parent = sim.spawn_on(0, "parent", worker(&log)).unwrap();
        for (props, is_right) in wrong(&log) {
            let started = at(parent, move |ctx| ctx.spawn_on(1, "child", props));
            let error = started.expect_err("it does not start");
            assert!(is_right(&error), "{error}");
            assert_eq!(at(parent, |ctx| ctx.children()), []);
            assert!(sim.lookup::<Job>("/user/parent/child").is_err());
            assert!(sim.lookup::<Job>("/user/parent/child/grandchild").is_err());
        }
        let props = worker(&log);
        let unnamed = at(parent, move |ctx| ctx.spawn_on(1, "no name", props));
        assert!(matches!(unnamed, Err(SpawnError::InvalidName(_))));
        sim.run_until_idle();
        assert_eq!(sim.pending().actors, 1);
        // The name is free.
        let child = child_of(parent, 1, "child", worker(&log));
        assert_eq!(at(child, |ctx| ctx.worker()), 1);
    });
}

#[test]
fn s4_17_a_parent_that_may_not_wait_starts_no_child_elsewhere() {
    let forbidden = |sim: &mut Sim| {
        let log = Log::default();
        let parent = sim.spawn_on(0, "parent", worker(&log)).unwrap();
        let (here, there) = (worker(&log), worker(&log));
        let (here, there) = at(parent, move |ctx| {
            no_wait(|| {
                (
                    ctx.spawn_on(0, "here", here),
                    ctx.spawn_on(1, "there", there),
                )
            })
        });
        assert!(here.is_ok(), "{here:?}");
        let refused = matches!(there, Err(SpawnError::CannotWait(WaitError::Forbidden)));
        assert!(refused, "{there:?}");
        assert_eq!(at(parent, |ctx| ctx.children()).len(), 1);
        assert!(sim.lookup::<Job>("/user/parent/there").is_err());
    };
    check(0..10, forbidden);
}

#[test]
fn s4_17_children_elsewhere_may_be_bounded_need_a_stack_or_serve_once() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let parent = sim.spawn_on(0, "parent", worker(&log)).unwrap();
        let bounded = worker(&log).mailbox(Mailbox::bounded(1, Overflow::Backpressure).unwrap());
        let bounded = child_of(parent, 1, "bounded", bounded);
        for number in 0..5 {
            bounded.send(Job::note(&log, number.to_string())).unwrap();
        }
        let deep = child_of(parent, 1, "deep", worker(&log).stack_size(1 << 20));
        deep.tell(Job::note(&log, "runs"));
        let value = vec![7];
        let once = Once::new(move || {
            Behavior::with_state(value, |value, _ctx, reply: Reply<Option<i32>>| {
                reply.send(value.pop());
                if value.is_empty() {
                    Err("torn".into())
                } else {
                    Ok(())
                }
            })
        });
        let once = at(parent, move |ctx| ctx.spawn_on(1, "once", once)).unwrap();
        assert_eq!(once.ask(|reply| reply, SOON).wait(), Ok(Some(7)));
        sim.run_until_idle();
        assert_eq!(log.of("bounded"), ["0", "1", "2", "3", "4"]);
        assert_eq!(log.of("deep"), ["runs"]);
        // It gets no second instance, whatever the strategy says.
        assert_eq!(log.of("parent"), ["ChildFailed(once)"]);
        assert!(
            sim.lookup::<Reply<Option<i32>>>("/user/parent/once")
                .is_err()
        );
    });
}

#[test]
fn s4_17_a_parent_that_is_killed_while_its_child_starts_takes_it_along() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let parent = sim.spawn_on(0, "parent", worker(&log)).unwrap();
        let slow = slow_to_start(&log);
        let noting = log.clone();
        parent.tell(Job::new(move |ctx| {
            let child = ctx.spawn_on(1, "child", slow)?;
            noting.add(format!("parent has {}", child.id().path().unwrap()));
            Ok(())
        }));
        sim.run_for(crate::common::ms(1));
        parent.kill();
        sim.run_until_idle();
        assert_eq!(log.take(), [""; 0], "both are at it");
        sim.run_for(crate::common::SECOND * 2);
        assert_eq!(
            log.take(),
            [
                "parent has /user/parent/child",
                "child PostStop(Killed)",
                "parent PostStop(Killed)"
            ]
        );
    });
}

/// Props whose setup takes a second.
fn slow_to_start(log: &Log) -> Props<Job> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::setup(move |ctx| {
            ctx.sleep(crate::common::SECOND)?;
            let log = log.clone();
            Ok(
                Behavior::receive(|ctx, Job(work)| work(ctx)).on_signal(move |ctx, signal| {
                    if let Signal::PostStop(reason) = signal {
                        log.add(format!("{} PostStop({reason:?})", ctx.path().name()));
                    }
                }),
            )
        })
    })
}

#[test]
fn s4_17_a_deadline_cuts_a_start_elsewhere_short() {
    let never = || {
        Props::new(|| {
            Behavior::setup(|ctx| {
                ctx.sleep(NEVER)?;
                Ok(Behavior::receive(|ctx, Job(work)| work(ctx)))
            })
        })
    };
    check(SEEDS, |sim| {
        let log = Log::default();
        let parent = sim.spawn_on(0, "parent", worker(&log)).unwrap();
        let props = never();
        parent.tell(Job::new(move |ctx| {
            // The child's worker may be the first to cut it short.
            let _ = ctx.spawn_on(1, "child", props);
            Ok(())
        }));
        sim.run_until_idle();
        sim.shutdown(crate::common::SECOND);
        let [end] = &log.of("parent")[..] else {
            panic!("{:?}", log.lines());
        };
        assert!(end.starts_with("PostStop("), "{end}");
    });
    for workers in [2, 8] {
        let _watchdog = crate::common::watchdog();
        let pool = pool_of(workers).start().unwrap();
        let log = Log::default();
        let parent = pool.spawn_on(0, "parent", worker(&log)).unwrap();
        let props = never();
        parent.tell(Job::new(move |ctx| {
            // The child's worker may be the first to cut it short.
            let _ = ctx.spawn_on(1, "child", props);
            Ok(())
        }));
        eventually("the child starts", || pool.stats().actors() == 2);
        crate::common::finish(&pool, crate::common::ms(1));
        let [end] = &log.of("parent")[..] else {
            panic!("{:?}", log.lines());
        };
        assert!(end.starts_with("PostStop("), "{end}");
    }
}
