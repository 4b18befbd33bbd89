//! What does not wake a passive actor, and what the simulation reports of passive actors: row 6.5.

use crate::common::{LONG, Log, SEEDS, check_calm};
use nexus_actors::DeadLetterReason;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, TraceKind};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(10);

enum Do {
    Ask(u32, Reply<u32>),
    /// A question to be stashed.
    Aside(u32, Reply<u32>),
    Rest,
}

/// Records when it starts, and what it replies.
fn sleeper(log: &Log) -> Props<Do> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::with_stash(9, move |_ctx| {
            log.add("starts");
            let log = log.clone();
            Ok(Behavior::receive(move |ctx, message| {
                match message {
                    Do::Ask(number, reply) => {
                        log.add(number.to_string());
                        reply.send(number);
                    }
                    Do::Aside(number, reply) => {
                        let _ = ctx.stash(Do::Aside(number, reply));
                    }
                    Do::Rest => return Next::Passivate,
                }
                Next::Same
            }))
        })
    })
}

/// How often it has become passive, and was rebuilt.
fn wakes(sim: &Sim, actor: ActorRef<Do>) -> (usize, usize) {
    let trace = sim.trace();
    let count = |wanted: &TraceKind| trace.events().filter(|event| event.what == *wanted).count();
    let actor = actor.id();
    (
        count(&TraceKind::Passivates { actor }),
        count(&TraceKind::Wakes { actor }),
    )
}

#[test]
fn s6_5_mail_that_is_all_withdrawn_wakes_no_actor() {
    for worker in [0, 1] {
        Sim::builder().workers(2).check(SEEDS, |sim| {
            let log = Log::default();
            let actor = sim.spawn_on(0, "sleeper", sleeper(&log)).unwrap();
            actor.tell(Do::Rest);
            sim.run_until_idle();
            assert_eq!(log.take(), ["starts"]);
            // Suspended, so that its mail waits.
            actor.suspend();
            sim.run_until_idle();
            let asker = Props::new(move || {
                Behavior::receive(move |_ctx, reply: Reply<AskErrorKind>| {
                    let dropped = actor.ask(|reply| Do::Ask(1, reply), LONG);
                    let expires = actor.ask(|reply| Do::Ask(2, reply), SHORT);
                    reply.send(expires.wait().unwrap_err().kind());
                    drop(dropped);
                })
            });
            let asker = sim.spawn_on(worker, "asker", asker).unwrap();
            let ended = asker.ask(|reply| reply, LONG).wait();
            assert_eq!(ended, Ok(AskErrorKind::Timeout));
            sim.run_until_idle();
            actor.resume();
            sim.run_until_idle();
            assert_eq!(log.take(), [""; 0], "it sleeps on");
            assert_eq!(wakes(sim, actor), (1, 0));
            let letters = sim.dead_letters();
            assert_eq!(letters.count(DeadLetterReason::Cancelled), 1);
            assert_eq!(letters.count(DeadLetterReason::Expired), 1);
            assert_eq!(actor.ask(|reply| Do::Ask(3, reply), LONG).wait(), Ok(3));
            assert_eq!(log.take(), ["starts", "3"]);
            assert_eq!(wakes(sim, actor), (1, 1));
            let stats = sim.stats();
            assert_eq!(stats.sent(), stats.handled() + stats.dead_letters);
        });
    }
}

#[test]
fn s6_5_a_message_behind_those_that_are_taken_back_wakes_it() {
    check_calm(SEEDS, |sim| {
        let log = Log::default();
        let actor = sim.spawn("sleeper", sleeper(&log)).unwrap();
        actor.tell(Do::Rest);
        sim.run_until_idle();
        actor.suspend();
        sim.run_until_idle();
        let asked = [1, 2, 3, 4].map(|number| actor.ask(move |reply| Do::Ask(number, reply), LONG));
        let [first, second, third, last] = asked;
        drop((first, third));
        sim.run_until_idle();
        actor.resume();
        assert_eq!((second.wait(), last.wait()), (Ok(2), Ok(4)));
        assert_eq!(log.take(), ["starts", "starts", "2", "4"]);
        assert_eq!(wakes(sim, actor), (1, 1));
    });
}

#[test]
fn s6_5_stashed_mail_that_is_withdrawn_wakes_no_actor() {
    check_calm(SEEDS, |sim| {
        let log = Log::default();
        let actor = sim.spawn("sleeper", sleeper(&log)).unwrap();
        let aside = [1, 2, 3].map(|number| actor.ask(move |reply| Do::Aside(number, reply), LONG));
        sim.run_until_idle();
        actor.suspend();
        actor.passivate();
        sim.run_until_idle();
        assert_eq!((wakes(sim, actor), sim.stats().stashed()), ((1, 0), 3));
        drop(aside);
        sim.run_until_idle();
        actor.resume();
        sim.run_until_idle();
        assert_eq!(wakes(sim, actor).1, 0);
        assert_eq!(sim.stats().stashed(), 0);
        assert_eq!(sim.dead_letters().count(DeadLetterReason::Cancelled), 3);
        assert_eq!(log.take(), ["starts"]);
    });
}

#[test]
fn s6_5_the_trace_says_when_an_actor_passivates_and_wakes() {
    check_calm(SEEDS, |sim| {
        let log = Log::default();
        let actor = sim.spawn("sleeper", sleeper(&log)).unwrap();
        actor.tell(Do::Rest);
        sim.run_until_idle();
        let asked = actor.ask(|reply| Do::Ask(1, reply), LONG).map(|one| one);
        assert_eq!(asked.wait(), Ok(1));
        actor.stop();
        sim.run_until_idle();
        let lines = sim.trace().to_string();
        let what = lines.lines().map(|line| {
            let mut words = line.split_whitespace().skip(2);
            words.next().unwrap_or_default().to_owned()
        });
        let expected = [
            "starts", "delivers", "passive", "wakes", "delivers", "stopped",
        ];
        assert_eq!(what.collect::<Vec<_>>(), expected);
    });
}
