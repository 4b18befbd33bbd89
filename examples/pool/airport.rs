//! An airport: the actor that counts its flights. It answers, and never asks.

use nexus_actors::prelude::*;

use crate::flights::{EARLIEST, Flight, LATEST};

/// What an airport is told and asked.
pub(crate) enum AirportMessage {
    Departure(Flight),
    Arrival(Flight),
    /// Answered once everything that came before it has been counted.
    CaughtUp(Reply<()>),
    Totals(Reply<Totals>),
}

/// The totals of an airport's flights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) departures: u64,
    pub(crate) arrivals: u64,
    /// The sum of the delays, in minutes.
    pub(crate) delay: i64,
    /// The sum of the distances, in miles.
    pub(crate) distance: u64,
    /// The least delay that 95 of 100 flights did not exceed.
    pub(crate) p95_delay: i32,
    pub(crate) worst_delay: i32,
}

impl Totals {
    pub(crate) fn flights(&self) -> u64 {
        self.departures + self.arrivals
    }

    pub(crate) fn mean_delay(&self) -> f64 {
        self.delay as f64 / self.flights().max(1) as f64
    }

    /// Returns each field with its name, to compare two totals and show where they differ.
    pub(crate) fn fields(&self) -> [(&'static str, i128); 6] {
        [
            ("departures", self.departures.into()),
            ("arrivals", self.arrivals.into()),
            ("sum of delays", self.delay.into()),
            ("sum of distances", self.distance.into()),
            ("95th percentile", self.p95_delay.into()),
            ("worst delay", self.worst_delay.into()),
        ]
    }
}

/// Makes the props of an airport without flights.
pub(crate) fn airport() -> Props<AirportMessage> {
    Props::from_actor(Airport::new)
}

struct Airport {
    totals: Totals,
    delays: Histogram,
}

impl Airport {
    fn new() -> Self {
        Self {
            totals: Totals::default(),
            delays: Histogram::new(),
        }
    }

    fn count(&mut self, flight: Flight) {
        self.totals.delay += i64::from(flight.delay);
        self.totals.distance += u64::from(flight.distance);
        self.delays.add(flight.delay);
    }
}

impl Actor for Airport {
    type Message = AirportMessage;

    fn receive(
        &mut self,
        _ctx: &mut Context<'_, AirportMessage>,
        message: AirportMessage,
    ) -> HandlerResult<AirportMessage> {
        match message {
            AirportMessage::Departure(flight) => {
                self.totals.departures += 1;
                self.count(flight);
            }
            AirportMessage::Arrival(flight) => {
                self.totals.arrivals += 1;
                self.count(flight);
            }
            AirportMessage::CaughtUp(reply) => reply.send(()),
            AirportMessage::Totals(reply) => reply.send(Totals {
                p95_delay: self.delays.percentile(95),
                worst_delay: self.delays.percentile(100),
                ..self.totals
            }),
        }
        Ok(Next::Same)
    }
}

/// How many flights had each delay. Delays are whole minutes, so its percentiles are exact.
struct Histogram {
    counts: Box<[u64]>,
    total: u64,
    /// The range in use: the other counts are zero.
    first: usize,
    last: usize,
}

impl Histogram {
    fn new() -> Self {
        Self {
            counts: vec![0; Self::place(LATEST) + 1].into(),
            total: 0,
            first: usize::MAX,
            last: 0,
        }
    }

    fn place(delay: i32) -> usize {
        (delay - EARLIEST) as usize
    }

    fn add(&mut self, delay: i32) {
        let place = Self::place(delay);
        self.counts[place] += 1;
        self.total += 1;
        self.first = self.first.min(place);
        self.last = self.last.max(place);
    }

    /// Returns the least delay that this many of 100 flights did not exceed; 0 if there are no flights.
    fn percentile(&self, percent: u64) -> i32 {
        if self.total == 0 {
            return 0;
        }
        let rank = (self.total * percent).div_ceil(100);
        let mut seen = 0;
        let reaches = |count: &u64| {
            seen += count;
            seen >= rank
        };
        let within = self.counts[self.first..=self.last].iter().position(reaches);
        EARLIEST + (self.first + within.unwrap_or_default()) as i32
    }
}
