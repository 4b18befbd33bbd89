//! The stash: messages that an actor has deferred, to handle them later.

use std::cell::Cell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::rc::Rc;

use super::store::{look_at_store, with_store};
use crate::address::{Envelope, Key, MessageId};
use crate::failure::{DeadLetterReason, WaitEnd};
use crate::shard::{Body, NewBody, Shard, Slot, TurnEnd, TurnOf, drop_lost, interrupt, one_by_one};
use crate::supervision::Signal;
use crate::sync::{Mutant, is_mutated};

/// Why a message could not be stashed. Holds the message.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StashError<M> {
    /// The stash holds as many messages as its capacity allows.
    #[error("the stash is full; give it a larger capacity, or refuse the message")]
    Full(M),
    /// The behaviour has no stash.
    #[error("there is no stash; make one with `Behavior::with_stash`")]
    NoStash(M),
}

impl<M> StashError<M> {
    /// Returns the message that was not stashed.
    pub fn into_message(self) -> M {
        match self {
            Self::Full(message) | Self::NoStash(message) => message,
        }
    }
}

impl<M> fmt::Debug for StashError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::NoStash(_) => "NoStash(..)",
        })
    }
}

/// The stash of one actor.
pub(super) struct Stash<M> {
    capacity: Option<usize>,
    aside: VecDeque<(Envelope, M)>,
    /// Taken out of the stash, to be handled before the mail.
    replayed: VecDeque<(Envelope, M)>,
    /// The message that was stashed last, until another one is taken out.
    last: Option<MessageId>,
    /// Questions that are not to be handled. Some of them are not here: they were handled, or may yet be
    /// stashed.
    withdrawn: HashMap<MessageId, DeadLetterReason>,
    in_hand: InHand,
}

/// How many withdrawn questions that are not here are remembered nevertheless.
const MOST_ELSEWHERE: usize = 16;

impl<M> Default for Stash<M> {
    fn default() -> Self {
        Self {
            capacity: None,
            aside: VecDeque::new(),
            replayed: VecDeque::new(),
            last: None,
            withdrawn: HashMap::new(),
            in_hand: InHand::default(),
        }
    }
}

impl<M> Stash<M> {
    pub(super) fn next_envelope(&self) -> Option<Envelope> {
        self.replayed.front().map(|(envelope, _)| *envelope)
    }

    pub(super) fn next(&mut self) -> Option<M> {
        self.last = None;
        let (envelope, message) = self.replayed.pop_front()?;
        self.in_hand.note(envelope.message);
        Some(message)
    }

    /// Nothing waits for the answer to a question any more. The question may be here, or may yet be
    /// stashed.
    pub(super) fn withdraw(&mut self, question: MessageId, reason: DeadLetterReason) {
        if self.capacity.is_none() && self.replayed.is_empty() {
            return;
        }
        self.withdrawn.insert(question, reason);
        // The stash is not searched for each withdrawn question, but now and then for all of them.
        let here = self.aside.len() + self.replayed.len();
        if self.withdrawn.len() > 2 * here + MOST_ELSEWHERE {
            let kept = self.aside.iter().chain(&self.replayed);
            let mut kept: HashSet<_> = kept.map(|(envelope, _)| envelope.message).collect();
            kept.extend([question].into_iter().chain(self.in_hand.get()));
            self.withdrawn.retain(|other, _| kept.contains(other));
        }
    }

    /// Returns why a message from the stash is not to be handled, if it is not.
    pub(super) fn screen(&mut self, message: MessageId) -> Option<DeadLetterReason> {
        self.withdrawn.remove(&message)
    }

    fn put(&mut self, shard: &Shard, handling: bool, message: M) -> Result<(), StashError<M>> {
        let Some(capacity) = self.capacity else {
            return Err(StashError::NoStash(message));
        };
        if self.aside.len() + self.replayed.len() >= capacity {
            return Err(StashError::Full(message));
        }
        let mut envelope = shard.envelope();
        if handling && self.last != Some(envelope.message) {
            // The message that is being handled: it does not count as handled yet.
            self.last = Some(envelope.message);
            shard.is_not_handled();
        } else {
            // One more message, which the actor sends to itself.
            envelope = shard.next_envelope();
        }
        shard.counts.stashed.add(1);
        self.aside.push_back((envelope, message));
        Ok(())
    }

    /// Returns what is in it, taken out to be handled before the mail, for an actor that has yet to say
    /// what stash it has; `None` if there is nothing.
    pub(super) fn rest(mut self) -> Option<Self> {
        self.replayed.append(&mut self.aside);
        if is_mutated(Mutant::StashTurnedRound) {
            self.replayed.make_contiguous().reverse();
        }
        let left = !self.replayed.is_empty();
        left.then(|| Self {
            replayed: self.replayed,
            withdrawn: self.withdrawn,
            ..Self::default()
        })
    }

    pub(super) fn end(self, shard: &Shard, actor: Key, reason: DeadLetterReason)
    where
        M: 'static,
    {
        for (envelope, message) in self.replayed.into_iter().chain(self.aside) {
            shard.counts.stashed.take_away(1);
            shard.counts.buried.add(1);
            shard.core.bury::<M>(shard.id_of(actor), envelope, reason);
            shard.activity.note_progress();
            drop_lost(message, WaitEnd::from(reason));
        }
    }
}

/// Which message an actor with a stash has in hand: it may yet be stashed, so that, if it is a question
/// that was withdrawn, the withdrawal is remembered.
///
/// Made with the stash. While a handler waits, nothing else can say which message that is.
#[derive(Clone, Default)]
pub(crate) struct InHand(Option<Rc<Cell<MessageId>>>);

impl InHand {
    fn note(&self, message: MessageId) {
        if let Some(in_hand) = &self.0 {
            in_hand.set(message);
        }
    }

    fn get(&self) -> Option<MessageId> {
        self.0.as_ref().map(|in_hand| in_hand.get())
    }

    /// Returns this, unless a body notes it already.
    pub(crate) fn noted_by_nobody(self) -> Option<Self> {
        const HELD: usize = 2; // by the stash, and here
        let holders = self.0.as_ref().map(Rc::strong_count);
        (holders == Some(HELD)).then_some(self)
    }

    /// Returns a body that notes which message it has in hand.
    pub(crate) fn noting(self, inner: NewBody) -> NewBody {
        let in_hand = self;
        NewBody::new(NotingBody { inner, in_hand })
    }
}

/// The body of an actor with a stash, so that no other actor need note anything.
struct NotingBody {
    inner: NewBody,
    in_hand: InHand,
}

impl NotingBody {
    /// Its successor has the same stash.
    fn end_of(&self, end: TurnEnd) -> TurnEnd {
        end.with_next(|next| self.in_hand.clone().noting(next))
    }
}

impl Body for NotingBody {
    fn turn(&mut self, shard: &Shard, slot: &Slot, actor: Key, of: TurnOf) -> TurnEnd {
        let end = match of {
            TurnOf::Own(_) => self.inner.turn(shard, slot, actor, of),
            TurnOf::Mail | TurnOf::ObservedMail => {
                let in_hand = &self.in_hand;
                one_by_one(&mut *self.inner, shard, slot, actor, of, || {
                    let next = slot.peek_envelope();
                    next.inspect(|next| in_hand.note(next.message)).is_some()
                })
            }
        };
        self.end_of(end)
    }

    fn signal(&mut self, shard: &Shard, actor: Key, signal: &Signal) -> TurnEnd {
        let end = self.inner.signal(shard, actor, signal);
        self.end_of(end)
    }

    fn hears_signals(&self) -> bool {
        self.inner.hears_signals()
    }
}

/// Gives an actor a stash, or its stash another capacity.
pub(crate) fn make<M: Send + 'static>(shard: &Shard, actor: Key, capacity: usize) -> InHand {
    let slot = shard.slot(actor.slot());
    with_store::<M, _>(slot, |store| {
        store.stash.capacity = Some(capacity);
        store
            .stash
            .in_hand
            .0
            .get_or_insert_with(|| Rc::new(Cell::new(MessageId::NONE)));
        store.stash.in_hand.clone()
    })
}

/// Stashes a message; if `handling`, it is the one that is being handled.
pub(crate) fn put<M: Send + 'static>(
    shard: &Shard,
    actor: Key,
    handling: bool,
    message: M,
) -> Result<(), StashError<M>> {
    let slot = shard.slot(actor.slot());
    let mut message = Some(message);
    let put = look_at_store::<M, _>(slot, |store| {
        message
            .take()
            .map(|message| store.stash.put(shard, handling, message))
    });
    match (put.flatten(), message) {
        (Some(put), _) => put,
        (None, Some(message)) => Err(StashError::NoStash(message)),
        (None, None) => unreachable!("the message is stashed or returned"),
    }
}

/// Has all stashed messages handled, before the mail.
pub(crate) fn replay<M: Send + 'static>(shard: &Shard, actor: Key) {
    let any = look_at_store::<M, _>(shard.slot(actor.slot()), |store| {
        let Stash {
            aside, replayed, ..
        } = &mut store.stash;
        replayed.append(aside);
        !replayed.is_empty()
    });
    if any == Some(true) {
        interrupt(shard, actor);
    }
}

impl<M> Stash<M> {
    /// The number of messages in it, of those too that are to be handled next.
    pub(super) fn count(&self) -> usize {
        self.aside.len() + self.replayed.len()
    }
}

/// Returns how many messages are stashed.
pub(crate) fn len<M: Send + 'static>(shard: &Shard, actor: Key) -> usize {
    let slot = shard.slot(actor.slot());
    look_at_store::<M, _>(slot, |store| store.stash.aside.len()).unwrap_or(0)
}

/// Returns whether the message that is being handled was stashed.
pub(crate) fn has_taken<M: Send + 'static>(shard: &Shard, actor: Key) -> bool {
    let message = Some(shard.envelope().message_id());
    let slot = shard.slot(actor.slot());
    look_at_store::<M, _>(slot, |store| store.stash.last == message).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ActorId;

    #[test]
    fn s5_4_word_of_questions_that_are_not_in_the_stash_does_not_gather() {
        let id = |number| MessageId::start_of_worker(0).plus(number);
        let mut stash = Stash::<u8> {
            capacity: Some(9),
            in_hand: InHand(Some(Rc::new(Cell::new(id(7))))),
            ..Stash::default()
        };
        for number in 1..=3 {
            let envelope = Envelope::NONE.next(ActorId::NOBODY, id(number));
            stash.aside.push_back((envelope, 0));
        }
        for number in 1..1000 {
            stash.withdraw(id(number), DeadLetterReason::Expired);
            assert!(stash.withdrawn.len() <= 2 * 3 + MOST_ELSEWHERE);
        }
        let reasons = [1, 2, 3, 7].map(|number| stash.screen(id(number)));
        assert_eq!(reasons, [Some(DeadLetterReason::Expired); 4]);
        assert_eq!(stash.screen(id(1)), None);
    }
}
