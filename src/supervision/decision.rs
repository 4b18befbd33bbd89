//! The decision what to do about a failure.

use super::backoff::BackoffState;
use super::directive::Directive;
use super::strategy::Strategy;
use super::window::Window;

/// What is to be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Restart after this many nanoseconds; 0 without a backoff.
    Restart { after: u64 },
    /// Stop: the strategy chose so, or one more restart would exceed its limit.
    Stop { over_limit: bool },
    /// Continue with the next message.
    Resume,
    /// Ask the supervisor above.
    Escalate,
}

/// What a strategy remembers of one child, or of children that are counted together. It belongs
/// to one strategy: its numbers mean nothing to another.
///
/// An empty history owns no memory; a full one holds no more times than the strategy's limit.
#[derive(Debug, Default)]
pub(crate) struct History {
    window: Window,
    pace: BackoffState,
}

impl<F> Strategy<F> {
    /// Decides what to do about a failure at `now`. A restart counts as done at the end of its
    /// delay. `random` is any number, from which a backoff with jitter makes its delay.
    ///
    /// The decider runs first: if it panics, the history is unchanged.
    pub(crate) fn decide_for(
        &self,
        failure: &F,
        history: &mut History,
        now: u64,
        random: u64,
    ) -> Decision {
        let directive = self.decider.directive(failure);
        if let Some(backoff) = &self.backoff {
            backoff.failed(&mut history.pace, now);
        }
        match directive {
            Directive::Restart => self.restart(history, now, random),
            Directive::Stop => Decision::Stop { over_limit: false },
            Directive::Resume => Decision::Resume,
            Directive::Escalate => Decision::Escalate,
        }
    }

    fn restart(&self, history: &mut History, now: u64, random: u64) -> Decision {
        let limit = self.bounds();
        if limit.is_some_and(|limit| !history.window.has_room(limit, now)) {
            return Decision::Stop { over_limit: true };
        }
        let next = |backoff: &super::Backoff| backoff.next(&mut history.pace, now, random);
        let after = self.backoff.as_ref().map_or(0, next);
        if limit.is_some() {
            history.window.count(now.saturating_add(after));
        }
        Decision::Restart { after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervision::{Backoff, Reach, Scope, Strategy};
    use proptest::prelude::*;
    use std::time::Duration;

    const NOW: Decision = Decision::Restart { after: 0 };
    const STOP: Decision = Decision::Stop { over_limit: false };
    const OVER: Decision = Decision::Stop { over_limit: true };

    fn ns(count: u64) -> Duration {
        Duration::from_nanos(count)
    }

    fn backoff(min: u64, max: u64) -> Backoff {
        Backoff::new(ns(min), ns(max)).unwrap()
    }

    /// Returns the decisions about failures at these times, each of which names the directive it
    /// wants.
    fn decisions(strategy: &Strategy<Directive>, failures: &[(u64, Directive)]) -> Vec<Decision> {
        let mut history = History::default();
        let decide =
            |(now, wish): &(u64, Directive)| strategy.decide_for(wish, &mut history, *now, 0);
        failures.iter().map(decide).collect()
    }

    /// Makes a strategy that follows the directive that the failure wants.
    fn obliging(strategy: Strategy<Directive>) -> Strategy<Directive> {
        strategy.decide(|wish| *wish)
    }

    #[test]
    fn s4_5_scope_directive_limit_and_time_decide_together() {
        use Directive::{Escalate, Restart, Resume, Stop};
        let none = |strategy: Strategy<Directive>| strategy.without_limit();
        let never = |strategy: Strategy<Directive>| strategy.limit(0, ns(100));
        let twice = |strategy: Strategy<Directive>| strategy.limit(2, ns(100));
        type Limited = fn(Strategy<Directive>) -> Strategy<Directive>;
        // Limit, directive, times, and the decision at each of them.
        let table: [(Limited, Directive, &[u64], &[Decision]); 12] = [
            (none, Restart, &[0, 0, 0, 0, 0], &[NOW; 5]),
            (none, Stop, &[0], &[STOP]),
            (none, Resume, &[0, 0], &[Decision::Resume; 2]),
            (none, Escalate, &[0, 0], &[Decision::Escalate; 2]),
            (never, Restart, &[0, 500], &[OVER, OVER]),
            (never, Stop, &[0], &[STOP]),
            (never, Resume, &[0, 0], &[Decision::Resume; 2]),
            (never, Escalate, &[0, 0], &[Decision::Escalate; 2]),
            (twice, Restart, &[0, 99, 99], &[NOW, NOW, OVER]),
            (twice, Restart, &[0, 50, 100, 149], &[NOW, NOW, NOW, OVER]),
            (twice, Resume, &[0, 0, 0, 0], &[Decision::Resume; 4]),
            (twice, Stop, &[0, 0, 0], &[STOP; 3]),
        ];
        let scopes = [
            (Strategy::one_for_one as fn() -> _, Reach::Itself),
            (Strategy::all_for_one, Reach::All),
            (Strategy::rest_for_one, Reach::Later),
        ];
        for (make, group) in scopes {
            for (limited, directive, times, expected) in &table {
                let strategy = limited(obliging(make()));
                let failures: Vec<_> = times.iter().map(|time| (*time, *directive)).collect();
                let decided = decisions(&strategy, &failures);
                assert_eq!(decided, *expected, "{strategy:?} for {failures:?}");
                for decision in decided {
                    let reach = strategy.scope().reach(decision);
                    let spreads = matches!(directive, Restart | Stop);
                    let expected = if spreads { group } else { Reach::Itself };
                    assert_eq!(reach, expected, "{strategy:?}, {decision:?}");
                }
            }
        }
        assert_eq!(Strategy::<()>::default().scope(), Scope::OneForOne);
    }

    #[test]
    fn s4_6_by_default_the_fourth_failure_in_a_minute_stops() {
        let second = 1_000_000_000;
        let strategy = Strategy::<()>::default();
        let mut history = History::default();
        let mut fail = |now| strategy.decide_for(&(), &mut history, now, u64::MAX);
        assert_eq!([0, 1, 2].map(|s| fail(s * second)), [NOW; 3]);
        assert_eq!(fail(60 * second - 1), OVER);
        assert_eq!(fail(60 * second), NOW);
        assert_eq!(fail(60 * second), OVER);
    }

    #[test]
    fn s4_6_only_restarts_count_towards_the_limit() {
        use Directive::{Escalate, Restart, Resume};
        let strategy = obliging(Strategy::one_for_one().limit(2, ns(100)));
        let wishes = [
            Resume, Escalate, Restart, Resume, Restart, Escalate, Restart,
        ];
        let failures = wishes.map(|wish| (5, wish));
        assert_eq!(
            decisions(&strategy, &failures),
            [
                Decision::Resume,
                Decision::Escalate,
                NOW,
                Decision::Resume,
                NOW,
                Decision::Escalate,
                OVER
            ]
        );
    }

    #[test]
    fn s4_5_a_backoff_delays_restarts_for_ever_unless_a_limit_is_set() {
        let delays = |strategy: Strategy<()>| {
            let (mut history, mut now) = (History::default(), 0);
            let mut fail = || match strategy.decide_for(&(), &mut history, now, 0) {
                Decision::Restart { after } => {
                    now += after;
                    Some(after)
                }
                decision => {
                    assert_eq!(decision, OVER);
                    None
                }
            };
            std::array::from_fn::<_, 6, _>(|_| fail())
        };
        let strategy = Strategy::one_for_one().backoff(backoff(10, 40));
        let all = [10, 20, 40, 40, 40, 40].map(Some);
        assert_eq!(delays(strategy.clone()), all);
        let three = [Some(10), Some(20), Some(40), None, None, None];
        assert_eq!(delays(strategy.clone().limit(3, ns(200))), three);
        // There are never three restarts in a window this short.
        assert_eq!(delays(strategy.limit(3, ns(60))), all);
    }

    #[test]
    fn s4_5_a_restart_counts_from_the_end_of_its_delay() {
        let strategy = Strategy::<()>::one_for_one();
        let strategy = strategy.backoff(backoff(50, 50)).limit(1, ns(100));
        let mut history = History::default();
        let mut fail = |now| strategy.decide_for(&(), &mut history, now, 0);
        assert_eq!(fail(0), Decision::Restart { after: 50 });
        assert_eq!(fail(149), OVER);
        assert_eq!(fail(150), Decision::Restart { after: 50 });
    }

    #[test]
    fn s4_5_a_resumed_failure_keeps_the_delays_from_beginning_again() {
        use Directive::{Restart, Resume};
        let strategy = obliging(Strategy::one_for_one().backoff(backoff(10, 100)));
        let failures = [(0, Restart), (60, Resume), (159, Restart), (279, Restart)];
        assert_eq!(
            decisions(&strategy, &failures),
            [
                Decision::Restart { after: 10 },
                Decision::Resume,
                Decision::Restart { after: 20 },
                Decision::Restart { after: 10 },
            ]
        );
    }

    #[test]
    fn s4_5_a_decider_that_panics_leaves_the_history_alone() {
        let strategy = Strategy::<bool>::one_for_one().decide(|panics| {
            assert!(!panics, "no decision");
            Directive::Restart
        });
        let strategy = strategy.backoff(backoff(10, 40)).limit(2, ns(1000));
        let mut history = History::default();
        strategy.decide_for(&false, &mut history, 0, 0);
        let before = format!("{history:?}");
        let decide = || strategy.decide_for(&true, &mut history, 500, 0);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(decide)).unwrap_err();
        assert_eq!(format!("{history:?}"), before);
    }

    #[test]
    fn s4_6_a_history_is_small_and_empty_at_first() {
        assert!(size_of::<History>() <= 40);
        assert_eq!(History::default().window.len(), 0);
    }

    proptest! {
        #[test]
        fn s4_6_a_history_never_remembers_more_restarts_than_the_limit(
            restarts in proptest::option::of(0..5_u32),
            waits in any::<bool>(),
            failures in prop::collection::vec((0..40_u64, any::<u64>()), 0..100),
        ) {
            let mut strategy = Strategy::<()>::all_for_one();
            if waits {
                strategy = strategy.backoff(backoff(1, 50).jitter(1.0).unwrap());
            }
            strategy = match restarts {
                Some(restarts) => strategy.limit(restarts, ns(100)),
                None => strategy.without_limit(),
            };
            let (mut history, mut now) = (History::default(), 0);
            for (pause, random) in failures {
                now += pause;
                let decision = strategy.decide_for(&(), &mut history, now, random);
                prop_assert!(history.window.len() <= restarts.unwrap_or(0) as usize);
                if restarts.is_none() {
                    prop_assert_ne!(decision, OVER);
                }
                if let Decision::Restart { after } = decision {
                    prop_assert_eq!(after > 0, waits);
                }
            }
        }
    }
}
