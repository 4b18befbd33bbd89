//! A question that nobody sends is noticed, and so is what is deprecated.

#![deny(unused_must_use, deprecated)]

use nexus_actors::prelude::*;

#[derive(Message)]
enum Counter {
    Get(Reply<i64>),
    #[deprecated = "count yourself"]
    Add(i64),
}

fn forgets(counter: ActorRef<Counter>) {
    counter.get();
    counter.add(1);
}

fn main() {}
