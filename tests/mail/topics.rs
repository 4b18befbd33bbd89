//! Topics and groups: which subscribers and members are reached by name.

use crate::common::LONG;
use nexus_actors::prelude::*;
use nexus_actors::routing::{OpenError, TopicMessage};
use nexus_actors::sim::{Sim, check};
use nexus_actors::testkit::{DeadLetterProbe, Probe};
use nexus_actors::{Group, Topic};
use std::collections::HashSet;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);
const SEEDS: std::ops::Range<u64> = 0..40;

fn topic(sim: &Sim, name: &str) -> Topic<u32> {
    Topic::open(&sim.node(0), name).unwrap()
}

fn idle() -> Props<u32> {
    Props::new(|| Behavior::receive(|_ctx, _: u32| ()))
}

#[test]
fn all_subscribers_of_all_workers_are_told_in_order() {
    Sim::builder().workers(3).check(SEEDS, |sim| {
        let numbers = topic(sim, "numbers");
        let probes: Vec<Probe<u32>> = (0..3)
            .map(|worker| Probe::on(&sim.node(0), worker, &format!("probe-{worker}")).unwrap())
            .collect();
        probes
            .iter()
            .for_each(|one| numbers.subscribe(one.actor_ref()));
        let texts = Probe::<String>::new(&sim.node(0), "texts").unwrap();
        let part = texts
            .actor_ref()
            .contramap(|number: u32| number.to_string());
        numbers.subscribe(part);
        // One publishes from outside, one from an actor.
        (0..10).for_each(|number| numbers.publish(number));
        for probe in &probes {
            probe.expect_in_order(0..10, SOON);
        }
        texts.expect_in_order((0..10).map(|number| number.to_string()), SOON);
        let publisher =
            Props::new(move || Behavior::receive(move |_ctx, n: u32| numbers.publish(n)));
        let publisher = sim.spawn("publisher", publisher).unwrap();
        (10..20).for_each(|number| publisher.tell(number));
        numbers.recipient().tell(99);
        for probe in &probes {
            let mut came = probe.receive_n(11, SOON);
            came.retain(|number| *number != 99);
            assert_eq!(came, (10..20).collect::<Vec<_>>());
        }
        let stats = numbers.stats(LONG).wait().unwrap();
        assert_eq!((stats.subscribers, stats.published), (4, 21));
        assert_eq!((stats.delivered, stats.unsubscribed), (84, 0));
    });
}

#[test]
fn who_unsubscribes_or_stops_is_told_no_more_and_not_kept() {
    check(SEEDS, |sim| {
        let numbers = topic(sim, "numbers");
        let [stays, leaves, stops] = [0, 1, 2].map(|number| {
            let name = format!("probe-{number}");
            Probe::<u32>::new(&sim.node(0), &name).unwrap()
        });
        for one in [&stays, &leaves, &stops] {
            numbers.subscribe(one.actor_ref());
        }
        numbers.publish(1);
        for one in [&stays, &leaves, &stops] {
            one.expect_message(1, SOON);
        }
        numbers.unsubscribe(leaves.actor_ref().id());
        let stranger = Probe::<u8>::new(&sim.node(0), "stranger").unwrap();
        numbers.unsubscribe(stranger.actor_ref().id());
        stops.actor_ref().stop();
        sim.run_until_idle();
        numbers.publish(2);
        stays.expect_message(2, SOON);
        leaves.expect_no_message(SOON);
        let stats = numbers.stats(LONG).wait().unwrap();
        assert_eq!((stats.subscribers, stats.delivered), (1, 4));
        assert_eq!(sim.dead_letters().total(), 0);
        // A subscriber that stopped before it subscribed is not kept either.
        numbers.subscribe(stops.actor_ref());
        sim.run_until_idle();
        assert_eq!(numbers.stats(LONG).wait().unwrap().subscribers, 1);
    });
}

#[test]
fn one_actor_has_one_subscription_which_a_restart_does_not_end() {
    check(SEEDS, |sim| {
        let numbers = topic(sim, "numbers");
        let probe = Probe::<u32>::new(&sim.node(0), "probe").unwrap();
        let to = probe.actor_ref();
        let parent = Props::new(move || {
            Behavior::setup(move |ctx| {
                let fragile = Props::new(move || {
                    Behavior::receive(move |_ctx, number: u32| {
                        if number == 13 {
                            Err("unlucky")?
                        }
                        to.tell(number);
                        Ok(())
                    })
                });
                let child = ctx.spawn("child", fragile)?;
                numbers.subscribe(child);
                numbers.subscribe(child.contramap(|number: u32| number));
                Ok(Behavior::<()>::empty())
            })
        });
        sim.spawn("parent", parent).unwrap();
        sim.run_until_idle();
        [12, 13, 14]
            .into_iter()
            .for_each(|number| numbers.publish(number));
        probe.expect_in_order([12, 14], SOON);
        probe.expect_no_message(SOON);
        assert_eq!(numbers.stats(LONG).wait().unwrap().subscribers, 1);
    });
}

/// Many subscribers, some of which leave, stop, or return: they are told in the order of their subscriptions.
#[test]
fn many_subscribers_are_told_in_the_order_in_which_they_have_subscribed() {
    const MANY: u32 = 60;
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let numbers = topic(&sim, "numbers");
    let log = Probe::<u32>::new(&sim.node(0), "log").unwrap();
    let to = log.actor_ref();
    let subscriber = |number| {
        let props = Props::new(move || Behavior::receive(move |_ctx, _: u32| to.tell(number)));
        sim.spawn(&format!("subscriber-{number}"), props).unwrap()
    };
    let subscribers: Vec<_> = (0..MANY).map(subscriber).collect();
    subscribers.iter().for_each(|one| numbers.subscribe(*one));
    let mut expected: Vec<u32> = (0..MANY).collect();
    for (number, one) in (0..).zip(&subscribers) {
        match number % 5 {
            0 => numbers.unsubscribe(one.id()),
            1 => one.stop(),
            2 => {
                numbers.subscribe(*one);
                expected.push(number);
            }
            _ => continue,
        }
        let place = expected.iter().position(|it| *it == number);
        expected.remove(place.unwrap());
    }
    sim.run_until_idle();
    numbers.publish(1);
    sim.run_until_idle();
    assert_eq!(log.drain(), expected);
    let stats = numbers.stats(LONG).wait().unwrap();
    assert_eq!(stats.subscribers, expected.len());
}

/// No member is left out of a round in which others leave, or sent to twice, however many there are.
#[test]
fn many_members_are_found_in_turn_while_some_leave() {
    const MANY: usize = 60;
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let crew = Group::<u32>::open(&sim.node(0), "crew").unwrap();
    let start = |number| sim.spawn(&format!("member-{number}"), idle()).unwrap();
    let members: Vec<_> = (0..MANY).map(start).collect();
    members.iter().for_each(|one| crew.join(*one));
    assert_eq!(crew.members(SOON).wait().unwrap(), members);
    let mut found = Vec::new();
    for round in 0..MANY / 2 {
        // By turns, the member just found, the next one, or a later one leaves.
        let next = crew.in_turn(SOON).wait().unwrap().unwrap();
        let at = members.iter().position(|one| *one == next).unwrap();
        found.push(at);
        let leaves = [at, (at + 1) % MANY, (at + 7) % MANY][round % 3];
        crew.leave(members[leaves].id());
    }
    let left = crew.members(SOON).wait().unwrap();
    let mut left: Vec<_> = left
        .iter()
        .map(|one| members.iter().position(|it| it == one).unwrap())
        .collect();
    assert!(left.is_sorted(), "in the order in which they joined");
    // As in a plain list.
    let (mut model, mut turn, mut expected) = ((0..MANY).collect::<Vec<_>>(), 0, Vec::new());
    for round in 0..MANY / 2 {
        let at = model[turn % model.len()];
        expected.push(at);
        turn = (turn % model.len() + 1) % model.len();
        let leaves = [at, (at + 1) % MANY, (at + 7) % MANY][round % 3];
        if let Some(place) = model.iter().position(|it| *it == leaves) {
            model.remove(place);
            turn -= usize::from(place < turn);
        }
    }
    assert_eq!((found, std::mem::take(&mut left)), (expected, model));
}

#[test]
fn an_unheard_message_is_counted_and_a_dead_letter() {
    check(SEEDS, |sim| {
        let letters = DeadLetterProbe::new(&sim.node(0));
        let numbers = topic(sim, "numbers");
        numbers.publish(1);
        numbers.publish(2);
        sim.run_until_idle();
        letters.expect_type::<TopicMessage<u32>>(2);
        let stats = numbers.stats(LONG).wait().unwrap();
        assert_eq!(
            (stats.published, stats.delivered, stats.unsubscribed),
            (2, 0, 2)
        );
    });
}

#[test]
fn a_clone_that_panics_costs_no_subscriber_its_place() {
    struct Picky(u32);
    impl Clone for Picky {
        fn clone(&self) -> Self {
            assert!(self.0 != 13, "unlucky");
            Self(self.0)
        }
    }
    check(0..10, |sim| {
        let topic = Topic::<Picky>::open(&sim.node(0), "picky").unwrap();
        let probe = Probe::<Picky>::new(&sim.node(1), "probe").unwrap();
        topic.subscribe(probe.actor_ref());
        [1, 13, 2]
            .into_iter()
            .for_each(|number| topic.publish(Picky(number)));
        let came = probe.receive_n(2, SOON);
        assert_eq!(came.iter().map(|one| one.0).collect::<Vec<_>>(), [1, 2]);
    });
}

#[test]
fn opening_a_name_again_gets_the_same_topic() {
    let open = |node: &WorkerNode| Ok(Topic::<u32>::open(node, "numbers").map(drop)?);
    let sim = Sim::builder().workers(3).configure(open);
    sim.check(SEEDS, |sim| {
        let probe = Probe::<u32>::new(&sim.node(0), "probe").unwrap();
        topic(sim, "numbers").subscribe(probe.actor_ref());
        topic(sim, "numbers").publish(7);
        probe.expect_message(7, SOON);
        topic(sim, "others").publish(8);
        probe.expect_no_message(SOON);
        let other = Topic::<String>::open(&sim.node(0), "numbers").unwrap_err();
        assert!(matches!(other, OpenError::WrongType(_)), "{other}");
        let none = Topic::<u32>::open(&sim.node(0), "no name").unwrap_err();
        assert!(matches!(none, OpenError::Spawn(_)), "{none}");
        // A topic that was stopped is a new one when it is opened again.
        let old = topic(sim, "numbers");
        old.actor_ref().stop();
        sim.run_until_idle();
        old.subscribe(probe.actor_ref());
        assert_eq!(
            topic(sim, "numbers")
                .stats(LONG)
                .wait()
                .unwrap()
                .subscribers,
            0
        );
    });
}

#[test]
fn handlers_on_all_workers_open_one_topic_at_the_same_time() {
    Sim::builder().workers(4).check(SEEDS, |sim| {
        let node = sim.node(0);
        let probe = Probe::<u32>::new(&node, "probe").unwrap();
        let to = probe.actor_ref();
        let opener = Props::new(move || {
            let node = node.clone();
            Behavior::receive(move |_ctx, number: u32| {
                let numbers = Topic::<u32>::open(&node, "numbers")?;
                numbers.subscribe(to);
                numbers.publish(number);
                Ok(())
            })
        });
        for worker in 0..4 {
            let name = format!("opener-{worker}");
            let opener = sim.spawn_on(worker, &name, opener.clone()).unwrap();
            opener.tell(u32::try_from(worker).unwrap());
        }
        let mut came = probe.receive_n(4, SOON);
        came.sort_unstable();
        assert_eq!(came, [0, 1, 2, 3]);
    });
}

// ---- groups ---------------------------------------------------------------------------------------

fn members(group: Group<u32>) -> Vec<ActorRef<u32>> {
    group.members(LONG).wait().unwrap()
}

#[test]
fn members_join_leave_and_are_found_in_turn() {
    Sim::builder().workers(3).check(SEEDS, |sim| {
        let group = Group::<u32>::open(&sim.node(0), "workers").unwrap();
        assert_eq!(group.in_turn(LONG).wait(), Ok(None));
        assert_eq!(group.owner_of("key", LONG).wait(), Ok(None));
        let actors: Vec<_> = (0..3)
            .map(|at| sim.spawn_on(at, &format!("member-{at}"), idle()).unwrap())
            .collect();
        actors
            .iter()
            .chain(&actors)
            .for_each(|one| group.join(*one));
        assert_eq!(members(group), actors);
        let in_turn = |_| group.in_turn(LONG).wait().unwrap().unwrap();
        let found: Vec<_> = (0..7).map(in_turn).collect();
        let expected: Vec<_> = actors.iter().copied().cycle().take(7).collect();
        assert_eq!(found, expected);
        group.leave(actors[0].id());
        actors[2].kill();
        sim.run_until_idle();
        assert_eq!(members(group), [actors[1]]);
        assert_eq!(in_turn(0), actors[1]);
    });
}

#[test]
fn a_key_belongs_to_one_member_and_a_new_one_takes_its_share() {
    let mut sim = Sim::new(5);
    let group = Group::<u32>::open(&sim.node(0), "workers").unwrap();
    let actors: Vec<_> = (0..5)
        .map(|number| sim.spawn(&format!("member-{number}"), idle()).unwrap())
        .collect();
    actors[..4].iter().for_each(|one| group.join(*one));
    let owners = || -> Vec<ActorRef<u32>> {
        let owner = |key: u32| group.owner_of(&key, LONG).wait().unwrap().unwrap();
        (0..2000).map(owner).collect()
    };
    let four = owners();
    assert_eq!(four.iter().collect::<HashSet<_>>().len(), 4);
    group.join(actors[4]);
    let five = owners();
    let moved: Vec<_> = four
        .iter()
        .zip(&five)
        .filter(|(one, other)| one != other)
        .collect();
    assert!((300..500).contains(&moved.len()), "{}", moved.len());
    assert!(moved.iter().all(|(_, to)| **to == actors[4]));
    // The new member takes the free slot, so that no other member moves.
    group.leave(actors[1].id());
    group.leave(actors[4].id());
    group.join(actors[4]);
    let again = owners();
    for (before, after) in four.iter().zip(again) {
        let expected = if *before == actors[1] {
            actors[4]
        } else {
            *before
        };
        assert_eq!(after, expected);
    }
}

#[test]
fn topics_and_groups_work_under_threads() {
    let pool = WorkerPool::builder().workers(3).start().unwrap();
    let node = pool.node();
    let probes: Vec<Probe<u32>> = (0..6)
        .map(|number| Probe::new(&node, &format!("probe-{number}")).unwrap())
        .collect();
    let threads: Vec<_> = probes
        .iter()
        .map(|probe| {
            let (node, member) = (node.clone(), probe.actor_ref());
            std::thread::spawn(move || {
                let topic = Topic::<u32>::open(&node, "numbers").unwrap();
                topic.subscribe(member);
                let group = Group::<u32>::open(&node, "workers").unwrap();
                group.join(member);
                // The request follows the join, so the member is there.
                assert!(group.members(SOON).wait().unwrap().contains(&member));
                topic.stats(SOON).wait().unwrap();
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    let topic = Topic::<u32>::open(&node, "numbers").unwrap();
    (0..100).for_each(|number| topic.publish(number));
    for probe in &probes {
        probe.expect_in_order(0..100, SOON);
    }
    let group = Group::<u32>::open(&node, "workers").unwrap();
    assert_eq!(group.members(SOON).wait().unwrap().len(), 6);
    let report = pool.shutdown(SOON).unwrap();
    assert_eq!((report.forced, report.unprocessed), (0, 0));
}
