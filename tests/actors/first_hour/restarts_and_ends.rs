//! An actor that fails continues, and the reason for an end is reported.

use super::{Count, count, counter, said, with_pools};
use crate::common::{SOON, gone};
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use nexus_actors::supervision::StopReason;
use std::sync::{Arc, Mutex};

/// Three failures cost a top-level actor three messages and its state; it handles all others.
fn restarts_by_default(actor: ActorRef<Count>) {
    for (failure, mode) in [Count::Fail, Count::Panic, Count::Fail]
        .into_iter()
        .zip(1..)
    {
        actor.tell(Count::On);
        actor.tell(failure);
        actor.tell(Count::On);
        assert_eq!(said(actor), 1, "after failure {mode}");
    }
}

#[test]
fn s4_6_a_top_level_actor_is_restarted_under_every_driver() {
    with_pools(|pool| {
        restarts_by_default(pool.spawn("counter", counter()).unwrap());
        restarts_by_default(pool.spawn_anonymous(counter()).unwrap());
    });
    let system = ActorSystem::builder().on_failure(|_| {}).start().unwrap();
    restarts_by_default(system.spawn("counter", counter()).unwrap());
    system.shutdown(SOON);
    let mut sim = Sim::new(1);
    restarts_by_default(sim.spawn("counter", counter()).unwrap());
    sim.shutdown(SOON);
}

#[test]
fn s4_6_the_fourth_failure_of_a_top_level_actor_stops_it() {
    with_pools(|pool| {
        let actor = pool.spawn("counter", counter()).unwrap();
        restarts_by_default(actor);
        actor.tell(Count::Fail);
        gone(pool, "/user/counter");
    });
}

#[test]
fn s4_5_a_pool_that_is_told_to_stops_a_top_level_actor_at_its_first_failure() {
    let strategy = SupervisorStrategy::one_for_one().always(Directive::Stop);
    let mut sim = Sim::builder().supervising(strategy).start().unwrap();
    let actor = sim.spawn("counter", counter()).unwrap();
    actor.tell(Count::Fail);
    sim.run_until_idle();
    assert!(sim.lookup::<Count>("/user/counter").is_err());
    sim.shutdown(SOON);
}

#[test]
fn s4_2_post_stop_says_why() {
    type Told = Arc<Mutex<Vec<StopReason>>>;
    fn noting(told: &Told) -> Props<Count> {
        let told = Arc::clone(told);
        Props::new(move || {
            let told = Arc::clone(&told);
            Behavior::with_state(0, |sum: &mut u32, _ctx, message| count(sum, message)).on_signal(
                move |_ctx, signal| {
                    if let Signal::PostStop(reason) = signal {
                        told.lock().unwrap().push(*reason);
                    }
                },
            )
        })
    }
    type End = fn(ActorRef<Count>);
    let ends: [(End, &[StopReason]); 5] = [
        (ActorRef::stop, &[StopReason::Stopped]),
        (ActorRef::kill, &[StopReason::Killed]),
        (ActorRef::passivate, &[StopReason::Passivated]),
        (
            |actor| (0..4).for_each(|_| actor.tell(Count::Fail)),
            &[StopReason::Failed],
        ),
        (
            |actor| {
                actor.passivate();
                actor.tell(Count::On);
                actor.stop();
            },
            &[StopReason::Passivated, StopReason::Stopped],
        ),
    ];
    check(0..10, |sim| {
        for (end, expected) in ends {
            let told = Told::default();
            let actor = sim.spawn("actor", noting(&told)).unwrap();
            sim.run_until_idle();
            end(actor);
            sim.run_until_idle();
            assert_eq!(*told.lock().unwrap(), expected);
            actor.kill();
            sim.run_until_idle();
        }
    });
}
