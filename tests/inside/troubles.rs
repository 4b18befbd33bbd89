//! Observers that misbehave, and handlers that do.

use crate::common::*;
use crate::observed::noting;
use nexus_actors::DeadLetterReason;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::failure::Cycle;
use nexus_actors::observe::{Handled, Handling, Observer, Sampling, SlowHandler};
use nexus_actors::prelude::*;
use std::sync::{Arc, Mutex};

/// An observer that does what it should not.
#[derive(Default)]
struct Naughty {
    collector: Mutex<Option<ActorRef<u32>>>,
    target: Mutex<Option<ActorRef<u32>>>,
    mute: Mutex<Option<ActorRef<Reply<()>>>>,
    waits: Mutex<Vec<Option<AskErrorKind>>>,
    handled: Mutex<u32>,
}

impl Observer for Naughty {
    fn sampling(&self) -> Sampling {
        Sampling::All
    }

    fn handling(&self, event: &Handling<'_>) {
        let number = event.message.downcast_ref::<u32>().copied();
        let (target, mute) = (*self.target.lock().unwrap(), *self.mute.lock().unwrap());
        let (Some(number), Some(target), Some(mute)) = (number, target, mute) else {
            return;
        };
        if let Some(collector) = *self.collector.lock().unwrap() {
            collector.tell(number);
        }
        let waited = mute.ask(|reply| reply, SOON).wait().err();
        let waited = waited.map(|error| error.kind());
        self.waits.lock().unwrap().push(waited);
        match number {
            1 => panic!("planned"),
            2 => target.kill(),
            _ => {}
        }
    }

    fn handled(&self, _: &Handled<'_>) {
        *self.handled.lock().unwrap() += 1;
    }
}

#[test]
fn s10_1_an_observer_that_panics_sends_waits_or_kills_disturbs_nobody() {
    let naughty = Arc::new(Naughty::default());
    let log = Log::default();
    with_pool(pool_of(1).observer(Arc::clone(&naughty)), |pool| {
        let collector = pool.spawn("collector", noting(&log, "told of ")).unwrap();
        let target = pool.spawn("target", noting(&log, "handled ")).unwrap();
        let mute = Props::new(|| {
            Behavior::with_state(Vec::new(), |kept, _ctx, reply: Reply<()>| kept.push(reply))
        });
        *naughty.mute.lock().unwrap() = Some(pool.spawn("mute", mute).unwrap());
        *naughty.collector.lock().unwrap() = Some(collector);
        *naughty.target.lock().unwrap() = Some(target);
        (0..4).for_each(|number| target.tell(number));
        eventually("what it sent is handled", || log.lines().len() >= 6);
        let dead = pool.dead_letters();
        let stopped = || dead.count(DeadLetterReason::Stopped);
        eventually("the rest is lost", || stopped() == 1);
    });
    // It is killed while it handles the third message, and the fourth is lost.
    assert_eq!(log.of("handled"), ["0", "1", "2"]);
    assert_eq!(log.of("told"), ["of 0", "of 1", "of 2"]);
    // What the observer has sent itself it is not told of.
    assert_eq!(*naughty.handled.lock().unwrap(), 3);
    let waits = naughty.waits.lock().unwrap();
    assert_eq!(*waits, [Some(AskErrorKind::CannotWait); 3]);
}

#[test]
fn s10_1_slow_handlers_and_deadlocks_are_told() {
    #[derive(Default)]
    struct Troubles {
        slow: Mutex<Vec<SlowHandler>>,
        cycles: Mutex<Vec<String>>,
    }
    impl Observer for Troubles {
        fn slow_handler(&self, slow: &SlowHandler) {
            self.slow.lock().unwrap().push(slow.clone());
        }

        fn deadlock(&self, cycle: &Cycle) {
            self.cycles.lock().unwrap().push(cycle.to_string());
        }
    }
    let troubles = Arc::new(Troubles::default());
    let builder = pool_of(2)
        .slow_after(Some(ms(5)))
        .on_slow_handler(|_| {})
        .observer(Arc::clone(&troubles));
    with_pool(builder, |pool| {
        let told = Arc::clone(&troubles);
        let busy = Props::new(move || {
            let told = Arc::clone(&told);
            Behavior::receive(move |_ctx, ()| {
                while told.slow.lock().unwrap().is_empty() {
                    std::thread::yield_now();
                }
            })
        });
        pool.spawn("busy", busy).unwrap().tell(());
        eventually("it is told", || pool.stats().handled() == 1);
        let narcissus = Props::new(|| {
            Behavior::receive(|ctx: &mut Context<'_, Reply<u8>>, reply| {
                let own = ctx.self_ref().ask(|reply| reply, SOON).wait();
                assert_eq!(own.unwrap_err().kind(), AskErrorKind::Deadlock);
                reply.send(1);
            })
        });
        let narcissus = pool.spawn("narcissus", narcissus).unwrap();
        assert_eq!(narcissus.ask(|reply| reply, SOON).wait(), Ok(1));
    });
    let slow = troubles.slow.lock().unwrap();
    assert_eq!(slow[0].path.as_ref().unwrap().as_str(), "/user/busy");
    let cycles = troubles.cycles.lock().unwrap();
    assert_eq!(cycles.len(), 1);
    assert!(cycles[0].starts_with("/user/narcissus -> /user/narcissus"));
}
