//! What an instance has begun ends with it, and nothing waits for a delay before the next instance.

use super::{Do, SEEDS, family, restarts_after, scribe};
use crate::common::{LONG, Log, SECOND};
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use nexus_actors::supervision::Backoff;
use nexus_actors::{BoxError, Directive};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

const HOUR: Duration = LONG;

/// Everything that an instance can begin and would hear of later.
#[derive(Clone, Copy, Debug)]
enum What {
    WatchChild,
    WatchNear,
    WatchFar,
    /// Of an actor that stops at that moment.
    WatchOneThatStops,
    SingleTimer,
    RepeatedTimer,
    ReceiveTimeout,
    ChildThatFails,
    TaskThatFails,
}

const ALL: [What; 9] = [
    What::WatchChild,
    What::WatchNear,
    What::WatchFar,
    What::WatchOneThatStops,
    What::SingleTimer,
    What::RepeatedTimer,
    What::ReceiveTimeout,
    What::ChildThatFails,
    What::TaskThatFails,
];

enum Begin {
    A(What),
    Fail,
    Tick,
    Nothing,
}

fn begin(ctx: &mut Context<'_, Begin>, what: What, near: ActorRef<Do>, far: ActorRef<Do>) {
    match what {
        What::WatchChild => {
            let child = ctx.spawn_anonymous(scribe(&Log::default())).unwrap();
            ctx.watch(child);
        }
        What::WatchNear => ctx.watch(near),
        What::WatchFar => ctx.watch(far),
        What::WatchOneThatStops => {
            ctx.watch(far);
            far.stop();
        }
        What::SingleTimer => ctx.timers().start_single(1, Begin::Tick, SECOND),
        What::RepeatedTimer => ctx.timers().start_fixed_rate(1, || Begin::Tick, SECOND),
        What::ReceiveTimeout => ctx.set_receive_timeout(SECOND),
        What::ChildThatFails => {
            let child = ctx.spawn_anonymous(scribe(&Log::default())).unwrap();
            for _ in 0..9 {
                child.tell(Do::Fail("torn"));
            }
        }
        What::TaskThatFails => {
            let _ = ctx.spawn_task(|task| -> () {
                task.sleep(SECOND).unwrap();
                panic!("torn")
            });
        }
    }
}

/// Records, with the instance's number, what an instance hears besides its own start and end.
fn instances(log: &Log, near: ActorRef<Do>, far: ActorRef<Do>) -> Props<Begin> {
    let (log, count) = (log.clone(), Arc::new(AtomicU32::new(0)));
    Props::new(move || {
        let number = count.fetch_add(1, Relaxed);
        let (log, told) = (log.clone(), log.clone());
        Behavior::receive(move |ctx, message| {
            match message {
                Begin::A(what) => begin(ctx, what, near, far),
                Begin::Fail => return Err(BoxError::from("torn")),
                Begin::Tick => log.add(format!("{number} hears a timer")),
                Begin::Nothing => {}
            }
            Ok(())
        })
        .on_signal(move |_ctx, signal| match signal {
            Signal::PreStart
            | Signal::PostStop(_)
            | Signal::PreRestart(_)
            | Signal::PostRestart(_) => {}
            other => told.add(format!("{number} hears {other:?}")),
        })
    })
}

#[test]
fn s4_7_what_an_instance_began_ends_with_it_however_it_ends() {
    type End = fn(ActorRef<Begin>);
    let ends: [(&str, End); 3] = [
        ("a restart", |actor| actor.tell(Begin::Fail)),
        ("passivation", |actor| actor.passivate()),
        ("a stop", |actor| actor.stop()),
    ];
    for (name, end) in ends {
        for what in ALL {
            let supervising = Sim::builder().workers(2);
            supervising.check(0..15, |sim| {
                let log = Log::default();
                let near = sim.spawn_on(0, "near", scribe(&log)).unwrap();
                let far = sim.spawn_on(1, "far", scribe(&log)).unwrap();
                let own = instances(&log, near, far);
                let actor = sim.spawn_on(0, "actor", own).unwrap();
                actor.tell(Begin::A(what));
                // An order to passivate is handled before the mail.
                sim.run_until_idle();
                end(actor);
                sim.run_until_idle();
                let before = log.lines().len();
                actor.tell(Begin::Nothing);
                sim.run_until_idle();
                near.stop();
                far.stop();
                sim.run_for(HOUR);
                let heard: Vec<_> = log
                    .lines()
                    .into_iter()
                    .filter(|line| !line.starts_with("0 hears") && line.contains(" hears "))
                    .collect();
                assert!(heard.is_empty(), "{what:?} before {name}: {heard:?}");
                let later = log.lines().split_off(before);
                let later: Vec<_> = later.iter().filter(|line| line.contains("hears")).collect();
                assert!(later.is_empty(), "{what:?} after {name}: {later:?}");
            });
        }
    }
}

/// A child that waits an hour for its restart, and has been told `PreRestart`.
fn in_backoff(sim: &mut Sim, log: &Log) -> (ActorRef<Do>, ActorRef<Do>) {
    let (props, children) = family(log, &["child"], Some(restarts_after(HOUR)));
    let parent = sim.spawn("parent", props).unwrap();
    let child = children.lock().unwrap()[0];
    child.tell(Do::Fail("torn"));
    sim.run_for(SECOND);
    assert_eq!(log.of("child"), ["PreStart", "PreRestart(torn)"]);
    (parent, child)
}

#[test]
fn s4_13_an_end_does_not_wait_for_a_backoff() {
    type End = fn(&mut Sim, ActorRef<Do>, ActorRef<Do>);
    let ends: [(&str, End); 5] = [
        ("its stop", |_, _, child| child.stop()),
        ("its parent's stop", |_, parent, _| parent.stop()),
        ("its parent's restart", |_, parent, _| {
            parent.tell(Do::Fail("torn"))
        }),
        ("its parent's passivation", |_, parent, _| {
            parent.passivate()
        }),
        ("a shutdown", |sim, _, _| {
            let report = sim.shutdown(SECOND);
            assert_eq!((report.forced, report.unprocessed), (0, 0));
        }),
    ];
    for (name, end) in ends {
        check(SEEDS, |sim| {
            let log = Log::default();
            let (parent, child) = in_backoff(sim, &log);
            end(sim, parent, child);
            sim.run_for(SECOND);
            assert!(child.ask(Do::Count, SECOND).wait().is_err(), "after {name}");
            // 4.14: the instance was told already, and the next child of that name starts afresh.
            let heard = log.of("child");
            let heard: Vec<_> = heard.iter().filter(|line| *line != "PreStart").collect();
            assert_eq!(heard, ["PreRestart(torn)"], "after {name}");
        });
    }
}

#[test]
fn s4_13_one_that_is_to_stop_handles_the_mail_that_waited_at_once() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let (_, child) = in_backoff(sim, &log);
        child.tell(Do::Say("waited"));
        child.stop();
        sim.run_for(SECOND);
        let expected = [
            "PreStart",
            "PreRestart(torn)",
            "PostRestart(torn)",
            "says waited",
            "PostStop(Stopped)",
        ];
        assert_eq!(log.of("child"), expected);
    });
}

#[test]
fn s4_13_one_that_is_to_stop_and_cannot_be_built_loses_its_mail() {
    check(SEEDS, |sim| {
        let built = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&built);
        let fragile = Props::new(move || {
            let first = count.fetch_add(1, Relaxed) == 0;
            Behavior::setup(move |_ctx| {
                if !first {
                    return Err(BoxError::from("cannot be built"));
                }
                Ok(Behavior::receive(|_ctx, _: u8| {
                    Err::<(), _>(BoxError::from("torn"))
                }))
            })
        });
        let parent = Props::new(move || {
            let fragile = fragile.clone();
            Behavior::receive(move |ctx, reply: Reply<ActorRef<u8>>| {
                reply.send(ctx.spawn("child", fragile.clone())?);
                Ok(())
            })
        });
        let parent = parent.supervising(restarts_after(HOUR));
        let parent = sim.spawn("parent", parent).unwrap();
        let child = parent.ask(|reply| reply, LONG).wait().unwrap();
        (0..4).for_each(|message| child.tell(message));
        sim.run_for(SECOND);
        child.stop();
        sim.run_for(SECOND);
        assert_eq!(built.load(Relaxed), 2, "it is built for the mail once");
        assert_eq!(
            sim.dead_letters().total(),
            3,
            "it does not wait for its delay"
        );
    });
}

#[test]
fn s4_14_one_that_is_killed_after_pre_restart_is_told_nothing_more() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let (_, child) = in_backoff(sim, &log);
        child.kill();
        sim.run_until_idle();
        assert!(child.ask(Do::Count, SECOND).wait().is_err());
        assert_eq!(log.of("child"), ["PreStart", "PreRestart(torn)"]);
    });
}

#[test]
fn s4_13_a_siblings_failure_stops_one_in_backoff_at_once() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let backoff = Backoff::new(HOUR, HOUR).unwrap();
        let strategy = SupervisorStrategy::rest_for_one()
            .backoff(backoff)
            .decide(|failure| match failure.path.name() {
                "second" => Directive::Restart,
                _ => Directive::Stop,
            });
        let (props, children) = family(&log, &["first", "second"], Some(strategy));
        sim.spawn("parent", props).unwrap();
        let [first, second] = children.lock().unwrap()[..] else {
            unreachable!("it has two children")
        };
        second.tell(Do::Fail("torn"));
        sim.run_for(SECOND);
        first.tell(Do::Fail("torn"));
        sim.run_for(SECOND);
        assert!(second.ask(Do::Count, SECOND).wait().is_err());
        assert_eq!(log.of("second"), ["PreStart", "PreRestart(torn)"]);
    });
}
