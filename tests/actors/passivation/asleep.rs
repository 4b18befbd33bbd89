//! Asleep and awake: what stays, what ends, and what the next instance takes over.

use super::{Do, LONG, SECOND, SEEDS, calm, handle, ms, noting, run, sleeper, start_sleeper};
use crate::common::{Log, OnDrop, SOON, with_pools};
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

#[test]
fn s6_5_a_passive_actor_has_no_state_until_its_next_message_comes() {
    calm(|sim| {
        let (log, actor) = start_sleeper(sim);
        actor.tell(Do::Say(1));
        actor.tell(Do::Rest);
        sim.run_until_idle();
        assert_eq!(log.take(), ["starts", "1", "stopped", "dropped"]);
        let found = sim.lookup::<Do>("/user/sleeper");
        assert_eq!(found.unwrap(), actor, "its name and its reference stay");
        assert_eq!((sim.stats().actors(), sim.pending().due), (1, 0));
        sim.run_for(LONG);
        assert_eq!(log.take(), [""; 0]);
        assert_eq!(actor.ask(Do::Ask, LONG).wait(), Ok(7));
        actor.tell(Do::Say(2));
        sim.run_until_idle();
        assert_eq!(log.take(), ["starts", "2"]);
    });
}

#[test]
fn s6_5_mail_that_waits_is_handed_to_the_next_instance_in_order() {
    with_pools(|pool| {
        let log = Log::default();
        let actor = pool.spawn("sleeper", sleeper(&log)).unwrap();
        let (open, gate) = tokio::sync::oneshot::channel::<()>();
        run(actor, move |ctx| {
            Ok(ctx.block_on(gate).map(|_| Next::Passivate)?)
        });
        for number in 0..500 {
            actor.tell(Do::Say(number));
        }
        actor.tell(Do::Rest);
        actor.tell(Do::Say(500));
        open.send(()).unwrap();
        assert_eq!(actor.ask(Do::Ask, SOON).wait(), Ok(7));
        let numbers = (0..500).map(|number: u32| number.to_string());
        let again = ["stopped", "dropped", "starts"].map(str::to_owned);
        let mut expected = vec!["starts".to_owned()];
        expected.extend(again.clone());
        expected.extend(numbers);
        expected.extend(again);
        expected.push("500".to_owned());
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn s6_5_an_order_to_passivate_comes_from_everywhere_ahead_of_the_mail() {
    calm(|sim| {
        let log = Log::default();
        let actor = sim.spawn_on(0, "sleeper", sleeper(&log)).unwrap();
        let other = |sim: &mut Sim, worker: usize| {
            let props = sleeper(&Log::default());
            sim.spawn_on(worker, &format!("on-{worker}"), props)
                .unwrap()
        };
        let senders = [other(sim, 0), other(sim, 1)];
        for sender in senders {
            run(sender, move |_ctx| {
                actor.tell(Do::Say(1));
                actor.passivate();
                actor.passivate();
                Ok(Next::Same)
            });
            sim.run_for(SECOND);
            let lines = log.take();
            let ends = lines.iter().filter(|line| *line == "stopped").count();
            assert!((1..=2).contains(&ends), "{lines:?}");
            assert_eq!(lines.iter().filter(|line| *line == "1").count(), 1);
            actor.tell(Do::Say(2));
            sim.run_for(SECOND);
            assert_eq!(log.take().last().unwrap(), "2");
        }
        actor.passivate();
        sim.run_until_idle();
        assert_eq!(log.take(), ["stopped", "dropped"]);
        actor.passivate();
        sim.run_until_idle();
        assert_eq!(log.take(), [""; 0], "it is passive");
        actor.tell(Do::Say(3));
        sim.run_until_idle();
        assert_eq!(log.take(), ["starts", "3"], "and it is not done once more");
        let ready = Props::new(|| {
            Behavior::<u8>::empty().on_signal(|_ctx, signal| match signal {
                Signal::PreStart => Next::Passivate,
                _ => Next::Same,
            })
        });
        sim.spawn("ready", ready).unwrap();
        sim.run_until_idle();
        assert_eq!(sim.stats().actors(), 4);
    });
}

#[test]
fn s6_5_children_and_tasks_end_first_and_timers_and_watches_with_the_instance() {
    calm(|sim| {
        let log = Log::default();
        let watched = sim.spawn("watched", sleeper(&Log::default())).unwrap();
        let child = Log::default();
        let props = sleeper(&child);
        let actor = sim.spawn("sleeper", sleeper(&log)).unwrap();
        let ended = log.clone();
        run(actor, move |ctx| {
            let busy = ctx.spawn("child", props)?;
            run(busy, |ctx| Ok(ctx.sleep(SECOND).map(|()| Next::Same)?));
            ctx.spawn_task(move |task| {
                let _guard = OnDrop(move || ended.add("task ended"));
                let _ = task.sleep(LONG);
            });
            ctx.watch(watched);
            ctx.set_receive_timeout(60 * SECOND);
            ctx.timers().start_single("later", Do::Say(1), 60 * SECOND);
            ctx.sleep(ms(1))?;
            Ok(Next::Passivate)
        });
        sim.run_for(ms(500));
        assert_eq!(log.take(), ["starts", "task ended"], "its child is busy");
        actor.tell(Do::Say(2));
        sim.run_for(SECOND);
        assert_eq!(child.take(), ["starts", "stopped", "dropped"]);
        assert_eq!(log.take(), ["stopped", "dropped", "starts", "2"]);
        watched.stop();
        sim.run_for(100 * SECOND);
        assert_eq!(log.take(), [""; 0]);
        let pending = sim.pending();
        assert_eq!((pending.slots, pending.waits, pending.names), (1, 0, 1));
    });
}

/// A sleeper that begins all sorts of things when it is told that it ends, and then waits for a while.
fn restless(log: &Log, begin: fn(&mut Context<'_, Do>)) -> Props<Do> {
    let log = log.clone();
    Props::new(move || {
        let (log, mut note) = (log.clone(), noting(log.clone()));
        Behavior::receive(move |ctx: &mut Context<'_, Do>, message| handle(&log, ctx, message))
            .on_signal(move |ctx, signal| {
                note(ctx, signal);
                if let Signal::PostStop(_) = signal {
                    begin(ctx);
                    ctx.sleep(SECOND)?;
                }
                Ok(())
            })
    })
}

#[test]
fn s6_5_nothing_that_an_instance_begins_at_its_end_reaches_the_next_one() {
    let begins: [fn(&mut Context<'_, Do>); 4] = [
        |ctx| drop(ctx.spawn_task(|_task| panic!("torn"))),
        |ctx| {
            let stopped = Props::new(Behavior::<u8>::stopped);
            let stopped = ctx.spawn_anonymous(stopped).unwrap();
            ctx.watch(stopped);
        },
        |ctx| {
            let torn = Props::new(|| Behavior::receive(|_ctx, _: u8| Err::<(), _>("torn".into())));
            ctx.spawn_anonymous(torn).unwrap().tell(1);
        },
        |ctx| {
            ctx.set_receive_timeout(ms(1));
            ctx.timers().start_single("one", Do::Say(9), ms(1));
        },
    ];
    for begin in begins {
        check(SEEDS, |sim| {
            let log = Log::default();
            let actor = sim.spawn("sleeper", restless(&log, begin)).unwrap();
            actor.tell(Do::Rest);
            sim.run_for(2 * SECOND);
            assert_eq!(log.take(), ["starts", "stopped"]);
            actor.tell(Do::Say(1));
            sim.run_for(2 * SECOND);
            assert_eq!(log.take(), ["starts", "1"]);
        });
    }
}

#[test]
fn s6_5_a_child_that_fails_while_its_parent_passivates_is_not_restarted() {
    check(SEEDS, |sim| {
        let (log, child) = (Log::default(), Log::default());
        let actor = sim.spawn("sleeper", sleeper(&log)).unwrap();
        let props = sleeper(&child);
        run(actor, move |ctx| {
            run(ctx.spawn("child", props)?, |ctx| {
                ctx.sleep(SECOND)?;
                Err("torn".into())
            });
            ctx.sleep(ms(1))?;
            Ok(Next::Passivate)
        });
        sim.run_for(2 * SECOND);
        assert_eq!(child.take(), ["starts", "stopped", "dropped"]);
        assert_eq!(log.take(), ["starts", "stopped", "dropped"]);
        assert_eq!(sim.pending().slots, 1);
    });
}

#[test]
fn s6_5_what_an_instance_begins_at_its_end_ends_with_it() {
    calm(|sim| {
        let (log, child) = (Log::default(), Log::default());
        let (told, props) = (log.clone(), sleeper(&child));
        let actor = Props::new(move || {
            let (log, props) = (told.clone(), props.clone());
            Behavior::receive(|_ctx, reply: Reply<u8>| {
                reply.send(1);
                Next::Passivate
            })
            .on_signal(move |ctx, signal| {
                if matches!(signal, Signal::PostStop(_)) {
                    ctx.spawn("late", props.clone())?;
                    let log = log.clone();
                    let guard = OnDrop(move || log.add("task ended"));
                    ctx.spawn_task(move |task| {
                        let _guard = guard;
                        let _ = task.sleep(LONG);
                    });
                    ctx.set_receive_timeout(SECOND);
                }
                Ok(Next::Same)
            })
        });
        let actor = sim.spawn("actor", actor).unwrap();
        for _ in 0..2 {
            assert_eq!(actor.ask(|reply| reply, LONG).wait(), Ok(1));
            sim.run_for(ms(100));
            assert_eq!(child.take(), ["starts", "stopped", "dropped"]);
            assert_eq!(log.take(), ["task ended"]);
            let pending = sim.pending();
            assert_eq!((pending.slots, pending.waits), (1, 0));
        }
    });
}

#[test]
fn s6_5_a_watcher_of_a_passive_actor_is_told_of_its_end_only() {
    calm(|sim| {
        let log = Log::default();
        let actor = sim.spawn("sleeper", sleeper(&Log::default())).unwrap();
        let watcher = sim.spawn_on(1, "watcher", sleeper(&log)).unwrap();
        run(watcher, move |ctx| {
            ctx.watch(actor);
            Ok(Next::Same)
        });
        sim.run_for(SECOND);
        actor.tell(Do::Rest);
        sim.run_for(SECOND);
        assert_eq!(log.take(), ["starts"]);
        actor.stop();
        sim.run_for(SECOND);
        assert_eq!(log.take(), ["terminated"]);
    });
}

#[test]
fn s6_5_what_is_put_aside_comes_before_the_mail_of_the_next_instance() {
    calm(|sim| {
        let log = Log::default();
        let (noted, awake) = (log.clone(), Arc::new(AtomicBool::new(false)));
        let props = Props::new(move || {
            let (log, awake) = (noted.clone(), Arc::clone(&awake));
            Behavior::with_stash(10, move |_ctx| {
                let open = awake.swap(true, Relaxed);
                Ok(Behavior::receive(
                    move |ctx: &mut Context<'_, Do>, message| match message {
                        Do::Say(_) | Do::Ask(_) if !open => {
                            ctx.stash(message).map_err(|full| full.to_string())?;
                            Ok(Next::Same)
                        }
                        message => handle(&log, ctx, message),
                    },
                ))
            })
        });
        let actor = sim.spawn("sleeper", props).unwrap();
        (0..3).for_each(|number| actor.tell(Do::Say(number)));
        let asked = actor.ask(Do::Ask, LONG);
        actor.tell(Do::Rest);
        actor.tell(Do::Say(3));
        assert_eq!(asked.wait(), Ok(7));
        sim.run_until_idle();
        assert_eq!(log.take(), ["0", "1", "2", "3"]);
        let stats = sim.stats();
        let counts = (stats.stashed(), stats.dead_letters, stats.sent());
        assert_eq!(counts, (0, 0, stats.handled()));
    });
}

#[test]
fn s6_5_a_reply_in_the_state_that_is_dropped_is_unanswered() {
    calm(|sim| {
        let hoarder = Props::new(|| {
            Behavior::with_state(Vec::new(), |held, _ctx, reply: Reply<u8>| {
                held.push(reply);
                Next::Passivate
            })
        });
        let hoarder = sim.spawn("hoarder", hoarder).unwrap();
        let asked = hoarder.ask(|reply| reply, LONG).wait();
        assert!(matches!(asked, Err(AskError::NoReply(_))));
        assert!(sim.now() < SECOND, "at once");
    });
}
