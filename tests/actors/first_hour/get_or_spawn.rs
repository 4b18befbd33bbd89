//! Get-or-spawn: actors that are started if there is none of their name.

use super::{counter, with_pools};
use crate::common::{LONG, SECOND, SEEDS, SOON, ms};
use nexus_actors::SpawnError;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

type Named = Reply<usize>;

/// Replies with its number, which is unique.
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
        // An actor that was placed elsewhere is found as well.
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

/// Has this many actors, on all workers, want a name at once. The results come in any order.
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
fn s1_12_a_caller_during_the_start_waits_for_it_and_shares_its_outcome() {
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
fn s1_12_a_caller_while_the_old_actor_stops_gets_a_new_one_afterwards() {
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
                        // The second one to come here would wait for the first, which waits for the second.
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
