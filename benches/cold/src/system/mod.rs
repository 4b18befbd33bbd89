//! Actor systems, as far as the workloads need them: each workload is written once, for all of them.

#[cfg(feature = "kompact")]
pub(crate) mod kompact;
pub(crate) mod nexus;
pub(crate) mod threads;
pub(crate) mod tokio;

use crate::moment::Moment;
use std::time::Duration;

/// Whether an actor goes on after a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Stay,
    Stop,
}

/// What an actor does. An actor is started with a copy of it.
pub(crate) trait Role<S: System>: Clone + Send + Sync + 'static {
    type Message: Send + 'static;

    fn take(&mut self, here: &mut S::Here<'_, Self>, message: Self::Message) -> Then;
}

/// Where actors live.
pub(crate) trait System: Sized + 'static {
    /// Sends to an actor.
    type Ref<R: Role<Self>>: Clone + Send + Sync + 'static;
    /// Starts any number of actors that do the same.
    type Recipe<R: Role<Self>>: Clone + Send + Sync + 'static;
    /// What a handler is given of its surroundings.
    type Here<'a, R: Role<Self>>;

    /// With so many threads for actors.
    fn new(workers: usize) -> Self;

    fn recipe<R: Role<Self>>(role: R) -> Self::Recipe<R>;

    /// Starts an actor on a worker, as far as the system lets one choose.
    fn start<R: Role<Self>>(&self, worker: usize, role: R) -> Self::Ref<R>;

    /// Starts an actor wherever the system likes.
    fn start_anywhere<R: Role<Self>>(&self, recipe: &Self::Recipe<R>) -> Self::Ref<R>;

    /// Starts an actor in a handler.
    fn start_child<R: Role<Self>, P: Role<Self>>(
        here: &mut Self::Here<'_, P>,
        recipe: &Self::Recipe<R>,
    ) -> Self::Ref<R>;

    fn tell<R: Role<Self>>(to: &Self::Ref<R>, message: R::Message);

    /// Waits for a moment; meanwhile the actors go on, for which this thread is used, if the system
    /// has no others.
    fn wait(&self, moment: &Moment);

    /// Lets time pass in the same way.
    fn rest(&self, length: Duration);

    /// The end, which finds nothing lost.
    fn end(self);
}
