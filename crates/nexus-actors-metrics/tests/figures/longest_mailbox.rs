//! The gauge that asks the workers.

use nexus_actors::prelude::*;
use std::sync::mpsc::channel;

use crate::lives::{SOON, pool};
use crate::recorded::Recorded;

#[test]
fn the_longest_mailbox_is_found_if_it_is_looked_for() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().deepest_every(Duration::ZERO).build();
    let pool = pool("deep", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    let (first, second) = (
        pool.spawn_on(0, "first", asker()).unwrap(),
        pool.spawn_on(1, "second", asker()).unwrap(),
    );
    let (asked, replies) = channel();
    let hoarder = Props::new(move || {
        let asked = asked.clone();
        Behavior::receive(move |_ctx, reply: Reply<u32>| Ok(asked.send(reply)?))
    });
    let hoarder = pool.spawn_on(0, "hoarder", hoarder).unwrap();
    // Each waits in its first message, without holding its worker.
    (0..4).for_each(|_| first.tell(hoarder));
    (0..7).for_each(|_| second.tell(hoarder));
    let held: Vec<Reply<u32>> = (0..2)
        .map(|_| replies.recv_timeout(SOON).unwrap())
        .collect();
    published.refresh();
    recorded.look();
    assert_eq!(
        recorded.value("nexus_deepest_mailbox_messages{pool=deep}"),
        6.0
    );
    held.into_iter().for_each(|reply| reply.send(1));
    for _ in 0..9 {
        replies.recv_timeout(SOON).unwrap().send(1);
    }
    published.refresh();
    recorded.look();
    assert_eq!(
        recorded.value("nexus_deepest_mailbox_messages{pool=deep}"),
        0.0
    );
    drop(pool);
}

/// Asks the actor that it is sent.
fn asker() -> Props<ActorRef<Reply<u32>>> {
    Props::new(|| {
        Behavior::receive(|_ctx, whom: ActorRef<Reply<u32>>| {
            whom.ask(|reply| reply, SOON).wait()?;
            Ok(())
        })
    })
}

#[test]
fn nobody_is_asked_for_the_longest_mailbox_by_default() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().build();
    let pool = pool("calm", 1, &metrics);
    drop(metrics.publish(&pool.node()).unwrap());
    recorded.look();
    let begin = "nexus_deepest_mailbox_messages";
    assert!(recorded.values.keys().all(|id| !id.starts_with(begin)));
    assert!(!recorded.values.is_empty());
}
