//! What the models send: cells that loom watches, and a count of those that are still alive.

#![allow(unsafe_code)]

use loom::cell::UnsafeCell;
use nexus_actors::model::{Link, Node};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Counts the letters that were written and not yet dropped.
///
/// Its atomic is the standard library's, not loom's: counting must not order anything.
#[derive(Clone, Default)]
pub struct Tally(Arc<AtomicUsize>);

impl Tally {
    /// The number of letters that are alive.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.0.load(Relaxed)
    }
}

/// The lines of a letter: loom reports any access by a thread that does not own the letter.
#[derive(Clone)]
pub struct Lines(Arc<[UnsafeCell<u32>]>);

impl Lines {
    /// Writes a number into a line.
    pub fn write(&self, line: usize, number: u32) {
        // SAFETY: loom runs one thread at a time, and a race here fails the model.
        self.0[line].with_mut(|place| unsafe { *place = number });
    }

    fn read(&self, line: usize) -> u32 {
        // SAFETY: loom runs one thread at a time, and a race here fails the model.
        self.0[line].with(|place| unsafe { *place })
    }
}

/// A node with some lines: one makes it a message, several a batch.
pub struct Letter(Box<Body>);

#[repr(C)]
struct Body {
    link: Link,
    lines: Lines,
    tally: Tally,
}

impl Letter {
    /// Makes a letter with these numbers in its lines.
    #[must_use]
    pub fn of(numbers: &[u32], tally: &Tally) -> Self {
        tally.0.fetch_add(1, Relaxed);
        Self(Box::new(Body {
            link: Link::new(),
            lines: Lines(
                numbers
                    .iter()
                    .map(|&number| UnsafeCell::new(number))
                    .collect(),
            ),
            tally: tally.clone(),
        }))
    }

    /// Returns the numbers in its lines.
    #[must_use]
    pub fn read(&self) -> Vec<u32> {
        (0..self.0.lines.0.len())
            .map(|line| self.0.lines.read(line))
            .collect()
    }

    /// Writes new numbers into its lines.
    pub fn fill(&mut self, numbers: &[u32]) {
        for (line, &number) in numbers.iter().enumerate() {
            self.0.lines.write(line, number);
        }
    }

    /// Returns its lines, for a model that breaks the rules by keeping them.
    #[must_use]
    pub fn lines(&self) -> Lines {
        self.0.lines.clone()
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.tally.0.fetch_sub(1, Relaxed);
    }
}

// SAFETY: a letter owns its body; loom guards the lines that `Letter::lines` shares.
unsafe impl Send for Letter {}

// SAFETY: the box is leaked and made again from the same address, at which the link lies
// (`repr(C)`); it is not touched in between.
unsafe impl Node for Letter {
    fn into_link(self) -> NonNull<Link> {
        NonNull::from(Box::leak(self.0)).cast()
    }

    unsafe fn from_link(link: NonNull<Link>) -> Self {
        // SAFETY: by the contract of `from_link` the address came from `into_link`.
        Self(unsafe { Box::from_raw(link.cast().as_ptr()) })
    }
}
