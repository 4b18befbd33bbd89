//! Asking all workers, and merging what they found.

use std::sync::Arc;
use std::time::Duration;

use super::actor::ActorSnapshot;
use super::query::{SnapshotOrder, SnapshotQuery};
use super::scan::{Found, scan};
use super::snapshot::{RunningNow, SilentWorker, Snapshot};
use crate::address::ActorId;
use crate::ask::{AskError, begin_call};
use crate::deadlock::{Waiting, name_targets, waiting_on};
use crate::pool_core::{PoolCore, look_at_handler};
use crate::shard::path_elsewhere;

/// Has every worker look at its actors.
pub(crate) fn snapshot_of(core: &PoolCore, query: &SnapshotQuery, within: Duration) -> Snapshot {
    let query = Arc::new(query.clone());
    let asked: Vec<_> = core
        .worker_indices()
        .map(|worker| {
            let query = Arc::clone(&query);
            begin_call(core, worker, Some(within), move |shard| {
                scan(shard, &query, shard.read_clock())
            })
        })
        .collect();
    let (mut all, mut silent) = (Vec::new(), Vec::new());
    for (worker, asked) in asked.into_iter().enumerate() {
        match asked.wait() {
            Ok(found) => all.push(found),
            Err(error) => silent.push(silent_worker(core, worker, error)),
        }
    }
    merge(&query, all, silent)
}

/// Has every worker say which handlers wait on it. Workers that do not answer are returned with the reason.
pub(crate) fn waiting_in(
    core: &PoolCore,
    within: Duration,
) -> (Vec<Waiting>, Vec<(usize, AskError)>) {
    let asked: Vec<_> = core
        .worker_indices()
        .map(|worker| begin_call(core, worker, Some(within), waiting_on))
        .collect();
    let (mut waiting, mut silent) = (Vec::new(), Vec::new());
    for (worker, asked) in asked.into_iter().enumerate() {
        match asked.wait() {
            Ok(found) => waiting.extend(found),
            Err(error) => silent.push((worker, error)),
        }
    }
    name_targets(&mut waiting);
    (waiting, silent)
}

fn silent_worker(core: &PoolCore, worker: usize, error: AskError) -> SilentWorker {
    let running = look_at_handler(&core.activities[worker]).map(|found| {
        let home = core.home(u32::try_from(worker).expect("workers are numbered by u32"));
        let actor = ActorId::new(home, found.key);
        RunningNow {
            actor,
            path: path_elsewhere(actor),
            message_type: found.message_type,
        }
    });
    SilentWorker {
        worker,
        error,
        running,
    }
}

/// Merges what the workers found.
pub(crate) fn merge(query: &SnapshotQuery, all: Vec<Found>, silent: Vec<SilentWorker>) -> Snapshot {
    let uptime = all.iter().map(|found| found.now).max();
    let matched = all.iter().map(|found| found.matched).sum();
    let examined = all.iter().map(|found| found.examined).sum();
    let mut lists: Vec<Vec<(u64, ActorSnapshot)>> =
        query.orders().iter().map(|_| Vec::new()).collect();
    for found in all {
        for (list, of_worker) in lists.iter_mut().zip(found.lists) {
            list.extend(of_worker);
        }
    }
    let orders = query.orders().iter().copied();
    let mut lists = orders.zip(lists).map(|(order, mut list)| {
        if order == SnapshotOrder::Tree {
            list.sort_by_cached_key(|(_, actor)| (actor.path.depth(), actor.path.to_string()));
        } else {
            list.sort_by_key(|(number, actor)| {
                (std::cmp::Reverse(*number), actor.id.key.to_bits())
            });
        }
        list.truncate(query.limit);
        let mut actors: Vec<_> = list.into_iter().map(|(_, actor)| actor).collect();
        if order == SnapshotOrder::Tree {
            // A parent comes before its children, and these before its next sibling.
            actors.sort_by(|one, other| one.path.segments().cmp(other.path.segments()));
        }
        (order, actors)
    });
    let (first, actors) = lists.next().expect("a query has an order");
    Snapshot {
        uptime: uptime.unwrap_or_default(),
        actors,
        matched,
        examined,
        silent,
        others: lists.collect(),
        first,
    }
}
