//! The messages that an actor holds for itself outside of its mailbox: the messages of its timers, and its
//! stash. The context and the bodies in [`actor`](crate::actor) fill and empty them, and the lifecycle
//! reaches them only through the trait `Store` of the shard; it sets the alarms of timers, but takes no turn
//! and sends no message.

mod stash;
pub(crate) mod store;
mod timer_table;

pub use self::stash::StashError;
pub use self::timer_table::TimerKey;

pub(crate) use self::stash::{InHand, has_taken, len, make, put, replay};
pub(crate) use self::store::{look_at_store, take, with_store};
pub(crate) use self::timer_table::{IntervalStart, Make, TimerKind};
