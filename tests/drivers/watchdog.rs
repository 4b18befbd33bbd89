//! Handlers that block their worker for long: row 9.3 of the contract.

use crate::common::{SOON, eventually, pool_of, threads_named, with_pool};
use nexus_actors::address::ActorId;
use nexus_actors::pool::{SlowHandler, WorkerPoolBuilder};
use nexus_actors::prelude::*;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);

type Told = Arc<Mutex<Vec<SlowHandler>>>;

/// A pool that reports handlers after 40 ms.
fn watched(workers: usize) -> (WorkerPoolBuilder, Told) {
    let told = Told::default();
    let telling = Arc::clone(&told);
    let builder = pool_of(workers)
        .slow_after(Some(40 * MS))
        .on_slow_handler(move |slow| telling.lock().unwrap().push(slow.clone()));
    (builder, told)
}

struct Work(Duration, Reply<()>);

/// Blocks its worker for the requested time.
fn blocking() -> Behavior<Work> {
    Behavior::receive(|_ctx, Work(length, done)| {
        thread::sleep(length);
        done.send(());
    })
}

#[test]
fn s9_3_a_handler_that_holds_its_worker_is_named_while_it_runs() {
    let (builder, told) = watched(2);
    with_pool(builder, |pool| {
        let actor = pool.spawn_on(1, "blocking", Props::new(blocking)).unwrap();
        let asked = actor.ask(|reply| Work(400 * MS, reply), SOON);
        eventually("it is told of", || !told.lock().unwrap().is_empty());
        let slow = told.lock().unwrap()[0].clone();
        assert_eq!(slow.actor, actor.id());
        assert_eq!(slow.path.as_ref().unwrap().as_str(), "/user/blocking");
        assert!(
            slow.message_type.ends_with("::Work"),
            "{}",
            slow.message_type
        );
        assert!(slow.running_for >= 40 * MS, "{:?}", slow.running_for);
        let said = slow.to_string();
        assert!(
            said.starts_with("/user/blocking has held worker 1 for "),
            "{said}"
        );
        assert!(said.ends_with("::Work"), "{said}");
        asked.wait().unwrap();
        let times: Vec<_> = told
            .lock()
            .unwrap()
            .iter()
            .map(|slow| slow.running_for)
            .collect();
        let doubling = times.windows(2).all(|pair| pair[1] >= pair[0] * 2);
        assert!(
            times.len() >= 2 && times.len() <= 4 && doubling,
            "{times:?}"
        );
    });
}

/// Sleeps for a moment, and answers.
fn patient() -> Behavior<Reply<()>> {
    Behavior::receive(|ctx, done: Reply<()>| {
        ctx.sleep(MS)?;
        done.send(());
        Ok(())
    })
}

#[test]
fn s9_3_setups_and_anonymous_actors_are_named_too_and_a_sleeping_watchdog_wakes_up() {
    let (builder, told) = watched(1);
    with_pool(builder, |pool| {
        // Long enough for the watchdog to fall asleep.
        thread::sleep(300 * MS);
        let setup = Props::new(|| {
            Behavior::setup(|_ctx| {
                thread::sleep(150 * MS);
                Ok(blocking())
            })
        });
        let actor = pool.spawn_anonymous(setup).unwrap();
        eventually("the setup is told of", || !told.lock().unwrap().is_empty());
        actor
            .ask(|reply| Work(150 * MS, reply), SOON)
            .wait()
            .unwrap();
        let told = told.lock().unwrap();
        let ids: Vec<_> = told
            .iter()
            .map(|slow| (slow.actor, slow.path.clone()))
            .collect();
        assert!(
            ids.len() >= 2 && ids.iter().all(|(id, _)| *id == actor.id()),
            "{ids:?}"
        );
        // The path of an actor without a name is known outside its worker only once it was asked from there.
        let paths = (
            ids[0].1.as_ref(),
            ids.last().and_then(|(_, path)| path.clone()),
        );
        assert_eq!(paths, (None, actor.path()));
        assert!(actor.path().is_some());
        let said = told[0].to_string();
        assert!(
            said.starts_with(&format!("the actor {} has held worker 0", actor.id())),
            "{said}"
        );
    });
}

#[test]
fn s9_3_who_waits_on_a_held_worker_is_named_as_it_may_hold_a_lock() {
    let (builder, told) = watched(1);
    with_pool(builder, |pool| {
        let (lock, over) = (Arc::new(Mutex::new(())), Arc::new(AtomicBool::new(false)));
        let held = Arc::clone(&lock);
        let holder = Props::new(move || {
            let held = Arc::clone(&held);
            Behavior::receive(move |ctx, done: Reply<()>| {
                let _guard = held.lock().unwrap();
                done.send(());
                ctx.sleep(MS)?;
                Ok(())
            })
        });
        let holder = pool.spawn("holder", holder).unwrap();
        // An actor that has waited, but no longer waits, is not named.
        let (waited, idle) = (Props::new(patient), Props::new(patient));
        let waited = pool.spawn("waited", waited).unwrap();
        pool.spawn("idle", idle).unwrap();
        waited.ask(|reply| reply, SOON).wait().unwrap();
        let wants = pool.spawn("wants", {
            let over = Arc::clone(&over);
            Props::new(move || {
                let (lock, over) = (Arc::clone(&lock), Arc::clone(&over));
                // Behaves like a lock until the test is over.
                Behavior::receive(move |_ctx, (): ()| {
                    while lock.try_lock().is_err() && !over.load(Relaxed) {
                        thread::yield_now();
                    }
                })
            })
        });
        // Both messages wait in mailboxes of a blocked worker, so that they are handled one after the other.
        let gate = Arc::new(Barrier::new(2));
        let wait = Arc::clone(&gate);
        let gatekeeper = Props::new(move || {
            let wait = Arc::clone(&wait);
            Behavior::receive(move |_ctx, (): ()| _ = wait.wait())
        });
        pool.spawn("gate", gatekeeper).unwrap().tell(());
        let asked = holder.ask(|reply| reply, SOON);
        wants.unwrap().tell(());
        gate.wait();
        asked.wait().unwrap();
        eventually("it is told of", || {
            let told = told.lock().unwrap();
            told.iter()
                .any(|slow| slow.to_string().contains("/user/wants has held"))
        });
        over.store(true, Relaxed);
        let told = told.lock().unwrap();
        let slow = told
            .iter()
            .find(|slow| slow.to_string().contains("/user/wants has held"));
        let slow = slow.unwrap();
        assert_eq!(slow.waiting.len(), 1, "{slow:?}");
        assert_eq!(slow.waiting[0].0, holder.id());
        let said = slow.to_string();
        assert!(
            said.ends_with("that may be held by one that waits on this worker: /user/holder"),
            "{said}"
        );
    });
}

#[test]
fn s9_3_handlers_that_wait_or_give_way_are_not_slow() {
    let (builder, told) = watched(1);
    with_pool(builder, |pool| {
        let patient = pool.spawn("patient", {
            Props::new(|| {
                Behavior::receive(|ctx, done: Reply<()>| {
                    ctx.sleep(200 * MS)?;
                    let start = Instant::now();
                    while start.elapsed() < 200 * MS {
                        thread::sleep(MS);
                        ctx.yield_now()?;
                    }
                    done.send(());
                    Ok(())
                })
            })
        });
        let busy = pool.spawn("busy", Props::new(blocking)).unwrap();
        let asked = patient.unwrap().ask(|reply| reply, SOON);
        // Another actor that is always busy, for a short time each.
        for _ in 0..100 {
            busy.ask(|reply| Work(MS, reply), SOON).wait().unwrap();
        }
        asked.wait().unwrap();
        assert!(
            told.lock().unwrap().is_empty(),
            "{:?}",
            told.lock().unwrap()
        );
    });
}

#[test]
fn s9_3_after_a_wait_the_time_counts_from_its_end() {
    let (builder, told) = watched(1);
    with_pool(builder, |pool| {
        let actor = pool.spawn("actor", {
            Props::new(|| {
                Behavior::receive(|ctx, done: Reply<()>| {
                    ctx.sleep(10 * MS)?;
                    thread::sleep(150 * MS);
                    done.send(());
                    Ok(())
                })
            })
        });
        let actor = actor.unwrap();
        actor.ask(|reply| reply, SOON).wait().unwrap();
        let told = told.lock().unwrap();
        assert!(!told.is_empty() && told.iter().all(|slow| slow.actor == actor.id()));
    });
}

#[test]
fn s9_3_a_pool_without_watchdog_has_no_thread_for_it_and_a_hook_may_panic() {
    let has_one = || !threads_named("dog-test-watc").is_empty();
    let builder = || pool_of(1).name("dog-test").slow_after(Some(10 * MS));
    with_pool(builder().slow_after(None), |_pool| assert!(!has_one()));
    with_pool(builder().on_slow_handler(|_| panic!("planned")), |pool| {
        // The thread sets its name itself.
        eventually("it has a thread", has_one);
        let actor = pool.spawn("blocking", Props::new(blocking)).unwrap();
        for _ in 0..2 {
            actor
                .ask(|reply| Work(50 * MS, reply), SOON)
                .wait()
                .unwrap();
        }
    });
    eventually("its thread ends with the pool", || !has_one());
}

/// A pool with an actor to ask, and an actor that has stopped.
fn with_one_gone(
    test: impl FnOnce(&WorkerPool, ActorRef<Reply<()>>, ActorRef<()>),
) -> Vec<ActorId> {
    let (builder, told) = watched(1);
    with_pool(builder, |pool| {
        let echo = Props::new(|| Behavior::receive(|_ctx, reply: Reply<()>| reply.send(())));
        let echo = pool.spawn("echo", echo).unwrap();
        let gone = Props::new(|| Behavior::receive(|_ctx, ()| Next::Stop));
        let gone = pool.spawn("gone", gone).unwrap();
        gone.tell(());
        eventually("it has stopped", || pool.stats().actors() == 1);
        test(pool, echo, gone);
    });
    let told = told.lock().unwrap();
    told.iter().map(|slow| slow.actor).collect()
}

#[test]
fn s9_3_a_handler_is_named_that_holds_its_worker_after_a_subscriber_has_waited_in_it() {
    let mut holds = None;
    let told = with_one_gone(|pool, echo, gone| {
        let _subscription = pool
            .dead_letters()
            .subscribe(move |_| echo.ask(|reply| reply, SOON).wait().unwrap());
        let busy = Props::new(move || {
            Behavior::receive(move |_ctx, done: Reply<()>| {
                gone.tell(());
                thread::sleep(300 * MS);
                done.send(());
            })
        });
        let busy = pool.spawn("busy", busy).unwrap();
        busy.ask(|reply| reply, SOON).wait().unwrap();
        holds = Some(busy.id());
    });
    assert!(told.contains(&holds.unwrap()), "{told:?}");
}

#[test]
fn s9_3_a_handler_is_named_in_which_a_subscriber_has_waited_and_then_holds_its_worker() {
    let mut holds = None;
    let told = with_one_gone(|pool, echo, gone| {
        let _subscription = pool.dead_letters().subscribe(move |_| {
            echo.ask(|reply| reply, SOON).wait().unwrap();
            thread::sleep(300 * MS);
        });
        // In a handler, and in the setup of an actor that a handler starts.
        let child = move || {
            Props::new(move || {
                Behavior::setup(move |_ctx| {
                    gone.tell(());
                    Ok(Behavior::receive(|_ctx, ()| ()))
                })
            })
        };
        let busy = Props::new(move || {
            Behavior::receive(move |ctx, (starts, done): (bool, Reply<ActorId>)| {
                if starts {
                    done.send(ctx.spawn("child", child())?.id());
                } else {
                    gone.tell(());
                    done.send(ctx.self_ref().id());
                }
                Ok(())
            })
        });
        let busy = pool.spawn("busy", busy).unwrap();
        let ask = |starts| busy.ask(|reply| (starts, reply), SOON).wait().unwrap();
        holds = Some([ask(false), ask(true)]);
    });
    let [actor, child] = holds.unwrap();
    assert!(told.contains(&actor) && told.contains(&child), "{told:?}");
}
