//! Records: what the run knows about an actor, and how the actor starts and ends.

use nexus_actors::prelude::*;
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, OnceLock};

use crate::note::{Load, Note};
use crate::oracles::{Life, Room, Sequences, Silence, StashBook, Tasks, TimerBook, Watches};

/// Something odd that an actor does when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Plain,
    Waits,
    Spawns,
    Tells,
    Asks,
    Fails,
    Panics,
    SpawnsAndFails,
    FactoryPanics,
    StopsAtOnce,
    FailsAtStart,
    WaitsAtStart,
    StopsItself,
}

impl Opening {
    pub(crate) const ODD: [Self; 12] = [
        Self::Waits,
        Self::Spawns,
        Self::Tells,
        Self::Asks,
        Self::Fails,
        Self::Panics,
        Self::SpawnsAndFails,
        Self::FactoryPanics,
        Self::StopsAtOnce,
        Self::FailsAtStart,
        Self::WaitsAtStart,
        Self::StopsItself,
    ];

    pub(crate) fn fails(self) -> bool {
        matches!(
            self,
            Self::Fails
                | Self::Panics
                | Self::SpawnsAndFails
                | Self::FactoryPanics
                | Self::FailsAtStart
        )
    }

    /// Whether the start yields no actor, without a failure.
    pub(crate) fn ends_at_once(self) -> bool {
        self == Self::StopsAtOnce
    }
}

/// What an actor does when it has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    Plain,
    Tells,
    Waits,
    Asks,
    Fails,
    Panics,
    /// The destructor of its state panics.
    DropPanics,
    /// The destructor of its state sends.
    DropTells,
    /// The destructor of its state asks, and waits.
    DropAsks,
    /// It starts more children.
    Spawns,
}

impl Closing {
    pub(crate) const ODD: [Self; 9] = [
        Self::DropAsks,
        Self::Spawns,
        Self::DropPanics,
        Self::DropTells,
        Self::Tells,
        Self::Waits,
        Self::Asks,
        Self::Fails,
        Self::Panics,
    ];
}

/// How many messages a sender has sent, by the numbers of the targets.
pub(crate) type SentTo = Arc<Mutex<HashMap<u32, u32>>>;

/// What the run knows about an actor.
pub(crate) struct Record<L: Load> {
    pub(crate) life: Arc<Life>,
    pub(crate) path: Option<String>,
    pub(crate) depth: u8,
    pub(crate) seed: u64,
    pub(crate) opening: Opening,
    pub(crate) closing: Closing,
    pub(crate) target: OnceLock<ActorRef<Note<L>>>,
    /// Whether it retains its name for a while after its state is gone.
    pub(crate) lingers: AtomicBool,
    /// What it has received from each sender, and what it has sent to each target.
    pub(crate) mail: Mutex<Sequences>,
    pub(crate) sent_to: SentTo,
    /// Every actor it ever tried to start, including those it was never told of.
    pub(crate) conceived: Mutex<Vec<Arc<Life>>>,
    /// All children it ever had, and those whose failure it was signalled.
    pub(crate) children: Mutex<Vec<Arc<Record<L>>>>,
    pub(crate) failed_children: Mutex<BTreeSet<u32>>,
    /// Whether every loss of a message to it is reported.
    pub(crate) heard: bool,
    /// Its mailbox.
    pub(crate) room: Room,
    /// The actors that it watches.
    pub(crate) watches: Watches,
    pub(crate) tasks: Tasks,
    /// The timers of its present instance, and its receive time-out.
    pub(crate) timers: Mutex<TimerBook>,
    pub(crate) silence: Silence,
    /// What it has stashed, while it is passive.
    pub(crate) stash: Mutex<StashBook>,
    /// Messages that were sent to it, and those that it has received.
    pub(crate) sent: AtomicU32,
    pub(crate) received: AtomicU32,
    /// Whether it is a router's routee, and whether nothing but the router sends to it.
    pub(crate) is_routee: AtomicBool,
    pub(crate) is_hidden: AtomicBool,
}

impl<L: Load> Record<L> {
    pub(crate) fn new(
        life: Life,
        path: Option<String>,
        depth: u8,
        seed: u64,
        (opening, closing): (Opening, Closing),
        bound: Option<(usize, Overflow)>,
        heard: bool,
    ) -> Self {
        Self {
            life: Arc::new(life),
            path,
            depth,
            seed,
            opening,
            closing,
            target: OnceLock::new(),
            lingers: AtomicBool::new(false),
            mail: Mutex::default(),
            sent_to: SentTo::default(),
            conceived: Mutex::default(),
            children: Mutex::default(),
            failed_children: Mutex::default(),
            heard,
            room: Room::new(bound),
            watches: Watches::default(),
            tasks: Tasks::default(),
            timers: Mutex::default(),
            silence: Silence::default(),
            stash: Mutex::default(),
            sent: AtomicU32::new(0),
            received: AtomicU32::new(0),
            is_routee: AtomicBool::new(false),
            is_hidden: AtomicBool::new(false),
        }
    }

    pub(crate) fn target(&self) -> Option<ActorRef<Note<L>>> {
        self.target.get().copied()
    }

    /// A description of the actor, for reports.
    pub(crate) fn who(&self) -> String {
        let number = self.life.number;
        match (&self.path, self.target()) {
            (Some(path), _) => format!("actor {number}, {path}"),
            (None, Some(target)) => format!("actor {number}, {}", target.id()),
            (None, None) => format!("actor {number}"),
        }
    }
}

/// An actor that messages can be sent to.
pub(crate) struct Known<L: Load> {
    pub(crate) record: Arc<Record<L>>,
    pub(crate) target: ActorRef<Note<L>>,
}

impl<L: Load> Clone for Known<L> {
    fn clone(&self) -> Self {
        Self {
            record: Arc::clone(&self.record),
            target: self.target,
        }
    }
}
