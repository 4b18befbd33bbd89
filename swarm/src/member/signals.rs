//! What an actor does when it is told a signal.

use nexus_actors::prelude::*;

use super::{Ctx, Member};
use crate::note::Load;
use crate::oracles::When;
use crate::record::{Closing, Opening};

impl<L: Load> Member<L> {
    pub(super) fn signal(&self, ctx: &mut Ctx<'_, L>, signal: &Signal) -> Result<(), BoxError> {
        let (_in_handler, alone) = self.turn.enter();
        self.judge(alone);
        self.sender.acts_as(ctx);
        match signal {
            Signal::PreStart => self.starts(ctx),
            Signal::PostStop => self.has_stopped(ctx),
            Signal::Terminated { actor, reason } => {
                self.is_told_of_end(*actor, *reason);
                self.may_fail_at_signal()
            }
            Signal::ChildFailed { child, failure } => {
                self.is_told_of_child(*child, failure);
                self.may_fail_at_signal()
            }
            Signal::PreRestart(failure) => self.is_told_of_restart(ctx, failure),
            Signal::PostRestart(failure) => self.starts_again(ctx, failure),
            _ => Ok(()),
        }
    }

    pub(super) fn starts(&self, ctx: &mut Ctx<'_, L>) -> Result<(), BoxError> {
        self.world.meet(&self.record, ctx.self_ref());
        self.may_fail_to_wake_up()?;
        match self.record.opening {
            Opening::WaitsAtStart => self.sleep(ctx, &mut self.own_purse()),
            Opening::FailsAtStart => Err(self.plan_failure(When::Starting))?,
            _ => {}
        }
        self.judge(self.record.life.starts());
        Ok(())
    }

    pub(super) fn has_stopped(&self, ctx: &mut Ctx<'_, L>) -> Result<(), BoxError> {
        let children = self.record.children.lock().clone();
        let lives = children.iter().map(|child| &*child.life);
        self.judge(self.record.life.is_told_of_stop(lives));
        self.judge(self.record.tasks.are_gone());
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
}
