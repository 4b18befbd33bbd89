//! How an actor handles its mail: the checks of each message, and what becomes of its question.

use nexus_actors::prelude::*;
use std::ops::ControlFlow::Break;
use std::rc::Rc;
use std::sync::atomic::Ordering::SeqCst;

use super::{Ctx, KEPT, Member, Verdict};
use crate::note::{Load, Note, Purse, Question};
use crate::oracles::{Check, When};
use crate::rng::Rng;
use crate::sender::nanos;

impl<L: Load> Member<L> {
    pub(super) fn handle(
        self: &Rc<Self>,
        ctx: &mut Ctx<'_, L>,
        note: Note<L>,
    ) -> HandlerResult<Note<L>> {
        let (_in_handler, alone) = self.turn.enter();
        self.judge(alone);
        self.judge(self.record.life.handles());
        self.judge(self.record.watches.are_told_at_once());
        self.sender.acts_as(ctx);
        if note.ring.is_none() {
            self.record.silence.is_broken(nanos(ctx.now()));
        }
        let note = match self.takes_in(ctx, note) {
            Some(note) => note,
            None => return Ok(Next::Same),
        };
        let mut purse = Purse {
            fuel: note.fuel,
            depth: note.depth,
            rng: Rng::new(note.seed),
        };
        let Note {
            question,
            handed,
            parting,
            part,
            errand,
            ring,
            ..
        } = note;
        self.treat_part(ctx, &mut purse, part);
        self.treat(ctx, &mut purse, handed);
        self.runs(ctx, &mut purse, errand);
        // An actor that waits after letting go of a question has not failed with it in hand.
        let certain = !parting.as_ref().is_some_and(|parting| parting.waits);
        let verdict = self.act_and_answer(ctx, &mut purse, question, certain);
        if ring.is_none() {
            self.record.silence.is_broken(nanos(ctx.now()));
        }
        // Before anything is returned: if a destructor that runs after the end of a function
        // unwinds, the function's return value is leaked, and this destructor may be ended by force
        // while it waits.
        drop(parting);
        match verdict {
            Verdict::Goes(next) => {
                if let Next::Unhandled = next {
                    self.world.oracles.handled.fetch_sub(1, SeqCst);
                    self.world.oracles.unhandled.fetch_add(1, SeqCst);
                }
                Ok(next)
            }
            Verdict::Fails => Err(self.plan_failure(When::Handling).into()),
        }
    }

    pub(super) fn act_and_answer(
        self: &Rc<Self>,
        ctx: &mut Ctx<'_, L>,
        purse: &mut Purse,
        question: Option<Question>,
        certain: bool,
    ) -> Verdict<L> {
        let mut pending = question;
        let slow = purse.rng.percent(self.world.slow_answers);
        if !slow {
            self.treat(ctx, purse, pending.take());
        }
        let in_hand = pending.as_ref().filter(|_| certain);
        self.in_hand.set(in_hand.map(|question| question.ask));
        let actions = match purse.fuel {
            0 => 0,
            _ => purse.rng.between(1, 3),
        };
        for _ in 0..actions {
            if let Break(verdict) = self.act(ctx, purse) {
                return verdict;
            }
        }
        if slow && pending.is_some() && purse.rng.percent(50) {
            self.sleep(ctx, purse);
        }
        self.in_hand.set(None);
        self.treat(ctx, purse, pending);
        Verdict::Goes(Next::Same)
    }

    pub(super) fn comes_in_order(&self, note: &Note<L>) -> Check {
        let mut mail = self.record.mail.lock();
        match self.record.life.loses_mail() {
            true => mail.arrives_after_losses(note.from, note.number),
            false => mail.arrives(note.from, note.number),
        }
    }

    pub(super) fn arrives(&self, ctx: &mut Ctx<'_, L>, note: &mut Note<L>) {
        match note.ring {
            Some(ring) => self.rings(ctx, ring),
            None if note.routed.is_some() || note.part.is_some() => self.is_routed(ctx, note),
            None => {
                self.record.received.fetch_add(1, SeqCst);
                self.judge(self.comes_in_order(note));
                self.judge(self.record.room.is_left_with(ctx.mailbox_len()));
            }
        }
        if let Some(question) = &note.question {
            self.judge(question.arrives());
        }
        let envelope = ctx.envelope();
        self.judge(self.world.oracles.ids.is_new(envelope.message_id().get()));
        if let Some(origin) = &note.origin {
            self.judge(origin.check(&envelope));
        }
        let own = ctx.self_ref();
        if let Some(to) = note.to.filter(|to| *to != own) {
            let (to, from) = (to.id(), note.from);
            self.judge(Err(format!(
                "{}: got a message of {from} for {to}",
                own.id()
            )));
        }
        let boxed = note.boxed.as_deref();
        if !note.load.is_of(note.seed) || boxed.is_some_and(|load| !load.is_of(!note.seed)) {
            self.judge(Err(format!("a message of {} came damaged", note.from)));
        }
    }

    /// Answers a question, holds it, or gives it up.
    pub(super) fn treat(
        &self,
        ctx: &mut Ctx<'_, L>,
        purse: &mut Purse,
        question: Option<Question>,
    ) {
        let Some(question) = question else { return };
        let now = Some(nanos(ctx.now()));
        match purse.rng.below(100) {
            0..12 if self.kept.borrow().len() < KEPT => self.kept.borrow_mut().push(question),
            12..18 => question.give_up(now),
            18..24 if self.world.spend(1) => {
                let part = purse.part();
                match self.world.pick(&mut purse.rng) {
                    Some(other) => self.sender.hand_on(&other, part, question),
                    None => question.answer(now),
                }
            }
            _ => question.answer(now),
        }
    }
}
