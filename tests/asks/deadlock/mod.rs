//! Cycles of waits: found at once if they are certain, suspected if they are not, and never
//! reported if another actor can end them.

mod cost;
mod cycles;
mod handed_on;
mod model;

use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
