//! TODO

mod apart;
mod wait;
pub(crate) use self::apart::do_apart;
pub(crate) use self::wait::can_wait;
pub(crate) use self::wait::wait_at;
pub(crate) use self::wait::wait_by_way_of;
pub(crate) use self::wait::wait_for;
pub(crate) use self::wait::wait_for_all;
pub(crate) use self::wait::yield_now;
pub(crate) use self::wait::{CannotWait, ForgetAtEnd};
