//! Single timers.

use super::{Do, LONG, SECOND, calm, ms, orderly, run, start_scribe, texts};
use nexus_actors::prelude::*;
use std::time::Duration;

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
        let (log, actor) = start_scribe(sim);
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
        assert_eq!(texts(&log), ["second", "fourth"]);
        assert_eq!(sim.pending().timers, 0);
    });
}

#[test]
fn s6_1_what_was_due_and_is_cancelled_or_replaced_before_it_is_handled_is_not_delivered() {
    calm(|sim| {
        let (log, actor) = start_scribe(sim);
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
