//! Keyed timers and the receive time-out: rows 6.1, 6.2 and 6.5 of the contract.

mod common;

use common::Log;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Fault, Sim, check};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SEEDS: std::ops::Range<u64> = 0..60;
const LONG: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

type Run = Box<dyn FnOnce(&mut Context<'_, Do>) -> Result<(), BoxError> + Send>;

enum Do {
    Say(&'static str),
    Run(Run),
    Done(Reply<()>),
}

/// Writes what it is told, with the time, and does what it is told.
fn scribe(log: &Log) -> Props<Do> {
    let log = log.clone();
    Props::new(move || {
        let (log, told) = (log.clone(), log.clone());
        Behavior::receive(move |ctx: &mut Context<'_, Do>, message| {
            match message {
                Do::Say(text) => log.add(format!("{} {text}", ctx.now().as_millis())),
                Do::Run(run) => run(ctx)?,
                Do::Done(reply) => reply.send(()),
            }
            Ok::<_, BoxError>(())
        })
        .on_signal(move |ctx, signal| match signal {
            Signal::ReceiveTimeout => told.add(format!("{} timeout", ctx.now().as_millis())),
            Signal::PostRestart(_) => told.add(format!("{} restarted", ctx.now().as_millis())),
            _ => {}
        })
    })
}

fn run(
    actor: ActorRef<Do>,
    code: impl FnOnce(&mut Context<'_, Do>) -> Result<(), BoxError> + Send + 'static,
) {
    actor.tell(Do::Run(Box::new(code)));
}

/// A simulation in which nothing is left to chance, with one scribe.
fn orderly(directive: Directive) -> (Sim, Log, ActorRef<Do>) {
    let builder = Sim::builder().orderly().workers(1);
    let strategy = SupervisorStrategy::one_for_one().always(directive);
    let mut sim = builder.supervising(strategy).start().unwrap();
    let log = Log::default();
    let actor = sim.spawn("scribe", scribe(&log)).unwrap();
    sim.run_until_idle();
    (sim, log, actor)
}

fn calm(test: impl Fn(&mut Sim)) {
    common::check_calm(SEEDS, test);
}

// ---- single timers ------------------------------------------------------------------------------

#[test]
fn s6_1_a_single_timer_rings_once_and_is_inactive_from_its_handling() {
    let (mut sim, log, actor) = orderly(Directive::Stop);
    let told = log.clone();
    run(actor, move |ctx| {
        let told = told.clone();
        let look = Do::Run(Box::new(move |ctx| {
            let active = ctx.timers().is_active("one");
            told.add(format!("{} active: {active}", ctx.now().as_millis()));
            Ok(())
        }));
        ctx.timers().start_single("one", look, SECOND);
        assert!(ctx.timers().is_active("one"));
        assert!(!ctx.timers().is_active("two"));
        Ok(())
    });
    sim.run_for(SECOND - Duration::from_nanos(1));
    assert_eq!(log.take(), [""; 0], "never early");
    sim.run_for(Duration::from_nanos(1));
    assert_eq!(log.take(), ["1000 active: false"]);
    sim.run_for(LONG);
    assert_eq!(log.take(), [""; 0]);
    assert_eq!(sim.pending().timers, 0);
}

#[test]
fn s6_1_a_timer_of_the_same_key_takes_the_others_place() {
    calm(|sim| {
        let log = Log::default();
        let actor = sim.spawn("scribe", scribe(&log)).unwrap();
        run(actor, |ctx| {
            let mut timers = ctx.timers();
            timers.start_single("key", Do::Say("first"), ms(100));
            timers.start_single("key", Do::Say("second"), ms(50));
            timers.start_single(("key", 1), Do::Say("third"), ms(300));
            timers.start_single(("key", 1), Do::Say("fourth"), ms(800));
            timers.start_fixed_rate(7, || Do::Say("rate"), ms(10));
            timers.start_fixed_delay(7, || Do::Say("delay"), ms(500));
            assert!(timers.cancel(7));
            assert!(!timers.cancel(7), "it is gone");
            Ok(())
        });
        sim.run_for(SECOND);
        sim.run_until_idle();
        let texts = log.take();
        let texts: Vec<_> = texts
            .iter()
            .map(|line| line.split_once(' ').unwrap().1)
            .collect();
        assert_eq!(texts, ["second", "fourth"]);
        assert_eq!(sim.pending().timers, 0);
    });
}

#[test]
fn s6_1_what_was_due_and_is_cancelled_or_replaced_before_it_is_handled_is_not_delivered() {
    calm(|sim| {
        let log = Log::default();
        let actor = sim.spawn("scribe", scribe(&log)).unwrap();
        run(actor, |ctx| {
            for (key, text) in [("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")] {
                ctx.timers().start_single(key, Do::Say(text), ms(10));
            }
            ctx.timers().start_fixed_rate("e", || Do::Say("e"), ms(10));
            ctx.sleep(SECOND)?;
            // All of them are due by now.
            assert!(ctx.timers().is_active("a"));
            assert!(ctx.timers().cancel("a"));
            ctx.timers().start_single("b", Do::Say("new b"), SECOND);
            ctx.timers().cancel("c");
            ctx.timers()
                .start_single("f", Do::Say("f in the place of c"), SECOND);
            ctx.timers().cancel("e");
            Ok(())
        });
        sim.run_for(ms(1900));
        sim.run_until_idle();
        let texts = |log: &Log| -> Vec<String> {
            let text = |line: &String| line.split_once(' ').unwrap().1.to_owned();
            log.take().iter().map(text).collect()
        };
        assert_eq!(texts(&log), ["d"]);
        sim.run_for(SECOND);
        sim.run_until_idle();
        assert_eq!(texts(&log), ["new b", "f in the place of c"]);
    });
}

#[test]
fn s6_1_all_timers_can_be_cancelled_and_started_again() {
    let (mut sim, log, actor) = orderly(Directive::Stop);
    run(actor, |ctx| {
        for number in 0..100 {
            ctx.timers()
                .start_single(number, Do::Say("lost"), ms(number));
        }
        ctx.timers()
            .start_fixed_delay("delay", || Do::Say("lost"), ms(10));
        ctx.timers().cancel_all();
        assert!((0..100).all(|number| !ctx.timers().is_active(number)));
        ctx.timers().start_single(5, Do::Say("kept"), ms(5));
        Ok(())
    });
    sim.run_for(SECOND);
    assert_eq!(log.take(), ["5 kept"]);
    assert_eq!(sim.pending().waits, 0);
}

// ---- repeated timers ----------------------------------------------------------------------------

/// Says it, and is busy for a while.
fn slowly(log: &Log, text: &'static str, busy: Duration) -> impl FnMut() -> Do + use<> {
    let log = log.clone();
    move || {
        let log = log.clone();
        Do::Run(Box::new(move |ctx| {
            log.add(format!("{} {text}", ctx.now().as_millis()));
            Ok(ctx.sleep(busy)?)
        }))
    }
}

#[test]
fn s6_1_a_fixed_rate_makes_up_for_delays_and_a_fixed_delay_does_not() {
    let (mut sim, log, actor) = orderly(Directive::Stop);
    let make = slowly(&log, "rate", ms(300));
    run(actor, move |ctx| {
        ctx.timers().start_fixed_rate("rate", make, SECOND);
        Ok(())
    });
    sim.run_for(ms(4500));
    assert_eq!(
        log.take(),
        ["1000 rate", "2000 rate", "3000 rate", "4000 rate"]
    );
    let make = slowly(&log, "delay", ms(300));
    run(actor, move |ctx| {
        ctx.timers().cancel("rate");
        ctx.timers().start_fixed_delay("delay", make, SECOND);
        Ok(())
    });
    sim.run_for(ms(4500));
    assert_eq!(log.take(), ["5500 delay", "6800 delay", "8100 delay"]);
}

#[test]
fn s6_1_a_fixed_rate_keeps_its_beat_and_lets_one_message_wait_at_the_most() {
    let (mut sim, log, actor) = orderly(Directive::Stop);
    run(actor, |ctx| {
        ctx.timers()
            .start_fixed_rate("rate", || Do::Say("beat"), SECOND);
        Ok(ctx.sleep(ms(3500))?)
    });
    sim.run_for(ms(5500));
    assert_eq!(log.take(), ["3500 beat", "4000 beat", "5000 beat"]);
    // One that is always too slow is never ahead of itself.
    let make = slowly(&log, "slow", ms(2500));
    run(actor, move |ctx| {
        ctx.timers().start_fixed_rate("rate", make, SECOND);
        Ok(())
    });
    sim.run_for(ms(6000));
    assert_eq!(log.take(), ["6500 slow", "9000 slow", "11500 slow"]);
}

#[test]
fn s6_1_a_repeated_timer_may_be_cancelled_or_replaced_by_its_own_message() {
    calm(|sim| {
        let log = Log::default();
        let actor = sim.spawn("scribe", scribe(&log)).unwrap();
        for (key, fixed_rate) in [("rate", true), ("delay", false)] {
            let rings = Arc::new(Mutex::new(0));
            let counted = Arc::clone(&rings);
            run(actor, move |ctx| {
                let make = move || {
                    let counted = Arc::clone(&counted);
                    Do::Run(Box::new(move |ctx| {
                        *counted.lock().unwrap() += 1;
                        assert!(ctx.timers().is_active(key));
                        ctx.sleep(ms(20))?; // a fixed rate is due again meanwhile
                        match *counted.lock().unwrap() {
                            3 => assert!(ctx.timers().cancel(key)),
                            _ if key == "delay" => {}
                            _ => assert!(ctx.timers().is_active(key)),
                        }
                        Ok(())
                    }))
                };
                if fixed_rate {
                    ctx.timers().start_fixed_rate(key, make, ms(10));
                } else {
                    ctx.timers().start_fixed_delay(key, make, ms(10));
                }
                Ok(())
            });
            sim.run_for(SECOND);
            assert_eq!(*rings.lock().unwrap(), 3, "{key}");
        }
    });
}

#[test]
fn s6_1_what_takes_the_place_of_a_fixed_delay_while_it_is_handled_has_its_own_time() {
    let (mut sim, log, actor) = orderly(Directive::Stop);
    run(actor, |ctx| {
        let make = || {
            Do::Run(Box::new(|ctx: &mut Context<'_, Do>| {
                ctx.timers().cancel("delay");
                let timers = &mut ctx.timers();
                timers.start_fixed_delay("other", || Do::Say("other"), ms(50));
                Ok(ctx.sleep(ms(70))?)
            }))
        };
        ctx.timers().start_fixed_delay("delay", make, ms(10));
        Ok(())
    });
    sim.run_for(ms(200));
    assert_eq!(log.take(), ["80 other", "130 other", "180 other"]);
}

#[test]
fn s6_1_no_timer_is_ever_early() {
    calm(|sim| {
        let log = Log::default();
        let late = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&late);
        let actor = sim.spawn("scribe", scribe(&log)).unwrap();
        run(actor, move |ctx| {
            for number in 0..50_u64 {
                let delay = Duration::from_nanos(number * number * 7919);
                let (start, noted) = (ctx.now(), Arc::clone(&noted));
                let check = Do::Run(Box::new(move |ctx: &mut Context<'_, Do>| {
                    let late = ctx.now().checked_sub(start + delay);
                    noted.lock().unwrap().push(late.expect("never early"));
                    Ok(())
                }));
                ctx.timers().start_single(number, check, delay);
            }
            Ok(())
        });
        sim.run_for(SECOND);
        assert_eq!(late.lock().unwrap().len(), 50);
    });
}

// ---- turns, and counts --------------------------------------------------------------------------

#[test]
fn s6_1_a_timer_goes_ahead_of_the_mail_and_counts_as_sent_by_its_actor() {
    let (mut sim, log, actor) = orderly(Directive::Stop);
    let told = log.clone();
    run(actor, move |ctx| {
        let cause = ctx.envelope().message_id();
        let tell = Do::Run(Box::new(move |ctx: &mut Context<'_, Do>| {
            assert_eq!(ctx.sender(), Some(ctx.self_ref().id()));
            assert_eq!(ctx.envelope().causation_id(), Some(cause));
            assert_eq!(ctx.envelope().correlation_id(), cause);
            assert_ne!(ctx.envelope().message_id(), cause);
            told.add("timer");
            Ok(())
        }));
        ctx.timers().start_single("one", tell, ms(10));
        ctx.self_ref().tell(Do::Say("mail"));
        Ok(ctx.sleep(ms(20))?)
    });
    sim.run_for(SECOND);
    assert_eq!(log.take(), ["timer", "20 mail"]);
    assert_eq!((sim.stats().sent(), sim.stats().handled()), (3, 3));
}

#[test]
fn s6_1_many_timers_that_are_due_at_once_leave_the_others_their_turns() {
    let (mut sim, log, actor) = orderly(Directive::Stop);
    let other = sim.spawn("other", scribe(&log)).unwrap();
    run(actor, |ctx| {
        // Each of them sets itself again, for at once.
        fn again(ctx: &mut Context<'_, Do>, number: u64) {
            let next = Do::Run(Box::new(move |ctx| {
                again(ctx, number);
                Ok(())
            }));
            ctx.timers().start_single(number, next, Duration::ZERO);
        }
        (0..1000).for_each(|number| again(ctx, number));
        Ok(())
    });
    assert_eq!(other.ask(Do::Done, SECOND).wait(), Ok(()));
    assert_eq!(other.ask(Do::Done, SECOND).wait(), Ok(()));
    // Nor does a kill wait for them.
    actor.kill();
    sim.run_until_idle();
    assert_eq!(sim.pending().timers, 0);
}

#[test]
fn s6_1_timers_live_through_a_change_of_behaviour_and_a_resumption() {
    let (mut sim, log, actor) = orderly(Directive::Resume);
    run(actor, |ctx| {
        ctx.timers()
            .start_fixed_rate("rate", || Do::Say("rate"), SECOND);
        let torn = || Do::Run(Box::new(|_ctx: &mut Context<'_, Do>| Err("torn".into())));
        ctx.timers().start_fixed_delay("torn", torn, ms(1500));
        let make = || -> Do { panic!("no message") };
        ctx.timers().start_fixed_delay("made", make, ms(100));
        Err("torn".into())
    });
    sim.run_for(ms(3100));
    assert_eq!(log.take(), ["1000 rate", "2000 rate", "3000 rate"]);
    let told = log.clone();
    run(actor, move |ctx| {
        let active = |key, ctx: &mut Context<'_, Do>| ctx.timers().is_active(key);
        told.add(format!("{} {}", active("torn", ctx), active("made", ctx)));
        Ok(())
    });
    sim.run_until_idle();
    assert_eq!(log.take(), ["true false"], "whose maker panics ends");

    let counting = Props::new(|| {
        Behavior::with_timers(|timers| {
            timers.start_fixed_rate("tick", || None, SECOND);
            Ok(Behavior::receive(|_ctx, _: Option<Reply<u32>>| {
                Behavior::with_state(
                    1,
                    |count, _ctx, message: Option<Reply<u32>>| match message {
                        None => *count += 1,
                        Some(reply) => reply.send(*count),
                    },
                )
            }))
        })
    });
    let counting = sim.spawn("counting", counting).unwrap();
    sim.run_for(ms(5500));
    assert_eq!(counting.ask(Some, SECOND).wait(), Ok(5));
}

// ---- the end of timers --------------------------------------------------------------------------

#[test]
fn s6_1_no_timer_outlives_a_restart() {
    for timed in [false, true] {
        let strategy = if timed {
            let backoff = nexus_actors::Backoff::new(ms(200), ms(200));
            SupervisorStrategy::one_for_one().backoff(backoff.unwrap())
        } else {
            SupervisorStrategy::one_for_one()
        };
        let builder = Sim::builder().supervising(strategy);
        builder.check(SEEDS, |sim| {
            let log = Log::default();
            let actor = sim.spawn("scribe", scribe(&log)).unwrap();
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
            let lines = log.take();
            let lines: Vec<_> = lines
                .iter()
                .map(|line| line.split_once(' ').unwrap().1)
                .collect();
            assert_eq!(lines, ["restarted", "[false, false, false, false]"]);
            assert_eq!(sim.pending().timers, 0);
        });
    }
}

#[test]
fn s6_1_no_timer_outlives_its_actor_however_that_ends() {
    for end in ["stop", "kill", "fail", "shutdown"] {
        check(SEEDS, |sim| {
            let log = Log::default();
            let actor = sim.spawn("scribe", scribe(&log)).unwrap();
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
                if let Signal::PostStop = signal {
                    ctx.timers().start_fixed_rate("late", || 1, ms(1));
                    ctx.timers().start_single("late", 1, ms(1));
                    ctx.set_receive_timeout(ms(1));
                    assert!(!ctx.timers().is_active("late"));
                    ctx.sleep(SECOND)?;
                }
                Ok::<_, WaitError>(())
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
        let log = Log::default();
        let actor = sim.spawn("scribe", scribe(&log)).unwrap();
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
        let texts = |log: &Log| -> Vec<String> {
            let text = |line: &String| line.split_once(' ').unwrap().1.to_owned();
            log.take().iter().map(text).collect()
        };
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

// ---- the receive time-out -----------------------------------------------------------------------

#[test]
fn s6_5_only_mail_puts_the_receive_time_out_off() {
    let (mut sim, log, actor) = orderly(Directive::Stop);
    let child = sim.spawn("child", scribe(&log)).unwrap();
    run(actor, move |ctx| {
        ctx.set_receive_timeout(SECOND);
        ctx.watch(child);
        ctx.timers()
            .start_fixed_rate("rate", || Do::Say("rate"), ms(400));
        Ok(())
    });
    sim.schedule(ms(500), move || actor.tell(Do::Say("mail")));
    sim.schedule(ms(1300), move || child.stop());
    sim.run_for(ms(1700));
    let lines = log.take();
    assert_eq!(
        lines,
        [
            "400 rate",
            "500 mail",
            "800 rate",
            "1200 rate",
            "1500 timeout",
            "1600 rate"
        ]
    );
    run(actor, |ctx| {
        ctx.timers().cancel_all();
        Ok(())
    });
    sim.run_for(ms(2500));
    assert_eq!(
        log.take(),
        ["2700 timeout", "3700 timeout"],
        "again and again"
    );
    run(actor, |ctx| {
        ctx.set_receive_timeout(ms(100));
        ctx.cancel_receive_timeout();
        Ok(())
    });
    sim.run_for(LONG);
    assert_eq!(log.take(), [""; 0]);
    assert_eq!(sim.pending().waits, 0);
}

#[test]
fn s6_5_it_counts_from_the_end_of_a_handling_and_does_not_interrupt_one() {
    let (mut sim, log, actor) = orderly(Directive::Stop);
    run(actor, |ctx| {
        ctx.set_receive_timeout(SECOND);
        Ok(ctx.sleep(ms(3500))?)
    });
    sim.run_for(ms(5000));
    assert_eq!(log.take(), ["4500 timeout"]);
}

#[test]
fn s6_5_a_busy_actor_is_never_told_and_an_idle_one_always_is() {
    calm(|sim| {
        let log = Log::default();
        let actor = sim.spawn("scribe", scribe(&log)).unwrap();
        run(actor, |ctx| {
            ctx.set_receive_timeout(SECOND);
            Ok(())
        });
        for number in 1..40 {
            sim.schedule(ms(200 * number), move || run(actor, |_ctx| Ok(())));
        }
        sim.run_for(ms(8500));
        assert_eq!(log.take(), [""; 0]);
        sim.run_for(ms(600));
        assert_eq!(log.take().len(), 1);
    });
}

#[test]
fn s6_5_the_receive_time_out_ends_with_a_restart() {
    let (mut sim, log, actor) = orderly(Directive::Restart);
    run(actor, |ctx| {
        ctx.set_receive_timeout(SECOND);
        Err("torn".into())
    });
    sim.run_for(LONG);
    assert_eq!(log.take(), ["0 restarted"]);
}

// ---- states -------------------------------------------------------------------------------------

#[test]
fn s2_4_states_are_behaviours_and_their_time_outs_are_timers() {
    #[derive(Clone, Copy)]
    enum Light {
        Push,
        TimeIsUp,
    }
    fn off(log: &Log) -> Behavior<Light> {
        let log = log.clone();
        Behavior::setup(move |ctx| {
            log.add(format!("{} off", ctx.now().as_millis()));
            ctx.timers().cancel("state");
            Ok(Behavior::receive(move |_ctx, message| match message {
                Light::Push => Next::Become(on(&log)),
                Light::TimeIsUp => Next::Unhandled,
            }))
        })
    }
    fn on(log: &Log) -> Behavior<Light> {
        let log = log.clone();
        Behavior::setup(move |ctx| {
            log.add(format!("{} on", ctx.now().as_millis()));
            ctx.timers().start_single("state", Light::TimeIsUp, SECOND);
            Ok(Behavior::receive(move |_ctx, _either| {
                Next::Become(off(&log))
            }))
        })
    }
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let log = Log::default();
    let made = log.clone();
    let light = sim.spawn("light", Props::new(move || off(&made))).unwrap();
    for at in [100, 2000, 2500, 3000] {
        sim.schedule(ms(at), move || light.tell(Light::Push));
    }
    sim.run_for(LONG);
    let expected = [
        "0 off", "100 on", "1100 off", "2000 on", "2500 off", "3000 on", "4000 off",
    ];
    assert_eq!(log.take(), expected);
    assert_eq!(sim.dead_letters().total(), 0);
}

// ---- how many, and under threads ----------------------------------------------------------------

#[test]
fn s6_2_a_million_timers_at_once() {
    const MANY: u64 = 1_000_000;
    let builder = Sim::builder().orderly().workers(1).keep_events(0);
    let mut sim = builder.start().unwrap();
    let counting = Props::new(|| {
        Behavior::with_timers(|timers| {
            for number in 0..MANY {
                let delay = Duration::from_micros(1 + number % 5000) * 1000;
                timers.start_single(number, number, delay);
            }
            (0..MANY)
                .filter(|number| number % 10 != 0)
                .for_each(|number| {
                    assert!(timers.cancel(number));
                });
            for number in 0..MANY - MANY / 10 {
                timers.start_single(MANY + number, number, LONG);
            }
            Ok(Behavior::with_state(0, |rung, ctx, _number| {
                *rung += 1;
                if *rung == MANY / 10 {
                    ctx.timers().cancel_all();
                }
            }))
        })
    });
    sim.spawn("counting", counting).unwrap();
    sim.run_for(Duration::ZERO);
    assert_eq!(sim.pending().timers as u64, MANY);
    sim.run_for(6 * SECOND);
    assert_eq!(sim.pending().timers, 0);
    assert_eq!(sim.stats().handled(), MANY / 10);
}

#[test]
fn s6_1_timers_ring_under_threads() {
    common::with_pools(|pool| {
        let log = Log::default();
        let asked: Vec<_> = (0..20)
            .map(|number| {
                let actor = pool
                    .spawn(&format!("scribe-{number}"), scribe(&log))
                    .unwrap();
                let start = Instant::now();
                let asked = actor.ask(
                    |reply| {
                        Do::Run(Box::new(move |ctx: &mut Context<'_, Do>| {
                            ctx.timers()
                                .start_fixed_rate("rate", || Do::Say("rate"), ms(2));
                            ctx.timers()
                                .start_fixed_delay("delay", || Do::Say("delay"), ms(3));
                            ctx.timers().start_single("done", Do::Done(reply), ms(30));
                            ctx.set_receive_timeout(ms(10));
                            Ok(())
                        }))
                    },
                    common::SOON,
                );
                (start, asked)
            })
            .collect();
        for (start, asked) in asked {
            assert_eq!(asked.wait(), Ok(()));
            assert!(start.elapsed() >= ms(30));
        }
        let lines = log.take();
        for text in ["rate", "delay", "timeout"] {
            let lines = lines.iter().filter(|line| line.ends_with(text)).count();
            assert!((1..=20 * 1000).contains(&lines), "{lines} {text}");
        }
    });
}
