//! A message outlives whoever sends it.

use nexus_actors::prelude::*;

#[derive(Message)]
enum Print<'a> {
    Line(&'a str),
}

fn main() {}
