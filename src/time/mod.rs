//! Time: the clock that a worker reads, and the wheel that holds its timers. A shard owns both, and drivers
//! pass the clock in; neither knows of actors, and nothing here starts a thread or sleeps.

mod clock;
mod heap;
mod wheel;

pub(crate) use self::clock::Clock;
pub(crate) use self::wheel::{AT_FIRST, TimerId, TimerWheel};
