//! The kinds of choices that the seed of a simulation makes.

use std::fmt;

/// Declares the kinds, their list and their names from one table, so that none can lack one of them.
macro_rules! choices {
    ($($(#[$doc:meta])+ $choice:ident: $name:literal,)+) => {
        /// A kind of choice that the seed makes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Choice {
            $($(#[$doc])+ $choice,)+
        }

        impl Choice {
            /// All kinds of choices.
            pub const ALL: &'static [Self] = &[$(Self::$choice),+];

            /// The name, as it appears in instructions to repeat a simulation.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$choice => $name,)+
                }
            }
        }
    };
}

choices! {
    /// Which actor of a worker runs next, and how many run before the worker polls its mail and its
    /// timers again.
    Actors: "actors",
    /// How long a round of a worker takes, and so which worker comes next.
    Pace: "pace",
    /// How long messages between workers, and from outside, are in flight. Messages from one sender
    /// to one worker keep their order.
    Latency: "latency",
    /// Now and then a worker stalls for a long time, as a thread does when the operating system has
    /// descheduled it.
    Stalls: "stalls",
    /// Now and then a worker wakes up with nothing to do.
    WakeUps: "wake-ups",
}

impl Choice {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The kinds of choices that are left to the seed. All others are made in order: workers and actors
/// take turns, and neither work nor messages take any time.
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
    /// All kinds.
    pub const ALL: Self = Self((1 << Choice::ALL.len()) - 1);
    /// No kind: the simulation is the same for every seed.
    pub const NONE: Self = Self(0);

    /// These and one more kind.
    #[must_use]
    pub const fn with(self, choice: Choice) -> Self {
        Self(self.0 | choice.bit())
    }

    /// These without one kind.
    #[must_use]
    pub const fn without(self, choice: Choice) -> Self {
        Self(self.0 & !choice.bit())
    }

    /// Whether a kind is included.
    pub const fn contains(self, choice: Choice) -> bool {
        self.0 & choice.bit() != 0
    }
}

impl Default for Choices {
    fn default() -> Self {
        Self::ALL
    }
}
