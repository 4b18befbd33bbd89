//! Failures and restarts, as they happen.

use nexus_actors::failure::Failure;
use nexus_actors::observe::{ActorSupervised, Observer};
use nexus_actors::{ActorPath, Directive};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::view::FailureView;

/// How many are kept.
const KEPT: usize = 200;

/// The last 200 failures of a pool's actors, with what their supervisors decided, for the inspector to show.
///
/// It is an [`Observer`], which is given to the pool's builder, and to the inspector's as well. Clones share
/// the same failures. It is told of failures only, so it costs nothing while there are none.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors_inspector::{Feed, Inspector};
///
/// let feed = Feed::new();
/// let pool = WorkerPool::builder().observer(feed.clone()).start()?;
/// let inspector = Inspector::builder(&pool).address("127.0.0.1:0").feed(&feed).start()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Feed {
    failures: Arc<Mutex<VecDeque<Noted>>>,
}

struct Noted {
    at: Instant,
    path: ActorPath,
    text: String,
    decision: Option<Decision>,
}

struct Decision {
    directive: &'static str,
    delay: Duration,
    restarts: u64,
}

impl Feed {
    /// Creates a feed without failures.
    pub fn new() -> Self {
        Self::default()
    }

    fn note_failure(&self, path: ActorPath, text: String) {
        let mut failures = self.failures.lock();
        if failures.len() == KEPT {
            failures.pop_front();
        }
        failures.push_back(Noted {
            at: Instant::now(),
            path,
            text,
            decision: None,
        });
    }

    /// Notes what was decided about the last failure of that actor that nothing was decided about yet.
    fn note_decision(&self, path: &ActorPath, decision: Decision) {
        let mut failures = self.failures.lock();
        let open = |noted: &&mut Noted| noted.decision.is_none() && noted.path == *path;
        if let Some(noted) = failures.iter_mut().rev().find(open) {
            noted.decision = Some(decision);
        }
    }

    /// Returns them, oldest first, in the pool's time.
    pub(crate) fn failures(&self, uptime: Duration) -> Vec<FailureView> {
        let view = |noted: &Noted| FailureView {
            at_ms: as_ms(uptime.saturating_sub(noted.at.elapsed())),
            path: noted.path.to_string(),
            text: noted.text.clone(),
            directive: noted.decision.as_ref().map(|decision| decision.directive),
            delay_ms: noted.decision.as_ref().and_then(Decision::delay_ms),
            count: noted.decision.as_ref().and_then(Decision::count),
        };
        self.failures.lock().iter().map(view).collect()
    }
}

impl Decision {
    fn delay_ms(&self) -> Option<u64> {
        (!self.delay.is_zero()).then(|| as_ms(self.delay))
    }

    fn count(&self) -> Option<u64> {
        (self.directive == name(Directive::Restart)).then_some(self.restarts + 1)
    }
}

pub(crate) fn as_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

const fn name(directive: Directive) -> &'static str {
    match directive {
        Directive::Restart => "restart",
        Directive::Stop => "stop",
        Directive::Resume => "resume",
        Directive::Escalate => "escalate",
    }
}

impl Observer for Feed {
    fn failed(&self, failure: &Failure) {
        self.note_failure(failure.path.clone(), failure.cause.to_string());
    }

    fn supervised(&self, event: &ActorSupervised<'_>) {
        // Siblings that are restarted with it have not failed.
        if event.failure.actor == event.actor.id {
            let decision = Decision {
                directive: name(event.directive),
                delay: event.delay,
                restarts: event.restarts,
            };
            self.note_decision(&event.failure.path, decision);
        }
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failures = self.failures.lock().len();
        f.debug_struct("Feed").field("failures", &failures).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept_with_what_was_decided() {
        let feed = Feed::new();
        let path = ActorPath::user().child("flaky").unwrap();
        for number in 0..KEPT + 3 {
            feed.note_failure(path.clone(), format!("failure {number}"));
        }
        let other = ActorPath::user().child("other").unwrap();
        let decision = || Decision {
            directive: "restart",
            delay: Duration::from_millis(20),
            restarts: 6,
        };
        feed.note_decision(&other, decision());
        feed.note_decision(&path, decision());
        let failures = feed.failures(Duration::from_secs(60));
        assert_eq!(failures.len(), KEPT);
        assert_eq!(failures[0].text, "failure 3");
        assert_eq!(failures[0].directive, None);
        let last = failures.last().unwrap();
        assert_eq!(last.text, "failure 202");
        assert_eq!(
            (last.directive, last.delay_ms, last.count),
            (Some("restart"), Some(20), Some(7))
        );
        // Another decision is about another failure.
        feed.note_decision(
            &path,
            Decision {
                directive: "stop",
                ..decision()
            },
        );
        let failures = feed.failures(Duration::from_secs(60));
        assert_eq!(failures[KEPT - 1].directive, Some("restart"));
        assert_eq!(failures[KEPT - 2].directive, Some("stop"));
    }
}
