//! The table of actors: which columns it has depends on its order and on the width of the screen.

use crate::args::Order;
use crate::model::Actor;
use crate::text::{Align, fit, fit_end, grouped, grouped_or_dash, pad, time, time_or_dash, width};
use crate::top::history::History;

/// Two characters before each row say which one is selected.
const MARGIN: usize = 2;
/// Columns are left out before the paths become shorter than this.
const LEAST_PATH: usize = 28;
/// A text in a column is not wider than this, so that it leaves room for others.
const WIDEST: usize = 40;

/// How the cell of an actor is made.
type CellOf = fn(&Actor, &History) -> String;

struct Column {
    head: &'static str,
    align: Align,
    cell: CellOf,
}

const fn number(head: &'static str, cell: CellOf) -> Column {
    Column {
        head,
        align: Align::Right,
        cell,
    }
}

const fn words(head: &'static str, cell: CellOf) -> Column {
    Column {
        head,
        align: Align::Left,
        cell,
    }
}

/// Returns the columns beside the path, the most important one first.
fn columns(order: Order) -> Vec<Column> {
    let mailbox = number("mailbox", |actor, _| grouped(actor.mailbox));
    let capacity = number("capacity", |actor, _| grouped_or_dash(actor.capacity));
    let deepest = number("deepest", |actor, _| grouped_or_dash(actor.deepest));
    let rate = number("msg/s", |actor, history| {
        grouped_or_dash(history.rate_of(&actor.id))
    });
    let handled = number("handled", |actor, _| grouped_or_dash(actor.handled));
    let busy = number("busy", |actor, _| time_or_dash(actor.busy_ms));
    let restarts = number("restarts", |actor, _| grouped(actor.restarts));
    let state = words("state", |actor, _| actor.state.to_string());
    let waited = number("waits", |actor, _| {
        time_or_dash(actor.handling.as_ref().map(|handling| handling.for_ms))
    });
    let what = words("for", |actor, _| match (&actor.waits_for, &actor.cycle) {
        (Some(what), Some(_)) => format!("{what} (cycle)"),
        (Some(what), None) => what.to_string(),
        (None, _) => "-".to_owned(),
    });
    let age = number("age", |actor, _| {
        actor.age_ms.map_or_else(|| "-".to_owned(), time)
    });
    let messages = words("messages", |actor, _| actor.message_type.to_string());
    match order {
        Order::Deepest => vec![mailbox, state, rate, capacity, deepest, restarts, messages],
        Order::Busiest => vec![rate, mailbox, state, handled, busy, restarts, messages],
        Order::Restarts => vec![restarts, state, mailbox, rate, age, messages],
        Order::Longest => vec![waited, what, state, mailbox, rate, messages],
    }
}

/// Returns the line of heads and the lines of the rows, each as wide as the screen at most.
pub(super) fn lines(
    rows: &[&Actor],
    selected: usize,
    history: &History,
    order: Order,
    screen: usize,
) -> Vec<String> {
    let mut columns = columns(order);
    let cells = |column: &Column| -> Vec<String> {
        rows.iter()
            .map(|actor| fit_end(&(column.cell)(actor, history), WIDEST))
            .collect()
    };
    let mut cells: Vec<Vec<String>> = columns.iter().map(cells).collect();
    let widest = |cells: &[String], head: &str| {
        cells
            .iter()
            .map(|cell| width(cell))
            .chain([width(head)])
            .max()
    };
    let mut widths: Vec<usize> = columns
        .iter()
        .zip(&cells)
        .map(|(column, cells)| widest(cells, column.head).unwrap_or(0))
        .collect();

    let paths: Vec<String> = rows.iter().map(|actor| actor.path.to_string()).collect();
    let longest = widest(&paths, "path").unwrap_or(0);
    let beside = |widths: &[usize]| MARGIN + widths.iter().map(|width| width + 2).sum::<usize>();
    // The column that the order is about stays as long as anything does.
    while columns.len() > 1 && screen.saturating_sub(beside(&widths)) < longest.min(LEAST_PATH) {
        columns.pop();
        cells.pop();
        widths.pop();
    }
    let path_width = screen.saturating_sub(beside(&widths)).min(longest);

    let mut lines = Vec::with_capacity(rows.len() + 1);
    let mut line = |mark: &str, path: &str, cells: &mut dyn Iterator<Item = &str>| {
        let mut line = format!(
            "{mark}{}",
            pad(&fit_end(path, path_width), path_width, Align::Left)
        );
        for ((cell, column), &width) in cells.zip(&columns).zip(&widths) {
            line.push_str("  ");
            line.push_str(&pad(cell, width, column.align));
        }
        lines.push(fit(line.trim_end(), screen));
    };
    line("  ", "path", &mut columns.iter().map(|column| column.head));
    for (at, path) in paths.iter().enumerate() {
        let mark = if at == selected { "> " } else { "  " };
        line(
            mark,
            path,
            &mut cells.iter().map(|column| column[at].as_str()),
        );
    }
    lines
}
