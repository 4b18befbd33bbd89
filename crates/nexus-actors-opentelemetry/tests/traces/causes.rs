//! What follows from what: parents and links.

use nexus_actors::observe::Sampling;
use nexus_actors::prelude::*;
use nexus_actors_opentelemetry::Traces;
use opentelemetry::Context as Cx;
use opentelemetry::trace::{Span, SpanId, SpanKind, Status, TraceContextExt, Tracer};
use std::sync::mpsc::{TryRecvError, channel};

use crate::recorded::{
    Job, LONG, Recorded, SPAN, TRACE, Tested, ask, assert_child, assert_root_after, attribute,
    headers, request, trace_of, worker,
};

#[test]
fn an_ask_is_a_child_and_a_tell_a_root_that_links_to_its_cause() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(2)?;
    let told = pool.spawn_on(1, "told", worker())?;
    let asked = pool.spawn_on(1, "asked", worker())?;
    let first = pool.spawn_on(0, "first", worker())?;
    let from_outside = recorded.traces.in_context(request(), || {
        ask(first, move |_ctx| {
            told.tell(Job::new(|_ctx| Ok(())));
            Ok(ask(asked, |_ctx| Ok(())).wait()?)
        })
    });
    from_outside.wait()?;
    pool.shutdown(LONG)?;

    let spans = recorded.spans();
    assert_eq!(spans.0.len(), 4, "{spans:#?}");
    let first = spans.handling("first");
    assert_eq!(trace_of(first), TRACE);
    assert_eq!(first.parent_span_id.to_string(), SPAN);
    assert!(first.parent_span_is_remote);
    assert_eq!(first.span_kind, SpanKind::Consumer);
    assert_child(spans.ask("asked"), first);
    assert_eq!(spans.ask("asked").span_kind, SpanKind::Client);
    assert_child(spans.handling("asked"), spans.ask("asked"));
    assert_eq!(spans.handling("asked").span_kind, SpanKind::Server);
    assert_root_after(spans.handling("told"), first);
    recorded.assert_nothing_left();
    Ok(())
}

#[test]
fn spans_say_what_they_are_of() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(1)?;
    let asked = pool.spawn("asked", worker())?;
    let first = pool.spawn("first", worker())?;
    let (send, ids) = channel();
    recorded.traces.in_context(request(), || {
        first.tell(Job::new(move |ctx| {
            let of_first = ctx.envelope();
            let work = move |ctx: &mut Context<'_, Job>| {
                Ok(send.send((of_first, ctx.envelope(), asked.id()))?)
            };
            Ok(ask(asked, work).wait()?)
        }));
    });
    let (of_first, of_asked, asked) = ids.recv_timeout(LONG)?;
    pool.shutdown(LONG)?;

    let spans = recorded.spans();
    let job = std::any::type_name::<Job>();
    let [handling, question] = [spans.handling("asked"), spans.ask("asked")];
    assert_eq!(handling.name, format!("process {job}"));
    assert_eq!(question.name, format!("ask {job}"));
    for span in [handling, question] {
        let has = |key: &str, value: &str| {
            assert_eq!(attribute(span, key).as_deref(), Some(value), "{key}");
        };
        has("messaging.system", "nexus");
        has("messaging.message.id", &of_asked.message_id().to_string());
        let correlation = of_first.correlation_id().to_string();
        has("messaging.message.conversation_id", &correlation);
        has("nexus.actor.id", &asked.to_string());
        has("nexus.message_type", job);
        assert_eq!(span.status, Status::Unset);
        assert_eq!(
            span.instrumentation_scope.name(),
            "nexus-actors-opentelemetry"
        );
    }
    let operation = |span| attribute(span, "messaging.operation.type");
    assert_eq!(operation(handling).as_deref(), Some("process"));
    assert_eq!(operation(question).as_deref(), Some("send"));
    let outcome = attribute(handling, "nexus.outcome");
    assert_eq!(outcome.as_deref(), Some("handled"));
    // A tell from outside is a child of the request too.
    let first = spans.handling("first");
    assert_eq!(first.parent_span_id.to_string(), SPAN);
    assert_eq!(first.span_kind, SpanKind::Consumer);
    Ok(())
}

#[test]
fn a_message_of_a_context_without_a_span_begins_a_trace() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(1)?;
    let first = pool.spawn("first", worker())?;
    let begin = || ask(first, |_ctx| Ok(()));
    recorded.traces.in_context(Cx::new(), begin).wait()?;
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    let first = spans.handling("first");
    assert_eq!(first.parent_span_id, SpanId::INVALID);
    assert!(first.span_context.trace_id().to_string() != TRACE && first.links.is_empty());
    Ok(())
}

/// Twenty handlers wait on one worker, for different times, each in a trace of its own.
#[test]
fn handlers_that_wait_in_between_each_other_keep_their_spans() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(1)?;
    let clock = pool.spawn("clock", worker())?;
    let trace = |number: u64| format!("{:032x}", 0xfeed_0000 + number);
    let mut asks = Vec::new();
    for number in 0..20_u64 {
        let (traces, tracer) = (recorded.traces.clone(), recorded.tracer());
        let actor = pool.spawn(&format!("actor-{number}"), worker())?;
        let context = nexus_actors_opentelemetry::extract(&headers(&trace(number), "01"));
        asks.push(recorded.traces.in_context(context, || {
            ask(actor, move |ctx| {
                for step in ["before", "between", "after"] {
                    let context = traces.context(&ctx.envelope());
                    let name = format!("{step}-{number}");
                    let mut span = tracer.start_with_context(name, &context);
                    ctx.sleep(Duration::from_millis((number * 7) % 5))?;
                    ask(clock, |ctx| Ok(ctx.yield_now()?)).wait()?;
                    span.end();
                }
                Ok(())
            })
        }));
    }
    for ask in asks {
        ask.wait()?;
    }
    pool.shutdown(LONG)?;

    let spans = recorded.spans();
    assert_eq!(spans.0.len(), 20 * (1 + 3 + 3 * 2));
    let clock = spans.handlings("clock");
    for number in 0..20 {
        let handling = spans.handling(&format!("actor-{number}"));
        assert_eq!(trace_of(handling), trace(number));
        for step in ["before", "between", "after"] {
            assert_child(spans.named(&format!("{step}-{number}")), handling);
        }
        let of_clock = clock.iter().filter(|span| trace_of(span) == trace(number));
        assert_eq!(of_clock.count(), 3);
    }
    recorded.assert_nothing_left();
    Ok(())
}

#[test]
fn messages_within_a_span_of_the_handler_belong_to_that_span() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(2)?;
    let [asked, told, later] = ["asked", "told", "later"].map(|name| pool.spawn(name, worker()));
    let (asked, told, later) = (asked?, told?, later?);
    let first = pool.spawn("first", worker())?;
    let (traces, tracer) = (recorded.traces.clone(), recorded.tracer());
    let begin = || {
        ask(first, move |ctx| {
            let context = traces.context(&ctx.envelope());
            let context = context.with_span(tracer.start_with_context("step", &context));
            let question = traces.in_context(context.clone(), || {
                told.tell(Job::new(|_ctx| Ok(())));
                ask(asked, |_ctx| Ok(()))
            });
            question.wait()?;
            context.span().end();
            Ok(ask(later, |_ctx| Ok(())).wait()?)
        })
    };
    recorded.traces.in_context(request(), begin).wait()?;
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    assert_child(spans.named("step"), spans.handling("first"));
    assert_child(spans.ask("asked"), spans.named("step"));
    assert_child(spans.handling("asked"), spans.ask("asked"));
    assert_root_after(spans.handling("told"), spans.named("step"));
    assert_child(spans.ask("later"), spans.handling("first"));
    recorded.assert_nothing_left();
    Ok(())
}

#[test]
fn a_message_that_is_stashed_by_a_handler_that_becomes_another_keeps_its_parent() -> Tested {
    fn open() -> Behavior<Option<Reply<()>>> {
        Behavior::receive(|_ctx, message: Option<Reply<()>>| {
            message.into_iter().for_each(|reply| reply.send(()));
        })
    }
    let recorded = Recorded::new();
    let pool = recorded.pool(1)?;
    let stashes = || {
        Behavior::with_stash(10, |_ctx| {
            Ok(Behavior::receive(
                |ctx: &mut Context<'_, Option<Reply<()>>>, message| {
                    ctx.stash(message).map_err(|full| full.to_string())?;
                    ctx.unstash_all();
                    Ok::<_, BoxError>(Next::Become(open()))
                },
            ))
        })
    };
    let stasher = pool.spawn("stasher", Props::new(stashes))?;
    let asker = pool.spawn("asker", worker())?;
    let begin = || ask(asker, move |_ctx| Ok(stasher.ask(Some, LONG).wait()?));
    recorded.traces.in_context(request(), begin).wait()?;
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    let handlings = spans.handlings("stasher");
    assert_eq!(handlings.len(), 2);
    for handling in handlings {
        assert_child(handling, spans.ask("stasher"));
    }
    recorded.assert_nothing_left();
    Ok(())
}

#[test]
fn a_stashed_message_has_the_same_parent_when_it_comes_out() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(1)?;
    let stasher = pool.spawn(
        "stasher",
        Props::new(|| {
            Behavior::with_stash(10, |_ctx| {
                let mut open = false;
                Ok(Behavior::receive(
                    move |ctx: &mut Context<'_, Option<Reply<()>>>, message| {
                        match message {
                            Some(reply) if open => reply.send(()),
                            Some(reply) => {
                                ctx.stash(Some(reply)).map_err(|full| full.to_string())?
                            }
                            None => {
                                open = true;
                                ctx.unstash_all();
                            }
                        }
                        Ok::<(), BoxError>(())
                    },
                ))
            })
        }),
    )?;
    let asker = pool.spawn("asker", worker())?;
    let begin = || {
        ask(asker, move |ctx| {
            let asked = stasher.ask(Some, LONG);
            ctx.yield_now()?;
            stasher.tell(None);
            Ok(asked.wait()?)
        })
    };
    recorded.traces.in_context(request(), begin).wait()?;
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    let outcomes = |outcome: &str| {
        let all = spans.handlings("stasher").into_iter();
        let these = all.filter(|span| attribute(span, "nexus.outcome").as_deref() == Some(outcome));
        these.collect::<Vec<_>>()
    };
    let [stashed] = outcomes("stashed")[..] else {
        panic!("{spans:#?}")
    };
    assert_child(stashed, spans.ask("stasher"));
    let handled = outcomes("handled");
    let out = handled
        .iter()
        .find(|span| span.span_kind == SpanKind::Server);
    assert_child(out.expect("the one that came out"), spans.ask("stasher"));
    assert_eq!(handled.len(), 2, "and the one that has opened it");
    recorded.assert_nothing_left();
    Ok(())
}

#[test]
fn a_task_that_outlives_its_handler_belongs_to_it() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(2)?;
    let asked = pool.spawn_on(1, "asked", worker())?;
    let first = pool.spawn_on(0, "first", worker())?;
    let (send, done) = channel();
    let (traces, tracer) = (recorded.traces.clone(), recorded.tracer());
    recorded.traces.in_context(request(), || {
        first.tell(Job::new(move |ctx| {
            drop(ctx.spawn_task(move |task| -> Result<(), BoxError> {
                task.sleep(Duration::from_millis(5))?;
                let context = traces.context(&task.envelope());
                tracer.start_with_context("step", &context).end();
                ask(asked, |_ctx| Ok(())).wait()?;
                Ok(send.send(())?)
            }));
            Ok(())
        }));
    });
    done.recv_timeout(LONG)?;
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    let [first, ask] = [spans.handling("first"), spans.ask("asked")];
    assert!(first.end_time <= ask.start_time);
    assert_child(spans.named("step"), first);
    assert_child(ask, first);
    assert_child(spans.handling("asked"), ask);
    recorded.assert_nothing_left();
    Ok(())
}

#[test]
fn a_timer_begins_a_trace_that_links_to_who_has_set_it() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(1)?;
    let first = pool.spawn("first", worker())?;
    let (send, done) = channel();
    let begin = || {
        first.tell(Job::new(move |ctx| {
            let tick = Job::new(move |_ctx| Ok(send.send(())?));
            ctx.timers()
                .start_single("tick", tick, Duration::from_millis(1));
            Ok(())
        }));
    };
    recorded.traces.in_context(request(), begin);
    done.recv_timeout(LONG)?;
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    let [set, tick] = spans.handlings("first")[..] else {
        panic!("{spans:#?}")
    };
    assert_eq!(trace_of(set), TRACE);
    assert_root_after(tick, set);
    Ok(())
}

#[test]
fn values_of_the_context_reach_all_that_follows() -> Tested {
    #[derive(Debug, PartialEq)]
    struct Tenant(u32);
    let recorded = Recorded::new();
    let pool = recorded.pool(2)?;
    let told = pool.spawn_on(1, "told", worker())?;
    let first = pool.spawn_on(0, "first", worker())?;
    let traces = recorded.traces.clone();
    let (send, tenants) = channel();
    let tenant = move |traces: &Traces, ctx: &Context<'_, Job>| {
        let context = traces.context(&ctx.envelope());
        context.get::<Tenant>().map(|tenant| tenant.0)
    };
    recorded
        .traces
        .in_context(request().with_value(Tenant(7)), || {
            first.tell(Job::new(move |ctx| {
                send.send(tenant(&traces, ctx))?;
                told.tell(Job::new(move |ctx| Ok(send.send(tenant(&traces, ctx))?)));
                Ok(())
            }));
        });
    assert_eq!(tenants.recv_timeout(LONG)?, Some(7));
    assert_eq!(tenants.recv_timeout(LONG)?, Some(7));
    pool.shutdown(LONG)?;
    Ok(())
}

#[test]
fn with_all_handlings_sampled_a_message_from_outside_begins_a_trace() -> Tested {
    let recorded = Recorded::with(Traces::builder().sampling(Sampling::All));
    let pool = recorded.pool(2)?;
    let asked = pool.spawn_on(1, "asked", worker())?;
    let first = pool.spawn_on(0, "first", worker())?;
    ask(first, move |_ctx| Ok(ask(asked, |_ctx| Ok(())).wait()?)).wait()?;
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    assert_eq!(spans.0.len(), 3);
    assert_eq!(spans.handling("first").parent_span_id, SpanId::INVALID);
    assert_child(spans.ask("asked"), spans.handling("first"));
    assert_child(spans.handling("asked"), spans.ask("asked"));
    recorded.assert_nothing_left();
    Ok(())
}

#[test]
fn a_question_that_is_handed_on_ends_the_span_of_its_ask() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(2)?;
    let slow = Props::new(|| {
        Behavior::receive(|ctx, reply: Reply<()>| {
            ctx.sleep(Duration::from_millis(5))?;
            reply.send(());
            Ok(())
        })
    });
    let last = pool.spawn_on(0, "last", slow)?;
    let hands_on = Props::new(move || {
        Behavior::receive(move |_ctx, reply: Reply<()>| reply.forward(last, |reply| reply))
    });
    let [here, across] = [0, 1].map(|index| (index, format!("door-{index}"), hands_on.clone()));
    for (index, name, props) in [here, across] {
        let door = pool.spawn_on(index, &name, props)?;
        let first = pool.spawn_on(0, &format!("first-{index}"), worker())?;
        let begin = || {
            ask(first, move |_ctx| {
                Ok(door.ask(|reply| reply, LONG).wait()?)
            })
        };
        recorded.traces.in_context(request(), begin).wait()?;
    }
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    for index in [0, 1] {
        let door = format!("door-{index}");
        assert_child(spans.ask(&door), spans.handling(&format!("first-{index}")));
        assert_child(spans.handling(&door), spans.ask(&door));
        // The asks of both doors, in the order in which they ended.
        let forwarded = spans.asks("last")[index];
        assert_child(forwarded, spans.handling(&door));
        assert!(forwarded.end_time <= spans.handling(&door).end_time);
        let last = spans.handlings("last")[index];
        assert_child(last, forwarded);
        assert_eq!(last.span_kind, SpanKind::Server);
        assert!(last.start_time <= spans.ask(&door).end_time);
    }
    recorded.assert_nothing_left();
    Ok(())
}

#[test]
fn the_ask_of_a_task_goes_on_when_the_handling_has_ended() -> Tested {
    let recorded = Recorded::new();
    let pool = recorded.pool(2)?;
    let asked = pool.spawn_on(1, "asked", worker())?;
    let first = pool.spawn_on(0, "first", worker())?;
    let (send, done) = channel();
    recorded.traces.in_context(request(), || {
        first.tell(Job::new(move |ctx| {
            let (begun, has_begun) = channel();
            let (end, has_to_end) = channel::<()>();
            drop(ctx.spawn_task(move |_task| -> Result<(), BoxError> {
                let question = ask(asked, move |ctx| {
                    // Until the handling has ended, and dropped the other half.
                    while let Err(TryRecvError::Empty) = has_to_end.try_recv() {
                        ctx.sleep(Duration::from_millis(1))?;
                    }
                    Ok(())
                });
                begun.send(())?;
                question.wait()?;
                Ok(send.send(())?)
            }));
            while has_begun.try_recv().is_err() {
                ctx.yield_now()?;
            }
            drop(end);
            Ok(())
        }));
    });
    done.recv_timeout(LONG)?;
    pool.shutdown(LONG)?;
    let spans = recorded.spans();
    let [first, ask] = [spans.handling("first"), spans.ask("asked")];
    assert_child(ask, first);
    assert!(ask.start_time < first.end_time && ask.end_time > first.end_time);
    recorded.assert_nothing_left();
    Ok(())
}
