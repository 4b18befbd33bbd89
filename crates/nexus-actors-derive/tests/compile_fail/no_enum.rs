//! Only the variants of an enum have names for methods.

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
