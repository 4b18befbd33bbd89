//! Receive time-outs: an actor is told when no mail has come for long enough, and at no other time.

use parking_lot::Mutex;

use super::{Check, ensure};

#[derive(Clone, Copy, Debug)]
struct Silent {
    after: u64,
    /// Since when no mail has come, at the earliest.
    since: u64,
    left: u32,
}

/// The receive time-out of one instance of an actor. Times are nanoseconds.
#[derive(Debug, Default)]
pub struct Silence(Mutex<Option<Silent>>);

impl Silence {
    /// It is set, in the place of the one before, and to be told so often at the most.
    pub fn is_set(&self, after: u64, now: u64, most: u32) {
        let since = now;
        *self.0.lock() = Some(Silent {
            after,
            since,
            left: most,
        });
    }

    /// It is taken away, or ends with its instance.
    pub fn ends(&self) {
        *self.0.lock() = None;
    }

    /// A message of the mail is handled: it begins anew.
    pub fn is_broken(&self, now: u64) {
        if let Some(silent) = &mut *self.0.lock() {
            silent.since = now;
        }
    }

    /// The actor is told, `now` by the clock that it reads. On threads that one goes on, and the time-out has begun
    /// anew a little before. Answers whether the time-out is to be taken away, having come often enough.
    ///
    /// # Errors
    ///
    /// When there is none, or it is too early.
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

    /// Nothing is left to do, so that all time-outs are over: it has been told as often as it was to.
    ///
    /// # Errors
    ///
    /// When it has not.
    pub fn is_over(&self) -> Check {
        let silent = *self.0.lock();
        ensure(silent.is_none(), || {
            format!("was never told of its receive time-out: {silent:?}")
        })
    }
}
