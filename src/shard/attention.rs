//! The special properties of an actor's turns, in one byte.

use std::cell::Cell;

use crate::fiber::StackClass;

/// Whether a turn has more to check than the mail, and whether it needs a larger stack. Both are rare, so one
/// check covers both.
#[derive(Default)]
pub(crate) struct Attention(Cell<u8>);

impl Attention {
    const WANTED: u8 = 1;
    const STACK: u8 = 0x1e;
    const STAND_IN: u8 = 1 << 5;
    const TASK: u8 = 1 << 6;
    const SCREENED: u8 = 1 << 7;
    /// An actor is neither a stand-in nor a task, so both marks together are free for it.
    const NOTED: u8 = Self::STAND_IN | Self::TASK;

    /// Whether any of it is the case.
    #[inline(always)]
    pub(crate) fn any(&self) -> bool {
        self.0.get() != 0
    }

    /// Whether a turn has more to check than the mail.
    #[inline(always)]
    pub(crate) fn get(&self) -> bool {
        self.0.get() & Self::WANTED != 0
    }

    /// Sets whether a turn has more to check than the mail.
    pub(crate) fn set(&self, wanted: bool) {
        let others = self.0.get() & !Self::WANTED;
        self.0.set(others | u8::from(wanted));
    }

    /// Whether each message is checked before it is handled.
    pub(crate) fn screened(&self) -> bool {
        self.0.get() & Self::SCREENED != 0
    }

    pub(crate) fn screen(&self, screened: bool) {
        let others = self.0.get() & !Self::SCREENED;
        self.0
            .set(others | if screened { Self::SCREENED } else { 0 });
    }

    /// Whether the arrival of a message in its mailbox was noted, for observers.
    pub(crate) fn is_noted(&self) -> bool {
        self.0.get() & Self::NOTED == Self::NOTED
    }

    /// Sets, for an actor, whether such a message waits.
    pub(crate) fn note(&self, noted: bool) {
        let others = self.0.get() & !Self::NOTED;
        self.0.set(others | if noted { Self::NOTED } else { 0 });
    }

    /// The stack that the actor's turns need, if an ordinary one is too small.
    pub(crate) fn stack(&self) -> Option<StackClass> {
        StackClass::from_code((self.0.get() & Self::STACK) >> 1)
    }

    pub(crate) fn need_stack(&self, stack: Option<StackClass>) {
        let code = stack.map_or(0, StackClass::code);
        self.0.set((code << 1) | (self.0.get() & !Self::STACK));
    }

    /// Whether this is not an actor, but a task of one.
    pub(crate) fn is_task(&self) -> bool {
        self.0.get() & Self::NOTED == Self::TASK
    }

    /// Marks it as a task: everything it has to check is more than the mail.
    pub(crate) fn mark_task(&self) {
        self.0.set(self.0.get() | Self::TASK | Self::WANTED);
    }

    /// Whether this is not an actor, but stands in for a child on another worker.
    pub(crate) fn is_stand_in(&self) -> bool {
        self.0.get() & Self::NOTED == Self::STAND_IN
    }

    /// Marks it as a stand-in: everything it has to check is more than the mail.
    pub(crate) fn mark_stand_in(&self) {
        self.0.set(self.0.get() | Self::STAND_IN | Self::WANTED);
    }

    pub(super) fn clear(&self) {
        self.0.set(0);
    }
}
