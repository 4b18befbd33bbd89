//! The withdrawal of questions: a wait that is given up, or whose time is over, takes its question out of the
//! mail of the actor that was asked. Asks that are dropped, alarms, the turns of an actor and the search for
//! cycles call it; it never handles a message, and it does not decide when a wait ends.

mod withdraw;

pub(crate) use self::withdraw::{
    Withdrawal, forget_withdrawn, give_up_wait, give_up_waiting, screen, screen_withdrawn,
    time_out, withdraw, withdraw_late,
};
