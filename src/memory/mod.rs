//! Places in memory: cells that stay where they are, and cells that hold any one value.

mod any_cell;
mod arena;
mod pages;
mod slab_box;
mod slabs;

pub(crate) use any_cell::AnyCell;
pub(crate) use arena::{Arena, Tenant};
pub(crate) use slab_box::SlabBox;
pub(crate) use slabs::{CELL_ALIGN, LARGEST_CELL, SizeClass, Slabs};
