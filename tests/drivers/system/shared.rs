//! What works as in a pool: starts, sends, names and failures.

use super::{Count, counter, with_system};
use crate::common::*;
use nexus_actors::prelude::*;
use nexus_actors::{LookupError, SendError, SpawnError};
use std::thread;
use std::time::Duration;

#[test]
fn s9_1_actors_work_on_the_thread_that_drives_them() {
    with_system(ActorSystem::builder(), |system| {
        let counter = system.spawn("counter", counter()).unwrap();
        (1..=100).for_each(|number| counter.tell(Count::Add(number)));
        assert_eq!(system.stats().handled(), 0, "nobody has driven it");
        system.run();
        assert_eq!(system.stats().handled(), 100);
        assert_eq!(counter.ask(Count::Get, SOON).wait(), Ok(5050));
        let asked = counter.ask(Count::Get, SOON);
        assert_eq!(system.run_until(asked), Ok(5050));
        assert_eq!(system.lookup("/user/counter").unwrap(), counter);
        let again = system.spawn_anonymous(self::counter()).unwrap();
        assert_eq!(again.ask(Count::Get, SOON).wait(), Ok(0));
        assert_eq!(system.stats().workers.len(), 1);
    });
}

/// Asks two other actors within its handler, as a user would write it for a pool.
fn shop(node: &WorkerNode) -> Result<ActorRef<Reply<u64>>, BoxError> {
    let north = node.spawn("north", counter())?;
    let south = node.spawn("south", counter())?;
    north.tell(Count::Add(40));
    south.tell(Count::Add(2));
    let office = Props::new(move || {
        Behavior::receive(move |ctx, reply: Reply<u64>| {
            let child = ctx.spawn_anonymous(counter())?;
            ctx.sleep(Duration::from_millis(1))?;
            let asked = [north, south, child].map(|shop| shop.ask(Count::Get, SOON));
            let [north, south, child] = asked.map(Ask::wait);
            reply.send(north? + south? + child?);
            Ok(())
        })
    });
    Ok(node.spawn("office", office)?)
}

#[test]
fn s9_1_the_same_code_runs_in_a_pool_and_in_a_system() {
    for workers in SIZES {
        let pool = pool_of(workers)
            .configure(|node| shop(node).map(drop))
            .start()
            .unwrap();
        let office = pool.lookup::<Reply<u64>>("/user/office").unwrap();
        // Each worker's `configure` hook has sent its own messages to the same two shops.
        let sum = office.ask(|reply| reply, SOON).wait();
        assert_eq!(sum, Ok(42 * workers as u64));
        finish(&pool, SOON);
    }
    with_system(ActorSystem::builder(), |system| {
        let office = shop(&system.node()).unwrap();
        assert_eq!(office.ask(|reply| reply, SOON).wait(), Ok(42));
        system.run();
    });
}

#[test]
fn s1_4_the_driving_thread_sends_with_certainty() {
    with_system(ActorSystem::builder(), |system| {
        let counter = system.spawn("counter", counter()).unwrap();
        assert!(counter.send(Count::Add(1)).is_ok());
        assert!(counter.send_timeout(Count::Add(1), SOON).is_ok());
        assert!(counter.try_tell(Count::Add(1)).is_ok());
        assert_eq!(counter.ask(Count::Get, SOON).wait(), Ok(3));
        counter.stop();
        let refused = counter.send(Count::Add(1));
        assert!(matches!(refused, Err(SendError::Stopped(_))));
    });
}

#[test]
fn s1_5_threads_send_ask_and_spawn_while_it_is_driven() {
    with_system(ActorSystem::builder(), |system| {
        let counter = system.spawn("counter", counter()).unwrap();
        let node = system.node();
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let node = node.clone();
                thread::spawn(move || {
                    for _ in 0..1_000 {
                        counter.tell(Count::Add(1));
                    }
                    counter.send(Count::Add(1)).unwrap();
                    let sum = counter.ask(Count::Get, SOON).wait().unwrap();
                    assert!(sum >= 1_001, "its own messages came before: {sum}");
                    let name = format!("mine-{thread}");
                    let mine = node.spawn(&name, echo(|| 7)).unwrap();
                    assert_eq!(mine.ask(|reply| reply, SOON).wait(), Ok(7));
                    assert!(node.lookup::<Reply<i32>>(format!("/user/{name}")).is_ok());
                })
            })
            .collect();
        let stopper = thread::spawn(move || {
            threads.into_iter().for_each(|one| one.join().unwrap());
            node.request_shutdown(SOON);
        });
        let report = system.run_until_shutdown();
        stopper.join().unwrap();
        assert_eq!((report.forced, report.unprocessed), (0, 0));
        assert_eq!(system.stats().handled(), 4 * (1_000 + 3));
    });
}

#[test]
fn s1_9_a_name_that_is_taken_is_refused() {
    with_system(ActorSystem::builder(), |system| {
        system.spawn("one", counter()).unwrap();
        let again = system.spawn("one", counter());
        assert!(matches!(again, Err(SpawnError::NameTaken(_))), "{again:?}");
        let wrong = system.spawn("no/name", counter());
        assert!(matches!(wrong, Err(SpawnError::InvalidName(_))));
        let other = system.lookup::<u8>("/user/one");
        assert!(matches!(other, Err(LookupError::WrongType { .. })));
        let nobody = system.node().spawn_on(1, "two", counter());
        assert!(matches!(nobody, Err(SpawnError::NoSuchWorker { .. })));
    });
}

#[test]
fn s1_10_a_failed_start_reaches_the_spawner() {
    with_system(ActorSystem::builder(), |system| {
        let failing = || Props::<u8>::new(|| Behavior::setup(|_ctx| Err("planned".into())));
        for _ in 0..2 {
            let error = system.spawn("failing", failing()).unwrap_err();
            assert!(error.to_string().contains("planned"), "{error}");
        }
    });
}

#[test]
fn s4_9_handlers_that_panic_or_fail_stop_alone() {
    let failures = Log::default();
    let stops = SupervisorStrategy::one_for_one().always(Directive::Stop);
    let builder = ActorSystem::builder().supervising(stops);
    with_system(builder.on_failure(failures.hook()), |system| {
        let counter = system.spawn("counter", counter()).unwrap();
        let panics = system.spawn(
            "panics",
            Props::new(|| {
                Behavior::receive(|_ctx, _: Reply<u8>| {
                    if true {
                        panic!("planned: a panic");
                    }
                })
            }),
        );
        let fails = system.spawn(
            "fails",
            Props::new(|| {
                Behavior::receive(|_ctx, _: Reply<u8>| {
                    Err::<(), BoxError>("planned: an error".into())
                })
            }),
        );
        for failing in [panics.unwrap(), fails.unwrap()] {
            let answer = failing.ask(|reply| reply, NEVER).wait();
            assert!(matches!(answer, Err(AskError::TargetFailed(_))));
            let late = failing.ask(|reply| reply, NEVER).wait();
            assert!(matches!(late, Err(AskError::TargetStopped(_))));
        }
        assert_eq!(counter.ask(Count::Get, SOON).wait(), Ok(0));
    });
    let failures = failures.lines().join("\n");
    assert!(failures.contains("a panic") && failures.contains("an error"));
}
