//! The house rules, read off the sources: who may import whom, and where `unsafe` may stand.

use std::fs;
use std::path::{Path, PathBuf};

use crate::rooms::paths_in;

/// Rooms, which are the folders of `src/`, by height. A file imports from rooms below its own, or from its own.
const HEIGHTS: [(&str, u32); 32] = [
    ("sync", 0),
    ("control", 0),
    ("time", 0),
    ("docs", 0),
    ("memory", 1),
    ("queue", 2),
    ("shared", 2),
    ("fiber", 2),
    ("scope", 3),
    ("address", 4),
    ("failure", 5),
    ("supervision", 6),
    ("mailbox", 7),
    ("observe", 7),
    ("wait", 8),
    ("pool_core", 9),
    ("shard", 10),
    ("cancel", 11),
    ("deadlock", 12),
    ("suspend", 13),
    ("self_queue", 14),
    ("lifecycle", 15),
    ("actor", 16),
    ("ask", 17),
    ("inspect", 18),
    ("worker", 18),
    ("pool", 19),
    ("routing", 20),
    ("streams", 20),
    ("system", 21),
    ("sim", 21),
    ("testkit", 22),
];

/// The files that may say `unsafe`, besides those that only call a constructor with a typed
/// promise (marked by an `allow` on the statement).
const UNSAFE_FILES: [&str; 42] = [
    "actor/handling.rs",
    "actor/reference.rs",
    "address/cause.rs",
    "address/shared_text.rs",
    "failure/panic.rs",
    "fiber/current.rs",
    "fiber/overflow.rs",
    "fiber/shadow_stack.rs",
    "fiber/stack.rs",
    "mailbox/raw.rs",
    "memory/any_cell.rs",
    "memory/arena.rs",
    "memory/pages.rs",
    "memory/prefetch.rs",
    "memory/region.rs",
    "memory/segments.rs",
    "memory/slab_box.rs",
    "memory/slabs.rs",
    "pool_core/batch.rs",
    "pool_core/entry.rs",
    "pool_core/outbox.rs",
    "pool_core/payload.rs",
    "pool_core/ports.rs",
    "pool_core/posted.rs",
    "pool_core/running_handler.rs",
    "queue/inbox.rs",
    "queue/ingress.rs",
    "queue/ingress/claim.rs",
    "queue/ingress/segments.rs",
    "queue/ingress/words.rs",
    "queue/ingress/words_model.rs",
    "queue/oneshot.rs",
    "shard/arming.rs",
    "shard/current.rs",
    "shard/delivery.rs",
    "shard/message_ops.rs",
    "shard/parcel.rs",
    "shard/slot.rs",
    "shard/state.rs",
    "shard/turn_record.rs",
    "shard/vtable.rs",
    "wait/table.rs",
];

/// Files that make a typed reference where a type was compared or a tenancy begun, or pass a reference on
/// without its type, and may say `unsafe` for that alone.
const TYPED_PROMISES: [&str; 6] = [
    "actor/context.rs",
    "actor/props.rs",
    "actor/spawn.rs",
    "lifecycle/start.rs",
    "pool/shared.rs",
    "pool_core/core.rs",
];

pub(crate) fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).expect("a text file");
        let name = file
            .strip_prefix(&root)
            .expect("below src")
            .to_string_lossy()
            .into_owned();
        (name, text)
    };
    files.into_iter().map(read).collect()
}

fn height(folder: &str) -> Option<u32> {
    HEIGHTS
        .iter()
        .find(|(name, _)| *name == folder)
        .map(|(_, height)| *height)
}

/// What a file has before its tests, without whole lines of comments.
pub(crate) fn code_of(text: &str, tests: &str) -> String {
    let code = text.split(tests).next().unwrap_or_default();
    let code: Vec<&str> = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    code.join("\n")
}

/// The imports of a file that its height forbids: those of rooms that are not below its own, and those by way of
/// the root of the crate, whose names are of rooms of any height.
fn forbidden_imports(file: &str, text: &str) -> Vec<String> {
    let Some((own, _)) = file.split_once('/') else {
        return Vec::new();
    };
    let own_height = height(own).unwrap_or_else(|| panic!("{file} lies in no known layer"));
    let depth = file.matches('/').count();
    let code = code_of(text, "#[cfg(test)]\nmod tests");
    let is_forbidden = |path: &String| {
        if path.matches("super::").count() > depth {
            return true;
        }
        let Some(path) = path.strip_prefix("crate::") else {
            return false;
        };
        let folder = path.split("::").next().unwrap_or_default();
        folder != own && height(folder).is_none_or(|height| height >= own_height)
    };
    let paths = paths_in(&code).into_iter().filter(is_forbidden);
    paths.map(|path| format!("{file}: {path}")).collect()
}

#[test]
fn a_file_imports_only_from_layers_below_or_its_own() {
    let sources = sources();
    assert!(sources.len() > 40, "only {} files found", sources.len());
    let wrong: Vec<_> = sources
        .iter()
        .flat_map(|(file, text)| forbidden_imports(file, text))
        .collect();
    assert!(wrong.is_empty(), "imports against the layers: {wrong:#?}");
}

#[test]
fn an_import_from_a_higher_layer_would_be_seen() {
    assert_eq!(
        forbidden_imports("queue/x.rs", "use crate::shard::Shard;").len(),
        1
    );
    assert_eq!(
        forbidden_imports("ask/x.rs", "fn f() { crate::pool::g() }").len(),
        1
    );
    assert!(forbidden_imports("ask/x.rs", "use crate::shard::Shard;").is_empty());
    let found = |text| forbidden_imports("shard/x.rs", text).len();
    assert_eq!(found("use crate::ActorRef;"), 1);
    assert_eq!(found("use crate::prelude::*;"), 1);
    assert_eq!(found("use crate::{actor::ActorRef, address::Key, ask};"), 2);
    assert_eq!(found("use super::super::actor::ActorRef;"), 1);
    assert_eq!(found("use super::slot::Slot;\nuse crate::wait;"), 0);
}

#[test]
fn unsafe_stands_only_in_the_listed_files() {
    let mut with_unsafe: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| {
            text.lines().any(|line| {
                let code = line.trim_start();
                !code.starts_with("//") && code.contains("unsafe ") && !code.contains("unsafe_")
            })
        })
        .map(|(file, _)| file)
        // The tests of a file, in one of their own, as in the same one.
        .filter(|file| !file.ends_with("/tests.rs"))
        .collect();
    with_unsafe.sort();
    let mut allowed: Vec<&str> = UNSAFE_FILES.into_iter().chain(TYPED_PROMISES).collect();
    allowed.sort_unstable();
    assert_eq!(with_unsafe, allowed);
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(file, _)| file)
        .collect();
    assert!(silent.is_empty(), "without a first line: {silent:?}");
}

#[test]
fn layers_below_the_drivers_start_no_thread_and_read_no_clock() {
    let low = sources().into_iter().filter(|(file, _)| {
        !file.starts_with("pool/")
            && !file.starts_with("sync/")
            && !file.ends_with("/tests.rs")
            && file.contains('/')
    });
    let wrong: Vec<String> = low
        .filter(|(file, text)| {
            let code = code_of(text, "#[cfg(test)]");
            // A thread outside of any pool has only the system's clock for its time-outs.
            let outside = [
                "queue/oneshot.rs",
                "ask/outside.rs",
                "ask/reply.rs",
                "ask/deadline.rs",
            ]
            .contains(&file.as_str());
            code.contains("thread::spawn") || (code.contains("Instant::now") && !outside)
        })
        .map(|(file, _)| file)
        .collect();
    assert!(wrong.is_empty(), "threads or clocks in {wrong:?}");
}
