//! Entries: the layout of parcels in memory, one behind the other, in a batch from one worker to another
//! or in a worker's ingress for threads outside.
//!
//! An *entry* is a parcel of any type, together with what is needed to process it: its handling, its
//! recipient and its envelope. Every part except the first word is written only if it differs from what
//! is implied, which in a batch is the entry before. The messages that one handler sends have one cause
//! and mostly consecutive ids, and often go to one actor. Each word saved is one less to be moved from
//! core to core.
//!
//! | word | |
//! |---|---|
//! | first | the [`PayloadVtable`] of the parcel; its lowest bits say which parts follow |
//! | 1 | the key of the recipient |
//! | 1 | the message's id |
//! | 4 | the [`MessageCause`] |
//! | | the parcel |

#![allow(unsafe_code)]

use std::cell::Cell;
use std::mem;
use std::ptr::NonNull;

use super::payload::Payload;
use super::payload::PayloadVtable;
use super::payload::words_of;
use crate::address::Key;
use crate::address::MessageCause;
use crate::address::MessageId;

/// The parts that follow the first word, in this order.
const TO: usize = 1;
const MESSAGE: usize = 2;
const CAUSE: usize = 4;
const PARTS: usize = TO | MESSAGE | CAUSE;

const _: () =
    assert!(mem::align_of::<PayloadVtable>() > PARTS && mem::size_of::<PayloadVtable>() > PARTS);

const KEY_WORDS: u32 = words_of::<Key>();
const ID_WORDS: u32 = words_of::<MessageId>();
const CAUSE_WORDS: u32 = words_of::<MessageCause>();

/// Words before the parcel in an entry with all of its parts.
pub(super) const MOST_WORDS_BEFORE: u32 = 1 + KEY_WORDS + ID_WORDS + CAUSE_WORDS;

/// The first word of an entry. In an ingress it is not zero, and writing it commits the entry.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct EntryHead(NonNull<u8>);

impl EntryHead {
    #[inline(always)]
    fn of<P: Payload>(parts: usize) -> Self {
        Self::with(PayloadVtable::of::<P>(), parts)
    }

    #[inline(always)]
    fn with(handling: &'static PayloadVtable, parts: usize) -> Self {
        // SAFETY: `parts` is less than the size of a handling.
        Self(unsafe { NonNull::from(handling).cast::<u8>().add(parts) })
    }

    #[inline(always)]
    fn parts(self) -> usize {
        self.0.addr().get() & PARTS
    }

    #[inline(always)]
    fn handling(self) -> &'static PayloadVtable {
        // SAFETY: `with` made it from a handling, whose alignment ensures that the addition did not
        // carry.
        unsafe { self.0.sub(self.parts()).cast::<PayloadVtable>().as_ref() }
    }

    pub(super) fn word(self) -> NonNull<()> {
        self.0.cast()
    }
}

/// What is implied about an entry before it is read: the description of the entry before.
#[derive(Clone, Copy)]
pub(super) struct ImpliedEntry {
    to: Key,
    message: MessageId,
    pub(super) cause: MessageCause,
}

impl ImpliedEntry {
    /// What is implied about the first entry.
    pub(super) const NOTHING: Self = Self {
        to: Key::NONE,
        message: MessageId::NONE,
        cause: MessageCause::NONE,
    };
}

/// The writer's counterpart of [`ImpliedEntry`].
pub(super) struct Last {
    to: Cell<Key>,
    message: Cell<MessageId>,
    cause: Cell<MessageCause>,
}

impl Default for Last {
    fn default() -> Self {
        let ImpliedEntry { to, message, cause } = ImpliedEntry::NOTHING;
        Self {
            to: Cell::new(to),
            message: Cell::new(message),
            cause: Cell::new(cause),
        }
    }
}

impl Last {
    #[inline(always)]
    pub(super) fn has_cause(&self, cause: MessageCause) -> bool {
        self.cause.get() == cause
    }

    /// Resets it for a new batch.
    pub(super) fn forget(&self) {
        let ImpliedEntry { to, message, cause } = ImpliedEntry::NOTHING;
        self.to.set(to);
        self.message.set(message);
        self.cause.set(cause);
    }
}

/// The description of an entry.
#[derive(Clone, Copy)]
pub(super) struct EntryLayout {
    to: Key,
    message: MessageId,
    /// Set only if it is one of the parts.
    cause: MessageCause,
    parts: usize,
}

impl EntryLayout {
    /// Describes an entry behind the `last` one.
    #[inline(always)]
    pub(super) fn after(last: &Last, to: Key, message: MessageId, cause: MessageCause) -> Self {
        let mut entry = Self::of_same_cause(last, to, message);
        if !last.has_cause(cause) {
            entry.cause = cause;
            entry.parts |= CAUSE;
        }
        entry
    }

    /// As [`after`](Self::after), for an entry with the cause of the last one.
    #[inline(always)]
    pub(super) fn of_same_cause(last: &Last, to: Key, message: MessageId) -> Self {
        let part = |part, changed| if changed { part } else { 0 };
        let parts =
            part(TO, last.to.get() != to) | part(MESSAGE, last.message.get().next() != message);
        Self {
            to,
            message,
            cause: MessageCause::NONE,
            parts,
        }
    }

    /// Describes an entry that stands alone. It has a cause, unless its cause is the one that is implied.
    #[inline(always)]
    pub(super) fn alone(to: Key, message: MessageId, cause: Option<MessageCause>) -> Self {
        Self {
            to,
            message,
            cause: cause.unwrap_or(MessageCause::NONE),
            parts: TO | MESSAGE | if cause.is_some() { CAUSE } else { 0 },
        }
    }

    /// Returns the number of its words, with a `P`.
    #[inline(always)]
    pub(super) fn words<P>(&self) -> u32 {
        let of = |part, words| if self.parts & part != 0 { words } else { 0 };
        let parts = of(TO, KEY_WORDS) + of(MESSAGE, ID_WORDS) + of(CAUSE, CAUSE_WORDS);
        1 + parts + words_of::<P>()
    }

    /// Returns its first word, with a `P`.
    #[inline(always)]
    pub(super) fn head<P: Payload>(&self) -> EntryHead {
        EntryHead::of::<P>(self.parts)
    }

    /// As [`head`](Self::head), for a payload with that handling.
    #[cfg(test)]
    pub(super) fn head_of(&self, handling: &'static PayloadVtable) -> EntryHead {
        EntryHead::with(handling, self.parts)
    }

    /// Makes it the last entry, which the next one follows. Called when it has been written.
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

    /// Writes everything except its first word, and returns the address for its parcel.
    ///
    /// # Safety
    ///
    /// There is room for its [words](Self::words) at `at`.
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
                at.cast::<MessageCause>().write(self.cause);
                at = at.add(CAUSE_WORDS as usize);
            }
            at
        }
    }
}

/// An entry that was read.
pub(super) struct ReadEntry {
    pub(super) handling: &'static PayloadVtable,
    pub(super) to: Key,
    pub(super) message: MessageId,
    pub(super) parcel: *const u8,
    /// Words of the whole entry.
    pub(super) words: u32,
}

impl ReadEntry {
    /// Reads an entry.
    ///
    /// # Safety
    ///
    /// An entry was written there, after what is `known`.
    #[inline(always)]
    pub(super) unsafe fn read(at: *const u64, known: &mut ImpliedEntry) -> Self {
        // SAFETY: an entry has the parts that its first word names, and its parcel.
        unsafe {
            let head = at.cast::<EntryHead>().read();
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
                known.cause = parcel.cast::<MessageCause>().read();
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

    /// Passes over the entries behind this one that have the same handling and no parts, so that this
    /// entry's description holds for them too. Returns how many there are.
    ///
    /// # Safety
    ///
    /// There are entries from `at` to `end`, the first of them right behind this one.
    #[inline(always)]
    pub(super) unsafe fn pass_over_same(
        &self,
        at: &mut *const u64,
        end: *const u64,
        known: &mut ImpliedEntry,
    ) -> u32 {
        let same = EntryHead::with(self.handling, 0);
        let mut count = 0;
        // SAFETY: the caller's promise.
        while *at < end && unsafe { at.cast::<EntryHead>().read() } == same {
            // SAFETY: as above; the entry has no part but its parcel.
            *at = unsafe { at.add(1 + self.handling.words as usize) };
            count += 1;
        }
        known.message = known.message.plus(u64::from(count));
        count
    }
}
