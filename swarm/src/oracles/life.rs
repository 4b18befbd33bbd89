//! The lives of actors: from the start to the end, and why they end.

use nexus_actors::TerminationReason;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};

use super::mail::Sequences;
use super::{Check, ensure};

const BUILT: u8 = 0;
const RUNS: u8 = 1;
const TOLD_OF_STOP: u8 = 2;
const DROPPED: u8 = 3;

/// The life of one incarnation of an actor.
#[derive(Debug)]
pub struct Life {
    /// Its number among all senders of the run.
    pub number: u32,
    parent: Option<Arc<Life>>,
    phase: AtomicU8,
    /// Whether it has started for all to see: its spawner was told, or it handles messages.
    in_public: AtomicBool,
    /// Whether it has decided to stop, or is about to.
    stops_itself: AtomicBool,
    /// Whether it has failed, or is about to.
    fails: AtomicBool,
    /// Whether a fault of the simulation may end it, as a failure or as a kill.
    struck: AtomicBool,
    /// Who has asked it to stop, and how many messages each had sent it before.
    stops: Mutex<Vec<(u32, u32)>>,
    /// Who has killed it, likewise.
    kills: Mutex<Vec<(u32, u32)>>,
    /// Whether it was killed by an actor of its own worker, so that the kill has come.
    killed: AtomicBool,
    /// Whether it was suspended last by an actor of its own worker.
    suspended: AtomicBool,
    /// Whether a resumption may come from elsewhere, nobody knows when.
    resumed_from_afar: AtomicBool,
}

impl Life {
    /// A life that begins.
    pub fn new(number: u32, parent: Option<Arc<Life>>) -> Self {
        Self {
            number,
            parent,
            phase: AtomicU8::new(BUILT),
            in_public: AtomicBool::new(false),
            stops_itself: AtomicBool::new(false),
            fails: AtomicBool::new(false),
            struck: AtomicBool::new(false),
            stops: Mutex::default(),
            kills: Mutex::default(),
            killed: AtomicBool::new(false),
            suspended: AtomicBool::new(false),
            resumed_from_afar: AtomicBool::new(false),
        }
    }

    /// It is told that it starts.
    ///
    /// # Errors
    ///
    /// When it has been told, or has even stopped.
    pub fn starts(&self) -> Check {
        let before = self.phase.swap(RUNS, SeqCst);
        ensure(before == BUILT, || {
            format!("told of its start in phase {before}")
        })
    }

    /// It handles a message.
    ///
    /// # Errors
    ///
    /// Before its start, after its stop or a kill, and while it is suspended.
    pub fn handles(&self) -> Check {
        self.is_in_public();
        let phase = self.phase.load(SeqCst);
        ensure(phase == RUNS, || {
            format!("handles a message in phase {phase}, and not between start and stop")
        })?;
        ensure(!self.killed.load(SeqCst), || {
            "handles a message after it was killed".to_owned()
        })?;
        let resumed = !self.suspended.load(SeqCst) || self.resumed_from_afar.load(SeqCst);
        ensure(resumed, || {
            "handles a message while it is suspended".to_owned()
        })
    }

    /// It is told that it has stopped, having had those children.
    ///
    /// # Errors
    ///
    /// When it has been told, was never started, or has children left.
    pub fn is_told_of_stop<'a>(&self, mut children: impl Iterator<Item = &'a Life>) -> Check {
        let before = self.phase.swap(TOLD_OF_STOP, SeqCst);
        ensure(before == RUNS, || {
            format!("told of its stop in phase {before}")
        })?;
        match children.find(|child| !child.is_dropped()) {
            Some(child) => Err(format!(
                "told of its stop before its child {}",
                child.number
            )),
            None => Ok(()),
        }
    }

    /// Somebody asks it to stop, having sent it so many messages.
    pub fn is_asked_to_stop(&self, by: u32, sent: u32) {
        self.stops.lock().push((by, sent));
    }

    /// Somebody is about to kill it, having sent it so many messages.
    pub fn is_to_be_killed(&self, by: u32, sent: u32) {
        self.kills.lock().push((by, sent));
    }

    /// An actor of its own worker has killed it.
    pub fn is_killed(&self) {
        self.killed.store(true, SeqCst);
    }

    /// An actor of its own worker has suspended it, or resumed it.
    pub fn is_suspended(&self, suspended: bool) {
        self.suspended.store(suspended, SeqCst);
    }

    /// Somebody elsewhere is about to resume it.
    pub fn is_resumed_from_afar(&self) {
        self.resumed_from_afar.store(true, SeqCst);
    }

    /// It is about to fail.
    pub fn is_failing(&self) {
        self.fails.store(true, SeqCst);
    }

    /// A fault of the simulation may end it.
    pub fn is_struck(&self) {
        self.struck.store(true, SeqCst);
    }

    /// It is about to stop by its own decision.
    pub fn stops_itself(&self) {
        self.stops_itself.store(true, SeqCst);
    }

    /// Whether it has, or may have, ended by itself: it failed, or decided to stop.
    fn ends_itself(&self) -> bool {
        let flags = [&self.stops_itself, &self.fails, &self.struck];
        flags.iter().any(|flag| flag.load(SeqCst))
    }

    /// Whether its state is gone, the last thing that its actor has.
    pub fn is_dropped(&self) -> bool {
        self.phase.load(SeqCst) == DROPPED
    }

    /// It has started for all to see.
    pub fn is_in_public(&self) {
        self.in_public.store(true, SeqCst);
    }

    /// Whether it runs for all to see.
    pub fn runs_in_public(&self) -> bool {
        self.in_public.load(SeqCst) && self.runs()
    }

    /// Whether it has started for all to see, and so have its ancestors.
    pub fn is_settled(&self) -> bool {
        let parent = self.parent.as_deref();
        self.in_public.load(SeqCst) && parent.is_none_or(Self::is_settled)
    }

    /// Whether it runs, as far as it knows.
    pub fn runs(&self) -> bool {
        self.phase.load(SeqCst) == RUNS
    }

    /// Whether it has been told that it has stopped.
    pub fn is_told(&self) -> bool {
        self.phase.load(SeqCst) == TOLD_OF_STOP
    }

    fn has_a_reason_to_stop(&self) -> bool {
        self.ends_itself() || !self.stops.lock().is_empty() || !self.kills.lock().is_empty()
    }

    fn an_ancestor_has_a_reason_to_stop(&self) -> bool {
        let mut next = self.parent.as_deref();
        while let Some(life) = next {
            if life.has_a_reason_to_stop() || life.is_dropped() {
                return true;
            }
            next = life.parent.as_deref();
        }
        false
    }

    /// Whether anything has happened for which it may have stopped, or may be about to.
    pub fn may_have_stopped(&self) -> bool {
        self.has_a_reason_to_stop() || self.an_ancestor_has_a_reason_to_stop()
    }

    /// Whoever watches it is told of its end, for that reason; the whole pool ends or does not.
    ///
    /// # Errors
    ///
    /// When it has not ended, or not for that reason.
    pub fn is_told_to_have_ended(&self, reason: TerminationReason, pool_ends: bool) -> Check {
        let number = self.number;
        ensure(self.is_dropped(), || {
            format!("told that {number} has stopped, which is there")
        })?;
        let struck = self.struck.load(SeqCst);
        let there = match reason {
            TerminationReason::Failed => struck || self.fails.load(SeqCst),
            TerminationReason::Killed => struck || pool_ends || !self.kills.lock().is_empty(),
            TerminationReason::Stopped => {
                let asked = pool_ends || !self.stops.lock().is_empty();
                asked || self.stops_itself.load(SeqCst) || self.an_ancestor_has_a_reason_to_stop()
            }
            _ => true,
        };
        ensure(there, || {
            format!("told that {number} has {reason}, for which there is no reason")
        })
    }

    /// Its state is dropped, after those messages; the whole pool ends or does not.
    ///
    /// # Errors
    ///
    /// When it stopped for no reason, without having been told, or before mail that came ahead of
    /// the stop; or handled mail that came behind it.
    pub fn is_dropped_after(&self, mail: &Sequences, pool_ends: bool) -> Check {
        let before = self.phase.swap(DROPPED, SeqCst);
        let ends_itself = self.ends_itself();
        let unfinished = before == BUILT && (ends_itself || pool_ends);
        ensure(before == TOLD_OF_STOP || unfinished, || {
            format!("its state was dropped in phase {before}, and not after it was told")
        })?;
        let stops = self.stops.lock().clone();
        let kills = self.kills.lock().clone();
        if let Some((by, sent)) = kills.iter().find(|(by, sent)| mail.last(*by) > *sent) {
            let last = mail.last(*by);
            return Err(format!(
                "handled message {last} of {by}, which had killed it after {sent}"
            ));
        }
        if let Some((by, sent)) = stops
            .iter()
            .find(|(by, _)| mail.last(*by) > first_stop(&stops, *by))
        {
            return Err(format!(
                "handled messages up to {} of {by}, which had stopped it after {sent}",
                mail.last(*by)
            ));
        }
        if pool_ends || ends_itself || !kills.is_empty() || self.an_ancestor_has_a_reason_to_stop()
        {
            return Ok(());
        }
        let Some((by, sent)) = stops.first().copied() else {
            return Err("stopped, and nobody had asked it to".to_owned());
        };
        let only_one = stops.iter().all(|(other, _)| *other == by);
        ensure(!only_one || mail.last(by) >= sent, || {
            let handled = mail.last(by);
            format!("stopped by {by} after {sent} messages, of which it had handled {handled}")
        })
    }
}

fn first_stop(stops: &[(u32, u32)], by: u32) -> u32 {
    let mut of_this = stops.iter().filter(|(other, _)| *other == by);
    of_this.next().map_or(u32::MAX, |(_, sent)| *sent)
}
