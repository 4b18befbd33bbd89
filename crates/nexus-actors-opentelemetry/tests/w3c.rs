//! The headers of W3C Trace Context, in and out.

use nexus_actors_opentelemetry::{extract, inject};
use opentelemetry::Context;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use std::collections::HashMap;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// Headers as a server has them: a name may come several times.
struct Headers(Vec<(&'static str, String)>);

impl Extractor for Headers {
    fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| value.as_str())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let found = self.0.iter().filter(|(name, _)| *name == key);
        let all: Vec<&str> = found.map(|(_, value)| value.as_str()).collect();
        (!all.is_empty()).then_some(all)
    }
}

fn headers(all: &[(&'static str, &str)]) -> Headers {
    let owned = all.iter().map(|&(name, value)| (name, value.to_owned()));
    Headers(owned.collect())
}

fn span_of(all: &[(&'static str, &str)]) -> SpanContext {
    extract(&headers(all)).span().span_context().clone()
}

fn parent(text: &str) -> SpanContext {
    span_of(&[("traceparent", text)])
}

#[test]
fn a_valid_header_names_the_remote_parent() {
    for (flags, sampled) in [
        ("00", false),
        ("01", true),
        ("03", true),
        ("fe", false),
        ("ff", true),
    ] {
        let span = parent(&format!("00-{TRACE}-{SPAN}-{flags}"));
        assert_eq!(span.trace_id().to_string(), TRACE, "{flags}");
        assert_eq!(span.span_id().to_string(), SPAN, "{flags}");
        assert_eq!(span.is_sampled(), sampled, "{flags}");
        assert!(span.is_remote());
    }
    let spaces = parent(&format!(" \t00-{TRACE}-{SPAN}-01 "));
    assert!(
        spaces.is_valid(),
        "optional white space around a value is not part of it"
    );
}

#[test]
fn of_a_later_version_the_known_part_is_read() {
    for header in [
        format!("01-{TRACE}-{SPAN}-01"),
        format!("cc-{TRACE}-{SPAN}-01-what-the-future-brings"),
        format!("fe-{TRACE}-{SPAN}-01-"),
    ] {
        let span = parent(&header);
        assert_eq!(span.trace_id().to_string(), TRACE, "{header}");
        assert_eq!(span.span_id().to_string(), SPAN, "{header}");
        assert!(span.is_sampled(), "{header}");
    }
    for header in [
        format!("cc-{TRACE}-{SPAN}-01.what"),
        format!("cc-{TRACE}-{SPAN}-010"),
        format!("ff-{TRACE}-{SPAN}-01"),
    ] {
        assert!(!parent(&header).is_valid(), "{header}");
    }
}

#[test]
fn a_malformed_header_begins_a_new_trace() {
    let upper = TRACE.to_uppercase();
    for header in [
        String::new(),
        "00".to_owned(),
        "00---".to_owned(),
        format!("00-{TRACE}-{SPAN}"),
        format!("00-{TRACE}-{SPAN}-"),
        format!("00-{TRACE}-{SPAN}-1"),
        format!("00-{TRACE}-{SPAN}-0x"),
        format!("00-{TRACE}-{SPAN}-+1"),
        format!("00-{TRACE}-{SPAN}-01-"),
        format!("00-{TRACE}-{SPAN}-01-more"),
        format!("0-{TRACE}-{SPAN}-01"),
        format!("000-{TRACE}-{SPAN}-01"),
        format!("+0-{TRACE}-{SPAN}-01"),
        format!("0x-{TRACE}-{SPAN}-01"),
        format!("00-{upper}-{SPAN}-01"),
        format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
        format!("00-{TRACE}-{SPAN}-0A"),
        format!("00-{}-{SPAN}-01", &TRACE[1..]),
        format!("00-{TRACE}0-{SPAN}-01"),
        format!("00-{TRACE}-{}-01", &SPAN[1..]),
        format!("00-{TRACE}-{SPAN}0-01"),
        format!("00-{}-{SPAN}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        format!("00-+{}-{SPAN}-01", &TRACE[1..]),
        format!("00-{TRACE}-{}é-01", &SPAN[2..]),
        format!("00_{TRACE}_{SPAN}_01"),
        "é".repeat(40),
    ] {
        assert!(!parent(&header).is_valid(), "{header:?}");
    }
    assert!(!span_of(&[]).is_valid());
    assert!(!span_of(&[("tracestate", "a=1")]).is_valid());
}

#[test]
fn two_parents_are_none() {
    let one = format!("00-{TRACE}-{SPAN}-01");
    assert!(!span_of(&[("traceparent", &one), ("traceparent", &one)]).is_valid());
}

#[test]
fn the_state_is_passed_on() {
    let one = format!("00-{TRACE}-{SPAN}-01");
    let state = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7";
    let context = extract(&headers(&[("traceparent", &one), ("tracestate", state)]));
    let mut outgoing = HashMap::new();
    inject(&context, &mut outgoing);
    assert_eq!(outgoing["traceparent"], one);
    assert_eq!(outgoing["tracestate"], state);
}

#[test]
fn several_headers_of_state_are_one() {
    let one = format!("00-{TRACE}-{SPAN}-01");
    let span = span_of(&[
        ("traceparent", &one),
        ("tracestate", "a=1"),
        ("tracestate", " b=2 ,, c=3 "),
    ]);
    assert_eq!(span.trace_state().header(), "a=1,b=2,c=3");
}

#[test]
fn a_malformed_state_is_dropped_and_the_parent_is_kept() {
    let one = format!("00-{TRACE}-{SPAN}-01");
    for state in ["no equals sign", "", "  ", "=1"] {
        let span = span_of(&[("traceparent", &one), ("tracestate", state)]);
        assert_eq!(span.trace_id().to_string(), TRACE, "{state:?}");
        assert_eq!(span.trace_state().header(), "", "{state:?}");
    }
}

#[test]
fn nothing_is_written_for_a_context_without_a_span_and_no_empty_state() {
    let mut outgoing = HashMap::new();
    inject(&Context::new(), &mut outgoing);
    assert_eq!(outgoing, HashMap::new());
    let one = format!("00-{TRACE}-{SPAN}-00");
    inject(&extract(&headers(&[("traceparent", &one)])), &mut outgoing);
    assert_eq!(outgoing, HashMap::from([("traceparent".to_owned(), one)]));
}
