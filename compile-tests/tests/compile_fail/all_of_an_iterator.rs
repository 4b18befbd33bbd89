//! An iterator of asks is collected before it is waited for.

use nexus_actors::prelude::*;

fn sum(counters: &[ActorRef<Reply<u32>>]) -> Result<u32, AskError> {
    let asked = counters
        .iter()
        .map(|counter| counter.ask(|reply| reply, Duration::from_secs(1)));
    Ok(all(asked).wait()?.iter().sum())
}

fn main() {
    let _ = sum;
}
