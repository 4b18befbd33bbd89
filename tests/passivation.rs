//! Passivation: row 6.5 of the contract.

mod common;

use common::{Log, OnDrop, SOON, with_pools};
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use nexus_actors::{Backoff, Stage};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SEEDS: std::ops::Range<u64> = 0..60;
const LONG: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

type Run = Box<dyn FnOnce(&mut Context<'_, Do>) -> Result<Next<Do>, BoxError> + Send>;

enum Do {
    Say(u32),
    Ask(Reply<u32>),
    Rest,
    Run(Run),
}

fn run(
    actor: ActorRef<Do>,
    code: impl FnOnce(&mut Context<'_, Do>) -> Result<Next<Do>, BoxError> + Send + 'static,
) {
    actor.tell(Do::Run(Box::new(code)));
}

fn noting(log: Log) -> impl FnMut(&mut Context<'_, Do>, &Signal) + 'static {
    move |_ctx, signal| {
        log.add(match signal {
            Signal::PreStart => "starts",
            Signal::PostStop => "stopped",
            Signal::PreRestart(_) => "restarts",
            Signal::PostRestart(_) => "restarted",
            Signal::ReceiveTimeout => "idle",
            Signal::Terminated { .. } => "terminated",
            _ => return,
        });
    }
}

fn handle(log: &Log, ctx: &mut Context<'_, Do>, message: Do) -> Result<Next<Do>, BoxError> {
    match message {
        Do::Say(number) => log.add(number.to_string()),
        Do::Ask(reply) => reply.send(7),
        Do::Rest => return Ok(Next::Passivate),
        Do::Run(run) => return run(ctx),
    }
    Ok(Next::Same)
}

/// Notes what is said, and its signals, and when its state is dropped.
fn sleeper(log: &Log) -> Props<Do> {
    let log = log.clone();
    Props::new(move || {
        let (log, signals, dropped) = (log.clone(), log.clone(), log.clone());
        let state = OnDrop(move || dropped.add("dropped"));
        Behavior::receive(move |ctx: &mut Context<'_, Do>, message| {
            let _in_the_state = &state;
            handle(&log, ctx, message)
        })
        .on_signal(noting(signals))
    })
}

fn calm(test: impl Fn(&mut Sim)) {
    common::check_calm(SEEDS, test);
}

// ---- asleep and awake ---------------------------------------------------------------------------

#[test]
fn s6_5_a_passive_actor_has_no_state_until_its_next_message_comes() {
    calm(|sim| {
        let log = Log::default();
        let actor = sim.spawn("sleeper", sleeper(&log)).unwrap();
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

/// A sleeper that begins all sorts of things when it is told that it ends, and waits for a while then.
fn restless(log: &Log, begin: fn(&mut Context<'_, Do>)) -> Props<Do> {
    let log = log.clone();
    Props::new(move || {
        let (log, mut note) = (log.clone(), noting(log.clone()));
        Behavior::receive(move |ctx: &mut Context<'_, Do>, message| handle(&log, ctx, message))
            .on_signal(move |ctx, signal| {
                note(ctx, signal);
                if let Signal::PostStop = signal {
                    begin(ctx);
                    ctx.sleep(SECOND)?;
                }
                Ok::<_, WaitError>(())
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
            let torn = Props::new(|| Behavior::receive(|_ctx, _: u8| Err::<(), _>("torn")));
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
                if *signal == Signal::PostStop {
                    ctx.spawn("late", props.clone())?;
                    let log = log.clone();
                    let guard = OnDrop(move || log.add("task ended"));
                    ctx.spawn_task(move |task| {
                        let _guard = guard;
                        let _ = task.sleep(LONG);
                    });
                    ctx.set_receive_timeout(SECOND);
                }
                Ok::<_, SpawnError>(Next::Same)
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
fn s6_5_whoever_watches_a_passive_actor_hears_of_its_end_only() {
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

// ---- orders to a passive actor ------------------------------------------------------------------

#[test]
fn s6_5_a_passive_actor_stops_without_being_built_again_unless_mail_waits() {
    for end in ["stop", "kill", "shutdown", "mail and stop", "mail and kill"] {
        check(SEEDS, |sim| {
            let log = Log::default();
            let actor = sim.spawn("sleeper", sleeper(&log)).unwrap();
            actor.tell(Do::Rest);
            sim.run_until_idle();
            log.take();
            match end {
                "stop" => actor.stop(),
                "kill" => actor.kill(),
                "shutdown" => {
                    let report = sim.shutdown(SECOND);
                    assert_eq!((report.forced, report.unprocessed), (0, 0));
                }
                "mail and stop" => {
                    actor.tell(Do::Say(1));
                    actor.stop();
                }
                _ => {
                    actor.suspend();
                    actor.tell(Do::Say(1));
                    sim.run_until_idle();
                    actor.kill();
                }
            }
            sim.run_until_idle();
            let (lines, lost) = match end {
                "mail and stop" => (&["starts", "1", "stopped", "dropped"] as &[_], 0),
                "mail and kill" => (&[] as &[_], 1),
                _ => (&[] as &[_], 0),
            };
            assert_eq!(log.take(), lines, "{end}");
            assert_eq!(sim.dead_letters().count(DeadLetterReason::Stopped), lost);
            assert_eq!(sim.dead_letters().total(), lost);
            assert_eq!((sim.stats().actors(), sim.pending().slots), (0, 0));
            assert_eq!(sim.pending().names, 0);
        });
    }
}

#[test]
fn s6_5_a_parent_that_stops_takes_its_passive_children_along() {
    calm(|sim| {
        let (log, child) = (Log::default(), Log::default());
        let actor = sim.spawn("parent", sleeper(&log)).unwrap();
        let props = sleeper(&child);
        run(actor, move |ctx| {
            for name in ["one", "two"] {
                let child = ctx.spawn(name, props.clone())?;
                child.tell(Do::Rest);
            }
            Ok(Next::Same)
        });
        sim.run_for(SECOND);
        actor.stop();
        sim.run_for(SECOND);
        assert_eq!(log.take(), ["starts", "stopped", "dropped"]);
        assert_eq!(child.lines().len(), 6, "each was told once");
        assert_eq!(sim.pending().slots, 0);
    });
}

#[test]
fn s6_5_a_suspended_actor_may_passivate_and_wakes_up_when_it_is_resumed() {
    calm(|sim| {
        let log = Log::default();
        let actor = sim.spawn("sleeper", sleeper(&log)).unwrap();
        actor.suspend();
        actor.passivate();
        actor.tell(Do::Say(1));
        sim.run_until_idle();
        assert_eq!(log.take(), ["starts", "stopped", "dropped"]);
        actor.tell(Do::Say(2));
        actor.tell(Do::Rest);
        actor.resume();
        sim.run_until_idle();
        let lines = ["starts", "1", "2", "stopped", "dropped"];
        assert_eq!(log.take(), lines);
        actor.suspend();
        actor.resume();
        sim.run_until_idle();
        assert_eq!(log.take(), [""; 0], "no mail has come");
        actor.tell(Do::Say(3));
        sim.run_until_idle();
        assert_eq!(log.take(), ["starts", "3"]);
    });
}

#[test]
fn s6_5_the_deadline_of_a_shutdown_finds_a_passive_actor_that_waits_for_its_children() {
    check(SEEDS, |sim| {
        let log = Log::default();
        let actor = sim.spawn("sleeper", sleeper(&log)).unwrap();
        let child = sleeper(&Log::default());
        run(actor, move |ctx| {
            run(ctx.spawn("child", child)?, |ctx| {
                Ok(ctx.sleep(LONG).map(|()| Next::Same)?)
            });
            ctx.sleep(ms(1))?;
            Ok(Next::Passivate)
        });
        sim.run_for(ms(50));
        actor.tell(Do::Say(1));
        let report = sim.shutdown(SECOND);
        assert_eq!((report.forced, report.unprocessed), (2, 1));
        assert_eq!(log.take(), ["starts", "stopped", "dropped"]);
        assert_eq!(sim.dead_letters().count(DeadLetterReason::Forced), 1);
    });
}

#[test]
fn s6_5_a_bounded_mailbox_stays_bounded_while_its_actor_is_passive() {
    for overflow in [Overflow::Fail, Overflow::DropOldest, Overflow::Backpressure] {
        calm(|sim| {
            let log = Log::default();
            let mailbox = Mailbox::bounded(2, overflow).unwrap();
            let props = sleeper(&log).mailbox(mailbox);
            let actor = sim.spawn_on(0, "sleeper", props).unwrap();
            actor.passivate();
            actor.suspend();
            sim.run_until_idle();
            log.take();
            let sender = sim.spawn_on(1, "sender", sleeper(&Log::default()));
            let sent = Log::default();
            let told = sent.clone();
            run(sender.unwrap(), move |_ctx| {
                for number in 0..4 {
                    let ended = actor.send(Do::Say(number)).is_ok();
                    told.add(format!("{number} {ended}"));
                }
                Ok(Next::Same)
            });
            sim.run_for(SECOND);
            let (before, after): (&[_], &[_]) = match overflow {
                Overflow::Fail => (&["0 true", "1 true", "2 false", "3 false"], &["0", "1"]),
                Overflow::DropOldest => (&["0 true", "1 true", "2 true", "3 true"], &["2", "3"]),
                _ => (&["0 true", "1 true"], &["0", "1", "2", "3"]),
            };
            assert_eq!(sent.lines(), before, "{overflow:?}");
            actor.resume();
            sim.run_for(SECOND);
            let mut lines = log.take();
            assert_eq!(lines.remove(0), "starts");
            assert_eq!(lines, after, "{overflow:?}");
            assert_eq!(sent.lines().len(), 4);
            assert_eq!(sim.stats().queued(), 0);
        });
    }
}

// ---- failures -----------------------------------------------------------------------------------

/// Fails to start so many times after the first start.
fn reluctant(log: &Log, times: u32) -> Props<Do> {
    let (log, left) = (log.clone(), Arc::new(AtomicU32::new(times + 1)));
    Props::new(move || {
        let (log, signals, left) = (log.clone(), log.clone(), Arc::clone(&left));
        let behavior = Behavior::setup(move |_ctx| {
            let before = left.load(Relaxed);
            if before != times + 1 && before > 0 {
                left.store(before - 1, Relaxed);
                return Err("not yet".into());
            }
            left.store(before.min(times), Relaxed);
            Ok(Behavior::receive(move |ctx, message| {
                handle(&log, ctx, message)
            }))
        });
        behavior.on_signal(noting(signals))
    })
}

#[test]
fn s6_5_a_start_that_fails_when_mail_comes_is_decided_by_the_supervisor() {
    let table = [
        (Directive::Restart, 2, true),
        (Directive::Restart, 9, false),
        (Directive::Stop, 1, false),
        (Directive::Resume, 1, false),
    ];
    for (directive, times, goes_on) in table {
        let stages: Arc<Mutex<Vec<Stage>>> = Arc::default();
        let hook = Arc::clone(&stages);
        let builder = Sim::builder().on_failure(move |failure| {
            hook.lock().unwrap().push(failure.during);
        });
        let strategy = SupervisorStrategy::one_for_one().always(directive);
        builder.supervising(strategy).check(SEEDS, |sim| {
            stages.lock().unwrap().clear();
            let log = Log::default();
            let actor = sim.spawn("sleeper", reluctant(&log, times)).unwrap();
            actor.tell(Do::Rest);
            sim.run_until_idle();
            assert_eq!(log.take(), ["starts", "stopped"]);
            // Both wait when it wakes up.
            actor.suspend();
            actor.tell(Do::Say(1));
            let asked = actor.ask(Do::Ask, LONG);
            sim.run_until_idle();
            assert_eq!(log.take(), [""; 0]);
            actor.resume();
            sim.run_until_idle();
            let stages = stages.lock().unwrap().clone();
            assert_eq!(stages[0], Stage::Starting);
            assert!(stages[1..].iter().all(|stage| *stage == Stage::Restarting));
            if goes_on {
                assert_eq!(log.take(), ["restarted", "1"]);
                assert_eq!(asked.wait(), Ok(7));
                assert_eq!(sim.dead_letters().total(), 0);
            } else {
                assert!(matches!(asked.wait(), Err(AskError::TargetFailed(_))));
                assert_eq!(sim.dead_letters().count(DeadLetterReason::Failed), 2);
                assert_eq!(sim.pending().slots, 0);
            }
        });
    }
}

#[test]
fn s6_5_an_ancestor_cannot_resume_what_could_not_be_built() {
    let resume = SupervisorStrategy::one_for_one().always(Directive::Resume);
    Sim::builder().supervising(resume).check(SEEDS, |sim| {
        let (log, escalates) = (Log::default(), SupervisorStrategy::one_for_one());
        let parent = sleeper(&log).supervising(escalates.always(Directive::Escalate));
        let parent = sim.spawn("parent", parent).unwrap();
        let props = reluctant(&log, 1);
        run(parent, move |ctx| {
            let child = ctx.spawn("child", props)?;
            child.tell(Do::Rest);
            ctx.sleep(ms(1))?;
            child.tell(Do::Say(1));
            Ok(Next::Same)
        });
        sim.run_for(SECOND);
        assert_eq!(sim.dead_letters().count(DeadLetterReason::Failed), 1);
        assert_eq!(parent.ask(Do::Ask, LONG).wait(), Ok(7));
        assert_eq!((sim.stats().actors(), sim.pending().slots), (1, 1));
    });
}

#[test]
fn s6_5_mail_waits_while_a_passive_actor_that_cannot_start_backs_off() {
    let backoff = Backoff::new(SECOND, SECOND).unwrap();
    let strategy = SupervisorStrategy::one_for_one().backoff(backoff);
    Sim::builder().supervising(strategy).check(SEEDS, |sim| {
        let log = Log::default();
        let actor = sim.spawn("sleeper", reluctant(&log, 1)).unwrap();
        actor.tell(Do::Rest);
        sim.run_until_idle();
        actor.tell(Do::Say(1));
        sim.run_for(ms(500));
        actor.tell(Do::Say(2));
        assert_eq!(log.take(), ["starts", "stopped"]);
        sim.run_for(SECOND);
        assert_eq!(log.take(), ["restarted", "1", "2"]);
    });
}

#[test]
fn s6_5_an_instance_that_fails_at_its_end_is_told_of_and_gone_all_the_same() {
    let failures = Log::default();
    let hook = failures.clone();
    let builder = Sim::builder().on_failure(move |failure| hook.add(failure.to_string()));
    builder.check(SEEDS, |sim| {
        failures.take();
        let props = Props::new(|| {
            let bomb = OnDrop(|| panic!("planned: state"));
            Behavior::receive(move |_ctx, reply: Reply<u8>| {
                let _in_the_state = &bomb;
                reply.send(1);
                Next::Passivate
            })
            .on_signal(|_ctx, signal| {
                assert_ne!(*signal, Signal::PostStop, "planned: signal");
            })
        });
        let actor = sim.spawn("sleeper", props).unwrap();
        for _ in 0..2 {
            assert_eq!(actor.ask(|reply| reply, LONG).wait(), Ok(1));
            sim.run_until_idle();
            let told = failures.take();
            assert_eq!(told.len(), 2, "{told:?}");
            let start = "/user/sleeper failed while stopping: panic: ";
            assert!(told.iter().all(|line| line.starts_with(start)), "{told:?}");
        }
    });
}

#[test]
fn s6_5_a_siblings_failure_leaves_a_passive_actor_passive_or_stops_it() {
    for directive in [Directive::Restart, Directive::Stop] {
        let strategy = SupervisorStrategy::all_for_one().always(directive);
        Sim::builder().supervising(strategy).check(SEEDS, |sim| {
            let (log, other) = (Log::default(), Log::default());
            let actor = sim.spawn_on(0, "sleeper", sleeper(&log)).unwrap();
            let sibling = sim.spawn_on(0, "sibling", sleeper(&other)).unwrap();
            actor.tell(Do::Rest);
            sim.run_until_idle();
            log.take();
            run(sibling, |_ctx| Err("torn".into()));
            sim.run_until_idle();
            assert_eq!(log.take(), [""; 0]);
            let lives = directive == Directive::Restart;
            assert_eq!(actor.ask(Do::Ask, LONG).wait().is_ok(), lives);
            assert_eq!(!log.take().is_empty(), lives);
        });
    }
}

// ---- the model ----------------------------------------------------------------------------------

/// What is saved of an actor, and what has become of its instances.
#[derive(Default)]
struct Saved {
    seen: Vec<u32>,
    instances: u32,
    alive: u32,
}

/// Notes numbers in its state, and saves them in its end.
fn saver(saved: &Arc<Mutex<Saved>>) -> Props<u32> {
    let saved = Arc::clone(saved);
    Props::new(move || {
        let saved = Arc::clone(&saved);
        Behavior::setup(move |ctx| {
            let mut safe = saved.lock().unwrap();
            safe.instances += 1;
            safe.alive += 1;
            assert_eq!(safe.alive, 1, "one instance at a time");
            let seen = Arc::new(Mutex::new(safe.seen.clone()));
            drop(safe);
            ctx.set_receive_timeout(ms(2));
            let counted = Arc::clone(&seen);
            let behavior = Behavior::receive(move |ctx: &mut Context<'_, u32>, number| {
                counted.lock().unwrap().push(number);
                if number % 7 == 3 {
                    ctx.sleep(Duration::from_micros(300))?;
                }
                Ok::<_, BoxError>(match number % 5 {
                    0 => Next::Passivate,
                    _ => Next::Same,
                })
            });
            Ok(behavior.on_signal(move |ctx, signal| {
                match signal {
                    Signal::ReceiveTimeout => return Ok(Next::Passivate),
                    Signal::PostStop => {
                        ctx.sleep(Duration::from_micros(200))?;
                        let mut safe = saved.lock().unwrap();
                        safe.alive -= 1;
                        safe.seen.clone_from(&seen.lock().unwrap());
                    }
                    _ => {}
                }
                Ok::<_, WaitError>(Next::Same)
            }))
        })
    })
}

#[test]
fn s6_5_no_message_is_lost_or_out_of_order_however_often_an_actor_passivates() {
    for bound in [None, Some(3)] {
        let instances = AtomicU32::new(0);
        Sim::builder().workers(3).check(0..200, |sim| {
            let saved: Arc<Mutex<Saved>> = Arc::default();
            let mut props = saver(&saved);
            if let Some(bound) = bound {
                props = props.mailbox(Mailbox::bounded(bound, Overflow::Backpressure).unwrap());
            }
            let actor = sim.spawn_on(0, "saver", props).unwrap();
            let sender = Props::new(move || {
                Behavior::receive(move |ctx: &mut Context<'_, u32>, seed: u32| {
                    for step in 0..40 {
                        actor.send(seed + step)?;
                        match (seed / 1000 + step) % 11 {
                            0 => actor.passivate(),
                            1 => actor.suspend(),
                            2 => actor.resume(),
                            3 => ctx.sleep(ms(4))?,
                            _ => {}
                        }
                    }
                    actor.resume();
                    Ok::<_, BoxError>(())
                })
            });
            for (number, worker) in (0..3_u32).zip(0..) {
                let sender = sim
                    .spawn_on(worker, &format!("sender-{number}"), sender.clone())
                    .unwrap();
                sender.tell(number * 1000);
            }
            // All senders may wait for room while it is suspended.
            for _ in 0..200 {
                sim.run_for(ms(5));
                actor.resume();
            }
            actor.stop();
            sim.run_for(SECOND);
            let saved = saved.lock().unwrap();
            assert_eq!((saved.alive, saved.seen.len()), (0, 120));
            for sender in 0..3 {
                let of_sender = saved.seen.iter().filter(|seen| **seen / 1000 == sender);
                let expected: Vec<_> = (0..40).map(|step| sender * 1000 + step).collect();
                assert!(of_sender.eq(&expected), "in order");
            }
            instances.fetch_add(saved.instances, Relaxed);
            let stats = sim.stats();
            assert_eq!(stats.sent(), stats.handled() + stats.dead_letters);
            assert_eq!((stats.dead_letters, sim.pending().slots), (0, 3));
        });
        assert!(instances.load(Relaxed) > 2000, "{instances:?}");
    }
}

#[test]
fn s6_5_an_actor_with_a_stack_of_its_own_wakes_up_on_it() {
    fn depth(left: u32) -> u32 {
        if left == 0 {
            0
        } else {
            1 + std::hint::black_box(depth(left - 1))
        }
    }
    with_pools(|pool| {
        let deep = Props::new(|| {
            Behavior::setup(|_ctx| {
                assert_eq!(depth(50_000), 50_000);
                Ok(Behavior::receive(|_ctx, reply: Reply<u8>| {
                    reply.send(1);
                    Next::Passivate
                }))
            })
        });
        let actor = pool.spawn("deep", deep.stack_size(64 << 20)).unwrap();
        for _ in 0..3 {
            assert_eq!(actor.ask(|reply| reply, SOON).wait(), Ok(1));
        }
    });
}

#[test]
fn s6_5_actors_passivate_where_the_caller_drives() {
    let system = ActorSystem::new("rest").unwrap();
    let log = Log::default();
    let actor = system.spawn("sleeper", sleeper(&log)).unwrap();
    actor.tell(Do::Rest);
    system.run_until_idle();
    assert_eq!(log.take(), ["starts", "stopped", "dropped"]);
    assert_eq!(actor.ask(Do::Ask, SOON).wait(), Ok(7));
    assert_eq!(log.take(), ["starts"]);
    assert_eq!(system.shutdown(SOON).forced, 0);
}
