//! The events of which observers are told, on every driver.

use crate::common::*;
use crate::observed::{Do, Driver, doer, until};
use nexus_actors::prelude::*;

#[test]
fn s10_1_an_observer_sees_each_handling_with_its_message_and_its_outcome_on_every_driver() {
    let _watchdog = watchdog();
    for (mut driver, scribe) in Driver::all(false) {
        let doer = driver.spawn("doer", doer()).unwrap();
        let all = [Do::Nothing, Do::Leave, Do::Become, Do::Later, Do::Stash];
        all.into_iter().for_each(|what| doer.tell(what));
        until(&mut driver, &scribe, "/user/doer", 14);
        doer.tell(Do::Unstash);
        until(&mut driver, &scribe, "/user/doer", 18);
        doer.tell(Do::Stop);
        until(&mut driver, &scribe, "/user/doer", 21);
        let lines = scribe.of("/user/doer");
        let expected = [
            "starts First",
            "handles Nothing",
            "handled",
            "handles Leave",
            "loses, its actor did not handle it",
            "unhandled",
            "handles Become",
            "became",
            "handles Later",
            "handled",
            "handles Stash",
            "stashed",
            "handles Nothing of a timer",
            "handled",
            "handles Unstash",
            "handled",
            "handles Nothing of the stash",
            "handled",
            "handles Stop",
            "stopped",
            "stops, stopped",
        ];
        assert_eq!(lines, expected);
        driver.end();
        assert_eq!(scribe.of("/user/doer").len(), expected.len());
    }
}

#[test]
fn s10_1_failures_decisions_restarts_and_ends_are_told_with_their_reasons() {
    let _watchdog = watchdog();
    for (mut driver, scribe) in Driver::all(false) {
        let doer = driver.spawn("doer", doer()).unwrap();
        doer.tell(Do::Fail);
        doer.tell(Do::Nothing);
        doer.tell(Do::Panic);
        until(&mut driver, &scribe, "/user/doer", 13);
        let expected = [
            "starts First",
            "handles Fail",
            "failed",
            "fails, planned",
            "Restart after 0ns, 0 restarts",
            "starts Restart(1)",
            "handles Nothing",
            "handled",
            "handles Panic",
            "panicked",
            "fails, panic: planned",
            "Stop after 0ns, 1 restarts",
            "stops, failed",
        ];
        assert_eq!(scribe.of("/user/doer"), expected);
        driver.end();
    }
}

#[test]
fn s10_1_passivation_waking_up_and_failed_starts_are_told() {
    let _watchdog = watchdog();
    for (mut driver, scribe) in Driver::all(false) {
        let doer = driver.spawn("doer", doer()).unwrap();
        doer.tell(Do::Passivate);
        until(&mut driver, &scribe, "/user/doer", 4);
        doer.tell(Do::Nothing);
        until(&mut driver, &scribe, "/user/doer", 7);
        let expected = [
            "starts First",
            "handles Passivate",
            "passivated",
            "is passive",
            "starts WokenUp",
            "handles Nothing",
            "handled",
        ];
        assert_eq!(scribe.of("/user/doer"), expected);
        let broken = Props::new(|| Behavior::<Do>::setup(|_| Err("no such file".into())));
        assert!(driver.spawn("broken", broken).is_err());
        let told = scribe.of("/user/broken");
        assert_eq!(told, ["does not start, no such file"]);
        let killed = driver.spawn("killed", self::doer()).unwrap();
        killed.kill();
        until(&mut driver, &scribe, "/user/killed", 2);
        assert_eq!(scribe.of("/user/killed")[1], "stops, killed");
        driver.end();
    }
}

#[test]
fn s10_1_asks_of_handlers_are_told_with_their_outcomes() {
    let _watchdog = watchdog();
    for (mut driver, scribe) in Driver::all(true) {
        let answers = Props::new(|| {
            Behavior::receive(|ctx: &mut Context<'_, (u8, Reply<u8>)>, (what, reply)| {
                match what {
                    0 => reply.send(1),
                    1 => drop(reply),
                    _ => {
                        ctx.sleep(ms(50))?;
                        drop(reply);
                    }
                }
                Ok::<_, BoxError>(())
            })
        });
        let answers = driver.spawn("answers", answers).unwrap();
        let asks = Props::new(move || {
            Behavior::receive(move |_ctx, ()| {
                let ask = |what, within| answers.ask(|reply| (what, reply), within);
                let _ = ask(0, SOON).wait();
                let _ = ask(1, SOON).wait();
                let _ = ask(2, ms(5)).wait();
                ask(0, SOON).cancel();
            })
        });
        driver.spawn("asks", asks).unwrap().tell(());
        until(&mut driver, &scribe, "/user/asks", 11);
        let expected = [
            "starts First",
            "handles something",
            "asks with Some(20s)",
            "has asked, Ok(())",
            "asks with Some(20s)",
            "has asked, Err(NoReply)",
            "asks with Some(5ms)",
            "has asked, Err(Timeout)",
            "asks with Some(20s)",
            "has asked, Err(Cancelled)",
            "handled",
        ];
        assert_eq!(scribe.of("/user/asks"), expected);
        driver.end();
    }
}
