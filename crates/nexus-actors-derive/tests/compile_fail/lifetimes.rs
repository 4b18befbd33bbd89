//! A message outlives its sender.

use nexus_actors::prelude::*;

#[derive(Message)]
enum Print<'a> {
    Line(&'a str),
}

fn main() {}
