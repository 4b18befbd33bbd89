//! Orders to a passive actor.

use super::{Do, LONG, SECOND, SEEDS, calm, ms, run, sleeper, start_sleeper};
use crate::common::Log;
use nexus_actors::DeadLetterReason;
use nexus_actors::prelude::*;
use nexus_actors::sim::check;

#[test]
fn s6_5_a_passive_actor_stops_without_being_built_again_unless_mail_waits() {
    for end in ["stop", "kill", "shutdown", "mail and stop", "mail and kill"] {
        check(SEEDS, |sim| {
            let (log, actor) = start_sleeper(sim);
            actor.tell(Do::Rest);
            sim.run_until_idle();
            log.take();
            match end {
                "stop" => actor.stop(),
                "kill" => actor.kill(),
                "shutdown" => {
                    let report = sim.shutdown(SECOND);
                    assert_eq!((report.forced, report.unprocessed), (0, 0));
                }
                "mail and stop" => {
                    actor.tell(Do::Say(1));
                    actor.stop();
                }
                _ => {
                    actor.suspend();
                    actor.tell(Do::Say(1));
                    sim.run_until_idle();
                    actor.kill();
                }
            }
            sim.run_until_idle();
            let (lines, lost) = match end {
                "mail and stop" => (&["starts", "1", "stopped", "dropped"] as &[_], 0),
                "mail and kill" => (&[] as &[_], 1),
                _ => (&[] as &[_], 0),
            };
            assert_eq!(log.take(), lines, "{end}");
            assert_eq!(sim.dead_letters().count(DeadLetterReason::Stopped), lost);
            assert_eq!(sim.dead_letters().total(), lost);
            assert_eq!((sim.stats().actors(), sim.pending().slots), (0, 0));
            assert_eq!(sim.pending().names, 0);
        });
    }
}

#[test]
fn s6_5_a_parent_that_stops_takes_its_passive_children_along() {
    calm(|sim| {
        let (log, child) = (Log::default(), Log::default());
        let actor = sim.spawn("parent", sleeper(&log)).unwrap();
        let props = sleeper(&child);
        run(actor, move |ctx| {
            for name in ["one", "two"] {
                let child = ctx.spawn(name, props.clone())?;
                child.tell(Do::Rest);
            }
            Ok(Next::Same)
        });
        sim.run_for(SECOND);
        actor.stop();
        sim.run_for(SECOND);
        assert_eq!(log.take(), ["starts", "stopped", "dropped"]);
        assert_eq!(child.lines().len(), 6, "each was told once");
        assert_eq!(sim.pending().slots, 0);
    });
}

#[test]
fn s6_5_a_suspended_actor_may_passivate_and_wakes_up_when_it_is_resumed() {
    calm(|sim| {
        let (log, actor) = start_sleeper(sim);
        actor.suspend();
        actor.passivate();
        actor.tell(Do::Say(1));
        sim.run_until_idle();
        assert_eq!(log.take(), ["starts", "stopped", "dropped"]);
        actor.tell(Do::Say(2));
        actor.tell(Do::Rest);
        actor.resume();
        sim.run_until_idle();
        let lines = ["starts", "1", "2", "stopped", "dropped"];
        assert_eq!(log.take(), lines);
        actor.suspend();
        actor.resume();
        sim.run_until_idle();
        assert_eq!(log.take(), [""; 0], "no mail has come");
        actor.tell(Do::Say(3));
        sim.run_until_idle();
        assert_eq!(log.take(), ["starts", "3"]);
    });
}

#[test]
fn s6_5_the_deadline_of_a_shutdown_finds_a_passive_actor_that_waits_for_its_children() {
    check(SEEDS, |sim| {
        let (log, actor) = start_sleeper(sim);
        let child = sleeper(&Log::default());
        run(actor, move |ctx| {
            run(ctx.spawn("child", child)?, |ctx| {
                Ok(ctx.sleep(LONG).map(|()| Next::Same)?)
            });
            ctx.sleep(ms(1))?;
            Ok(Next::Passivate)
        });
        sim.run_for(ms(50));
        actor.tell(Do::Say(1));
        let report = sim.shutdown(SECOND);
        assert_eq!((report.forced, report.unprocessed), (2, 1));
        assert_eq!(log.take(), ["starts", "stopped", "dropped"]);
        assert_eq!(sim.dead_letters().count(DeadLetterReason::Forced), 1);
    });
}

#[test]
fn s6_5_a_bounded_mailbox_stays_bounded_while_its_actor_is_passive() {
    for overflow in [Overflow::Fail, Overflow::DropOldest, Overflow::Backpressure] {
        calm(|sim| {
            let log = Log::default();
            let mailbox = Mailbox::bounded(2, overflow).unwrap();
            let props = sleeper(&log).mailbox(mailbox);
            let actor = sim.spawn_on(0, "sleeper", props).unwrap();
            actor.passivate();
            actor.suspend();
            sim.run_until_idle();
            log.take();
            let sender = sim.spawn_on(1, "sender", sleeper(&Log::default()));
            let sent = Log::default();
            let told = sent.clone();
            run(sender.unwrap(), move |_ctx| {
                for number in 0..4 {
                    let ended = actor.send(Do::Say(number)).is_ok();
                    told.add(format!("{number} {ended}"));
                }
                Ok(Next::Same)
            });
            sim.run_for(SECOND);
            let (before, after): (&[_], &[_]) = match overflow {
                Overflow::Fail => (&["0 true", "1 true", "2 false", "3 false"], &["0", "1"]),
                Overflow::DropOldest => (&["0 true", "1 true", "2 true", "3 true"], &["2", "3"]),
                _ => (&["0 true", "1 true"], &["0", "1", "2", "3"]),
            };
            assert_eq!(sent.lines(), before, "{overflow:?}");
            actor.resume();
            sim.run_for(SECOND);
            let mut lines = log.take();
            assert_eq!(lines.remove(0), "starts");
            assert_eq!(lines, after, "{overflow:?}");
            assert_eq!(sent.lines().len(), 4);
            assert_eq!(sim.stats().queued(), 0);
        });
    }
}
