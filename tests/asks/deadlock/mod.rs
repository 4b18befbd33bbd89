//! Cycles of waits: found at once where they are certain, suspected where they are not, and never
//! reported where somebody else can end them.

mod cost;
mod cycles;
mod handed_on;
mod model;

use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
