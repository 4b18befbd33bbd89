//! Simulated runs: one thread, a clock of its own, and every choice made by the seed.

use nexus_actors::sim::{Fault, Sim};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::foreign;
use crate::note::Load;
use crate::oracles::{Check, Oracles};
use crate::plan::{End, Mishap, Plan, Size, Strike};
use crate::rng::Rng;
use crate::run::{Ended, LONG, Outcome, check_end, check_helpers, check_quiet, note, sums};
use crate::world::World;

/// Steps after which a run counts as endless.
const MOST_STEPS: u64 = 2_000_000;
/// Trace events that are shown.
const SHOWN: usize = 60;

/// Runs a plan in a simulation. With `shown`, the result has the end of the trace.
pub fn run(plan: &Plan, shown: bool) -> Outcome {
    match plan.size {
        Size::Small => run_with::<[u64; 0]>(plan, shown),
        Size::Medium => run_with::<[u64; 12]>(plan, shown),
        Size::Large => run_with::<[u64; 50]>(plan, shown),
    }
}

fn run_with<L: Load>(plan: &Plan, shown: bool) -> Outcome {
    let world = World::<L>::new(plan, true);
    let mut sim = start(&world, plan, shown);
    let meddling = Arc::clone(&world);
    let letters = sim.dead_letters();
    let told = letters.subscribe(move |letter| {
        meddling.hears_of(letter);
        meddling.is_told(false);
    });
    world.is_listening();
    foreign::open(&world, plan, &|| None);
    let ended = go_on(&mut sim, &world, plan);
    let mut outcome = Outcome {
        seed: plan.seed,
        deliveries: world.oracles.handled.load(SeqCst),
        steps: sim.steps(),
        fingerprint: sim.trace().fingerprint(),
        ..Outcome::default()
    };
    if shown {
        outcome.trace = sim.trace().tail(SHOWN);
    }
    if ended {
        world.outside.lock().clear();
        drop(told);
        end(&mut sim, &world, plan);
        drop_quietly(sim);
    } else {
        // A simulation that does not end cannot be dropped either.
        std::mem::forget(sim);
    }
    outcome.violations = world.oracles.found();
    outcome.seen = world.oracles.seen();
    outcome
}

/// Drops a simulation, which complains about faults at handlings that did not happen. They need not
/// happen.
fn drop_quietly(sim: Sim) {
    if sim.unfired().is_empty() {
        return drop(sim);
    }
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(sim)));
    assert!(
        dropped.is_err(),
        "a fault that has not happened was forgotten"
    );
}

fn start<L: Load>(world: &Arc<World<L>>, plan: &Plan, shown: bool) -> Sim {
    let started = Sim::builder()
        .seed(plan.seed)
        .workers(plan.workers)
        .latency(plan.latency)
        .choices(plan.choices)
        .keep_events(if shown { SHOWN } else { 1 })
        .on_failure(world.on_failure())
        .supervising(world.strategy_of_guardian(plan.seed))
        .configure(world.configure(plan.configured))
        .start();
    let mut sim = started.expect("a simulation of a few workers starts");
    world.is_ready();
    for foreigner in plan.foreigners.iter().cloned() {
        let world = Arc::clone(world);
        sim.schedule(foreigner.after, move || {
            foreign::act(&world, foreigner.acts, foreigner.seed, &|| None);
        });
    }
    for mishap in &plan.mishaps {
        let fault = match *mishap {
            Mishap::Stall { worker, at, length } => Fault::stall(worker, at, length),
            Mishap::ClockJump { at, by } => Fault::clock_jump(at, by),
        };
        sim.inject(fault).expect("it can happen");
    }
    for Strike {
        path,
        handling,
        kills,
    } in &plan.strikes
    {
        let fault = match kills {
            true => Fault::kill(path, *handling),
            false => Fault::panic(path, *handling),
        };
        sim.inject(fault).expect("it can happen");
        world.oracles.failures.is_injected();
    }
    let (after, within) = match plan.end {
        End::Quiet => return sim,
        End::InTime { after } => (after, LONG),
        End::Forced { after, within } => (after, within),
    };
    let world = Arc::clone(world);
    sim.schedule(after, move || world.request_end(within));
    sim
}

/// Runs until the pool has ended. Returns whether it did.
fn go_on<L: Load>(sim: &mut Sim, world: &Arc<World<L>>, plan: &Plan) -> bool {
    if plan.end == End::Quiet {
        if !run_out(sim, &world.oracles, plan) {
            return false;
        }
        world.resume_all();
        if !run_out(sim, &world.oracles, plan) {
            return false;
        }
        note(&world.oracles, "quiet", check_pending(sim, world));
        note(&world.oracles, "quiet", check_late(sim, world));
        check_quiet(world);
        if foreign::fill_mailboxes(world) | foreign::wake_all(world) {
            if !run_out(sim, &world.oracles, plan) {
                return false;
            }
            check_quiet(world);
        }
        let last = world.publish_last();
        if !last.is_empty() && !run_out(sim, &world.oracles, plan) {
            return false;
        }
        check_helpers(world, &last);
        foreign::take_names_again(world);
        world.request_end(LONG);
    }
    let ran_out = run_out(sim, &world.oracles, plan);
    if ran_out && !sim.has_ended() {
        let text = format!("the pool did not end; {}", waiting(sim));
        world.oracles.violated(text);
        return false;
    }
    ran_out
}

/// Runs until nothing is left to do. Returns whether that was reached.
fn run_out(sim: &mut Sim, oracles: &Oracles, plan: &Plan) -> bool {
    let mut rng = Rng::new(plan.seed ^ 0x1eaf);
    while sim.step() {
        if plan.in_leaps {
            leap(sim, &mut rng);
        }
        if sim.steps() > MOST_STEPS {
            let text = format!("it goes on for ever; {}", waiting(sim));
            oracles.violated(text);
            return false;
        }
    }
    true
}

/// Continues for a while, in one of the possible ways.
fn leap(sim: &mut Sim, rng: &mut Rng) {
    let time = Duration::from_micros(rng.below(500));
    match rng.below(40) {
        0 => sim.run_for(time),
        1 => sim.run_until_idle(),
        2 => sim.advance(time),
        3 => drop(sim.waiting()),
        4 => drop((sim.pending(), sim.unfired(), sim.stats())),
        _ => {}
    }
}

fn waiting(sim: &Sim) -> String {
    let list = sim.waiting();
    let lines: Vec<String> = list.iter().map(ToString::to_string).collect();
    format!("{:?}; {}", sim.pending(), lines.join("; "))
}

/// Checks, when nothing is left to do, that there is nothing but actors, and asks that they hold.
fn check_pending<L: Load>(sim: &Sim, world: &World<L>) -> Check {
    let oracles = &world.oracles;
    let pending = sim.pending();
    let held =
        usize::try_from(oracles.open_asks.count() + oracles.held_tasks.count()).unwrap_or_default();
    let states = usize::try_from(oracles.states.count()).unwrap_or_default();
    let names = oracles.names.in_use();
    let idle = (
        pending.messages,
        pending.batches,
        pending.due,
        pending.waiting,
        pending.timers,
    );
    let there = (pending.actors == pending.slots) && pending.waits == held;
    // Passive actors exist, unless they have stopped meanwhile.
    let [(least, least_named), (most, most_named)] = world.passive();
    let helpers = world.helpers.count();
    let (states, names) = (states + helpers, names + helpers);
    let counted = (states + least..=states + most).contains(&pending.actors)
        && (names + least_named..=names + most_named).contains(&pending.names);
    if idle == (0, 0, 0, 0, 0) && there && counted {
        return Ok(());
    }
    Err(format!(
        "{pending:?}, with {states} states, {least} to {most} passive, {names} names, and {held} asks held; {}",
        waiting(sim)
    ))
}

/// Checks, when nothing is left to do, and thus all answers have arrived, that the late ones are
/// counted.
fn check_late<L: Load>(sim: &Sim, world: &World<L>) -> Check {
    let oracles = &world.oracles;
    let sums = sums(world, &sim.stats(), &sim.dead_letters());
    let others = oracles.other_late.load(SeqCst);
    sums.check_late(oracles.asks.late_answers(), others, true)
}

fn end<L: Load>(sim: &mut Sim, world: &Arc<World<L>>, plan: &Plan) {
    let oracles = &world.oracles;
    let report = sim.shutdown(Duration::ZERO);
    let pending = sim.pending();
    if !pending.is_empty() {
        oracles.violated(format!("something is left: {pending:?}"));
    }
    let stats = sim.stats();
    let sums = sums(world, &stats, &sim.dead_letters());
    let ended = Ended {
        sums,
        forced: report.forced,
        stuck: report.stuck_workers.len(),
    };
    check_end(world, plan, &ended);
}
