//! The fibers of one worker: made when a handler waits, kept for the next one, ended when idle.

use corosensei::stack::Stack;
use corosensei::{Coroutine, CoroutineResult};
use std::cell::{Cell, OnceCell};
use std::mem;

use super::current::{self, FiberId, Resume, Suspend};
use super::listed::Entry;
use super::stack::{FiberStack, StackClass, StackConfig, StackError, StackPool};
use crate::memory::Arena;

type Routine = Coroutine<Resume, Suspend, (), FiberStack>;

/// The state of one fiber.
struct FiberPlace {
    routine: Cell<Option<Box<Routine>>>,
    /// Whether it runs, or has resumed the one that does: whether `routine` is taken out.
    resumed: Cell<bool>,
    /// While it is idle: the fiber that became idle before it, if any.
    next_idle: Cell<FiberId>,
    /// The end of its stack: the lower end of the guard.
    limit: Cell<usize>,
    /// Whether it has run since its stack was last measured.
    used: Cell<bool>,
    /// The size of its stack, if that is not the ordinary one.
    class: Cell<Option<StackClass>>,
}

impl Default for FiberPlace {
    fn default() -> Self {
        Self {
            routine: Cell::default(),
            resumed: Cell::default(),
            next_idle: Cell::new(FiberId::NONE),
            limit: Cell::default(),
            used: Cell::default(),
            class: Cell::default(),
        }
    }
}

/// Bytes that the idle fibers on larger stacks of one size may hold if each stack is used to its end.
const KEPT_BYTES: usize = 16 << 20;

/// The stacks of one size, and the idle fibers on such stacks.
struct Class {
    /// The fiber that became idle last, which is the warmest; or none.
    idle: Cell<FiberId>,
    idle_count: Cell<usize>,
    /// The number of stacks that are claimed.
    claimed: Cell<usize>,
    stacks: StackPool,
}

impl Class {
    fn new(stacks: StackPool) -> Self {
        Self {
            idle: Cell::new(FiberId::NONE),
            idle_count: Cell::new(0),
            claimed: Cell::new(0),
            stacks,
        }
    }

    /// The number of idle fibers on larger stacks that are worth keeping.
    fn worth_keeping(&self) -> usize {
        if self.claimed.get() == 0 {
            return 0;
        }
        KEPT_BYTES / self.stacks.usable()
    }
}

/// Fibers that all run the same body, on stacks of one size, except for a few on larger ones.
pub(crate) struct FiberSet {
    places: Arena<FiberPlace>,
    ordinary: Class,
    larger: [OnceCell<Box<Class>>; StackClass::COUNT],
    /// The number of idle fibers on larger stacks.
    larger_idle: Cell<usize>,
    /// Whether there may be larger stacks.
    any_larger: Cell<bool>,
    live: Cell<usize>,
    /// The fiber that runs, or ran last.
    resumed: Cell<FiberId>,
    /// The deepest use of a stack in bytes, as far as stacks have been measured.
    high_water: Cell<usize>,
    body: fn(),
    /// Where debuggers find the set, since its first fiber was made.
    listed: Cell<Option<&'static Entry>>,
}

impl FiberSet {
    /// Makes a set without fibers, whose fibers will run `body`. The body must catch every panic.
    pub(crate) fn new(config: StackConfig, body: fn()) -> Self {
        Self {
            places: Arena::new(),
            ordinary: Class::new(StackPool::new(config)),
            larger: [const { OnceCell::new() }; StackClass::COUNT],
            larger_idle: Cell::new(0),
            any_larger: Cell::new(false),
            live: Cell::new(0),
            resumed: Cell::new(FiberId::NONE),
            high_water: Cell::new(0),
            body,
            listed: Cell::new(None),
        }
    }

    /// Ensures that the next [`take_idle`](Self::take_idle) succeeds. To be called on a fiber before
    /// it blocks, while there is still a caller to return an error to.
    #[inline]
    pub(crate) fn reserve(&self) -> Result<(), StackError> {
        if self.ordinary.idle.get() != FiberId::NONE {
            Ok(())
        } else {
            self.ordinary.stacks.reserve()
        }
    }

    /// Returns a fiber that runs no handler, and makes one if there is none.
    #[inline]
    pub(crate) fn take_idle(&self) -> Result<FiberId, StackError> {
        match self.pop_idle(&self.ordinary) {
            Some(id) => Ok(id),
            None => self.make(None),
        }
    }

    /// As [`take_idle`](Self::take_idle), on a larger stack. Succeeds as long as no more fibers on
    /// such stacks run a handler than were [claimed](Self::claim).
    #[cold]
    pub(crate) fn take_idle_of(&self, class: StackClass) -> Result<FiberId, StackError> {
        match self.pop_idle(self.class(Some(class))) {
            Some(id) => {
                self.larger_idle.set(self.larger_idle.get() - 1);
                Ok(id)
            }
            None => self.make(Some(class)),
        }
    }

    #[inline(always)]
    fn pop_idle(&self, class: &Class) -> Option<FiberId> {
        let id = class.idle.get();
        if id == FiberId::NONE {
            return None;
        }
        class.idle.set(self.places.at(id.index()).next_idle.get());
        class.idle_count.set(class.idle_count.get() - 1);
        Some(id)
    }

    #[cold]
    fn make(&self, class: Option<StackClass>) -> Result<FiberId, StackError> {
        let stack = self.class(class).stacks.take()?;
        let limit = stack.limit().get();
        let (id, body) = (FiberId::from_index(self.places.occupy()), self.body);
        let routine = Coroutine::with_stack(stack, move |yielder, first| {
            if first == Resume::Run {
                current::run_as(id, yielder, body);
            }
        });
        let place = self.places.at(id.index());
        place.routine.set(Some(Box::new(routine)));
        place.resumed.set(false);
        place.limit.set(limit);
        place.class.set(class);
        self.live.set(self.live.get() + 1);
        match self.listed.get() {
            // The set may have been moved since.
            Some(entry) => entry.is_at(self),
            None => self.listed.set(Some(Entry::take(self))),
        }
        Ok(id)
    }

    /// Runs a fiber until it suspends. Returns `None` if it has ended.
    ///
    /// # Panics
    ///
    /// If that fiber runs already, or has ended.
    #[inline(always)]
    pub(crate) fn resume(&self, id: FiberId, what_for: Resume) -> Option<Suspend> {
        let place = self.places.at(id.index());
        self.resumed.set(id);
        place.used.set(true);
        // Taken out while it runs, so it cannot be resumed twice.
        let mut routine = place
            .routine
            .take()
            .expect("a fiber is resumed only while it is suspended");
        place.resumed.set(true);
        match routine.resume(what_for) {
            CoroutineResult::Yield(why) => {
                place.resumed.set(false);
                // There is nothing to drop, as nothing was stored meanwhile.
                mem::forget(place.routine.replace(Some(routine)));
                Some(why)
            }
            CoroutineResult::Return(()) => {
                self.take_apart(id, *routine);
                None
            }
        }
    }

    /// Whether a fiber can be resumed: it neither runs, nor has it resumed the one that runs.
    #[inline(always)]
    pub(crate) fn is_suspended(&self, id: FiberId) -> bool {
        !self.places.at(id.index()).resumed.get()
    }

    /// Notes that the running fiber is that one again, which had resumed others.
    #[inline(always)]
    pub(crate) fn is_back(&self, id: FiberId) {
        self.resumed.set(id);
    }

    #[cold]
    fn take_apart(&self, id: FiberId, ended: Routine) {
        let place = self.places.at(id.index());
        self.measure_one(place);
        self.class(place.class.get())
            .stacks
            .give_back(ended.into_stack());
        self.places.vacate(id.index());
        self.live.set(self.live.get() - 1);
    }

    /// Keeps a fiber that runs no handler, for the next handler that needs one.
    #[inline]
    pub(crate) fn keep(&self, id: FiberId) {
        self.push_idle(&self.ordinary, id);
    }

    /// Keeps a fiber on a larger stack for the next handler that needs one.
    #[cold]
    pub(crate) fn keep_larger(&self, id: FiberId) {
        let class = self.places.at(id.index()).class.get();
        self.push_idle(self.class(class), id);
        self.larger_idle.set(self.larger_idle.get() + 1);
    }

    #[inline(always)]
    fn push_idle(&self, class: &Class, id: FiberId) {
        self.places
            .at(id.index())
            .next_idle
            .set(class.idle.replace(id));
        class.idle_count.set(class.idle_count.get() + 1);
    }

    /// Ends idle fibers on ordinary stacks until at most `most` are left, and returns their memory.
    pub(crate) fn trim(&self, most: usize) {
        while self.ordinary.idle_count.get() > most {
            let id = self.pop_idle(&self.ordinary).expect("one is idle");
            self.end(id);
        }
    }

    /// As [`trim`](Self::trim), for larger stacks; those that are not worth keeping all end.
    pub(crate) fn trim_larger(&self, most: usize) {
        if !self.any_larger.replace(false) {
            return;
        }
        for class in self.larger.iter().filter_map(OnceCell::get) {
            let most = most.min(class.worth_keeping());
            while class.idle_count.get() > most {
                let id = self.pop_idle(class).expect("one is idle");
                self.larger_idle.set(self.larger_idle.get() - 1);
                self.end(id);
            }
            if class.claimed.get() == 0 {
                class.stacks.release_all();
            }
            if class.stacks.made() > 0 {
                self.any_larger.set(true);
            }
        }
    }

    fn end(&self, idle: FiberId) {
        let ended = self.resume(idle, Resume::End);
        assert!(ended.is_none(), "an idle fiber ends when it is told to");
    }

    // ---- larger stacks ----------------------------------------------------------------------

    fn class(&self, class: Option<StackClass>) -> &Class {
        match class {
            None => &self.ordinary,
            Some(class) => self.larger[usize::from(class.code() - 1)]
                .get_or_init(|| Box::new(Class::new(StackPool::of_class(class)))),
        }
    }

    /// Claims a stack of this many bytes, one of the [`STACK_SIZES`](super::STACK_SIZES). Returns
    /// `None` if the ordinary ones are large enough.
    pub(crate) fn claim(&self, bytes: usize) -> Result<Option<StackClass>, StackError> {
        if bytes <= self.ordinary.stacks.usable() {
            return Ok(None);
        }
        let class = StackClass::of(bytes);
        let stacks = self.class(Some(class));
        self.any_larger.set(true);
        let claimed = stacks.claimed.get() + 1;
        stacks.stacks.reserve_all(claimed)?;
        stacks.claimed.set(claimed);
        Ok(Some(class))
    }

    /// Releases a claim.
    pub(crate) fn release(&self, class: Option<StackClass>) {
        if class.is_some() {
            let claimed = &self.class(class).claimed;
            claimed.set(claimed.get() - 1);
        }
    }

    /// Returns the size of the running fiber's stack, if that is not the ordinary one.
    pub(crate) fn running_class(&self) -> Option<StackClass> {
        self.places.get(self.resumed.get().index())?.class.get()
    }

    // ---- counts -----------------------------------------------------------------------------

    /// Returns the deepest use of a stack in bytes, in whole pages, as far as stacks have been
    /// measured: those of fibers that have ended, and those of idle ones at the last
    /// [`measure`](Self::measure).
    pub(crate) fn stack_high_water(&self) -> usize {
        self.high_water.get()
    }

    /// Measures the stacks of idle fibers that have run since the last time: of at most `most`
    /// fibers, the warmest first.
    pub(crate) fn measure(&self, most: usize) {
        self.measure_class(&self.ordinary, most);
        for class in self.larger.iter().filter_map(OnceCell::get) {
            self.measure_class(class, most);
        }
    }

    fn measure_class(&self, class: &Class, most: usize) {
        let mut next = class.idle.get();
        for _ in 0..most {
            if next == FiberId::NONE {
                return;
            }
            let place = self.places.at(next.index());
            self.measure_one(place);
            next = place.next_idle.get();
        }
    }

    /// Pages that were used stay backed until the stack is returned to the pool, so a stack may be
    /// measured at any time before that.
    fn measure_one(&self, place: &FiberPlace) {
        if place.used.replace(false) {
            let known = self.high_water.get();
            let stacks = &self.class(place.class.get()).stacks;
            self.high_water.set(stacks.depth(place.limit.get(), known));
        }
    }

    /// Returns the size of the stack of the fiber that runs, or ran last, if the address lies in the
    /// guard below it. May be called in a signal handler on the fiber's own thread.
    pub(crate) fn overflown(&self, address: usize) -> Option<usize> {
        let place = self.places.get(self.resumed.get().index())?;
        let stacks = &self.class(place.class.get()).stacks;
        let hit = stacks.is_guard(place.limit.get(), address);
        hit.then_some(stacks.usable())
    }

    /// The number of fibers on ordinary stacks that run no handler.
    pub(crate) fn idle(&self) -> usize {
        self.ordinary.idle_count.get()
    }

    /// The number of fibers, waiting, running and idle.
    pub(crate) fn live(&self) -> usize {
        self.live.get()
    }

    /// The number of fibers that hold a handler that waits or runs.
    pub(crate) fn busy(&self) -> usize {
        self.live.get() - self.ordinary.idle_count.get() - self.larger_idle.get()
    }
}

impl Drop for FiberSet {
    fn drop(&mut self) {
        self.trim(0);
        self.trim_larger(0);
        for (_, place) in self.places.iter() {
            // A handler still waits on this stack. The worker ends all of them before it is dropped,
            // unless stacks cannot unwind (`panic = "abort"`), or its end came too late. What lies on
            // the stack must not be dropped under the handler, so it is leaked.
            mem::forget(place.routine.take());
        }
        if let Some(entry) = self.listed.get() {
            entry.give_back();
        }
    }
}
