//! Which handler has overflowed its stack: reported from a signal handler, on the thread that runs the
//! actor's handler.
//!
//! So this code takes no lock, and neither allocates nor frees memory. The thread does nothing else
//! meanwhile, but the interrupted function may have been using some cell: what is out of its cell at that
//! moment is left out of the report.

use std::fmt::{self, Write};

use super::current::with_current;
use super::state::Shard;
use super::tree::GUARDIAN;
use crate::address::Key;
use crate::fiber::Report;

/// How many ancestors with generated names a path shows: above them it is cut.
const MOST_ANCESTORS: usize = 32;

/// Reports an overflow, if the address lies in the guard of the stack that this thread runs on.
pub(super) fn tell_of_overflow(address: usize, report: &mut Report) -> bool {
    with_current(|shard| {
        let Some(shard) = shard else { return false };
        let Some(stack_size) = shard.fibers.overflown(address) else {
            return false;
        };
        // A report returns no errors of its own.
        let _ = write_report(shard, stack_size, report);
        true
    })
}

fn write_report(shard: &Shard, stack_size: usize, to: &mut Report) -> fmt::Result {
    to.write_str("\nnexus-actors: stack overflow ")?;
    match shard.last_handler() {
        Some((key, true)) => {
            to.write_str("in a handler of ")?;
            write_actor(shard, key, to)?;
        }
        Some((key, false)) => {
            to.write_str("outside of handlers; the last one was of ")?;
            write_actor(shard, key, to)?;
        }
        None => to.write_str("outside of handlers")?,
    }
    let (worker, pool) = (shard.home.worker(), &shard.core.name);
    writeln!(
        to,
        "\n  on worker {worker} of the pool {pool:?}, on a stack of {stack_size} bytes\n  \
         for more, see Props::stack_size for one actor, and stack_size of the builder for all"
    )
}

fn write_actor(shard: &Shard, key: Key, to: &mut Report) -> fmt::Result {
    write_path(shard, key.slot(), to)?;
    let (id, message_type) = (shard.id_of(key), shard.slot(key.slot()).message_type());
    write!(to, " ({id}), which handles {message_type}")
}

/// Writes the path of an actor, as `path_of` makes it, but straight into the report.
fn write_path(shard: &Shard, index: u32, to: &mut Report) -> fmt::Result {
    let mut generated = [GUARDIAN; MOST_ANCESTORS];
    let (mut at, mut count) = (index, 0);
    loop {
        if at == GUARDIAN {
            to.write_str("/user")?;
            break;
        }
        let slot = shard.slot(at);
        if let Some(written) = slot.look_at_given_path(|path| to.write_str(path.as_str())) {
            written?;
            break;
        }
        if count == MOST_ANCESTORS {
            to.write_str("..")?;
            break;
        }
        generated[count] = at;
        count += 1;
        at = slot.parent.get();
    }
    for at in generated[..count].iter().rev() {
        let slot = shard.slot(*at);
        let generation = slot.generation();
        if slot.attention.is_task() {
            write!(to, "/$task-{at:x}.{generation:x}")?;
        } else {
            write!(to, "/${:x}.{at:x}.{generation:x}", shard.home.worker())?;
        }
    }
    Ok(())
}
