//! The corpus: seeds that once found something, which run first every time.

use crate::features::Features;
use crate::plan::Plan;

/// One a line, with a comment behind `#`.
const CORPUS: &str = include_str!("../corpus.txt");

/// A run of the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its seed.
    pub seed: u64,
    /// The features of its plan, where they are not those that are drawn for it now.
    pub features: Option<Features>,
}

impl Entry {
    /// A seed as it is drawn now.
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

/// The entries in a text of that form.
///
/// # Panics
///
/// Where a line is none.
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
