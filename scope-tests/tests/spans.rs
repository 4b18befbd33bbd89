//! Handlers in spans of `tracing`: each line of a log carries the spans of its own handler.

use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, dispatcher, info, info_span, instrument};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

const SOON: Duration = Duration::from_secs(20);

/// The lines of a log, each preceded by the names of its spans.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn take(&self) -> Vec<String> {
        let mut lines = std::mem::take(&mut *self.0.lock().unwrap());
        lines.sort();
        lines
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, ctx: LayerContext<'_, S>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let scope = ctx.event_scope(event).into_iter();
        let mut line: Vec<&str> = scope
            .flat_map(|scope| scope.from_root())
            .map(|span| span.name())
            .collect();
        line.push(&text.0);
        self.0.lock().unwrap().push(line.join(": "));
    }
}

/// The only log of this process and the default of all its threads. Tests that write to it take turns.
fn log() -> (Lines, std::sync::MutexGuard<'static, ()>) {
    static LINES: std::sync::LazyLock<Lines> = std::sync::LazyLock::new(|| {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::registry().with(lines.clone());
        dispatcher::set_global_default(subscriber.into()).expect("it is the first");
        lines
    });
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let lines = LINES.clone();
    lines.take();
    (lines, turn)
}

fn bystander() -> Props<Reply<()>> {
    Props::new(|| {
        Behavior::receive(|_ctx, reply: Reply<()>| {
            info!("bystander");
            reply.send(());
        })
    })
}

#[instrument(skip_all)]
fn look_up(bystander: ActorRef<Reply<()>>) -> Result<(), AskError> {
    info!("asks");
    bystander.ask(|reply| reply, SOON).wait()?;
    info!("is answered");
    Ok(())
}

fn requests(bystander: ActorRef<Reply<()>>, name: &'static str) -> Props<Reply<()>> {
    Props::new(move || {
        Behavior::receive(move |ctx, reply: Reply<()>| {
            info!("{name} begins");
            let span = if name == "a" {
                info_span!("a")
            } else {
                info_span!("b")
            };
            let _entered = span.entered();
            info!("{name} enters");
            look_up(bystander)?;
            ctx.sleep(Duration::from_millis(2))?;
            info!("{name} goes on");
            reply.send(());
            Ok(())
        })
    })
}

fn check(lines: &Lines) {
    let mut expected = vec!["bystander".to_owned(); 2];
    for name in ["a", "b"] {
        expected.push(format!("{name} begins"));
        expected.push(format!("{name}: {name} enters"));
        expected.push(format!("{name}: look_up: asks"));
        expected.push(format!("{name}: look_up: is answered"));
        expected.push(format!("{name}: {name} goes on"));
    }
    expected.sort();
    assert_eq!(lines.take(), expected);
}

#[test]
fn s6_6_each_handler_logs_under_its_own_span() {
    let (lines, _turn) = log();
    let pool = WorkerPool::builder().workers(1).start().unwrap();
    let bystander = pool.spawn("bystander", bystander()).unwrap();
    for _ in 0..50 {
        let asked = ["a", "b"].map(|name| {
            let handler = pool.spawn_anonymous(requests(bystander, name)).unwrap();
            handler.ask(|reply| reply, SOON)
        });
        asked.into_iter().for_each(|asked| asked.wait().unwrap());
        check(&lines);
    }
    pool.shutdown(SOON).unwrap();
}

#[test]
fn s6_6_nor_is_anybody_under_the_span_of_the_thread_that_drives() {
    let (lines, _turn) = log();
    let system = ActorSystem::new("spans").unwrap();
    let _driver = info_span!("driver").entered();
    let bystander = system.spawn("bystander", bystander()).unwrap();
    let asked = ["a", "b"].map(|name| {
        let handler = system.spawn(name, requests(bystander, name)).unwrap();
        handler.ask(|reply| reply, SOON)
    });
    asked.into_iter().for_each(|asked| asked.wait().unwrap());
    check(&lines);
    info!("done");
    assert_eq!(lines.take(), ["driver: done"]);
}

#[test]
fn s6_6_spans_are_each_handlers_own_in_a_simulation() {
    let (lines, _turn) = log();
    for seed in 0..20 {
        let mut sim = Sim::builder().seed(seed).workers(1).start().unwrap();
        let _driver = info_span!("driver").entered();
        let bystander = sim.spawn("bystander", bystander()).unwrap();
        let mut ask = |name| {
            let handler = sim.spawn(name, requests(bystander, name)).unwrap();
            handler.ask(|reply| reply, SOON)
        };
        let asked = ["a", "b"].map(&mut ask);
        asked.into_iter().for_each(|asked| asked.wait().unwrap());
        check(&lines);
    }
}

#[test]
fn s6_6_a_span_that_is_left_entered_ends_with_the_turn() {
    let (lines, _turn) = log();
    let pool = WorkerPool::builder().workers(1).start().unwrap();
    let forgets = Props::new(|| {
        Behavior::receive(|_ctx, reply: Reply<()>| {
            info!("forgets");
            std::mem::forget(info_span!("forgotten").entered());
            reply.send(());
        })
    });
    let forgets = pool.spawn("forgets", forgets).unwrap();
    let bystander = pool.spawn("bystander", bystander()).unwrap();
    for _ in 0..2 {
        forgets.ask(|reply| reply, SOON).wait().unwrap();
        bystander.ask(|reply| reply, SOON).wait().unwrap();
    }
    pool.shutdown(SOON).unwrap();
    assert_eq!(
        lines.take(),
        ["bystander", "bystander", "forgets", "forgets"]
    );
}
