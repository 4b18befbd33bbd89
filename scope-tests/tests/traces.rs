//! Which span is whose parent, and which follows from which: the trace of a request through actors.

use nexus_actors::actor::with_context;
use nexus_actors::observe::{RequestSpan, Sampling};
use nexus_actors::prelude::*;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record as Values};
use tracing::{Metadata, Subscriber, dispatcher, info_span};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

const SOON: Duration = Duration::from_secs(20);

/// A span by its name and the last part of its actor's path, such as `handle end`.
type Name = String;

#[derive(Clone, Debug, Default, PartialEq)]
struct Made {
    name: Name,
    parent: Option<Name>,
    follows: Vec<Name>,
    is_closed: bool,
}

#[derive(Default)]
struct Actor(String);

impl Visit for Actor {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "actor" {
            let path = format!("{value:?}");
            let path = path.trim_matches('"');
            path.rsplit('/')
                .next()
                .unwrap_or(path)
                .clone_into(&mut self.0);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &value);
    }
}

/// The spans in the order in which they were made, and the open ones by their ids.
#[derive(Default)]
struct Spans {
    made: Vec<Made>,
    open: HashMap<u64, usize>,
}

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Spans>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>, _: LayerContext<'_, S>) -> bool {
        metadata.is_span()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: LayerContext<'_, S>) {
        let mut actor = Actor::default();
        attributes.record(&mut actor);
        let parent = ctx
            .span(id)
            .and_then(|span| span.parent())
            .map(|span| span.id());
        let mut spans = self.0.lock().unwrap();
        let name = format!("{} {}", attributes.metadata().name(), actor.0);
        let parent = parent.map(|id| spans.made[spans.open[&id.into_u64()]].name.clone());
        let number = spans.made.len();
        spans.open.insert(id.into_u64(), number);
        spans.made.push(Made {
            name: name.trim().to_owned(),
            parent,
            ..Made::default()
        });
    }

    fn on_record(&self, _: &Id, _: &Values<'_>, _: LayerContext<'_, S>) {}

    fn on_follows_from(&self, id: &Id, cause: &Id, _: LayerContext<'_, S>) {
        let mut spans = self.0.lock().unwrap();
        let (number, cause) = (spans.open[&id.into_u64()], spans.open[&cause.into_u64()]);
        let cause = spans.made[cause].name.clone();
        spans.made[number].follows.push(cause);
    }

    fn on_close(&self, id: Id, _: LayerContext<'_, S>) {
        let mut spans = self.0.lock().unwrap();
        let number = spans.open.remove(&id.into_u64()).expect("it was open");
        spans.made[number].is_closed = true;
    }
}

/// The recorder of this process, emptied. Tests take turns.
fn recorder() -> (Recorder, MutexGuard<'static, ()>) {
    static RECORDER: LazyLock<Recorder> = LazyLock::new(|| {
        let recorder = Recorder::default();
        let subscriber = tracing_subscriber::registry().with(recorder.clone());
        dispatcher::set_global_default(subscriber.into()).expect("it is the first");
        recorder
    });
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    *RECORDER.0.lock().unwrap() = Spans::default();
    (RECORDER.clone(), turn)
}

impl Recorder {
    fn made(&self) -> Vec<Made> {
        self.0.lock().unwrap().made.clone()
    }

    /// The parent and the causes of the only span of that name.
    fn place_of(&self, name: &str) -> (Option<Name>, Vec<Name>) {
        let made = self.made();
        let mut of_name = made.iter().filter(|made| made.name == name);
        let one = of_name
            .next()
            .unwrap_or_else(|| panic!("no {name} in {made:?}"));
        assert_eq!(of_name.next(), None, "there are several");
        (one.parent.clone(), one.follows.clone())
    }

    fn assert_all_are_closed(&self) {
        let made = self.made();
        assert!(made.iter().all(|made| made.is_closed), "{made:?}");
    }
}

fn child_of(parent: &str) -> (Option<Name>, Vec<Name>) {
    (Some(parent.to_owned()), Vec::new())
}

fn root_after(cause: &str) -> (Option<Name>, Vec<Name>) {
    (None, vec![cause.to_owned()])
}

const ROOT: (Option<Name>, Vec<Name>) = (None, Vec::new());

/// How an actor passes a message to the next one.
#[derive(Clone, Copy)]
enum Way {
    Ask,
    Tell,
    TaskAsk,
    AskAfterWait,
}

struct Go(Option<Reply<u32>>);

/// Reports each message that it has handled.
fn end(handled: &Sender<()>) -> Props<Go> {
    let handled = handled.clone();
    Props::new(move || {
        let handled = handled.clone();
        Behavior::receive(move |_ctx, Go(reply)| {
            info_span!("database").in_scope(|| ());
            let _ = handled.send(());
            reply.into_iter().for_each(|reply| reply.send(7));
        })
    })
}

fn step(way: Way, next: ActorRef<Go>) -> Props<Go> {
    Props::new(move || {
        Behavior::receive(move |ctx: &mut Context<'_, Go>, Go(reply)| {
            let ask = move || next.ask(|reply| Go(Some(reply)), SOON).wait();
            let answer = match way {
                Way::Ask => ask()?,
                Way::AskAfterWait => {
                    ctx.sleep(Duration::from_millis(1))?;
                    ask()?
                }
                Way::TaskAsk => ctx.spawn_task(move |_task| ask()).wait()??,
                Way::Tell => {
                    next.tell(Go(None));
                    0
                }
            };
            reply.into_iter().for_each(|reply| reply.send(answer));
            Ok::<_, BoxError>(())
        })
    })
}

/// A pool with an actor `first` on worker 0, that sends to `second` on worker 1, and that to `end` on worker 0.
/// With what comes when the last has handled a message.
fn chain(spans: Sampling, ways: [Way; 2]) -> (WorkerPool, ActorRef<Go>, Receiver<()>) {
    let (handled, is_handled) = channel();
    let pool = WorkerPool::builder()
        .workers(2)
        .tracing(spans)
        .start()
        .unwrap();
    let end = pool.spawn_on(0, "end", end(&handled)).unwrap();
    let second = pool.spawn_on(1, "second", step(ways[1], end)).unwrap();
    let first = pool.spawn_on(0, "first", step(ways[0], second)).unwrap();
    (pool, first, is_handled)
}

fn ask(first: ActorRef<Go>) -> u32 {
    first.ask(|reply| Go(Some(reply)), SOON).wait().unwrap()
}

#[test]
fn s10_3_an_ask_is_a_child_of_its_asker_and_the_parent_of_the_handling_on_any_worker() {
    for way in [Way::Ask, Way::AskAfterWait, Way::TaskAsk] {
        let (recorder, _turn) = recorder();
        let (pool, first, _) = chain(Sampling::All, [way, way]);
        assert_eq!(ask(first), 7);
        pool.shutdown(SOON).unwrap();
        assert_eq!(recorder.place_of("handle first"), ROOT);
        assert_eq!(recorder.place_of("ask second"), child_of("handle first"));
        assert_eq!(recorder.place_of("handle second"), child_of("ask second"));
        assert_eq!(recorder.place_of("ask end"), child_of("handle second"));
        assert_eq!(recorder.place_of("handle end"), child_of("ask end"));
        assert_eq!(recorder.place_of("database"), child_of("handle end"));
        assert_eq!(recorder.made().len(), 6);
        recorder.assert_all_are_closed();
    }
}

#[test]
fn s10_3_what_was_told_is_a_root_that_follows_from_its_cause() {
    let (recorder, _turn) = recorder();
    let (pool, first, is_handled) = chain(Sampling::All, [Way::Tell, Way::Tell]);
    let _ = ask(first);
    is_handled.recv_timeout(SOON).unwrap();
    pool.shutdown(SOON).unwrap();
    assert_eq!(recorder.place_of("handle first"), ROOT);
    assert_eq!(
        recorder.place_of("handle second"),
        root_after("handle first")
    );
    assert_eq!(recorder.place_of("handle end"), root_after("handle second"));
    recorder.assert_all_are_closed();
}

#[test]
fn s10_3_a_request_from_outside_is_the_parent_and_what_has_none_has_no_spans() {
    let (recorder, _turn) = recorder();
    let (pool, first, is_handled) = chain(Sampling::UnderContext, [Way::Ask, Way::Tell]);
    for _ in 0..3 {
        assert_eq!(ask(first), 0);
    }
    let request = info_span!("request");
    assert_eq!(with_context(RequestSpan::new(&request), || ask(first)), 0);
    drop(request);
    (0..4).for_each(|_| is_handled.recv_timeout(SOON).unwrap());
    pool.shutdown(SOON).unwrap();
    assert_eq!(recorder.place_of("handle first"), child_of("request"));
    assert_eq!(recorder.place_of("ask second"), child_of("handle first"));
    assert_eq!(recorder.place_of("handle second"), child_of("ask second"));
    assert_eq!(recorder.place_of("handle end"), root_after("handle second"));
    let made = recorder.made();
    // The span that the last actor makes itself is there each time.
    let of_pool = made.iter().filter(|made| made.name != "database");
    assert_eq!(of_pool.count(), 5);
    recorder.assert_all_are_closed();
}

#[test]
fn s10_3_spans_are_closed_when_a_message_is_lost_and_when_an_ask_fails() {
    let (recorder, _turn) = recorder();
    let builder = WorkerPool::builder().workers(1).tracing(Sampling::All);
    let pool = builder.on_failure(|_| {}).start().unwrap();
    let silent = Props::new(|| Behavior::receive(|_ctx, Go(reply)| drop(reply)));
    let silent = pool.spawn("silent", silent).unwrap();
    let gone = pool.spawn("gone", end(&channel().0)).unwrap();
    gone.stop();
    while pool.lookup::<Go>("/user/gone").is_ok() {
        std::thread::yield_now();
    }
    let sender = Props::new(move || {
        Behavior::receive(move |_ctx, Go(reply)| {
            gone.tell(Go(None));
            for target in [gone, silent] {
                assert!(target.ask(|reply| Go(Some(reply)), SOON).wait().is_err());
            }
            reply.into_iter().for_each(|reply| reply.send(0));
        })
    });
    let sender = pool.spawn("sender", sender).unwrap();
    assert_eq!(ask(sender), 0);
    pool.shutdown(SOON).unwrap();
    assert_eq!(recorder.place_of("handle silent"), child_of("ask silent"));
    // While the pool is there: its end would close whatever is left.
    recorder.assert_all_are_closed();
    drop(pool);
}

#[test]
fn s10_3_a_question_that_is_handed_on_or_stashed_keeps_its_parent_and_leaves_no_span_open() {
    let (recorder, _turn) = recorder();
    let pool = WorkerPool::builder()
        .workers(2)
        .tracing(Sampling::All)
        .start()
        .unwrap();
    let end = pool.spawn_on(1, "end", end(&channel().0)).unwrap();
    let desk = Props::new(move || {
        Behavior::receive(move |_ctx, Go(reply)| {
            reply
                .expect("it is asked")
                .forward(end, |reply| Go(Some(reply)));
        })
    });
    let desk = pool.spawn_on(0, "desk", desk).unwrap();
    let stashes = Props::new(move || {
        let mut stashed = false;
        Behavior::with_stash(10, move |_ctx| {
            Ok(Behavior::receive(
                move |ctx: &mut Context<'_, Go>, Go(reply)| {
                    if !std::mem::replace(&mut stashed, true) {
                        ctx.stash(Go(reply))?;
                        ctx.unstash_all();
                        return Ok(());
                    }
                    let asked = desk.ask(|reply| Go(Some(reply)), SOON).wait()?;
                    reply.into_iter().for_each(|reply| reply.send(asked));
                    Ok::<_, BoxError>(())
                },
            ))
        })
    });
    let stashes = pool.spawn_on(0, "stashes", stashes).unwrap();
    let first = pool.spawn_on(1, "first", step(Way::Ask, stashes)).unwrap();
    assert_eq!(ask(first), 7);
    pool.shutdown(SOON).unwrap();
    recorder.assert_all_are_closed();
    let made = recorder.made();
    let of = |name: &str| {
        made.iter()
            .filter(|made| made.name == name)
            .collect::<Vec<_>>()
    };
    let handled_twice = of("handle stashes");
    assert_eq!(handled_twice.len(), 2);
    for once in handled_twice {
        assert_eq!(once.parent.as_deref(), Some("ask stashes"));
    }
    assert_eq!(recorder.place_of("handle desk"), child_of("ask desk"));
    assert_eq!(recorder.place_of("ask end"), child_of("handle desk"));
    assert_eq!(recorder.place_of("handle end"), child_of("ask end"));
}

#[test]
fn s10_3_an_ask_is_open_until_it_ends_however_many_messages_are_sent_meanwhile() {
    let (recorder, _turn) = recorder();
    let pool = WorkerPool::builder()
        .workers(1)
        .tracing(Sampling::All)
        .start()
        .unwrap();
    let sink = Props::new(|| Behavior::receive(|_ctx, Go(_)| ()));
    let sink = pool.spawn("sink", sink).unwrap();
    let open = recorder.clone();
    let busy = Props::new(move || {
        let open = open.clone();
        Behavior::receive(move |_ctx, Go(reply)| {
            // More than are known while they are under way.
            (0..40_000).for_each(|_| sink.tell(Go(None)));
            let made = open.made();
            let ask = made
                .iter()
                .find(|made| made.name == "ask busy")
                .expect("it is made");
            assert!(!ask.is_closed);
            reply.into_iter().for_each(|reply| reply.send(7));
        })
    });
    let busy = pool.spawn("busy", busy).unwrap();
    let first = pool.spawn("first", step(Way::Ask, busy)).unwrap();
    assert_eq!(ask(first), 7);
    pool.shutdown(SOON).unwrap();
    recorder.assert_all_are_closed();
}
