//! What is special about an actor's turns, in one byte.

use std::cell::Cell;

use crate::fiber::StackClass;

/// Whether there is more to look at in a turn than the mail, and whether the turn needs a larger
/// stack: both seldom, so that they are found out in one look.
#[derive(Default)]
pub(crate) struct Special(Cell<u8>);

impl Special {
    const WANTED: u8 = 1;
    const STACK: u8 = 0x1e;
    const STAND_IN: u8 = 1 << 5;
    const TASK: u8 = 1 << 6;
    const SCREENED: u8 = 1 << 7;

    /// Whether there is either.
    #[inline(always)]
    pub(crate) fn any(&self) -> bool {
        self.0.get() != 0
    }

    /// Whether there is more to look at.
    #[inline(always)]
    pub(crate) fn get(&self) -> bool {
        self.0.get() & Self::WANTED != 0
    }

    /// There is more to look at, or no longer.
    pub(crate) fn set(&self, wanted: bool) {
        let others = self.0.get() & !Self::WANTED;
        self.0.set(others | u8::from(wanted));
    }

    /// Whether each message is to be looked at before it is handled.
    pub(crate) fn screened(&self) -> bool {
        self.0.get() & Self::SCREENED != 0
    }

    pub(crate) fn screen(&self, screened: bool) {
        let others = self.0.get() & !Self::SCREENED;
        self.0
            .set(others | if screened { Self::SCREENED } else { 0 });
    }

    /// The stack that the actor's turns need, where an ordinary one is too small.
    pub(crate) fn stack(&self) -> Option<StackClass> {
        StackClass::from_code((self.0.get() & Self::STACK) >> 1)
    }

    pub(crate) fn need_stack(&self, stack: Option<StackClass>) {
        let code = stack.map_or(0, StackClass::code);
        self.0.set((code << 1) | (self.0.get() & !Self::STACK));
    }

    /// Whether it is no actor, but a task of one.
    pub(crate) fn is_task(&self) -> bool {
        self.0.get() & Self::TASK != 0
    }

    /// It is a task: all of it is more than the mail.
    pub(crate) fn mark_task(&self) {
        self.0.set(self.0.get() | Self::TASK | Self::WANTED);
    }

    /// Whether it is no actor, but stands for a child on another worker.
    pub(crate) fn is_stand_in(&self) -> bool {
        self.0.get() & Self::STAND_IN != 0
    }

    /// It is a stand-in: all of it is more than the mail.
    pub(crate) fn mark_stand_in(&self) {
        self.0.set(self.0.get() | Self::STAND_IN | Self::WANTED);
    }

    pub(super) fn clear(&self) {
        self.0.set(0);
    }
}
