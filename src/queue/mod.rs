//! The meeting points of threads: the inbox of a worker, its ingress for threads outside, the one-shot slot
//! of a waiting thread, and the gate of a bounded mailbox with its queue of waiters.
//!
//! Other state that threads share lies in [`shared`](crate::shared); everything above is single-threaded.
//! Each file decides everything by one atomic word (the ingress by one per segment, the line by that of its
//! gate), draws that word's values as a table, names the partner of every ordering, and is checked by a
//! model in `loom-tests/` together with variants that the model must reject.

// What is `pub` here leaves the crate only under `--cfg nexus_loom`, through `crate::model`.
#![cfg_attr(not(nexus_loom), allow(unreachable_pub))]

mod gate;
mod inbox;
mod ingress;
mod oneshot;
mod wait_queue;

pub use gate::AcquireError;
pub use gate::Gate;
#[cfg(nexus_loom)]
pub use inbox::Chain;
#[cfg(not(nexus_loom))]
pub(crate) use inbox::Chain;
pub use inbox::Inbox;
pub use inbox::InboxReceiver;
pub use inbox::Link;
pub use inbox::Node;
pub use inbox::Pushed;
pub use inbox::inbox;
#[cfg(nexus_loom)]
pub use ingress::{CAPACITY, Looked};
pub use ingress::{Claim, Closed, Ingress, Mark, Reader, ingress};
pub use oneshot::{RecvError, oneshot};
pub use wait_queue::GateOwner;
pub use wait_queue::Permit;
pub use wait_queue::WaitQueue;
pub mod once {
    //! The two halves of a one-shot.
    pub use super::oneshot::{Receiver, Sender};
}
