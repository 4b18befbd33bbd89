//! The seam between a worker and the others: how a batch gets from one to another.

use std::sync::Arc;
use std::time::Duration;

use super::batch::Batch;
use super::ports::Ports;
use super::posted::Mail;
use crate::address::ActorId;
use crate::queue::Pushed;

/// Carries batches to the workers of one pool. Shared by all threads.
pub(crate) trait Transport: Send + Sync {
    /// Publishes a batch to a worker, and wakes the worker if it sleeps. Batches of one sender to one
    /// worker arrive in the order sent.
    ///
    /// # Errors
    ///
    /// Returns the batch if that worker accepts no more.
    fn send(&self, worker: u32, batch: Batch) -> Result<Pushed, Batch>;

    /// Whether a worker still accepts batches: a value that may be old when it is read.
    fn is_open(&self, worker: u32) -> bool;

    /// Whether the mailbox of an actor is to accept nothing at the moment, as if it were full: a simulation
    /// may decide so.
    fn refuses(&self, _actor: ActorId) -> bool {
        false
    }

    /// The ports that threads outside send by, if they do not send batches. In that case, orders to actors
    /// need not go by the mail either.
    fn ports(&self) -> Option<Arc<Ports>> {
        None
    }

    /// Returns an empty small batch that was used before, if one is at hand.
    fn reuse(&self, worker: u32) -> Option<Batch>;

    /// Returns an emptied small batch to the worker that filled it.
    fn recycle(&self, batch: Batch);
}

/// The receiving end of one worker. Owned by the driver of that worker.
pub(crate) trait Source {
    /// Whether anything has arrived.
    fn has_mail(&self) -> bool;

    /// Whether it has deferred mail that it could have handed over.
    fn is_behind(&self) -> bool {
        false
    }

    /// Hands over what has arrived, in the order of each sender: `most` entries of it, or somewhat more, or
    /// all that has arrived before the call.
    fn receive(&mut self, most: Option<u32>, sink: &mut dyn FnMut(Mail<'_>));

    /// Hands over what is left; nothing arrives afterwards.
    fn close(&mut self, sink: &mut dyn FnMut(Mail<'_>));

    /// Sleeps until something arrives, or the time is over. May return early.
    fn park(&mut self, timeout: Option<Duration>);

    /// Frees some of the memory that it does not need. Returns whether there may be more.
    fn tidy_up(&mut self) -> bool {
        false
    }
}
