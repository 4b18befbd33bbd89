//! A reference takes the messages of its actor, and no others.

use nexus_actors::prelude::*;

fn greet(greeter: ActorRef<String>) {
    greeter.tell(42_u32);
}

fn main() {}
