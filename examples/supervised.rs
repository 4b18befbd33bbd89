//! A worker that depends on a server which is down for a while: it is restarted with backoff.
//!
//! The worker is a child of the office, whose strategy says how it is restarted: after 100 ms, then after
//! twice as long each time. Its mail waits meanwhile, so only the message at which it failed is lost, and
//! its sender sends it again. The server's clock is the pool's own.
//!
//! ```text
//! $ cargo run --example supervised
//!      0 ms  the worker starts
//!      0 ms  the worker fails: the server is down
//!    100 ms  the worker is back
//!    100 ms  the worker fails: the server is down
//!    300 ms  the worker is back
//!    300 ms  the worker fails: the server is down
//!    700 ms  the worker is back
//!    700 ms  the server has taken job 4
//!    700 ms  the server has taken job 5
//! 2 jobs done, 3 to be sent again
//! ```

use nexus_actors::BoxError;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::supervision::Backoff;
use std::error::Error;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// When the server is up again.
const REPAIRED: Duration = Duration::from_millis(500);

struct Job {
    number: u32,
    done: Reply<u32>,
}

fn say(ctx: &Context<'_, Job>, what: &str) {
    println!("{:>7} ms  {what}", ctx.now().as_millis());
}

fn worker() -> Props<Job> {
    Props::new(|| {
        Behavior::receive(|ctx, Job { number, done }| {
            if ctx.now() < REPAIRED {
                // The reply is dropped with this error: the asker is told at once.
                return Err(BoxError::from("the server is down"));
            }
            say(ctx, &format!("the server has taken job {number}"));
            done.send(number);
            Ok(())
        })
        .on_signal(|ctx, signal| match signal {
            Signal::PreStart => say(ctx, "the worker starts"),
            Signal::PreRestart(failure) => {
                say(ctx, &format!("the worker fails: {}", failure.cause));
            }
            Signal::PostRestart(_) => say(ctx, "the worker is back"),
            _ => {}
        })
    })
}

/// Hands jobs to its worker, and supervises it.
fn office() -> Result<Props<Job>, Box<dyn Error>> {
    let backoff = Backoff::new(100 * MILLISECOND, 10 * SECOND)?
        .factor(2.0)?
        .reset_after(60 * SECOND)?;
    let strategy = SupervisorStrategy::one_for_one()
        .limit(10, 60 * SECOND)
        .backoff(backoff);
    let office = Props::new(|| {
        Behavior::setup(|ctx| {
            let worker = ctx.spawn("worker", worker())?;
            Ok(Behavior::receive(move |_ctx, job| worker.tell(job)))
        })
    });
    Ok(office.supervising(strategy))
}

fn main() -> Result<(), Box<dyn Error>> {
    // A simulation, so that the times are exact and take none; a `WorkerPool` is used in the same way.
    let mut sim = Sim::builder().orderly().start()?;
    let office = sim.spawn("office", office()?)?;
    let send = |number| office.ask(|done| Job { number, done }, 10 * SECOND);
    let asked: Vec<_> = (1..=5).map(send).collect();
    let (mut done, mut failed) = (0, 0);
    for job in asked {
        match job.wait() {
            Ok(_) => done += 1,
            Err(AskError::TargetFailed(_)) => failed += 1,
            Err(other) => return Err(other.into()),
        }
    }
    println!("{done} jobs done, {failed} to be sent again");
    Ok(())
}
