//! Whose turn it is on a worker, and what ends with a turn.

use super::run_queue::Runnable;
use super::slot::Slot;
use super::state::{Callback, Shard};
use super::tree::wake;
use crate::address::{ActorId, Envelope, Key};
use crate::pool_core::RunningTurn;
use crate::wait::{Failed, WaitOutcome};

impl Shard {
    /// Runs `code` as `actor`: what it sends has that sender.
    pub(crate) fn acting_as<R>(&self, actor: ActorId, code: impl FnOnce() -> R) -> R {
        let here = self.current.record();
        let outer = (here.actor.replace(actor), here.envelope.get());
        let running = self.activity.running();
        let within = here.within.replace(running);
        if actor.home == self.home {
            let mail = self.slot(actor.key.slot()).message_kind();
            self.activity.begin_within(RunningTurn::of(actor.key, mail));
        }
        let in_between = self.begin_between();
        let told = self.current.pause_telling_of_sends();
        let answer = code();
        if told.any() {
            self.current.tell_of_sends(told);
        }
        self.end_between(in_between);
        if actor.home == self.home {
            self.activity.go_on(running);
        }
        here.within.set(within);
        here.actor.set(outer.0);
        here.envelope.set(outer.1);
        self.look_for_orders(outer.0);
        answer
    }

    /// Ends the actor's turn soon if the system wants something of it. Code that has run within its handler,
    /// such as the start of a child, may have caused that while it ran as another actor.
    fn look_for_orders(&self, actor: ActorId) {
        if actor.home == self.home && self.slot(actor.key.slot()).attention.get() {
            self.end_turn_soon();
        }
    }

    /// Stops acting as the actor whose turn it was.
    pub(crate) fn act_as_nobody(&self) {
        let here = self.current.record();
        if here.is_scoped.get() {
            self.leave_scopes();
        }
        here.actor.set(ActorId::NOBODY);
        here.envelope.set(Envelope::NONE);
        self.activity.end();
    }

    /// Begins an actor's turn.
    #[inline(always)]
    pub(crate) fn begin_turn(&self, key: Key, slot: &Slot) {
        let here = self.current.record();
        here.actor.set(self.id_of(key));
        here.handles.set(true);
        self.activity
            .begin(RunningTurn::of_turn(key, slot.kind_of_tenant()));
    }

    /// Closes a turn whose handlers have ended, and ends the replies that they have dropped. If a handler
    /// failed, `failed` names its message.
    #[inline(always)]
    pub(crate) fn close_turn(&self, failed: Option<Failed<'_>>) {
        self.current.record().handles.set(false);
        self.dropped_replies.close(failed);
    }

    /// Wakes the waiter of a wait that was just ended.
    #[inline]
    pub(crate) fn follow_up(&self, ending: WaitOutcome<Callback>) {
        if let WaitOutcome::Wakes(fiber) = ending {
            self.due.push(Runnable::Fiber(fiber));
        } else {
            self.follow_up_seldom(ending);
        }
    }

    fn follow_up_seldom(&self, ending: WaitOutcome<Callback>) {
        match ending {
            WaitOutcome::Late | WaitOutcome::Unattended => {}
            WaitOutcome::Wakes(fiber) => self.due.push(Runnable::Fiber(fiber)),
            WaitOutcome::WakesActor(slot) => wake(self, slot),
            WaitOutcome::Calls(callback) => callback(self),
        }
    }

    /// Replaces the envelope of the message being handled.
    pub(crate) fn set_envelope(&self, envelope: Envelope) {
        self.current.record().envelope.set(envelope);
    }

    /// Runs `code` with another envelope: messages sent meanwhile have the causes that it names.
    pub(crate) fn with_envelope<R>(&self, envelope: Envelope, code: impl FnOnce() -> R) -> R {
        let outer = self.current.record().envelope.replace(envelope);
        let answer = code();
        self.current.record().envelope.set(outer);
        answer
    }
}
