//! Families over three workers, with all kinds of events at once, in any order.
//!
//! In every case, an instance handles nothing after its last signal. It is told that signal, or is replaced,
//! once nothing is left of what it had started. An instance that lives on has handled all its mail, in order.

use crate::common::{LONG, OnDrop, SOON, finish, ms, watchdog};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::supervision::Backoff;
use nexus_actors::{ActorPath, BoxError, SpawnError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const WORKERS: usize = 3;

/// What a member is told to do.
enum Do {
    Handle(u32),
    Fail,
    Sleep(Duration),
    Stop,
    /// Start a child of that name on that worker, if there is none.
    Start(String, usize),
}

/// An event in the life of one instance.
#[derive(Debug)]
enum Event {
    /// It is about to start.
    Starts,
    /// It has started, as the child of that instance.
    Begins {
        above: Option<u32>,
    },
    /// It is told of its end by `PostStop`.
    Stops,
    /// It is told of its end by `PreRestart`.
    Restarts,
    Handles(u32),
}

#[derive(Default)]
struct Book {
    instances: u32,
    events: Vec<(u32, String, Event)>,
    started: BTreeMap<String, Vec<ActorRef<Do>>>,
}

type Record = Arc<Mutex<Book>>;

/// What each actor was told to handle.
type Told = BTreeMap<u64, Vec<u32>>;

/// A generator of the plan, apart from the simulation's own (Marsaglia's xorshift).
#[derive(Clone)]
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn strategy(&mut self) -> SupervisorStrategy {
        let strategy = match self.below(4) {
            0 => SupervisorStrategy::all_for_one(),
            1 => SupervisorStrategy::rest_for_one(),
            _ => SupervisorStrategy::one_for_one(),
        };
        let strategy = match self.below(6) {
            0 => strategy.always(Directive::Escalate),
            1 => strategy.always(Directive::Resume),
            2 => strategy.always(Directive::Stop),
            _ => strategy,
        };
        match self.below(3) {
            0 => strategy.limit(2, LONG),
            1 => {
                let backoff = Backoff::new(Duration::from_micros(30), ms(1));
                strategy.without_limit().backoff(backoff.unwrap())
            }
            _ => strategy.without_limit(),
        }
    }
}

/// A member with children of these depths below it.
fn member(record: &Record, draw: &Draw, depth: usize, above: Option<u32>) -> Props<Do> {
    let (record, draw) = (Arc::clone(record), draw.clone());
    let strategy = draw.clone().strategy();
    let props = Props::new(move || {
        let (record, mut draw) = (Arc::clone(&record), draw.clone());
        Behavior::setup(move |ctx| {
            let own = {
                let mut book = record.lock().unwrap();
                book.instances += 1;
                let (own, path) = (book.instances, ctx.path().to_string());
                book.started
                    .entry(path.clone())
                    .or_default()
                    .push(ctx.self_ref());
                book.events.push((own, path, Event::Starts));
                own
            };
            if draw.below(8) == 0 {
                ctx.sleep(Duration::from_micros(20))?;
            }
            for child in 0..2 + draw.below(2) {
                if depth > 0 {
                    start(ctx, &record, &draw, depth, own, &child.to_string())?;
                }
            }
            let note = move |record: &Record, path: ActorPath, event| {
                let mut book = record.lock().unwrap();
                book.events.push((own, path.to_string(), event));
            };
            note(&record, ctx.path(), Event::Begins { above });
            let told = Arc::clone(&record);
            let handling = Behavior::receive(move |ctx, message| {
                handle(ctx, message, &record, &draw, depth, own)
            });
            Ok(handling.on_signal(move |ctx, signal| {
                let event: fn() -> Event = match signal {
                    Signal::PostStop(_) => || Event::Stops,
                    Signal::PreRestart(_) => || Event::Restarts,
                    _ => return,
                };
                let path = ctx.path();
                // Recorded when the handler ends, even if a deadline unwinds it.
                let _note = OnDrop(|| note(&told, path.clone(), event()));
                let _ = ctx.sleep(Duration::from_micros(10));
            }))
        })
    });
    props.supervising(strategy)
}

fn start(
    ctx: &mut Context<'_, Do>,
    record: &Record,
    draw: &Draw,
    depth: usize,
    own: u32,
    name: &str,
) -> Result<(), BoxError> {
    let mut draw = Draw(draw.0.wrapping_mul(u64::from(own) * 2 + 1) | 1);
    let worker = draw.below(WORKERS);
    let props = member(record, &draw, depth - 1, Some(own));
    match ctx.spawn_on(worker, name, props) {
        Ok(_) | Err(SpawnError::NameTaken(_) | SpawnError::ShuttingDown) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn handle(
    ctx: &mut Context<'_, Do>,
    message: Do,
    record: &Record,
    draw: &Draw,
    depth: usize,
    own: u32,
) -> Result<Next<Do>, BoxError> {
    match message {
        Do::Handle(number) => {
            let path = ctx.path().to_string();
            let event = (own, path, Event::Handles(number));
            record.lock().unwrap().events.push(event);
        }
        Do::Fail => return Err("planned".into()),
        Do::Sleep(time) => ctx.sleep(time)?,
        Do::Stop => return Ok(Next::Stop),
        Do::Start(name, worker) if depth > 0 => {
            let props = member(record, &Draw(draw.0.wrapping_add(2)), depth - 1, Some(own));
            match ctx.spawn_on(worker, &name, props) {
                Ok(_) | Err(SpawnError::NameTaken(_) | SpawnError::ShuttingDown) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Do::Start(..) => {}
    }
    Ok(Next::Same)
}

/// Does something to an actor that lives, or has lived.
fn disturb(draw: &mut Draw, target: ActorRef<Do>, told: &mut Told, number: u32) {
    match draw.below(16) {
        0..=5 => {
            target.tell(Do::Handle(number));
            told.entry(key(target)).or_default().push(number);
        }
        6..=8 => target.tell(Do::Fail),
        9 => target.tell(Do::Sleep(Duration::from_micros(50))),
        10 => target.tell(Do::Stop),
        11 => target.stop(),
        12 => target.kill(),
        13 => target.passivate(),
        14 => {
            target.suspend();
            target.tell(Do::Handle(number));
            told.entry(key(target)).or_default().push(number);
            target.resume();
        }
        _ => target.tell(Do::Start(draw.below(4).to_string(), draw.below(WORKERS))),
    }
}

/// The key of an actor in the records.
fn key(actor: ActorRef<Do>) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    actor.hash(&mut hasher);
    hasher.finish()
}

/// Returns every actor that has begun to start, the oldest first.
fn all(record: &Record) -> Vec<ActorRef<Do>> {
    let book = record.lock().unwrap();
    let mut all: Vec<_> = book.started.values().flatten().copied().collect();
    let mut seen = BTreeSet::new();
    all.retain(|actor| seen.insert(key(*actor)));
    all
}

/// Checks the events, in order.
fn assert_ordered(record: &Record) {
    let book = record.lock().unwrap();
    // The instances that live, with their paths and their parents.
    let mut living: BTreeMap<u32, (&str, Option<u32>)> = BTreeMap::new();
    // The last instance of each path that was told `PreRestart`.
    let mut going: BTreeMap<&str, u32> = BTreeMap::new();
    let below = |living: &BTreeMap<u32, (&str, Option<u32>)>, own: u32| {
        let mut below = living.iter().filter(|(_, (_, above))| *above == Some(own));
        below
            .next()
            .map(|(child, (path, _))| (*child, (*path).to_owned()))
    };
    for (own, path, event) in &book.events {
        match event {
            Event::Starts => {
                if let Some(before) = going.remove(path.as_str()) {
                    assert_eq!(below(&living, before), None, "{path} starts again");
                }
            }
            Event::Begins { above } => {
                living.insert(*own, (path, *above));
            }
            Event::Handles(number) => {
                assert!(
                    living.contains_key(own),
                    "{path} handles {number} after its end"
                );
            }
            Event::Restarts => {
                assert!(living.remove(own).is_some(), "{path} ends twice");
                going.insert(path, *own);
            }
            Event::Stops => {
                assert!(living.remove(own).is_some(), "{path} ends twice");
                assert_eq!(below(&living, *own), None, "{path} stops before a child");
            }
        }
    }
}

/// Checks that each actor has handled in order what it was told; all of it, if it lives.
fn assert_kept(sim: &Sim, record: &Record, told: &Told) {
    let started = record.lock().unwrap().started.clone();
    for (path, actors) in started {
        let last = *actors.last().unwrap();
        let numbers = told.get(&key(last)).cloned().unwrap_or_default();
        let book = record.lock().unwrap();
        let of_path = book.events.iter().filter(|(_, one, _)| *one == path);
        let handled: Vec<u32> = of_path
            .filter_map(|(.., event)| match event {
                Event::Handles(number) => Some(*number),
                _ => None,
            })
            .collect();
        drop(book);
        assert!(handled.is_sorted(), "{path}: {handled:?}");
        if sim.lookup::<Do>(&path) == Ok(last) {
            let handled: Vec<u32> = handled
                .into_iter()
                .filter(|number| numbers.contains(number))
                .collect();
            assert_eq!(handled, numbers, "{path}");
        }
    }
}

/// Does all kinds of things to the members of a family, with pauses.
fn disturb_all(draw: &mut Draw, record: &Record, mut pause: impl FnMut(&mut Draw)) -> Told {
    let mut told = Told::new();
    for number in 0..60 {
        let actors = all(record);
        let target = actors[draw.below(actors.len())];
        // The top is chosen seldom, as it takes all others along.
        let target = if target == actors[0] && draw.below(4) > 0 {
            actors[actors.len() - 1]
        } else {
            target
        };
        disturb(draw, target, &mut told, number);
        pause(draw);
    }
    told
}

fn run(sim: &mut Sim) {
    let mut draw = Draw(sim.seed().wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let record = Record::default();
    let top = member(&record, &draw, 2, None);
    sim.spawn_on(draw.below(WORKERS), "top", top).unwrap();
    let told = disturb_all(&mut draw, &record, |draw| {
        if draw.below(2) == 0 {
            sim.run_for(Duration::from_micros(draw.below(200) as u64));
        }
    });
    if draw.below(3) == 0 {
        // A shutdown in the middle of all that.
        sim.shutdown([Duration::ZERO, Duration::from_micros(100), LONG][draw.below(3)]);
        return assert_ordered(&record);
    }
    sim.run_for(LONG);
    assert_kept(sim, &record, &told);
    assert_eq!(sim.shutdown(LONG).forced, 0);
    assert_ordered(&record);
}

#[test]
fn s4_17_families_over_several_workers_end_leaf_first_and_lose_no_mail_in_any_order_of_events() {
    let builder = Sim::builder().workers(WORKERS);
    builder.check(0..400, run);
}

#[test]
fn s4_17_families_over_the_threads_of_a_pool_end_leaf_first() {
    let _watchdog = watchdog();
    for round in 0_u64..40 {
        let mut draw = Draw((round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let builder = WorkerPool::builder().workers(WORKERS).on_failure(|_| {});
        let pool = builder.start().unwrap();
        let record = Record::default();
        let top = member(&record, &draw, 2, None);
        pool.spawn_on(draw.below(WORKERS), "top", top).unwrap();
        disturb_all(&mut draw, &record, |draw| {
            if draw.below(8) == 0 {
                std::thread::yield_now();
            }
        });
        if round % 2 == 0 {
            let report = finish(&pool, SOON);
            assert_eq!(report.forced, 0, "{report:?}");
        } else {
            finish(&pool, Duration::ZERO);
        }
        assert_ordered(&record);
    }
}
