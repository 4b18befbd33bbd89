//! Memory with stable addresses: cells that never move, cells that hold one value of any type, ordered maps
//! with removal anywhere, and memory straight from the system, in regions and in segments of regions. Every
//! room above may use it; nothing here knows what it stores, and only the store of segments is shared by
//! threads.

// The models use `OrderedMap` alone, which holds nothing that two threads touch.
#![cfg_attr(nexus_loom, allow(dead_code, unused_imports))]

mod any_cell;
mod arena;
mod ordered;
mod pages;
mod prefetch;
mod region;
mod segments;
mod slab_box;
mod slabs;

pub(crate) use any_cell::AnyCell;
pub(crate) use arena::{Arena, CELLS_PER_GROUP, Tenant};
pub(crate) use ordered::OrderedMap;
pub(crate) use prefetch::prefetch;
pub(crate) use region::{REGION_BYTES, Region, discard};
pub(crate) use segments::{Segment, Segments};
pub(crate) use slab_box::SlabBox;
pub(crate) use slabs::{CELL_ALIGN, LARGEST_CELL, SizeClass, Slabs};
