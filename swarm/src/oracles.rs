//! Oracles: what must hold, whatever a system does. Each is a small thing of its own, which says
//! what is wrong and never panics: a panic in a handler would be taken for a planned one.

use parking_lot::Mutex;
use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering::SeqCst};

use crate::rng::mix;

/// What a check comes to: nothing, or what is wrong.
pub type Check = Result<(), String>;

fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(wrong()) }
}

// ---- order ---------------------------------------------------------------------------------

/// The messages that one actor has got from each sender: they come without a gap and in order.
#[derive(Debug, Default)]
pub struct Sequences(BTreeMap<u32, u32>);

impl Sequences {
    /// The message of that number has come from that sender. Numbers begin with 1.
    ///
    /// # Errors
    ///
    /// Where another was to come.
    pub fn arrives(&mut self, sender: u32, number: u32) -> Check {
        let last = self.0.entry(sender).or_default();
        let expected = *last + 1;
        *last = number.max(*last);
        ensure(number == expected, || {
            format!("got message {number} of sender {sender} where {expected} was to come")
        })
    }

    /// The number of the last message of a sender.
    pub fn last(&self, sender: u32) -> u32 {
        self.0.get(&sender).copied().unwrap_or_default()
    }
}

// ---- one at a time -------------------------------------------------------------------------

/// Whether an actor is in a handler: it is in one at a time.
#[derive(Debug, Default)]
pub struct OneAtATime(Cell<bool>);

/// An actor is in a handler for as long as this lives.
#[derive(Debug)]
pub struct InHandler<'a>(&'a Cell<bool>);

impl OneAtATime {
    /// A handler begins. It ends with the guard.
    pub fn enter(&self) -> (InHandler<'_>, Check) {
        let busy = self.0.replace(true);
        let check = ensure(!busy, || "two handlers at the same time".to_owned());
        (InHandler(&self.0), check)
    }
}

impl Drop for InHandler<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

// ---- lives ---------------------------------------------------------------------------------

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
    /// Whether it has, or may have, stopped by itself: it failed, or decided to.
    ends_itself: AtomicBool,
    /// Who has asked it to stop, and how many messages each had sent it before.
    stops: Mutex<Vec<(u32, u32)>>,
}

impl Life {
    /// A life that begins.
    pub fn new(number: u32, parent: Option<Arc<Life>>) -> Self {
        Self {
            number,
            parent,
            phase: AtomicU8::new(BUILT),
            in_public: AtomicBool::new(false),
            ends_itself: AtomicBool::new(false),
            stops: Mutex::default(),
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
    /// Before its start, and after its stop.
    pub fn handles(&self) -> Check {
        self.is_in_public();
        let phase = self.phase.load(SeqCst);
        ensure(phase == RUNS, || {
            format!("handles a message in phase {phase}, and not between start and stop")
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

    /// It is about to fail, or to stop by its own decision.
    pub fn ends_itself(&self) {
        self.ends_itself.store(true, SeqCst);
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

    /// Whether it runs, as far as it knows.
    pub fn runs(&self) -> bool {
        self.phase.load(SeqCst) == RUNS
    }

    /// Whether it has been told that it has stopped.
    pub fn is_told(&self) -> bool {
        self.phase.load(SeqCst) == TOLD_OF_STOP
    }

    fn has_a_reason_to_stop(&self) -> bool {
        self.ends_itself.load(SeqCst) || !self.stops.lock().is_empty()
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

    /// Its state is dropped, after those messages; the whole pool ends or does not.
    ///
    /// # Errors
    ///
    /// When it stopped for no reason, without having been told, or before mail that came ahead of
    /// the stop; or handled mail that came behind it.
    pub fn is_dropped_after(&self, mail: &Sequences, pool_ends: bool) -> Check {
        let before = self.phase.swap(DROPPED, SeqCst);
        let ends_itself = self.ends_itself.load(SeqCst);
        let unfinished = before == BUILT && (ends_itself || pool_ends);
        ensure(before == TOLD_OF_STOP || unfinished, || {
            format!("its state was dropped in phase {before}, and not after it was told")
        })?;
        let stops = self.stops.lock().clone();
        if let Some((by, sent)) = stops
            .iter()
            .find(|(by, _)| mail.last(*by) > first_stop(&stops, *by))
        {
            return Err(format!(
                "handled messages up to {} of {by}, which had stopped it after {sent}",
                mail.last(*by)
            ));
        }
        if pool_ends || ends_itself || self.an_ancestor_has_a_reason_to_stop() {
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

// ---- asks ----------------------------------------------------------------------------------

/// How an ask ended, as its asker was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer.
    Answer(u64),
    /// With its time over.
    Timeout,
    /// With a reply that was dropped.
    NoReply,
    /// With a target that had stopped.
    TargetStopped,
    /// With a target that failed.
    TargetFailed,
    /// With a pool that had ended.
    PoolClosed,
}

/// An ask from its beginning to its end. Times are nanoseconds, where they are known.
#[derive(Clone, Copy, Debug, Default)]
struct Asking {
    asked_at: Option<u64>,
    timeout: u64,
    /// The target had stopped before it was asked.
    in_vain: bool,
    /// A handler has seen the question.
    arrived: bool,
    answered: bool,
    /// A handler let go of it.
    given_up: bool,
    /// The question is gone.
    gone: bool,
    /// When the asker was as good as told.
    ended_at: Option<u64>,
    outcome: Option<Outcome>,
    cancelled: bool,
}

/// All asks of a run.
#[derive(Debug, Default)]
pub struct Asks(Mutex<Vec<Asking>>);

/// What the answers of a run come to: how many came late for certain, and how many may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LateAnswers {
    /// Answered, and the asker's time was over.
    pub certain: u64,
    /// Answered, and the asker had let go.
    pub possible: u64,
}

/// In which time whoever waits on a simulated worker goes on, however unlucky it is.
const SLACK: u64 = 200_000_000;

impl Asks {
    /// The answer to the ask of that number.
    pub fn answer_to(ask: usize) -> u64 {
        mix(ask as u64 ^ 0xa5a5)
    }

    /// An ask begins. Answers its number.
    pub fn begins(&self, asked_at: Option<u64>, timeout: u64, in_vain: bool) -> usize {
        let mut asks = self.0.lock();
        asks.push(Asking {
            asked_at,
            timeout,
            in_vain,
            ..Asking::default()
        });
        asks.len() - 1
    }

    /// A handler has the question before it.
    ///
    /// # Errors
    ///
    /// When a handler had it before.
    pub fn arrives(&self, ask: usize) -> Check {
        let before = std::mem::replace(&mut self.0.lock()[ask].arrived, true);
        ensure(!before, || format!("question {ask} was handled twice"))
    }

    /// The question is answered.
    ///
    /// # Errors
    ///
    /// When it was answered before.
    pub fn is_answered(&self, ask: usize, at: Option<u64>) -> Check {
        let asking = &mut self.0.lock()[ask];
        asking.ended_at = at;
        let before = std::mem::replace(&mut asking.answered, true);
        ensure(!before, || format!("question {ask} was answered twice"))
    }

    /// The question is given up by a handler, on purpose.
    pub fn is_given_up(&self, ask: usize, at: Option<u64>) {
        let asking = &mut self.0.lock()[ask];
        (asking.ended_at, asking.given_up) = (at, true);
    }

    /// The question is no more, answered or not.
    pub fn is_gone(&self, ask: usize) {
        self.0.lock()[ask].gone = true;
    }

    /// The asker lets go of the ask.
    pub fn is_cancelled(&self, ask: usize) {
        self.0.lock()[ask].cancelled = true;
    }

    /// The asker is told how the ask ended. `prompt` says whether the clock is so exact that a
    /// delay means something.
    ///
    /// # Errors
    ///
    /// When it cannot have ended so, or not then.
    pub fn ends(&self, ask: usize, outcome: Outcome, at: Option<u64>, prompt: bool) -> Check {
        let asking = &mut self.0.lock()[ask];
        let before = asking.outcome.replace(outcome);
        let state = *asking;
        ensure(before.is_none(), || format!("ask {ask} ended twice"))?;
        check_outcome(ask, &state, outcome)?;
        check_time(ask, &state, outcome, at)?;
        if prompt {
            check_promptness(ask, &state, outcome, at)?;
        }
        Ok(())
    }

    /// While the pool goes on, an ask ends for a reason that there is.
    ///
    /// # Errors
    ///
    /// When the pool is said to have ended, or an actor to have failed though none was to, or to
    /// have stopped with a question that it had let go of.
    pub fn has_reason(&self, ask: usize, outcome: Outcome, any_failed: bool) -> Check {
        let asking = self.0.lock()[ask];
        let there = match outcome {
            Outcome::PoolClosed => false,
            Outcome::TargetFailed => any_failed,
            Outcome::TargetStopped => !asking.given_up,
            _ => true,
        };
        ensure(there, || {
            format!("ask {ask} ended with {outcome:?} for no reason: {asking:?}")
        })
    }

    /// What the answers came to.
    pub fn late_answers(&self) -> LateAnswers {
        let asks = self.0.lock();
        let answered = || asks.iter().filter(|asking| asking.answered);
        let timed_out = |asking: &&Asking| asking.outcome == Some(Outcome::Timeout);
        let let_go = |asking: &&Asking| asking.outcome.is_none();
        LateAnswers {
            certain: answered().filter(timed_out).count() as u64,
            possible: answered().filter(let_go).count() as u64,
        }
    }

    /// At the end nothing is open.
    ///
    /// # Errors
    ///
    /// When a question is still somewhere, or an asker was never told.
    pub fn are_over(&self) -> Check {
        let asks = self.0.lock();
        let open =
            |asking: &Asking| !asking.gone || (asking.outcome.is_none() && !asking.cancelled);
        match asks.iter().position(open) {
            Some(ask) => Err(format!("ask {ask} is not over: {:?}", asks[ask])),
            None => Ok(()),
        }
    }
}

fn check_outcome(ask: usize, asking: &Asking, outcome: Outcome) -> Check {
    match outcome {
        Outcome::Answer(answer) => {
            ensure(answer == Asks::answer_to(ask), || {
                format!("ask {ask} was given the answer to another one")
            })?;
            ensure(asking.answered, || format!("ask {ask} was never answered"))
        }
        Outcome::Timeout => Ok(()),
        Outcome::NoReply => ensure(asking.arrived && asking.gone && !asking.answered, || {
            format!("ask {ask} had no reply, but: {asking:?}")
        }),
        Outcome::TargetStopped | Outcome::TargetFailed | Outcome::PoolClosed => {
            let pool = outcome == Outcome::PoolClosed;
            ensure(pool || (asking.gone && !asking.answered), || {
                format!("ask {ask} ended with {outcome:?}, but: {asking:?}")
            })
        }
    }
}

fn check_time(ask: usize, asking: &Asking, outcome: Outcome, at: Option<u64>) -> Check {
    let (Some(asked_at), Some(at)) = (asking.asked_at, at) else {
        return Ok(());
    };
    let (took, timeout) = (at.saturating_sub(asked_at), asking.timeout);
    ensure(outcome != Outcome::Timeout || took >= timeout, || {
        format!("ask {ask} timed out after {took} ns of {timeout}")
    })
}

fn check_promptness(ask: usize, asking: &Asking, outcome: Outcome, at: Option<u64>) -> Check {
    let Some(asked_at) = asking.asked_at else {
        return Ok(());
    };
    let known_by = match asking.ended_at {
        Some(ended_at) => ended_at,
        None if asking.in_vain => asked_at,
        None => return Ok(()),
    };
    let over_at = asked_at.saturating_add(asking.timeout);
    let waited_in_vain = outcome == Outcome::Timeout && known_by.saturating_add(SLACK) < over_at;
    ensure(!waited_in_vain, || {
        format!("ask {ask} waited for its time-out, though its end was certain: {asking:?}")
    })?;
    // A handler may look at the outcome long after it has come.
    let _ = at;
    Ok(())
}

// ---- failures ------------------------------------------------------------------------------

/// Where in an actor's life a failure is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In its factory, its setup or its start: whoever spawns it is told.
    Starting,
    /// In a handler.
    Handling,
    /// When it is told of its stop.
    Stopping,
}

#[derive(Clone, Copy, Debug)]
#[allow(dead_code)] // the actor is for those who read what is wrong
struct PlannedFailure {
    actor: u32,
    when: When,
    told: u32,
}

/// The failures that were planned, and were reported.
#[derive(Debug, Default)]
pub struct Failures {
    planned: Mutex<Vec<PlannedFailure>>,
    /// How many the simulation was to cause.
    injected: AtomicU64,
}

const PLANNED: &str = "planned failure ";

impl Failures {
    /// That actor is about to fail. Answers the text to fail with.
    pub fn plan(&self, actor: u32, when: When) -> String {
        let mut planned = self.planned.lock();
        planned.push(PlannedFailure {
            actor,
            when,
            told: 0,
        });
        format!("{PLANNED}{}", planned.len() - 1)
    }

    /// Whether a text is that of a planned failure.
    pub fn is_planned(text: &str) -> bool {
        text.starts_with(PLANNED)
    }

    /// A failure is reported.
    ///
    /// # Errors
    ///
    /// When it was not planned so, or was reported before.
    pub fn is_reported(&self, text: &str, when: When) -> Check {
        let number = text.strip_prefix(PLANNED).and_then(|n| n.parse().ok());
        let mut planned = self.planned.lock();
        let Some(plan) = number.and_then(|number: usize| planned.get_mut(number)) else {
            return Err(format!(
                "a failure was reported that nobody planned: {text}"
            ));
        };
        plan.told += 1;
        ensure(plan.told == 1, || format!("{text} was reported twice"))?;
        ensure(plan.when == when, || {
            format!("{text} was reported as one while {when:?}: {plan:?}")
        })
    }

    /// The simulation is to cause a failure, or has.
    pub fn is_injected(&self) {
        self.injected.fetch_add(1, SeqCst);
    }

    /// Whether any failure was planned.
    pub fn any(&self) -> bool {
        !self.planned.lock().is_empty() || self.injected.load(SeqCst) > 0
    }

    /// At the end all have been reported; those of starts too, unless the spawner was ended.
    ///
    /// # Errors
    ///
    /// When one has not.
    pub fn are_reported(&self, starts_too: bool) -> Check {
        let planned = self.planned.lock();
        let missing =
            |plan: &PlannedFailure| plan.told == 0 && (starts_too || plan.when != When::Starting);
        match planned.iter().position(missing) {
            Some(number) => Err(format!(
                "failure {number} was never reported: {:?}",
                planned[number]
            )),
            None => Ok(()),
        }
    }
}

// ---- names ---------------------------------------------------------------------------------

#[derive(Debug, Default)]
struct Use {
    /// Whether an actor may keep it for a while after its state is gone.
    lingers: bool,
    alive: Vec<u32>,
    claims: u32,
    claimed: u32,
}

/// Who has which name.
#[derive(Debug, Default)]
pub struct Names(Mutex<BTreeMap<String, Use>>);

/// An attempt to take a name.
#[derive(Debug)]
pub struct Claim {
    path: String,
    number: u32,
    free: bool,
}

impl Names {
    /// Somebody tries to take a name.
    pub fn claim(&self, path: &str) -> Claim {
        let mut names = self.0.lock();
        let used = names.entry(path.to_owned()).or_default();
        used.claims += 1;
        used.claimed += 1;
        Claim {
            path: path.to_owned(),
            number: used.claimed,
            free: used.alive.is_empty() && used.claims == 1 && !used.lingers,
        }
    }

    /// The attempt is over; the name was taken, or it was not.
    ///
    /// # Errors
    ///
    /// When it was taken though nobody had it, or not taken though somebody has it.
    pub fn claimed(&self, claim: &Claim, taken: bool) -> Check {
        let mut names = self.0.lock();
        let used = names.entry(claim.path.clone()).or_default();
        used.claims -= 1;
        let free = claim.free && used.claimed == claim.number && !used.lingers;
        ensure(!(taken && free), || {
            format!("{} was taken, though nobody had it", claim.path)
        })
    }

    /// An actor of that name is built.
    ///
    /// # Errors
    ///
    /// When another has the name.
    pub fn born(&self, path: &str, number: u32) -> Check {
        let mut names = self.0.lock();
        let used = names.entry(path.to_owned()).or_default();
        used.alive.push(number);
        ensure(used.alive.len() == 1, || {
            format!("{path} is given twice: {:?}", used.alive)
        })
    }

    /// From now on it is not certain when that name comes free: an actor that has it starts
    /// children after its own end.
    pub fn linger(&self, path: &str) {
        self.0.lock().entry(path.to_owned()).or_default().lingers = true;
    }

    /// An actor of that name is no more.
    pub fn died(&self, path: &str, number: u32) {
        let mut names = self.0.lock();
        if let Some(used) = names.get_mut(path) {
            used.alive.retain(|alive| *alive != number);
        }
    }

    /// How many names are in use.
    pub fn in_use(&self) -> usize {
        let names = self.0.lock();
        names.values().filter(|used| !used.alive.is_empty()).count()
    }

    /// The names that nobody has any more.
    pub fn free_again(&self) -> Vec<String> {
        let names = self.0.lock();
        let free = names
            .iter()
            .filter(|(_, used)| used.alive.is_empty() && used.claims == 0);
        free.map(|(path, _)| path.clone()).collect()
    }
}

/// What is known about an actor around a lookup of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// It had started before.
    pub ran_before: bool,
    /// It was no more before.
    pub gone_before: bool,
    /// It was still there afterwards.
    pub there_after: bool,
    /// It was found.
    pub found: bool,
}

impl Sight {
    /// What is there is found, and what is gone is not.
    ///
    /// # Errors
    ///
    /// When it is the other way round.
    pub fn check(self, path: &str) -> Check {
        ensure(!(self.gone_before && self.found), || {
            format!("{path} was found, and had stopped")
        })?;
        let certain = self.ran_before && !self.gone_before && self.there_after;
        ensure(!certain || self.found, || {
            format!("{path} was not found, and runs")
        })
    }
}

// ---- time ----------------------------------------------------------------------------------

/// Whether what was to take that long has.
///
/// # Errors
///
/// When it was over before.
pub fn never_early(what: &str, began: u64, ended: u64, length: u64) -> Check {
    let took = ended.saturating_sub(began);
    ensure(took >= length, || {
        format!("{what} of {length} ns was over after {took}")
    })
}

// ---- sums ----------------------------------------------------------------------------------

/// What the envelope of a message says, beside what its sender says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The actor that sent it; `None` for a thread outside.
    pub sender: Option<nexus_actors::ActorId>,
    /// The message that its handler was at.
    pub cause: Option<nexus_actors::MessageId>,
    /// The first message of the chain.
    pub chain: Option<nexus_actors::MessageId>,
}

impl Origin {
    /// The envelope says the same.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn check(&self, envelope: &nexus_actors::Envelope) -> Check {
        let chain = self.chain.unwrap_or(envelope.message_id());
        let same = envelope.sender() == self.sender
            && envelope.causation_id() == self.cause
            && envelope.correlation_id() == chain;
        ensure(same, || {
            format!("sent as {self:?}, it came as {envelope:?}")
        })
    }
}

/// The ids of the messages of a run: no two have the same.
#[derive(Debug, Default)]
pub struct Ids(Mutex<HashSet<u64>>);

impl Ids {
    /// A message of that id is handled.
    ///
    /// # Errors
    ///
    /// When another had it.
    pub fn is_new(&self, id: u64) -> Check {
        let new = self.0.lock().insert(id);
        ensure(new, || format!("the id {id:x} has come twice"))
    }
}

/// What a run came to, by the counts of the pool and by those of the swarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Messages sent, by the pool's count.
    pub sent: u64,
    /// Messages handled, by the pool's count.
    pub handled: u64,
    /// Messages lost.
    pub dead_letters: u64,
    /// Messages that wait in mailboxes.
    pub queued: u64,
    /// Of the messages lost: those that their handlers left.
    pub unhandled: u64,
    /// Those that a shutdown's deadline took.
    pub forced: u64,
    /// Those that came to a pool that had ended.
    pub too_late: u64,
    /// Those that an actor's failure took.
    pub failed: u64,
    /// Replies that came late, by the pool's count.
    pub late_replies: u64,
    /// Messages sent, by the swarm's count.
    pub own_sent: u64,
    /// Messages handled, by the swarm's count.
    pub own_handled: u64,
    /// Messages that handlers left, by the swarm's count.
    pub own_unhandled: u64,
}

impl Sums {
    /// What was sent was handled or lost, and nothing waits.
    ///
    /// # Errors
    ///
    /// When that is not so.
    pub fn check(&self) -> Check {
        let Self {
            sent,
            handled,
            dead_letters,
            queued,
            own_sent,
            own_handled,
            unhandled,
            own_unhandled,
            ..
        } = *self;
        ensure(sent == handled + dead_letters + queued, || {
            format!("messages are not accounted for: {self:?}")
        })?;
        ensure(queued == 0, || format!("messages are left: {self:?}"))?;
        let same = sent == own_sent && handled == own_handled && unhandled == own_unhandled;
        ensure(same, || {
            format!("the pool counts otherwise than its actors: {self:?}")
        })
    }

    /// Messages are lost for reasons that there are.
    ///
    /// # Errors
    ///
    /// When one is lost to a failure, though none was planned, or to an end that had not come.
    pub fn check_reasons(&self, any_failed: bool, any_late: bool, any_forced: bool) -> Check {
        let reasons = [
            (self.failed, any_failed),
            (self.too_late, any_late),
            (self.forced, any_forced),
        ];
        let there = reasons.iter().all(|(lost, there)| *lost == 0 || *there);
        ensure(there, || {
            format!("messages are lost for no reason: {self:?}")
        })
    }

    /// As many replies came late as can have.
    ///
    /// # Errors
    ///
    /// When there were more; or fewer, where all are certain to have arrived. `others` may have
    /// come late besides: answers of the runtime itself.
    pub fn check_late(&self, late: LateAnswers, others: u64, all_arrived: bool) -> Check {
        let most = late.certain + late.possible + others;
        ensure(self.late_replies <= most, || {
            format!("more replies came late than can have: {self:?}, {late:?}")
        })?;
        ensure(!all_arrived || self.late_replies >= late.certain, || {
            format!("replies came late and were not counted: {self:?}, {late:?}")
        })
    }
}

/// Things that are there. At the end there are none.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<AtomicI64>);

/// One of the things.
#[derive(Debug)]
pub struct Counted(Tally);

impl Tally {
    /// One more.
    pub fn one_more(&self) -> Counted {
        self.0.fetch_add(1, SeqCst);
        Counted(self.clone())
    }

    /// How many there are.
    pub fn count(&self) -> i64 {
        self.0.load(SeqCst)
    }

    /// None is left.
    ///
    /// # Errors
    ///
    /// When some are.
    pub fn is_empty(&self, of_what: &str) -> Check {
        let left = self.count();
        ensure(left == 0, || format!("{left} {of_what} are left"))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, SeqCst);
    }
}

// ---- all of them ---------------------------------------------------------------------------

/// The oracles of one run, and what they have found.
#[derive(Debug, Default)]
pub struct Oracles {
    found: Mutex<Vec<String>>,
    /// Asks.
    pub asks: Asks,
    /// Failures.
    pub failures: Failures,
    /// Names.
    pub names: Names,
    /// Messages that exist.
    pub notes: Tally,
    /// States that exist.
    pub states: Tally,
    /// Asks that nobody has ended.
    pub open_asks: Tally,
    /// Messages that were sent.
    pub sent: AtomicU64,
    /// Messages that were handled.
    pub handled: AtomicU64,
    /// Messages that their handlers left.
    pub unhandled: AtomicU64,
    /// Ids of messages.
    pub ids: Ids,
    /// How often what was seen to happen, so that one can see that it does.
    seen: Mutex<BTreeMap<&'static str, u64>>,
    /// Answers of the runtime itself that may have come late.
    pub other_late: AtomicU64,
    /// Whether the pool ends, or is about to.
    pub pool_ends: AtomicBool,
}

/// Violations that are kept: the first ones say most.
const KEPT: usize = 20;

impl Oracles {
    /// Takes a check's result in.
    pub fn note(&self, who: impl FnOnce() -> String, check: Check) {
        if let Err(wrong) = check {
            self.violated(format!("{}: {wrong}", who()));
        }
    }

    /// Something is wrong.
    pub fn violated(&self, text: String) {
        let mut found = self.found.lock();
        if found.len() < KEPT {
            found.push(text);
        }
    }

    /// Something happens that is worth counting.
    pub fn saw(&self, what: &'static str) {
        *self.seen.lock().entry(what).or_default() += 1;
    }

    /// How often what was seen.
    pub fn seen(&self) -> BTreeMap<&'static str, u64> {
        self.seen.lock().clone()
    }

    /// What was found so far.
    pub fn found(&self) -> Vec<String> {
        self.found.lock().clone()
    }
}
