//! The results of a run, as text: aligned columns, and readable numbers.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use nexus_actors::pool::{PoolStats, ShutdownReport};

use crate::airport::Totals;
use crate::askers::Answers;
use crate::network::{Network, Route};
use crate::numbers::grouped;

const SHOWN_AIRPORTS: usize = 10;
const SHOWN_ROUTES: usize = 5;

/// How the feeding went.
pub(crate) struct Fed {
    pub(crate) flights: u64,
    pub(crate) took: Duration,
}

/// All results of a run.
pub(crate) struct Outcome<'a> {
    pub(crate) input: &'a Path,
    pub(crate) network: &'a Network,
    pub(crate) routes: &'a [Route],
    /// The worker of each airport.
    pub(crate) homes: Vec<usize>,
    pub(crate) fed: Fed,
    pub(crate) reported: Answers,
    pub(crate) routed: Vec<Answers>,
    pub(crate) outside: Answers,
    /// Taken after the shutdown, when nothing is under way any more.
    pub(crate) stats: PoolStats,
    pub(crate) shutdown: ShutdownReport,
}

impl Outcome<'_> {
    /// Returns the whole report, except for the verdict.
    pub(crate) fn text(&self) -> String {
        [
            self.summary(),
            self.workers(),
            self.busiest_airports(),
            self.busiest_routes(),
            self.asks(),
            self.end(),
        ]
        .join("\n")
    }

    fn summary(&self) -> String {
        let messages = 2 * self.fed.flights;
        let seconds = self.fed.took.as_secs_f64();
        let speed = grouped((messages as f64 / seconds) as u64);
        let (legs, airports) = (self.network.legs.len(), self.network.airports.len());
        format!(
            "Flights\n  {} in {}, between {} airports\n  {} messages in {seconds:.2} s: {speed} messages/s\n",
            grouped(legs as u64),
            shortened(self.input),
            grouped(airports as u64),
            grouped(messages),
        )
    }

    fn workers(&self) -> String {
        let mut table = Table::new(
            "Workers",
            &["worker", "actors", "handled", "sent", "sleeps"],
        );
        for (index, worker) in self.stats.workers.iter().enumerate() {
            table.row([
                index.to_string(),
                grouped(worker.started),
                grouped(worker.handled),
                grouped(worker.sent),
                grouped(worker.parks),
            ]);
        }
        table.text()
    }

    fn busiest_airports(&self) -> String {
        let columns = [
            "airport",
            "worker",
            "flights",
            "mean delay",
            "95th percentile",
        ];
        let mut table = Table::new("Busiest airports", &columns);
        let totals = &self.reported.totals;
        let mut order: Vec<usize> = (0..totals.len()).collect();
        order.sort_by_key(|&airport| std::cmp::Reverse(totals[airport].flights()));
        for airport in order.into_iter().take(SHOWN_AIRPORTS) {
            let Totals { p95_delay, .. } = totals[airport];
            table.row([
                self.network.airports[airport].to_string(),
                self.homes[airport].to_string(),
                grouped(totals[airport].flights()),
                format!("{:.2} min", totals[airport].mean_delay()),
                format!("{p95_delay} min"),
            ]);
        }
        table.text()
    }

    fn busiest_routes(&self) -> String {
        let columns = [
            "route",
            "flights in file",
            "mean at origin",
            "at destination",
        ];
        let mut table = Table::new("Busiest routes", &columns);
        for (route, answers) in self.routes.iter().zip(&self.routed).take(SHOWN_ROUTES) {
            let [from, to] = [route.origin, route.destination].map(|end| self.network.code(end));
            let mean = |end: usize| format!("{:.2} min", answers.totals[end].mean_delay());
            let flights = grouped(route.flights);
            table.row([format!("{from}-{to}"), flights, mean(0), mean(1)]);
        }
        table.text()
    }

    fn asks(&self) -> String {
        let mut table = Table::new("Asks", &["from", "count", "p50", "p99"]);
        let routed = self.routed.iter().flat_map(|answers| &answers.latencies);
        let asked = [
            ("report actor, one by one", self.reported.latencies.clone()),
            ("route actors, all at once", routed.copied().collect()),
            ("main thread, one by one", self.outside.latencies.clone()),
        ];
        for (from, mut latencies) in asked {
            latencies.sort_unstable();
            table.row([
                from.to_owned(),
                grouped(latencies.len() as u64),
                micros(percentile(&latencies, 50)),
                micros(percentile(&latencies, 99)),
            ]);
        }
        table.text()
    }

    fn end(&self) -> String {
        let PoolStats { dead_letters, .. } = self.stats;
        let [sent, handled, dead, queued] = [
            self.stats.sent(),
            self.stats.handled(),
            dead_letters,
            self.stats.queued(),
        ]
        .map(grouped);
        let mut text = format!(
            "Messages\n  {sent} sent = {handled} handled + {dead} dead letters + {queued} queued\n"
        );
        let ShutdownReport {
            forced,
            unprocessed,
            stuck_workers,
            ..
        } = &self.shutdown;
        if forced + unprocessed > 0 || !stuck_workers.is_empty() {
            text += &format!("  The shutdown's deadline came: {}\n", self.shutdown);
        }
        text
    }

    /// Returns the answers that differ between a route and the report.
    pub(crate) fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |who: &str, airport: usize, got: &Totals| {
            if *got != self.reported.totals[airport] {
                let code = self.network.airports[airport];
                found.push(format!(
                    "{code}: {who} was told other totals than the report"
                ));
            }
        };
        for (route, answers) in self.routes.iter().zip(&self.routed) {
            for (end, got) in [route.origin, route.destination]
                .iter()
                .zip(&answers.totals)
            {
                compare("a route", *end as usize, got);
            }
        }
        for (airport, got) in self.outside.totals.iter().enumerate() {
            compare("the main thread", airport, got);
        }
        found
    }

    /// Checks that every message that was sent came to exactly one end.
    ///
    /// # Errors
    ///
    /// Says by how many the counts are out.
    pub(crate) fn check_conservation(&self) -> Result<(), String> {
        let (sent, stats) = (self.stats.sent(), &self.stats);
        let ended = stats.handled() + stats.dead_letters + stats.queued();
        if sent == ended {
            return Ok(());
        }
        let (sent, ended) = (grouped(sent), grouped(ended));
        Err(format!(
            "{sent} messages were sent, but {ended} are accounted for"
        ))
    }
}

/// Returns the verdict of a run that has passed every comparison.
pub(crate) fn equality(airports: usize, flights: usize, repeat: u64) -> String {
    let [airports, flights] = [airports, flights].map(|count| grouped(count as u64));
    let repeat = grouped(repeat);
    format!(
        "\nEqual to a sequential fold of the same file, in every field of all {airports} airports \
         ({flights} x {repeat} flights)\n"
    )
}

/// Returns a path relative to the directory that the program was started in, if it lies there.
fn shortened(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn micros(latency: Duration) -> String {
    let tenths = (latency.as_nanos() as u64 + 50) / 100;
    format!("{}.{} µs", grouped(tenths / 10), tenths % 10)
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted[rank.saturating_sub(1)]
}

/// Columns as wide as their widest cell: the first to the left, the others to the right.
struct Table {
    title: &'static str,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(title: &'static str, columns: &[&str]) -> Self {
        let header = columns.iter().copied().map(str::to_owned).collect();
        Self {
            title,
            rows: vec![header],
        }
    }

    fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }

    fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let mut text = format!("{}\n", self.title);
        for row in &self.rows {
            let _ = write!(text, "  {:<1$}", row[0], width(0));
            for (column, cell) in row.iter().enumerate().skip(1) {
                let _ = write!(text, "  {cell:>0$}", width(column));
            }
            text.push('\n');
        }
        text
    }
}
