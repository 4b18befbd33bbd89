//! The oracles of mailboxes, timers, receive time-outs and stashes find fault with what is wrong.

use nexus_actors::{DeadLetterReason, Overflow};
use nexus_swarm::oracles::{Asks, Check, Repeats, Room, Silence, StashBook, TimerBook};

#[track_caller]
fn says(check: Check, part: &str) {
    let wrong = check.expect_err("this is wrong");
    assert!(wrong.contains(part), "{wrong}");
}

#[test]
fn mailboxes_take_what_they_have_room_for_and_refuse_nothing_else() {
    let room = Room::new(Some((2, Overflow::Fail)));
    room.is_sent(2);
    room.holds_what_fits().unwrap();
    room.refuses(false, true).unwrap();
    says(room.refuses(true, true), "refused a message, with");
    room.is_sent(1);
    says(room.holds_what_fits(), "3 messages are in");
    room.loses(1, DeadLetterReason::Full).unwrap();
    assert_eq!(room.lost(), 1);
    room.holds_what_fits().unwrap();
    says(
        room.loses(1, DeadLetterReason::DroppedOldest),
        "was lost for DroppedOldest",
    );
    says(room.refuses(false, true), "refused a message with 1");
    room.refuses(false, false).unwrap();
    room.is_left_with(2).unwrap();
    says(room.is_left_with(3), "3 messages wait");
    let unbounded = Room::new(None);
    says(unbounded.refuses(false, false), "refused a message, with");
    says(
        unbounded.loses(1, DeadLetterReason::Full),
        "was lost for Full",
    );
    unbounded.loses(1, DeadLetterReason::Stopped).unwrap();
    let newest = Room::new(Some((1, Overflow::DropNewest)));
    newest.is_sent(1);
    newest.refuses(true, true).unwrap();
    says(newest.refuses(false, true), "refused a message, with");
}

#[test]
fn timers_ring_in_time_and_not_when_they_are_over() {
    let mut timers = TimerBook::default();
    let single = timers.starts(1, 10, Repeats::Never, 1);
    says(timers.rings(single, 9).map(drop), "rang at 9, due at 10");
    says(timers.rings(single, 20).map(drop), "was over");
    let first = timers.starts(1, 10, Repeats::Never, 1);
    let second = timers.starts(1, 10, Repeats::Never, 1);
    says(timers.rings(first, 10).map(drop), "was over");
    timers.is_cancelled(1);
    assert!(!timers.is_active(1));
    says(timers.rings(second, 10).map(drop), "was over");
    let delay = timers.starts(2, 10, Repeats::AfterHandling(5), 2);
    assert_eq!(timers.rings(delay, 12), Ok(false));
    says(timers.rings(delay, 16).map(drop), "due at 17");
    let rate = timers.starts(3, 10, Repeats::InBeat(5), 2);
    assert_eq!(timers.rings(rate, 12), Ok(false));
    assert_eq!(timers.rings(rate, 15), Ok(true));
    says(timers.rings(rate, 19).map(drop), "due at 20");
}

#[test]
fn what_was_put_aside_comes_back_in_order_and_before_the_mail() {
    let mut stash = StashBook::default();
    assert!(stash.is_empty());
    let asks = Asks::default();
    (1..=3).for_each(|message| stash.takes(message, None));
    says(stash.comes_back(1, &asks), "came back");
    stash.comes_before_mail(&asks).unwrap();
    stash.is_replayed();
    assert_eq!((stash.aside(), stash.len()), (0, 3));
    says(stash.comes_before_mail(&asks), "before 3 messages");
    stash.is_full(3).unwrap();
    says(stash.is_full(4), "was full with 3");
    stash.comes_back(1, &asks).unwrap();
    says(stash.comes_back(3, &asks), "came back");
}

#[test]
fn a_question_that_was_put_aside_and_taken_back_does_not_come() {
    let (asks, mut stash) = (Asks::default(), StashBook::default());
    let numbers = [(); 2].map(|()| asks.begins(None, 1, false));
    stash.takes(1, Some(numbers[0]));
    stash.takes(2, Some(numbers[1]));
    stash.takes(3, None);
    stash.is_replayed();
    asks.is_gone(numbers[0]);
    // One whose end a handler has seen to was not taken back.
    asks.is_given_up(numbers[1], None);
    asks.is_gone(numbers[1]);
    says(stash.comes_before_mail(&asks), "before 2 messages");
    says(stash.comes_back(3, &asks), "came back");
    stash.comes_back(3, &asks).unwrap();
    stash.comes_before_mail(&asks).unwrap();
}

#[test]
fn those_who_wait_for_room_are_let_in_in_turn() {
    let narrow = || {
        let room = Room::new(Some((2, Overflow::Backpressure)));
        room.is_sent(1);
        room
    };
    // There is a place for both, so the first one has been promised one.
    let room = narrow();
    let [first, second] = [100; 2].map(|until| room.is_waited_for(until));
    room.lets_in(second, 10).unwrap();
    says(room.is_given_up(first), "waited in vain");
    room.is_sent(1);
    room.lets_in(first, 20).unwrap();
    // There is none for the first one.
    let room = narrow();
    let [first, second, third] = [100; 3].map(|until| room.is_waited_for(until));
    room.is_sent(1);
    room.lets_in(second, 10).unwrap();
    says(room.lets_in(first, 20), "behind others who came later");
    room.is_given_up(third).unwrap();
    // Its time was over by then, or it had left.
    let room = narrow();
    let [first, second, third] = [10, 100, 100].map(|until| room.is_waited_for(until));
    room.is_left_alone(second);
    room.is_sent(1);
    room.lets_in(third, 10).unwrap();
    room.is_given_up(first).unwrap();
    room.fits(2).unwrap();
    says(room.fits(3), "3 messages wait");
}

#[test]
fn a_timer_at_a_fixed_rate_keeps_to_its_beats() {
    // Its first beat is at 10 or later.
    let started = || {
        let mut timers = TimerBook::default();
        let ring = timers.starts(1, 10, Repeats::InBeat(10), 9);
        (timers, ring)
    };
    let rings = |times: &[u64]| {
        let (mut timers, ring) = started();
        let rung = times.iter().map(|time| timers.rings(ring, *time).map(drop));
        rung.collect::<Check>()
    };
    rings(&[10, 20, 30, 40]).unwrap();
    rings(&[19, 20, 39, 40]).unwrap();
    rings(&[12, 55, 61, 80]).unwrap();
    says(rings(&[12, 55, 55]), "no beat lies between");
    // One beat is in (55, 61], the next one in (61, 63].
    says(rings(&[12, 55, 61, 63]), "no beat lies between");
    says(rings(&[12, 19]), "due at 20");
    // The first beat was at 15 at the latest, so one is at 25 to 45 and not up to 49.
    says(rings(&[15, 46, 49]), "no beat lies between");
    let (mut timers, _) = started();
    says(timers.have_rung(), "timers never rang");
    timers.end();
    timers.have_rung().unwrap();
}

#[test]
fn a_receive_time_out_comes_when_no_mail_does_and_not_before() {
    let silence = Silence::default();
    says(silence.is_told(5, false).map(drop), "and had none");
    silence.is_set(10, 5, 2);
    says(silence.is_over(), "was never told");
    says(
        silence.is_told(14, false).map(drop),
        "told of a receive time-out at 14, due at 15",
    );
    silence.is_set(10, 5, 2);
    silence.is_broken(12);
    assert_eq!(silence.is_told(22, false), Ok(false));
    says(silence.is_told(31, false).map(drop), "due at 32");
    silence.is_set(10, 5, 1);
    assert_eq!(silence.is_told(15, false), Ok(true));
    silence.ends();
    silence.is_over().unwrap();
    says(silence.is_told(25, false).map(drop), "and had none");
}
