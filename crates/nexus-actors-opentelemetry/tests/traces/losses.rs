//! What is left of messages that are never handled, and of those without a trace.

use nexus_actors::observe::Sampling;
use nexus_actors::prelude::*;
use nexus_actors_opentelemetry::Traces;
use std::num::NonZeroUsize;
use std::sync::mpsc::channel;

use crate::recorded::{Job, LONG, Recorded, Tested, ask, assert_child, request, worker};

#[test]
fn a_million_messages_without_a_context_leave_nothing() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(2)?;
    let counter = pool.spawn_on(
        1,
        "counter",
        Props::new(|| {
            Behavior::with_state(
                0_u64,
                |count, _ctx, asked: Option<Reply<u64>>| match asked {
                    Some(reply) => reply.send(*count),
                    None => *count += 1,
                },
            )
        }),
    )?;
    let teller = pool.spawn_on(0, "teller", worker())?;
    // All in messages of handlers, of which the observer could be told.
    for _ in 0..100 {
        let tell = move |_ctx: &mut Context<'_, Job>| {
            (0..10_000).for_each(|_| counter.tell(None));
            Ok(())
        };
        ask(teller, tell).wait()?;
    }
    let count = teller.ask(
        move |reply: Reply<u64>| {
            Job::new(move |_ctx| {
                // Behind what this worker has sent before.
                reply.send(counter.ask(Some, LONG).wait()?);
                Ok(())
            })
        },
        LONG,
    );
    assert_eq!(count.wait()?, 1_000_000);
    recorded.assert_nothing_left();
    pool.shutdown(LONG)?;
    assert!(recorded.spans().0.is_empty());
    Ok(())
}

#[test]
fn handled_messages_leave_nothing() -> Tested {
    let recorded = Recorded::with(Traces::builder().sampling(Sampling::All));
    let pool = recorded.pool(2)?;
    let target = pool.spawn_on(1, "target", worker())?;
    let teller = pool.spawn_on(0, "teller", worker())?;
    ask(teller, move |_ctx| {
        (0..1_000).for_each(|_| target.tell(Job::new(|_ctx| Ok(()))));
        Ok(ask(target, |_ctx| Ok(())).wait()?)
    })
    .wait()?;
    pool.shutdown(LONG)?;
    assert_eq!(recorded.spans().handlings("target").len(), 1_001);
    recorded.assert_nothing_left();
    Ok(())
}

/// Messages are lost in each of the ways in which a mailbox is left: it is full, its actor stops, fails, or the
/// pool ends.
#[test]
fn lost_messages_leave_nothing() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(2)?;
    let stopped = pool.spawn_on(1, "stopped", worker())?;
    let small = pool.spawn_on(
        1,
        "small",
        worker().mailbox(Mailbox::bounded(1, Overflow::DropOldest)?),
    )?;
    let fails = pool.spawn_on(1, "fails", worker())?;
    let busy = pool.spawn_on(1, "busy", worker())?;
    let teller = pool.spawn_on(0, "teller", worker())?;
    let gone = pool.spawn_on(0, "gone", worker())?;
    let stop = |reply: Reply<()>| {
        Job::ending(move |_ctx| {
            reply.send(());
            Ok(Next::Stop)
        })
    };
    gone.ask(stop, LONG).wait()?;
    let tell = move |_ctx: &mut Context<'_, Job>| {
        let nothing = || Job::new(|_ctx| Ok(()));
        // Lost at once, as it was of this worker.
        gone.tell(nothing());
        for target in [stopped, small, fails, busy] {
            // Whatever comes after this one waits for it to end.
            target.tell(Job::ending(move |ctx| {
                ctx.sleep(Duration::from_millis(20))?;
                if target.id() == stopped.id() {
                    return Ok(Next::Stop);
                }
                if target.id() == fails.id() {
                    return Err("planned".into());
                }
                Ok(Next::Same)
            }));
            (0..100).for_each(|_| target.tell(nothing()));
        }
        // Held until the pool ends by force.
        busy.tell(Job::new(|ctx| Ok(ctx.sleep(LONG)?)));
        (0..100).for_each(|_| busy.tell(nothing()));
        let short = Duration::from_millis(1);
        let ask = |target: ActorRef<Job>| {
            target.ask(
                |reply: Reply<()>| {
                    Job::new(move |_ctx| {
                        reply.send(());
                        Ok(())
                    })
                },
                short,
            )
        };
        for target in [busy, stopped] {
            assert!(ask(target).wait().is_err());
        }
        Ok(())
    };
    recorded
        .traces
        .in_context(request(), || ask(teller, tell))
        .wait()?;
    let report = pool.shutdown(Duration::from_millis(100))?;
    assert!(report.forced > 0, "{report:?}");
    recorded.assert_nothing_left();
    let lost = pool.dead_letters().total();
    assert!(lost > 200, "{lost} lost messages");
    // The sender's span shows what it has lost while it was open.
    let spans = recorded.spans();
    let events = &spans.handling("teller").events;
    assert!(
        events
            .iter()
            .any(|event| event.name == "nexus.message.lost"),
        "{events:?}"
    );
    Ok(())
}

#[test]
fn the_oldest_entries_are_given_up_and_counted() -> Tested {
    let one = NonZeroUsize::new(1).expect("not zero");
    let recorded = Recorded::with(Traces::builder().capacity(one));
    let pool = recorded.pool(1)?;
    let target = pool.spawn("target", worker())?;
    let teller = pool.spawn("teller", worker())?;
    let (send, counted) = channel();
    let traces = recorded.traces.clone();
    let tell = move |_ctx: &mut Context<'_, Job>| {
        (0..1_000).for_each(|_| target.tell(Job::new(|_ctx| Ok(()))));
        Ok(send.send(traces.counts())?)
    };
    recorded
        .traces
        .in_context(request(), || ask(teller, tell))
        .wait()?;
    pool.shutdown(LONG)?;
    // A shard has one entry.
    let counts = counted.recv_timeout(LONG)?;
    assert_eq!((counts.messages, counts.displaced), (16, 984), "{counts:?}");
    assert_eq!(recorded.traces.counts().messages, 0);
    // Those whose causes are unknown are children of the request.
    let spans = recorded.spans();
    let handlings = spans.handlings("target");
    assert_eq!(handlings.len(), 1_000);
    let linked = handlings.iter().filter(|span| !span.links.is_empty());
    assert_eq!(linked.count(), 16);
    let of_request = spans.handling("teller").parent_span_id;
    let children = handlings
        .iter()
        .filter(|span| span.parent_span_id == of_request);
    assert_eq!(children.count(), 984);
    Ok(())
}

#[test]
fn an_ask_that_is_given_up_ends() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(2)?;
    let target = pool.spawn_on(1, "target", worker())?;
    let first = pool.spawn_on(0, "first", worker())?;
    let begin = || {
        ask(first, move |_ctx| {
            drop(ask(target, |_ctx| Ok(())));
            Ok(())
        })
    };
    recorded.traces.in_context(request(), begin).wait()?;
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    let asks: Vec<_> = spans
        .0
        .iter()
        .filter(|span| span.name.starts_with("ask "))
        .collect();
    assert_eq!(asks.len(), 1);
    assert_child(asks[0], spans.handling("first"));
    recorded.assert_nothing_left();
    Ok(())
}
