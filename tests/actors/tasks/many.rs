//! Many tasks at once, and a model of when they must have ended.

use super::{Do, LONG, SECOND, doer, ms, run};
use crate::common::{Log, OnDrop, SOON, finish, pool_of, watchdog};
use nexus_actors::Task;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A number that follows from a seed (the mixing function of SplitMix64).
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What the model knows of the tasks of one incarnation.
#[derive(Default)]
struct Alive {
    incarnation: u32,
    tasks: u32,
    begun: u64,
    ended: u64,
}

#[test]
fn s6_4_no_task_outlives_its_incarnation_under_a_storm_of_failures_and_cancellations() {
    let builder = Sim::builder().workers(2);
    let strategy = SupervisorStrategy::one_for_one().limit(1000, SECOND);
    builder.supervising(strategy).check(0..200, |sim| {
        let alive: Arc<Mutex<Alive>> = Arc::default();
        let kept = Arc::clone(&alive);
        let other = sim.spawn_on(1, "other", doer(&Log::default())).unwrap();
        let props = Props::new(move || {
            let alive = Arc::clone(&kept);
            Behavior::setup(move |_ctx| {
                let mut state = alive.lock().unwrap();
                assert_eq!(state.tasks, 0, "those of the last incarnation have ended");
                state.incarnation += 1;
                drop(state);
                let noted = Arc::clone(&alive);
                let mut held: Vec<Task<u64>> = Vec::new();
                let behavior = Behavior::receive(move |ctx: &mut Context<'_, u64>, seed: u64| {
                    storm(ctx, seed, &alive, &mut held, other)
                });
                Ok(behavior.on_signal(move |_ctx, signal| {
                    if matches!(signal, Signal::PostStop(_)) {
                        assert_eq!(noted.lock().unwrap().tasks, 0);
                    }
                }))
            })
        });
        let actor = sim.spawn_on(0, "actor", props).unwrap();
        for round in 0..60 {
            actor.tell(mixed(sim.seed() ^ (round << 32)));
            if round % 7 == 0 {
                sim.run_for(ms(3));
            }
        }
        sim.run_for(ms(200));
        actor.stop();
        sim.run_until_idle();
        let alive = alive.lock().unwrap();
        assert_eq!((alive.tasks, alive.begun), (0, alive.ended));
        assert!(alive.begun > 10, "{}", alive.begun);
        let (stats, pending) = (sim.stats(), sim.pending());
        assert_eq!(stats.sent(), stats.handled() + stats.dead_letters);
        assert_eq!(
            (pending.slots, pending.waiting, pending.waits, pending.due),
            (1, 0, 0, 0)
        );
    });
}

/// One operation with tasks, chosen by a number.
fn storm(
    ctx: &mut Context<'_, u64>,
    seed: u64,
    alive: &Arc<Mutex<Alive>>,
    held: &mut Vec<Task<u64>>,
    other: ActorRef<Do>,
) -> Result<(), BoxError> {
    let counted = || {
        let mut state = alive.lock().unwrap();
        state.tasks += 1;
        state.begun += 1;
        let (alive, incarnation) = (Arc::clone(alive), state.incarnation);
        OnDrop(move || {
            let mut state = alive.lock().unwrap();
            assert_eq!(
                state.incarnation, incarnation,
                "it ends with its incarnation"
            );
            state.tasks -= 1;
            state.ended += 1;
        })
    };
    match seed % 8 {
        0..=3 => {
            let counted = counted();
            let task = ctx.spawn_task(move |task| {
                let _counted = counted;
                for step in 0..(seed >> 8) % 5 {
                    match mixed(seed ^ step) % 5 {
                        0 => task.sleep(Duration::from_micros(seed % 3000)).unwrap(),
                        1 => task.yield_now().unwrap(),
                        2 => drop(other.ask(Do::Ask, ms(1)).wait()),
                        3 => task.run_blocking(|| ()).unwrap(),
                        _ => task.block_on(std::future::ready(())).unwrap(),
                    }
                }
                assert!(!(seed >> 16).is_multiple_of(9), "planned");
                seed
            });
            if seed >> 20 & 1 == 0 {
                held.push(task);
            }
        }
        4 if !held.is_empty() => held.swap_remove((seed >> 8) as usize % held.len()).cancel(),
        5 if !held.is_empty() => drop(held.remove(0).wait()),
        6 if seed >> 8 & 3 == 0 => return Err("torn".into()),
        _ => ctx.sleep(Duration::from_micros(seed % 1000))?,
    }
    Ok(())
}

#[test]
fn s6_4_ten_thousand_tasks_end_at_once() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let actor = pool.spawn("doer", doer(&Log::default())).unwrap();
    let ended = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = Arc::clone(&ended);
    let (tell, told) = std::sync::mpsc::channel();
    run(actor, move |ctx| {
        for _ in 0..10_000 {
            let (counted, tell) = (Arc::clone(&counted), tell.clone());
            ctx.spawn_task(move |task| {
                let _counted = OnDrop(move || {
                    counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                });
                let _ = tell.send(());
                let _ = task.sleep(LONG);
            });
        }
        Ok(())
    });
    for _ in 0..10_000 {
        told.recv_timeout(SOON).unwrap();
    }
    assert_eq!(finish(&pool, SOON).forced, 0);
    assert_eq!(ended.load(std::sync::atomic::Ordering::Relaxed), 10_000);
}
