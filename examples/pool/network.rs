//! The airports and routes of a file, numbered: an actor is found by index, not by name.

use std::collections::HashMap;

use crate::flights::{Code, Flight, Record};

/// A flight between two airports, which are given by their positions in [`Network::airports`].
#[derive(Clone, Copy)]
pub(crate) struct Leg {
    pub(crate) flight: Flight,
    pub(crate) origin: u32,
    pub(crate) destination: u32,
}

/// A pair of airports with flights from the first to the second.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub(crate) origin: u32,
    pub(crate) destination: u32,
    /// How many flights of the file go that way.
    pub(crate) flights: u64,
}

/// The airports and the flights between them.
pub(crate) struct Network {
    /// The airports, by their numbers.
    pub(crate) airports: Vec<Code>,
    /// The flights, in the file's order.
    pub(crate) legs: Vec<Leg>,
}

impl Network {
    /// Numbers the airports in the order in which the flights name them.
    pub(crate) fn of(records: &[Record]) -> Self {
        let mut airports = Vec::new();
        let mut numbers = HashMap::new();
        let mut number = |code: Code| {
            *numbers.entry(code).or_insert_with(|| {
                airports.push(code);
                u32::try_from(airports.len() - 1).expect("there are 26 x 26 x 26 codes")
            })
        };
        let legs = records.iter().map(|record| Leg {
            flight: record.flight,
            origin: number(record.origin),
            destination: number(record.destination),
        });
        Self {
            legs: legs.collect(),
            airports,
        }
    }

    pub(crate) fn code(&self, airport: u32) -> Code {
        self.airports[airport as usize]
    }

    /// Returns the routes with the most flights, the busiest first.
    pub(crate) fn busiest_routes(&self, most: usize) -> Vec<Route> {
        let mut flights = HashMap::new();
        for leg in &self.legs {
            *flights.entry((leg.origin, leg.destination)).or_insert(0) += 1;
        }
        let mut routes: Vec<Route> = flights
            .into_iter()
            .map(|((origin, destination), flights)| Route {
                origin,
                destination,
                flights,
            })
            .collect();
        routes.sort_by_key(|r| (std::cmp::Reverse(r.flights), r.origin, r.destination));
        routes.truncate(most);
        routes
    }

    /// Returns the share of the flights that one of this many feeders sends.
    pub(crate) fn share(&self, feeder: usize, feeders: usize) -> &[Leg] {
        let start = |feeder: usize| self.legs.len() * feeder / feeders;
        &self.legs[start(feeder)..start(feeder + 1)]
    }
}
