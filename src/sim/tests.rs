//! Tests of what every driver relies on, over a transport that misbehaves.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

use super::handle::Sim;
use super::network::Unruliness;
use super::rng::Rng;
use crate::actor::{ActorRef, Behavior, Next, Props};
use crate::failure::BoxError;

type Chatter = ActorRef<(u32, u64)>;

/// Sends numbered messages to actors on every worker, which check their order.
fn chatter(others: Arc<Mutex<Vec<Chatter>>>, me: u32) -> Props<(u32, u64)> {
    Props::new(move || {
        let others = Arc::clone(&others);
        let (mut heard, mut said) = ([0; 8], 0);
        Behavior::receive(move |_ctx, (from, number): (u32, u64)| {
            let last = &mut heard[from as usize];
            if number <= *last {
                return Err(BoxError::from("out of order"));
            }
            *last = number;
            if said < 300 {
                said += 1;
                others
                    .lock()
                    .iter()
                    .for_each(|other| other.tell((me, said)));
            }
            Ok(Next::Same)
        })
    })
}

#[test]
fn s8_6_nothing_is_lost_or_reordered_over_a_transport_that_misbehaves() {
    for seed in 0..40 {
        let mut rng = Rng::of(seed, 9);
        let workers = 1 + rng.index(4);
        let failures = Arc::new(Mutex::new(Vec::new()));
        let failed = Arc::clone(&failures);
        let builder = Sim::builder()
            .seed(seed)
            .workers(workers)
            .on_failure(move |failure| {
                failed.lock().push(failure.to_string());
            });
        let mut sim = builder.start().unwrap();
        let all = Arc::new(Mutex::new(Vec::new()));
        for (me, name) in (0..).zip(["a", "b", "c", "d", "e", "f"]) {
            let props = chatter(Arc::clone(&all), me);
            let started = sim.spawn_on(me as usize % workers, name, props).unwrap();
            all.lock().push(started);
        }
        sim.engine.network.be_unruly(Unruliness {
            drop: rng.below(10),
            repeat: rng.below(60),
            rng,
        });
        let first = all.lock()[0];
        (1..=3).for_each(|number| first.tell((7, number)));
        sim.run_until_idle();
        all.lock().iter().for_each(|actor| actor.stop());
        all.lock().clear();
        // The batch that wakes a worker for a request may be dropped: the request is repeated, as a
        // waiting caller does.
        for _ in 0..100 {
            sim.shutdown(Duration::from_secs(1));
        }
        assert!(sim.has_ended(), "seed {seed}");
        assert_eq!(*failures.lock(), Vec::<String>::new(), "seed {seed}");
        let stats = sim.stats();
        let rest = stats.handled() + stats.queued() + stats.stashed();
        assert_eq!(
            stats.sent(),
            rest + stats.dead_letters,
            "seed {seed}: {stats:?}"
        );
        assert!(stats.handled() > 100, "seed {seed}: {stats:?}");
    }
}
