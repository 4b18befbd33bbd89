//! Every worker of a pool ends, whether all of them have started or not, and silently loses nothing that was
//! sent to it until then.

#![cfg(nexus_loom)]

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use nexus_actors::model::{
    ControlQueue, Inbox, InboxReceiver, Ingress, Mutant, Quorum, Reader, inbox, ingress,
};
use nexus_loom_tests::{Letter, Outcomes, Tally, explore, rejected};
use std::ptr::NonNull;

const PREEMPTIONS: usize = 2;

const WORKERS: usize = 2;

#[derive(Clone, Copy, PartialEq)]
enum Order {
    ShutDown,
    Close,
}

/// What the workers share.
struct Pool {
    orders: [ControlQueue<Order>; WORKERS],
    /// Through these the workers send to each other.
    inboxes: Vec<Inbox<Letter>>,
    /// Through these they are nudged.
    ingresses: Vec<Ingress>,
    quiet: Quorum,
    tally: Tally,
}

/// A worker's ends of the two.
struct End {
    receiver: InboxReceiver<Letter>,
    reader: Reader,
}

impl Pool {
    fn new() -> (Arc<Self>, Vec<End>) {
        let (mut inboxes, mut ingresses, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..WORKERS {
            let (inbox, receiver) = inbox();
            let (ingress, reader) = ingress(receiver.unparker().clone());
            inboxes.push(inbox);
            ingresses.push(ingress);
            ends.push(End { receiver, reader });
        }
        let pool = Self {
            orders: [ControlQueue::default(), ControlQueue::default()],
            inboxes,
            ingresses,
            quiet: Quorum::default(),
            tally: Tally::default(),
        };
        (Arc::new(pool), ends)
    }

    /// Sends a number. Returns whether it was accepted.
    fn send(&self, to: usize, number: u32) -> bool {
        self.inboxes[to]
            .push(Letter::of(&[number], &self.tally))
            .is_ok()
    }

    #[allow(unsafe_code)]
    fn nudge(&self, worker: usize) {
        // If the worker has ended, none is left to nudge.
        if let Ok(claim) = self.ingresses[worker].claim(2) {
            // SAFETY: the entry is empty.
            unsafe { claim.commit(0, NonNull::dangling()) };
            claim.finish();
        }
    }

    fn order_all(&self, order: Order) {
        for worker in 0..WORKERS {
            self.orders[worker].give(order, || self.nudge(worker));
        }
    }

    /// As `Ending::one_more_is_quiet` in `worker/ending.rs`.
    fn one_more_is_quiet(&self) {
        if self.quiet.one_more(WORKERS) {
            self.order_all(Order::Close);
        }
    }
}

/// What a worker has done with the numbers that were sent to it.
#[derive(Default)]
struct Ended {
    handled: Vec<u32>,
    lost: Vec<u32>,
}

impl End {
    fn take_in(&mut self, handled: &mut Vec<u32>) {
        handled.extend(self.receiver.take().flat_map(|letter| letter.read()));
        self.skip_nudges();
    }

    #[allow(unsafe_code)]
    fn skip_nudges(&mut self) {
        while self.reader.peek(1).is_some() {
            // SAFETY: a nudge has two words.
            unsafe { self.reader.advance(2) };
        }
    }

    fn park(&mut self) {
        if self.reader.fall_asleep() {
            self.receiver.park(None);
            self.reader.wake_up();
        }
    }

    fn close(&mut self, lost: &mut Vec<u32>) {
        lost.extend(self.receiver.close().flat_map(|letter| letter.read()));
        let mark = self.reader.close();
        while self.reader.wait_before(mark) {
            self.skip_nudges();
        }
    }
}

/// As `Worker::tick` and its driver do it, for a worker without actors.
fn work(pool: &Pool, index: usize, mut end: End, sends: Option<u32>) -> Ended {
    let orders = &pool.orders[index];
    let mut ended = Ended::default();
    loop {
        for order in orders.take_before(|_| end.take_in(&mut ended.handled)) {
            if order == Order::Close {
                end.close(&mut ended.lost);
                return ended;
            }
            if let Some(number) = sends {
                assert!(pool.send(1 - index, number), "nobody closes yet");
            }
            pool.one_more_is_quiet();
        }
        if !orders.any() {
            end.park();
        }
    }
}

fn start(pool: &Arc<Pool>, index: usize, end: End, sends: Option<u32>) -> JoinHandle<Ended> {
    let pool = Arc::clone(pool);
    thread::spawn(move || work(&pool, index, end, sends))
}

/// Both workers start, and are ordered to shut down. The first one sends something to the other one before it
/// is quiet.
fn both_end() {
    let (pool, ends) = Pool::new();
    let mut ends = ends.into_iter();
    pool.order_all(Order::ShutDown);
    let one = start(&pool, 0, ends.next().unwrap(), Some(10));
    let two = start(&pool, 1, ends.next().unwrap(), None);
    one.join().unwrap();
    let two = two.join().unwrap();
    assert_eq!(two.handled, [10], "what was sent in time was lost");
    assert!(two.lost.is_empty());
    assert_eq!(pool.tally.alive(), 0);
}

#[test]
fn all_workers_end_and_what_they_sent_before_is_handled() {
    // Claim: the last one to be quiet orders all to close, behind what all have sent until then.
    explore(PREEMPTIONS, both_end);
}

#[test]
fn counting_by_a_store_is_rejected() {
    // Claim: one of the two is the last; otherwise no worker orders them to close.
    rejected(
        PREEMPTIONS,
        Some(Mutant::QuorumCountedByStore),
        "deadlock",
        both_end,
    );
}

#[test]
fn counting_without_acquire_and_release_is_rejected() {
    // Claim: the order to close comes behind what the others have sent before they were quiet.
    rejected(
        PREEMPTIONS,
        Some(Mutant::QuorumRelaxed),
        "what was sent in time was lost",
        both_end,
    );
}

/// The second worker could not be started. The thread that starts the workers counts it, unless `forgotten`,
/// and has the first one end.
fn one_does_not_start(forgotten: bool, outcomes: &Outcomes) {
    let (pool, ends) = Pool::new();
    let mut ends = ends.into_iter();
    let one = start(&pool, 0, ends.next().unwrap(), None);
    drop(ends);
    if !forgotten {
        pool.one_more_is_quiet();
    }
    let sends = {
        let pool = Arc::clone(&pool);
        thread::spawn(move || [10, 20].map(|number| pool.send(0, number)))
    };
    pool.order_all(Order::ShutDown);
    let ended = one.join().unwrap();
    let taken = sends.join().unwrap();

    let numbers = [10, 20].into_iter().zip(taken);
    let taken: Vec<u32> = numbers.filter(|it| it.1).map(|it| it.0).collect();
    assert_eq!([&ended.handled[..], &ended.lost].concat(), taken);
    outcomes.note("handled", !ended.handled.is_empty());
    outcomes.note("lost", !ended.lost.is_empty());
    outcomes.note("refused", taken.len() < 2);
    assert_eq!(pool.tally.alive(), 0);
}

#[test]
fn a_worker_ends_though_another_one_has_not_started() {
    // Claim: no worker waits for one that is not there. What is sent meanwhile is handled, lost or refused,
    // as its sender, or the worker that loses it, says.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || one_does_not_start(false, &outcomes));
    assert_eq!(reached.seen(), ["handled", "lost", "refused"]);
}

#[test]
fn not_counting_a_worker_that_is_not_there_is_rejected() {
    // Claim: all workers have to be counted.
    rejected(PREEMPTIONS, None, "deadlock", || {
        one_does_not_start(true, &Outcomes::default());
    });
}
