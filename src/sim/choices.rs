//! What the seed of a simulation decides, kind by kind.

use std::fmt;

/// A kind of choice that the seed makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// Which actor of a worker has its turn next, and how many have one before the worker looks at
    /// its mail and its timers again.
    Actors,
    /// How long a worker takes for a round, and so which worker comes next.
    Pace,
    /// How long messages between workers, and from outside, are under way. What one sender sends
    /// to one worker keeps its order.
    Latency,
    /// Now and then a worker stands still for long, as a thread does that the operating system has
    /// put aside.
    Stalls,
    /// Now and then a worker wakes up although there is nothing to do.
    WakeUps,
}

impl Choice {
    /// Every kind there is.
    pub const ALL: [Self; 5] = [
        Self::Actors,
        Self::Pace,
        Self::Latency,
        Self::Stalls,
        Self::WakeUps,
    ];

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Its name, as it stands in instructions to run a simulation again.
    pub fn name(self) -> &'static str {
        match self {
            Self::Actors => "actors",
            Self::Pace => "pace",
            Self::Latency => "latency",
            Self::Stalls => "stalls",
            Self::WakeUps => "wake-ups",
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The kinds of choice that are left to the seed. What is not left to it is orderly: workers and
/// actors have their turns one after the other, and neither work nor messages take any time.
///
/// ```
/// use nexus_actors::sim::{Choice, Choices};
///
/// let choices = Choices::ALL.without(Choice::Stalls);
/// assert!(choices.contains(Choice::Latency) && !choices.contains(Choice::Stalls));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choices(u8);

impl Choices {
    /// All of them.
    pub const ALL: Self = Self((1 << Choice::ALL.len()) - 1);
    /// None: the simulation is the same for every seed.
    pub const NONE: Self = Self(0);

    /// These, and that kind.
    #[must_use]
    pub const fn with(self, choice: Choice) -> Self {
        Self(self.0 | choice.bit())
    }

    /// These, but for that kind.
    #[must_use]
    pub const fn without(self, choice: Choice) -> Self {
        Self(self.0 & !choice.bit())
    }

    /// Whether that kind is among them.
    pub const fn contains(self, choice: Choice) -> bool {
        self.0 & choice.bit() != 0
    }
}

impl Default for Choices {
    fn default() -> Self {
        Self::ALL
    }
}
