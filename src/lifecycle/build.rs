//! Building an instance: the factory, the setups, and the first signal.

use crate::address::Key;
use crate::failure::BoxError;
use crate::failure::DeadLetterReason;
use crate::failure::Unwound;
use crate::failure::WaitEnd;
use crate::failure::catch_user;
use crate::failure::drop_with_fate;
use crate::shard::{NewBody, Shard, TurnEnd};
use crate::supervision::Signal;

/// Why a start failed.
pub(super) enum FailedStart {
    Error(BoxError),
    Unwound(Unwound),
}

impl FailedStart {
    /// Returns why mail that came meanwhile is lost.
    pub(super) fn reason(&self) -> DeadLetterReason {
        match self {
            Self::Unwound(Unwound::Forced) => DeadLetterReason::Forced,
            _ => DeadLetterReason::Failed,
        }
    }
}

/// Runs the factory and the setups, and tells the new body that it starts, or starts again. Returns `None` if
/// the actor is to stop at once.
pub(super) fn build(
    shard: &Shard,
    key: Key,
    make: impl FnOnce() -> Result<Option<NewBody>, BoxError>,
    first: &Signal,
) -> Result<Option<NewBody>, FailedStart> {
    let made = catch_user(make);
    let Some(mut body) = ended_well(made)? else {
        return Ok(None);
    };
    if !body.hears_signals() {
        return Ok(Some(body));
    }
    // The body stays outside of the closure: if its destructor panicked during an unwinding, the process
    // would abort.
    let failed = match catch_user(|| body.signal(shard, key, first)) {
        Ok(TurnEnd::Done) => return Ok(Some(body)),
        Ok(TurnEnd::Become(next)) => {
            let _ = drop_with_fate(body, WaitEnd::NoReply);
            return Ok(Some(*next));
        }
        Ok(TurnEnd::Passivate) if shard.slot(key.slot()).can_be_built_again() => {
            let slot = shard.slot(key.slot());
            slot.with_system(|system| system.passivation_wanted = true);
            slot.attention.set(true);
            return Ok(Some(body));
        }
        // An actor that cannot be built again has nothing to come back to.
        Ok(TurnEnd::Stop | TurnEnd::Passivate) => {
            let _ = drop_with_fate(body, WaitEnd::Stopped);
            return Ok(None);
        }
        Ok(TurnEnd::Failed(error)) => FailedStart::Error(*error),
        Err(unwound) => FailedStart::Unwound(unwound),
    };
    let _ = drop_with_fate(body, WaitEnd::from(failed.reason()));
    Err(failed)
}

fn ended_well<T>(ended: Result<Result<T, BoxError>, Unwound>) -> Result<T, FailedStart> {
    match ended {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(FailedStart::Error(error)),
        Err(unwound) => Err(FailedStart::Unwound(unwound)),
    }
}
