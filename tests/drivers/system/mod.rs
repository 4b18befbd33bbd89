//! The current-thread driver: section 9 of the contract, and what it has in common with the pool.

mod asks;
mod borrowed;
mod end;
mod nested;
mod several;
mod shared;
mod time;

use crate::common::*;
use nexus_actors::pool::{ManualTime, TimeSource};
use nexus_actors::prelude::*;
use nexus_actors::system::ActorSystemBuilder;
use std::cell::RefCell;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(20);

enum Count {
    Add(u64),
    Get(Reply<u64>),
}

fn counter() -> Props<Count> {
    Props::new(|| {
        Behavior::with_state(0, |sum: &mut u64, _ctx, message| match message {
            Count::Add(number) => *sum += number,
            Count::Get(reply) => reply.send(*sum),
        })
    })
}

/// Sleeps, and then answers with the current time.
fn sleeper(length: Duration) -> Props<Reply<Duration>> {
    Props::new(move || {
        Behavior::receive(move |ctx, reply: Reply<Duration>| {
            ctx.sleep(length)?;
            reply.send(ctx.now());
            Ok(())
        })
    })
}

/// Keeps every reply.
fn mute<R: Send + 'static>() -> Props<Reply<R>> {
    Props::new(|| {
        let mut kept = Vec::new();
        Behavior::receive(move |_ctx, reply: Reply<R>| kept.push(reply))
    })
}

fn system() -> ActorSystem {
    ActorSystem::new("test").expect("a system starts")
}

fn manual() -> (ActorSystem, ManualTime) {
    let time = ManualTime::new();
    let builder = ActorSystem::builder().time_source(TimeSource::Manual(time.clone()));
    (builder.start().expect("a system starts"), time)
}

/// Shuts a system down. No force may be needed, and every message must be accounted for.
#[track_caller]
fn end(system: &ActorSystem) {
    assert_eq!(system.shutdown(SOON).forced, 0);
    assert!(system.has_ended());
    conserved(system);
}

/// Checks that each message sent was handled, was lost, or is waiting.
#[track_caller]
fn conserved(system: &ActorSystem) {
    let stats = system.stats();
    let accounted = stats.handled() + stats.dead_letters + stats.queued();
    assert_eq!(stats.sent(), accounted, "{stats:?}");
}

/// Runs a test with one system, and ends it.
fn with_system(builder: ActorSystemBuilder, test: impl FnOnce(&ActorSystem)) {
    let _watchdog = watchdog();
    let system = builder.start().expect("a system starts");
    test(&system);
    end(&system);
}

thread_local! {
    /// Values that are not `Send`, for the handlers of this thread.
    static SMUGGLED: RefCell<Vec<Box<dyn std::any::Any>>> = const { RefCell::new(Vec::new()) };
}

fn smuggle<T: 'static>(value: T) {
    SMUGGLED.with_borrow_mut(|all| all.push(Box::new(value)));
}

fn smuggled<T: 'static>() -> T {
    let value = SMUGGLED
        .with_borrow_mut(Vec::pop)
        .expect("it was put there");
    *value.downcast().expect("it is of that type")
}

/// Sleeps for ever with a value on its stack, and reports its end.
fn stuck(log: &Log) -> Props<()> {
    let log = log.clone();
    Props::new(move || {
        let (handling, told) = (log.clone(), log.clone());
        Behavior::receive(move |ctx, (): ()| {
            let log = handling.clone();
            let _on_stack = OnDrop(move || log.add("unwound"));
            Ok(ctx.sleep(NEVER)?)
        })
        .on_signal(move |_ctx, signal| {
            if matches!(signal, Signal::PostStop(_)) {
                told.add("told");
            }
            Ok(())
        })
    })
}
