//! Plain threads in front of actors: no `async`, no executor, and no fiber in sight.
//!
//! Producers put parcels on a belt that holds eight, and wait while it is full. The belt asks the scales
//! for the weight of each. The main thread asks for the sum.
//!
//! ```text
//! $ cargo run --example threads
//! parcel 42 weighs 42 kg
//! producer 0 has put 1000 parcels on the belt
//! producer 1 has put 1000 parcels on the belt
//! producer 2 has put 1000 parcels on the belt
//! 3000 parcels weigh 148500 kg
//! the belt has stopped, and the parcel is given back
//! ```

use nexus_actors::SendError;
use nexus_actors::prelude::*;
use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const PRODUCERS: u32 = 3;
const PARCELS: u32 = 1_000;

/// A parcel, by its number, with the reply for its weight.
struct Weigh(u32, Reply<u32>);

enum Belt {
    Parcel(u32),
    /// How many there were, and their total weight.
    Sum(mpsc::Sender<(u32, u32)>),
}

fn scales() -> Props<Weigh> {
    Props::new(|| Behavior::receive(|_ctx, Weigh(parcel, reply)| reply.send(parcel % 100)))
}

fn belt(scales: ActorRef<Weigh>) -> Props<Belt> {
    Props::new(move || {
        Behavior::with_state((0, 0), move |(count, sum), _ctx, message| {
            match message {
                Belt::Parcel(parcel) => {
                    // This handler waits as a thread would, but blocks none.
                    *sum += scales.ask(|reply| Weigh(parcel, reply), SECOND).wait()?;
                    *count += 1;
                }
                Belt::Sum(answer) => answer.send((*count, *sum))?,
            }
            Ok(())
        })
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let pool = WorkerPool::builder().workers(2).start()?;
    let scales = pool.spawn("scales", scales())?;
    let mailbox = Mailbox::bounded(8, Overflow::Backpressure)?;
    let belt = pool.spawn("belt", belt(scales).mailbox(mailbox))?;

    // An ask of an actor that has room for it; its answer is waited for.
    let weight = scales.ask(|reply| Weigh(42, reply), SECOND).wait()?;
    println!("parcel 42 weighs {weight} kg");

    // A reference is sixteen bytes: every thread has a copy.
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            thread::spawn(move || {
                let parcels = (0..PARCELS).map(|parcel| producer * PARCELS + parcel);
                parcels
                    .map(Belt::Parcel)
                    .try_for_each(|parcel| belt.send(parcel))
            })
        })
        .collect();
    for (number, producer) in producers.into_iter().enumerate() {
        producer.join().expect("a producer does not panic")?;
        println!("producer {number} has put {PARCELS} parcels on the belt");
    }

    // A question that waits for room as the parcels do; its answer comes by a channel.
    let (answer, answered) = mpsc::channel();
    belt.send(Belt::Sum(answer))?;
    let (count, sum) = answered.recv()?;
    println!("{count} parcels weigh {sum} kg");

    pool.shutdown(SECOND)?;
    if let Err(SendError::PoolClosed(_)) = belt.send(Belt::Parcel(0)) {
        println!("the belt has stopped, and the parcel is given back");
    }
    Ok(())
}
