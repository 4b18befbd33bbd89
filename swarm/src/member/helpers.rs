//! How an actor uses topics, groups and routers.

use super::{Ctx, DEPTH, Member};
use crate::action::Action;
use crate::note::{Load, Note, Purse};
use crate::rng::mix;
use crate::routers::Part;
use crate::sender::nanos;

impl<L: Load> Member<L> {
    pub(super) fn act_with_helpers(&self, ctx: &mut Ctx<'_, L>, action: Action, purse: &mut Purse) {
        if !self.world.spend(2) {
            return;
        }
        let (world, known) = (&self.world, self.known(ctx));
        let rng = &mut purse.rng;
        match action {
            Action::Subscribe => world.subscribe(&known, rng),
            Action::Unsubscribe => world.unsubscribe(&known, rng),
            Action::Publish => world.publish(known.record.life.number, purse.part()),
            Action::StopTopic => world.stop_topic(rng),
            Action::Join => world.join(&known, rng),
            Action::Leave => world.leave(&known, rng),
            Action::AskGroup => self.ask_group(ctx, purse),
            Action::StopGroup => world.stop_group(rng),
            Action::SpawnRouter => world.spawn_router(&self.record, ctx, rng),
            Action::Route => {
                for _ in 0..purse.rng.between(1, 8) {
                    world.route(&self.sender, purse.part());
                }
            }
            Action::Flood => {
                world.spawn_router(&self.record, ctx, rng);
                if let Some(newest) = world.newest_router() {
                    for _ in 0..purse.rng.between(6, 16) {
                        world.route_through(&newest, &self.sender, purse.part());
                    }
                }
            }
            Action::AskRouter if purse.depth < DEPTH => {
                let mut part = purse.part();
                part.depth += 1;
                let clock = || Some(nanos(ctx.now()));
                world.ask_router(&self.sender, part, &clock);
            }
            Action::Scatter if purse.depth < DEPTH => world.scatter(&self.sender, purse.part()),
            Action::Resize => world.resize(rng),
            Action::StopRouter => world.stop_router(&self.sender, rng),
            _ => {}
        }
    }

    fn ask_group(&self, ctx: &Ctx<'_, L>, purse: &mut Purse) {
        let known = self.known(ctx);
        if let Some(found) = self.world.ask_group(&known, &mut purse.rng) {
            let part = purse.part();
            self.sender.tell(&found, part);
        }
    }

    /// Handles the arrival of a message through a router.
    pub(super) fn is_routed(&self, ctx: &Ctx<'_, L>, note: &mut Note<L>) {
        self.judge(self.record.room.fits(ctx.mailbox_len()));
        if let Some(part) = &note.part {
            part.comes();
        }
        if let Some(routed) = &mut note.routed {
            let from = ctx.envelope().sender();
            self.judge(routed.arrives(self.record.life.number, from));
        }
    }

    /// Answers the actor's part of a question to all routees, sooner or later, or lets go of it.
    pub(super) fn treat_part(
        &self,
        ctx: &mut Ctx<'_, L>,
        purse: &mut Purse,
        part: Option<Part<L>>,
    ) {
        let Some(part) = part else { return };
        match purse.rng.below(10) {
            0..2 => return,
            2..4 => self.sleep(ctx, purse),
            _ => {}
        }
        part.answer(mix(u64::from(self.record.life.number)));
    }
}
