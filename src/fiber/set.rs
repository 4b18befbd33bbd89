//! The fibers of one worker: made when a handler waits, kept for the next one, ended when idle.

use corosensei::stack::Stack;
use corosensei::{Coroutine, CoroutineResult};
use std::cell::Cell;

use super::current::{self, FiberId, Resume, Suspend};
use super::stack::{FiberStack, StackConfig, StackError, StackPool};
use crate::memory::Arena;

type Routine = Coroutine<Resume, Suspend, (), FiberStack>;

/// Where a fiber is while it does not run.
#[derive(Default)]
struct Place {
    routine: Cell<Option<Box<Routine>>>,
    /// While it is idle: the fiber that was idle before it.
    next_idle: Cell<Option<FiberId>>,
    /// Where its stack ends, at the lower end of the guard.
    limit: Cell<usize>,
    /// Whether it has run since its stack was last looked at.
    used: Cell<bool>,
}

/// Fibers that all run the same body.
pub(crate) struct FiberSet {
    places: Arena<Place>,
    /// The fiber that became idle last, and is the warmest.
    idle: Cell<Option<FiberId>>,
    idle_count: Cell<usize>,
    live: Cell<usize>,
    /// The fiber that runs, or ran last.
    resumed: Cell<FiberId>,
    /// How deep stacks were used, in bytes, as far as they have been looked at.
    high_water: Cell<usize>,
    stacks: StackPool,
    body: fn(),
}

impl FiberSet {
    /// A set without fibers, whose fibers will run `body`. The body must catch every panic.
    pub(crate) fn new(config: StackConfig, body: fn()) -> Self {
        Self {
            places: Arena::new(),
            idle: Cell::new(None),
            idle_count: Cell::new(0),
            live: Cell::new(0),
            resumed: Cell::new(FiberId::NONE),
            high_water: Cell::new(0),
            stacks: StackPool::new(config),
            body,
        }
    }

    /// Makes sure that the next [`take_idle`](Self::take_idle) succeeds: to be called on a fiber
    /// before it blocks, while there is still somebody to tell.
    #[inline]
    pub(crate) fn reserve(&self) -> Result<(), StackError> {
        if self.idle.get().is_some() {
            Ok(())
        } else {
            self.stacks.reserve()
        }
    }

    /// A fiber that runs no handler, made if there is none.
    #[inline]
    pub(crate) fn take_idle(&self) -> Result<FiberId, StackError> {
        let Some(id) = self.idle.get() else {
            return self.make();
        };
        self.idle.set(self.places.at(id.index()).next_idle.take());
        self.idle_count.set(self.idle_count.get() - 1);
        Ok(id)
    }

    #[cold]
    fn make(&self) -> Result<FiberId, StackError> {
        let stack = self.stacks.take()?;
        let limit = stack.limit().get();
        let (id, body) = (FiberId::from_index(self.places.occupy()), self.body);
        let routine = Coroutine::with_stack(stack, move |yielder, first| {
            if first == Resume::Run {
                current::run_as(id, yielder, body);
            }
        });
        let place = self.places.at(id.index());
        place.routine.set(Some(Box::new(routine)));
        place.limit.set(limit);
        self.live.set(self.live.get() + 1);
        Ok(id)
    }

    /// Lets a fiber run until it suspends; `None` when it has ended.
    ///
    /// # Panics
    ///
    /// When that fiber runs already, or has ended.
    #[inline(always)]
    pub(crate) fn resume(&self, id: FiberId, what_for: Resume) -> Option<Suspend> {
        let place = self.places.at(id.index());
        self.resumed.set(id);
        place.used.set(true);
        // Taken out while it runs: so nobody can resume it twice.
        let mut routine = place
            .routine
            .take()
            .expect("a fiber is resumed only while it is suspended");
        match routine.resume(what_for) {
            CoroutineResult::Yield(why) => {
                place.routine.set(Some(routine));
                Some(why)
            }
            CoroutineResult::Return(()) => {
                self.take_apart(id, *routine);
                None
            }
        }
    }

    #[cold]
    fn take_apart(&self, id: FiberId, ended: Routine) {
        self.measure_one(self.places.at(id.index()));
        self.stacks.give_back(ended.into_stack());
        self.places.vacate(id.index());
        self.live.set(self.live.get() - 1);
    }

    /// Keeps a fiber that runs no handler for the next one that is needed.
    #[inline]
    pub(crate) fn keep(&self, id: FiberId) {
        self.places
            .at(id.index())
            .next_idle
            .set(self.idle.replace(Some(id)));
        self.idle_count.set(self.idle_count.get() + 1);
    }

    /// Ends idle fibers until at most `most` are left, giving their memory back.
    pub(crate) fn trim(&self, most: usize) {
        while self.idle_count.get() > most {
            let id = self.take_idle().expect("one is idle, so none is made");
            let ended = self.resume(id, Resume::End);
            assert!(ended.is_none(), "an idle fiber ends when it is told to");
        }
    }

    /// How many bytes of a stack were used at the most, in whole pages, as far as stacks have been
    /// looked at: those of fibers that have ended, and of idle ones at the last
    /// [`measure`](Self::measure).
    pub(crate) fn stack_high_water(&self) -> usize {
        self.high_water.get()
    }

    /// Looks at the stacks of idle fibers that have run since the last time: at no more than
    /// `most` fibers, the warmest first.
    pub(crate) fn measure(&self, most: usize) {
        let mut next = self.idle.get();
        for _ in 0..most {
            let Some(id) = next else { return };
            let place = self.places.at(id.index());
            self.measure_one(place);
            next = place.next_idle.get();
        }
    }

    /// What a stack has been used for leaves its pages backed until it is given back, so that this
    /// may be done at any time before.
    fn measure_one(&self, place: &Place) {
        if place.used.replace(false) {
            let known = self.high_water.get();
            self.high_water
                .set(self.stacks.depth(place.limit.get(), known));
        }
    }

    /// The size of the stack of the fiber that runs, or ran last, if the address lies in the guard
    /// below it. May be called in a signal handler on the fiber's own thread.
    pub(crate) fn overflown(&self, address: usize) -> Option<usize> {
        let place = self.places.get(self.resumed.get().index())?;
        let hit = self.stacks.is_guard(place.limit.get(), address);
        hit.then_some(self.stacks.usable())
    }

    /// How many fibers run no handler.
    pub(crate) fn idle(&self) -> usize {
        self.idle_count.get()
    }

    /// How many fibers there are, waiting, running and idle.
    pub(crate) fn live(&self) -> usize {
        self.live.get()
    }

    /// How many fibers hold a handler that waits or runs.
    pub(crate) fn busy(&self) -> usize {
        self.live.get() - self.idle_count.get()
    }
}

impl Drop for FiberSet {
    fn drop(&mut self) {
        self.trim(0);
        for (_, place) in self.places.iter() {
            // A handler still waits on this stack. Its worker ends all of them before it goes,
            // but where stacks cannot unwind (`panic = "abort"`), or its end came too late: what lies
            // on the stack must not be dropped under it, so it is leaked.
            std::mem::forget(place.routine.take());
        }
    }
}
