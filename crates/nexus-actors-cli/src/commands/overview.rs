//! `nexus top` without a terminal: one overview.

use crate::args::Order;
use crate::attention::attention;
use crate::client::Client;
use crate::commands::actors::flat;
use crate::commands::print_json;
use crate::failure::Failure;
use crate::model::{Actor, Overview};
use crate::output::{Output, Style};
use crate::text::{Align::Left, Align::Right, Table, bytes, count, grouped, time};

/// Prints an overview.
///
/// # Errors
/// If the service cannot be asked.
pub(crate) fn overview(client: &Client, output: &mut Output, json: bool) -> Result<(), Failure> {
    let answer = client.get("/snapshot", &[])?;
    let overview: Overview = client.parse(&answer)?;
    if json {
        return print_json(output, &answer);
    }
    let (pool, run, up) = (&overview.pool, &overview.run, time(overview.uptime_ms));
    output.line(
        Style::Head,
        &format!("{pool}  run {run}  up {up}  at {}", client.address()),
    )?;
    output.line(Style::Plain, &totals(&overview))?;

    let lines = attention(&overview, None);
    output.line(Style::Plain, "")?;
    if lines.is_empty() {
        output.line(Style::Plain, "Nothing needs attention")?;
    } else {
        output.line(Style::Head, "Needs attention")?;
    }
    for line in lines {
        let style = if line.grave {
            Style::Grave
        } else {
            Style::Warning
        };
        output.line(style, &format!("  {}", line.text))?;
    }

    output.line(Style::Plain, "")?;
    output.line(Style::Head, "Workers")?;
    output.table("  ", &workers(&overview))?;

    for order in Order::ALL {
        let actors: Vec<Actor> = overview
            .top
            .of(order)
            .iter()
            .filter(|actor| counts(actor, order))
            .take(10)
            .cloned()
            .collect();
        if !actors.is_empty() {
            output.line(Style::Plain, "")?;
            output.line(Style::Head, title(order))?;
            output.table("  ", &flat(&actors))?;
        }
    }
    Ok(())
}

fn totals(overview: &Overview) -> String {
    let totals = &overview.totals;
    [
        count(totals.actors, "actor", "actors"),
        format!("{} sent", grouped(totals.sent)),
        format!("{} handled", grouped(totals.handled)),
        format!("{} queued", grouped(totals.queued)),
        format!("{} stashed", grouped(totals.stashed)),
        count(overview.dead_letters.total, "dead letter", "dead letters"),
    ]
    .join(", ")
}

fn title(order: Order) -> &'static str {
    match order {
        Order::Deepest => "Deepest mailboxes",
        Order::Busiest => "Busiest actors",
        Order::Restarts => "Most restarts",
        Order::Longest => "Longest waits",
    }
}

/// Whether the actor has anything of what the order is about.
fn counts(actor: &Actor, order: Order) -> bool {
    match order {
        Order::Deepest => actor.mailbox > 0,
        Order::Busiest => actor.handled.is_some_and(|handled| handled > 0),
        Order::Restarts => actor.restarts > 0,
        Order::Longest => actor.handling.is_some(),
    }
}

fn workers(overview: &Overview) -> Table {
    let mut table = Table::new(&[
        ("worker", Right),
        ("actors", Right),
        ("handled", Right),
        ("sent", Right),
        ("queued", Right),
        ("stashed", Right),
        ("waiting", Right),
        ("fibers", Right),
        ("sleeps", Right),
        ("stack used", Right),
        ("memory", Right),
        ("state", Left),
    ]);
    for worker in &overview.workers {
        table.row(vec![
            worker.index.to_string(),
            grouped(worker.actors),
            grouped(worker.handled),
            grouped(worker.sent),
            grouped(worker.queued),
            grouped(worker.stashed),
            grouped(worker.waiting),
            grouped(worker.fibers),
            grouped(worker.parks),
            bytes(worker.stack_high_water),
            bytes(worker.memory()),
            if worker.silent.is_some() {
                "silent"
            } else {
                "answers"
            }
            .to_owned(),
        ]);
    }
    table
}
