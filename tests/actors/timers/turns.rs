//! Turns of timers and of mail, the number of timers, and timers under threads.

use super::{Do, LONG, SECOND, ms, orderly, run, scribe};
use crate::common::Log;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::time::{Duration, Instant};

#[test]
fn s6_1_a_timer_goes_ahead_of_the_mail_and_counts_as_sent_by_its_actor() {
    let (mut sim, log, actor) = orderly(Directive::Stop);
    let told = log.clone();
    run(actor, move |ctx| {
        let cause = ctx.envelope().message_id();
        let tell = Do::Run(Box::new(move |ctx: &mut Context<'_, Do>| {
            assert_eq!(ctx.sender(), Some(ctx.self_ref().id()));
            assert_eq!(ctx.envelope().causation_id(), Some(cause));
            assert_eq!(ctx.envelope().correlation_id(), cause);
            assert_ne!(ctx.envelope().message_id(), cause);
            told.add("timer");
            Ok(())
        }));
        ctx.timers().start_single("one", tell, ms(10));
        ctx.self_ref().tell(Do::Say("mail"));
        Ok(ctx.sleep(ms(20))?)
    });
    sim.run_for(SECOND);
    assert_eq!(log.take(), ["timer", "20 mail"]);
    assert_eq!((sim.stats().sent(), sim.stats().handled()), (3, 3));
}

#[test]
fn s6_1_many_timers_that_are_due_at_once_leave_the_others_their_turns() {
    let (mut sim, log, actor) = orderly(Directive::Stop);
    let other = sim.spawn("other", scribe(&log)).unwrap();
    run(actor, |ctx| {
        // Each of them sets itself again, with no delay.
        fn again(ctx: &mut Context<'_, Do>, number: u64) {
            let next = Do::Run(Box::new(move |ctx| {
                again(ctx, number);
                Ok(())
            }));
            ctx.timers().start_single(number, next, Duration::ZERO);
        }
        (0..1000).for_each(|number| again(ctx, number));
        Ok(())
    });
    assert_eq!(other.ask(Do::Done, SECOND).wait(), Ok(()));
    assert_eq!(other.ask(Do::Done, SECOND).wait(), Ok(()));
    // A kill does not wait for them either.
    actor.kill();
    sim.run_until_idle();
    assert_eq!(sim.pending().timers, 0);
}

#[test]
fn s6_1_timers_live_through_a_change_of_behaviour_and_a_resumption() {
    let (mut sim, log, actor) = orderly(Directive::Resume);
    run(actor, |ctx| {
        ctx.timers()
            .start_fixed_rate("rate", || Do::Say("rate"), SECOND);
        let torn = || Do::Run(Box::new(|_ctx: &mut Context<'_, Do>| Err("torn".into())));
        ctx.timers().start_fixed_delay("torn", torn, ms(1500));
        let make = || -> Do { panic!("no message") };
        ctx.timers().start_fixed_delay("made", make, ms(100));
        Err("torn".into())
    });
    sim.run_for(ms(3100));
    assert_eq!(log.take(), ["1000 rate", "2000 rate", "3000 rate"]);
    let told = log.clone();
    run(actor, move |ctx| {
        let active = |key, ctx: &mut Context<'_, Do>| ctx.timers().is_active(key);
        told.add(format!("{} {}", active("torn", ctx), active("made", ctx)));
        Ok(())
    });
    sim.run_until_idle();
    assert_eq!(log.take(), ["true false"], "whose maker panics ends");

    let counting = Props::new(|| {
        Behavior::with_timers(|timers| {
            timers.start_fixed_rate("tick", || None, SECOND);
            Ok(Behavior::receive(|_ctx, _: Option<Reply<u32>>| {
                Behavior::with_state(
                    1,
                    |count, _ctx, message: Option<Reply<u32>>| match message {
                        None => *count += 1,
                        Some(reply) => reply.send(*count),
                    },
                )
            }))
        })
    });
    let counting = sim.spawn("counting", counting).unwrap();
    sim.run_for(ms(5500));
    assert_eq!(counting.ask(Some, SECOND).wait(), Ok(5));
}

#[test]
fn s6_2_a_million_timers_at_once() {
    const MANY: u64 = 1_000_000;
    let builder = Sim::builder().orderly().workers(1).keep_events(0);
    let mut sim = builder.start().unwrap();
    let counting = Props::new(|| {
        Behavior::with_timers(|timers| {
            for number in 0..MANY {
                let delay = Duration::from_micros(1 + number % 5000) * 1000;
                timers.start_single(number, number, delay);
            }
            (0..MANY)
                .filter(|number| number % 10 != 0)
                .for_each(|number| {
                    assert!(timers.cancel(number));
                });
            for number in 0..MANY - MANY / 10 {
                timers.start_single(MANY + number, number, LONG);
            }
            Ok(Behavior::with_state(0, |rung, ctx, _number| {
                *rung += 1;
                if *rung == MANY / 10 {
                    ctx.timers().cancel_all();
                }
            }))
        })
    });
    sim.spawn("counting", counting).unwrap();
    sim.run_for(Duration::ZERO);
    assert_eq!(sim.pending().timers as u64, MANY);
    sim.run_for(6 * SECOND);
    assert_eq!(sim.pending().timers, 0);
    assert_eq!(sim.stats().handled(), MANY / 10);
}

#[test]
fn s6_1_timers_ring_under_threads() {
    crate::common::with_pools(|pool| {
        let log = Log::default();
        let asked: Vec<_> = (0..20)
            .map(|number| {
                let actor = pool
                    .spawn(&format!("scribe-{number}"), scribe(&log))
                    .unwrap();
                let start = Instant::now();
                let asked = actor.ask(
                    |reply| {
                        Do::Run(Box::new(move |ctx: &mut Context<'_, Do>| {
                            ctx.timers()
                                .start_fixed_rate("rate", || Do::Say("rate"), ms(2));
                            ctx.timers()
                                .start_fixed_delay("delay", || Do::Say("delay"), ms(3));
                            ctx.timers().start_single("done", Do::Done(reply), ms(30));
                            ctx.set_receive_timeout(ms(10));
                            Ok(())
                        }))
                    },
                    crate::common::SOON,
                );
                (start, asked)
            })
            .collect();
        for (start, asked) in asked {
            assert_eq!(asked.wait(), Ok(()));
            assert!(start.elapsed() >= ms(30));
        }
        let lines = log.take();
        for text in ["rate", "delay", "timeout"] {
            let lines = lines.iter().filter(|line| line.ends_with(text)).count();
            assert!((1..=20 * 1000).contains(&lines), "{lines} {text}");
        }
    });
}
