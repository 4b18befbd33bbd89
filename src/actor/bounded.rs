//! Sending to an actor with a bounded mailbox.
//!
//! References to such actors are marked, so that the fast paths of `tell` do not apply to them: every
//! send ends up here, on any thread. A permit is taken at the gate first; only then is the message sent,
//! as any other is.

use super::reference::ActorRef;
use super::tell_error::TellError;
use crate::address::{ActorId, Envelope};
use crate::failure::{DeadLetterReason, WaitEnd};
use crate::pool_core;
use crate::pool_core::{BoundedMailbox, MailPermit, PoolCore, envelope_from_outside};
use crate::queue::AcquireError;
use crate::shard::{
    BoundedQuestion, Evicting, Message, Route, Shard, Slot, bury_without_pool, drop_lost,
    note_question, with_current,
};

impl<M: Send + 'static> ActorRef<M> {
    /// Sends a message, which becomes a dead letter if it is refused.
    #[cold]
    pub(super) fn tell_bounded<const QUESTION: bool>(self, message: M) {
        if let Err(refused) = self.offer::<QUESTION>(message) {
            self.lose(refused);
        }
    }

    #[cold]
    pub(super) fn tell_bounded_unless_stopped(self, message: M) -> Result<(), M> {
        match self.offer::<false>(message) {
            Ok(()) => {}
            Err(TellError::Stopped(message)) => return Err(message),
            Err(refused) => self.lose(refused),
        }
        Ok(())
    }

    /// Makes a refused message a dead letter.
    fn lose(self, refused: TellError<M>) {
        let reason = refused.reason();
        self.record_loss(reason);
        drop_lost(refused.into_message(), WaitEnd::from(reason));
    }

    #[cold]
    pub(super) fn try_tell_bounded(self, message: M) -> Result<(), TellError<M>> {
        let offered = self.offer::<false>(message);
        if let Err(TellError::Dropped(_)) = &offered {
            self.record_loss(DeadLetterReason::DroppedNewest);
        }
        offered
    }

    /// Sends a message, if there is a permit for it. Records nothing if there is none.
    fn offer<const QUESTION: bool>(self, message: M) -> Result<(), TellError<M>> {
        let id = self.id();
        with_current(|shard| match Route::new(shard, id.home) {
            Route::Here(own) | Route::Across(own) => {
                self.enter::<QUESTION>(shard, &own.core, message)
            }
            Route::Outside(_) => match pool_core::find(id.home) {
                Some(core) => self.enter::<QUESTION>(shard, &core, message),
                None => Err(TellError::PoolClosed(message)),
            },
        })
    }

    fn enter<const QUESTION: bool>(
        self,
        shard: Option<&Shard>,
        core: &PoolCore,
        message: M,
    ) -> Result<(), TellError<M>> {
        let id = self.id();
        let bounded = match shard {
            Some(own) if own.home == id.home => own.tenant(id.key).and_then(Slot::bounded),
            _ => core.bounded_mailboxes.find(id),
        };
        let Some(bounded) = bounded else {
            return Err(self.is_gone_from(core, message));
        };
        match bounded.enter(&*core.transport) {
            Ok(()) => {
                self.carry::<QUESTION>(shard, core, message, !bounded.counts());
                Ok(())
            }
            Err(AcquireError::Closed) => Err(self.is_gone_from(core, message)),
            Err(AcquireError::Full) => Err(TellError::full(bounded.overflow, message)),
        }
    }

    /// Returns why a message is refused whose actor accepts none any more.
    fn is_gone_from<T>(self, core: &PoolCore, message: T) -> TellError<T> {
        if core.transport.is_open(self.id().home.worker()) {
            TellError::Stopped(message)
        } else {
            TellError::PoolClosed(message)
        }
    }

    /// Sends a message that has a permit, or that evicts another one when it arrives.
    fn carry<const QUESTION: bool>(
        self,
        shard: Option<&Shard>,
        core: &PoolCore,
        message: M,
        evicting: bool,
    ) {
        let ActorId { home, key } = self.id();
        let worker = home.worker();
        match Route::new(shard, home) {
            Route::Here(shard) => {
                let envelope = shard.next_envelope();
                shard.tell_of_sending(self.id(), envelope, QUESTION, &message);
                if evicting {
                    shard.put_evicting(self.typed_key(), envelope, message);
                } else {
                    shard.put(self.typed_key(), envelope, message);
                    if QUESTION {
                        note_question(shard, key);
                    }
                }
            }
            Route::Across(shard) => {
                let (envelope, outboxes) = (shard.next_envelope(), &shard.outboxes);
                shard.tell_of_sending(self.id(), envelope, QUESTION, &message);
                shard.counts.sent_across.add(1);
                if evicting {
                    outboxes.send(worker, key, envelope, Evicting::<M, QUESTION>(message));
                } else if QUESTION {
                    outboxes.send(worker, key, envelope, BoundedQuestion(message));
                } else {
                    outboxes.send(worker, key, envelope, Message::<M>(message));
                }
            }
            Route::Outside(shard) => {
                let envelope = core.envelope_from_outside(shard.map(Shard::acting));
                core.count_outside();
                if evicting {
                    core.post(worker, key, envelope, Evicting::<M, QUESTION>(message));
                } else if QUESTION {
                    core.post(worker, key, envelope, BoundedQuestion(message));
                } else {
                    core.post(worker, key, envelope, Message::<M>(message));
                }
            }
        }
    }

    /// Sends a message with a permit that its sender was given.
    ///
    /// # Errors
    ///
    /// Returns the message if the actor accepts no more mail.
    pub(crate) fn tell_into(self, room: MailPermit, message: M) -> Result<(), TellError<M>> {
        let id = self.id();
        if !room.spend() {
            return Err(match pool_core::find(id.home) {
                Some(core) => self.is_gone_from(&core, message),
                None => TellError::PoolClosed(message),
            });
        }
        with_current(|shard| match Route::new(shard, id.home) {
            Route::Here(own) | Route::Across(own) => {
                self.carry::<false>(shard, &own.core, message, false);
                Ok(())
            }
            Route::Outside(_) => match pool_core::find(id.home) {
                Some(core) => {
                    self.carry::<false>(shard, &core, message, false);
                    Ok(())
                }
                None => Err(TellError::PoolClosed(message)),
            },
        })
    }

    /// Takes a permit for a message that is sent later, to a mailbox that counts permits.
    #[cfg(feature = "async")]
    pub(crate) fn reserve(self) -> Result<MailPermit, TellError<()>> {
        let id = self.id();
        let Some(core) = pool_core::find(id.home) else {
            return Err(TellError::PoolClosed(()));
        };
        let Some(bounded) = core.bounded_mailboxes.find(id) else {
            return Err(self.is_gone_from(&core, ()));
        };
        debug_assert!(
            bounded.counts(),
            "a place is taken where places are counted"
        );
        match bounded.enter(&*core.transport) {
            Ok(()) => Ok(MailPermit::of(bounded)),
            Err(AcquireError::Closed) => Err(self.is_gone_from(&core, ())),
            Err(AcquireError::Full) => Err(TellError::full(bounded.overflow, ())),
        }
    }

    /// Returns the shared half of the actor's mailbox, if it is bounded and the actor is alive.
    pub(crate) fn bounded(self) -> Option<std::sync::Arc<BoundedMailbox>> {
        if !self.is_bounded() {
            return None;
        }
        pool_core::find(self.id().home)?
            .bounded_mailboxes
            .find(self.id())
    }

    /// Counts a message that was sent and refused.
    fn record_loss(self, reason: DeadLetterReason) {
        let id = self.id();
        with_current(|shard| match Route::new(shard, id.home) {
            Route::Here(shard) | Route::Across(shard) => {
                let envelope = shard.next_envelope();
                shard.counts.refused.add(1);
                shard.core.bury::<M>(id, envelope, reason);
            }
            Route::Outside(shard) => self.record_loss_outside(shard.map(Shard::acting), reason),
        });
    }

    fn record_loss_outside(self, sender: Option<ActorId>, reason: DeadLetterReason) {
        let id = self.id();
        if let Some(core) = pool_core::find(id.home) {
            let envelope: Envelope = core.envelope_from_outside(sender);
            core.count_outside();
            core.bury::<M>(id, envelope, reason);
        } else {
            bury_without_pool::<M>(id, envelope_from_outside(sender));
        }
    }
}
