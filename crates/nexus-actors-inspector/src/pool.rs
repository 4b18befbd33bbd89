//! A running pool as a source of figures.

use nexus_actors::address::ActorId;
use nexus_actors::failure::{Cycle, DeadLetter, DeadLetterReason, DeadLetters};
use nexus_actors::inspect::{
    ActorSnapshot, RunningNow, SilentWorker, Snapshot, SnapshotOrder, SnapshotQuery,
};
use nexus_actors::pool::{Waiting, WaitsFor, WorkerStats};
use nexus_actors::{ActorPath, WorkerNode, WorkerPool};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::feed::{Feed, as_ms};
use crate::letters::LetterQueue;
use crate::source::{By, Guard, Order, OrderError, Query, Source, Target};
use crate::view::*;

/// How long a worker has to answer before it counts as silent.
const PATIENCE: Duration = Duration::from_secs(1);
/// Actors in each list of the overview.
const TOP: usize = 30;
/// Waits in the overview.
const WAITS: usize = 200;
/// With more waiting handlers than that, only those that have waited longest are looked at.
const MOST_WAITS: u64 = 2_000;
/// Of the dead letters that are kept, the last ones are in the overview.
const RECENT: usize = 50;
/// The orders of the overview, found in one pass.
const ORDERS: [SnapshotOrder; 4] = [
    SnapshotOrder::Longest,
    SnapshotOrder::Deepest,
    SnapshotOrder::Busiest,
    SnapshotOrder::Restarts,
];

/// It keeps no pool running: that takes a handle to it, and this is a node.
pub(crate) struct PoolSource {
    node: WorkerNode,
    pub(crate) feed: Feed,
    /// An uptime that a worker told, and when: time goes on even if no worker answers.
    uptime: Mutex<(Duration, Instant)>,
}

impl PoolSource {
    pub(crate) fn new(pool: &WorkerPool) -> Self {
        Self {
            node: pool.node(),
            feed: Feed::new(),
            uptime: Mutex::new((Duration::ZERO, Instant::now())),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.node.name()
    }

    fn uptime(&self, told: Duration) -> Duration {
        let mut last = self.uptime.lock();
        let now = Instant::now();
        let expected = last.0 + now.duration_since(last.1);
        // No worker has answered.
        let uptime = if told.is_zero() { expected } else { told };
        *last = (uptime, now);
        uptime
    }

    /// Returns the waits, the longest first, and members of cycles before all others.
    fn waits(&self, snapshot: &Snapshot, total: u64) -> Vec<WaitView> {
        let longest = snapshot.by(SnapshotOrder::Longest);
        let mut waits: Vec<WaitView> = if total <= MOST_WAITS && snapshot.silent.is_empty() {
            let since = |id: ActorId| longest.iter().find(|actor| actor.id == id).and_then(since);
            let (waiting, _silent) = self.node.waiting(PATIENCE);
            waiting.iter().map(|one| wait_view(one, since)).collect()
        } else {
            longest.iter().filter_map(wait_of).collect()
        };
        waits.sort_by_key(|wait| (wait.cycle.is_none(), std::cmp::Reverse(wait.for_ms)));
        waits.truncate(WAITS);
        waits
    }
}

impl Source for PoolSource {
    fn overview(&self) -> Overview {
        let query = ORDERS
            .iter()
            .fold(SnapshotQuery::new().limit(WAITS), |query, &order| {
                query.order(order)
            });
        let snapshot = self.node.snapshot(&query, PATIENCE);
        let uptime = self.uptime(snapshot.uptime);
        let stats = self.node.stats();
        let letters = self.node.dead_letters();
        let waiting_total = stats.workers.iter().map(|worker| worker.waiting).sum();
        let top = |order| {
            snapshot
                .by(order)
                .iter()
                .take(TOP)
                .map(actor_view)
                .collect()
        };
        Overview {
            pool: self.node.name().to_owned(),
            run: self.node.run_id().to_string(),
            uptime_ms: as_ms(uptime),
            watched: false,
            control: false,
            sent_from_outside: stats.sent_from_outside,
            late_replies: stats.late_replies,
            totals: Totals {
                actors: stats.actors(),
                sent: stats.sent(),
                handled: stats.handled(),
                queued: stats.queued(),
                stashed: stats.stashed(),
            },
            workers: worker_views(&stats.workers, &snapshot.silent),
            dead_letters: letters_view(&letters),
            failures: self.feed.failures(uptime),
            waiting: self.waits(&snapshot, waiting_total),
            waiting_total,
            top: Top {
                deepest: top(SnapshotOrder::Deepest),
                busiest: top(SnapshotOrder::Busiest),
                restarts: top(SnapshotOrder::Restarts),
                longest: top(SnapshotOrder::Longest),
            },
            examined: snapshot.examined,
        }
    }

    fn actors(&self, query: &Query) -> Found {
        let order = match query.order {
            By::Tree => SnapshotOrder::Tree,
            By::Deepest => SnapshotOrder::Deepest,
            By::Busiest => SnapshotOrder::Busiest,
            By::Restarts => SnapshotOrder::Restarts,
            By::Longest => SnapshotOrder::Longest,
        };
        let mut wanted = SnapshotQuery::new().limit(query.limit).order(order);
        if let Some(below) = &query.below {
            wanted = wanted.below(below.clone());
        }
        if let Some(depth) = query.depth {
            wanted = wanted.depth(depth);
        }
        if let Some(text) = &query.matching {
            wanted = wanted.matching(text.as_str());
        }
        let snapshot = self.node.snapshot(&wanted, PATIENCE);
        Found {
            actors: snapshot.actors.iter().map(actor_view).collect(),
            matched: snapshot.matched,
            examined: snapshot.examined,
            silent: snapshot.silent.iter().map(|silent| silent.worker).collect(),
        }
    }

    fn order(&self, order: Order, target: &Target) -> Result<String, OrderError> {
        let all = SnapshotQuery::new();
        let query = match target {
            Target::Path(path) => all.below(path.clone()).depth(0).limit(1),
            // An id cannot be read back from its text, so it is looked for.
            Target::Id(_) => all.limit(usize::MAX),
        };
        let snapshot = self.node.snapshot(&query, PATIENCE);
        let is_meant = |actor: &&ActorSnapshot| match target {
            Target::Path(path) => actor.path == *path,
            Target::Id(id) => actor.id.to_string() == *id,
        };
        let Some(actor) = snapshot.actors.iter().find(is_meant) else {
            let silent = snapshot.silent.first();
            return Err(silent.map_or(OrderError::NoSuchActor, |silent| {
                OrderError::Silent(silent.worker)
            }));
        };
        match order {
            Order::Stop => actor.id.stop(),
            Order::Kill => actor.id.kill(),
            Order::Suspend => actor.id.suspend(),
            Order::Resume => actor.id.resume(),
        }
        Ok(actor.path.to_string())
    }

    fn watch(&self) -> Guard {
        Box::new(self.node.watch())
    }

    fn subscribe(&self, letters: Arc<LetterQueue>) -> Guard {
        let told = move |letter: &DeadLetter| letters.push(Instant::now(), || letter_view(letter));
        Box::new(self.node.dead_letters().subscribe(told))
    }
}

fn text(path: Option<ActorPath>) -> Option<String> {
    path.map(|path| path.to_string())
}

fn worker_views(stats: &[WorkerStats], silent: &[SilentWorker]) -> Vec<WorkerView> {
    let silent_view = |index| {
        let silent = silent.iter().find(|silent| silent.worker == index)?;
        Some(SilentView {
            error: silent.error.to_string(),
            running: silent.running.as_ref().map(running_view),
        })
    };
    let view = |(index, worker): (usize, &WorkerStats)| WorkerView {
        index,
        actors: worker.actors,
        started: worker.started,
        sent: worker.sent,
        handled: worker.handled,
        queued: worker.queued,
        stashed: worker.stashed,
        waiting: worker.waiting,
        fibers: worker.fibers,
        batches: worker.batches,
        parks: worker.parks,
        stack_high_water: worker.stack_high_water,
        bytes_in_slots: worker.bytes_in_slots,
        bytes_in_slabs: worker.bytes_in_slabs,
        bytes_in_waits: worker.bytes_in_waits,
        silent: silent_view(index),
    };
    stats.iter().enumerate().map(view).collect()
}

fn running_view(running: &RunningNow) -> RunningView {
    RunningView {
        path: text(running.path.clone()),
        id: running.actor.to_string(),
        message_type: running.message_type.to_owned(),
    }
}

fn letters_view(letters: &DeadLetters) -> Letters {
    let recent = letters.recent();
    let last = recent.len().saturating_sub(RECENT);
    let by_reason = DeadLetterReason::ALL.iter();
    Letters {
        total: letters.total(),
        by_reason: by_reason
            .map(|&reason| (reason.to_string(), letters.count(reason)))
            .collect(),
        recent: recent[last..].iter().map(letter_view).collect(),
    }
}

fn letter_view(letter: &DeadLetter) -> LetterView {
    LetterView {
        target: letter.target.to_string(),
        path: text(letter.path()),
        message_type: letter.message_type,
        reason: letter.reason.to_string(),
        sender: letter.envelope.sender().map(|sender| sender.to_string()),
        message: letter.envelope.message_id().to_string(),
    }
}

fn since(actor: &ActorSnapshot) -> Option<u64> {
    actor.waits_since.map(as_ms)
}

fn waits_for_view(waits_for: &WaitsFor) -> WaitsForView {
    match waits_for {
        WaitsFor::Worker(worker) => WaitsForView::Worker { worker: *worker },
        WaitsFor::Actor(id, path) => WaitsForView::Actor {
            id: id.to_string(),
            path: text(path.clone().or_else(|| id.path())),
        },
        // Time, and whatever else may come to be waited for.
        _ => WaitsForView::Time,
    }
}

fn cycle_view(cycle: &Cycle) -> Vec<String> {
    cycle
        .links()
        .iter()
        .map(|link| link.path.to_string())
        .collect()
}

fn wait_view(one: &Waiting, since: impl Fn(ActorId) -> Option<u64>) -> WaitView {
    WaitView {
        worker: one.worker,
        id: one.actor.as_ref().map(|(id, _)| id.to_string()),
        path: one.actor.as_ref().map(|(_, path)| path.to_string()),
        for_ms: one.actor.as_ref().and_then(|(id, _)| since(*id)),
        waits_for: waits_for_view(&one.waits_for),
        cycle: one.cycle.as_ref().map(cycle_view),
    }
}

fn wait_of(actor: &ActorSnapshot) -> Option<WaitView> {
    Some(WaitView {
        worker: actor.id.worker(),
        id: Some(actor.id.to_string()),
        path: Some(actor.path.to_string()),
        for_ms: since(actor),
        waits_for: waits_for_view(actor.waits_for.as_ref()?),
        cycle: actor.cycle.as_ref().map(cycle_view),
    })
}

fn actor_view(actor: &ActorSnapshot) -> ActorView {
    ActorView {
        id: actor.id.to_string(),
        path: actor.path.to_string(),
        worker: actor.id.worker(),
        message_type: actor.message_type,
        state: actor.status.to_string(),
        mailbox: actor.mailbox,
        capacity: actor.capacity,
        deepest: actor.deepest,
        stashed: actor.stashed,
        timers: actor.timers,
        tasks: actor.tasks,
        children: actor.children,
        restarts: actor.restarts,
        handled: actor.handled,
        busy_ms: actor.busy.map(|busy| busy.as_secs_f64() * 1000.0),
        age_ms: Some(as_ms(actor.age)),
        handling: actor.handling.map(|handling| HandlingView {
            message: handling.message.to_string(),
            correlation: handling.correlation.to_string(),
            for_ms: since(actor),
        }),
        waits_for: actor.waits_for.as_ref().map(waits_for_view),
        cycle: actor.cycle.as_ref().map(cycle_view),
    }
}
