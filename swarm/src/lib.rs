//! The swarm: generated systems of actors that search the runtime for bugs, under every oracle
//! there is.
//!
//! A [`Plan`] follows from a seed. [`simulated`] runs it on one thread, on a simulated clock, so
//! that a seed gives the same run every time; [`parallel`] runs the same plans on real threads. The
//! actors check themselves and each other with the [`oracles`]. [`mutants`] shows that all of this
//! can find something: it plants bugs in the runtime, one at a time, and lets the swarm search for
//! them.

mod action;
mod features;
mod foreign;
mod groups;
mod helpers;
mod member;
mod note;
mod plan;
mod record;
mod rng;
mod routers;
mod run;
mod sender;
mod supervision;
mod topics;
mod world;

pub mod corpus;
pub mod mutants;
pub mod oracles;
pub mod parallel;
pub mod simulated;

pub use self::features::Features;
pub use self::plan::Plan;
pub use self::run::Outcome;

/// The message of a simulation that is dropped before all of its faults have happened.
const UNFIRED: &str = "faults that never happened";

/// Silences planned panics: there are thousands of them.
pub fn silence_planned_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let text = info.payload().downcast_ref::<String>();
            let planned =
                |text: &String| oracles::Failures::is_planned(text) || text.starts_with(UNFIRED);
            if !text.is_some_and(planned) {
                loud(info);
            }
        }));
    });
}
