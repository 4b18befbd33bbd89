//! A probe for dead letters: what was lost since the test began to watch.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::watched::Observable;
use crate::address::{ActorId, message_name};
use crate::ask::Deadline;
use crate::failure::{DeadLetter, DeadLetterReason, DeadLetters, Subscription};
use crate::pool::WorkerNode;

/// Watches the dead letters of a pool from the moment the probe is made.
///
/// The methods without a time check what is there: in a simulation, after it has run; with threads,
/// after something that is known to come later, such as an answer of the same actor or the end of
/// the pool. Those with a time wait as a [`Probe`](super::Probe) does. A letter that was expected
/// once still counts.
///
/// Messages that a [subscriber](DeadLetters::subscribe) loses itself are reported to no subscriber,
/// and so are not seen here.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::DeadLetterReason;
/// use nexus_actors::testkit::DeadLetterProbe;
/// use std::time::Duration;
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let letters = DeadLetterProbe::new(&pool.node());
/// let mute = pool.spawn("mute", Props::new(|| {
///     Behavior::receive(|_ctx, _question: u32| Next::Unhandled)
/// }))?;
/// letters.expect_none();
/// mute.tell(42);
/// letters.expect_within(DeadLetterReason::Unhandled, 1, Duration::from_secs(5));
/// letters.expect_type::<u32>(1);
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DeadLetterProbe {
    seen: Observable<SeenLetters>,
    /// An actor id in the pool, for a thread that drives it.
    pool: ActorId,
    _subscription: Subscription,
}

/// What was lost.
#[derive(Default)]
struct SeenLetters {
    /// Oldest first.
    letters: Vec<DeadLetter>,
    by_reason: HashMap<DeadLetterReason, usize>,
    /// By the type of the messages.
    by_type: HashMap<&'static str, usize>,
}

impl SeenLetters {
    fn add(&mut self, letter: DeadLetter) {
        *self.by_reason.entry(letter.reason).or_default() += 1;
        *self.by_type.entry(letter.message_type).or_default() += 1;
        self.letters.push(letter);
    }

    fn because(&self, reason: DeadLetterReason) -> usize {
        self.by_reason.get(&reason).copied().unwrap_or(0)
    }

    fn of_type(&self, name: &str) -> usize {
        self.by_type.get(name).copied().unwrap_or(0)
    }
}

impl DeadLetterProbe {
    /// Watches the dead letters of the node's pool.
    pub fn new(node: &WorkerNode) -> Self {
        let core = &node.shared.core;
        let pool = ActorId {
            home: core.home(node.index),
            ..ActorId::NOBODY
        };
        Self::watching(&core.dead_letters, pool)
    }

    /// Watches any dead letters, such as those of [no pool](crate::pool::dead_letters_without_pool).
    /// Waiting for them drives no simulation.
    pub fn over(letters: &Arc<DeadLetters>) -> Self {
        Self::watching(letters, ActorId::NOBODY)
    }

    fn watching(letters: &Arc<DeadLetters>, pool: ActorId) -> Self {
        let seen = Observable::new(SeenLetters::default());
        let told = seen.clone();
        let subscription = letters.subscribe(move |letter| {
            told.change(|seen: &mut SeenLetters| seen.add(letter.clone()));
        });
        Self {
            seen,
            pool,
            _subscription: subscription,
        }
    }

    /// All dead letters, oldest first.
    pub fn letters(&self) -> Vec<DeadLetter> {
        self.seen.look(|seen| seen.letters.clone())
    }

    /// The number of messages lost for that reason.
    pub fn count(&self, reason: DeadLetterReason) -> usize {
        self.seen.look(|seen| seen.because(reason))
    }

    /// The number of messages lost.
    pub(super) fn len(&self) -> usize {
        self.seen.look(|seen| seen.letters.len())
    }

    /// Whether there is a letter for which `fits` holds, skipping the first `before` ones.
    pub(super) fn has_after(&self, before: usize, fits: impl FnMut(&DeadLetter) -> bool) -> bool {
        self.seen
            .look(|seen| seen.letters[before..].iter().any(fits))
    }

    /// Asserts that exactly that many messages were lost for that reason.
    ///
    /// # Panics
    ///
    /// If it is another number.
    #[track_caller]
    pub fn expect(&self, reason: DeadLetterReason, count: usize) {
        self.expect_within(reason, count, Duration::ZERO);
    }

    /// Waits until that many messages were lost for that reason.
    ///
    /// # Panics
    ///
    /// If they are fewer at the end of that time, or if they are more.
    #[track_caller]
    pub fn expect_within(
        &self,
        reason: DeadLetterReason,
        count: usize,
        within: impl Into<Deadline>,
    ) {
        let lost = |seen: &SeenLetters| seen.because(reason);
        self.expect_counted(
            lost,
            count,
            within.into().left(),
            &format!("because {reason}"),
        );
    }

    /// Asserts that exactly that many messages of type `M` were lost, for any reason.
    ///
    /// # Panics
    ///
    /// If it is another number.
    #[track_caller]
    pub fn expect_type<M: 'static>(&self, count: usize) {
        self.expect_type_within::<M>(count, Duration::ZERO);
    }

    /// Waits until that many messages of type `M` were lost, for any reason.
    ///
    /// # Panics
    ///
    /// If they are fewer at the end of that time, or if they are more.
    #[track_caller]
    pub fn expect_type_within<M: 'static>(&self, count: usize, within: impl Into<Deadline>) {
        let name = message_name::<M>();
        let lost = |seen: &SeenLetters| seen.of_type(name);
        self.expect_counted(
            lost,
            count,
            within.into().left(),
            &format!("of type {name}"),
        );
    }

    /// Asserts that nothing was lost.
    ///
    /// # Panics
    ///
    /// If something was.
    #[track_caller]
    pub fn expect_none(&self) {
        self.expect_none_within(Duration::ZERO);
    }

    /// Waits for that time, and asserts that nothing was lost before or in it.
    ///
    /// # Panics
    ///
    /// If something was.
    #[track_caller]
    pub fn expect_none_within(&self, within: impl Into<Deadline>) {
        let within = within.into().left();
        let any = |seen: &mut SeenLetters| (!seen.letters.is_empty()).then_some(());
        // However the wait ends, what counts is what is there then.
        let _ = self.seen.wait_for(self.pool, within, any);
        if self.len() > 0 {
            let list = list(&self.letters());
            panic!("no message was to be lost{}, but: {list}", time(within));
        }
    }

    #[track_caller]
    fn expect_counted(
        &self,
        lost: impl Fn(&SeenLetters) -> usize,
        count: usize,
        within: Duration,
        which: &str,
    ) {
        let enough = |seen: &mut SeenLetters| (lost(seen) >= count).then_some(());
        // However the wait ends, what counts is what is there then.
        let _ = self.seen.wait_for(self.pool, within, enough);
        let lost = self.seen.look(|seen| lost(seen));
        if lost != count {
            let (list, time) = (list(&self.letters()), time(within));
            panic!("{count} messages were to be lost {which}{time}, but {lost} were; all: {list}");
        }
    }
}

fn time(within: Duration) -> String {
    if within.is_zero() {
        return String::new();
    }
    format!(" within {within:?}")
}

fn list(letters: &[DeadLetter]) -> String {
    let lines: Vec<String> = letters.iter().map(DeadLetter::to_string).collect();
    if lines.is_empty() {
        return "none".to_owned();
    }
    lines.join("; ")
}

impl fmt::Debug for DeadLetterProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetterProbe")
            .field("letters", &self.len())
            .finish_non_exhaustive()
    }
}
