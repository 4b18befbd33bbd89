//! The counters and gauges.

use nexus_actors::DeadLetterReason;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::expected::at_a_quiet_moment;
use crate::lives::{
    Do, Keep, SOON, asks_in_vain, busy_life, doer, ended, eventually, handled, keeper, pool, waiter,
};
use crate::recorded::Recorded;

#[test]
fn each_counter_is_what_the_pool_counts() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("busy", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    busy_life(&pool);
    asks_in_vain(&pool);
    let stats = ended(&pool);
    published.refresh();
    recorded.look();
    recorded.assert_equal(&pool, &stats);
    // Each is another number, so that none is taken for another.
    let asks = stats.workers[0];
    let unanswered = [
        asks.asks_without_reply,
        asks.asks_timed_out,
        asks.asks_to_stopped,
        asks.asks_to_failed,
        asks.asks_to_full,
        asks.asks_in_deadlock,
        asks.asks_given_up,
    ];
    assert_eq!(unanswered, [2, 8, 3, 4, 5, 6, 7], "{stats:?}");
    assert_eq!(asks.asks, 35);
    assert_eq!(stats.late_replies, 7);
    let restarts = stats.workers.iter().map(|worker| worker.restarts);
    assert_eq!(restarts.collect::<Vec<_>>(), [1, 4]);
    let started = stats.workers.iter().map(|worker| worker.started);
    let started: Vec<u64> = started.collect();
    assert!(started.iter().all(|&started| started > 1), "{started:?}");
    assert!(stats.workers.iter().all(|one| one.busy_nanos > 1_000));
    assert!(stats.sent_from_outside >= 50, "{stats:?}");
}

#[test]
fn gauges_show_what_is_so_at_present() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("gauges", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    let keeper = pool.spawn_on(0, "keeper", keeper()).unwrap();
    let (keeps, kept) = channel();
    let waits = pool.spawn_on(1, "waits", waiter(keeper, keeps)).unwrap();
    let asks: Vec<_> = (0..4).map(|_| waits.ask(|reply| reply, SOON)).collect();
    kept.recv_timeout(SOON).unwrap();
    let stashes = pool.spawn_on(1, "stashes", doer()).unwrap();
    (0..5).for_each(|_| stashes.tell(Do::Stash));
    stashes.tell(Do::Sleep(Duration::from_millis(1)));
    handled(stashes);
    for name in ["third", "fourth"] {
        pool.spawn_on(1, name, doer()).unwrap();
    }

    // Each is another number: the actors, the handler that waits, the messages behind it, those in the stash, and
    // the fibers. A stack is measured when nothing runs on it.
    let of_second = || {
        let of = pool.stats().workers[1];
        let numbers = (of.actors, of.waiting, of.queued, of.stashed, of.fibers);
        (numbers, of.stack_high_water > 0)
    };
    eventually(|| of_second() == ((4, 1, 3, 5, 2), true));
    let (stats, ()) = at_a_quiet_moment(&pool, || published.refresh());
    recorded.look();
    recorded.assert_equal(&pool, &stats);
    let of = stats.workers[1];
    let memory = [of.bytes_in_slots, of.bytes_in_slabs, of.bytes_in_waits];
    assert!(memory.iter().all(|&bytes| bytes > 0), "{memory:?}");
    assert!(memory[0] != memory[1] && memory[1] != memory[2] && memory[0] != memory[2]);

    for answered in 0..4 {
        let (answers, all) = channel();
        keeper.tell(Keep::Answer(answers));
        assert_eq!(all.recv_timeout(SOON), Ok(1));
        if answered < 3 {
            kept.recv_timeout(SOON).unwrap();
        }
    }
    asks.into_iter()
        .for_each(|ask| assert_eq!(ask.wait(), Ok(1)));
    let stats = ended(&pool);
    published.refresh();
    recorded.look();
    recorded.assert_equal(&pool, &stats);
    let of = stats.workers[1];
    assert_eq!((of.waiting, of.stashed, of.queued, of.actors), (0, 0, 0, 0));
}

#[test]
#[allow(clippy::cast_precision_loss)]
fn dead_letters_are_counted_by_their_reason() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("lost", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    busy_life(&pool);
    let actor = pool.lookup::<Do>("/user/first").unwrap();
    pool.shutdown(SOON).unwrap();
    for _ in 0..3 {
        actor.tell(Do::Nothing);
    }
    published.refresh();
    recorded.look();
    let of = |reason| {
        recorded.value(&format!(
            "nexus_dead_letters_total{{pool=lost,reason={reason}}}"
        ))
    };
    let letters = pool.dead_letters();
    assert_eq!(of("unhandled"), 1.0);
    assert_eq!(of("pool_closed"), 3.0, "{letters:?}");
    let begin = "nexus_dead_letters_total{";
    let all = recorded.values.iter();
    let all: Vec<f64> = all
        .filter(|(id, _)| id.starts_with(begin))
        .map(|(_, &n)| n)
        .collect();
    assert_eq!(all.len(), DeadLetterReason::ALL.len());
    assert_eq!(all.iter().sum::<f64>(), letters.total() as f64);
}

#[test]
fn several_pools_are_told_apart_by_their_names() {
    let mut recorded = Recorded::new();
    let (left, right) = (recorded.options().build(), recorded.options().build());
    let (one, other) = (pool("left", 1, &left), pool("right", 2, &right));
    let published = [left.publish(&one.node()), right.publish(&other.node())].map(Result::unwrap);
    handled(one.spawn("actor", doer()).unwrap());
    busy_life(&other);
    let (of_one, of_other) = (ended(&one), ended(&other));
    drop(published);
    recorded.look();
    recorded.assert_equal(&one, &of_one);
    recorded.assert_equal(&other, &of_other);
    assert_ne!(of_one.handled(), of_other.handled());
    let of = |pool| {
        let of_pool = format!("pool={pool},");
        let all = recorded.histograms.iter();
        let all =
            all.filter(|(id, _)| id.starts_with("nexus_message_handling") && id.contains(&of_pool));
        all.map(|(_, values)| values.len()).sum::<usize>()
    };
    assert_eq!(
        (of("left"), of("right")),
        (1, 28),
        "{:#?}",
        recorded.histograms
    );
}
