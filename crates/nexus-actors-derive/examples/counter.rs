//! The shortest program with an actor, a tell and an ask.

use nexus_actors::prelude::*;

#[derive(Message)]
enum Counter {
    Add(i64),
    Get(Reply<i64>),
}

fn main() -> Result<(), BoxError> {
    let pool = WorkerPool::builder().start()?;
    let counter = pool.spawn_anonymous(Props::with_state(0, |sum, _, message| match message {
        Counter::Add(number) => *sum += number,
        Counter::Get(reply) => reply.send(*sum),
    }))?;
    counter.add(5);
    println!("{}", counter.get().wait_for(Duration::from_secs(1))?);
    Ok(())
}
