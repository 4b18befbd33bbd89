//! What a handler is in on its thread: taken off while it waits, and left when its turn ends.

use super::acting::Answering;
use super::core::PoolCore;
use super::failure::{Cause, Stage};
use super::lifecycle;
use super::shard::Shard;
use super::unwind::{Unwound, catch_user};
use crate::fiber::forbid_waits;

impl PoolCore {
    /// Drives handlers of the pool, outside of what the thread that does so has entered.
    pub(crate) fn drive_outside_of_scopes<R>(&self, drive: impl FnOnce() -> R) -> R {
        if self.scopes.are_hooked() {
            self.scopes.outside_of(|hooked| forbid_waits(hooked), drive)
        } else {
            drive()
        }
    }
}

impl Shard {
    /// Runs something that other handlers may run in, outside of what the caller has entered.
    #[cold]
    #[inline(never)]
    pub(crate) fn outside_of_scopes<R>(&self, run: impl FnOnce() -> R) -> R {
        self.core.drive_outside_of_scopes(run)
    }

    /// Runs something in the middle of a handler that is not the handler's: in no scope of that one's, and it
    /// leaves none behind.
    #[inline(always)]
    pub(crate) fn in_own_scopes<R>(&self, code: impl FnOnce() -> R) -> R {
        let is_scoped = || self.stage.here().is_scoped.get();
        if is_scoped() {
            return self.in_between(code);
        }
        let answer = code();
        if is_scoped() {
            self.leave_scopes();
        }
        answer
    }

    #[cold]
    #[inline(never)]
    fn in_between<R>(&self, code: impl FnOnce() -> R) -> R {
        let here = self.stage.here();
        let (locals, answering) = (here.locals.take(), here.answering.take());
        let answer = self.outside_of_scopes(|| {
            let answer = code();
            self.leave_scopes();
            answer
        });
        let here = self.stage.here();
        here.locals.put_back(locals);
        here.answering.set(answering);
        here.is_scoped.set(true);
        answer
    }

    /// The reply for which the handler that runs makes an answer.
    pub(crate) fn answering(&self) -> Option<Answering> {
        self.stage.here().answering.get()
    }

    /// Runs something in a handler that makes an answer.
    pub(crate) fn while_answering<R>(&self, answering: Answering, work: impl FnOnce() -> R) -> R {
        struct Back<'a>(&'a Shard, Option<Answering>);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.stage.here().answering.set(self.1);
            }
        }
        let here = self.stage.here();
        let _back = Back(self, here.answering.replace(Some(answering)));
        // Until the end of the turn: it costs little.
        here.is_scoped.set(true);
        work()
    }

    /// Leaves what the handler that has just ended is still in, and drops its own values.
    #[cold]
    #[inline(never)]
    pub(crate) fn leave_scopes(&self) {
        let here = self.stage.here();
        // The destructor of one value may use others.
        while here.locals.any() {
            self.leave_by(|| drop(here.locals.take()));
        }
        here.is_scoped.set(self.core.scopes.are_hooked());
        if self.core.scopes.are_hooked() {
            self.leave_by(|| self.core.scopes.leave());
        }
    }

    fn leave_by(&self, leave: impl FnOnce()) {
        if let Err(Unwound::Panicked(payload)) = catch_user(|| forbid_waits(leave)) {
            let actor = self.acting();
            // Its panic hook has told of it in any case.
            if actor.home == self.home && self.tenant(actor.key).is_some() {
                lifecycle::report(self, actor.key, Stage::Handling, Cause::Panic(payload));
            }
        }
    }
}
