//! A task is bound to its actor: it ends with it, by force, or when it is cancelled.

use super::{Do, LONG, SECOND, SEEDS, calm, doer, guard, ms, run, start_doer};
use crate::common::{Log, SOON, finish, pool_of, watchdog};
use nexus_actors::Task;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::failure::TaskError;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

#[test]
fn s6_4_tasks_end_before_their_actor_has_stopped_or_starts_again() {
    for end in ["stop", "kill", "fail", "restart"] {
        let directive = match end {
            "restart" => Directive::Restart,
            _ => Directive::Stop,
        };
        let strategy = SupervisorStrategy::one_for_one().always(directive);
        Sim::builder().supervising(strategy).check(SEEDS, |sim| {
            let (log, actor) = start_doer(sim);
            let guards = ["asks", "sleeps", "yields", "waits"].map(|name| guard(&log, name));
            let unbegun = guard(&log, "unbegun");
            let silent = sim.spawn("silent", {
                Props::new(|| Behavior::with_state(Vec::new(), |all, _, r: Reply<()>| all.push(r)))
            });
            let silent = silent.unwrap();
            run(actor, move |ctx| {
                let [asks, sleeps, yields, waits] = guards;
                ctx.spawn_task(move |_task| {
                    let _asks = asks;
                    let _ = silent.ask(|reply| reply, LONG).wait();
                    unreachable!("nobody answers");
                });
                let other = ctx.spawn_task(move |task| {
                    let _sleeps = sleeps;
                    let _ = task.sleep(LONG);
                    unreachable!("it is not that late");
                });
                ctx.spawn_task(move |task| {
                    let _yields = yields;
                    while task.yield_now().is_ok() && task.sleep(ms(1)).is_ok() {}
                    unreachable!("it can always wait");
                });
                ctx.spawn_task(move |_task| {
                    let _waits = waits;
                    let ended: Result<(), _> = other.wait();
                    unreachable!("{ended:?} is never told");
                });
                Ok(())
            });
            sim.run_for(ms(20));
            run(actor, move |ctx| {
                ctx.spawn_task(move |_task| {
                    drop(unbegun);
                });
                ctx.sleep(ms(0))?;
                match end {
                    "stop" => ctx.self_ref().stop(),
                    "kill" => ctx.self_ref().kill(),
                    _ => return Err("torn".into()),
                }
                Ok(())
            });
            sim.run_for(ms(100));
            let lines = log.take();
            let (first, last) = (&lines[0], &lines[lines.len() - 1]);
            let mut dropped = lines.clone();
            dropped.retain(|line| line.ends_with("dropped"));
            dropped.sort();
            let names = ["asks", "sleeps", "unbegun", "waits", "yields"];
            assert_eq!(dropped, names.map(|name| format!("{name} dropped")));
            assert_eq!(first, "starts");
            let restart = end == "restart";
            assert_eq!(last, if restart { "restarted" } else { "stopped" });
            if restart {
                let told = lines.iter().position(|line| line == "restarts").unwrap();
                let unbegun = lines.iter().position(|line| line == "unbegun dropped");
                assert!(lines[1..told].len() <= 1 && unbegun.is_some(), "{lines:?}");
            }
            let pending = sim.pending();
            assert_eq!(pending.waiting, 0, "{:?}", sim.waiting());
            assert_eq!(pending.slots, 1 + usize::from(restart));
        });
    }
}

#[test]
fn s6_4_a_shutdown_does_not_wait_for_tasks_that_wait() {
    for workers in crate::common::SIZES {
        let log = Log::default();
        let pool = pool_of(workers).start().unwrap();
        let actor = pool.spawn("doer", doer(&log)).unwrap();
        let dropped = guard(&log, "task");
        let (tell, told) = std::sync::mpsc::channel();
        run(actor, move |ctx| {
            ctx.spawn_task(move |task| {
                let _dropped = dropped;
                tell.send(()).unwrap();
                let _ = task.sleep(LONG);
            });
            Ok(())
        });
        told.recv_timeout(SOON).unwrap();
        let report = finish(&pool, SOON);
        assert_eq!((report.forced, report.unprocessed), (0, 0));
        assert_eq!(log.take(), ["starts", "task dropped", "stopped"]);
    }
}

#[test]
fn s6_4_a_forced_end_counts_actors_and_not_their_tasks() {
    check(SEEDS, |sim| {
        let (log, actor) = start_doer(sim);
        let dropped = [0, 1, 2].map(|n| guard(&log, &format!("task {n}")));
        run(actor, move |ctx| {
            for dropped in dropped {
                ctx.spawn_task(move |task| {
                    let _dropped = dropped;
                    let _ = task.sleep(LONG);
                });
            }
            Ok(ctx.sleep(LONG)?)
        });
        sim.run_for(ms(50));
        let report = sim.shutdown(SECOND);
        assert_eq!(report.forced, 1);
        let lines = log.take();
        assert_eq!(lines.len(), 5, "{lines:?}");
        assert_eq!((&*lines[0], &*lines[4]), ("starts", "stopped"));
    });
}

#[test]
fn s6_4_a_task_that_survives_its_cancellation_ends_when_it_waits_next() {
    calm(|sim| {
        let (log, actor) = start_doer(sim);
        let told = log.clone();
        run(actor, move |ctx| {
            ctx.spawn_task(move |task| {
                let caught = catch_unwind(AssertUnwindSafe(|| task.sleep(LONG)));
                told.add(format!("caught {}", caught.is_err()));
                let _ = task.sleep(LONG);
                unreachable!("it waits no more");
            });
            Ok(())
        });
        sim.run_for(ms(10));
        actor.stop();
        sim.run_for(ms(100));
        assert_eq!(log.take(), ["starts", "caught true", "stopped"]);
    });
}

#[test]
fn s6_4_a_task_may_cancel_itself_and_ends_when_it_waits() {
    calm(|sim| {
        let (log, actor) = start_doer(sim);
        let told = log.clone();
        run(actor, move |ctx| {
            let own: Rc<RefCell<Option<Task<()>>>> = Rc::default();
            let handle = Rc::clone(&own);
            *own.borrow_mut() = Some(ctx.spawn_task(move |task| {
                if let Some(own) = &*handle.borrow() {
                    own.cancel();
                }
                told.add("goes on");
                let _ = task.yield_now();
                unreachable!("it waits no more");
            }));
            ctx.sleep(ms(1))?;
            let task = own.borrow_mut().take().unwrap();
            assert_eq!(task.wait(), Err(TaskError::Cancelled));
            Ok(())
        });
        sim.run_for(ms(100));
        assert_eq!(log.take(), ["starts", "goes on"]);
    });
}

#[test]
fn s6_4_a_cancelled_task_that_was_to_go_on_does_not() {
    let mut begun = 0;
    for seed in SEEDS {
        let mut sim = Sim::new(seed);
        let (log, actor) = start_doer(&mut sim);
        let told = log.clone();
        run(actor, move |ctx| {
            let task = ctx.spawn_task(move |task| {
                let _dropped = guard(&told, "task");
                told.add("begins");
                let _ = task.yield_now();
                told.add("goes on");
            });
            ctx.yield_now()?;
            task.cancel();
            assert_eq!(task.wait(), Err(TaskError::Cancelled));
            Ok(())
        });
        sim.run_until_idle();
        let lines = log.take();
        if lines.len() > 1 {
            begun += 1;
            assert_eq!(lines, ["starts", "begins", "task dropped"]);
        }
    }
    assert!(begun > 0, "in some order it has begun");
}

#[test]
fn s6_4_the_one_task_that_is_cancelled_ends_and_those_that_wait_before_and_after_it_do_not() {
    // Tasks that wait run the turns of others on top of their own stack, up to a limited number.
    const TASKS: usize = 24;
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let actor = pool.spawn("doer", doer(&Log::default())).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    for chosen in 0..TASKS {
        let tell = tell.clone();
        run(actor, move |ctx| {
            let log = Log::default();
            let tasks: Vec<Task<()>> = (0..TASKS)
                .map(|number| {
                    let guard = guard(&log, &number.to_string());
                    ctx.spawn_task(move |task| {
                        let _guard = guard;
                        let _ = task.sleep(LONG);
                        unreachable!("it is not that late");
                    })
                })
                .collect();
            let tasks = Rc::new(tasks);
            let all = Rc::clone(&tasks);
            let canceller = ctx.spawn_task(move |_task| all[chosen].cancel());
            canceller.wait()?;
            ctx.sleep(ms(1))?;
            let ended = tasks
                .iter()
                .enumerate()
                .filter(|(_, task)| task.is_finished());
            let ended: Vec<_> = ended.map(|(number, _)| number).collect();
            let _ = tell.send((chosen, ended, log.take()));
            for task in Rc::into_inner(tasks).ok_or("nobody else has them")? {
                task.cancel();
                assert_eq!(task.wait(), Err(TaskError::Cancelled));
            }
            assert_eq!(log.take().len(), TASKS - 1);
            Ok(())
        });
        let (number, ended, dropped) = told.recv_timeout(SOON).unwrap();
        assert_eq!((number, ended), (chosen, vec![chosen]));
        assert_eq!(dropped, [format!("{chosen} dropped")]);
    }
    assert_eq!(actor.ask(Do::Ask, SOON).wait(), Ok(7), "it has not failed");
    assert_eq!(finish(&pool, SOON).forced, 0);
}

#[test]
fn s6_4_an_actor_that_a_cancelled_task_was_starting_does_not_start() {
    let _watchdog = watchdog();
    let log = Log::default();
    let pool = pool_of(1).start().unwrap();
    let actor = pool.spawn("doer", doer(&Log::default())).unwrap();
    let node = pool.node();
    let (told, after) = (log.clone(), log.clone());
    let slow = Props::new(move || {
        let log = told.clone();
        Behavior::setup(move |ctx: &mut Context<'_, u8>| {
            log.add("begins");
            let slept = ctx.sleep(LONG);
            log.add(format!("woken: {slept:?}"));
            Ok(Behavior::empty())
        })
    });
    let (tell, told) = std::sync::mpsc::channel();
    run(actor, move |ctx| {
        let starts = ctx.spawn_task(move |task| {
            let started = node.spawn_on(0, "slow", slow);
            after.add(format!("started: {}", started.is_ok()));
            let _ = task.yield_now();
            unreachable!("it waits no more");
        });
        // These wait on top of it.
        let others = [1, 2].map(|_| ctx.spawn_task(|task| task.sleep(LONG)));
        let starts = Rc::new(starts);
        let same = Rc::clone(&starts);
        ctx.spawn_task(move |_task| same.cancel()).wait()?;
        ctx.sleep(ms(1))?;
        assert!(starts.is_finished() && !others.iter().any(Task::is_finished));
        let ended: Result<(), _> = Rc::into_inner(starts).unwrap().wait();
        let _ = tell.send(ended);
        Ok(())
    });
    assert_eq!(told.recv_timeout(SOON), Ok(Err(TaskError::Cancelled)));
    assert_eq!(log.take(), ["begins", "started: false"]);
    assert!(pool.lookup::<u8>("/user/slow").is_err());
    assert_eq!(finish(&pool, SOON).forced, 0);
}

#[test]
fn s6_4_the_failure_of_a_task_is_not_that_of_the_next_instance() {
    let failures = Log::default();
    let hook = failures.clone();
    let builder = Sim::builder().on_failure(move |failure| hook.add(failure.to_string()));
    let builder = builder.supervising(SupervisorStrategy::one_for_one());
    builder.check(SEEDS, |sim| {
        failures.take();
        let (log, actor) = start_doer(sim);
        run(actor, |ctx| {
            ctx.spawn_task(|_task| panic!("planned"));
            ctx.sleep(ms(1))?;
            Err("torn".into())
        });
        assert_eq!(actor.ask(Do::Ask, LONG).wait(), Ok(7));
        sim.run_until_idle();
        assert_eq!(failures.take().len(), 2);
        assert_eq!(log.take(), ["starts", "restarts", "restarted"]);
    });
}

#[test]
fn s6_4_replies_that_a_cancelled_task_holds_end_their_asks() {
    let table = [
        ("cancel", AskErrorKind::NoReply),
        ("stop", AskErrorKind::TargetStopped),
        ("fail", AskErrorKind::TargetFailed),
    ];
    for (end, error) in table {
        check(SEEDS, |sim| {
            let actor = sim.spawn("doer", doer(&Log::default())).unwrap();
            let (questions, taken) = std::sync::mpsc::channel::<Reply<u8>>();
            let holder = Props::new(move || {
                let questions = questions.clone();
                Behavior::receive(move |_ctx, reply| questions.send(reply).unwrap())
            });
            let holder = sim.spawn("holder", holder).unwrap();
            let asked = holder.ask(|reply| reply, LONG);
            sim.run_until_idle();
            let reply = taken.try_recv().unwrap();
            run(actor, move |ctx| {
                let task = ctx.spawn_task(move |task| {
                    let _held = reply;
                    let _ = task.sleep(LONG);
                });
                ctx.sleep(ms(1))?;
                match end {
                    "cancel" => task.cancel(),
                    "stop" => ctx.self_ref().stop(),
                    _ => return Err("torn".into()),
                }
                Ok(())
            });
            assert_eq!(asked.wait().unwrap_err().kind(), error, "{end}");
            assert!(sim.now() < SECOND, "at once");
        });
    }
}
