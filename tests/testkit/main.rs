//! The test kit: section 9 of the contract, and the dead letters of section 7.

#[path = "../common/mod.rs"]
mod common;

mod alone;
mod ends;
mod losses;
mod probes;
mod waiting;

use common::{pool_of, with_pool};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

const ZERO: Duration = Duration::ZERO;
const HOUR: Duration = Duration::from_secs(3600);

/// So short that waiting for it in vain does not delay a test much.
const BRIEF: Duration = Duration::from_millis(30);

const SEEDS: u64 = 12;

/// Runs a scenario under every driver, and with several seeds if the driver has seeds. A new driver
/// is added here.
fn everywhere(scenario: impl Fn(&WorkerNode)) {
    under_threads(&scenario);
    under_simulation(&scenario);
    on_this_thread(&scenario);
}

fn on_this_thread(scenario: impl Fn(&WorkerNode)) {
    let system = ActorSystem::builder().on_failure(|_| ()).start().unwrap();
    scenario(&system.node());
    let report = system.shutdown(HOUR);
    assert_eq!((report.forced, report.stuck_workers.len()), (0, 0));
    assert_eq!(system.stats().late_replies, 0);
}

fn under_threads(scenario: impl Fn(&WorkerNode)) {
    for workers in [1, 2] {
        with_pool(pool_of(workers).on_failure(|_| ()), |pool| {
            scenario(&pool.node());
        });
    }
}

fn under_simulation(scenario: impl Fn(&WorkerNode)) {
    for seed in 0..SEEDS {
        let workers = 1 + seed as usize % 3;
        let mut sim = Sim::builder().seed(seed).workers(workers).start().unwrap();
        scenario(&sim.node(workers - 1));
        assert_eq!(sim.pending().waits, 0, "nobody waits any more");
        let report = sim.shutdown(HOUR);
        assert_eq!((report.forced, report.stuck_workers.len()), (0, 0));
        assert_eq!(sim.stats().late_replies, 0);
        assert!(sim.pending().is_empty(), "{:?}", sim.pending());
    }
}

/// Returns the text of the panic with which `code` must end.
#[track_caller]
fn panics<R>(code: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(code)) else {
        panic!("it is to panic");
    };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
    }
}

fn tell_all<M: Send + 'static>(to: ActorRef<M>, messages: impl IntoIterator<Item = M>) {
    messages.into_iter().for_each(|message| to.tell(message));
}

/// Sends a number to that actor after a delay.
fn later(to: ActorRef<u32>) -> Props<(Duration, u32)> {
    Props::new(move || {
        Behavior::receive(move |ctx, (after, number)| {
            ctx.sleep(after)?;
            to.tell(number);
            Ok(())
        })
    })
}

fn other_worker(node: &WorkerNode) -> usize {
    (node.index() + 1) % node.workers()
}

enum Shop {
    Sell(u32),
    Sold(Reply<u32>),
    Nap(Duration),
    Hire(&'static str),
    Fire(&'static str),
    Ignore,
    Break,
    Panic,
    Close,
    Keep(Reply<u32>),
    Again(Box<Shop>),
}

fn shop() -> Behavior<Shop> {
    let kept = Rc::new(Cell::new(None));
    Behavior::with_state(0, move |sold, ctx, message| {
        match message {
            Shop::Sell(pieces) => *sold += pieces,
            Shop::Sold(reply) => reply.send(*sold),
            Shop::Nap(time) => ctx.sleep(time)?,
            Shop::Hire(name) => {
                ctx.spawn(
                    name,
                    Props::new(|| Behavior::receive(|_ctx, _: u8| Next::Stop)),
                )?;
            }
            Shop::Fire(name) => {
                let brief = Props::new(|| Behavior::receive(|_ctx, _: u8| Next::Stop));
                ctx.spawn_anonymous(brief)?.tell(1);
                ctx.self_ref().tell(Shop::Hire(name));
            }
            Shop::Ignore => return Ok(Next::Unhandled),
            Shop::Break => return Err(BoxError::from("out of order")),
            Shop::Panic => panic!("planned"),
            Shop::Close => return Ok(Next::Stop),
            Shop::Keep(reply) => kept.set(Some(reply)),
            Shop::Again(message) => ctx.self_ref().tell(*message),
        }
        Ok(Next::Same)
    })
}
