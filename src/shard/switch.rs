//! Handing the thread from fiber to fiber.
//!
//! A loop resumes one fiber after the other until there is nothing to do. The worker runs it on its own
//! stack, and so does a handler that waits. A handler that asked another actor of its worker runs the loop
//! on a spare fiber *on top of* its own, so that there and back are two switches and not four, and the
//! processor has predicted the return addresses. What the handler itself waits for comes up in the loop
//! like anything else; then it stops being a parent. If another fiber comes up that has such a parent above
//! it, each fiber in between steps aside: it suspends, as it would have done at first.

use super::state::Shard;
use crate::fiber::{FiberId, Parent, Resume, Suspend, suspend};

/// How many fibers may wait on top of each other: resuming the lowest takes as many switches.
const MOST_NESTED: u32 = 16;

/// What the owner of a loop is to do when the loop stops.
enum LoopExit {
    /// Continue itself.
    Own,
    /// End itself.
    OwnEnd,
    /// Give the thread up.
    Parent(Suspend),
}

impl Shard {
    /// Resumes a fiber, and then each fiber that is due, until the loop has nothing more to do. Called on
    /// the worker's own stack.
    pub(crate) fn drive(&self, fiber: FiberId, what_for: Resume) {
        let next = self.relay(fiber, what_for);
        self.current.set_current_to_root();
        match next {
            LoopExit::Parent(Suspend::Nothing) => {}
            LoopExit::Own | LoopExit::OwnEnd | LoopExit::Parent(_) => {
                unreachable!("no fiber waits below the worker's own stack")
            }
        }
    }

    /// Gives the thread up until the calling fiber, which waits, is to continue.
    #[inline(always)]
    pub(crate) fn yield_thread(&self, own: FiberId) -> Resume {
        let nested = self.nested.get();
        if nested < MOST_NESTED && self.turns_left.get() > 0 && !self.due.is_empty() {
            self.nested.set(nested + 1);
            let (parent, spare) = (Parent::begin(), self.spare());
            let why = self.fibers.resume(spare, Resume::Run);
            // An ask on the same worker is most often answered in the first turn, so the loop that was
            // resumed finds that this fiber is to continue.
            let next = if why == Some(Suspend::SwitchTo(own)) {
                self.fibers.keep(spare);
                LoopExit::Own
            } else {
                self.run_loop(own, spare, why)
            };
            parent.go_on();
            self.nested.set(nested);
            self.fibers.is_back(own);
            match next {
                LoopExit::Own => Resume::Run,
                LoopExit::OwnEnd => Resume::End,
                LoopExit::Parent(why) => suspend(why),
            }
        } else {
            suspend(Suspend::Blocked)
        }
    }

    #[inline(always)]
    fn spare(&self) -> FiberId {
        let spare = self.fibers.take_idle();
        spare.expect("a waiting handler has reserved a spare stack")
    }

    /// Resumes a fiber, and then one after the other, for the worker.
    fn relay(&self, fiber: FiberId, what_for: Resume) -> LoopExit {
        let why = self.fibers.resume(fiber, what_for);
        self.run_loop(FiberId::NONE, fiber, why)
    }

    /// Runs the loop, for the worker or for the fiber `own`, which waits: continues after `fiber`, which
    /// yielded for the reason `why`.
    #[inline(never)]
    fn run_loop(&self, own: FiberId, mut fiber: FiberId, mut why: Option<Suspend>) -> LoopExit {
        loop {
            // `Ok` is a fiber that has waited, and may be below others.
            let goes_on = match why {
                Some(Suspend::SwitchTo(next)) => {
                    self.fibers.keep(fiber);
                    Ok(next)
                }
                Some(Suspend::PassOn(next)) => Ok(next),
                Some(Suspend::Blocked) if self.due.is_empty() => {
                    return LoopExit::Parent(Suspend::Nothing);
                }
                Some(Suspend::Blocked) => Err((self.spare(), Resume::Run)),
                _ => match self.next_after(own, fiber, why) {
                    Ok(next) => Err(next),
                    Err(next) => return next,
                },
            };
            let what_for;
            (fiber, what_for) = match goes_on {
                Ok(next) if next == own => return LoopExit::Own,
                Ok(next) if !self.fibers.is_suspended(next) => {
                    return LoopExit::Parent(Suspend::PassOn(next));
                }
                Ok(next) => (next, Resume::Run),
                Err(next) => next,
            };
            why = self.fibers.resume(fiber, what_for);
        }
    }

    /// Returns the fiber that is to continue, and what for, after one that has nothing more to do; or why
    /// none does here.
    #[cold]
    fn next_after(
        &self,
        own: FiberId,
        fiber: FiberId,
        why: Option<Suspend>,
    ) -> Result<(FiberId, Resume), LoopExit> {
        if let Some(Suspend::End(next) | Suspend::PassOnEnd(next)) = why {
            if why == Some(Suspend::End(next)) {
                self.fibers.keep(fiber);
            }
            return if next == own {
                Err(LoopExit::OwnEnd)
            } else if self.fibers.is_suspended(next) {
                Ok((next, Resume::End))
            } else {
                Err(LoopExit::Parent(Suspend::PassOnEnd(next)))
            };
        }
        let next = self.next_to_run(fiber, why);
        let next = next.ok_or(LoopExit::Parent(Suspend::Nothing))?;
        Ok((next, Resume::Run))
    }

    /// Returns the fiber that is to continue after one that has nothing more to do; `None`: no other for
    /// now.
    fn next_to_run(&self, fiber: FiberId, why: Option<Suspend>) -> Option<FiberId> {
        match why? {
            Suspend::Idle => {
                self.fibers.keep(fiber);
                None
            }
            Suspend::Nothing => None,
            Suspend::Apart(class) => {
                self.fibers.keep(fiber);
                let larger = self.fibers.take_idle_of(class);
                if larger.is_err() {
                    // Each actor has been promised a stack; but handlers of others, which have stopped, may
                    // still wait on theirs in a destructor. The turn is tried again.
                    self.put_back_apart(class);
                }
                larger.or_else(|_| self.fibers.take_idle()).ok()
            }
            Suspend::Rejoin => {
                self.fibers.keep_larger(fiber);
                let goes_on = self.turns_left.get() > 0;
                goes_on.then(|| self.fibers.take_idle().ok())?
            }
            Suspend::Blocked
            | Suspend::SwitchTo(_)
            | Suspend::PassOn(_)
            | Suspend::End(_)
            | Suspend::PassOnEnd(_) => {
                unreachable!("these are looked at before")
            }
        }
    }
}
