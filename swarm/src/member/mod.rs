//! Members: the actors of a run, which do what their messages' seeds say, under the oracles' eyes.

mod helpers;
mod keeping;
mod orders;
mod restarts;
mod starts;
mod tasks;

use nexus_actors::prelude::*;
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow::{self, Break, Continue};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::action::Action;
use crate::features::Feature;
use crate::note::{Load, Note, Purse, Question};
use crate::oracles::{Check, Counted, OneAtATime, StashBook, TimerBook, When, never_early};
use crate::record::{Closing, Known, Opening, Record};
use crate::rng::Rng;
use crate::sender::{Asked, Sender, nanos};
use crate::world::World;

/// Questions and asks that an actor keeps at a time.
const KEPT: usize = 4;
/// Handlers that wait for each other's ends, at the most.
const DEPTH: u8 = 4;
/// How deep families are.
const GENERATIONS: u8 = 3;

/// The state of an actor. Its behaviours share it, as an actor may become another one.
struct Member<L: Load> {
    world: Arc<World<L>>,
    record: Arc<Record<L>>,
    sender: Sender<L>,
    turn: OneAtATime,
    kept: RefCell<Vec<Question>>,
    held: RefCell<Vec<Asked>>,
    /// The question that the handler has in its hands while it acts.
    in_hand: Cell<Option<usize>>,
    timers: RefCell<TimerBook>,
    stash: RefCell<StashBook>,
    tasks: RefCell<Vec<tasks::Held<L>>>,
    _counted: Counted,
}

type Ctx<'a, L> = Context<'a, Note<L>>;
type Flow<L> = ControlFlow<Verdict<L>>;

/// What a handler comes to.
enum Verdict<L: Load> {
    Goes(Next<Note<L>>),
    Fails,
}

/// Builds an actor: what its props do.
pub(crate) fn build<L: Load>(world: &Arc<World<L>>, record: &Arc<Record<L>>) -> Behavior<Note<L>> {
    let member = Rc::new(Member::new(Arc::clone(world), Arc::clone(record)));
    if let Some(behavior) = member.starts_badly_again() {
        return behavior;
    }
    let own = world.own_strategy_of(record);
    let capacity = member.stash_capacity();
    let mut behavior = as_it_opens(member);
    if let Some(capacity) = capacity {
        let inner = behavior;
        behavior = Behavior::with_stash(capacity, move |_ctx| Ok(inner));
    }
    match own {
        Some(strategy) => behavior.supervise(strategy),
        None => behavior,
    }
}

fn as_it_opens<L: Load>(member: Rc<Member<L>>) -> Behavior<Note<L>> {
    let record = Arc::clone(&member.record);
    match record.opening {
        Opening::Plain | Opening::FailsAtStart | Opening::WaitsAtStart => {
            let form = record.seed;
            in_form(member, form)
        }
        Opening::FactoryPanics => panic!("{}", member.plan_failure(When::Starting)),
        Opening::StopsAtOnce => {
            record.life.stops_itself();
            Behavior::stopped()
        }
        _ => Behavior::setup(move |ctx| set_up(member, ctx)),
    }
}

/// The behaviour of a member, in one of the forms that there are.
fn in_form<L: Load>(member: Rc<Member<L>>, form: u64) -> Behavior<Note<L>> {
    let other = Rc::clone(&member);
    match form % 4 {
        0 => Behavior::actor(Structured(member)),
        1 => Behavior::receive(move |ctx, note| member.handle(ctx, note))
            .on_signal(move |ctx, signal| other.signal(ctx, signal)),
        2 => Behavior::with_state(member, |member, ctx, note| member.handle(ctx, note))
            .on_signal(move |ctx, signal| other.signal(ctx, signal)),
        _ => Behavior::setup(move |_ctx| Ok(in_form(member, form % 3))),
    }
}

fn set_up<L: Load>(
    member: Rc<Member<L>>,
    ctx: &mut Ctx<'_, L>,
) -> Result<Behavior<Note<L>>, BoxError> {
    let record = Arc::clone(&member.record);
    member.world.meet(&record, ctx.self_ref());
    member.sender.acts_as(ctx);
    let mut purse = Purse {
        fuel: 2,
        depth: DEPTH - 1,
        rng: Rng::new(record.seed),
    };
    match record.opening {
        Opening::Waits => member.sleep(ctx, &mut purse),
        Opening::Spawns => member.spawn_child(ctx, &mut purse, true),
        Opening::Tells => member.tell_some(&mut purse),
        Opening::Asks => member.ask(ctx, &mut purse),
        Opening::Fails => Err(member.plan_failure(When::Starting))?,
        Opening::Panics => panic!("{}", member.plan_failure(When::Starting)),
        Opening::SpawnsAndFails => {
            member.spawn_child(ctx, &mut purse, true);
            member.spawn_child(ctx, &mut purse, false);
            Err(member.plan_failure(When::Starting))?;
        }
        Opening::StopsItself => {
            let itself = member.known(ctx);
            member.sender.stop(&itself);
        }
        _ => {}
    }
    Ok(in_form(member, record.seed))
}

struct Structured<L: Load>(Rc<Member<L>>);

impl<L: Load> Actor for Structured<L> {
    type Message = Note<L>;

    fn receive(&mut self, ctx: &mut Ctx<'_, L>, note: Note<L>) -> HandlerResult<Note<L>> {
        self.0.handle(ctx, note)
    }

    fn signal(&mut self, ctx: &mut Ctx<'_, L>, signal: &Signal) -> HandlerResult<Note<L>> {
        self.0.signal(ctx, signal).map(|()| Next::Same)
    }
}

impl<L: Load> Member<L> {
    fn new(world: Arc<World<L>>, record: Arc<Record<L>>) -> Self {
        let number = record.life.number;
        let member = Self {
            sender: Sender::new(Arc::clone(&world), number).goes_on_with(&record.sent_to),
            turn: OneAtATime::default(),
            kept: RefCell::default(),
            held: RefCell::default(),
            in_hand: Cell::default(),
            timers: RefCell::default(),
            stash: RefCell::default(),
            tasks: RefCell::default(),
            _counted: world.oracles.states.one_more(),
            world,
            record,
        };
        member.is_built();
        let (incarnation, wakes) = (member.record.life.incarnation(), member.record.life.wakes());
        *member.timers.borrow_mut() = TimerBook::of(incarnation);
        let aside = std::mem::take(&mut *member.record.stash.lock());
        if wakes {
            *member.stash.borrow_mut() = aside;
        }
        if let Some(path) = &member.record.path {
            member.judge(member.world.oracles.names.born(path, number));
        }
        member
    }

    fn judge(&self, check: Check) {
        self.world.oracles.note(|| self.record.who(), check);
    }

    fn known(&self, ctx: &Ctx<'_, L>) -> Known<L> {
        Known {
            record: Arc::clone(&self.record),
            target: ctx.self_ref(),
        }
    }

    /// The text with which to fail now.
    fn plan_failure(&self, when: When) -> String {
        self.record.life.is_failing();
        self.world.oracles.saw(match when {
            When::Starting => "failure while starting",
            When::Handling => "failure while handling",
            When::Stopping => "failure while stopping",
            When::Signalled => "failure while told a signal",
            When::Restarting => "failure while restarting",
            When::Task => "failure in a task",
        });
        let failures = &self.world.oracles.failures;
        failures.plan(self.record.life.number, when)
    }

    // ---- signals ------------------------------------------------------------------------------

    fn signal(&self, ctx: &mut Ctx<'_, L>, signal: &Signal) -> Result<(), BoxError> {
        let (_in_handler, alone) = self.turn.enter();
        self.judge(alone);
        self.sender.acts_as(ctx);
        match signal {
            Signal::PreStart => self.starts(ctx),
            Signal::PostStop => self.has_stopped(ctx),
            Signal::Terminated { actor, reason } => {
                self.is_told_of_end(*actor, *reason);
                self.may_fail_at_signal()
            }
            Signal::ChildFailed { child, failure } => {
                self.is_told_of_child(*child, failure);
                self.may_fail_at_signal()
            }
            Signal::PreRestart(failure) => self.is_told_of_restart(ctx, failure),
            Signal::PostRestart(failure) => self.starts_again(ctx, failure),
            _ => Ok(()),
        }
    }

    fn starts(&self, ctx: &mut Ctx<'_, L>) -> Result<(), BoxError> {
        self.world.meet(&self.record, ctx.self_ref());
        self.may_fail_to_wake_up()?;
        match self.record.opening {
            Opening::WaitsAtStart => self.sleep(ctx, &mut self.own_purse()),
            Opening::FailsAtStart => Err(self.plan_failure(When::Starting))?,
            _ => {}
        }
        self.judge(self.record.life.starts());
        Ok(())
    }

    fn own_purse(&self) -> Purse {
        Purse {
            fuel: 1,
            depth: DEPTH - 1,
            rng: Rng::new(!self.record.seed),
        }
    }

    fn has_stopped(&self, ctx: &mut Ctx<'_, L>) -> Result<(), BoxError> {
        let children = self.record.children.lock().clone();
        let lives = children.iter().map(|child| &*child.life);
        self.judge(self.record.life.is_told_of_stop(lives));
        self.judge(self.record.tasks.are_gone());
        let mut purse = self.own_purse();
        match self.record.closing {
            Closing::Plain | Closing::DropPanics | Closing::DropTells | Closing::DropAsks => {}
            Closing::Spawns => {
                self.linger();
                self.spawn_child(ctx, &mut purse, true);
            }
            Closing::Tells => self.tell_some(&mut purse),
            Closing::Waits => self.sleep(ctx, &mut purse),
            Closing::Asks => self.ask(ctx, &mut purse),
            Closing::Fails => Err(self.plan_failure(When::Stopping))?,
            Closing::Panics => panic!("{}", self.plan_failure(When::Stopping)),
        }
        Ok(())
    }

    /// Its name is kept for a while after its state is gone.
    fn linger(&self) {
        self.record.lingers.store(true, SeqCst);
        if let Some(path) = &self.record.path {
            self.world.oracles.names.linger(path);
        }
    }

    // ---- messages -----------------------------------------------------------------------------

    fn handle(self: &Rc<Self>, ctx: &mut Ctx<'_, L>, note: Note<L>) -> HandlerResult<Note<L>> {
        let (_in_handler, alone) = self.turn.enter();
        self.judge(alone);
        self.judge(self.record.life.handles());
        self.judge(self.record.watches.are_told_at_once());
        self.sender.acts_as(ctx);
        let note = match self.takes_in(ctx, note) {
            Some(note) => note,
            None => return Ok(Next::Same),
        };
        let mut purse = Purse {
            fuel: note.fuel,
            depth: note.depth,
            rng: Rng::new(note.seed),
        };
        let Note {
            question,
            handed,
            parting,
            part,
            ..
        } = note;
        self.treat_part(ctx, &mut purse, part);
        self.treat(ctx, &mut purse, handed);
        // Whoever waits after it has let go of a question has not failed with it in its hands.
        let certain = !parting.as_ref().is_some_and(|parting| parting.waits);
        let verdict = self.act_and_answer(ctx, &mut purse, question, certain);
        // Before anything is returned: what a function returns is leaked, should a destructor unwind
        // that runs after its end, and this one may be ended by force while it waits.
        drop(parting);
        match verdict {
            Verdict::Goes(next) => {
                if let Next::Unhandled = next {
                    self.world.oracles.handled.fetch_sub(1, SeqCst);
                    self.world.oracles.unhandled.fetch_add(1, SeqCst);
                }
                Ok(next)
            }
            Verdict::Fails => Err(self.plan_failure(When::Handling).into()),
        }
    }

    fn act_and_answer(
        self: &Rc<Self>,
        ctx: &mut Ctx<'_, L>,
        purse: &mut Purse,
        question: Option<Question>,
        certain: bool,
    ) -> Verdict<L> {
        let mut pending = question;
        let slow = purse.rng.percent(self.world.slow_answers);
        if !slow {
            self.treat(ctx, purse, pending.take());
        }
        let in_hand = pending.as_ref().filter(|_| certain);
        self.in_hand.set(in_hand.map(|question| question.ask));
        let actions = match purse.fuel {
            0 => 0,
            _ => purse.rng.between(1, 3),
        };
        for _ in 0..actions {
            if let Break(verdict) = self.act(ctx, purse) {
                return verdict;
            }
        }
        if slow && pending.is_some() && purse.rng.percent(50) {
            self.sleep(ctx, purse);
        }
        self.in_hand.set(None);
        self.treat(ctx, purse, pending);
        Verdict::Goes(Next::Same)
    }

    fn comes_in_order(&self, note: &Note<L>) -> Check {
        let mut mail = self.record.mail.lock();
        match self.record.life.loses_mail() {
            true => mail.arrives_after_losses(note.from, note.number),
            false => mail.arrives(note.from, note.number),
        }
    }

    fn arrives(&self, ctx: &mut Ctx<'_, L>, note: &mut Note<L>) {
        match note.ring {
            Some(ring) => self.rings(ctx, ring),
            None if note.routed.is_some() || note.part.is_some() => self.is_routed(ctx, note),
            None => {
                self.record.received.fetch_add(1, SeqCst);
                self.judge(self.comes_in_order(note));
                self.judge(self.record.room.is_left_with(ctx.mailbox_len()));
            }
        }
        if let Some(question) = &note.question {
            self.judge(question.arrives());
        }
        let envelope = ctx.envelope();
        self.judge(self.world.oracles.ids.is_new(envelope.message_id().get()));
        if let Some(origin) = &note.origin {
            self.judge(origin.check(&envelope));
        }
        let own = ctx.self_ref();
        if let Some(to) = note.to.filter(|to| *to != own) {
            let (to, from) = (to.id(), note.from);
            self.judge(Err(format!(
                "{}: got a message of {from} for {to}",
                own.id()
            )));
        }
        let boxed = note.boxed.as_deref();
        if !note.load.is_of(note.seed) || boxed.is_some_and(|load| !load.is_of(!note.seed)) {
            self.judge(Err(format!("a message of {} came damaged", note.from)));
        }
    }

    /// Answers a question, or keeps it, or gives it up.
    fn treat(&self, ctx: &mut Ctx<'_, L>, purse: &mut Purse, question: Option<Question>) {
        let Some(question) = question else { return };
        let now = Some(nanos(ctx.now()));
        match purse.rng.below(100) {
            0..12 if self.kept.borrow().len() < KEPT => self.kept.borrow_mut().push(question),
            12..18 => question.give_up(now),
            18..24 if self.world.spend(1) => {
                let part = purse.part();
                match self.world.pick(&mut purse.rng) {
                    Some(other) => self.sender.hand_on(&other, part, question),
                    None => question.answer(now),
                }
            }
            _ => question.answer(now),
        }
    }

    fn act(self: &Rc<Self>, ctx: &mut Ctx<'_, L>, purse: &mut Purse) -> Flow<L> {
        let action = self.world.weights.pick(&mut purse.rng);
        self.world.oracles.saw(action.name());
        match action {
            Action::Tell => self.tell_some(purse),
            Action::Burst => self.burst(ctx, purse),
            Action::TryTell => self.with_target(purse, |target, purse| {
                self.sender.try_tell(target, purse.part());
            }),
            Action::StartTimer => self.start_timer(ctx, purse),
            Action::CancelTimer => self.cancel_timer(ctx, purse),
            Action::Unstash => self.unstash(ctx),
            Action::Send => self.send(ctx, purse, false),
            Action::SendTimeout => self.send(ctx, purse, true),
            Action::Ask => self.ask(ctx, purse),
            Action::AskMany => self.ask_many(ctx, purse),
            Action::AskShort => self.ask_short(ctx, purse),
            Action::AskAndDrop => drop(self.begin_ask(ctx, purse, self.world.patience)),
            Action::AskAndHold => self.hold_ask(ctx, purse),
            Action::AnswerKept => self.answer_kept(ctx),
            Action::HandOn => self.hand_on(purse),
            Action::Sleep => self.sleep(ctx, purse),
            Action::Yield => self.may_wait(ctx.yield_now()),
            Action::SpawnChild => self.spawn_child(ctx, purse, true),
            Action::SpawnAnonymous => self.spawn_child(ctx, purse, false),
            Action::SpawnTop => self.spawn_top(purse),
            Action::SpawnAgain => self.spawn_again(purse),
            Action::Lookup => self.look_up(purse),
            Action::StopSelf => self.sender.stop(&self.known(ctx)),
            Action::StopChild => self.stop_child(purse),
            Action::StopOther => self.stop_other(purse),
            Action::TellStopped => self.tell_stopped(ctx, purse),
            Action::Panic => {
                self.lets_fall(ctx);
                panic!("{}", self.plan_failure(When::Handling))
            }
            Action::Fail => {
                self.lets_fall(ctx);
                return Break(Verdict::Fails);
            }
            Action::Unhandled => return Break(Verdict::Goes(Next::Unhandled)),
            Action::NextStop => {
                self.record.life.stops_itself();
                return Break(Verdict::Goes(Next::Stop));
            }
            Action::NextPassivate => {
                self.record.life.is_to_passivate(self.world.ends());
                return Break(Verdict::Goes(Next::Passivate));
            }
            Action::Passivate => {
                self.with_target(purse, |target, purse| self.passivate(target, purse))
            }
            Action::SpawnTask => self.spawn_task(ctx, purse),
            Action::WaitForTask => self.wait_for_task(),
            Action::CancelTask => self.cancel_task(purse),
            Action::LeaveOutside => self.leave_outside(),
            Action::EndPool => self.end_pool(purse),
            Action::Kill => self.with_target(purse, |target, purse| self.kill(target, purse)),
            Action::KillChild => self.kill_child(purse),
            Action::Suspend => self.with_target(purse, |target, purse| self.suspend(target, purse)),
            Action::Resume => self.with_target(purse, |target, _| self.sender.resume(target)),
            Action::Watch => {
                self.with_target(purse, |target, purse| self.watch(ctx, target, purse))
            }
            Action::Unwatch => self.with_target(purse, |target, _| self.unwatch(ctx, target)),
            Action::Become => {
                let other = self.other_behavior(purse);
                return Break(Verdict::Goes(Next::Become(other)));
            }
            other => self.act_with_helpers(ctx, other, purse),
        }
        Continue(())
    }

    /// Takes a wait's result in: nothing in a handler keeps it from waiting.
    fn may_wait(&self, result: Result<(), WaitError>) {
        self.judge(result.map_err(|error| format!("could not wait: {error}")));
    }

    fn with_target(&self, purse: &mut Purse, act: impl FnOnce(&Known<L>, &mut Purse)) {
        if !self.world.spend(1) {
            return;
        }
        if let Some(target) = self.world.pick(&mut purse.rng) {
            act(&target, purse);
        }
    }

    fn tell_some(&self, purse: &mut Purse) {
        for _ in 0..purse.rng.between(1, 3) {
            self.with_target(purse, |target, purse| {
                self.sender.tell(target, purse.part());
            });
        }
    }

    /// So many messages to one actor that they do not fit into one batch.
    fn burst(&self, ctx: &Ctx<'_, L>, purse: &mut Purse) {
        let Some(target) = self.world.pick_elsewhere(&mut purse.rng, ctx.worker()) else {
            return;
        };
        let most = if self.world.simulated { 60 } else { 400 };
        for _ in 0..purse.rng.between(10, most) {
            if !self.world.spend(1) {
                return;
            }
            let part = purse.with_fuel(0);
            self.sender.tell(&target, part);
        }
    }

    fn send(&self, ctx: &Ctx<'_, L>, purse: &mut Purse, in_time: bool) {
        let timeout = in_time.then(|| Duration::from_micros(purse.rng.between(0, 200)));
        self.with_target(purse, |target, purse| {
            let clock = || Some(nanos(ctx.now()));
            self.sender.send(target, purse.part(), timeout, &clock);
        });
    }

    fn begin_ask(&self, ctx: &Ctx<'_, L>, purse: &mut Purse, timeout: Duration) -> Option<Asked> {
        if purse.depth >= DEPTH || !self.world.spend(1) {
            return None;
        }
        let target = self.world.pick(&mut purse.rng)?;
        let mut part = purse.part();
        part.depth += 1;
        let clock = || Some(nanos(ctx.now()));
        Some(self.sender.ask(&target, part, timeout, &clock))
    }

    fn wait_for(&self, ctx: &Ctx<'_, L>, asked: Option<Asked>) {
        if let Some(asked) = asked {
            asked.wait(&|| Some(nanos(ctx.now())));
        }
    }

    fn ask(&self, ctx: &Ctx<'_, L>, purse: &mut Purse) {
        let asked = self.begin_ask(ctx, purse, self.world.patience);
        self.wait_for(ctx, asked);
    }

    fn ask_many(&self, ctx: &Ctx<'_, L>, purse: &mut Purse) {
        let count = purse.rng.between(2, 5);
        let mut asked: Vec<_> = (0..count)
            .filter_map(|_| self.begin_ask(ctx, purse, self.world.patience))
            .collect();
        while !asked.is_empty() {
            let one = asked.swap_remove(purse.rng.index(asked.len()));
            self.wait_for(ctx, Some(one));
        }
    }

    fn ask_short(&self, ctx: &Ctx<'_, L>, purse: &mut Purse) {
        let timeout = Duration::from_micros(purse.rng.between(0, 300));
        let asked = self.begin_ask(ctx, purse, timeout);
        self.wait_for(ctx, asked);
    }

    /// Asks, or waits for an ask of an earlier message.
    fn hold_ask(&self, ctx: &Ctx<'_, L>, purse: &mut Purse) {
        let room = self.held.borrow().len() < KEPT;
        if room && purse.rng.percent(60) {
            let timeout = match purse.rng.percent(50) {
                true => self.world.patience,
                false => Duration::from_micros(purse.rng.between(0, 300)),
            };
            let asked = self.begin_ask(ctx, purse, timeout);
            self.held.borrow_mut().extend(asked);
        } else {
            let asked = self.held.borrow_mut().pop();
            self.wait_for(ctx, asked);
        }
    }

    fn take_kept(&self) -> Option<Question> {
        let mut kept = self.kept.borrow_mut();
        (!kept.is_empty()).then(|| kept.remove(0))
    }

    fn answer_kept(&self, ctx: &Ctx<'_, L>) {
        if let Some(question) = self.take_kept() {
            question.answer(Some(nanos(ctx.now())));
        }
    }

    fn hand_on(&self, purse: &mut Purse) {
        let Some(question) = self.take_kept() else {
            return;
        };
        match self.world.pick(&mut purse.rng) {
            Some(other) if self.world.spend(1) => {
                let part = purse.part();
                self.sender.hand_on(&other, part, question);
            }
            _ => self.kept.borrow_mut().push(question),
        }
    }

    /// Leaves a question to whoever comes by outside.
    fn leave_outside(&self) {
        let question = self.take_kept();
        self.world.outside.lock().extend(question);
    }

    fn end_pool(&self, purse: &mut Purse) {
        if let Some(within) = self.world.within
            && self.world.may_end()
            && purse.rng.percent(20)
        {
            self.world.oracles.saw("shutdown by an actor");
            self.world.request_end(within * 2);
        }
    }

    fn sleep(&self, ctx: &mut Ctx<'_, L>, purse: &mut Purse) {
        let most = *purse.rng.pick(&[0, 10, 100, 2_000]);
        let time = Duration::from_micros(purse.rng.between(0, most));
        let began = nanos(ctx.now());
        self.may_wait(ctx.sleep(time));
        self.judge(never_early("sleep", began, nanos(ctx.now()), nanos(time)));
    }

    /// Whether its own destructor may wait, or whoever is told that it panics; or the destructor of a
    /// message that a mailbox with a bound drops meanwhile: the oldest one there for what it sends, or
    /// its own question, which it takes back.
    fn may_wait_when_dropped(&mut self) -> bool {
        let takes_back = !self.held.get_mut().is_empty();
        match self.record.closing {
            Closing::DropAsks | Closing::DropPanics => true,
            closing => {
                let bounds = self.world.features.has(Feature::Bounds);
                bounds && (takes_back || closing == Closing::DropTells)
            }
        }
    }
}

impl<L: Load> Drop for Member<L> {
    fn drop(&mut self) {
        let may_wait = self.may_wait_when_dropped();
        let life = &self.record.life;
        let (told, restarts) = (life.is_told(), life.is_told_to_restart());
        if may_wait {
            self.linger();
        }
        let between = life.is_dropped_between();
        if life.is_passive() {
            self.rests();
        } else if between {
            self.sender.acts_anywhere();
            // Whether it comes again, or its name comes free, is for others to decide.
            self.linger();
        } else {
            let check = life.is_dropped_after(&self.record.mail.lock(), self.world.ends());
            self.judge(check);
        }
        if let Some(path) = &self.record.path {
            let names = &self.world.oracles.names;
            match life.is_passive() {
                true => names.rests(path, life.number),
                false => names.died(path, life.number),
            }
        }
        self.world.oracles.saw("state dropped");
        match self.record.closing {
            Closing::DropTells => self.tell_some(&mut self.own_purse()),
            Closing::DropAsks => self.world.is_dropped(self.record.seed),
            Closing::DropPanics if restarts => panic!("{}", self.plan_failure(When::Restarting)),
            // A start that fails reports what has made it fail, and nothing else.
            Closing::DropPanics if told => panic!("{}", self.plan_failure(When::Stopping)),
            _ => {}
        }
    }
}
