//! The handles of pools, systems and simulations, and their nodes: the same methods do the same.

use crate::common::*;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{DeadLetterReason, SpawnError};
use std::sync::Arc;

/// Says on which worker it lives.
fn place() -> Props<Reply<usize>> {
    Props::receive(|ctx, reply: Reply<usize>| reply.send(ctx.worker()))
}

fn place_of(actor: ActorRef<Reply<usize>>) -> usize {
    actor.ask(|reply| reply, SOON).wait().unwrap()
}

/// Checks what nodes of all drivers can do.
fn check_node(node: &WorkerNode) {
    let before = node.stats().actors();
    let anonymous = node.spawn_anonymous(place()).unwrap();
    assert!(place_of(anonymous) < node.workers());
    let named = node.get_or_spawn("named", place()).unwrap();
    let near = node.spawn_near(named, "near", place()).unwrap();
    assert_eq!(place_of(near), place_of(named));
    // The counts are those after a worker's last round, which may be the one that answers.
    let all = || node.stats().actors();
    while all() < before + 3 {
        place_of(anonymous);
    }
    assert_eq!(all(), before + 3);
    let letters = node.dead_letters();
    anonymous.stop();
    nexus_actors::testkit::expect_terminated(anonymous, SOON);
    assert_eq!(letters.count(DeadLetterReason::Stopped), 0);
    assert!(anonymous.ask(|reply| reply, SOON).wait().is_err());
    assert_eq!(letters.count(DeadLetterReason::Stopped), 1);
}

#[test]
fn nodes_of_all_drivers_start_actors_and_know_what_their_pool_has_done() {
    for workers in SIZES {
        let pool = pool_of(workers).start().unwrap();
        check_node(&pool.node());
        assert!(Arc::ptr_eq(
            &pool.node().dead_letters(),
            &pool.dead_letters()
        ));
        assert!(!pool.has_ended());
        pool.shutdown(SOON).unwrap();
        assert!(pool.has_ended());
    }
    let system = ActorSystem::new("system").unwrap();
    check_node(&system.node());
    assert!(Arc::ptr_eq(
        &system.node().dead_letters(),
        &system.dead_letters()
    ));
    for seed in SEEDS {
        let sim = Sim::new(seed);
        check_node(&sim.node(0));
        assert!(Arc::ptr_eq(
            &sim.node(1).dead_letters(),
            &sim.dead_letters()
        ));
    }
}

#[test]
fn a_simulation_starts_actors_as_a_pool_does_and_ends_when_it_is_driven() {
    for seed in SEEDS {
        let mut sim = Sim::new(seed);
        let named = sim.spawn("named", place()).unwrap();
        let near = sim.spawn_near(named, "near", place()).unwrap();
        assert_eq!(near.id().worker(), named.id().worker());
        let anonymous = sim.spawn_anonymous(place()).unwrap();
        assert_eq!(
            anonymous.id().worker(),
            1 - named.id().worker(),
            "on the one with fewer actors"
        );
        let other = Sim::new(seed);
        let elsewhere = other.node(0).spawn_anonymous(place()).unwrap();
        let refused = sim.spawn_near(elsewhere, "elsewhere", place());
        assert!(matches!(refused, Err(SpawnError::OtherPool)));
        sim.request_shutdown(SOON);
        assert!(!sim.has_ended(), "it is not driven yet");
        sim.run_until_idle();
        assert!(sim.has_ended());
        assert!(sim.pending().is_empty());
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

#[test]
fn nodes_start_actors_for_async_code() {
    let pool = pool_of(2).start().unwrap();
    let node = pool.node();
    let started = futures_util::future::join3(
        node.spawn_anonymous_async(place()),
        node.get_or_spawn_async("one", place()),
        node.get_or_spawn_async("one", place()),
    );
    let (anonymous, one, same) = block_on(started);
    assert!(place_of(anonymous.unwrap()) < 2);
    assert_eq!(one.unwrap(), same.unwrap());
    let (named, refused) = block_on(futures_util::future::join(
        node.spawn_async("two", place()),
        node.get_or_spawn_async("no name", place()),
    ));
    assert_eq!(pool.lookup("/user/two").unwrap(), named.unwrap());
    assert!(matches!(refused, Err(SpawnError::InvalidName(_))));
    pool.shutdown(SOON).unwrap();
}
