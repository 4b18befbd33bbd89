//! The strategy of a supervisor, as the user configures it.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::backoff::Backoff;
use super::directive::Directive;
use super::scope::Scope;
use super::window::Limit;
use crate::failure::Failure;

/// How a supervisor handles the failures of its children.
///
/// A strategy says three things: what is done about a failure, how often a restart is tried, and, if there
/// is a [`Backoff`], how long it waits. By default it restarts, at once, at most 3 times in 60 s; over the
/// limit it stops. The same default applies to parents whose props say nothing, and to the guardian of the
/// top-level actors, if its pool's builder says nothing.
///
/// Its kind says to which children this applies:
///
/// | kind | a restart or a stop is for | the limit and the backoff count |
/// |---|---|---|
/// | [`one_for_one`](Self::one_for_one) | the child that failed | each child by itself |
/// | [`all_for_one`](Self::all_for_one) | all children | the children together |
/// | [`rest_for_one`](Self::rest_for_one) | that child and all started after it | the children together |
///
/// A resume applies to the failed child alone, whatever the kind, and an escalation leaves everything to
/// the supervisor above.
///
/// ```
/// use nexus_actors::Directive;
/// use nexus_actors::supervision::{Backoff, BackoffError, Strategy};
/// use std::io::{Error, ErrorKind};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), BackoffError> {
/// let strategy = Strategy::one_for_one()
///     .decide(|error: &Error| match error.kind() {
///         ErrorKind::PermissionDenied => Directive::Stop,
///         _ => Directive::Restart,
///     })
///     .backoff(Backoff::new(Duration::from_secs(1), Duration::from_secs(30))?)
///     .limit(10, Duration::from_secs(600));
/// # let _ = strategy;
/// # Ok(())
/// # }
/// ```
#[must_use = "a strategy has no effect before it is given to a supervisor"]
pub struct Strategy<F> {
    pub(super) scope: Scope,
    pub(super) decider: Decider<F>,
    pub(super) backoff: Option<Backoff>,
    bound: Bound,
}

/// What was set about a limit.
#[derive(Clone, Copy)]
enum Bound {
    /// Nothing yet: the limit depends on whether there is a backoff.
    Default,
    None,
    Limit(Limit),
}

/// Chooses the directive for a failure.
pub(super) enum Decider<F> {
    Always(Directive),
    By(Arc<dyn Fn(&F) -> Directive + Send + Sync>),
}

impl<F> Strategy<F> {
    /// Treats a failure of one child as a matter of that child alone.
    pub fn one_for_one() -> Self {
        Self::new(Scope::OneForOne)
    }

    /// Treats a failure of one child as a failure of all: for children that make no sense without each
    /// other.
    pub fn all_for_one() -> Self {
        Self::new(Scope::AllForOne)
    }

    /// Treats a failure of one child as a failure of those that were started after it too: for children
    /// that build upon each other in that order.
    pub fn rest_for_one() -> Self {
        Self::new(Scope::RestForOne)
    }

    fn new(scope: Scope) -> Self {
        Self {
            scope,
            decider: Decider::Always(Directive::Restart),
            backoff: None,
            bound: Bound::Default,
        }
    }

    /// Permits at most `restarts` restarts in any stretch of time of the length `within`: a restart counts
    /// until `within` has passed since it was done. A failure that would need one more stops the actor.
    /// With 0 restarts it is never restarted, and [`Duration::MAX`] counts for its whole life.
    ///
    /// This limit holds with a [`backoff`](Self::backoff) too.
    ///
    /// # Panics
    ///
    /// If `within` is zero and `restarts` is not: no restart is less than no time ago, so the limit would
    /// never hold.
    ///
    /// ```
    /// use nexus_actors::supervision::Strategy;
    /// use std::time::Duration;
    ///
    /// let strategy = Strategy::<std::io::Error>::one_for_one().limit(5, Duration::from_secs(10));
    /// assert!(format!("{strategy:?}").contains("limit: 5 restarts within 10s"));
    /// ```
    #[track_caller]
    pub fn limit(self, restarts: u32, within: Duration) -> Self {
        assert!(
            restarts == 0 || !within.is_zero(),
            "a limit of {restarts} restarts within no time would never hold: give a longer time, \
             or say `without_limit`"
        );
        Self {
            bound: Bound::Limit(Limit { restarts, within }),
            ..self
        }
    }

    /// Restarts as often as there is a failure. Without a [`backoff`](Self::backoff), an actor that fails
    /// while it starts then keeps its worker busy until the actor is stopped.
    pub fn without_limit(self) -> Self {
        Self {
            bound: Bound::None,
            ..self
        }
    }

    /// Sets a function that chooses the directive for each failure. It replaces an earlier `decide` or
    /// [`always`](Self::always). It runs while the failed actor waits, so it should be quick.
    ///
    /// A [`Restart`](Directive::Restart) that it chooses is still subject to the limit.
    pub fn decide(self, decider: impl Fn(&F) -> Directive + Send + Sync + 'static) -> Self {
        Self {
            decider: Decider::By(Arc::new(decider)),
            ..self
        }
    }

    /// Handles every failure in the same way. It replaces an earlier [`decide`](Self::decide) or `always`.
    ///
    /// ```
    /// use nexus_actors::Directive;
    /// use nexus_actors::supervision::Strategy;
    ///
    /// let strategy = Strategy::<std::io::Error>::one_for_one().always(Directive::Stop);
    /// # let _ = strategy;
    /// ```
    pub fn always(self, directive: Directive) -> Self {
        Self {
            decider: Decider::Always(directive),
            ..self
        }
    }

    /// Waits before each restart, longer each time. The other directives are carried out at once.
    ///
    /// A backoff replaces the default limit: an actor that waits for something to come back is meant to
    /// wait as long as that takes, and the growing delay already keeps it from doing harm. A limit that was
    /// set, before or after, holds: set one to have the actor stopped eventually. Choose it with the delays
    /// in mind: with delays of 30 s there are never 3 restarts in 60 s.
    ///
    /// ```
    /// use nexus_actors::supervision::{Backoff, BackoffError, Strategy};
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), BackoffError> {
    /// let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30))?;
    /// let patient = Strategy::<std::io::Error>::one_for_one().backoff(backoff);
    /// assert!(format!("{patient:?}").contains("limit: none"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn backoff(self, backoff: Backoff) -> Self {
        Self {
            backoff: Some(backoff),
            ..self
        }
    }

    /// Which children its decisions reach, and which are counted together.
    pub(crate) fn scope(&self) -> Scope {
        self.scope
    }

    /// Returns the limit in force, if any.
    pub(super) fn bounds(&self) -> Option<Limit> {
        match self.bound {
            Bound::Limit(limit) => Some(limit),
            Bound::None => None,
            Bound::Default => self.backoff.is_none().then_some(Limit::DEFAULT),
        }
    }
}

impl<F> Decider<F> {
    pub(super) fn directive(&self, failure: &F) -> Directive {
        match self {
            Self::Always(directive) => *directive,
            Self::By(decide) => decide(failure),
        }
    }
}

/// As [`one_for_one`](Strategy::one_for_one).
impl<F> Default for Strategy<F> {
    fn default() -> Self {
        Self::one_for_one()
    }
}

// Derived impls would require the same traits of the failure type, of which a value is only ever read.
impl<F> Clone for Strategy<F> {
    fn clone(&self) -> Self {
        Self {
            scope: self.scope,
            decider: self.decider.clone(),
            backoff: self.backoff,
            bound: self.bound,
        }
    }
}

impl<F> Clone for Decider<F> {
    fn clone(&self) -> Self {
        match self {
            Self::Always(directive) => Self::Always(*directive),
            Self::By(decide) => Self::By(Arc::clone(decide)),
        }
    }
}

impl<F> fmt::Debug for Decider<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always(directive) => write!(f, "always {directive:?}"),
            Self::By(_) => f.write_str("by a function"),
        }
    }
}

impl<F> fmt::Debug for Strategy<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Strategy");
        shown.field("scope", &self.scope);
        shown.field("decide", &self.decider);
        match self.bounds() {
            Some(Limit { restarts, within }) => shown.field(
                "limit",
                &format_args!("{restarts} restarts within {within:?}"),
            ),
            None => shown.field("limit", &format_args!("none")),
        };
        shown.field("backoff", &self.backoff).finish()
    }
}

/// The strategy by which a supervisor handles the failures of actors.
pub type SupervisorStrategy = Strategy<Failure>;

/// The strategy of an actor whose props set none.
pub(crate) fn default_strategy() -> &'static SupervisorStrategy {
    static DEFAULT: LazyLock<SupervisorStrategy> = LazyLock::new(Strategy::one_for_one);
    &DEFAULT
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A failure type that implements no traits.
    struct Opaque;

    const MINUTE: Duration = Duration::from_secs(60);

    fn backoff() -> Backoff {
        Backoff::new(Duration::from_secs(1), MINUTE).unwrap()
    }

    fn limit(restarts: u32, within: Duration) -> Option<Limit> {
        Some(Limit { restarts, within })
    }

    #[test]
    fn s4_6_the_default_is_one_for_one_restart_three_times_in_a_minute() {
        let strategy = Strategy::<Opaque>::default();
        assert_eq!(strategy.scope(), Scope::OneForOne);
        assert_eq!(strategy.decider.directive(&Opaque), Directive::Restart);
        assert_eq!(strategy.bounds(), limit(3, MINUTE));
        assert_eq!(strategy.backoff, None);
        for (strategy, scope) in [
            (Strategy::<Opaque>::one_for_one(), Scope::OneForOne),
            (Strategy::all_for_one(), Scope::AllForOne),
            (Strategy::rest_for_one(), Scope::RestForOne),
        ] {
            assert_eq!(strategy.scope(), scope);
            assert_eq!(strategy.bounds(), limit(3, MINUTE));
        }
    }

    #[test]
    fn s4_5_a_backoff_takes_the_place_of_the_default_limit_only() {
        let new = Strategy::<Opaque>::one_for_one;
        assert_eq!(new().backoff(backoff()).bounds(), None);
        let set = limit(7, MINUTE);
        assert_eq!(new().backoff(backoff()).limit(7, MINUTE).bounds(), set);
        assert_eq!(new().limit(7, MINUTE).backoff(backoff()).bounds(), set);
        assert_eq!(new().limit(7, MINUTE).without_limit().bounds(), None);
        assert_eq!(new().without_limit().limit(7, MINUTE).bounds(), set);
    }

    #[test]
    fn s4_5_the_last_word_on_a_decision_holds() {
        let decide = |strategy: Strategy<Opaque>| strategy.decider.directive(&Opaque);
        let new = Strategy::one_for_one;
        let stop = |_: &Opaque| Directive::Stop;
        assert_eq!(decide(new().always(Directive::Resume)), Directive::Resume);
        assert_eq!(
            decide(new().always(Directive::Resume).decide(stop)),
            Directive::Stop
        );
        assert_eq!(
            decide(new().decide(stop).always(Directive::Resume)),
            Directive::Resume
        );
    }

    #[test]
    #[should_panic(expected = "would never hold: give a longer time, or say `without_limit`")]
    fn s4_6_a_limit_that_could_never_hold_is_refused() {
        let _ = Strategy::<Opaque>::one_for_one().limit(1, Duration::ZERO);
    }

    #[test]
    fn s4_6_no_restarts_within_no_time_is_a_limit_that_holds() {
        let strategy = Strategy::<Opaque>::one_for_one().limit(0, Duration::ZERO);
        assert_eq!(strategy.bounds(), limit(0, Duration::ZERO));
    }

    #[test]
    fn s4_5_a_strategy_is_shared_and_shown_whatever_its_failure_is() {
        static_assertions::assert_impl_all!(Strategy<Opaque>: Send, Sync, Clone, fmt::Debug);
        static_assertions::assert_impl_all!(Strategy<*const u8>: Send, Sync);
        let strategy = Strategy::<Opaque>::rest_for_one();
        assert_eq!(
            format!("{strategy:?}"),
            "Strategy { scope: RestForOne, decide: always Restart, \
             limit: 3 restarts within 60s, backoff: None }",
        );
        let strategy = strategy.decide(|_| Directive::Stop).without_limit();
        let copy = strategy.clone();
        assert_eq!(copy.decider.directive(&Opaque), Directive::Stop);
        assert_eq!(
            format!("{copy:?}"),
            "Strategy { scope: RestForOne, decide: by a function, limit: none, backoff: None }",
        );
    }
}
