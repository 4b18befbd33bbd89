//! The side thread, and its guard.

use nexus_actors::WorkerNode;
use nexus_actors::prelude::*;
use std::sync::Arc;

use crate::lives::{Do, SOON, doer, ended, handled, pool};
use crate::recorded::Recorded;

#[test]
fn the_guard_publishes_once_more_at_its_end_and_then_no_more() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("last", 1, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    // The first publication is over.
    let lost = "nexus_dead_letters_total{pool=last,reason=pool_closed}";
    let dropped = "nexus_samples_dropped_total{pool=last,worker=0}";
    recorded.look_until(|recorded| recorded.values.contains_key(dropped));
    let actor = pool.spawn("actor", doer()).unwrap();
    handled(actor);
    let stats = ended(&pool);
    drop(published);
    recorded.look();
    recorded.assert_equal(&pool, &stats);
    let handlings = recorded.samples("nexus_message_handling_time_seconds");
    assert_eq!(handlings.len(), 1);
    // Nobody is left who could publish.
    assert_eq!(Arc::strong_count(&recorded.recorder), 1);
    actor.tell(Do::Nothing);
    assert_eq!(pool.dead_letters().total(), 1);
    recorded.look();
    assert_eq!(recorded.value(lost), 0.0);
}

#[test]
fn the_side_thread_publishes_again_and_again() {
    let mut recorded = Recorded::new();
    let options = recorded.options().interval(Duration::from_millis(1));
    let metrics = options.build();
    let pool = pool("live", 1, &metrics);
    let _published = metrics.publish(&pool.node()).unwrap();
    let actor = pool.spawn("actor", doer()).unwrap();
    for message in 1..4 {
        handled(actor);
        let handled = "nexus_handled_messages_total{pool=live,worker=0}";
        recorded.look_until(|recorded| recorded.values.get(handled) >= Some(&f64::from(message)));
    }
    pool.shutdown(SOON).unwrap();
}

#[test]
fn a_pool_is_not_kept_running_by_its_metrics() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("dropped", 1, &metrics);
    let node: WorkerNode = pool.node();
    let published = metrics.publish(&node).unwrap();
    let held = Arc::new(());
    let weak = Arc::downgrade(&held);
    let keeper = Props::new(move || {
        let held = Arc::clone(&held);
        Behavior::receive(move |_ctx, _message: u8| drop(Arc::clone(&held)))
    });
    pool.spawn("keeper", keeper).unwrap();
    let actors = "nexus_active_actors{pool=dropped,worker=0}";
    published.refresh();
    recorded.look();
    assert!(recorded.value(actors) >= 1.0);
    // Dropping the last handle ends the pool, and waits for that.
    drop(pool);
    assert!(weak.upgrade().is_none(), "the actor is still there");
    published.refresh();
    recorded.look();
    assert_eq!(recorded.value(actors), 0.0);
}
