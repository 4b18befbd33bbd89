//! Props: the recipe by which an actor is built, wherever it is to live.

use std::fmt;
use std::sync::Arc;

use super::behavior::{Actor, Behavior};

/// The recipe of an actor: a factory that is sent to the worker that will own it.
///
/// The factory is `Send + Sync`; what it builds need not be, since it is built on the owning
/// worker and never leaves it. Each start runs the factory again, so no two incarnations ever
/// share an initial value.
///
/// ```
/// use nexus_actors::prelude::*;
/// use std::{cell::RefCell, rc::Rc};
///
/// // State that is not `Send`.
/// let journal = Props::new(|| {
///     let lines = Rc::new(RefCell::new(Vec::new()));
///     Behavior::receive(move |_ctx, line: String| lines.borrow_mut().push(line))
/// });
/// # let _ = journal;
/// ```
pub struct Props<M> {
    factory: Arc<dyn Fn() -> Behavior<M> + Send + Sync>,
}

impl<M: Send + 'static> Props<M> {
    /// Props that build a behaviour.
    pub fn new(factory: impl Fn() -> Behavior<M> + Send + Sync + 'static) -> Self {
        Self {
            factory: Arc::new(factory),
        }
    }

    /// Props that build an [`Actor`].
    pub fn from_actor<A, F>(factory: F) -> Self
    where
        A: Actor<Message = M>,
        F: Fn() -> A + Send + Sync + 'static,
    {
        Self::new(move || Behavior::actor(factory()))
    }

    pub(crate) fn build(&self) -> Behavior<M> {
        (self.factory)()
    }
}

impl<M> Clone for Props<M> {
    fn clone(&self) -> Self {
        Self {
            factory: Arc::clone(&self.factory),
        }
    }
}

impl<M> fmt::Debug for Props<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Props<{}>", std::any::type_name::<M>())
    }
}
