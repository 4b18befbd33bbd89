//! A question has one reply, and its type must be spelled out.

use nexus_actors::prelude::*;

#[derive(Message)]
enum Account {
    Balance(Reply<u64>, Reply<String>),
    Limit { of: u32, day: Reply<u64>, month: Reply<u64> },
}

mod mine {
    pub struct Reply;
}

#[derive(Message)]
enum Other {
    Bare(mine::Reply),
}

fn main() {}
