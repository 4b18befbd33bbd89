//! Places in memory: cells that stay where they are, cells that hold any one value, lists from which anything
//! can be taken, and memory straight from the system, in regions and in segments of them.

mod any_cell;
mod arena;
mod ordered;
mod pages;
mod region;
mod segments;
mod slab_box;
mod slabs;

pub(crate) use any_cell::AnyCell;
pub(crate) use arena::{Arena, Tenant};
pub(crate) use ordered::OrderedMap;
pub(crate) use region::{REGION_BYTES, Region, discard};
pub(crate) use segments::{Segment, Segments};
pub(crate) use slab_box::SlabBox;
pub(crate) use slabs::{CELL_ALIGN, LARGEST_CELL, SizeClass, Slabs};
