//! A request from its headers to a database and to the headers of an outgoing request.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::get;
use nexus_actors::prelude::*;
use nexus_actors_opentelemetry::{Traces, extract, inject};
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::{Span, SpanKind, TraceContextExt, Tracer};
use opentelemetry_sdk::trace::SdkTracer;
use redb::{Database, TableDefinition};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::recorded::{LONG, Recorded, SPAN, TRACE, Tested, assert_child, trace_of};

const STOCK: TableDefinition<'_, &str, u64> = TableDefinition::new("stock");

/// What the request is answered with: the stock, and the headers with which another service would be asked.
type Answer = (u64, HashMap<String, String>);

struct HeadersOf<'a>(&'a HeaderMap);

impl Extractor for HeadersOf<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|key| key.as_str()).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let all = self.0.get_all(key).iter().map(|value| value.to_str().ok());
        let all: Vec<&str> = all.collect::<Option<_>>()?;
        (!all.is_empty()).then_some(all)
    }
}

#[derive(Clone)]
struct Shop {
    front: ActorRef<Reply<Answer>>,
    traces: Traces,
    tracer: SdkTracer,
}

async fn stock(State(shop): State<Shop>, headers: HeaderMap) -> String {
    let parent = extract(&HeadersOf(&headers));
    let span = shop
        .tracer
        .span_builder("GET /stock")
        .with_kind(SpanKind::Server);
    let context = parent.with_span(shop.tracer.build_with_context(span, &parent));
    let asked = shop
        .traces
        .in_context(context.clone(), || shop.front.ask(|reply| reply, LONG));
    let answer = asked.await;
    context.span().end();
    match answer {
        Ok((stock, headers)) => format!("{stock} {}", headers["traceparent"]),
        Err(error) => error.to_string(),
    }
}

/// An actor that hands the question on to the next one, and waits for the answer.
fn asks(next: ActorRef<Reply<Answer>>) -> Props<Reply<Answer>> {
    Props::new(move || {
        Behavior::receive(move |_ctx, reply: Reply<Answer>| {
            reply.send(next.ask(|reply| reply, LONG).wait()?);
            Ok(())
        })
    })
}

/// An actor that reads the database on a side thread, in a span of its own.
fn reads(database: Arc<Database>, traces: Traces, tracer: SdkTracer) -> Props<Reply<Answer>> {
    Props::new(move || {
        let (database, traces) = (Arc::clone(&database), traces.clone());
        let tracer = tracer.clone();
        Behavior::receive(move |ctx, reply: Reply<Answer>| {
            let context = traces.context(&ctx.envelope());
            let (database, tracer) = (Arc::clone(&database), tracer.clone());
            let of_handling = context.clone();
            let stock = ctx.run_blocking(move || -> Result<u64, BoxError> {
                let mut span = tracer
                    .span_builder("SELECT stock")
                    .with_kind(SpanKind::Client)
                    .start_with_context(&tracer, &of_handling);
                let table = database.begin_read()?.open_table(STOCK)?;
                let stock = table.get("apples")?.map_or(0, |found| found.value());
                span.end();
                Ok(stock)
            })?;
            let stock = stock?;
            let mut headers = HashMap::new();
            inject(&context, &mut headers);
            reply.send((stock, headers));
            Ok(())
        })
    })
}

fn database(path: &std::path::Path) -> Result<Database, Box<dyn std::error::Error>> {
    let database = Database::create(path)?;
    let write = database.begin_write()?;
    write.open_table(STOCK)?.insert("apples", 12)?;
    write.commit()?;
    Ok(database)
}

fn request(server: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server)?;
    write!(
        stream,
        "GET /stock HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\
         traceparent: 00-{TRACE}-{SPAN}-01\r\ntracestate: congo=t61rcWkgMzE\r\n\
         tracestate: rojo=00f067aa0ba902b7\r\n\r\n"
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let (head, body) = response.split_once("\r\n\r\n").expect("a response");
    assert!(head.starts_with("HTTP/1.1 200"), "{response}");
    Ok(body.to_owned())
}

#[test]
fn a_request_is_one_tree_from_its_headers_to_the_database() -> Tested {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("stock-{}.redb", std::process::id()));
    let recorded = Recorded::new();
    let pool = recorded.pool(2)?;
    let database = Arc::new(database(&path)?);
    let (traces, tracer) = (recorded.traces.clone(), recorded.tracer());
    let store = pool.spawn_on(0, "store", reads(database, traces.clone(), tracer.clone()))?;
    let middle = pool.spawn_on(1, "middle", asks(store))?;
    let front = pool.spawn_on(0, "front", asks(middle))?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let server = listener.local_addr()?;
    let shop = Shop {
        front,
        traces,
        tracer,
    };
    let router = Router::new().route("/stock", get(stock)).with_state(shop);
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = std::thread::spawn(move || {
        let serving = axum::serve(listener, router).with_graceful_shutdown(async {
            let _ = stopped.await;
        });
        runtime.block_on(serving.into_future())
    });
    let answer = request(server)?;
    drop(stop);
    serving.join().expect("the server does not panic")?;
    pool.shutdown(LONG)?;
    std::fs::remove_file(&path)?;

    let spans = recorded.spans();
    assert_eq!(spans.0.len(), 7, "{spans:#?}");
    let edge = spans.named("GET /stock");
    assert_eq!(trace_of(edge), TRACE);
    assert_eq!(edge.parent_span_id.to_string(), SPAN);
    assert_child(spans.handling("front"), edge);
    assert_child(spans.ask("middle"), spans.handling("front"));
    assert_child(spans.handling("middle"), spans.ask("middle"));
    assert_child(spans.ask("store"), spans.handling("middle"));
    assert_child(spans.handling("store"), spans.ask("store"));
    assert_child(spans.named("SELECT stock"), spans.handling("store"));
    for (actor, kind) in [
        ("front", SpanKind::Consumer),
        ("middle", SpanKind::Server),
        ("store", SpanKind::Server),
    ] {
        assert_eq!(spans.handling(actor).span_kind, kind, "{actor}");
    }
    for span in &spans.0 {
        let state = span.span_context.trace_state().header();
        assert_eq!(
            state, "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7",
            "{}",
            span.name
        );
        assert!(span.start_time >= edge.start_time, "{}", span.name);
    }
    let of_store = spans.handling("store").span_context.span_id();
    assert_eq!(answer, format!("12 00-{TRACE}-{of_store}-01"));
    recorded.assert_nothing_left();
    Ok(())
}
