//! A method of `ActorRef` would be called instead.

use nexus_actors::prelude::*;

#[derive(Message)]
enum Inherent {
    Stop,
    Send(u32),
    TryTell(Reply<u32>),
    Id,
    Fine,
}

#[derive(Message)]
enum OfTraits {
    Clone,
    Eq,
    Into(u32),
    Hash(Reply<u64>),
    #[message(name = "fmt")]
    Print,
    Cmp,
}

#[derive(Message)]
enum Twice {
    GetAll,
    #[message(name = "get_all")]
    Get,
    Type,
    #[message(name = "type")]
    Kind,
}

#[derive(Message)]
enum NoNames {
    Super,
    Crate,
}

fn main() {}
