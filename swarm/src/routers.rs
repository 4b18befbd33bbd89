//! Routers: how they are started, what is sent through them, and which routees they have.

use nexus_actors::Router;
use nexus_actors::address::ActorId;
use nexus_actors::prelude::*;
use nexus_actors::routing::{RouterError, RouterRef};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use crate::features::Feature;
use crate::member;
use crate::note::{Errand, Load, Note, Purse};
use crate::oracles::{Check, Life, Oracles, Routings, Scattered, Way};
use crate::record::{Closing, Known, Opening, Record};
use crate::rng::Rng;
use crate::sender::{Clock, Sender};
use crate::world::World;

/// A router of a run.
pub(crate) struct Routing<L: Load> {
    pub(crate) book: Routings,
    way: Way,
    /// Whether its routees receive no other mail, and do nothing but answer.
    calm: bool,
    spread: bool,
    life: Arc<Life>,
    depth: u8,
    /// The bound of each routee's mailbox.
    bound: Option<(usize, Overflow)>,
    /// Whether every loss of a message to them is reported.
    heard: bool,
    router: Mutex<Option<RouterRef<Note<L>>>>,
    /// Whether it was asked to stop.
    stopped: AtomicBool,
    routees: Mutex<Vec<Known<L>>>,
}

/// A router that was picked, and the reference to send to it.
pub(crate) type Found<L> = (Arc<Routing<L>>, RouterRef<Note<L>>);

/// The record of a message that goes through a router.
pub(crate) struct Routed<L: Load> {
    pub(crate) routing: Arc<Routing<L>>,
    pub(crate) message: usize,
    oracles: Arc<Oracles>,
    /// Whether it counts as sent by the router when it arrives at a routee; copies count when they
    /// are made.
    counts: bool,
    arrived: bool,
}

impl<L: Load> Routed<L> {
    /// Makes a copy for one more routee.
    pub(crate) fn copy(&self) -> Self {
        self.oracles.sent.fetch_add(1, SeqCst);
        self.routing.book.is_copied();
        Self {
            routing: Arc::clone(&self.routing),
            message: self.message,
            oracles: Arc::clone(&self.oracles),
            counts: false,
            arrived: false,
        }
    }

    /// Records that it has arrived at a routee.
    pub(crate) fn arrives(&mut self, routee: u32, from: Option<ActorId>) -> Check {
        self.arrived = true;
        if self.counts {
            self.oracles.sent.fetch_add(1, SeqCst);
        }
        self.oracles.saw("message through a router");
        let router = self.routing.target().map(|router| router.id());
        if router.is_some() && from != router {
            return Err(format!("routed by {router:?}, it came from {from:?}"));
        }
        let ends = self.oracles.pool_ends.load(SeqCst);
        self.routing.book.arrives(self.message, routee, ends)
    }
}

impl<L: Load> Drop for Routed<L> {
    fn drop(&mut self) {
        if self.counts && !self.arrived {
            self.oracles.lost_on_the_way.fetch_add(1, SeqCst);
        }
    }
}

/// A copy of a question to all routees of a router.
pub(crate) struct Part<L: Load> {
    routing: Arc<Routing<L>>,
    reply: Option<Reply<u64>>,
    scattered: Arc<Scattered>,
}

impl<L: Load> Part<L> {
    /// Records that it has arrived at a routee.
    pub(crate) fn comes(&self) {
        self.routing.book.part_comes();
    }

    pub(crate) fn answer(mut self, answer: u64) {
        self.scattered.is_answered(answer);
        if let Some(reply) = self.reply.take() {
            reply.send(answer);
        }
    }
}

impl<L: Load> Drop for Part<L> {
    fn drop(&mut self) {
        // Recorded first: it must be known by the time the asker is notified.
        self.scattered.is_gone();
        drop(self.reply.take());
    }
}

/// All routers ever started.
pub(crate) struct Routers<L: Load>(Mutex<Vec<Arc<Routing<L>>>>);

impl<L: Load> Default for Routers<L> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<L: Load> Routers<L> {
    fn pick(&self, rng: &mut Rng) -> Option<Arc<Routing<L>>> {
        let all = self.0.lock();
        (!all.is_empty()).then(|| Arc::clone(rng.pick(&all)))
    }
}

impl<L: Load> Routing<L> {
    fn target(&self) -> Option<RouterRef<Note<L>>> {
        *self.router.lock()
    }

    fn goes_on(&self) -> bool {
        !self.stopped.load(SeqCst) && !self.life.may_have_stopped()
    }

    /// Calm routees are given nothing to do.
    fn fuel(&self, purse: &mut Purse) -> u8 {
        if self.calm { 0 } else { purse.fuel }
    }
}

impl<L: Load> World<L> {
    /// Starts a router for an actor, as its child or near it.
    pub(crate) fn spawn_router(
        self: &Arc<Self>,
        owner: &Arc<Record<L>>,
        ctx: &mut Context<'_, Note<L>>,
        rng: &mut Rng,
    ) {
        let ways = [
            Way::InTurn,
            Way::ByChance,
            Way::ByKey,
            Way::ToLeast,
            Way::ToAll,
        ];
        let way = *rng.pick(&ways);
        let number = self.next_number();
        // A failing parent would take the router with it, and the consequences of that are not
        // tracked.
        let as_child = !self.features.has(Feature::Supervision) && rng.percent(40);
        let parent = as_child.then(|| Arc::clone(&owner.life));
        let calm = rng.percent(60);
        let routing = Arc::new(Routing {
            book: Routings::new(way, calm),
            way,
            calm,
            spread: way != Way::ToLeast && rng.percent(50),
            depth: if as_child { owner.depth + 1 } else { 0 },
            bound: self.draw_bound_of_routees(rng),
            heard: self.hears(),
            life: Arc::new(Life::new(number, parent)),
            router: Mutex::default(),
            stopped: AtomicBool::new(false),
            routees: Mutex::default(),
        });
        routing.life.is_in_public();
        if routing.spread {
            // Its routees are children of no actor: they are asked to stop, whatever the router
            // itself ends for.
            routing.life.is_to_passivate_from_afar();
        }
        let router = self.describe(&routing, 1 + rng.index(4), rng);
        let name = format!("router-{number}");
        let started = match as_child {
            true => router.spawn_child(ctx, &name),
            false => router.spawn(self.node(), &name),
        };
        match started {
            Ok(router) => {
                self.oracles.saw("router started");
                *routing.router.lock() = Some(router);
                self.helpers.routers.0.lock().push(routing);
            }
            Err(error) if !self.ends() => {
                let text = format!("{name} did not start: {error}");
                self.oracles.violated(text);
            }
            Err(_) => {}
        }
    }

    /// Draws narrow bounds: what is lost behind a router is charged to the router.
    fn draw_bound_of_routees(&self, rng: &mut Rng) -> Option<(usize, Overflow)> {
        if !self.features.has(Feature::Bounds) || rng.percent(20) {
            return None;
        }
        let kinds = [
            Overflow::DropNewest,
            Overflow::DropNewest,
            Overflow::DropOldest,
            Overflow::Backpressure,
            Overflow::Fail,
        ];
        Some((1 + rng.index(3), *rng.pick(&kinds)))
    }

    fn describe(
        self: &Arc<Self>,
        routing: &Arc<Routing<L>>,
        routees: usize,
        rng: &mut Rng,
    ) -> Router<Note<L>> {
        let (world, of) = (Arc::clone(self), Arc::clone(routing));
        let alive = self.helpers.alive.one_more();
        let seed = rng.next();
        let props = Props::new(move || {
            let _ = &alive; // held as long as anything is left of the router
            let (world, of) = (Arc::clone(&world), Arc::clone(&of));
            Behavior::setup(move |ctx| {
                let record = world.routee(&of, ctx, seed);
                Ok(member::build(&world, &record))
            })
        });
        let mut props = props.supervising(self.strategy_of_router(!seed));
        if let Some((capacity, overflow)) = routing.bound {
            let mailbox = Mailbox::bounded(capacity, overflow);
            props = props.mailbox(mailbox.expect("it takes at least one message"));
        }
        let router = match routing.way {
            Way::InTurn => Router::round_robin(routees, props),
            Way::ByChance => Router::random(routees, props),
            Way::ByKey => Router::consistent_hash(routees, props, Note::key),
            Way::ToLeast => Router::smallest_mailbox(routees, props),
            Way::ToAll => Router::broadcast(routees, props),
        };
        let router = router.supervising(self.strategy_of_router(seed));
        match routing.spread {
            true => router.spread(self.node()),
            false => router,
        }
    }

    /// The record of the routee that is being built: its earlier one, or a new one.
    fn routee(
        self: &Arc<Self>,
        routing: &Arc<Routing<L>>,
        ctx: &Context<'_, Note<L>>,
        seed: u64,
    ) -> Arc<Record<L>> {
        let target = ctx.self_ref();
        if let Some(known) = self.known_as(target.id()) {
            return known;
        }
        let number = self.next_number();
        let path = (!routing.spread).then(|| ctx.path().to_string());
        let record = Arc::new(Record::new(
            Life::new(number, Some(Arc::clone(&routing.life))),
            path,
            routing.depth + 1,
            seed ^ u64::from(number),
            (Opening::Plain, Closing::Plain),
            routing.bound,
            false,
        ));
        if routing.bound.is_some() {
            record.life.may_lose_mail();
        }
        record.is_routee.store(true, SeqCst);
        record.is_hidden.store(routing.calm, SeqCst);
        routing.book.has(number);
        self.meet(&record, target);
        let known = Known {
            record: Arc::clone(&record),
            target,
        };
        routing.routees.lock().push(known);
        record
    }

    /// Sends a message through a router.
    pub(crate) fn route(self: &Arc<Self>, sender: &Sender<L>, mut purse: Purse) {
        if let Some(found) = self.pick_router(&mut purse.rng) {
            self.route_through(&found, sender, purse);
        }
    }

    pub(crate) fn route_through(
        self: &Arc<Self>,
        (routing, router): &Found<L>,
        sender: &Sender<L>,
        mut purse: Purse,
    ) {
        let note = self.routed(routing, sender, &mut purse, false);
        self.helper_is_sent();
        router.tell(note);
    }

    /// The router started last.
    pub(crate) fn newest_router(&self) -> Option<Found<L>> {
        let routing = self.helpers.routers.0.lock().last().cloned()?;
        let router = routing.target()?;
        Some((routing, router))
    }

    fn pick_router(&self, rng: &mut Rng) -> Option<Found<L>> {
        let routing = self.helpers.routers.pick(rng)?;
        let router = routing.target()?;
        Some((routing, router))
    }

    fn routed(
        &self,
        routing: &Arc<Routing<L>>,
        sender: &Sender<L>,
        purse: &mut Purse,
        is_question: bool,
    ) -> Note<L> {
        let key = purse.rng.below(6);
        let message = routing.book.is_sent(sender.number, key, is_question);
        let routed = Routed {
            routing: Arc::clone(routing),
            message,
            oracles: Arc::clone(&self.oracles),
            counts: routing.way != Way::ToAll,
            arrived: false,
        };
        purse.fuel = routing.fuel(purse);
        // The routee that receives the message takes its time, so that its mailbox fills.
        let lingers = routing.bound.is_some() && purse.rng.percent(30);
        let note = sender.routed(purse, routed);
        Note {
            errand: lingers.then_some(Errand::Linger),
            ..note
        }
    }

    /// Asks one routee.
    pub(crate) fn ask_router(
        self: &Arc<Self>,
        sender: &Sender<L>,
        mut purse: Purse,
        clock: Clock<'_>,
    ) {
        let Some((routing, router)) = self.pick_router(&mut purse.rng) else {
            return;
        };
        // One question to many routees would be answered many times.
        if routing.way == Way::ToAll {
            return;
        }
        let note = self.routed(&routing, sender, &mut purse, true);
        self.helper_is_sent();
        let asked = sender.asks(clock, self.patience, |question| {
            router.ask(|reply| question(reply, note), self.patience)
        });
        asked.wait(clock);
    }

    /// Asks all routees.
    pub(crate) fn scatter(self: &Arc<Self>, sender: &Sender<L>, mut purse: Purse) {
        let Some((routing, router)) = self.pick_router(&mut purse.rng) else {
            return;
        };
        self.oracles.saw("question to all");
        let scattered = Arc::<Scattered>::default();
        let (world, of, seed) = (Arc::clone(self), Arc::clone(&scattered), purse.rng.next());
        let (number, fuel) = (sender.number, routing.fuel(&mut purse));
        let through = Arc::clone(&routing);
        let question = move |reply| {
            of.is_copied();
            through.book.is_copied();
            world.oracles.sent.fetch_add(1, SeqCst);
            // Each answer but the first may be late, and so may that one.
            world.oracles.other_late.fetch_add(1, SeqCst);
            let sender = Sender::new(Arc::clone(&world), number);
            let mut purse = Purse {
                fuel,
                depth: 0,
                rng: Rng::new(seed),
            };
            let part = Part {
                routing: Arc::clone(&through),
                reply: Some(reply),
                scattered: Arc::clone(&of),
            };
            sender.scattered(&mut purse, part)
        };
        self.helper_is_sent();
        let answer = match router.ask_first(question, self.patience).wait() {
            Ok(answer) => Some(answer),
            Err(AskError::NoReply(_) | AskError::TargetStopped(_) | AskError::TargetFailed(_)) => {
                None
            }
            Err(AskError::MailboxFull(_)) if routing.bound.is_some() => None,
            Err(AskError::Timeout(_) | AskError::Deadlock(_)) => return,
            Err(error) => {
                if !self.ends() {
                    self.judge_helper("router", Err(format!("does not answer: {error}")));
                }
                return;
            }
        };
        self.oracles.saw(match answer {
            Some(_) => "answer to a question to all",
            None => "no answer to a question to all",
        });
        if !self.ends() {
            let in_order = self.simulated && !routing.spread;
            self.judge_helper("router", scattered.ends(answer, in_order));
        }
    }

    /// Makes a router have more routees, or fewer.
    pub(crate) fn resize(self: &Arc<Self>, rng: &mut Rng) {
        let Some((routing, router)) = self.pick_router(rng) else {
            return;
        };
        self.oracles.saw("resize");
        let size = rng.index(6);
        if size > 0 {
            routing.book.is_resized();
            // Some of its routees stop, and not for a reason of their own.
            routing.life.is_to_passivate_from_afar();
        }
        let ask = router.resize(size, self.patience);
        let resized = self.helper_answers("router", ask, || routing.goes_on());
        let check = match resized {
            Some(Ok(now)) if now == size => Ok(()),
            Some(Err(RouterError::NoRoutees)) if size == 0 => Ok(()),
            Some(Err(RouterError::Spawn(_))) if self.ends() || !routing.goes_on() => Ok(()),
            None => Ok(()),
            Some(other) => Err(format!("to have {size} routees, it has {other:?}")),
        };
        self.judge_helper("router", check);
    }

    pub(crate) fn stop_router(self: &Arc<Self>, sender: &Sender<L>, rng: &mut Rng) {
        if let Some((routing, router)) = self.pick_router(rng) {
            self.oracles.saw("stop of a router");
            routing.stopped.store(true, SeqCst);
            routing.life.is_asked_to_stop(sender.number, 0);
            router.stop();
        }
    }

    /// Checks, when nothing is left to do, that the routees of each router are those that exist,
    /// and that everything sent to it has reached them.
    pub(crate) fn check_routers(&self) {
        let all = self.helpers.routers.0.lock().clone();
        for routing in all {
            if routing.goes_on() {
                let check = self.check_router(&routing);
                self.judge_helper("router", check);
            }
        }
    }

    fn check_router(&self, routing: &Routing<L>) -> Check {
        if routing.bound.is_none() {
            routing.book.are_all_there()?;
        }
        let routees = routing.routees.lock();
        let lost = routees.iter().map(|known| known.record.room.lost()).sum();
        drop(routees);
        if routing.heard {
            routing.book.are_all_there_but(lost)?;
        }
        let Some(router) = routing.target() else {
            return Ok(());
        };
        self.helper_is_sent();
        let listed = router.routees(self.patience * 1000).wait();
        let listed = listed.map_err(|error| format!("does not answer: {error}"))?;
        for routee in &*routing.routees.lock() {
            let (life, is_listed) = (&routee.record.life, listed.contains(&routee.target));
            if (is_listed && life.is_no_more()) || (!is_listed && life.runs()) {
                let who = routee.record.who();
                return Err(format!(
                    "{who} is a routee: {is_listed}, and runs: {}",
                    life.runs()
                ));
            }
        }
        Ok(())
    }
}
