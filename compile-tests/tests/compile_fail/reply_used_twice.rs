//! A question is answered once.

use nexus_actors::prelude::*;

fn echo() -> Behavior<Reply<u8>> {
    Behavior::receive(|_ctx, reply: Reply<u8>| {
        reply.send(1);
        reply.send(2);
    })
}

fn main() {}
