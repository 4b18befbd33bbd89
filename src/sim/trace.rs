//! The trace: what happened in a simulation, one line each, in order.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Write as _};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::address::{ActorId, ActorPath};
use crate::failure::DeadLetterReason;

/// Something that happened in a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceEvent {
    /// When it happened, on the simulated clock.
    pub at: Duration,
    /// The step of the simulation in which it happened.
    pub step: u64,
    /// What happened.
    pub what: TraceKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceKind {
    /// An actor starts: its setup is about to run.
    Starts {
        /// The actor.
        actor: ActorId,
    },
    /// A message is delivered: its handler is about to run.
    Delivers {
        /// The actor that handles it.
        actor: ActorId,
        /// The actor that sent it, unless it came from outside.
        sender: Option<ActorId>,
        /// The type of the message.
        message: &'static str,
    },
    /// A message is lost.
    Loses {
        /// The actor it was sent to.
        actor: ActorId,
        /// The actor that sent it, unless it came from outside.
        sender: Option<ActorId>,
        /// The type of the message.
        message: &'static str,
        /// The reason.
        reason: DeadLetterReason,
    },
    /// An actor's handler returned an error, or panicked.
    Fails {
        /// The actor.
        actor: ActorId,
        /// The error, or the text of the panic.
        cause: String,
    },
    /// An actor has become passive: its instance has been dropped.
    Passivates {
        /// The actor.
        actor: ActorId,
    },
    /// A passive actor is about to be rebuilt.
    Wakes {
        /// The actor.
        actor: ActorId,
    },
    /// An actor has stopped.
    Stopped {
        /// The actor.
        actor: ActorId,
    },
    /// A requested fault happens.
    Fault {
        /// The fault.
        fault: String,
    },
}

/// What happened in a simulation, in order.
///
/// Two runs with the same seed have equal traces, and print the same bytes. If they do not, the
/// program depends on something outside the simulation: the real clock, another thread, or the
/// order of a `HashMap` with random keys.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::sim::{Sim, Trace};
///
/// fn run(seed: u64) -> Trace {
///     let mut sim = Sim::new(seed);
///     let actor = sim.spawn("actor", Props::new(|| Behavior::receive(|_ctx, _: u8| ()))).unwrap();
///     actor.tell(1);
///     sim.run_until_idle();
///     sim.trace()
/// }
///
/// assert_eq!(run(1).to_string(), run(1).to_string());
/// assert_eq!(run(1).first_difference(&run(1)), None);
/// ```
#[derive(Clone)]
pub struct Trace {
    events: VecDeque<TraceEvent>,
    most: usize,
    total: u64,
    fingerprint: u64,
    /// Shared with clones of the trace. Grows with every actor.
    names: Arc<BTreeMap<(usize, u32, u32), ActorPath>>,
}

/// Where two traces differ first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The number of the event, counted from 0.
    pub index: u64,
    /// The event in the first trace, as it is printed; `None` if that trace has ended.
    pub left: Option<String>,
    /// The event in the other trace, likewise.
    pub right: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |event: &Option<String>| event.clone().unwrap_or_else(|| "(nothing)".into());
        let Self { index, left, right } = self;
        write!(f, "event {index}:\n  {}\n  {}", line(left), line(right))
    }
}

fn name_of(actor: ActorId) -> (usize, u32, u32) {
    (actor.worker(), actor.key.slot(), actor.key.generation())
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Trace {
    pub(super) fn new(most: usize) -> Self {
        Self {
            events: VecDeque::new(),
            most,
            total: 0,
            fingerprint: 0,
            names: Arc::default(),
        }
    }

    pub(super) fn name(&mut self, actor: ActorId, path: &ActorPath) {
        Arc::make_mut(&mut self.names).insert(name_of(actor), path.clone());
    }

    pub(super) fn push(&mut self, event: TraceEvent) {
        self.total += 1;
        self.fingerprint = event.hash(self.fingerprint);
        if self.most == 0 {
            return;
        }
        if self.events.len() == self.most {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// The retained events, oldest first.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &TraceEvent> {
        self.events.iter()
    }

    /// The number of events, including those that are no longer retained.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether there was no event.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// A fingerprint of all events, including those that are no longer retained. Equal runs have
    /// equal fingerprints, in this process or in another one of the same program.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The path of an actor that was started in the simulation.
    pub fn path_of(&self, actor: ActorId) -> Option<&ActorPath> {
        self.names.get(&name_of(actor))
    }

    /// An event as a line of text.
    pub fn line(&self, event: &TraceEvent) -> String {
        let mut line = format!("{:>14.3} us  ", nanos(event.at) as f64 / 1000.0);
        let known = |actor: &ActorId| match self.path_of(*actor) {
            Some(path) => format!("{path} [{actor}]"),
            None => format!("[{actor}]"),
        };
        let from = |sender: &Option<ActorId>| match sender {
            Some(actor) => known(actor),
            None => "outside".to_owned(),
        };
        let written = match &event.what {
            TraceKind::Starts { actor } => write!(line, "starts    {}", known(actor)),
            TraceKind::Delivers {
                actor,
                sender,
                message,
            } => write!(
                line,
                "delivers  {} -> {}  {message}",
                from(sender),
                known(actor)
            ),
            TraceKind::Loses {
                actor,
                sender,
                message,
                reason,
            } => write!(
                line,
                "loses     {} -> {}  {message}: {reason}",
                from(sender),
                known(actor)
            ),
            TraceKind::Fails { actor, cause } => {
                write!(line, "fails     {}: {cause}", known(actor))
            }
            TraceKind::Passivates { actor } => write!(line, "passive   {}", known(actor)),
            TraceKind::Wakes { actor } => write!(line, "wakes     {}", known(actor)),
            TraceKind::Stopped { actor } => write!(line, "stopped   {}", known(actor)),
            TraceKind::Fault { fault } => write!(line, "fault     {fault}"),
        };
        written.expect("a string takes everything");
        line
    }

    /// The last `most` events, one a line.
    pub fn tail(&self, most: usize) -> String {
        let skipped = self.events.len().saturating_sub(most);
        let mut text = String::new();
        for event in self.events.iter().skip(skipped) {
            text.push_str(&self.line(event));
            text.push('\n');
        }
        text
    }

    /// Where this trace and another one differ first; `None` if they are equal.
    pub fn first_difference(&self, other: &Self) -> Option<Difference> {
        if (self.total, self.fingerprint) == (other.total, other.fingerprint) {
            return None;
        }
        let first_kept = |trace: &Self| trace.total - trace.events.len() as u64;
        let from = first_kept(self).max(first_kept(other));
        let kept = |trace: &Self, index: u64| {
            let event = trace
                .events
                .get(usize::try_from(index - first_kept(trace)).ok()?);
            event.map(|event| (event.clone(), trace.line(event)))
        };
        (from..=self.total.max(other.total)).find_map(|index| {
            let (left, right) = (kept(self, index), kept(other, index));
            // The step is not compared: there may also be steps in which nothing happens.
            let differ =
                left.as_ref().map(|(_, line)| line) != right.as_ref().map(|(_, line)| line);
            differ.then(|| Difference {
                index,
                left: left.map(|(_, line)| line),
                right: right.map(|(_, line)| line),
            })
        })
    }

    /// Writes the trace to a file, one event a line.
    ///
    /// # Errors
    ///
    /// As for [`std::fs::write`].
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        std::fs::write(path, self.to_string())
    }
}

impl TraceEvent {
    /// A hash of this event and of all before it, whose hash is `before`.
    fn hash(&self, before: u64) -> u64 {
        let id = |actor: &ActorId| {
            let (worker, slot, generation) = name_of(*actor);
            (worker as u64) << 54 ^ u64::from(slot) << 32 ^ u64::from(generation)
        };
        let sender_id = |sender: &Option<ActorId>| sender.as_ref().map_or(u64::MAX, id);
        let (kind, actor, sender, text) = match &self.what {
            TraceKind::Starts { actor } => (0, id(actor), 0, ""),
            TraceKind::Delivers {
                actor,
                sender,
                message,
            } => (1, id(actor), sender_id(sender), *message),
            TraceKind::Loses {
                actor,
                sender,
                message,
                reason,
            } => (16 + *reason as u64, id(actor), sender_id(sender), *message),
            TraceKind::Fails { actor, cause } => (2, id(actor), 0, cause.as_str()),
            TraceKind::Stopped { actor } => (3, id(actor), 0, ""),
            TraceKind::Fault { fault } => (4, 0, 0, fault.as_str()),
            TraceKind::Passivates { actor } => (5, id(actor), 0, ""),
            TraceKind::Wakes { actor } => (6, id(actor), 0, ""),
        };
        let mut words = [0; 32];
        for (place, word) in words
            .chunks_exact_mut(8)
            .zip([nanos(self.at), kind, actor, sender])
        {
            place.copy_from_slice(&word.to_le_bytes());
        }
        xxh3_64_with_seed(text.as_bytes(), xxh3_64_with_seed(&words, before))
    }
}

/// One event a line, after a note of how many were left out.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gone = self.total - self.events.len() as u64;
        if gone > 0 {
            writeln!(f, "({gone} earlier events omitted)")?;
        }
        f.write_str(&self.tail(usize::MAX))
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("events", &self.total)
            .field("fingerprint", &format_args!("{:016x}", self.fingerprint))
            .finish_non_exhaustive()
    }
}

impl PartialEq for Trace {
    fn eq(&self, other: &Self) -> bool {
        self.first_difference(other).is_none()
    }
}
