//! The figures as a Markdown table.

use crate::rounds::{Entry, Row};
use std::collections::BTreeMap;

/// The values by round.
type Values = BTreeMap<u32, f64>;

/// Prints each figure of each row, ours first, and the ratio of ours to each of the others'.
pub(crate) fn print(rows: &[Row]) {
    println!("| workload | figure | contender | median | range | ours / its | range |");
    println!("|---|---|---|--:|--:|--:|--:|");
    for row in rows {
        let [ours, others @ ..] = &row.entries[..] else {
            continue;
        };
        for (figure, values) in &ours.figures {
            let line = |name: &str, spread: &str, ratios: &str| {
                println!("| {} | {figure} | {name} | {spread} | {ratios} |", row.name);
            };
            line(&ours.name, &spread(values), "|");
            for other in others {
                let Some(theirs) = find(other, figure) else {
                    continue;
                };
                let ratio = |(round, ours): (&u32, &f64)| Some((*round, ours / theirs.get(round)?));
                let ratios = values.iter().filter_map(ratio).collect();
                line(&other.name, &spread(theirs), &spread_of_ratios(&ratios));
            }
        }
    }
}

fn find<'a>(entry: &'a Entry, figure: &str) -> Option<&'a Values> {
    let found = entry.figures.iter().find(|(name, _)| name == figure);
    found.map(|(_, values)| values)
}

/// The median, the minimum and the maximum.
fn summary(values: &Values) -> [f64; 3] {
    let mut sorted: Vec<_> = values.values().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = if sorted.len().is_multiple_of(2) {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    } else {
        sorted[middle]
    };
    [median, sorted[0], sorted[sorted.len() - 1]]
}

fn spread(values: &Values) -> String {
    let [median, least, most] = summary(values).map(shown);
    format!("{median} | {least} .. {most}")
}

fn spread_of_ratios(ratios: &Values) -> String {
    if ratios.is_empty() {
        return "|".to_owned();
    }
    let [median, least, most] = summary(ratios).map(shown);
    format!("**{median}** | {least} .. {most}")
}

/// Formats a value with three significant digits.
fn shown(value: f64) -> String {
    let before_the_point = match value.abs() {
        0.0 => 1,
        size => size.log10().floor() as i32 + 1,
    };
    let decimals = usize::try_from(3 - before_the_point).unwrap_or(0);
    format!("{value:.*}", decimals.min(5))
}
