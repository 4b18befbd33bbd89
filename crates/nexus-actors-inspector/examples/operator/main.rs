//! A pool with troubles, for a reader to find on the inspector's page.
//!
//! Among many actors that are well there is one that is stuck, one that is flooded, one that restarts without
//! end, a printer that loses messages, and a cycle of three that wait for each other.
//!
//! ```text
//! $ cargo run --release --package nexus-actors-inspector --example operator -- --actors 1000000
//! see http://127.0.0.1:7777/ until the standard input ends
//! ```

mod troubles;

use nexus_actors::prelude::*;
use nexus_actors_inspector::{Feed, Inspector};
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

struct Options {
    actors: usize,
    address: String,
}

fn options() -> Result<Options, BoxError> {
    let mut options = Options {
        actors: 100_000,
        address: "127.0.0.1:7777".to_owned(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--actors" => options.actors = value.parse()?,
            "--address" => options.address = value,
            _ => return Err(format!("{name}: there are --actors and --address").into()),
        }
    }
    Ok(options)
}

fn main() -> Result<(), BoxError> {
    let options = options()?;
    let feed = Feed::new();
    let pool = WorkerPool::builder()
        .name("shop")
        .observer(feed.clone())
        .on_failure(|_| {}) // the page shows them
        .on_suspected_deadlock(|_| {})
        .start()?;
    troubles::stuck(&pool)?;
    troubles::cycle(&pool)?;
    let inspector = Inspector::builder(&pool)
        .address(&options.address)
        .feed(&feed)
        .allow_control(true)
        .start()?;
    let end = AtomicBool::new(false);
    thread::scope(|scope| {
        let load = scope.spawn(|| troubles::load(&pool, options.actors, &end));
        println!(
            "see http://{}/ until the standard input ends",
            inspector.address()
        );
        let read = std::io::stdin().read_to_end(&mut Vec::new());
        end.store(true, Relaxed);
        load.join().expect("the load does not panic")?;
        read.map(drop).map_err(BoxError::from)
    })?;
    drop(inspector);
    pool.shutdown(Duration::from_secs(1))?;
    Ok(())
}
