//! A value that changes on other threads or workers, and those who wait for it to be as they like.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::actor::{ActorId, WaitError};
use crate::ask::{Ask, AskError, Reply, TimeLimit};

/// A value, shared by its clones, that can be waited for under every driver.
///
/// Who waits does so by an ask, which parks a thread, suspends a handler, and drives a simulation.
/// The ask is only the wake-up: what was waited for stays in the value until it is taken out, so
/// that nothing is lost with an ask whose time is over.
pub(super) struct Watched<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    value: T,
    /// By their numbers, in the order in which they began to wait.
    waiting: BTreeMap<u64, Reply<()>>,
    last: u64,
}

/// Why a value was waited for in vain.
pub(super) enum Vain {
    TimedOut,
    /// The pool that was to change it has ended.
    Closed,
    CannotWait(WaitError),
}

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Watched<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(State {
            value,
            waiting: BTreeMap::new(),
            last: 0,
        })))
    }

    /// Looks at the value, or takes something out of it that nobody else waits for.
    pub(super) fn look<R>(&self, look: impl FnOnce(&mut T) -> R) -> R {
        look(&mut self.0.lock().value)
    }

    /// Changes the value, and has everybody who waits look at it.
    pub(super) fn change(&self, change: impl FnOnce(&mut T)) {
        let mut state = self.0.lock();
        change(&mut state.value);
        let woken = std::mem::take(&mut state.waiting);
        drop(state);
        // Outside of the lock, which whoever is woken takes next.
        for (_, reply) in woken {
            reply.let_go();
        }
    }

    /// Waits until `find` finds in the value what it looks for. A time of zero looks once.
    ///
    /// `asked` is an actor of the pool that is to change the value: on a thread that drives that
    /// pool, waiting means driving it.
    ///
    /// # Errors
    ///
    /// [`Vain`], when nothing was found to the end.
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
        // What came together with the end has come in time.
        self.look(find).ok_or(ended)
    }

    /// Waits for the next change, unless there is no need to.
    fn wait_for_change<R>(
        &self,
        asked: ActorId,
        within: Duration,
        find: &mut impl FnMut(&mut T) -> Option<R>,
    ) -> Result<Option<R>, Vain> {
        let (ask, reply) = Ask::begin(Some(within), asked);
        let mut state = self.0.lock();
        // Under the same lock as the entry into the list: no change can come in between.
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

    /// Takes the reply of an ask that has ended out of the list.
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
