//! A probe for dead letters: what was lost since a test began to look.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::watched::Watched;
use crate::actor::{
    ActorId, DeadLetter, DeadLetterReason, DeadLetters, Subscription, message_name,
};
use crate::pool::WorkerNode;

/// Watches the dead letters of a pool from its making on.
///
/// The methods without a time look at what is there: under a simulation, after it has run; with
/// threads, after something that is known to come later, such as an answer of the same actor or the
/// end of the pool. Those with a time wait as a [`Probe`](super::Probe) does. What was expected
/// once stays counted.
///
/// Messages that a [subscriber](DeadLetters::subscribe) loses in its turn are told to no subscriber,
/// and so are not seen here.
///
/// ```
/// use nexus_actors::prelude::*;
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
    seen: Watched<Vec<DeadLetter>>,
    /// An actor's id of the pool, for those who drive it.
    pool: ActorId,
    _subscription: Subscription,
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

    /// Watches any dead letters, such as those of [no pool](crate::dead_letters_without_pool).
    /// Waiting for them drives no simulation.
    pub fn over(letters: &Arc<DeadLetters>) -> Self {
        Self::watching(letters, ActorId::NOBODY)
    }

    fn watching(letters: &Arc<DeadLetters>, pool: ActorId) -> Self {
        let seen = Watched::new(Vec::new());
        let told = seen.clone();
        let subscription = letters.subscribe(move |letter| {
            told.change(|seen: &mut Vec<DeadLetter>| seen.push(letter.clone()));
        });
        Self {
            seen,
            pool,
            _subscription: subscription,
        }
    }

    /// All that were lost, oldest first.
    pub fn letters(&self) -> Vec<DeadLetter> {
        self.seen.look(|seen| seen.clone())
    }

    /// How many were lost for that reason.
    pub fn count(&self, reason: DeadLetterReason) -> usize {
        self.count_where(|letter| letter.reason == reason)
    }

    pub(super) fn count_where(&self, mut fits: impl FnMut(&DeadLetter) -> bool) -> usize {
        let count = |seen: &mut Vec<DeadLetter>| seen.iter().filter(|letter| fits(letter)).count();
        self.seen.look(count)
    }

    /// Exactly that many were lost for that reason.
    ///
    /// # Panics
    ///
    /// When it is another number.
    #[track_caller]
    pub fn expect(&self, reason: DeadLetterReason, count: usize) {
        self.expect_within(reason, count, Duration::ZERO);
    }

    /// Waits until that many were lost for that reason.
    ///
    /// # Panics
    ///
    /// When they are not within that time, and when they are more.
    #[track_caller]
    pub fn expect_within(&self, reason: DeadLetterReason, count: usize, within: Duration) {
        let fits = |letter: &DeadLetter| letter.reason == reason;
        self.expect_counted(fits, count, within, &format!("because {reason}"));
    }

    /// Exactly that many messages of type `M` were lost, for whatever reason.
    ///
    /// # Panics
    ///
    /// When it is another number.
    #[track_caller]
    pub fn expect_type<M>(&self, count: usize) {
        self.expect_type_within::<M>(count, Duration::ZERO);
    }

    /// Waits until that many messages of type `M` were lost, for whatever reason.
    ///
    /// # Panics
    ///
    /// When they are not within that time, and when they are more.
    #[track_caller]
    pub fn expect_type_within<M>(&self, count: usize, within: Duration) {
        let name = message_name::<M>();
        let fits = |letter: &DeadLetter| letter.message_type == name;
        self.expect_counted(fits, count, within, &format!("of type {name}"));
    }

    /// Nothing was lost.
    ///
    /// # Panics
    ///
    /// When something was.
    #[track_caller]
    pub fn expect_none(&self) {
        self.expect_none_within(Duration::ZERO);
    }

    /// Waits for that time, in which nothing may be lost; nor may anything have been before.
    ///
    /// # Panics
    ///
    /// When something is.
    #[track_caller]
    pub fn expect_none_within(&self, within: Duration) {
        let any = |seen: &mut Vec<DeadLetter>| (!seen.is_empty()).then_some(());
        // However the time ends: what counts is what is there then.
        let _ = self.seen.wait_for(self.pool, within, any);
        let letters = self.letters();
        if !letters.is_empty() {
            let list = list(&letters);
            panic!("no message was to be lost{}, but: {list}", time(within));
        }
    }

    #[track_caller]
    fn expect_counted(
        &self,
        fits: impl Fn(&DeadLetter) -> bool,
        count: usize,
        within: Duration,
        which: &str,
    ) {
        let counted = |seen: &Vec<DeadLetter>| seen.iter().filter(|letter| fits(letter)).count();
        let enough = |seen: &mut Vec<DeadLetter>| (counted(seen) >= count).then_some(());
        // However the time ends: what counts is what is there then.
        let _ = self.seen.wait_for(self.pool, within, enough);
        let letters = self.letters();
        let lost = counted(&letters);
        if lost != count {
            let (list, time) = (list(&letters), time(within));
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
    let one = |letter: &DeadLetter| {
        let DeadLetter {
            target,
            message_type,
            reason,
            ..
        } = letter;
        format!("a {message_type} to {target} ({reason})")
    };
    let lines: Vec<String> = letters.iter().map(one).collect();
    if lines.is_empty() {
        return "none".to_owned();
    }
    lines.join(", ")
}

impl fmt::Debug for DeadLetterProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetterProbe")
            .field("letters", &self.letters().len())
            .finish_non_exhaustive()
    }
}
