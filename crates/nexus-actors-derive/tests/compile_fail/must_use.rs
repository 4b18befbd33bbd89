//! A question that is not sent is reported, and so is the use of a deprecated variant.

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
