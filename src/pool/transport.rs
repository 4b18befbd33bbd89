//! The transport between threads: one inbox a worker, and a way back for emptied batches.

use crossbeam_queue::ArrayQueue;
use std::time::Duration;

use crate::actor::{Batch, FROM_OUTSIDE, Source, Transport};
use crate::queue::{Inbox, Pushed, Receiver, inbox};

/// Emptied batches that wait at a worker to be filled again: two megabytes.
const SPARE_BATCHES: usize = 1024;

struct Lane {
    inbox: Inbox<Batch>,
    spare: ArrayQueue<Batch>,
}

/// The inboxes of a pool.
pub(crate) struct Lanes(Box<[Lane]>);

/// The receiving end of one lane.
pub(crate) struct LaneEnd(Receiver<Batch>);

/// Makes a lane for each worker.
pub(crate) fn lanes(workers: usize) -> (Lanes, Vec<LaneEnd>) {
    let (lanes, ends): (Vec<_>, Vec<_>) = (0..workers)
        .map(|_| {
            let (inbox, receiver) = inbox();
            (
                Lane {
                    inbox,
                    spare: ArrayQueue::new(SPARE_BATCHES),
                },
                LaneEnd(receiver),
            )
        })
        .unzip();
    (Lanes(lanes.into()), ends)
}

impl Lanes {
    fn lane(&self, worker: u32) -> &Lane {
        &self.0[worker as usize]
    }
}

impl Transport for Lanes {
    fn send(&self, worker: u32, batch: Batch) -> Result<Pushed, Batch> {
        self.lane(worker).inbox.push(batch)
    }

    fn is_open(&self, worker: u32) -> bool {
        self.lane(worker).inbox.is_open()
    }

    fn reuse(&self, worker: u32) -> Option<Batch> {
        self.lane(worker).spare.pop()
    }

    fn recycle(&self, batch: Batch) {
        let origin = batch.origin();
        if origin != FROM_OUTSIDE {
            // Where the way back is full, the batch is freed.
            drop(self.lane(origin).spare.push(batch));
        }
    }
}

impl Source for LaneEnd {
    fn has_mail(&self) -> bool {
        self.0.has_mail()
    }

    fn receive(&mut self, sink: &mut dyn FnMut(Batch)) {
        self.0.take().for_each(sink);
    }

    fn close(&mut self, sink: &mut dyn FnMut(Batch)) {
        self.0.close().for_each(sink);
    }

    fn park(&mut self, timeout: Option<Duration>) {
        self.0.park(timeout);
    }
}
