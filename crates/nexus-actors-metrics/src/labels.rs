//! The values of labels: short, and the same in each version.

use nexus_actors::DeadLetterReason;
use nexus_actors::observe::Outcome;
use nexus_actors::pool::WorkerStats;

/// For what this version does not know yet.
const OTHER: &str = "other";

pub(crate) fn reason(reason: DeadLetterReason) -> &'static str {
    match reason {
        DeadLetterReason::Stopped => "stopped",
        DeadLetterReason::Failed => "failed",
        DeadLetterReason::Restarted => "restarted",
        DeadLetterReason::Unhandled => "unhandled",
        DeadLetterReason::Forced => "forced",
        DeadLetterReason::PoolClosed => "pool_closed",
        DeadLetterReason::Full => "full",
        DeadLetterReason::DroppedNewest => "dropped_newest",
        DeadLetterReason::DroppedOldest => "dropped_oldest",
        DeadLetterReason::Cancelled => "cancelled",
        DeadLetterReason::Expired => "expired",
        _ => OTHER,
    }
}

pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Handled => "handled",
        Outcome::Unhandled => "unhandled",
        Outcome::Stashed => "stashed",
        Outcome::Became => "became",
        Outcome::Stopped => "stopped",
        Outcome::Passivated => "passivated",
        Outcome::Failed => "failed",
        Outcome::Panicked => "panicked",
        Outcome::Forced => "forced",
        _ => OTHER,
    }
}

/// The asks of a worker that were not answered.
pub(crate) fn unanswered(stats: &WorkerStats) -> [(&'static str, u64); 7] {
    [
        ("timed_out", stats.asks_timed_out),
        ("without_reply", stats.asks_without_reply),
        ("stopped", stats.asks_to_stopped),
        ("failed", stats.asks_to_failed),
        ("full", stats.asks_to_full),
        ("deadlock", stats.asks_in_deadlock),
        ("given_up", stats.asks_given_up),
    ]
}

/// What a worker holds memory for.
pub(crate) fn memory(stats: &WorkerStats) -> [(&'static str, u64); 3] {
    [
        ("slots", stats.bytes_in_slots),
        ("slabs", stats.bytes_in_slabs),
        ("waits", stats.bytes_in_waits),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_labelled_by_their_names() {
        for &one in DeadLetterReason::ALL {
            let words = reason(one).split('_');
            let name: String = words
                .flat_map(|word| [word[..1].to_uppercase(), word[1..].to_owned()])
                .collect();
            assert_eq!(name, format!("{one:?}"));
        }
    }

    #[test]
    fn outcomes_are_labelled_as_they_are_displayed() {
        let all = [
            Outcome::Handled,
            Outcome::Unhandled,
            Outcome::Stashed,
            Outcome::Became,
            Outcome::Stopped,
            Outcome::Passivated,
            Outcome::Failed,
            Outcome::Panicked,
            Outcome::Forced,
        ];
        for one in all {
            assert_eq!(outcome(one), one.to_string());
        }
    }
}
