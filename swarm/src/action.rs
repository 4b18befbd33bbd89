//! Actions: what a handler can do, and how often it does it.

use std::fmt;

use crate::features::{Feature, Features};
use crate::rng::Rng;

/// Something that a handler can do.
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
    Kill,
    KillChild,
    Suspend,
    Resume,
    Watch,
    Unwatch,
    StartTimer,
    CancelTimer,
    Unstash,
    SpawnTask,
    WaitForTask,
    CancelTask,
    Passivate,
    NextPassivate,
    Subscribe,
    Unsubscribe,
    Publish,
    StopTopic,
    Join,
    Leave,
    AskGroup,
    StopGroup,
    SpawnRouter,
    Route,
    AskRouter,
    Scatter,
    Resize,
    StopRouter,
    SetTimeout,
    CancelTimeout,
    Crowd,
    Beat,
    Flood,
}

impl Action {
    /// The name under which it is counted.
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
            Self::Kill => "to kill",
            Self::KillChild => "to kill child",
            Self::Suspend => "to suspend",
            Self::Resume => "to resume",
            Self::Watch => "to watch",
            Self::Unwatch => "to unwatch",
            Self::StartTimer => "to start timer",
            Self::CancelTimer => "to cancel timer",
            Self::Unstash => "to unstash",
            Self::SpawnTask => "to spawn task",
            Self::WaitForTask => "to wait for task",
            Self::CancelTask => "to cancel task",
            Self::Passivate => "to passivate",
            Self::NextPassivate => "to next passivate",
            Self::Subscribe => "to subscribe",
            Self::Unsubscribe => "to unsubscribe",
            Self::Publish => "to publish",
            Self::StopTopic => "to stop topic",
            Self::Join => "to join",
            Self::Leave => "to leave",
            Self::AskGroup => "to ask group",
            Self::StopGroup => "to stop group",
            Self::SpawnRouter => "to spawn router",
            Self::Route => "to route",
            Self::AskRouter => "to ask router",
            Self::Scatter => "to scatter",
            Self::Resize => "to resize",
            Self::StopRouter => "to stop router",
            Self::SetTimeout => "to set timeout",
            Self::CancelTimeout => "to cancel timeout",
            Self::Crowd => "to crowd",
            Self::Beat => "to beat",
            Self::Flood => "to flood",
        }
    }
}

impl Action {
    /// Whether it makes an actor stop.
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
                | Self::Kill
                | Self::KillChild
        )
    }
}

impl Action {
    /// Whether it is one of the actions that these features need.
    const fn is_among(self, features: Features) -> bool {
        match self {
            Self::Kill | Self::KillChild => features.has(Feature::Kills),
            Self::Suspend | Self::Resume => features.has(Feature::Suspensions),
            Self::Watch | Self::Unwatch => features.has(Feature::Watches),
            Self::StartTimer | Self::CancelTimer => features.has(Feature::Timers),
            Self::Unstash => features.has(Feature::Stash),
            Self::SpawnTask | Self::WaitForTask | Self::CancelTask => features.has(Feature::Tasks),
            Self::Passivate | Self::NextPassivate => features.has(Feature::Passivation),
            Self::Subscribe | Self::Unsubscribe | Self::Publish | Self::StopTopic => {
                features.has(Feature::Topics)
            }
            Self::Join | Self::Leave | Self::AskGroup | Self::StopGroup => {
                features.has(Feature::Groups)
            }
            Self::SpawnRouter
            | Self::Route
            | Self::AskRouter
            | Self::Scatter
            | Self::Resize
            | Self::StopRouter
            | Self::Flood => features.has(Feature::Routers),
            Self::SetTimeout | Self::CancelTimeout | Self::Beat => features.has(Feature::Timeouts),
            Self::Crowd => features.has(Feature::Lines),
            _ => true,
        }
    }
}

/// The number of actions that existed before [`Features`]. Their weights are drawn separately, so
/// that a narrow plan stays what it was.
const PLAIN: usize = 30;

/// Every action, with its weight among the others in a plan that favours none.
const ACTIONS: [(Action, u32); 63] = [
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
    (Action::Kill, 3),
    (Action::KillChild, 3),
    (Action::Suspend, 6),
    (Action::Resume, 12),
    (Action::Watch, 20),
    (Action::Unwatch, 8),
    (Action::StartTimer, 16),
    (Action::CancelTimer, 8),
    (Action::Unstash, 16),
    (Action::SpawnTask, 20),
    (Action::WaitForTask, 8),
    (Action::CancelTask, 6),
    (Action::Passivate, 8),
    (Action::NextPassivate, 8),
    (Action::Subscribe, 14),
    (Action::Unsubscribe, 6),
    (Action::Publish, 20),
    (Action::StopTopic, 1),
    (Action::Join, 14),
    (Action::Leave, 6),
    (Action::AskGroup, 14),
    (Action::StopGroup, 1),
    (Action::SpawnRouter, 6),
    (Action::Route, 40),
    (Action::AskRouter, 8),
    (Action::Scatter, 6),
    (Action::Resize, 4),
    (Action::StopRouter, 1),
    (Action::SetTimeout, 16),
    (Action::CancelTimeout, 6),
    (Action::Crowd, 40),
    (Action::Beat, 16),
    (Action::Flood, 40),
];

fn numbers() -> [usize; ACTIONS.len()] {
    std::array::from_fn(|number| number)
}

fn draw_weight(rng: &mut Rng, action: Action, usual: u32, left_out: u64, mortality: u32) -> u32 {
    let usual = match action.is_mortal() {
        true => usual * mortality,
        false => usual * 2,
    };
    match rng.percent(left_out) {
        true => 0,
        false => usual << rng.below(3),
    }
}

/// How often each action is drawn.
#[derive(Clone, Debug)]
pub(crate) struct Weights([u32; ACTIONS.len()]);

impl Weights {
    /// Draws the weights of the plain actions.
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let (left_out, mortality) = Self::draw_tendency(rng);
        let weigh = |number: usize| match ACTIONS.get(number) {
            Some((action, usual)) if number < PLAIN => {
                draw_weight(rng, *action, *usual, left_out, mortality)
            }
            _ => 0,
        };
        Self(numbers().map(weigh))
    }

    /// Adds the weights of the actions that these features need.
    pub(crate) fn widen(&mut self, rng: &mut Rng, features: Features) {
        let (left_out, mortality) = Self::draw_tendency(rng);
        for (number, (action, usual)) in ACTIONS.iter().enumerate().skip(PLAIN) {
            let weight = draw_weight(rng, *action, *usual, left_out, mortality);
            self.0[number] = if action.is_among(features) { weight } else { 0 };
        }
    }

    /// Draws how many actions of a hundred are left out, and how often an action makes an actor
    /// stop.
    fn draw_tendency(rng: &mut Rng) -> (u64, u32) {
        let left_out = rng.below(45);
        (left_out, *rng.pick(&[0, 1, 1, 2, 4]))
    }

    /// Draws an action; the plainest if all are left out.
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
