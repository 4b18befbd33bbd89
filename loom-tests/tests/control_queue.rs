//! An order is neither lost nor slept over, and keeps its place before or behind the mail.

#![cfg(nexus_loom)]

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use nexus_actors::model::{ControlQueue, Inbox, InboxReceiver, Mutant, inbox};
use nexus_loom_tests::{Letter, Outcomes, Tally, explore, rejected};

const PREEMPTIONS: usize = 3;

/// The number in a letter that is only a nudge.
const NUDGE: u32 = 0;

/// A thread that gives orders and sends mail.
struct Giver {
    orders: Arc<ControlQueue<u32>>,
    inbox: Inbox<Letter>,
    tally: Tally,
}

impl Giver {
    fn order(&self, number: u32) {
        self.orders.give(number, || self.send(NUDGE));
    }

    fn send(&self, number: u32) {
        let pushed = self.inbox.push(Letter::of(&[number], &self.tally));
        assert!(pushed.is_ok(), "it is open");
    }
}

/// The receiver of orders, with an inbox.
struct Worker {
    orders: Arc<ControlQueue<u32>>,
    receiver: InboxReceiver<Letter>,
    inbox: Inbox<Letter>,
    tally: Tally,
}

impl Worker {
    fn new() -> Self {
        let (inbox, receiver) = inbox();
        Self {
            orders: Arc::new(ControlQueue::default()),
            receiver,
            inbox,
            tally: Tally::default(),
        }
    }

    fn with(&self, gives: impl FnOnce(&Giver) + 'static) -> JoinHandle<()> {
        let giver = Giver {
            orders: Arc::clone(&self.orders),
            inbox: self.inbox.clone(),
            tally: self.tally.clone(),
        };
        thread::spawn(move || gives(&giver))
    }
}

fn mail(receiver: &mut InboxReceiver<Letter>) -> impl Iterator<Item = u32> {
    receiver
        .take()
        .flat_map(|letter| letter.read())
        .filter(|number| *number != NUDGE)
}

/// Two threads give an order each to a worker that sleeps as soon as it has nothing to do. It checks for
/// orders before that, unless it `sleeps_over` them.
fn two_give_orders(sleeps_over: bool, outcomes: &Outcomes) {
    let mut worker = Worker::new();
    let one = worker.with(|giver| giver.order(10));
    let two = worker.with(|giver| giver.order(20));

    let mut got = Vec::new();
    loop {
        let receiver = &mut worker.receiver;
        let orders = worker.orders.take_before(|_| drop(receiver.take()));
        outcomes.note("both at once", orders.len() == 2);
        got.extend(orders);
        if got.len() == 2 {
            break;
        }
        if sleeps_over || !worker.orders.any() {
            worker.receiver.park(None);
        } else {
            outcomes.note("not slept over", true);
        }
    }
    one.join().unwrap();
    two.join().unwrap();
    got.sort_unstable();
    assert_eq!(got, [10, 20]);
    assert!(worker.orders.take().is_empty());
    drop(worker.receiver.close());
    assert_eq!(worker.tally.alive(), 0);
}

#[test]
fn no_order_is_lost_or_slept_over() {
    // Claim: each order is followed once, and the worker does not sleep before it is.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || two_give_orders(false, &outcomes));
    assert_eq!(reached.seen(), ["both at once", "not slept over"]);
}

fn is_rejected(mutant: Mutant) {
    rejected(PREEMPTIONS, Some(mutant), "deadlock", || {
        two_give_orders(false, &Outcomes::default());
    });
}

#[test]
fn clearing_the_flag_after_the_list_is_rejected() {
    // Claim: a thread that adds to a list that was just emptied must not have its flag cleared.
    is_rejected(Mutant::OrdersClearedLate);
}

#[test]
fn setting_the_flag_before_the_order_is_rejected() {
    // Claim: a worker that finds the flag set must find the order.
    is_rejected(Mutant::OrderFlaggedEarly);
}

#[test]
fn nudging_before_the_order_is_rejected() {
    // Claim: a worker that has received the nudge must find the order.
    is_rejected(Mutant::OrderNudgedEarly);
}

#[test]
fn sleeping_without_looking_for_orders_is_rejected() {
    // Claim: the nudge may be taken in by a tick that checked for orders before; it does not come again.
    rejected(PREEMPTIONS, None, "deadlock", || {
        two_give_orders(true, &Outcomes::default());
    });
}

/// A thread sends something, and gives an order behind it.
fn order_behind_mail(outcomes: &Outcomes) {
    let mut worker = Worker::new();
    let giver = worker.with(|giver| {
        giver.send(10);
        giver.order(20);
    });
    let mut got = Vec::new();
    loop {
        let (receiver, got) = (&mut worker.receiver, &mut got);
        let mut told = None;
        let orders = worker.orders.take_before(|ordered| {
            told = Some(ordered);
            got.extend(mail(receiver));
        });
        if !orders.is_empty() {
            assert_eq!(orders, [20]);
            assert_eq!(told, Some(true), "the mail was not taken in for an order");
            assert_eq!(*got, [10], "the order has overtaken the mail");
            break;
        }
        outcomes.note("the mail alone", !got.is_empty());
        if !worker.orders.any() {
            worker.receiver.park(None);
        }
    }
    giver.join().unwrap();
}

#[test]
fn an_order_behind_the_mail_does_not_overtake_it() {
    // Claim: when an order is to be followed, what its giver sent before has been taken in.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || order_behind_mail(&outcomes));
    assert_eq!(reached.seen(), ["the mail alone"]);
}

#[test]
fn taking_orders_behind_the_mail_is_rejected() {
    // Claim: both may arrive between the mail and the orders.
    rejected(
        PREEMPTIONS,
        Some(Mutant::OrdersTakenBehindMail),
        "the order has overtaken the mail",
        || order_behind_mail(&Outcomes::default()),
    );
}

/// A thread gives an order ahead of what it sends next; another one gives an order as well.
fn order_ahead_of_mail(outcomes: &Outcomes) {
    let mut worker = Worker::new();
    let one = worker.with(|giver| {
        giver.order(10);
        giver.send(11);
    });
    let two = worker.with(|giver| giver.order(20));
    let (mut followed, mut handled) = (Vec::new(), Vec::new());
    while followed.len() + handled.len() < 3 {
        let (receiver, handled) = (&mut worker.receiver, &mut handled);
        let orders = worker.orders.take_around(|| handled.extend(mail(receiver)));
        followed.extend(orders);
        let ahead = followed.contains(&10);
        assert!(
            ahead || handled.is_empty(),
            "the mail has overtaken the order"
        );
        outcomes.note("the order alone", ahead && handled.is_empty());
        outcomes.note("the order with the mail", ahead && !handled.is_empty());
        if !worker.orders.any() && followed.len() + handled.len() < 3 {
            worker.receiver.park(None);
        }
    }
    one.join().unwrap();
    two.join().unwrap();
    followed.sort_unstable();
    assert_eq!(followed, [10, 20]);
    assert_eq!(handled, [11]);
}

#[test]
fn mail_does_not_overtake_an_order_ahead_of_it() {
    // Claim: when mail is to be handled, what its sender ordered before has been followed.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(2, move || order_ahead_of_mail(&outcomes));
    assert_eq!(
        reached.seen(),
        ["the order alone", "the order with the mail"]
    );
}

#[test]
fn not_looking_for_orders_after_the_mail_is_rejected() {
    // Claim: both may arrive between the check for orders and that for mail.
    rejected(
        PREEMPTIONS,
        Some(Mutant::OrdersUnseenAfterMail),
        "the mail has overtaken the order",
        || order_ahead_of_mail(&Outcomes::default()),
    );
}
