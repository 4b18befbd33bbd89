//! Time: the clock that a worker reads, and the wheel that holds its timers.
//!
//! Neither knows of actors. Nothing here starts a thread or sleeps.

mod clock;
mod heap;
mod wheel;

pub(crate) use self::clock::Clock;
pub(crate) use self::wheel::{AT_FIRST, TimerId, TimerWheel};
