//! Doubles of the transport and the directory, in plain memory, for tests without threads.

use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::actor::{ActorPath, Batch, Directory, DirectoryEntry, Source, Transport};

/// A small deterministic generator (Steele, Lea and Flood's SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn percent(&mut self, percent: u8) -> bool {
        self.below(100) < u64::from(percent)
    }
}

/// How a transport misbehaves, in percent of the batches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unruliness {
    /// Refused, as if the target had gone.
    pub(crate) drop: u8,
    /// Kept back for a while, together with what the same sender sends later; batches of other
    /// senders overtake them.
    pub(crate) delay: u8,
    /// Followed by a repetition of what may be repeated.
    pub(crate) repeat: u8,
}

/// Batches on their way to one worker, each with how often it is still to be passed over.
#[derive(Default)]
struct Lane {
    queue: VecDeque<(u64, Batch)>,
    closed: bool,
}

struct Shared {
    lanes: Vec<Mutex<Lane>>,
    unruliness: Unruliness,
    rng: Mutex<Rng>,
}

/// A transport in plain memory.
pub(crate) struct MemoryTransport(Arc<Shared>);

/// The receiving end of one of its lanes.
pub(crate) struct MemorySource(Arc<Shared>, usize);

/// Makes a transport between so many workers.
pub(crate) fn memory_transport(
    workers: usize,
    unruliness: Unruliness,
    seed: u64,
) -> (MemoryTransport, Vec<MemorySource>) {
    let lanes = (0..workers).map(|_| Mutex::default()).collect();
    let shared = Arc::new(Shared {
        lanes,
        unruliness,
        rng: Mutex::new(Rng(seed)),
    });
    let sources = (0..workers)
        .map(|worker| MemorySource(shared.clone(), worker))
        .collect();
    (MemoryTransport(shared), sources)
}

impl Transport for MemoryTransport {
    fn send(&self, worker: u32, batch: Batch) -> Result<(), Batch> {
        let Shared {
            lanes,
            unruliness,
            rng,
        } = &*self.0;
        let mut rng = rng.lock();
        let mut lane = lanes[worker as usize].lock();
        if lane.closed || rng.percent(unruliness.drop) {
            return Err(batch);
        }
        let delay = if rng.percent(unruliness.delay) {
            1 + rng.below(5)
        } else {
            0
        };
        let again = rng.percent(unruliness.repeat).then(|| batch.repeat());
        lane.queue.push_back((delay, batch));
        lane.queue.extend(again.map(|again| (0, again)));
        Ok(())
    }

    fn is_open(&self, worker: u32) -> bool {
        !self.0.lanes[worker as usize].lock().closed
    }

    fn reuse(&self, _worker: u32) -> Option<Batch> {
        None
    }

    fn recycle(&self, _batch: Batch) {}
}

impl MemorySource {
    fn lane(&self) -> &Mutex<Lane> {
        &self.0.lanes[self.1]
    }
}

impl Source for MemorySource {
    fn has_mail(&self) -> bool {
        !self.lane().lock().queue.is_empty()
    }

    fn receive(&mut self, sink: &mut dyn FnMut(Batch)) {
        let queue = std::mem::take(&mut self.lane().lock().queue);
        let mut held_back: Vec<u32> = Vec::new();
        let mut kept = VecDeque::new();
        for (delay, batch) in queue {
            let origin = batch.origin();
            if delay > 0 || held_back.contains(&origin) {
                // What one sender sends keeps its order: later batches wait behind this one.
                held_back.push(origin);
                kept.push_back((delay.saturating_sub(1), batch));
            } else {
                sink(batch);
            }
        }
        let mut lane = self.lane().lock();
        kept.append(&mut lane.queue);
        lane.queue = kept;
    }

    fn close(&mut self, sink: &mut dyn FnMut(Batch)) {
        let mut lane = self.lane().lock();
        lane.closed = true;
        let queue = std::mem::take(&mut lane.queue);
        drop(lane);
        queue.into_iter().for_each(|(_, batch)| sink(batch));
    }

    fn park(&mut self, _timeout: Option<Duration>) {
        unreachable!("whoever steps workers on one thread does not park them");
    }
}

/// A directory in plain memory, ordered: the oracle for the concurrent one.
#[derive(Default)]
pub(crate) struct MemoryDirectory(Mutex<BTreeMap<ActorPath, Option<DirectoryEntry>>>);

impl MemoryDirectory {
    pub(crate) fn names(&self) -> usize {
        self.0.lock().len()
    }
}

impl Directory for MemoryDirectory {
    fn reserve(&self, path: &ActorPath) -> bool {
        let mut names = self.0.lock();
        let free = !names.contains_key(path);
        if free {
            names.insert(path.clone(), None);
        }
        free
    }

    fn publish(&self, path: &ActorPath, entry: DirectoryEntry) {
        self.0.lock().insert(path.clone(), Some(entry));
    }

    fn release(&self, path: &ActorPath) {
        self.0.lock().remove(path);
    }

    fn find(&self, path: &str) -> Option<DirectoryEntry> {
        self.0
            .lock()
            .get(&ActorPath::parse(path).ok()?)
            .copied()
            .flatten()
    }
}

/// A directory that several hold.
impl<D: Directory> Directory for Arc<D> {
    fn reserve(&self, path: &ActorPath) -> bool {
        (**self).reserve(path)
    }

    fn publish(&self, path: &ActorPath, entry: DirectoryEntry) {
        (**self).publish(path, entry);
    }

    fn release(&self, path: &ActorPath) {
        (**self).release(path);
    }

    fn find(&self, path: &str) -> Option<DirectoryEntry> {
        (**self).find(path)
    }
}
