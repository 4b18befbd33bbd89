//! The current-thread driver: section 9 of the contract, and what it must share with the pool.

mod common;

use common::*;
use nexus_actors::prelude::*;
use nexus_actors::{ActorSystemBuilder, StartError};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(20);

enum Count {
    Add(u64),
    Get(Reply<u64>),
}

fn counter() -> Props<Count> {
    Props::new(|| {
        Behavior::with_state(0, |sum: &mut u64, _ctx, message| match message {
            Count::Add(number) => *sum += number,
            Count::Get(reply) => reply.send(*sum),
        })
    })
}

/// Sleeps, and then answers what time it is.
fn sleeper(length: Duration) -> Props<Reply<Duration>> {
    Props::new(move || {
        Behavior::receive(move |ctx, reply: Reply<Duration>| {
            ctx.sleep(length)?;
            reply.send(ctx.now());
            Ok::<_, WaitError>(())
        })
    })
}

/// Keeps every reply.
fn mute<R: Send + 'static>() -> Props<Reply<R>> {
    Props::new(|| {
        let mut kept = Vec::new();
        Behavior::receive(move |_ctx, reply: Reply<R>| kept.push(reply))
    })
}

/// Runs whatever it is sent.
fn runner() -> Props<Box<dyn FnOnce() + Send>> {
    Props::new(|| Behavior::receive(|_ctx, work: Box<dyn FnOnce() + Send>| work()))
}

fn system() -> ActorSystem {
    ActorSystem::new("test").expect("a system starts")
}

fn manual() -> (ActorSystem, ManualTime) {
    let time = ManualTime::new();
    let builder = ActorSystem::builder().time_source(TimeSource::Manual(time.clone()));
    (builder.start().expect("a system starts"), time)
}

/// Shuts a system down, which must need no force, and checks that no message is unaccounted for.
#[track_caller]
fn end(system: &ActorSystem) {
    assert_eq!(system.shutdown(SOON).forced, 0);
    assert!(system.has_ended());
    conserved(system);
}

/// Each message that was sent was handled, lost, or waits.
#[track_caller]
fn conserved(system: &ActorSystem) {
    let stats = system.stats();
    let accounted = stats.handled() + stats.dead_letters + stats.queued();
    assert_eq!(stats.sent(), accounted, "{stats:?}");
}

/// Runs a test with one system, and ends it.
fn with_system(builder: ActorSystemBuilder, test: impl FnOnce(&ActorSystem)) {
    let _watchdog = watchdog();
    let system = builder.start().expect("a system starts");
    test(&system);
    end(&system);
}

thread_local! {
    /// What handlers of this thread may take that must not be sent.
    static SMUGGLED: RefCell<Vec<Box<dyn std::any::Any>>> = const { RefCell::new(Vec::new()) };
}

fn smuggle<T: 'static>(value: T) {
    SMUGGLED.with_borrow_mut(|all| all.push(Box::new(value)));
}

fn smuggled<T: 'static>() -> T {
    let value = SMUGGLED
        .with_borrow_mut(Vec::pop)
        .expect("it was put there");
    *value.downcast().expect("it is of that type")
}

// ---- the same code --------------------------------------------------------------------------

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

/// Asks two others from inside its handler: what a user would write for a pool.
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
            Ok::<_, BoxError>(())
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
        // Every worker's hook has sent its own messages to the same two shops.
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
fn s1_5_a_handler_of_a_pool_asks_an_actor_of_a_system() {
    with_system(ActorSystem::builder(), |system| {
        let ours = system.spawn("ours", echo(|| 7)).unwrap();
        let pool = pool_of(1).start().unwrap();
        let node = system.node();
        let asker = pool.spawn(
            "asker",
            Props::new(move || {
                let node = node.clone();
                Behavior::receive(move |_ctx, ()| {
                    assert_eq!(ours.ask(|reply| reply, SOON).wait(), Ok(7));
                    node.request_shutdown(SOON);
                })
            }),
        );
        asker.unwrap().tell(());
        system.run_until_shutdown();
        finish(&pool, SOON);
        assert_eq!(system.stats().handled(), 1);
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
    let builder = ActorSystem::builder().on_failure(failures.hook());
    with_system(builder, |system| {
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

#[test]
fn s5_2_a_reply_dropped_unanswered_ends_the_ask_at_once() {
    with_system(ActorSystem::builder(), |system| {
        let props = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| drop(reply)));
        let forgetful = system.spawn("forgetful", props).unwrap();
        let answer = forgetful.ask(|reply| reply, NEVER).wait();
        assert!(matches!(answer, Err(AskError::NoReply(_))));
    });
}

#[test]
fn s5_3_a_circle_of_asks_ends_by_its_time_out() {
    type Round = (u8, Reply<bool>);
    with_system(ActorSystem::builder(), |system| {
        let node = system.node();
        let asks = |other: &'static str| {
            let node = node.clone();
            Props::new(move || {
                let node = node.clone();
                Behavior::receive(move |_ctx, (left, reply): Round| {
                    if left > 0 {
                        let other = node.lookup::<Round>(other)?;
                        let answer = other.ask(|reply| (left - 1, reply), SHORT).wait();
                        reply.send(matches!(answer, Err(AskError::Timeout(_))));
                    }
                    Ok::<_, BoxError>(())
                })
            })
        };
        let a = system.spawn("a", asks("/user/b")).unwrap();
        system.spawn("b", asks("/user/a")).unwrap();
        let answer = a.ask(|reply| (2, reply), NEVER).wait();
        assert_eq!(answer, Ok(true));
        system.run();
        assert!(system.waiting().is_empty(), "{:?}", system.waiting());
    });
}

#[test]
fn s5_1_several_asks_of_the_driving_thread_run_at_once() {
    with_system(ActorSystem::builder(), |system| {
        let sleepers: Vec<_> = (0..100)
            .map(|_| system.spawn_anonymous(sleeper(SHORT)).unwrap())
            .collect();
        let start = Instant::now();
        let asked: Vec<_> = sleepers
            .iter()
            .map(|sleeper| sleeper.ask(|reply| reply, NEVER))
            .collect();
        for ask in asked.into_iter().rev() {
            ask.wait().unwrap();
        }
        assert!(start.elapsed() < SHORT * 50, "{:?}", start.elapsed());
    });
}

#[test]
fn s5_3_a_late_reply_is_counted_and_reaches_nobody() {
    with_system(ActorSystem::builder(), |system| {
        let sleeper = system.spawn("sleeper", sleeper(SHORT)).unwrap();
        let answer = sleeper.ask(|reply| reply, SHORT / 4).wait();
        assert_eq!(answer.unwrap_err().kind(), AskErrorKind::Timeout);
        // Taken back before its turn has come.
        drop(sleeper.ask(|reply| reply, NEVER));
        system.run();
        assert_eq!(system.stats().late_replies, 1);
        let letters = system.dead_letters();
        assert_eq!(letters.count(DeadLetterReason::Cancelled), 1);
        assert!(sleeper.ask(|reply| reply, NEVER).wait().is_ok());
    });
}

#[test]
fn s5_2_a_reply_of_a_thread_wakes_the_driver() {
    with_system(ActorSystem::builder(), |system| {
        let (give, replies) = mpsc::channel::<Reply<u8>>();
        let props = Props::new(move || {
            let give = give.clone();
            Behavior::receive(move |_ctx, reply| give.send(reply).unwrap())
        });
        let keeper = system.spawn("keeper", props).unwrap();
        let answering = thread::spawn(move || {
            for number in 0..20 {
                let reply = replies.recv().unwrap();
                thread::sleep(Duration::from_millis(2));
                reply.send(number);
            }
        });
        let start = Instant::now();
        for number in 0..20 {
            assert_eq!(keeper.ask(|reply| reply, NEVER).wait(), Ok(number));
        }
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        answering.join().unwrap();
    });
}

#[test]
fn s5_8_an_ask_under_way_ends_when_another_thread_shuts_the_system_down() {
    let _watchdog = watchdog();
    let system = system();
    let mute = system.spawn("mute", mute::<u8>()).unwrap();
    let node = system.node();
    let stopper = thread::spawn(move || {
        thread::sleep(SHORT);
        node.request_shutdown(SOON);
    });
    let answer = mute.ask(|reply| reply, NEVER).wait();
    assert!(matches!(answer, Err(AskError::TargetStopped(_))));
    stopper.join().unwrap();
    end(&system);
}

#[test]
fn s5_5_a_flood_from_outside_keeps_no_answer_from_the_driver() {
    with_system(ActorSystem::builder(), |system| {
        let [flooded, quiet] =
            ["flooded", "quiet"].map(|name| system.spawn(name, counter()).unwrap());
        let over = Arc::new(AtomicBool::new(false));
        let flood = thread::spawn({
            let over = Arc::clone(&over);
            move || {
                while !over.load(SeqCst) {
                    flooded.tell(Count::Add(1));
                    thread::yield_now();
                }
            }
        });
        for _ in 0..1_000 {
            assert_eq!(quiet.ask(Count::Get, SOON).wait(), Ok(0));
        }
        over.store(true, SeqCst);
        flood.join().unwrap();
    });
}

#[test]
fn s5_5_ten_thousand_handlers_wait_at_once() {
    with_system(ActorSystem::builder(), |system| {
        let gate = system.spawn("gate", mute::<u8>()).unwrap();
        let asker = Props::new(move || {
            Behavior::receive(move |_ctx, ()| drop(gate.ask(|reply| reply, NEVER).wait()))
        });
        for _ in 0..10_000 {
            system.spawn_anonymous(asker.clone()).unwrap().tell(());
        }
        system.run_until_idle();
        assert_eq!(system.waiting().len(), 10_000);
        gate.stop();
        system.run();
        assert!(system.waiting().is_empty());
    });
}

// ---- time -----------------------------------------------------------------------------------

#[test]
fn s9_1_run_waits_for_sleepers_on_the_real_clock() {
    with_system(ActorSystem::builder(), |system| {
        let sleeper = system.spawn("sleeper", sleeper(SHORT)).unwrap();
        let start = Instant::now();
        let asked = sleeper.ask(|reply| reply, NEVER);
        system.run_until_idle();
        assert_eq!(system.waiting().len(), 1, "it does not wait for time");
        system.run();
        assert!(start.elapsed() >= SHORT);
        assert!(system.waiting().is_empty());
        assert!(asked.wait().unwrap() <= system.now());
    });
}

#[test]
fn s9_1_run_returns_when_only_a_manual_clock_could_go_on() {
    let _watchdog = watchdog();
    let (system, time) = manual();
    let hour = Duration::from_secs(3600);
    let sleeper = system.spawn("sleeper", sleeper(hour)).unwrap();
    let asked = sleeper.ask(|reply| reply, hour * 2);
    system.run();
    assert_eq!(system.waiting().len(), 1);
    time.advance(hour - Duration::from_nanos(1));
    system.run();
    assert_eq!(system.waiting().len(), 1);
    time.advance(Duration::from_nanos(1));
    assert_eq!(asked.wait(), Ok(hour));
    assert_eq!(system.now(), hour);
    end(&system);
}

#[test]
fn s9_1_a_manual_clock_may_be_put_forward_by_another_thread_while_one_waits() {
    let _watchdog = watchdog();
    let (system, time) = manual();
    let hour = Duration::from_secs(3600);
    let sleeper = system.spawn("sleeper", sleeper(hour)).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let stepper = thread::spawn({
        let over = Arc::clone(&over);
        move || {
            while !over.load(SeqCst) {
                time.advance(hour);
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
    assert!(sleeper.ask(|reply| reply, NEVER * 1_000_000).wait().is_ok());
    over.store(true, SeqCst);
    stepper.join().unwrap();
    end(&system);
}

#[test]
fn s5_3_an_ask_under_a_clock_that_stands_still_gives_up_in_real_time() {
    let _watchdog = watchdog();
    let (system, time) = manual();
    let mute = system.spawn("mute", mute::<u8>()).unwrap();
    let answer = mute.ask(|reply| reply, SHORT).wait();
    assert_eq!(answer.unwrap_err().kind(), AskErrorKind::Timeout);
    // By the clock it may also come at once.
    let asked = mute.ask(|reply| reply, NEVER);
    system.run();
    time.advance(NEVER);
    assert_eq!(asked.wait().unwrap_err().kind(), AskErrorKind::Timeout);
    end(&system);
}

#[test]
fn s5_3_a_time_out_is_never_early() {
    with_system(ActorSystem::builder(), |system| {
        let mute = system.spawn("mute", mute::<u8>()).unwrap();
        for _ in 0..10 {
            let start = Instant::now();
            let answer = mute.ask(|reply| reply, SHORT / 4).wait();
            assert_eq!(answer.unwrap_err().kind(), AskErrorKind::Timeout);
            assert!(start.elapsed() >= SHORT / 4);
        }
    });
}

// ---- its end --------------------------------------------------------------------------------

/// Sleeps for ever with something on its stack, and tells of its end.
fn stuck(log: &Log) -> Props<()> {
    let log = log.clone();
    Props::new(move || {
        let (handling, told) = (log.clone(), log.clone());
        Behavior::receive(move |ctx, (): ()| {
            let log = handling.clone();
            let _on_stack = OnDrop(move || log.add("unwound"));
            ctx.sleep(NEVER)
        })
        .on_signal(move |_ctx, signal| {
            if *signal == Signal::PostStop {
                told.add("told");
            }
            Ok::<_, BoxError>(())
        })
    })
}

#[test]
fn s4_4_a_deadline_ends_what_waits_by_force() {
    for by_hand in [false, true] {
        let _watchdog = watchdog();
        let system = if by_hand { manual().0 } else { system() };
        let log = Log::default();
        let stuck = system.spawn("stuck", stuck(&log)).unwrap();
        (0..3).for_each(|_| stuck.tell(()));
        system.run_until_idle();
        let start = Instant::now();
        let report = system.shutdown(SHORT);
        assert!(start.elapsed() >= SHORT);
        assert_eq!((report.forced, report.unprocessed), (1, 2));
        assert_eq!(report.stuck_workers, 0);
        assert_eq!(log.lines(), ["unwound", "told"]);
        assert_eq!(system.shutdown(SOON), report);
        assert_eq!(system.run_until_shutdown(), report);
        conserved(&system);
    }
}

#[test]
fn s4_4_a_handler_asks_for_the_end() {
    let _watchdog = watchdog();
    let system = system();
    let (node, handled) = (system.node(), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&handled);
    let props = Props::new(move || {
        let (node, count) = (node.clone(), Arc::clone(&count));
        Behavior::receive(move |_ctx, ()| {
            node.request_shutdown(SOON);
            count.fetch_add(1, SeqCst);
        })
    });
    let last = system.spawn("last", props).unwrap();
    (0..5).for_each(|_| last.tell(()));
    let report = system.run_until_shutdown();
    assert_eq!((report.forced, report.unprocessed), (0, 0));
    assert_eq!(handled.load(SeqCst), 5, "it handles the mail that it has");
    assert!(system.has_ended());
    conserved(&system);
}

#[test]
fn s4_4_dropping_it_ends_handlers_that_wait() {
    let _watchdog = watchdog();
    let log = Log::default();
    let system = system();
    let actor = system.spawn("stuck", stuck(&log)).unwrap();
    actor.tell(());
    system.run_until_idle();
    let letters = system.dead_letters();
    drop(system);
    assert_eq!(log.lines(), ["unwound", "told"]);
    actor.tell(());
    assert_eq!(letters.total(), 0, "it is forgotten");
    assert!(matches!(actor.try_tell(()), Err(TellError::PoolClosed(()))));
    assert!(matches!(actor.send(()), Err(SendError::PoolClosed(()))));
}

#[test]
fn s5_8_an_ended_system_refuses_everything_at_once() {
    let _watchdog = watchdog();
    let system = system();
    let asked = system.spawn("mute", mute::<u8>()).unwrap();
    let kept = asked.ask(|reply| reply, NEVER);
    system.run_until_idle();
    end(&system);
    assert!(matches!(kept.wait(), Err(AskError::TargetStopped(_))));
    let late = asked.ask(|reply| reply, NEVER).wait();
    assert!(matches!(late, Err(AskError::PoolClosed(_))));
    let spawned = system.spawn("late", counter());
    assert!(matches!(spawned, Err(SpawnError::PoolClosed)));
    assert!(matches!(
        asked.send(never_sent()),
        Err(SendError::PoolClosed(_))
    ));
    system.run();
    conserved(&system);
}

/// A reply to nobody.
fn never_sent() -> Reply<u8> {
    let other = system();
    let (give, replies) = mpsc::channel();
    let props = Props::new(move || {
        let give = give.clone();
        Behavior::receive(move |_ctx, reply: Reply<u8>| give.send(reply).unwrap())
    });
    let keeper = other.spawn("keeper", props).unwrap();
    let ask = keeper.ask(|reply| reply, NEVER);
    other.run_until_idle();
    drop(ask);
    replies.recv().unwrap()
}

#[test]
fn s5_8_an_ask_kept_beyond_the_end_does_not_hang() {
    let _watchdog = watchdog();
    let (keep, replies) = mpsc::channel();
    let system = system();
    let props = Props::new(move || {
        let keep = keep.clone();
        Behavior::receive(move |_ctx, reply: Reply<u8>| keep.send(reply).unwrap())
    });
    let keeper = system.spawn("keeper", props).unwrap();
    let [first, second, third] = [(); 3].map(|()| keeper.ask(|reply| reply, NEVER));
    system.run_until_idle();
    drop(system);
    assert!(matches!(first.wait(), Err(AskError::PoolClosed(_))));
    let replies: Vec<_> = replies.try_iter().collect();
    replies.into_iter().for_each(|reply| reply.send(1));
    assert!(matches!(second.wait(), Err(AskError::PoolClosed(_))));
    drop(third);
    let late = keeper.ask(|reply| reply, NEVER);
    assert!(matches!(late.wait(), Err(AskError::PoolClosed(_))));
}

#[test]
fn s5_8_a_reply_kept_in_a_thread_local_outlives_its_system() {
    in_child(
        "s5_8_a_reply_kept_in_a_thread_local_outlives_its_system",
        || {
            let thread = thread::spawn(|| {
                let system = system();
                let props =
                    Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| smuggle(reply)));
                let keeper = system.spawn("keeper", props).unwrap();
                let ask = keeper.ask(|reply| reply, NEVER);
                system.run_until_idle();
                end(&system);
                drop(system);
                assert!(matches!(ask.wait(), Err(AskError::PoolClosed(_))));
            });
            thread.join().unwrap();
        },
    );
}

#[test]
fn s4_4_a_system_in_a_thread_local_ends_with_its_thread() {
    in_child(
        "s4_4_a_system_in_a_thread_local_ends_with_its_thread",
        || {
            let log = Log::default();
            let noted = log.clone();
            let thread = thread::spawn(move || {
                let system = system();
                let stuck = system.spawn("stuck", stuck(&noted)).unwrap();
                stuck.tell(());
                system.run_until_idle();
                let mute = system.spawn("mute", mute::<u8>()).unwrap();
                smuggle(mute.ask(|reply| reply, NEVER));
                let counter = system.spawn("counter", counter()).unwrap();
                smuggle(OnDrop(move || {
                    assert_eq!(counter.ask(Count::Get, NEVER).wait(), Ok(0));
                }));
                smuggle(system);
            });
            thread.join().unwrap();
            assert_eq!(log.lines(), ["unwound", "told"]);
        },
    );
}

#[test]
fn s4_9_a_system_dropped_while_its_thread_panics_does_not_abort() {
    in_child(
        "s4_9_a_system_dropped_while_its_thread_panics_does_not_abort",
        || {
            let (tell, told) = mpsc::channel();
            let system = AssertUnwindSafe(system());
            let waiting = system.spawn("stuck", stuck(&Log::default())).unwrap();
            waiting.tell(());
            system.run_until_idle();
            let (node, mute) = (system.node(), system.spawn("mute", mute::<u8>()).unwrap());
            let counter = system.spawn("counter", counter()).unwrap();
            // Of others that wait for the system, none must wait for ever.
            let others = [
                thread::spawn({
                    let tell = tell.clone();
                    move || {
                        tell.send(()).unwrap();
                        let spawned = node.spawn("late", self::counter());
                        assert!(matches!(spawned, Err(SpawnError::PoolClosed)));
                    }
                }),
                thread::spawn(move || {
                    tell.send(()).unwrap();
                    let answer = mute.ask(|reply| reply, NEVER).wait();
                    assert!(matches!(answer, Err(AskError::PoolClosed(_))));
                }),
            ];
            (0..2).for_each(|_| told.recv().unwrap());
            thread::sleep(SHORT);
            let caught = catch_unwind(move || {
                let system = system;
                let kept = counter.ask(Count::Get, NEVER);
                let node = system.node();
                // Runs first, while the thread panics.
                let _guard = OnDrop(|| {
                    system.run();
                    system.run_until_idle();
                    let _ = system.shutdown(SOON);
                    assert_eq!(system.run_until_shutdown().forced, 0);
                    let asked = counter.ask(Count::Get, NEVER).wait();
                    let unwinding = WaitError::Unwinding;
                    assert_eq!(asked, Err(AskError::CannotWait(unwinding)));
                    let spawned = node.spawn("never", self::counter());
                    assert!(matches!(spawned, Err(SpawnError::CannotWait(_))));
                });
                let _kept = kept;
                panic!("planned: a panic beside the system");
            });
            assert!(caught.is_err());
            others.into_iter().for_each(|other| other.join().unwrap());
        },
    );
}

#[test]
fn s4_9_a_system_goes_on_after_a_panic_beside_it() {
    let _watchdog = watchdog();
    let system = system();
    let counter = system.spawn("counter", counter()).unwrap();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let node = system.node();
        let _guard = OnDrop(|| {
            let spawned = node.spawn("never", self::counter());
            assert!(matches!(spawned, Err(SpawnError::CannotWait(_))));
        });
        counter.tell(Count::Add(1));
        panic!("planned: a panic beside the system");
    }));
    assert!(caught.is_err());
    assert_eq!(counter.ask(Count::Get, SOON).wait(), Ok(1));
    assert!(
        system.lookup::<Count>("/user/never").is_err(),
        "a spawn that failed leaves nothing behind"
    );
    end(&system);
}

#[test]
fn s4_9_a_started_system_in_an_unwinding_thread_harms_nobody() {
    in_child(
        "s4_9_a_started_system_in_an_unwinding_thread_harms_nobody",
        || {
            let caught = catch_unwind(|| {
                let _guard = OnDrop(|| {
                    let system = system();
                    assert!(system.spawn("never", counter()).is_err());
                    system.run();
                });
                panic!("planned");
            });
            assert!(caught.is_err());
        },
    );
}

// ---- nested use -----------------------------------------------------------------------------

type Work = Box<dyn FnOnce() + Send>;

/// Runs `work` in a handler, and drives until it has run; answers what the failure hook was told.
fn in_handler(work: impl FnOnce() + Send + 'static) -> Vec<String> {
    let _watchdog = watchdog();
    let failures = Log::default();
    let builder = ActorSystem::builder().on_failure(failures.hook());
    let system = Rc::new(builder.start().unwrap());
    smuggle(Rc::clone(&system));
    let runner = system.spawn("runner", runner()).unwrap();
    let work: Work = Box::new(work);
    runner.tell(work);
    system.run();
    end(&system);
    failures.lines()
}

#[test]
fn s9_1_a_handler_that_drives_its_own_system_panics_with_the_reason() {
    let drives: [fn(&ActorSystem); 4] = [
        ActorSystem::run,
        ActorSystem::run_until_idle,
        |system| _ = system.run_until_shutdown(),
        |system| _ = system.shutdown(SOON),
    ];
    for drive in drives {
        let failures = in_handler(move || drive(&smuggled::<Rc<ActorSystem>>())).join("\n");
        assert!(
            failures.contains("a handler cannot drive an actor system"),
            "{failures}"
        );
    }
}

#[test]
fn s9_1_a_destructor_of_a_handler_that_panics_drives_nothing() {
    in_child(
        "s9_1_a_destructor_of_a_handler_that_panics_drives_nothing",
        || {
            let failures = in_handler(|| {
                let system = smuggled::<Rc<ActorSystem>>();
                let _guard = OnDrop(|| {
                    system.run();
                    let _ = system.shutdown(SOON);
                });
                panic!("planned");
            });
            assert_eq!(failures.len(), 1, "{failures:?}");
        },
    );
}

#[test]
fn s9_1_in_its_own_handler_a_system_can_be_looked_at_and_given_orders() {
    let failures = in_handler(|| {
        let system = smuggled::<Rc<ActorSystem>>();
        let counter = system.spawn("counter", counter()).unwrap();
        assert_eq!(counter.ask(Count::Get, SOON).wait(), Ok(0));
        assert_eq!(system.run_until(counter.ask(Count::Get, SOON)), Ok(0));
        assert_eq!(system.waiting(), []);
        assert!(system.now() > Duration::ZERO);
        assert!(system.lookup::<Count>("/user/counter").is_ok());
        assert!(!system.has_ended());
        system.request_shutdown(SOON);
    });
    assert_eq!(failures, Vec::<String>::new());
}

#[test]
fn s5_1_an_ask_begun_outside_can_be_waited_for_in_a_handler() {
    with_system(ActorSystem::builder(), |system| {
        let answering = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| reply.send(7)));
        let answering = system.spawn("answering", answering).unwrap();
        smuggle(answering.ask(|reply| reply, NEVER));
        let runner = system.spawn("runner", runner()).unwrap();
        let (tell, told) = mpsc::channel();
        let work: Work = Box::new(move || tell.send(smuggled::<Ask<u8>>().wait()).unwrap());
        runner.tell(work);
        system.run_until_idle();
        assert_eq!(told.try_recv(), Ok(Ok(7)));
    });
}

#[test]
fn s9_1_a_handler_cannot_start_a_system() {
    let failures = in_handler(|| {
        let refused = ActorSystem::new("inner").err();
        assert!(matches!(refused, Some(StartError::OnWorker)), "{refused:?}");
    });
    assert_eq!(failures, Vec::<String>::new());
}

#[test]
fn s4_4_a_system_dropped_in_its_own_handler_ends() {
    in_child("s4_4_a_system_dropped_in_its_own_handler_ends", || {
        for panics in [false, true] {
            let log = Log::default();
            let system = system();
            let waiting = system.spawn("stuck", stuck(&log)).unwrap();
            waiting.tell(());
            system.run_until_idle();
            let answering = system.spawn(
                "answering",
                Props::new(move || {
                    Behavior::receive(move |_ctx, reply: Reply<u8>| {
                        let system = smuggled::<ActorSystem>();
                        if panics {
                            panic!("planned: {system:?} is dropped by a panic");
                        }
                        drop(system);
                        reply.send(7);
                    })
                }),
            );
            let asked = answering.unwrap().ask(|reply| reply, NEVER);
            smuggle(system);
            let expected = if panics {
                Err(AskErrorKind::TargetFailed)
            } else {
                Ok(7)
            };
            assert_eq!(asked.wait().map_err(|error| error.kind()), expected);
            assert_eq!(log.lines(), ["unwound", "told"]);
        }
    });
}

#[test]
fn s4_4_a_system_dropped_in_the_handler_of_another_harms_nobody() {
    in_child(
        "s4_4_a_system_dropped_in_the_handler_of_another_harms_nobody",
        || {
            let (inner, outer) = (system(), system());
            let waiting = inner.spawn("stuck", stuck(&Log::default())).unwrap();
            waiting.tell(());
            inner.run_until_idle();
            let asked = waiting;
            smuggle(inner);
            let runner = outer.spawn("runner", runner()).unwrap();
            let other = outer.spawn("other", echo(|| 7)).unwrap();
            let (tell, told) = mpsc::channel();
            let work: Work = Box::new(move || {
                drop(smuggled::<ActorSystem>());
                tell.send(other.ask(|reply| reply, SOON).wait()).unwrap();
            });
            runner.tell(work);
            outer.run();
            assert_eq!(told.try_recv(), Ok(Ok(7)), "the handler can still wait");
            assert!(asked.try_tell(()).is_err());
            end(&outer);
        },
    );
}

#[test]
fn s4_9_destructors_may_ask() {
    struct Asks(ActorRef<Count>, Log);
    impl Drop for Asks {
        fn drop(&mut self) {
            let answer = self.0.ask(Count::Get, SOON).wait();
            self.1.add(format!("{answer:?}"));
        }
    }
    with_system(ActorSystem::builder(), |system| {
        let log = Log::default();
        let counter = system.spawn("counter", counter()).unwrap();
        // The answer of an ask that nobody waits for, dropped outside of any handler.
        let noted = log.clone();
        let answers = system.spawn(
            "answers",
            Props::new(move || {
                let log = noted.clone();
                Behavior::receive(move |_ctx, reply: Reply<Asks>| {
                    reply.send(Asks(counter, log.clone()));
                })
            }),
        );
        let asked = answers.unwrap().ask(|reply| reply, SOON);
        system.run();
        drop(asked);
        assert_eq!(log.lines(), ["Ok(0)"]);
        // A message, in its handler, and one that is lost.
        let eats = Props::new(|| Behavior::receive(|_ctx, _: Asks| Next::Stop));
        let eats = system.spawn("eats", eats).unwrap();
        (0..2).for_each(|_| eats.tell(Asks(counter, log.clone())));
        system.run();
        assert_eq!(log.lines()[1], "Ok(0)");
        assert_eq!(log.lines().len(), 3);
    });
}

/// Whoever drives from within a destructor that the runtime runs is no part of that drop.
#[test]
fn s5_3_what_a_destructor_drives_is_not_touched_by_why_it_runs() {
    struct Asks(ActorRef<Reply<u8>>, mpsc::Sender<Result<u8, AskError>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            let answer = self.0.ask(|reply| reply, NEVER).wait();
            self.1.send(answer).unwrap();
        }
    }
    with_system(ActorSystem::builder(), |live| {
        let props = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| drop(reply)));
        let forgetful = live.spawn("forgetful", props).unwrap();
        let ended = system();
        let props = Props::new(|| Behavior::receive(|_ctx, _: Asks| ()));
        let gone = ended.spawn("gone", props).unwrap();
        end(&ended);
        let (tell, told) = mpsc::channel();
        gone.tell(Asks(forgetful, tell));
        assert!(matches!(told.try_recv(), Ok(Err(AskError::NoReply(_)))));
    });
}

// ---- several --------------------------------------------------------------------------------

#[test]
fn s9_1_two_systems_work_side_by_side_on_one_thread() {
    with_system(ActorSystem::builder(), |one| {
        with_system(ActorSystem::builder(), |two| {
            let in_one = one.spawn("same-name", counter()).unwrap();
            let in_two = two.spawn("same-name", counter()).unwrap();
            in_one.tell(Count::Add(1));
            in_two.tell(Count::Add(2));
            let asked = [in_one, in_two].map(|counter| counter.ask(Count::Get, SOON));
            let [from_one, from_two] = asked.map(Ask::wait);
            assert_eq!((from_one, from_two), (Ok(1), Ok(2)));
            one.run();
            two.run();
        });
    });
}

#[test]
fn s9_1_a_handler_that_asks_another_system_gets_its_answer_when_that_is_driven() {
    with_system(ActorSystem::builder(), |one| {
        with_system(ActorSystem::builder(), |two| {
            let counter = two.spawn("counter", counter()).unwrap();
            counter.tell(Count::Add(42));
            let asker = one.spawn(
                "asker",
                Props::new(move || {
                    Behavior::receive(move |_ctx, reply: Reply<u64>| {
                        reply.send(counter.ask(Count::Get, NEVER).wait()?);
                        Ok::<_, AskError>(())
                    })
                }),
            );
            let asked = asker.unwrap().ask(|reply| reply, NEVER);
            one.run_until_idle();
            assert_eq!(one.waiting().len(), 1);
            two.run_until_idle();
            one.run_until_idle();
            assert!(one.waiting().is_empty());
            assert_eq!(asked.wait(), Ok(42));
        });
    });
}

// ---- options --------------------------------------------------------------------------------

static_assertions::assert_not_impl_any!(ActorSystem: Send, Sync);

#[test]
fn s8_2_options_that_cannot_be_are_refused() {
    let refused = ActorSystem::builder().stack_size(1).start().err();
    assert!(matches!(refused, Some(StartError::InvalidStackSize(1))));
    let builder = ActorSystem::builder().name("a-name").stack_size(1 << 20);
    let text = format!("{builder:?}");
    assert!(
        text.contains("a-name") && text.contains("1048576"),
        "{text}"
    );
    with_system(builder, |system| {
        assert!(format!("{system:?}").contains("a-name"));
    });
}

#[test]
fn s8_5_an_idle_system_sleeps_until_it_is_needed() {
    with_system(ActorSystem::builder(), |system| {
        let node = system.node();
        let counter = system.spawn("counter", counter()).unwrap();
        let stopper = thread::spawn(move || {
            for _ in 0..3 {
                thread::sleep(SHORT);
                counter.tell(Count::Add(1));
            }
            node.request_shutdown(SOON);
        });
        system.run_until_shutdown();
        stopper.join().unwrap();
        let parks = system.stats().workers[0].parks;
        assert!((1..20).contains(&parks), "it parked {parks} times");
        assert_eq!(system.stats().handled(), 3);
    });
}

#[test]
fn s8_5_many_systems_leave_nothing_behind() {
    let _watchdog = watchdog();
    for _ in 0..2_000 {
        let system = system();
        let actor = system.spawn("actor", echo(|| 7)).unwrap();
        assert_eq!(actor.ask(|reply| reply, SOON).wait(), Ok(7));
    }
}
