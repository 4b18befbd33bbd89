//! What a handler does: one of the possible actions.

use nexus_actors::WaitError;
use nexus_actors::prelude::*;
use std::ops::ControlFlow::{Break, Continue};
use std::rc::Rc;
use std::time::Duration;

use super::{Ctx, Flow, Member, Verdict};
use crate::action::Action;
use crate::note::{Load, Purse};
use crate::oracles::{When, never_early};
use crate::record::Known;
use crate::sender::nanos;

impl<L: Load> Member<L> {
    pub(super) fn act(self: &Rc<Self>, ctx: &mut Ctx<'_, L>, purse: &mut Purse) -> Flow<L> {
        let action = self.world.weights.pick(&mut purse.rng);
        self.world.oracles.saw(action.name());
        match action {
            Action::Tell => self.tell_some(purse),
            Action::Burst => self.burst(ctx, purse),
            Action::TryTell => self.with_target(purse, |target, purse| {
                self.sender.try_tell(target, purse.part());
            }),
            Action::StartTimer => self.start_timer(ctx, purse),
            Action::CancelTimer => self.cancel_timer(ctx, purse),
            Action::Unstash => self.unstash(ctx),
            Action::SetTimeout => self.set_timeout(ctx, purse),
            Action::CancelTimeout => self.cancel_timeout(ctx),
            Action::Beat => self.beat(ctx, purse),
            Action::Crowd => self.crowd(purse),
            Action::Send => self.send(ctx, purse, false),
            Action::SendTimeout => self.send(ctx, purse, true),
            Action::Ask => self.ask(ctx, purse),
            Action::AskMany => self.ask_many(ctx, purse),
            Action::AskShort => self.ask_short(ctx, purse),
            Action::AskAndDrop => drop(self.begin_ask(ctx, purse, self.world.patience)),
            Action::AskAndHold => self.hold_ask(ctx, purse),
            Action::AnswerKept => self.answer_kept(ctx),
            Action::HandOn => self.hand_on(purse),
            Action::Sleep => self.sleep(ctx, purse),
            Action::Yield => self.may_wait(ctx.yield_now()),
            Action::SpawnChild => self.spawn_child(ctx, purse, true),
            Action::SpawnAnonymous => self.spawn_child(ctx, purse, false),
            Action::SpawnTop => self.spawn_top(purse),
            Action::SpawnAgain => self.spawn_again(purse),
            Action::Lookup => self.look_up(purse),
            Action::StopSelf => self.sender.stop(&self.known(ctx)),
            Action::StopChild => self.stop_child(purse),
            Action::StopOther => self.stop_other(purse),
            Action::TellStopped => self.tell_stopped(ctx, purse),
            Action::Panic => {
                self.lets_fall(ctx);
                panic!("{}", self.plan_failure(When::Handling))
            }
            Action::Fail => {
                self.lets_fall(ctx);
                return Break(Verdict::Fails);
            }
            Action::Unhandled => return Break(Verdict::Goes(Next::Unhandled)),
            Action::NextStop => {
                self.record.life.stops_itself();
                return Break(Verdict::Goes(Next::Stop));
            }
            Action::NextPassivate => {
                self.record.life.is_to_passivate(self.world.ends());
                return Break(Verdict::Goes(Next::Passivate));
            }
            Action::Passivate => {
                self.with_target(purse, |target, purse| self.passivate(target, purse))
            }
            Action::SpawnTask => self.spawn_task(ctx, purse),
            Action::WaitForTask => self.wait_for_task(),
            Action::CancelTask => self.cancel_task(purse),
            Action::LeaveOutside => self.leave_outside(),
            Action::EndPool => self.end_pool(purse),
            Action::Kill => self.with_target(purse, |target, purse| self.kill(target, purse)),
            Action::KillChild => self.kill_child(purse),
            Action::Suspend => self.with_target(purse, |target, purse| self.suspend(target, purse)),
            Action::Resume => self.with_target(purse, |target, _| self.sender.resume(target)),
            Action::Watch => {
                self.with_target(purse, |target, purse| self.watch(ctx, target, purse))
            }
            Action::Unwatch => self.with_target(purse, |target, _| self.unwatch(ctx, target)),
            Action::Become => {
                let other = self.other_behavior(purse);
                return Break(Verdict::Goes(Next::Become(other)));
            }
            other => self.act_with_helpers(ctx, other, purse),
        }
        Continue(())
    }

    /// Checks the result of a wait: nothing in a handler keeps it from waiting.
    pub(super) fn may_wait(&self, result: Result<(), WaitError>) {
        self.judge(result.map_err(|error| format!("could not wait: {error}")));
    }

    pub(super) fn with_target(&self, purse: &mut Purse, act: impl FnOnce(&Known<L>, &mut Purse)) {
        if !self.world.spend(1) {
            return;
        }
        if let Some(target) = self.world.pick(&mut purse.rng) {
            act(&target, purse);
        }
    }

    pub(super) fn tell_some(&self, purse: &mut Purse) {
        for _ in 0..purse.rng.between(1, 3) {
            self.with_target(purse, |target, purse| {
                self.sender.tell(target, purse.part());
            });
        }
    }

    /// Sends so many messages to one actor that they do not fit into one batch.
    pub(super) fn burst(&self, ctx: &Ctx<'_, L>, purse: &mut Purse) {
        let Some(target) = self.world.pick_elsewhere(&mut purse.rng, ctx.worker()) else {
            return;
        };
        let most = if self.world.simulated { 60 } else { 400 };
        for _ in 0..purse.rng.between(10, most) {
            if !self.world.spend(1) {
                return;
            }
            let part = purse.with_fuel(0);
            self.sender.tell(&target, part);
        }
    }

    pub(super) fn send(&self, ctx: &Ctx<'_, L>, purse: &mut Purse, in_time: bool) {
        let timeout = in_time.then(|| Duration::from_micros(purse.rng.between(0, 200)));
        self.with_target(purse, |target, purse| {
            self.send_to(ctx, purse, target, timeout)
        });
    }

    pub(super) fn send_to(
        &self,
        ctx: &Ctx<'_, L>,
        purse: &mut Purse,
        target: &Known<L>,
        timeout: Option<Duration>,
    ) {
        let clock = || Some(nanos(ctx.now()));
        self.sender.send(target, purse.part(), timeout, &clock);
    }

    pub(super) fn end_pool(&self, purse: &mut Purse) {
        if let Some(within) = self.world.within
            && self.world.may_end()
            && purse.rng.percent(20)
        {
            self.world.oracles.saw("shutdown by an actor");
            self.world.request_end(within * 2);
        }
    }

    pub(super) fn sleep(&self, ctx: &mut Ctx<'_, L>, purse: &mut Purse) {
        let most = *purse.rng.pick(&[0, 10, 100, 2_000]);
        let time = Duration::from_micros(purse.rng.between(0, most));
        self.sleep_for(ctx, time);
    }

    pub(super) fn sleep_for(&self, ctx: &mut Ctx<'_, L>, time: Duration) {
        let began = nanos(ctx.now());
        self.may_wait(ctx.sleep(time));
        self.judge(never_early("sleep", began, nanos(ctx.now()), nanos(time)));
    }
}
