//! Which requests have spans.

use nexus_actors::actor::{with_context, with_correlation};
use nexus_actors::observe::Sampling;
use nexus_actors::prelude::*;
use nexus_actors_opentelemetry::{Traces, extract, inject};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData};
use std::collections::HashMap;

use crate::recorded::{
    Job, LONG, Recorded, SPAN, TRACE, Tested, ask, assert_child, headers, request, worker,
};

#[test]
fn a_request_that_is_not_sampled_has_no_spans_and_its_headers_are_passed_on() -> Tested {
    // Neither by a sampler that would sample each span.
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .with_sampler(Sampler::AlwaysOn)
        .build();
    let recorded = Recorded::of(provider, exporter, Traces::builder());
    let pool = recorded.pool(2)?;
    let told = pool.spawn_on(1, "told", worker())?;
    let asked = pool.spawn_on(1, "asked", worker())?;
    let first = pool.spawn_on(0, "first", worker())?;
    let traces = recorded.traces.clone();
    let (send, outgoing) = std::sync::mpsc::channel();
    let begin = || {
        ask(first, move |_ctx| {
            told.tell(Job::new(|_ctx| Ok(())));
            let write = move |ctx: &mut Context<'_, Job>| {
                let mut headers = HashMap::new();
                inject(&traces.context(&ctx.envelope()), &mut headers);
                Ok(send.send(headers)?)
            };
            Ok(ask(asked, write).wait()?)
        })
    };
    let mut incoming = headers(TRACE, "00");
    incoming.insert("tracestate".to_owned(), "congo=t61rcWkgMzE".to_owned());
    recorded
        .traces
        .in_context(extract(&incoming), begin)
        .wait()?;
    assert_eq!(outgoing.recv_timeout(LONG)?, incoming);
    pool.shutdown(LONG)?;
    assert!(recorded.spans().0.is_empty(), "{:#?}", recorded.spans());
    recorded.assert_nothing_left();
    Ok(())
}

#[test]
fn a_handler_of_a_request_that_is_not_sampled_may_begin_a_trace() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(2)?;
    let asked = pool.spawn_on(1, "asked", worker())?;
    let first = pool.spawn_on(0, "first", worker())?;
    let traces = recorded.traces.clone();
    let begin = || {
        ask(first, move |_ctx| {
            let question = traces.in_context(request(), || ask(asked, |_ctx| Ok(())));
            Ok(question.wait()?)
        })
    };
    let unsampled = extract(&headers(&TRACE.replace('a', "b"), "00"));
    recorded.traces.in_context(unsampled, begin).wait()?;
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    assert_eq!(spans.0.len(), 2, "{spans:?}");
    assert_eq!(spans.ask("asked").parent_span_id.to_string(), SPAN);
    assert_child(spans.handling("asked"), spans.ask("asked"));
    recorded.assert_nothing_left();
    Ok(())
}

/// A sampler that samples what has a sampled parent alone: the roots that tells begin have none.
#[test]
fn a_root_that_the_sampler_drops_takes_all_that_follows_along() -> Tested {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)))
        .build();
    let recorded = Recorded::of(provider, exporter, Traces::builder());
    let pool = recorded.pool(2)?;
    let [told, after, asked] = ["told", "after", "asked"].map(|name| pool.spawn(name, worker()));
    let (told, after, asked) = (told?, after?, asked?);
    let first = pool.spawn("first", worker())?;
    let begin = || {
        ask(first, move |_ctx| {
            told.tell(Job::new(move |_ctx| Ok(ask(after, |_ctx| Ok(())).wait()?)));
            Ok(ask(asked, |_ctx| Ok(())).wait()?)
        })
    };
    recorded.traces.in_context(request(), begin).wait()?;
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    assert_eq!(spans.0.len(), 3, "{spans:#?}");
    assert_child(spans.handling("asked"), spans.ask("asked"));
    assert_child(spans.ask("asked"), spans.handling("first"));
    recorded.assert_nothing_left();
    Ok(())
}

#[test]
fn messages_under_no_context_or_under_one_of_another_type_have_no_spans() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(2)?;
    let asked = pool.spawn_on(1, "asked", worker())?;
    let first = pool.spawn_on(0, "first", worker())?;
    let begin = || ask(first, move |_ctx| Ok(ask(asked, |_ctx| Ok(())).wait()?));
    begin().wait()?;
    with_context("tenant", begin).wait()?;
    pool.shutdown(LONG)?;
    assert!(recorded.spans().0.is_empty(), "{:#?}", recorded.spans());
    recorded.assert_nothing_left();
    Ok(())
}

#[test]
fn of_drawn_handlings_each_has_the_trace_of_its_request() -> Tested {
    let recorded = Recorded::with(Traces::builder().sampling(Sampling::one_in(4)));
    let pool = recorded.pool(2)?;
    let told = pool.spawn_on(0, "told", worker())?;
    let asked = pool.spawn_on(1, "asked", worker())?;
    let first = pool.spawn_on(0, "first", worker())?;
    for _ in 0..400 {
        let begin = || {
            ask(first, move |_ctx| {
                told.tell(Job::new(|_ctx| Ok(())));
                Ok(ask(asked, |_ctx| Ok(())).wait()?)
            })
        };
        recorded.traces.in_context(request(), begin).wait()?;
    }
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    let (asked, first) = (spans.handlings("asked"), spans.handlings("first"));
    // One in four of 400: far from this with a chance of less than one in a billion.
    for handlings in [&asked, &first] {
        assert!((40..200).contains(&handlings.len()), "{}", handlings.len());
    }
    for span in &spans.0 {
        assert_eq!(span.span_context.trace_id().to_string(), TRACE);
    }
    let (of_request, of_asks): (Vec<&SpanData>, Vec<&SpanData>) = asked
        .iter()
        .partition(|span| span.parent_span_id.to_string() == SPAN);
    let asks: Vec<_> = spans
        .0
        .iter()
        .filter(|span| span.name.starts_with("ask "))
        .collect();
    assert_eq!(
        asks.len(),
        first.len(),
        "an ask of each handling that was drawn"
    );
    for span in of_asks {
        let parent = asks
            .iter()
            .find(|ask| ask.span_context.span_id() == span.parent_span_id);
        assert_child(span, parent.expect("the ask that it is of"));
    }
    assert!(!of_request.is_empty());
    recorded.assert_nothing_left();
    Ok(())
}

#[test]
fn a_message_with_another_correlation_ends_the_trace_and_leaves_nothing() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(1)?;
    let store = pool.spawn("store", worker())?;
    let first = pool.spawn("first", worker())?;
    let order = std::num::NonZeroU64::new(12).ok_or("zero")?;
    let begin = || {
        ask(first, move |_ctx| {
            let question = with_correlation(order, || {
                store.tell(Job::new(|_ctx| Ok(())));
                ask(store, |_ctx| Ok(()))
            });
            Ok(question.wait()?)
        })
    };
    recorded.traces.in_context(request(), begin).wait()?;
    pool.shutdown(LONG)?;
    assert_eq!(recorded.spans().handlings("store").len(), 0);
    assert_eq!(recorded.spans().0.len(), 1, "that of the first handling");
    recorded.assert_nothing_left();
    Ok(())
}
