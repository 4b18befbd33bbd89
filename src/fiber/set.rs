//! The fibers of one worker: made when a handler waits, kept for the next one, ended when idle.

use corosensei::{Coroutine, CoroutineResult};
use std::cell::{Cell, RefCell};

use super::current::{self, Resume, Suspend};
use super::stack::{FiberStack, StackConfig, StackError, StackPool};

type Routine = Coroutine<Resume, Suspend, (), FiberStack>;

/// A fiber of one [`FiberSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FiberId(u32);

impl FiberId {
    /// No fiber.
    pub(crate) const NONE: Self = Self(u32::MAX);

    /// As a number below 2^31.
    pub(crate) fn index(self) -> u32 {
        self.0
    }

    /// From [`index`](Self::index).
    pub(crate) fn from_index(index: u32) -> Self {
        Self(index)
    }
}

/// Fibers that all run the same body.
pub(crate) struct FiberSet {
    // Declared first, so that the stacks on loan come back before their pool goes.
    routines: RefCell<Vec<Option<Box<Routine>>>>,
    vacant: RefCell<Vec<u32>>,
    idle: RefCell<Vec<FiberId>>,
    stacks: StackPool,
    live: Cell<usize>,
    body: fn(),
}

impl FiberSet {
    /// A set without fibers, whose fibers will run `body`. The body must catch every panic.
    pub(crate) fn new(config: StackConfig, body: fn()) -> Self {
        Self {
            routines: RefCell::default(),
            vacant: RefCell::default(),
            idle: RefCell::default(),
            stacks: StackPool::new(config),
            live: Cell::new(0),
            body,
        }
    }

    /// Makes sure that the next [`take_idle`](Self::take_idle) succeeds: to be called on a fiber
    /// before it blocks, while there is still somebody to tell.
    pub(crate) fn reserve(&self) -> Result<(), StackError> {
        if self.idle.borrow().is_empty() {
            self.stacks.reserve()
        } else {
            Ok(())
        }
    }

    /// A fiber that runs no handler, made if there is none.
    pub(crate) fn take_idle(&self) -> Result<FiberId, StackError> {
        if let Some(id) = self.idle.borrow_mut().pop() {
            return Ok(id);
        }
        self.make()
    }

    #[cold]
    fn make(&self) -> Result<FiberId, StackError> {
        let stack = self.stacks.take()?;
        let mut routines = self.routines.borrow_mut();
        let index = self.vacant.borrow_mut().pop().unwrap_or_else(|| {
            routines.push(None);
            u32::try_from(routines.len() - 1).expect("fewer than 2^31 fibers fit into memory")
        });
        let (id, body) = (FiberId(index), self.body);
        let routine = Coroutine::with_stack(stack, move |yielder, first| {
            if first == Resume::Run {
                current::run_as(id, yielder, body);
            }
        });
        routines[index as usize] = Some(Box::new(routine));
        self.live.set(self.live.get() + 1);
        Ok(id)
    }

    /// Lets a fiber run until it suspends; `None` when it has ended.
    ///
    /// # Panics
    ///
    /// When that fiber runs already, or has ended.
    pub(crate) fn resume(&self, id: FiberId, what_for: Resume) -> Option<Suspend> {
        let slot = id.0 as usize;
        // Taken out while it runs: the vector may grow meanwhile, and nobody can resume it twice.
        let routine = self.routines.borrow_mut()[slot].take();
        let mut routine = routine.expect("a fiber is resumed only while it is suspended");
        match routine.resume(what_for) {
            CoroutineResult::Yield(why) => {
                self.routines.borrow_mut()[slot] = Some(routine);
                Some(why)
            }
            CoroutineResult::Return(()) => {
                self.stacks.give_back(routine.into_stack());
                self.vacant.borrow_mut().push(id.0);
                self.live.set(self.live.get() - 1);
                None
            }
        }
    }

    /// Keeps a fiber that runs no handler for the next one that is needed.
    pub(crate) fn keep(&self, id: FiberId) {
        self.idle.borrow_mut().push(id);
    }

    /// Ends idle fibers until at most `most` are left, giving their memory back.
    pub(crate) fn trim(&self, most: usize) {
        while self.idle.borrow().len() > most {
            let Some(id) = self.idle.borrow_mut().pop() else {
                return;
            };
            let ended = self.resume(id, Resume::End);
            assert!(ended.is_none(), "an idle fiber ends when it is told to");
        }
    }

    /// How many fibers run no handler.
    pub(crate) fn idle(&self) -> usize {
        self.idle.borrow().len()
    }

    /// How many fibers there are, waiting, running and idle.
    pub(crate) fn live(&self) -> usize {
        self.live.get()
    }

    /// How many fibers hold a handler that waits or runs.
    pub(crate) fn busy(&self) -> usize {
        self.live.get() - self.idle.borrow().len()
    }
}

impl Drop for FiberSet {
    fn drop(&mut self) {
        self.trim(0);
        for routine in self.routines.get_mut().drain(..).flatten() {
            // A handler still waits on this stack. Its worker ends all of them before it goes,
            // so this is reached only while the worker itself is torn down by a panic: what lies
            // on the stack must not be dropped under it, so it is leaked.
            std::mem::forget(routine);
        }
    }
}
