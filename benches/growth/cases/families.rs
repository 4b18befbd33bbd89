//! Children, names, and groups of children that start and stop.

use super::{Case, Job, doer, idle, job, many_idle, system};
use nexus_actors::actor::TaskContext;
use nexus_actors::prelude::*;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "children stop with their parent",
        size: 4000,
        run: children_stop,
    },
    Case {
        name: "children stop one by one, the first one first",
        size: 4000,
        run: children_stop_alone,
    },
    Case {
        name: "children with tasks beside them stop one by one",
        size: 2000,
        run: children_beside_tasks,
    },
    Case {
        name: "named actors start, are looked up, and stop",
        size: 2000,
        run: names,
    },
    Case {
        name: "actors start, are told something, and stop",
        size: 8000,
        run: lives,
    },
    Case {
        name: "actors are suspended and resumed",
        size: 8000,
        run: suspended,
    },
];

/// An actor with that many children.
fn parent(system: &ActorSystem, count: usize) -> (ActorRef<Job>, Vec<ActorRef<u32>>) {
    let parent = system.spawn("parent", doer()).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    parent.tell(job(move |ctx| {
        for _ in 0..count {
            tell.send(ctx.spawn_anonymous(idle()).unwrap()).unwrap();
        }
    }));
    system.run_until_idle();
    (parent, told.try_iter().collect())
}

fn children_stop(count: usize) {
    let system = system();
    let (parent, children) = parent(&system, count);
    assert_eq!(children.len(), count);
    parent.stop();
    system.run_until_idle();
    assert_eq!(system.stats().actors(), 0);
}

fn children_stop_alone(count: usize) {
    let system = system();
    let (_, children) = parent(&system, count);
    for child in children {
        child.stop();
        system.run_until_idle();
    }
    assert_eq!(system.stats().actors(), 1);
}

fn children_beside_tasks(count: usize) {
    let system = system();
    let (parent, children) = parent(&system, count);
    parent.tell(job(move |ctx| {
        for _ in 0..count {
            let waits = |task: &mut TaskContext<'_, Job>| task.sleep(super::HOUR);
            drop(ctx.spawn_task(move |task| drop(waits(task))));
        }
    }));
    system.run_until_idle();
    for child in children {
        child.stop();
        system.run_until_idle();
    }
    parent.stop();
    system.run_until_idle();
    assert_eq!(system.stats().actors(), 0);
}

fn names(count: usize) {
    let system = system();
    let name = |number: usize| format!("actor-{number}");
    let started = system.spawn_all((0..count).map(|number| (name(number), idle())));
    assert!(started.iter().all(Result::is_ok));
    for (number, actor) in started.iter().enumerate() {
        let found = system.lookup::<u32>(format!("/user/{}", name(number)));
        assert_eq!(found.unwrap(), *actor.as_ref().unwrap());
    }
    for actor in started {
        actor.unwrap().stop();
        system.run_until_idle();
    }
    assert_eq!(system.stats().actors(), 0);
}

fn lives(count: usize) {
    let system = system();
    let actors = many_idle(&system, count);
    for actor in &actors {
        actor.tell(1);
        actor.stop();
    }
    system.run_until_idle();
    assert_eq!(system.stats().actors(), 0);
    assert_eq!(system.stats().handled(), count as u64);
}

fn suspended(count: usize) {
    let system = system();
    let actors = many_idle(&system, count);
    actors.iter().for_each(|actor| actor.suspend());
    actors.iter().for_each(|actor| actor.tell(1));
    system.run_until_idle();
    assert_eq!(system.stats().handled(), 0);
    actors.iter().rev().for_each(|actor| actor.resume());
    system.run_until_idle();
    assert_eq!(system.stats().handled(), count as u64);
}
