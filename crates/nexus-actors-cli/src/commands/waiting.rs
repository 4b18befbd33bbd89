//! `nexus waiting`.

use crate::client::Client;
use crate::commands::print_part;
use crate::failure::Failure;
use crate::model::{Overview, Waiting, cycle_text};
use crate::output::{Output, note};
use crate::text::{
    Align::{Left, Right},
    Table, time_or_dash,
};

/// Prints which handler waits for what, the longest wait first.
///
/// # Errors
/// If the service cannot be asked.
pub(crate) fn waiting(client: &Client, output: &mut Output, json: bool) -> Result<(), Failure> {
    let answer = client.get("/snapshot", &[])?;
    let mut overview: Overview = client.parse(&answer)?;
    if json {
        return print_part(client, output, &answer, |parts| parts.waiting);
    }
    overview
        .waiting
        .sort_by(|a, b| longest(b).total_cmp(&longest(a)));
    let columns = [
        ("actor", Left),
        ("id", Left),
        ("worker", Right),
        ("waits", Right),
        ("for", Left),
        ("cycle", Left),
    ];
    let mut table = Table::new(&columns);
    for waiting in &overview.waiting {
        table.row(vec![
            waiting.who(),
            waiting
                .id
                .as_ref()
                .map_or_else(|| "-".to_owned(), ToString::to_string),
            waiting.worker.to_string(),
            time_or_dash(waiting.for_ms),
            waiting.waits_for.to_string(),
            waiting.cycle.as_deref().map(cycle_text).unwrap_or_default(),
        ]);
    }
    if table.is_empty() {
        note("no handler waits");
        return Ok(());
    }
    output.table("", &table)
}

/// For how long it has waited. What is not known comes last.
fn longest(waiting: &Waiting) -> f64 {
    waiting.for_ms.unwrap_or(-1.0)
}
