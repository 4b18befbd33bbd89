//! Receive time-outs: an actor is told when no mail has arrived for long enough, and at no other
//! time.

use parking_lot::Mutex;

use super::{Check, ensure};

#[derive(Clone, Copy, Debug)]
struct Silent {
    after: u64,
    /// The earliest time since which no mail has arrived.
    since: u64,
    left: u32,
}

/// The receive time-out of one instance of an actor. Times are nanoseconds.
#[derive(Debug, Default)]
pub struct Silence(Mutex<Option<Silent>>);

impl Silence {
    /// Records that it is set, in place of an earlier one, and is to fire at most `most` times.
    pub fn is_set(&self, after: u64, now: u64, most: u32) {
        let since = now;
        *self.0.lock() = Some(Silent {
            after,
            since,
            left: most,
        });
    }

    /// Records that it is cancelled, or ends with its instance.
    pub fn ends(&self) {
        *self.0.lock() = None;
    }

    /// Records that a message of the mail is handled: the time-out begins anew.
    pub fn is_broken(&self, now: u64) {
        if let Some(silent) = &mut *self.0.lock() {
            silent.since = now;
        }
    }

    /// Records that the actor is told, at `now` by the clock that it reads. On threads that clock
    /// has advanced, and the time-out has begun anew a little earlier. Returns whether the time-out
    /// is to be cancelled, having fired often enough.
    ///
    /// # Errors
    ///
    /// If there is none, or it is too early.
    pub fn is_told(&self, now: u64, on_threads: bool) -> Result<bool, String> {
        let mut silent = self.0.lock();
        let Some(silent) = &mut *silent else {
            return Err("told of a receive time-out, and had none".to_owned());
        };
        let due = silent.since + silent.after;
        silent.since = if on_threads { due } else { now };
        silent.left = silent.left.saturating_sub(1);
        ensure(now >= due, || {
            format!("told of a receive time-out at {now}, due at {due}")
        })?;
        Ok(silent.left == 0)
    }

    /// Checks, when nothing is left to do and all time-outs are thus over, that it has fired as
    /// often as it was to.
    ///
    /// # Errors
    ///
    /// If it has not.
    pub fn is_over(&self) -> Check {
        let silent = *self.0.lock();
        ensure(silent.is_none(), || {
            format!("was never told of its receive time-out: {silent:?}")
        })
    }
}
