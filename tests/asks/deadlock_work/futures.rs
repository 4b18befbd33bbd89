//! Cycles through a future.

use super::{Ended, HOUR, Told, assert_through_task, cycle_of, in_no_time, nothing, tell, told};
use crate::common::check_calm;
use nexus_actors::actor::TaskContext;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{Mailbox, Overflow, SendError};
use std::future::Future;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Waits for that future in a handler of `first`, which the other actor asks on behalf of it.
fn through_future<F>(
    workers: usize,
    future: impl Fn(ActorRef<Told>, ActorRef<Told>) -> F + Copy + Send + Sync + 'static,
) where
    F: Future<Output = Result<Ended, AskError>> + 'static,
{
    Sim::builder().workers(workers).check(0..50, |sim| {
        let first = sim.spawn_on(0, "first", told()).unwrap();
        let second = sim.spawn_on(workers - 1, "second", told()).unwrap();
        let asked = tell(first, move |ctx, _| {
            let answer = ctx.block_on(future(first, second))?;
            answer?
        });
        let error = asked.wait().unwrap().unwrap_err();
        assert_eq!(cycle_of(&error), ["/user/second", "/user/first"]);
        in_no_time(sim);
    });
}

/// Asks the second actor, which asks the first on behalf of that question.
fn there_and_back(first: ActorRef<Told>, second: ActorRef<Told>) -> Ask<Ended> {
    tell(second, move |_, reply| {
        first.ask(nothing, HOUR).wait_on_behalf_of(reply)?
    })
}

#[test]
fn s5_6_an_ask_that_is_awaited_in_a_handler_is_part_of_a_cycle_too() {
    for workers in [1, 2] {
        through_future(workers, there_and_back);
        through_future(workers, |first, second| {
            there_and_back(first, second).map(|answer| answer)
        });
        through_future(workers, |first, second| async move {
            // One after the other.
            second.ask(nothing, HOUR).await??;
            there_and_back(first, second).await
        });
    }
}

#[test]
fn s5_6_who_awaits_an_answer_from_itself_is_told_at_once() {
    check_calm(0..50, |sim| {
        let actor = sim.spawn("actor", told()).unwrap();
        let asked = tell(actor, move |ctx, _| {
            let own = ctx.self_ref();
            ctx.block_on(async move { own.ask(nothing, HOUR).await })??
        });
        let error = asked.wait().unwrap().unwrap_err();
        assert_eq!(cycle_of(&error), ["/user/actor"]);
        // In a task of the actor that waits for the task.
        let asked = tell(actor, move |ctx, _| {
            let task = ctx.spawn_task(move |task: &mut TaskContext<'_, Told>| {
                let asked = task.actor().ask(nothing, HOUR);
                task.block_on(asked).unwrap().and_then(|ended| ended)
            });
            task.wait().expect("it returns")
        });
        let error = asked.wait().unwrap().unwrap_err();
        assert_through_task(&error, ["/user/actor/$task-", "/user/actor"]);
        in_no_time(sim);
    });
}

enum Flood {
    Begin(ActorRef<Flood>),
    Drop,
}

/// Sends a message to an actor whose mailbox may be full.
type SendOne = fn(&mut Context<'_, Flood>, ActorRef<Flood>) -> Result<(), SendError<Flood>>;

/// Has two actors send into each other's small mailboxes until one send fails with a deadlock.
fn flood_each_other(send_one: SendOne) {
    let flooder = |log: &Arc<Mutex<Vec<String>>>| {
        let log = Arc::clone(log);
        let bound = Mailbox::bounded(2, Overflow::Backpressure).unwrap();
        Props::new(move || {
            let log = Arc::clone(&log);
            Behavior::receive(move |ctx, message| {
                if let Flood::Begin(other) = message {
                    let mut sent = (0..6).map(|_| send_one(ctx, other));
                    if let Some(error) = sent.find_map(Result::err) {
                        log.lock().unwrap().push(error.to_string());
                    }
                }
            })
        })
        .mailbox(bound)
    };
    let met = AtomicU64::new(0);
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..200, |sim| {
            let log = Arc::default();
            let a = sim.spawn_on(0, "a", flooder(&log)).unwrap();
            let b = sim.spawn_on(workers - 1, "b", flooder(&log)).unwrap();
            a.tell(Flood::Begin(b));
            b.tell(Flood::Begin(a));
            sim.run_until_idle();
            let log = log.lock().unwrap();
            assert!(log.len() <= 1, "{log:?}");
            let told = |text: &String| text.contains("a deadlock");
            assert!(log.iter().all(told), "{log:?}");
            assert_eq!(sim.waiting(), [], "nobody waits for ever");
            met.fetch_add(log.len() as u64, Relaxed);
        });
    }
    let met = met.into_inner();
    assert!(met > 50, "they have met {met} times");
}

#[test]
fn s5_6_two_full_mailboxes_that_wait_for_each_other_are_told_at_once() {
    flood_each_other(|_ctx, other| other.send(Flood::Drop));
}

#[test]
fn s5_6_two_full_mailboxes_that_are_awaited_for_room_are_told_at_once() {
    flood_each_other(|ctx, other| ctx.block_on(other.send_async(Flood::Drop)).unwrap());
}

#[test]
fn s5_6_who_tells_itself_something_while_it_waits_for_a_future_has_that_next() {
    Sim::builder().check(0..200, |sim| {
        let seen: Arc<Mutex<Vec<u32>>> = Arc::default();
        let log = Arc::clone(&seen);
        let itself = Props::new(move || {
            let log = Arc::clone(&log);
            Behavior::receive(move |ctx, number: u32| {
                if number < 3 {
                    let me = ctx.self_ref();
                    ctx.block_on(async move { me.tell(number + 1) })?;
                }
                log.lock().unwrap().push(number);
                Ok(())
            })
        });
        sim.spawn("itself", itself).unwrap().tell(1);
        sim.run_until_idle();
        assert_eq!(*seen.lock().unwrap(), [1, 2, 3]);
    });
}

#[test]
fn s5_6_a_future_that_something_else_can_wake_is_no_part_of_a_cycle() {
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..50, |sim| {
            let first = sim.spawn_on(0, "first", told()).unwrap();
            let second = sim.spawn_on(workers - 1, "second", told()).unwrap();
            let (wake, woken) = tokio::sync::oneshot::channel::<()>();
            let asked = tell(first, move |ctx, _| {
                let asked = there_and_back(first, second);
                let either = futures_util::future::select(asked, woken);
                ctx.block_on(either)?;
                Ok(())
            });
            sim.run_for(Duration::from_secs(1));
            wake.send(()).unwrap();
            assert_eq!(asked.wait(), Ok(Ok(())));
        });
    }
}
