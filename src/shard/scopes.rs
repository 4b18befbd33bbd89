//! What a handler has entered on its thread: taken off while it waits, and left when its turn ends.

use super::report::report;
use super::state::Shard;
use super::turn_record::{Answering, Locals, TurnRecord};
use crate::failure::{Cause, Stage, Unwound, catch_user};
use crate::fiber::{do_first, forbid_waits};
use crate::pool_core::PoolCore;
use crate::scope::TakenOff;

/// What was taken off a thread. Dropping it puts it back.
pub(crate) struct OutsideScopes<'a>(Option<TakenOff<'a>>);

impl Drop for OutsideScopes<'_> {
    fn drop(&mut self) {
        let Some(taken) = self.0.take() else {
            return;
        };
        if std::thread::panicking() {
            // The first panic is the one that says what went wrong.
            let _ = catch_user(|| forbid_waits(|| drop(taken)));
        } else {
            forbid_waits(|| drop(taken));
        }
    }
}

impl PoolCore {
    /// Takes off what this thread has entered, for other code that runs on it.
    ///
    /// # Panics
    ///
    /// If a hook panics.
    fn outside_of_scopes(&self) -> OutsideScopes<'_> {
        let hooked = self.scopes.are_hooked();
        OutsideScopes(hooked.then(|| forbid_waits(|| self.scopes.take_off())))
    }

    /// Drives handlers of the pool, outside of what the driving thread has entered.
    pub(crate) fn drive_outside_of_scopes<R>(&self, drive: impl FnOnce() -> R) -> R {
        let _outside = self.outside_of_scopes();
        drive()
    }
}

/// What a handler has entered, while another actor's code runs in the middle of it. Dropping it enters it
/// again.
pub(super) struct SuspendedScopes<'a> {
    shard: &'a Shard,
    locals: Locals,
    answering: Option<Answering>,
    _outside: OutsideScopes<'a>,
}

impl Drop for SuspendedScopes<'_> {
    fn drop(&mut self) {
        self.shard.leave_scopes();
        let here = self.shard.current.record();
        here.locals.put_back(self.locals.take());
        here.answering.set(self.answering);
        here.is_scoped.set(true);
        self.shard.note_what_to_do_first();
    }
}

impl Shard {
    /// Takes off what the running handler has entered, as it is about to wait.
    ///
    /// # Panics
    ///
    /// If a hook panics.
    pub(crate) fn outside_of_scopes(&self) -> OutsideScopes<'_> {
        self.core.outside_of_scopes()
    }

    /// Begins code that is not the handler's in the middle of the handler: in none of its scopes.
    /// [`end_between`](Self::end_between) must follow.
    #[inline(always)]
    pub(super) fn begin_between(&self) -> Option<Box<SuspendedScopes<'_>>> {
        let is_scoped = self.current.record().is_scoped.get();
        is_scoped.then(|| self.step_aside())
    }

    #[cold]
    #[inline(never)]
    fn step_aside(&self) -> Box<SuspendedScopes<'_>> {
        let here = self.current.record();
        let in_between = SuspendedScopes {
            shard: self,
            locals: here.locals.take(),
            answering: here.answering.take(),
            _outside: self.outside_of_scopes(),
        };
        Box::new(in_between)
    }

    /// Ends that code, and leaves what it has entered.
    #[inline(always)]
    pub(super) fn end_between(&self, outer: Option<Box<SuspendedScopes<'_>>>) {
        match outer {
            None if !self.current.record().is_scoped.get() => {}
            outer => self.end_in_between(outer),
        }
    }

    #[cold]
    #[inline(never)]
    fn end_in_between(&self, outer: Option<Box<SuspendedScopes<'_>>>) {
        match outer {
            Some(outer) => drop(outer),
            None => self.leave_scopes(),
        }
    }

    /// Runs code that is not the handler's in the middle of a handler.
    pub(crate) fn in_own_scopes<R>(&self, code: impl FnOnce() -> R) -> R {
        let outer = self.begin_between();
        let answer = code();
        self.end_between(outer);
        answer
    }

    /// Marks the running handler as having entered something: it is taken off when the handler waits, and
    /// left when its turn ends.
    pub(crate) fn mark_scoped(&self) -> &TurnRecord {
        let here = self.current.record();
        here.is_scoped.set(true);
        do_first(true);
        here
    }

    /// Notes whether there is something to do before the running handler can wait.
    pub(super) fn note_what_to_do_first(&self) {
        let here = self.current.record();
        do_first(here.is_scoped.get() || here.starts.any() || self.tells_of_asks());
    }

    /// Returns the reply that the running handler makes an answer for.
    pub(crate) fn answering(&self) -> Option<Answering> {
        self.current.record().answering.get()
    }

    /// Runs code of a handler that is making an answer.
    pub(crate) fn while_answering<R>(&self, answering: Answering, work: impl FnOnce() -> R) -> R {
        struct Back<'a>(&'a Shard, Option<Answering>);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.current.record().answering.set(self.1);
            }
        }
        // Until the end of the turn: it costs little.
        let here = self.mark_scoped();
        let _back = Back(self, here.answering.replace(Some(answering)));
        work()
    }

    /// Leaves what the handler that has just ended has still entered, and drops its fiber-local values.
    #[cold]
    #[inline(never)]
    pub(crate) fn leave_scopes(&self) {
        let here = self.current.record();
        // The destructor of one value may use others.
        while here.locals.any() {
            self.leave_by(|| drop(here.locals.take()));
        }
        let is_hooked = self.core.scopes.are_hooked();
        if is_hooked {
            self.leave_by(|| self.core.scopes.leave());
        }
        here.is_scoped.set(is_hooked);
        self.note_what_to_do_first();
    }

    fn leave_by(&self, leave: impl FnOnce()) {
        if let Err(Unwound::Panicked(payload)) = catch_user(|| forbid_waits(leave)) {
            let actor = self.acting();
            // The panic hook has reported it in any case.
            if actor.home == self.home && self.tenant(actor.key).is_some() {
                report(self, actor.key, Stage::Handling, Cause::Panic(payload));
            }
        }
    }
}
