//! The stash: row 6.3 of the contract, and how it combines with everything else that surrounds a behaviour,
//! row 2.2.

use crate::common::{LONG, Log, SECOND, SEEDS, ms};
use nexus_actors::DeadLetterReason;
use nexus_actors::actor::StashError;
use nexus_actors::address::Envelope;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Fault, Sim};
use nexus_actors::supervision::Backoff;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Run = Box<dyn FnOnce(&mut Context<'_, Do>) -> Result<(), BoxError> + Send>;

enum Do {
    /// To be stashed while the door is closed.
    Say(u32),
    Ask(Reply<u32>),
    Open,
    Close,
    Run(Run),
}

fn run(
    actor: ActorRef<Do>,
    code: impl FnOnce(&mut Context<'_, Do>) -> Result<(), BoxError> + Send + 'static,
) {
    actor.tell(Do::Run(Box::new(code)));
}

/// Stashes what it is told to say while it is closed, and replies when it is open.
fn door(log: &Log, open: bool) -> Behavior<Do> {
    let log = log.clone();
    Behavior::receive(move |ctx: &mut Context<'_, Do>, message| {
        match message {
            Do::Say(_) | Do::Ask(_) if !open => {
                ctx.stash(message).map_err(|full| full.to_string())?
            }
            Do::Say(number) => log.add(format!("{number}")),
            Do::Ask(reply) => reply.send(7),
            Do::Run(run) => run(ctx)?,
            Do::Close => return Ok(Next::Become(door(&log, false))),
            Do::Open => {
                ctx.unstash_all();
                return Ok(Next::Become(door(&log, true)));
            }
        }
        Ok(Next::Same)
    })
}

fn closed(log: &Log, capacity: usize) -> Props<Do> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::with_stash(capacity, move |_ctx| Ok(door(&log, false)))
    })
}

fn calm(test: impl Fn(&mut Sim)) {
    crate::common::check_calm(SEEDS, test);
}

// ---- order and envelopes ------------------------------------------------------------------------

#[test]
fn s6_3_what_was_put_aside_comes_before_the_mail_and_in_order() {
    calm(|sim| {
        let log = Log::default();
        let actor = sim.spawn("door", closed(&log, 100)).unwrap();
        (0..50).for_each(|number| actor.tell(Do::Say(number)));
        run(actor, |ctx| {
            assert_eq!(ctx.stash_len(), 50);
            Ok(())
        });
        sim.run_until_idle();
        let (stats, pending) = (sim.stats(), sim.pending());
        assert_eq!(
            (stats.stashed(), stats.handled(), stats.queued()),
            (50, 1, 0)
        );
        assert_eq!((pending.stashed, pending.messages), (50, 0));
        actor.tell(Do::Open);
        (50..60).for_each(|number| actor.tell(Do::Say(number)));
        sim.run_until_idle();
        let expected: Vec<_> = (0..60).map(|number: u32| number.to_string()).collect();
        assert_eq!(log.take(), expected);
        assert_eq!((sim.stats().stashed(), sim.stats().handled()), (0, 62));
    });
}

#[test]
fn s6_3_a_message_keeps_its_envelope_and_its_reply() {
    calm(|sim| {
        let seen: Arc<Mutex<Vec<Envelope>>> = Arc::default();
        let noted = Arc::clone(&seen);
        let target = Props::new(move || {
            let noted = Arc::clone(&noted);
            Behavior::with_stash(1, move |_ctx| {
                Ok(Behavior::with_state(
                    0,
                    move |times, ctx, reply: Reply<u32>| {
                        noted.lock().unwrap().push(ctx.envelope());
                        *times += 1;
                        match *times {
                            1..=3 => {
                                ctx.stash(reply)?;
                                ctx.unstash_all();
                            }
                            _ => reply.send(*times),
                        }
                        Ok(())
                    },
                ))
            })
        });
        let target = sim.spawn_on(1, "target", target).unwrap();
        let asker = Props::new(move || {
            Behavior::receive(move |_ctx, reply: Reply<u32>| {
                let answer = target.ask(|reply| reply, LONG).wait()?;
                reply.send(answer);
                Ok(())
            })
        });
        let asker = sim.spawn_on(0, "asker", asker).unwrap();
        assert_eq!(asker.ask(|reply| reply, LONG).wait(), Ok(4));
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 4);
        assert!(seen.iter().all(|envelope| *envelope == seen[0]));
        assert_eq!(seen[0].sender(), Some(asker.id()));
        assert!(seen[0].causation_id().is_some());
        assert_eq!(sim.stats().handled(), 2);
    });
}

#[test]
fn s6_3_what_is_put_aside_again_while_it_is_replayed_waits_for_the_next_time() {
    calm(|sim| {
        let log = Log::default();
        let actor = sim.spawn("door", closed(&log, 5)).unwrap();
        (0..5).for_each(|number| actor.tell(Do::Say(number)));
        // The door stays closed: all of them are stashed again, in order, and there is room for each.
        run(actor, |ctx| {
            ctx.unstash_all();
            assert_eq!(ctx.stash_len(), 0);
            Ok(())
        });
        run(actor, |ctx| {
            assert_eq!(ctx.stash_len(), 5, "after the replay, before the next mail");
            Ok(())
        });
        sim.run_until_idle();
        assert_eq!(sim.stats().stashed(), 5);
        actor.tell(Do::Open);
        sim.run_until_idle();
        assert_eq!(log.take(), ["0", "1", "2", "3", "4"]);
    });
}

#[test]
fn s6_3_what_is_taken_out_during_a_replay_comes_behind_what_is_still_to_be_replayed() {
    calm(|sim| {
        let log = Log::default();
        let told = log.clone();
        let props = Props::new(move || {
            let log = told.clone();
            Behavior::with_stash(4, move |_ctx| {
                let handle = move |seen: &mut u32, ctx: &mut Context<'_, u32>, number| {
                    *seen += 1;
                    if *seen <= 4 {
                        ctx.stash(number)?;
                    } else {
                        log.add(number.to_string());
                    }
                    if matches!(*seen, 3 | 4) {
                        ctx.unstash_all();
                    }
                    Ok(())
                };
                Ok(Behavior::with_state(0, handle))
            })
        });
        let actor = sim.spawn("actor", props).unwrap();
        // The first message is stashed a second time, and taken out at once, ahead of the mail.
        (0..5).for_each(|number| actor.tell(number));
        sim.run_until_idle();
        assert_eq!(log.take(), ["1", "2", "0", "3", "4"]);
    });
}

#[test]
fn s6_3_an_actor_that_replays_for_ever_leaves_others_their_turns() {
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let restless = Props::new(|| {
        Behavior::with_stash(1, |_ctx| {
            Ok(Behavior::receive(|ctx: &mut Context<'_, u8>, message| {
                ctx.unstash_all();
                ctx.stash(message)?;
                ctx.unstash_all();
                Ok(())
            }))
        })
    });
    let restless = sim.spawn("restless", restless).unwrap();
    let log = Log::default();
    let other = sim.spawn("other", closed(&log, 1)).unwrap();
    restless.tell(1);
    other.tell(Do::Open);
    for _ in 0..3 {
        assert_eq!(other.ask(Do::Ask, SECOND).wait(), Ok(7));
    }
    restless.kill();
    sim.run_until_idle();
    assert_eq!(sim.dead_letters().count(DeadLetterReason::Stopped), 1);
}

#[test]
fn s6_3_replays_wait_while_the_actor_is_suspended_and_are_handled_before_a_stop() {
    calm(|sim| {
        let log = Log::default();
        let actor = sim.spawn("door", closed(&log, 10)).unwrap();
        (0..3).for_each(|number| actor.tell(Do::Say(number)));
        run(actor, |ctx| {
            ctx.self_ref().suspend();
            Ok(())
        });
        sim.run_until_idle();
        actor.tell(Do::Open);
        actor.tell(Do::Say(3));
        actor.stop();
        sim.run_until_idle();
        assert_eq!(log.take(), [""; 0]);
        actor.resume();
        sim.run_until_idle();
        assert_eq!(log.take(), ["0", "1", "2", "3"]);
        assert!(sim.lookup::<Do>("/user/door").is_err());
        assert_eq!(sim.dead_letters().total(), 0);
    });
}

// ---- bounds -------------------------------------------------------------------------------------

#[test]
fn s6_3_a_full_stash_or_none_gives_the_message_back() {
    let (log, failures) = (Log::default(), Log::default());
    let hook = failures.clone();
    let builder = Sim::builder().orderly().workers(1);
    let builder = builder.on_failure(move |failure| hook.add(failure.to_string()));
    let mut sim = builder.start().unwrap();
    for capacity in [0, 2] {
        let actor = sim
            .spawn(&format!("door-{capacity}"), closed(&log, capacity))
            .unwrap();
        run(actor, move |ctx| {
            for number in 0..capacity {
                ctx.stash(Do::Say(u32::try_from(number)?)).unwrap();
            }
            let full = ctx.stash(Do::Say(9)).unwrap_err();
            assert_eq!(format!("{full:?}"), "Full(..)");
            assert!(full.to_string().contains("full"), "{full}");
            assert!(matches!(full.into_message(), Do::Say(9)));
            assert_eq!(ctx.stash_len(), capacity);
            Ok(())
        });
        sim.run_until_idle();
        actor.stop();
        sim.run_until_idle();
    }
    let none = Props::new(|| {
        Behavior::receive(|ctx: &mut Context<'_, u32>, number| {
            let none = ctx.stash(number).unwrap_err();
            assert_eq!(none, StashError::NoStash(number));
            ctx.unstash_all();
            assert_eq!(ctx.stash_len(), 0);
        })
    });
    let none = sim.spawn("none", none).unwrap();
    none.tell(1);
    sim.run_until_idle();
    none.tell(2);
    sim.run_until_idle();
    assert_eq!(sim.dead_letters().total(), 2, "those that were put aside");
    assert_eq!(failures.take(), [""; 0]);
}

#[test]
fn s7_2_whatever_is_put_aside_is_counted_once() {
    calm(|sim| {
        let log = Log::default();
        let told = log.clone();
        // It stashes its message, a second one, and one in each signal and setup.
        let props = Props::new(move || {
            let log = told.clone();
            Behavior::with_stash(10, move |ctx| {
                ctx.stash(0)?;
                Ok(
                    Behavior::receive(move |ctx: &mut Context<'_, u32>, number| {
                        if number >= 100 {
                            log.add(number.to_string());
                            return Ok(Next::Same);
                        }
                        ctx.stash(number + 100)?;
                        ctx.stash(number + 200)?;
                        // The message is stashed, so it is not reported as unhandled.
                        Ok(Next::Unhandled)
                    })
                    .on_signal(|ctx, signal| match signal {
                        Signal::PreStart => Ok(ctx.stash(300)?),
                        Signal::PostStop(_) => {
                            assert!(ctx.stash(1).is_err(), "nothing comes after it");
                            Ok(())
                        }
                        _ => Ok(()),
                    }),
                )
            })
        });
        let actor = sim.spawn("actor", props).unwrap();
        actor.tell(1);
        sim.run_until_idle();
        let stats = sim.stats();
        let counts = (stats.sent(), stats.stashed(), stats.handled());
        assert_eq!(counts, (4, 4, 0));
        actor.stop();
        sim.run_until_idle();
        assert_eq!(sim.stats().dead_letters, 4);
        assert_eq!(log.take(), [""; 0]);
    });
}

// ---- the end of what is in it -------------------------------------------------------------------

#[test]
fn s6_3_what_is_put_aside_when_the_actor_ends_is_lost_and_its_asks_end() {
    let table = [
        (
            "stop",
            DeadLetterReason::Stopped,
            AskErrorKind::TargetStopped,
        ),
        (
            "kill",
            DeadLetterReason::Stopped,
            AskErrorKind::TargetStopped,
        ),
        ("fail", DeadLetterReason::Failed, AskErrorKind::TargetFailed),
        (
            "force",
            DeadLetterReason::Forced,
            AskErrorKind::TargetStopped,
        ),
    ];
    for (end, reason, error) in table {
        let strategy = SupervisorStrategy::one_for_one().always(Directive::Stop);
        Sim::builder().supervising(strategy).check(SEEDS, |sim| {
            let log = Log::default();
            let actor = sim.spawn("door", closed(&log, 10)).unwrap();
            let asked: Vec<_> = (0..3).map(|_| actor.ask(Do::Ask, LONG)).collect();
            sim.run_until_idle();
            match end {
                "stop" => actor.stop(),
                "kill" => {
                    // What is being replayed is lost as well.
                    run(actor, |ctx| {
                        ctx.unstash_all();
                        ctx.self_ref().kill();
                        Ok(())
                    });
                }
                "fail" => run(actor, |_ctx| Err("torn".into())),
                _ => {
                    run(actor, |ctx| Ok(ctx.sleep(LONG)?));
                    sim.run_for(ms(10));
                    assert_eq!(sim.shutdown(SECOND).unprocessed, 3);
                }
            }
            for asked in asked {
                assert_eq!(asked.wait().unwrap_err().kind(), error, "{end}");
            }
            assert!(sim.now() < 60 * SECOND, "at once");
            assert_eq!(sim.dead_letters().count(reason), 3, "{end}");
            assert_eq!(sim.dead_letters().total(), 3, "{end}");
            assert_eq!(sim.stats().stashed(), 0);
        });
    }
}

#[test]
fn s6_3_a_restart_empties_the_stash_and_a_resumption_does_not() {
    for directive in [Directive::Restart, Directive::Resume] {
        let strategy = SupervisorStrategy::one_for_one().always(directive);
        Sim::builder().supervising(strategy).check(SEEDS, |sim| {
            let log = Log::default();
            let actor = sim.spawn("door", closed(&log, 10)).unwrap();
            actor.tell(Do::Say(1));
            let asked = actor.ask(Do::Ask, LONG);
            run(actor, |_ctx| Err("torn".into()));
            actor.tell(Do::Say(2));
            actor.tell(Do::Open);
            sim.run_until_idle();
            let lost = sim.dead_letters().count(DeadLetterReason::Restarted);
            if directive == Directive::Restart {
                assert!(matches!(asked.wait(), Err(AskError::TargetFailed(_))));
                assert_eq!(log.take(), ["2"]);
                assert_eq!(lost, 2);
            } else {
                assert_eq!(asked.wait(), Ok(7));
                assert_eq!(log.take(), ["1", "2"]);
                assert_eq!(lost, 0);
            }
        });
    }
}

#[test]
fn s6_3_faults_strike_replayed_messages_too() {
    let strategy = SupervisorStrategy::one_for_one().always(Directive::Resume);
    Sim::builder().supervising(strategy).check(SEEDS, |sim| {
        let log = Log::default();
        let actor = sim.spawn("door", closed(&log, 10)).unwrap();
        (0..4).for_each(|number| actor.tell(Do::Say(number)));
        sim.run_until_idle();
        sim.inject(Fault::panic("/user/door", 3)).unwrap();
        actor.tell(Do::Open);
        sim.run_until_idle();
        assert_eq!(log.take(), ["0", "2", "3"]);
        actor.tell(Do::Close);
        (0..4).for_each(|number| actor.tell(Do::Say(number)));
        sim.run_until_idle();
        sim.inject(Fault::kill("/user/door", 3)).unwrap();
        actor.tell(Do::Open);
        sim.run_until_idle();
        assert_eq!(log.take(), ["0"]);
        assert_eq!(sim.dead_letters().count(DeadLetterReason::Stopped), 3);
    });
}

// ---- together -----------------------------------------------------------------------------------

#[test]
fn s2_2_timers_stash_supervision_and_signals_surround_a_behaviour_in_any_order() {
    type Wrap = fn(Behavior<Do>, &Log) -> Behavior<Do>;
    let setup: Wrap = |inner, log| {
        let log = log.clone();
        Behavior::setup(move |_ctx| {
            log.add("setup");
            Ok(inner)
        })
    };
    let timers: Wrap = |inner, _log| {
        Behavior::with_timers(move |timers| {
            timers.start_single("open", Do::Open, SECOND);
            Ok(inner)
        })
    };
    let stash: Wrap = |inner, _log| Behavior::with_stash(2, move |_ctx| Ok(inner));
    let supervise: Wrap = |inner, _log| {
        let backoff = Backoff::new(ms(1), ms(1)).unwrap();
        inner.supervise(SupervisorStrategy::one_for_one().backoff(backoff))
    };
    let on_signal: Wrap = |inner, log| {
        let log = log.clone();
        inner.on_signal(move |_ctx, signal| {
            if let Signal::PostStop(_) = signal {
                log.add("stopped");
            }
        })
    };
    let wraps = [setup, timers, stash, supervise, on_signal];
    // Each of them comes to be innermost and outermost, and any two neighbours come in both orders.
    for shift in 0..wraps.len() {
        for reversed in [false, true] {
            let mut order: Vec<Wrap> = wraps.to_vec();
            order.rotate_left(shift);
            if reversed {
                order.reverse();
            }
            for becoming in [false, true] {
                let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
                let (log, order) = (Log::default(), order.clone());
                let made = log.clone();
                let props = Props::new(move || {
                    let wrapped = |log: &Log| {
                        let wrap = |inner, wrap: &Wrap| wrap(inner, log);
                        order.iter().fold(door(log, false), wrap)
                    };
                    if !becoming {
                        return wrapped(&made);
                    }
                    let (made, wrapped) =
                        (made.clone(), std::cell::Cell::new(Some(wrapped(&made))));
                    Behavior::receive(move |_ctx, message| match message {
                        Do::Close => {
                            Next::Become(wrapped.take().unwrap_or_else(|| door(&made, false)))
                        }
                        _ => Next::Same,
                    })
                });
                let actor = sim.spawn("door", props).unwrap();
                for life in 0..2 {
                    actor.tell(Do::Close);
                    if !becoming {
                        // It was closed before, and closes again without all that surrounds it.
                        sim.run_until_idle();
                    }
                    (0..2).for_each(|number| actor.tell(Do::Say(number)));
                    run(actor, |ctx| {
                        let full = ctx.stash(Do::Say(9));
                        assert!(matches!(full, Err(StashError::Full(_))));
                        assert!(ctx.timers().is_active("open"));
                        Ok(())
                    });
                    sim.run_for(SECOND);
                    let which = format!("{shift} {reversed} {becoming} {life}");
                    assert_eq!(log.take(), ["setup", "0", "1"], "{which}");
                    run(actor, |_ctx| Err("torn".into()));
                    sim.run_for(ms(10));
                }
                actor.stop();
                sim.run_for(ms(10));
                let lines = log.take();
                // Whether the open door still hears signals does not matter here.
                assert!(
                    lines
                        .iter()
                        .all(|line| line == "setup" || line == "stopped"),
                    "{lines:?}"
                );
                assert_eq!(sim.dead_letters().total(), 0);
            }
        }
    }
}

#[test]
fn s2_2_a_stash_stays_through_a_change_of_behaviour_and_takes_the_last_capacity() {
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let taking = |capacity: usize| {
        move |log: &Log| {
            let log = log.clone();
            Behavior::with_stash(capacity, move |_ctx| Ok(door(&log, false)))
        }
    };
    let log = Log::default();
    let made = log.clone();
    let props = Props::new(move || {
        let (outer, made) = (taking(5), made.clone());
        // The inner stash is the last to be made.
        Behavior::with_stash(1, move |_ctx| Ok(outer(&made)))
    });
    let actor = sim.spawn("door", props).unwrap();
    (0..5).for_each(|number| actor.tell(Do::Say(number)));
    sim.run_until_idle();
    assert_eq!(sim.stats().stashed(), 5);
    actor.tell(Do::Close);
    sim.run_until_idle();
    assert_eq!(sim.stats().stashed(), 5);
    actor.tell(Do::Open);
    sim.run_until_idle();
    assert_eq!(log.take(), ["0", "1", "2", "3", "4"]);
}

#[test]
fn s7_2_nothing_is_unaccounted_for_when_timers_stashes_and_failures_mix() {
    let builder = Sim::builder().supervising(SupervisorStrategy::one_for_one().limit(1000, LONG));
    builder.check(0..100, |sim| {
        let log = Log::default();
        let actors: Vec<_> = (0..4)
            .map(|number| {
                sim.spawn(&format!("door-{number}"), closed(&log, 5))
                    .unwrap()
            })
            .collect();
        let mut next = sim.seed();
        for round in 0..80_u32 {
            next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let actor = actors[(next >> 33) as usize % 4];
            match (next >> 40) % 10 {
                0 => actor.tell(Do::Open),
                1 => actor.tell(Do::Close),
                2 => run(actor, |_ctx| Err("torn".into())),
                3 => drop(actor.ask(Do::Ask, ms(5))),
                4 => run(actor, |ctx| {
                    ctx.timers().start_fixed_rate("rate", || Do::Say(1), ms(1));
                    ctx.timers().start_fixed_delay("delay", || Do::Close, ms(3));
                    Ok(())
                }),
                5 => run(actor, |ctx| Ok(ctx.sleep(ms(4))?)),
                6 => actor.suspend(),
                7 => actor.resume(),
                _ => actor.tell(Do::Say(round)),
            }
            sim.run_for(Duration::from_micros((next >> 50) % 3000));
            let (stats, pending) = (sim.stats(), sim.pending());
            if pending.batches == 0 {
                let sum = stats.handled() + stats.dead_letters + stats.queued() + stats.stashed();
                assert_eq!(stats.sent(), sum, "{stats:?}");
            }
        }
        actors[0].kill();
        actors[1].stop();
    });
}

#[test]
fn s6_3_a_stash_works_under_threads() {
    crate::common::with_pools(|pool| {
        let log = Log::default();
        let doors: Vec<_> = (0..10)
            .map(|number| {
                pool.spawn(&format!("door-{number}"), closed(&log, 1000))
                    .unwrap()
            })
            .collect();
        let asked: Vec<_> = doors
            .iter()
            .flat_map(|door| (0..100).map(|_| door.ask(Do::Ask, crate::common::SOON)))
            .collect();
        doors.iter().for_each(|door| door.tell(Do::Open));
        for asked in asked {
            assert_eq!(asked.wait(), Ok(7));
        }
        // What is left in it at the end is lost.
        doors.iter().for_each(|door| {
            door.tell(Do::Close);
            door.tell(Do::Say(1));
            door.stop();
        });
        crate::common::eventually("all have stopped", || pool.stats().actors() == 0);
        assert_eq!(pool.dead_letters().count(DeadLetterReason::Stopped), 10);
    });
}
