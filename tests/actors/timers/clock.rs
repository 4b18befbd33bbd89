//! When time begins to count: at the call, by a clock that advances within the tick of the call.

use crate::common::{SOON, pool_of, round_trip, with_pool};
use nexus_actors::pool::{ManualTime, TimeSource};
use nexus_actors::prelude::*;
use std::sync::mpsc;
use std::time::Duration;

enum Do {
    /// Begins something that is to end after five seconds.
    Begin(Begin),
    Rung,
    /// Never answered.
    Ignore(Reply<()>),
    /// No timer is to fire any more.
    End,
}

const FIVE: Duration = Duration::from_secs(5);
const FOUR: Duration = Duration::from_secs(4);
const MOMENT: Duration = Duration::from_nanos(1);

type Begin = fn(&mut Context<'_, Do>) -> Result<(), BoxError>;

/// Everything in an actor that counts time.
const KINDS: [(&str, Begin); 6] = [
    ("single timer", |ctx| {
        ctx.timers().start_single("t", Do::Rung, FIVE);
        Ok(())
    }),
    ("fixed delay", |ctx| {
        ctx.timers().start_fixed_delay("t", || Do::Rung, FIVE);
        Ok(())
    }),
    ("fixed rate", |ctx| {
        ctx.timers().start_fixed_rate("t", || Do::Rung, FIVE);
        Ok(())
    }),
    ("receive time-out", |ctx| {
        ctx.set_receive_timeout(FIVE);
        Ok(())
    }),
    ("sleep", |ctx| {
        ctx.sleep(FIVE)?;
        ctx.self_ref().tell(Do::Rung);
        Ok(())
    }),
    ("question", |ctx| {
        let silent = ctx.spawn_anonymous(silent())?;
        assert!(silent.ask(Do::Ignore, FIVE).wait().is_err());
        ctx.self_ref().tell(Do::Rung);
        Ok(())
    }),
];

/// Keeps the questions that it is asked.
fn silent() -> Props<Do> {
    Props::new(|| {
        let mut kept = Vec::new();
        Behavior::receive(move |_ctx, message| {
            if let Do::Ignore(reply) = message {
                kept.push(reply);
            }
        })
    })
}

fn counting(rung: &mpsc::Sender<()>) -> Props<Do> {
    let rung = rung.clone();
    Props::new(move || {
        let (rung, told) = (rung.clone(), rung.clone());
        Behavior::receive(move |ctx, message| {
            match message {
                Do::Begin(begin) => begin(ctx)?,
                Do::Rung => rung.send(())?,
                Do::Ignore(_) => {}
                Do::End => return Ok(Next::Stop),
            }
            Ok(Next::Same)
        })
        .on_signal(move |_ctx, signal| {
            if *signal == Signal::ReceiveTimeout {
                told.send(()).unwrap();
            }
        })
    })
}

/// Advances the clock by four seconds, in the middle of a tick.
fn advancing(time: &ManualTime) -> Props<()> {
    let time = time.clone();
    Props::new(move || {
        let time = time.clone();
        Behavior::receive(move |ctx, ()| {
            let before = ctx.now();
            time.advance(FOUR);
            assert_eq!(ctx.now(), before + FOUR, "the time does not lag by a tick");
        })
    })
}

#[test]
fn s6_2_all_that_counts_time_counts_from_the_call() {
    for (kind, begin) in KINDS {
        let time = ManualTime::new();
        let builder = pool_of(1).time_source(TimeSource::Manual(time.clone()));
        with_pool(builder, |pool| {
            let (rings, rung) = mpsc::channel();
            let counting = pool.spawn("counting", counting(&rings)).unwrap();
            let advancing = pool.spawn("advancing", advancing(&time)).unwrap();
            // Both have their turns in the same tick as this actor.
            let feeder = Props::new(move || {
                Behavior::receive(move |_ctx, ()| {
                    counting.tell(Do::Begin(begin));
                    advancing.tell(());
                })
            });
            pool.spawn("feeder", feeder).unwrap().tell(());
            round_trip(pool, 0);
            time.advance(FIVE - FOUR - MOMENT);
            round_trip(pool, 0);
            assert!(rung.try_recv().is_err(), "never early: {kind}");
            time.advance(MOMENT);
            assert_eq!(rung.recv_timeout(SOON), Ok(()), "{kind}");
            counting.tell(Do::End);
        });
    }
}

#[test]
fn s6_2_a_clock_that_is_advanced_when_a_start_is_answered_is_advanced_for_what_the_start_began() {
    for _ in 0..100 {
        let time = ManualTime::new();
        let builder = pool_of(2).time_source(TimeSource::Manual(time.clone()));
        with_pool(builder, |pool| {
            let (rings, rung) = mpsc::channel();
            let waking = Props::new(move || {
                let rings = rings.clone();
                Behavior::with_timers(move |timers| {
                    timers.start_single("wake", (), FIVE);
                    Ok(Behavior::receive(move |_ctx, ()| rings.send(()).unwrap()))
                })
            });
            pool.spawn("waking", waking).unwrap();
            time.advance(FIVE);
            assert_eq!(rung.recv_timeout(SOON), Ok(()));
        });
    }
}
