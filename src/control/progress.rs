//! How an ask ends: the first terminal event wins.

/// The state of an ask, as one of its sides sees it. `E` says why there is no reply.
///
/// All states except [`Waiting`](Self::Waiting) are terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Progress<E> {
    /// Nothing has ended the ask yet.
    #[default]
    Waiting,
    /// A reply ended it.
    Replied,
    /// It became certain that no reply can come.
    Failed(E),
    /// It was cancelled.
    Cancelled,
    /// Its time ran out.
    TimedOut,
}

/// What can end an ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event<E> {
    /// A reply.
    Reply,
    /// Notice that no reply can come.
    Failure(E),
    /// The ask is cancelled.
    Cancel,
    /// Its time has run out.
    Deadline,
}

/// What an [`Event`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "whoever is told that the ask ends now is the only one to be told"]
pub enum Transition<E> {
    /// The ask ends now, in this state.
    Ends(Progress<E>),
    /// No effect: the ask had ended before. The late reply is unwanted, and to be counted.
    LateReply,
    /// No effect: the ask had ended before.
    Late,
}

impl<E: Copy> Progress<E> {
    /// What an event does to an ask in this state.
    ///
    /// | state     | `Reply`     | `Failure(e)`      | `Cancel`         | `Deadline`      |
    /// |-----------|-------------|-------------------|------------------|-----------------|
    /// | `Waiting` | → `Replied` | → `Failed(e)`     | → `Cancelled`    | → `TimedOut`    |
    /// | any other | late reply  | late              | late             | late            |
    ///
    /// The function is `const`; for an event known at the call site, one comparison with
    /// [`Waiting`](Self::Waiting) is left of it.
    ///
    /// ```
    /// use nexus_actors::control::{Event, Progress, Transition};
    ///
    /// let progress = Progress::<()>::Waiting;
    /// let Transition::Ends(progress) = progress.on(Event::Deadline) else {
    ///     unreachable!("nothing has ended it before");
    /// };
    /// assert_eq!(progress, Progress::TimedOut);
    /// assert_eq!(progress.on(Event::Reply), Transition::LateReply);
    /// ```
    #[inline]
    pub const fn on(self, event: Event<E>) -> Transition<E> {
        match (self, event) {
            (Self::Waiting, Event::Reply) => Transition::Ends(Self::Replied),
            (Self::Waiting, Event::Failure(why)) => Transition::Ends(Self::Failed(why)),
            (Self::Waiting, Event::Cancel) => Transition::Ends(Self::Cancelled),
            (Self::Waiting, Event::Deadline) => Transition::Ends(Self::TimedOut),
            (_, Event::Reply) => Transition::LateReply,
            (_, Event::Failure(_) | Event::Cancel | Event::Deadline) => Transition::Late,
        }
    }

    /// Whether the ask has ended.
    #[inline]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Waiting)
    }
}

// It folds for events known at compile time, and a state fits in a byte.
const _: () = {
    assert!(matches!(
        Progress::<bool>::Waiting.on(Event::Reply),
        Transition::Ends(Progress::Replied)
    ));
    assert!(size_of::<Option<Progress<bool>>>() == 1);
};

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [Progress<u8>; 5] = [
        Progress::Waiting,
        Progress::Replied,
        Progress::Failed(1),
        Progress::Cancelled,
        Progress::TimedOut,
    ];
    const EVENTS: [Event<u8>; 4] = [
        Event::Reply,
        Event::Failure(2),
        Event::Cancel,
        Event::Deadline,
    ];

    #[test]
    fn s5_7_the_first_terminal_event_wins_and_late_replies_are_told_apart() {
        let ends = [
            Progress::Replied,
            Progress::Failed(2),
            Progress::Cancelled,
            Progress::TimedOut,
        ];
        assert_eq!(
            EVENTS.map(|event| Progress::Waiting.on(event)),
            ends.map(Transition::Ends)
        );
        for state in &STATES[1..] {
            assert!(state.is_terminal());
            assert_eq!(
                EVENTS.map(|event| state.on(event)),
                [
                    Transition::LateReply,
                    Transition::Late,
                    Transition::Late,
                    Transition::Late
                ]
            );
        }
        assert!(!STATES[0].is_terminal());
    }
}
