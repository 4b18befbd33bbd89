//! The Grafana dashboard asks for what is published: names, kinds, labels and units, against the catalogue.

mod checks;
mod query;

use checks::Dashboard;
use nexus_actors_metrics::{ALL, Kind};
use serde_json::Value;

const DASHBOARD: &str = include_str!("../../grafana/nexus-actors.json");
const OPERATIONS: &str = include_str!("../../../../docs/operations.md");

fn problems_of(text: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(text).expect("JSON");
    Dashboard::new(&document).problems()
}

/// What is found if a part of the dashboard is replaced.
#[track_caller]
fn problems_with(part: &str, other: &str) -> Vec<String> {
    assert!(DASHBOARD.contains(part), "nothing to replace: {part}");
    problems_of(&DASHBOARD.replace(part, other))
}

#[track_caller]
fn assert_found(part: &str, other: &str, problem: &str) {
    let problems = problems_with(part, other);
    assert!(
        problems.iter().any(|found| found.contains(problem)),
        "{problem:?} is not among {problems:#?}"
    );
}

#[test]
fn the_dashboard_is_sound() {
    let problems = problems_of(DASHBOARD);
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn a_name_that_is_not_published_is_found() {
    let problem = "no such metric: nexus_restarts";
    assert_found("nexus_restarts_total{", "nexus_restarts{", problem);
    // Suffixes are for histograms only.
    assert_found(
        "nexus_asks_total{",
        "nexus_asks_total_count{",
        "no such metric: nexus_asks_total_count",
    );
    // A histogram itself has no value, and in the query of a variable it is a mistake as well.
    let bare = "a histogram is read by its _bucket, _sum and _count";
    assert_found(
        "waiting_time_seconds_bucket{",
        "waiting_time_seconds{",
        bare,
    );
    let of_variable = "label_values(nexus_handled_messages_total, pool)";
    assert_found(
        of_variable,
        "label_values(nexus_handled, pool)",
        "no such metric: nexus_handled",
    );
}

#[test]
fn a_kind_that_is_mistaken_is_found() {
    let range = r#"{pool=\"$pool\",instance=~\"$instance\"}[$__rate_interval]"#;
    let none = r#"{pool=\"$pool\",instance=~\"$instance\"}"#;
    let with = |name: &str, rest: &str| format!("{name}{rest}");
    // A counter that is shown as it is.
    let counter = "rate(nexus_parks_total";
    assert_found(
        &format!("({})", with(counter, range) + ")"),
        &format!("({})", with("nexus_parks_total", none)),
        "nexus_parks_total: a counter without rate()",
    );
    assert_found(
        &with(counter, range),
        &with("avg_over_time(nexus_parks_total", range),
        "nexus_parks_total: a counter without rate()",
    );
    // A gauge of which a rate is taken.
    assert_found(
        &with("(nexus_fibers", none),
        &format!("(rate({})", with("nexus_fibers", range)),
        "nexus_fibers: a gauge within rate()",
    );
    // A quantile of what is not buckets, or of buckets whose bounds are added away.
    assert_found(
        "waiting_time_seconds_bucket{",
        "waiting_time_seconds_count{",
        "histogram_quantile() of what is not buckets",
    );
    assert_found("sum by (le) (", "sum(", "buckets without le");
    assert_found(
        "histogram_quantile(0.5, ",
        "sum(",
        "buckets without histogram_quantile()",
    );
}

#[test]
fn a_metric_that_no_panel_shows_is_found() {
    for metric in ALL {
        let end = match metric.kind {
            Kind::Histogram => '_',
            _ => '{',
        };
        let problem = format!("no panel shows {}", metric.name);
        assert_found(
            &format!("{}{end}", metric.name),
            &format!("nexus_other{end}"),
            &problem,
        );
    }
}

#[test]
fn a_label_that_is_not_published_is_found() {
    assert_found(
        "by (reason)",
        "by (cause)",
        "nexus_dead_letters_total has no label cause",
    );
    assert_found(
        "sum by (le, message) (",
        "sum by (le, outcome) (",
        "nexus_message_waiting_time_seconds has no label outcome",
    );
    let matched = r#"nexus_late_replies_total{pool=\"$pool\","#;
    let other = r#"nexus_late_replies_total{pool=\"$pool\",worker=\"0\","#;
    assert_found(
        matched,
        other,
        "nexus_late_replies_total has no label worker",
    );
    // Neither a label of the legend that the query does not keep.
    assert_found("{{part}}", "{{worker}}", "the legend shows worker");
    // What a variable offers is a label as well.
    assert_found(
        "label_values(nexus_handled_messages_total, pool)",
        "label_values(nexus_handled_messages_total, system)",
        "nexus_handled_messages_total has no label system",
    );
}

#[test]
fn a_query_that_does_not_choose_the_pool_is_found() {
    assert_found(
        r#"nexus_fibers{pool=\"$pool\","#,
        "nexus_fibers{",
        "nexus_fibers is not of the chosen pool",
    );
    assert_found(
        r#"nexus_fibers{pool=\"$pool\","#,
        r#"nexus_fibers{pool=\"orders\","#,
        "nexus_fibers is not of the chosen pool",
    );
    assert_found(
        r#"nexus_fibers{pool=\"$pool\",instance=~\"$instance\"}"#,
        r#"nexus_fibers{pool=\"$pool\"}"#,
        "nexus_fibers is not of the chosen instances",
    );
}

#[test]
fn a_dashboard_that_cannot_be_imported_as_it_is_is_found() {
    assert_found(
        r#""uid": "${datasource}""#,
        r#""uid": "PBFA97CFB590B2093""#,
        "a data source that is not the variable",
    );
    assert_found(
        r#""name": "datasource""#,
        r#""name": "source""#,
        "no variable datasource",
    );
    assert_found(
        r#""name": "pool""#,
        r#""name": "system""#,
        "no variable pool",
    );
    assert_found(r#""id": null"#, r#""id": 7"#, "an id of some installation");
    assert_found(
        r#""schemaVersion": 36"#,
        r#""schemaVersion": "new""#,
        "no schemaVersion",
    );
    assert_found(r#""id": 3,"#, r#""id": 2,"#, "two panels have the id 2");
    assert_found(
        r#""gridPos": {"h": 8, "w": 8, "x": 8, "y": 1}"#,
        r#""gridPos": {"h": 8, "w": 8, "x": 7, "y": 1}"#,
        "lies over",
    );
    assert_found(
        r#""description": "Waiting, running and idle ones.""#,
        r#""description": """#,
        "Fibers: no description",
    );
    assert_found(
        r#""unit": "bytes""#,
        r#""unit": "short""#,
        "Memory: shows bytes as short",
    );
    assert_found(
        r#""unit": "s""#,
        r#""unit": "ms""#,
        "Handling: shows s as ms",
    );
}

#[test]
fn a_query_that_is_cut_off_is_found() {
    assert_found("[$__rate_interval]", "[$__rate_interval", "not a query");
    assert_found(r#"\"$pool\","#, r#"\"$pool,"#, "not a query");
}

#[test]
fn a_panel_that_lacks_something_is_found() {
    for (part, other, problem) in [
        (r#""uid": "nexus-actors""#, r#""uid": """#, "no uid"),
        (
            r#""title": "Fibers""#,
            r#""title": """#,
            "a panel without a title",
        ),
        (
            r#""w": 8, "x": 16"#,
            r#""w": 9, "x": 16"#,
            "not on the grid",
        ),
        (r#""unit": "bytes""#, r#""unit": """#, "Memory: no unit"),
        (
            r#""legendFormat": "asks""#,
            r#""legendFormat": """#,
            "Asks: no legend",
        ),
        (r#""targets""#, r#""queries""#, "Asks: no query"),
        (
            r#""type": "query""#,
            r#""type": "textbox""#,
            "pool is no query",
        ),
        (
            r#"max(nexus_deepest_mailbox_messages{pool=\"$pool\",instance=~\"$instance\"})"#,
            "1",
            "no metric: 1",
        ),
    ] {
        assert_found(part, other, problem);
    }
}

/// What is wrong with the section on metrics of that page.
fn problems_of_page(page: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let section = page.split("## Metrics and a dashboard").nth(1);
    let section = section.and_then(|rest| rest.split("\n## ").next());
    let section = section.expect("the section");
    let mut problems = Dashboard::new(&document).problems_of_alerts(section);
    // The third cell of a row of the table names metrics, and the second one panels.
    for row in section.lines().filter(|line| line.ends_with("` |")) {
        let cells: Vec<&str> = row.split('|').collect();
        let names = cells[3].split('`').skip(1).step_by(2);
        let unknown = names.filter(|name| !ALL.iter().any(|metric| metric.name == *name));
        problems.extend(unknown.map(|name| format!("no such metric: {name}")));
        let titles = cells[2].split('*').skip(1).step_by(2);
        let unknown = titles.filter(|title| !DASHBOARD.contains(&format!(r#""title": "{title}"#)));
        problems.extend(unknown.map(|title| format!("no such panel: {title}")));
    }
    problems
}

#[test]
fn the_page_on_operations_names_what_is_there() {
    let problems = problems_of_page(OPERATIONS);
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn a_page_that_names_something_else_is_found() {
    for (part, other, problem) in [
        (
            "`nexus_memory_bytes`",
            "`nexus_memory`",
            "no such metric: nexus_memory",
        ),
        ("*Restarts*", "*Returns*", "no such panel: Returns"),
        (
            "rate(nexus_restarts_total[",
            "(nexus_restarts_total[",
            "nexus_restarts_total: a counter without rate()",
        ),
        (
            "rate(nexus_restarts_total",
            "rate(nexus_starts_total",
            "no such metric: nexus_starts_total",
        ),
        (
            "{reason!~",
            "{cause!~",
            "nexus_dead_letters_total has no label cause",
        ),
        ("```text", "```promql", "no alerts"),
    ] {
        assert!(OPERATIONS.contains(part), "nothing to replace: {part}");
        let problems = problems_of_page(&OPERATIONS.replace(part, other));
        let found = problems.iter().any(|found| found == problem);
        assert!(found, "{problem:?} is not among {problems:#?}");
    }
}
