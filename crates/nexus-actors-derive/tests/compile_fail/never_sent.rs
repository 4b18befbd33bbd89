//! A variant that is never sent is reported as without the derive. A method that is never called is not.

#![deny(dead_code)]

use nexus_actors::prelude::*;

#[derive(Message)]
enum Counter {
    Add(i64),
    Sub(i64),
    Get(Reply<i64>),
}

fn handle(sum: &mut i64, message: Counter) {
    match message {
        Counter::Add(number) => *sum += number,
        Counter::Sub(number) => *sum -= number,
        Counter::Get(reply) => reply.send(*sum),
    }
}

fn send(counter: ActorRef<Counter>, reply: Reply<i64>) {
    counter.add(1);
    counter.tell(Counter::Get(reply));
}

fn main() {
    let _ = (handle, send);
}
