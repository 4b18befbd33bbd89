//! Failures, supervision, and hostile user code.

#[path = "../common/mod.rs"]
mod common;

mod hostile;
mod mended;
mod no_aborts;
mod no_memory;
mod orders;
mod payloads;
mod supervision;
mod supervision_model;
