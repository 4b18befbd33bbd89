//! Actions: what a handler may do, and how often it does.

use std::fmt;

use crate::rng::Rng;

/// Something that a handler may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Action {
    Tell,
    Burst,
    TryTell,
    Send,
    SendTimeout,
    Ask,
    AskMany,
    AskShort,
    AskAndDrop,
    AskAndHold,
    AnswerKept,
    HandOn,
    Sleep,
    Yield,
    SpawnChild,
    SpawnAnonymous,
    SpawnTop,
    SpawnAgain,
    Lookup,
    StopSelf,
    StopChild,
    StopOther,
    TellStopped,
    Panic,
    Fail,
    Unhandled,
    NextStop,
    Become,
    LeaveOutside,
    EndPool,
}

impl Action {
    /// Its name among what was seen.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tell => "to tell",
            Self::Burst => "to burst",
            Self::TryTell => "to try tell",
            Self::Send => "to send",
            Self::SendTimeout => "to send timeout",
            Self::Ask => "to ask",
            Self::AskMany => "to ask many",
            Self::AskShort => "to ask short",
            Self::AskAndDrop => "to ask and drop",
            Self::AskAndHold => "to ask and hold",
            Self::AnswerKept => "to answer kept",
            Self::HandOn => "to hand on",
            Self::Sleep => "to sleep",
            Self::Yield => "to yield",
            Self::SpawnChild => "to spawn child",
            Self::SpawnAnonymous => "to spawn anonymous",
            Self::SpawnTop => "to spawn top",
            Self::SpawnAgain => "to spawn again",
            Self::Lookup => "to lookup",
            Self::StopSelf => "to stop self",
            Self::StopChild => "to stop child",
            Self::StopOther => "to stop other",
            Self::TellStopped => "to tell stopped",
            Self::Panic => "to panic",
            Self::Fail => "to fail",
            Self::Unhandled => "to unhandled",
            Self::NextStop => "to next stop",
            Self::Become => "to become",
            Self::LeaveOutside => "to leave outside",
            Self::EndPool => "to end pool",
        }
    }
}

impl Action {
    /// Whether somebody stops for it.
    const fn is_mortal(self) -> bool {
        matches!(
            self,
            Self::StopSelf
                | Self::StopChild
                | Self::StopOther
                | Self::Panic
                | Self::Fail
                | Self::NextStop
                | Self::Become
        )
    }
}

/// Every action, with its weight among the others where a plan favours none.
const ACTIONS: [(Action, u32); 30] = [
    (Action::Tell, 60),
    (Action::Burst, 8),
    (Action::TryTell, 16),
    (Action::Send, 10),
    (Action::SendTimeout, 6),
    (Action::Ask, 24),
    (Action::AskMany, 8),
    (Action::AskShort, 14),
    (Action::AskAndDrop, 6),
    (Action::AskAndHold, 6),
    (Action::AnswerKept, 10),
    (Action::HandOn, 6),
    (Action::Sleep, 14),
    (Action::Yield, 10),
    (Action::SpawnChild, 12),
    (Action::SpawnAnonymous, 8),
    (Action::SpawnTop, 6),
    (Action::SpawnAgain, 8),
    (Action::Lookup, 12),
    (Action::StopSelf, 3),
    (Action::StopChild, 6),
    (Action::StopOther, 5),
    (Action::TellStopped, 6),
    (Action::Panic, 3),
    (Action::Fail, 3),
    (Action::Unhandled, 4),
    (Action::NextStop, 3),
    (Action::Become, 8),
    (Action::LeaveOutside, 5),
    (Action::EndPool, 1),
];

/// How often each action is drawn.
#[derive(Clone, Debug)]
pub(crate) struct Weights([u32; ACTIONS.len()]);

impl Weights {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let left_out = rng.below(45);
        let mortality = *rng.pick(&[0, 1, 1, 2, 4]);
        Self(ACTIONS.map(|(action, usual)| {
            let usual = match action.is_mortal() {
                true => usual * mortality,
                false => usual * 2,
            };
            match rng.percent(left_out) {
                true => 0,
                false => usual << rng.below(3),
            }
        }))
    }

    /// Draws an action; where all are left out, the plainest.
    pub(crate) fn pick(&self, rng: &mut Rng) -> Action {
        let total: u32 = self.0.iter().sum();
        if total == 0 {
            return Action::Tell;
        }
        let mut drawn = rng.below(u64::from(total));
        for ((action, _), weight) in ACTIONS.iter().zip(self.0) {
            let weight = u64::from(weight);
            if drawn < weight {
                return *action;
            }
            drawn -= weight;
        }
        Action::Tell
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let favoured = ACTIONS.iter().zip(self.0);
        let list: Vec<String> = favoured
            .map(|((action, _), weight)| format!("{action:?} {weight}"))
            .collect();
        f.write_str(&list.join(", "))
    }
}
