//! Messages that an actor holds outside its mailbox: those of its timers, and those in its stash.
//!
//! The store is made when it is first needed. The rest of the actor knows it as a [`Store`], without the
//! type of the messages. No user code runs while it is borrowed: the keys of timers are the library's,
//! and messages are made and dropped outside the borrow.

use std::any::Any;

use super::stash::Stash;
use super::timer_table::{Taken, TimerTable};
use crate::address::{Envelope, Key, MessageId};
use crate::failure::{DeadLetterReason, WaitEnd};
use crate::shard::{OwnMessage, Shard, Slot, Store};

/// The store of an actor of `M`.
pub(crate) struct StoreOf<M> {
    pub(crate) timers: TimerTable<M>,
    pub(super) stash: Stash<M>,
}

impl<M> Default for StoreOf<M> {
    fn default() -> Self {
        Self {
            timers: TimerTable::default(),
            stash: Stash::default(),
        }
    }
}

impl<M: Send + 'static> Store for StoreOf<M> {
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn ring(&mut self, timer: u32) {
        self.timers.ring(timer);
    }

    fn next(&mut self) -> Option<(OwnMessage, Envelope)> {
        if let Some((number, origin)) = self.timers.next_due() {
            return Some((OwnMessage::Timer(number), origin));
        }
        let envelope = self.stash.next_envelope()?;
        Some((OwnMessage::Stashed, envelope))
    }

    fn handled(&mut self, shard: &Shard, actor: Key, timer: u32) {
        self.timers.handled(shard, actor, timer);
    }

    fn discard(&mut self, shard: &Shard, actor: Key, kept: OwnMessage) -> Option<Box<dyn Any>> {
        match kept {
            OwnMessage::Stashed => self.stash.next().map(|message| Box::new(message) as _),
            OwnMessage::Timer(number) => match self.timers.take(shard, actor, number)? {
                Taken::Message(message) => Some(Box::new(message)),
                Taken::Maker(make) => {
                    self.timers.put_back(number, make);
                    None
                }
            },
        }
    }

    fn withdraw(&mut self, question: MessageId, reason: DeadLetterReason) {
        self.stash.withdraw(question, reason);
    }

    fn sizes(&self) -> (usize, usize) {
        (self.timers.count(), self.stash.count())
    }

    fn screen(&mut self, message: MessageId) -> Option<DeadLetterReason> {
        self.stash.screen(message)
    }

    fn rest(self: Box<Self>, shard: &Shard) -> Option<Box<dyn Store>> {
        let Self { timers, stash } = *self;
        timers.end(shard, WaitEnd::NoReply);
        let (timers, stash) = (TimerTable::default(), stash.rest()?);
        Some(Box::new(Self { timers, stash }))
    }

    fn end(self: Box<Self>, shard: &Shard, actor: Key, reason: DeadLetterReason) {
        self.timers.end(shard, WaitEnd::from(reason));
        self.stash.end(shard, actor, reason);
    }
}

/// Accesses the store of an actor; makes one if there is none.
pub(crate) fn with_store<M: Send + 'static, R>(
    slot: &Slot,
    look: impl FnOnce(&mut StoreOf<M>) -> R,
) -> R {
    slot.with_system(|system| {
        let store = system
            .store
            .get_or_insert_with(|| Box::<StoreOf<M>>::default());
        look(typed(&mut **store))
    })
}

/// Accesses the store of an actor, if there is one.
pub(crate) fn look_at_store<M: Send + 'static, R>(
    slot: &Slot,
    look: impl FnOnce(&mut StoreOf<M>) -> R,
) -> Option<R> {
    if !slot.has_system() {
        return None;
    }
    slot.with_system(|system| {
        let store = system.store.as_mut()?;
        Some(look(typed(&mut **store)))
    })
}

fn typed<M: Send + 'static>(store: &mut dyn Store) -> &mut StoreOf<M> {
    let store = store.as_any().downcast_mut();
    store.expect("a store has its actor's message type")
}

/// Takes a message out, or has it made, to be handled now.
pub(crate) fn take<M: Send + 'static>(shard: &Shard, actor: Key, kept: OwnMessage) -> Option<M> {
    let slot = shard.slot(actor.slot());
    let number = match kept {
        OwnMessage::Stashed => return look_at_store::<M, _>(slot, |store| store.stash.next())?,
        OwnMessage::Timer(number) => number,
    };
    match look_at_store::<M, _>(slot, |store| store.timers.take(shard, actor, number))?? {
        Taken::Message(message) => Some(message),
        Taken::Maker(mut make) => {
            let message = make();
            let _ = look_at_store::<M, _>(slot, |store| store.timers.put_back(number, make));
            Some(message)
        }
    }
}
