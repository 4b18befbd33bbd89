//! Orders and signals that pass a full mailbox, and faults that strike one.

use super::{
    Deal, LONG, SECOND, SEEDS, STRATEGIES, Way, handled, send, sink, start_dealer, suspended,
};
use nexus_actors::failure::TerminationReason;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Fault, check};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn s3_4_orders_and_signals_pass_a_full_mailbox() {
    check(SEEDS, |sim| {
        let told: Arc<Mutex<Vec<TerminationReason>>> = Arc::default();
        let (props, log) = sink(1, Overflow::Fail, Duration::ZERO);
        let stopped = suspended(sim, "stopped", props.clone());
        let killed = suspended(sim, "killed", props);
        for actor in [stopped, killed] {
            actor.tell(1);
            assert_eq!(send(Way::TryTell, actor, 2), "Err(Full(..))");
        }
        let noted = Arc::clone(&told);
        let watcher = Props::new(move || {
            let noted = Arc::clone(&noted);
            Behavior::setup(move |ctx| {
                ctx.watch(stopped);
                ctx.watch(killed);
                Ok(
                    Behavior::receive(|_ctx, _: u8| ()).on_signal(move |_ctx, signal| {
                        if let Signal::Terminated { reason, .. } = signal {
                            noted.lock().unwrap().push(*reason);
                        }
                    }),
                )
            })
        });
        sim.spawn("watcher", watcher).unwrap();
        killed.kill();
        sim.run_until_idle();
        assert_eq!(*told.lock().unwrap(), [TerminationReason::Killed]);
        stopped.stop();
        stopped.resume();
        sim.run_until_idle();
        assert_eq!(
            told.lock().unwrap().last(),
            Some(&TerminationReason::Stopped)
        );
        assert_eq!(handled(&log), [1], "a stop keeps its place behind the mail");
    });
}

#[test]
fn s3_2_a_fault_keeps_a_mailbox_full_for_a_while() {
    for overflow in STRATEGIES {
        check(0..30, move |sim| {
            let (since, until) = (5 * SECOND, 10 * SECOND);
            sim.inject(Fault::full_mailbox("/user/actor", since, until))
                .unwrap();
            let (props, log) = sink(5, overflow, Duration::ZERO);
            let actor = sim.spawn_on(0, "actor", props).unwrap();
            sim.run_for(SECOND);
            assert_eq!(send(Way::TryTell, actor, 1), "Ok(())");
            sim.run_for(6 * SECOND - sim.now());
            let refused = match overflow {
                Overflow::DropNewest => "Err(Dropped(..))",
                Overflow::DropOldest => "Ok(())",
                _ => "Err(Full(..))",
            };
            assert_eq!(send(Way::TryTell, actor, 2), refused);
            if overflow == Overflow::Backpressure {
                assert_eq!(send(Way::Send, actor, 3), "Ok(())");
                assert!(
                    (until..until + SECOND).contains(&sim.now()),
                    "{:?}",
                    sim.now()
                );
            }
            sim.run_for(12 * SECOND - sim.now());
            assert_eq!(send(Way::TryTell, actor, 4), "Ok(())");
            sim.run_until_idle();
            let kept = match overflow {
                Overflow::Backpressure => vec![1, 3, 4],
                _ => vec![1, 4],
            };
            assert_eq!(handled(&log), kept);
        });
    }
}

#[test]
fn s7_2_nothing_is_unaccounted_for_under_kills_failures_and_lost_patience() {
    check(SEEDS, |sim| {
        let (props, _log) = sink(2, Overflow::Backpressure, Duration::from_micros(30));
        let ends = match sim.seed() % 2 {
            0 => Fault::panic("/user/actor", 5),
            _ => Fault::kill("/user/actor", 5),
        };
        sim.inject(ends).unwrap();
        let actor = sim.spawn_on(0, "actor", props).unwrap();
        let mut asks = Vec::new();
        for sender in 0..6_u64 {
            let dealer = start_dealer(sim, sender);
            let way = [
                Way::Tell,
                Way::Send,
                Way::SendTimeout(Duration::from_micros(100)),
            ];
            let (way, numbers) = (way[sender as usize / 2], (0..10).collect());
            asks.push(dealer.ask(|reply| Deal(way, actor, numbers, reply), LONG));
        }
        for ask in asks {
            sim.run_until(ask).unwrap();
        }
    });
}
