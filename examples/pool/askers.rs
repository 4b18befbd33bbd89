//! The actors that ask from inside a handler: one for all airports, and one for each busy route.
//!
//! An actor that waits for an answer handles nothing meanwhile, so actors that ask each other in a circle
//! would wait until their time is over. Here only these ask, and only airports are asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nexus_actors::prelude::*;

use crate::airport::{AirportMessage, Totals};

/// How often each of them asks the same, so that the percentiles rest on thousands of asks.
pub(crate) const ROUNDS: usize = 10;

const PATIENCE: Duration = Duration::from_secs(30);

/// The answers of the airports, in the order of the airports, and the latency of each.
pub(crate) struct Answers {
    pub(crate) totals: Vec<Totals>,
    pub(crate) latencies: Vec<Duration>,
}

/// Asks each of the airports for its totals, one after the other. The same code runs in a handler, where
/// only that actor waits, and on a thread outside, where the thread does.
///
/// # Errors
///
/// [`AskError`] if an airport does not answer.
pub(crate) fn ask_each(airports: &[ActorRef<AirportMessage>]) -> Result<Answers, AskError> {
    let mut answers = Answers {
        totals: Vec::new(),
        latencies: Vec::with_capacity(airports.len() * ROUNDS),
    };
    for _ in 0..ROUNDS {
        answers.totals.clear();
        for airport in airports {
            let start = Instant::now();
            let totals = airport.ask(AirportMessage::Totals, PATIENCE).wait()?;
            answers.latencies.push(start.elapsed());
            answers.totals.push(totals);
        }
    }
    Ok(answers)
}

/// Makes the props of an actor that asks those airports each time it is asked itself: all of them for the
/// report, both ends for a route.
pub(crate) fn asker(airports: Arc<[ActorRef<AirportMessage>]>) -> Props<Reply<Answers>> {
    Props::new(move || {
        let airports = Arc::clone(&airports);
        Behavior::receive(move |_ctx, reply: Reply<Answers>| {
            reply.send(ask_each(&airports)?);
            Ok(())
        })
    })
}
