//! What a pool runs on every worker while it starts.

use std::sync::Arc;

use super::error::StartError;
use super::node::WorkerNode;
use crate::failure::{BoxError, Unwound, catch_user, drop_quietly};

/// Runs on every worker before the pool is ready.
pub(crate) type Configure = Arc<dyn Fn(&WorkerNode) -> Result<(), BoxError> + Send + Sync>;

/// Runs it for one worker.
pub(crate) fn run_configure(
    configure: Option<Configure>,
    node: &WorkerNode,
) -> Result<(), StartError> {
    let Some(configure) = configure else {
        return Ok(());
    };
    let configured = catch_user(|| configure(node));
    // What the closure has captured is the user's, and may be dropped here.
    let _ = drop_quietly(configure);
    let error: BoxError = match configured {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error,
        Err(Unwound::Panicked(payload)) => payload.into(),
        Err(Unwound::Forced) => "the pool was ended before it was ready".into(),
    };
    Err(StartError::Configure {
        worker: node.index(),
        error,
    })
}
