//! A waiter in the queue receives the permit that becomes free, wherever it does, and none waits for ever.

#![cfg(nexus_loom)]

use loom::sync::Arc;
use loom::thread;
use nexus_actors::model::{
    Gate, GateOwner, Inbox, InboxReceiver, Mutant, Permit, WaitQueue, inbox, once, oneshot,
};
use nexus_loom_tests::{Letter, Outcomes, Tally, explore, rejected};

const PREEMPTIONS: usize = 3;

/// The messages to the owner.
const ROOM_IS_FREE: u32 = 0;
const ONE_WAITS: u32 = 1;
const TWO_WAIT: u32 = 2;

/// A gate with one permit, and the way to its owner.
struct Door {
    gate: Gate,
    owner: Inbox<Letter>,
    tally: Tally,
}

impl Door {
    fn tell(&self, what: u32) {
        let told = self.owner.push(Letter::of(&[what], &self.tally));
        assert!(told.is_ok(), "it is open");
    }
}

impl GateOwner for Door {
    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn notify_owner(&self) {
        self.tell(ROOM_IS_FREE);
    }
}

type Grant = once::Sender<Permit<Door>>;

/// The owner of a door.
struct Owner {
    door: Arc<Door>,
    letters: InboxReceiver<Letter>,
    line: WaitQueue<Grant>,
    /// The grants of those that are about to wait.
    to_come: Vec<Grant>,
    given: usize,
}

impl Owner {
    /// As `queueing.rs` does it.
    fn serve(&mut self) {
        if !self.line.begin_to_serve() {
            return;
        }
        while let Some(grant) = self.line.next(&self.door.gate) {
            let room = Permit::of(Arc::clone(&self.door));
            drop(grant.send(room));
            self.given += 1;
        }
        self.line.has_served();
    }

    /// Reads the messages that have come, and sleeps if there are none, until this many have received room
    /// and the owner is told of no more.
    fn work_until(&mut self, given: usize) {
        loop {
            let letters: Vec<_> = self
                .letters
                .take()
                .flat_map(|letter| letter.read())
                .collect();
            for letter in letters {
                for _ in 0..letter {
                    let grant = self.to_come.pop().expect("somebody comes");
                    // Each has a ticket of its own.
                    let ticket = self.to_come.len() as u64;
                    self.line.join(&self.door.gate, ticket, grant);
                }
                self.serve();
            }
            if self.given == given {
                return;
            }
            self.letters.park(None);
        }
    }
}

/// Makes a door whose only permit is taken, with its owner, and this many future waiters.
fn a_full_door(waiters: usize) -> (Owner, Permit<Door>, Vec<once::Receiver<Permit<Door>>>) {
    let (inbox, letters) = inbox();
    let door = Arc::new(Door {
        gate: Gate::new(1),
        owner: inbox,
        tally: Tally::default(),
    });
    assert_eq!(door.gate.enter(), Ok(()));
    let room = Permit::of(Arc::clone(&door));
    let (to_come, waiting) = (0..waiters).map(|_| oneshot()).unzip();
    let owner = Owner {
        door,
        letters,
        line: WaitQueue::default(),
        to_come,
        given: 0,
    };
    (owner, room, waiting)
}

/// One thread returns a permit while another one joins the queue; that one returns it as well.
fn one_waits_in_line(outcomes: &Outcomes) {
    let (mut owner, room, mut waiting) = a_full_door(1);
    let leaves = thread::spawn(move || drop(room));
    let waits = {
        let (door, room) = (Arc::clone(&owner.door), waiting.pop().unwrap());
        thread::spawn(move || {
            door.tell(ONE_WAITS);
            let room = room.recv(None).expect("room is given");
            drop(room);
        })
    };
    owner.work_until(1);
    leaves.join().unwrap();
    waits.join().unwrap();
    let late = owner.letters.take().count();
    outcomes.note("told of room that nobody wants", late > 0);
    outcomes.note("told in time, or not at all", late == 0);
    owner.serve();
    assert_eq!(owner.door.gate.taken(), 0, "a place was lost or made");
    assert_eq!(
        owner.door.gate.enter(),
        Ok(()),
        "nobody waits, and yet nobody is let in"
    );
}

#[test]
fn whoever_waits_is_given_the_place_that_comes_free() {
    // Claim: wherever a permit is returned, the waiter receives it; then newcomers are admitted again.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || one_waits_in_line(&outcomes));
    assert_eq!(
        reached.seen(),
        [
            "told in time, or not at all",
            "told of room that nobody wants"
        ]
    );
}

fn is_rejected(mutant: Mutant, complaint: &str) {
    rejected(PREEMPTIONS, Some(mutant), complaint, || {
        one_waits_in_line(&Outcomes::default());
    });
}

#[test]
fn marking_the_gate_after_a_try_to_enter_is_rejected() {
    // Claim: a thread that leaves between the try and the mark would tell no owner.
    is_rejected(Mutant::LineMarkedLate, "deadlock");
}

#[test]
fn giving_room_back_without_a_word_is_rejected() {
    // Claim: the owner does not check by itself whether there is room.
    is_rejected(Mutant::RoomUntold, "deadlock");
}

#[test]
fn leaving_the_mark_when_nobody_waits_is_rejected() {
    // Claim: the mark keeps newcomers out.
    is_rejected(
        Mutant::LineMarkKept,
        "nobody waits, and yet nobody is let in",
    );
}

/// Two wait at once for a permit that another thread holds, and each returns it.
fn two_wait_in_line() {
    let (mut owner, room, mut waiting) = a_full_door(2);
    let leaves = thread::spawn(move || drop(room));
    let wait = {
        let door = Arc::clone(&owner.door);
        thread::spawn(move || {
            door.tell(TWO_WAIT);
            // The last one has joined first.
            while let Some(room) = waiting.pop() {
                drop(room.recv(None).expect("room is given"));
            }
        })
    };
    owner.work_until(2);
    leaves.join().unwrap();
    wait.join().unwrap();
    drop(owner.letters.take());
    owner.serve();
    assert_eq!(owner.door.gate.taken(), 0, "a place was lost or made");
    assert_eq!(owner.door.gate.enter(), Ok(()));
}

#[test]
fn two_who_wait_are_given_the_place_one_after_the_other() {
    // Claim: the mark stays while there is a waiter, so the first one tells the owner when it leaves.
    explore(PREEMPTIONS, two_wait_in_line);
}

#[test]
fn taking_the_mark_away_while_somebody_waits_is_rejected() {
    // Claim: a thread that leaves would tell no owner.
    rejected(
        PREEMPTIONS,
        Some(Mutant::LineUnmarkedEarly),
        "deadlock",
        two_wait_in_line,
    );
}
