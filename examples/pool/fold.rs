//! The same totals once more, without any actor: a plain loop over the lines, and sorting.

use std::collections::BTreeMap;

use crate::airport::Totals;
use crate::flights::{Code, Record};

/// Computes the totals of each airport for flights that are sent `repeat` times.
pub(crate) fn fold(records: &[Record], repeat: u64) -> BTreeMap<Code, Totals> {
    let mut airports: BTreeMap<Code, (Totals, Vec<i32>)> = BTreeMap::new();
    for Record {
        flight,
        origin,
        destination,
    } in records
    {
        airports.entry(*origin).or_default().0.departures += repeat;
        airports.entry(*destination).or_default().0.arrivals += repeat;
        for end in [origin, destination] {
            let (totals, delays) = airports.entry(*end).or_default();
            totals.delay += i64::from(flight.delay) * repeat as i64;
            totals.distance += u64::from(flight.distance) * repeat;
            delays.push(flight.delay);
        }
    }
    let complete = |(code, (mut totals, mut delays)): (_, (Totals, Vec<i32>))| {
        delays.sort_unstable();
        totals.p95_delay = nearest_rank(&delays, 95, repeat);
        totals.worst_delay = nearest_rank(&delays, 100, repeat);
        (code, totals)
    };
    airports.into_iter().map(complete).collect()
}

/// Returns the percentile of a sorted list in which each value counts `repeat` times.
fn nearest_rank(sorted: &[i32], percent: u64, repeat: u64) -> i32 {
    let rank = (sorted.len() as u64 * repeat * percent).div_ceil(100);
    sorted[((rank - 1) / repeat) as usize]
}

/// Returns every field of every airport in which the count differs from the fold.
pub(crate) fn differences(
    counted: &BTreeMap<Code, Totals>,
    expected: &BTreeMap<Code, Totals>,
) -> Vec<String> {
    let unknown = counted.keys().filter(|code| !expected.contains_key(code));
    let mut differences: Vec<String> = unknown
        .map(|code| format!("{code}: counted, but the file has no such airport"))
        .collect();
    for (code, expected) in expected {
        let Some(counted) = counted.get(code) else {
            differences.push(format!("{code}: not counted at all"));
            continue;
        };
        for ((field, got), (_, wanted)) in counted.fields().iter().zip(expected.fields()) {
            if *got != wanted {
                differences.push(format!("{code}: {field} is {got}, the fold says {wanted}"));
            }
        }
    }
    differences
}
