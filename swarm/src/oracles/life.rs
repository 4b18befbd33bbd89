//! The lives of actors: from their start to their end, and the reasons for the end.

use nexus_actors::failure::TerminationReason;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32};

use super::mail::Sequences;
use super::{Check, ensure};

const BUILT: u8 = 0;
const RUNS: u8 = 1;
const TOLD_OF_STOP: u8 = 2;
const DROPPED: u8 = 3;
/// It has received its restart signal, and its state still exists.
const TOLD_OF_RESTART: u8 = 4;
/// Its state is gone, and the next one may come; or none comes, and that is not signalled.
const BETWEEN: u8 = 5;
/// Its state is gone until mail arrives; or it has stopped meanwhile, and that is not signalled.
const PASSIVE: u8 = 6;

/// The life of one actor, from its start to its end, restarts included.
#[derive(Debug)]
pub struct Life {
    /// Its number among all senders of the run.
    pub number: u32,
    parent: Option<Arc<Life>>,
    phase: AtomicU8,
    /// How many times it was built.
    built: AtomicU32,
    /// The failures for which it received a restart signal.
    restarts: Mutex<BTreeSet<usize>>,
    /// The failure for which it is built again next, and the time of the restart signal.
    cause: Mutex<Option<(usize, Option<u64>)>>,
    /// Whether its mailbox may refuse mail, or questions to it may be taken back.
    loses_mail: AtomicBool,
    /// Whether its children may still exist when its state is gone.
    leaves_children: AtomicBool,
    /// Whether its start is public: its spawner was told, or it handles messages.
    in_public: AtomicBool,
    /// Whether it has decided to stop, or is about to.
    stops_itself: AtomicBool,
    /// Whether it has failed, or is about to.
    fails: AtomicBool,
    /// Whether a fault of the simulation may end it, as a failure or as a kill.
    struck: AtomicBool,
    /// The senders that have asked it to stop, each with the number of messages it had sent before.
    stops: Mutex<Vec<(u32, u32)>>,
    /// The senders that have killed it, likewise.
    kills: Mutex<Vec<(u32, u32)>>,
    /// Whether an actor of its own worker has killed it, so that the kill has taken effect.
    killed: AtomicBool,
    /// Whether the last suspension, rather than resumption, came from an actor of its own worker.
    suspended: AtomicBool,
    /// Whether a resumption may arrive from another worker, at an unknown time.
    resumed_from_afar: AtomicBool,
    /// Whether it is being built for mail that arrived while it was passive.
    wakes: AtomicBool,
    /// Whether it is to passivate, and in which incarnation that is certain.
    passivates: AtomicBool,
    passivates_in: AtomicU32,
    /// Whether it is to passivate when a request from another worker arrives.
    passivates_from_afar: AtomicBool,
    /// Whether it was ever to passivate.
    may_passivate: AtomicBool,
}

impl Life {
    /// The life of an actor that is about to start.
    pub fn new(number: u32, parent: Option<Arc<Life>>) -> Self {
        Self {
            number,
            parent,
            phase: AtomicU8::new(BUILT),
            built: AtomicU32::new(0),
            restarts: Mutex::default(),
            cause: Mutex::default(),
            loses_mail: AtomicBool::new(false),
            leaves_children: AtomicBool::new(false),
            in_public: AtomicBool::new(false),
            stops_itself: AtomicBool::new(false),
            fails: AtomicBool::new(false),
            struck: AtomicBool::new(false),
            stops: Mutex::default(),
            kills: Mutex::default(),
            killed: AtomicBool::new(false),
            suspended: AtomicBool::new(false),
            resumed_from_afar: AtomicBool::new(false),
            wakes: AtomicBool::new(false),
            passivates: AtomicBool::new(false),
            passivates_in: AtomicU32::new(u32::MAX),
            passivates_from_afar: AtomicBool::new(false),
            may_passivate: AtomicBool::new(false),
        }
    }

    /// Records that it receives its start signal.
    ///
    /// # Errors
    ///
    /// If it has received it before, or has even stopped.
    pub fn starts(&self) -> Check {
        let before = self.phase.swap(RUNS, SeqCst);
        let incarnation = self.incarnation();
        let first = incarnation <= 1 || self.wakes();
        ensure(before == BUILT && first, || {
            format!("told of its start in phase {before}, incarnation {incarnation}")
        })
    }

    /// Records that its factory runs. `children` are all children it has had.
    ///
    /// # Errors
    ///
    /// If it exists already, or was not to be restarted; if children of the previous instance are
    /// left, or its parent no longer exists.
    pub fn is_built<'a>(&self, mut children: impl Iterator<Item = &'a Life>) -> Check {
        if self.built.fetch_add(1, SeqCst) == 0 {
            return Ok(());
        }
        let before = self.phase.swap(BUILT, SeqCst);
        self.wakes.store(before == PASSIVE, SeqCst);
        if before == PASSIVE {
            self.passivates.store(false, SeqCst);
        }
        ensure(matches!(before, BETWEEN | PASSIVE), || {
            format!("built again in phase {before}, and not after its restart has begun")
        })?;
        if let Some(child) = children.find(|child| !child.is_gone()) {
            let child = child.number;
            return Err(format!("built again before its child {child} had stopped"));
        }
        let parent = self.parent.as_deref();
        let parent = parent.filter(|parent| !parent.leaves_children.load(SeqCst));
        let parent = parent.map(Self::phase);
        ensure(
            !matches!(parent, Some(TOLD_OF_STOP | DROPPED | PASSIVE)),
            || format!("built again when its parent is in phase {parent:?}"),
        )
    }

    /// How many times it was built.
    pub fn incarnation(&self) -> u32 {
        self.built.load(SeqCst)
    }

    fn phase(&self) -> u8 {
        self.phase.load(SeqCst)
    }

    /// Records that it receives its restart signal, for that failure if it is a planned one.
    ///
    /// # Errors
    ///
    /// If it is not running, or has received the signal for this failure before.
    pub fn is_told_of_restart(&self, failure: Option<usize>, at: u64) -> Check {
        let before = self.phase.swap(TOLD_OF_RESTART, SeqCst);
        *self.cause.lock() = failure.map(|failure| (failure, Some(at)));
        ensure(before == RUNS, || {
            format!("told of its restart in phase {before}")
        })?;
        let new = failure.is_none_or(|failure| self.restarts.lock().insert(failure));
        ensure(new, || format!("restarted twice for failure {failure:?}"))
    }

    /// Records that it is about to fail while it is built again.
    pub fn fails_again(&self, failure: usize) {
        *self.cause.lock() = Some((failure, None));
    }

    /// The failure for which it is built again.
    pub fn cause(&self) -> Option<usize> {
        self.cause.lock().map(|(failure, _)| failure)
    }

    /// Records the signal that it has been restarted, for that failure. Returns how long that took,
    /// if it had received a restart signal before.
    ///
    /// # Errors
    ///
    /// If it was not built again, or for another failure.
    pub fn starts_again(&self, failure: Option<usize>, at: u64) -> Result<Option<u64>, String> {
        let before = self.phase.swap(RUNS, SeqCst);
        let cause = self.cause.lock().take();
        let again = self.incarnation() > 1 && !self.wakes();
        ensure(before == BUILT && again, || {
            format!("told of a restart's end in phase {before}")
        })?;
        let expected = cause.map(|(failure, _)| failure);
        // If it failed while it was built again, a sibling's failure may have decided its fate.
        let built_in_vain = cause.is_some_and(|(_, told)| told.is_none()) && failure.is_some();
        ensure(failure == expected || built_in_vain, || {
            format!("restarted for failure {failure:?}, and told so for {expected:?}")
        })?;
        Ok(cause.and_then(|(_, told)| Some(at.saturating_sub(told?))))
    }

    /// Whether it has received its restart signal.
    pub fn is_told_to_restart(&self) -> bool {
        self.phase() == TOLD_OF_RESTART
    }

    /// Notes that its state may be gone before its children are: its start fails, or it starts some
    /// at its end.
    pub fn may_leave_children(&self) {
        self.leaves_children.store(true, SeqCst);
    }

    /// Notes that its mailbox may refuse mail, or that questions to it may be taken back.
    pub fn may_lose_mail(&self) {
        self.loses_mail.store(true, SeqCst);
    }

    /// Whether mail to it may be lost on the way.
    pub fn loses_mail(&self) -> bool {
        self.loses_mail.load(SeqCst) || self.may_be_struck()
    }

    /// Whether a fault of the simulation may have taken a message from it.
    pub fn may_be_struck(&self) -> bool {
        self.struck.load(SeqCst)
    }

    /// Whether it has no state, and may never have one again.
    pub fn is_gone(&self) -> bool {
        matches!(self.phase(), DROPPED | BETWEEN | PASSIVE)
    }

    /// Whether it has ended, as far as it knows.
    pub fn is_no_more(&self) -> bool {
        matches!(self.phase(), DROPPED | BETWEEN)
    }

    /// Records that it handles a message.
    ///
    /// # Errors
    ///
    /// If that is before its start, after its stop or a kill, or while it is suspended.
    pub fn handles(&self) -> Check {
        self.is_in_public();
        let phase = self.phase.load(SeqCst);
        ensure(phase == RUNS, || {
            format!("handles a message in phase {phase}, and not between start and stop")
        })?;
        ensure(!self.killed.load(SeqCst), || {
            "handles a message after it was killed".to_owned()
        })?;
        ensure(
            !self.is_to_have_passivated() || self.may_have_stopped(),
            || "handles a message, and was to passivate".to_owned(),
        )?;
        let resumed = !self.suspended.load(SeqCst) || self.resumed_from_afar.load(SeqCst);
        ensure(resumed, || {
            "handles a message while it is suspended".to_owned()
        })
    }

    /// Records that it receives its stop signal. `children` are all children it has had.
    ///
    /// # Errors
    ///
    /// If it has received it before, was never started, or has children left.
    pub fn is_told_of_stop<'a>(&self, mut children: impl Iterator<Item = &'a Life>) -> Check {
        let before = self.phase.swap(TOLD_OF_STOP, SeqCst);
        // Not after its restart signal, even if the restart is cut short: one last signal is
        // enough.
        ensure(before == RUNS, || {
            format!("told of its stop in phase {before}")
        })?;
        match children.find(|child| !child.is_gone()) {
            Some(child) => Err(format!(
                "told of its stop before its child {}",
                child.number
            )),
            None => Ok(()),
        }
    }

    /// Records that a sender asks it to stop, after that many messages.
    pub fn is_asked_to_stop(&self, by: u32, sent: u32) {
        self.stops.lock().push((by, sent));
    }

    /// Records that a sender is about to kill it, after that many messages.
    pub fn is_to_be_killed(&self, by: u32, sent: u32) {
        self.kills.lock().push((by, sent));
    }

    /// Records that an actor of its own worker has killed it.
    pub fn is_killed(&self) {
        self.killed.store(true, SeqCst);
    }

    /// Records that it is to passivate before its next message, at its own request or at that of an
    /// actor of its worker. The request has no effect if it has to stop soon, as at the end of the
    /// pool.
    pub fn is_to_passivate(&self, pool_ends: bool) {
        self.may_passivate.store(true, SeqCst);
        self.passivates.store(true, SeqCst);
        if self.runs_in_public() && !pool_ends && !self.may_have_stopped() {
            self.passivates_in.store(self.incarnation(), SeqCst);
        }
    }

    /// Records that a sender elsewhere is about to request its passivation.
    pub fn is_to_passivate_from_afar(&self) {
        self.may_passivate.store(true, SeqCst);
        self.passivates_from_afar.store(true, SeqCst);
    }

    /// Whether this instance was to passivate.
    pub fn is_to_have_passivated(&self) -> bool {
        self.passivates_in.load(SeqCst) == self.incarnation() && self.runs()
    }

    /// Whether it is being built for mail that arrived while it was passive.
    pub fn wakes(&self) -> bool {
        self.wakes.load(SeqCst)
    }

    /// Whether it has no state until mail arrives, unless it has stopped meanwhile.
    pub fn is_passive(&self) -> bool {
        self.phase() == PASSIVE
    }

    /// Whether it is certainly passive.
    pub fn is_passive_for_certain(&self) -> bool {
        self.is_passive() && !self.may_have_stopped()
    }

    /// Whether it exists, with or without a state, as far as it knows.
    pub fn is_there(&self) -> bool {
        self.runs() || self.is_passive_for_certain()
    }

    /// Records that an actor of its own worker has suspended or resumed it.
    pub fn is_suspended(&self, suspended: bool) {
        self.suspended.store(suspended, SeqCst);
    }

    /// Records that a sender elsewhere is about to resume it.
    pub fn is_resumed_from_afar(&self) {
        self.resumed_from_afar.store(true, SeqCst);
    }

    /// Records that it is about to fail.
    pub fn is_failing(&self) {
        self.fails.store(true, SeqCst);
    }

    /// Records that a fault of the simulation may end it.
    pub fn is_struck(&self) {
        self.struck.store(true, SeqCst);
    }

    /// Records that it is about to stop by its own decision.
    pub fn stops_itself(&self) {
        self.stops_itself.store(true, SeqCst);
    }

    /// Whether it has ended, or may have ended, by itself: it failed, or decided to stop.
    fn ends_itself(&self) -> bool {
        let flags = [&self.stops_itself, &self.fails, &self.struck];
        flags.iter().any(|flag| flag.load(SeqCst))
    }

    /// Whether its state has been dropped for the last time.
    pub fn is_dropped(&self) -> bool {
        self.phase.load(SeqCst) == DROPPED
    }

    /// Records that its start is public.
    pub fn is_in_public(&self) {
        self.in_public.store(true, SeqCst);
    }

    /// Whether its start is public, and it runs.
    pub fn runs_in_public(&self) -> bool {
        self.in_public.load(SeqCst) && self.runs()
    }

    /// Whether its start is public, and it exists.
    pub fn is_there_in_public(&self) -> bool {
        self.in_public.load(SeqCst) && self.is_there()
    }

    /// Whether its start is public, and so are those of its ancestors.
    pub fn is_settled(&self) -> bool {
        let parent = self.parent.as_deref();
        self.in_public.load(SeqCst) && parent.is_none_or(Self::is_settled)
    }

    /// Whether it runs, as far as it knows.
    pub fn runs(&self) -> bool {
        self.phase.load(SeqCst) == RUNS
    }

    /// Whether it has received its stop signal.
    pub fn is_told(&self) -> bool {
        self.phase.load(SeqCst) == TOLD_OF_STOP
    }

    fn has_a_reason_to_stop(&self) -> bool {
        self.ends_itself() || !self.stops.lock().is_empty() || !self.kills.lock().is_empty()
    }

    fn an_ancestor_has_a_reason_to_stop(&self) -> bool {
        self.any_ancestor(|life| {
            let leaves = life.is_gone() || life.phase() == TOLD_OF_RESTART;
            leaves || life.has_a_reason_to_stop() || life.may_passivate.load(SeqCst)
        })
    }

    fn any_ancestor(&self, has: impl Fn(&Self) -> bool) -> bool {
        let mut next = self.parent.as_deref();
        while let Some(life) = next {
            if has(life) {
                return true;
            }
            next = life.parent.as_deref();
        }
        false
    }

    /// Whether another actor may make it stop, so that it need not complete a wait.
    pub fn may_be_stopped(&self) -> bool {
        !self.stops.lock().is_empty() || self.an_ancestor_has_a_reason_to_stop()
    }

    /// Whether anything has happened that may have made it stop, or may be about to.
    pub fn may_have_stopped(&self) -> bool {
        self.has_a_reason_to_stop() || self.an_ancestor_has_a_reason_to_stop()
    }

    /// Checks the termination notice that a watcher receives, with its reason. `pool_ends` says
    /// whether the whole pool ends.
    ///
    /// # Errors
    ///
    /// If it has not ended, or not for that reason.
    pub fn is_told_to_have_ended(&self, reason: TerminationReason, pool_ends: bool) -> Check {
        let number = self.number;
        ensure(self.is_gone(), || {
            format!("told that {number} has stopped, which is there")
        })?;
        // Descendants end for the reason of their ancestor.
        let with_ancestors = |has: fn(&Self) -> bool| has(self) || self.any_ancestor(has);
        let there = match reason {
            TerminationReason::Failed => {
                with_ancestors(|life| life.struck.load(SeqCst) || life.fails.load(SeqCst))
            }
            TerminationReason::Killed => {
                let killed =
                    |life: &Self| life.struck.load(SeqCst) || !life.kills.lock().is_empty();
                pool_ends || with_ancestors(killed)
            }
            TerminationReason::Stopped => {
                let stops =
                    |life: &Self| life.stops_itself.load(SeqCst) || !life.stops.lock().is_empty();
                let passivates = |life: &Self| life.may_passivate.load(SeqCst);
                pool_ends || with_ancestors(stops) || self.any_ancestor(passivates)
            }
            _ => true,
        };
        ensure(there, || {
            format!("told that {number} has {reason}, for which there is no reason")
        })
    }

    /// Records that its state is dropped in the course of a restart, of one that fails, or of a
    /// passivation. Returns whether that is so; otherwise this is its end.
    pub fn is_dropped_between(&self) -> bool {
        let phase = self.phase();
        let between = phase == TOLD_OF_RESTART || (phase == BUILT && self.incarnation() > 1);
        let passivates = [&self.passivates, &self.passivates_from_afar];
        let passive = phase == TOLD_OF_STOP && passivates.iter().any(|flag| flag.load(SeqCst));
        match (between, passive) {
            (true, _) => self.phase.store(BETWEEN, SeqCst),
            (_, true) => self.phase.store(PASSIVE, SeqCst),
            _ => return false,
        }
        true
    }

    /// Records that its state is dropped, after those messages. `pool_ends` says whether the whole
    /// pool ends.
    ///
    /// # Errors
    ///
    /// If it stopped without a reason, without its stop signal, or before mail that was sent ahead
    /// of the stop; or if it handled mail sent after the stop.
    pub fn is_dropped_after(&self, mail: &Sequences, pool_ends: bool) -> Check {
        let before = self.phase.swap(DROPPED, SeqCst);
        let ends_itself = self.ends_itself();
        let unfinished = before == BUILT && (ends_itself || pool_ends);
        ensure(before == TOLD_OF_STOP || unfinished, || {
            format!("its state was dropped in phase {before}, and not after it was told")
        })?;
        self.has_obeyed(mail)?;
        let stops = self.stops.lock().clone();
        let killed = !self.kills.lock().is_empty();
        if pool_ends || ends_itself || killed || self.an_ancestor_has_a_reason_to_stop() {
            return Ok(());
        }
        let Some((by, sent)) = stops.first().copied() else {
            return Err("stopped, and nobody had asked it to".to_owned());
        };
        let only_one = stops.iter().all(|(other, _)| *other == by);
        let certain = only_one && !self.loses_mail();
        ensure(!certain || mail.last(by) >= sent, || {
            let handled = mail.last(by);
            format!("stopped by {by} after {sent} messages, of which it had handled {handled}")
        })
    }

    /// Checks that it has handled no message that was sent after a stop or a kill.
    ///
    /// # Errors
    ///
    /// If it has.
    pub fn has_obeyed(&self, mail: &Sequences) -> Check {
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
        Ok(())
    }
}

fn first_stop(stops: &[(u32, u32)], by: u32) -> u32 {
    let mut of_this = stops.iter().filter(|(other, _)| *other == by);
    of_this.next().map_or(u32::MAX, |(_, sent)| *sent)
}
