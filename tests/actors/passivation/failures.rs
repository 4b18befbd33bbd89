//! Instances that fail when they start or end.

use super::{Do, LONG, SECOND, SEEDS, handle, ms, noting, run, sleeper};
use crate::common::{Log, OnDrop};
use nexus_actors::DeadLetterReason;
use nexus_actors::failure::Stage;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::supervision::Backoff;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

/// Fails to start this many times after the first start.
fn reluctant(log: &Log, times: u32) -> Props<Do> {
    let (log, left) = (log.clone(), Arc::new(AtomicU32::new(times + 1)));
    Props::new(move || {
        let (log, signals, left) = (log.clone(), log.clone(), Arc::clone(&left));
        let behavior = Behavior::setup(move |_ctx| {
            let before = left.load(Relaxed);
            if before != times + 1 && before > 0 {
                left.store(before - 1, Relaxed);
                return Err("not yet".into());
            }
            left.store(before.min(times), Relaxed);
            Ok(Behavior::receive(move |ctx, message| {
                handle(&log, ctx, message)
            }))
        });
        behavior.on_signal(noting(signals))
    })
}

#[test]
fn s6_5_a_start_that_fails_when_mail_comes_is_decided_by_the_supervisor() {
    let table = [
        (Directive::Restart, 2, true),
        (Directive::Restart, 9, false),
        (Directive::Stop, 1, false),
        (Directive::Resume, 1, false),
    ];
    for (directive, times, goes_on) in table {
        let stages: Arc<Mutex<Vec<Stage>>> = Arc::default();
        let hook = Arc::clone(&stages);
        let builder = Sim::builder().on_failure(move |failure| {
            hook.lock().unwrap().push(failure.during);
        });
        let strategy = SupervisorStrategy::one_for_one().always(directive);
        builder.supervising(strategy).check(SEEDS, |sim| {
            stages.lock().unwrap().clear();
            let log = Log::default();
            let actor = sim.spawn("sleeper", reluctant(&log, times)).unwrap();
            actor.tell(Do::Rest);
            sim.run_until_idle();
            assert_eq!(log.take(), ["starts", "stopped"]);
            // Both messages are in its mail when it wakes up.
            actor.suspend();
            actor.tell(Do::Say(1));
            let asked = actor.ask(Do::Ask, LONG);
            sim.run_until_idle();
            assert_eq!(log.take(), [""; 0]);
            actor.resume();
            sim.run_until_idle();
            let stages = stages.lock().unwrap().clone();
            assert_eq!(stages[0], Stage::Starting);
            assert!(stages[1..].iter().all(|stage| *stage == Stage::Restarting));
            if goes_on {
                assert_eq!(log.take(), ["restarted", "1"]);
                assert_eq!(asked.wait(), Ok(7));
                assert_eq!(sim.dead_letters().total(), 0);
            } else {
                assert!(matches!(asked.wait(), Err(AskError::TargetFailed(_))));
                assert_eq!(sim.dead_letters().count(DeadLetterReason::Failed), 2);
                assert_eq!(sim.pending().slots, 0);
            }
        });
    }
}

#[test]
fn s6_5_an_ancestor_cannot_resume_what_could_not_be_built() {
    let resume = SupervisorStrategy::one_for_one().always(Directive::Resume);
    Sim::builder().supervising(resume).check(SEEDS, |sim| {
        let (log, escalates) = (Log::default(), SupervisorStrategy::one_for_one());
        let parent = sleeper(&log).supervising(escalates.always(Directive::Escalate));
        let parent = sim.spawn("parent", parent).unwrap();
        let props = reluctant(&log, 1);
        run(parent, move |ctx| {
            let child = ctx.spawn("child", props)?;
            child.tell(Do::Rest);
            ctx.sleep(ms(1))?;
            child.tell(Do::Say(1));
            Ok(Next::Same)
        });
        sim.run_for(SECOND);
        assert_eq!(sim.dead_letters().count(DeadLetterReason::Failed), 1);
        assert_eq!(parent.ask(Do::Ask, LONG).wait(), Ok(7));
        assert_eq!((sim.stats().actors(), sim.pending().slots), (1, 1));
    });
}

#[test]
fn s6_5_mail_waits_while_a_passive_actor_that_cannot_start_backs_off() {
    let backoff = Backoff::new(SECOND, SECOND).unwrap();
    let strategy = SupervisorStrategy::one_for_one().backoff(backoff);
    Sim::builder().supervising(strategy).check(SEEDS, |sim| {
        let log = Log::default();
        let actor = sim.spawn("sleeper", reluctant(&log, 1)).unwrap();
        actor.tell(Do::Rest);
        sim.run_until_idle();
        actor.tell(Do::Say(1));
        sim.run_for(ms(500));
        actor.tell(Do::Say(2));
        assert_eq!(log.take(), ["starts", "stopped"]);
        sim.run_for(SECOND);
        assert_eq!(log.take(), ["restarted", "1", "2"]);
    });
}

#[test]
fn s6_5_an_instance_that_fails_at_its_end_is_told_of_and_gone_all_the_same() {
    let failures = Log::default();
    let hook = failures.clone();
    let builder = Sim::builder().on_failure(move |failure| hook.add(failure.to_string()));
    builder.check(SEEDS, |sim| {
        failures.take();
        let props = Props::new(|| {
            let bomb = OnDrop(|| panic!("planned: state"));
            Behavior::receive(move |_ctx, reply: Reply<u8>| {
                let _in_the_state = &bomb;
                reply.send(1);
                Next::Passivate
            })
            .on_signal(|_ctx, signal| {
                assert!(!matches!(signal, Signal::PostStop(_)), "planned: signal");
            })
        });
        let actor = sim.spawn("sleeper", props).unwrap();
        for _ in 0..2 {
            assert_eq!(actor.ask(|reply| reply, LONG).wait(), Ok(1));
            sim.run_until_idle();
            let told = failures.take();
            assert_eq!(told.len(), 2, "{told:?}");
            let start = "/user/sleeper failed while stopping: panic: ";
            assert!(told.iter().all(|line| line.starts_with(start)), "{told:?}");
        }
    });
}

#[test]
fn s6_5_a_siblings_failure_leaves_a_passive_actor_passive_or_stops_it() {
    for directive in [Directive::Restart, Directive::Stop] {
        let strategy = SupervisorStrategy::all_for_one().always(directive);
        Sim::builder().supervising(strategy).check(SEEDS, |sim| {
            let (log, other) = (Log::default(), Log::default());
            let actor = sim.spawn_on(0, "sleeper", sleeper(&log)).unwrap();
            let sibling = sim.spawn_on(0, "sibling", sleeper(&other)).unwrap();
            actor.tell(Do::Rest);
            sim.run_until_idle();
            log.take();
            run(sibling, |_ctx| Err("torn".into()));
            sim.run_until_idle();
            assert_eq!(log.take(), [""; 0]);
            let lives = directive == Directive::Restart;
            assert_eq!(actor.ask(Do::Ask, LONG).wait().is_ok(), lives);
            assert_eq!(!log.take().is_empty(), lives);
        });
    }
}
