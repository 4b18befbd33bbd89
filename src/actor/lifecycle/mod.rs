//! How an actor starts, has its turns, fails, stops, and leaves nothing behind.
//!
//! Starting and stopping run in a fiber of the owning worker, like every handler, so setups and signal
//! handlers may wait.
//!
//! ```text
//!             setup                    a stop came
//!  Vacant ──▶ Starting ─────▶ Running ─────────────▶ Draining
//!    ▲           │ failed        │ stops, fails,        │ its mail is handled,
//!    │           ▼               ▼ is killed            ▼ or it fails
//!    └────── Stopping ◀──────────┴──────────────────────┘
//!      no children left
//! ```
//!
//! Besides the state, there is what the system wants of an actor ([`system`]): to tell it a signal, to
//! suspend, restart or kill it. All of that comes before its mail, at the beginning of a turn, and never on
//! another stack. An actor of which nothing is wanted pays one comparison a turn. A passive actor is a
//! running one without an instance ([`passivate`](mod@passivate)).

mod elsewhere;
mod family;
mod held;
mod keep;
mod named;
mod passivate;
mod restart;
mod start;
mod stop;
mod supervise;
mod system;
mod tasks;
mod turn;
mod watch;
mod withdraw;

pub use self::start::SpawnError;
pub use self::watch::TerminationReason;

pub(crate) use self::elsewhere::{
    Elsewhere, Role, Supervised, actor_of, give_up_child, has_children_elsewhere,
    leave_children_elsewhere, stand_in_for, start_for, undecided_parent,
};
pub(crate) use self::family::{
    GUARDIAN, Name, all_below, below_as, children_of, found_guardian, interrupt, path_of,
    path_of_child, paths_of_children, wake,
};
pub(crate) use self::held::{HeldUp, has_failed_to_start, held_up};
pub(crate) use self::keep::{ring, set_receive_timeout};
pub(crate) use self::named::{get_or_start, get_or_start_child, typed, typed_or};
pub(crate) use self::passivate::{is_asleep, passivate};
pub(crate) use self::start::start;
pub(crate) use self::stop::{AtEnd, force_all, kill, on_end, request_stop, stop_all};
pub(crate) use self::supervise::report;
pub(crate) use self::system::{System, resume, suspend};
pub(crate) use self::tasks::{cancel_task, is_cancelled, next_to_end, spawn_task};
pub(crate) use self::turn::{allow_turns, take_turn};
pub(crate) use self::watch::{unwatch, watch};
pub(crate) use self::withdraw::{Withdrawal, Withdrawn, withdraw};
