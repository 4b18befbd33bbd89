//! Senders: actors and outside threads, which send and ask under the oracles' eyes.

use nexus_actors::actor::TellError;
use nexus_actors::prelude::*;
use nexus_actors::{SendError, WaitError};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::features::Feature;
use crate::note::{Errand, Load, Note, Parting, Purse, Question};
use crate::oracles::{Counted, Oracles, Origin, Ring};
use crate::record::{Known, Record, SentTo};
use crate::routers::{Part, Routed};
use crate::world::World;

/// Returns the time, if the caller has a clock.
pub(crate) type Clock<'a> = &'a dyn Fn() -> Option<u64>;

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A sender: an actor, or an outside thread.
pub(crate) struct Sender<L: Load> {
    pub(crate) world: Arc<World<L>>,
    pub(crate) number: u32,
    sent: SentTo,
    /// What the envelopes of its messages must contain.
    origin: std::cell::Cell<Option<Origin>>,
}

impl<L: Load> Sender<L> {
    pub(crate) fn new(world: Arc<World<L>>, number: u32) -> Self {
        Self {
            world,
            number,
            sent: SentTo::default(),
            origin: Default::default(),
        }
    }

    /// Continues the numbering of another sender with the same number.
    pub(crate) fn goes_on_with(self, sent: &SentTo) -> Self {
        Self {
            sent: Arc::clone(sent),
            ..self
        }
    }

    /// Acts as an actor that handles the current message.
    pub(crate) fn acts_as<M: Send + 'static>(&self, ctx: &Context<'_, M>) {
        let envelope = ctx.envelope();
        // Without a message there is no chain either.
        let none = envelope.message_id().get() == 0;
        self.origin.set(Some(Origin {
            sender: Some(ctx.self_ref().id()),
            by_task: false,
            cause: (!none).then(|| envelope.message_id()),
            chain: (!none).then(|| envelope.correlation_id()),
        }));
    }

    /// Acts as a task that is spawned at the current message.
    pub(crate) fn acts_as_task<M: Send + 'static>(&self, ctx: &Context<'_, M>) {
        self.acts_as(ctx);
        let spawned = self.origin.get().unwrap_or_default();
        self.origin.set(Some(Origin {
            sender: None,
            by_task: true,
            ..spawned
        }));
    }

    /// From now on it is not known what the envelopes of its messages contain.
    pub(crate) fn acts_anywhere(&self) {
        self.origin.set(None);
    }

    /// Acts as an outside thread.
    pub(crate) fn acts_outside(self) -> Self {
        self.origin.set(Some(Origin::default()));
        self
    }

    fn oracles(&self) -> &Arc<Oracles> {
        &self.world.oracles
    }

    fn violated(&self, text: &str, to: &Known<L>) {
        let (from, who) = (self.number, to.record.who());
        self.oracles()
            .violated(format!("sender {from} to {who}: {text}"));
    }

    fn sent_to(&self, to: &Record<L>) -> u32 {
        let sent = self.sent.lock();
        sent.get(&to.life.number).copied().unwrap_or_default()
    }

    fn note(&self, to: &Known<L>, purse: &mut Purse) -> Note<L> {
        Note {
            number: self.sent_to(&to.record) + 1,
            to: Some(to.target),
            ..self.note_to(Some(to), purse)
        }
    }

    /// Makes a message to an actor, or to none in particular.
    fn note_to(&self, to: Option<&Known<L>>, purse: &mut Purse) -> Note<L> {
        let seed = purse.rng.next();
        let boxed = purse.rng.percent(15);
        Note {
            from: self.number,
            number: 0,
            to: None,
            fuel: purse.fuel,
            depth: purse.depth,
            seed,
            question: None,
            ring: None,
            stashed: false,
            handed: None,
            routed: None,
            part: None,
            errand: None,
            origin: self.origin.get(),
            parting: self.draw_parting(to, purse),
            load: L::of(seed),
            boxed: boxed.then(|| Box::new(Load::of(!seed))),
            _counted: self.oracles().notes.one_more(),
        }
    }

    /// Occasionally gives a message a destructor that sends. Messages sent by that have none.
    fn draw_parting(&self, to: Option<&Known<L>>, purse: &mut Purse) -> Option<Parting<L>> {
        if purse.fuel == 0 || !purse.rng.percent(5) {
            return None;
        }
        let other = self.world.pick(&mut purse.rng);
        Some(Parting {
            world: Arc::clone(&self.world),
            to: other.or_else(|| to.cloned())?,
            seed: purse.rng.next(),
            waits: purse.rng.percent(25),
        })
    }

    /// Counts a message that has been sent.
    fn count(&self, to: &Known<L>) {
        *self.sent.lock().entry(to.record.life.number).or_default() += 1;
        to.record.sent.fetch_add(1, SeqCst);
        to.record.room.is_sent(1);
        self.oracles().sent.fetch_add(1, SeqCst);
    }

    pub(crate) fn tell(&self, to: &Known<L>, mut purse: Purse) {
        let note = self.note(to, &mut purse);
        self.count(to);
        to.target.tell(note);
        self.looks_at_room(to);
    }

    fn looks_at_room(&self, to: &Known<L>) {
        if self.world.knows_mail_of(&to.record) {
            let check = to.record.room.holds_what_fits();
            self.oracles().note(|| to.record.who(), check);
        }
    }

    /// Records that a message was refused because the mailbox was full: dropped and counted, or not
    /// even counted.
    fn is_refused(&self, to: &Known<L>, drops: bool) {
        self.oracles().saw(match drops {
            true => "message dropped at once",
            false => "message refused for want of room",
        });
        let known = self.world.knows_mail_of(&to.record);
        if drops {
            // Its dead letter was reported before it was counted.
            self.count(to);
        }
        let check = to.record.room.refuses(drops, known);
        self.oracles().note(|| to.record.who(), check);
    }

    /// Makes a message that a timer of its own actor sends.
    pub(crate) fn ring(&self, to: &Known<L>, purse: &mut Purse, ring: Ring) -> Note<L> {
        // Without fuel it has no destructor that waits: it is made when it is due, and not before.
        let fuel = std::mem::take(&mut purse.fuel);
        let note = self.note(to, purse);
        purse.fuel = fuel;
        Note {
            ring: Some(ring),
            fuel,
            ..note
        }
    }

    /// Sends an actor a message with an errand.
    pub(crate) fn send_on(&self, to: &Known<L>, mut purse: Purse, errand: Errand<L>) {
        let note = Note {
            errand: Some(errand),
            ..self.note(to, &mut purse)
        };
        self.count(to);
        to.target.tell(note);
        self.looks_at_room(to);
    }

    /// Hands on a question of another actor.
    pub(crate) fn hand_on(&self, to: &Known<L>, mut purse: Purse, handed: Question) {
        let note = Note {
            handed: Some(handed),
            ..self.note(to, &mut purse)
        };
        self.count(to);
        to.target.tell(note);
    }

    /// Sends without waiting. Returns whether the message was accepted.
    pub(crate) fn try_tell(&self, to: &Known<L>, mut purse: Purse) -> bool {
        let note = self.note(to, &mut purse);
        match to.target.try_tell(note) {
            Ok(()) => {
                self.count(to);
                self.looks_at_room(to);
                true
            }
            Err(error) => {
                self.oracles().saw("try_tell refused");
                let allowed = match &error {
                    TellError::Stopped(_) => to.record.life.may_have_stopped(),
                    TellError::Full(_) | TellError::Dropped(_) => {
                        self.is_refused(to, matches!(error, TellError::Dropped(_)));
                        true
                    }
                    _ => false,
                };
                if !allowed && !self.world.ends() {
                    self.violated(&format!("try_tell: {error:?}"), to);
                }
                self.is_given_back(to, &error.into_message());
                false
            }
        }
    }

    fn is_given_back(&self, to: &Known<L>, note: &Note<L>) {
        if note.from != self.number || !note.load.is_of(note.seed) {
            self.violated("another message was given back", to);
        }
    }

    /// Sends, and waits until there is capacity.
    pub(crate) fn send(
        &self,
        to: &Known<L>,
        mut purse: Purse,
        timeout: Option<Duration>,
        clock: Clock<'_>,
    ) {
        let note = self.note(to, &mut purse);
        let began = clock();
        // Actors that wait for capacity in each other's mailboxes would wait for ever.
        let waits = matches!(to.record.room.bound(), Some((_, Overflow::Backpressure)));
        let timeout = timeout.or_else(|| waits.then_some(self.world.patience));
        let in_line = self.stand_in_line(to, timeout.filter(|_| waits), began);
        let lost = self.oracles();
        // If the handler is ended meanwhile, the answer about capacity is late.
        lost.other_late.fetch_add(1, SeqCst);
        let result = match timeout {
            Some(timeout) => to.target.send_timeout(note, timeout),
            None => to.target.send(note),
        };
        let timed_out = matches!(result, Err(SendError::Timeout(_)));
        if !timed_out {
            lost.other_late.fetch_sub(1, SeqCst);
        }
        let Err(error) = result else {
            self.oracles().saw("sent for certain");
            self.count(to);
            if let (Some(in_line), Some(now)) = (in_line, clock()) {
                in_line.goes_in(now);
            }
            return self.looks_at_room(to);
        };
        if let Some(in_line) = in_line.filter(|_| timed_out) {
            in_line.gives_up();
        }
        self.oracles().saw(match error {
            SendError::Timeout(_) => "send timed out",
            _ => "send refused",
        });
        let allowed = match &error {
            SendError::Stopped(_) => to.record.life.may_have_stopped(),
            SendError::Timeout(_) => timeout.is_some(),
            SendError::Deadlock(..) => self.world.features.has(Feature::Bounds),
            SendError::Full(_) | SendError::Dropped(_) => {
                self.is_refused(to, matches!(error, SendError::Dropped(_)));
                true
            }
            _ => false,
        };
        if !allowed && !self.world.ends() {
            self.violated(&format!("send: {error:?}"), to);
        }
        if let (true, Some(timeout), Some(began), Some(ended)) =
            (timed_out, timeout, began, clock())
        {
            let check = crate::oracles::never_early("send", began, ended, nanos(timeout));
            self.oracles()
                .note(|| format!("sender {}", self.number), check);
        }
        self.is_given_back(to, &error.into_message());
    }

    /// Joins the queue if the sender is an actor of the target's worker that may be about to wait
    /// for capacity there, behind those that already do.
    fn stand_in_line(
        &self,
        to: &Known<L>,
        timeout: Option<Duration>,
        began: Option<u64>,
    ) -> Option<InLine<L>> {
        if !self.is_near(to) || !self.world.knows_mail_of(&to.record) {
            return None;
        }
        let until = began?.saturating_add(nanos(timeout?));
        Some(InLine {
            ticket: to.record.room.is_waited_for(until),
            record: Arc::clone(&to.record),
            oracles: Arc::clone(self.oracles()),
        })
    }

    /// Makes a message that counts as sent, for its actual sender.
    pub(crate) fn written(&self, to: &Known<L>, mut purse: Purse) -> Note<L> {
        let note = self.note(to, &mut purse);
        self.count(to);
        note
    }

    /// Makes a message that goes through a router.
    pub(crate) fn routed(&self, purse: &mut Purse, routed: Routed<L>) -> Note<L> {
        Note {
            routed: Some(routed),
            // The router is its sender.
            origin: None,
            ..self.note_to(None, purse)
        }
    }

    /// Makes a part of a question to all routees of a router.
    pub(crate) fn scattered(&self, purse: &mut Purse, part: Part<L>) -> Note<L> {
        Note {
            part: Some(part),
            ..self.note_to(None, purse)
        }
    }

    /// Asks by `ask`, which is given the function that makes a message a question.
    pub(crate) fn asks(
        &self,
        clock: Clock<'_>,
        timeout: Duration,
        ask: impl FnOnce(&dyn Fn(Reply<u64>, Note<L>) -> Note<L>) -> Ask<u64>,
    ) -> Asked {
        let oracles = Arc::clone(self.oracles());
        let number = oracles.asks.begins(clock(), nanos(timeout), false);
        oracles.asks.is_routed(number);
        let question = |reply, note| {
            let question = Question {
                ask: number,
                reply: Some(reply),
                oracles: Arc::clone(&oracles),
            };
            Note {
                question: Some(question),
                ..note
            }
        };
        let ask = ask(&question);
        Asked {
            ask: Some(ask),
            number,
            ended: false,
            prompt: self.world.prompt,
            bounds: self.world.features.has(Feature::Bounds),
            _open: oracles.open_asks.one_more(),
            oracles,
        }
    }

    pub(crate) fn ask(
        &self,
        to: &Known<L>,
        mut purse: Purse,
        timeout: Duration,
        clock: Clock<'_>,
    ) -> Asked {
        let oracles = Arc::clone(self.oracles());
        let in_vain = to.record.life.is_dropped();
        let number = oracles.asks.begins(clock(), nanos(timeout), in_vain);
        let note = self.note(to, &mut purse);
        self.count(to);
        let question = |reply| {
            let question = Question {
                ask: number,
                reply: Some(reply),
                oracles: Arc::clone(&oracles),
            };
            Note {
                question: Some(question),
                ..note
            }
        };
        // A question may be taken back.
        to.record.life.may_lose_mail();
        let ask = to.target.ask(question, timeout);
        self.looks_at_room(to);
        Asked {
            ask: Some(ask),
            number,
            ended: false,
            prompt: self.world.prompt,
            bounds: self.world.features.has(Feature::Bounds),
            _open: oracles.open_asks.one_more(),
            oracles,
        }
    }

    pub(crate) fn stop(&self, to: &Known<L>) {
        let sent = self.sent_to(&to.record);
        self.oracles().saw("stop");
        to.record.life.is_asked_to_stop(self.number, sent);
        to.target.stop();
    }
}

impl<L: Load> Sender<L> {
    /// Whether it is an actor of the target's worker, so that its requests take effect at once.
    pub(crate) fn is_near(&self, to: &Known<L>) -> bool {
        let origin = self.origin.get();
        let own = origin.and_then(|origin| origin.sender);
        own.is_some_and(|own| own.worker() == to.target.id().worker())
    }

    pub(crate) fn kill(&self, to: &Known<L>) {
        let (life, sent) = (&to.record.life, self.sent_to(&to.record));
        self.oracles().saw("kill");
        life.is_to_be_killed(self.number, sent);
        to.target.kill();
        if self.is_near(to) {
            life.is_killed();
        }
    }

    pub(crate) fn passivate(&self, to: &Known<L>) {
        self.oracles().saw("order to passivate");
        let life = &to.record.life;
        if !self.is_near(to) {
            life.is_to_passivate_from_afar();
        }
        to.target.passivate();
        if self.is_near(to) {
            life.is_to_passivate(self.world.ends());
        }
    }

    pub(crate) fn suspend(&self, to: &Known<L>) {
        // A start that fails waits for the children that it has started, but nothing waits for the
        // actor that has suspended them.
        if !self.world.may_suspend() || !to.record.life.is_settled() {
            return;
        }
        self.oracles().saw("suspension");
        to.target.suspend();
        if self.is_near(to) {
            to.record.life.is_suspended(true);
        }
    }

    pub(crate) fn resume(&self, to: &Known<L>) {
        self.oracles().saw("resumption");
        if self.is_near(to) {
            to.record.life.is_suspended(false);
        } else {
            to.record.life.is_resumed_from_afar();
        }
        to.target.resume();
    }
}

/// A place in the queue for capacity in an actor's mailbox, held until it is dropped.
struct InLine<L: Load> {
    ticket: u64,
    record: Arc<Record<L>>,
    oracles: Arc<Oracles>,
}

impl<L: Load> InLine<L> {
    fn goes_in(self, now: u64) {
        let check = self.record.room.lets_in(self.ticket, now);
        self.oracles.note(|| self.record.who(), check);
    }

    fn gives_up(self) {
        let check = self.record.room.is_given_up(self.ticket);
        self.oracles.note(|| self.record.who(), check);
    }
}

impl<L: Load> Drop for InLine<L> {
    fn drop(&mut self) {
        self.record.room.is_left_alone(self.ticket);
    }
}

/// A pending ask that the oracles track.
pub(crate) struct Asked {
    ask: Option<Ask<u64>>,
    number: usize,
    ended: bool,
    prompt: bool,
    /// Whether there are mailboxes that may be full.
    bounds: bool,
    oracles: Arc<Oracles>,
    _open: Counted,
}

impl Asked {
    /// Waits for the answer. Returns whether there was one.
    pub(crate) fn wait(self, clock: Clock<'_>) -> bool {
        self.wait_or_not(clock, false)
    }

    /// Waits, if waiting is possible here.
    pub(crate) fn try_to_wait(self) {
        self.wait_or_not(&|| None, true);
    }

    fn wait_or_not(mut self, clock: Clock<'_>, may_fail: bool) -> bool {
        use crate::oracles::Outcome;
        let Some(ask) = self.ask.take() else {
            return false;
        };
        let result = ask.wait();
        let outcome = match result {
            Ok(answer) => Outcome::Answer(answer),
            Err(AskError::Timeout(_)) => Outcome::Timeout,
            Err(AskError::NoReply(_)) => Outcome::NoReply,
            Err(AskError::TargetStopped(_)) => Outcome::TargetStopped,
            Err(AskError::TargetFailed(_)) => Outcome::TargetFailed,
            Err(AskError::MailboxFull(_)) if self.bounds => Outcome::MailboxFull,
            Err(AskError::PoolClosed(_)) => Outcome::PoolClosed,
            Err(AskError::Deadlock(_)) => Outcome::Deadlock,
            Err(AskError::CannotWait(WaitError::OutsideHandler | WaitError::Unwinding))
                if may_fail =>
            {
                self.oracles.saw("ask that could not wait");
                return false;
            }
            Err(error) => {
                self.oracles
                    .violated(format!("ask {}: {error}", self.number));
                return false;
            }
        };
        self.ended = true;
        self.oracles.saw(match outcome {
            Outcome::Answer(_) => "ask answered",
            Outcome::Timeout => "ask timed out",
            Outcome::NoReply => "ask without reply",
            Outcome::TargetStopped => "ask of a stopped actor",
            Outcome::TargetFailed => "ask of a failed actor",
            Outcome::MailboxFull => "ask of a full mailbox",
            Outcome::PoolClosed => "ask of an ended pool",
            Outcome::Deadlock => "ask in a deadlock",
        });
        let asks = &self.oracles.asks;
        let check = asks.ends(self.number, outcome, clock(), self.prompt);
        self.oracles.note(|| "asker".to_owned(), check);
        let ends = self.oracles.pool_ends.load(SeqCst);
        let check = asks.has_reason(self.number, outcome, self.oracles.failures.any());
        if !ends {
            self.oracles.note(|| "asker".to_owned(), check);
        }
        matches!(outcome, Outcome::Answer(_))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.ended {
            self.oracles.saw("ask dropped");
            self.oracles.asks.is_cancelled(self.number);
        }
    }
}
