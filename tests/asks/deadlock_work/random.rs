//! Actors that ask each other at random: what searches report as certain is compared with the truth.

use super::{Answers, Do, HOUR, doer, sims, work};
use crate::common::ms;
use nexus_actors::all;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Fault, Sim};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The number of runs of each. For more: NEXUS_RUNS=5000 cargo test --release --test asks
/// deadlock_work::random
fn runs() -> u64 {
    std::env::var("NEXUS_RUNS").map_or(40, |runs| runs.parse().unwrap())
}

struct Dice(u64);

impl Dice {
    fn new(sim: &Sim) -> Self {
        Self((sim.seed() + 7).wrapping_mul(6_364_136_223_846_793_005) | 1)
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % sides
    }

    fn place(&mut self, sides: usize) -> usize {
        self.roll(sides as u64) as usize
    }

    fn any<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.place(of.len())]
    }
}

fn actors(sim: &mut Sim, count: usize) -> Vec<ActorRef<Do>> {
    let workers = sim.workers();
    let actor = |n| sim.spawn_on(n % workers, &format!("a{n}"), doer());
    (0..count).map(actor).map(Result::unwrap).collect()
}

/// Some links are slow for a time, and some workers stall.
fn slow_down(sim: &mut Sim, dice: &mut Dice) {
    let workers = sim.workers();
    if workers == 1 {
        return;
    }
    // Every worker sends to every other all the time, because faults need traffic.
    let ear = |n| sim.spawn_on(n, &format!("ear{n}"), doer());
    let ears: Vec<_> = (0..workers).map(ear).map(Result::unwrap).collect();
    for n in 0..workers {
        let mouth = sim.spawn_on(n, &format!("mouth{n}"), doer()).unwrap();
        let ears = ears.clone();
        work(mouth, move |ctx| {
            for _ in 0..150 {
                ears.iter().for_each(|&ear| work(ear, |_| Ok(Next::Same)));
                ctx.sleep(Duration::from_micros(700))?;
            }
            Ok(Next::Same)
        });
    }
    let mut slowed = Vec::new();
    for _ in 0..dice.roll(5) {
        let (from, to) = (dice.place(workers), dice.place(workers));
        let (since, most) = (dice.roll(20), dice.roll(30));
        if slowed.contains(&(from, to)) {
            continue;
        }
        slowed.push((from, to));
        let fault = match from == to {
            true => Fault::stall(from, ms(since), ms(1 + most)),
            false => Fault::slow_link(from, to, ms(since), ms(since + 60), ms(1 + most)),
        };
        sim.inject(fault).unwrap();
    }
}

type Held = Arc<Mutex<Vec<Reply<()>>>>;

/// Asks all of them, in one of several forms. If there is a place to store replies, some of the
/// actors store theirs.
fn ask_all(ctx: &mut Context<'_, Do>, targets: Vec<ActorRef<Do>>, form: u64, held: Option<Held>) {
    let ask = move |(place, actor): (usize, ActorRef<Do>)| match held.clone() {
        Some(held) if (place as u64 + form) % 2 == 1 => {
            let keep = |reply: Reply<()>| {
                Do::Work(Box::new(move |_: &mut Context<'_, Do>| {
                    held.lock().unwrap().push(reply);
                    Ok(Next::Same)
                }))
            };
            actor.ask(keep, HOUR)
        }
        _ => actor.ask(Do::Question, HOUR),
    };
    let mut targets = targets.into_iter().enumerate();
    match form {
        0 => drop(all(targets.map(ask).collect::<Vec<_>>()).wait()),
        1 => {
            let task = ctx.spawn_task(move |_| {
                let _ = all(targets.map(ask).collect::<Vec<_>>()).wait();
            });
            let _ = task.wait();
        }
        2 => {
            let Some(first) = targets.next() else {
                return;
            };
            let asked = ask(first);
            let then = ask(first).and_then(move |()| all(targets.map(ask).collect::<Vec<_>>()));
            let _ = all((then, asked)).wait();
        }
        _ => targets.for_each(|one| drop(ask(one).wait())),
    }
}

/// Each actor restarts, passivates, or asks others, and so do its children. There are no deadlines,
/// so that a wait that remains is part of a cycle that was missed.
fn wait_at_random(sim: &mut Sim, held: Option<&Held>) {
    let mut dice = Dice::new(sim);
    let actors = actors(sim, 5);
    slow_down(sim, &mut dice);
    for &actor in &actors {
        let (children, pause, way) = (1 + dice.roll(4), dice.roll(6), dice.roll(8));
        let mut some = |least: u64| -> Vec<_> {
            let count = least + dice.roll(3);
            (0..count).map(|_| dice.any(&actors)).collect()
        };
        let targets: Vec<_> = (0..children).map(|_| some(1)).collect();
        let own = some(0);
        let plans = targets
            .into_iter()
            .map(|targets| (targets, dice.roll(8), dice.roll(5)));
        let plans: Vec<_> = plans.collect();
        let held = held.cloned();
        work(actor, move |ctx| {
            for (number, (targets, pause, form)) in plans.into_iter().enumerate() {
                let child = ctx.spawn(&format!("c{number}"), doer())?;
                let held = held.clone();
                work(child, move |ctx| {
                    let child = match form {
                        3 => ctx.spawn("leaf", doer())?,
                        _ => ctx.self_ref(),
                    };
                    work(child, move |ctx| {
                        ctx.sleep(ms(pause))?;
                        ask_all(ctx, targets, form, held);
                        Ok(Next::Same)
                    });
                    Ok(Next::Same)
                });
            }
            ctx.sleep(ms(pause))?;
            match way {
                0 | 1 => return Err("planned".into()),
                2 | 3 => return Ok(Next::Passivate),
                _ => ask_all(ctx, own, way - 4, held),
            }
            Ok(Next::Same)
        });
    }
}

#[test]
fn s5_6_no_cycle_of_questions_in_mailboxes_is_missed() {
    for workers in [1, 2, 3] {
        sims(workers).check(0..runs(), |sim| {
            wait_at_random(sim, None);
            sim.run_for(ms(3000));
            assert_eq!(sim.waiting(), [], "missed");
        });
    }
}

#[test]
fn s5_6_no_certain_cycle_is_missed_where_others_are_uncertain() {
    for workers in [1, 2, 3] {
        sims(workers).step_limit(60_000).check(0..runs(), |sim| {
            let held = Held::default();
            wait_at_random(sim, Some(&held));
            sim.run_for(ms(1000));
            for _ in 0..40 {
                let replies = std::mem::take(&mut *held.lock().unwrap());
                drop(replies);
                sim.run_for(ms(50));
            }
            assert_eq!(sim.waiting(), [], "missed");
        });
    }
}

#[test]
fn s5_6_no_search_finds_a_cycle_where_none_can_be() {
    // Each of `count` actors has children that ask others, and restarts now and then. All asks have
    // deadlines, and no actor asks "downwards", so that there can be no cycle.
    for workers in [1, 3] {
        sims(workers).check(0..runs(), |sim| {
            let mut dice = Dice::new(sim);
            let actors = actors(sim, 6);
            let count = actors.len();
            let answers = Answers::default();
            for round in 0..3_u64 {
                for (place, &actor) in actors.iter().enumerate() {
                    let (children, pause, way) = (1 + dice.roll(3), dice.roll(6), dice.roll(5));
                    let mut plans = Vec::new();
                    for _ in 0..children {
                        let mut above = Vec::new();
                        for _ in 0..=dice.roll(2) {
                            let rest = (count - place - 1) as u64;
                            if rest > 0 {
                                above.push(actors[place + 1 + dice.roll(rest) as usize]);
                            }
                        }
                        plans.push((above, dice.roll(6), dice.roll(3)));
                    }
                    let answers = answers.clone();
                    work(actor, move |ctx| {
                        for (number, (above, pause, form)) in plans.into_iter().enumerate() {
                            let child = ctx.spawn(&format!("c{round}-{number}"), doer());
                            let Ok(child) = child else { continue };
                            let answers = answers.clone();
                            work(child, move |ctx| {
                                ctx.sleep(ms(pause))?;
                                let asks: Vec<_> = above
                                    .iter()
                                    .map(|actor| actor.ask(Do::Question, ms(20 + pause)))
                                    .collect();
                                let answer = match form {
                                    0 => all(asks).wait().map(drop),
                                    1 => ctx.block_on(all(asks))?.map(drop),
                                    _ => asks.into_iter().try_for_each(Ask::wait),
                                };
                                answers.note("child", ctx.now(), answer);
                                match pause % 3 {
                                    0 => Err("planned".into()),
                                    1 => Ok(Next::Passivate),
                                    _ => Ok(Next::Same),
                                }
                            });
                        }
                        ctx.sleep(ms(pause))?;
                        match way {
                            0 | 1 => Err("planned".into()),
                            2 | 3 => Ok(Next::Passivate),
                            _ => Ok(Next::Same),
                        }
                    });
                }
                sim.run_for(ms(7));
            }
            sim.run_for(ms(2000));
            assert_eq!(answers.deadlocks(), Vec::<String>::new());
            assert_eq!(sim.waiting(), []);
        });
    }
}
