//! Queues: several actors that wait for capacity in one mailbox.

use nexus_actors::Overflow;
use std::time::Duration;

use super::{Ctx, Member};
use crate::note::{Errand, Load, Purse};
use crate::record::Known;

impl<L: Load> Member<L> {
    /// Makes several waiting actors send a busy actor more messages than its mailbox has capacity
    /// for.
    pub(super) fn crowd(&self, purse: &mut Purse) {
        if !self.world.spend(4) {
            return;
        }
        let Some(target) = self.pick_narrow(purse) else {
            return;
        };
        self.sender
            .send_on(&target, purse.with_fuel(0), Errand::Linger);
        let bound = target.record.room.bound();
        let capacity = bound.map_or(0, |(capacity, _)| capacity);
        for _ in 0..capacity {
            self.sender.try_tell(&target, purse.with_fuel(0));
        }
        let worker = target.target.id().worker();
        for _ in 0..purse.rng.between(3, 9) {
            let other = self.world.pick_on(&mut purse.rng, worker);
            let Some(other) = other.filter(|other| other.target != target.target) else {
                continue;
            };
            let errand = Errand::Send(target.clone());
            self.sender.send_on(&other, purse.with_fuel(0), errand);
        }
    }

    /// Picks an actor whose senders wait when its mailbox is full.
    fn pick_narrow(&self, purse: &mut Purse) -> Option<Known<L>> {
        let narrow = |known: &Known<L>| {
            let bound = known.record.room.bound();
            matches!(bound, Some((_, Overflow::Backpressure)))
        };
        let mut tries = (0..24).filter_map(|_| self.world.pick(&mut purse.rng));
        tries.find(narrow)
    }

    /// Runs the errand of a message.
    pub(super) fn runs(&self, ctx: &mut Ctx<'_, L>, purse: &mut Purse, errand: Option<Errand<L>>) {
        match errand {
            Some(Errand::Linger) => {
                let time = Duration::from_micros(purse.rng.between(50, 2_000));
                self.sleep_for(ctx, time);
            }
            Some(Errand::Send(target)) => self.send_to(ctx, purse, &target, None),
            None => {}
        }
    }
}
