//! Asking through a part of an actor's protocol.

use super::deadline::Deadline;
use super::handle::{Ask, Begun};
use super::reply::Reply;
use crate::actor::Recipient;
use crate::address::MessageType;
use crate::shard::Here;

impl<N: Send + 'static> Recipient<N> {
    /// Asks the actor, as [`ActorRef::ask`](crate::ActorRef::ask) does.
    pub fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(Reply<R>) -> N,
        within: impl Into<Deadline>,
    ) -> Ask<R> {
        let (asked, mail, within) = (self.id(), MessageType::of::<N>(), within.into());
        let here = Here::now();
        let Some(shard) = here.shard() else {
            return Ask::of_outside(asked, mail, within, |reply| {
                self.tell_question(question(reply));
            });
        };
        let begun = Begun::on(shard, within, asked, mail);
        let unsent = begun.unsent(shard);
        let sent = self.tell_question(question(begun.reply()));
        unsent.sent();
        begun.has_asked_as(sent)
    }
}
