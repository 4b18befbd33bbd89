//! What may be wrong with a dashboard.

use metrics::Unit;
use nexus_actors_metrics::{ALL, Kind, Metric};
use serde_json::Value;
use std::collections::BTreeSet;

use crate::query::{Query, Selector};

/// What Prometheus adds to each target that it scrapes.
const OF_PROMETHEUS: &str = "instance";

pub(crate) struct Dashboard<'a> {
    document: &'a Value,
    problems: Vec<String>,
    /// The metrics that panels show.
    shown: BTreeSet<&'static str>,
}

impl<'a> Dashboard<'a> {
    pub(crate) fn new(document: &'a Value) -> Self {
        Self {
            document,
            problems: Vec::new(),
            shown: BTreeSet::new(),
        }
    }

    pub(crate) fn problems(mut self) -> Vec<String> {
        self.check_head();
        self.check_variables();
        let panels = list(&self.document["panels"]);
        self.check_places(panels);
        for panel in panels.iter().filter(|panel| panel["type"] != "row") {
            self.check_panel(panel);
        }
        let unseen = ALL
            .iter()
            .filter(|metric| !self.shown.contains(metric.name));
        let unseen: Vec<_> = unseen
            .map(|one| format!("no panel shows {}", one.name))
            .collect();
        self.problems.extend(unseen);
        self.problems
    }

    /// What is wrong with the queries in the code of a page.
    pub(crate) fn problems_of_alerts(mut self, page: &str) -> Vec<String> {
        let code = page.split("```text\n").nth(1).unwrap_or_default();
        let alerts = code.lines().take_while(|line| *line != "```");
        let alerts: Vec<_> = alerts.map(Query::read).collect();
        if alerts.is_empty() {
            self.report("no alerts");
        }
        for alert in alerts {
            match alert {
                Ok(query) => self.check_selectors(&query),
                Err(why) => self.report(format!("not a query, {why}")),
            }
        }
        self.problems
    }

    fn report(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    fn check_head(&mut self) {
        if !self.document["schemaVersion"].is_u64() {
            self.report("no schemaVersion");
        }
        if !self.document["id"].is_null() {
            self.report("an id of some installation");
        }
        for name in ["title", "uid"] {
            if text(&self.document[name]).is_empty() {
                self.report(format!("no {name}"));
            }
        }
    }

    fn check_variables(&mut self) {
        let variables = list(&self.document["templating"]["list"]);
        for (name, kind) in [
            ("datasource", "datasource"),
            ("pool", "query"),
            ("instance", "query"),
        ] {
            let found = variables.iter().find(|one| one["name"] == name);
            match found {
                None => self.report(format!("no variable {name}")),
                Some(one) if one["type"] != kind => {
                    self.report(format!("the variable {name} is no {kind}"));
                }
                Some(one) if kind == "query" => self.check_variable(one),
                Some(_) => {}
            }
        }
    }

    /// Checks `label_values(SELECTOR, LABEL)`.
    fn check_variable(&mut self, variable: &Value) {
        self.check_source(variable, "a variable");
        let query = text(&variable["query"]["query"]);
        let label = query
            .strip_suffix(')')
            .and_then(|query| query.rsplit(", ").next())
            .unwrap_or_default();
        let read = Query::read(query);
        match read.as_ref().map(|query| &query.selectors[..]) {
            Ok([selector]) => {
                if let Some(metric) = self.metric(selector) {
                    self.check_label(metric, selector, label);
                }
            }
            _ => self.report(format!("not a query of one metric: {query}")),
        }
    }

    fn check_source(&mut self, holder: &Value, what: &str) {
        if holder["datasource"]["uid"] != "${datasource}" {
            self.report(format!("{what}: a data source that is not the variable"));
        }
    }

    /// Panels have ids of their own, and do not lie over each other.
    fn check_places(&mut self, panels: &[Value]) {
        let mut ids = BTreeSet::new();
        let mut cells = BTreeSet::new();
        for panel in panels {
            let title = text(&panel["title"]);
            if !ids.insert(panel["id"].as_u64()) {
                self.report(format!("two panels have the id {}", panel["id"]));
            }
            let at = |side: &str| panel["gridPos"][side].as_u64().unwrap_or_default();
            let (x, y) = (at("x"), at("y"));
            let (right, bottom) = (x + at("w"), y + at("h"));
            if right == x || bottom == y || right > 24 {
                self.report(format!("{title}: not on the grid"));
            }
            let own = (x..right).flat_map(|x| (y..bottom).map(move |y| (x, y)));
            // Counted, so that each cell is entered.
            if own.filter(|&cell| !cells.insert(cell)).count() > 0 {
                self.report(format!("{title}: lies over another panel"));
            }
        }
    }

    fn check_panel(&mut self, panel: &Value) {
        let title = text(&panel["title"]);
        if title.is_empty() {
            self.report("a panel without a title");
        }
        if text(&panel["description"]).is_empty() {
            self.report(format!("{title}: no description"));
        }
        self.check_source(panel, title);
        let targets = list(&panel["targets"]);
        if targets.is_empty() {
            self.report(format!("{title}: no query"));
        }
        for target in targets {
            self.check_source(target, title);
            let expression = text(&target["expr"]);
            match Query::read(expression) {
                Ok(query) => {
                    self.check_query(&query, expression);
                    self.check_legend(&query, text(&target["legendFormat"]), title);
                    self.check_unit(&query, panel, title);
                }
                Err(why) => self.report(format!("{title}: not a query, {why}: {expression}")),
            }
        }
    }

    fn check_query(&mut self, query: &Query, expression: &str) {
        if query.selectors.is_empty() {
            self.report(format!("no metric: {expression}"));
        }
        for selector in &query.selectors {
            self.check_choice(selector);
        }
        self.check_selectors(query);
    }

    fn check_selectors(&mut self, query: &Query) {
        for selector in &query.selectors {
            let Some(metric) = self.metric(selector) else {
                continue;
            };
            self.shown.insert(metric.name);
            self.check_kind(metric, selector);
            self.check_buckets(query, selector);
            let matched = selector.matchers.iter().map(|(label, _)| label);
            for label in matched.chain(&query.kept) {
                self.check_label(metric, selector, label);
            }
        }
    }

    /// The metric that a selector reads.
    fn metric(&mut self, selector: &Selector) -> Option<&'static Metric> {
        let name = selector.name.as_str();
        if let Some(metric) = ALL.iter().find(|metric| metric.name == name) {
            if metric.kind == Kind::Histogram {
                let how = "a histogram is read by its _bucket, _sum and _count";
                self.report(format!("{name}: {how}"));
                return None;
            }
            return Some(metric);
        }
        let suffixes = ["_bucket", "_sum", "_count"];
        let histogram = suffixes.iter().find_map(|end| name.strip_suffix(end));
        let found = ALL
            .iter()
            .find(|metric| metric.kind == Kind::Histogram && Some(metric.name) == histogram);
        if found.is_none() {
            self.report(format!("no such metric: {name}"));
        }
        found
    }

    /// Counters, and the counts of a histogram, say something by their growth only; gauges by their values.
    fn check_kind(&mut self, metric: &Metric, selector: &Selector) {
        let name = &selector.name;
        let reader = selector.within.last().map_or("", String::as_str);
        let grows = selector.ranged && ["rate", "increase"].contains(&reader);
        match metric.kind {
            Kind::Gauge if grows => self.report(format!("{name}: a gauge within {reader}()")),
            Kind::Gauge => {}
            _ if !grows => self.report(format!("{name}: a counter without rate()")),
            _ => {}
        }
    }

    fn check_buckets(&mut self, query: &Query, selector: &Selector) {
        let buckets = selector.name.ends_with("_bucket");
        let quantile = selector
            .within
            .iter()
            .any(|one| one == "histogram_quantile");
        match (buckets, quantile) {
            (true, false) => self.report("buckets without histogram_quantile()"),
            (false, true) => self.report("histogram_quantile() of what is not buckets"),
            (true, true) if !query.kept.iter().any(|label| label == "le") => {
                self.report("buckets without le");
            }
            _ => {}
        }
    }

    fn check_choice(&mut self, selector: &Selector) {
        let chosen = |label: &str, by: &str| {
            let mut all = selector.matchers.iter();
            all.any(|(of, value)| of == label && value == by)
        };
        if !chosen("pool", "$pool") {
            self.report(format!("{} is not of the chosen pool", selector.name));
        }
        if !chosen("instance", "$instance") {
            self.report(format!("{} is not of the chosen instances", selector.name));
        }
    }

    fn check_label(&mut self, metric: &Metric, selector: &Selector, label: &str) {
        let published = metric.labels.contains(&label) || label == "pool";
        let bound = label == "le" && selector.name.ends_with("_bucket");
        if !published && !bound && label != OF_PROMETHEUS {
            self.report(format!("{} has no label {label}", metric.name));
        }
    }

    fn check_legend(&mut self, query: &Query, legend: &str, title: &str) {
        if legend.is_empty() {
            self.report(format!("{title}: no legend"));
        }
        let shown = legend.split("{{").skip(1);
        for label in shown.filter_map(|part| part.split("}}").next()) {
            if !query.kept.iter().any(|kept| kept == label) {
                self.report(format!(
                    "{title}: the legend shows {label}, the query does not"
                ));
            }
        }
    }

    fn check_unit(&mut self, query: &Query, panel: &Value, title: &str) {
        let shown = text(&panel["fieldConfig"]["defaults"]["unit"]);
        if shown.is_empty() {
            self.report(format!("{title}: no unit"));
        }
        let first = query.selectors.first();
        let gauge = first.and_then(|one| ALL.iter().find(|metric| metric.name == one.name));
        let bytes = gauge.is_some_and(|metric| metric.unit == Unit::Bytes);
        let seconds = query.uses("histogram_quantile")
            || first.is_some_and(|one| one.name.ends_with("_seconds_sum"));
        for (unit, applies) in [("bytes", bytes), ("s", seconds)] {
            if applies && shown != unit {
                self.report(format!("{title}: shows {unit} as {shown}"));
            }
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
