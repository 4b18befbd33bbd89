//! Pools, and what happens in them.

use nexus_actors::pool::PoolStats;
use nexus_actors::prelude::*;
use nexus_actors::testkit::expect_terminated;
use nexus_actors_metrics::PoolMetrics;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) enum Do {
    Nothing,
    Leave,
    Fail,
    Stash,
    Sleep(Duration),
    /// Asks an actor, and waits for the answer or the end of that time.
    Ask(ActorRef<Reply<u32>>, Duration),
    /// Asks an actor that tells the sender of this channel, and gives the answer up then.
    GiveUp(ActorRef<Keep>),
    AskItself,
    Reply(Reply<u32>),
    /// Says that everything before it was handled.
    Say(Sender<()>),
}

pub(crate) fn doer() -> Props<Do> {
    Props::new(|| {
        Behavior::with_stash(10, |_ctx| {
            Ok(Behavior::receive(|ctx: &mut Context<'_, Do>, what| {
                match what {
                    Do::Nothing => {}
                    Do::Leave => return Ok(Next::Unhandled),
                    Do::Fail => return Err(BoxError::from("planned")),
                    Do::Stash => ctx.stash(Do::Nothing).map_err(|full| full.to_string())?,
                    Do::Sleep(time) => ctx.sleep(time)?,
                    Do::Ask(whom, within) => drop(whom.ask(|reply| reply, within).wait()),
                    Do::GiveUp(keeper) => {
                        let (keeps, kept) = channel();
                        let ask = keeper.ask(|reply| Keep::It(reply, keeps), SOON);
                        // The question leaves the worker when the handler lets go of it.
                        while kept.try_recv().is_err() {
                            ctx.yield_now()?;
                        }
                        ask.cancel();
                    }
                    Do::AskItself => drop(ctx.self_ref().ask(Do::Reply, SOON).wait()),
                    Do::Reply(reply) => reply.send(1),
                    Do::Say(done) => done.send(())?,
                }
                Ok(Next::Same)
            }))
        })
    })
}

/// An actor that drops the reply.
pub(crate) fn mute() -> Props<Reply<u32>> {
    Props::receive(|_ctx, reply: Reply<u32>| drop(reply))
}

/// An actor that never answers.
fn hoarder() -> Props<Reply<u32>> {
    Props::new(|| {
        Behavior::with_state(Vec::new(), |kept, _ctx, reply: Reply<u32>| kept.push(reply))
    })
}

/// An actor that fails with each message.
fn broken() -> Props<Reply<u32>> {
    Props::receive(|_ctx, _: Reply<u32>| Err::<(), _>(BoxError::from("planned")))
}

pub(crate) enum Keep {
    /// Keeps the reply, and says so.
    It(Reply<u32>, Sender<()>),
    /// Answers all, and says how many.
    Answer(Sender<usize>),
}

pub(crate) fn keeper() -> Props<Keep> {
    Props::new(|| {
        Behavior::with_state(Vec::new(), |kept, _ctx, what| match what {
            Keep::It(reply, keeps) => {
                kept.push(reply);
                Ok::<_, BoxError>(keeps.send(())?)
            }
            Keep::Answer(answered) => {
                answered.send(kept.len())?;
                kept.drain(..).for_each(|reply: Reply<u32>| reply.send(1));
                Ok(())
            }
        })
    })
}

/// An actor that asks a keeper, and waits for the answer.
pub(crate) fn waiter(keeper: ActorRef<Keep>, keeps: Sender<()>) -> Props<Reply<u32>> {
    Props::receive(move |_ctx, reply: Reply<u32>| {
        let keeps = keeps.clone();
        let answer = keeper.ask(|reply| Keep::It(reply, keeps), SOON).wait()?;
        reply.send(answer);
        Ok(())
    })
}

pub(crate) fn pool(name: &str, workers: usize, metrics: &PoolMetrics) -> WorkerPool {
    WorkerPool::builder()
        .name(name)
        .workers(workers)
        .supervising(SupervisorStrategy::one_for_one().without_limit())
        .on_failure(|_| {})
        .observer(metrics.observer())
        .start()
        .unwrap()
}

/// Returns when the actor has handled all that it was sent.
pub(crate) fn handled(actor: ActorRef<Do>) {
    let (done, until) = channel();
    actor.tell(Do::Say(done));
    until.recv_timeout(SOON).unwrap();
}

/// A little of much: 14 messages for an actor of the first worker, and 13 for one of the second, and one that asks.
pub(crate) fn busy_life(pool: &WorkerPool) {
    let first = pool.spawn_on(0, "first", doer()).unwrap();
    let second = pool.spawn_on(1, "second", doer()).unwrap();
    let mute = pool.spawn_on(1, "mute", mute()).unwrap();
    for _ in 0..10 {
        first.tell(Do::Nothing);
        second.tell(Do::Nothing);
    }
    first.tell(Do::Leave);
    first.tell(Do::Fail);
    first.tell(Do::Ask(mute, SOON));
    second.tell(Do::Stash);
    second.tell(Do::Stash);
    handled(first);
    handled(second);
}

/// Asks of an actor of the first worker that end in each way, each way another number of times. Seven replies come
/// late.
pub(crate) fn asks_in_vain(pool: &WorkerPool) {
    let asker = pool.spawn_on(0, "asker", doer()).unwrap();
    let keeper = pool.spawn_on(1, "keeper", keeper()).unwrap();
    let mute = pool.spawn_on(1, "silent", mute()).unwrap();
    let hoarder = pool.spawn_on(1, "hoarder", hoarder()).unwrap();
    let broken = pool.spawn_on(1, "broken", broken()).unwrap();
    let stopped = pool.spawn_on(1, "stopped", self::mute()).unwrap();
    stopped.stop();
    expect_terminated(stopped, SOON);
    // Its first message is being handled, and its second one takes all the room.
    let (keeps, kept) = channel();
    let full = waiter(keeper, keeps).mailbox(Mailbox::bounded(1, Overflow::Fail).unwrap());
    let full = pool.spawn_on(1, "full", full).unwrap();
    let first = full.ask(|reply| reply, SOON);
    kept.recv_timeout(SOON).unwrap();
    let second = full.ask(|reply| reply, SOON);

    asker.tell(Do::Ask(mute, SOON));
    (0..8).for_each(|_| asker.tell(Do::Ask(hoarder, Duration::from_millis(1))));
    (0..3).for_each(|_| asker.tell(Do::Ask(stopped, SOON)));
    (0..4).for_each(|_| asker.tell(Do::Ask(broken, SOON)));
    (0..5).for_each(|_| asker.tell(Do::Ask(full, SOON)));
    (0..6).for_each(|_| asker.tell(Do::AskItself));
    (0..7).for_each(|_| asker.tell(Do::GiveUp(keeper)));
    handled(asker);

    let (answers, answered) = channel();
    keeper.tell(Keep::Answer(answers.clone()));
    assert_eq!(answered.recv_timeout(SOON), Ok(8));
    assert_eq!(first.wait(), Ok(1));
    kept.recv_timeout(SOON).unwrap();
    keeper.tell(Keep::Answer(answers));
    assert_eq!(answered.recv_timeout(SOON), Ok(1));
    assert_eq!(second.wait(), Ok(1));
}

/// Counts that stay as they are: those of a pool that has ended.
pub(crate) fn ended(pool: &WorkerPool) -> PoolStats {
    pool.shutdown(SOON).unwrap();
    pool.stats()
}

/// Returns when that is so.
#[track_caller]
pub(crate) fn eventually(what: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !what() {
        assert!(Instant::now() < deadline, "it never came");
        thread::yield_now();
    }
}
