//! Actors with a stack of their own.

use super::{Dig, KIB, dig, digger, have_dug, marks, miner, overflows};
use crate::common::{
    NEVER, SOON, echo, eventually, finish, gone, in_child, pool_of, watchdog, with_pool, with_pools,
};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{ActorPath, SpawnError};
use std::hint::black_box;
use std::thread;
use std::time::Duration;

#[test]
fn s4_10_an_overflow_of_a_stack_of_ones_own_is_told_with_its_size() {
    overflows(
        "own::s4_10_an_overflow_of_a_stack_of_ones_own_is_told_with_its_size",
        &[
            "in a handler of /user/mine (",
            "on a stack of 1048576 bytes",
        ],
        || {
            let pool = pool_of(1).start().unwrap();
            let mine = digger().stack_size(1000 * KIB);
            pool.spawn("mine", mine).unwrap().tell(Dig);
            thread::sleep(SOON);
        },
    );
}

#[test]
fn s4_10_an_actor_with_a_stack_of_its_own_digs_deeper_than_the_others_could() {
    with_pools(|pool| {
        let deep = pool.spawn("deep", miner().stack_size(8192 * KIB)).unwrap();
        have_dug(deep, 7000 * KIB);
        have_dug(deep, KIB);
        have_dug(deep, 7000 * KIB);
        let worker = deep.id().worker();
        eventually("it is seen", || {
            marks(&pool.stats())[worker] >= 7000 * KIB as u64
        });
    });
    let system = ActorSystem::new("alone").unwrap();
    let deep = system.spawn("deep", miner().stack_size(8192 * KIB));
    have_dug(deep.unwrap(), 7000 * KIB);
    let mut sim = Sim::new(7);
    let deep = sim.spawn("deep", miner().stack_size(8192 * KIB));
    have_dug(deep.unwrap(), 7000 * KIB);
}

#[test]
fn s4_10_a_stack_of_ones_own_that_is_no_larger_than_the_others_changes_nothing() {
    with_pool(pool_of(1).stack_size(1024 * KIB), |pool| {
        for (name, size) in [("less", 64 * KIB), ("equal", 1024 * KIB)] {
            let digging = pool.spawn(name, miner().stack_size(size)).unwrap();
            have_dug(digging, 900 * KIB);
        }
        eventually("one fiber is all", || pool.stats().workers[0].fibers == 1);
    });
}

/// Asks another actor from deep in its stack, and digs again when the answer is there.
fn asking_miner(other: ActorRef<Reply<u8>>) -> Props<(usize, Reply<()>)> {
    #[inline(never)]
    fn ask_below(left: usize, other: ActorRef<Reply<u8>>) {
        let frame = black_box([0_u8; KIB]);
        if left > 0 {
            ask_below(left - 1, other);
        } else {
            other.ask(|reply| reply, NEVER).wait().unwrap();
        }
        black_box(&frame);
    }
    Props::new(move || {
        Behavior::receive(move |ctx, (depth, reply): (usize, Reply<()>)| {
            ask_below(depth / KIB / 4, other);
            ctx.yield_now().unwrap();
            dig(depth);
            reply.send(());
        })
    })
}

#[test]
fn s4_10_handlers_wait_on_stacks_of_their_own_beside_others() {
    with_pools(|pool| {
        let other = pool.spawn_on(0, "other", echo(|| 7_u8)).unwrap();
        let miners: Vec<_> = (0..60)
            .map(|number: usize| {
                let props = asking_miner(other);
                let (props, depth) = match number % 4 {
                    0 => (props, 32 * KIB),
                    1 => (props.stack_size(400 * KIB), 380 * KIB),
                    2 => (props.stack_size(1024 * KIB), 900 * KIB),
                    _ => (props.stack_size(2048 * KIB), 1800 * KIB),
                };
                let worker = number % pool.workers();
                let name = format!("miner-{number}");
                (pool.spawn_on(worker, &name, props).unwrap(), depth)
            })
            .collect();
        for _ in 0..5 {
            let asks: Vec<_> = miners
                .iter()
                .map(|(miner, depth)| miner.ask(|reply| (*depth, reply), SOON))
                .collect();
            for ask in asks {
                ask.wait().unwrap();
            }
        }
    });
}

#[test]
fn s4_10_an_actor_has_its_own_stack_also_when_it_starts_again_and_when_it_stops() {
    with_pool(pool_of(1), |pool| {
        let (tell, told) = std::sync::mpsc::channel();
        let failing = Props::new(move || {
            let tell = tell.clone();
            Behavior::receive(|_ctx, ()| -> Result<(), BoxError> { Err("planned".into()) })
                .on_signal(move |_ctx, signal| {
                    if !matches!(signal, Signal::PreStart) {
                        dig(1800 * KIB);
                        tell.send(format!("{signal:?}")).unwrap();
                    }
                })
        })
        .stack_size(2048 * KIB);
        let parent = Props::new(move || {
            let failing = failing.clone();
            Behavior::setup(move |ctx| {
                let child = ctx.spawn("child", failing)?;
                child.tell(());
                Ok(Behavior::receive(|_ctx, ()| ()))
            })
        });
        let parent = pool.spawn("parent", parent).unwrap();
        let next = || told.recv_timeout(SOON).unwrap();
        assert!(next().starts_with("PreRestart"));
        assert!(next().starts_with("PostRestart"));
        parent.stop();
        assert!(next().starts_with("PostStop"));
    });
}

/// An actor whose setup digs, waits, and digs again.
fn deep_setup(outcome: Result<(), &'static str>) -> Props<Reply<ActorPath>> {
    Props::new(move || {
        Behavior::setup(move |ctx| {
            dig(1800 * KIB);
            ctx.sleep(Duration::from_millis(1))?;
            dig(1800 * KIB);
            outcome?;
            Ok(Behavior::receive(|ctx, reply: Reply<ActorPath>| {
                reply.send(ctx.path());
            }))
        })
    })
    .stack_size(2048 * KIB)
}

#[test]
fn s4_10_a_deep_setup_has_the_stack_of_its_actor_and_its_spawner_waits() {
    with_pools(|pool| {
        let spawner = Props::new(|| {
            Behavior::receive(|ctx, reply: Reply<Result<ActorPath, String>>| {
                let child = ctx.spawn("deep", deep_setup(Ok(())));
                let path = child.map_err(|error| error.to_string()).map(|child| {
                    // It runs by now and can be looked up.
                    child.ask(|reply| reply, SOON).wait().unwrap()
                });
                let failing = ctx.spawn("failing", deep_setup(Err("planned")));
                assert!(failing.unwrap_err().to_string().contains("planned"));
                let again = ctx.spawn("failing", deep_setup(Ok(())));
                assert!(again.is_ok(), "its name is free");
                let taken = ctx.spawn("deep", deep_setup(Ok(())));
                assert!(matches!(taken, Err(SpawnError::NameTaken(_))));
                reply.send(path);
            })
        });
        let spawner = pool.spawn("spawner", spawner).unwrap();
        let path = spawner.ask(|reply| reply, SOON).wait().unwrap();
        assert_eq!(path.unwrap().to_string(), "/user/spawner/deep");
        let outside = pool.spawn("outside", deep_setup(Ok(()))).unwrap();
        let path = outside.ask(|reply| reply, SOON).wait().unwrap();
        assert_eq!(path.to_string(), "/user/outside");
    });
    let mut sim = Sim::new(7);
    sim.spawn("outside", deep_setup(Ok(()))).unwrap();
}

#[test]
fn s4_10_a_setup_on_a_stack_of_its_own_may_be_ended_by_force() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let endless: fn() -> Props<()> = || {
        Props::new(|| {
            Behavior::setup(|ctx| {
                dig(1800 * KIB);
                ctx.sleep(NEVER)?;
                Ok(Behavior::receive(|_ctx, ()| ()))
            })
        })
        .stack_size(2048 * KIB)
    };
    let spawner = Props::new(move || {
        Behavior::receive(move |ctx, ()| {
            let _ = ctx.spawn("endless", endless());
        })
    });
    pool.spawn("spawner", spawner).unwrap().tell(());
    eventually("both wait", || pool.stats().workers[0].waiting == 2);
    let report = finish(&pool, Duration::ZERO);
    assert_eq!(report.forced, 2, "{report:?}");
    let stats = pool.stats().workers[0];
    assert_eq!((stats.actors, stats.waiting, stats.fibers), (0, 0, 0));
}

#[test]
fn s4_10_what_a_setup_on_a_stack_of_its_own_sends_has_the_same_cause() {
    let told = |stack: Option<usize>| {
        let pool = pool_of(1).start().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let last = Props::new(move || {
            let tell = tell.clone();
            Behavior::receive(move |ctx, ()| {
                let envelope = ctx.envelope();
                let chain = (envelope.correlation_id(), envelope.causation_id());
                tell.send(chain).unwrap();
            })
        });
        let last = pool.spawn("last", last).unwrap();
        let child = Props::new(move || {
            Behavior::setup(move |_ctx| {
                last.tell(());
                Ok(Behavior::receive(|_ctx, ()| ()))
            })
        });
        let child = match stack {
            Some(bytes) => child.stack_size(bytes),
            None => child,
        };
        let (tell_own, own) = std::sync::mpsc::channel();
        let spawner = Props::new(move || {
            let (child, tell_own) = (child.clone(), tell_own.clone());
            Behavior::receive(move |ctx, ()| {
                tell_own.send(ctx.envelope().message_id()).unwrap();
                ctx.spawn_anonymous(child.clone()).unwrap();
            })
        });
        pool.spawn("spawner", spawner).unwrap().tell(());
        let (chain, own) = (told.recv().unwrap(), own.recv().unwrap());
        finish(&pool, SOON);
        assert_eq!(chain, (own, Some(own)));
    };
    told(None);
    told(Some(1024 * KIB));
}

#[test]
fn s4_10_the_end_by_force_unwinds_handlers_on_stacks_of_their_own() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let never = Props::new(|| {
        let mut kept = Vec::new();
        Behavior::receive(move |_ctx, reply: Reply<u8>| kept.push(reply))
    });
    let never = pool.spawn("never", never).unwrap();
    let waiting = asking_miner(never).stack_size(4096 * KIB);
    let waiting = pool.spawn("waiting", waiting).unwrap();
    let ask = waiting.ask(|reply| (3000 * KIB, reply), NEVER);
    eventually("it waits", || pool.stats().workers[0].waiting > 0);
    let report = finish(&pool, Duration::ZERO);
    assert!(report.forced > 0, "{report:?}");
    assert!(ask.wait().is_err());
    let stats = pool.stats().workers[0];
    assert_eq!((stats.waiting, stats.fibers), (0, 0));
}

#[test]
fn s4_10_stacks_of_an_actors_own_give_their_memory_back_when_unused() {
    fn mapped() -> usize {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = status
            .split(' ')
            .next()
            .and_then(|pages| pages.parse().ok());
        pages.unwrap_or(0_usize) * 4096
    }
    // In a process of its own, in which no other test maps memory.
    let test = "own::s4_10_stacks_of_an_actors_own_give_their_memory_back_when_unused";
    in_child(test, || {
        with_pool(pool_of(1), |pool| {
            let before = mapped();
            let huge = pool.spawn("huge", miner().stack_size(1 << 30)).unwrap();
            have_dug(huge, 100 << 20);
            assert!(before == 0 || mapped() >= before + (1 << 30));
            huge.stop();
            gone(pool, "/user/huge");
            eventually("it is unmapped", || mapped() < before + (1 << 29));
        });
    });
}

#[test]
fn s4_10_stacks_of_a_size_that_cannot_be_are_refused() {
    let refusal = |bytes: usize| format!("a stack has between 64 KiB and 1 GiB, not {bytes} bytes");
    with_pool(pool_of(1), |pool| {
        for bytes in [0, 64 * KIB - 1, (1 << 30) + 1, usize::MAX] {
            let refused = pool.spawn("miner", miner().stack_size(bytes));
            let Err(error) = refused else {
                panic!("{bytes} bytes are not refused")
            };
            assert!(matches!(error, SpawnError::InvalidStackSize(size) if size == bytes));
            assert_eq!(error.to_string(), refusal(bytes));
            let refused = pool_of(1).stack_size(bytes).start();
            assert_eq!(refused.unwrap_err().to_string(), refusal(bytes));
        }
        // The name is free again.
        for bytes in [64 * KIB, 1 << 30] {
            let miner = pool.spawn(&format!("miner-{bytes}"), miner().stack_size(bytes));
            have_dug(miner.unwrap(), KIB);
        }
        have_dug(pool.spawn("miner", miner()).unwrap(), KIB);
    });
}
