//! The transport of a simulated pool: batches take time, and keep their order.
//!
//! There is a lane between any two workers, and one from outside to each worker. A lane delivers in
//! sending order; lanes overtake each other.

use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::directory::SimNames;
use super::rng::Rng;
use super::windows::Windows;
use crate::address::{ActorId, ActorPath};
use crate::pool_core::{Batch, FROM_OUTSIDE, Mail, Source, Transport};
use crate::queue::Pushed;

/// One lane: the batches in flight on it, each with its arrival time.
#[derive(Default)]
struct SimLane {
    under_way: VecDeque<(u64, Batch)>,
    last_arrival: u64,
}

/// The lanes to one worker.
struct Inbound {
    /// One from each worker; the last one is from outside.
    lanes: Vec<SimLane>,
    /// The arrival time of the next batch.
    next: Option<u64>,
    closed: bool,
}

/// A fault that makes batches take longer for a while.
pub(super) struct Delay {
    /// The sending worker; `None` for outside.
    pub(super) from: Option<u32>,
    /// The receiving worker; `None` for every worker.
    pub(super) to: Option<u32>,
    pub(super) by: u64,
    /// The number of the fault that requested it.
    pub(super) fault: usize,
    /// Whether it has delayed any batch.
    pub(super) hit: bool,
}

/// A fault by which a bounded mailbox accepts nothing for a while.
struct Blockade {
    /// The number of the fault that requested it.
    fault: usize,
    /// Whether it has refused anything.
    hit: bool,
}

struct NetworkState {
    inbound: Vec<Inbound>,
    now: u64,
    /// The longest time in flight, and the generator of the times.
    latency: Option<(u64, Rng)>,
    delays: Windows<Delay>,
    /// By the path of the actor.
    blockades: HashMap<ActorPath, Windows<Blockade>>,
    names: SimNames,
    #[cfg(test)]
    unruliness: Option<Unruliness>,
    /// The faults whose delay or blockade has struck for the first time since the last report.
    struck: Vec<usize>,
}

/// How a transport that is no in-memory queue misbehaves, in percent of the batches.
#[cfg(test)]
pub(super) struct Unruliness {
    /// Batches refused, as if the target were gone.
    pub(super) drop: u64,
    /// Batches followed by a repetition of what may be repeated.
    pub(super) repeat: u64,
    pub(super) rng: Rng,
}

/// The lanes of a pool.
#[derive(Clone)]
pub(super) struct Network(Arc<Mutex<NetworkState>>);

/// The receiving end of one worker.
struct LaneEndpoint {
    network: Network,
    worker: usize,
}

impl Network {
    /// The lanes between that many workers, whose actors have those names. A batch takes up to
    /// `latency` nanoseconds.
    pub(super) fn new(workers: usize, latency: Option<(u64, Rng)>, names: SimNames) -> Self {
        let inbound = (0..workers).map(|_| Inbound {
            lanes: (0..=workers).map(|_| SimLane::default()).collect(),
            next: None,
            closed: false,
        });
        Self(Arc::new(Mutex::new(NetworkState {
            inbound: inbound.collect(),
            now: 0,
            latency,
            delays: Windows::default(),
            blockades: HashMap::new(),
            names,
            #[cfg(test)]
            unruliness: None,
            struck: Vec::new(),
        })))
    }

    /// The receiving end of a worker.
    pub(super) fn source(&self, worker: usize) -> Box<dyn Source> {
        let network = self.clone();
        Box::new(LaneEndpoint { network, worker })
    }

    /// Moves the clock forward. Returns the numbers of the faults that have struck for the first
    /// time since the last call.
    pub(super) fn set_now(&self, now: u64) -> Vec<usize> {
        let mut network = self.0.lock();
        network.now = now;
        std::mem::take(&mut network.struck)
    }

    /// Makes batches arrive at once from now on.
    pub(super) fn disable_chance(&self) {
        self.0.lock().latency = None;
    }

    /// Adds a delay from `since` to `until`.
    pub(super) fn delay(&self, since: u64, until: u64, delay: Delay) {
        self.0.lock().delays.add(since, until, delay);
    }

    /// Makes the mailbox of the actor with that path accept nothing from `since` to `until`, for
    /// the fault of that number.
    pub(super) fn block(&self, actor: &str, since: u64, until: u64, fault: usize) {
        // No actor has a path that is invalid.
        let Ok(actor) = ActorPath::parse(actor) else {
            return;
        };
        let blockades = &mut self.0.lock().blockades;
        let blockade = Blockade { fault, hit: false };
        blockades
            .entry(actor)
            .or_default()
            .add(since, until, blockade);
    }

    #[cfg(test)]
    pub(super) fn be_unruly(&self, unruliness: Unruliness) {
        self.0.lock().unruliness = Some(unruliness);
    }

    /// The time at which the next batch arrives at a worker.
    pub(super) fn next_arrival(&self, worker: usize) -> Option<u64> {
        self.0.lock().inbound[worker].next
    }

    /// The number of batches in flight.
    pub(super) fn under_way(&self) -> usize {
        let network = self.0.lock();
        let lanes = network.inbound.iter().flat_map(|gate| &gate.lanes);
        lanes.map(|lane| lane.under_way.len()).sum()
    }
}

impl NetworkState {
    /// The arrival time of a batch that is sent now.
    fn arrival(&mut self, from: u32, to: u32) -> u64 {
        let latency = match &mut self.latency {
            Some((most, rng)) => rng.span(*most),
            None => 0,
        };
        let mut arrival = self.now + latency;
        let from = (from != FROM_OUTSIDE).then_some(from);
        for delay in self.delays.now(self.now) {
            if delay.from == from && delay.to.is_none_or(|meant| meant == to) {
                arrival += delay.by;
                if !std::mem::replace(&mut delay.hit, true) {
                    self.struck.push(delay.fault);
                }
            }
        }
        arrival
    }

    /// Puts a batch on its lane.
    fn carry(&mut self, worker: u32, arrival: u64, batch: Batch) {
        let origin = batch.origin();
        let gate = &mut self.inbound[worker as usize];
        let outside = gate.lanes.len() - 1;
        let lane = &mut gate.lanes[outside.min(origin as usize)];
        lane.last_arrival = lane.last_arrival.max(arrival);
        lane.under_way.push_back((lane.last_arrival, batch));
        let next = gate.next.unwrap_or(u64::MAX);
        gate.next = Some(next.min(lane.last_arrival));
    }

    /// Refuses or duplicates a batch now and then.
    #[cfg(test)]
    fn misbehave(&mut self, worker: u32, batch: Batch) -> Result<Batch, Batch> {
        let Some(Unruliness { drop, repeat, rng }) = &mut self.unruliness else {
            return Ok(batch);
        };
        let (refused, again) = (rng.below(100) < *drop, rng.below(100) < *repeat);
        if refused {
            return Err(batch);
        }
        if again {
            let (at, again) = (self.arrival(batch.origin(), worker), batch.repeat());
            self.carry(worker, at, again);
        }
        Ok(batch)
    }
}

impl Transport for Network {
    fn send(&self, worker: u32, batch: Batch) -> Result<Pushed, Batch> {
        let network = &mut *self.0.lock();
        let origin = batch.origin();
        if network.inbound[worker as usize].closed {
            return Err(batch);
        }
        #[cfg(test)]
        let batch = network.misbehave(worker, batch)?;
        let arrival = network.arrival(origin, worker);
        network.carry(worker, arrival, batch);
        Ok(Pushed::Queued)
    }

    fn is_open(&self, worker: u32) -> bool {
        !self.0.lock().inbound[worker as usize].closed
    }

    fn refuses(&self, actor: ActorId) -> bool {
        let NetworkState {
            now,
            blockades,
            names,
            struck,
            ..
        } = &mut *self.0.lock();
        if blockades.is_empty() {
            return false;
        }
        let of_actor = names.name_of(actor);
        let Some(of_actor) = of_actor.and_then(|path| blockades.get_mut(&path)) else {
            return false;
        };
        let mut refused = false;
        for blockade in of_actor.now(*now) {
            refused = true;
            if !std::mem::replace(&mut blockade.hit, true) {
                struck.push(blockade.fault);
            }
        }
        refused
    }

    fn reuse(&self, _worker: u32) -> Option<Batch> {
        None
    }

    fn recycle(&self, _batch: Batch) {}
}
impl Inbound {
    /// Takes, of the batches that have arrived, the one that arrived first.
    fn take_arrived(&mut self, now: u64) -> Option<Batch> {
        let (at, lane) = self
            .lanes
            .iter_mut()
            .filter_map(|lane| Some((lane.under_way.front()?.0, lane)))
            .min_by_key(|(at, _)| *at)
            .filter(|(at, _)| *at <= now)?;
        debug_assert!(at <= now);
        lane.under_way.pop_front().map(|(_, batch)| batch)
    }

    fn find_next(&mut self) {
        let heads = self.lanes.iter().filter_map(|lane| lane.under_way.front());
        self.next = heads.map(|(at, _)| *at).min();
    }
}

impl Source for LaneEndpoint {
    fn has_mail(&self) -> bool {
        let network = self.network.0.lock();
        network.inbound[self.worker]
            .next
            .is_some_and(|at| at <= network.now)
    }

    fn receive(&mut self, _most: Option<u32>, sink: &mut dyn FnMut(Mail<'_>)) {
        let mut arrived = Vec::new();
        {
            let network = &mut *self.network.0.lock();
            let gate = &mut network.inbound[self.worker];
            if gate.next.is_none_or(|at| at > network.now) {
                return;
            }
            while let Some(batch) = gate.take_arrived(network.now) {
                arrived.push(batch);
            }
            gate.find_next();
        }
        arrived.into_iter().map(Mail::Batch).for_each(sink);
    }

    fn close(&mut self, sink: &mut dyn FnMut(Mail<'_>)) {
        let lanes = {
            let gate = &mut self.network.0.lock().inbound[self.worker];
            gate.closed = true;
            gate.next = None;
            gate.lanes
                .iter_mut()
                .map(std::mem::take)
                .collect::<Vec<_>>()
        };
        let left = lanes.into_iter().flat_map(|lane| lane.under_way);
        left.for_each(|(_, batch)| sink(Mail::Batch(batch)));
    }

    fn park(&mut self, _timeout: Option<Duration>) {
        unreachable!("workers stepped on one thread are never parked");
    }
}
