//! Starting actors: from values that serve once or are cloned, and many actors at a time.

use crate::common::*;
use nexus_actors::SpawnError;
use nexus_actors::actor::Spawnable;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

/// Not `Clone`, and reports when it is dropped.
struct Cargo(u32, mpsc::Sender<&'static str>);

impl Drop for Cargo {
    fn drop(&mut self) {
        let _ = self.1.send("dropped");
    }
}

enum Ship {
    Weigh(Reply<u32>),
    Fail,
    Panic,
    Leave,
}

/// A ship that is made once, with its cargo.
fn ship(weight: u32, log: &mpsc::Sender<&'static str>) -> Once<Ship> {
    let (cargo, told) = (Cargo(weight, log.clone()), log.clone());
    Once::new(move || {
        let sailed = Rc::new(Cell::new(false)); // what an actor owns need not be `Send`
        Behavior::with_state(cargo, move |cargo: &mut Cargo, _ctx, message| {
            sailed.set(true);
            match message {
                Ship::Weigh(reply) => reply.send(cargo.0),
                Ship::Fail => return Err("a leak".into()),
                Ship::Panic => panic!("planned: a leak"),
                Ship::Leave => return Ok(Next::Passivate),
            }
            Ok(Next::Same)
        })
        .on_signal(move |_ctx, signal| {
            let _ = told.send(match signal {
                Signal::PreStart => "started",
                Signal::PostStop(_) => "stopped",
                _ => "something else",
            });
        })
    })
}

#[test]
fn s1_13_an_actor_made_once_stops_where_another_would_be_restarted() {
    with_pools(|pool| {
        for (round, end) in [Ship::Fail, Ship::Panic, Ship::Leave]
            .into_iter()
            .enumerate()
        {
            let (log, lines) = mpsc::channel();
            let name = format!("harbour-{round}");
            let once = ship(70, &log);
            drop(log);
            let mut once = Some(once);
            let harbour = pool
                .spawn(
                    &name,
                    Once::new(move || {
                        let mut ship = None;
                        Behavior::receive(move |ctx, reply: Reply<ActorRef<Ship>>| {
                            if let Some(once) = once.take() {
                                ship = Some(ctx.spawn("ship", once)?);
                            }
                            reply.send(ship.unwrap());
                            Ok(())
                        })
                    }),
                )
                .unwrap();
            let ship = harbour.ask(|reply| reply, SOON).wait().unwrap();
            assert_eq!(ship.ask(Ship::Weigh, SOON).wait().unwrap(), 70);
            ship.tell(end);
            let told: Vec<_> = lines.iter().collect();
            assert_eq!(told, ["started", "stopped", "dropped"], "round {round}");
            gone(pool, &format!("/user/{name}/ship"));
            assert!(ship.ask(Ship::Weigh, SOON).wait().is_err());
            assert!(
                harbour.ask(|reply| reply, SOON).wait().is_ok(),
                "its parent goes on"
            );
        }
    });
}

#[test]
fn s1_13_a_siblings_failure_stops_an_actor_made_once_and_restarts_the_others() {
    with_pools(|pool| {
        let (log, lines) = mpsc::channel();
        let (told, starts) = mpsc::channel();
        let once = ship(1, &log);
        drop(log);
        let mut once = Some(once);
        let family = Once::new(move || {
            Behavior::receive(move |ctx, reply: Reply<ActorRef<bool>>| {
                ctx.spawn("once", once.take().unwrap())?;
                let told = told.clone();
                let again = Props::new(move || {
                    let told = told.clone();
                    Behavior::receive(
                        |_ctx, fail: bool| if fail { Err("planned".into()) } else { Ok(()) },
                    )
                    .on_signal(move |_ctx, signal| {
                        if matches!(signal, Signal::PreStart | Signal::PostRestart(_)) {
                            told.send(()).unwrap();
                        }
                    })
                });
                reply.send(ctx.spawn("again", again)?);
                Ok(())
            })
        });
        let strategy = SupervisorStrategy::all_for_one();
        let family = pool.spawn("family", family.supervising(strategy)).unwrap();
        let again = family.ask(|reply| reply, SOON).wait().unwrap();
        again.tell(true);
        for _ in 0..2 {
            starts
                .recv_timeout(SOON)
                .expect("it starts, and starts again");
        }
        assert_eq!(
            lines.iter().collect::<Vec<_>>(),
            ["started", "stopped", "dropped"]
        );
        gone(pool, "/user/family/once");
    });
}

#[test]
fn s1_13_what_is_set_for_an_actor_made_once_holds() {
    fn depth(left: u32) -> u32 {
        if left == 0 {
            0
        } else {
            1 + std::hint::black_box(depth(left - 1))
        }
    }
    with_pools(|pool| {
        let small = Mailbox::bounded(1, Overflow::Fail).unwrap();
        let (go, gate) = mpsc::channel::<()>();
        let bounded = Once::new(move || {
            Behavior::receive(move |_ctx, ()| {
                let _ = gate.recv();
            })
        });
        let bounded = pool.spawn("bounded", bounded.mailbox(small)).unwrap();
        bounded.tell(());
        eventually("the mailbox is full", || bounded.try_tell(()).is_err());
        drop(go);
        let deep =
            Once::new(|| Behavior::receive(|_ctx, reply: Reply<u32>| reply.send(depth(20_000))));
        let deep = pool.spawn("deep", deep.stack_size(64 << 20)).unwrap();
        assert_eq!(deep.ask(|reply| reply, SOON).wait().unwrap(), 20_000);
        let wrong = Once::<()>::new(Behavior::stopped).stack_size(1);
        assert!(matches!(
            pool.spawn("wrong", wrong),
            Err(SpawnError::InvalidStackSize(1))
        ));
    });
}

/// Starts a thousand counters and has each of them count.
fn start_many<P: Spawnable<Message = Reply<usize>>>(pool: &WorkerPool, make: impl Fn(usize) -> P) {
    let named = pool.spawn_all((0..1000).map(|number| (format!("n{number}"), make(number))));
    let anonymous = pool.spawn_all_anonymous((0..1000).map(&make));
    for started in [named, anonymous] {
        let started: Vec<_> = started.into_iter().map(Result::unwrap).collect();
        assert_eq!(started.len(), 1000);
        for (number, actor) in started.into_iter().enumerate() {
            assert_eq!(actor.ask(|reply| reply, SOON).wait().unwrap(), number);
            actor.stop();
        }
    }
    for number in 0..1000 {
        gone(pool, &format!("/user/n{number}"));
    }
}

#[test]
fn s8_3_many_actors_start_at_once_each_where_its_name_belongs_and_in_order() {
    with_pools(|pool| {
        start_many(pool, |number| echo(move || number));
        start_many(pool, |number| {
            Once::new(move || {
                Behavior::receive(move |_ctx, reply: Reply<usize>| reply.send(number))
            })
        });
        let started = pool.spawn_all([("here", echo(|| 1)), ("there", echo(|| 2))]);
        for (started, name) in started.iter().zip(["here", "there"]) {
            let worker = started.as_ref().unwrap().id().worker();
            assert_eq!(worker, pool.ring().owner(name) as usize);
        }
    });
}

#[test]
fn s8_3_many_actors_start_at_once_in_a_simulation_too() {
    Sim::builder().workers(3).check(SEEDS, |sim| {
        let named =
            sim.spawn_all((0..50).map(|number| (format!("n{number}"), echo(move || number))));
        let anonymous = sim.spawn_all_anonymous((0..50).map(|number| echo(move || number)));
        for started in [named, anonymous] {
            for (number, actor) in started.into_iter().enumerate() {
                let answer = actor.unwrap().ask(|reply| reply, SOON);
                assert_eq!(answer.wait().unwrap(), number);
            }
        }
        let again = sim.spawn_all([("n7", echo(|| 0)), ("new", echo(|| 1))]);
        assert!(matches!(again[0], Err(SpawnError::NameTaken(_))));
        assert!(again[1].is_ok());
    });
}

#[test]
fn s1_10_of_many_that_start_at_once_each_has_its_own_error() {
    with_pools(|pool| {
        let taken = pool.spawn("taken", echo(|| 0)).unwrap();
        let fails = || Props::new(|| Behavior::setup(|_ctx| Err("planned".into())));
        let started = pool.spawn_all([
            ("first", echo(|| 1)),
            ("not valid", echo(|| 2)),
            ("taken", echo(|| 3)),
            ("fails", fails()),
            ("twice", echo(|| 4)),
            ("twice", echo(|| 5)),
        ]);
        let [first, invalid, name_taken, failed, once, twice] = &started[..] else {
            panic!("one result for each")
        };
        assert_eq!(
            first
                .as_ref()
                .unwrap()
                .ask(|reply| reply, SOON)
                .wait()
                .unwrap(),
            1
        );
        assert!(matches!(invalid, Err(SpawnError::InvalidName(_))));
        assert!(matches!(name_taken, Err(SpawnError::NameTaken(_))));
        assert!(matches!(failed, Err(SpawnError::Failed(_))));
        assert_eq!(
            once.as_ref()
                .unwrap()
                .ask(|reply| reply, SOON)
                .wait()
                .unwrap(),
            4
        );
        assert!(matches!(twice, Err(SpawnError::NameTaken(_))));
        taken.stop();
    });
}

#[test]
fn s8_3_a_handler_starts_many_on_all_workers_and_waits() {
    with_pools(|pool| {
        let node = pool.node();
        let starter = pool
            .spawn(
                "starter",
                Props::new(move || {
                    let node = node.clone();
                    Behavior::receive(move |_ctx, reply: Reply<usize>| {
                        let started =
                            node.spawn_all_anonymous((0..3000).map(|number| echo(move || number)));
                        let asked = started
                            .into_iter()
                            .map(|actor| actor.unwrap().ask(|reply| reply, SOON));
                        reply.send(asked.map(|ask| ask.wait().unwrap()).sum());
                    })
                }),
            )
            .unwrap();
        let sum = starter.ask(|reply| reply, SOON).wait().unwrap();
        assert_eq!(sum, (0..3000).sum::<usize>());
    });
}

#[test]
fn s1_10_in_an_ended_pool_no_actor_starts_and_nothing_is_kept() {
    let _watchdog = watchdog();
    let pool = pool_of(2).start().unwrap();
    finish(&pool, Duration::from_secs(5));
    let (log, lines) = mpsc::channel();
    let started = pool.spawn_all_anonymous((0..600).map(|number| ship(number, &log)));
    drop(log);
    assert_eq!(started.len(), 600);
    assert!(
        started
            .iter()
            .all(|one| matches!(one, Err(SpawnError::PoolClosed)))
    );
    assert_eq!(lines.iter().collect::<Vec<_>>(), ["dropped"; 600]);
}

/// Asks how many messages the actor has handled, by its state and by what its handler has captured.
type HowMany = Option<Reply<(u32, u32)>>;

#[test]
fn s1_2_props_of_a_function_clone_its_state_and_what_it_has_captured_for_every_start() {
    let mut captured = 0;
    let counts = Props::with_state(0, move |state: &mut u32, _ctx, message: HowMany| {
        *state += 1;
        captured += 1;
        message.ok_or("planned")?.send((*state, captured));
        Ok(())
    });
    let mut captured = 0;
    let counts_alone = Props::receive(move |_ctx, message: HowMany| {
        captured += 1;
        message.ok_or("planned")?.send((captured, captured));
        Ok(())
    });
    for props in [counts, counts_alone] {
        for workers in SIZES {
            let pool = WorkerPool::builder().workers(workers);
            with_pool(pool, |pool| {
                for name in ["one", "other"] {
                    let actor = pool.spawn(name, props.clone()).unwrap();
                    let counted = || actor.ask(Some, SOON).wait().unwrap();
                    assert_eq!((counted(), counted()), ((1, 1), (2, 2)));
                    // It fails, and is restarted.
                    actor.tell(None);
                    assert_eq!((counted(), counted()), ((1, 1), (2, 2)));
                }
            });
        }
    }
}
