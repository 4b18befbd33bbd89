//! Writers of an ingress lose nothing, duplicate nothing and keep their order, across the ends of segments.
//!
//! In these models a segment has four words: two entries of two words, or one of three and the mark at
//! the end.

#![cfg(nexus_loom)]

use loom::thread::{self, JoinHandle};
use nexus_actors::model::{InboxReceiver, Ingress, Looked, Mutant, Reader, inbox, ingress};
use nexus_loom_tests::{Letter, Outcomes, Tally, explore, rejected};
use std::ptr::NonNull;

const PREEMPTIONS: usize = 3;

/// Puts a number into an entry of this many words. Returns whether it was accepted.
#[allow(unsafe_code)]
fn put_in(ingress: &Ingress, words: usize, number: u64) -> bool {
    let Ok(claim) = ingress.claim(words) else {
        return false;
    };
    claim.write(1, number);
    // SAFETY: the entry is written, as far as the reader reads it.
    unsafe { claim.commit(0, NonNull::dangling()) };
    claim.finish();
    true
}

fn put(ingress: &Ingress, number: u64) -> bool {
    put_in(ingress, 2, number)
}

/// Puts numbers, in order, on a separate thread. Returns those that were accepted.
fn post<const N: usize>(ingress: &Ingress, numbers: [u64; N]) -> JoinHandle<Vec<u64>> {
    let ingress = ingress.clone();
    let taken = move |number: &u64| put(&ingress, *number);
    thread::spawn(move || numbers.into_iter().filter(taken).collect())
}

/// Reads the next entry, which has this many words.
#[allow(unsafe_code)]
fn get(reader: &mut Reader, words: impl Fn(u64) -> usize) -> Option<u64> {
    let number = reader.peek(1)?;
    // SAFETY: the entry has this many words, and its number was read.
    unsafe { reader.advance(words(number)) };
    Some(number)
}

fn read(reader: &mut Reader) -> Vec<u64> {
    std::iter::from_fn(|| get(reader, |_| 2)).collect()
}

fn of_writer(numbers: &[u64], first: u64) -> Vec<u64> {
    let same = |number: &u64| number / 10 == first / 10;
    numbers.iter().copied().filter(same).collect()
}

fn an_open_ingress() -> (Ingress, Reader, InboxReceiver<Letter>) {
    let (_, receiver) = inbox();
    let (ingress, reader) = ingress(receiver.unparker().clone());
    (ingress, reader, receiver)
}

fn write_and_read() {
    let (ingress, mut reader, _receiver) = an_open_ingress();
    let one = post(&ingress, [10, 11]);
    let two = post(&ingress, [20]);

    let mut got = read(&mut reader);
    one.join().unwrap();
    two.join().unwrap();
    got.extend(read(&mut reader));

    assert_eq!(of_writer(&got, 10), [10, 11]);
    assert_eq!(of_writer(&got, 20), [20]);
    assert!(!reader.has_mail());
}

#[test]
fn nothing_is_lost_doubled_or_reordered() {
    // Claim: what two writers put comes out once, in the order of each, also across the end of a segment.
    explore(PREEMPTIONS, write_and_read);
}

#[test]
fn committing_without_release_is_rejected() {
    // Claim: the release of a commit is what makes the entry visible to the reader.
    rejected(
        PREEMPTIONS,
        Some(Mutant::IngressCommitRelaxed),
        "Causality violation",
        write_and_read,
    );
}

fn entries_of_two_sizes() {
    let words = |number| if number == 10 { 3 } else { 2 };
    let (ingress, mut reader, _receiver) = an_open_ingress();
    let one = {
        let ingress = ingress.clone();
        thread::spawn(move || assert!(put_in(&ingress, 3, 10)))
    };
    let two = post(&ingress, [20]);

    let mut got: Vec<u64> = get(&mut reader, words).into_iter().collect();
    one.join().unwrap();
    two.join().unwrap();
    got.extend(std::iter::from_fn(|| get(&mut reader, words)));

    got.sort_unstable();
    assert_eq!(got, [10, 20]);
}

#[test]
fn a_segment_ends_where_an_entry_does_not_fit() {
    // Claim: if the space left is too small for a claim, the reader passes over it.
    explore(PREEMPTIONS, entries_of_two_sizes);
}

/// One thread writes and reads so much that the first segment is free, and then current again, while another
/// one claims, perhaps based on what it saw long before.
fn recycle_under_a_stale_claim(outcomes: &Outcomes) {
    let (ingress, mut reader, _receiver) = an_open_ingress();
    let stale = post(&ingress, [20]);

    let mut got = Vec::new();
    for number in 10..16 {
        assert!(put(&ingress, number));
        let read = read(&mut reader);
        outcomes.note("read at once", read.contains(&20));
        got.extend(read);
    }
    stale.join().unwrap();
    let late = read(&mut reader);
    outcomes.note("read late", late.contains(&20));
    got.extend(late);

    assert_eq!(of_writer(&got, 10), [10, 11, 12, 13, 14, 15]);
    assert_eq!(of_writer(&got, 20), [20]);
}

#[test]
fn a_stale_claim_is_not_lost() {
    // Claim: a claim on a segment that was closed and read meanwhile fails, or holds if it is current again.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || recycle_under_a_stale_claim(&outcomes));
    assert_eq!(reached.seen(), ["read at once", "read late"]);
}

#[test]
fn a_segment_that_is_not_zeroed_is_rejected() {
    // Claim: no word is set in a segment that is installed again.
    rejected(
        PREEMPTIONS,
        Some(Mutant::IngressNotZeroed),
        "assertion `left == right` failed",
        || recycle_under_a_stale_claim(&Outcomes::default()),
    );
}

#[test]
fn a_tail_that_is_reset_too_early_is_rejected() {
    // Claim: a free segment takes no claims.
    rejected(
        PREEMPTIONS,
        Some(Mutant::IngressTailResetEarly),
        "assertion `left == right` failed",
        || recycle_under_a_stale_claim(&Outcomes::default()),
    );
}

#[test]
fn claiming_without_acquire_is_rejected() {
    // Claim: the acquire of a stale claim is what makes the zeroed words visible to it.
    rejected(
        PREEMPTIONS,
        Some(Mutant::IngressClaimRelaxed),
        "Causality violation",
        || recycle_under_a_stale_claim(&Outcomes::default()),
    );
}

/// Puts a number into an entry of this many words, as a thread that looked up the current segment long
/// before.
#[allow(unsafe_code)]
fn put_late(ingress: &Ingress, looked: Looked, words: usize, number: u64) -> JoinHandle<()> {
    let ingress = ingress.clone();
    thread::spawn(move || {
        let claim = ingress.claim_after(looked, words).expect("it is open");
        claim.write(1, number);
        // SAFETY: the entry is written, as far as the reader reads it.
        unsafe { claim.commit(0, NonNull::dangling()) };
        claim.finish();
    })
}

/// Two threads looked when the second segment was current. By now it is free, and about to be installed
/// again, in place of the first one: they may fill it before it is current.
fn fill_before_it_is_current(outcomes: &Outcomes) {
    let words = |number| if number == 20 { 3 } else { 2 };
    let (ingress, mut reader, _receiver) = an_open_ingress();
    let mut got = Vec::new();
    for number in [10, 11, 12] {
        assert!(put(&ingress, number));
    }
    got.extend(read(&mut reader));
    let looked = [ingress.look(), ingress.look()];
    for number in [13, 14, 15] {
        assert!(put(&ingress, number));
    }
    got.extend(read(&mut reader));

    let [one, two] = looked;
    let one = put_late(&ingress, one, 3, 20);
    let two = put_late(&ingress, two, 2, 30);
    assert!(put(&ingress, 16));
    one.join().unwrap();
    two.join().unwrap();
    assert!(put(&ingress, 17));
    got.extend(std::iter::from_fn(|| get(&mut reader, words)));

    assert_eq!(of_writer(&got, 10), [10, 11, 12, 13, 14, 15, 16, 17]);
    assert_eq!(of_writer(&got, 20), [20]);
    assert_eq!(of_writer(&got, 30), [30]);
    let place = |number: u64| got.iter().position(|other| *other == number);
    outcomes.note(
        "both before",
        place(30) < place(16) && place(20) < place(16),
    );
    outcomes.note("both after", place(30) > place(16) && place(20) > place(16));
}

#[test]
fn stale_claims_may_fill_a_segment_before_it_is_current() {
    // Claim: the claim that then closes the segment waits until it has become current; nothing is lost.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || fill_before_it_is_current(&outcomes));
    assert_eq!(reached.seen(), ["both after", "both before"]);
}

#[test]
fn installing_the_next_segment_too_early_is_rejected() {
    // Claim: the current segment never moves back to one that is closed, on which claims would wait for
    // ever.
    rejected(
        PREEMPTIONS,
        Some(Mutant::IngressNextTooEarly),
        "Model exceeded maximum number of branches",
        || fill_before_it_is_current(&Outcomes::default()),
    );
}

#[test]
fn waiting_for_another_segment_alone_is_rejected() {
    // Claim: a thread that waits after a stale claim sees that its own segment is the one that takes claims
    // now.
    rejected(
        PREEMPTIONS,
        Some(Mutant::IngressTailUnseen),
        "Model exceeded maximum number of branches",
        || fill_before_it_is_current(&Outcomes::default()),
    );
}

/// Reads, and sleeps between two reads, until there are this many numbers and letters.
fn receive(reader: &mut Reader, receiver: &mut InboxReceiver<Letter>, wanted: usize) -> Vec<u64> {
    let mut got = Vec::new();
    loop {
        got.extend(read(reader));
        let letters = receiver.take().flat_map(|letter| letter.read());
        got.extend(letters.map(u64::from));
        if got.len() >= wanted {
            return got;
        }
        if reader.fall_asleep() {
            receiver.park(None);
            reader.wake_up();
        }
    }
}

fn sleep_until_all_is_there() {
    let (ingress, mut reader, mut receiver) = an_open_ingress();
    // Half of the segment is used up: one of the coming claims closes it.
    assert!(put(&ingress, 30));
    assert_eq!(read(&mut reader), [30]);
    let one = post(&ingress, [10]);
    let two = post(&ingress, [20]);

    let mut got = receive(&mut reader, &mut receiver, 2);
    one.join().unwrap();
    two.join().unwrap();
    got.sort_unstable();
    assert_eq!(got, [10, 20]);
}

#[test]
fn no_wake_up_is_lost() {
    // Claim: a claim that finds the reader asleep, or about to sleep, wakes it.
    explore(2, sleep_until_all_is_there);
}

#[test]
fn sleeping_without_comparing_is_rejected() {
    // Claim: the reader may sleep only if the same step has shown that nothing was claimed.
    rejected(
        PREEMPTIONS,
        Some(Mutant::IngressSleepUnseen),
        "deadlock",
        sleep_until_all_is_there,
    );
}

fn sleep_at_the_end_of_a_segment() {
    let (ingress, mut reader, mut receiver) = an_open_ingress();
    assert!(put(&ingress, 30) && put(&ingress, 31));
    assert_eq!(read(&mut reader), [30, 31]);
    let one = post(&ingress, [10]);
    assert_eq!(receive(&mut reader, &mut receiver, 1), [10]);
    one.join().unwrap();
}

#[test]
fn a_claim_that_closes_the_segment_wakes_as_well() {
    // Claim: a claim that finds the reader asleep owes it a wake-up, wherever it commits in the end.
    explore(PREEMPTIONS, sleep_at_the_end_of_a_segment);
}

#[test]
fn forgetting_to_wake_after_closing_a_segment_is_rejected() {
    // Claim: no other thread wakes the reader for the claim that closes its segment.
    rejected(
        PREEMPTIONS,
        Some(Mutant::IngressWakeForgotten),
        "deadlock",
        sleep_at_the_end_of_a_segment,
    );
}

fn sleep_on_both() {
    let tally = Tally::default();
    let (sender, mut receiver) = inbox();
    let (ingress, mut reader) = ingress(receiver.unparker().clone());
    let one = post(&ingress, [10]);
    let two = {
        let letter = Letter::of(&[20], &tally);
        thread::spawn(move || assert!(sender.push(letter).is_ok()))
    };
    let mut got = receive(&mut reader, &mut receiver, 2);
    one.join().unwrap();
    two.join().unwrap();
    got.sort_unstable();
    assert_eq!(got, [10, 20]);
    assert_eq!(tally.alive(), 0);
}

#[test]
fn a_worker_that_sleeps_is_woken_by_its_inbox_and_by_its_ingress() {
    // Claim: a reader that sleeps on both is woken by a write to either.
    explore(PREEMPTIONS, sleep_on_both);
}

fn close_under_claims(outcomes: &Outcomes) {
    let (ingress, mut reader, _receiver) = an_open_ingress();
    let one = post(&ingress, [10, 11]);
    let two = post(&ingress, [20]);

    let mark = reader.close();
    let mut got = Vec::new();
    while reader.wait_before(mark) {
        got.extend(get(&mut reader, |_| 2));
    }
    assert!(!put(&ingress, 30), "it is closed");
    let (one, two) = (one.join().unwrap(), two.join().unwrap());

    outcomes.note("all were taken", got.len() == 3);
    outcomes.note("none was taken", got.is_empty());
    assert_eq!(of_writer(&got, 10), one);
    assert_eq!(of_writer(&got, 20), two);
    assert_eq!(
        one,
        [10, 11][..one.len()],
        "a later one is not taken before"
    );
    assert_eq!(read(&mut reader), [0; 0]);
}

#[test]
fn a_close_leaves_no_claim_behind() {
    // Claim: what was claimed before a close is read, and later claims are refused.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || close_under_claims(&outcomes));
    assert_eq!(reached.seen(), ["all were taken", "none was taken"]);
}

#[test]
fn closing_without_waiting_is_rejected() {
    // Claim: closing waits for a claim that is not committed yet.
    rejected(
        PREEMPTIONS,
        Some(Mutant::IngressCloseUnwaited),
        "assertion `left == right` failed",
        || close_under_claims(&Outcomes::default()),
    );
}
