//! A feeder: the actor that sends its share of the flights, one on each worker.
//!
//! Workers send to each other in batches, and to their own actors without any atomic. So flights that start
//! on the workers travel far faster than flights that a thread outside sends one by one.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use nexus_actors::prelude::*;

use crate::airport::AirportMessage;
use crate::network::Leg;

/// Flights that all feeders together may have sent but not seen handled; see [`chunk`].
const UNDER_WAY: usize = 32_768;
/// The smallest chunk that is worth a wait for every airport.
const LEAST_CHUNK: usize = 1_024;

/// Far longer than any chunk takes, even with many more workers than cores.
const PATIENCE: Duration = Duration::from_secs(120);

/// The order to send the feeder's share this many times.
pub(crate) struct Feed {
    pub(crate) times: usize,
    /// Receives the number of flights of each chunk, once their airports have counted them.
    pub(crate) progress: mpsc::Sender<u64>,
    pub(crate) done: Reply<()>,
}

/// Makes the props of a feeder.
pub(crate) fn feeder(
    share: Arc<[Leg]>,
    airports: Arc<[ActorRef<AirportMessage>]>,
    feeders: usize,
) -> Props<Feed> {
    Props::from_actor(move || Feeder {
        share: Arc::clone(&share),
        airports: Arc::clone(&airports),
        chunk: chunk(feeders),
    })
}

/// Returns how many flights a feeder sends before it waits for the airports.
///
/// `tell` never blocks and mailboxes have no bound. A feeder that never waited would fill the memory: its
/// handler holds its own worker, whose airports could not handle anything meanwhile, and the other workers'
/// mailboxes grow wherever it is faster than they are. The bound also pays: mail that is handled while it
/// is still in the cache is handled some three times as fast as mail that has piled up by the million.
fn chunk(feeders: usize) -> usize {
    (UNDER_WAY / feeders).max(LEAST_CHUNK)
}

struct Feeder {
    share: Arc<[Leg]>,
    airports: Arc<[ActorRef<AirportMessage>]>,
    chunk: usize,
}

impl Actor for Feeder {
    type Message = Feed;

    fn receive(&mut self, _ctx: &mut Context<'_, Feed>, feed: Feed) -> HandlerResult<Feed> {
        let all = self.share.len() * feed.times;
        let mut legs = self.share.iter().cycle().take(all);
        loop {
            let sent = self.send(legs.by_ref().take(self.chunk));
            if sent == 0 {
                break;
            }
            self.wait_until_handled()?;
            // Whether the progress is read at all is not the feeder's concern.
            let _ = feed.progress.send(sent);
        }
        feed.done.send(());
        Ok(Next::Same)
    }
}

impl Feeder {
    fn send<'a>(&self, legs: impl Iterator<Item = &'a Leg>) -> u64 {
        let mut sent = 0;
        for leg in legs {
            let [origin, destination] = [leg.origin, leg.destination];
            self.airports[origin as usize].tell(AirportMessage::Departure(leg.flight));
            self.airports[destination as usize].tell(AirportMessage::Arrival(leg.flight));
            sent += 1;
        }
        sent
    }

    /// Asks every airport a question that comes after the flights just sent to it: messages from one sender
    /// arrive in the order sent, so its answer says that they have been handled. All are asked before the
    /// first is waited for, and only this actor waits: its worker handles flights meanwhile.
    fn wait_until_handled(&self) -> Result<(), AskError> {
        let ask = |airport: &ActorRef<_>| airport.ask(AirportMessage::CaughtUp, PATIENCE);
        let asked: Vec<Ask<()>> = self.airports.iter().map(ask).collect();
        asked.into_iter().try_for_each(Ask::wait)
    }
}
