//! Requests to others, and the termination notices of watched actors.

use nexus_actors::failure::TerminationReason;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use super::{Ctx, Member};
use crate::note::{Load, Purse};
use crate::oracles::WhenWatched;
use crate::record::Known;

impl<L: Load> Member<L> {
    /// Mail before a kill may be handled; mail after it is not.
    pub(super) fn kill(&self, target: &Known<L>, purse: &mut Purse) {
        self.tell_a_few(target, purse);
        self.sender.kill(target);
        self.tell_a_few(target, purse);
    }

    pub(super) fn kill_child(&self, purse: &mut Purse) {
        if let Some(child) = self.pick_child(purse) {
            self.kill(&child, purse);
        }
    }

    /// Mail waits for the resumption.
    pub(super) fn suspend(&self, target: &Known<L>, purse: &mut Purse) {
        self.tell_a_few(target, purse);
        self.sender.suspend(target);
        self.tell_a_few(target, purse);
        if purse.rng.percent(30) {
            self.sender.resume(target);
        }
    }

    /// Mail waits for the next instance.
    pub(super) fn passivate(&self, target: &Known<L>, purse: &mut Purse) {
        self.tell_a_few(target, purse);
        self.sender.passivate(target);
        self.tell_a_few(target, purse);
    }

    /// Passivates: the successor is to know what was stashed, and nothing else.
    pub(super) fn rests(&self) {
        self.world.oracles.saw("passivation");
        let life = &self.record.life;
        self.judge(life.has_obeyed(&self.record.mail.lock()));
        self.sender.acts_anywhere();
        self.record.watches.end();
        let mut stash = self.stash.take();
        stash.is_replayed();
        *self.record.stash.lock() = stash;
    }

    fn tell_a_few(&self, target: &Known<L>, purse: &mut Purse) {
        for _ in 0..purse.rng.below(3) {
            let part = purse.with_fuel(0);
            self.sender.tell(target, part);
        }
    }

    /// Watches any actor: itself, one elsewhere, one that no longer exists.
    pub(super) fn watch(&self, ctx: &mut Ctx<'_, L>, target: &Known<L>, purse: &mut Purse) {
        let stopped = match purse.rng.percent(20) {
            true => self.world.pick_stopped(&mut purse.rng),
            false => None,
        };
        let target = stopped.as_ref().unwrap_or(target);
        let life = &target.record.life;
        let near = self.sender.is_near(target);
        let when = match () {
            () if near && life.runs() => WhenWatched::Runs,
            () if near && life.is_dropped() && !self.may_linger(target) => WhenWatched::Gone,
            () => WhenWatched::Unknown,
        };
        self.world.oracles.saw(match when {
            WhenWatched::Runs => "watch of a neighbour",
            WhenWatched::Gone => "watch of somebody who is no more",
            WhenWatched::Unknown => "watch of anybody",
        });
        self.record.watches.begins(life, when);
        ctx.watch(target.target);
    }

    /// Whether an actor may exist for a while after its state is gone.
    fn may_linger(&self, target: &Known<L>) -> bool {
        let record = &target.record;
        record.lingers.load(SeqCst) || record.opening.fails() || !self.world.simulated
    }

    pub(super) fn unwatch(&self, ctx: &mut Ctx<'_, L>, target: &Known<L>) {
        ctx.unwatch(target.target);
        self.record.watches.ends(&target.record.life);
    }

    pub(super) fn is_told_of_end(
        &self,
        actor: nexus_actors::address::ActorId,
        reason: TerminationReason,
    ) {
        self.world.oracles.saw(match reason {
            TerminationReason::Stopped => "told of a stop",
            TerminationReason::Failed => "told of a failure",
            TerminationReason::Killed => "told of a kill",
            _ => "told of somebody who was no more",
        });
        let Some(target) = self.world.known_as(actor) else {
            return self.judge(Err(format!(
                "told of the end of {actor}, whom nobody knows"
            )));
        };
        self.judge(target.tasks.are_gone());
        let ends = self.world.ends();
        self.judge(self.record.watches.is_told(&target.life, reason, ends));
    }

    /// Picks one of its children, whatever has become of it.
    pub(super) fn pick_child(&self, purse: &mut Purse) -> Option<Known<L>> {
        let children: Vec<_> = self.record.children.lock().clone();
        if children.is_empty() || !self.world.spend(1) {
            return None;
        }
        let record = Arc::clone(purse.rng.pick(&children));
        let target = record.target()?;
        Some(Known { record, target })
    }
}
