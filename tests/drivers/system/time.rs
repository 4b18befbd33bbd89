//! Real clocks and manual ones.

use super::{SHORT, end, manual, mute, sleeper, with_system};
use crate::common::*;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn s9_1_run_waits_for_sleepers_on_the_real_clock() {
    with_system(ActorSystem::builder(), |system| {
        let sleeper = system.spawn("sleeper", sleeper(SHORT)).unwrap();
        let start = Instant::now();
        let asked = sleeper.ask(|reply| reply, NEVER);
        system.run_until_idle();
        assert_eq!(system.waiting().len(), 1, "it does not wait for time");
        system.run();
        assert!(start.elapsed() >= SHORT);
        assert!(system.waiting().is_empty());
        assert!(asked.wait().unwrap() <= system.now());
    });
}

#[test]
fn s9_1_run_returns_when_only_a_manual_clock_could_go_on() {
    let _watchdog = watchdog();
    let (system, time) = manual();
    let hour = Duration::from_secs(3600);
    let sleeper = system.spawn("sleeper", sleeper(hour)).unwrap();
    let asked = sleeper.ask(|reply| reply, hour * 2);
    system.run();
    assert_eq!(system.waiting().len(), 1);
    time.advance(hour - Duration::from_nanos(1));
    system.run();
    assert_eq!(system.waiting().len(), 1);
    time.advance(Duration::from_nanos(1));
    assert_eq!(asked.wait(), Ok(hour));
    assert_eq!(system.now(), hour);
    end(&system);
}

#[test]
fn s9_1_a_manual_clock_may_be_put_forward_by_another_thread_while_one_waits() {
    let _watchdog = watchdog();
    let (system, time) = manual();
    let hour = Duration::from_secs(3600);
    let sleeper = system.spawn("sleeper", sleeper(hour)).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let stepper = thread::spawn({
        let over = Arc::clone(&over);
        move || {
            while !over.load(SeqCst) {
                time.advance(hour);
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
    assert!(sleeper.ask(|reply| reply, NEVER * 1_000_000).wait().is_ok());
    over.store(true, SeqCst);
    stepper.join().unwrap();
    end(&system);
}

#[test]
fn s5_3_an_ask_under_a_clock_that_stands_still_gives_up_in_real_time() {
    let _watchdog = watchdog();
    let (system, time) = manual();
    let mute = system.spawn("mute", mute::<u8>()).unwrap();
    let answer = mute.ask(|reply| reply, SHORT).wait();
    assert_eq!(answer.unwrap_err().kind(), AskErrorKind::Timeout);
    // An advance of the clock may also expire it.
    let asked = mute.ask(|reply| reply, NEVER);
    system.run();
    time.advance(NEVER);
    assert_eq!(asked.wait().unwrap_err().kind(), AskErrorKind::Timeout);
    end(&system);
}

#[test]
fn s5_3_a_time_out_is_never_early() {
    with_system(ActorSystem::builder(), |system| {
        let mute = system.spawn("mute", mute::<u8>()).unwrap();
        for _ in 0..10 {
            let start = Instant::now();
            let answer = mute.ask(|reply| reply, SHORT / 4).wait();
            assert_eq!(answer.unwrap_err().kind(), AskErrorKind::Timeout);
            assert!(start.elapsed() >= SHORT / 4);
        }
    });
}
