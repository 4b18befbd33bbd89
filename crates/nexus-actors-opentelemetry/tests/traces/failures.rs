//! Asks without an answer and handlers that fail: the status of their spans.

use nexus_actors::ask::AskErrorKind;
use nexus_actors::observe::{Handled, Handling, Observer, Sampling, SendBegun};
use nexus_actors::prelude::*;
use opentelemetry::trace::Status;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::mpsc::channel;

use crate::recorded::{
    Job, LONG, Recorded, Spans, Tested, ask, assert_child, assert_error, attribute, request, worker,
};

/// Asks an actor that does this, and asserts that the ask ends so. Returns the spans. The work is told when the ask
/// has ended.
fn asked(
    end: AskErrorKind,
    timeout: Duration,
    work: impl FnOnce(&mut Context<'_, Job>, Reply<()>, &AtomicBool) -> HandlerResult<Job>
    + Send
    + 'static,
) -> Result<Spans, Box<dyn std::error::Error>> {
    let recorded = Recorded::new();
    let pool = recorded.pool(2)?;
    let target = pool.spawn_on(1, "target", worker())?;
    let asker = pool.spawn_on(0, "asker", worker())?;
    let (send, outcome) = channel();
    let has_ended = Arc::new(AtomicBool::new(false));
    let begin = || {
        asker.tell(Job::new(move |_ctx| {
            let ended = Arc::clone(&has_ended);
            let question = move |reply| Job::ending(move |ctx| work(ctx, reply, &ended));
            let outcome = target.ask(question, timeout).wait();
            has_ended.store(true, Release);
            Ok(send.send(outcome.map_err(|error| error.kind()))?)
        }));
    };
    recorded.traces.in_context(request(), begin);
    assert_eq!(outcome.recv_timeout(LONG)?, Err(end));
    pool.shutdown(LONG)?;
    recorded.assert_nothing_left();
    let spans = recorded.spans();
    assert_child(spans.ask("target"), spans.handling("asker"));
    assert_eq!(spans.handling("asker").status, Status::Unset);
    Ok(spans)
}

#[test]
fn an_ask_that_times_out() -> Tested {
    // Long enough for the handling to begin.
    let limit = Duration::from_millis(300);
    let spans = asked(AskErrorKind::Timeout, limit, |ctx, reply, has_ended| {
        while !has_ended.load(Acquire) {
            ctx.sleep(Duration::from_millis(1))?;
        }
        reply.send(());
        Ok(Next::Same)
    })?;
    assert_error(spans.ask("target"), "timeout");
    let target = spans.handling("target");
    assert_child(target, spans.ask("target"));
    assert_eq!(target.status, Status::Unset);
    assert!(target.end_time > spans.ask("target").end_time);
    Ok(())
}

#[test]
fn an_ask_whose_handler_panics() -> Tested {
    let spans = asked(AskErrorKind::TargetFailed, LONG, |_ctx, _reply, _ended| {
        panic!("planned")
    })?;
    assert_error(spans.ask("target"), "target_failed");
    assert_error(spans.handling("target"), "panicked");
    let outcome = attribute(spans.handling("target"), "nexus.outcome");
    assert_eq!(outcome.as_deref(), Some("panicked"));
    Ok(())
}

#[test]
fn an_ask_whose_handler_fails() -> Tested {
    let end = AskErrorKind::TargetFailed;
    let spans = asked(end, LONG, |_ctx, _reply, _ended| Err("planned".into()))?;
    assert_error(spans.ask("target"), "target_failed");
    assert_error(spans.handling("target"), "failed");
    Ok(())
}

#[test]
fn an_ask_without_a_reply() -> Tested {
    let end = AskErrorKind::NoReply;
    let spans = asked(end, LONG, |_ctx, reply, _ended| {
        drop(reply);
        Ok(Next::Same)
    })?;
    assert_error(spans.ask("target"), "no_reply");
    assert_eq!(spans.handling("target").status, Status::Unset);
    Ok(())
}

#[test]
fn an_ask_of_an_actor_that_has_stopped() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(1)?;
    let target = pool.spawn("target", worker())?;
    let asker = pool.spawn("asker", worker())?;
    let stop = |reply: Reply<()>| {
        Job::ending(move |_ctx| {
            reply.send(());
            Ok(Next::Stop)
        })
    };
    target.ask(stop, LONG).wait()?;
    let begin = || {
        ask(asker, move |_ctx| {
            let error = ask(target, |_ctx| Ok(())).wait().unwrap_err();
            assert_eq!(error.kind(), AskErrorKind::TargetStopped);
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
    assert_eq!(asks.len(), 1, "{spans:?}");
    assert_error(asks[0], "target_stopped");
    assert_child(asks[0], spans.handling("asker"));
    recorded.assert_nothing_left();
    Ok(())
}

#[test]
fn another_observer_that_panics_leaves_the_spans_alone() -> Tested {
    struct Panics;

    impl Observer for Panics {
        fn sampling(&self) -> Sampling {
            Sampling::All
        }

        fn observes_sends(&self) -> bool {
            true
        }

        fn handling(&self, _event: &Handling<'_>) {
            panic!("planned: at the begin of a handling");
        }

        fn handled(&self, _event: &Handled<'_>) {
            panic!("planned: at the end of a handling");
        }

        fn sending(&self, _event: &SendBegun<'_>) {
            panic!("planned: at a send");
        }
    }

    let recorded = Recorded::new();
    let pool = WorkerPool::builder()
        .workers(2)
        .observer(Panics)
        .observer(recorded.traces.observer())
        .observer(Panics)
        .start()?;
    let asked = pool.spawn_on(1, "asked", worker())?;
    let first = pool.spawn_on(0, "first", worker())?;
    let begin = || ask(first, move |_ctx| Ok(ask(asked, |_ctx| Ok(())).wait()?));
    recorded.traces.in_context(request(), begin).wait()?;
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    assert_child(spans.ask("asked"), spans.handling("first"));
    assert_child(spans.handling("asked"), spans.ask("asked"));
    recorded.assert_nothing_left();
    Ok(())
}
