//! What an actor asks, and what becomes of the questions that it holds.

use std::time::Duration;

use super::{Ctx, DEPTH, KEPT, Member};
use crate::note::{Load, Purse, Question};
use crate::sender::{Asked, nanos};

impl<L: Load> Member<L> {
    pub(super) fn begin_ask(
        &self,
        ctx: &Ctx<'_, L>,
        purse: &mut Purse,
        timeout: Duration,
    ) -> Option<Asked> {
        if purse.depth >= DEPTH || !self.world.spend(1) {
            return None;
        }
        let target = self.world.pick(&mut purse.rng)?;
        let mut part = purse.part();
        part.depth += 1;
        let clock = || Some(nanos(ctx.now()));
        Some(self.sender.ask(&target, part, timeout, &clock))
    }

    pub(super) fn wait_for(&self, ctx: &Ctx<'_, L>, asked: Option<Asked>) {
        if let Some(asked) = asked {
            asked.wait(&|| Some(nanos(ctx.now())));
        }
    }

    pub(super) fn ask(&self, ctx: &Ctx<'_, L>, purse: &mut Purse) {
        let asked = self.begin_ask(ctx, purse, self.world.patience);
        self.wait_for(ctx, asked);
    }

    pub(super) fn ask_many(&self, ctx: &Ctx<'_, L>, purse: &mut Purse) {
        let count = purse.rng.between(2, 5);
        let mut asked: Vec<_> = (0..count)
            .filter_map(|_| self.begin_ask(ctx, purse, self.world.patience))
            .collect();
        while !asked.is_empty() {
            let one = asked.swap_remove(purse.rng.index(asked.len()));
            self.wait_for(ctx, Some(one));
        }
    }

    pub(super) fn ask_short(&self, ctx: &Ctx<'_, L>, purse: &mut Purse) {
        let timeout = Duration::from_micros(purse.rng.between(0, 300));
        let asked = self.begin_ask(ctx, purse, timeout);
        self.wait_for(ctx, asked);
    }

    /// Begins an ask and holds it, or waits for one held from an earlier message.
    pub(super) fn hold_ask(&self, ctx: &Ctx<'_, L>, purse: &mut Purse) {
        let room = self.held.borrow().len() < KEPT;
        if room && purse.rng.percent(60) {
            let timeout = match purse.rng.percent(50) {
                true => self.world.patience,
                false => Duration::from_micros(purse.rng.between(0, 300)),
            };
            let asked = self.begin_ask(ctx, purse, timeout);
            self.held.borrow_mut().extend(asked);
        } else {
            let asked = self.held.borrow_mut().pop();
            self.wait_for(ctx, asked);
        }
    }

    pub(super) fn take_kept(&self) -> Option<Question> {
        let mut kept = self.kept.borrow_mut();
        (!kept.is_empty()).then(|| kept.remove(0))
    }

    pub(super) fn answer_kept(&self, ctx: &Ctx<'_, L>) {
        if let Some(question) = self.take_kept() {
            question.answer(Some(nanos(ctx.now())));
        }
    }

    pub(super) fn hand_on(&self, purse: &mut Purse) {
        let Some(question) = self.take_kept() else {
            return;
        };
        match self.world.pick(&mut purse.rng) {
            Some(other) if self.world.spend(1) => {
                let part = purse.part();
                self.sender.hand_on(&other, part, question);
            }
            _ => self.kept.borrow_mut().push(question),
        }
    }

    /// Leaves a question to an outside thread.
    pub(super) fn leave_outside(&self) {
        let question = self.take_kept();
        self.world.outside.lock().extend(question);
    }
}
