//! Only an enum has variants to name methods after.

use nexus_actors::prelude::*;

#[derive(Message)]
struct Double(u32, Reply<u32>);

#[derive(Message)]
union Either {
    one: u32,
    other: f32,
}

#[derive(Message)]
enum Nothing {}

fn main() {}
