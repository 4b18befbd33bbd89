//! Nobody waits for longer than need be: for mail and timers beside a busy actor, for the end of an
//! ask that cannot be answered, for the end of telling subscribers of dead letters.

mod common;

use common::{NEVER, SOON, eventually, pool_of, watchdog};
use nexus_actors::DeadLetterReason;
use nexus_actors::prelude::*;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

fn work_for(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Works for 100 µs on each message, and sends itself another.
fn busy() -> Props<()> {
    Props::new(|| {
        Behavior::receive(|ctx, ()| {
            work_for(Duration::from_micros(100));
            ctx.self_ref().tell(());
        })
    })
}

/// One busy actor, whose messages take 100 µs each, must not keep its worker from its inbox for
/// more than a few turns of 256 messages.
#[test]
fn one_busy_actor_does_not_keep_mail_from_outside_waiting_for_many_turns() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let busy = pool.spawn("busy", busy()).unwrap();
    let echo = pool.spawn("echo", common::echo(|| ())).unwrap();
    for _ in 0..1000 {
        busy.tell(());
    }
    thread::sleep(Duration::from_millis(200));
    let asked = Instant::now();
    echo.ask(|reply| reply, NEVER).wait().unwrap();
    let took = asked.elapsed();
    pool.shutdown(Duration::ZERO).unwrap();
    // A turn is 256 messages of 100 µs, 26 ms; ten turns are generous.
    assert!(took < Duration::from_millis(260), "it took {took:?}");
}

/// The same for timers.
#[test]
fn one_busy_actor_does_not_keep_timers_waiting_for_many_turns() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let busy = pool.spawn("busy", busy()).unwrap();
    let (told, ticks) = mpsc::channel();
    let sleeper = pool
        .spawn(
            "sleeper",
            Props::new(move || {
                let told = told.clone();
                Behavior::receive(move |ctx, ()| {
                    for _ in 0..3 {
                        let start = Instant::now();
                        ctx.sleep(Duration::from_millis(1))?;
                        told.send(start.elapsed())?;
                    }
                    Ok::<_, BoxError>(())
                })
            }),
        )
        .unwrap();
    for _ in 0..1000 {
        busy.tell(());
    }
    sleeper.tell(());
    let longest = (0..3).map(|_| ticks.recv().unwrap()).max().unwrap();
    pool.shutdown(Duration::ZERO).unwrap();
    assert!(
        longest < Duration::from_millis(260),
        "1 ms took {longest:?}"
    );
}

/// At once is before the next message, not at the end of the turn.
#[test]
fn s5_2_a_reply_that_is_dropped_unanswered_ends_its_ask_at_once() {
    enum Message {
        Gate(mpsc::Receiver<()>),
        Forget(Reply<u32>),
        Work,
    }
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let actor = pool
        .spawn(
            "actor",
            Props::new(|| {
                Behavior::receive(|_ctx, message| match message {
                    Message::Gate(gate) => gate.recv().unwrap(),
                    Message::Forget(reply) => drop(reply),
                    Message::Work => thread::sleep(Duration::from_millis(10)),
                })
            }),
        )
        .unwrap();
    let (open, gate) = mpsc::channel();
    actor.tell(Message::Gate(gate));
    let asked = actor.ask(Message::Forget, Duration::from_secs(1));
    for _ in 0..250 {
        actor.tell(Message::Work);
    }
    // All of it is in the mailbox when the next turn begins.
    thread::sleep(Duration::from_millis(50));
    open.send(()).unwrap();
    let outcome = asked.wait();
    pool.shutdown(Duration::ZERO).unwrap();
    assert_eq!(outcome, Err(AskError::NoReply));
}

/// Were it told, two workers could keep each other busy with it for ever.
#[test]
fn s7_1_what_a_subscriber_loses_on_another_worker_is_told_to_no_subscriber() {
    let _watchdog = watchdog();
    let pool = pool_of(2).start().unwrap();
    let monitors: Vec<ActorRef<u8>> = (0..2)
        .map(|worker| {
            let name = format!("monitor-{worker}");
            let monitor = pool
                .spawn_on(worker, &name, Props::new(|| Behavior::receive(|_, _| ())))
                .unwrap();
            monitor.stop();
            common::gone(&pool, &format!("/user/{name}"));
            monitor
        })
        .collect();
    let told = monitors.clone();
    let letters = pool.dead_letters();
    let subscription = letters.subscribe(move |_| told.iter().for_each(|monitor| monitor.tell(1)));
    monitors[0].tell(0);
    eventually("the letter is told", || letters.total() >= 3);
    thread::sleep(Duration::from_millis(200));
    let lost = letters.count(DeadLetterReason::Stopped);
    drop(subscription);
    pool.shutdown(SOON).unwrap();
    assert_eq!(lost, 3, "the first one, and one to each monitor");
}
