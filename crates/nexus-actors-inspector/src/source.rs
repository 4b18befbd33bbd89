//! Where the service has its figures from: a pool, or something made up in a test.

use nexus_actors::ActorPath;
use std::any::Any;
use std::sync::Arc;

use crate::letters::LetterQueue;
use crate::view::{Found, Overview};

/// What lives as long as something is measured, or told.
pub(crate) type Guard = Box<dyn Any + Send>;

/// A pool, as the service sees it. Its calls may take a while: they run on threads that may wait.
pub(crate) trait Source: Send + Sync + 'static {
    /// Returns all but `watched` and `control`, which the service knows.
    fn overview(&self) -> Overview;

    /// Returns the actors that match.
    fn actors(&self, query: &Query) -> Found;

    /// Gives an order, and returns the path of the actor that has it.
    fn order(&self, order: Order, target: &Target) -> Result<String, OrderError>;

    /// Counts for each actor until the guard is dropped.
    fn watch(&self) -> Guard;

    /// Passes dead letters on until the guard is dropped.
    fn subscribe(&self, letters: Arc<LetterQueue>) -> Guard;
}

/// Which actors, and in which order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) below: Option<ActorPath>,
    pub(crate) depth: Option<usize>,
    pub(crate) matching: Option<String>,
    pub(crate) order: By,
    pub(crate) limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum By {
    Tree,
    Deepest,
    Busiest,
    Restarts,
    Longest,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    Stop,
    Kill,
    Suspend,
    Resume,
}

impl Order {
    pub(crate) const ALL: [Self; 4] = [Self::Stop, Self::Kill, Self::Suspend, Self::Resume];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Kill => "kill",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
        }
    }
}

/// Whom an order is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    Path(ActorPath),
    /// As an id is displayed: `0.3#1`.
    Id(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OrderError {
    NoSuchActor,
    /// The worker did not answer whether there is such an actor.
    Silent(usize),
}
