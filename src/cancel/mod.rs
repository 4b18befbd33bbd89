//! TODO

mod withdraw;
pub(crate) use self::withdraw::give_up_wait;
pub(crate) use self::withdraw::give_up_waiting;
pub(crate) use self::withdraw::time_out;
pub(crate) use self::withdraw::withdraw_late;
pub(crate) use self::withdraw::{Withdrawal, forget_withdrawn, screen, screen_withdrawn, withdraw};
