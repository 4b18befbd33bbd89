//! The log of a simulation: what its workers are seen to do, and the faults that are to strike
//! them meanwhile.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

use super::fault::{Fault, Kind};
use super::trace::{Trace, TraceEvent, TraceKind};
use crate::actor::{ActorId, ActorPath, Envelope, Intervention, Observer};

/// A fault that was asked for.
struct Armed {
    fault: Fault,
    fired: bool,
    /// Handlings of its actor so far.
    handlings: u64,
}

/// What has happened, and what is to.
pub(super) struct Log {
    pub(super) now: u64,
    pub(super) step: u64,
    pub(super) trace: Trace,
    armed: Vec<Armed>,
    /// Faults that strike at a handling, and the actors that have their path now.
    targets: Vec<(usize, Option<ActorId>)>,
}

impl Log {
    pub(super) fn new(kept: usize) -> Self {
        Self {
            now: 0,
            step: 0,
            trace: Trace::new(kept),
            armed: Vec::new(),
            targets: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, what: TraceKind) {
        self.trace.push(TraceEvent {
            at: Duration::from_nanos(self.now),
            step: self.step,
            what,
        });
    }

    /// Keeps a fault until it strikes. Answers its number.
    pub(super) fn arm(&mut self, fault: Fault, target: Option<ActorId>) -> usize {
        let number = self.armed.len();
        if let Kind::Panic { .. } | Kind::Kill { .. } = fault.0 {
            self.targets.push((number, target));
        }
        self.armed.push(Armed {
            fault,
            fired: false,
            handlings: 0,
        });
        number
    }

    /// Keeps a fault that is switched off: its number is taken, and nobody misses it.
    pub(super) fn arm_nothing(&mut self, fault: Fault) {
        self.armed.push(Armed {
            fault,
            fired: true,
            handlings: 0,
        });
    }

    /// A fault strikes.
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

    /// Counts a handling for every fault that is meant for the actor. Answers what the first one does
    /// that is due.
    fn intervene(&mut self, actor: ActorId) -> Intervention {
        let mut due = None;
        for (number, target) in &self.targets {
            let armed = &mut self.armed[*number];
            if *target == Some(actor) && !armed.fired {
                armed.handlings += 1;
                if armed.handlings == handling_of(&armed.fault) && due.is_none() {
                    due = Some(*number);
                }
            }
        }
        let Some(number) = due else {
            return Intervention::None;
        };
        self.fire(number);
        let fault = &self.armed[number].fault;
        match fault.0 {
            Kind::Kill { .. } => Intervention::Kill,
            _ => Intervention::Panic(format!("planned: {fault}")),
        }
    }
}

/// The handling at which a fault strikes; 0 for one that strikes at a time.
fn handling_of(fault: &Fault) -> u64 {
    match fault.0 {
        Kind::Panic { handling, .. } | Kind::Kill { handling, .. } => handling,
        _ => 0,
    }
}

/// Looks on at the workers, and writes the log.
pub(super) struct Eye(pub(super) Arc<Mutex<Log>>);

impl Observer for Eye {
    fn starts(&self, actor: ActorId, path: &ActorPath) {
        let mut log = self.0.lock();
        let Log { targets, armed, .. } = &mut *log;
        for (number, target) in targets {
            if let Kind::Panic { actor: aim, .. } | Kind::Kill { actor: aim, .. } =
                &armed[*number].fault.0
                && aim == path.as_str()
            {
                *target = Some(actor);
            }
        }
        log.trace.name(actor, path);
        log.add(TraceKind::Starts { actor });
    }

    fn handles(&self, actor: ActorId, envelope: &Envelope, message: &'static str) -> Intervention {
        let mut log = self.0.lock();
        let intervention = if log.targets.is_empty() {
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
