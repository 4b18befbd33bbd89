//! What a pool writes to `tracing`: events in place of the standard error, and a span for each handling.

use nexus_actors::observe::Sampling;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber, dispatcher, info};
use tracing_subscriber::layer::{Context as LayerContext, Filter, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

const SOON: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Fields {
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// What was written: the events with the spans above them, and the spans that were made.
#[derive(Default)]
struct Written {
    events: Vec<(Fields, Vec<&'static str>)>,
    spans: Vec<Fields>,
    /// Whether the spans of handlings are enabled.
    enabled: bool,
}

#[derive(Clone, Default)]
struct Record(Arc<Mutex<Written>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Record {
    fn on_event(&self, event: &Event<'_>, ctx: LayerContext<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let scope = ctx.event_scope(event).into_iter().flatten();
        let spans = scope.map(|span| span.name()).collect();
        self.0.lock().unwrap().events.push((fields, spans));
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: LayerContext<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        self.0.lock().unwrap().spans.push(fields);
    }
}

impl<S> Filter<S> for Record {
    fn enabled(&self, metadata: &Metadata<'_>, _: &LayerContext<'_, S>) -> bool {
        !metadata.is_span() || self.0.lock().unwrap().enabled
    }
}

/// The record of this process, emptied. Tests take turns.
fn record(enabled: bool) -> (Record, MutexGuard<'static, ()>) {
    static RECORD: LazyLock<Record> = LazyLock::new(|| {
        let record = Record::default();
        let layer = record.clone().with_filter(record.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        dispatcher::set_global_default(subscriber.into()).expect("it is the first");
        record
    });
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let record = RECORD.clone();
    *record.0.lock().unwrap() = Written {
        enabled,
        ..Written::default()
    };
    (record, turn)
}

impl Record {
    fn take(&self) -> Written {
        let mut written = self.0.lock().unwrap();
        let enabled = written.enabled;
        std::mem::replace(
            &mut written,
            Written {
                enabled,
                ..Written::default()
            },
        )
    }
}

fn fails() -> Props<u8> {
    Props::new(|| {
        Behavior::receive(|_ctx, number: u8| match number {
            0 => Err(BoxError::from("planned")),
            1 => Ok(Next::Unhandled),
            _ => Ok(Next::Same),
        })
    })
}

/// The texts of the events about that actor.
fn texts(written: &Written, actor: &str) -> Vec<String> {
    let events = written.events.iter();
    let about = events.filter(|(fields, _)| fields.get("actor") == actor);
    about
        .map(|(fields, _)| fields.get("message").to_owned())
        .collect()
}

#[test]
fn s10_1_failures_restarts_and_losses_are_events_on_every_driver() {
    let expected = [
        "an actor has failed",
        "an actor is restarted",
        "a message was lost",
    ];
    let (record, _turn) = record(false);
    let pool = WorkerPool::builder().workers(1).tracing(Sampling::None);
    let pool = pool.start().unwrap();
    let actor = pool.spawn("fails", fails()).unwrap();
    [0, 1, 2].into_iter().for_each(|number| actor.tell(number));
    pool.shutdown(SOON).unwrap();
    let written = record.take();
    assert_eq!(texts(&written, "/user/fails"), expected);
    let (failed, _) = &written.events[0];
    assert_eq!(failed.get("cause"), "planned");
    assert_eq!(failed.get("message_type"), "u8");
    let (lost, _) = &written.events[2];
    assert_eq!(lost.get("reason"), "its actor did not handle it");

    let system = ActorSystem::builder().tracing(Sampling::None);
    let system = system.start().unwrap();
    let actor = system.spawn("fails", fails()).unwrap();
    [0, 1, 2].into_iter().for_each(|number| actor.tell(number));
    system.run();
    assert_eq!(texts(&record.take(), "/user/fails"), expected);

    let mut sim = Sim::builder().tracing(Sampling::None).start().unwrap();
    let actor = sim.spawn("fails", fails()).unwrap();
    [0, 1, 2].into_iter().for_each(|number| actor.tell(number));
    sim.run_until_idle();
    assert_eq!(texts(&record.take(), "/user/fails"), expected);
}

fn sleeper() -> Props<Reply<()>> {
    Props::new(|| {
        Behavior::receive(|ctx: &mut Context<'_, Reply<()>>, reply| {
            info!("before");
            ctx.sleep(Duration::from_millis(2))?;
            info!("after");
            reply.send(());
            Ok::<_, BoxError>(())
        })
    })
}

#[test]
fn s10_1_each_handling_is_in_a_span_of_its_own_before_and_after_it_waits() {
    let (record, _turn) = record(true);
    let pool = WorkerPool::builder().workers(1).tracing(Sampling::All);
    let pool = pool.start().unwrap();
    let both = ["one", "two"].map(|name| pool.spawn(name, sleeper()).unwrap());
    let asks = both.map(|actor| actor.ask(|reply| reply, SOON));
    asks.into_iter().for_each(|ask| ask.wait().unwrap());
    pool.shutdown(SOON).unwrap();
    let written = record.take();
    assert_eq!(written.spans.len(), 2);
    for (span, path) in written.spans.iter().zip(["/user/one", "/user/two"]) {
        assert_eq!(span.get("actor"), path);
        assert!(span.get("message_type").contains("Reply<()>"));
        assert_eq!(span.get("message_id"), span.get("correlation"));
        assert_eq!((span.get("causation"), span.get("sender")), ("", ""));
    }
    let said = |text: &'static str| {
        let events = written.events.iter();
        events.filter(move |(fields, _)| fields.get("message") == text)
    };
    for text in ["before", "after"] {
        assert_eq!(said(text).count(), 2);
        assert!(said(text).all(|(_, spans)| spans == &["handle"]));
    }
}

#[test]
fn s10_1_a_span_that_is_not_enabled_is_not_made_and_some_are_drawn() {
    let handled = |spans, enabled| {
        let (record, _turn) = record(enabled);
        let pool = WorkerPool::builder().workers(1).tracing(spans);
        let pool = pool.start().unwrap();
        let quiet = Props::new(|| Behavior::receive(|_ctx, _: u32| ()));
        let quiet = pool.spawn("quiet", quiet).unwrap();
        (0..10_000).for_each(|number| quiet.tell(number));
        pool.shutdown(SOON).unwrap();
        record.take().spans.len()
    };
    assert_eq!(handled(Sampling::All, false), 0);
    assert_eq!(handled(Sampling::All, true), 10_000);
    let some = handled(Sampling::one_in(100), true);
    assert!((50..200).contains(&some), "{some}");
    assert_eq!(handled(Sampling::None, true), 0);
}
