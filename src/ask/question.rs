//! A question that is prepared but not sent: the asker has still to say how long to wait.

use std::fmt;
use std::marker::PhantomData;

use super::deadline::Deadline;
use super::error::AskError;
use super::handle::Ask;
use super::reply::Reply;
use crate::actor::ActorRef;

/// A question for an actor that is not sent yet. The methods that `#[derive(Message)]` generates for asks
/// return one; [`new`](Self::new) makes one by hand.
///
/// [`within`](Self::within) and [`wait_for`](Self::wait_for) send it, and say how long to wait for the
/// answer. A question that is dropped is never sent, and no [`Reply`] is made for it.
///
/// ```
/// use nexus_actors::ask::Question;
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// struct Double(u32, Reply<u32>);
///
/// /// What `doubler` makes of a number.
/// fn double(
///     doubler: ActorRef<Double>,
///     number: u32,
/// ) -> Question<Double, u32, impl FnOnce(Reply<u32>) -> Double> {
///     Question::new(doubler, move |reply| Double(number, reply))
/// }
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let doubler = pool.spawn("doubler", Props::new(|| {
///     Behavior::receive(|_ctx, Double(number, reply)| reply.send(number * 2))
/// }))?;
/// let second = Duration::from_secs(1);
/// assert_eq!(double(doubler, 21).wait_for(second)?, 42);
///
/// let asked = [1, 2, 3].map(|number| double(doubler, number).within(second));
/// let [two, four, six] = asked.map(Ask::wait);
/// assert_eq!((two?, four?, six?), (2, 4, 6));
/// pool.shutdown(second)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a question is not sent before `within` or `wait_for`"]
pub struct Question<M, R, F> {
    to: ActorRef<M>,
    make: F,
    answer: PhantomData<fn() -> R>,
}

impl<M, R, F> Question<M, R, F>
where
    M: Send + 'static,
    R: Send + 'static,
    F: FnOnce(Reply<R>) -> M,
{
    /// Creates a question to `to`; when it is sent, `make` makes its message of a reply.
    #[inline]
    pub fn new(to: ActorRef<M>, make: F) -> Self {
        Self {
            to,
            make,
            answer: PhantomData,
        }
    }

    /// Sends the question now, as [`ActorRef::ask`] does, and returns the handle to wait with. The time
    /// counts from this call.
    // Inlined for the reason given at `ActorRef::ask`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn within(self, within: impl Into<Deadline>) -> Ask<R> {
        self.to.ask(self.make, within)
    }

    /// Sends the question now, and waits for the answer: [`within`](Self::within), and then [`Ask::wait`].
    ///
    /// # Errors
    ///
    /// [`AskError`] says why there is no answer, as soon as that is certain.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn wait_for(self, within: impl Into<Deadline>) -> Result<R, AskError> {
        self.within(within).wait()
    }
}

impl<M, R, F> fmt::Debug for Question<M, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Question").field(&self.to).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::{assert_eq_size, assert_impl_all};

    type Make = fn(Reply<u8>) -> Reply<u8>;
    assert_impl_all!(Question<Reply<u8>, u8, Make>: Send, Sync, fmt::Debug);
    // No more than its parts.
    assert_eq_size!(Question<Reply<u8>, u8, Make>, (ActorRef<Reply<u8>>, Make));
}
