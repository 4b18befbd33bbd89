//! What whoever begins with this crate meets in the first hour: an actor that fails goes on, an error says what
//! has failed, handlers that may fail are written without ado, names and paths are at hand.

use crate::common::{LONG, SECOND, SEEDS, SIZES, SOON, gone, ms, with_pool};
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use nexus_actors::{Cause, Stage};
use std::collections::HashSet;
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// Runs a test with pools that are as whoever begins with this crate has them.
fn with_pools(test: impl Fn(&WorkerPool)) {
    for workers in SIZES {
        with_pool(WorkerPool::builder().workers(workers), &test);
    }
}

/// An actor that counts, that may fail, and that says how far it has come.
enum Count {
    On,
    Fail,
    Panic,
    Say(Reply<u32>),
    FailAsked(Reply<u32>),
    PanicAsked(Reply<u32>),
}

fn count(count: &mut u32, message: Count) -> Result<(), BoxError> {
    match message {
        Count::On => *count += 1,
        Count::Fail => Err("planned")?,
        Count::Panic => panic!("planned"),
        Count::Say(reply) => reply.send(*count),
        Count::FailAsked(_reply) => Err("planned")?,
        Count::PanicAsked(_reply) => panic!("planned"),
    }
    Ok(())
}

fn counter() -> Props<Count> {
    Props::new(|| Behavior::with_state(0, |sum: &mut u32, _ctx, message| count(sum, message)))
}

fn said(actor: ActorRef<Count>) -> u32 {
    actor.ask(Count::Say, SOON).wait().expect("it lives")
}

/// Three failures cost a top-level actor three messages and its state; it handles all others.
fn restarts_by_default(actor: ActorRef<Count>) {
    for (failure, mode) in [Count::Fail, Count::Panic, Count::Fail]
        .into_iter()
        .zip(1..)
    {
        actor.tell(Count::On);
        actor.tell(failure);
        actor.tell(Count::On);
        assert_eq!(said(actor), 1, "after failure {mode}");
    }
}

#[test]
fn s4_6_a_top_level_actor_is_restarted_under_every_driver() {
    with_pools(|pool| {
        restarts_by_default(pool.spawn("counter", counter()).unwrap());
        restarts_by_default(pool.spawn_anonymous(counter()).unwrap());
    });
    let system = ActorSystem::builder().on_failure(|_| {}).start().unwrap();
    restarts_by_default(system.spawn("counter", counter()).unwrap());
    system.shutdown(SOON);
    let mut sim = Sim::new(1);
    restarts_by_default(sim.spawn("counter", counter()).unwrap());
    sim.shutdown(SOON);
}

#[test]
fn s4_6_the_fourth_failure_of_a_top_level_actor_stops_it() {
    with_pools(|pool| {
        let actor = pool.spawn("counter", counter()).unwrap();
        restarts_by_default(actor);
        actor.tell(Count::Fail);
        gone(pool, "/user/counter");
    });
}

#[test]
fn s4_5_a_pool_that_is_told_to_stops_a_top_level_actor_at_its_first_failure() {
    let strategy = SupervisorStrategy::one_for_one().always(Directive::Stop);
    let mut sim = Sim::builder().supervising(strategy).start().unwrap();
    let actor = sim.spawn("counter", counter()).unwrap();
    actor.tell(Count::Fail);
    sim.run_until_idle();
    assert!(sim.lookup::<Count>("/user/counter").is_err());
    sim.shutdown(SOON);
}

// ---- what has failed ------------------------------------------------------------------------------

/// The failure in an error, and what the error says.
fn failure_of(asked: Result<u32, AskError>) -> (String, &'static str, Stage, String, String) {
    let error = asked.expect_err("it fails");
    assert_eq!(error.kind(), AskErrorKind::TargetFailed, "{error}");
    let details = error.details().expect("it was asked");
    let failure = details.failure().expect("the failure is known");
    let cause = failure.cause.to_string();
    let path = failure.path.to_string();
    (
        path,
        failure.message_type,
        failure.during,
        cause,
        error.to_string(),
    )
}

#[test]
fn s5_3_an_ask_that_a_failure_ends_says_what_has_failed() {
    with_pools(|pool| {
        type Question = fn(Reply<u32>) -> Count;
        let questions: [(Question, &str); 2] = [
            (Count::FailAsked, "planned"),
            (Count::PanicAsked, "panic: planned"),
        ];
        for (question, text) in questions {
            let name = if text == "planned" { "one" } else { "other" };
            let actor = pool.spawn(name, counter()).unwrap();
            let from_thread = actor.ask(question, SOON).wait();
            let asker = pool.spawn_near(
                actor,
                &format!("near-{name}"),
                Props::new(move || {
                    Behavior::receive(move |_ctx, reply: Reply<Result<u32, AskError>>| {
                        reply.send(actor.ask(question, SOON).wait());
                    })
                }),
            );
            let near = asker.unwrap().ask(|reply| reply, SOON).wait().unwrap();
            let worker = pool.workers() - 1 - actor.id().worker();
            let far = Props::new(move || {
                Behavior::receive(move |_ctx, reply: Reply<Result<u32, AskError>>| {
                    reply.send(actor.ask(question, SOON).wait());
                })
            });
            let far = pool.spawn_on(worker, &format!("far-{name}"), far).unwrap();
            let far = far.ask(|reply| reply, SOON).wait().unwrap();
            for asked in [from_thread, near, far] {
                let (path, message_type, during, cause, said) = failure_of(asked);
                assert_eq!(path, format!("/user/{name}"));
                assert_eq!(message_type, "actors::first_hour::Count");
                assert_eq!(during, Stage::Handling);
                assert_eq!(cause, text);
                assert!(
                    said.contains(&format!(
                        "/user/{name} failed handling a actors::first_hour::Count: {text}"
                    )),
                    "{said}"
                );
            }
        }
    });
}

#[test]
fn s5_3_an_ask_names_the_failure_of_whoever_had_the_question_and_its_source() {
    #[derive(Debug, thiserror::Error)]
    #[error("the ledger is torn")]
    struct Torn(#[source] std::fmt::Error);
    with_pools(|pool| {
        let clerk = pool.spawn(
            "clerk",
            Props::new(|| {
                Behavior::receive(|_ctx, _reply: Reply<u32>| -> Result<(), BoxError> {
                    Err(Torn(std::fmt::Error))?
                })
            }),
        );
        let clerk = clerk.unwrap();
        let desk = pool.spawn(
            "desk",
            Props::new(move || {
                Behavior::receive(move |_ctx, reply: Reply<u32>| {
                    reply.forward(clerk, |reply| reply)
                })
            }),
        );
        let error = desk.unwrap().ask(|reply| reply, SOON).wait().unwrap_err();
        let failure = error
            .details()
            .and_then(|details| details.failure())
            .unwrap();
        assert_eq!(failure.path.as_str(), "/user/clerk");
        assert!(matches!(&failure.cause, Cause::Error(error) if error.is::<Torn>()));
        // It is printed with its cause, so its source is what lies below that.
        assert!(error.to_string().ends_with("the ledger is torn"), "{error}");
        assert!(
            error
                .source()
                .is_some_and(|source| source.is::<std::fmt::Error>())
        );
    });
}

#[test]
fn s5_3_who_waits_in_the_mailbox_or_the_state_of_whoever_fails_is_told_of_what() {
    // Keeps the first question, fails at the second; the third lies in the mailbox then.
    let keeps = || {
        Props::new(|| {
            Behavior::with_state(None, |kept: &mut Option<Reply<u32>>, ctx, reply| {
                if kept.is_some() {
                    ctx.sleep(SECOND)?;
                    Err("planned")?;
                }
                *kept = Some(reply);
                Ok(())
            })
        })
    };
    let stops = || SupervisorStrategy::one_for_one().always(Directive::Stop);
    check(SEEDS, |sim| {
        // On the way to its end, and where the family above it fails.
        let parent = Props::new(move || {
            Behavior::setup(move |ctx| {
                let child = ctx.spawn("child", keeps())?;
                Ok(Behavior::receive(
                    move |_ctx, reply: Reply<ActorRef<Reply<u32>>>| {
                        reply.send(child);
                    },
                ))
            })
        });
        let parent = sim.spawn("parent", parent.supervising(stops())).unwrap();
        let child = parent.ask(|reply| reply, LONG).wait().unwrap();
        let asked = [(); 3].map(|()| child.ask(|reply| reply, LONG));
        for asked in asked {
            let (path, _, during, cause, _) = failure_of(asked.wait());
            assert_eq!(
                (path.as_str(), during),
                ("/user/parent/child", Stage::Handling)
            );
            assert_eq!(cause, "planned");
        }
    });
}

#[test]
fn s5_3_who_waits_for_a_child_is_told_of_the_failure_above_it() {
    check(SEEDS, |sim| {
        let parent = Props::new(|| {
            Behavior::setup(|ctx| {
                let child = Props::new(|| {
                    Behavior::with_state(Vec::new(), |kept, _ctx, reply: Reply<u32>| {
                        kept.push(reply)
                    })
                });
                let child = ctx.spawn("child", child)?;
                Ok(Behavior::receive(
                    move |_ctx, wanted: Option<Reply<ActorRef<_>>>| {
                        wanted.ok_or("planned")?.send(child);
                        Ok(())
                    },
                ))
            })
        });
        let parent = sim.spawn("parent", parent).unwrap();
        let child = parent.ask(Some, LONG).wait().unwrap();
        let asked = child.ask(|reply| reply, LONG);
        sim.run_until_idle();
        parent.tell(None);
        let (path, _, _, cause, _) = failure_of(asked.wait());
        assert_eq!((path.as_str(), cause.as_str()), ("/user/parent", "planned"));
    });
}

#[test]
fn s5_3_what_was_not_waited_for_is_not_said() {
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let actor = sim.spawn("actor", counter()).unwrap();
    actor.stop();
    sim.run_until_idle();
    let error = actor.ask(Count::Say, LONG).wait().unwrap_err();
    assert!(!error.to_string().contains("waited"), "{error}");
    let sleeps = Props::new(|| Behavior::receive(|ctx, _: Reply<()>| Ok(ctx.sleep(LONG)?)));
    let sleeps = sim.spawn("sleeps", sleeps).unwrap();
    let error = sleeps.ask(|reply| reply, SECOND).wait().unwrap_err();
    assert!(error.to_string().contains("waited 1s"), "{error}");
    sim.shutdown(Duration::ZERO);
}

#[test]
fn s4_2_post_stop_says_why() {
    type Told = Arc<Mutex<Vec<StopReason>>>;
    fn noting(told: &Told) -> Props<Count> {
        let told = Arc::clone(told);
        Props::new(move || {
            let told = Arc::clone(&told);
            Behavior::with_state(0, |sum: &mut u32, _ctx, message| count(sum, message)).on_signal(
                move |_ctx, signal| {
                    if let Signal::PostStop(reason) = signal {
                        told.lock().unwrap().push(*reason);
                    }
                },
            )
        })
    }
    type End = fn(ActorRef<Count>);
    let ends: [(End, &[StopReason]); 5] = [
        (ActorRef::stop, &[StopReason::Stopped]),
        (ActorRef::kill, &[StopReason::Killed]),
        (ActorRef::passivate, &[StopReason::Passivated]),
        (
            |actor| (0..4).for_each(|_| actor.tell(Count::Fail)),
            &[StopReason::Failed],
        ),
        (
            |actor| {
                actor.passivate();
                actor.tell(Count::On);
                actor.stop();
            },
            &[StopReason::Passivated, StopReason::Stopped],
        ),
    ];
    check(0..10, |sim| {
        for (end, expected) in ends {
            let told = Told::default();
            let actor = sim.spawn("actor", noting(&told)).unwrap();
            sim.run_until_idle();
            end(actor);
            sim.run_until_idle();
            assert_eq!(*told.lock().unwrap(), expected);
            actor.kill();
            sim.run_until_idle();
        }
    });
}

// ---- handlers that may fail -------------------------------------------------------------------------

#[test]
fn s2_1_a_handler_with_question_marks_ends_with_a_plain_ok() {
    struct Structured;
    impl Actor for Structured {
        type Message = &'static str;
        fn receive(
            &mut self,
            ctx: &mut Context<'_, &'static str>,
            number: &'static str,
        ) -> HandlerResult<&'static str> {
            number.parse::<u32>()?;
            ctx.yield_now()?;
            Ok(Next::Stop)
        }
    }
    let handlers: [fn() -> Behavior<&'static str>; 7] = [
        || {
            Behavior::receive(|ctx, number: &str| {
                number.parse::<u32>()?;
                ctx.yield_now()?;
                Ok(())
            })
        },
        || {
            Behavior::receive(|ctx, number: &str| {
                number.parse::<u32>()?;
                ctx.yield_now()?;
                Ok(Next::Stop)
            })
        },
        || {
            Behavior::receive(|_ctx, number: &str| {
                number.parse::<u32>()?;
                Ok(Behavior::stopped())
            })
        },
        || {
            Behavior::with_state(0, |sum, ctx, number: &str| {
                *sum += number.parse::<u32>()?;
                ctx.yield_now()?;
                Ok(())
            })
        },
        || {
            Behavior::setup(|ctx| {
                ctx.yield_now()?;
                Ok(Behavior::receive(|_ctx, number: &str| {
                    if number.is_empty() {
                        return Err("nothing".into());
                    }
                    number.parse::<u32>()?;
                    Ok(())
                }))
            })
        },
        || {
            let last = Mutex::new("");
            let last = Arc::new(last);
            let seen = Arc::clone(&last);
            Behavior::receive(move |ctx, number: &'static str| {
                *seen.lock().unwrap() = number;
                ctx.set_receive_timeout(ms(1));
            })
            .on_signal(move |_ctx, signal| {
                if let Signal::ReceiveTimeout = signal {
                    last.lock().unwrap().parse::<u32>()?;
                }
                Ok(())
            })
        },
        || Behavior::actor(Structured),
    ];
    check(0..5, |sim| {
        for (place, handler) in handlers.iter().copied().enumerate() {
            let strategy = SupervisorStrategy::one_for_one().always(Directive::Stop);
            let parent = Props::new(move || {
                Behavior::setup(move |ctx| {
                    let actor = ctx.spawn("actor", Props::new(handler))?;
                    Ok(Behavior::receive(move |_ctx, text| actor.tell(text)))
                })
            });
            let name = format!("parent-{place}");
            let parent = sim.spawn(&name, parent.supervising(strategy)).unwrap();
            parent.tell("1");
            parent.tell("one");
            sim.run_for(SECOND);
            let failed = sim.lookup::<&str>(format!("/user/{name}/actor"));
            assert!(failed.is_err(), "handler {place} has failed, or stopped");
        }
    });
}

// ---- get or spawn -----------------------------------------------------------------------------------

type Named = Reply<usize>;

/// Answers with its number, which nobody else has.
fn numbered(starts: &Arc<AtomicUsize>) -> Props<Named> {
    let starts = Arc::clone(starts);
    Props::new(move || {
        let number = starts.fetch_add(1, SeqCst);
        Behavior::receive(move |_ctx, reply: Named| reply.send(number))
    })
}

fn number_of(actor: ActorRef<Named>) -> usize {
    actor.ask(|reply| reply, SOON).wait().expect("it lives")
}

#[test]
fn s1_12_of_eight_threads_that_want_a_thousand_names_one_starts_each_and_all_have_it() {
    const THREADS: usize = 8;
    const NAMES: usize = 1000;
    with_pools(|pool| {
        let starts = Arc::new(AtomicUsize::new(0));
        let begin = Barrier::new(THREADS);
        let want_all = |thread: usize| {
            begin.wait();
            let from = thread % 2 * NAMES / 2;
            let names = (0..NAMES).map(|name| (name + from) % NAMES);
            let mut all: Vec<_> = names
                .map(|name| {
                    let actor = pool.get_or_spawn(&format!("n{name}"), numbered(&starts));
                    (name, actor.expect("it starts, or has"))
                })
                .collect();
            all.sort_by_key(|(name, _)| *name);
            all
        };
        let all: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let want_all = &want_all;
                    scope.spawn(move || want_all(thread))
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(starts.load(SeqCst), NAMES, "each was started once");
        assert!(
            all.iter().all(|names| *names == all[0]),
            "all have the same ones"
        );
        let numbers: HashSet<_> = all[0].iter().map(|(_, actor)| number_of(*actor)).collect();
        assert_eq!(numbers.len(), NAMES);
        assert_eq!(
            pool.stats()
                .workers
                .iter()
                .map(|worker| worker.started)
                .sum::<u64>(),
            NAMES as u64
        );
    });
}

#[test]
fn s1_12_handlers_nodes_systems_and_simulations_get_or_spawn_too() {
    with_pools(|pool| {
        let starts = Arc::new(AtomicUsize::new(0));
        let (node, own) = (pool.node(), Arc::clone(&starts));
        let asker = Props::new(move || {
            let (node, own) = (node.clone(), Arc::clone(&own));
            Behavior::receive(
                move |ctx, reply: Reply<(ActorRef<Named>, ActorRef<Named>)>| {
                    let top = node.get_or_spawn("top", numbered(&own))?;
                    let child = ctx.get_or_spawn("child", numbered(&own))?;
                    reply.send((top, child));
                    Ok(())
                },
            )
        });
        let asker = pool.spawn("asker", asker).unwrap();
        let first = asker.ask(|reply| reply, SOON).wait().unwrap();
        let second = asker.ask(|reply| reply, SOON).wait().unwrap();
        assert_eq!(first, second);
        assert_eq!(
            pool.get_or_spawn("top", numbered(&starts)).unwrap(),
            first.0
        );
        assert_eq!(pool.lookup::<Named>("/user/asker/child").unwrap(), first.1);
        assert_eq!(starts.load(SeqCst), 2);
        // One that was placed elsewhere is found as well.
        for worker in 0..pool.workers() {
            let name = format!("placed-{worker}");
            let placed = pool.spawn_on(worker, &name, numbered(&starts)).unwrap();
            assert_eq!(pool.get_or_spawn(&name, numbered(&starts)).unwrap(), placed);
        }
    });
    let starts = Arc::new(AtomicUsize::new(0));
    let system = ActorSystem::new("system").unwrap();
    let one = system.get_or_spawn("one", numbered(&starts)).unwrap();
    assert_eq!(system.get_or_spawn("one", numbered(&starts)).unwrap(), one);
    system.shutdown(SOON);
    let mut sim = Sim::new(1);
    let one = sim.get_or_spawn("one", numbered(&starts)).unwrap();
    assert_eq!(sim.get_or_spawn("one", numbered(&starts)).unwrap(), one);
    assert_eq!(starts.load(SeqCst), 2);
    sim.shutdown(SOON);
}

#[test]
fn s1_12_a_name_that_is_taken_for_other_messages_is_an_error_that_says_so() {
    with_pools(|pool| {
        pool.spawn("counter", counter()).unwrap();
        let starts = Arc::new(AtomicUsize::new(0));
        match pool.get_or_spawn("counter", numbered(&starts)) {
            Err(SpawnError::WrongType { path, actual, .. }) => {
                assert_eq!(
                    (path.as_str(), actual),
                    ("/user/counter", "actors::first_hour::Count")
                );
            }
            other => panic!("{other:?}"),
        }
        let invalid = pool.get_or_spawn("not a name", numbered(&starts));
        assert!(matches!(invalid, Err(SpawnError::InvalidName(_))));
        assert_eq!(starts.load(SeqCst), 0);
    });
}

/// Has so many actors, on all workers, want a name at once; what each has got comes in any order.
fn wanted_by(
    sim: &mut Sim,
    many: usize,
    props: &Props<Named>,
) -> Vec<Ask<Result<ActorRef<Named>, SpawnError>>> {
    let each = (0..many).map(|number| {
        let (node, props) = (sim.node(number % sim.workers()), props.clone());
        let wants = Props::new(move || {
            let (node, props) = (node.clone(), props.clone());
            Behavior::receive(move |_ctx, reply: Reply<_>| {
                reply.send(node.get_or_spawn("wanted", props.clone()));
            })
        });
        let name = format!("wants-{number}");
        let wants = sim.spawn_on(number % sim.workers(), &name, wants).unwrap();
        wants.ask(|reply| reply, LONG)
    });
    each.collect()
}

#[test]
fn s1_12_who_comes_during_the_start_waits_for_it_and_shares_what_comes_of_it() {
    for fails in [false, true] {
        Sim::builder().workers(3).check(SEEDS, |sim| {
            let starts = Arc::new(AtomicUsize::new(0));
            let own = Arc::clone(&starts);
            let slow = Props::new(move || {
                let number = own.fetch_add(1, SeqCst);
                Behavior::setup(move |ctx| {
                    ctx.sleep(SECOND)?;
                    if fails {
                        Err("planned")?;
                    }
                    Ok(Behavior::receive(move |_ctx, reply: Named| {
                        reply.send(number)
                    }))
                })
            });
            let before = sim.now();
            let asked = wanted_by(sim, 7, &slow);
            let got: Vec<_> = asked.into_iter().map(|ask| ask.wait().unwrap()).collect();
            assert_eq!(starts.load(SeqCst), 1, "it was started once");
            assert!(sim.now() >= before + SECOND, "all have waited");
            for one in &got {
                match (one, &got[0]) {
                    (Ok(one), Ok(first)) => assert_eq!(one, first),
                    (Err(SpawnError::Failed(one)), Err(SpawnError::Failed(first))) => {
                        assert!(Arc::ptr_eq(one, first), "it is the same failure");
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(got[0].is_err(), fails);
            // Nothing is left behind: the name is as free, or as taken, as it should be.
            let again = sim.spawn("wanted", counter());
            assert_eq!(again.is_ok(), fails, "{again:?}");
        });
    }
}

#[test]
fn s1_12_who_comes_while_the_one_before_still_stops_gets_a_new_one_when_it_has() {
    Sim::builder().workers(3).check(SEEDS, |sim| {
        // Its last messages, its child and its `PostStop` take their time.
        let (ended, has_ended) = mpsc::channel();
        let slow = Props::new(move || {
            let ended = ended.clone();
            Behavior::receive(move |ctx, _: Reply<()>| Ok(ctx.sleep(SECOND)?)).on_signal(
                move |ctx, signal| {
                    if let Signal::PostStop(_) = signal {
                        ctx.sleep(SECOND)?;
                        ended.send(()).unwrap();
                    }
                    Ok(())
                },
            )
        });
        let before = sim.spawn("wanted", slow).unwrap();
        let _asked = before.ask(|reply| reply, LONG);
        sim.run_for(ms(10));
        before.stop();
        sim.run_for(ms(10));
        let starts = Arc::new(AtomicUsize::new(0));
        let asked = wanted_by(sim, 5, &numbered(&starts));
        let got: Vec<_> = asked
            .into_iter()
            .map(|ask| ask.wait().unwrap().expect("it starts"))
            .collect();
        assert_eq!(
            has_ended.try_iter().count(),
            1,
            "the one before has stopped"
        );
        assert_eq!(starts.load(SeqCst), 1);
        assert!(
            got.iter()
                .all(|one| *one == got[0] && one.id() != before.id())
        );
    });
}

#[test]
fn s1_12_actors_whose_starts_want_each_other_are_told_of_the_deadlock() {
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..30, |sim| {
            fn wants(node: WorkerNode, other: &'static str, errors: &Errors) -> Props<Named> {
                let errors = Arc::clone(errors);
                Props::new(move || {
                    let (node, errors) = (node.clone(), Arc::clone(&errors));
                    Behavior::setup(move |ctx| {
                        ctx.sleep(SECOND)?;
                        // Whoever is second would wait for the first, which waits for the second.
                        let got = node.get_or_spawn(other, numbered(&Arc::default()));
                        errors.lock().unwrap().extend(got.err());
                        Ok(Behavior::receive(|_ctx, _: Named| ()))
                    })
                })
            }
            type Errors = Arc<Mutex<Vec<SpawnError>>>;
            let errors = Errors::default();
            for (name, other) in [("one", "other"), ("other", "one")] {
                let (node, props) = (sim.node(0), wants(sim.node(0), other, &errors));
                let starter = Props::new(move || {
                    let (node, props) = (node.clone(), props.clone());
                    Behavior::receive(move |_ctx, ()| {
                        node.spawn(name, props.clone())?;
                        Ok(())
                    })
                });
                sim.spawn(&format!("starts-{name}"), starter)
                    .unwrap()
                    .tell(());
            }
            sim.run_for(10 * SECOND);
            let errors = errors.lock().unwrap();
            assert!(
                matches!(&errors[..], [SpawnError::Deadlock(_)]),
                "{errors:?}"
            );
            let mut names: Vec<_> = match &errors[0] {
                SpawnError::Deadlock(cycle) => cycle
                    .links()
                    .iter()
                    .map(|link| link.path.to_string())
                    .collect(),
                other => panic!("{other}"),
            };
            names.sort();
            assert_eq!(names, ["/user/one", "/user/other"]);
            for name in ["/user/one", "/user/other"] {
                assert!(
                    sim.lookup::<Named>(name).is_ok(),
                    "{name} has started nevertheless"
                );
            }
        });
    }
}

#[test]
fn s1_12_an_actor_that_wants_its_own_name_is_told_at_once_and_finds_itself_later() {
    check(0..20, |sim| {
        let node = sim.node(0);
        let props = Props::new(move || {
            let node = node.clone();
            Behavior::setup(move |_ctx| {
                let early = node.get_or_spawn("self", counter_of(0));
                assert!(matches!(early, Err(SpawnError::Deadlock(_))), "{early:?}");
                Ok(Behavior::receive(move |ctx, reply: Named| {
                    let itself = node.get_or_spawn("self", counter_of(0))?;
                    reply.send(usize::from(itself == ctx.self_ref()));
                    Ok(())
                }))
            })
        });
        let actor = sim.spawn("self", props).unwrap();
        assert_eq!(actor.ask(|reply| reply, LONG).wait().unwrap(), 1);
    });
}

fn counter_of(number: usize) -> Props<Named> {
    Props::new(move || Behavior::receive(move |_ctx, reply: Named| reply.send(number)))
}

// ---- names and paths --------------------------------------------------------------------------------

#[test]
fn s1_9_a_generated_name_may_begin_with_a_word() {
    with_pools(|pool| {
        let mut paths = HashSet::new();
        for _ in 0..100 {
            let actor = pool.spawn_prefixed("conn", counter()).unwrap();
            let path = actor.path().expect("it is known everywhere");
            let number = path
                .as_str()
                .strip_prefix("/user/$conn-")
                .expect("its prefix");
            assert!(number.parse::<u64>().is_ok(), "{path}");
            assert_eq!(pool.lookup::<Count>(&path).unwrap(), actor);
            assert_eq!(path.as_str().parse(), Ok(path.clone()));
            assert!(paths.insert(path), "no two have the same name");
        }
        let node = pool.node();
        let parent = Props::new(move || {
            let node = node.clone();
            Behavior::receive(move |ctx, reply: Reply<Vec<String>>| {
                let child = ctx.spawn_prefixed("conn", counter())?;
                let top = node.spawn_prefixed("conn", counter())?;
                let paths = [child.path(), top.path()].into_iter().flatten();
                reply.send(paths.map(|path| path.to_string()).collect());
                Ok(())
            })
        });
        let parent = pool.spawn("parent", parent).unwrap();
        let told = parent.ask(|reply| reply, SOON).wait().unwrap();
        assert!(told[0].starts_with("/user/parent/$conn-"), "{told:?}");
        assert!(told[1].starts_with("/user/$conn-"), "{told:?}");
        for prefix in ["", "$conn", "a b", &"a".repeat(254)] {
            let refused = pool.spawn_prefixed(prefix, counter());
            assert!(
                matches!(refused, Err(SpawnError::InvalidName(_))),
                "{refused:?}"
            );
        }
        // Nobody may choose such a name.
        assert!(matches!(
            pool.spawn("$conn-1", counter()),
            Err(SpawnError::InvalidName(_))
        ));
    });
    let system = ActorSystem::new("system").unwrap();
    let actor = system.spawn_prefixed("conn", counter()).unwrap();
    assert_eq!(actor.path().unwrap().as_str(), "/user/$conn-1");
    system.shutdown(SOON);
    let mut sim = Sim::new(1);
    let actor = sim.spawn_prefixed("conn", counter()).unwrap();
    assert_eq!(actor.path().unwrap().as_str(), "/user/$conn-1");
    sim.shutdown(SOON);
}

/// What an actor of that worker finds of another one.
fn path_seen_on(pool: &WorkerPool, worker: usize, id: nexus_actors::ActorId) -> Option<ActorPath> {
    let props = Once::new(move || {
        Behavior::receive(move |_ctx, reply: Reply<Option<ActorPath>>| {
            reply.send(id.path());
            Next::Stop
        })
    });
    let looks = pool
        .spawn_on(worker, &format!("looks-{worker}"), props)
        .unwrap();
    let seen = looks.ask(|reply| reply, SOON).wait().unwrap();
    gone(pool, &format!("/user/looks-{worker}"));
    seen
}

#[test]
fn s1_14_a_path_is_known_everywhere_and_for_a_while_after_the_end() {
    with_pools(|pool| {
        let parent = Props::new(|| {
            Behavior::setup(|ctx| {
                let child = ctx.spawn("child", counter())?;
                let nameless = ctx.spawn_anonymous(counter())?;
                Ok(Behavior::receive(
                    move |_ctx, reply: Reply<(ActorRef<Count>, String)>| {
                        // On its own worker one without a name has a path too.
                        let path = nameless.path().map(|path| path.to_string());
                        reply.send((child, path.unwrap_or_default()));
                    },
                ))
            })
        });
        let parent = pool.spawn("parent", parent).unwrap();
        let (child, told) = parent.ask(|reply| reply, SOON).wait().unwrap();
        let bounded = Mailbox::bounded(1, Overflow::Fail).unwrap();
        let bounded = pool.spawn("bounded", counter().mailbox(bounded)).unwrap();
        assert!(told.starts_with("/user/parent/$"), "{told}");
        for lives in [true, false] {
            for (actor, path) in [
                (parent.id(), "/user/parent"),
                (child.id(), "/user/parent/child"),
                (bounded.id(), "/user/bounded"),
            ] {
                let seen = actor.path().map(|path| path.to_string());
                assert_eq!(seen.as_deref(), Some(path), "lives: {lives}");
                for worker in 0..pool.workers() {
                    let seen = path_seen_on(pool, worker, actor).map(|path| path.to_string());
                    assert_eq!(
                        seen.as_deref(),
                        Some(path),
                        "worker {worker}, lives: {lives}"
                    );
                }
            }
            parent.stop();
            bounded.stop();
            gone(pool, "/user/parent");
            gone(pool, "/user/bounded");
        }
        // Elsewhere one without a name is known once it was asked from there; that it was not is no promise.
        let again = pool.spawn_anonymous(counter()).unwrap();
        assert_eq!(said(again), 0);
        assert!(again.path().unwrap().as_str().starts_with("/user/$"));
    });
}

#[test]
fn s1_14_routers_topics_groups_and_recipients_have_paths() {
    use nexus_actors::{Group, Router, Topic};
    with_pools(|pool| {
        let node = pool.node();
        let actor = pool.spawn("counter", counter()).unwrap();
        let recipient = actor.contramap(|(): ()| Count::On);
        let router = Router::round_robin(2, counter())
            .spawn(&node, "router")
            .unwrap();
        let topic = Topic::<u8>::open(&node, "prices").unwrap();
        let group = Group::<u8>::open(&node, "tellers").unwrap();
        let paths = [
            actor.path(),
            recipient.path(),
            router.path(),
            topic.path(),
            group.path(),
        ];
        let paths: Vec<_> = paths
            .into_iter()
            .flatten()
            .map(|path| path.to_string())
            .collect();
        assert_eq!(
            paths,
            [
                "/user/counter",
                "/user/counter",
                "/user/router",
                "/topic/prices",
                "/group/tellers"
            ]
        );
    });
}

#[test]
fn s1_14_a_dead_letter_says_whose_it_was() {
    with_pools(|pool| {
        let letters = pool.dead_letters();
        let (tell, told) = mpsc::channel();
        let _subscription = letters.subscribe(move |letter| {
            let path = letter.path().map(|path| path.to_string());
            let _ = tell.send((path, letter.to_string()));
        });
        let mute = || Props::new(|| Behavior::receive(|_ctx, _: u32| Next::Unhandled));
        let actor = pool.spawn("mute", mute()).unwrap();
        let sender = Props::new(move || Behavior::receive(move |_ctx, ()| actor.tell(2)));
        let sender = pool.spawn("sender", sender).unwrap();
        actor.tell(1);
        let next = || told.recv_timeout(SOON).expect("it is lost");
        let (path, text) = next();
        assert_eq!(path.as_deref(), Some("/user/mute"));
        assert_eq!(
            text,
            "a u32 to /user/mute was lost: its actor did not handle it"
        );
        sender.tell(());
        let (_, text) = next();
        assert_eq!(
            text,
            "a u32 to /user/mute, sent by /user/sender, was lost: its actor did not handle it"
        );
        // It is still known who it was when it has stopped, from every place.
        actor.stop();
        gone(pool, "/user/mute");
        actor.tell(3);
        sender.tell(());
        for _ in 0..2 {
            let (path, text) = next();
            assert_eq!(path.as_deref(), Some("/user/mute"), "{text}");
            assert!(text.ends_with("its actor had stopped"), "{text}");
        }
    });
}

// ---- made of a plain value --------------------------------------------------------------------------

#[test]
fn s1_13_an_actor_made_of_a_plain_value_stops_at_its_first_failure_whatever_is_said() {
    /// It cannot be cloned, and there is one.
    struct Connection(Vec<u8>);
    impl Actor for Connection {
        type Message = Option<u8>;
        fn receive(
            &mut self,
            _ctx: &mut Context<'_, Option<u8>>,
            byte: Option<u8>,
        ) -> HandlerResult<Option<u8>> {
            self.0.push(byte.ok_or("it is torn")?);
            Ok(Next::Same)
        }
    }
    let strategies = [
        SupervisorStrategy::one_for_one(),
        SupervisorStrategy::all_for_one().without_limit(),
        SupervisorStrategy::rest_for_one().always(Directive::Restart),
    ];
    for strategy in strategies {
        let failures = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&failures);
        let builder = Sim::builder().supervising(strategy).on_failure(move |_| {
            counting.fetch_add(1, SeqCst);
        });
        builder.check(0..10, |sim| {
            failures.store(0, SeqCst);
            let connection = Once::actor(Connection(Vec::new()));
            let connection = sim.spawn("connection", connection).unwrap();
            connection.tell(Some(1));
            connection.tell(None);
            connection.tell(Some(2));
            sim.run_until_idle();
            assert_eq!(failures.load(SeqCst), 1);
            let found = sim.lookup::<Option<u8>>("/user/connection");
            assert!(matches!(found, Err(LookupError::NotFound(_))));
            assert_eq!(sim.dead_letters().total(), 1);
        });
    }
}
