//! Tasks spawned by tasks: row 6.4 of the contract.

use crate::common::{LONG, Log, OnDrop, SEEDS, check_calm, ms};
use nexus_actors::actor::TaskContext;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

type Work = Box<dyn FnOnce(&mut TaskContext<'_, Do>) -> Result<u32, BoxError> + Send>;

enum Do {
    /// Run this in a task, which replies.
    Task(Work, Reply<u32>),
    /// Run this in a detached task.
    Detached(Work),
}

fn doer(log: &Log) -> Props<Do> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::receive(|ctx: &mut Context<'_, Do>, message| match message {
            Do::Task(work, reply) => drop(ctx.spawn_task(move |task| {
                if let Ok(number) = work(task) {
                    reply.send(number);
                }
            })),
            Do::Detached(work) => drop(ctx.spawn_task(move |task| work(task).is_ok())),
        })
        .on_signal(move |_ctx, signal| {
            if matches!(signal, Signal::PostStop(_)) {
                log.add("stopped");
            }
        })
    })
}

fn guard(log: &Log, name: &'static str) -> OnDrop<impl FnMut() + use<>> {
    let log = log.clone();
    OnDrop(move || log.add(format!("{name} dropped")))
}

fn nothing_is_left(sim: &mut Sim) {
    sim.run_until_idle();
    let pending = sim.pending();
    assert_eq!((pending.slots, pending.waiting, pending.waits), (0, 0, 0));
}

#[test]
fn s6_4_a_task_has_others_done_and_waits_for_them() {
    check_calm(SEEDS, |sim| {
        let actor = sim.spawn("doer", doer(&Log::default())).unwrap();
        let work: Work = Box::new(|task| {
            let shared = Rc::new(20); // not `Send`
            let tasks: Vec<_> = (0..4_u32)
                .map(|number| {
                    let shared = Rc::clone(&shared);
                    task.spawn_task(move |task| {
                        assert!(task.path().as_str().starts_with("/user/doer/$task-"));
                        task.sleep(ms(u64::from(number)))?;
                        // And so on.
                        let next = task.spawn_task(move |_| *shared + number);
                        Ok(next.wait()?)
                    })
                })
                .collect();
            tasks.into_iter().map(|task| task.wait()?).sum()
        });
        let asked = actor.ask(|reply| Do::Task(work, reply), LONG);
        assert_eq!(asked.wait(), Ok(4 * 20 + 6));
        actor.stop();
        nothing_is_left(sim);
    });
}

#[test]
fn s6_4_a_task_of_a_task_is_its_actors_and_outlives_no_other() {
    check_calm(SEEDS, |sim| {
        let log = Log::default();
        let actor = sim.spawn("doer", doer(&log)).unwrap();
        let inner = guard(&log, "inner");
        let work: Work = Box::new(|task| {
            drop(task.spawn_task(move |task| {
                let _inner = inner;
                task.sleep(LONG)
            }));
            Ok(1)
        });
        let asked = actor.ask(|reply| Do::Task(work, reply), LONG);
        assert_eq!(asked.wait(), Ok(1));
        sim.run_for(ms(100));
        assert_eq!(log.take(), [""; 0], "it goes on where the other has ended");
        actor.stop();
        sim.run_until_idle();
        assert_eq!(log.take(), ["inner dropped", "stopped"]);
        nothing_is_left(sim);
    });
}

#[test]
fn s6_4_a_task_that_was_cancelled_begins_no_other() {
    for kill in [false, true] {
        check_calm(SEEDS, |sim| {
            let log = Log::default();
            let actor = sim.spawn("doer", doer(&log)).unwrap();
            let (outer, inner) = (log.clone(), log.clone());
            let work: Work = Box::new(move |task| {
                // A task that survives its end continues until it waits again.
                let slept = catch_unwind(AssertUnwindSafe(|| task.sleep(LONG)));
                assert!(slept.is_err());
                outer.add("survives");
                drop(task.spawn_task(move |_| inner.add("never")));
                Ok(1)
            });
            actor.tell(Do::Detached(work));
            sim.run_for(ms(1));
            if kill {
                actor.kill();
            } else {
                actor.stop();
            }
            sim.run_until_idle();
            assert_eq!(log.take(), ["survives", "stopped"]);
            nothing_is_left(sim);
        });
    }
}

#[test]
fn s6_4_tasks_that_beget_tasks_end_with_a_shutdown() {
    fn again(task: &mut TaskContext<'_, Do>) {
        drop(task.spawn_task(again));
    }
    Sim::builder().check(SEEDS, |sim| {
        let actor = sim.spawn("doer", doer(&Log::default())).unwrap();
        actor.tell(Do::Detached(Box::new(|task| {
            again(task);
            Ok(1)
        })));
        for _ in 0..20 {
            sim.step();
        }
        let report = sim.shutdown(ms(10));
        assert_eq!(report.stuck_workers.len(), 0, "{report:?}");
        assert!(sim.has_ended());
    });
}
