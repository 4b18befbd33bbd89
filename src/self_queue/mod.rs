//! TODO

mod stash;
pub(crate) mod store;
mod timer_table;
pub use self::stash::StashError;
pub(crate) use self::stash::{InHand, has_taken, len, make, put, replay};
pub(crate) use self::store::{look_at_store, take, with_store};
pub(crate) use self::timer_table::IntervalStart;
pub(crate) use self::timer_table::Make;
pub use self::timer_table::TimerKey;
pub(crate) use self::timer_table::TimerKind;
