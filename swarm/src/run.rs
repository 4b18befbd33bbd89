//! Runs: what simulations and threads have in common.

use nexus_actors::DeadLetterReason;
use nexus_actors::failure::DeadLetters;
use nexus_actors::pool::PoolStats;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::note::Load;
use crate::oracles::{Check, Oracles, Sums};
use crate::plan::{End, Plan};
use crate::topics::LastNews;
use crate::world::World;

/// More than the sum of all time-outs of a run.
pub(crate) const LONG: Duration = Duration::from_secs(100_000);

/// The result of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The seed of its plan.
    pub seed: u64,
    /// The violations found; empty if there were none.
    pub violations: Vec<String>,
    /// Messages that were handled.
    pub deliveries: u64,
    /// Steps of the simulation.
    pub steps: u64,
    /// The fingerprint of the trace, if the run was simulated.
    pub fingerprint: u64,
    /// The last events of the trace, if they were requested.
    pub trace: String,
    /// How often each event occurred.
    pub seen: BTreeMap<&'static str, u64>,
}

/// What is checked at the end.
pub(crate) struct Ended {
    pub(crate) sums: Sums,
    pub(crate) forced: u64,
    pub(crate) stuck: usize,
}

/// The sums of a run.
pub(crate) fn sums<L: Load>(world: &World<L>, stats: &PoolStats, letters: &DeadLetters) -> Sums {
    let (oracles, helpers) = (&world.oracles, world.helpers_mail(stats.dead_letters));
    Sums {
        helpers_sent: helpers.sent,
        helpers_lost: helpers.lost,
        lost_on_the_way: oracles.lost_on_the_way.load(SeqCst),
        sent: stats.sent(),
        handled: stats.handled(),
        dead_letters: stats.dead_letters,
        queued: stats.queued(),
        unhandled: letters.count(DeadLetterReason::Unhandled),
        forced: letters.count(DeadLetterReason::Forced),
        too_late: letters.count(DeadLetterReason::PoolClosed),
        failed: letters.count(DeadLetterReason::Failed),
        late_replies: stats.late_replies,
        own_sent: oracles.sent.load(SeqCst),
        own_handled: oracles.handled.load(SeqCst),
        own_unhandled: oracles.unhandled.load(SeqCst),
    }
}

/// Records the result of a check of the whole run.
pub(crate) fn note(oracles: &Oracles, what: &str, check: Check) {
    oracles.note(|| what.to_owned(), check);
}

/// Checks, when nothing is left to do, that live actors have received everything sent to them.
pub(crate) fn check_quiet<L: Load>(world: &World<L>) {
    for known in world.all() {
        let record = &known.record;
        if record.life.runs() {
            note(&world.oracles, "watches", record.watches.are_all_told());
        }
        if world.simulated && record.life.runs() && !record.life.may_have_stopped() {
            note(&world.oracles, &record.who(), record.silence.is_over());
            if !record.life.may_be_struck() {
                note(
                    &world.oracles,
                    &record.who(),
                    record.timers.lock().have_rung(),
                );
            }
        }
        if record.life.is_to_have_passivated() && !record.life.may_have_stopped() {
            let text = format!("{}: has never passivated", record.who());
            world.oracles.violated(text);
        }
        if !record.life.is_there() || record.life.may_be_struck() {
            continue;
        }
        let (sent, received) = (record.sent.load(SeqCst), record.received.load(SeqCst));
        let lost = record.room.lost();
        let unknown = record.life.loses_mail() && !world.hears_all_of(record);
        // What a router has sent is counted on arrival.
        let routee = record.is_routee.load(SeqCst) && lost > 0;
        if i64::from(sent) != i64::from(received) + lost && !unknown && !routee {
            let who = record.who();
            let text = format!("{who}: got {received} of {sent} messages, {lost} lost");
            world.oracles.violated(text);
        }
    }
}

/// Checks, when nothing is left to do, that topics, groups and routers know the actors that exist.
pub(crate) fn check_helpers<L: Load>(world: &Arc<World<L>>, last: &LastNews<L>) {
    world.check_last(last);
    world.check_groups();
    world.check_routers();
}

/// Checks, when the pool has ended, that nothing is left, and that every sum is right.
pub(crate) fn check_end<L: Load>(world: &Arc<World<L>>, plan: &Plan, ended: &Ended) {
    let oracles = &world.oracles;
    note(oracles, "sums", ended.sums.check());
    let (quiet, forcible) = match plan.end {
        End::Quiet => (true, false),
        End::InTime { .. } => (false, false),
        End::Forced { .. } => (false, true),
    };
    let reasons = ended
        .sums
        .check_reasons(oracles.failures.any(), true, forcible);
    note(oracles, "reasons", reasons);
    if !forcible {
        let others = oracles.other_late.load(SeqCst);
        let late = oracles.asks.late_answers();
        note(
            oracles,
            "answers",
            ended.sums.check_late(late, others, false),
        );
        note(oracles, "shutdown", in_time(ended));
    }
    note(oracles, "asks", oracles.asks.are_over());
    note(oracles, "messages", oracles.notes.is_empty("messages"));
    note(oracles, "states", oracles.states.is_empty("states"));
    let mut all = world.all().into_iter();
    if let Some(known) = all.find(|known| !known.record.life.is_gone()) {
        let record = &known.record;
        let (opening, closing) = (record.opening, record.closing);
        let text = format!("{} is left: {opening:?}, {closing:?}", record.who());
        oracles.violated(text);
    }
    note(
        oracles,
        "failures",
        oracles.failures.are_reported(quiet, !forcible),
    );
}

fn in_time(ended: &Ended) -> Check {
    match (ended.forced, ended.stuck) {
        (0, 0) => Ok(()),
        (forced, stuck) => Err(format!(
            "{forced} actors were stopped by force, {stuck} workers stuck, with all the time in \
             the world"
        )),
    }
}
