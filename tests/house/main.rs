//! The rules of this repository, read off its sources.

mod layers;
mod programs;
mod semantics;
