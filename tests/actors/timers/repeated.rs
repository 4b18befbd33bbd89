//! Repeated timers: rates, delays, and timers that replace them.

use super::{Do, SECOND, calm, ms, orderly, run, start_scribe};
use crate::common::Log;
use nexus_actors::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Records it, and is busy for a while.
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
    // If the handler is always too slow, the timer never gets ahead of it.
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
        let (_log, actor) = start_scribe(sim);
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
        let (_log, actor) = start_scribe(sim);
        let late = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&late);
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
