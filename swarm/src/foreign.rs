//! Threads outside the pool: what they do to it, whether they are real or simulated.

use std::sync::Arc;
use std::time::Duration;

use crate::features::Feature;
use crate::note::{Load, Purse};
use crate::plan::{First, Place as Planned, Plan};
use crate::record::{Known, Record};
use crate::rng::Rng;
use crate::sender::{Asked, Clock, Sender};
use crate::world::{Place, World};

/// Starts the actors that exist from the beginning, and sends the first messages.
pub(crate) fn open<L: Load>(world: &Arc<World<L>>, plan: &Plan, clock: Clock<'_>) {
    for first in &plan.actors {
        start_first(world, first);
    }
    let sender = Sender::new(Arc::clone(world), world.next_number()).acts_outside();
    let mut rng = Rng::new(plan.seed ^ 0x0be9);
    for _ in 0..plan.openings {
        let purse = Purse {
            fuel: plan.fuel,
            depth: 0,
            rng: Rng::new(rng.next()),
        };
        match world.pick(&mut rng) {
            Some(target) if rng.percent(15) => drop(sender.ask(&target, purse, PATIENCE, clock)),
            Some(target) => sender.tell(&target, purse),
            None => {}
        }
    }
}

/// The time-out of asks that are not waited for.
const PATIENCE: Duration = Duration::from_millis(1);

fn start_first<L: Load>(world: &Arc<World<L>>, first: &First) {
    let First { name, place, seed } = first;
    let mut rng = Rng::new(*seed);
    let place = match place {
        Planned::ByRing => Place::ByRing,
        Planned::On(worker) => Place::On(*worker),
        Planned::NearFirst => match world.all().first() {
            Some(known) => Place::Near(known.target),
            None => Place::ByRing,
        },
        Planned::Anonymous => match world.spawn_anonymous(&mut rng) {
            true => return,
            false => Place::ByRing,
        },
    };
    world.spawn_top(&mut rng, name, place);
}

/// What one thread does.
pub(crate) fn act<L: Load>(world: &Arc<World<L>>, acts: u64, seed: u64, clock: Clock<'_>) {
    let sender = Sender::new(Arc::clone(world), world.next_number()).acts_outside();
    let mut rng = Rng::new(seed);
    for _ in 0..acts {
        if !world.spend(1) {
            return;
        }
        let fuel = u8::try_from(rng.below(4)).unwrap_or_default();
        let purse = Purse {
            fuel,
            depth: 0,
            rng: Rng::new(rng.next()),
        };
        act_once(&sender, &mut rng, purse, clock);
    }
}

fn act_once<L: Load>(sender: &Sender<L>, rng: &mut Rng, purse: Purse, clock: Clock<'_>) {
    let world = &sender.world;
    let features = world.features;
    let orders = features.has(Feature::Kills) || features.has(Feature::Suspensions);
    let what = rng.below(match () {
        () if features.has(Feature::Passivation) => 29,
        () if orders => 27,
        () => 24,
    });
    if (22..24).contains(&what) {
        answer(sender, rng);
        return;
    }
    if what < 2 {
        spawn(sender, rng, purse);
        return;
    }
    let Some(target) = world.pick(rng) else {
        return;
    };
    match what {
        2..8 => sender.tell(&target, purse),
        8..10 => drop(sender.try_tell(&target, purse)),
        10 => sender.send(&target, purse, None, clock),
        11 => {
            let timeout = Duration::from_micros(rng.below(300));
            sender.send(&target, purse, Some(timeout), clock);
        }
        12..15 => wait(sender.ask(&target, purse, world.patience, clock), clock),
        15 => {
            let timeout = Duration::from_micros(rng.below(300));
            wait(sender.ask(&target, purse, timeout, clock), clock);
        }
        16 => drop(sender.ask(&target, purse, world.patience, clock)),
        17..19 => {
            if let Some(found) = world.look_up(&target) {
                sender.tell(&found, purse);
            }
        }
        19 => stop(sender, rng, &target),
        24 if features.has(Feature::Kills) => sender.kill(&target),
        25 if features.has(Feature::Suspensions) => sender.suspend(&target),
        26 if features.has(Feature::Suspensions) => sender.resume(&target),
        27 | 28 => sender.passivate(&target),
        _ => burst(sender, rng, &target),
    }
}

/// Answers the questions that were left to outside threads, or gives them up.
fn answer<L: Load>(sender: &Sender<L>, rng: &mut Rng) {
    let left = std::mem::take(&mut *sender.world.outside.lock());
    for question in left {
        sender.world.oracles.saw("answer from outside");
        // An outside thread does not know the pool's time.
        match rng.percent(80) {
            true => question.answer(None),
            false => question.give_up(None),
        }
    }
}

fn wait(asked: Asked, clock: Clock<'_>) {
    asked.wait(clock);
}

fn few(rng: &mut Rng) -> Purse {
    Purse {
        fuel: 0,
        depth: 0,
        rng: Rng::new(rng.next()),
    }
}

fn stop<L: Load>(sender: &Sender<L>, rng: &mut Rng, target: &Known<L>) {
    for _ in 0..rng.below(6) {
        sender.tell(target, few(rng));
    }
    sender.stop(target);
    sender.tell(target, few(rng));
}

fn burst<L: Load>(sender: &Sender<L>, rng: &mut Rng, target: &Known<L>) {
    for _ in 0..rng.between(2, 20) {
        if sender.world.spend(1) {
            sender.tell(target, few(rng));
        }
    }
}

fn spawn<L: Load>(sender: &Sender<L>, rng: &mut Rng, purse: Purse) {
    let world = &sender.world;
    if rng.percent(20) && world.spawn_anonymous(rng) {
        return;
    }
    let name = match rng.percent(50) {
        true => world.draw_free_name(rng),
        false => None,
    };
    let name = name.unwrap_or_else(|| format!("more-{}", rng.below(6)));
    let place = world.draw_place(rng);
    if let Some(started) = world.spawn_top(rng, &name, place) {
        sender.tell(&started, purse);
    }
}

/// When nothing is left to do, fills every bounded mailbox: each accepts as many messages as its
/// bound. Returns whether there was any.
pub(crate) fn fill_mailboxes<L: Load>(world: &Arc<World<L>>) -> bool {
    let sender = Sender::new(Arc::clone(world), world.next_number()).acts_outside();
    let mut any = false;
    // Elsewhere, callbacks of other events send messages too. And on threads, actors that wake up
    // for a message may send others meanwhile.
    let alone = world.simulated || !world.features.has(Feature::Passivation);
    let fits = |record: &Record<L>| alone && record.life.is_there() && world.hears_all_of(record);
    for known in world.all() {
        let record = &known.record;
        let Some((capacity, _)) = record.room.bound().filter(|_| fits(record)) else {
            continue;
        };
        any = true;
        world.oracles.saw("mailbox filled");
        let mut rng = Rng::new(record.seed);
        let taken = (0..capacity).filter(|_| sender.try_tell(&known, few(&mut rng)));
        let taken = taken.count();
        if taken < capacity {
            let text = format!("{} takes {taken} messages of {capacity}", record.who());
            world.oracles.violated(text);
        }
        // One message more is too many for one that waits outside the mailbox.
        if world.simulated {
            sender.try_tell(&known, few(&mut rng));
        }
    }
    any
}

/// When nothing is left to do, sends every passive actor a message: each wakes up for it. Returns
/// whether there was any.
pub(crate) fn wake_all<L: Load>(world: &Arc<World<L>>) -> bool {
    let sender = Sender::new(Arc::clone(world), world.next_number()).acts_outside();
    let mut any = false;
    for known in world.all() {
        if known.record.life.is_passive_for_certain() {
            any = true;
            sender.tell(&known, few(&mut Rng::new(known.record.seed)));
        }
    }
    any
}

/// Takes the name of every stopped actor again, as must be possible.
pub(crate) fn take_names_again<L: Load>(world: &Arc<World<L>>) {
    // The actors that start must not make others take these names.
    world.spend_the_rest();
    let free = world.oracles.names.free_again();
    let mut rng = Rng::new(1);
    for name in free.iter().filter_map(|path| crate::world::top_level(path)) {
        world.spawn_plain(&mut rng, name);
    }
}
