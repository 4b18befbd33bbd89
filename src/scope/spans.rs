//! Spans of `tracing`: each handler is in its own.

use tracing::Span;

use super::SwitchHook;

/// Exits the spans that a handler is in, and enters them again.
pub(super) struct Spans;

/// As many as are taken off at the most: a subscriber that does not notice that a span was exited would keep
/// naming it for ever.
const MOST: usize = 1 << 16;

impl SwitchHook for Spans {
    /// The innermost first.
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
