//! Asking through a part of an actor's protocol.

use std::time::Duration;

use super::handle::Ask;
use super::reply::Reply;
use crate::actor::Recipient;

impl<N: Send + 'static> Recipient<N> {
    /// Asks the actor, as [`ActorRef::ask`](crate::ActorRef::ask) does.
    pub fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(Reply<R>) -> N,
        timeout: Duration,
    ) -> Ask<R> {
        let (ask, reply) = Ask::begin(Some(timeout), self.id());
        self.tell(question(reply));
        ask
    }
}
