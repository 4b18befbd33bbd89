//! Bounded mailboxes: rows 3.1 to 3.4 of the contract, in simulation under many interleavings, and
//! under pools of threads.

mod backpressure;
mod bound;
mod faults;
mod threads;

use crate::common::{LONG, SECOND, SEEDS};
use nexus_actors::SendError;
use nexus_actors::actor::TellError;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const STRATEGIES: [Overflow; 4] = [
    Overflow::DropNewest,
    Overflow::DropOldest,
    Overflow::Backpressure,
    Overflow::Fail,
];

fn bounded(capacity: usize, overflow: Overflow) -> Mailbox {
    Mailbox::bounded(capacity, overflow).unwrap()
}

/// The numbers that an actor has handled, in order.
type Handled = Arc<Mutex<Vec<u64>>>;

fn handled(log: &Handled) -> Vec<u64> {
    log.lock().unwrap().clone()
}

/// Records the numbers, and checks that the mailbox never exceeds its bound.
fn sink(capacity: usize, overflow: Overflow, pause: Duration) -> (Props<u64>, Handled) {
    let log = Handled::default();
    let written = Arc::clone(&log);
    let props = Props::new(move || {
        let log = Arc::clone(&written);
        Behavior::receive(move |ctx, number: u64| {
            assert!(ctx.mailbox_len() <= capacity, "the mailbox is too full");
            log.lock().unwrap().push(number);
            if !pause.is_zero() {
                ctx.sleep(pause)?;
                assert!(ctx.mailbox_len() <= capacity, "the mailbox is too full");
            }
            Ok(())
        })
    });
    (props.mailbox(bounded(capacity, overflow)), log)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Tell,
    TryTell,
    Send,
    SendTimeout(Duration),
}

/// Sends a number, and returns the outcome. A message that is returned must be the one that was sent.
fn send(way: Way, to: ActorRef<u64>, number: u64) -> String {
    let (text, back) = match way {
        Way::Tell => {
            to.tell(number);
            return "Ok(())".to_owned();
        }
        Way::TryTell => {
            let result = to.try_tell(number);
            (
                format!("{result:?}"),
                result.err().map(TellError::into_message),
            )
        }
        Way::Send => {
            let result = to.send(number);
            (
                format!("{result:?}"),
                result.err().map(SendError::into_message),
            )
        }
        Way::SendTimeout(time) => {
            let result = to.send_timeout(number, time);
            (
                format!("{result:?}"),
                result.err().map(SendError::into_message),
            )
        }
    };
    assert!(
        back.is_none_or(|back| back == number),
        "another message was given back"
    );
    text
}

/// Sends numbers one after the other, and answers with the outcome of each.
struct Deal(Way, ActorRef<u64>, Vec<u64>, Reply<Vec<String>>);

fn dealer() -> Props<Deal> {
    Props::new(|| {
        Behavior::receive(|_ctx, Deal(way, to, numbers, reply)| {
            let results = numbers.iter().map(|number| send(way, to, *number));
            reply.send(results.collect());
        })
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    SameWorker,
    OtherWorker,
    Outside,
}

const PLACES: [Place; 3] = [Place::SameWorker, Place::OtherWorker, Place::Outside];

/// Sends numbers from a place to an actor of worker 0.
fn deal(
    sim: &mut Sim,
    dealers: &[ActorRef<Deal>],
    place: Place,
    way: Way,
    to: ActorRef<u64>,
    numbers: Vec<u64>,
) -> Vec<String> {
    let dealer = match place {
        Place::SameWorker => dealers[0],
        Place::OtherWorker => dealers[1],
        Place::Outside => {
            return numbers
                .iter()
                .map(|number| send(way, to, *number))
                .collect();
        }
    };
    let asked = dealer.ask(|reply| Deal(way, to, numbers, reply), LONG);
    sim.run_until(asked).unwrap()
}

/// Starts the dealer of that number: on worker 0 if it is even, on worker 1 if it is odd.
fn start_dealer(sim: &mut Sim, number: u64) -> ActorRef<Deal> {
    let name = format!("dealer-{number}");
    sim.spawn_on(number as usize % 2, &name, dealer()).unwrap()
}

/// One dealer on each worker.
fn dealers(sim: &mut Sim) -> Vec<ActorRef<Deal>> {
    (0..2).map(|number| start_dealer(sim, number)).collect()
}

fn suspended(sim: &mut Sim, name: &str, props: Props<u64>) -> ActorRef<u64> {
    let actor = sim.spawn_on(0, name, props).unwrap();
    actor.suspend();
    sim.run_until_idle();
    actor
}

/// Checks that each sender's numbers came in order, each once. A sender's index is the thousands of
/// its numbers.
fn assert_in_order(numbers: &[u64], senders: u64, each: u64) {
    for sender in 0..senders {
        let own = |number: &&u64| **number / 1000 == sender;
        let own: Vec<u64> = numbers
            .iter()
            .filter(own)
            .map(|number| number % 1000)
            .collect();
        assert_eq!(own, (0..each).collect::<Vec<_>>(), "sender {sender}");
    }
}
