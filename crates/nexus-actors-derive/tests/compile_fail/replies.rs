//! A question has one answer, of a type that is written there.

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
