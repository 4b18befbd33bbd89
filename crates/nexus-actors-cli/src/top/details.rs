//! All that is known about one actor, and the help.

use crate::model::cycle_text;
use crate::text::{Align, bytes, grouped, grouped_or_dash, pad, time, time_or_dash, width};
use crate::top::app::App;

/// The last failures of an actor that are shown.
const FAILURES: usize = 5;

/// Returns the lines about the selected actor.
pub(super) fn details(app: &App, screen: usize) -> Vec<String> {
    let Some(actor) = &app.selected else {
        return Vec::new();
    };
    let mut fields: Vec<(&str, String)> = vec![("path", actor.path.to_string())];
    fields.extend(app.selected_note.iter().map(|note| ("", note.clone())));
    // Without an id, only its path is known so far.
    if actor.id.raw().is_empty() {
        return wrapped(&fields, screen);
    }
    let mailbox = match (actor.capacity, actor.fullness()) {
        (Some(capacity), Some(percent)) => {
            format!(
                "{} of {} ({percent} %)",
                grouped(actor.mailbox),
                grouped(capacity)
            )
        }
        _ => grouped(actor.mailbox),
    };
    fields.extend([
        ("id", format!("{} on worker {}", actor.id, actor.worker)),
        ("messages", actor.message_type.to_string()),
        ("state", actor.state.to_string()),
        ("waits", actor.wait()),
    ]);
    fields.extend(actor.cycle.iter().map(|cycle| ("cycle", cycle_text(cycle))));
    fields.extend([
        ("mailbox", mailbox),
        ("deepest", grouped_or_dash(actor.deepest)),
        ("stashed", grouped(actor.stashed)),
        ("restarts", grouped(actor.restarts)),
        ("handled", grouped_or_dash(actor.handled)),
        ("msg/s", grouped_or_dash(app.history.rate_of(&actor.id))),
        ("busy", time_or_dash(actor.busy_ms)),
        ("age", time_or_dash(actor.age_ms)),
        ("children", grouped(actor.children)),
        ("timers", grouped(actor.timers)),
        ("tasks", grouped(actor.tasks)),
    ]);
    if let Some(handling) = &actor.handling {
        fields.push((
            "handles",
            format!(
                "message {}, correlation {}",
                handling.message, handling.correlation
            ),
        ));
    }
    let failures = app
        .overview
        .failures
        .iter()
        .rev()
        .filter(|failed| failed.path == actor.path);
    for failed in failures.take(FAILURES) {
        let ago = time(app.overview.uptime_ms - failed.at_ms);
        let then = failed
            .directive
            .as_ref()
            .map(|directive| format!(" ({directive})"))
            .unwrap_or_default();
        fields.push(("failed", format!("{ago} ago: {}{then}", failed.text)));
    }
    wrapped(&fields, screen)
}

/// Returns fields with their labels, long ones on several lines.
fn wrapped(fields: &[(&str, String)], screen: usize) -> Vec<String> {
    let label = fields
        .iter()
        .map(|(label, _)| width(label))
        .max()
        .unwrap_or(0);
    let room = screen.saturating_sub(label + 4).max(1);
    let mut lines = Vec::new();
    for (name, value) in fields {
        let mut name = *name;
        for part in chunks(value, room) {
            lines.push(format!("  {}  {part}", pad(name, label, Align::Left)));
            name = "";
        }
    }
    lines
}

fn chunks(text: &str, room: usize) -> Vec<String> {
    let (mut chunks, mut last) = (Vec::new(), String::new());
    for c in text.chars() {
        let mut buffer = [0; 4];
        if !last.is_empty() && width(&last) + width(c.encode_utf8(&mut buffer)) > room {
            chunks.push(std::mem::take(&mut last));
        }
        last.push(c);
    }
    chunks.push(last);
    chunks
}

pub(super) const HELP: [&str; 17] = [
    "  1 2 3 4  table: deepest mailboxes, busiest, restarts, longest waits",
    "  Tab      next table",
    "  Up Down  select (also k and j, PageUp, PageDown, Home, End)",
    "  Enter    details of the selected actor",
    "  a        details of the actor of the next line that needs attention",
    "  A        all lines that need attention",
    "  /        filter: actors whose path or type of messages contains it, of",
    "           all actors; Enter keeps it, Esc clears it",
    "  w        all workers",
    "  Esc      back; from the tables: quit",
    "  q Ctrl-C quit",
    "",
    "  Lines with !! do not pass by themselves: workers that do not answer,",
    "  cycles of waits. Lines with ! are waits over 1 s, mailboxes over 1,000",
    "  messages or 80 % of their capacity, restarts and dead letters that grow.",
    "  msg/s, handled, busy and deepest are counted while somebody watches.",
    "  nexus stop, kill, suspend and resume control actors.",
];

/// Returns the line of heads and a line for each worker.
pub(super) fn workers(app: &App, screen: usize) -> Vec<String> {
    let heads = [
        "worker", "actors", "msg/s", "queued", "waiting", "stashed", "fibers", "memory",
    ];
    let mut rows: Vec<Vec<String>> = Vec::with_capacity(app.overview.workers.len());
    let mut curves = Vec::new();
    // Silent ones first: they are what is looked for, and there may be no room for all.
    let mut sorted: Vec<_> = app.overview.workers.iter().collect();
    sorted.sort_by_key(|worker| worker.silent.is_none());
    for worker in sorted {
        let rates = app.history.rates(worker.index);
        rows.push(vec![
            worker.index.to_string(),
            grouped(worker.actors),
            grouped_or_dash(rates.last().copied()),
            grouped(worker.queued),
            grouped(worker.waiting),
            grouped(worker.stashed),
            grouped(worker.fibers),
            bytes(worker.memory()),
        ]);
        curves.push((rates, worker.silent.is_some()));
    }
    let widths: Vec<usize> = (0..heads.len())
        .map(|column| {
            rows.iter()
                .map(|row| width(&row[column]))
                .chain([width(heads[column])])
                .max()
                .unwrap_or(0)
        })
        .collect();
    // Whole columns, from the left, and room for the word about those that are silent.
    let mut taken = if curves.iter().any(|(_, silent)| *silent) {
        2 + "silent".len()
    } else {
        0
    };
    let shown = widths.iter().take_while(|width| {
        taken += *width + 2;
        taken <= screen
    });
    let shown = shown.count();
    let taken: usize = widths[..shown].iter().map(|width| width + 2).sum();
    let line = |cells: &[String]| -> String {
        let cells = cells.iter().zip(&widths[..shown]);
        cells
            .map(|(cell, &width)| format!("  {}", pad(cell, width, Align::Right)))
            .collect()
    };
    let most = curves
        .iter()
        .flat_map(|(rates, _)| rates)
        .copied()
        .max()
        .unwrap_or(0);
    let mut lines = vec![line(&heads.map(str::to_owned))];
    for (row, (rates, silent)) in rows.iter().zip(&curves) {
        let room = screen.saturating_sub(taken + 2);
        let beside = if *silent {
            "silent".to_owned()
        } else {
            curve(rates, most, room)
        };
        lines.push(crate::text::fit(
            &format!("{}  {beside}", line(row)),
            screen,
        ));
    }
    lines
}

/// Returns rates as a curve, the latest at the end. All workers have one scale.
fn curve(rates: &[u64], most: u64, room: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let latest = &rates[rates.len().saturating_sub(room)..];
    latest
        .iter()
        .map(|rate| BARS[(rate.saturating_mul(7) / most.max(1)) as usize])
        .collect()
}
