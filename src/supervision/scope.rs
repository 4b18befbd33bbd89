//! Which children a decision about one of them is carried out for.

use std::ops::Range;

use super::decision::Decision;

/// How far a decision reaches among the children of one parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::enum_variant_names)] // the names they have everywhere
pub(crate) enum Scope {
    /// The child that failed.
    OneForOne,
    /// All children.
    AllForOne,
    /// The child that failed, and those that were started after it.
    RestForOne,
}

impl Scope {
    /// The positions that a decision about the child at position `failing` is carried out for, of
    /// `children` in the order of their start.
    ///
    /// Only a restart and a stop spread: the siblings of a child that is resumed, or whose failure
    /// is for another to judge, have not failed, so there is nothing to do to them.
    pub(crate) fn reach(self, decision: Decision, failing: usize, children: usize) -> Range<usize> {
        debug_assert!(failing < children, "child {failing} of {children} failed");
        let spreads = matches!(decision, Decision::Restart { .. } | Decision::Stop { .. });
        match self {
            Self::AllForOne if spreads => 0..children,
            Self::RestForOne if spreads => failing..children,
            _ => failing..failing + 1,
        }
    }

    /// Whether the children are counted together, in one [`History`](super::History) of the
    /// parent's, and not each in its own.
    ///
    /// Where one child's failure restarts others, they form a group: counted apart, five children
    /// that fail in turn would restart each of them five times as often as the limit says.
    pub(crate) fn counts_together(self) -> bool {
        self != Self::OneForOne
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DECISIONS: [Decision; 5] = [
        Decision::Restart { after: 7 },
        Decision::Stop { over_limit: false },
        Decision::Stop { over_limit: true },
        Decision::Resume,
        Decision::Escalate,
    ];

    #[test]
    fn s4_5_a_scope_says_which_siblings_a_decision_reaches() {
        use Scope::{AllForOne, OneForOne, RestForOne};
        // The failing one of four, and the range for a restart or a stop.
        let table = [
            (OneForOne, 0, 0..1),
            (OneForOne, 2, 2..3),
            (OneForOne, 3, 3..4),
            (AllForOne, 0, 0..4),
            (AllForOne, 2, 0..4),
            (AllForOne, 3, 0..4),
            (RestForOne, 0, 0..4),
            (RestForOne, 2, 2..4),
            (RestForOne, 3, 3..4),
        ];
        for (scope, failing, group) in table {
            for decision in DECISIONS {
                let alone = matches!(decision, Decision::Resume | Decision::Escalate);
                let expected = if alone {
                    failing..failing + 1
                } else {
                    group.clone()
                };
                let reach = scope.reach(decision, failing, 4);
                assert_eq!(reach, expected, "{scope:?}, {failing}, {decision:?}");
            }
        }
    }

    #[test]
    fn s4_5_children_that_are_restarted_together_are_counted_together() {
        assert!(!Scope::OneForOne.counts_together());
        assert!(Scope::AllForOne.counts_together());
        assert!(Scope::RestForOne.counts_together());
    }

    proptest! {
        #[test]
        fn s4_5_a_decision_reaches_the_failing_child_and_nobody_who_is_not_there(
            children in 1..50_usize,
            which in any::<prop::sample::Index>(),
        ) {
            let failing = which.index(children);
            for scope in [Scope::OneForOne, Scope::AllForOne, Scope::RestForOne] {
                for decision in DECISIONS {
                    let reach = scope.reach(decision, failing, children);
                    prop_assert!(reach.contains(&failing) && reach.end <= children);
                }
            }
        }
    }
}
