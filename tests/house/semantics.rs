//! The published contract: every row of `src/semantics.rs` names tests, and all of them exist.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// A row of the page: its number, and its tests as (file, function).
#[derive(Debug, PartialEq)]
struct Row {
    id: String,
    tests: Vec<(String, String)>,
}

impl Row {
    /// What the names of its tests begin with: `s4_12_` for row 4.12.
    fn prefix(&self) -> String {
        format!("s{}_", self.id.replace('.', "_"))
    }
}

/// Reads the rows of a page, and notes what looks like a part of one but is none.
fn read(page: &str, problems: &mut Vec<String>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in page.lines() {
        let line = line.strip_prefix("//!").unwrap_or(line).trim();
        if line.starts_with('#') {
            // A heading ends the row above it.
            rows.push(Row {
                id: String::new(),
                tests: Vec::new(),
            });
        } else if let Some(rest) = line
            .strip_prefix("**")
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            let id = rest.split("**").next().unwrap_or_default();
            if !is_id(id) {
                problems.push(format!("no number of a row: {line}"));
            }
            rows.push(Row {
                id: id.to_owned(),
                tests: Vec::new(),
            });
        } else if line.starts_with("- `") || line.contains(".rs:") {
            let test = line
                .strip_prefix("- `")
                .and_then(|rest| rest.strip_suffix('`'))
                .and_then(|span| span.split_once(": "));
            let row = rows.last_mut().filter(|row| !row.id.is_empty());
            match (row, test) {
                (Some(row), Some((file, function))) => {
                    row.tests.push((file.to_owned(), function.to_owned()));
                }
                (None, _) => problems.push(format!("a test of no row: {line}")),
                (_, None) => problems.push(format!("no test of the form `file: function`: {line}")),
            }
        }
    }
    rows.retain(|row| !row.id.is_empty());
    rows
}

/// Whether that is the number of a row, such as 4.12.
fn is_id(id: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    id.split_once('.')
        .is_some_and(|(section, row)| number(section) && number(row))
}

/// Whether a source has a test of that name: a function with `#[test]` among its attributes.
fn has_test(source: &str, function: &str) -> bool {
    let (mut attributes, start) = (Vec::new(), format!("fn {function}("));
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            attributes.push(line);
        } else {
            if line.starts_with(&start) && attributes.contains(&"#[test]") {
                return true;
            }
            attributes.clear();
        }
    }
    false
}

/// Where the tests are that `cargo test` runs, and those that need large crates.
const TESTED: [&str; 5] = [
    "src/",
    "tests/",
    "benches/growth/tests/",
    "examples/tests/",
    "scope-tests/tests/",
];

fn source_of(file: &str) -> Option<String> {
    let ours = TESTED.iter().any(|folder| file.starts_with(folder));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(path).ok().filter(|_| ours)
}

/// All that is wrong with a page.
fn problems_of(page: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let rows = read(page, &mut problems);
    let mut seen = HashSet::new();
    for row in &rows {
        let id = &row.id;
        if !seen.insert(id) {
            problems.push(format!("row {id} stands there twice"));
        }
        if row.tests.is_empty() {
            problems.push(format!("row {id} names no test"));
        }
        for (file, function) in &row.tests {
            if !function.starts_with(&row.prefix()) {
                problems.push(format!("row {id} names a test of another row: {function}"));
            }
            if !source_of(file).is_some_and(|source| has_test(&source, function)) {
                problems.push(format!("row {id}: no test {function} in {file}"));
            }
        }
    }
    problems
}

fn published() -> String {
    source_of("src/semantics.rs").expect("the contract is there")
}

#[test]
fn every_row_of_the_contract_names_tests_that_exist() {
    let page = published();
    assert_eq!(problems_of(&page), Vec::<String>::new());
    let rows = read(&page, &mut Vec::new());
    assert!(rows.len() > 30, "only {} rows were found", rows.len());
    let named: usize = rows.iter().map(|row| row.tests.len()).sum();
    let mentioned = page.matches(".rs:").count();
    assert_eq!(named, mentioned, "every test that is named was read");
}

#[test]
fn the_contract_is_text_alone() {
    let page = published();
    let code: Vec<_> = page
        .lines()
        .filter(|line| !line.starts_with("//!"))
        .collect();
    assert!(code.is_empty(), "{code:?}");
}

#[test]
fn a_wrong_row_would_be_seen() {
    const GOOD: &str =
        "s1_1_an_actor_handles_one_message_to_the_end_before_the_next_also_when_it_waits";
    const OTHER: &str = "s1_2_every_start_makes_fresh_state";
    let row = |id: &str, test: &str| format!("//! **{id}** A promise.\n//!\n//! - `{test}`\n");
    let good = row("1.1", &format!("tests/actors/references.rs: {GOOD}"));
    assert_eq!(problems_of(&good), Vec::<String>::new());

    let wrong = [
        (
            "no such test",
            row("1.1", "tests/actors/references.rs: s1_1_nobody_wrote_this"),
        ),
        (
            "a part of a name",
            row(
                "1.1",
                &format!("tests/actors/references.rs: {}", &GOOD[..20]),
            ),
        ),
        (
            "in another file",
            row("1.1", &format!("tests/asks/ask.rs: {GOOD}")),
        ),
        (
            "no such file",
            row("1.1", &format!("tests/nowhere.rs: {GOOD}")),
        ),
        (
            "of another row",
            row("1.1", &format!("tests/actors/references.rs: {OTHER}")),
        ),
        (
            "of a longer number",
            row("1.10", &format!("tests/actors/references.rs: {GOOD}")),
        ),
        ("no file", row("1.1", GOOD)),
        (
            "no number",
            row("1.x", &format!("tests/actors/references.rs: {GOOD}")),
        ),
        ("no test at all", "//! **1.1** A promise.\n".to_owned()),
        ("twice", good.repeat(2)),
        ("no row above", good.replace("**1.1** ", "")),
        (
            "a heading between",
            good.replace("//! - ", "//! # 2. Next\n//!\n//! - "),
        ),
    ];
    for (what, page) in wrong {
        assert!(!problems_of(&page).is_empty(), "not seen: {what}\n{page}");
    }
}

#[test]
fn only_a_function_with_the_attribute_is_a_test() {
    let source =
        "#[test]\n#[should_panic]\nfn one() {}\n\nfn two() {}\n    #[test]\n    fn three(\n";
    let found = ["one", "two", "three", "thr"].map(|name| has_test(source, name));
    assert_eq!(found, [true, false, true, false]);
}
