//! No false alarm: actors that ask at random, beside a record of which actors could still end their waits.

use super::HOUR;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::failure::Cycle;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{ActorPath, all};
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// A time during which an actor waited for the answer to a question, and the reply was with the
/// actor that had been asked: in its mailbox, in its handler, or in its state. Or the wait for a
/// start, or for a task.
#[derive(Clone, Copy, Debug)]
struct Edge {
    from: u32,
    to: u32,
    begins: u64,
    ends: u64,
}

/// What really happens, in order.
#[derive(Default)]
struct Truth {
    instant: u64,
    questions: u64,
    /// By question.
    edges: HashMap<u64, Edge>,
    ended: HashMap<AskErrorKind, u64>,
    /// By path; `None` for an actor that did not start: a wait for it is a wait for the one below.
    who: HashMap<ActorPath, Option<u32>>,
    /// The actors that ask for others, and the questions for which these wait.
    others: u32,
    works: HashMap<u32, u64>,
    /// Cycles through such an actor, through one whose parent did not start, and through one whose
    /// parent waits for its end.
    through_others: u64,
    through_leaves: u64,
    through_left: u64,
}

/// The first number of the actors that ask for others.
const FIRST_OTHER: u32 = 1000;

impl Truth {
    fn now(&mut self) -> u64 {
        self.instant += 1;
        self.instant
    }

    fn asks(&mut self, from: u32, to: u32) -> u64 {
        let begins = self.now();
        self.questions += 1;
        let ends = u64::MAX;
        let edge = Edge {
            from,
            to,
            begins,
            ends,
        };
        self.edges.insert(self.questions, edge);
        self.questions
    }

    /// The answer has arrived, or the reply is no longer with the actor that was asked.
    fn ends(&mut self, question: u64) {
        let now = self.now();
        if let Some(edge) = self.edges.get_mut(&question) {
            edge.ends = edge.ends.min(now);
        }
    }

    /// The reply moves from its holder to that actor.
    fn moves(&mut self, question: u64, to: u32) {
        let now = self.now();
        let Some(edge) = self.edges.get_mut(&question).filter(|edge| edge.ends > now) else {
            return;
        };
        let before = Edge { ends: now, ..*edge };
        (edge.to, edge.begins) = (to, now);
        self.questions += 1;
        self.edges.insert(self.questions, before);
    }

    /// Checks that there was an instant at which each member of the cycle waited for an answer that
    /// only the next member could give.
    fn check(&mut self, cycle: &Cycle) {
        let links = cycle.links().iter();
        let who: Vec<u32> = links.filter_map(|link| self.who[&link.path]).collect();
        let held: Vec<Vec<&Edge>> = (0..who.len())
            .map(|place| {
                let (from, to) = (who[place], who[(place + 1) % who.len()]);
                let edges = self.edges.values();
                edges
                    .filter(|edge| (edge.from, edge.to) == (from, to))
                    .collect()
            })
            .collect();
        let at = |instant: u64| {
            let holds = |edge: &&Edge| edge.begins <= instant && instant < edge.ends;
            held.iter().all(|edges| edges.iter().any(holds))
        };
        let mut instants = held.iter().flatten().map(|edge| edge.begins);
        assert!(instants.any(at), "a false alarm: {cycle}\n{held:#?}");
        self.through_others += u64::from(who.iter().any(|&one| one > FIRST_OTHER));
        let through = |name| {
            let mut links = cycle.links().iter();
            u64::from(links.any(|link| link.path.name().starts_with(name)))
        };
        self.through_leaves += through("leaf");
        self.through_left += through("left");
    }
}

#[derive(Clone, Default)]
struct World(Arc<Mutex<Truth>>, Arc<OnceLock<All>>);

impl World {
    /// Records how the wait for the answers to these questions ended.
    fn end_of<T>(&self, questions: &[u64], answer: Result<T, AskError>) {
        let mut truth = self.0.lock().unwrap();
        if let Err(error) = &answer {
            *truth.ended.entry(error.kind()).or_default() += 1;
            if let AskError::Deadlock(details) = error {
                truth.check(details.cycle().unwrap());
            }
        }
        for &question in questions {
            truth.ends(question);
        }
    }
}

/// All actors that ask each other, and the helper.
type All = (Vec<ActorRef<Do>>, ActorRef<Handed>);

enum Do {
    Question(u64, u32, Reply<()>),
    AnswerKept,
}

/// A reply in the hands of the helper, which always answers.
struct Handed(u64, Reply<()>);

fn helper() -> Props<Handed> {
    Props::new(|| {
        Behavior::receive(|ctx, Handed(question, reply): Handed| {
            if question % 3 == 0 {
                let _ = ctx.sleep(Duration::from_millis(question % 7));
            }
            reply.send(());
        })
    })
}

struct Me {
    index: u32,
    nodes: Vec<WorkerNode>,
    kept: Vec<(u64, Reply<()>)>,
    dice: u64,
}

impl Me {
    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % sides
    }

    fn any(&mut self, world: &World) -> (u32, ActorRef<Do>) {
        let (all, _) = world.1.get().unwrap();
        let index = self.roll(all.len() as u64);
        (index as u32, all[index as usize])
    }

    fn note_end(&self, world: &World, question: u64) {
        world.0.lock().unwrap().ends(question);
    }

    fn handle(
        &mut self,
        ctx: &mut Context<'_, Do>,
        world: &World,
        message: Do,
    ) -> Result<Next<Do>, BoxError> {
        match message {
            Do::AnswerKept => {
                for (question, reply) in self.kept.drain(..) {
                    world.0.lock().unwrap().ends(question);
                    reply.send(());
                }
            }
            Do::Question(question, depth, reply) => {
                let (_, helper) = *world.1.get().unwrap();
                let mut held = None;
                match self.roll(7) {
                    6 if depth > 0 => {
                        let (to, other) = self.any(world);
                        world.0.lock().unwrap().moves(question, to);
                        reply.forward(other, |reply| Do::Question(question, depth - 1, reply));
                    }
                    0 => {
                        self.note_end(world, question);
                        reply.forward(helper, |reply| Handed(question, reply));
                    }
                    1 => {
                        self.note_end(world, question);
                        helper.tell(Handed(question, reply));
                    }
                    2 => {
                        self.kept.push((question, reply));
                        ctx.self_ref().tell(Do::AnswerKept);
                    }
                    3 => {
                        // Hands the reply over only after it has begun to ask.
                        self.note_end(world, question);
                        let mut reply = Some(reply);
                        self.ask(ctx, world, depth, None, |_, _| {
                            helper.tell(Handed(question, reply.take().unwrap()));
                        });
                    }
                    _ => held = Some(reply),
                }
                if depth > 0 {
                    for _ in 0..self.roll(2) + 1 {
                        self.ask(ctx, world, depth - 1, held.as_ref(), |_, _| {});
                    }
                }
                let leaves = if depth > 0 { self.roll(12) } else { 2 };
                if leaves < 2 {
                    self.leave_one_behind(ctx, world, depth - 1)?;
                }
                if let Some(reply) = held {
                    self.note_end(world, question);
                    if leaves > 1 {
                        reply.send(());
                    }
                }
                match leaves {
                    0 => return Err("planned".into()),
                    1 => return Ok(Next::Passivate),
                    _ => {}
                }
            }
        }
        Ok(Next::Same)
    }

    /// Leaves a child behind that asks: from then on this actor waits for the child's end.
    fn leave_one_behind(
        &mut self,
        ctx: &mut Context<'_, Do>,
        world: &World,
        depth: u32,
    ) -> Result<(), BoxError> {
        let by = self.question(world, depth).by_way_of();
        by.is_not_awaited_yet();
        let name = format!("left-{}", by.from);
        ctx.spawn(&name, by.clone().asking())?.tell(());
        let pause = self.roll(8);
        ctx.sleep(Duration::from_millis(pause))?;
        for (kept, _) in &self.kept {
            self.note_end(world, *kept);
        }
        by.is_waited_for();
        Ok(())
    }

    /// Returns a question to another actor.
    fn question(&mut self, world: &World, depth: u32) -> Question {
        let (to, actor) = self.any(world);
        Question {
            world: world.clone(),
            from: self.index,
            to,
            actor,
            depth,
            within: Duration::from_millis(5 + self.roll(40)),
        }
    }

    fn ask(
        &mut self,
        ctx: &mut Context<'_, Do>,
        world: &World,
        depth: u32,
        on_behalf: Option<&Reply<()>>,
        before: impl FnOnce(&mut Self, u64),
    ) {
        let (question, second) = (self.question(world, depth), self.question(world, depth));
        let (way, node) = (
            self.roll(9),
            self.nodes[question.to as usize % self.nodes.len()].clone(),
        );
        let before = |number| before(self, number);
        match on_behalf {
            Some(reply) if way < 6 => question.ask(before, |asked| asked.wait_on_behalf_of(reply)),
            _ => match way {
                0 => question.ask(before, |asked| ctx.block_on(asked).unwrap()),
                1 => {
                    before(u64::MAX);
                    let by = question.by_way_of();
                    let task = ctx.spawn_task(move |task| by.ask_as(task.path()));
                    let _ = task.wait();
                }
                2 => {
                    before(u64::MAX);
                    let by = question.by_way_of();
                    ctx.spawn_anonymous(by.starting()).unwrap().stop();
                }
                3 => {
                    before(u64::MAX);
                    let by = question.by_way_of();
                    let name = format!("start-{}", by.from);
                    node.spawn(&name, by.starting()).unwrap().stop();
                }
                4 => {
                    before(u64::MAX);
                    let by = question.by_way_of();
                    let name = format!("fails-{}", by.from);
                    node.spawn(&name, by.failing()).unwrap_err();
                }
                5 => {
                    before(u64::MAX);
                    let asked = [question.begin(), second.begin()];
                    let [(one, first), (two, second)] = asked;
                    world.end_of(&[one, two], all([first, second]).wait());
                }
                _ => question.ask(before, Ask::wait),
            },
        }
    }
}

/// A question that has not been asked yet.
#[derive(Clone)]
struct Question {
    world: World,
    from: u32,
    to: u32,
    actor: ActorRef<Do>,
    depth: u32,
    within: Duration,
}

impl Question {
    fn ask(&self, before: impl FnOnce(u64), wait: impl FnOnce(Ask<()>) -> Result<(), AskError>) {
        let number = self.notes();
        before(number);
        let answer = wait(self.send(number));
        self.world.end_of(&[number], answer);
    }

    fn begin(&self) -> (u64, Ask<()>) {
        let number = self.notes();
        (number, self.send(number))
    }

    fn notes(&self) -> u64 {
        self.world.0.lock().unwrap().asks(self.from, self.to)
    }

    fn send(&self, number: u64) -> Ask<()> {
        let question = |reply| Do::Question(number, self.depth, reply);
        self.actor.ask(question, self.within)
    }

    /// The same question, asked by another actor for which this one waits.
    fn by_way_of(&self) -> Self {
        let mut truth = self.world.0.lock().unwrap();
        truth.others += 1;
        let from = FIRST_OTHER + truth.others;
        let work = truth.asks(self.from, from);
        truth.works.insert(from, work);
        let own = self.clone();
        Self { from, ..own }
    }

    /// Asks once, and ends the wait for the asker.
    fn ask_as(&self, path: ActorPath) {
        let mut truth = self.world.0.lock().unwrap();
        truth.who.insert(path, Some(self.from));
        drop(truth);
        self.ask(|_| {}, Ask::wait);
        let mut truth = self.world.0.lock().unwrap();
        let work = truth.works[&self.from];
        truth.ends(work);
    }

    /// The asker exists before another actor waits for it.
    fn is_not_awaited_yet(&self) {
        self.waits_from(u64::MAX);
    }

    fn is_waited_for(&self) {
        let now = self.world.0.lock().unwrap().now();
        self.waits_from(now);
    }

    fn waits_from(&self, instant: u64) {
        let mut truth = self.world.0.lock().unwrap();
        let work = truth.works[&self.from];
        truth.edges.get_mut(&work).unwrap().begins = instant;
    }

    /// An actor that asks on request.
    fn asking(self) -> Props<()> {
        Props::new(move || {
            let question = self.clone();
            Behavior::receive(move |ctx, ()| question.ask_as(ctx.path()))
        })
    }

    /// An actor that fails to start and leaves a child behind that asks. Its starter waits for that
    /// child only from the failure on.
    fn failing(self) -> Props<u8> {
        let pause = self.within / 8;
        self.is_not_awaited_yet();
        Props::new(move || {
            let question = self.clone();
            Behavior::setup(move |ctx| {
                let mut truth = question.world.0.lock().unwrap();
                truth.who.insert(ctx.path(), None);
                drop(truth);
                ctx.spawn("leaf", question.clone().asking())?.tell(());
                ctx.sleep(pause)?;
                question.is_waited_for();
                Err("planned".into())
            })
        })
    }

    /// An actor that asks in its setup.
    fn starting(self) -> Props<u8> {
        Props::new(move || {
            let question = self.clone();
            Behavior::setup(move |ctx| {
                question.ask_as(ctx.path());
                Ok(Behavior::empty())
            })
        })
    }
}

#[test]
fn s5_6_no_cycle_that_another_actor_could_end_is_called_certain() {
    // For more runs: NEXUS_RUNS=500000 cargo test --release --test asks deadlock::model
    let runs = std::env::var("NEXUS_RUNS").map_or(500, |runs| runs.parse().unwrap());
    let total: Mutex<HashMap<AskErrorKind, u64>> = Mutex::default();
    let through: [AtomicU64; 3] = Default::default();
    for workers in [1, 3] {
        let sims = Sim::builder().workers(workers).on_failure(|_| {});
        let restart = SupervisorStrategy::one_for_one().without_limit();
        sims.supervising(restart).check(0..runs, |sim| {
            let world = World::default();
            let helper = sim.spawn("helper", helper()).unwrap();
            let actors = (0..5_u32).map(|index| {
                let (inner, seed) = (world.clone(), sim.seed() + u64::from(index));
                let path = ActorPath::user().child(&format!("w{index}")).unwrap();
                world.0.lock().unwrap().who.insert(path, Some(index));
                let nodes: Vec<_> = (0..workers).map(|worker| sim.node(worker)).collect();
                let props = Props::new(move || {
                    let (world, nodes) = (inner.clone(), nodes.clone());
                    let me = Me {
                        index,
                        nodes,
                        kept: Vec::new(),
                        dice: seed + (world.0.lock().unwrap().now() << 8),
                    };
                    Behavior::with_state(me, move |me: &mut Me, ctx, message| {
                        me.handle(ctx, &world, message)
                    })
                });
                sim.spawn_on(index as usize % workers, &format!("w{index}"), props)
                    .unwrap()
            });
            let actors: Vec<_> = actors.collect();
            world.1.set((actors.clone(), helper)).ok().unwrap();
            sim.run_until_idle();
            let asked: Vec<_> = actors
                .iter()
                .map(|actor| actor.ask(|reply| Do::Question(0, 3, reply), HOUR))
                .collect();
            sim.run_for(Duration::from_secs(60));
            drop(asked);
            assert_eq!(sim.waiting(), []);
            let truth = world.0.lock().unwrap();
            let found = [
                truth.through_others,
                truth.through_leaves,
                truth.through_left,
            ];
            for (total, found) in through.iter().zip(found) {
                total.fetch_add(found, Relaxed);
            }
            for (kind, times) in &truth.ended {
                *total.lock().unwrap().entry(*kind).or_default() += times;
            }
        });
    }
    let ended = total.into_inner().unwrap();
    let times = |kind| ended.get(&kind).copied().unwrap_or(0);
    assert!(times(AskErrorKind::Deadlock) > runs, "{ended:?}");
    assert!(times(AskErrorKind::Timeout) > runs / 10, "{ended:?}");
    let through = through.map(AtomicU64::into_inner);
    let enough = [runs / 10, runs / 50, runs / 50];
    assert!(
        through
            .iter()
            .zip(enough)
            .all(|(&times, least)| times > least),
        "{through:?}"
    );
}
