//! Plans: what a seed decides before anything runs.
//!
//! Most of a run is decided later: each message carries a seed of its own, from which its handler
//! draws what it does. A plan says how large the system is, which actors begin, which actions are
//! favoured and which are left out, and how the run ends. Leaving some out lets the others meet in
//! ways that would hardly occur if there were always a little of everything (Groce et al., "Swarm
//! Testing", ISSTA 2012).

use nexus_actors::sim::{Choice, Choices};
use std::fmt;
use std::time::Duration;

use crate::action::Weights;
use crate::features::{Feature, Features};
use crate::rng::Rng;

/// The size of the messages of a run. One run has one message type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    /// A hundred bytes more.
    Medium,
    /// Four hundred bytes more: too large to be stored inline in a batch.
    Large,
}

/// How a top-level actor is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    ByRing,
    On(usize),
    /// Near the first actor, if there is one.
    NearFirst,
    /// Under a generated name.
    Anonymous,
}

/// A top-level actor that exists from the beginning.
#[derive(Clone, Debug)]
pub(crate) struct First {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) seed: u64,
}

/// A thread outside the pool.
#[derive(Clone, Debug)]
pub(crate) struct Foreigner {
    pub(crate) after: Duration,
    pub(crate) acts: u64,
    pub(crate) seed: u64,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// When nothing is left to do, with all the time it needs.
    Quiet,
    /// In the middle, with all the time it needs.
    InTime { after: Duration },
    /// In the middle, by force after a while.
    Forced { after: Duration, within: Duration },
}

/// A fault that is certain to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    Stall {
        worker: usize,
        at: Duration,
        length: Duration,
    },
    ClockJump {
        at: Duration,
        by: Duration,
    },
}

/// A fault at one of an actor's handlings, which happens if the actor gets that far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) path: String,
    pub(crate) handling: u64,
    /// Whether the actor is killed; otherwise it panics.
    pub(crate) kills: bool,
}

/// What a seed decides before anything runs.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    pub(crate) size: Size,
    pub(crate) weights: Weights,
    pub(crate) features: Features,
    pub(crate) actors: Vec<First>,
    /// How many messages open the run, and for how many generations they set off others.
    pub(crate) openings: u64,
    pub(crate) fuel: u8,
    /// How many messages are sent in all, approximately.
    pub(crate) budget: i64,
    /// The percentage of starts that do something odd, approximately.
    pub(crate) odd_starts: u64,
    /// The percentage of questions that are not answered at once, approximately.
    pub(crate) slow_answers: u64,
    pub(crate) foreigners: Vec<Foreigner>,
    pub(crate) mishaps: Vec<Mishap>,
    pub(crate) strikes: Vec<Strike>,
    /// Whether the callbacks for dead letters and failures send messages.
    pub(crate) meddling: bool,
    /// Whether the simulation is driven in various ways, and not only step by step.
    pub(crate) in_leaps: bool,
    /// How many actors every worker's `configure` spawns.
    pub(crate) configured: u64,
    pub(crate) latency: Duration,
    /// What is left to chance in a simulation.
    pub(crate) choices: Choices,
    pub(crate) end: End,
}

fn micros(rng: &mut Rng, least: u64, most: u64) -> Duration {
    Duration::from_micros(rng.between(least, most))
}

impl Plan {
    /// The plan of a seed, for a simulation.
    pub fn simulated(seed: u64) -> Self {
        Self::draw(seed, 4).widened()
    }

    /// The plan of a seed, for a pool of threads.
    pub fn parallel(seed: u64) -> Self {
        let plan = Self::draw(seed, 8).widened();
        Self {
            // Threads need more work for events to meet.
            budget: plan.budget * 4,
            openings: plan.openings * 2,
            mishaps: Vec::new(),
            strikes: Vec::new(),
            ..plan
        }
    }

    /// Adds features. They are drawn separately, so that everything else is as in a narrow plan.
    fn widened(self) -> Self {
        let features = Features::draw(&mut Rng::new(self.seed ^ 0xfea7), self.end);
        self.with_features(features)
    }

    /// Returns this plan with these features and no others. Without features it is as it was before
    /// there were any.
    #[must_use]
    pub fn with_features(mut self, features: Features) -> Self {
        self.features = features;
        let keeps = [
            Feature::Timers,
            Feature::Stash,
            Feature::Timeouts,
            Feature::Signals,
        ];
        if keeps.into_iter().any(|feature| features.has(feature)) {
            // A fault that hits a stashed message takes one that no oracle sees.
            self.strikes.retain(|strike| strike.kills);
        }
        let rng = &mut Rng::new(self.seed ^ 0xac7);
        self.weights.widen(rng, features);
        self
    }

    /// The seed that the plan follows from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    fn draw(seed: u64, most_workers: u64) -> Self {
        let mut rng = Rng::new(seed);
        let rng = &mut rng;
        let workers = 1 + rng.index(usize::try_from(most_workers).expect("it is small"));
        let end = draw_end(rng);
        Self {
            seed,
            workers,
            size: *rng.pick(&[Size::Small, Size::Small, Size::Medium, Size::Large]),
            weights: Weights::draw(rng),
            features: Features::default(),
            actors: draw_actors(rng, workers),
            openings: rng.between(2, 20),
            fuel: u8::try_from(rng.between(3, 12)).expect("it is small"),
            budget: i64::try_from(rng.between(60, 600)).expect("it is small"),
            odd_starts: *rng.pick(&[0, 10, 30, 60]),
            slow_answers: *rng.pick(&[0, 20, 40, 80]),
            foreigners: draw_foreigners(rng),
            mishaps: draw_mishaps(rng, workers, end),
            strikes: draw_strikes(rng),
            meddling: rng.percent(25),
            in_leaps: rng.percent(20),
            latency: *rng.pick(&[0, 5, 50, 50, 500].map(Duration::from_micros)),
            choices: draw_choices(rng),
            configured: rng.below(10).saturating_sub(7),
            end,
        }
    }
}

fn draw_actors(rng: &mut Rng, workers: usize) -> Vec<First> {
    let count = rng.between(1, 12);
    let draw = |number| First {
        name: format!("top-{number}"),
        place: match rng.below(8) {
            0..4 => Place::ByRing,
            4..6 => Place::On(rng.index(workers)),
            6 => Place::NearFirst,
            _ => Place::Anonymous,
        },
        seed: rng.next(),
    };
    (0..count).map(draw).collect()
}

fn draw_strikes(rng: &mut Rng) -> Vec<Strike> {
    let count = rng.below(8).saturating_sub(5);
    let draw = |_| Strike {
        path: format!("/user/top-{}", rng.below(4)),
        handling: rng.between(1, 12),
        kills: rng.percent(60),
    };
    (0..count).map(draw).collect()
}

/// Draws mostly all kinds, as more can happen then.
fn draw_choices(rng: &mut Rng) -> Choices {
    if rng.percent(3) {
        return Choices::NONE;
    }
    let left_out = Choice::ALL.iter().copied().filter(|_| rng.percent(8));
    left_out.fold(Choices::ALL, Choices::without)
}

fn draw_foreigners(rng: &mut Rng) -> Vec<Foreigner> {
    let count = rng.below(5);
    let draw = |_| Foreigner {
        after: micros(rng, 1, 3_000),
        acts: rng.between(1, 12),
        seed: rng.next(),
    };
    (0..count).map(draw).collect()
}

fn draw_end(rng: &mut Rng) -> End {
    let after = micros(rng, 1, 4_000);
    match rng.below(10) {
        0..5 => End::Quiet,
        5..8 => End::InTime { after },
        _ => End::Forced {
            after,
            within: match rng.below(3) {
                0 => Duration::ZERO,
                1 => micros(rng, 1, 100),
                _ => micros(rng, 100, 3_000),
            },
        },
    }
}

/// Draws mishaps. Only runs that continue until nothing is left to do are certain to meet them.
fn draw_mishaps(rng: &mut Rng, workers: usize, end: End) -> Vec<Mishap> {
    if end != End::Quiet || rng.percent(70) {
        return Vec::new();
    }
    let count = rng.between(1, 3);
    let draw = |_| match rng.below(3) {
        0 => Mishap::ClockJump {
            at: micros(rng, 1, 3_000),
            by: micros(rng, 1, 5_000_000),
        },
        _ => Mishap::Stall {
            worker: rng.index(workers),
            at: micros(rng, 1, 3_000),
            length: micros(rng, 10, 5_000),
        },
    };
    (0..count).map(draw).collect()
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            workers,
            size,
            weights,
            features,
            actors,
            openings,
            fuel,
            budget,
            odd_starts,
            slow_answers,
            foreigners,
            mishaps,
            strikes,
            meddling,
            in_leaps,
            configured,
            latency,
            choices,
            end,
        } = self;
        writeln!(f, "seed {seed}: {workers} workers, {size:?} messages")?;
        writeln!(
            f,
            "  {openings} messages with fuel {fuel} begin, about {budget} are sent"
        )?;
        writeln!(
            f,
            "  {odd_starts}% of the starts are odd, {slow_answers}% of the answers slow, latency \
             up to {latency:?}"
        )?;
        for First { name, place, seed } in actors {
            writeln!(f, "  actor {name}, {place:?}, seed {seed:x}")?;
        }
        for Foreigner { after, acts, seed } in foreigners {
            writeln!(
                f,
                "  from outside, after {after:?}: {acts} acts, seed {seed:x}"
            )?;
        }
        for mishap in mishaps {
            writeln!(f, "  {mishap:?}")?;
        }
        for strike in strikes {
            writeln!(f, "  {strike:?}")?;
        }
        writeln!(
            f,
            "  meddling: {meddling}, in leaps: {in_leaps}, {configured} actors configured"
        )?;
        writeln!(f, "  features: {features}")?;
        writeln!(f, "  {weights}")?;
        let chosen = Choice::ALL
            .iter()
            .filter(|choice| choices.contains(**choice));
        let list: Vec<String> = chosen.map(|choice| choice.to_string()).collect();
        writeln!(f, "  left to chance: {}", list.join(", "))?;
        writeln!(f, "  ends {end:?}")
    }
}
