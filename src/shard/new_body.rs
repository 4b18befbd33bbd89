//! Making a body: in the slabs of the worker that runs on this thread, if one does.

use super::body::{Body, NewBody, at_home};
use super::current::Here;

impl NewBody {
    pub(crate) fn new<B: Body + 'static>(body: B) -> Self {
        match Here::now().shard() {
            Some(shard) => Self::AtHome(at_home(body, shard.slabs())),
            None => Self::OnHeap(Box::new(body)),
        }
    }
}
