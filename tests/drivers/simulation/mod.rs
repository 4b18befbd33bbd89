//! Simulation: section 9 of the contract.

mod checks;
mod driving;
mod faults;
mod seeds;
mod time;
mod trace;

use crate::common::LONG;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, Trace};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

enum Count {
    Add(u64),
    Get(Reply<u64>),
    Keep(Reply<u64>),
}

fn counter() -> Props<Count> {
    Props::new(|| {
        let mut kept = Vec::new();
        Behavior::with_state(0, move |sum: &mut u64, _ctx, message| match message {
            Count::Add(number) => *sum += number,
            Count::Get(reply) => reply.send(*sum),
            Count::Keep(reply) => kept.push(reply),
        })
    })
}

fn sleeper() -> Props<Duration> {
    Props::new(|| Behavior::receive(|ctx, length: Duration| Ok(ctx.sleep(length)?)))
}

/// Returns the text of the panic with which `code` ends.
fn panic_of(code: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(code)).expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
    }
}

/// Checks that each message sent was handled, was lost, or is waiting, and that nothing is left at the end.
fn finish(mut sim: Sim) -> Trace {
    sim.shutdown(LONG);
    let stats = sim.stats();
    assert_eq!(
        stats.sent(),
        stats.handled() + stats.dead_letters + stats.queued(),
        "{stats:?}"
    );
    assert!(
        sim.has_ended() && sim.pending().is_empty(),
        "{:?}",
        sim.pending()
    );
    sim.trace()
}
