//! What an actor does when it receives a signal.

use nexus_actors::prelude::*;
use std::sync::atomic::Ordering::SeqCst;

use super::{Ctx, Member};
use crate::features::Feature;
use crate::note::{Load, Note, Purse};
use crate::oracles::When;
use crate::record::{Closing, Opening};

impl<L: Load> Member<L> {
    pub(super) fn signal(&self, ctx: &mut Ctx<'_, L>, signal: &Signal) -> HandlerResult<Note<L>> {
        let (_in_handler, alone) = self.turn.enter();
        self.judge(alone);
        self.sender.acts_as(ctx);
        let mut next = Next::Same;
        match signal {
            Signal::PreStart => return self.starts(ctx).map(|()| next),
            Signal::PostStop(_) => return self.has_stopped(ctx).map(|()| next),
            Signal::Terminated { actor, reason, .. } => {
                self.is_told_of_end(*actor, *reason);
                self.may_fail_at_signal()?;
            }
            Signal::ChildFailed { child, failure } => {
                self.is_told_of_child(*child, failure);
                self.may_fail_at_signal()?;
            }
            Signal::PreRestart(failure) => self.is_told_of_restart(ctx, failure)?,
            Signal::PostRestart(failure) => return self.starts_again(ctx, failure).map(|()| next),
            Signal::ReceiveTimeout => {
                next = self.is_idle(ctx);
                self.may_fail_at_signal()?;
            }
            _ => {}
        }
        self.begins_something(ctx);
        Ok(next)
    }

    fn starts(&self, ctx: &mut Ctx<'_, L>) -> Result<(), BoxError> {
        self.world.meet(&self.record, ctx.self_ref());
        self.may_fail_to_wake_up()?;
        match self.record.opening {
            Opening::WaitsAtStart => self.sleep(ctx, &mut self.own_purse()),
            Opening::FailsAtStart => Err(self.plan_failure(When::Starting))?,
            _ => {}
        }
        self.begins_something(ctx);
        self.judge(self.record.life.starts());
        Ok(())
    }

    fn has_stopped(&self, ctx: &mut Ctx<'_, L>) -> Result<(), BoxError> {
        let children = self.record.children.lock().clone();
        let lives = children.iter().map(|child| &*child.life);
        self.judge(self.record.life.is_told_of_stop(lives));
        self.judge(self.record.tasks.are_gone());
        self.record.tasks.are_cancelled();
        for child in &children {
            self.judge(child.tasks.are_gone());
        }
        // They have ended with the instance; what it begins now does, too.
        self.record.timers.lock().end();
        self.record.silence.ends();
        self.begins_something(ctx);
        let mut purse = self.own_purse();
        match self.record.closing {
            Closing::Plain | Closing::DropPanics | Closing::DropTells | Closing::DropAsks => {}
            Closing::Spawns => {
                self.linger();
                self.spawn_child(ctx, &mut purse, true);
            }
            Closing::Tells => self.tell_some(&mut purse),
            Closing::Waits => self.sleep(ctx, &mut purse),
            Closing::Asks => self.ask(ctx, &mut purse),
            Closing::Fails => Err(self.plan_failure(When::Stopping))?,
            Closing::Panics => panic!("{}", self.plan_failure(When::Stopping)),
        }
        Ok(())
    }

    /// Begins something that continues after the signal, and ends with the instance, if not before.
    pub(super) fn begins_something(&self, ctx: &mut Ctx<'_, L>) {
        // A router that starts a routee waits for it, and may not answer meanwhile.
        let routee = self.record.is_routee.load(SeqCst);
        if routee || !self.world.features.has(Feature::Signals) {
            return;
        }
        let number = self.signals.replace(self.signals.get() + 1);
        let mut purse = Purse {
            rng: self.own_rng(0x0516 ^ number << 32),
            ..self.own_purse()
        };
        // What is begun at the end is the most likely to be forgotten.
        let most = if self.record.life.is_told() { 3 } else { 1 };
        for _ in 0..purse.rng.between(1, most) {
            self.begins_one(ctx, &mut purse);
        }
        if purse.rng.percent(30) {
            self.sleep(ctx, &mut purse);
        }
    }

    fn begins_one(&self, ctx: &mut Ctx<'_, L>, purse: &mut Purse) {
        match purse.rng.below(7) {
            0..2 => {
                self.world.oracles.saw("task of a signal");
                self.spawn_task(ctx, purse);
            }
            2 => self.start_timer(ctx, purse),
            3 => self.set_timeout(ctx, purse),
            4 => self.with_target(purse, |target, purse| self.watch(ctx, target, purse)),
            5 => {
                // The end of an actor that no longer exists is signalled at once, if at all.
                if let Some(stopped) = self.world.pick_stopped(&mut purse.rng) {
                    self.watch(ctx, &stopped, purse);
                }
            }
            _ => {}
        }
    }
}
