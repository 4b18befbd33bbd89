//! The same from other pools, for starts that do not succeed, and in everything else that reports a reason.

use super::{Do, MEMBERS, escalates, stopping};
use crate::common::{LONG, Log, SECOND, SEEDS, SOON, check_calm, pool_of};
use nexus_actors::ask::AskErrorKind;
use nexus_actors::failure::TerminationReason;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use nexus_actors::{ActorPath, BoxError, DeadLetterReason, SpawnError};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use TerminationReason::{Failed, Killed, Stopped};

// ---- the end of a pool, seen from another one --------------------------------------------------

/// Watches a family from a pool that lives on, ends the family's pool, and returns what was told, sorted by
/// name.
fn told_elsewhere(end: impl FnOnce(&WorkerPool, ActorRef<Do>)) -> Vec<(String, TerminationReason)> {
    let (watching, watched) = (pool_of(2).start().unwrap(), pool_of(1).start().unwrap());
    watched.spawn("top", stopping().member(0)).unwrap();
    let paths = ["parent", "parent/child", "parent/child/grandchild"];
    let actors = paths.map(|path| watched.lookup::<Do>(format!("/user/top/{path}")).unwrap());
    let (tell, told) = mpsc::channel();
    let watcher = Props::new(move || {
        let tell = tell.clone();
        Behavior::receive(|ctx, (actors, done): ([ActorRef<Do>; 3], Reply<()>)| {
            actors.into_iter().for_each(|actor| ctx.watch(actor));
            done.send(());
        })
        .on_signal(move |_ctx, signal| {
            if let Signal::Terminated { actor, reason, .. } = signal {
                let _ = tell.send((*actor, *reason));
            }
        })
    });
    let watcher = watching.spawn("watcher", watcher).unwrap();
    let asked = watcher.ask(|reply| (actors, reply), SOON);
    asked.wait().unwrap();
    // The request to watch arrives before this, as the same actor sends it.
    let nudge = Props::new(move || Behavior::receive(move |_ctx, reply: Reply<()>| reply.send(())));
    let nudge = watched.spawn("nudge", nudge).unwrap();
    nudge.ask(|reply| reply, SOON).wait().unwrap();
    end(&watched, actors[1]);
    let mut reasons: Vec<_> = (0..3)
        .map(|_| told.recv_timeout(SOON).expect("each of them ends"))
        .map(|(actor, reason)| {
            let member = actors.iter().position(|one| one.id() == actor).unwrap();
            (MEMBERS[member].to_owned(), reason)
        })
        .collect();
    reasons.sort_by(|one, other| one.0.cmp(&other.0));
    watching.shutdown(SOON).unwrap();
    reasons
}

fn all(reasons: [TerminationReason; 3]) -> Vec<(String, TerminationReason)> {
    let names = ["child", "grandchild", "parent"].map(str::to_owned);
    names.into_iter().zip(reasons).collect()
}

#[test]
fn s4_11_another_pool_is_told_the_same_reasons() {
    let told = told_elsewhere(|pool, _| {
        pool.shutdown(SOON).unwrap();
    });
    assert_eq!(
        told,
        all([Stopped, Stopped, Stopped]),
        "an orderly shutdown"
    );
    let told = told_elsewhere(|pool, child| {
        child.tell(Do::Sleep(LONG));
        let report = pool.shutdown(Duration::from_millis(50)).unwrap();
        assert!(report.forced > 0);
    });
    assert_eq!(told, all([Killed, Killed, Killed]), "a shutdown by force");
    let told = told_elsewhere(|pool, _| {
        let parent = pool.lookup::<Do>("/user/top/parent").unwrap();
        parent.tell(Do::Fail);
    });
    assert_eq!(told, all([Failed, Failed, Failed]), "the parent fails");
    let told = told_elsewhere(|pool, _| {
        pool.lookup::<Do>("/user/top/parent").unwrap().kill();
    });
    assert_eq!(told, all([Killed, Killed, Killed]), "the parent is killed");
}

// ---- starts ------------------------------------------------------------------------------------

/// Starts an actor whose setup has it watched before it comes to its own end.
fn started(
    sim: &mut Sim,
    end: impl Fn(&mut Context<'_, Do>) -> Result<Behavior<Do>, BoxError> + Send + Sync + 'static,
    meanwhile: impl FnOnce(ActorRef<Do>) + 'static,
) -> (Result<ActorRef<Do>, SpawnError>, Vec<String>) {
    let log = Log::default();
    let noted = log.clone();
    let watcher = Props::new(move || {
        let noted = noted.clone();
        Behavior::receive(|ctx, (actor, done): (ActorRef<Do>, Reply<()>)| {
            ctx.watch(actor);
            done.send(());
        })
        .on_signal(move |_ctx, signal| {
            if let Signal::Terminated { reason, .. } = signal {
                noted.add(format!("{reason:?}"));
            }
        })
    });
    let watcher = sim.spawn_on(1, "watcher", watcher).unwrap();
    let (end, begun) = (Arc::new(end), Arc::new(Mutex::new(None)));
    let tell = Arc::clone(&begun);
    let props = Props::new(move || {
        let (end, tell) = (Arc::clone(&end), Arc::clone(&tell));
        Behavior::setup(move |ctx| {
            let own = ctx.self_ref();
            *tell.lock().unwrap() = Some(own);
            watcher.ask(|reply| (own, reply), SOON).wait()?;
            end(ctx)
        })
    });
    sim.schedule(SECOND, move || {
        if let Some(actor) = *begun.lock().unwrap() {
            meanwhile(actor);
        }
    });
    let outcome = sim.spawn_on(1, "actor", props);
    sim.run_until_idle();
    (outcome, log.lines())
}

#[test]
fn s4_11_one_that_did_not_start_has_stopped_failed_or_was_killed_too() {
    check(SEEDS, |sim| {
        let (outcome, told) = started(sim, |_| Ok(Behavior::stopped()), |_| ());
        let path = "/user/actor".parse::<ActorPath>().unwrap();
        assert!(matches!(outcome, Err(SpawnError::EndedInStart(at)) if at == path));
        assert_eq!(told, ["Stopped"]);
    });
    check(SEEDS, |sim| {
        let (outcome, told) = started(sim, |_| Err("no such file".into()), |_| ());
        assert!(matches!(outcome, Err(SpawnError::Failed(_))));
        assert_eq!(told, ["Failed"]);
    });
    check(SEEDS, |sim| {
        let (outcome, told) = started(sim, |_| panic!("planned"), |_| ());
        assert!(matches!(outcome, Err(SpawnError::Failed(_))));
        assert_eq!(told, ["Failed"]);
    });
    // An order that comes during the start is carried out after it.
    check(SEEDS, |sim| {
        let slow = |ctx: &mut Context<'_, Do>| {
            ctx.sleep(2 * SECOND)?;
            Ok(Behavior::empty())
        };
        let (outcome, told) = started(sim, slow, ActorRef::kill);
        assert!(outcome.is_ok());
        assert_eq!(told, ["Killed"]);
    });
}

#[test]
fn s4_11_one_whose_start_a_deadline_cuts_short_was_killed() {
    let (tell, told) = mpsc::channel();
    let other = pool_of(1).start().unwrap();
    let watcher = Props::new(move || {
        let tell = tell.clone();
        Behavior::receive(|ctx, (actor, done): (ActorRef<Do>, Reply<()>)| {
            ctx.watch(actor);
            done.send(());
        })
        .on_signal(move |_ctx, signal| {
            if let Signal::Terminated { reason, .. } = signal {
                tell.send(*reason).unwrap();
            }
        })
    });
    let watcher = other.spawn("watcher", watcher).unwrap();
    let pool = pool_of(1).start().unwrap();
    let (begin, begun) = mpsc::channel();
    let slow = Props::new(move || {
        let begin = begin.clone();
        Behavior::setup(move |ctx| {
            let own = ctx.self_ref();
            watcher.ask(|reply| (own, reply), SOON).wait()?;
            begin.send(()).unwrap();
            ctx.sleep(LONG)?;
            Ok(Behavior::<Do>::empty())
        })
    });
    std::thread::scope(|scope| {
        let spawned = scope.spawn(|| pool.spawn("slow", slow));
        begun.recv_timeout(SOON).unwrap();
        pool.shutdown(Duration::from_millis(20)).unwrap();
        assert!(spawned.join().unwrap().is_err());
    });
    assert_eq!(told.recv_timeout(SOON), Ok(Killed));
    other.shutdown(SOON).unwrap();
}

// ---- what else reports a reason ----------------------------------------------------------------

#[test]
fn s5_3_a_question_ends_for_the_reason_for_which_its_actor_does() {
    type End = fn(ActorRef<Do>, ActorRef<Do>);
    let ends: [(End, AskErrorKind); 6] = [
        (|_, child| child.stop(), AskErrorKind::TargetStopped),
        (|_, child| child.kill(), AskErrorKind::TargetStopped),
        (|_, child| child.tell(Do::Fail), AskErrorKind::TargetFailed),
        (|parent, _| parent.stop(), AskErrorKind::TargetStopped),
        (|parent, _| parent.kill(), AskErrorKind::TargetStopped),
        (
            |parent, _| parent.tell(Do::Fail),
            AskErrorKind::TargetFailed,
        ),
    ];
    for (end, kind) in ends {
        check(SEEDS, |sim| {
            sim.spawn("top", stopping().member(0)).unwrap();
            let of = |path| sim.lookup::<Do>(path).unwrap();
            let parent = of("/user/top/parent");
            let child = of("/user/top/parent/child");
            let asked = child.ask(Do::Keep, LONG);
            sim.run_until_idle();
            end(parent, child);
            assert_eq!(asked.wait().unwrap_err().kind(), kind);
        });
    }
}

#[test]
fn s7_1_mail_of_an_actor_whose_failure_its_parent_takes_along_is_lost_to_the_failure() {
    check(SEEDS, |sim| {
        let family = stopping().of_child(escalates());
        sim.spawn_on(1, "top", family.member(0)).unwrap();
        let child = sim.lookup::<Do>("/user/top/parent/child").unwrap();
        child.tell(Do::Sleep(SECOND));
        child.tell(Do::Fail);
        child.tell(Do::Fail);
        sim.run_for(2 * SECOND);
        let letters = sim.dead_letters();
        assert_eq!(letters.count(DeadLetterReason::Failed), 1, "{letters:?}");
    });
}

#[test]
fn s4_11_a_calm_end_tells_of_no_failure() {
    check_calm(SEEDS, |sim| {
        sim.spawn("top", stopping().member(0)).unwrap();
        sim.lookup::<Do>("/user/top/parent").unwrap().kill();
        sim.run_until_idle();
        assert!(sim.lookup::<Do>("/user/top/parent/child").is_err());
    });
}
