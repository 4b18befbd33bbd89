//! A thousand counters, which a thread starts, tells and asks: all of them at once each time.
//!
//! A thread that starts actors one by one waits for each, and one that asks one by one does too. `spawn_all`
//! starts them in batches, and `tell_all` sends in batches. The questions are all sent before the first answer
//! is waited for, and [`all`] waits for the last one.
//!
//! ```text
//! $ cargo run --example counters
//! 1000 counters: the first has counted 1 to 100, the last 1 to 1099
//! together they come to 221666500
//! ```

use nexus_actors::prelude::*;

const COUNTERS: u64 = 1_000;
const SECOND: Duration = Duration::from_secs(1);

enum Counter {
    Add(u64),
    Get(Reply<u64>),
}

fn counter() -> Props<Counter> {
    Props::with_state(0, |sum, _ctx, message| match message {
        Counter::Add(number) => *sum += number,
        Counter::Get(reply) => reply.send(*sum),
    })
}

fn main() -> Result<(), BoxError> {
    let pool = WorkerPool::builder().workers(2).start()?;
    let named = (0..COUNTERS).map(|id| (format!("counter-{id}"), counter()));
    let started: Result<Vec<_>, _> = pool.spawn_all(named).into_iter().collect();
    let counters = started?;

    for (id, counter) in (0..).zip(&counters) {
        counter.tell_all((1..=100 + id).map(Counter::Add));
    }

    // What this thread asks comes after what it has told. From another thread it might come before.
    let asked = counters.iter().map(|it| it.ask(Counter::Get, 10 * SECOND));
    let sums = all(asked.collect::<Vec<_>>()).wait()?;
    for (id, sum) in (0..).zip(&sums) {
        let last = 100 + id;
        assert_eq!(*sum, last * (last + 1) / 2, "counter {id}");
    }
    println!(
        "{} counters: the first has counted 1 to 100, the last 1 to {}",
        sums.len(),
        99 + COUNTERS
    );
    println!("together they come to {}", sums.iter().sum::<u64>());
    pool.shutdown(SECOND)?;
    Ok(())
}
