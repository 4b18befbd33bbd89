//! Tests of `table.rs`.

use super::*;
use crate::time::TimerWheel;

#[test]
fn s5_3_the_first_terminal_event_wins() {
    let waits = Waits::<()>::new();
    let key = waits.begin(None, ActorId::NOBODY, 0);
    assert!(matches!(waits.fulfil(key, 7_u32), WaitOutcome::Unattended));
    assert!(matches!(
        waits.end(key, WaitEnd::TimedOut),
        WaitOutcome::Late
    ));
    assert_eq!(waits.take::<u32>(key), Some(Ok(7)));
    assert_eq!(waits.take::<u32>(key), None);
}

#[test]
fn s5_3_a_late_reply_never_reaches_the_next_wait_in_the_same_place() {
    let waits = Waits::<()>::new();
    let old = waits.begin(None, ActorId::NOBODY, 0);
    waits.forget(old);
    let new = waits.begin(None, ActorId::NOBODY, 0);
    assert_eq!(old.slot(), new.slot());
    assert!(matches!(waits.fulfil(old, 1_u32), WaitOutcome::Late));
    assert!(waits.is_pending(new));
}

#[test]
fn s5_6_the_latest_word_of_a_question_that_was_handed_on_counts_whichever_comes_last() {
    let waits = Waits::<()>::new();
    let asked = |number| MessageId::start_of_worker(0).plus(number);
    let next = || waits.begin(None, ActorId::NOBODY, 0);
    let key = next();
    waits.has_asked(key, ActorId::NOBODY, asked(1));
    assert!(waits.is_handed_on(key, ActorId::NOBODY, asked(3), 2));
    assert!(!waits.is_handed_on(key, ActorId::NOBODY, asked(2), 1));
    assert_eq!(waits.asked(key).unwrap().question, asked(3));
    assert!(waits.is_handed_on(key, ActorId::NOBODY, asked(4), 3));
    waits.forget(key);
    assert!(!waits.is_handed_on(key, ActorId::NOBODY, asked(5), 4));
    let later = next();
    assert_eq!(later.slot(), key.slot());
    assert!(waits.is_handed_on(later, ActorId::NOBODY, asked(7), 1));
    assert_eq!(waits.asked(later).unwrap().question, asked(7));
}

#[test]
fn an_attended_wait_wakes_its_fiber() {
    let waits = Waits::<()>::new();
    let key = waits.begin(None, ActorId::NOBODY, 0);
    let fiber = FiberId::from_index(3);
    waits.pending(key).unwrap().attend(fiber, 0);
    assert!(
        matches!(waits.end(key, WaitEnd::NoReply), WaitOutcome::Wakes(woken) if woken == fiber)
    );
    assert_eq!(waits.take::<u32>(key), Some(Err(WaitEnd::NoReply)));
}

#[test]
fn a_wait_that_ends_in_time_costs_no_timer() {
    let waits = Waits::<()>::new();
    let quick = waits.begin(Some(5), ActorId::NOBODY, 0);
    let slow = waits.begin(Some(6), ActorId::NOBODY, 0);
    let _ = waits.fulfil(quick, ());
    let mut wheel = TimerWheel::new(0);
    waits.arm_all(|key, timeout| {
        assert_eq!((key, timeout), (slow, 6));
        (wheel.insert(6, ()), 6)
    });
    let _ = waits.fulfil(slow, ());
    let timer = waits.next_disarmed().expect("it is not needed any more");
    assert!(wheel.cancel(timer).is_some());
    assert!(!waits.has_timer_requests());
}

#[test]
fn s9_5_lists_of_a_peak_of_time_outs_go_back() {
    let (waits, mut wheel) = (Waits::<()>::new(), TimerWheel::new(0));
    let keys: Vec<_> = (0..10_000)
        .map(|_| waits.begin(Some(5), ActorId::NOBODY, 0))
        .collect();
    waits.arm_all(|_, timeout| (wheel.insert(timeout, ()), timeout));
    keys.into_iter().for_each(|key| waits.forget(key));
    while waits.next_disarmed().is_some() {}
    waits.trim();
    let lists = [
        waits.unarmed.borrow().capacity(),
        waits.disarmed.borrow().capacity(),
    ];
    assert!(lists.iter().all(|room| *room <= AT_FIRST), "{lists:?}");
}

#[test]
fn s5_1_a_wait_that_is_shortened_ends_by_the_earlier_time() {
    for [own, other] in [[5, 9], [9, 5]] {
        let (waits, mut wheel) = (Waits::<()>::new(), TimerWheel::new(0));
        let key = waits.begin(Some(own), ActorId::NOBODY, 0);
        waits.arm(key, wheel.insert(other, other), other);
        waits.arm_all(|_, timeout| (wheel.insert(timeout, timeout), timeout));
        let disarmed = waits.next_disarmed().and_then(|timer| wheel.cancel(timer));
        assert_eq!(disarmed, Some(9));
        let _ = waits.fulfil(key, ());
        let disarmed = waits.next_disarmed().and_then(|timer| wheel.cancel(timer));
        assert_eq!(disarmed, Some(5));
    }
}

#[test]
fn values_of_any_size_arrive() {
    let waits = Waits::<()>::new();
    let key = waits.begin(None, ActorId::NOBODY, 0);
    let _ = waits.fulfil(key, [9_u64; 100]);
    assert_eq!(waits.take::<[u64; 100]>(key), Some(Ok([9; 100])));
}
