//! The corpus: seeds that once found something, which run first every time.

/// One a line, with a comment behind `#`.
const CORPUS: &str = include_str!("../corpus.txt");

/// The seeds of the corpus.
pub fn seeds() -> Vec<u64> {
    parse(CORPUS)
}

/// The seeds in a text of that form.
///
/// # Panics
///
/// Where a line is none.
pub fn parse(text: &str) -> Vec<u64> {
    let lines = text.lines().map(|line| line.split('#').next());
    let numbers = lines.flatten().map(str::trim);
    let seeds = numbers.filter(|number| !number.is_empty());
    let parse = |number: &str| {
        let seed = number.parse();
        seed.unwrap_or_else(|_| panic!("not a seed: {number}"))
    };
    seeds.map(parse).collect()
}
