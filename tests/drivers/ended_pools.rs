//! What holders of references to an ended pool, system or simulation are told: that it has ended,
//! in every way to ask, send, look up and start, and from every context.

use crate::common::*;
use nexus_actors::actor::TellError;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::pool::dead_letters_without_pool;
use nexus_actors::prelude::*;
use nexus_actors::routing::{OpenError, RouterError};
use nexus_actors::sim::Sim;
use nexus_actors::{
    DeadLetterReason, Group, LookupError, Router, SendError, SpawnError, Topic, all, first,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, LazyLock, mpsc};
use std::task::{self, Waker};
use std::thread;

type Question = Reply<u32>;
/// Too large to be stored inline with other messages in transit.
type Large = ([u64; 64], Question);

/// What existed before the end.
struct Ended {
    what: &'static str,
    node: WorkerNode,
    /// One actor for each kind of mailbox.
    actors: Vec<ActorRef<Question>>,
    large: ActorRef<Large>,
    topic: Topic<u32>,
    group: Group<u32>,
    router: nexus_actors::routing::RouterRef<Question>,
}

fn echoes() -> Props<Question> {
    echo(|| 7)
}

impl Ended {
    /// Starts all of them.
    fn begin(what: &'static str, node: WorkerNode) -> Self {
        let kinds = [
            Overflow::Fail,
            Overflow::DropNewest,
            Overflow::DropOldest,
            Overflow::Backpressure,
        ];
        let plain = node.spawn("plain", echoes()).unwrap();
        let mut actors = vec![plain];
        for (number, overflow) in kinds.into_iter().enumerate() {
            let props = echoes().mailbox(Mailbox::bounded(1, overflow).unwrap());
            actors.push(node.spawn(&format!("bounded-{number}"), props).unwrap());
        }
        let large = Props::new(|| Behavior::receive(|_ctx, (_, reply): Large| reply.send(7)));
        Self {
            what,
            actors,
            large: node.spawn("large", large).unwrap(),
            topic: Topic::open(&node, "topic").unwrap(),
            group: Group::open(&node, "group").unwrap(),
            router: Router::round_robin(2, echoes())
                .spawn(&node, "router")
                .unwrap(),
            node,
        }
    }
}

/// Runs a test with each kind of ended pool, with a handle left and without one.
fn with_ended(test: impl Fn(&Ended)) {
    let _watchdog = watchdog();
    let pool = pool_of(2).start().unwrap();
    let ended = Ended::begin("a pool", pool.node());
    pool.shutdown(SOON).unwrap();
    test(&ended);
    let pool = pool_of(2).start().unwrap();
    let ended = Ended::begin("a pool without handles", pool.node());
    drop(pool);
    test(&ended);
    let system = ActorSystem::new("system").unwrap();
    let ended = Ended::begin("a system", system.node());
    system.shutdown(SOON);
    test(&ended);
    let system = ActorSystem::new("system").unwrap();
    let ended = Ended::begin("a system without a handle", system.node());
    drop(system);
    test(&ended);
    let mut sim = Sim::builder().orderly().start().unwrap();
    let ended = Ended::begin("a simulation", sim.node(0));
    sim.shutdown(SOON);
    test(&ended);
    let sim = Sim::builder().orderly().start().unwrap();
    let ended = Ended::begin("a simulation without a handle", sim.node(1));
    drop(sim);
    test(&ended);
}

/// Runs code in a handler of a pool that is still running.
fn in_handler<R: Send + 'static>(
    code: impl Fn(&mut Context<'_, Reply<R>>) -> R + Send + Sync + 'static,
) -> R {
    let pool = pool_of(1).start().unwrap();
    let code = Arc::new(code);
    let asking = Props::new(move || {
        let code = Arc::clone(&code);
        Behavior::receive(move |ctx, reply: Reply<R>| {
            let answer = code(ctx);
            reply.send(answer);
        })
    });
    let asking = pool.spawn("asking", asking).unwrap();
    let answer = asking.ask(|reply| reply, SOON).wait().unwrap();
    pool.shutdown(SOON).unwrap();
    answer
}

fn awaited<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

fn elsewhere<R: Send>(code: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(code).join().unwrap())
}

/// Checks that an ask found that the pool has ended, and that its error names the target.
#[track_caller]
fn has_ended<R: std::fmt::Debug>(what: &str, asked: Result<R, AskError>) {
    match asked {
        Err(AskError::PoolClosed(details)) => {
            assert!(details.target().is_some(), "{what}: {details:?}");
        }
        other => panic!("{what}: the pool has ended, but: {other:?}"),
    }
}

#[test]
fn s5_8_every_way_to_ask_says_that_the_pool_has_ended() {
    with_ended(|ended| {
        for actor in ended.actors.iter().copied() {
            let what = format!("{}, {:?}", ended.what, actor.id());
            let ask = move || actor.ask(|reply| reply, NEVER);
            has_ended(&format!("{what}, waited for"), ask().wait());
            has_ended(&format!("{what}, awaited"), awaited(ask()));
            has_ended(&format!("{what}, mapped"), ask().map(|it| it).wait());
            has_ended(
                &format!("{what}, awaited mapped"),
                awaited(ask().map(|it| it)),
            );
            let two = || [ask(), ask()];
            has_ended(&format!("{what}, all"), all(two()).wait());
            has_ended(&format!("{what}, first"), first(two()).wait());
            let part = actor.contramap(|reply: Question| reply);
            has_ended(
                &format!("{what}, in part"),
                part.ask(|reply| reply, NEVER).wait(),
            );
            let there = elsewhere(move || ask().wait());
            has_ended(&format!("{what}, on another thread"), there);
            let there = elsewhere(move || awaited(ask()));
            has_ended(&format!("{what}, awaited on another thread"), there);
            let there = elsewhere(ask).wait();
            has_ended(&format!("{what}, asked on another thread"), there);
            let there = in_handler(move |_ctx| ask().wait());
            has_ended(&format!("{what}, in a handler"), there);
            let there = in_handler(move |ctx| ctx.block_on(ask()).unwrap());
            has_ended(&format!("{what}, awaited in a handler"), there);
            let there = in_handler(move |ctx| {
                let task = ctx.spawn_task(move |_task| ask().wait());
                task.wait().unwrap()
            });
            has_ended(&format!("{what}, in a task"), there);
            let there = in_handler(move |ctx| ctx.run_blocking(move || ask().wait()).unwrap());
            has_ended(&format!("{what}, on a side thread"), there);
        }
        let what = ended.what;
        let large = ended.large;
        let ask = move || large.ask(|reply| ([0; 64], reply), NEVER);
        has_ended(what, ask().wait());
        has_ended(what, in_handler(move |_ctx| ask().wait()));
        has_ended(what, ended.topic.stats(NEVER).wait());
        has_ended(what, ended.group.members(NEVER).wait());
        has_ended(what, ended.group.owner_of("key", NEVER).wait());
        has_ended(what, ended.router.ask(|reply| reply, NEVER).wait());
        has_ended(what, ended.router.ask_first(|reply| reply, NEVER).wait());
        has_ended(what, ended.router.resize(3, NEVER).wait());
    });
}

#[test]
fn s5_8_a_question_that_was_handed_on_to_an_ended_pool_says_so_too() {
    with_ended(|ended| {
        for actor in ended.actors.iter().copied() {
            let pool = pool_of(1).start().unwrap();
            let hands_on = Props::new(move || {
                Behavior::receive(move |_ctx, reply: Question| reply.forward(actor, |it| it))
            });
            let hands_on = pool.spawn("hands-on", hands_on).unwrap();
            let asked = hands_on.ask(|reply| reply, NEVER).wait();
            has_ended(ended.what, asked);
            pool.shutdown(SOON).unwrap();
        }
    });
}

/// A question whose answer nothing waits for.
fn message() -> Question {
    static SOMEBODY: LazyLock<(WorkerPool, ActorRef<()>)> = LazyLock::new(|| {
        let pool = pool_of(1).start().unwrap();
        let somebody = pool.spawn("somebody", Props::new(Behavior::empty));
        (pool, somebody.unwrap())
    });
    let mut made = None;
    drop(SOMEBODY.1.ask(|reply| made = Some(reply), SOON));
    made.unwrap()
}

#[test]
fn s1_4_what_is_sent_to_an_ended_pool_is_given_back_for_that_reason() {
    with_ended(|ended| {
        for actor in ended.actors.iter().copied() {
            let what = format!("{}, {:?}", ended.what, actor.id());
            let tell = move || matches!(actor.try_tell(message()), Err(TellError::PoolClosed(_)));
            let send = move || matches!(actor.send(message()), Err(SendError::PoolClosed(_)));
            let send_async = move || {
                matches!(
                    awaited(actor.send_async(message())),
                    Err(SendError::PoolClosed(_))
                )
            };
            assert!(tell() && send() && send_async(), "{what}");
            assert!(
                elsewhere(move || tell() && send() && send_async()),
                "{what}"
            );
            assert!(in_handler(move |_ctx| tell() && send()), "{what}");
        }
    });
}

#[test]
fn s7_1_what_is_told_to_an_ended_pool_is_a_dead_letter_for_that_reason() {
    let tell = |ended: &Ended| {
        ended.actors.iter().for_each(|actor| actor.tell(message()));
        ended.actors[0].tell_all([message(), message()]);
        ended.topic.publish(1);
        ended.router.tell(message());
        let actors = ended.actors.clone();
        in_handler(move |_ctx| actors.iter().for_each(|actor| actor.tell(message())));
        ended.actors.len() as u64 * 2 + 4
    };
    let pool = pool_of(2).start().unwrap();
    let ended = Ended::begin("a pool", pool.node());
    pool.shutdown(SOON).unwrap();
    let told = tell(&ended);
    let letters = pool.dead_letters();
    assert_eq!(letters.count(DeadLetterReason::PoolClosed), told);
    assert_eq!(letters.total(), told);
    let system = ActorSystem::new("system").unwrap();
    let ended = Ended::begin("a system", system.node());
    system.shutdown(SOON);
    let told = tell(&ended);
    assert_eq!(
        system.dead_letters().count(DeadLetterReason::PoolClosed),
        told
    );
    let mut sim = Sim::builder().orderly().start().unwrap();
    let ended = Ended::begin("a simulation", sim.node(0));
    sim.shutdown(SOON);
    let told = tell(&ended);
    assert_eq!(sim.dead_letters().count(DeadLetterReason::PoolClosed), told);
    // Without handles, the pool's only dead letters are these, and other tests add to them.
    let pool = pool_of(2).start().unwrap();
    let ended = Ended::begin("a pool without handles", pool.node());
    drop(pool);
    let before = dead_letters_without_pool().count(DeadLetterReason::PoolClosed);
    let told = tell(&ended);
    let after = dead_letters_without_pool().count(DeadLetterReason::PoolClosed);
    assert!(after >= before + told);
}

#[test]
fn s8_3_an_ended_pool_is_said_to_have_ended_by_lookups_and_starts() {
    with_ended(|ended| {
        let Ended { what, node, .. } = ended;
        let look_up = |path: &str| node.lookup::<Question>(path);
        for path in ["/user/plain", "/user/nobody", "/topic/topic", "no path"] {
            assert_eq!(
                look_up(path),
                Err(LookupError::PoolClosed),
                "{what}, {path}"
            );
        }
        let closed = |started: Result<ActorRef<Question>, SpawnError>| {
            assert!(
                matches!(started, Err(SpawnError::PoolClosed)),
                "{what}: {started:?}"
            );
        };
        closed(node.spawn("new", echoes()));
        closed(node.spawn("plain", echoes()));
        closed(node.spawn_on(0, "new", echoes()));
        closed(node.spawn_near(ended.actors[0], "new", echoes()));
        node.spawn_all([("one", echoes()), ("other", echoes())])
            .into_iter()
            .for_each(closed);
        node.spawn_all_anonymous([echoes()])
            .into_iter()
            .for_each(closed);
        closed(node.spawn(
            "once",
            Once::new(|| Behavior::receive(|_ctx, _: Question| ())),
        ));
        let there = node.clone();
        closed(in_handler(move |_ctx| there.spawn("new", echoes())));
        let there = node.clone();
        closed(elsewhere(move || there.spawn("new", echoes())));
        for name in ["topic", "new"] {
            let opened = Topic::<u32>::open(node, name);
            let ended = matches!(opened, Err(OpenError::Spawn(SpawnError::PoolClosed)));
            assert!(ended, "{what}: {opened:?}");
            let opened = Group::<u32>::open(node, name);
            let ended = matches!(opened, Err(OpenError::Spawn(SpawnError::PoolClosed)));
            assert!(ended, "{what}: {opened:?}");
        }
        let router = Router::round_robin(1, echoes()).spawn(node, "new");
        let ended = matches!(router, Err(RouterError::Spawn(SpawnError::PoolClosed)));
        assert!(ended, "{what}: {router:?}");
    });
}

#[test]
fn s5_8_asks_that_were_begun_before_the_end_come_to_it() {
    // An answer that arrived in time remains the answer, even if it is looked at after the end.
    let system = ActorSystem::new("system").unwrap();
    let actor = system.spawn("actor", echoes()).unwrap();
    let (waited, polled) = (
        actor.ask(|reply| reply, SOON),
        actor.ask(|reply| reply, SOON),
    );
    system.shutdown(SOON);
    assert_eq!(waited.wait(), Ok(7));
    assert_eq!(awaited(polled), Ok(7));
    // An ask whose reply is held outside ends with the system, even if it is awaited only then.
    let system = ActorSystem::new("system").unwrap();
    let (keep, kept) = mpsc::channel();
    let keeper = Props::new(move || {
        let keep = keep.clone();
        Behavior::receive(move |_ctx, reply: Question| keep.send(reply).unwrap())
    });
    let keeper = system.spawn("keeper", keeper).unwrap();
    let asks = [(); 3].map(|()| keeper.ask(|reply| reply, NEVER));
    system.run_until_idle();
    let replies: Vec<_> = kept.try_iter().collect();
    assert_eq!(replies.len(), 3);
    let [one, other, moved] = asks;
    system.shutdown(SOON);
    has_ended("waited for", one.wait());
    has_ended("awaited", awaited(other));
    // On another thread, nothing more is known about the ask.
    let moved = elsewhere(move || moved.wait()).unwrap_err();
    assert_eq!(moved.kind(), AskErrorKind::PoolClosed, "{moved}");
    drop(replies);
}

#[test]
fn s5_8_a_task_that_awaits_an_answer_is_woken_by_the_end_of_the_system() {
    let _watchdog = watchdog();
    let mut sim = Sim::builder().orderly().start().unwrap();
    let (keep, kept) = mpsc::channel();
    let keeper = Props::new(move || {
        let keep = keep.clone();
        Behavior::receive(move |_ctx, reply: Question| keep.send(reply).unwrap())
    });
    let keeper = sim.spawn("keeper", keeper).unwrap();
    let mut asked = keeper.ask(|reply| reply, NEVER);
    sim.run_until_idle();
    // Polled on another thread, as by another executor.
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let polled = elsewhere(|| {
        let mut context = task::Context::from_waker(&waker);
        Pin::new(&mut asked).poll(&mut context).is_pending()
    });
    assert!(polled && !woken.0.load(SeqCst));
    sim.shutdown(SOON);
    assert!(woken.0.load(SeqCst), "nobody wakes it");
    has_ended("polled", awaited(asked));
    drop(kept);
}

#[derive(Default)]
struct Woken(AtomicBool);

impl task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

#[cfg(feature = "async")]
#[test]
fn s1_11_streams_and_sinks_of_an_ended_pool_say_so() {
    use futures_util::{SinkExt, StreamExt};
    with_ended(|ended| {
        let stream = nexus_actors::streams::stream::<u32>(&ended.node, Mailbox::unbounded());
        assert!(
            matches!(stream, Err(SpawnError::PoolClosed)),
            "{}",
            ended.what
        );
        for actor in ended.actors.iter().copied() {
            let sent = awaited(actor.sink().send(message()));
            assert!(
                matches!(sent, Err(SendError::PoolClosed(Some(_)))),
                "{}",
                ended.what
            );
        }
    });
    // With a permit that was taken before the end.
    let pool = pool_of(1).start().unwrap();
    let mailbox = Mailbox::bounded(2, Overflow::Backpressure).unwrap();
    let actor = pool.spawn("actor", echoes().mailbox(mailbox)).unwrap();
    let (fed, stream) =
        nexus_actors::streams::stream::<u32>(&pool.node(), Mailbox::unbounded()).unwrap();
    fed.tell(1);
    let mut sink = actor.sink();
    awaited(std::future::poll_fn(|cx| sink.poll_ready_unpin(cx))).unwrap();
    pool.shutdown(SOON).unwrap();
    let sent = sink.start_send_unpin(message());
    assert!(
        matches!(sent, Err(SendError::PoolClosed(Some(_)))),
        "{sent:?}"
    );
    assert_eq!(awaited(stream.collect::<Vec<_>>()), [1]);
}
