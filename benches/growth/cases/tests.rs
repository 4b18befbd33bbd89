//! What tests do with probes, with watches over losses and failures, and with simulations.

use super::{Case, HOUR, Job, doer, idle, job, simulation};
use nexus_actors::DeadLetterReason;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Fault, Sim};
use nexus_actors::testkit::{BehaviorTest, DeadLetterProbe, FailureLog, Outcome, Probe};
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a probe expects the last of many messages",
        size: 1000,
        run: the_last_expected,
    },
    Case {
        name: "a probe expects many messages in order",
        size: 1000,
        run: expected_in_order,
    },
    Case {
        name: "many messages are to be lost",
        size: 1000,
        run: losses_expected,
    },
    Case {
        name: "the last of many failures is expected",
        size: 500,
        run: failure_expected,
    },
    Case {
        name: "a behaviour is tried, and fails, again and again",
        size: 500,
        run: tried_and_failed,
    },
    Case {
        name: "a behaviour is tried, and does not handle what it is told",
        size: 500,
        run: tried_and_unhandled,
    },
    Case {
        name: "many actors wait for a probe, and give up",
        size: 1000,
        run: waiters_give_up,
    },
    Case {
        name: "a fault for each of many actors",
        size: 500,
        run: faults_of_actors,
    },
    Case {
        name: "many delays, one after the other",
        size: 1000,
        run: delays,
    },
    Case {
        name: "many full mailboxes",
        size: 500,
        run: full_mailboxes,
    },
];

fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// Schedules that many messages to a probe, one after the other, after a while.
fn messages_to_come(sim: &mut Sim, to: ActorRef<u32>, count: u32) {
    for number in 0..count {
        let after = micros(u64::from(number) + 1000);
        sim.schedule(after, move || to.tell(number));
    }
}

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap()
}

fn the_last_expected(count: usize) {
    let (mut sim, count) = (simulation(), size(count));
    let probe = Probe::new(&sim.node(0), "probe").unwrap();
    messages_to_come(&mut sim, probe.actor_ref(), count);
    let last = probe.expect_where(|number| *number == count - 1, HOUR);
    assert_eq!((last, probe.len()), (count - 1, count as usize - 1));
}

fn expected_in_order(count: usize) {
    let (mut sim, count) = (simulation(), size(count));
    let probe = Probe::new(&sim.node(0), "probe").unwrap();
    messages_to_come(&mut sim, probe.actor_ref(), count);
    probe.expect_in_order(0..count, HOUR);
    assert!(probe.is_empty());
}

fn losses_expected(count: usize) {
    let mut sim = simulation();
    let letters = DeadLetterProbe::new(&sim.node(0));
    let gone = sim.spawn("gone", idle()).unwrap();
    gone.stop();
    messages_to_come(&mut sim, gone, size(count));
    letters.expect_within(DeadLetterReason::Stopped, count, HOUR);
    letters.expect_type::<u32>(count);
}

fn failing() -> Props<u32> {
    Props::new(|| {
        Behavior::receive(|_ctx, number: u32| Err::<(), _>(format!("it was {number}").into()))
    })
}

fn resumed() -> SupervisorStrategy {
    SupervisorStrategy::one_for_one().always(Directive::Resume)
}

fn failure_expected(count: usize) {
    let failures = FailureLog::new();
    let builder = Sim::builder().orderly().workers(1).keep_events(0);
    let builder = builder.on_failure(failures.hook()).supervising(resumed());
    let mut sim = builder.start().unwrap();
    let actor = sim.spawn("actor", failing()).unwrap();
    messages_to_come(&mut sim, actor, size(count));
    let last = format!("it was {}", count - 1);
    failures.expect_within(&sim.node(0), &last, HOUR);
    assert_eq!(failures.failures().len(), count);
}

fn tried_and_failed(count: usize) {
    let behavior = || {
        let behavior = Behavior::receive(|_ctx, _: u32| Err::<(), _>("planned".into()));
        behavior.supervise(resumed())
    };
    let mut test = BehaviorTest::new(behavior).unwrap();
    for _ in 0..count {
        assert_eq!(test.tell(1), Outcome::Failed("planned".to_owned()));
    }
}

fn tried_and_unhandled(count: usize) {
    let behavior = || Behavior::receive(|_ctx, _: u32| Next::Unhandled);
    let mut test = BehaviorTest::new(behavior).unwrap();
    for _ in 0..count {
        assert_eq!(test.tell(1), Outcome::Unhandled);
    }
}

fn waiters_give_up(count: usize) {
    let mut sim = simulation();
    let probe = Probe::<u32>::new(&sim.node(0), "probe").unwrap();
    let actor = sim.spawn("actor", doer()).unwrap();
    let waiting = probe.clone();
    actor.tell(job(move |ctx: &mut Context<'_, Job>| {
        for number in 0..count as u64 {
            // Those that began to wait last give up first.
            let patience = Duration::from_secs(10) - micros(number);
            let probe = waiting.clone();
            drop(ctx.spawn_task(move |_task| assert!(probe.try_expect(patience).is_err())));
        }
    }));
    sim.run_for(Duration::from_secs(1));
    assert_eq!(sim.waiting().len(), count);
    sim.run_for(Duration::from_secs(20));
    assert_eq!(sim.waiting().len(), 0);
}

fn faults_of_actors(count: usize) {
    let mut sim = simulation();
    let start = |number| sim.spawn(&format!("actor-{number}"), idle()).unwrap();
    let actors: Vec<_> = (0..count).map(start).collect();
    for number in 0..count {
        let actor = format!("/user/actor-{number}");
        sim.inject(Fault::kill(actor, 2)).unwrap();
    }
    for _ in 0..2 {
        actors.iter().for_each(|actor| actor.tell(1));
    }
    sim.run_until_idle();
    assert_eq!(sim.stats().handled(), count as u64);
    assert_eq!(sim.stats().actors(), 0);
}

fn delays(count: usize) {
    let mut sim = simulation();
    let actor = sim.spawn("actor", idle()).unwrap();
    for number in 0..count as u64 {
        let (since, until) = (micros(10 * number + 1000), micros(10 * number + 1005));
        let delay = Fault::slow_outside(since, until, micros(1));
        sim.inject(delay).unwrap();
        sim.schedule(since + micros(1) - sim.now(), move || actor.tell(1));
    }
    sim.run_for(HOUR);
    assert_eq!(sim.stats().handled(), count as u64);
}

fn full_mailboxes(count: usize) {
    let mut sim = simulation();
    let full = || {
        let mailbox = Mailbox::bounded(4, Overflow::Fail).unwrap();
        idle().mailbox(mailbox)
    };
    let start = |number| sim.spawn(&format!("actor-{number}"), full()).unwrap();
    let actors: Vec<_> = (0..count).map(start).collect();
    for number in 0..count {
        let actor = format!("/user/actor-{number}");
        let full = Fault::full_mailbox(actor, Duration::ZERO, HOUR);
        sim.inject(full).unwrap();
    }
    for actor in actors {
        assert!(actor.try_tell(1).is_err());
    }
    sim.run_until_idle();
    assert_eq!(sim.stats().handled(), 0);
}
