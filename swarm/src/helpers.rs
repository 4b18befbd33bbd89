//! Helpers: the library's own actors in a run, such as topics, groups and routers, and how their
//! messages are counted.

use nexus_actors::failure::DeadLetter;
use nexus_actors::routing::OpenError;
use nexus_actors::{DeadLetterReason, SpawnError};
use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

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
    /// Routers that exist.
    pub(crate) alive: Tally,
    /// Messages that were sent to helpers, and how many of them were lost.
    sent: AtomicU64,
    lost: AtomicU64,
    unhandled: AtomicU64,
    /// Messages whose loss was reported.
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

/// What is known about messages to helpers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HelpersMail {
    pub(crate) sent: u64,
    /// Those lost, and those unhandled, if every loss is reported.
    pub(crate) lost: Option<(u64, u64)>,
}

impl<L: Load> Helpers<L> {
    /// Records that the loss of a message was reported.
    pub(crate) fn is_heard(&self) {
        self.heard.fetch_add(1, SeqCst);
    }

    /// The number of helpers that exist when nothing is left to do.
    pub(crate) fn count(&self) -> usize {
        let routers = usize::try_from(self.alive.count()).unwrap_or_default();
        self.topics.count() + self.groups.count() + routers
    }
}

impl<L: Load> World<L> {
    /// Counts a message sent to a helper.
    pub(crate) fn helper_is_sent(&self) {
        self.oracles.sent.fetch_add(1, SeqCst);
        self.helpers.sent.fetch_add(1, SeqCst);
    }

    /// Counts a lost message to a helper.
    pub(crate) fn helper_loses(&self, letter: &DeadLetter) {
        self.helpers.lost.fetch_add(1, SeqCst);
        if letter.reason == DeadLetterReason::Unhandled {
            self.helpers.unhandled.fetch_add(1, SeqCst);
        }
    }

    /// What is known once that many messages have been lost.
    pub(crate) fn helpers_mail(&self, all_lost: u64) -> HelpersMail {
        let helpers = &self.helpers;
        let lost = (helpers.lost.load(SeqCst), helpers.unhandled.load(SeqCst));
        HelpersMail {
            sent: helpers.sent.load(SeqCst),
            lost: (helpers.heard.load(SeqCst) == all_lost).then_some(lost),
        }
    }

    /// Whether the actor with that number exists, if that is known when nothing is left to do.
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

    /// The numbers of the actors that no longer exist.
    pub(crate) fn gone(&self) -> BTreeSet<u32> {
        let all = self.all().into_iter().map(|known| known.record);
        let gone = all.filter(|record| record.life.is_no_more());
        gone.map(|record| record.life.number).collect()
    }

    /// How many actors are passive, at least and at most, and how many of them have names.
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

    /// Checks why a topic or a group was not opened: that is expected if the pool ends, or if one of
    /// its name is about to stop.
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
