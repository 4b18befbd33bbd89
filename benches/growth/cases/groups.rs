//! Topics, groups, and routers.

use super::{Case, HOUR, idle, many_idle, system};
use nexus_actors::prelude::*;
use nexus_actors::routing::RouterRef;
use nexus_actors::{Group, Router, Topic};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "actors subscribe to a topic, and leave it, the last one first",
        size: 4000,
        run: subscribed_from_the_last,
    },
    Case {
        name: "actors subscribe to a topic, and stop",
        size: 4000,
        run: subscribers_stop,
    },
    Case {
        name: "actors subscribe to a topic again and again",
        size: 4000,
        run: subscribed_again,
    },
    Case {
        name: "actors join a group, and leave it, the last one first",
        size: 4000,
        run: joined_from_the_last,
    },
    Case {
        name: "actors join a group, and stop",
        size: 4000,
        run: members_stop,
    },
    Case {
        name: "members of a group are asked for, one after the other",
        size: 2000,
        run: members_in_turn,
    },
    Case {
        name: "owners in a group are asked for while it grows and shrinks",
        size: 32,
        run: owners_while_it_changes,
    },
    Case {
        name: "many routees are sent to in turn",
        size: 2000,
        run: |count| routed(count, Router::round_robin(count, idle())),
    },
    Case {
        name: "many routees are sent to by chance",
        size: 2000,
        run: |count| routed(count, Router::random(count, idle())),
    },
    Case {
        name: "routees become fewer, the last one first",
        size: 2000,
        run: resized,
    },
    Case {
        name: "routees stop, the first one first, while others are sent to",
        size: 1000,
        run: routees_stop,
    },
    Case {
        name: "keys are sent to routees that stop one after the other",
        size: 32,
        run: keys_while_routees_stop,
    },
];

fn topic(system: &ActorSystem) -> Topic<u32> {
    Topic::open(&system.node(), "topic").unwrap()
}

fn subscribers(system: &ActorSystem, topic: Topic<u32>) -> usize {
    let stats = topic.stats(HOUR).wait().unwrap();
    system.run_until_idle();
    stats.subscribers
}

fn subscribed_from_the_last(count: usize) {
    let system = system();
    let (topic, actors) = (topic(&system), many_idle(&system, count));
    actors.iter().for_each(|actor| topic.subscribe(*actor));
    topic.publish(1);
    assert_eq!(subscribers(&system, topic), count);
    for actor in actors.iter().rev() {
        topic.unsubscribe(actor.id());
    }
    assert_eq!(subscribers(&system, topic), 0);
    assert_eq!(system.stats().handled(), 3 * count as u64 + 3);
}

fn subscribers_stop(count: usize) {
    let system = system();
    let (topic, actors) = (topic(&system), many_idle(&system, count));
    actors.iter().for_each(|actor| topic.subscribe(*actor));
    assert_eq!(subscribers(&system, topic), count);
    actors.iter().rev().for_each(|actor| actor.stop());
    system.run_until_idle();
    assert_eq!(subscribers(&system, topic), 0);
}

fn subscribed_again(count: usize) {
    let system = system();
    let (topic, actors) = (topic(&system), many_idle(&system, count));
    for _ in 0..2 {
        actors.iter().for_each(|actor| topic.subscribe(*actor));
        assert_eq!(subscribers(&system, topic), count);
    }
}

fn group(system: &ActorSystem) -> Group<u32> {
    Group::open(&system.node(), "group").unwrap()
}

fn joined(system: &ActorSystem, count: usize) -> (Group<u32>, Vec<ActorRef<u32>>) {
    let (group, actors) = (group(system), many_idle(system, count));
    actors.iter().for_each(|actor| group.join(*actor));
    assert_eq!(group.members(HOUR).wait().unwrap(), actors);
    (group, actors)
}

fn joined_from_the_last(count: usize) {
    let system = system();
    let (group, actors) = joined(&system, count);
    actors
        .iter()
        .rev()
        .for_each(|actor| group.leave(actor.id()));
    assert_eq!(group.members(HOUR).wait().unwrap(), []);
}

fn members_stop(count: usize) {
    let system = system();
    let (group, actors) = joined(&system, count);
    actors.iter().for_each(|actor| actor.stop());
    system.run_until_idle();
    assert_eq!(group.members(HOUR).wait().unwrap(), []);
}

fn members_in_turn(count: usize) {
    let system = system();
    let (group, actors) = joined(&system, count);
    for actor in actors {
        assert_eq!(group.in_turn(HOUR).wait(), Ok(Some(actor)));
    }
}

fn owners_while_it_changes(count: usize) {
    let system = system();
    let (group, actors) = (group(&system), many_idle(&system, count));
    for (number, actor) in actors.iter().enumerate() {
        group.join(*actor);
        let owner = group.owner_of(&number, HOUR).wait().unwrap();
        assert!(actors[..=number].contains(&owner.unwrap()));
    }
    for (number, actor) in actors.iter().enumerate() {
        let owner = group.owner_of(&number, HOUR).wait().unwrap();
        assert!(actors[number..].contains(&owner.unwrap()));
        group.leave(actor.id());
    }
}

fn started(system: &ActorSystem, router: Router<u32>) -> (RouterRef<u32>, Vec<ActorRef<u32>>) {
    let router = router.spawn(&system.node(), "router").unwrap();
    let routees = router.routees(HOUR).wait().unwrap();
    (router, routees)
}

fn routed(count: usize, router: Router<u32>) {
    let system = system();
    let (router, routees) = started(&system, router);
    assert_eq!(routees.len(), count);
    (0..count).for_each(|_| router.tell(1));
    system.run_until_idle();
    assert_eq!(system.stats().handled(), 2 * count as u64 + 1);
}

fn resized(count: usize) {
    let system = system();
    let (router, routees) = started(&system, Router::round_robin(count, idle()));
    assert_eq!(router.resize(1, HOUR).wait().unwrap().unwrap(), 1);
    assert_eq!(router.routees(HOUR).wait().unwrap(), routees[..1]);
}

fn routees_stop(count: usize) {
    let system = system();
    let (router, routees) = started(&system, Router::round_robin(count, idle()));
    for routee in &routees[1..] {
        routee.stop();
        router.tell(1);
        system.run_until_idle();
    }
    assert_eq!(system.stats().handled(), 2 * (count as u64 - 1) + 1);
    assert_eq!(router.routees(HOUR).wait().unwrap().len(), 1);
}

fn keys_while_routees_stop(count: usize) {
    let system = system();
    let router = Router::consistent_hash(count, idle(), |number: &u32| *number);
    let (router, routees) = started(&system, router);
    for (number, routee) in (0..).zip(&routees[1..]) {
        routee.stop();
        router.tell(number);
        system.run_until_idle();
    }
    assert_eq!(system.stats().handled(), 2 * (count as u64 - 1) + 1);
}
