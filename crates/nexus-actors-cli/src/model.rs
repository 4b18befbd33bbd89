//! What the service tells, as far as it is shown. Fields that a service does not send have their defaults, so that
//! an older or a newer one can be looked at too.

use serde::Deserialize;

use crate::text::{Text, time};

/// The answer to `GET /snapshot`, and each `overview` event.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Overview {
    // An overview without these is none, which is how an answer of another service is told apart.
    pub(crate) pool: Text,
    pub(crate) run: Text,
    pub(crate) uptime_ms: f64,
    pub(crate) workers: Vec<Worker>,
    #[serde(default)]
    pub(crate) totals: Totals,
    #[serde(default)]
    pub(crate) dead_letters: DeadLetters,
    #[serde(default)]
    pub(crate) failures: Vec<Failed>,
    #[serde(default)]
    pub(crate) waiting: Vec<Waiting>,
    #[serde(default)]
    pub(crate) top: Top,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Worker {
    pub(crate) index: usize,
    pub(crate) actors: u64,
    pub(crate) sent: u64,
    pub(crate) handled: u64,
    pub(crate) queued: u64,
    pub(crate) stashed: u64,
    pub(crate) waiting: u64,
    pub(crate) fibers: u64,
    pub(crate) parks: u64,
    pub(crate) stack_high_water: u64,
    pub(crate) bytes_in_slots: u64,
    pub(crate) bytes_in_slabs: u64,
    pub(crate) bytes_in_waits: u64,
    pub(crate) silent: Option<Silent>,
}

impl Worker {
    pub(crate) fn memory(&self) -> u64 {
        self.bytes_in_slots
            .saturating_add(self.bytes_in_slabs)
            .saturating_add(self.bytes_in_waits)
    }
}

/// A worker that has not answered in time.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Silent {
    pub(crate) error: Text,
    pub(crate) running: Option<Running>,
}

/// The handler that runs there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Running {
    pub(crate) path: Option<Text>,
    pub(crate) id: Text,
    pub(crate) message_type: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Totals {
    pub(crate) actors: u64,
    pub(crate) sent: u64,
    pub(crate) handled: u64,
    pub(crate) queued: u64,
    pub(crate) stashed: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeadLetters {
    pub(crate) total: u64,
    pub(crate) by_reason: std::collections::BTreeMap<Text, u64>,
    pub(crate) recent: Vec<DeadLetter>,
}

impl DeadLetters {
    /// The reasons, the most frequent one first.
    pub(crate) fn reasons(&self) -> Vec<(&Text, u64)> {
        let mut reasons: Vec<_> = self
            .by_reason
            .iter()
            .map(|(reason, &count)| (reason, count))
            .collect();
        reasons.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        reasons
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct DeadLetter {
    pub(crate) target: Text,
    pub(crate) path: Option<Text>,
    pub(crate) message_type: Text,
    pub(crate) reason: Text,
    pub(crate) sender: Option<Text>,
    pub(crate) message: Option<Text>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Failed {
    pub(crate) at_ms: f64,
    pub(crate) path: Text,
    pub(crate) text: Text,
    pub(crate) directive: Option<Text>,
}

impl Failed {
    pub(crate) fn restarts(&self) -> bool {
        self.directive
            .as_ref()
            .is_some_and(|directive| directive.raw().eq_ignore_ascii_case("restart"))
    }
}

/// A handler that waits.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Waiting {
    pub(crate) worker: usize,
    pub(crate) id: Option<Text>,
    pub(crate) path: Option<Text>,
    pub(crate) for_ms: Option<f64>,
    pub(crate) waits_for: WaitsFor,
    pub(crate) cycle: Option<Vec<Text>>,
}

impl Waiting {
    /// Who waits.
    pub(crate) fn who(&self) -> String {
        match (&self.path, &self.id) {
            (Some(path), _) => path.to_string(),
            (None, Some(id)) => id.to_string(),
            (None, None) => format!("a task of worker {}", self.worker),
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WaitsFor {
    pub(crate) kind: Text,
    pub(crate) worker: Option<usize>,
    pub(crate) id: Option<Text>,
    pub(crate) path: Option<Text>,
}

impl std::fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.worker, &self.path, &self.id) {
            (_, Some(path), _) => write!(f, "{path}"),
            (_, None, Some(id)) => write!(f, "the actor {id}"),
            (Some(worker), None, None) => write!(f, "worker {worker}"),
            (None, None, None) if self.kind.raw() == "time" => f.write_str("time to pass"),
            (None, None, None) => write!(f, "{}", self.kind),
        }
    }
}

/// Returns a cycle of waits with the arrow back to its first actor.
pub(crate) fn cycle_text(cycle: &[Text]) -> String {
    let closed = cycle.len() > 1 && cycle.first() == cycle.last();
    let back = cycle.first().filter(|_| !closed);
    cycle
        .iter()
        .chain(back)
        .map(Text::to_string)
        .collect::<Vec<_>>()
        .join(" -> ")
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Top {
    pub(crate) deepest: Vec<Actor>,
    pub(crate) busiest: Vec<Actor>,
    pub(crate) restarts: Vec<Actor>,
    pub(crate) longest: Vec<Actor>,
}

impl Top {
    pub(crate) fn of(&self, order: crate::args::Order) -> &[Actor] {
        use crate::args::Order;
        match order {
            Order::Deepest => &self.deepest,
            Order::Busiest => &self.busiest,
            Order::Restarts => &self.restarts,
            Order::Longest => &self.longest,
        }
    }

    /// The actors of all orders; one that is in several comes several times.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Actor> {
        [&self.deepest, &self.busiest, &self.restarts, &self.longest]
            .into_iter()
            .flatten()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Actor {
    pub(crate) id: Text,
    pub(crate) path: Text,
    #[serde(default)]
    pub(crate) worker: usize,
    #[serde(default)]
    pub(crate) message_type: Text,
    #[serde(default)]
    pub(crate) state: Text,
    #[serde(default)]
    pub(crate) mailbox: u64,
    #[serde(default)]
    pub(crate) capacity: Option<u64>,
    #[serde(default)]
    pub(crate) deepest: Option<u64>,
    #[serde(default)]
    pub(crate) stashed: u64,
    #[serde(default)]
    pub(crate) timers: u64,
    #[serde(default)]
    pub(crate) tasks: u64,
    #[serde(default)]
    pub(crate) children: u64,
    #[serde(default)]
    pub(crate) restarts: u64,
    #[serde(default)]
    pub(crate) handled: Option<u64>,
    #[serde(default)]
    pub(crate) busy_ms: Option<f64>,
    #[serde(default)]
    pub(crate) age_ms: Option<f64>,
    #[serde(default)]
    pub(crate) handling: Option<Handling>,
    #[serde(default)]
    pub(crate) waits_for: Option<WaitsFor>,
    #[serde(default)]
    pub(crate) cycle: Option<Vec<Text>>,
}

impl Actor {
    /// How full its mailbox is, in percent, if that has a capacity.
    pub(crate) fn fullness(&self) -> Option<u64> {
        self.capacity
            .map(|capacity| self.mailbox.saturating_mul(100) / capacity.max(1))
    }

    /// How long its handler has waited, and for what.
    pub(crate) fn wait(&self) -> String {
        let time = self.handling.as_ref().map(|handling| time(handling.for_ms));
        match (time, &self.waits_for) {
            (Some(time), Some(what)) => format!("{time} for {what}"),
            (Some(time), None) => time,
            (None, Some(what)) => format!("for {what}"),
            (None, None) => "-".to_owned(),
        }
    }
}

/// The message whose handler waits in the middle.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Handling {
    pub(crate) message: Text,
    pub(crate) correlation: Text,
    pub(crate) for_ms: f64,
}

/// The answer to `GET /actors`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Found {
    pub(crate) actors: Vec<Actor>,
    #[serde(default)]
    pub(crate) matched: u64,
    #[serde(default)]
    pub(crate) examined: u64,
    #[serde(default)]
    pub(crate) silent: Vec<usize>,
}

/// What stands in place of the dead letters that a service left out.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Omitted {
    pub(crate) omitted: u64,
}
