//! The figures as a table in Markdown.

use crate::rounds::{Entry, Row};

/// Prints each figure of each row, ours first, and what ours is of the others'.
pub(crate) fn print(rows: &[Row]) {
    println!(
        "| workload | figure | contender | median | from .. to | ours / its, median | from .. to |"
    );
    println!("|---|---|---|--:|--:|--:|--:|");
    for row in rows {
        let [ours, others @ ..] = &row.entries[..] else {
            continue;
        };
        for (figure, values) in &ours.figures {
            let name = &row.name;
            println!(
                "| {name} | {figure} | {} | {} | | |",
                ours.name,
                spread(values)
            );
            for other in others {
                if let Some(theirs) = find(other, figure) {
                    let ratios: Vec<_> = values.iter().zip(theirs).map(|(a, b)| a / b).collect();
                    let (spread, ratios) = (spread(theirs), spread_of_ratios(&ratios));
                    println!(
                        "| {name} | {figure} | {} | {spread} | {ratios} |",
                        other.name
                    );
                }
            }
        }
    }
}

fn find<'a>(entry: &'a Entry, figure: &str) -> Option<&'a [f64]> {
    let found = entry.figures.iter().find(|(name, _)| name == figure);
    found.map(|(_, values)| &values[..])
}

/// The median, the least and the most.
fn summary(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = if sorted.len().is_multiple_of(2) {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    } else {
        sorted[middle]
    };
    [median, sorted[0], sorted[sorted.len() - 1]]
}

fn spread(values: &[f64]) -> String {
    let [median, least, most] = summary(values).map(shown);
    format!("{median} | {least} .. {most}")
}

fn spread_of_ratios(ratios: &[f64]) -> String {
    let [median, least, most] = summary(ratios);
    format!("**{median:.2}** | {least:.2} .. {most:.2}")
}

/// With three digits that count, where there are so many.
fn shown(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
