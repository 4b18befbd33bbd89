//! The rules of this repository, read off its sources.

mod guarantees;
mod layers;
mod programs;
mod rooms;
