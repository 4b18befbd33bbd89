//! The error for an unknown attribute names the known ones.

use nexus_actors::prelude::*;

#[derive(Message)]
#[message(rename = "Calls")]
enum OnEnum {
    Get,
}

#[derive(Message)]
enum OnVariant {
    #[message(rename = "get")]
    Get,
    #[message(crate = "nexus_actors")]
    Set,
    #[message(name = "no name")]
    Add,
    #[message(name = "one", name = "two")]
    Count,
    #[message]
    Nothing,
    #[message(name)]
    NoValue,
}

#[derive(Message)]
enum OnField {
    Get(#[message(reply)] Reply<u8>),
}

#[derive(Message)]
#[message(name = "a trait")]
enum NoTrait {
    Get,
}

#[derive(Message)]
#[message(crate = "a crate")]
enum NoCrate {
    Get,
}

fn main() {}
