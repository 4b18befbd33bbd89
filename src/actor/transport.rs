//! The seam between a worker and the others: how a batch gets from one to another.

use std::sync::Arc;
use std::time::Duration;

use super::batch::Batch;
use super::id::ActorId;
use super::ports::Ports;
use super::posted::Mail;
use crate::queue::Pushed;

/// Carries batches to the workers of one pool. Shared by all threads.
pub(crate) trait Transport: Send + Sync {
    /// Publishes a batch to a worker, and wakes it where it sleeps. Batches of one sender to one
    /// worker arrive in the order sent.
    ///
    /// # Errors
    ///
    /// Gives the batch back when that worker takes no more.
    fn send(&self, worker: u32, batch: Batch) -> Result<Pushed, Batch>;

    /// Whether a worker still takes batches: a value that may be old when it is read.
    fn is_open(&self, worker: u32) -> bool;

    /// Whether the mailbox of an actor is to take nothing at the moment, as if it were full: so that
    /// a simulation may have it so.
    fn refuses(&self, _actor: ActorId) -> bool {
        false
    }

    /// What threads outside send by, if they do not send batches. Then orders to actors need not go by
    /// the mail either.
    fn ports(&self) -> Option<Arc<Ports>> {
        None
    }

    /// An empty small batch that was used before, if one is at hand.
    fn reuse(&self, worker: u32) -> Option<Batch>;

    /// Gives an emptied small batch back to the worker that filled it.
    fn recycle(&self, batch: Batch);
}

/// The receiving end of one worker. Owned by whoever drives that worker.
pub(crate) trait Source {
    /// Whether anything has arrived.
    fn has_mail(&self) -> bool;

    /// Whether it has left for later what it could have handed over.
    fn is_behind(&self) -> bool {
        false
    }

    /// Hands over what has arrived, in the order of each sender: `most` entries of it, or somewhat more, or all
    /// that has arrived before the call.
    fn receive(&mut self, most: Option<u32>, sink: &mut dyn FnMut(Mail<'_>));

    /// Hands over what is left; nothing arrives afterwards.
    fn close(&mut self, sink: &mut dyn FnMut(Mail<'_>));

    /// Sleeps until something arrives, or the time is over. May return early.
    fn park(&mut self, timeout: Option<Duration>);

    /// Frees some of what it holds and does not need. Returns whether there may be more.
    fn tidy_up(&mut self) -> bool {
        false
    }
}
