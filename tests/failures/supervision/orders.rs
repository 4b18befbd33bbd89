//! Orders to single actors: kill, suspend and resume.

use super::{Do, SECOND, SEEDS, scribe};
use crate::common::Log;
use nexus_actors::prelude::*;
use nexus_actors::sim::check;
use std::sync::{Arc, Mutex};

#[test]
fn s4_3_a_kill_comes_after_the_running_message_and_before_all_mail() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let actor = sim.spawn_on(1, "actor", scribe(&log)).unwrap();
        let killer = Props::new(move || Behavior::receive(move |_ctx, (): ()| actor.kill()));
        let killer = sim.spawn_on(0, "killer", killer).unwrap();
        actor.tell(Do::Say("one"));
        actor.tell(Do::Sleep(SECOND));
        (0..5).for_each(|_| actor.tell(Do::Say("never")));
        sim.run_until_idle();
        killer.tell(());
        sim.run_until_idle();
        actor.tell(Do::Say("never"));
        assert!(sim.now() < SECOND);
        sim.run_for(10 * SECOND);
        assert_eq!(
            log.of("actor"),
            ["PreStart", "says one", "PostStop(Killed)"]
        );
        assert_eq!(sim.dead_letters().total(), 6);
    });
}

#[test]
fn s4_3_a_suspended_actor_keeps_its_mail_and_hears_signals() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let actor = sim.spawn("actor", scribe(&log)).unwrap();
        actor.suspend();
        actor.tell(Do::Say("one"));
        actor.suspend();
        sim.run_until_idle();
        assert_eq!(log.of("actor"), ["PreStart"]);
        actor.stop();
        sim.run_for(SECOND);
        assert!(
            sim.lookup::<Do>("/user/actor").is_ok(),
            "a stop keeps its place"
        );
        actor.resume();
        sim.run_until_idle();
        assert_eq!(
            log.of("actor"),
            ["PreStart", "says one", "PostStop(Stopped)"]
        );
        let second = sim.spawn("second", scribe(&log)).unwrap();
        second.suspend();
        second.tell(Do::Say("never"));
        second.kill();
        sim.run_until_idle();
        assert_eq!(log.of("second"), ["PreStart", "PostStop(Killed)"]);
    });
}

#[test]
fn s4_3_an_actor_may_suspend_and_kill_itself() {
    check(SEEDS, |sim| {
        let handled = Arc::new(Mutex::new(Vec::new()));
        let noting = Arc::clone(&handled);
        let props = Props::new(move || {
            let noting = Arc::clone(&noting);
            Behavior::receive(move |ctx, number: u32| {
                noting.lock().unwrap().push(number);
                match number {
                    1 => ctx.self_ref().suspend(),
                    3 => ctx.self_ref().kill(),
                    _ => {}
                }
            })
        });
        let actor = sim.spawn("actor", props).unwrap();
        (0..5).for_each(|number| actor.tell(number));
        sim.run_until_idle();
        assert_eq!(*handled.lock().unwrap(), [0, 1]);
        actor.resume();
        sim.run_until_idle();
        assert_eq!(*handled.lock().unwrap(), [0, 1, 2, 3]);
    });
}
