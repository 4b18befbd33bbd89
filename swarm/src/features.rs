//! Features: the parts of the library that a run uses, besides messages, asks, starts and stops.

use std::fmt;

use crate::plan::End;
use crate::rng::Rng;

/// A part of the library that a run can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    Kills,
    Suspensions,
    Watches,
    Supervision,
    Bounds,
    Timers,
    Stash,
    Tasks,
    Passivation,
    Topics,
    Groups,
    Routers,
    Timeouts,
    Lines,
    Signals,
}

/// All of them. New ones come last, so that what is drawn for the others does not change.
const ALL: [(Feature, &str); 15] = [
    (Feature::Kills, "kills"),
    (Feature::Suspensions, "suspensions"),
    (Feature::Watches, "watches"),
    (Feature::Supervision, "supervision"),
    (Feature::Bounds, "bounds"),
    (Feature::Timers, "timers"),
    (Feature::Stash, "stash"),
    (Feature::Tasks, "tasks"),
    (Feature::Passivation, "passivation"),
    (Feature::Topics, "topics"),
    (Feature::Groups, "groups"),
    (Feature::Routers, "routers"),
    (Feature::Timeouts, "timeouts"),
    (Feature::Lines, "lines"),
    (Feature::Signals, "signals"),
];

/// The parts that are used. Without any, a plan is narrow.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Features(u32);

impl Features {
    /// Draws a few each time, so that they meet in all combinations and none always hinders the
    /// others.
    pub(crate) fn draw(rng: &mut Rng, end: End) -> Self {
        if rng.percent(15) {
            return Self::default();
        }
        let drawn = ALL.iter().map(|(feature, _)| *feature);
        let drawn = drawn.filter(|_| rng.percent(45));
        // A suspended actor takes no part in an orderly end.
        let orderly = matches!(end, End::InTime { .. });
        let fit = |feature: &Feature| !(orderly && *feature == Feature::Suspensions);
        drawn.filter(fit).fold(Self::default(), Self::with)
    }

    fn with(self, feature: Feature) -> Self {
        // Without bounds no sender waits in a queue.
        let bounds = match feature {
            Feature::Lines => 1 << Feature::Bounds as u32,
            _ => 0,
        };
        Self(self.0 | 1 << feature as u32 | bounds)
    }

    /// Whether that part is used.
    pub(crate) const fn has(self, feature: Feature) -> bool {
        self.0 & (1 << feature as u32) != 0
    }

    /// The features with these names.
    ///
    /// # Errors
    ///
    /// The first name that is not a feature.
    pub fn named<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        names.into_iter().try_fold(Self::default(), |some, name| {
            match ALL.iter().find(|(_, known)| *known == name) {
                Some((feature, _)) => Ok(some.with(*feature)),
                None => Err(name.to_owned()),
            }
        })
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = ALL.iter().filter(|(feature, _)| self.has(*feature));
        let names: Vec<&str> = used.map(|(_, name)| *name).collect();
        f.write_str(&names.join(","))
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Features({self})")
    }
}
