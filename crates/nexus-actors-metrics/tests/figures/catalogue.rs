//! The list of metrics, against what is published and what the README says.

use metrics_util::MetricKind;
use nexus_actors::prelude::*;
use nexus_actors_metrics::{ALL, Kind, TIME_BUCKETS};
use std::collections::BTreeSet;

use crate::lives::{SOON, busy_life, pool};
use crate::recorded::Recorded;

const README: &str = include_str!("../../README.md");

#[test]
fn what_is_published_is_what_the_catalogue_lists() {
    let mut recorded = Recorded::new();
    let metrics = recorded.options().deepest_every(Duration::ZERO).build();
    let pool = pool("listed", 2, &metrics);
    let published = metrics.publish(&pool.node()).unwrap();
    busy_life(&pool);
    published.refresh();
    pool.shutdown(SOON).unwrap();
    drop(published);
    recorded.look();
    let listed: BTreeSet<&str> = ALL.iter().map(|metric| metric.name).collect();
    let names: BTreeSet<&str> = recorded.names.keys().map(String::as_str).collect();
    assert_eq!(names, listed);
    for metric in ALL {
        let name = metric.name;
        let described = &recorded.names[name];
        let kind = match metric.kind {
            Kind::Counter => MetricKind::Counter,
            Kind::Gauge => MetricKind::Gauge,
            _ => MetricKind::Histogram,
        };
        assert_eq!(described.kind, kind, "{name}");
        assert_eq!(described.unit, Some(metric.unit), "{name}");
        let text = described.text.as_deref();
        assert_eq!(text, Some(metric.description), "{name}");
        let ids = recorded.values.keys().chain(recorded.histograms.keys());
        let begin = format!("{name}{{");
        for id in ids.filter(|id| id.starts_with(&begin)) {
            let labels = &id[begin.len()..id.len() - 1];
            let labels: BTreeSet<&str> = labels
                .split(',')
                .map(|label| label.split('=').next().unwrap())
                .collect();
            let mut expected: BTreeSet<&str> = metric.labels.iter().copied().collect();
            expected.insert("pool");
            assert_eq!(labels, expected, "{id}");
        }
    }
}

/// As Prometheus would have them: a counter ends with `_total`, and what has a unit says so before.
#[test]
fn names_say_what_is_counted_and_in_which_unit() {
    for metric in ALL {
        let name = metric.name;
        let stem = name.strip_suffix("_total");
        assert_eq!(stem.is_some(), metric.kind == Kind::Counter, "{name}");
        let unit = match metric.unit {
            metrics::Unit::Count => continue,
            unit => unit.as_str(),
        };
        let end = format!("_{unit}");
        assert!(stem.unwrap_or(name).ends_with(&end), "{name} in {unit}");
    }
}

#[test]
fn the_readme_has_a_row_for_each_metric() {
    let mut rows = README.lines().filter(|line| line.starts_with("| `nexus_"));
    for metric in ALL {
        let kind = format!("{:?}", metric.kind).to_lowercase();
        let labels: Vec<String> = metric.labels.iter().map(|one| format!("`{one}`")).collect();
        let cells = [
            "".to_owned(),
            format!("`{}`", metric.name),
            kind,
            labels.join(", "),
            metric.description.to_owned(),
        ];
        let row = rows.next().unwrap_or_default();
        let found: Vec<&str> = row.split('|').map(str::trim).take(5).collect();
        assert_eq!(found, cells);
    }
    assert_eq!(rows.next(), None);
}

#[test]
fn bounds_of_buckets_grow_in_even_steps() {
    assert_eq!(TIME_BUCKETS.first(), Some(&1e-7));
    assert_eq!(TIME_BUCKETS.last(), Some(&10.0));
    for pair in TIME_BUCKETS.windows(2) {
        let step = pair[1] / pair[0];
        assert!((1.99..2.51).contains(&step), "{pair:?}");
    }
}
