//! The histograms.

use nexus_actors::observe::Sampling;
use nexus_actors::prelude::*;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

use crate::lives::{Do, Keep, SOON, busy_life, doer, eventually, handled, keeper, pool, waiter};
use crate::recorded::Recorded;

const HANDLING: &str = "nexus_message_handling_time_seconds";
const WAITING: &str = "nexus_message_waiting_time_seconds";

#[test]
fn each_handling_is_a_sample_if_all_are() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("sampled", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    busy_life(&pool);
    pool.shutdown(SOON).unwrap();
    published.refresh();
    recorded.look();
    // Of each worker: what it was told, and of the first, one that failed and one that was left.
    let of = |worker, outcome| {
        let message = std::any::type_name::<Do>();
        let labels = format!("message={message},outcome={outcome},pool=sampled,worker={worker}}}");
        recorded.samples(&format!("{HANDLING}{{{labels}")).len()
    };
    assert_eq!(of(0, "handled"), 12, "{:#?}", recorded.histograms);
    assert_eq!(of(0, "unhandled"), 1);
    assert_eq!(of(0, "failed"), 1);
    assert_eq!(of(1, "handled"), 11);
    assert_eq!(of(1, "stashed"), 2);
    // And the one that was asked.
    assert_eq!(recorded.samples(HANDLING).len(), 12 + 1 + 1 + 13 + 1);
    assert_eq!(recorded.samples(WAITING).len(), 28);
    // Labels never contain a path.
    let ids = || recorded.histograms.keys();
    assert!(ids().all(|id| !id.contains("/user")), "{:#?}", ids());
    let dropped = "nexus_samples_dropped_total{pool=sampled,worker=0}";
    assert_eq!(recorded.value(dropped), 0.0);
}

#[test]
fn times_are_in_seconds() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("slow", 1, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    let begun = Instant::now();
    let keeper = pool.spawn("keeper", keeper()).unwrap();
    let (keeps, kept) = channel();
    let waits = pool.spawn("waits", waiter(keeper, keeps)).unwrap();
    let asks: Vec<_> = (0..2).map(|_| waits.ask(|reply| reply, SOON)).collect();
    // The first handling waits for the keeper, and the second message for the first handling: both for longer.
    kept.recv_timeout(SOON).unwrap();
    eventually(|| pool.stats().queued() == 1);
    thread::sleep(Duration::from_millis(30));
    let mut asks = asks.into_iter();
    let answer = || {
        let (answers, answered) = channel();
        keeper.tell(Keep::Answer(answers));
        assert_eq!(answered.recv_timeout(SOON), Ok(1));
    };
    answer();
    assert_eq!(asks.next().unwrap().wait(), Ok(1));
    kept.recv_timeout(SOON).unwrap();
    answer();
    assert_eq!(asks.next().unwrap().wait(), Ok(1));
    pool.shutdown(SOON).unwrap();
    let took = begun.elapsed().as_secs_f64();
    published.refresh();
    recorded.look();
    for name in [HANDLING, WAITING] {
        let times = recorded.samples(name);
        let longest = times.iter().copied().fold(0.0, f64::max);
        assert!((0.030..=took).contains(&longest), "{longest} of {took}");
        assert!(times.iter().all(|time| (0.0..=took).contains(time)));
    }
}

#[test]
fn without_sampling_there_are_no_histograms() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().sampling(Sampling::None).build();
    let pool = pool("unsampled", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    busy_life(&pool);
    pool.shutdown(SOON).unwrap();
    drop(published);
    recorded.look();
    assert!(recorded.histograms.is_empty(), "{:?}", recorded.histograms);
    assert!(recorded.value("nexus_handled_messages_total{pool=unsampled,worker=0}") > 0.0);
}

#[test]
#[allow(clippy::cast_precision_loss)]
fn samples_that_find_their_queue_full_are_dropped_and_counted() {
    let mut recorded = Recorded::new();
    let metrics = recorded
        .options()
        .queue(NonZeroUsize::new(5).unwrap())
        .build();
    let pool = pool("full", 1, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    // The side thread takes no sample away between the first publication and the end.
    let dropped = "nexus_samples_dropped_total{pool=full,worker=0}";
    recorded.look_until(|recorded| recorded.values.contains_key(dropped));
    let actor = pool.spawn("actor", doer()).unwrap();
    for _ in 0..19 {
        actor.tell(Do::Nothing);
    }
    handled(actor);
    pool.shutdown(SOON).unwrap();
    published.refresh();
    recorded.look();
    let (handlings, waits) = (recorded.samples(HANDLING), recorded.samples(WAITING));
    assert_eq!(handlings.len() + waits.len(), 5);
    // Twenty handlings, and as many waits.
    assert_eq!(recorded.value(dropped), 35.0);
}

/// Says that all that was handled before on the same worker was told to its observers.
struct Done(Sender<()>);

fn all_is_told(pool: &WorkerPool) {
    let (done, until) = channel();
    let last = Props::receive(|_ctx, Done(done)| Ok(done.send(())?));
    pool.spawn_anonymous(last).unwrap().tell(Done(done));
    until.recv_timeout(SOON).unwrap();
}

#[test]
fn what_is_handled_before_the_publication_is_no_sample() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("late", 1, &metrics);
    let actor = pool.spawn("actor", doer()).unwrap();
    (0..3).for_each(|_| actor.tell(Do::Nothing));
    handled(actor);
    all_is_told(&pool);
    let published = metrics.publish(&pool.node()).unwrap();
    (0..2).for_each(|_| actor.tell(Do::Nothing));
    pool.shutdown(SOON).unwrap();
    drop(published);
    recorded.look();
    let of_actor = |name| format!("{name}{{message={}", std::any::type_name::<Do>());
    assert_eq!(recorded.samples(&of_actor(HANDLING)).len(), 2);
    assert_eq!(recorded.samples(&of_actor(WAITING)).len(), 2);
    // The counters are of the whole life.
    let handled = "nexus_handled_messages_total{pool=late,worker=0}";
    assert!(recorded.value(handled) >= 7.0);
}
