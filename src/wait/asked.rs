//! What a wait is for: the question that is to be answered, and the actor that is to do it.

use super::table::{Asked, UNKNOWN, Wait, Waits};
use crate::address::{ActorId, Home, Key, MessageId, MessageType};
use crate::failure::Cycle;

impl<C> Waits<C> {
    /// Begins a wait for the answer to a question that is about to be asked.
    #[inline(always)]
    pub(crate) fn begin_ask(
        &self,
        timeout: Option<u64>,
        target: ActorId,
        mail: &'static MessageType,
        now: u64,
    ) -> (&Wait<C>, Key) {
        let (wait, key) = self.begin_one(timeout, target);
        wait.mail.set(Some(mail));
        wait.began.set(now);
        (wait, key)
    }

    /// Returns when a pending wait began, if that is known.
    pub(crate) fn pending_since(&self, key: Key) -> Option<Option<u64>> {
        let began = self.pending(key)?.began.get();
        Some((began != UNKNOWN).then_some(began))
    }

    /// Returns of a pending wait the actor that is to end it, `NOBODY` if time is; when it began, if that is
    /// known; and the cycle that it is part of, as far as is known.
    pub(crate) fn look_at(&self, key: Key) -> Option<(ActorId, Option<u64>, Option<Cycle>)> {
        let since = self.pending_since(key)?;
        let wait = self.pending(key)?;
        Some((wait.target(), since, self.known_cycle(wait)))
    }

    /// The question has been handed on this many times, to that actor, as that message. Returns whether
    /// that is news: word of a later time may have come before.
    pub(crate) fn is_handed_on(
        &self,
        key: Key,
        target: ActorId,
        question: MessageId,
        times: u32,
    ) -> bool {
        let Some(wait) = self.pending(key) else {
            return false;
        };
        let (generation, known) = wait.handed_on.get();
        if generation == key.generation() && known > times {
            return false;
        }
        if generation != key.generation() || known == 0 {
            wait.asked_first.set(wait.question.get());
        }
        wait.handed_on.set((key.generation(), times));
        wait.is_for(target);
        wait.question.set(question);
        true
    }

    /// Returns what is known of a wait, whether it has ended or not, until its outcome is taken.
    pub(crate) fn asked(&self, key: Key) -> Option<Asked> {
        let wait = self.arena.get(key.slot())?;
        let same = wait.generation.get() == key.generation() && !wait.is_vacant();
        let (generation, times) = wait.handed_on.get();
        let is_handed_on = generation == key.generation() && times > 0;
        let question = wait.question.get();
        same.then(|| Asked {
            target: wait.target(),
            question,
            asked_first: if is_handed_on {
                wait.asked_first.get()
            } else {
                question
            },
            mail: wait.mail.get(),
            began: wait.began.get(),
        })
    }

    /// Notes that the waiter holds the reply to that other wait, until this one has ended.
    pub(crate) fn wait_on_behalf(&self, key: Key, other: (Home, Key)) {
        if let Some(wait) = self.pending(key) {
            wait.on_behalf.set(Some(other));
        }
    }

    /// Returns the wait that the reply held by this waiter ends.
    pub(crate) fn on_behalf(&self, key: Key) -> Option<(Home, Key)> {
        self.pending(key)?.on_behalf.get()
    }

    /// Returns the question of a wait that nothing has ended yet, if there is one.
    pub(crate) fn open_question(&self, key: Key) -> Option<(ActorId, MessageId)> {
        let wait = self.pending(key)?;
        let question = wait.question.get().known()?;
        if question == MessageId::ROOM || question.is_work() {
            return None; // the waiter itself leaves the queue for room; and work cannot be withdrawn
        }
        Some((wait.target(), question))
    }

    /// Begins a wait [for work](Self::is_for_work).
    pub(crate) fn begin_work(&self, target: ActorId, mail: &'static MessageType) -> Key {
        let (wait, key) = self.begin_one(None, target);
        wait.question.set(MessageId::WORK);
        wait.mail.set(Some(mail));
        wait.began.set(UNKNOWN);
        key
    }

    /// The wait is for the start of its target, or for the task that the target is: work that nothing else
    /// does.
    pub(crate) fn is_for_work(&self, key: Key, target: ActorId, mail: &'static MessageType) {
        if let Some(wait) = self.pending(key) {
            wait.is_for(target);
            wait.question.set(MessageId::WORK);
            wait.mail.set(Some(mail));
        }
    }

    /// Begins a wait [for a name](Self::is_for_name).
    pub(crate) fn begin_for_name(&self, target: ActorId, mail: &'static MessageType) -> Key {
        let key = self.begin_work(target, mail);
        self.is_for_name(key, target, mail);
        key
    }

    /// The wait is for the start, or the end, of its target, which has the name that is wanted.
    pub(crate) fn is_for_name(&self, key: Key, target: ActorId, mail: &'static MessageType) {
        self.is_for_work(key, target, mail);
        if let Some(wait) = self.pending(key) {
            wait.question.set(MessageId::NAME);
        }
    }

    /// The wait is for room in the mailbox of its target.
    pub(crate) fn is_for_permit(&self, key: Key) {
        if let Some(wait) = self.pending(key) {
            wait.question.set(MessageId::ROOM);
        }
    }
}
