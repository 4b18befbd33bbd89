//! What earlier overviews said: rates and growth come from differences.

use std::collections::{HashMap, VecDeque};

use crate::attention::{Growth, WINDOW_MS};
use crate::model::{Actor, Overview};
use crate::text::Text;

/// The rates of a worker that are shown as a curve.
pub(super) const CURVE: usize = 60;
/// So many overviews are looked back at, at whichever interval they come.
const SAMPLES: usize = CURVE + 1;

struct Sample {
    uptime_ms: f64,
    dead_letters: u64,
    /// Messages handled, by worker.
    handled: Vec<(usize, u64)>,
    /// Of the actors that the overview lists.
    actors: HashMap<Text, ActorSample>,
}

#[derive(Clone, Copy)]
struct ActorSample {
    restarts: u64,
    handled: Option<u64>,
}

#[derive(Default)]
pub(super) struct History {
    run: Text,
    samples: VecDeque<Sample>,
}

impl History {
    /// Takes an overview in. Returns whether the pool is another one than before.
    pub(super) fn push(&mut self, overview: &Overview) -> bool {
        let last = self.samples.back();
        let anew = last
            .is_some_and(|last| self.run != overview.run || overview.uptime_ms < last.uptime_ms);
        if anew {
            self.samples.clear();
        }
        self.run.clone_from(&overview.run);
        // Two overviews of one moment have no rate.
        if self
            .samples
            .back()
            .is_some_and(|last| overview.uptime_ms <= last.uptime_ms)
        {
            self.samples.pop_back();
        }
        let of_actor = |actor: &Actor| {
            (
                actor.id.clone(),
                ActorSample {
                    restarts: actor.restarts,
                    handled: actor.handled,
                },
            )
        };
        self.samples.push_back(Sample {
            uptime_ms: overview.uptime_ms,
            dead_letters: overview.dead_letters.total,
            handled: overview
                .workers
                .iter()
                .map(|worker| (worker.index, worker.handled))
                .collect(),
            actors: overview.top.all().map(of_actor).collect(),
        });
        if self.samples.len() > SAMPLES {
            self.samples.pop_front();
        }
        anew
    }

    /// What has grown within the last seconds.
    pub(super) fn growth(&self) -> Option<Growth> {
        let last = self.samples.back()?;
        let recent = || {
            self.samples
                .iter()
                .filter(|sample| last.uptime_ms - sample.uptime_ms <= WINDOW_MS)
        };
        let first = recent().next()?;
        let mut restarts = HashMap::new();
        for (id, now) in &last.actors {
            // The first time that it was listed: where it was before that is not known.
            let before = recent().find_map(|sample| sample.actors.get(id));
            restarts.insert(
                id.clone(),
                before.map_or(0, |before| now.restarts.saturating_sub(before.restarts)),
            );
        }
        Some(Growth {
            over_ms: last.uptime_ms - first.uptime_ms,
            dead_letters: last.dead_letters.saturating_sub(first.dead_letters),
            restarts,
        })
    }

    /// The messages a second of a worker, the latest at the end.
    pub(super) fn rates(&self, worker: usize) -> Vec<u64> {
        let handled = |sample: &Sample| {
            sample
                .handled
                .iter()
                .find(|(index, _)| *index == worker)
                .map(|(_, n)| *n)
        };
        let pairs = self.samples.iter().zip(self.samples.iter().skip(1));
        let rate = |(before, after): (&Sample, &Sample)| {
            Some(per_second(
                handled(after)?.saturating_sub(handled(before)?),
                before,
                after,
            ))
        };
        pairs.filter_map(rate).collect()
    }

    /// The messages a second of all workers.
    pub(super) fn rate(&self) -> Option<u64> {
        let mut latest = self.samples.iter().rev();
        let (after, before) = (latest.next()?, latest.next()?);
        let sum = |sample: &Sample| {
            sample
                .handled
                .iter()
                .map(|(_, handled)| handled)
                .sum::<u64>()
        };
        Some(per_second(
            sum(after).saturating_sub(sum(before)),
            before,
            after,
        ))
    }

    /// The messages a second of an actor, if the last two overviews list it.
    pub(super) fn rate_of(&self, id: &Text) -> Option<u64> {
        let mut latest = self.samples.iter().rev();
        let (after, before) = (latest.next()?, latest.next()?);
        let handled = |sample: &Sample| sample.actors.get(id)?.handled;
        Some(per_second(
            handled(after)?.saturating_sub(handled(before)?),
            before,
            after,
        ))
    }
}

fn per_second(more: u64, before: &Sample, after: &Sample) -> u64 {
    (more as f64 * 1000.0 / (after.uptime_ms - before.uptime_ms)).round() as u64
}
