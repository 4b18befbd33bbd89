//! Properties of an actor, and how it ends, in one byte.

use std::cell::Cell;

use crate::failure::WaitEnd;

/// A property that an actor has or has not.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum SlotFlag {
    /// Its mailbox is bounded.
    Bounded = 1,
    /// Its path can be found from elsewhere.
    Known = 1 << 1,
    /// It waits for the system, and is not to have a turn for its mail.
    Resting = 1 << 2,
    /// It has a receive timeout.
    Timed = 1 << 3,
    /// The deadline of a shutdown stops it.
    Forced = 1 << 4,
}

/// The properties of an actor, and the end of the replies that it still holds when it stops.
#[derive(Default)]
pub(super) struct SlotFlags(Cell<u8>);

const ENDING_SHIFT: u32 = 5;

/// Indexed by the number that stands for each in the upper bits.
const ENDINGS: [WaitEnd; 8] = [
    WaitEnd::Stopped,
    WaitEnd::NoReply,
    WaitEnd::Failed,
    WaitEnd::NoRoom,
    WaitEnd::PoolClosed,
    WaitEnd::TimedOut,
    WaitEnd::Cancelled,
    WaitEnd::Deadlock,
];

impl SlotFlags {
    #[inline(always)]
    pub(super) fn has(&self, one: SlotFlag) -> bool {
        self.0.get() & one as u8 != 0
    }

    #[inline(always)]
    pub(super) fn set(&self, one: SlotFlag, holds: bool) {
        let others = self.0.get() & !(one as u8);
        self.0.set(others | if holds { one as u8 } else { 0 });
    }

    pub(super) fn ending(&self) -> WaitEnd {
        ENDINGS[usize::from(self.0.get() >> ENDING_SHIFT)]
    }

    #[allow(clippy::cast_possible_truncation)] // there are eight
    pub(super) fn end_with(&self, end: WaitEnd) {
        let number = ENDINGS.iter().position(|&other| other == end);
        let number = number.expect("every end has a number") as u8;
        let traits = self.0.get() & ((1 << ENDING_SHIFT) - 1);
        self.0.set(traits | number << ENDING_SHIFT);
    }

    /// Clears all properties; the end stays as it was.
    pub(super) fn clear(&self) {
        self.0.set(self.0.get() & !((1 << ENDING_SHIFT) - 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traits_and_ends_do_not_disturb_each_other() {
        let all = [
            SlotFlag::Bounded,
            SlotFlag::Known,
            SlotFlag::Resting,
            SlotFlag::Timed,
            SlotFlag::Forced,
        ];
        let traits = SlotFlags::default();
        assert_eq!(traits.ending(), WaitEnd::Stopped);
        for end in ENDINGS {
            traits.end_with(end);
            for one in all {
                traits.set(one, true);
                assert!(traits.has(one));
                assert_eq!(traits.ending(), end);
                assert_eq!(all.iter().filter(|&&other| traits.has(other)).count(), 1);
                traits.set(one, false);
            }
            traits.set(SlotFlag::Forced, true);
            traits.clear();
            assert!(!traits.has(SlotFlag::Forced) && traits.ending() == end);
        }
    }
}
