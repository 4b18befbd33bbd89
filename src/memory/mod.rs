//! Memory with stable addresses: cells that never move, cells that hold one value of any type, ordered maps
//! with removal anywhere, and memory straight from the system, in regions and in segments of regions. Every
//! room above may use it; nothing here knows what it stores, and only the store of segments is shared by
//! threads.

#[cfg(not(nexus_loom))]
mod any_cell;
#[cfg(not(nexus_loom))]
mod arena;
// The model of waiters uses it; it holds nothing that two threads touch.
#[cfg_attr(nexus_loom, allow(dead_code))]
mod ordered;
#[cfg(not(nexus_loom))]
mod pages;
#[cfg(not(nexus_loom))]
mod region;
#[cfg(not(nexus_loom))]
mod segments;
#[cfg(not(nexus_loom))]
mod slab_box;
#[cfg(not(nexus_loom))]
mod slabs;

#[cfg(not(nexus_loom))]
pub(crate) use any_cell::AnyCell;
#[cfg(not(nexus_loom))]
pub(crate) use arena::{Arena, Tenant};
pub(crate) use ordered::OrderedMap;
#[cfg(not(nexus_loom))]
pub(crate) use region::{REGION_BYTES, Region, discard};
#[cfg(not(nexus_loom))]
pub(crate) use segments::{Segment, Segments};
#[cfg(not(nexus_loom))]
pub(crate) use slab_box::SlabBox;
#[cfg(not(nexus_loom))]
pub(crate) use slabs::{CELL_ALIGN, LARGEST_CELL, SizeClass, Slabs};
