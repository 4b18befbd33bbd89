//! What the system wants of an actor: signals, suspension, restart, its end. All of it comes before the mail.

use std::sync::Arc;

use crate::address::{Envelope, Key};
use crate::failure::{Failure, TerminationReason};
use crate::shard::ActorState;
use crate::shard::Decided;
use crate::shard::NO_SLOT;
use crate::shard::Own;
use crate::shard::OwnMessage;
use crate::shard::Passive;
use crate::shard::Shard;
use crate::shard::Slot;
use crate::shard::System;
use crate::shard::children;
use crate::shard::has_only_tasks;
use crate::shard::interrupt;
use crate::supervision::{History, Signal, SupervisorStrategy};
use crate::sync::{Mutant, is_mutated};

/// What is to be done with an actor before its next message.
pub(super) enum Wanted {
    Nothing,
    /// Wait until something changes.
    Rest,
    /// Stop it for that reason; its mail is gone.
    End(TerminationReason),
    /// Continue the restart because of that failure.
    Restart(Arc<Failure>),
    /// Stop it: it is to continue, and could not be built.
    NotBuilt,
    /// Begin to passivate it.
    Passivate,
    /// Drop its instance; its children are gone.
    FallAsleep,
    /// Wait for mail, as it is passive.
    Sleep,
    /// Rebuild it, for mail that has come.
    WakeUp,
    /// Do what was decided because of a sibling's failure.
    Decision(Decided, Arc<Failure>),
    /// Do what its parent, on another worker, has decided about its own failure.
    Answer(Decided, Arc<Failure>),
    /// Handle a failure that its child has escalated.
    ChildFailure(Arc<Failure>),
    /// Fail, because one of its tasks failed.
    TaskFailure(Arc<Failure>),
    Signal(Signal),
    /// Handle a message that it keeps.
    Kept(OwnMessage, Envelope),
}

impl System {
    /// Surrounds the behaviour with other strategies. Returns the previous ones.
    ///
    /// A factory that runs again makes its strategies again. These take over the histories of the previous
    /// ones, or no limit would ever be reached.
    pub(crate) fn supervise_itself(&mut self, strategies: Vec<SupervisorStrategy>) -> Vec<Own> {
        let mut before = std::mem::take(&mut self.own);
        let anew = !self.building_again || before.len() != strategies.len();
        let mut histories = before
            .iter_mut()
            .map(|own| std::mem::take(&mut own.history));
        let own = strategies.into_iter().map(|strategy| Own {
            strategy,
            history: histories.next().filter(|_| !anew).unwrap_or_default(),
        });
        self.own = own.collect();
        drop(histories);
        before
    }

    /// Returns the history of its children's failures together, or of its own.
    pub(super) fn history(&mut self, together: bool) -> &mut History {
        if together {
            &mut self.children
        } else {
            &mut self.history
        }
    }

    /// Returns what comes next. Kills come before all else. A restart that is under way holds up the rest,
    /// and so does a failure that another actor has to decide about.
    pub(super) fn next(&mut self, shard: &Shard, slot: &Slot) -> Wanted {
        if let Some(reason) = self.cut_short {
            return Wanted::End(reason);
        }
        if self.restarting.is_some() {
            return self.next_of_restart(shard, slot);
        }
        if self.escalated {
            return Wanted::Rest;
        }
        if let Some((decided, failure)) = self.answer.take() {
            return Wanted::Answer(decided, failure);
        }
        if let Some(passive) = self.passive {
            return self.next_of_passive(passive, slot);
        }
        if let Some((decided, failure)) = self.decided.take() {
            return Wanted::Decision(decided, failure);
        }
        if self.unbuilt {
            return Wanted::NotBuilt;
        }
        if let Some(failure) = self.child_failures.pop_front() {
            return Wanted::ChildFailure(failure);
        }
        if let Some(failure) = self.task_failures.pop_front() {
            return Wanted::TaskFailure(failure);
        }
        if let Some(signal) = self.next_signal() {
            return Wanted::Signal(signal);
        }
        if let Some(timeout) = &mut self.receive_timeout
            && timeout.is_over()
        {
            timeout.restart(shard);
            return Wanted::Signal(Signal::ReceiveTimeout);
        }
        let late = is_mutated(Mutant::PassivationLate) && slot.mailbox_len() > 0;
        if self.passivation_wanted && !late {
            return Wanted::Passivate;
        }
        if self.suspended {
            return Wanted::Rest;
        }
        let kept = self.store.as_mut();
        let kept = kept.and_then(|store| store.next());
        kept.map_or(Wanted::Nothing, |(kept, envelope)| {
            Wanted::Kept(kept, envelope)
        })
    }

    fn next_of_passive(&mut self, passive: Passive, slot: &Slot) -> Wanted {
        if let Some((decided, failure)) = self.decided.take() {
            return Wanted::Decision(decided, failure);
        }
        if passive != Passive::Asleep {
            return if slot.first_child.get() == NO_SLOT {
                Wanted::FallAsleep
            } else {
                Wanted::Rest
            };
        }
        if self.suspended {
            Wanted::Rest
        } else if self.store.is_some() || slot.mailbox_len() > 0 {
            Wanted::WakeUp
        } else if slot.state() == ActorState::Draining {
            Wanted::End(TerminationReason::Stopped)
        } else {
            Wanted::Sleep
        }
    }

    fn next_of_restart(&mut self, shard: &Shard, slot: &Slot) -> Wanted {
        let waits = |wait: &Key| shard.waits.is_pending(*wait);
        let waits_for_children = slot.first_child.get() != NO_SLOT
            && !is_mutated(Mutant::ChildOutlivesRestart)
            && !(is_mutated(Mutant::TaskOutlivesRestart) && has_only_tasks(shard, slot));
        if waits_for_children {
            return Wanted::Rest;
        }
        // It may have been decided, because of a sibling's failure, that it is to stop. It is not restarted
        // then, so it need not wait.
        if matches!(self.decided, Some((Decided::Stop, _)))
            && let Some((decided, failure)) = self.decided.take()
        {
            return Wanted::Decision(decided, failure);
        }
        // A delay is for an actor that lives on. One that is to stop starts again at once, for the mail
        // that it has; without any it just stops.
        let is_delayed =
            self.backoff.as_ref().is_some_and(waits) && !is_mutated(Mutant::BackoffUnwaited);
        let stops = slot.state() == ActorState::Draining;
        if is_delayed && !stops {
            return Wanted::Rest;
        }
        if let Some(wait) = self.backoff.take() {
            shard.waits.forget(wait);
        }
        if is_delayed && slot.mailbox_len() == 0 {
            return Wanted::End(TerminationReason::Stopped);
        }
        self.restarting
            .take()
            .map_or(Wanted::Nothing, Wanted::Restart)
    }
}

/// Has an actor handle no more mail until it is resumed.
pub(super) fn suspend(shard: &Shard, key: Key) {
    change(shard, key, |system| system.suspended = true);
}

/// Resumes a suspended actor.
pub(super) fn resume(shard: &Shard, key: Key) {
    change(shard, key, |system| system.suspended = false);
}

fn change(shard: &Shard, key: Key, change: impl FnOnce(&mut System)) {
    let Some(slot) = shard.tenant(key) else {
        return;
    };
    if slot.state() != ActorState::Stopping {
        slot.with_system(change);
        interrupt(shard, key);
    }
}

/// Whether an actor rests for its parent's decision: a parent that stops must not wait for its mail.
pub(super) fn is_stuck(slot: &Slot) -> bool {
    slot.attention.get() && slot.has_system() && slot.with_system(|system| system.escalated)
}

/// Returns the children whose failures have become their parent's.
pub(super) fn stuck_children(shard: &Shard, parent: &Slot) -> Vec<u32> {
    children(shard, parent)
        .filter(|child| is_stuck(shard.slot(*child)))
        .collect()
}
