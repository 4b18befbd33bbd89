//! Places in memory: cells that stay where they are, and cells that hold any one value.

mod any_cell;
mod arena;

pub(crate) use any_cell::AnyCell;
pub(crate) use arena::Arena;
