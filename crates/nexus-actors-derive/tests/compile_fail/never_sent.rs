//! What nobody sends is noticed as without the derive. That a method is not called is nothing to notice.

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
