//! The log of a simulation: what its workers are observed to do, and the faults that are to strike
//! them.

use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::fault::{Fault, FaultKind};
use super::trace::{Trace, TraceEvent, TraceKind};
use crate::address::{ActorId, ActorPath, Envelope};
use crate::pool_core::{Intervention, Tracer};

/// A requested fault.
struct Armed {
    fault: Fault,
    fired: bool,
}

/// An actor that has faults planned at some of its handlings.
#[derive(Default)]
struct Aim {
    /// The actor that has its path now.
    actor: Option<ActorId>,
    /// Its handlings since the first of these faults was requested.
    handlings: u64,
    /// The fault due at each of these handlings: of several, the one requested first.
    due: BTreeMap<u64, usize>,
}

/// What has happened, and what is planned.
pub(super) struct Log {
    pub(super) now: u64,
    pub(super) step: u64,
    pub(super) trace: Trace,
    armed: Vec<Armed>,
    aims: Vec<Aim>,
    /// The index in `aims` of each path, and of each actor that has such a path now.
    by_path: HashMap<String, usize>,
    by_actor: HashMap<ActorId, usize>,
}

impl Log {
    pub(super) fn new(kept: usize) -> Self {
        Self {
            now: 0,
            step: 0,
            trace: Trace::new(kept),
            armed: Vec::new(),
            aims: Vec::new(),
            by_path: HashMap::new(),
            by_actor: HashMap::new(),
        }
    }

    pub(super) fn add(&mut self, what: TraceKind) {
        self.trace.push(TraceEvent {
            at: Duration::from_nanos(self.now),
            step: self.step,
            what,
        });
    }

    /// Stores a fault until it strikes. Returns its number.
    pub(super) fn arm(&mut self, fault: Fault, target: Option<ActorId>) -> usize {
        let number = self.armed.len();
        if let FaultKind::Panic { actor, handling } | FaultKind::Kill { actor, handling } = &fault.0
        {
            let aim = self.aim_at(actor, target);
            let due = aim.handlings.saturating_add(*handling);
            aim.due.entry(due).or_insert(number);
        }
        self.armed.push(Armed {
            fault,
            fired: false,
        });
        number
    }

    /// The aim of that path. `actor` is the actor that has the path now, if any.
    fn aim_at(&mut self, path: &str, actor: Option<ActorId>) -> &mut Aim {
        let at = match self.by_path.get(path) {
            Some(at) => *at,
            None => {
                self.by_path.insert(path.to_owned(), self.aims.len());
                self.aims.push(Aim::default());
                self.aims.len() - 1
            }
        };
        if let Some(actor) = actor {
            self.is_at(at, actor);
        }
        &mut self.aims[at]
    }

    /// Notes that an actor has the path of an aim from now on.
    fn is_at(&mut self, at: usize, actor: ActorId) {
        if let Some(before) = self.aims[at].actor.replace(actor) {
            self.by_actor.remove(&before);
        }
        self.by_actor.insert(actor, at);
    }

    /// Stores a fault that is switched off: it takes a number, and counts as one that has struck.
    pub(super) fn arm_nothing(&mut self, fault: Fault) {
        self.armed.push(Armed { fault, fired: true });
    }

    /// Marks a fault as struck.
    pub(super) fn fire(&mut self, number: usize) {
        let armed = &mut self.armed[number];
        if !armed.fired {
            armed.fired = true;
            let fault = armed.fault.to_string();
            self.add(TraceKind::Fault { fault });
        }
    }

    /// The faults that have not struck.
    pub(super) fn unfired(&self) -> Vec<Fault> {
        let unfired = self.armed.iter().filter(|armed| !armed.fired);
        unfired.map(|armed| armed.fault.clone()).collect()
    }

    pub(super) fn faults(&self) -> usize {
        self.armed.len()
    }

    /// Counts a handling of the actor. Returns what the fault due now does, if there is one.
    fn intervene(&mut self, actor: ActorId) -> Intervention {
        let Some(at) = self.by_actor.get(&actor) else {
            return Intervention::None;
        };
        let aim = &mut self.aims[*at];
        aim.handlings += 1;
        let Some(number) = aim.due.remove(&aim.handlings) else {
            return Intervention::None;
        };
        self.fire(number);
        let fault = &self.armed[number].fault;
        match fault.0 {
            FaultKind::Kill { .. } => Intervention::Kill,
            _ => Intervention::Panic(format!("planned: {fault}")),
        }
    }
}

/// Traces the workers, and writes the log.
pub(super) struct Eye(pub(super) Arc<Mutex<Log>>);

impl Tracer for Eye {
    fn starts(&self, actor: ActorId, path: &ActorPath) {
        let mut log = self.0.lock();
        if let Some(at) = log.by_path.get(path.as_str()).copied() {
            log.is_at(at, actor);
        }
        log.trace.name(actor, path);
        log.add(TraceKind::Starts { actor });
    }

    fn handles(&self, actor: ActorId, envelope: &Envelope, message: &'static str) -> Intervention {
        let mut log = self.0.lock();
        let intervention = if log.by_actor.is_empty() {
            Intervention::None
        } else {
            log.intervene(actor)
        };
        if intervention != Intervention::Kill {
            let sender = envelope.sender();
            log.add(TraceKind::Delivers {
                actor,
                sender,
                message,
            });
        }
        intervention
    }

    fn passivates(&self, actor: ActorId) {
        self.0.lock().add(TraceKind::Passivates { actor });
    }

    fn wakes(&self, actor: ActorId) {
        self.0.lock().add(TraceKind::Wakes { actor });
    }

    fn stopped(&self, actor: ActorId) {
        self.0.lock().add(TraceKind::Stopped { actor });
    }
}
