//! The meeting points of threads: the inbox of a worker, its ingress for threads outside, the one-shot slot
//! of a waiting thread, and the gate of a bounded mailbox with its queue of waiters. The rooms above decide
//! what is handed over; nothing here knows an actor, and nothing here runs code of the user's but the wakers
//! and destructors of what it was given.
//!
//! Other state that threads share lies in [`shared`](crate::shared) and in the core of a pool; a shard is
//! used by one thread only. Each file decides everything by one atomic word (the ingress by one per segment,
//! the queue of waiters by that of its gate), draws that word's values as a table, names the partner of every
//! ordering, and is checked by a model in `loom-tests/` together with variants that the model must reject.

// What is `pub` here leaves the crate only under `--cfg nexus_loom`, through `crate::model`.
#![cfg_attr(not(nexus_loom), allow(unreachable_pub))]

mod gate;
mod inbox;
mod ingress;
mod oneshot;
mod wait_queue;

pub use gate::{AcquireError, Gate};
#[cfg(nexus_loom)]
pub use inbox::Chain;
pub use inbox::{Inbox, InboxReceiver, Link, Node, Pushed, inbox};
#[cfg(nexus_loom)]
pub use ingress::{CAPACITY, Looked};
pub use ingress::{Claim, Closed, Ingress, Mark, Reader, ingress};
pub use oneshot::{RecvError, oneshot};
pub use wait_queue::{GateOwner, Permit, WaitQueue};

#[cfg(not(nexus_loom))]
pub(crate) use inbox::Chain;

pub mod once {
    //! The two halves of a one-shot.
    pub use super::oneshot::{Receiver, Sender};
}
