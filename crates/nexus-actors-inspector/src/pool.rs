//! stub
use nexus_actors::{WorkerNode, WorkerPool};
use std::sync::Arc;

use crate::feed::Feed;
use crate::letters::LetterQueue;
use crate::source::{Guard, Order, OrderError, Query, Source, Target};
use crate::view::{Found, Overview};

pub(crate) struct PoolSource {
    node: WorkerNode,
    pub(crate) feed: Feed,
}
impl PoolSource {
    pub(crate) fn new(pool: &WorkerPool) -> Self { Self { node: pool.node(), feed: Feed::new() } }
    pub(crate) fn name(&self) -> &str { let _ = &self.node; "x" }
}
impl Source for PoolSource {
    fn overview(&self) -> Overview { Overview { failures: self.feed.failures(std::time::Duration::ZERO), ..Overview::default() } }
    fn actors(&self, _: &Query) -> Found { Found::default() }
    fn order(&self, _: Order, _: &Target) -> Result<String, OrderError> { Err(OrderError::Silent(0)) }
    fn watch(&self) -> Guard { Box::new(()) }
    fn subscribe(&self, _: Arc<LetterQueue>) -> Guard { Box::new(()) }
}
