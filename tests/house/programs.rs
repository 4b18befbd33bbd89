//! Every file of the tests is a part of a program: one that no `mod` names is not compiled, and nobody
//! would notice.

use std::fs;
use std::path::{Path, PathBuf};

/// What no `mod` of `root` names.
fn without_mod(root: &str, files: &[String]) -> Vec<String> {
    let named: Vec<&str> = root
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    files
        .iter()
        .filter(|file| !named.contains(&file.as_str()))
        .cloned()
        .collect()
}

/// The Rust files and folders in a folder, by the names that a `mod` would have, but for `root`.
fn modules(folder: &Path, root: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| path.is_dir() || path.extension().is_some_and(|end| end == "rs"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into())
        .filter(|name| name != root)
        .collect()
}

/// The files below a folder that no program has, and how many were looked at.
fn look(folder: &Path, root: &str, lost: &mut Vec<String>) -> usize {
    let text = fs::read_to_string(folder.join(format!("{root}.rs")));
    let Ok(text) = text else {
        lost.push(format!("{} has no {root}.rs", folder.display()));
        return 0;
    };
    let modules = modules(folder, root);
    for name in without_mod(&text, &modules) {
        lost.push(folder.join(name).display().to_string());
    }
    let below = modules.iter().map(|name| folder.join(name));
    let below = below.filter(|path| path.is_dir());
    modules.len() + below.map(|path| look(&path, "mod", lost)).sum::<usize>()
}

#[test]
fn every_file_of_the_tests_belongs_to_a_program() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let (mut lost, mut seen) = (Vec::new(), 0);
    for program in modules(&tests, "").iter().map(|name| tests.join(name)) {
        // A program of one file needs no `mod`, and the harness is named by every other's.
        if program.is_dir() && !program.ends_with("common") {
            seen += look(&program, "main", &mut lost);
        }
    }
    assert_eq!(lost, Vec::<String>::new());
    assert!(seen > 100, "only {seen} files were found");
}

#[test]
fn a_file_without_its_mod_would_be_seen() {
    let files = ["ask", "mailbox"].map(str::to_owned);
    assert_eq!(without_mod("mod ask;\n", &files), ["mailbox"]);
    assert_eq!(
        without_mod("//! mod mailbox;\nmod ask;\n", &files),
        ["mailbox"]
    );
    assert!(without_mod("mod ask;\nmod mailbox;\n", &files).is_empty());
}

#[test]
fn every_recorded_regression_is_of_a_file_that_is_there() {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = root.join("proptest-regressions");
    let mut files = Vec::new();
    walk(&recorded, &mut files);
    assert!(!files.is_empty());
    for file in files {
        // The library replays what is recorded under the path of the source below `src`.
        let of = file
            .strip_prefix(&recorded)
            .expect("below it")
            .with_extension("rs");
        assert!(
            root.join("src").join(&of).exists(),
            "no src/{}",
            of.display()
        );
    }
}
