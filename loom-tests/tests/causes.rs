//! What an outside thread has sent to a worker is there before anything that another worker sends it because
//! of the thread's next message, though the two arrive by different queues.

#![cfg(nexus_loom)]

use loom::thread;
use nexus_actors::model::{InboxReceiver, Ingress, Reader, inbox, ingress};
use nexus_loom_tests::{Letter, Outcomes, Tally, explore, rejected};
use std::ptr::NonNull;

const PREEMPTIONS: usize = 3;

#[allow(unsafe_code)]
fn put(ingress: &Ingress, number: u64) {
    let claim = ingress.claim(2).expect("it is open");
    claim.write(1, number);
    // SAFETY: the entry is written, as far as the reader reads it.
    unsafe { claim.commit(0, NonNull::dangling()) };
    claim.finish();
}

/// What a worker takes in: batches, and the posts of outside threads.
struct LaneEnd {
    receiver: InboxReceiver<Letter>,
    reader: Reader,
}

impl LaneEnd {
    #[allow(unsafe_code)]
    fn get(&mut self) -> Option<u64> {
        let number = self.reader.peek(1)?;
        // SAFETY: the entry has two words, and its number was read.
        unsafe { self.reader.advance(2) };
        Some(number)
    }

    /// As `pool/transport.rs` does it: the position up to which to read before the batches is taken after the
    /// batches were, unless `too_early`.
    fn take_in(&mut self, too_early: bool, got: &mut Vec<u64>) {
        let early = self.reader.mark();
        let batches = self.receiver.take();
        let mark = if too_early { early } else { self.reader.mark() };
        while self.reader.wait_before(mark) {
            got.extend(self.get());
        }
        let numbers = batches.flat_map(|letter| letter.read());
        got.extend(numbers.map(u64::from));
    }

    fn park(&mut self) {
        if self.reader.fall_asleep() {
            self.receiver.park(None);
            self.reader.wake_up();
        }
    }
}

/// A thread sends 10 to a worker, and then 20 to another one, which sends 30 to the first one because of that.
fn one_causes_another(too_early: bool, outcomes: &Outcomes) {
    let tally = Tally::default();
    let lane = || {
        let (inbox, receiver) = inbox();
        let (ingress, reader) = ingress(receiver.unparker().clone());
        (inbox, ingress, LaneEnd { receiver, reader })
    };
    let (inbox, first, mut end) = lane();
    let (_, second, mut other_end) = lane();
    let outside = thread::spawn(move || {
        put(&first, 10);
        put(&second, 20);
    });
    let other = {
        let tally = tally.clone();
        thread::spawn(move || {
            while other_end.get().is_none() {
                other_end.park();
            }
            assert!(inbox.push(Letter::of(&[30], &tally)).is_ok());
        })
    };
    let mut got = Vec::new();
    loop {
        end.take_in(too_early, &mut got);
        if got.contains(&30) {
            break;
        }
        outcomes.note("one by one", !got.is_empty());
        end.park();
    }
    outside.join().unwrap();
    other.join().unwrap();
    assert_eq!(got, [10, 30], "the cause came after the effect");
    assert_eq!(tally.alive(), 0);
    outcomes.note("both", true);
}

#[test]
fn what_caused_a_batch_is_read_before_it() {
    // Claim: a reader that has taken a batch finds claimed what was posted before the cause of the batch.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || one_causes_another(false, &outcomes));
    assert_eq!(reached.seen(), ["both", "one by one"]);
}

#[test]
fn looking_how_far_to_read_before_the_batches_are_taken_is_rejected() {
    // Claim: both may arrive between the two steps.
    rejected(PREEMPTIONS, None, "the cause came after the effect", || {
        one_causes_another(true, &Outcomes::default());
    });
}
