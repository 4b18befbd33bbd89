//! The published contract: every row of the documentation has tests in the table, and the table, the page
//! and the sources agree.

use std::fs;
use std::path::{Path, PathBuf};

/// A line of the table: the row, and a test of it.
#[derive(Debug, PartialEq)]
struct Entry {
    row: String,
    file: String,
    test: String,
}

/// Whether that is the number of a row, such as 4.12.
fn is_id(id: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    id.split_once('.')
        .is_some_and(|(section, row)| number(section) && number(row))
}

/// What sorts rows by number: 4.9 comes before 4.12.
fn order(id: &str) -> Vec<u32> {
    id.split('.').filter_map(|part| part.parse().ok()).collect()
}

/// What the names of a row's tests begin with: `s4_12_` for row 4.12.
fn prefix(id: &str) -> String {
    format!("s{}_", id.replace('.', "_"))
}

/// The row that the name of a test begins with, if it begins with one.
fn row_of(test: &str) -> Option<String> {
    let mut parts = test.strip_prefix('s')?.splitn(3, '_');
    let id = format!("{}.{}", parts.next()?, parts.next()?);
    (parts.next().is_some() && is_id(&id)).then_some(id)
}

/// The text of a page, line by line.
fn text_of(page: &str) -> impl Iterator<Item = &str> {
    page.lines()
        .map(|line| line.strip_prefix("//!").unwrap_or(line).trim())
}

/// Reads the numbers of the rows off a page. A row is a paragraph that begins with its number in bold.
fn rows_of(page: &str, problems: &mut Vec<String>) -> Vec<String> {
    let mut rows = Vec::new();
    let mut above = "";
    for line in text_of(page) {
        let bold = line
            .strip_prefix("**")
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if let Some(rest) = bold {
            let id = rest.split("**").next().unwrap_or_default();
            if !is_id(id) {
                problems.push(format!("no number of a row: {line}"));
            } else if !above.is_empty() {
                problems.push(format!("row {id} does not begin a paragraph"));
            } else if rows.iter().any(|row| row == id) {
                problems.push(format!("row {id} stands there twice"));
            } else if rest
                .split("**")
                .nth(1)
                .is_none_or(|text| text.trim().is_empty())
            {
                problems.push(format!("row {id} promises nothing"));
            }
            rows.push(id.to_owned());
        }
        above = line;
    }
    rows
}

/// The rows that a text refers to, as in "row 5.6" or "(row 5.6)".
fn references_of(page: &str) -> Vec<String> {
    let words: Vec<&str> = text_of(page).flat_map(str::split_whitespace).collect();
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_ascii_digit()).to_owned();
    words
        .windows(2)
        .filter(|pair| ["row", "rows"].contains(&pair[0].trim_start_matches('(')))
        .map(|pair| bare(pair[1]))
        .filter(|id| !id.is_empty())
        .collect()
}

/// Reads the table, and notes what looks like a line of it but is none.
fn read(table: &str, problems: &mut Vec<String>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in table.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parts: Vec<&str> = line.split(' ').collect();
        let [row, file, test] = parts[..] else {
            problems.push(format!("no line of the form `row file: test`: {line}"));
            continue;
        };
        let Some(file) = file.strip_suffix(':').filter(|_| is_id(row)) else {
            problems.push(format!("no line of the form `row file: test`: {line}"));
            continue;
        };
        let entry = Entry {
            row: row.to_owned(),
            file: file.to_owned(),
            test: test.to_owned(),
        };
        if entries.contains(&entry) {
            problems.push(format!("a line stands there twice: {line}"));
        }
        if entries
            .last()
            .is_some_and(|last| order(&last.row) > order(row))
        {
            problems.push(format!("not in the order of the rows: {line}"));
        }
        entries.push(entry);
    }
    entries
}

/// The tests of a source: its functions with `#[test]` among their attributes.
fn tests_of(source: &str) -> Vec<&str> {
    let (mut attributes, mut tests) = (Vec::new(), Vec::new());
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            attributes.push(line);
            continue;
        }
        let function = line
            .strip_prefix("fn ")
            .and_then(|rest| rest.split_once('('));
        if let Some((name, _)) = function.filter(|_| attributes.contains(&"#[test]")) {
            tests.push(name);
        }
        attributes.clear();
    }
    tests
}

/// Where the tests are that `cargo test` runs, and those that need large crates.
const TESTED: [&str; 5] = [
    "src/",
    "tests/",
    "benches/growth/tests/",
    "examples/tests/",
    "scope-tests/tests/",
];

/// Where the contract stands. The page of the guarantees includes the files of a folder beside it.
const PAGE: &str = "src/docs/guarantees.rs";
const PARTS: &str = "src/docs/guarantees";
const LIMITS: &str = "src/docs/limits.rs";
const TABLE: &str = "tests/house/guarantees.txt";

/// The file beside the page that a line of it includes, if it includes one.
fn included(line: &str) -> Option<&str> {
    line.strip_prefix("#![doc = include_str!(\"")?
        .strip_suffix("\")]")
}

fn source_of(file: &str) -> Option<String> {
    let ours = TESTED.iter().any(|folder| file.starts_with(folder));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(path).ok().filter(|_| ours)
}

fn published(file: &str) -> String {
    source_of(file).unwrap_or_else(|| panic!("{file} is not there"))
}

/// The page of the guarantees as a user reads it.
fn guarantees() -> String {
    let mut page = String::new();
    for line in published(PAGE).lines() {
        match included(line) {
            Some(part) => page += &published(&format!("src/docs/{part}")),
            None => page += line,
        }
        page.push('\n');
    }
    page
}

/// The lines of a page that are neither text nor include any.
fn code_of(page: &str) -> Vec<&str> {
    let text = |line: &&str| line.starts_with("//!") || line.is_empty();
    page.lines()
        .filter(|line| !text(line) && included(line).is_none())
        .collect()
}

/// The files, by their paths from the page, that the page does not include.
fn not_included(page: &str, files: &[String]) -> Vec<String> {
    let parts: Vec<&str> = page.lines().filter_map(included).collect();
    let mut lost = files.to_vec();
    lost.retain(|file| !parts.contains(&file.as_str()));
    lost
}

/// All that is wrong with a page and its table.
fn problems_of(page: &str, table: &str, source_of: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut problems = Vec::new();
    let rows = rows_of(page, &mut problems);
    let entries = read(table, &mut problems);
    for row in &rows {
        if !entries.iter().any(|entry| entry.row == *row) {
            problems.push(format!("row {row} has no test"));
        }
    }
    for Entry { row, file, test } in &entries {
        if !rows.contains(row) {
            problems.push(format!("no row {row} is promised: {test}"));
        }
        if !test.starts_with(&prefix(row)) {
            problems.push(format!("row {row} has a test of another row: {test}"));
        }
        if !source_of(file).is_some_and(|source| tests_of(&source).contains(&test.as_str())) {
            problems.push(format!("row {row}: no test {test} in {file}"));
        }
    }
    problems
}

/// The tests of a source that are named after a row that is not promised.
fn named_after_no_row(rows: &[String], source: &str) -> Vec<String> {
    tests_of(source)
        .into_iter()
        .filter(|test| row_of(test).is_some_and(|row| !rows.contains(&row)))
        .map(str::to_owned)
        .collect()
}

/// The rows that a text refers to and that are not promised.
fn refers_to_no_row(rows: &[String], text: &str) -> Vec<String> {
    let mut references = references_of(text);
    references.retain(|row| !rows.contains(row));
    references
}

/// Every Rust file of the repository.
fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let hidden = name.to_string_lossy().starts_with('.') || name == "target";
            if path.is_dir() && !hidden {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new(env!("CARGO_MANIFEST_DIR")), &mut found);
    found
}

#[test]
fn every_row_of_the_contract_has_tests_that_exist() {
    let (page, table) = (guarantees(), published(TABLE));
    assert_eq!(problems_of(&page, &table, source_of), Vec::<String>::new());
    let rows = rows_of(&page, &mut Vec::new());
    assert!(rows.len() > 60, "only {} rows were found", rows.len());
    let lines = table.lines().filter(|line| line.contains(".rs: ")).count();
    let entries = read(&table, &mut Vec::new()).len();
    assert_eq!(entries, lines, "every line of the table was read");
    assert!(entries > 400, "only {entries} tests were found");
}

#[test]
fn every_test_that_is_named_after_a_row_is_of_one_that_is_promised() {
    let rows = rows_of(&guarantees(), &mut Vec::new());
    let (mut lost, mut seen) = (Vec::new(), 0);
    for file in sources() {
        let source = fs::read_to_string(&file).expect("a text file");
        seen += tests_of(&source)
            .into_iter()
            .filter(|test| row_of(test).is_some())
            .count();
        for test in named_after_no_row(&rows, &source) {
            lost.push(format!("{}: {test}", file.display()));
        }
    }
    assert_eq!(lost, Vec::<String>::new());
    assert!(seen > 800, "only {seen} tests were found");
}

#[test]
fn the_contract_refers_to_its_own_rows() {
    let page = guarantees();
    let rows = rows_of(&page, &mut Vec::new());
    for text in [page, published(LIMITS)] {
        assert_eq!(refers_to_no_row(&rows, &text), Vec::<String>::new());
        assert!(references_of(&text).len() > 5, "few references were found");
    }
}

#[test]
fn the_contract_is_text_alone() {
    for file in [PAGE, LIMITS] {
        assert_eq!(code_of(&published(file)), Vec::<&str>::new(), "{file}");
    }
}

#[test]
fn every_part_of_the_contract_is_included() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(PARTS);
    let files: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .map(|entry| format!("guarantees/{}", entry.file_name().to_string_lossy()))
        .collect();
    assert!(files.len() > 3, "only {files:?} were found");
    assert_eq!(not_included(&published(PAGE), &files), Vec::<String>::new());
}

#[test]
fn code_or_a_part_that_is_left_out_would_be_seen() {
    let page = "//! Text.\n\n#![doc = include_str!(\"guarantees/a.md\")]\n";
    assert!(code_of(page).is_empty());
    let with_code = format!("{page}use crate::ActorRef;\n");
    assert_eq!(code_of(&with_code), ["use crate::ActorRef;"]);

    let files = ["guarantees/a.md", "guarantees/b.md"].map(str::to_owned);
    assert!(not_included(page, &files[..1]).is_empty());
    assert_eq!(not_included(page, &files), ["guarantees/b.md"]);
    assert_eq!(not_included("//! guarantees/a.md", &files).len(), 2);
}

#[test]
fn what_is_wrong_with_a_page_or_a_table_would_be_seen() {
    let source_of = |file: &str| {
        let source = "#[test]\nfn s1_1_one() {}\n#[test]\nfn s1_2_two() {}\nfn s1_1_none() {}\n";
        (file == "tests/a.rs").then(|| source.to_owned())
    };
    let problems_of = |page: &str, table: &str| problems_of(page, table, source_of);
    let page = "//! # Group\n//!\n//! **1.1** A promise.\n//!\n//! Its second paragraph.\n";
    let table = "# What it is.\n\n1.1 tests/a.rs: s1_1_one\n";
    let (two, both) = (
        format!("{page}//!\n//! **1.2** Another.\n"),
        format!("{table}1.2 tests/a.rs: s1_2_two\n"),
    );
    assert_eq!(problems_of(page, table), Vec::<String>::new());
    assert_eq!(problems_of(&two, &both), Vec::<String>::new());

    let malformed = "no line of the form";
    let lines = [
        (
            "1.1 tests/a.rs: s1_1_nobody_wrote_this",
            "no test s1_1_nobody",
        ),
        ("1.1 tests/a.rs: s1_1_on", "no test s1_1_on in"),
        ("1.1 tests/a.rs: s1_1_none", "no test s1_1_none in"),
        ("1.1 tests/b.rs: s1_1_one", "no test s1_1_one in tests/b.rs"),
        (
            "1.1 tests/a.rs: s1_2_two",
            "row 1.1 has a test of another row",
        ),
        (
            "1.10 tests/a.rs: s1_1_one",
            "row 1.10 has a test of another row",
        ),
        ("1.2 tests/a.rs: s1_2_two", "no row 1.2 is promised"),
        ("1.1 tests/a.rs: s1_1_one", "a line stands there twice"),
        ("1.1 s1_1_one", malformed),
        ("1.x tests/a.rs: s1_1_one", malformed),
        ("tests/a.rs: s1_1_one", malformed),
        ("1.1 tests/a.rs s1_1_one", malformed),
        ("1.1 tests/a.rs: s1_1_one x", malformed),
    ];
    for (line, problem) in lines {
        let found = problems_of(page, &format!("{table}{line}\n"));
        assert!(
            found.iter().any(|found| found.contains(problem)),
            "{line}: {found:?}"
        );
    }
    let others = [
        (page.to_owned(), String::new(), "row 1.1 has no test"),
        (
            page.to_owned(),
            table.replace("1.1", "# 1.1"),
            "row 1.1 has no test",
        ),
        (two.clone(), table.to_owned(), "row 1.2 has no test"),
        (
            two,
            format!("1.2 tests/a.rs: s1_2_two\n{table}"),
            "not in the order",
        ),
        (
            page.replace("1.1", "1.x"),
            String::new(),
            "no number of a row",
        ),
        (
            format!("{page}//!\n{page}"),
            table.to_owned(),
            "stands there twice",
        ),
        (
            page.replace("//!\n//! **", "//! **"),
            table.to_owned(),
            "does not begin",
        ),
        (
            page.replace(" A promise.", ""),
            table.to_owned(),
            "promises nothing",
        ),
        (
            page.replace("**", ""),
            table.to_owned(),
            "no row 1.1 is promised",
        ),
    ];
    for (page, table, problem) in others {
        let found = problems_of(&page, &table);
        assert!(
            found.iter().any(|found| found.contains(problem)),
            "{problem}: {found:?}\n{page}"
        );
    }
}

#[test]
fn only_tests_that_cargo_test_runs_may_be_listed() {
    assert!(source_of("tests/house/main.rs").is_some());
    assert!(source_of("tests/nowhere.rs").is_none());
    assert!(source_of("swarm/tests/simulated.rs").is_none());
}

#[test]
fn a_name_or_a_reference_without_its_row_would_be_seen() {
    let rows = ["1.1", "1.10"].map(str::to_owned);
    let source = "#[test]\nfn s1_1_x() {}\n#[test]\nfn s1_10_x() {}\n#[test]\nfn sum_of_1() {}\n";
    assert!(named_after_no_row(&rows, source).is_empty());
    let lost = source.replace("s1_10_x", "s1_11_x");
    assert_eq!(named_after_no_row(&rows, &lost), ["s1_11_x"]);
    assert!(named_after_no_row(&rows[..1], source).contains(&"s1_10_x".to_owned()));

    let text = "//! As row 1.1 says, (row\n//! 1.10), and in a row.\n";
    assert!(refers_to_no_row(&rows, text).is_empty());
    assert_eq!(refers_to_no_row(&rows[..1], text), ["1.10"]);
    assert_eq!(refers_to_no_row(&rows, "rows 1.2 and more"), ["1.2"]);
}

#[test]
fn only_a_function_with_the_attribute_is_a_test() {
    let source =
        "#[test]\n#[should_panic]\nfn one() {}\n\nfn two() {}\n    #[test]\n    fn three(\n";
    assert_eq!(tests_of(source), ["one", "three"]);
}
