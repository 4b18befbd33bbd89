//! How a handler waits: all that is done before its fiber yields the thread, and after it resumes. The public
//! calls that wait, in [`actor`](crate::actor), [`ask`](crate::ask) and the starts of
//! [`lifecycle`](crate::lifecycle), go through here; nothing here begins or ends a wait for another reason.

mod apart;
mod wait;

pub(crate) use self::apart::do_apart;
pub(crate) use self::wait::{
    CannotWait, ForgetAtEnd, can_wait, wait_at, wait_by_way_of, wait_for, wait_for_all, yield_now,
};
