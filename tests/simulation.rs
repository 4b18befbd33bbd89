//! Simulation: section 9 of the contract.

use nexus_actors::prelude::*;
use nexus_actors::sim::{Choice, Fault, FaultError, Sim, SimBuilder, Trace, TraceKind};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(3600);
const MS: Duration = Duration::from_millis(1);

enum Count {
    Add(u64),
    Get(Reply<u64>),
    Keep(Reply<u64>),
}

fn counter() -> Props<Count> {
    Props::new(|| {
        let mut kept = Vec::new();
        Behavior::with_state(0, move |sum: &mut u64, _ctx, message| match message {
            Count::Add(number) => *sum += number,
            Count::Get(reply) => reply.send(*sum),
            Count::Keep(reply) => kept.push(reply),
        })
    })
}

fn sleeper() -> Props<Duration> {
    Props::new(|| Behavior::receive(|ctx, length: Duration| ctx.sleep(length)))
}

/// The text of the panic with which `code` ends.
fn panic_of(code: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(code)).expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
    }
}

/// Each message that was sent was handled, or lost, or waits; and nothing is left at the end.
fn finish(mut sim: Sim) -> Trace {
    sim.shutdown(LONG);
    let stats = sim.stats();
    assert_eq!(
        stats.sent(),
        stats.handled() + stats.dead_letters + stats.queued(),
        "{stats:?}"
    );
    assert!(
        sim.has_ended() && sim.pending().is_empty(),
        "{:?}",
        sim.pending()
    );
    sim.trace()
}

// ---- one interpreter ---------------------------------------------------------------------------

#[test]
fn s9_1_actors_of_two_workers_work_without_threads() {
    let mut sim = Sim::new(1);
    let counter = sim.spawn_on(1, "counter", counter()).unwrap();
    (1..=100).for_each(|number| counter.tell(Count::Add(number)));
    assert_eq!(counter.ask(Count::Get, LONG).wait(), Ok(5050));
    let report = sim.shutdown(LONG);
    assert_eq!((report.forced, report.unprocessed), (0, 0));
    finish(sim);
}

#[test]
fn s9_1_the_same_configure_runs_in_a_simulation() {
    let sim = Sim::builder().workers(3).configure(|node| {
        node.spawn("counter", counter())?;
        node.spawn_on(node.index(), &format!("local-{}", node.index()), counter())?;
        Ok(())
    });
    let sim = sim.start().unwrap();
    for name in ["counter", "local-0", "local-1", "local-2"] {
        assert!(
            sim.lookup::<Count>(format!("/user/{name}")).is_ok(),
            "{name}"
        );
    }
    finish(sim);
    let failing = Sim::builder().configure(|node| match node.index() {
        0 => Ok(()),
        _ => Err("planned".into()),
    });
    let error = failing.start().unwrap_err();
    assert_eq!(error.to_string(), "configuring worker 1 failed: planned");
}

#[test]
fn s5_3_a_timeout_comes_at_its_time_and_a_certain_end_at_once() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    let counter = sim.spawn_on(1, "counter", counter()).unwrap();
    let stopping = sim.spawn_on(1, "stopping", {
        Props::new(|| Behavior::receive(|_ctx, _: Reply<u64>| Next::Stop))
    });
    let unanswered = stopping.unwrap().ask(|reply| reply, LONG);
    assert!(matches!(
        sim.run_until(unanswered),
        Err(AskError::NoReply(_))
    ));
    assert_eq!(sim.now(), Duration::ZERO);
    let held = counter.ask(Count::Keep, Duration::from_secs(10)).wait();
    let error = held.unwrap_err();
    assert_eq!(error.kind(), AskErrorKind::Timeout);
    assert_eq!(error.details().unwrap().waited(), Duration::from_secs(10));
    assert_eq!(sim.now(), Duration::from_secs(10), "to the nanosecond");
    finish(sim);
}

#[test]
fn s5_5_only_the_actor_that_waits_does() {
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let counter = sim.spawn("counter", counter()).unwrap();
    let sleeper = sim.spawn("sleeper", sleeper()).unwrap();
    sleeper.tell(Duration::from_secs(60));
    sleeper.tell(Duration::from_secs(60));
    sim.run_until_idle();
    assert_eq!(counter.ask(Count::Get, LONG).wait(), Ok(0));
    let pending = sim.pending();
    assert_eq!(
        (pending.waiting, pending.messages),
        (1, 1),
        "its mail waits"
    );
    assert_eq!(sim.now(), Duration::ZERO);
    sim.run_for(Duration::from_secs(121));
    let pending = sim.pending();
    assert_eq!((pending.waiting, pending.messages), (0, 0));
    assert_eq!(sim.now(), Duration::from_secs(121));
    finish(sim);
}

/// Notes in its log when it is dropped.
struct Noted(Arc<Mutex<Vec<&'static str>>>, &'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(self.1);
    }
}

#[test]
fn s4_4_what_is_left_at_the_deadline_is_stopped_by_force() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let noting = Arc::clone(&log);
    let props = Props::new(move || {
        let (noting, told) = (Arc::clone(&noting), Arc::clone(&noting));
        Behavior::receive(move |ctx, (): ()| {
            let _on_stack = Noted(Arc::clone(&noting), "unwound");
            ctx.sleep(LONG)
        })
        .on_signal(move |_ctx, signal| {
            if *signal == Signal::PostStop {
                told.lock().unwrap().push("told");
            }
            Ok::<_, BoxError>(())
        })
    });
    let stuck = sim.spawn_on(1, "stuck", props).unwrap();
    (0..3).for_each(|_| stuck.tell(()));
    sim.run_until_idle();
    let report = sim.shutdown(Duration::from_secs(5));
    assert_eq!(sim.now(), Duration::from_secs(5));
    assert_eq!((report.forced, report.unprocessed), (1, 2));
    assert_eq!(*log.lock().unwrap(), ["unwound", "told"]);
    finish(sim);
}

// ---- the same seed, the same run ------------------------------------------------------------------

struct Hop {
    left: u32,
    reply: Option<Reply<u64>>,
}

/// Actors that keep maps, wait, sleep, ask each other and fail: all that a run may depend on.
fn tangle(seed: u64) -> Trace {
    let mut sim = Sim::builder().seed(seed).workers(3).start().unwrap();
    let all: Arc<Mutex<Vec<ActorRef<Hop>>>> = Arc::default();
    for index in 0..9 {
        let others = Arc::clone(&all);
        let props = Props::new(move || hopper(Arc::clone(&others)));
        let actor = sim.spawn_on(index % 3, &format!("hopper-{index}"), props);
        all.lock().unwrap().push(actor.unwrap());
    }
    let first = all.lock().unwrap()[0];
    for left in [40, 30, 20] {
        sim.schedule(MS, move || first.tell(Hop { left, reply: None }));
    }
    sim.run_for(Duration::from_secs(1));
    finish(sim)
}

fn hopper(all: Arc<Mutex<Vec<ActorRef<Hop>>>>) -> Behavior<Hop> {
    // Keyed by references, and gone through in the order of their hashes.
    type Seen = HashMap<ActorRef<Hop>, u32, BuildHasherDefault<DefaultHasher>>;
    Behavior::with_state(Seen::default(), move |seen, ctx, Hop { left, reply }| {
        let others = all.lock().unwrap().clone();
        for other in &others {
            *seen.entry(*other).or_default() += left;
        }
        if let Some(reply) = reply {
            reply.send(seen.values().map(|number| u64::from(*number)).sum());
        }
        if left == 0 {
            return Ok(Next::Same);
        }
        if left % 13 == 0 {
            return Err(BoxError::from("unlucky"));
        }
        ctx.sleep(Duration::from_micros(u64::from(left)))?;
        let next = *seen.iter().max_by_key(|(_, number)| **number).unwrap().0;
        let left = left - 1;
        if next != ctx.self_ref() {
            let reply = |reply| Hop {
                left: 0,
                reply: Some(reply),
            };
            seen.insert(
                next,
                u32::try_from(next.ask(reply, MS).wait().unwrap_or(1) % 97)?,
            );
        }
        others.iter().for_each(|other| {
            if left % 2 == 0 || other == &next {
                other.tell(Hop {
                    left: left / 2,
                    reply: None,
                });
            }
        });
        Ok(Next::Same)
    })
}

use nexus_actors::BoxError;

#[test]
fn s9_1_the_same_seed_gives_the_same_run_twice_in_one_process() {
    for seed in 0..20 {
        let (one, other) = (tangle(seed), tangle(seed));
        assert!(one.len() > 100, "{} events", one.len());
        assert_eq!(one.to_string(), other.to_string());
        assert_eq!(one.fingerprint(), other.fingerprint());
    }
    assert_ne!(tangle(1), tangle(2), "and another one gives another run");
}

#[test]
fn s9_1_the_same_seed_gives_the_same_run_in_two_processes() {
    const CHILD: &str = "NEXUS_TEST_TRACE_TO";
    if let Ok(path) = std::env::var(CHILD) {
        return tangle(7).save(path).unwrap();
    }
    let traces: Vec<String> = ["one", "two"]
        .map(|name| {
            let file = format!("nexus-trace-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(file);
            let name = "s9_1_the_same_seed_gives_the_same_run_in_two_processes";
            let child = std::process::Command::new(std::env::current_exe().unwrap())
                .args([name, "--exact"])
                .env(CHILD, &path)
                .output()
                .unwrap();
            assert!(child.status.success());
            let trace = std::fs::read_to_string(&path).unwrap();
            std::fs::remove_file(&path).unwrap();
            trace
        })
        .into();
    assert!(traces[0].lines().count() > 100);
    assert_eq!(traces[0], traces[1]);
    assert_eq!(
        traces[0],
        tangle(7).to_string(),
        "nor is this one different"
    );
}

#[test]
fn s9_1_every_kind_of_choice_changes_the_run() {
    let run = |builder: SimBuilder| {
        let mut sim = builder.seed(3).start().unwrap();
        let counters: Vec<_> = (0..6)
            .map(|index| {
                sim.spawn_on(index % 2, &format!("counter-{index}"), counter())
                    .unwrap()
            })
            .collect();
        for round in 0..1000 {
            counters
                .iter()
                .for_each(|counter| counter.tell(Count::Add(round)));
            sim.run_for(Duration::from_micros(20));
        }
        (sim.steps(), finish(sim).fingerprint())
    };
    let all = run(Sim::builder());
    for choice in Choice::ALL {
        assert_ne!(run(Sim::builder().without(choice)), all, "{choice}");
    }
    let orderly = |seed| {
        let mut sim = Sim::builder().seed(seed).orderly().start().unwrap();
        let counter = sim.spawn("counter", counter()).unwrap();
        counter.tell(Count::Add(seed));
        sim.run_until_idle();
        finish(sim)
    };
    assert_eq!(
        orderly(1),
        orderly(2),
        "without chance the seed decides nothing"
    );
}

// ---- time -----------------------------------------------------------------------------------------

#[test]
fn s9_2_time_goes_on_as_it_is_told() {
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let sleeper = sim.spawn("sleeper", sleeper()).unwrap();
    sleeper.tell(10 * MS);
    sim.run_until_idle();
    assert_eq!(
        sim.now(),
        Duration::ZERO,
        "idle means: nothing before the next timer"
    );
    sim.run_for(4 * MS);
    assert_eq!((sim.now(), sim.pending().waiting), (4 * MS, 1));
    sim.advance(30 * MS);
    assert_eq!(
        (sim.now(), sim.pending().waiting),
        (34 * MS, 1),
        "runs nothing"
    );
    sim.run_until_idle();
    assert_eq!(sim.pending().waiting, 0, "late, but it goes on");
    assert!(!sim.step(), "nothing is left");
    finish(sim);
}

#[test]
fn s9_2_what_is_scheduled_is_done_at_its_time_and_may_wait() {
    let mut sim = Sim::new(5);
    let counter = sim.spawn("counter", counter()).unwrap();
    let sums: Rc<RefCell<Vec<u64>>> = Rc::default();
    let noting = Rc::clone(&sums);
    sim.schedule(2 * MS, move || {
        let sum = counter.ask(Count::Get, LONG).wait().unwrap();
        noting.borrow_mut().push(sum);
    });
    sim.schedule(MS, move || counter.tell(Count::Add(3)));
    sim.run_until_idle();
    assert_eq!(*sums.borrow(), [3]);
    finish(sim);
}

#[test]
fn s9_2_an_ask_that_nobody_can_answer_any_more_does_not_hang() {
    let mut sim = Sim::new(1);
    let counter = sim.spawn("counter", counter()).unwrap();
    let asked = counter.ask(Count::Keep, LONG);
    sim.shutdown(LONG);
    assert!(matches!(asked.wait(), Err(AskError::TargetStopped(_))));
    assert!(matches!(
        counter.ask(Count::Get, LONG).wait(),
        Err(AskError::PoolClosed(_))
    ));
    finish(sim);
}

#[test]
fn s9_2_those_who_wait_are_named_with_what_they_wait_for() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    let sleeper = sim.spawn_on(0, "sleeper", sleeper()).unwrap();
    let keeper = sim.spawn_on(1, "keeper", counter()).unwrap();
    let asker = Props::new(move || {
        Behavior::receive(move |_ctx, (): ()| {
            let _ = keeper.ask(Count::Keep, LONG).wait();
        })
    });
    let asker = sim.spawn_on(1, "asker", asker).unwrap();
    sleeper.tell(LONG);
    asker.tell(());
    sim.run_until_idle();
    let waiting: Vec<String> = sim.waiting().iter().map(ToString::to_string).collect();
    assert_eq!(
        waiting,
        [
            "/user/sleeper waits for time to pass",
            "/user/asker waits for /user/keeper"
        ]
    );
    finish(sim);
}

#[test]
fn s9_2_a_simulation_cannot_be_driven_by_a_handler() {
    thread_local!(static SIM: RefCell<Option<Sim>> = const { RefCell::new(None) });
    let mut sim = Sim::new(1);
    let driving = sim.spawn("driving", {
        Props::new(|| {
            Behavior::receive(|_ctx, reply: Reply<String>| {
                let step = || SIM.with_borrow_mut(|sim| sim.as_mut().unwrap().step());
                reply.send(panic_of(|| assert!(step())));
            })
        })
    });
    let asked = driving.unwrap().ask(|reply| reply, LONG);
    SIM.set(Some(sim));
    // Driven through the ask, so that the handler finds the simulation unborrowed.
    let said = asked.wait().unwrap();
    assert!(said.contains("cannot be driven in a handler"), "{said}");
    finish(SIM.take().unwrap());
}

#[test]
fn s9_2_driving_while_the_thread_panics_does_nothing_and_ends_nothing() {
    struct Guard(Sim);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.shutdown(LONG);
            assert!(!self.0.has_ended());
        }
    }
    let said = panic_of(|| {
        let mut sim = Sim::new(1);
        let sleeper = sim.spawn("sleeper", sleeper()).unwrap();
        sleeper.tell(LONG);
        sim.run_until_idle();
        let _guard = Guard(sim);
        panic!("planned");
    });
    assert_eq!(said, "planned");
}

#[test]
fn s9_2_a_simulation_is_not_started_in_a_handler() {
    let pool = WorkerPool::builder().workers(1).start().unwrap();
    let starter = Props::new(|| {
        Behavior::receive(|_ctx, reply: Reply<String>| {
            let error = Sim::builder().start().unwrap_err();
            reply.send(error.to_string());
        })
    });
    let starter = pool.spawn("starter", starter).unwrap();
    let said = starter.ask(|reply| reply, LONG).wait().unwrap();
    assert!(said.contains("handler"), "{said}");
    pool.shutdown(LONG).unwrap();
}

// ---- faults ---------------------------------------------------------------------------------------

#[test]
fn s9_2_a_panic_strikes_at_the_handling_it_was_meant_for() {
    let mut sim = Sim::new(1);
    sim.inject(Fault::panic("/user/counter", 3)).unwrap();
    let actor = sim.spawn("counter", counter()).unwrap();
    (1..=2).for_each(|number| actor.tell(Count::Add(number)));
    assert!(matches!(
        actor.ask(Count::Get, LONG).wait(),
        Err(AskError::TargetFailed(_))
    ));
    let events = finish(sim).to_string();
    assert!(events.contains("fails     /user/counter"), "{events}");
    assert!(
        events.contains("planned: panic in handling 3 of /user/counter"),
        "{events}"
    );
}

#[test]
fn s9_2_several_faults_count_the_handlings_of_one_actor_alike() {
    let resuming = SupervisorStrategy::one_for_one().always(Directive::Resume);
    let mut sim = Sim::builder().supervising(resuming).start().unwrap();
    for handling in [2, 3, 5] {
        sim.inject(Fault::panic("/user/counter", handling)).unwrap();
    }
    let actor = sim.spawn("counter", counter()).unwrap();
    (0..6).for_each(|power| actor.tell(Count::Add(10_u64.pow(power))));
    assert_eq!(actor.ask(Count::Get, LONG).wait(), Ok(101_001));
    finish(sim);
}

#[test]
fn s9_2_a_fault_finds_an_actor_that_lives_already() {
    let mut sim = Sim::new(1);
    let actor = sim.spawn("counter", counter()).unwrap();
    sim.inject(Fault::kill("/user/counter", 2)).unwrap();
    (1..=5).for_each(|number| actor.tell(Count::Add(number)));
    sim.run_until_idle();
    let stats = sim.stats();
    assert_eq!(
        (stats.handled(), stats.dead_letters, stats.actors()),
        (1, 4, 0)
    );
    finish(sim);
}

#[test]
fn s9_2_a_worker_stands_still_for_as_long_as_it_was_told_to() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    sim.inject(Fault::stall(1, MS, 5 * MS)).unwrap();
    let actor = sim.spawn_on(1, "counter", counter()).unwrap();
    sim.run_for(2 * MS);
    assert_eq!(actor.ask(Count::Get, LONG).wait(), Ok(0));
    assert_eq!(sim.now(), 6 * MS);
    finish(sim);
}

#[test]
fn s9_2_the_clock_jumps() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    sim.inject(Fault::clock_jump(MS, LONG)).unwrap();
    let sleeper = sim.spawn("sleeper", sleeper()).unwrap();
    sleeper.tell(2 * MS);
    sim.run_for(3 * MS);
    sim.run_until_idle();
    assert_eq!(sim.pending().waiting, 0);
    assert!(sim.now() >= LONG);
    finish(sim);
}

#[test]
fn s9_2_messages_are_slowed_down() {
    let until = 10 * MS;
    let mut sim = Sim::builder().orderly().start().unwrap();
    sim.inject(Fault::slow_outside(Duration::ZERO, until, 7 * MS))
        .unwrap();
    let first = sim.spawn_on(0, "first", counter()).unwrap();
    assert_eq!(sim.now(), 7 * MS, "the order to start it came from outside");
    sim.run_for(until);
    sim.inject(Fault::slow_link(1, 0, Duration::ZERO, LONG, 9 * MS))
        .unwrap();
    let teller =
        Props::new(move || Behavior::receive(move |_ctx, number| first.tell(Count::Add(number))));
    let teller = sim.spawn_on(1, "teller", teller).unwrap();
    let before = sim.now();
    teller.tell(4);
    sim.run_until_idle();
    assert_eq!(first.ask(Count::Get, LONG).wait(), Ok(4));
    assert_eq!(sim.now() - before, 9 * MS);
    finish(sim);
}

#[test]
fn s9_2_a_fault_that_cannot_happen_is_refused() {
    let mut sim = Sim::new(1);
    let no_worker = sim.inject(Fault::stall(2, MS, MS)).unwrap_err();
    assert_eq!(
        no_worker,
        FaultError::NoSuchWorker {
            worker: 2,
            workers: 2
        }
    );
    let no_path = sim.inject(Fault::panic("counter", 1)).unwrap_err();
    assert!(matches!(no_path, FaultError::InvalidPath(_)));
    let no_handling = sim.inject(Fault::kill("/user/counter", 0)).unwrap_err();
    assert_eq!(no_handling, FaultError::NoHandling);
    let no_time = sim.inject(Fault::slow_outside(MS, MS, MS)).unwrap_err();
    assert_eq!(no_time, FaultError::NoTime);
    assert!(sim.unfired().is_empty());
}

#[test]
fn s9_2_a_fault_that_never_happened_fails_the_test() {
    let said = panic_of(|| {
        let mut sim = Sim::new(1);
        sim.inject(Fault::panic("/user/nobody", 1)).unwrap();
        sim.inject(Fault::slow_outside(LONG, 2 * LONG, MS)).unwrap();
        assert_eq!(sim.unfired().len(), 2);
    });
    assert!(
        said.contains("never happened: panic in handling 1 of /user/nobody; what comes"),
        "{said}"
    );
    let checked = panic_of(|| {
        nexus_actors::sim::check(0..3, |sim| sim.inject(Fault::panic("/user/no", 1)).unwrap());
    });
    assert!(checked.contains("seed=0"), "{checked}");
    assert!(
        checked.contains("never happened: panic in handling 1 of /user/no"),
        "{checked}"
    );
}

// ---- checks under many seeds ----------------------------------------------------------------------

/// Two actors race to be the first with a third one.
fn race(sim: &mut Sim) -> u64 {
    let first = Props::new(|| {
        let mut winner = 0;
        Behavior::receive(move |_ctx, message| match message {
            Count::Add(number) if winner == 0 => winner = number,
            Count::Add(_) | Count::Keep(_) => {}
            Count::Get(reply) => reply.send(winner),
        })
    });
    let goal = sim.spawn_on(0, "goal", first).unwrap();
    let runner = |number| {
        Props::new(move || Behavior::receive(move |_ctx, (): ()| goal.tell(Count::Add(number))))
    };
    let favourite = sim.spawn_on(0, "favourite", runner(1)).unwrap();
    let outsider = sim.spawn_on(1, "outsider", runner(2)).unwrap();
    favourite.tell(());
    outsider.tell(());
    sim.run_until_idle();
    goal.ask(Count::Get, LONG).wait().unwrap()
}

#[test]
fn s9_2_a_failing_test_tells_its_seed_and_the_smallest_case_it_found() {
    let seeds = Cell::new(0);
    let said = panic_of(|| {
        nexus_actors::sim::check(0..1000, |sim| {
            seeds.set(seeds.get().max(sim.seed()));
            assert_eq!(race(sim), 1, "the outsider has won");
        });
    });
    let seed = seeds.get();
    assert!(seed > 0 && seed < 1000, "it takes some luck: {seed}");
    let first = said.lines().next().unwrap();
    assert!(
        first.starts_with(&format!("seed={seed} fails at step ")),
        "{said}"
    );
    assert!(said.contains("the outsider has won"), "{said}");
    let case = said
        .split("NEXUS_SIM='")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    assert!(case.starts_with(&format!("seed={seed} steps=")), "{case}");
    assert!(case.contains("without="), "{case}");
    assert!(
        said.contains("cargo test s9_2_a_failing_test_tells_its_seed"),
        "{said}"
    );
    assert!(
        said.contains("delivers  /user/outsider [1.1#1] -> /user/goal"),
        "{said}"
    );
}

#[test]
fn s9_2_a_case_runs_again_as_it_was_reported() {
    const NAME: &str = "s9_2_a_case_runs_again_as_it_was_reported";
    let child = std::env::var("NEXUS_SIM").is_ok() || std::env::var("NEXUS_SIM_SEEDS").is_ok();
    let test = || {
        nexus_actors::sim::check(0..3, |sim| {
            println!("ran seed {}", sim.seed());
            let mut wrong = Fault::panic("/user/counter", 1);
            if sim.seed() == 77 {
                wrong = Fault::panic("/user/counter", 2);
            }
            sim.inject(wrong).unwrap();
            let counter = sim.spawn("counter", counter()).unwrap();
            counter.tell(Count::Add(1));
            sim.run_until_idle();
        });
    };
    if child {
        return test();
    }
    let run = |name: &str, value: &str| {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args([NAME, "--exact", "--nocapture"])
            .env(name, value)
            .output()
            .unwrap();
        let text = [child.stdout, child.stderr].map(|text| String::from_utf8(text).unwrap());
        (child.status.success(), text.concat())
    };
    let (passes, said) = run("NEXUS_SIM_SEEDS", "5");
    assert!(
        passes && said.contains("ran seed 4") && !said.contains("ran seed 5"),
        "{said}"
    );
    let (passes, said) = run("NEXUS_SIM", "seed=9 steps=3");
    assert!(passes && said.contains("ran seed 9") && said.contains("starts    /user/counter"));
    let (passes, said) = run("NEXUS_SIM", "77");
    assert!(
        !passes && said.contains("never happened: panic in handling 2"),
        "{said}"
    );
    let (passes, said) = run("NEXUS_SIM", "seed=77 without=fault-0");
    assert!(
        passes,
        "a fault that is switched off is missed by nobody: {said}"
    );
    let (passes, said) = run("NEXUS_SIM", "what?");
    assert!(!passes && said.contains("\"what?\" is no number"), "{said}");
}

#[test]
fn s9_2_a_test_that_depends_on_something_else_than_its_seed_is_told_where() {
    let runs = Cell::new(0_u64);
    let said = panic_of(|| {
        nexus_actors::sim::check(0..3, |sim| {
            runs.set(runs.get() + 1);
            let counter = sim.spawn("counter", counter()).unwrap();
            (0..runs.get()).for_each(|_| counter.tell(Count::Add(1)));
            sim.run_until_idle();
        });
    });
    assert!(said.contains("two runs of seed=0 differ"), "{said}");
    assert!(said.contains("they part at event 2"), "{said}");
}

#[test]
fn s9_2_a_test_without_end_fails() {
    let said = panic_of(|| {
        Sim::builder().step_limit(1000).check(0..1, |sim| {
            let chatty = sim.spawn("chatty", {
                Props::new(|| Behavior::receive(|ctx, (): ()| ctx.self_ref().tell(())))
            });
            chatty.unwrap().tell(());
            sim.run_until_idle();
        });
    });
    assert!(
        said.contains("the simulation goes on after 1000 steps"),
        "{said}"
    );
}

#[test]
fn s9_2_options_that_cannot_be_are_refused() {
    let error = Sim::builder().workers(0).start().unwrap_err().to_string();
    assert_eq!(error, "a pool has between 1 and 1024 workers, not 0");
    let error = Sim::builder()
        .stack_size(1)
        .start()
        .unwrap_err()
        .to_string();
    assert_eq!(error, "a stack has between 64 KiB and 1 GiB, not 1 bytes");
    let panic = panic_of(|| drop(Sim::new(1).node(2)));
    assert!(panic.contains("no worker 2"), "{panic}");
}

// ---- the trace ------------------------------------------------------------------------------------

#[test]
fn s9_2_the_trace_says_who_sent_what_to_whom_and_when() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    let counter = sim.spawn_on(0, "counter", counter()).unwrap();
    let mute = Props::new(move || {
        Behavior::receive(move |_ctx, _: u8| {
            counter.tell(Count::Add(1));
            Next::Unhandled
        })
    });
    let mute = sim.spawn_on(1, "mute", mute).unwrap();
    sim.run_for(MS);
    mute.tell(1);
    sim.run_until_idle();
    counter.stop();
    sim.run_until_idle();
    let trace = sim.trace();
    let what: Vec<_> = trace.events().map(|event| &event.what).collect();
    assert!(matches!(what[0], TraceKind::Starts { actor } if *actor == counter.id()));
    assert_eq!(trace.path_of(mute.id()).unwrap().as_str(), "/user/mute");
    let lines: Vec<String> = trace.to_string().lines().map(str::to_owned).collect();
    let message = std::any::type_name::<Count>();
    assert_eq!(
        lines,
        [
            "         0.000 us  starts    /user/counter [0.1#1]",
            "         0.000 us  starts    /user/mute [1.1#1]",
            "      1000.000 us  delivers  outside -> /user/mute [1.1#1]  u8",
            "      1000.000 us  loses     outside -> /user/mute [1.1#1]  u8: its actor did not handle it",
            &format!(
                "      1000.000 us  delivers  /user/mute [1.1#1] -> /user/counter [0.1#1]  {message}"
            ),
            "      1000.000 us  stopped   /user/counter [0.1#1]",
        ]
    );
    finish(sim);
}

#[test]
fn s9_2_a_trace_keeps_what_it_is_told_to_and_its_fingerprint_covers_all() {
    let run = |kept, messages| {
        let mut sim = Sim::builder().keep_events(kept).start().unwrap();
        let counter = sim.spawn("counter", counter()).unwrap();
        (0..messages).for_each(|_| counter.tell(Count::Add(1)));
        sim.run_until_idle();
        finish(sim)
    };
    let (all, few) = (run(1000, 50), run(10, 50));
    assert_eq!((all.len(), few.len()), (52, 52));
    assert_eq!((all.events().count(), few.events().count()), (52, 10));
    assert_eq!(all.fingerprint(), few.fingerprint());
    assert!(
        few.to_string()
            .starts_with("(42 earlier events are not kept)\n")
    );
    let difference = all.first_difference(&run(1000, 51)).unwrap();
    assert_eq!(difference.index, 51);
    assert!(difference.to_string().contains("stopped"));
}
