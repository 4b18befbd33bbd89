//! The paths of actors that are known outside their workers.

use crate::address::{ActorPath, Key};
use crate::shared::RetainedMap;

/// The number of ended actors that are remembered per worker.
const MOST_ENDED: usize = 1024;

/// The actors of one worker whose paths are known elsewhere. Written by that worker, and read by any code
/// that names one of them.
pub(crate) type KnownActors = RetainedMap<Key, ActorPath>;

/// The table of a worker that begins.
pub(super) fn nobody_known() -> KnownActors {
    RetainedMap::new(MOST_ENDED)
}
