//! The headers `traceparent` and `tracestate`.

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
/// The length of a `traceparent` of version 00, and of the part of a later one that is read.
const LENGTH: usize = 55;

/// Returns a context with the remote span that a request's `traceparent` and `tracestate` name.
///
/// A request without a `traceparent`, with two, or with one that is malformed by [W3C Trace Context] begins a new
/// trace: the returned context has no span. Of a version after 00, the part is read that version 00 has. Several
/// `tracestate` headers are one, if the extractor returns them all. The header names are looked up in lower
/// case.
///
/// [W3C Trace Context]: https://www.w3.org/TR/trace-context/
///
/// ```
/// use nexus_actors_opentelemetry::extract;
/// use opentelemetry::trace::TraceContextExt;
/// use std::collections::HashMap;
///
/// let mut headers = HashMap::new();
/// let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// headers.insert("traceparent".to_owned(), parent.to_owned());
/// let context = extract(&headers);
/// assert_eq!(context.span().span_context().trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert!(context.span().span_context().is_sampled());
///
/// headers.insert("traceparent".to_owned(), "00-1-2-01".to_owned());
/// assert!(!extract(&headers).span().span_context().is_valid());
/// ```
pub fn extract(headers: &dyn Extractor) -> Context {
    match TraceHeaders::read(headers) {
        // Not from the current context of the thread, which is that of another request.
        Some(headers) => {
            TraceContextPropagator::new().extract_with_context(&Context::new(), &headers)
        }
        None => Context::new(),
    }
}

/// Writes `traceparent` and `tracestate` of a context's span into the headers of an outgoing request.
///
/// A context without a span writes nothing. An empty `tracestate` is not written.
///
/// ```
/// use nexus_actors_opentelemetry::{extract, inject};
/// use std::collections::HashMap;
///
/// let mut headers = HashMap::new();
/// let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// headers.insert("traceparent".to_owned(), parent.to_owned());
/// let mut outgoing = HashMap::new();
/// inject(&extract(&headers), &mut outgoing);
/// assert_eq!(outgoing, headers);
/// ```
pub fn inject(context: &Context, headers: &mut dyn Injector) {
    TraceContextPropagator::new().inject_context(context, &mut WithoutEmpty(headers));
}

/// The two headers, checked. The propagator accepts ids that are too short, signs, and a trailing dash.
struct TraceHeaders {
    parent: String,
    state: Option<String>,
}

impl TraceHeaders {
    fn read(headers: &dyn Extractor) -> Option<Self> {
        let [parent] = headers.get_all(TRACEPARENT)?[..] else {
            return None;
        };
        Some(Self {
            parent: well_formed(parent.trim())?.to_owned(),
            state: headers.get_all(TRACESTATE).and_then(|all| one_state(&all)),
        })
    }
}

impl Extractor for TraceHeaders {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => Some(&self.parent),
            TRACESTATE => self.state.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        let state = self.state.as_ref().map(|_| TRACESTATE);
        [TRACEPARENT].into_iter().chain(state).collect()
    }
}

/// Returns the part of a `traceparent` that version 00 has, if it is well formed.
fn well_formed(header: &str) -> Option<&str> {
    let (read, more) = header.split_at_checked(LENGTH)?;
    let parts: Vec<&str> = read.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let well_formed = lengths == [2, 32, 16, 2]
        && parts.iter().all(|part| part.bytes().all(hex))
        && match parts[0] {
            "00" => more.is_empty(),
            "ff" => false,
            _ => more.is_empty() || more.starts_with('-'),
        };
    well_formed.then_some(read)
}

/// Returns the lists of several headers as one, without the white space and the empty members that are allowed
/// there, or `None` if a member has no key.
fn one_state(headers: &[&str]) -> Option<String> {
    let members = headers.iter().flat_map(|header| header.split(','));
    let members: Vec<&str> = members
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .collect();
    let keyed = members.iter().all(|member| !member.starts_with('='));
    (keyed && !members.is_empty()).then(|| members.join(","))
}

/// Leaves out headers without a value.
struct WithoutEmpty<'a>(&'a mut dyn Injector);

impl Injector for WithoutEmpty<'_> {
    fn set(&mut self, key: &str, value: String) {
        if !value.is_empty() {
            self.0.set(key, value);
        }
    }
}
