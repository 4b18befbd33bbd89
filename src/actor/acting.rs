//! Who acts on a fiber, and under what message.
//!
//! What a worker notes of the handler that runs lies on that handler's own fiber, and the shard knows where.
//! So whoever waits puts nothing aside, and takes nothing back: it says where its own note is when it
//! goes on.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr;
use std::rc::Rc;

use super::beat::Running;
use super::envelope::Envelope;
use super::fiber_local::Locals;
use super::id::{ActorId, Home, Key};
use super::starts::Starts;
use crate::fiber::do_first;

/// A reply for which a handler makes an answer, and which nobody else can send meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Answering {
    /// The wait that it ends, where that is a worker's.
    pub(crate) wait: Option<(Home, Key)>,
    /// Until when it is waited for, by the clock of this worker's pool, where that is known.
    pub(crate) deadline: Option<u64>,
}

/// What is noted of the actor whose turn it is.
pub(crate) struct Acting {
    /// Whose turn it is.
    pub(crate) actor: Cell<ActorId>,
    /// That of the message which it handles.
    pub(crate) envelope: Cell<Envelope>,
    /// Messages that its turn may still take.
    pub(crate) messages_left: Cell<usize>,
    /// Whether a handler runs, with whom replies that are dropped wait for its end.
    pub(crate) handles: Cell<bool>,
    /// In whose handler, where it is another one's: a subscriber to dead letters is of no worker.
    pub(super) within: Cell<Running>,
    /// Starts of actors that handlers on this fiber are in the middle of.
    pub(super) starts: Starts,
    /// Whether something may be entered that is taken off when it waits, and left at the end of its turn.
    pub(crate) is_scoped: Cell<bool>,
    pub(super) locals: Locals,
    /// For which reply it makes an answer.
    pub(super) answering: Cell<Option<Answering>>,
    /// By which wait a handler on this fiber has waited last. A task that is cancelled looks at it from elsewhere.
    pub(crate) wait: Rc<Cell<Key>>,
}

impl Acting {
    /// Nobody has a turn.
    fn nobody(is_hooked: bool) -> Self {
        Self {
            actor: Cell::new(ActorId::NOBODY),
            envelope: Cell::new(Envelope::NONE),
            messages_left: Cell::new(0),
            handles: Cell::new(false),
            within: Cell::new(Running::NOBODY),
            starts: Starts::none(),
            is_scoped: Cell::new(is_hooked),
            locals: Locals::none(),
            answering: Cell::new(None),
            wait: Rc::new(Cell::new(Key::NONE)),
        }
    }
}

/// Where the note is of whoever acts now.
pub(crate) struct Stage {
    here: Cell<*const Acting>,
    /// Whether hooks are told of each switch.
    is_hooked: bool,
    /// That of the worker's own stack: a box, held as a pointer, as moving it would end what was
    /// borrowed from it.
    root: *mut Acting,
}

impl Drop for Stage {
    fn drop(&mut self) {
        // SAFETY: `new` made a box of it, and nobody acts any more.
        drop(unsafe { Box::from_raw(self.root) });
    }
}

impl Stage {
    pub(crate) fn new(is_hooked: bool) -> Self {
        let root = Box::into_raw(Box::new(Acting::nobody(is_hooked)));
        Self {
            here: Cell::new(root),
            is_hooked,
            root,
        }
    }

    /// Of whoever acts now.
    #[inline(always)]
    pub(crate) fn here(&self) -> &Acting {
        // SAFETY: it is `root`, or that of a fiber that has not come to its end: `go_on_as` is called
        // with what `on_this_fiber` has lent only, by a fiber whose loop goes on, and before it ends,
        // the fiber gives way, whereupon whoever goes on says that it does. The reference is kept by
        // code on that very fiber.
        unsafe { &*self.here.get() }
    }

    /// The fiber that this belongs to goes on: called after everything that gives the thread away.
    #[inline(always)]
    pub(crate) fn go_on_as(&self, acting: &Acting) {
        self.here.set(ptr::from_ref(acting));
    }

    /// Runs the loop of a fiber with a note of its own, which the loop [goes on as](Self::go_on_as) each
    /// time that it is resumed to run. It ends when it is resumed to end.
    pub(crate) fn on_this_fiber(&self, run: impl FnOnce(&Acting)) {
        let acting = Acting::nobody(self.is_hooked);
        self.go_on_as(&acting);
        do_first(self.is_hooked);
        run(&acting);
    }

    /// What runs on the worker's own stack goes on.
    pub(crate) fn go_on_as_root(&self) {
        self.here.set(self.root);
    }
}
