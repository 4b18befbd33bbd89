//! Asks that are given up, forwarded, awaited on behalf of others, and joined.

mod given_up;
mod joined;
mod on_behalf;
mod taken_back;

use crate::common::{SEEDS, ms};
use nexus_actors::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// What an actor does with a question.
enum Job {
    /// Answers with the number after that time.
    After(Duration, u64, Reply<u64>),
    /// Never answers, and drops the reply at once.
    Drop(Reply<u64>),
    /// Keeps the actor busy.
    Sleep(Duration),
}

fn worker(handled: &Arc<Mutex<Vec<u64>>>) -> Props<Job> {
    let handled = Arc::clone(handled);
    Props::new(move || {
        let handled = Arc::clone(&handled);
        Behavior::receive(move |ctx, job| {
            match job {
                Job::After(time, number, reply) => {
                    handled.lock().unwrap().push(number);
                    if !time.is_zero() {
                        ctx.sleep(time)?;
                    }
                    reply.send(number);
                }
                Job::Drop(reply) => drop(reply),
                Job::Sleep(time) => ctx.sleep(time)?,
            }
            Ok(())
        })
    })
}

/// An actor that runs closures.
fn runner() -> Props<Box<dyn FnOnce() + Send>> {
    Props::new(|| Behavior::receive(|_ctx, work: Box<dyn FnOnce() + Send>| work()))
}

/// Answers after that time.
fn slow(time: Duration) -> Props<Reply<()>> {
    Props::new(move || {
        Behavior::receive(move |ctx, reply: Reply<()>| {
            ctx.sleep(time)?;
            reply.send(());
            Ok(())
        })
    })
}
