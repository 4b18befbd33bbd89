//! A value that changes on other threads or workers, and that can be waited for.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::address::ActorId;
use crate::ask::{Ask, AskError, Reply, TimeLimit};
use crate::failure::WaitError;

/// A value, shared by its clones, that can be waited for under every driver.
///
/// Waiting uses an ask, which parks a thread, suspends a handler, or drives a simulation. The ask
/// is only the wake-up: the result stays in the value until it is taken out, so an ask that times
/// out loses nothing.
pub(super) struct Observable<T>(Arc<Mutex<WatchedState<T>>>);

struct WatchedState<T> {
    value: T,
    /// By number, which is the order in which the waits began.
    waiting: BTreeMap<u64, Reply<()>>,
    last: u64,
}

/// Why a wait failed.
pub(super) enum Vain {
    TimedOut,
    /// The pool that would change the value has ended.
    Closed,
    CannotWait(WaitError),
}

impl<T> Clone for Observable<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Observable<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(WatchedState {
            value,
            waiting: BTreeMap::new(),
            last: 0,
        })))
    }

    /// Accesses the value; it may take out something that no other caller waits for.
    pub(super) fn look<R>(&self, look: impl FnOnce(&mut T) -> R) -> R {
        look(&mut self.0.lock().value)
    }

    /// Changes the value, and wakes all waiters to look at it.
    pub(super) fn change(&self, change: impl FnOnce(&mut T)) {
        let mut state = self.0.lock();
        change(&mut state.value);
        let woken = std::mem::take(&mut state.waiting);
        drop(state);
        // Outside the lock, which a woken waiter takes next.
        for (_, reply) in woken {
            reply.let_go();
        }
    }

    /// Waits until `find` finds what it looks for in the value. A time of zero looks once.
    ///
    /// `asked` is an actor of the pool that will change the value: on a thread that drives that
    /// pool, waiting means driving it.
    ///
    /// # Errors
    ///
    /// [`Vain`] if nothing was found by the end of the wait.
    pub(super) fn wait_for<R>(
        &self,
        asked: ActorId,
        within: Duration,
        mut find: impl FnMut(&mut T) -> Option<R>,
    ) -> Result<R, Vain> {
        if let Some(found) = self.look(&mut find) {
            return Ok(found);
        }
        if within.is_zero() {
            return Err(Vain::TimedOut);
        }
        let deadline = TimeLimit::after(within, asked);
        let ended = loop {
            let Some(left) = deadline.left() else {
                break Vain::TimedOut;
            };
            match self.wait_for_change(asked, left, &mut find) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(vain) => break vain,
            }
        };
        // What arrived together with the end has arrived in time.
        self.look(find).ok_or(ended)
    }

    /// Waits for the next change, unless `find` succeeds at once.
    fn wait_for_change<R>(
        &self,
        asked: ActorId,
        within: Duration,
        find: &mut impl FnMut(&mut T) -> Option<R>,
    ) -> Result<Option<R>, Vain> {
        let (ask, reply) = Ask::begin(Some(within), asked);
        let mut state = self.0.lock();
        // Under the same lock as the insertion: no change can come in between.
        if let Some(found) = find(&mut state.value) {
            drop(state);
            reply.let_go();
            return Ok(Some(found));
        }
        state.last += 1;
        let number = state.last;
        state.waiting.insert(number, reply);
        drop(state);
        let outcome = ask.wait();
        self.leave(number);
        match outcome {
            Ok(())
            | Err(AskError::NoReply(_) | AskError::TargetStopped(_) | AskError::TargetFailed(_)) => {
                Ok(None)
            }
            Err(error) => Err(vain(error)),
        }
    }

    /// Removes the reply of an ask that has ended.
    fn leave(&self, number: u64) {
        let left = self.0.lock().waiting.remove(&number);
        left.into_iter().for_each(Reply::let_go);
    }
}

fn vain(error: AskError) -> Vain {
    match error {
        AskError::Timeout(_) => Vain::TimedOut,
        AskError::CannotWait(error) => Vain::CannotWait(error),
        _ => Vain::Closed,
    }
}
