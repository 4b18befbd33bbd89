//! Real flights through a pool of workers: an actor for each airport, feeders that send, actors that ask,
//! and a plain sequential fold of the same file, which must have the same result.
//!
//! ```text
//! cargo run --release --example pool -- --help
//! ```

mod airport;
mod askers;
mod cli;
mod feeder;
mod flights;
mod fold;
mod network;
mod numbers;
mod progress;
mod report;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use nexus_actors::SpawnError;
use nexus_actors::prelude::*;

use crate::airport::AirportMessage;
use crate::askers::{Answers, ask_each, asker};
use crate::cli::{Command, Options};
use crate::feeder::{Feed, feeder};
use crate::flights::Flights;
use crate::network::{Network, Route};
use crate::numbers::grouped;
use crate::progress::Progress;
use crate::report::{Fed, Outcome};

/// How many of the busiest routes have an actor.
const ROUTES: usize = 200;
/// How long the actors may take to stop.
const SHUTDOWN: Duration = Duration::from_secs(10);
/// Differences that are shown; more of them say nothing new.
const SHOWN_DIFFERENCES: usize = 5;

type Airports = Arc<[ActorRef<AirportMessage>]>;

/// The exit code for a mistake in the command line.
const MISTAKE: u8 = 2;

fn main() -> ExitCode {
    let outcome = match cli::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(options)) => run(&options),
        Ok(Command::Help) => print(cli::HELP).map_err(Into::into),
        Err(error) => {
            eprintln!("error: {error}\n\n{}", cli::USAGE);
            return ExitCode::from(MISTAKE);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let flights = read(&options.input)?;
    let network = Network::of(&flights.records);
    let routes = network.busiest_routes(ROUTES);
    let pool = start(options.workers)?;

    let airports = spawn_airports(&pool, &network)?;
    let fed = feed(&pool, &network, &airports, options.repeat)?;
    let reported = ask_report(&pool, &airports)?;
    let routed = ask_routes(&pool, &network, &routes, &airports)?;
    let outside = ask_each(&airports)?;
    let shutdown = pool.shutdown(SHUTDOWN)?;

    let outcome = Outcome {
        input: &options.input,
        network: &network,
        routes: &routes,
        homes: airports
            .iter()
            .map(|airport| airport.id().worker())
            .collect(),
        fed,
        reported,
        routed,
        outside,
        stats: pool.stats(),
        shutdown,
    };
    print(&outcome.text())?;
    check(&outcome, &flights, options.repeat)
}

/// Reads the file, and shows what is wrong with it.
fn read(path: &Path) -> Result<Flights, Box<dyn Error>> {
    let flights = flights::load(path)?;
    for bad in &flights.bad {
        eprintln!("warning: {}, {bad}; skipped", path.display());
    }
    if flights.bad_count > flights.bad.len() {
        let more = grouped((flights.bad_count - flights.bad.len()) as u64);
        eprintln!("warning: {}: bad lines not shown: {more}", path.display());
    }
    if flights.records.is_empty() {
        let bad = grouped(flights.bad_count as u64);
        let path = path.display();
        return Err(format!("{path}: not one valid flight; bad lines: {bad}").into());
    }
    Ok(flights)
}

fn start(workers: Option<u16>) -> Result<WorkerPool, nexus_actors::StartError> {
    let builder = WorkerPool::builder().name("flights");
    match workers {
        Some(workers) => builder.workers(workers.into()).start(),
        None => builder.start(),
    }
}

/// Starts `/user/airport-ORD` and the others, each on the worker that the ring names for it.
fn spawn_airports(pool: &WorkerPool, network: &Network) -> Result<Airports, SpawnError> {
    let spawn = |code| pool.spawn(&format!("airport-{code}"), airport::airport());
    network.airports.iter().map(spawn).collect()
}

/// Makes a feeder on each worker send its share of the flights, and waits for all of them.
fn feed(
    pool: &WorkerPool,
    network: &Network,
    airports: &Airports,
    repeat: u64,
) -> Result<Fed, Box<dyn Error>> {
    let feeders = pool.workers();
    let spawn = |worker| {
        let share = network.share(worker, feeders).into();
        let props = feeder(share, Arc::clone(airports), feeders);
        pool.spawn_on(worker, &format!("feeder-{worker}"), props)
    };
    let feeders: Vec<ActorRef<Feed>> = (0..feeders).map(spawn).collect::<Result<_, _>>()?;

    let flights = network.legs.len() as u64 * repeat;
    let mut bar = Progress::of(flights);
    let (progress, chunks) = mpsc::channel();
    let start = Instant::now();
    let order = |feeder: &ActorRef<Feed>| {
        let (times, progress) = (repeat as usize, progress.clone());
        let question = |done| Feed {
            times,
            progress,
            done,
        };
        feeder.ask(question, Duration::MAX)
    };
    let orders: Vec<Ask<()>> = feeders.iter().map(order).collect();
    // Without this thread's end, the channel closes when the last feeder has finished or failed.
    drop(progress);
    for flights in chunks {
        bar.add(flights);
    }
    orders.into_iter().try_for_each(Ask::wait)?;
    let took = start.elapsed();
    bar.clear();
    Ok(Fed { flights, took })
}

fn ask_report(pool: &WorkerPool, airports: &Airports) -> Result<Answers, Box<dyn Error>> {
    let report = pool.spawn("report", asker(Arc::clone(airports)))?;
    Ok(report.ask(|reply| reply, Duration::MAX).wait()?)
}

/// Makes an actor for each route ask both its airports, all routes at once.
fn ask_routes(
    pool: &WorkerPool,
    network: &Network,
    routes: &[Route],
    airports: &Airports,
) -> Result<Vec<Answers>, Box<dyn Error>> {
    let spawn = |route: &Route| {
        let ends = [route.origin, route.destination];
        let [from, to] = ends.map(|end| network.code(end));
        let airports = ends.map(|end| airports[end as usize]);
        pool.spawn(&format!("route-{from}-{to}"), asker(Arc::new(airports)))
    };
    let actors: Vec<_> = routes.iter().map(spawn).collect::<Result<_, _>>()?;
    let ask = |route: &ActorRef<_>| route.ask(|reply| reply, Duration::MAX);
    let asked: Vec<Ask<Answers>> = actors.iter().map(ask).collect();
    Ok(asked.into_iter().map(Ask::wait).collect::<Result<_, _>>()?)
}

/// Prints the report. If the reader stops before its end, as `head` may, that is no error.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// Compares the actors' answers with the fold and with each other, and counts the messages.
fn check(outcome: &Outcome<'_>, flights: &Flights, repeat: u64) -> Result<(), Box<dyn Error>> {
    let expected = fold::fold(&flights.records, repeat);
    let codes = outcome.network.airports.iter().copied();
    let reported = codes.zip(outcome.reported.totals.iter().copied());
    let reported: BTreeMap<_, _> = reported.collect();
    let mut differences = fold::differences(&reported, &expected);
    differences.extend(outcome.contradictions());

    if !differences.is_empty() {
        for difference in differences.iter().take(SHOWN_DIFFERENCES) {
            eprintln!("error: {difference}");
        }
        let all = grouped(differences.len() as u64);
        return Err(format!("the result differs from a sequential fold in {all} places").into());
    }
    outcome.check_conservation()?;
    print(&report::equality(
        expected.len(),
        flights.records.len(),
        repeat,
    ))?;
    Ok(())
}
