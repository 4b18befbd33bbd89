//! The end of timers, and messages that end them before they fire.

use super::{Do, LONG, SECOND, SEEDS, calm, ms, orderly, run, start_scribe, texts};
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Fault, Sim, check};
use std::time::Duration;

#[test]
fn s6_1_no_timer_outlives_a_restart() {
    for timed in [false, true] {
        let strategy = if timed {
            let backoff = nexus_actors::supervision::Backoff::new(ms(200), ms(200));
            SupervisorStrategy::one_for_one().backoff(backoff.unwrap())
        } else {
            SupervisorStrategy::one_for_one()
        };
        let builder = Sim::builder().supervising(strategy);
        builder.check(SEEDS, |sim| {
            let (log, actor) = start_scribe(sim);
            run(actor, |ctx| {
                ctx.timers().start_single("one", Do::Say("lost"), ms(50));
                ctx.timers().start_single("two", Do::Say("lost"), ms(150));
                ctx.timers()
                    .start_fixed_rate("rate", || Do::Say("lost"), ms(40));
                ctx.timers()
                    .start_fixed_delay("delay", || Do::Say("lost"), ms(40));
                ctx.set_receive_timeout(ms(30));
                ctx.sleep(ms(100))?; // some are due
                Err("torn".into())
            });
            let told = log.clone();
            run(actor, move |ctx| {
                let active = ["one", "two", "rate", "delay"].map(|key| ctx.timers().is_active(key));
                told.add(format!("0 {active:?}"));
                Ok(())
            });
            sim.run_for(SECOND);
            assert_eq!(texts(&log), ["restarted", "[false, false, false, false]"]);
            assert_eq!(sim.pending().timers, 0);
        });
    }
}

#[test]
fn s6_1_no_timer_outlives_its_actor_however_that_ends() {
    for end in ["stop", "kill", "fail", "shutdown"] {
        check(SEEDS, |sim| {
            let (log, actor) = start_scribe(sim);
            let asked = actor.ask(
                |reply| {
                    Do::Run(Box::new(move |ctx: &mut Context<'_, Do>| {
                        ctx.timers().start_single("asked", Do::Done(reply), LONG);
                        ctx.timers().start_single("one", Do::Say("lost"), ms(50));
                        ctx.timers()
                            .start_fixed_rate("rate", || Do::Say("lost"), ms(50));
                        ctx.set_receive_timeout(ms(50));
                        Ok(())
                    }))
                },
                LONG,
            );
            sim.run_for(ms(1));
            match end {
                "stop" => actor.stop(),
                "kill" => actor.kill(),
                "fail" => (0..4).for_each(|_| run(actor, |_| Err("torn".into()))),
                _ => drop(sim.shutdown(Duration::ZERO)),
            }
            sim.run_for(ms(10));
            assert_eq!(sim.pending().timers, 0, "{end}");
            let expected = if end == "fail" {
                AskErrorKind::TargetFailed
            } else {
                AskErrorKind::TargetStopped
            };
            assert_eq!(asked.wait().unwrap_err().kind(), expected, "{end}");
            sim.run_for(SECOND);
            let lost = |line: &String| line.ends_with("lost") || line.ends_with("timeout");
            assert!(!log.take().iter().any(lost), "{end}");
        });
    }
}

#[test]
fn s6_1_nothing_can_be_started_while_the_actor_stops() {
    calm(|sim| {
        let late = Props::new(|| {
            Behavior::receive(|_ctx, _: u8| ()).on_signal(|ctx, signal| {
                if let Signal::PostStop(_) = signal {
                    ctx.timers().start_fixed_rate("late", || 1, ms(1));
                    ctx.timers().start_single("late", 1, ms(1));
                    ctx.set_receive_timeout(ms(1));
                    assert!(!ctx.timers().is_active("late"));
                    ctx.sleep(SECOND)?;
                }
                Ok(())
            })
        });
        let late = sim.spawn("late", late).unwrap();
        late.stop();
        sim.run_for(ms(500));
        assert!(sim.pending().timers <= 1, "that of the sleep");
    });
}

#[test]
fn s6_1_a_suspended_actor_is_told_signals_and_its_timers_wait_like_its_mail() {
    calm(|sim| {
        let (log, actor) = start_scribe(sim);
        run(actor, |ctx| {
            ctx.timers().start_single("one", Do::Say("one"), ms(100));
            ctx.timers()
                .start_fixed_rate("rate", || Do::Say("rate"), ms(600));
            ctx.set_receive_timeout(ms(700));
            Ok(())
        });
        sim.run_for(ms(10));
        actor.suspend();
        actor.tell(Do::Say("mail"));
        sim.run_for(SECOND);
        assert_eq!(texts(&log), ["timeout"]);
        actor.resume();
        sim.run_for(ms(100));
        assert_eq!(texts(&log), ["one", "rate", "mail"]);
    });
}

#[test]
fn s6_1_faults_strike_the_messages_of_timers_too() {
    let handled = |sim: &Sim| sim.stats().handled();
    let (mut sim, log, actor) = orderly(Directive::Resume);
    let start = |ctx: &mut Context<'_, Do>| {
        ctx.timers().start_single("one", Do::Say("one"), ms(5));
        ctx.timers()
            .start_fixed_rate("rate", || Do::Say("rate"), ms(10));
        ctx.timers()
            .start_fixed_delay("delay", || Do::Say("delay"), ms(14));
        Ok(())
    };
    run(actor, start);
    for (handling, millis) in [(2, 6), (1, 5), (1, 20)] {
        sim.inject(Fault::panic("/user/scribe", handling)).unwrap();
        sim.run_for(ms(millis));
    }
    assert_eq!(log.take(), ["20 rate", "28 delay", "30 rate"]);
    assert_eq!(handled(&sim), 7);
    sim.inject(Fault::kill("/user/scribe", 2)).unwrap();
    sim.run_for(SECOND);
    assert_eq!(log.take(), ["40 rate"]);
    assert_eq!(sim.pending().timers, 0);
}
