//! The children to which a decision about one of them applies.

use super::decision::Decision;

/// How far a decision reaches among the children of one parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::enum_variant_names)] // the established names
pub(crate) enum Scope {
    /// The child that failed.
    OneForOne,
    /// All children.
    AllForOne,
    /// The child that failed, and those that were started after it.
    RestForOne,
}

/// The children to which a decision about a child applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The child alone.
    Itself,
    /// The child, and its siblings that were started after it.
    Later,
    /// All children.
    All,
}

impl Scope {
    /// Returns the children to which a decision about one of them applies.
    ///
    /// Only a restart and a stop spread. The siblings of a child that is resumed, or whose failure
    /// is escalated, have not failed, so nothing is done to them.
    pub(crate) fn reach(self, decision: Decision) -> Reach {
        let spreads = matches!(decision, Decision::Restart { .. } | Decision::Stop { .. });
        match self {
            Self::AllForOne if spreads => Reach::All,
            Self::RestForOne if spreads => Reach::Later,
            _ => Reach::Itself,
        }
    }

    /// Whether the children are counted together, in one [`History`](super::History) of the
    /// parent, and not each in its own.
    ///
    /// If one child's failure restarts others, they form a group: counted separately, five
    /// children that fail in turn would restart each of them five times as often as the limit
    /// says.
    pub(crate) fn counts_together(self) -> bool {
        self != Self::OneForOne
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECISIONS: [Decision; 5] = [
        Decision::Restart { after: 7 },
        Decision::Stop { over_limit: false },
        Decision::Stop { over_limit: true },
        Decision::Resume,
        Decision::Escalate,
    ];

    #[test]
    fn s4_5_a_scope_says_which_siblings_a_decision_reaches() {
        let table = [
            (Scope::OneForOne, Reach::Itself),
            (Scope::AllForOne, Reach::All),
            (Scope::RestForOne, Reach::Later),
        ];
        for (scope, reach) in table {
            for decision in DECISIONS {
                let alone = matches!(decision, Decision::Resume | Decision::Escalate);
                let expected = if alone { Reach::Itself } else { reach };
                assert_eq!(scope.reach(decision), expected, "{scope:?}, {decision:?}");
            }
        }
    }

    #[test]
    fn s4_5_children_that_are_restarted_together_are_counted_together() {
        assert!(!Scope::OneForOne.counts_together());
        assert!(Scope::AllForOne.counts_together());
        assert!(Scope::RestForOne.counts_together());
    }
}
