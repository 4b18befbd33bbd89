//! Cycles of waits: found at once where they are certain, suspected where they are not, and never
//! reported where somebody else can end them.

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{watchdog, with_pools};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{Cycle, WaitsFor};

const HOUR: Duration = Duration::from_secs(3600);
const SEEDS: std::ops::Range<u64> = 0..200;

/// Asks the next one, if there is one, on behalf of whoever asks, or not.
enum Ask1 {
    Meet(ActorRef<Ask1>),
    Question(Reply<Result<u32, AskError>>),
}

#[derive(Clone, Copy)]
enum How {
    OnBehalf,
    Plainly,
}

fn member(how: How) -> Props<Ask1> {
    Props::new(move || {
        Behavior::with_state(
            None,
            move |next: &mut Option<ActorRef<Ask1>>, _ctx, message| match message {
                Ask1::Meet(other) => *next = Some(other),
                Ask1::Question(reply) => {
                    let answer = match next {
                        None => Ok(Ok(1)),
                        Some(next) => {
                            let asked = next.ask(Ask1::Question, HOUR);
                            match how {
                                How::OnBehalf => asked.wait_for(&reply),
                                How::Plainly => asked.wait(),
                            }
                        }
                    };
                    reply.send(answer.unwrap_or_else(Err));
                }
            },
        )
    })
}

fn paths(cycle: &Cycle) -> Vec<String> {
    let links = cycle.links().iter();
    links.map(|link| link.path.to_string()).collect()
}

/// A ring of so many, on one worker or spread over three.
fn ring(sim: &mut Sim, how: How, members: usize, spread: bool) -> Vec<ActorRef<Ask1>> {
    let ring: Vec<_> = (0..members)
        .map(|place| {
            let worker = if spread { place % 3 } else { 0 };
            sim.spawn_on(worker, &format!("m{place}"), member(how))
                .unwrap()
        })
        .collect();
    for (place, actor) in ring.iter().enumerate() {
        actor.tell(Ask1::Meet(ring[(place + 1) % members]));
    }
    sim.run_until_idle();
    ring
}

#[test]
fn s5_6_an_actor_that_asks_itself_is_told_at_once() {
    Sim::builder().check(SEEDS, |sim| {
        let itself = sim
            .spawn(
                "narcissus",
                Props::new(|| {
                    Behavior::receive(|ctx, reply: Reply<Option<String>>| {
                        let error = ctx.self_ref().ask(|reply| reply, HOUR).wait();
                        let error = error.unwrap_err();
                        assert_eq!(error.kind(), AskErrorKind::Deadlock);
                        reply.send(Some(error.to_string()));
                    })
                }),
            )
            .unwrap();
        let text = itself.ask(|reply| reply, HOUR).wait().unwrap().unwrap();
        assert!(
            text.contains("/user/narcissus -> /user/narcissus"),
            "{text}"
        );
        assert!(
            sim.now() < Duration::from_secs(1),
            "no time-out was waited for"
        );
        // The question is not handled after all.
        let letters = sim.dead_letters();
        sim.run_until_idle();
        assert_eq!(letters.count(DeadLetterReason::Cancelled), 1);
    });
}

#[test]
fn s5_6_a_ring_of_asks_is_told_at_once_by_the_one_that_closes_it() {
    for spread in [false, true] {
        for members in [2, 3, 7] {
            Sim::builder().workers(3).check(0..40, |sim| {
                let ring = ring(sim, How::OnBehalf, members, spread);
                let answer = ring[0].ask(Ask1::Question, HOUR).wait().unwrap();
                let error = answer.unwrap_err();
                assert_eq!(error.kind(), AskErrorKind::Deadlock, "{error}");
                let cycle = error.details().unwrap().cycle().unwrap();
                assert!(cycle.is_certain());
                // It begins with the one that closes it.
                let mut expected: Vec<_> = (0..members).map(|i| format!("/user/m{i}")).collect();
                expected.rotate_left(members - 1);
                assert_eq!(paths(cycle), expected);
                assert!(
                    sim.now() < Duration::from_secs(1),
                    "no time-out was waited for"
                );
            });
        }
    }
}

#[test]
fn s5_6_a_ring_whose_replies_may_be_elsewhere_is_suspected_and_named_at_the_time_out() {
    for spread in [false, true] {
        let suspected: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
        let log = Arc::clone(&suspected);
        Sim::builder()
            .workers(3)
            .on_suspected_deadlock(move |cycle| log.lock().unwrap().push(paths(cycle)))
            .check(0..20, |sim| {
                suspected.lock().unwrap().clear();
                let ring = ring(sim, How::Plainly, 3, spread);
                let asked = ring[0].ask(Ask1::Question, 2 * HOUR);
                sim.run_for(Duration::from_secs(1));
                let (mut first, seen) = (suspected.lock().unwrap().clone(), sim.waiting());
                assert_eq!(first.len(), 1, "once");
                first[0].sort();
                assert_eq!(first[0], ["/user/m0", "/user/m1", "/user/m2"]);
                assert!(seen.iter().all(|one| one.cycle.is_some()), "in snapshots");
                assert!(matches!(seen[0].waits_for, WaitsFor::Actor(..)));
                let error = asked.wait().unwrap().unwrap_err();
                assert_eq!(error.kind(), AskErrorKind::Timeout);
                let cycle = error.details().unwrap().cycle().unwrap();
                assert!(!cycle.is_certain());
                assert_eq!(cycle.links().len(), 3);
            });
    }
}

#[test]
fn s5_6_a_cycle_that_was_suspected_and_is_over_is_not_named_by_those_who_wait_next() {
    enum Job {
        /// To ask that one, and then the keeper.
        Begin(ActorRef<Job>, Reply<AskError>),
        /// To hand the reply to the keeper, and to ask that one.
        Ask(ActorRef<Job>, Reply<()>),
        Nothing(Reply<()>),
    }
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..50, |sim| {
            let kept: Arc<Mutex<Vec<Reply<()>>>> = Arc::default();
            let keeps = Arc::clone(&kept);
            let keeper = Props::new(move || {
                let keeps = Arc::clone(&keeps);
                Behavior::receive(move |_ctx, reply| keeps.lock().unwrap().push(reply))
            });
            let keeper = sim.spawn("keeper", keeper).unwrap();
            let member = || {
                Props::new(move || {
                    Behavior::receive(move |ctx, job| match job {
                        Job::Begin(other, reply) => {
                            let own = ctx.self_ref();
                            let answer = other.ask(|reply| Job::Ask(own, reply), HOUR).wait();
                            assert_eq!(answer, Ok(()));
                            let late = keeper.ask(|reply| reply, Duration::from_millis(5));
                            reply.send(late.wait().unwrap_err());
                        }
                        Job::Ask(other, reply) => {
                            keeper.tell(reply);
                            let _ = other.ask(Job::Nothing, HOUR).wait();
                        }
                        Job::Nothing(reply) => reply.send(()),
                    })
                })
            };
            let a = sim.spawn_on(0, "a", member()).unwrap();
            let b = sim.spawn_on(workers - 1, "b", member()).unwrap();
            let asked = a.ask(|reply| Job::Begin(b, reply), HOUR);
            sim.run_for(Duration::from_millis(1));
            let waiting = sim.waiting();
            assert_eq!(waiting.len(), 2);
            assert!(waiting.iter().all(|one| one.cycle.is_some()), "suspected");
            let reply = kept.lock().unwrap().pop().unwrap();
            reply.send(());
            sim.run_for(Duration::from_millis(1));
            let waiting = sim.waiting();
            let of_a = waiting
                .iter()
                .find(|one| one.actor.as_ref().unwrap().0 == a.id());
            assert_eq!(of_a.unwrap().cycle, None);
            let error = asked.wait().unwrap();
            assert_eq!(error.kind(), AskErrorKind::Timeout);
            assert_eq!(error.details().unwrap().cycle(), None);
            kept.lock().unwrap().clear();
        });
    }
}

#[test]
fn s5_6_questions_that_nobody_has_come_to_make_a_cycle_however_they_are_waited_for() {
    /// Asks the peer when it is told to; answers when it is asked.
    enum Peer {
        Begin(ActorRef<Peer>),
        Question(Reply<u32>),
    }
    fn peer(log: &Arc<Mutex<Vec<AskErrorKind>>>) -> Props<Peer> {
        let log = Arc::clone(log);
        Props::new(move || {
            let log = Arc::clone(&log);
            Behavior::receive(move |_ctx, message| match message {
                Peer::Begin(other) => {
                    if let Err(error) = other.ask(Peer::Question, HOUR).wait() {
                        log.lock().unwrap().push(error.kind());
                    }
                }
                Peer::Question(reply) => reply.send(1),
            })
        })
    }
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(SEEDS, |sim| {
            let log = Arc::default();
            let a = sim.spawn_on(0, "a", peer(&log)).unwrap();
            let b = sim.spawn_on(workers - 1, "b", peer(&log)).unwrap();
            a.tell(Peer::Begin(b));
            b.tell(Peer::Begin(a));
            sim.run_until_idle();
            // Where one is done before the other begins, there is no cycle; else one of them is told,
            // and the other is answered.
            let log = log.lock().unwrap();
            assert!(log.len() <= 1, "{log:?}");
            assert!(log.iter().all(|kind| *kind == AskErrorKind::Deadlock));
            assert!(sim.now() < Duration::from_secs(1));
        });
    }
}

#[test]
fn s5_6_an_ask_and_a_full_mailbox_make_a_cycle_together() {
    enum Job {
        Fill,
        Work(ActorRef<Job>),
        Question(Reply<u32>),
    }
    fn worker(log: &Arc<Mutex<Vec<String>>>) -> Props<Job> {
        let log = Arc::clone(log);
        Props::new(move || {
            let log = Arc::clone(&log);
            Behavior::receive(move |_ctx, message| match message {
                Job::Fill => {}
                Job::Work(other) => {
                    let asked = other.ask(Job::Question, HOUR).wait();
                    log.lock()
                        .unwrap()
                        .extend(asked.err().map(|e| e.to_string()));
                }
                Job::Question(reply) => reply.send(1),
            })
        })
        .mailbox(Mailbox::bounded(3, Overflow::Backpressure).unwrap())
    }
    fn filler(log: &Arc<Mutex<Vec<String>>>, to: ActorRef<Job>) -> Props<Job> {
        let log = Arc::clone(log);
        Props::new(move || {
            let log = Arc::clone(&log);
            Behavior::receive(move |_ctx, message| match message {
                Job::Question(reply) => reply.send(1),
                _ => {
                    let full = (0..9).find_map(|_| to.send(Job::Fill).err());
                    log.lock().unwrap().extend(full.map(|e| e.to_string()));
                }
            })
        })
    }
    let met = AtomicU64::new(0);
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(SEEDS, |sim| {
            let log = Arc::default();
            let a = sim.spawn_on(0, "a", worker(&log)).unwrap();
            let b = sim.spawn_on(workers - 1, "b", filler(&log, a)).unwrap();
            a.tell(Job::Work(b));
            b.tell(Job::Fill);
            sim.run_until_idle();
            let log = log.lock().unwrap();
            assert!(
                log.len() <= 1 && log.iter().all(|text| text.contains("a deadlock")),
                "{log:?}"
            );
            assert_eq!(sim.waiting(), []);
            met.fetch_add(log.len() as u64, Relaxed);
        });
    }
    let met = met.into_inner();
    assert!(met > 50, "they have met {met} times");
}

#[test]
fn s5_6_no_full_mailbox_makes_a_certain_cycle_from_which_a_question_can_be_taken_back() {
    enum Job {
        Fill,
        Work(ActorRef<Job>),
        Question(Reply<u32>),
    }
    for (workers, taken_back) in [(1, true), (1, false), (2, true), (2, false)] {
        Sim::builder().workers(workers).check(SEEDS, |sim| {
            let log: Arc<Mutex<Vec<bool>>> = Arc::default();
            let asked = Arc::clone(&log);
            let a = Props::new(move || {
                let asked = Arc::clone(&asked);
                Behavior::receive(move |ctx, message| {
                    match message {
                        Job::Fill => {}
                        Job::Work(other) => {
                            ctx.sleep(Duration::from_millis(20))?;
                            let answer = other.ask(Job::Question, HOUR).wait();
                            asked.lock().unwrap().push(answer.is_ok());
                        }
                        Job::Question(reply) => reply.send(1),
                    }
                    Ok::<_, nexus_actors::WaitError>(())
                })
            });
            let bound = Mailbox::bounded(1, Overflow::Backpressure).unwrap();
            let a = sim.spawn_on(0, "a", a.mailbox(bound)).unwrap();
            let sent = Arc::clone(&log);
            let b = Props::new(move || {
                let sent = Arc::clone(&sent);
                Behavior::receive(move |_ctx, message| match message {
                    Job::Question(reply) => reply.send(1),
                    _ => {
                        let room = a.send(Job::Fill).is_ok();
                        sent.lock().unwrap().push(room);
                    }
                })
            });
            let b = sim.spawn_on(workers - 1, "b", b).unwrap();
            a.tell(Job::Work(b));
            sim.run_for(Duration::from_millis(5));
            // Its mailbox is full: of a question that nobody may need later, or of something else.
            let question = taken_back.then(|| a.ask(Job::Question, HOUR));
            if !taken_back {
                a.tell(Job::Fill);
            }
            sim.run_for(Duration::from_millis(5));
            b.tell(Job::Fill);
            sim.run_for(Duration::from_millis(100));
            assert_eq!(log.lock().unwrap().is_empty(), taken_back);
            drop(question);
            sim.run_for(Duration::from_millis(100));
            assert_eq!(sim.waiting(), []);
            let mut log = log.lock().unwrap().clone();
            log.sort_unstable();
            assert_eq!(log, [taken_back, true]);
        });
    }
}

#[test]
fn s5_6_to_ask_somebody_who_waits_takes_as_long_however_much_mail_there_is() {
    enum Job {
        Wait,
        Note,
        Question(Reply<()>),
    }
    let _watchdog = watchdog();
    let pool = WorkerPool::builder().workers(1).start().unwrap();
    let held: Arc<Mutex<Vec<Reply<()>>>> = Arc::default();
    let keeps = Arc::clone(&held);
    let mute = Props::new(move || {
        let keeps = Arc::clone(&keeps);
        Behavior::receive(move |_ctx, reply| keeps.lock().unwrap().push(reply))
    });
    let mute = pool.spawn("mute", mute).unwrap();
    let busy = Props::new(move || {
        Behavior::receive(move |_ctx, job| match job {
            Job::Wait => drop(mute.ask(|reply| reply, HOUR).wait()),
            Job::Note => {}
            Job::Question(reply) => reply.send(()),
        })
    });
    let busy = pool.spawn("busy", busy).unwrap();
    busy.tell(Job::Wait);
    (0..200_000).for_each(|_| busy.tell(Job::Note));
    let asker = Props::new(move || {
        Behavior::receive(move |ctx, (tasks, reply): (u32, Reply<()>)| {
            for _ in 0..tasks {
                drop(ctx.spawn_task(move |_task| drop(busy.ask(Job::Question, HOUR).wait())));
            }
            reply.send(());
        })
    });
    let asker = pool.spawn("asker", asker).unwrap();
    let begun = std::time::Instant::now();
    // The second answer comes behind the questions of all tasks.
    for tasks in [1500, 0] {
        asker.ask(|reply| (tasks, reply), HOUR).wait().unwrap();
    }
    // As many looks through all the mail would take several times that long.
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    held.lock().unwrap().clear();
    pool.shutdown(Duration::from_secs(20)).unwrap();
}

#[test]
fn s5_6_to_ask_somebody_who_waits_takes_as_long_as_the_chain_is() {
    const CHAIN: usize = 20_000;
    const ASKERS: u32 = 100;
    let _watchdog = watchdog();
    let pool = WorkerPool::builder().workers(1).start().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    // Keeps the reply.
    let mute = Props::new(move || {
        let tell = tell.clone();
        Behavior::receive(move |_ctx, reply: Reply<()>| tell.send(reply).unwrap())
    });
    let mut next = pool.spawn("mute", mute).unwrap();
    for number in 0..CHAIN {
        let asks = next;
        let link = Props::new(move || {
            Behavior::receive(move |_ctx, reply: Reply<()>| {
                if asks.ask(|reply| reply, HOUR).wait_for(&reply).is_ok() {
                    reply.send(());
                }
            })
        });
        next = pool.spawn(&format!("link-{number}"), link).unwrap();
    }
    let first = next;
    let through = first.ask(|reply| reply, HOUR);
    let held = told.recv().unwrap();
    let (waits, waiting) = std::sync::mpsc::channel();
    let asker = Props::new(move || {
        let waits = waits.clone();
        Behavior::receive(move |ctx, ()| {
            for _ in 0..ASKERS {
                let waits = waits.clone();
                drop(ctx.spawn_task(move |_task| {
                    let asked = first.ask(|reply| reply, HOUR);
                    waits.send(()).unwrap();
                    drop(asked.wait());
                }));
            }
        })
    });
    let asker = pool.spawn("asker", asker).unwrap();
    let begun = std::time::Instant::now();
    asker.tell(());
    (0..ASKERS).for_each(|_| waiting.recv().unwrap());
    first.kill(); // after the question that it is at
    held.send(());
    assert_eq!(through.wait(), Ok(()));
    // To compare each link with all before it would take many times that long.
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    drop(told);
    pool.shutdown(Duration::from_secs(20)).unwrap();
}

#[test]
fn s5_6_a_pool_of_threads_finds_them_too() {
    let _watchdog = watchdog();
    with_pools(|pool| {
        let ring: Vec<_> = (0..pool.workers())
            .map(|worker| {
                let props = member(How::OnBehalf);
                pool.spawn_on(worker, &format!("p{worker}"), props).unwrap()
            })
            .collect();
        for (place, actor) in ring.iter().enumerate() {
            actor.tell(Ask1::Meet(ring[(place + 1) % ring.len()]));
        }
        for first in &ring {
            let answer = first.ask(Ask1::Question, HOUR).wait().unwrap();
            assert_eq!(answer.unwrap_err().kind(), AskErrorKind::Deadlock);
        }
    });
}

// ---- what looks like one, and is none ------------------------------------------------------------

#[test]
fn s5_6_who_asks_one_that_waits_for_somebody_else_waits_its_turn() {
    for workers in [1, 3] {
        Sim::builder().workers(workers).check(SEEDS, |sim| {
            let chain: Vec<_> = (0..4)
                .map(|place| {
                    let name = format!("c{place}");
                    let how = [How::OnBehalf, How::Plainly][place % 2];
                    sim.spawn_on(place % workers, &name, member(how)).unwrap()
                })
                .collect();
            for (place, actor) in chain.iter().enumerate().take(3) {
                actor.tell(Ask1::Meet(chain[place + 1]));
            }
            sim.run_until_idle();
            let asked: Vec<_> = (0..8)
                .map(|i| chain[i % 4].ask(Ask1::Question, HOUR))
                .collect();
            for asked in asked {
                assert_eq!(asked.wait().unwrap(), Ok(1));
            }
        });
    }
}

// ---- no false alarm -------------------------------------------------------------------------------

/// A time during which an actor waited for the answer to a question, and the reply was with the actor
/// that had been asked: in its mailbox, in its handler, or in its state. Or for a start, or a task.
#[derive(Clone, Copy, Debug)]
struct Edge {
    from: u32,
    to: u32,
    begins: u64,
    ends: u64,
}

/// What really happens, in the order in which it does.
#[derive(Default)]
struct Truth {
    instant: u64,
    questions: u64,
    /// By question.
    edges: HashMap<u64, Edge>,
    ended: HashMap<AskErrorKind, u64>,
    who: HashMap<ActorPath, u32>,
    /// Those who ask for others, and what these wait for.
    others: u32,
    works: HashMap<u32, u64>,
    /// Cycles that went through such a one, and through one whose parent did not start.
    through_others: u64,
    through_leaves: u64,
}

/// Where the numbers of those who ask for others begin.
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

    /// The answer has come, or the reply is no longer with whom was asked.
    fn ends(&mut self, question: u64) {
        let now = self.now();
        if let Some(edge) = self.edges.get_mut(&question) {
            edge.ends = edge.ends.min(now);
        }
    }

    /// The reply goes from whom it was with to that one.
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

    /// There was an instant at which each member of the cycle waited for an answer that only the next
    /// one could give.
    fn check(&mut self, cycle: &Cycle) {
        let links = cycle.links().iter();
        let who: Vec<u32> = links.map(|link| self.who[&link.path]).collect();
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
        let mut links = cycle.links().iter();
        let through_leaf = links.any(|link| link.path.name() == "leaf");
        self.through_leaves += u64::from(through_leaf);
    }
}

#[derive(Clone)]
struct World(Arc<Mutex<Truth>>);

enum Do {
    Meet(Arc<Vec<ActorRef<Do>>>, ActorRef<Handed>),
    Question(u64, u32, Reply<()>),
    AnswerKept,
}

/// A reply in somebody else's hands, who always answers.
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
    others: Arc<Vec<ActorRef<Do>>>,
    helper: Option<ActorRef<Handed>>,
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

    fn note_end(&self, world: &World, question: u64) {
        world.0.lock().unwrap().ends(question);
    }

    fn handle(
        &mut self,
        ctx: &mut Context<'_, Do>,
        world: &World,
        message: Do,
    ) -> Result<(), BoxError> {
        match message {
            Do::Meet(others, helper) => {
                (self.others, self.helper) = (others, Some(helper));
            }
            Do::AnswerKept => {
                for (question, reply) in self.kept.drain(..) {
                    world.0.lock().unwrap().ends(question);
                    reply.send(());
                }
            }
            Do::Question(question, depth, reply) => {
                let helper = self.helper.unwrap();
                let mut held = None;
                match self.roll(7) {
                    6 if depth > 0 => {
                        let to = self.roll(self.others.len() as u64) as u32;
                        world.0.lock().unwrap().moves(question, to);
                        let other = self.others[to as usize];
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
                        // Hands it on only when it has begun to ask.
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
                if let Some(reply) = held {
                    self.note_end(world, question);
                    reply.send(());
                }
            }
        }
        Ok(())
    }

    fn ask(
        &mut self,
        ctx: &mut Context<'_, Do>,
        world: &World,
        depth: u32,
        on_behalf: Option<&Reply<()>>,
        before: impl FnOnce(&mut Self, u64),
    ) {
        let to = self.roll(self.others.len() as u64) as u32;
        let question = Question {
            world: world.clone(),
            from: self.index,
            to,
            actor: self.others[to as usize],
            depth,
            within: Duration::from_millis(5 + self.roll(40)),
        };
        let (way, node) = (
            self.roll(8),
            self.nodes[to as usize % self.nodes.len()].clone(),
        );
        let before = |number| before(self, number);
        match on_behalf {
            Some(reply) if way < 6 => question.ask(before, |asked| asked.wait_for(reply)),
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
                _ => question.ask(before, Ask::wait),
            },
        }
    }
}

/// A question that is about to be asked.
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
        let (truth, depth) = (&self.world.0, self.depth);
        let number = truth.lock().unwrap().asks(self.from, self.to);
        before(number);
        let question = |reply| Do::Question(number, depth, reply);
        let answer = wait(self.actor.ask(question, self.within));
        let mut truth = truth.lock().unwrap();
        if let Err(error) = &answer {
            *truth.ended.entry(error.kind()).or_default() += 1;
            if let AskError::Deadlock(details) = error {
                truth.check(details.cycle().unwrap());
            }
        }
        truth.ends(number);
    }

    /// The same, asked by somebody else for whom this one waits.
    fn by_way_of(&self) -> Self {
        let mut truth = self.world.0.lock().unwrap();
        truth.others += 1;
        let from = FIRST_OTHER + truth.others;
        let work = truth.asks(self.from, from);
        truth.works.insert(from, work);
        let own = self.clone();
        Self { from, ..own }
    }

    /// Asks, and is done.
    fn ask_as(&self, path: ActorPath) {
        let mut truth = self.world.0.lock().unwrap();
        truth.who.insert(path, self.from);
        drop(truth);
        self.ask(|_| {}, Ask::wait);
        let mut truth = self.world.0.lock().unwrap();
        let work = truth.works[&self.from];
        truth.ends(work);
    }

    /// An actor that does not start, and of which somebody is left who asks: only then whoever starts it
    /// waits for that one.
    fn failing(self) -> Props<u8> {
        let pause = self.within / 8;
        let leaf = {
            let question = self.clone();
            Props::new(move || {
                let question = question.clone();
                Behavior::receive(move |ctx, ()| question.ask_as(ctx.path()))
            })
        };
        let begins = move |at: Option<u64>| {
            let mut truth = self.world.0.lock().unwrap();
            let (now, work) = (truth.now(), truth.works[&self.from]);
            truth.edges.get_mut(&work).unwrap().begins = at.unwrap_or(now);
        };
        begins(Some(u64::MAX));
        let begins = Arc::new(begins);
        Props::new(move || {
            let (leaf, begins) = (leaf.clone(), Arc::clone(&begins));
            Behavior::setup(move |ctx| {
                ctx.spawn("leaf", leaf)?.tell(());
                ctx.sleep(pause)?;
                begins(None);
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
fn s5_6_no_cycle_is_called_certain_that_somebody_else_could_end() {
    // Longer: NEXUS_RUNS=500000 cargo test --release --test deadlock
    let runs = std::env::var("NEXUS_RUNS").map_or(500, |runs| runs.parse().unwrap());
    let total: Mutex<HashMap<AskErrorKind, u64>> = Mutex::default();
    let [through_others, through_leaves] = [const { AtomicU64::new(0) }; 2];
    for workers in [1, 3] {
        Sim::builder().workers(workers).check(0..runs, |sim| {
            let world = World(Arc::default());
            let helper = sim.spawn("helper", helper()).unwrap();
            let actors: Vec<_> = (0..5_u32)
                .map(|index| {
                    let (world, seed) = (world.clone(), sim.seed() + u64::from(index));
                    let path = ActorPath::user().child(&format!("w{index}")).unwrap();
                    world.0.lock().unwrap().who.insert(path, index);
                    let nodes: Vec<_> = (0..workers).map(|worker| sim.node(worker)).collect();
                    let props = Props::new(move || {
                        let (world, nodes) = (world.clone(), nodes.clone());
                        let me = Me {
                            index,
                            others: Arc::default(),
                            helper: None,
                            nodes,
                            kept: Vec::new(),
                            dice: seed,
                        };
                        Behavior::with_state(me, move |me: &mut Me, ctx, message| {
                            me.handle(ctx, &world, message)
                        })
                    });
                    sim.spawn_on(index as usize % workers, &format!("w{index}"), props)
                        .unwrap()
                })
                .collect();
            let actors = Arc::new(actors);
            for actor in actors.iter() {
                actor.tell(Do::Meet(Arc::clone(&actors), helper));
            }
            sim.run_until_idle();
            let asked: Vec<_> = actors
                .iter()
                .map(|actor| actor.ask(|reply| Do::Question(0, 3, reply), HOUR))
                .collect();
            sim.run_for(Duration::from_secs(60));
            drop(asked);
            assert_eq!(sim.waiting(), []);
            let truth = world.0.lock().unwrap();
            through_others.fetch_add(truth.through_others, Relaxed);
            through_leaves.fetch_add(truth.through_leaves, Relaxed);
            for (kind, times) in &truth.ended {
                *total.lock().unwrap().entry(*kind).or_default() += times;
            }
        });
    }
    let ended = total.into_inner().unwrap();
    let times = |kind| ended.get(&kind).copied().unwrap_or(0);
    assert!(times(AskErrorKind::Deadlock) > runs, "{ended:?}");
    assert!(times(AskErrorKind::Timeout) > runs / 10, "{ended:?}");
    assert!(through_others.into_inner() > runs / 10);
    assert!(through_leaves.into_inner() > runs / 50);
}
