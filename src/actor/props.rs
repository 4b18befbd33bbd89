//! Props: the recipe by which an actor is built, wherever it is to live.

use std::fmt;
use std::sync::{Arc, LazyLock};

use super::behavior::{Actor, Behavior};
use super::body::{Body, resolve};
use super::context::Context;
use super::failure::{BoxError, SupervisorStrategy};
use super::id::Key;
use super::shard::Shard;
use crate::supervision::Strategy;

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
    formula: Arc<Formula<M>>,
}

/// What props consist of.
struct Formula<M> {
    factory: Arc<dyn Fn() -> Behavior<M> + Send + Sync>,
    strategy: Option<SupervisorStrategy>,
}

/// The strategy of an actor whose props name none.
static DEFAULT_STRATEGY: LazyLock<SupervisorStrategy> = LazyLock::new(Strategy::one_for_one);

impl<M: Send + 'static> Props<M> {
    /// Props that build a behaviour.
    pub fn new(factory: impl Fn() -> Behavior<M> + Send + Sync + 'static) -> Self {
        Self {
            formula: Arc::new(Formula {
                factory: Arc::new(factory),
                strategy: None,
            }),
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

    /// These props, for an actor that supervises its children so. By default a child that fails is
    /// restarted, at most 3 times in 60 s.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    ///
    /// let office = Props::new(|| Behavior::receive(|_ctx, _: u8| ()))
    ///     .supervising(SupervisorStrategy::one_for_one().always(Directive::Stop));
    /// # let _ = office;
    /// ```
    pub fn supervising(self, strategy: SupervisorStrategy) -> Self {
        Self {
            formula: Arc::new(Formula {
                factory: Arc::clone(&self.formula.factory),
                strategy: Some(strategy),
            }),
        }
    }

    /// These props, for an actor whose own failures are dealt with so.
    pub(crate) fn supervised_by_itself(self, strategy: SupervisorStrategy) -> Self {
        let factory = Arc::clone(&self.formula.factory);
        Self {
            formula: Arc::new(Formula {
                factory: Arc::new(move || factory().supervise(strategy.clone())),
                strategy: self.formula.strategy.clone(),
            }),
        }
    }

    pub(crate) fn recipe(&self) -> Arc<dyn Recipe> {
        Arc::clone(&self.formula) as _
    }
}

/// How an actor is built, whatever its messages are.
pub(crate) trait Recipe: Send + Sync {
    /// Runs the factory and its setups. `None`: the actor is to stop at once.
    ///
    /// # Errors
    ///
    /// That of a setup.
    fn build(&self, shard: &Shard, key: Key) -> Result<Option<Box<dyn Body>>, BoxError>;

    /// How the actor supervises its children.
    fn strategy(&self) -> &SupervisorStrategy;
}

impl<M: Send + 'static> Recipe for Formula<M> {
    fn build(&self, shard: &Shard, key: Key) -> Result<Option<Box<dyn Body>>, BoxError> {
        resolve((self.factory)(), &mut Context::new(shard, key))
    }

    fn strategy(&self) -> &SupervisorStrategy {
        self.strategy.as_ref().unwrap_or(&DEFAULT_STRATEGY)
    }
}

impl<M> Clone for Props<M> {
    fn clone(&self) -> Self {
        Self {
            formula: Arc::clone(&self.formula),
        }
    }
}

impl<M> fmt::Debug for Props<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Props<{}>", std::any::type_name::<M>())
    }
}
