//! Stacks: what an overflow reports, how large stacks are, and how deeply they were used.
#![allow(unsafe_code)] // one test reads unmapped memory, and one installs a signal handler

#[path = "../common/mod.rs"]
mod common;

mod marks;
mod not_told;
mod own;
mod told;

use common::{SOON, run_again, watchdog};
use nexus_actors::prelude::*;
use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::thread;

const CHILD: &str = "NEXUS_ACTORS_STACK_CHILD";

/// Uses that many bytes of the current stack.
fn dig(bytes: usize) {
    #[inline(never)]
    fn further(start: usize, bytes: usize) {
        let frame = black_box([0_u8; 512]);
        if start - (&raw const frame).addr() < bytes {
            further(start, bytes);
        }
        black_box(&frame);
    }
    let start = 0_u8;
    further((&raw const start).addr(), bytes);
}

/// Overflows the stack.
fn dig_on() {
    dig(usize::MAX);
}

/// How a process ended, and what it wrote.
struct End {
    status: ExitStatus,
    errors: String,
}

/// Runs `body` in a process of its own, which `body` must end. Returns `None` in that process.
#[track_caller]
fn end_of(test: &str, body: impl FnOnce()) -> Option<End> {
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        let _watchdog = watchdog();
        body();
        thread::sleep(SOON);
        panic!("the process goes on");
    }
    let output = run_again(test, CHILD);
    Some(End {
        status: output.status,
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs `body` in a process of its own, which must report each of `telling` and then end by a fault.
#[track_caller]
fn overflows(test: &str, telling: &[&str], body: impl FnOnce()) {
    let Some(End { status, errors }) = end_of(test, body) else {
        return;
    };
    let signal = status.signal();
    assert!(
        [Some(libc::SIGSEGV), Some(libc::SIGBUS)].contains(&signal),
        "{status}\n{errors}"
    );
    assert_eq!(errors.matches("stack overflow").count(), 1, "{errors}");
    for text in telling {
        assert!(errors.contains(text), "{text:?} is missing in:\n{errors}");
    }
}

struct Dig;

/// An actor that overflows its stack when it is sent a message.
fn digger() -> Props<Dig> {
    Props::new(|| Behavior::receive(|_ctx, Dig| dig_on()))
}

const KIB: usize = 1024;

/// An actor that uses as much of its stack as each message says.
fn miner() -> Props<(usize, Reply<()>)> {
    Props::new(|| {
        Behavior::receive(|_ctx, (depth, reply): (usize, Reply<()>)| {
            dig(depth);
            reply.send(());
        })
    })
}

/// The high-water mark of each worker.
fn marks(stats: &nexus_actors::pool::PoolStats) -> Vec<u64> {
    let workers = stats.workers.iter();
    workers.map(|worker| worker.stack_high_water).collect()
}

/// Has an actor use that much of its stack, and waits until it has.
fn have_dug(actor: ActorRef<(usize, Reply<()>)>, depth: usize) {
    actor.ask(|reply| (depth, reply), SOON).wait().unwrap();
}
