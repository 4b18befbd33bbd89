//! Tasks are no children, but diagnostics of a stall find them.

use super::{LONG, SECOND, SEEDS, doer, guard, ms, run};
use crate::common::{Log, SOON, with_pools};
use nexus_actors::WaitError;
use nexus_actors::failure::TaskError;
use nexus_actors::pool::WaitsFor;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::sync::{Arc, Mutex};

#[test]
fn s6_4_tasks_are_no_children_to_their_actor_nor_to_its_strategy() {
    let strategy = SupervisorStrategy::all_for_one();
    Sim::builder().check(SEEDS, |sim| {
        let log = Log::default();
        let told = log.clone();
        let child = doer(&log);
        let dropped = Arc::new(Mutex::new(Some(guard(&log, "task"))));
        let parent = Props::new(move || {
            let (log, child, dropped) = (told.clone(), child.clone(), Arc::clone(&dropped));
            Behavior::setup(move |ctx| {
                let dropped = dropped.lock().unwrap().take();
                ctx.spawn_task(move |task| {
                    let _dropped = dropped;
                    let _ = task.sleep(SECOND);
                    log.add("task ended");
                });
                let children = [ctx.spawn("one", child.clone())?, ctx.spawn("two", child)?];
                assert_eq!(ctx.children(), [children[1].id(), children[0].id()]);
                Ok(Behavior::receive(move |_ctx, ()| {
                    run(children[0], |_ctx| Err("torn".into()));
                }))
            })
        });
        let parent = sim.spawn("parent", parent.supervising(strategy.clone()));
        parent.unwrap().tell(());
        sim.run_for(3 * SECOND);
        let mut lines = log.take();
        assert_eq!(lines.pop().as_deref(), Some("task dropped"));
        assert_eq!(lines.pop().as_deref(), Some("task ended"));
        lines.sort();
        let [a, b, c] = ["restarted", "restarts", "starts"];
        assert_eq!(lines, [a, a, b, b, c, c]);
        assert_eq!((sim.stats().actors(), sim.pending().slots), (3, 3));
    });
}

#[test]
fn s6_4_who_waits_names_the_task() {
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let actor = sim.spawn("doer", doer(&Log::default())).unwrap();
    run(actor, |ctx| {
        let task = ctx.spawn_task(|task| task.sleep(LONG));
        let _ = task.wait();
        Ok(())
    });
    sim.run_for(SECOND);
    let mut waiting = sim.waiting();
    waiting.sort_by_key(ToString::to_string);
    let lines: Vec<_> = waiting.iter().map(ToString::to_string).collect();
    let name = waiting[1].actor.clone().unwrap().1;
    assert!(name.as_str().starts_with("/user/doer/$task-"), "{name}");
    assert_eq!(lines[1], format!("{name} waits for time to pass"));
    assert_eq!(lines[0], format!("/user/doer waits for {name}"));
    assert!(matches!(waiting[0].waits_for, WaitsFor::Actor(..)));
}

#[test]
fn s6_4_a_task_has_a_stack_like_its_actors() {
    fn depth(left: u32) -> u32 {
        if left == 0 {
            0
        } else {
            1 + std::hint::black_box(depth(left - 1))
        }
    }
    with_pools(|pool| {
        let deep = doer(&Log::default()).stack_size(64 << 20);
        let actor = pool.spawn("deep", deep).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        run(actor, move |ctx| {
            let tasks = [1, 2, 3].map(|_| {
                ctx.spawn_task(|task| {
                    task.sleep(ms(1))?;
                    Ok::<_, WaitError>(depth(50_000))
                })
            });
            let cancelled = ctx.spawn_task(|task| task.sleep(LONG));
            ctx.sleep(ms(1))?;
            cancelled.cancel();
            assert_eq!(cancelled.wait(), Err(TaskError::Cancelled));
            for task in tasks {
                let _ = tell.send(task.wait()??);
            }
            Ok(())
        });
        for _ in 0..3 {
            assert_eq!(told.recv_timeout(SOON), Ok(50_000));
        }
    });
}
