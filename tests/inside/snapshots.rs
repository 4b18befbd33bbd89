//! Snapshots of the tree, and watches that count.

use crate::common::*;
use nexus_actors::ActorPath;
use nexus_actors::inspect::{ActorSnapshot, ActorStatus, Snapshot, SnapshotOrder, SnapshotQuery};
use nexus_actors::pool::WaitsFor;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::supervision::Backoff;
use std::sync::mpsc;

fn path(text: &str) -> ActorPath {
    text.parse().unwrap()
}

fn paths(actors: &[ActorSnapshot]) -> Vec<&str> {
    actors.iter().map(|actor| actor.path.as_str()).collect()
}

fn quiet<M: Send + 'static>() -> Props<M> {
    Props::new(|| Behavior::receive(|_ctx, _: M| ()))
}

/// Starts children of that name on all workers in turn, so many levels deep.
fn family(levels: usize, workers: usize) -> Props<u32> {
    Props::new(move || {
        Behavior::setup(move |ctx| {
            if levels > 0 {
                for (number, name) in ["a", "b"].into_iter().enumerate() {
                    let worker = (ctx.worker() + number) % workers;
                    ctx.spawn_on(worker, name, family(levels - 1, workers))?;
                }
            }
            Ok(Behavior::receive(|_ctx, _: u32| ()))
        })
    })
}

fn of(snapshot: &Snapshot) -> Vec<&str> {
    assert!(snapshot.silent.is_empty(), "{:?}", snapshot.silent);
    paths(&snapshot.actors)
}

#[test]
fn s10_2_a_snapshot_has_the_tree_across_workers_whole_or_below_an_actor_or_to_a_depth() {
    with_pools(|pool| {
        pool.spawn("one", family(2, pool.workers())).unwrap();
        pool.spawn("one-more", quiet::<u8>()).unwrap();
        let all = pool.snapshot(&SnapshotQuery::new(), SOON);
        let expected = [
            "/user/one",
            "/user/one/a",
            "/user/one/a/a",
            "/user/one/a/b",
            "/user/one/b",
            "/user/one/b/a",
            "/user/one/b/b",
            "/user/one-more",
        ];
        assert_eq!(of(&all), expected, "children follow their parent");
        assert_eq!((all.matched, all.examined), (8, 8));
        let below = SnapshotQuery::new().below(path("/user/one/b"));
        let below = pool.snapshot(&below, SOON);
        assert_eq!(of(&below), expected[4..7]);
        assert_eq!((below.matched, below.examined), (3, 8));
        let top = SnapshotQuery::new().depth(1);
        assert_eq!(
            of(&pool.snapshot(&top, SOON)),
            ["/user/one", "/user/one-more"]
        );
        let own = SnapshotQuery::new().below(path("/user/one")).depth(0);
        assert_eq!(of(&pool.snapshot(&own, SOON)), ["/user/one"]);
        let children = SnapshotQuery::new().below(path("/user/one")).depth(1);
        let expected = ["/user/one", "/user/one/a", "/user/one/b"];
        assert_eq!(of(&pool.snapshot(&children, SOON)), expected);
        let nobody = SnapshotQuery::new().below(path("/user/on"));
        assert_eq!(of(&pool.snapshot(&nobody, SOON)), [""; 0]);
        let few = SnapshotQuery::new().limit(3);
        let few = pool.snapshot(&few, SOON);
        assert_eq!(few.matched, 8);
        let expected = ["/user/one", "/user/one/a", "/user/one-more"];
        assert_eq!(of(&few), expected, "those near the root");
        let text = SnapshotQuery::new().matching("e/b");
        let expected = ["/user/one/b", "/user/one/b/a", "/user/one/b/b"];
        assert_eq!(of(&pool.snapshot(&text, SOON)), expected);
        let of_type = SnapshotQuery::new().matching("u8");
        assert_eq!(of(&pool.snapshot(&of_type, SOON)), ["/user/one-more"]);
    });
}

enum Do {
    Wait,
    Fail,
    Passivate,
    Keep,
}

fn doer() -> Props<Do> {
    Props::new(|| {
        Behavior::with_stash(10, |_ctx| {
            Ok(Behavior::receive(|ctx: &mut Context<'_, Do>, what| {
                match what {
                    Do::Wait => ctx.sleep(NEVER)?,
                    Do::Fail => return Err(BoxError::from("planned")),
                    Do::Passivate => return Ok(Next::Passivate),
                    Do::Keep => {
                        ctx.timers().start_single("later", Do::Wait, NEVER);
                        ctx.stash(Do::Keep).map_err(|full| full.to_string())?;
                        let _ = ctx.spawn_task(|task| task.sleep(NEVER));
                    }
                }
                Ok(Next::Same)
            }))
        })
    })
}

/// Sends each of several actors what brings it into its state.
fn cast(sim: &mut Sim) {
    let names = [
        "waits",
        "backs-off",
        "passive",
        "keeps",
        "suspended",
        "flooded",
    ];
    let actors = names.map(|name| sim.spawn(name, doer()).unwrap());
    let [waits, backs_off, passive, keeps, suspended, flooded] = actors;
    waits.tell(Do::Wait);
    backs_off.tell(Do::Fail);
    passive.tell(Do::Passivate);
    keeps.tell(Do::Keep);
    suspended.suspend();
    flooded.tell(Do::Wait);
    (0..3).for_each(|_| flooded.tell(Do::Wait));
}

fn simulation(workers: usize) -> Sim {
    let backoff = Backoff::new(SECOND * 100, SECOND * 100).unwrap();
    let strategy = SupervisorStrategy::one_for_one().backoff(backoff);
    let builder = Sim::builder().seed(3).workers(workers);
    builder.supervising(strategy).start().unwrap()
}

#[test]
fn s10_2_a_snapshot_says_where_each_actor_is_and_what_it_holds_and_waits_for() {
    let _watchdog = watchdog();
    let mut sim = simulation(3);
    cast(&mut sim);
    sim.run_for(SECOND * 10);
    let snapshot = sim.snapshot(&SnapshotQuery::new());
    let found = |name: &str| {
        let path = format!("/user/{name}");
        let mut all = snapshot.actors.iter();
        all.find(|actor| actor.path.as_str() == path).unwrap()
    };
    let waits = found("waits");
    assert_eq!(waits.status, ActorStatus::Running);
    assert_eq!(waits.waits_for, Some(WaitsFor::Time));
    let since = waits.waits_since.unwrap();
    assert!(since > SECOND * 9 && since <= SECOND * 10, "{since:?}");
    assert!(waits.age >= since - ms(100) && waits.age <= SECOND * 10);
    assert!(waits.handling.is_some());
    assert_eq!(waits.message_type, std::any::type_name::<Do>());
    assert_eq!(
        (waits.mailbox, waits.capacity, waits.deepest),
        (0, None, None)
    );
    assert_eq!(waits.id.path().as_ref(), Some(&waits.path));
    let backs_off = found("backs-off");
    assert_eq!(backs_off.status, ActorStatus::BackingOff);
    assert_eq!(backs_off.restarts, 1);
    assert_eq!(found("passive").status, ActorStatus::Passive);
    let keeps = found("keeps");
    assert_eq!((keeps.timers, keeps.stashed, keeps.tasks), (1, 1, 1));
    assert_eq!((keeps.children, keeps.waits_for.clone()), (0, None));
    assert_eq!(found("suspended").status, ActorStatus::Suspended);
    assert_eq!(found("flooded").mailbox, 3);
    assert_eq!(
        found("flooded").to_string(),
        format!(
            "/user/flooded: running, 3 messages, waits for time to pass since {:.1?}",
            found("flooded").waits_since.unwrap()
        )
    );
}

#[test]
fn s10_2_the_deepest_the_most_restarted_and_the_longest_waiting_come_first() {
    let _watchdog = watchdog();
    let mut sim = simulation(2);
    for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
        let actor = sim.spawn(name, doer()).unwrap();
        sim.run_for(SECOND);
        (0..=number).for_each(|_| actor.tell(Do::Fail));
        sim.run_for(SECOND * 1_000);
        (0..=number * 2).for_each(|_| actor.tell(Do::Wait));
        sim.run_for(SECOND);
    }
    let query = SnapshotQuery::new()
        .limit(2)
        .order(SnapshotOrder::Longest)
        .order(SnapshotOrder::Deepest)
        .order(SnapshotOrder::Restarts);
    let snapshot = sim.snapshot(&query);
    assert_eq!(paths(&snapshot.actors), ["/user/a", "/user/b"]);
    let longest = snapshot.by(SnapshotOrder::Longest);
    assert_eq!(longest, snapshot.actors);
    let deepest = snapshot.by(SnapshotOrder::Deepest);
    assert_eq!(paths(deepest), ["/user/c", "/user/b"], "`a` has no mail");
    assert_eq!((deepest[0].mailbox, deepest[1].mailbox), (4, 2));
    let restarts = snapshot.by(SnapshotOrder::Restarts);
    assert_eq!(paths(restarts), ["/user/c", "/user/b"]);
    assert_eq!((restarts[0].restarts, restarts[1].restarts), (3, 2));
    assert_eq!(sim.stats().restarts(), 1 + 2 + 3);
    assert!(snapshot.by(SnapshotOrder::Busiest).is_empty());
}

#[test]
fn s10_2_who_waits_for_whom_is_seen_across_workers() {
    with_pool(pool_of(2), |pool| {
        let (held, release) = (mpsc::channel::<Reply<u8>>(), SOON);
        let (hold, holding) = held;
        let keeper = Props::new(move || {
            let hold = hold.clone();
            Behavior::receive(move |_ctx, reply: Reply<u8>| hold.send(reply).unwrap())
        });
        let keeper = pool.spawn_on(1, "keeper", keeper).unwrap();
        let asker = Props::new(move || {
            Behavior::receive(move |_ctx, reply: Reply<u8>| {
                let answer = keeper.ask(|reply| reply, NEVER).wait();
                reply.send(answer.unwrap());
            })
        });
        let asker = pool.spawn_on(0, "asker", asker).unwrap();
        let asked = asker.ask(|reply| reply, release);
        let kept = holding.recv().unwrap();
        let query = SnapshotQuery::new().order(SnapshotOrder::Longest);
        let snapshot = pool.snapshot(&query, SOON);
        assert_eq!(of(&snapshot), ["/user/asker"]);
        let waits_for = snapshot.actors[0].waits_for.clone();
        assert_eq!(
            waits_for,
            Some(WaitsFor::Actor(keeper.id(), Some(path("/user/keeper"))))
        );
        assert!(snapshot.actors[0].waits_since.is_some());
        kept.send(1);
        assert_eq!(asked.wait(), Ok(1));
    });
}

#[test]
fn s10_2_a_worker_that_is_held_is_named_with_the_handler_and_the_others_answer() {
    with_pool(pool_of(2), |pool| {
        let (begun, begins) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let released = std::sync::Arc::new(std::sync::Mutex::new(released));
        let holder = Props::new(move || {
            let (begun, released) = (begun.clone(), std::sync::Arc::clone(&released));
            Behavior::receive(move |_ctx, ()| {
                begun.send(()).unwrap();
                released.lock().unwrap().recv().unwrap();
            })
        });
        let holder = pool.spawn_on(1, "holder", holder).unwrap();
        pool.spawn_on(0, "free", quiet::<u8>()).unwrap();
        holder.tell(());
        begins.recv().unwrap();
        let snapshot = pool.snapshot(&SnapshotQuery::new(), ms(100));
        assert_eq!(paths(&snapshot.actors), ["/user/free"]);
        let silent = &snapshot.silent[0];
        assert_eq!((silent.worker, snapshot.silent.len()), (1, 1));
        let running = silent.running.as_ref().unwrap();
        assert_eq!(running.actor, holder.id());
        assert_eq!(running.path, Some(path("/user/holder")));
        release.send(()).unwrap();
    });
}

#[test]
fn s10_2_a_node_and_a_handler_see_the_same_and_so_does_a_driving_thread() {
    type Seen = (u64, u64, usize, u64);
    let looker = || {
        Props::new(|| {
            Behavior::receive(|ctx: &mut Context<'_, Reply<Seen>>, reply| {
                let snapshot = ctx.snapshot(&SnapshotQuery::new(), SOON);
                let (waiting, _) = ctx.waiting(SOON);
                reply.send((
                    snapshot.matched,
                    ctx.stats().actors(),
                    waiting.len(),
                    ctx.dead_letters().total(),
                ));
            })
        })
    };
    for workers in SIZES {
        let pool = &pool_of(workers).start().unwrap();
        let deaf = Props::new(|| Behavior::receive(|_ctx, _: u8| Next::Unhandled));
        pool.spawn("deaf", deaf).unwrap().tell(1);
        pool.spawn("waits", doer()).unwrap().tell(Do::Wait);
        eventually("it waits", || !pool.waiting(SOON).0.is_empty());
        eventually("it is lost", || pool.dead_letters().total() == 1);
        let looker = pool.spawn("looker", looker()).unwrap();
        let seen = looker.ask(|reply| reply, SOON).wait().unwrap();
        assert_eq!((seen.0, seen.3), (3, 1));
        // It has looked at its own worker before it waited for the others.
        assert_eq!(seen.2, 1);
        let node = pool.node();
        assert_eq!(node.snapshot(&SnapshotQuery::new(), SOON).matched, 3);
        assert_eq!(node.waiting(SOON).0.len(), 1);
        finish(pool, Duration::ZERO);
    }
    let system = ActorSystem::new("seen").unwrap();
    let looker = system.spawn("looker", looker()).unwrap();
    let seen = looker.ask(|reply| reply, SOON).wait().unwrap();
    assert_eq!((seen.0, seen.3), (1, 0));
    assert_eq!(system.snapshot(&SnapshotQuery::new()).matched, 1);
    let node = system.node();
    assert_eq!(node.snapshot(&SnapshotQuery::new(), SOON).matched, 1);
}

#[test]
fn s10_2_of_many_actors_a_snapshot_has_the_first_while_others_work() {
    const MANY: u64 = 100_000;
    let _watchdog = watchdog();
    let pool = &pool_of(2).start().unwrap();
    let all = (0..MANY).map(|_| quiet::<u64>());
    let actors: Vec<_> = pool.spawn_all_anonymous(all);
    assert!(actors.iter().all(Result::is_ok));
    let flooded = pool.spawn("flooded", doer()).unwrap();
    (0..50).for_each(|_| flooded.tell(Do::Wait));
    let query = SnapshotQuery::new()
        .order(SnapshotOrder::Deepest)
        .order(SnapshotOrder::Tree)
        .limit(10);
    let snapshot = pool.snapshot(&query, SOON);
    assert_eq!(of(&snapshot), ["/user/flooded"]);
    assert_eq!(snapshot.by(SnapshotOrder::Tree).len(), 10);
    assert_eq!((snapshot.matched, snapshot.examined), (MANY + 1, MANY + 1));
    finish(pool, Duration::ZERO);
}

#[test]
fn s10_4_at_a_quiet_moment_the_tree_and_the_counts_agree() {
    with_pools(|pool| {
        pool.spawn("family", family(3, pool.workers())).unwrap();
        let suspended = pool.spawn("suspended", quiet::<u32>()).unwrap();
        suspended.suspend();
        (0..40).for_each(|number| suspended.tell(number));
        let keeps = pool.spawn("keeps", doer()).unwrap();
        keeps.tell(Do::Keep);
        eventually("all is quiet", || {
            let stats = pool.stats();
            stats.queued() == 40 && stats.stashed() == 1
        });
        let snapshot = pool.snapshot(&SnapshotQuery::new(), SOON);
        let sum = |count: fn(&ActorSnapshot) -> u64| snapshot.actors.iter().map(count).sum();
        let (queued, stashed): (u64, u64) = (sum(|one| one.mailbox), sum(|one| one.stashed));
        let stats = pool.stats();
        assert_eq!(queued, stats.queued());
        assert_eq!(stashed, stats.stashed());
        assert_eq!(snapshot.examined, stats.actors());
        suspended.kill();
    });
}

#[test]
fn s10_2_a_watch_counts_what_each_actor_does_and_only_while_it_lasts() {
    with_pool(pool_of(1), |pool| {
        let busy = pool.spawn("busy", quiet::<u64>()).unwrap();
        pool.spawn("idle", quiet::<u64>()).unwrap();
        let busiest = SnapshotQuery::new().order(SnapshotOrder::Busiest);
        let counted = || pool.snapshot(&busiest, SOON).actors.first().cloned();
        busy.tell(1);
        assert_eq!(counted(), None, "nobody watches");
        let watch = pool.watch();
        eventually("it is counted", || {
            (0..1_000).for_each(|number| busy.tell(number));
            counted().is_some()
        });
        let first = counted().unwrap();
        assert_eq!(first.path, path("/user/busy"));
        assert!(first.handled.unwrap() > 0 && first.deepest.unwrap() > 0);
        assert!(first.busy.is_some());
        let all = pool.snapshot(&SnapshotQuery::new(), SOON);
        let idle = &all.actors[1];
        assert_eq!((idle.handled, idle.deepest), (Some(0), Some(0)));
        let other = watch.clone();
        drop(watch);
        assert!(counted().is_some(), "somebody watches still");
        drop(other);
        eventually("the counts are gone", || {
            let all = pool.snapshot(&SnapshotQuery::new(), SOON);
            all.actors.iter().all(|actor| actor.handled.is_none())
        });
    });
}

#[test]
fn s10_2_orders_by_id_do_what_those_by_reference_do() {
    with_pools(|pool| {
        let status = |name: &str| {
            let query = SnapshotQuery::new().below(path(name));
            let actors = pool.snapshot(&query, SOON).actors;
            actors.first().map(|actor| actor.status)
        };
        let one = pool.spawn("one", quiet::<u32>()).unwrap();
        one.id().suspend();
        eventually("it is", || {
            status("/user/one") == Some(ActorStatus::Suspended)
        });
        one.id().resume();
        eventually("it runs", || {
            status("/user/one") == Some(ActorStatus::Running)
        });
        one.id().stop();
        eventually("it has stopped", || status("/user/one").is_none());
        let other = pool.spawn("other", quiet::<u32>()).unwrap();
        other.id().kill();
        eventually("it is gone", || status("/user/other").is_none());
    });
}

#[test]
fn s1_14_runs_have_numbers_of_their_own() {
    let start = || pool_of(1).name("numbered").start().unwrap();
    let (one, other) = (start(), start());
    assert_ne!(one.run_id(), other.run_id());
    assert_eq!(one.run_id(), one.node().run_id());
    assert_eq!(one.run_id().to_string().len(), 16);
    assert_eq!((one.name(), one.node().name()), ("numbered", "numbered"));
    let sims = [1, 2].map(|seed| Sim::builder().seed(seed).start().unwrap());
    let ids = sims.map(|sim| sim.node(0).run_id());
    assert_eq!(ids[0], ids[1], "simulations are alike");
    finish(&one, SOON);
    finish(&other, SOON);
}

#[test]
fn s10_4_asks_are_counted_by_outcome_and_rounds_by_time() {
    with_pool(pool_of(1), |pool| {
        let answers = Props::new(|| {
            Behavior::receive(|ctx: &mut Context<'_, (u8, Reply<u8>)>, (what, reply)| {
                match what {
                    0 => reply.send(1),
                    1 => drop(reply),
                    2 => return Err(BoxError::from("planned")),
                    _ => ctx.sleep(ms(50))?,
                }
                Ok(())
            })
        });
        let [one, two] = ["one", "two"].map(|name| pool.spawn(name, answers.clone()).unwrap());
        let asker = Props::new(move || {
            Behavior::receive(move |ctx: &mut Context<'_, Reply<()>>, reply| {
                let ask = |what, within| one.ask(|reply| (what, reply), within);
                for _ in 0..3 {
                    ask(0, SOON).wait()?;
                }
                assert!(ask(1, SOON).wait().is_err());
                assert!(ask(3, ms(1)).wait().is_err());
                ask(0, SOON).cancel();
                assert!(two.ask(|reply| (2, reply), SOON).wait().is_err());
                assert!(two.ask(|reply| (0, reply), SOON).wait().is_err());
                let own = ctx.self_ref().ask(|reply| reply, SOON);
                assert!(own.wait().is_err());
                reply.send(());
                Ok::<_, BoxError>(())
            })
        });
        let asker = pool.spawn("asker", asker).unwrap();
        asker.ask(|reply| reply, SOON).wait().unwrap();
        eventually("it is published", || pool.stats().workers[0].asks == 9);
        let stats = pool.stats().workers[0];
        let ended = [
            stats.asks_without_reply,
            stats.asks_timed_out,
            stats.asks_given_up,
            stats.asks_to_failed,
            stats.asks_to_stopped,
            stats.asks_in_deadlock,
            stats.asks_to_full,
        ];
        assert_eq!(ended, [1, 1, 1, 1, 1, 1, 0]);
        assert!(stats.busy_nanos > 0);
    });
}
