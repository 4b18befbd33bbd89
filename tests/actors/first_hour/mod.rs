//! What a new user of this crate meets in the first hour: an actor that fails continues, an error says what
//! has failed, handlers that may fail are simple to write, and names and paths are at hand.

mod failures;
mod get_or_spawn;
mod handlers;
mod names_and_paths;
mod plain_values;
mod restarts_and_ends;

use crate::common::{SIZES, SOON, with_pool};
use nexus_actors::prelude::*;

/// Runs a test with pools as a new user of this crate has them.
fn with_pools(test: impl Fn(&WorkerPool)) {
    for workers in SIZES {
        with_pool(WorkerPool::builder().workers(workers), &test);
    }
}

/// An actor that counts, that may fail, and that reports its count.
enum Count {
    On,
    Fail,
    Panic,
    Say(Reply<u32>),
    FailAsked(Reply<u32>),
    PanicAsked(Reply<u32>),
}

fn count(count: &mut u32, message: Count) -> Result<(), BoxError> {
    match message {
        Count::On => *count += 1,
        Count::Fail => Err("planned")?,
        Count::Panic => panic!("planned"),
        Count::Say(reply) => reply.send(*count),
        Count::FailAsked(_reply) => Err("planned")?,
        Count::PanicAsked(_reply) => panic!("planned"),
    }
    Ok(())
}

fn counter() -> Props<Count> {
    Props::new(|| Behavior::with_state(0, |sum: &mut u32, _ctx, message| count(sum, message)))
}

fn said(actor: ActorRef<Count>) -> u32 {
    actor.ask(Count::Say, SOON).wait().expect("it lives")
}
