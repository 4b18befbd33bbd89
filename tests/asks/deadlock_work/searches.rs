//! Searches for cycles from actors that wait for several answers at once: what they find, and what they cost.

use super::polls::sleep_in;
use super::{Answers, Do, Ended, HOUR, cycle_of, doer, nothing, sims, tell, told, work};
use crate::common::{SEEDS, ms};
use nexus_actors::all;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Fault, Sim};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn busy(actor: ActorRef<Do>, millis: u64) {
    work(actor, move |ctx| {
        ctx.sleep(ms(millis))?;
        Ok(Next::Same)
    });
}

/// A task below an actor that restarts is cancelled when its own actor stops.
#[test]
fn s5_6_a_task_that_will_be_cancelled_closes_no_cycle() {
    for workers in [1, 3] {
        sims(workers).check(0..5, |sim| {
            let parent = sim.spawn("parent", doer()).unwrap();
            let answers = Answers::default();
            let inner = answers.clone();
            work(parent, move |ctx| {
                let child = ctx.spawn("child", doer())?;
                work(child, move |ctx| {
                    let _task = ctx.spawn_task(move |task| {
                        task.sleep(ms(10)).unwrap();
                        let answer = parent.ask(Do::Question, HOUR).wait();
                        inner.note("task", Duration::ZERO, answer);
                    });
                    ctx.sleep(ms(100))?; // then it stops, and its task is cancelled
                    Ok(Next::Same)
                });
                ctx.sleep(ms(5))?;
                Err("planned".into())
            });
            sim.run_for(ms(500));
            assert_eq!(answers.deadlocks(), Vec::<String>::new());
        });
    }
}

/// It is forwarded to an actor that waits for the asker.
#[test]
fn s5_6_one_of_several_questions_that_is_handed_on_closes_a_cycle() {
    for workers in [1, 3] {
        for several in [false, true] {
            Sim::builder().workers(workers).check(0..20, |sim| {
                let mut on =
                    |worker: usize, name| sim.spawn_on(worker % workers, name, told()).unwrap();
                let (asker, second, slow) = (on(0, "asker"), on(2, "second"), on(0, "slow"));
                let first = Props::new(move || {
                    Behavior::receive(move |ctx, reply: Reply<Ended>| {
                        ctx.sleep(ms(10))?;
                        reply.forward(second, nothing);
                        Ok(())
                    })
                });
                let first = sim.spawn_on(1 % workers, "first", first).unwrap();
                let errors: Arc<Mutex<Vec<AskError>>> = Arc::default();
                let (one, two) = (errors.clone(), errors.clone());
                let asked = tell(asker, move |_, _| {
                    let asked = first.ask(|reply| reply, HOUR);
                    let ended = if several {
                        let slow = tell(slow, |ctx, _| Ok(ctx.sleep(ms(900))?));
                        all([asked, slow]).wait().map(drop)
                    } else {
                        asked.wait().map(drop)
                    };
                    one.lock().unwrap().extend(ended.clone().err());
                    ended
                });
                sim.run_for(ms(1));
                let waits = tell(second, move |_, reply| {
                    let ended = asker.ask(nothing, HOUR).wait_on_behalf_of(reply).map(drop);
                    two.lock().unwrap().extend(ended.clone().err());
                    ended
                });
                sim.run_for(ms(500));
                drop((asked, waits));
                let errors = errors.lock().unwrap();
                assert_eq!(errors.len(), 1, "several: {several}, workers: {workers}");
                cycle_of(&errors[0]);
            });
        }
    }
}

/// Two paths lead to one actor that waits for several: the certain path counts, whichever is taken first.
#[test]
fn s5_6_an_uncertain_way_hides_no_certain_one() {
    for uncertain_first in [false, true] {
        sims(1).check(0..10, |sim| {
            let one = sim.spawn("one", doer()).unwrap();
            let two = sim.spawn("two", doer()).unwrap();
            let answers = Answers::default();
            // Holds a reply, and asks `two` without saying that it does so on behalf of that reply.
            let (asking, inner) = (answers.clone(), answers.clone());
            let via = sim
                .spawn(
                    "via",
                    Props::new(move || {
                        let inner = inner.clone();
                        Behavior::receive(move |ctx, reply: Reply<()>| {
                            ctx.sleep(ms(2))?;
                            let answer = two.ask(Do::Question, HOUR).wait();
                            inner.note("via", ctx.now(), answer);
                            reply.send(());
                            Ok(())
                        })
                    }),
                )
                .unwrap();
            work(one, move |ctx| {
                for place in 0..2 {
                    let child = ctx.spawn(&format!("c{place}"), doer())?;
                    let asking = asking.clone();
                    if (place == 0) == uncertain_first {
                        work(child, move |ctx| {
                            let answer = via.ask(|reply| reply, HOUR).wait();
                            asking.note("uncertain", ctx.now(), answer);
                            Ok(Next::Same)
                        });
                    } else {
                        asking.have_ask("certain", child, 3, two);
                    }
                }
                ctx.sleep(ms(1))?;
                Err("planned".into())
            });
            let asking = answers.clone();
            work(two, move |ctx| {
                let child = ctx.spawn("last", doer())?;
                asking.have_ask("last", child, 20, one);
                ctx.sleep(ms(1))?;
                Err("planned".into())
            });
            sim.run_for(ms(800));
            assert_eq!(answers.deadlocks().len(), 1, "{uncertain_first}");
        });
    }
}

/// One of several answers will not come: an actor that waits for all of them resumes soon.
#[test]
fn s5_6_an_actor_woken_by_an_answer_from_elsewhere_closes_no_cycle() {
    Sim::builder().workers(2).check(0..2000, |sim| {
        let asker = sim.spawn_on(0, "asker", told()).unwrap();
        let other = sim.spawn_on(0, "other", told()).unwrap();
        let maker = sim.spawn_on(1, "maker", told()).unwrap();
        let held: Arc<Mutex<Vec<Reply<()>>>> = Arc::default();
        let keeping = held.clone();
        let keeper = Props::new(move || {
            let held = keeping.clone();
            Behavior::receive(move |_, reply: Reply<()>| held.lock().unwrap().push(reply))
        });
        let keeper = sim.spawn_on(1, "keeper", keeper).unwrap();
        let found: Arc<Mutex<Vec<String>>> = Arc::default();
        let noting = found.clone();
        let of_asker: Arc<Mutex<Vec<AskErrorKind>>> = Arc::default();
        let kinds = of_asker.clone();
        let left_open: Arc<Mutex<Option<Ask<Ended>>>> = Arc::default();
        let open = left_open.clone();
        // Made on the second worker, awaited on the first.
        let made = tell(maker, move |_, _| {
            let elsewhere = keeper.ask(|reply| reply, HOUR);
            let began = tell(asker, move |_, _| {
                let here = tell(other, move |ctx, reply| {
                    ctx.sleep(ms(50))?;
                    // First the other answer that the asker waits for fails, then this handler resumes.
                    let ended = tell(maker, move |_, _| {
                        held.lock().unwrap().clear();
                        Ok(())
                    });
                    ended.wait()??;
                    let ended = asker.ask(nothing, HOUR).wait_on_behalf_of(reply);
                    if let Err(error) = &ended
                        && error.kind() == AskErrorKind::Deadlock
                    {
                        noting.lock().unwrap().push(error.to_string());
                    }
                    ended.map(drop)
                });
                let ended = all((here, elsewhere)).wait().map(drop);
                kinds
                    .lock()
                    .unwrap()
                    .extend(ended.clone().err().map(|error| error.kind()));
                ended
            });
            *open.lock().unwrap() = Some(began); // dropped, it would withdraw its question
            Ok(())
        });
        sim.run_for(ms(500));
        drop((made, left_open.lock().unwrap().take()));
        sim.run_for(ms(10));
        let of_asker = of_asker.lock().unwrap();
        assert_eq!(*found.lock().unwrap(), Vec::<String>::new(), "{of_asker:?}");
    });
}

/// There are too many paths to follow one by one.
#[test]
fn s5_6_searches_that_cross_workers_come_to_an_end() {
    const PARENTS: usize = 64;
    const WORKERS: usize = 3;
    // It takes some hundred steps. If each path were followed, the steps would be bounded only by memory.
    sims(WORKERS).step_limit(5_000).check(0..1, |sim| {
        let parents: Vec<_> = (0..PARENTS)
            .map(|number| {
                let name = format!("p{number}");
                sim.spawn_on(number % WORKERS, &name, doer()).unwrap()
            })
            .collect();
        let answers = Answers::default();
        for (place, &parent) in parents.iter().enumerate() {
            let (parents, asking) = (parents.clone(), answers.clone());
            work(parent, move |ctx| {
                for number in 1..=6 {
                    let child = ctx.spawn(&format!("c{number}"), doer())?;
                    match parents.get(place + number * 2 - 1) {
                        Some(&asked) => asking.have_ask("child", child, 2, asked),
                        None => busy(child, 200),
                    }
                }
                ctx.sleep(ms(1))?;
                Err("planned".into())
            });
        }
        sim.run_for(ms(100));
    });
}

/// The waiter has not yet received the outcome of the start.
#[test]
fn s5_6_word_of_a_start_that_is_late_is_no_wait_for_one_that_starts_again() {
    for passivates in [false, true] {
        sims(3).check(SEEDS, |sim| {
            let starter = sim.spawn_on(0, "starter", doer()).unwrap();
            let between = sim.spawn_on(2, "between", doer()).unwrap();
            let (node, answers) = (sim.node(1), Answers::default());
            let inner = answers.clone();
            let props = Props::new(move || {
                let inner = inner.clone();
                Behavior::setup(move |ctx: &mut Context<'_, Do>| {
                    ctx.sleep(ms(10))?;
                    if ctx.now() < ms(15) {
                        let child = ctx.spawn("child", doer())?;
                        let asking = inner.clone();
                        work(child, move |ctx| {
                            asking.have_ask("between", between, 5, starter);
                            ctx.sleep(ms(2))?;
                            let answer = between.ask(Do::Question, HOUR).wait();
                            asking.note("child", ctx.now(), answer);
                            Ok(Next::Same)
                        });
                        work(ctx.self_ref(), move |_| match passivates {
                            true => Ok(Next::Passivate),
                            false => Err("planned".into()),
                        });
                    }
                    Ok(Behavior::receive(|ctx, message| match message {
                        Do::Work(work) => work(ctx),
                        Do::Question(reply) => {
                            reply.send(());
                            Ok(Next::Same)
                        }
                    }))
                })
            });
            work(starter, move |_| {
                node.spawn_on(1, "started", props)?;
                Ok(Next::Same)
            });
            let late = Fault::slow_link(1, 0, ms(8), ms(60), ms(50));
            sim.inject(late).unwrap();
            sim.run_for(ms(800));
            assert_eq!(answers.deadlocks(), Vec::<String>::new(), "{passivates}");
            assert_eq!(answers.0.lock().unwrap().len(), 2);
        });
    }
}

/// Whatever an actor waits for, and in whichever way, a shutdown ends the wait and leaves nothing behind.
#[test]
fn s5_6_a_shutdown_ends_those_who_wait_for_several() {
    for workers in [1, 3] {
        sims(workers).check(0..100, |sim| {
            let slow = sim.spawn_on(workers - 1, "slow", told()).unwrap();
            let actors: Vec<_> = (0..4)
                .map(|n| sim.spawn_on(n % workers, &format!("a{n}"), doer()).unwrap())
                .collect();
            for (place, &actor) in actors.iter().enumerate() {
                work(actor, move |ctx| {
                    for form in 0..3 {
                        let child = ctx.spawn(&format!("c{form}"), doer())?;
                        work(child, move |ctx| {
                            ctx.sleep(ms(form))?;
                            let slow = move || tell(slow, |ctx, _| Ok(ctx.sleep(HOUR)?));
                            match form {
                                0 => drop(all([slow(), slow()]).wait()),
                                1 => {
                                    let task = ctx.spawn_task(move |_| {
                                        drop(all((all([slow(), slow()]), slow())).wait());
                                    });
                                    let _ = task.wait();
                                }
                                _ => drop(slow().wait()),
                            }
                            Ok(Next::Same)
                        });
                    }
                    ctx.sleep(ms(1))?;
                    if place % 2 == 0 {
                        Err("planned".into())
                    } else {
                        Ok(Next::Passivate)
                    }
                });
            }
            sim.run_for(ms(2 + sim.seed() % 5));
            sim.shutdown(ms(sim.seed() % 3));
        });
    }
}

/// A search passes each actor that waits for several once, so that it finds only one of two cycles.
#[test]
fn s5_6_a_second_cycle_through_the_same_actors_is_found_too() {
    for workers in [1, 3] {
        sims(workers).check(0..10, |sim| {
            let one = sim.spawn_on(0, "one", doer()).unwrap();
            let two = sim.spawn_on(workers - 1, "two", doer()).unwrap();
            let answers = Answers::default();
            let asking = answers.clone();
            work(two, move |ctx| {
                let child = ctx.spawn("child", doer())?;
                asking.have_ask("child of two", child, 4, one);
                ctx.sleep(ms(2))?;
                Err("planned".into())
            });
            let asking = answers.clone();
            work(one, move |ctx| {
                let (older, younger) = (ctx.spawn("c0", doer())?, ctx.spawn("c1", doer())?);
                asking.have_ask("c0", older, 8, two);
                asking.have_ask("c1", younger, 6, two);
                ctx.sleep(ms(20))?;
                Err("planned".into())
            });
            sim.run_for(ms(900));
            assert_eq!(sim.waiting(), []);
        });
    }
}

#[test]
fn s5_6_a_question_under_block_on_that_is_handed_on_closes_a_cycle() {
    Sim::builder().check(0..5, |sim| {
        let asker = sim.spawn("asker", told()).unwrap();
        let second = sim.spawn("second", told()).unwrap();
        let first = Props::new(move || {
            Behavior::receive(move |ctx, reply: Reply<Ended>| {
                ctx.sleep(ms(10))?;
                reply.forward(second, nothing);
                Ok(())
            })
        });
        let first = sim.spawn("first", first).unwrap();
        let asked = tell(asker, move |ctx, _| {
            ctx.block_on(first.ask(|reply: Reply<Ended>| reply, HOUR))?
                .map(drop)
        });
        sim.run_for(ms(1));
        let waits = tell(second, move |_, reply| {
            asker.ask(nothing, HOUR).wait_on_behalf_of(reply).map(drop)
        });
        sim.run_for(ms(500));
        assert_eq!(sim.waiting(), []);
        drop((asked, waits));
    });
}

/// Both links lead to an actor that waits for several. A search that follows only certain links has
/// not visited that actor before it arrives by the certain link.
#[test]
fn s5_6_an_uncertain_link_hides_no_certain_one_to_the_same_actor() {
    for uncertain_first in [false, true] {
        for workers in [1, 2] {
            sims(workers).check(0..5, |sim| {
                let one = sim.spawn_on(0, "one", doer()).unwrap();
                let two = sim.spawn_on(workers - 1, "two", doer()).unwrap();
                let answers = Answers::default();
                let held: Arc<Mutex<Vec<Reply<()>>>> = Arc::default();
                let (asking, keeping) = (answers.clone(), held.clone());
                work(one, move |ctx| {
                    for place in 0..2 {
                        let child = ctx.spawn(&format!("c{place}"), doer())?;
                        if (place == 0) == uncertain_first {
                            let (asking, held) = (asking.clone(), keeping.clone());
                            work(child, move |ctx| {
                                ctx.sleep(ms(1))?;
                                // `two` stores the reply: it is unknown which actor will answer.
                                let question = |reply: Reply<()>| {
                                    Do::Work(Box::new(move |_| {
                                        held.lock().unwrap().push(reply);
                                        Ok(Next::Same)
                                    }))
                                };
                                let answer = two.ask(question, HOUR).wait();
                                asking.note("uncertain", ctx.now(), answer);
                                Ok(Next::Same)
                            });
                        } else {
                            asking.have_ask("certain", child, 5, two);
                        }
                    }
                    ctx.sleep(ms(12))?;
                    Err("planned".into()) // so it waits for its children
                });
                let asking = answers.clone();
                work(two, move |ctx| {
                    let last = ctx.spawn("last", doer())?;
                    asking.have_ask("last", last, 8, one);
                    Ok(Next::Same)
                });
                sim.run_for(ms(3));
                work(two, |_| Err("planned".into())); // so it waits for `last`
                sim.run_for(ms(800));
                let told = answers.deadlocks();
                let all = answers.0.lock().unwrap().len();
                assert_eq!(
                    told.len(),
                    1,
                    "{uncertain_first}, {workers}: {all} {:?}",
                    sim.waiting()
                );
                held.lock().unwrap().clear();
            });
        }
    }
}

/// It returns just when another answer has arrived there. The remaining links were followed before,
/// and count again.
#[test]
fn s5_6_a_search_that_comes_back_to_one_that_was_just_woken_begins_again() {
    for delay in [200, 500, 1000, 2000, 5000] {
        Sim::builder().workers(2).check(0..100, |sim| {
            let asker = sim.spawn_on(0, "asker", told()).unwrap();
            let other = sim.spawn_on(1, "other", told()).unwrap();
            let (quick, slow) = (
                sim.spawn_on(1, "quick", told()).unwrap(),
                sim.spawn_on(0, "slow", told()).unwrap(),
            );
            let asked = tell(asker, move |ctx, _| {
                let closing = tell(other, move |ctx, reply| {
                    ctx.sleep(ms(2))?;
                    asker
                        .ask(super::nothing, HOUR)
                        .wait_on_behalf_of(reply)
                        .map(drop)
                });
                ctx.sleep(ms(10))?;
                let parts = [closing, tell(quick, |_, _| Ok(())), sleep_in(slow, 900)];
                all(parts).wait().map(drop)
            });
            // The answer and the search arrive together.
            let stall = Fault::stall(0, ms(10) + Duration::from_nanos(delay), ms(5));
            sim.inject(stall).unwrap();
            sim.run_for(ms(500));
            let waiting = format!("{:?}", sim.waiting());
            assert!(!waiting.contains("/user/other"), "{delay}: {waiting}");
            drop(asked);
        });
    }
}
