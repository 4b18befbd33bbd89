//! Actor systems, to the extent that the workloads need them: each workload is written once, for all of
//! them.

#[cfg(feature = "kompact")]
pub(crate) mod kompact;
pub(crate) mod nexus;
pub(crate) mod threads;
pub(crate) mod tokio;

use crate::moment::Moment;
use std::time::Duration;

/// Whether an actor stays after a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Stay,
    Stop,
}

/// The behaviour of an actor. An actor is started with a copy of it.
pub(crate) trait Role<S: System>: Clone + Send + Sync + 'static {
    type Message: Send + 'static;

    fn take(&mut self, here: &mut S::Here<'_, Self>, message: Self::Message) -> Then;
}

/// A system in which actors live.
pub(crate) trait System: Sized + 'static {
    /// Sends to an actor.
    type Ref<R: Role<Self>>: Clone + Send + Sync + 'static;
    /// Starts any number of actors with the same role.
    type Recipe<R: Role<Self>>: Clone + Send + Sync + 'static;
    /// The context of a handler.
    type Here<'a, R: Role<Self>>;

    /// Makes a system with that many threads for actors.
    fn new(workers: usize) -> Self;

    fn recipe<R: Role<Self>>(role: R) -> Self::Recipe<R>;

    /// Starts an actor on a worker, as far as the system allows that choice.
    fn start<R: Role<Self>>(&self, worker: usize, role: R) -> Self::Ref<R>;

    /// Starts an actor wherever the system places it.
    fn start_anywhere<R: Role<Self>>(&self, recipe: &Self::Recipe<R>) -> Self::Ref<R>;

    /// Starts an actor in a handler.
    fn start_child<R: Role<Self>, P: Role<Self>>(
        here: &mut Self::Here<'_, P>,
        recipe: &Self::Recipe<R>,
    ) -> Self::Ref<R>;

    fn tell<R: Role<Self>>(to: &Self::Ref<R>, message: R::Message);

    /// Waits for a moment. The actors continue meanwhile; if the system has no other threads, on this
    /// one.
    fn wait(&self, moment: &Moment);

    /// Lets time pass in the same way.
    fn rest(&self, length: Duration);

    /// Ends the system, and checks that nothing was lost.
    fn end(self);
}
