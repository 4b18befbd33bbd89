//! Spans of `tracing`: each handler is in its own.

use tracing::Span;

use super::SwitchHook;

/// Exits the spans that a handler is in, and enters them again.
pub(super) struct SpanScope;

/// The most that are removed: a subscriber that does not notice the exit of a span would name it
/// for ever.
const MOST: usize = 1 << 16;

impl SwitchHook for SpanScope {
    /// Innermost first.
    type Taken = Vec<Span>;

    fn suspend(&self) -> Vec<Span> {
        let mut taken = Vec::new();
        while taken.len() < MOST {
            let span = Span::current();
            if span
                .with_subscriber(|(id, subscriber)| subscriber.exit(id))
                .is_none()
            {
                break;
            }
            taken.push(span);
        }
        taken
    }

    fn resume(&self, taken: Vec<Span>) {
        for span in taken.iter().rev() {
            span.with_subscriber(|(id, subscriber)| subscriber.enter(id));
        }
    }
}
