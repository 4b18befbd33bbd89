//! No wait is longer than necessary: for mail and timers beside a busy actor, for the end of an ask
//! that cannot be answered, for the end of reports of dead letters to subscribers.

use crate::common::{NEVER, SOON, eventually, pool_of, watchdog};
use nexus_actors::DeadLetterReason;
use nexus_actors::prelude::*;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

fn work_for(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Works for 100 µs on each message, counts it, and sends itself another.
fn busy(handled: &Arc<AtomicU64>) -> Props<()> {
    let handled = Arc::clone(handled);
    Props::new(move || {
        let handled = Arc::clone(&handled);
        Behavior::receive(move |ctx, ()| {
            work_for(Duration::from_micros(100));
            handled.fetch_add(1, Relaxed);
            ctx.self_ref().tell(());
        })
    })
}

/// How many messages a busy actor may handle while something else waits for its turn: ten turns of
/// 256. It could have 128 turns before its worker looks up.
const GENEROUS: u64 = 2560;

/// A busy actor must not keep its worker from its inbox for more than a few turns.
#[test]
fn one_busy_actor_does_not_keep_mail_from_outside_waiting_for_many_turns() {
    let _watchdog = watchdog();
    let handled = Arc::new(AtomicU64::new(0));
    let pool = pool_of(1).start().unwrap();
    let busy = pool.spawn("busy", busy(&handled)).unwrap();
    let echo = pool.spawn("echo", crate::common::echo(|| ())).unwrap();
    for _ in 0..1000 {
        busy.tell(());
    }
    eventually("it is busy", || handled.load(Relaxed) > 1000);
    let before = handled.load(Relaxed);
    echo.ask(|reply| reply, NEVER).wait().unwrap();
    let meanwhile = handled.load(Relaxed) - before;
    pool.shutdown(Duration::ZERO).unwrap();
    assert!(meanwhile < GENEROUS, "{meanwhile} messages came before it");
}

/// The same for timers.
#[test]
fn one_busy_actor_does_not_keep_timers_waiting_for_many_turns() {
    let _watchdog = watchdog();
    let handled = Arc::new(AtomicU64::new(0));
    let pool = pool_of(1).start().unwrap();
    let busy = pool.spawn("busy", busy(&handled)).unwrap();
    let (told, ticks) = mpsc::channel();
    let counted = Arc::clone(&handled);
    let props = Props::new(move || {
        let (told, handled) = (told.clone(), Arc::clone(&counted));
        Behavior::receive(move |ctx, ()| {
            for _ in 0..3 {
                let before = handled.load(Relaxed);
                ctx.sleep(Duration::from_millis(1))?;
                told.send(handled.load(Relaxed) - before)?;
            }
            Ok(())
        })
    });
    let sleeper = pool.spawn("sleeper", props).unwrap();
    for _ in 0..1000 {
        busy.tell(());
    }
    sleeper.tell(());
    let most = (0..3).map(|_| ticks.recv().unwrap()).max().unwrap();
    pool.shutdown(Duration::ZERO).unwrap();
    // 1 ms is ten messages. The time-out is armed in one round, and fires in the next.
    assert!(most < GENEROUS, "1 ms took {most} messages");
}

/// "At once" is before the next message, not at the end of the turn.
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
    // All messages are in the mailbox when the next turn begins.
    thread::sleep(Duration::from_millis(50));
    open.send(()).unwrap();
    let outcome = asked.wait();
    pool.shutdown(Duration::ZERO).unwrap();
    assert!(matches!(outcome, Err(AskError::NoReply(_))));
}

/// If such a loss were reported, two workers could keep each other busy with it for ever.
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
            crate::common::gone(&pool, &format!("/user/{name}"));
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
