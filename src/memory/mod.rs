//! Places in memory: cells that stay where they are, cells that hold any one value, and memory straight
//! from the system, in regions and in segments of them.

mod any_cell;
mod arena;
mod region;
mod segments;

pub(crate) use any_cell::AnyCell;
pub(crate) use arena::Arena;
pub(crate) use region::{REGION_BYTES, Region, discard};
pub(crate) use segments::{Segment, Segments};
