//! Helpers: the actors that the library has beside those of a run, as topics, groups and routers are,
//! and what their messages count as.

use nexus_actors::{DeadLetter, DeadLetterReason, OpenError, SpawnError};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::groups::OpenGroups;
use crate::note::Load;
use crate::oracles::{Check, Tally};
use crate::record::Known;
use crate::routers::Routers;
use crate::topics::OpenTopics;
use crate::world::World;

/// The helpers of a run.
pub(crate) struct Helpers<L: Load> {
    pub(crate) topics: OpenTopics<L>,
    pub(crate) groups: OpenGroups<L>,
    pub(crate) routers: Routers<L>,
    /// Routers that are there.
    pub(crate) alive: Tally,
    /// Messages that were sent to helpers, and those of them that were lost.
    sent: AtomicU64,
    lost: AtomicU64,
    unhandled: AtomicU64,
    /// Messages of which it was heard that they were lost.
    heard: AtomicU64,
}

impl<L: Load> Default for Helpers<L> {
    fn default() -> Self {
        Self {
            topics: OpenTopics::default(),
            groups: OpenGroups::default(),
            routers: Routers::default(),
            alive: Tally::default(),
            sent: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            unhandled: AtomicU64::new(0),
            heard: AtomicU64::new(0),
        }
    }
}

/// What is known of the messages to helpers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HelpersMail {
    pub(crate) sent: u64,
    /// Those that were lost, and those that were not handled, where all are heard of.
    pub(crate) lost: Option<(u64, u64)>,
}

impl<L: Load> Helpers<L> {
    /// It was heard that a message was lost.
    pub(crate) fn is_heard(&self) {
        self.heard.fetch_add(1, SeqCst);
    }

    /// How many there are when nothing is left to do.
    pub(crate) fn count(&self) -> usize {
        let routers = usize::try_from(self.alive.count()).unwrap_or_default();
        self.topics.count() + self.groups.count() + routers
    }
}

impl<L: Load> World<L> {
    /// A helper is sent a message.
    pub(crate) fn helper_is_sent(&self) {
        self.oracles.sent.fetch_add(1, SeqCst);
        self.helpers.sent.fetch_add(1, SeqCst);
    }

    /// A message to a helper was lost.
    pub(crate) fn helper_loses(&self, letter: &DeadLetter) {
        self.helpers.lost.fetch_add(1, SeqCst);
        if letter.reason == DeadLetterReason::Unhandled {
            self.helpers.unhandled.fetch_add(1, SeqCst);
        }
    }

    /// What is known when so many messages have been lost.
    pub(crate) fn helpers_mail(&self, all_lost: u64) -> HelpersMail {
        let helpers = &self.helpers;
        let lost = (helpers.lost.load(SeqCst), helpers.unhandled.load(SeqCst));
        HelpersMail {
            sent: helpers.sent.load(SeqCst),
            lost: (helpers.heard.load(SeqCst) == all_lost).then_some(lost),
        }
    }

    /// Whether the actor of that number is there, where that is known when nothing is left to do.
    pub(crate) fn is_there(&self, number: u32) -> Option<bool> {
        let all = self.all();
        let known = all.iter().find(|known| known.record.life.number == number);
        let life = &known?.record.life;
        match (life.is_there(), life.is_no_more()) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    /// The numbers of those that are no more.
    pub(crate) fn gone(&self) -> BTreeSet<u32> {
        let all = self.all().into_iter().map(|known| known.record);
        let gone = all.filter(|record| record.life.is_no_more());
        gone.map(|record| record.life.number).collect()
    }

    /// How many actors are passive, at the least and at the most, and how many of them have names.
    pub(crate) fn passive(&self) -> [(usize, usize); 2] {
        let all = self.all();
        [true, false].map(|certain| {
            let passive = |known: &&Known<L>| {
                let life = &known.record.life;
                life.is_passive_for_certain() || (!certain && life.is_passive())
            };
            let passive = all.iter().filter(passive);
            let named = passive.clone().filter(|known| known.record.path.is_some());
            (passive.count(), named.count())
        })
    }

    /// A topic or a group was not opened: as the pool ends, or as one of its name is about to stop.
    pub(crate) fn is_not_opened(&self, name: &str, error: &OpenError, closing: bool) {
        let taken = matches!(error, OpenError::Spawn(SpawnError::NameTaken(_)));
        let expected = self.ends() || (taken && closing);
        if !expected {
            self.oracles.violated(format!("{name}: {error}"));
        }
    }

    pub(crate) fn judge_helper(&self, what: &str, check: Check) {
        self.oracles.note(|| what.to_owned(), check);
    }
}
