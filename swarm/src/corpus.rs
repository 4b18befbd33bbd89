//! The corpus: seeds that once found something, and that run first every time.

use crate::features::Features;
use crate::plan::Plan;

/// One a line; `#` begins a comment.
const CORPUS: &str = include_str!("../corpus.txt");

/// A run of the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its seed.
    pub seed: u64,
    /// The features of its plan, if they differ from those now drawn for it.
    pub features: Option<Features>,
}

impl Entry {
    /// The entry of a seed, with the features that are now drawn for it.
    pub fn of(seed: u64) -> Self {
        Self {
            seed,
            features: None,
        }
    }

    /// Its plan, for a simulation or for threads.
    pub fn plan(self, on_threads: bool) -> Plan {
        let plan = match on_threads {
            true => Plan::parallel(self.seed),
            false => Plan::simulated(self.seed),
        };
        match self.features {
            Some(features) => plan.with_features(features),
            None => plan,
        }
    }
}

/// The entries of the corpus.
pub fn entries() -> Vec<Entry> {
    parse(CORPUS)
}

/// Parses entries from a text in the format of the corpus.
///
/// # Panics
///
/// If a line is not an entry.
pub fn parse(text: &str) -> Vec<Entry> {
    let lines = text.lines().map(|line| line.split('#').next());
    let entries = lines.flatten().map(str::trim);
    let entries = entries.filter(|entry| !entry.is_empty());
    entries.map(parse_entry).collect()
}

fn parse_entry(entry: &str) -> Entry {
    let mut words = entry.split_whitespace();
    let seed = words.next().and_then(|seed| seed.parse().ok());
    let features = match words.next() {
        Some("with") => Features::named(words).map(Some),
        Some(other) => Err(other.to_owned()),
        None => Ok(None),
    };
    match (seed, features) {
        (Some(seed), Ok(features)) => Entry { seed, features },
        _ => panic!("not a seed with features: {entry}"),
    }
}
