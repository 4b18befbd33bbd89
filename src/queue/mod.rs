//! Where threads meet: the inbox of a worker and the one-shot slot of a waiting thread.
//!
//! Everything above this layer is single-threaded. Each file keeps its whole shared state in one
//! atomic word, draws that word's values as a table, names the partner of every ordering, and is
//! checked by a model in `loom-tests/` together with variants that the model must reject.

mod inbox;
mod oneshot;

pub(crate) use inbox::{Inbox, Link, Node, Receiver, inbox};
pub(crate) use oneshot::{RecvError, oneshot};
pub(crate) mod once {
    //! The two halves of a one-shot.
    pub(crate) use super::oneshot::{Receiver, Sender};
}
