//! The progress of the feeding: one line on the standard error, if that is a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::numbers::progress;

/// The pause between two drawings: the eye follows no more, and the workers want the core.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Progress {
    all: u64,
    done: u64,
    start: Instant,
    /// When it is to be drawn next; `None` if this is no terminal.
    due: Option<Instant>,
}

impl Progress {
    pub(crate) fn of(all: u64) -> Self {
        let start = Instant::now();
        Self {
            all,
            done: 0,
            start,
            due: io::stderr().is_terminal().then_some(start),
        }
    }

    pub(crate) fn add(&mut self, more: u64) {
        self.done += more;
        let now = Instant::now();
        if self.due.is_some_and(|due| due <= now) {
            self.due = Some(now + PAUSE);
            draw(&progress(self.done, self.all, now - self.start));
        }
    }

    /// Leaves the terminal as it was.
    pub(crate) fn clear(self) {
        if self.due.is_some() {
            draw("");
        }
    }
}

/// Replaces the previous line. A failure does not matter to the run.
fn draw(line: &str) {
    let _ = write!(io::stderr().lock(), "\r\x1b[K{line}");
}
