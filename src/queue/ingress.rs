//! The ingress of a worker: an unbounded log with many writers and one reader, for threads outside.
//!
//! A writer claims words by one `fetch_add` on the tail of the current segment, writes them, and commits by a
//! release store of the first one. A message costs no more than that: no allocation, no retry, no lock. The
//! design is that of the log buffers of Aeron (M. Thompson, T. Montgomery: *Aeron*, its `LogBuffer` and
//! `TermAppender`). The layer above decides what the words hold; here the first word of an entry is a
//! non-null pointer, and null until the entry is committed.
//!
//! **Segments.** The log is a chain of segments of [`CAPACITY`] words. The tail of a segment counts the words
//! claimed in it. The first claim that does not fit is the one that finds a count of no more than the
//! capacity. It *closes* the segment: it writes a mark in place of an entry if there is room for a word,
//! resets the tail of another segment and installs that one. Other claims that do not fit wait for the new
//! current segment: they spin for some rounds and then yield, as the closing thread may have been preempted.
//!
//! | tail                 | meaning                      | claim of `n`                      | sleep                | close               |
//! |----------------------|------------------------------|-----------------------------------|----------------------|---------------------|
//! | `at`, with room      | open                         | → `at + n`, succeeds at `at`      | → `at` + `ASLEEP`, if all was read | → `at` + `CLOSED` |
//! | `at`, without room   | open, but full               | → `at + n`, closes the segment    | likewise             | likewise            |
//! | above the capacity   | closed, or free              | waits for the current segment     | refused              | waits likewise      |
//! | `at` + `ASLEEP`      | open, and the reader sleeps  | as above, and then wakes it       | –                    | –                   |
//! | `at` + `CLOSED`      | the ingress is closed        | refused                           | refused              | –                   |
//!
//! **No claim is lost.** A segment takes claims from the reset of its tail until the claim that closes it.
//! The next segment is reset after that, so at most one segment takes claims at any time. The claims of one
//! thread lie in the log in the order in which it made them: the acquire of a claim makes everything visible
//! that came before the reset of its segment, including the closing of earlier segments.
//!
//! A thread may be preempted after it reads which segment is current and before its claim, until that segment
//! was closed, read to its end, and is free, or even installed again. Such a *stale claim* fails on a free
//! segment, whose tail stays above the capacity until it is installed. On a segment that was installed again
//! it succeeds, as any other claim. So headers of segments are never freed before the ingress is, and never
//! used for anything else. Only stale claims find a segment whose tail was reset and that is not current yet.
//! If they fill it, the one that closes it waits until it has become current before it installs the next: the
//! current segment never moves backwards. A claim that waits for another segment to become current also reads
//! the tail, as its own segment may be the one that was installed again.
//!
//! **No lost wake-up.** The reader sets `ASLEEP` in the tail of the segment that it reads, and sleeps only if
//! the same step has shown that no words were claimed beyond what it has read. The next claim modifies the
//! same word, and so sees the bit; after its commit it clears the bit, and unparks if the bit was set. A
//! claim that closes the segment does so after it has committed in another one. A writer that finds the bit
//! cleared need not wake: another writer, or the reader itself, has cleared it. The reader may find that the
//! claim that woke it is not committed yet; it does not sleep then, as more was claimed than it has read. A
//! writer that is preempted between claim and commit holds up what was claimed after it, and the reader
//! yields.
//!
//! **Closing.** `CLOSED` is set in the tail of the segment that takes claims at that time: earlier claims are
//! committed, and read; later ones are refused.
//!
//! **Memory.** The reader zeroes what it has read, so that all words of a free segment are zero. It puts free
//! segments on a list, from which the claim that closes a segment takes the next. Both ends of that list are
//! lock-free, and no pop compares an address: a pop takes all, and puts the rest back. [`Reader::trim`]
//! returns the memory of free segments to the system; their headers stay, so that stale claims find them.
//!
//! **Orderings.** The release of a commit pairs with the acquire of [`Reader::peek`]: it hands over the
//! entry. The release of a reset pairs with the acquire of a claim, and that of `next` with the reader's:
//! they hand over the zeroed words. (Later claims are read-modify-writes, so they continue the release
//! sequence of the reset.) The release of `current` pairs with the acquire of its readers, and hands over the
//! header. The release of a push to the list of free segments pairs with the acquire of a pop. All else is
//! relaxed: the mark at the end of a segment hands over nothing, and sleeping rests on the total order of the
//! tail alone. Checked by `loom-tests/tests/ingress.rs`.

#![allow(unsafe_code)]

mod claim;
mod segments;
#[cfg(not(nexus_loom))]
mod words;
#[cfg(nexus_loom)]
#[path = "ingress/words_model.rs"]
mod words;

use crate::sync::{Arc, AtomicPtr, Mutant, Unparker, is_mutated, ordering, relax};
use crossbeam::utils::CachePadded;
use std::ptr;
#[cfg(not(nexus_loom))]
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

pub use claim::Claim;
use segments::{FreeSegments, IngressSegment, NewSegment};
pub use words::CAPACITY;

/// The largest number of words in one claim.
const MOST_WORDS: usize = CAPACITY / 4 * 3;

const CLOSED: usize = 1 << 63;
const ASLEEP: usize = 1 << 62;
/// The bits of a tail that count claimed words. The count exceeds the capacity by what stale claims add: at
/// most one per thread at a time, so it never reaches the bits above.
const CLAIMED: usize = ASLEEP - 1;
/// The tail of a segment that was never installed.
const NOT_INSTALLED: usize = CAPACITY + 1;

struct IngressState {
    current: CachePadded<AtomicPtr<IngressSegment>>,
    /// Free segments that were used, and free ones whose memory was never touched or was returned.
    used: FreeSegments,
    untouched: FreeSegments,
    made: AtomicPtr<NewSegment>,
    unparker: Unparker,
}

// SAFETY: segments are shared by the protocol above, which hands their words over. `made` is written by the
// one thread that closes a segment, and read again when all handles are gone.
unsafe impl Send for IngressState {}
// SAFETY: as above.
unsafe impl Sync for IngressState {}

/// The mark at the end of a segment: an address that no entry's first word holds.
fn end_mark() -> *mut () {
    static MARK: u64 = 0;
    (&raw const MARK).cast_mut().cast()
}

/// Waits for another thread that is about to complete a step.
fn wait_until(mut done: impl FnMut() -> bool) {
    let mut round = 0;
    while !done() {
        relax(round);
        round += 1;
    }
}

impl IngressState {
    /// The segment that was installed last.
    #[inline(always)]
    fn current(&self) -> &IngressSegment {
        // SAFETY: segments live as long as this, and the acquire makes the initialized header visible.
        unsafe { &*self.current.load(Acquire) }
    }

    /// Waits until a new claim may succeed, after a segment was found closed.
    fn wait_for_another(&self, closed: &IngressSegment) {
        wait_until(|| {
            !ptr::eq(self.current.load(Relaxed), closed)
                || (closed.tail.load(Relaxed) & CLAIMED <= CAPACITY
                    && !is_mutated(Mutant::IngressTailUnseen))
        });
    }

    /// Ends a segment in which `at` words were claimed, and installs another one.
    fn install_next(&self, full: &IngressSegment, at: usize) {
        if at < CAPACITY {
            // SAFETY: the words from `at` were claimed by this thread.
            unsafe { full.words.first(at) }.store(end_mark(), Relaxed);
        }
        let next = self.free_segment();
        // This may have to wait only if stale claims have filled `full`.
        if !is_mutated(Mutant::IngressNextTooEarly) {
            wait_until(|| ptr::eq(self.current.load(Acquire), full));
        }
        // A swap, as stale claims modify the tail as well: it comes after theirs.
        next.tail.swap(0, Release);
        let next = ptr::from_ref(next).cast_mut();
        full.next.store(next, Release);
        self.current.store(next, Release);
    }

    /// Returns a segment in no use. Called by the one thread that closes a segment at that time.
    fn free_segment(&self) -> &IngressSegment {
        // SAFETY: segments live as long as this.
        let free = unsafe { self.used.pop().or_else(|| self.untouched.pop()) };
        free.unwrap_or_else(|| self.make_segments())
    }

    #[cold]
    fn make_segments(&self) -> &IngressSegment {
        let made = Box::into_raw(Box::new(NewSegment::new(self.made.load(Relaxed))));
        self.made.store(made, Relaxed);
        // SAFETY: it was just made, and lives as long as this.
        let segments = unsafe { &(*made).segments };
        segments[1..].iter().for_each(|it| self.untouched.push(it));
        &segments[0]
    }
}

impl Drop for IngressState {
    fn drop(&mut self) {
        let mut made = self.made.load(Relaxed);
        while !made.is_null() {
            // SAFETY: each was leaked in `make_segments`, and no reference to this is left.
            made = unsafe { Box::from_raw(made) }.before;
        }
    }
}

/// The writers' half: any number of clones, on any thread.
#[derive(Clone)]
pub struct Ingress {
    shared: Arc<IngressState>,
}

/// The reader's half: exactly one.
pub struct Reader {
    shared: Arc<IngressState>,
    segment: *const IngressSegment,
    /// The number of words of the segment that were read.
    at: usize,
}

// SAFETY: the pointer is to a segment of `shared`, which is `Send`.
unsafe impl Send for Reader {}

/// A claim was refused because the ingress is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// A position in a log: the end of what was claimed by some time.
#[derive(Clone, Copy)]
pub struct Mark {
    segment: *const IngressSegment,
    at: usize,
}

// SAFETY: the pointer is compared, never followed.
unsafe impl Send for Mark {}

/// Makes an open, empty ingress. The reader's thread sleeps in the parker of `unparker`.
pub fn ingress(unparker: Unparker) -> (Ingress, Reader) {
    let shared = IngressState {
        current: CachePadded::new(AtomicPtr::new(ptr::null_mut())),
        used: FreeSegments::new(),
        untouched: FreeSegments::new(),
        made: AtomicPtr::new(ptr::null_mut()),
        unparker,
    };
    let first = shared.make_segments();
    first.tail.store(0, Release);
    let first = ptr::from_ref(first);
    shared.current.store(first.cast_mut(), Release);
    let shared = Arc::new(shared);
    let writer = Ingress {
        shared: shared.clone(),
    };
    let reader = Reader {
        shared,
        segment: first,
        at: 0,
    };
    (writer, reader)
}

impl Ingress {
    /// Claims this many words, at most [`MOST_WORDS`], for one entry or for several.
    ///
    /// Until the claim is committed, nothing that was claimed later can be read.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the ingress takes no claims any more.
    #[inline(always)]
    pub fn claim(&self, words: usize) -> Result<Claim<'_>, Closed> {
        self.claim_of(self.shared.current(), words)
    }

    /// Claims words in `segment`, which was current when it was read, or in a later one.
    #[inline(always)]
    fn claim_of<'a>(
        &'a self,
        segment: &'a IngressSegment,
        words: usize,
    ) -> Result<Claim<'a>, Closed> {
        debug_assert!(0 < words && words <= MOST_WORDS);
        let tail = segment.tail.fetch_add(words, acquire());
        // With a mark set, a tail is larger than any capacity.
        if tail <= CAPACITY - words {
            return Ok(Claim {
                shared: &self.shared,
                segment,
                at: tail,
                sleeps_at: None,
            });
        }
        self.claim_otherwise(segment, tail, words)
    }

    #[cold]
    #[inline(never)]
    fn claim_otherwise<'a>(
        &'a self,
        mut segment: &'a IngressSegment,
        mut tail: usize,
        words: usize,
    ) -> Result<Claim<'a>, Closed> {
        let shared = &*self.shared;
        let mut sleeps_at = None;
        loop {
            if tail & CLOSED != 0 {
                // The reader, which closed it, is awake.
                return Err(Closed);
            }
            if tail & ASLEEP != 0 {
                sleeps_at = Some(segment);
            }
            let at = tail & CLAIMED;
            if at + words <= CAPACITY {
                return Ok(Claim {
                    shared,
                    segment,
                    at,
                    sleeps_at,
                });
            }
            if at <= CAPACITY {
                shared.install_next(segment, at);
                if is_mutated(Mutant::IngressWakeForgotten) {
                    sleeps_at = None;
                }
            } else {
                shared.wait_for_another(segment);
            }
            segment = shared.current();
            tail = segment.tail.fetch_add(words, acquire());
        }
    }

    /// Returns the segment that is current now, for a later claim.
    #[cfg(nexus_loom)]
    pub fn look(&self) -> Looked {
        Looked(self.shared.current())
    }

    /// As [`claim`](Self::claim), by a thread that was preempted after [`look`](Self::look).
    ///
    /// # Errors
    ///
    /// As for [`claim`](Self::claim).
    #[cfg(nexus_loom)]
    pub fn claim_after(&self, looked: Looked, words: usize) -> Result<Claim<'_>, Closed> {
        // SAFETY: segments live as long as the ingress that returned `looked`, which is this one.
        self.claim_of(unsafe { &*looked.0 }, words)
    }

    /// Whether a claim may still succeed: a value that may be old when it is read.
    pub fn is_open(&self) -> bool {
        self.shared.current().tail.load(Relaxed) & CLOSED == 0
    }
}

/// The segment that was current when a thread looked.
#[cfg(nexus_loom)]
pub struct Looked(*const IngressSegment);

// SAFETY: the pointer is followed only by the ingress that made it.
#[cfg(nexus_loom)]
unsafe impl Send for Looked {}

/// The ordering of a claim: it acquires everything done to the segment before its tail was reset.
#[inline(always)]
fn acquire() -> std::sync::atomic::Ordering {
    ordering(Acquire, Mutant::IngressClaimRelaxed)
}

impl Reader {
    fn segment(&self) -> &IngressSegment {
        // SAFETY: segments live as long as `shared`.
        unsafe { &*self.segment }
    }

    /// Whether there may be something to read: plain loads, cheap enough for a spinning worker.
    #[inline]
    pub fn has_mail(&self) -> bool {
        let segment = self.segment();
        if self.at < CAPACITY {
            // SAFETY: an entry, or the mark, begins where the previous one ended.
            let first = unsafe { segment.words.first(self.at) }.load(Relaxed);
            if first != end_mark() {
                return !first.is_null();
            }
        }
        !segment.next.load(Relaxed).is_null()
    }

    /// Returns the next entry, if it is committed: the address of its first word. The entry stays there until
    /// [`advance`](Self::advance).
    #[cfg(not(nexus_loom))]
    #[inline]
    pub fn peek(&mut self) -> Option<NonNull<u64>> {
        self.find_entry().then(|| {
            // SAFETY: the position is below the capacity if there is an entry.
            let place = unsafe { self.segment().words.place(self.at) };
            NonNull::new(place).expect("segments do not lie at address 0")
        })
    }

    /// Returns a word of the next entry, if the entry is committed.
    #[cfg(nexus_loom)]
    pub fn peek(&mut self, word: usize) -> Option<u64> {
        self.find_entry()
            .then(|| self.segment().words.read(self.at + word))
    }

    /// Whether the next entry is committed. Steps over the ends of segments.
    #[inline]
    fn find_entry(&mut self) -> bool {
        loop {
            let segment = self.segment();
            if self.at < CAPACITY {
                // SAFETY: an entry, or the mark, begins where the previous one ended.
                let first = unsafe { segment.words.first(self.at) }.load(Acquire);
                if first.is_null() {
                    return false;
                }
                if first != end_mark() {
                    return true;
                }
            }
            if !self.move_on() {
                return false;
            }
        }
    }

    /// Leaves a segment that has been read. Returns `false` if there is no next one yet.
    #[cold]
    fn move_on(&mut self) -> bool {
        let segment = self.segment();
        let next = segment.next.load(Acquire);
        if next.is_null() {
            return false; // the writer that closed the segment is about to install it
        }
        if self.at < CAPACITY {
            // SAFETY: the mark is read, and no other thread reads the words of a closed segment.
            unsafe { segment.words.zero(self.at, 1) };
        }
        segment.next.store(ptr::null_mut(), Relaxed);
        if is_mutated(Mutant::IngressTailResetEarly) {
            segment.tail.swap(0, Release);
        }
        self.shared.used.push(segment);
        (self.segment, self.at) = (next, 0);
        true
    }

    /// Steps over the entry that was [read](Self::peek).
    ///
    /// # Safety
    ///
    /// It has this many words, and what is in them is not used any more.
    #[inline(always)]
    pub unsafe fn advance(&mut self, words: usize) {
        if !is_mutated(Mutant::IngressNotZeroed) {
            // SAFETY: the entry has belonged to this reader since it was committed.
            unsafe { self.segment().words.zero(self.at, words) };
        }
        self.at += words;
    }

    /// Returns the position up to which words are claimed by now. Every commit that happened before this call
    /// lies before it.
    pub fn mark(&self) -> Mark {
        loop {
            let segment = self.shared.current();
            let at = segment.tail.load(Relaxed) & CLAIMED;
            if at <= CAPACITY {
                return Mark { segment, at };
            }
            self.shared.wait_for_another(segment);
        }
    }

    /// Waits until the next entry before the mark is committed. Returns `false` if there is none.
    pub fn wait_before(&mut self, mark: Mark) -> bool {
        let mut round = 0;
        loop {
            if ptr::eq(self.segment, mark.segment) && self.at == mark.at {
                return false;
            }
            if self.find_entry() {
                return true;
            }
            if is_mutated(Mutant::IngressCloseUnwaited) {
                return false;
            }
            relax(round);
            round += 1;
        }
    }

    /// Refuses all later claims. Earlier claims lie before the mark.
    pub fn close(&mut self) -> Mark {
        loop {
            let segment = self.shared.current();
            let tail = segment.tail.load(Relaxed);
            let at = tail & CLAIMED;
            if at > CAPACITY && tail & CLOSED == 0 {
                self.shared.wait_for_another(segment);
                continue;
            }
            if tail & CLOSED != 0 {
                // It was closed before, and has been read to its end.
                let (segment, at) = (self.segment, self.at);
                return Mark { segment, at };
            }
            let closed = (segment.tail).compare_exchange(tail, tail | CLOSED, Relaxed, Relaxed);
            if closed.is_ok() {
                return Mark { segment, at };
            }
        }
    }

    /// Announces that the reader is about to sleep. Returns whether it may: it may not if words were claimed
    /// that it has not read, or if the ingress is closed. Afterwards claims wake it, until
    /// [`wake_up`](Self::wake_up).
    pub fn fall_asleep(&mut self) -> bool {
        let tail = self.segment().tail.fetch_or(ASLEEP, Relaxed);
        if tail == self.at || is_mutated(Mutant::IngressSleepUnseen) {
            return true;
        }
        self.wake_up();
        // A writer that has claimed and not yet committed may need this processor.
        relax(u32::MAX);
        false
    }

    /// Announces that the reader is awake: claims need not wake it.
    pub fn wake_up(&mut self) {
        self.segment().tail.fetch_and(!ASLEEP, Relaxed);
    }

    /// Returns the memory of free segments to the system, except for `kept` of them, and at most `most` at a
    /// time. Returns whether there may be more.
    pub fn trim(&mut self, kept: usize, most: usize) -> bool {
        let mut list = self.shared.used.take_all();
        let mut seen = 0;
        let mut keep = ptr::null_mut();
        // SAFETY: segments live as long as `shared`, and the list was taken and is this thread's alone.
        while let Some(segment) = unsafe { list.as_ref() } {
            if seen == kept + most {
                break;
            }
            list = segment.below.load(Relaxed);
            if seen < kept {
                segment.below.store(keep, Relaxed);
                keep = ptr::from_ref(segment).cast_mut();
            } else {
                // SAFETY: a free segment is in no use.
                unsafe { segment.words.give_back() };
                self.shared.untouched.push(segment);
            }
            seen += 1;
        }
        let more = !list.is_null();
        // SAFETY: both lists were taken from there.
        unsafe {
            self.shared.used.put_back(list);
            self.shared.used.put_back(keep);
        }
        more
    }
}

#[cfg(all(test, not(nexus_loom)))]
mod tests;
