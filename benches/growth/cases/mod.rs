//! What users do with many things of a kind. The steps of each case are proportional to its size.
//!
//! Each case runs a whole program, from the start of its actors to their end, and asserts its outcome.

mod families;
mod groups;
mod restarts;
mod tests;
mod waits;
mod watches;

use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::time::Duration;

/// Something that users do with many things of a kind.
pub(crate) struct Case {
    /// Its name.
    pub(crate) name: &'static str,
    /// The size with which it is measured, beside four times that size.
    pub(crate) size: usize,
    /// Runs it with that size.
    pub(crate) run: fn(usize),
}

/// All cases.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    [
        watches::CASES,
        waits::CASES,
        families::CASES,
        restarts::CASES,
        groups::CASES,
        tests::CASES,
    ]
    .into_iter()
    .flatten()
}

const HOUR: Duration = Duration::from_secs(3600);

/// A system whose actors may fail, and which the case drives.
fn system() -> ActorSystem {
    let builder = ActorSystem::builder().on_failure(|_| {});
    builder.start().expect("there is room for a system")
}

/// A simulation of one worker in which nothing is left to chance, and nothing is recorded.
fn simulation() -> Sim {
    let builder = Sim::builder().orderly().workers(1).keep_events(0);
    let sim = builder.on_failure(|_| {}).start();
    sim.expect("there is room for a simulation")
}

/// Work for an actor.
struct Job(Work);
type Work = Box<dyn FnOnce(&mut Context<'_, Job>) + Send>;

fn job(work: impl FnOnce(&mut Context<'_, Job>) + Send + 'static) -> Job {
    Job(Box::new(work))
}

/// An actor that does the work that it is sent.
fn doer() -> Props<Job> {
    Props::new(|| Behavior::receive(|ctx, Job(work)| work(ctx)))
}

/// An actor that does nothing.
fn idle() -> Props<u32> {
    Props::new(|| Behavior::receive(|_ctx, _: u32| ()))
}

/// Starts that many actors that do nothing.
fn many_idle(system: &ActorSystem, count: usize) -> Vec<ActorRef<u32>> {
    let started = system.spawn_all_anonymous((0..count).map(|_| idle()));
    let started = started.into_iter().map(|one| one.expect("it starts"));
    started.collect()
}

/// A message to an actor that stores the questions that it is asked.
enum Keeper {
    Keep(Reply<u32>),
    /// Answers the oldest question.
    Answer,
    /// Drops the oldest question.
    Drop,
    /// Hands the oldest question on.
    HandOn(ActorRef<Self>),
}

fn keeper() -> Props<Keeper> {
    Props::new(|| {
        let kept = std::collections::VecDeque::new();
        Behavior::with_state(kept, |kept, _ctx, message| match message {
            Keeper::Keep(reply) => kept.push_back(reply),
            Keeper::Answer => kept.pop_front().into_iter().for_each(|reply| reply.send(1)),
            Keeper::Drop => drop(kept.pop_front()),
            Keeper::HandOn(other) => {
                let handed = kept.pop_front().into_iter();
                handed.for_each(|reply: Reply<u32>| reply.forward(other, Keeper::Keep));
            }
        })
    })
}
