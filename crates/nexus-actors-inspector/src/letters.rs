//! Dead letters on their way to the viewers: a few of each second, and the number of the others.

use parking_lot::Mutex;
use serde::Serialize;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

use crate::view::LetterView;

/// How many of a second are passed on.
pub(crate) const A_SECOND: usize = 50;
const SECOND: Duration = Duration::from_secs(1);

/// A dead letter, or how many were left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum LetterEvent {
    Letter(LetterView),
    Omitted { omitted: u64 },
}

#[derive(Default)]
pub(crate) struct LetterQueue {
    state: Mutex<State>,
    came: Notify,
}

#[derive(Default)]
struct State {
    queue: Vec<LetterEvent>,
    /// When the second began that is counted, and what was queued in it.
    second: Option<Instant>,
    queued: usize,
    omitted: u64,
}

impl State {
    /// Begins another second if the last one is over.
    fn turn(&mut self, now: Instant) {
        if self
            .second
            .is_some_and(|began| now.duration_since(began) < SECOND)
        {
            return;
        }
        self.second = Some(now);
        self.queued = 0;
        if self.omitted > 0 {
            let omitted = std::mem::take(&mut self.omitted);
            self.queue.push(LetterEvent::Omitted { omitted });
        }
    }
}

impl LetterQueue {
    /// Called on the thread that lost the message. What is left out is not even looked at.
    pub(crate) fn push(&self, now: Instant, letter: impl FnOnce() -> LetterView) {
        let mut state = self.state.lock();
        state.turn(now);
        if state.queued == A_SECOND {
            state.omitted += 1;
        } else {
            state.queued += 1;
            state.queue.push(LetterEvent::Letter(letter()));
        }
        drop(state);
        self.came.notify_one();
    }

    /// Returns what is to be sent, and when to ask again if that is not with the next dead letter.
    pub(crate) fn take(&self, now: Instant) -> (Vec<LetterEvent>, Option<Instant>) {
        let mut state = self.state.lock();
        if state.omitted > 0 {
            state.turn(now);
        }
        let again = (state.omitted > 0).then(|| state.second.unwrap_or(now) + SECOND);
        (std::mem::take(&mut state.queue), again)
    }

    /// Waits for the next dead letter, at most until then.
    pub(crate) async fn wait(&self, until: Option<Instant>) {
        match until {
            None => self.came.notified().await,
            Some(until) => {
                let _ = tokio::time::timeout_at(until.into(), self.came.notified()).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> LetterView {
        LetterView::default()
    }

    #[test]
    fn fifty_of_a_second_are_passed_on_and_the_others_counted() {
        let queue = LetterQueue::default();
        let start = Instant::now();
        for _ in 0..A_SECOND + 12 {
            queue.push(start, letter);
        }
        let (events, again) = queue.take(start + SECOND / 2);
        assert_eq!(events.len(), A_SECOND);
        assert_eq!(
            again,
            Some(start + SECOND),
            "the others are told of when the second is over"
        );
        let (events, again) = queue.take(start + SECOND);
        assert_eq!(events, [LetterEvent::Omitted { omitted: 12 }]);
        assert_eq!(again, None);
        queue.push(start + SECOND, letter);
        assert_eq!(
            queue.take(start + SECOND).0.len(),
            1,
            "another second, other letters"
        );
    }

    #[test]
    fn what_is_left_out_is_not_looked_at() {
        let queue = LetterQueue::default();
        let start = Instant::now();
        for _ in 0..A_SECOND {
            queue.push(start, letter);
        }
        queue.push(start, || unreachable!("it is left out"));
    }

    #[test]
    fn the_number_of_those_left_out_comes_before_the_letters_of_the_next_second() {
        let queue = LetterQueue::default();
        let start = Instant::now();
        for _ in 0..=A_SECOND {
            queue.push(start, letter);
        }
        queue.push(start + SECOND, letter);
        let (events, _) = queue.take(start + SECOND);
        assert_eq!(events[A_SECOND], LetterEvent::Omitted { omitted: 1 });
        assert_eq!(events.len(), A_SECOND + 2);
    }

    #[test]
    fn the_json_is_that_of_a_letter_or_of_a_number() {
        let json = |event: LetterEvent| serde_json::to_value(event).unwrap();
        assert_eq!(
            json(LetterEvent::Omitted { omitted: 3 }),
            serde_json::json!({"omitted": 3})
        );
        let letter = json(LetterEvent::Letter(letter()));
        assert_eq!(letter["sender"], serde_json::Value::Null);
        assert_eq!(letter["reason"], "");
    }
}
