//! What is sent as JSON.

use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// All that the page shows of a pool at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Overview {
    pub(crate) pool: String,
    pub(crate) run: String,
    pub(crate) uptime_ms: u64,
    pub(crate) watched: bool,
    pub(crate) control: bool,
    pub(crate) workers: Vec<WorkerView>,
    pub(crate) sent_from_outside: u64,
    pub(crate) late_replies: u64,
    pub(crate) totals: Totals,
    pub(crate) dead_letters: Letters,
    pub(crate) failures: Vec<FailureView>,
    pub(crate) waiting: Vec<WaitView>,
    /// All waiting handlers and tasks; `waiting` has only the first ones.
    pub(crate) waiting_total: u64,
    pub(crate) top: Top,
    pub(crate) examined: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Totals {
    pub(crate) actors: u64,
    pub(crate) sent: u64,
    pub(crate) handled: u64,
    pub(crate) queued: u64,
    pub(crate) stashed: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct WorkerView {
    pub(crate) index: usize,
    pub(crate) actors: u64,
    pub(crate) started: u64,
    pub(crate) sent: u64,
    pub(crate) handled: u64,
    pub(crate) queued: u64,
    pub(crate) stashed: u64,
    pub(crate) waiting: u64,
    pub(crate) fibers: u64,
    pub(crate) batches: u64,
    pub(crate) parks: u64,
    pub(crate) stack_high_water: u64,
    pub(crate) bytes_in_slots: u64,
    pub(crate) bytes_in_slabs: u64,
    pub(crate) bytes_in_waits: u64,
    pub(crate) silent: Option<SilentView>,
}

/// A worker that did not answer in time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct SilentView {
    pub(crate) error: String,
    pub(crate) running: Option<RunningView>,
}

/// The handler that holds a worker.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct RunningView {
    pub(crate) path: Option<String>,
    pub(crate) id: String,
    pub(crate) message_type: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Letters {
    pub(crate) total: u64,
    pub(crate) by_reason: BTreeMap<String, u64>,
    pub(crate) recent: Vec<LetterView>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct LetterView {
    pub(crate) target: String,
    pub(crate) path: Option<String>,
    pub(crate) message_type: &'static str,
    pub(crate) reason: String,
    pub(crate) sender: Option<String>,
    pub(crate) message: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct FailureView {
    pub(crate) at_ms: u64,
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) directive: Option<&'static str>,
    pub(crate) delay_ms: Option<u64>,
    /// The restarts of the actor by then, with that one.
    pub(crate) count: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct WaitView {
    pub(crate) worker: usize,
    pub(crate) id: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) for_ms: Option<u64>,
    pub(crate) waits_for: WaitsForView,
    pub(crate) cycle: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum WaitsForView {
    Time,
    Worker { worker: usize },
    Actor { id: String, path: Option<String> },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Top {
    pub(crate) deepest: Vec<ActorView>,
    pub(crate) busiest: Vec<ActorView>,
    pub(crate) restarts: Vec<ActorView>,
    pub(crate) longest: Vec<ActorView>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ActorView {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) worker: usize,
    pub(crate) message_type: &'static str,
    pub(crate) state: String,
    pub(crate) mailbox: u64,
    pub(crate) capacity: Option<u64>,
    pub(crate) deepest: Option<u64>,
    pub(crate) stashed: u64,
    pub(crate) timers: u64,
    pub(crate) tasks: u64,
    pub(crate) children: u64,
    pub(crate) restarts: u64,
    pub(crate) handled: Option<u64>,
    #[serde(serialize_with = "as_ms")]
    pub(crate) busy_ms: Option<f64>,
    pub(crate) age_ms: Option<u64>,
    pub(crate) handling: Option<HandlingView>,
    pub(crate) waits_for: Option<WaitsForView>,
    pub(crate) cycle: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct HandlingView {
    pub(crate) message: String,
    pub(crate) correlation: String,
    pub(crate) for_ms: Option<u64>,
}

/// The actors that match a query.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Found {
    pub(crate) actors: Vec<ActorView>,
    pub(crate) matched: u64,
    pub(crate) examined: u64,
    pub(crate) silent: Vec<usize>,
}

/// Microseconds are enough, and shorter.
fn as_ms<S: Serializer>(ms: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    ms.map(|ms| (ms * 1000.0).round() / 1000.0)
        .serialize(serializer)
}
