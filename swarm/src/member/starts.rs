//! Starting and stopping others, and what an actor becomes.

use nexus_actors::prelude::*;
use std::rc::Rc;

use super::forms::in_form;
use super::{Ctx, GENERATIONS, Member};
use crate::note::{Load, Note, Purse};
use crate::oracles::When;
use crate::record::Known;
use crate::sender::nanos;

impl<L: Load> Member<L> {
    pub(super) fn spawn_child(&self, ctx: &mut Ctx<'_, L>, purse: &mut Purse, named: bool) {
        if self.record.depth >= GENERATIONS || !self.world.spend(4) {
            return;
        }
        let name = format!("child-{}", purse.rng.below(4));
        let path = named.then(|| format!("{}/{name}", ctx.path()));
        let rng = &mut purse.rng;
        let (record, props) = self.world.conceive(Some(&self.record), path, rng);
        let claim = self.world.claim(&record);
        let result = match named {
            true => ctx.spawn(&name, props),
            false => ctx.spawn_anonymous(props),
        };
        let started = self.world.started(&record, claim, result);
        if let Some(child) = started {
            self.record.children.lock().push(record);
            let part = purse.part();
            self.sender.tell(&child, part);
        }
    }

    pub(super) fn spawn_top(&self, purse: &mut Purse) {
        if !self.world.spend(4) {
            return;
        }
        let rng = &mut purse.rng;
        let name = format!("more-{}", rng.below(6));
        let place = self.world.draw_place(rng);
        if let Some(started) = self.world.spawn_top(rng, &name, place) {
            let part = purse.part();
            self.sender.tell(&started, part);
        }
    }

    pub(super) fn spawn_again(&self, purse: &mut Purse) {
        if !self.world.spend(4) {
            return;
        }
        let rng = &mut purse.rng;
        if let Some(name) = self.world.draw_free_name(rng) {
            let place = self.world.draw_place(rng);
            if let Some(started) = self.world.spawn_top(rng, &name, place) {
                let part = purse.part();
                self.sender.tell(&started, part);
            }
        }
    }

    pub(super) fn look_up(&self, purse: &mut Purse) {
        self.with_target(purse, |target, purse| {
            if let Some(found) = self.world.look_up(target) {
                self.sender.tell(&found, purse.part());
            }
        });
    }

    pub(super) fn stop_child(&self, purse: &mut Purse) {
        if let Some(child) = self.pick_child(purse) {
            self.stop_amid_mail(&child, purse);
        }
    }

    pub(super) fn stop_other(&self, purse: &mut Purse) {
        self.with_target(purse, |target, purse| self.stop_amid_mail(target, purse));
    }

    /// Mail before the stop is handled; mail after it is not.
    pub(super) fn stop_amid_mail(&self, target: &Known<L>, purse: &mut Purse) {
        for _ in 0..purse.rng.below(5) {
            let part = purse.with_fuel(0);
            self.sender.tell(target, part);
        }
        self.sender.stop(target);
        if purse.rng.percent(50) {
            let part = purse.with_fuel(0);
            self.sender.tell(target, part);
        }
    }

    /// Sends to an actor that no longer exists, and checks that this is reported.
    pub(super) fn tell_stopped(&self, ctx: &Ctx<'_, L>, purse: &mut Purse) {
        if !self.world.spend(2) {
            return;
        }
        let Some(target) = self.world.pick_stopped(&mut purse.rng) else {
            return;
        };
        let part = purse.part();
        self.sender.tell(&target, part);
        let mut part = purse.part();
        part.depth += 1;
        let clock = || Some(nanos(ctx.now()));
        let asked = self.sender.ask(&target, part, self.world.patience, &clock);
        if asked.wait(&clock) {
            let text = format!("was answered by {}, who is no more", target.record.who());
            self.judge(Err(text));
        }
    }

    pub(super) fn other_behavior(self: &Rc<Self>, purse: &mut Purse) -> Behavior<Note<L>> {
        let (member, form) = (Rc::clone(self), purse.rng.next());
        let mut purse = purse.part();
        match purse.rng.below(10) {
            0 => {
                self.record.life.stops_itself();
                Behavior::stopped()
            }
            1 => Behavior::setup(move |ctx| {
                member.sleep(ctx, &mut purse);
                Ok(in_form(member, form))
            }),
            2 => Behavior::setup(move |_ctx| Err(member.plan_failure(When::Handling))?),
            3 => Behavior::setup(move |ctx| {
                member.ask(ctx, &mut purse);
                Ok(in_form(member, form))
            }),
            _ => in_form(member, form),
        }
    }
}
