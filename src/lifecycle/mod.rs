//! The life of an actor on its worker, from its start to its vacated slot: turns, signals, orders, restarts,
//! passivation, supervision, watches, tasks and children on other workers. The worker's loop gives the turns,
//! and the public faces in [`actor`](crate::actor) and `pool` start actors and give orders; no step but a
//! start knows the type of the messages, and none waits by itself except a start.
//! Begin with `turn.rs` (one turn), `next_step.rs` (what comes before the mail) and `stop.rs` (the end).

mod at_end;
mod build;
mod elsewhere;
mod instance;
mod naming;
mod next_step;
mod observed;
mod orders;
mod own_messages;
mod passivate;
mod rebuild;
mod remove;
mod restart;
mod settle;
mod stand_in;
mod start;
mod stop;
mod supervise;
mod tasks;
mod turn;
mod watch;

pub(crate) use self::at_end::on_end;
pub(crate) use self::elsewhere::{
    give_up_child, has_children_elsewhere, leave_children_elsewhere, start_for,
};
pub(crate) use self::instance::set_receive_timeout;
pub(crate) use self::orders::send_order;
pub(crate) use self::own_messages::ring;
pub(crate) use self::stand_in::stand_in_for;
pub(crate) use self::start::{Blueprint, start};
pub(crate) use self::stop::{force_all, stop_all};
pub(crate) use self::tasks::{cancel_task, next_to_end, spawn_task};
pub(crate) use self::turn::take_turn;
pub(crate) use self::watch::{unwatch, watch};
