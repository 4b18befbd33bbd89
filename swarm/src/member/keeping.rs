//! What an actor stores for itself: its timers, and its stash.

use nexus_actors::actor::StashError;
use nexus_actors::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::{Ctx, Member};
use crate::features::Feature;
use crate::note::{Load, Note, Purse};
use crate::oracles::{Repeats, Ring};
use crate::rng::Rng;
use crate::sender::{Sender, nanos};

/// The most timers of an actor.
const KEYS: u64 = 3;

impl<L: Load> Member<L> {
    /// Takes a message in. Returns it, unless it is stashed.
    pub(super) fn takes_in(&self, ctx: &mut Ctx<'_, L>, mut note: Note<L>) -> Option<Note<L>> {
        self.world.oracles.handled.fetch_add(1, SeqCst);
        let (id, asks) = (ctx.envelope().message_id().get(), &self.world.oracles.asks);
        if note.stashed {
            self.world.oracles.saw("message out of the stash");
            let check = self.stash.borrow_mut().comes_back(id, asks);
            self.judge(check);
            return Some(note);
        }
        if note.ring.is_none() {
            let check = self.stash.borrow_mut().comes_before_mail(asks);
            self.judge(check);
        }
        self.arrives(ctx, &mut note);
        let Some(capacity) = self.stash_capacity() else {
            return Some(note);
        };
        if note.ring.is_some() || !Rng::new(note.seed ^ 0x57a5).percent(25) {
            return Some(note);
        }
        note.stashed = true;
        let ask = note.question.as_ref().map(|question| question.ask);
        let full = match ctx.stash(note) {
            Ok(()) => {
                self.world.oracles.saw("message put aside");
                self.stash.borrow_mut().takes(id, ask);
                self.record.room.is_put_aside(id);
                self.world.oracles.handled.fetch_sub(1, SeqCst);
                return None;
            }
            Err(full) => full,
        };
        self.world.oracles.saw("stash full");
        let check = match &full {
            StashError::Full(_) => self.stash.borrow().is_full(capacity),
            _ => Err("there is no stash".to_owned()),
        };
        self.judge(check);
        let mut note = full.into_message();
        note.stashed = false;
        Some(note)
    }

    /// The capacity of its stash, if it has one.
    pub(super) fn stash_capacity(&self) -> Option<usize> {
        let mut rng = Rng::new(self.record.seed ^ 0x57a);
        let has = self.world.features.has(Feature::Stash) && rng.percent(60);
        has.then(|| 1 + rng.index(4))
    }

    pub(super) fn unstash(&self, ctx: &mut Ctx<'_, L>) {
        let (there, known) = (ctx.stash_len(), self.stash.borrow().aside());
        if there != known {
            self.judge(Err(format!(
                "{there} messages are put aside, and not {known}"
            )));
        }
        ctx.unstash_all();
        self.stash.borrow_mut().is_replayed();
    }

    // ---- timers -------------------------------------------------------------------------------

    pub(super) fn start_timer(&self, ctx: &mut Ctx<'_, L>, purse: &mut Purse) {
        if !self.world.spend(3) {
            return;
        }
        let key = purse.rng.below(KEYS);
        let delay = Duration::from_micros(purse.rng.between(1, 500));
        let repeats = match purse.rng.below(3) {
            0 => Repeats::AfterHandling(nanos(delay)),
            1 => Repeats::InBeat(nanos(delay)),
            _ => Repeats::Never,
        };
        let most = u32::try_from(purse.rng.between(1, 4)).unwrap_or(1);
        self.start_timer_of(ctx, purse, (key, most), delay, repeats);
    }

    /// Starts a timer with a short period, and takes so long that ticks may be missed.
    pub(super) fn beat(&self, ctx: &mut Ctx<'_, L>, purse: &mut Purse) {
        if !self.world.spend(3) {
            return;
        }
        let key = purse.rng.below(KEYS);
        let every = Duration::from_micros(purse.rng.between(1, 60));
        let most = u32::try_from(purse.rng.between(3, 6)).unwrap_or(3);
        let repeats = Repeats::InBeat(nanos(every));
        self.start_timer_of(ctx, purse, (key, most), every, repeats);
        self.sleep(ctx, purse);
    }

    fn start_timer_of(
        &self,
        ctx: &mut Ctx<'_, L>,
        purse: &mut Purse,
        (key, most): (u64, u32),
        delay: Duration,
        repeats: Repeats,
    ) {
        if !self.record.life.is_told() {
            self.looks_at_timer(ctx, key);
        }
        let due = nanos(ctx.now() + delay);
        let mut timers = self.record.timers.lock();
        let ring = timers.starts(key, due, repeats, most);
        if !self.world.simulated {
            timers.beats_are_blurred(key);
        }
        drop(timers);
        let known = self.known(ctx);
        let mut part = purse.part();
        part.fuel = part.fuel.min(1);
        match repeats {
            Repeats::Never => {
                let note = self.sender.ring(&known, &mut part, ring);
                ctx.timers().start_single(key, note, delay);
            }
            Repeats::AfterHandling(_) => {
                let make = self.maker(ctx, part, ring);
                ctx.timers().start_fixed_delay(key, make, delay);
            }
            Repeats::InBeat(_) => {
                let make = self.maker(ctx, part, ring);
                ctx.timers().start_fixed_rate(key, make, delay);
            }
        }
    }

    /// Makes the messages of a timer. The closure must not hold the actor's state, which has to go
    /// before it.
    fn maker(
        &self,
        ctx: &Ctx<'_, L>,
        mut purse: Purse,
        ring: Ring,
    ) -> impl FnMut() -> Note<L> + 'static {
        let world = Arc::clone(&self.world);
        let sender = Sender::new(world, self.record.life.number);
        sender.acts_as(ctx);
        let known = self.known(ctx);
        move || sender.ring(&known, &mut purse, ring)
    }

    pub(super) fn cancel_timer(&self, ctx: &mut Ctx<'_, L>, purse: &mut Purse) {
        if purse.rng.percent(15) {
            ctx.timers().cancel_all();
            let mut timers = self.record.timers.lock();
            (0..KEYS).for_each(|key| timers.is_cancelled(key));
            return;
        }
        let key = purse.rng.below(KEYS);
        self.looks_at_timer(ctx, key);
        ctx.timers().cancel(key);
        self.record.timers.lock().is_cancelled(key);
        self.looks_at_timer(ctx, key);
    }

    /// Checks whether a timer is active against what is known.
    fn looks_at_timer(&self, ctx: &mut Ctx<'_, L>, key: u64) {
        let (there, known) = (
            ctx.timers().is_active(key),
            self.record.timers.lock().is_active(key),
        );
        // A fault takes messages of timers, too.
        if there != known && !self.record.life.may_be_struck() {
            self.judge(Err(format!(
                "timer {key} is active: {there}, and not {known}"
            )));
        }
    }

    // ---- the receive time-out -----------------------------------------------------------------

    pub(super) fn set_timeout(&self, ctx: &mut Ctx<'_, L>, purse: &mut Purse) {
        if !self.world.spend(2) {
            return;
        }
        let after = Duration::from_micros(purse.rng.between(1, 800));
        let most = u32::try_from(purse.rng.between(1, 3)).unwrap_or(1);
        // Read before it is set: on threads the clock continues to run.
        let now = nanos(ctx.now());
        ctx.set_receive_timeout(after);
        let silence = &self.record.silence;
        silence.is_set(nanos(after), now, most);
    }

    pub(super) fn cancel_timeout(&self, ctx: &mut Ctx<'_, L>) {
        ctx.cancel_receive_timeout();
        self.record.silence.ends();
    }

    /// Handles a receive time-out. The actor may then passivate, as idle actors do.
    pub(super) fn is_idle(&self, ctx: &mut Ctx<'_, L>) -> Next<Note<L>> {
        self.world.oracles.saw("receive time-out");
        match self
            .record
            .silence
            .is_told(nanos(ctx.now()), !self.world.simulated)
        {
            Ok(false) => {}
            Ok(true) => self.cancel_timeout(ctx),
            Err(wrong) => self.judge(Err(wrong)),
        }
        let rests = self.world.features.has(Feature::Passivation);
        if !rests || !Rng::new(self.record.seed ^ nanos(ctx.now())).percent(30) {
            return Next::Same;
        }
        self.world.oracles.saw("passivation of somebody idle");
        self.record.life.is_to_passivate(self.world.ends());
        Next::Passivate
    }

    // ---- timers that fire ---------------------------------------------------------------------

    /// Checks the message of a timer as it is handled.
    pub(super) fn rings(&self, ctx: &mut Ctx<'_, L>, ring: Ring) {
        // Such a message counts from the time it is handled.
        self.world.oracles.sent.fetch_add(1, SeqCst);
        self.world.oracles.saw("timer rang");
        let rung = self.record.timers.lock().rings(ring, nanos(ctx.now()));
        match rung {
            Ok(false) => {}
            Ok(true) => {
                ctx.timers().cancel(ring.key);
                self.record.timers.lock().is_cancelled(ring.key);
            }
            Err(wrong) => self.judge(Err(wrong)),
        }
    }
}
