//! The transport between threads: for each worker the inbox for batches of other workers, the
//! ingress for posts of outside threads, and a return path for emptied batches.

use crossbeam_queue::ArrayQueue;
use std::sync::Arc;
use std::time::Duration;

use crate::pool_core::{Batch, FROM_OUTSIDE, Mail, Ports, Posts, Source, Transport};
use crate::queue::{Chain, Inbox, InboxReceiver, Mark, Pushed, inbox};

/// Emptied small batches kept for a worker to refill: two megabytes.
const SPARE_BATCHES: usize = 1024;

/// Free segments of an ingress whose memory is kept when its worker rests, and how many are
/// processed at a time.
const KEPT_SEGMENTS: usize = 2;
const TRIMMED_AT_ONCE: usize = 32;

struct Lane {
    inbox: Inbox<Batch>,
    spare: ArrayQueue<Batch>,
}

/// The lanes to the workers of a pool.
pub(crate) struct Lanes {
    lanes: Box<[Lane]>,
    ports: Arc<Ports>,
}

/// The receiving end of one worker.
///
/// Mail is delivered in causal order: a thread may tell an actor something, and then cause another
/// one to send a message to it. So batches are taken from the inbox together with a mark in the
/// ingress: entries posted before the mark are delivered before the batches, later ones after them.
pub(crate) struct LaneEnd {
    inbox: InboxReceiver<Batch>,
    /// Batches taken from the inbox and not delivered yet.
    taken: Chain<Batch>,
    /// How far the ingress is to be read before them.
    before: Option<Mark>,
    /// Entries that were delivered beyond the limit, as batches are delivered as a whole.
    ahead: u32,
    posts: Posts,
}

/// Makes a lane for each worker.
pub(crate) fn lanes(workers: usize) -> (Lanes, Vec<LaneEnd>) {
    let (inboxes, receivers): (Vec<_>, Vec<_>) = (0..workers).map(|_| inbox()).unzip();
    let (ports, posts) = Ports::open(receivers.iter().map(InboxReceiver::unparker));
    let lane = |inbox| Lane {
        inbox,
        spare: ArrayQueue::new(SPARE_BATCHES),
    };
    let lanes = Lanes {
        lanes: inboxes.into_iter().map(lane).collect(),
        ports: Arc::new(ports),
    };
    let end = |(inbox, posts)| LaneEnd {
        inbox,
        taken: Chain::empty(),
        before: None,
        ahead: 0,
        posts,
    };
    let ends = receivers.into_iter().zip(posts).map(end).collect();
    (lanes, ends)
}

impl Lanes {
    fn lane(&self, worker: u32) -> &Lane {
        &self.lanes[worker as usize]
    }
}

impl Transport for Lanes {
    fn send(&self, worker: u32, batch: Batch) -> Result<Pushed, Batch> {
        self.lane(worker).inbox.push(batch)
    }

    fn is_open(&self, worker: u32) -> bool {
        self.lane(worker).inbox.is_open()
    }

    fn ports(&self) -> Option<Arc<Ports>> {
        Some(Arc::clone(&self.ports))
    }

    fn reuse(&self, worker: u32) -> Option<Batch> {
        self.lane(worker).spare.pop()
    }

    fn recycle(&self, batch: Batch) {
        let origin = batch.origin();
        if origin != FROM_OUTSIDE {
            // If the return path is full, the batch is freed.
            drop(self.lane(origin).spare.push(batch));
        }
    }
}

impl LaneEnd {
    fn receive_all(&mut self, sink: &mut dyn FnMut(Mail<'_>)) {
        self.ahead = 0;
        if let Some(mark) = self.before.take() {
            sink(Mail::Posted(self.posts.before(mark)));
        }
        self.taken.by_ref().map(Mail::Batch).for_each(&mut *sink);
        let batches = self.inbox.take();
        sink(Mail::Posted(self.posts.before(self.posts.mark())));
        batches.map(Mail::Batch).for_each(&mut *sink);
    }

    /// Delivers what was posted before the batches that were taken. Returns whether that was
    /// everything.
    fn receive_before(&mut self, most: u32, sink: &mut dyn FnMut(Mail<'_>)) -> bool {
        if let Some(mark) = self.before {
            sink(Mail::Posted(self.posts.some_before(mark, most)));
            if !self.posts.has_read_to(mark) {
                return false;
            }
            self.before = None;
        }
        true
    }
}

impl Source for LaneEnd {
    fn has_mail(&self) -> bool {
        self.inbox.has_mail() || self.posts.has_mail() || !self.taken.is_empty()
    }

    fn is_behind(&self) -> bool {
        !self.taken.is_empty() || self.posts.has_mail()
    }

    fn receive(&mut self, most: Option<u32>, sink: &mut dyn FnMut(Mail<'_>)) {
        let Some(most) = most else {
            return self.receive_all(sink);
        };
        if self.taken.is_empty() {
            if !self.inbox.has_mail() {
                if self.posts.has_mail() {
                    sink(Mail::Posted(self.posts.up_to(most)));
                }
                return;
            }
            self.taken = self.inbox.take();
            // Set only after the batches were taken: the mark has to lie behind everything that
            // caused them.
            let mark = self.posts.mark();
            if !self.posts.has_read_to(mark) {
                self.before = Some(mark);
            }
        }
        if self.before.is_some() && !self.receive_before(most, sink) {
            return;
        }
        while self.ahead < most
            && let Some(batch) = self.taken.next()
        {
            self.ahead += batch.entries();
            sink(Mail::Batch(batch));
        }
        self.ahead = self.ahead.saturating_sub(most);
    }

    fn close(&mut self, sink: &mut dyn FnMut(Mail<'_>)) {
        self.before = None;
        self.taken.by_ref().map(Mail::Batch).for_each(&mut *sink);
        self.inbox.close().map(Mail::Batch).for_each(&mut *sink);
        sink(Mail::Posted(self.posts.close()));
    }

    fn park(&mut self, timeout: Option<Duration>) {
        // A thread that writes to the ingress now wakes the inbox's parker.
        if self.taken.is_empty() && self.posts.fall_asleep() {
            self.inbox.park(timeout);
            self.posts.wake_up();
        }
    }

    fn tidy_up(&mut self) -> bool {
        self.posts.trim(KEPT_SEGMENTS, TRIMMED_AT_ONCE)
    }
}

impl Drop for LaneEnd {
    /// Drops what was sent to a worker that never ran.
    fn drop(&mut self) {
        self.close(&mut |mail| match mail {
            Mail::Batch(batch) => drop(batch),
            Mail::Posted(posted) => posted.discard(),
        });
    }
}
