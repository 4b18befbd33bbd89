//! Failures and restarts, as the actor itself sees them.

use nexus_actors::Failure;
use nexus_actors::address::ActorId;
use nexus_actors::prelude::*;
use std::rc::Rc;

use super::forms::in_form;
use super::{Ctx, Member};
use crate::features::Feature;
use crate::note::{Load, Note};
use crate::oracles::{Failures, When};
use crate::rng::Rng;
use crate::sender::nanos;
use crate::supervision::root_of;

/// The number of incarnations that may fail while they are built.
const BAD: u32 = 6;

/// What goes wrong with a restart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mishap {
    Factory,
    Setup,
    /// At its start signal.
    Told,
}

impl<L: Load> Member<L> {
    /// Handles a run of the factory.
    pub(super) fn is_built(&self) {
        let (record, life) = (&self.record, &self.record.life);
        let children = record.children.lock().clone();
        let cause = life.cause();
        self.judge(life.is_built(children.iter().map(|child| &*child.life)));
        if life.incarnation() < 2 {
            return;
        }
        self.judge(self.record.tasks.are_gone());
        if life.wakes() {
            return self.world.oracles.saw("wake-up");
        }
        self.world.oracles.saw("restart");
        if let (Some(cause), Some(target)) = (cause, record.target()) {
            let failures = &self.world.oracles.failures;
            self.judge(failures.is_restarted(cause, target.id()));
        }
    }

    /// The random numbers of this incarnation.
    pub(super) fn own_rng(&self, salt: u64) -> Rng {
        let incarnation = u64::from(self.record.life.incarnation());
        Rng::new(self.record.seed ^ salt ^ (incarnation << 48))
    }

    fn mishap(&self) -> Option<Mishap> {
        let incarnation = self.record.life.incarnation();
        if !(2..BAD).contains(&incarnation) {
            return None;
        }
        let mut rng = self.own_rng(0xbad);
        let some = [Mishap::Factory, Mishap::Setup, Mishap::Told];
        rng.percent(20).then(|| *rng.pick(&some))
    }

    fn plan_failure_again(&self) -> String {
        let when = match self.record.life.wakes() {
            true => When::Starting,
            false => When::Restarting,
        };
        let text = self.plan_failure(when);
        if let Some(failure) = Failures::number_of(&text) {
            self.record.life.fails_again(failure);
        }
        text
    }

    /// The behaviour of a build that goes wrong, if it does.
    pub(super) fn starts_badly_again(self: &Rc<Self>) -> Option<Behavior<Note<L>>> {
        match self.mishap()? {
            Mishap::Factory => panic!("{}", self.plan_failure_again()),
            Mishap::Setup => {
                let member = Rc::clone(self);
                Some(Behavior::setup(move |_ctx| {
                    Err(member.plan_failure_again())?;
                    Ok(in_form(member, 0))
                }))
            }
            Mishap::Told => None,
        }
    }

    /// Handles the start signal of an actor that is built for mail that arrived while it was
    /// passive. It may fail.
    pub(super) fn may_fail_to_wake_up(&self) -> Result<(), BoxError> {
        if self.record.life.wakes() && self.mishap() == Some(Mishap::Told) {
            Err(self.plan_failure_again())?;
        }
        Ok(())
    }

    /// Handles the restart signal: the last that this instance receives, unless it is stopped
    /// meanwhile.
    pub(super) fn is_told_of_restart(
        &self,
        ctx: &mut Ctx<'_, L>,
        failure: &Failure,
    ) -> Result<(), BoxError> {
        let (life, root) = (&self.record.life, root_of(failure));
        // Its children stop, and a restart that is not completed is a failure too.
        life.is_failing();
        self.judge(life.is_told_of_restart(root, nanos(ctx.now())));
        if let Some(root) = root {
            self.judge(self.world.oracles.failures.leads_to_restart(root));
        }
        let mut rng = self.own_rng(0x01d);
        match rng.below(10) {
            0 => self.sleep(ctx, &mut self.own_purse()),
            1 => self.tell_some(&mut self.own_purse()),
            2 => Err(self.plan_failure(When::Restarting))?,
            3 => panic!("{}", self.plan_failure(When::Restarting)),
            _ => {}
        }
        Ok(())
    }

    /// Handles the signal that it has been restarted.
    pub(super) fn starts_again(
        &self,
        ctx: &mut Ctx<'_, L>,
        failure: &Failure,
    ) -> Result<(), BoxError> {
        if self.mishap() == Some(Mishap::Told) {
            Err(self.plan_failure_again())?;
        }
        self.begins_something(ctx);
        let (life, root) = (&self.record.life, root_of(failure));
        match (life.starts_again(root, nanos(ctx.now())), root) {
            (Err(wrong), _) => self.judge(Err(wrong)),
            (Ok(None), Some(root)) => {
                self.judge(self.world.oracles.failures.leads_to_restart(root));
            }
            // An actor that is to stop does not wait for its delay.
            (Ok(Some(_)), Some(_)) if life.may_be_stopped() || self.world.ends() => {}
            (Ok(Some(took)), Some(root)) => {
                let failures = &self.world.oracles.failures;
                self.judge(failures.was_restarted_after(root, took));
            }
            _ => {}
        }
        Ok(())
    }

    /// Handles the signal that a child has failed and stops.
    pub(super) fn is_told_of_child(&self, child: ActorId, failure: &Failure) {
        self.world.oracles.saw("told of a failed child");
        let children = self.record.children.lock().clone();
        let mut known = children.iter();
        let known = known.find(|one| one.target().is_some_and(|target| target.id() == child));
        let Some(known) = known else {
            // A child whose start this actor has not heard of yet, or that a destructor has
            // started.
            return;
        };
        let new = self.record.failed_children.lock().insert(known.life.number);
        if !new || failure.actor != child {
            let text = format!("told that {} has failed: twice, or {failure}", known.who());
            self.judge(Err(text));
        }
    }

    /// Fails at some signals.
    pub(super) fn may_fail_at_signal(&self) -> Result<(), BoxError> {
        if self.world.features.has(Feature::Supervision) && self.own_rng(0x519).percent(20) {
            Err(self.plan_failure(When::Signalled))?;
        }
        Ok(())
    }

    /// Records that it is about to fail with a question in hand.
    pub(super) fn lets_fall(&self, ctx: &Ctx<'_, L>) {
        // In a forced end all replies end alike.
        if let Some(ask) = self.in_hand.take().filter(|_| !self.world.ends()) {
            let now = Some(nanos(ctx.now()));
            self.world.oracles.asks.is_failed(ask, now);
            self.world.oracles.saw("failure with a question in hand");
        }
    }
}
