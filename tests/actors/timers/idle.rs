//! The receive time-out, and states whose time-outs are timers.

use super::{Do, LONG, SECOND, calm, ms, orderly, run, scribe, start_scribe};
use crate::common::Log;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;

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
        let (log, actor) = start_scribe(sim);
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
