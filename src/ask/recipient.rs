//! Asking through a part of an actor's protocol.

use super::deadline::Deadline;
use super::handle::Ask;
use super::reply::Reply;
use crate::actor::{MailKind, Recipient};

impl<N: Send + 'static> Recipient<N> {
    /// Asks the actor, as [`ActorRef::ask`](crate::ActorRef::ask) does.
    pub fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(Reply<R>) -> N,
        within: impl Into<Deadline>,
    ) -> Ask<R> {
        let (asked, mail) = (self.id(), MailKind::of::<N>());
        Ask::of_message(asked, mail, within.into(), |reply| {
            self.tell(question(reply))
        })
    }
}
