//! A context is lent to its handler, and only while the handler runs.

use nexus_actors::prelude::*;

fn keeping() -> Behavior<u8> {
    let mut kept = None;
    Behavior::receive(move |ctx, _message| {
        kept = Some(ctx);
    })
}

fn main() {}
