//! A shop that closes in phases: the door first, then the orders that are under way, then the till.
//!
//! With the feature `signals` it closes on Ctrl-C, or SIGTERM; without it, at once. Either way every order
//! that was taken is served, and the report gives the outcome of each step.
//!
//! ```text
//! $ cargo run --example graceful_shutdown
//! the door is closed after 20 orders
//! the kitchen has finished
//! door, close it: done
//! kitchen, finish orders: done
//! till, count the money: failed: the till is 20 short
//! till, switch off the music: done
//! the pool: 0 actors stopped by force, 0 messages left
//! 20 orders were served
//! ```

use nexus_actors::pool::CoordinatedShutdown;
use nexus_actors::prelude::*;
use nexus_actors::testkit::expect_terminated;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let pool = WorkerPool::builder().workers(2).start()?;
    let served = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&served);
    let kitchen = Props::new(move || {
        let served = Arc::clone(&counted);
        Behavior::receive(move |ctx, _order: u32| {
            ctx.sleep(Duration::from_millis(5))?;
            served.fetch_add(1, SeqCst);
            Ok(())
        })
    });
    let kitchen = pool.spawn("kitchen", kitchen)?;

    // The outside world: a thread that takes orders until the door is closed.
    let open = Arc::new(AtomicBool::new(true));
    let is_open = Arc::clone(&open);
    let door = thread::spawn(move || {
        let mut taken = 0;
        while is_open.load(SeqCst) || taken < 20 {
            if taken < 20 {
                kitchen.tell(taken);
                taken += 1;
            }
            thread::yield_now();
        }
        taken
    });

    let plan = CoordinatedShutdown::new()
        .phase("door", SECOND)
        .phase("kitchen", 10 * SECOND)
        .phase("till", SECOND)
        .hook("door", "close it", move |_pool| {
            open.store(false, SeqCst);
            let taken = door.join().map_err(|_| "the door is stuck")?;
            println!("the door is closed after {taken} orders");
            Ok(())
        })
        .hook("kitchen", "finish orders", move |_pool| {
            // A stop is queued behind the orders.
            kitchen.stop();
            expect_terminated(kitchen, 10 * SECOND);
            println!("the kitchen has finished");
            Ok(())
        })
        .hook("till", "count the money", |_pool| {
            Err("the till is 20 short".into())
        })
        .hook("till", "switch off the music", |_pool| Ok(()));
    let coordinated = pool.coordinate(plan)?;

    let report = if cfg!(feature = "signals") {
        #[cfg(feature = "signals")]
        coordinated.shutdown_on_signals(20 * SECOND)?;
        println!("press Ctrl-C to close");
        coordinated.wait()?
    } else {
        coordinated.shutdown(20 * SECOND)?
    };
    println!("{report}");
    println!("{} orders were served", served.load(SeqCst));
    Ok(())
}
