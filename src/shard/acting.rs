//! Whose turn it is on a worker, and what ends with a turn.

use super::run_queue::Due;
use super::slot::Slot;
use super::state::{Callback, Shard};
use super::tree::wake;
use crate::address::ActorId;
use crate::address::Envelope;
use crate::address::Key;
use crate::pool_core::Running;
use crate::wait::Ending;
use crate::wait::Failed;

impl Shard {
    /// Runs `code` as `actor`: what it sends has that sender.
    pub(crate) fn acting_as<R>(&self, actor: ActorId, code: impl FnOnce() -> R) -> R {
        let here = self.stage.here();
        let outer = (here.actor.replace(actor), here.envelope.get());
        let running = self.beat.running();
        let within = here.within.replace(running);
        if actor.home == self.home {
            let mail = self.slot(actor.key.slot()).message_kind();
            self.beat.begin_within(Running::of(actor.key, mail));
        }
        let in_between = self.begin_between();
        let answer = code();
        self.end_between(in_between);
        if actor.home == self.home {
            self.beat.go_on(running);
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
        if actor.home == self.home && self.slot(actor.key.slot()).special.get() {
            self.end_turn_soon();
        }
    }

    /// Stops acting as the actor whose turn it was.
    pub(crate) fn act_as_nobody(&self) {
        let here = self.stage.here();
        if here.is_scoped.get() {
            self.leave_scopes();
        }
        here.actor.set(ActorId::NOBODY);
        here.envelope.set(Envelope::NONE);
        self.beat.end();
    }

    /// Begins an actor's turn.
    #[inline(always)]
    pub(crate) fn begin_turn(&self, key: Key, slot: &Slot) {
        let here = self.stage.here();
        here.actor.set(self.id_of(key));
        here.handles.set(true);
        self.beat
            .begin(Running::of_turn(key, slot.kind_of_tenant()));
    }

    /// Closes a turn whose handlers have ended, and ends the replies that they have dropped. If a handler
    /// failed, `failed` names its message.
    #[inline(always)]
    pub(crate) fn close_turn(&self, failed: Option<Failed<'_>>) {
        self.stage.here().handles.set(false);
        self.verdicts.close(failed);
    }

    /// Wakes the waiter of a wait that was just ended.
    #[inline]
    pub(crate) fn follow_up(&self, ending: Ending<Callback>) {
        if let Ending::Wakes(fiber) = ending {
            self.due.push(Due::Fiber(fiber));
        } else {
            self.follow_up_seldom(ending);
        }
    }

    fn follow_up_seldom(&self, ending: Ending<Callback>) {
        match ending {
            Ending::Late | Ending::Unattended => {}
            Ending::Wakes(fiber) => self.due.push(Due::Fiber(fiber)),
            Ending::WakesActor(slot) => wake(self, slot),
            Ending::Calls(callback) => callback(self),
        }
    }

    /// Runs `code` with another envelope: messages sent meanwhile have the causes that it names.
    pub(crate) fn with_envelope<R>(&self, envelope: Envelope, code: impl FnOnce() -> R) -> R {
        let outer = self.stage.here().envelope.replace(envelope);
        let answer = code();
        self.stage.here().envelope.set(outer);
        answer
    }
}
