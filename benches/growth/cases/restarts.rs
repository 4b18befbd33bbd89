//! Failures, and the decisions of supervisors.

use super::{Case, HOUR, Job, doer, job, system};
use nexus_actors::prelude::*;
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "each of many children fails, and is restarted",
        size: 1000,
        run: each_restarted,
    },
    Case {
        name: "each of many children fails, and stops",
        size: 1000,
        run: each_stopped,
    },
    Case {
        name: "the youngest of many children fails again and again, one for the rest",
        size: 1000,
        run: the_rest_restarted,
    },
    Case {
        name: "each of many children fails, which is resumed further up",
        size: 1000,
        run: each_resumed_above,
    },
    Case {
        name: "an actor fails again and again, within its limit",
        size: 2000,
        run: within_the_limit,
    },
];

/// An actor that fails with each message.
fn failing() -> Props<u32> {
    Props::new(|| Behavior::receive(|_ctx, _: u32| Err::<(), _>("planned".into())))
}

/// Starts that many failing children of a parent with that strategy, whose own parent has the other
/// strategy.
fn family(
    system: &ActorSystem,
    count: usize,
    strategy: SupervisorStrategy,
    above: SupervisorStrategy,
) -> Vec<ActorRef<u32>> {
    let above = system.spawn("above", doer().supervising(above)).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    above.tell(job(move |ctx| {
        let parent = ctx.spawn("parent", doer().supervising(strategy)).unwrap();
        parent.tell(job(move |ctx: &mut Context<'_, Job>| {
            for _ in 0..count {
                tell.send(ctx.spawn_anonymous(failing()).unwrap()).unwrap();
            }
        }));
    }));
    system.run_until_idle();
    told.try_iter().collect()
}

fn one_for_one() -> SupervisorStrategy {
    SupervisorStrategy::one_for_one()
}

fn fail_each(count: usize, strategy: SupervisorStrategy, above: SupervisorStrategy) -> ActorSystem {
    let system = system();
    let children = family(&system, count, strategy, above);
    assert_eq!(children.len(), count);
    children.iter().for_each(|child| child.tell(1));
    system.run_until_idle();
    system
}

fn each_restarted(count: usize) {
    let system = fail_each(count, one_for_one(), one_for_one());
    assert_eq!(system.stats().actors(), count as u64 + 2);
}

fn each_stopped(count: usize) {
    let stopped = one_for_one().always(Directive::Stop);
    let system = fail_each(count, stopped, one_for_one());
    assert_eq!(system.stats().actors(), 2);
}

fn each_resumed_above(count: usize) {
    let escalated = one_for_one().always(Directive::Escalate);
    let resumed = one_for_one().always(Directive::Resume);
    let system = fail_each(count, escalated, resumed);
    assert_eq!(system.stats().actors(), count as u64 + 2);
}

fn the_rest_restarted(count: usize) {
    let system = system();
    let rest = SupervisorStrategy::rest_for_one().without_limit();
    let children = family(&system, count, rest, one_for_one());
    (0..count).for_each(|_| children[count - 1].tell(1));
    system.run_until_idle();
    assert_eq!(system.stats().actors(), count as u64 + 2);
}

fn within_the_limit(count: usize) {
    let system = system();
    let limit = one_for_one().limit(u32::try_from(count).unwrap(), Duration::MAX);
    let [child] = family(&system, 1, limit, one_for_one())[..] else {
        unreachable!("one was started")
    };
    (0..count).for_each(|_| child.tell(1));
    system.run_until_idle();
    assert_eq!(system.stats().actors(), 3);
    child.tell(1);
    system.run_until_idle();
    assert_eq!(
        system.stats().actors(),
        2,
        "within {HOUR:?} there was no room for one more"
    );
}
