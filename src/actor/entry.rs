//! Entries: how parcels lie in memory, one behind the other, in a batch of one worker for another, or in the
//! ingress of a worker for threads outside.
//!
//! An *entry* is a parcel of any type with what is needed to treat it: how, whom it is for, and its
//! envelope. All but the first word is written only where it differs from what is known without: in a
//! batch from the entry before. What one handler sends has one cause and mostly ids that follow each
//! other, and often goes to one actor. Every word less is one less to be carried from core to core.
//!
//! | word | |
//! |---|---|
//! | first | the [`Handling`] of the parcel; its lowest bits say which parts follow |
//! | 1 | the key of whom it is for |
//! | 1 | the message's id |
//! | 4 | the [`Cause`] |
//! | | the parcel |

#![allow(unsafe_code)]

use std::cell::Cell;
use std::mem;
use std::ptr::NonNull;

use super::id::{Key, MessageId};
use super::parcel::{Cause, Handling, Parcel, words_of};

/// Parts that follow the first word, in this order.
const TO: usize = 1;
const MESSAGE: usize = 2;
const CAUSE: usize = 4;
const PARTS: usize = TO | MESSAGE | CAUSE;

const _: () = assert!(mem::align_of::<Handling>() > PARTS && mem::size_of::<Handling>() > PARTS);

const KEY_WORDS: u32 = words_of::<Key>();
const ID_WORDS: u32 = words_of::<MessageId>();
const CAUSE_WORDS: u32 = words_of::<Cause>();

/// Words before the parcel in an entry with all of its parts.
pub(super) const MOST_WORDS_BEFORE: u32 = 1 + KEY_WORDS + ID_WORDS + CAUSE_WORDS;

/// The first word of an entry. In an ingress it is the one that commits it, and not zero.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Head(NonNull<u8>);

impl Head {
    #[inline(always)]
    fn of<P: Parcel>(parts: usize) -> Self {
        Self::with(Handling::of::<P>(), parts)
    }

    #[inline(always)]
    fn with(handling: &'static Handling, parts: usize) -> Self {
        // SAFETY: a handling is larger than that.
        Self(unsafe { NonNull::from(handling).cast::<u8>().add(parts) })
    }

    #[inline(always)]
    fn parts(self) -> usize {
        self.0.addr().get() & PARTS
    }

    #[inline(always)]
    fn handling(self) -> &'static Handling {
        // SAFETY: `with` has made it of one, which is aligned so that the sum has not carried.
        unsafe { self.0.sub(self.parts()).cast::<Handling>().as_ref() }
    }

    pub(super) fn word(self) -> NonNull<()> {
        self.0.cast()
    }
}

/// What is known of an entry before it is read: what was said of the one before.
#[derive(Clone, Copy)]
pub(super) struct Known {
    to: Key,
    message: MessageId,
    pub(super) cause: Cause,
}

impl Known {
    /// Of the first one.
    pub(super) const NOTHING: Self = Self {
        to: Key::NONE,
        message: MessageId::NONE,
        cause: Cause::NONE,
    };
}

/// The same, for the writer.
pub(super) struct Last {
    to: Cell<Key>,
    message: Cell<MessageId>,
    cause: Cell<Cause>,
}

impl Default for Last {
    fn default() -> Self {
        let Known { to, message, cause } = Known::NOTHING;
        Self {
            to: Cell::new(to),
            message: Cell::new(message),
            cause: Cell::new(cause),
        }
    }
}

impl Last {
    #[inline(always)]
    pub(super) fn has_cause(&self, cause: Cause) -> bool {
        self.cause.get() == cause
    }

    /// A new batch begins.
    pub(super) fn forget(&self) {
        let Known { to, message, cause } = Known::NOTHING;
        self.to.set(to);
        self.message.set(message);
        self.cause.set(cause);
    }
}

/// What is said of an entry.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    to: Key,
    message: MessageId,
    /// Only if it is one of the parts.
    cause: Cause,
    parts: usize,
}

impl Entry {
    /// An entry behind the `last` one.
    #[inline(always)]
    pub(super) fn after(last: &Last, to: Key, message: MessageId, cause: Cause) -> Self {
        let mut entry = Self::of_same_cause(last, to, message);
        if !last.has_cause(cause) {
            entry.cause = cause;
            entry.parts |= CAUSE;
        }
        entry
    }

    /// As [`after`](Self::after), where the cause is that of the last one.
    #[inline(always)]
    pub(super) fn of_same_cause(last: &Last, to: Key, message: MessageId) -> Self {
        let part = |part, changed| if changed { part } else { 0 };
        let parts =
            part(TO, last.to.get() != to) | part(MESSAGE, last.message.get().next() != message);
        Self {
            to,
            message,
            cause: Cause::NONE,
            parts,
        }
    }

    /// An entry by itself, with a cause unless that is what holds for all without one.
    #[inline(always)]
    pub(super) fn alone(to: Key, message: MessageId, cause: Option<Cause>) -> Self {
        Self {
            to,
            message,
            cause: cause.unwrap_or(Cause::NONE),
            parts: TO | MESSAGE | if cause.is_some() { CAUSE } else { 0 },
        }
    }

    /// How many words it has, with a `P`.
    #[inline(always)]
    pub(super) fn words<P>(&self) -> u32 {
        let of = |part, words| if self.parts & part != 0 { words } else { 0 };
        let parts = of(TO, KEY_WORDS) + of(MESSAGE, ID_WORDS) + of(CAUSE, CAUSE_WORDS);
        1 + parts + words_of::<P>()
    }

    /// Its first word, with a `P`.
    #[inline(always)]
    pub(super) fn head<P: Parcel>(&self) -> Head {
        Head::of::<P>(self.parts)
    }

    /// It has been written, so that the next one follows it.
    #[inline(always)]
    pub(super) fn becomes(&self, last: &Last) {
        last.message.set(self.message);
        if self.parts & TO != 0 {
            last.to.set(self.to);
        }
        if self.parts & CAUSE != 0 {
            last.cause.set(self.cause);
        }
    }

    /// Writes it without its first word, and returns where its parcel is to be written.
    ///
    /// # Safety
    ///
    /// At `at` there is room for its [words](Self::words).
    #[inline(always)]
    pub(super) unsafe fn write_all_but_first(&self, at: *mut u64) -> *mut u64 {
        // SAFETY: the caller's promise; words are aligned for each part.
        unsafe {
            let mut at = at.add(1);
            if self.parts & TO != 0 {
                at.cast::<Key>().write(self.to);
                at = at.add(KEY_WORDS as usize);
            }
            if self.parts & MESSAGE != 0 {
                at.cast::<MessageId>().write(self.message);
                at = at.add(ID_WORDS as usize);
            }
            if self.parts & CAUSE != 0 {
                at.cast::<Cause>().write(self.cause);
                at = at.add(CAUSE_WORDS as usize);
            }
            at
        }
    }
}

/// An entry that was read.
pub(super) struct Found {
    pub(super) handling: &'static Handling,
    pub(super) to: Key,
    pub(super) message: MessageId,
    pub(super) parcel: *const u8,
    /// Words of the whole entry.
    pub(super) words: u32,
}

impl Found {
    /// Reads an entry.
    ///
    /// # Safety
    ///
    /// One was written there, after what is `known`.
    #[inline(always)]
    pub(super) unsafe fn read(at: *const u64, known: &mut Known) -> Self {
        // SAFETY: an entry has the parts that its first word says, and its parcel.
        unsafe {
            let head = at.cast::<Head>().read();
            let (parts, mut parcel) = (head.parts(), at.add(1));
            known.message = known.message.next();
            if parts & TO != 0 {
                known.to = parcel.cast::<Key>().read();
                parcel = parcel.add(KEY_WORDS as usize);
            }
            if parts & MESSAGE != 0 {
                known.message = parcel.cast::<MessageId>().read();
                parcel = parcel.add(ID_WORDS as usize);
            }
            if parts & CAUSE != 0 {
                known.cause = parcel.cast::<Cause>().read();
                parcel = parcel.add(CAUSE_WORDS as usize);
            }
            let handling = head.handling();
            #[allow(clippy::cast_possible_truncation)] // a few words
            let before = parcel.addr().wrapping_sub(at.addr()) / mem::size_of::<u64>();
            Self {
                handling,
                to: known.to,
                message: known.message,
                parcel: parcel.cast(),
                words: before as u32 + handling.words,
            }
        }
    }

    /// Passes over entries that follow it, of the same kind and with no parts, so that all that is said of
    /// this one holds for them. Returns how many there are.
    ///
    /// # Safety
    ///
    /// From `at` to `end` there are entries, the first of them right behind this one.
    #[inline(always)]
    pub(super) unsafe fn pass_over_same(
        &self,
        at: &mut *const u64,
        end: *const u64,
        known: &mut Known,
    ) -> u32 {
        let same = Head::with(self.handling, 0);
        let mut count = 0;
        // SAFETY: the caller's promise.
        while *at < end && unsafe { at.cast::<Head>().read() } == same {
            // SAFETY: as above; the entry has no part but its parcel.
            *at = unsafe { at.add(1 + self.handling.words as usize) };
            count += 1;
        }
        known.message = known.message.plus(u64::from(count));
        count
    }
}
