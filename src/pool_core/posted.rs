//! Mail: what a worker receives, in batches of other workers and in posts of threads outside.

#![allow(unsafe_code)]

use super::batch::Batch;
use super::entry::ImpliedEntry;
use super::entry::ReadEntry;
use super::payload::PayloadReceiver;
use super::payload::PoolReturn;
use crate::address::Home;
use crate::address::{ActorId, Envelope};
use crate::failure::DeadLetterReason;
use crate::queue::{Mark, Reader};

/// Something that has arrived at a worker.
pub(crate) enum Mail<'a> {
    Batch(Batch),
    Posted(Posted<'a>),
}

/// The receiving end of a worker's port: all that is claimed there are entries with their parcels.
pub(crate) struct Posts(Reader);

impl Posts {
    /// # Safety
    ///
    /// All that is claimed of this ingress are entries with their parcels.
    pub(super) unsafe fn of(reader: Reader) -> Self {
        Self(reader)
    }

    /// As [`Reader::has_mail`].
    pub(crate) fn has_mail(&self) -> bool {
        self.0.has_mail()
    }

    /// Returns entries that have been committed, at most this many.
    pub(crate) fn up_to(&mut self, most: u32) -> Posted<'_> {
        Posted {
            reader: &mut self.0,
            until: ReadUntil::Count(most),
        }
    }

    /// Returns a mark behind all that was claimed by now.
    pub(crate) fn mark(&self) -> Mark {
        self.0.mark()
    }

    /// Returns the entries that were claimed before the mark.
    pub(crate) fn before(&mut self, mark: Mark) -> Posted<'_> {
        Posted {
            reader: &mut self.0,
            until: ReadUntil::Mark(mark),
        }
    }

    /// As [`before`](Self::before), but at most this many.
    pub(crate) fn some_before(&mut self, mark: Mark, most: u32) -> Posted<'_> {
        Posted {
            reader: &mut self.0,
            until: ReadUntil::CountOrMark(most, mark),
        }
    }

    /// Returns whether all that was claimed before the mark has been read.
    pub(crate) fn has_read_to(&mut self, mark: Mark) -> bool {
        !self.0.wait_before(mark)
    }

    /// Refuses all further posts. Returns what was posted before.
    pub(crate) fn close(&mut self) -> Posted<'_> {
        let mark = self.0.close();
        self.before(mark)
    }

    /// As [`Reader::fall_asleep`].
    pub(crate) fn fall_asleep(&mut self) -> bool {
        self.0.fall_asleep()
    }

    /// As [`Reader::wake_up`].
    pub(crate) fn wake_up(&mut self) {
        self.0.wake_up();
    }

    /// As [`Reader::trim`].
    pub(crate) fn trim(&mut self, kept: usize, most: usize) -> bool {
        self.0.trim(kept, most)
    }
}

/// Entries that lie in the ingress of a worker.
pub(crate) struct Posted<'a> {
    reader: &'a mut Reader,
    until: ReadUntil,
}

enum ReadUntil {
    /// This many entries, of those that are committed.
    Count(u32),
    /// Those that were claimed before the mark; they are waited for.
    Mark(Mark),
    /// At most this many of those.
    CountOrMark(u32, Mark),
}

impl Posted<'_> {
    /// Delivers every parcel to the worker that owns it.
    pub(crate) fn deliver(self, at: PayloadReceiver<'_>) {
        self.drain(|found, envelope| {
            // SAFETY: `drain` gives each parcel out once.
            unsafe { (found.handling.deliver)(found.parcel, at, found.to, &envelope) }
        });
    }

    /// Tells every parcel that it cannot arrive at `worker`.
    pub(super) fn bounce(self, pool: PoolReturn<'_>, home: Home, reason: DeadLetterReason) {
        self.drain(|found, envelope| {
            let to = ActorId::new(home, found.to);
            // SAFETY: `drain` gives each parcel out once.
            unsafe { (found.handling.bounce)(found.parcel, pool, to, envelope, reason) }
        });
    }

    /// Drops every parcel.
    pub(crate) fn discard(self) {
        // SAFETY: `drain` gives each parcel out once.
        self.drain(|found, _| unsafe { (found.handling.discard)(found.parcel) });
    }

    #[inline(always)]
    fn drain(mut self, mut visit: impl FnMut(ReadEntry, Envelope)) {
        while self.goes_on() {
            let Some(entry) = self.reader.peek() else {
                return;
            };
            let mut known = ImpliedEntry::NOTHING;
            // SAFETY: by the promise with which the `Posts` were made there is an entry with its parcel; it
            // is visited once, as the reader then passes over it, and nothing uses it after its visit.
            unsafe {
                let found = ReadEntry::read(entry.as_ptr(), &mut known);
                let words = found.words;
                let envelope = known.cause.envelope_of(found.message);
                visit(found, envelope);
                self.reader.advance(words as usize);
            }
        }
    }

    #[inline(always)]
    fn goes_on(&mut self) -> bool {
        match &mut self.until {
            ReadUntil::Count(0) | ReadUntil::CountOrMark(0, _) => false,
            ReadUntil::Count(left) => {
                *left -= 1;
                true
            }
            ReadUntil::CountOrMark(left, mark) => {
                *left -= 1;
                self.reader.wait_before(*mark)
            }
            ReadUntil::Mark(mark) => self.reader.wait_before(*mark),
        }
    }
}

impl Mail<'_> {
    /// Tells every parcel that it cannot arrive at `worker`.
    pub(crate) fn bounce(self, pool: PoolReturn<'_>, home: Home, reason: DeadLetterReason) {
        match self {
            Self::Batch(batch) => batch.bounce(pool, home, reason),
            Self::Posted(posted) => posted.bounce(pool, home, reason),
        }
    }
}
