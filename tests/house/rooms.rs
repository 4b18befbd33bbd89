//! How the rooms of `src/` are kept: through their doors, without circles, and with names used once.

use std::collections::{BTreeMap, BTreeSet};

use crate::layers::{code_of, sources};

/// The longest file.
const MOST_LINES: usize = 600;

/// The most files that import each other in a circle.
const MOST_IN_A_CIRCLE: usize = 5;

/// The room and the module of a file: `shard` and `slot` of `shard/slot.rs`.
fn place_of(file: &str) -> Option<(&str, &str)> {
    let (room, rest) = file.split_once('/')?;
    Some((room, rest.strip_suffix(".rs")?))
}

/// What a file has before its tests, without whole lines of comments.
fn code(text: &str) -> String {
    code_of(text, "#[cfg(test)]\nmod tests")
}

/// The paths that a text imports or names: `use a::{b, c::d};` gives `a::b` and `a::c::d`.
pub(crate) fn paths_in(code: &str) -> Vec<String> {
    fn expand(tree: &str, before: &str, found: &mut Vec<String>) {
        let (mut depth, mut begin) = (0, 0);
        let mut parts = Vec::new();
        for (at, character) in tree.char_indices() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    parts.push(&tree[begin..at]);
                    begin = at + 1;
                }
                _ => {}
            }
        }
        parts.push(&tree[begin..]);
        for part in parts
            .into_iter()
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            match part.split_once('{') {
                Some((path, inner)) => {
                    let inner = inner.trim_end().trim_end_matches('}');
                    expand(inner, &format!("{before}{}", path.trim()), found);
                }
                None => {
                    let path = part.split(" as ").next().unwrap_or_default();
                    found.push(format!("{before}{}", path.trim()));
                }
            }
        }
    }
    let mut found = Vec::new();
    let mut rest = String::new();
    let mut statement: Option<String> = None;
    for line in code.lines() {
        let trimmed = line.trim_start();
        let unmarked = trimmed
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub(super) ");
        let unmarked = unmarked.trim_start_matches("pub ");
        if statement.is_none() && unmarked.starts_with("use ") {
            statement = Some(String::new());
        }
        match &mut statement {
            Some(begun) => {
                begun.push_str(if begun.is_empty() { unmarked } else { trimmed });
                if let Some(end) = begun.find(';') {
                    expand(&begun["use ".len()..end], "", &mut found);
                    statement = None;
                } else {
                    begun.push(' ');
                }
            }
            None => {
                rest.push_str(line);
                rest.push('\n');
            }
        }
    }
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    for begin in ["crate::", "super::", "self::"] {
        for (at, _) in rest.match_indices(begin) {
            let is_begun = rest[..at].ends_with(|c: char| is_path(c) || c == '$');
            if !is_begun {
                found.push(rest[at..].chars().take_while(|c| is_path(*c)).collect());
            }
        }
    }
    found
}

/// The imports that reach into another room past its `mod.rs`.
fn past_the_door(file: &str, text: &str, modules: &BTreeSet<(String, String)>) -> Vec<String> {
    let Some((own, _)) = place_of(file) else {
        return Vec::new();
    };
    let reaches = |path: &String| {
        let mut parts = path.strip_prefix("crate::")?.split("::");
        let (room, module) = (parts.next()?, parts.next()?);
        parts.next()?;
        let is_file = modules.contains(&(room.to_owned(), module.to_owned()));
        (room != own && is_file).then(|| format!("{file}: {path}"))
    };
    paths_in(&code(text)).iter().filter_map(reaches).collect()
}

fn modules_of(files: &[(String, String)]) -> BTreeSet<(String, String)> {
    let places = files.iter().filter_map(|(file, _)| place_of(file));
    places
        .filter(|(_, module)| *module != "mod")
        .map(|(room, module)| (room.to_owned(), module.to_owned()))
        .collect()
}

#[test]
fn a_room_is_entered_by_its_mod_rs_only() {
    let files = sources();
    let modules = modules_of(&files);
    let wrong: Vec<_> = files
        .iter()
        .flat_map(|(file, text)| past_the_door(file, text, &modules))
        .collect();
    assert!(wrong.is_empty(), "past the mod.rs of a room: {wrong:#?}");
}

#[test]
fn an_import_past_the_door_would_be_seen() {
    let modules = [("shard".to_owned(), "slot".to_owned())].into();
    let found = |text| past_the_door("ask/x.rs", text, &modules).len();
    assert_eq!(found("use crate::shard::slot::Slot;"), 1);
    assert_eq!(found("use crate::{shard::{slot::Slot, Shard}};"), 1);
    assert_eq!(found("fn f() { crate::shard::slot::g() }"), 1);
    assert_eq!(found("use crate::shard::Slot;"), 0);
    assert_eq!(
        past_the_door("shard/x.rs", "use crate::shard::slot::Slot;", &modules).len(),
        0
    );
}

/// The files of its own room that a file imports, by the names that `mod.rs` hands on as well.
fn imports_within(
    room: &str,
    module: &str,
    text: &str,
    handed_on: &BTreeMap<String, String>,
    modules: &BTreeSet<(String, String)>,
) -> BTreeSet<String> {
    let own = format!("crate::{room}::");
    let mut found = BTreeSet::new();
    for path in paths_in(&code(text)) {
        let inside = path.strip_prefix(&own).or(path.strip_prefix("super::"));
        let Some(name) = inside.and_then(|path| path.split("::").next()) else {
            continue;
        };
        let file = if modules.contains(&(room.to_owned(), name.to_owned())) {
            Some(name)
        } else {
            handed_on.get(name).map(String::as_str)
        };
        found.extend(file.filter(|file| *file != module).map(str::to_owned));
    }
    found
}

/// The names that a `mod.rs` hands on, and the file that each is of.
fn handed_on_by(text: &str) -> BTreeMap<String, String> {
    let paths = paths_in(&code(text));
    let parts = paths.iter().filter_map(|path| {
        let path = path.strip_prefix("self::").unwrap_or(path);
        let (file, name) = path.split_once("::")?;
        Some((name.to_owned(), file.to_owned()))
    });
    parts.collect()
}

/// The circles of more than so many files among these imports.
fn circles(imports: &BTreeMap<String, BTreeSet<String>>, most: usize) -> Vec<BTreeSet<String>> {
    let reached_from = |begin: &String| {
        let (mut reached, mut next) = (BTreeSet::new(), vec![begin]);
        while let Some(file) = next.pop() {
            for to in imports.get(file).into_iter().flatten() {
                if reached.insert(to.clone()) {
                    next.push(to);
                }
            }
        }
        reached
    };
    let reached: BTreeMap<_, _> = imports
        .keys()
        .map(|file| (file, reached_from(file)))
        .collect();
    let mut found = BTreeSet::new();
    for (file, from) in &reached {
        let back = |other: &&String| reached.get(other).is_some_and(|it| it.contains(*file));
        let circle: BTreeSet<String> = from.iter().filter(back).cloned().collect();
        if circle.len() > most {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

#[test]
fn no_more_than_five_files_import_each_other_in_a_circle() {
    let files = sources();
    let modules = modules_of(&files);
    let rooms: BTreeSet<&String> = modules.iter().map(|(room, _)| room).collect();
    for room in rooms {
        let face = format!("{room}/mod.rs");
        let face = files.iter().find(|(file, _)| *file == face);
        let handed_on = handed_on_by(&face.expect("each room has a mod.rs").1);
        let mut imports = BTreeMap::new();
        for (file, text) in &files {
            if let Some((own, module)) = place_of(file)
                && own == room
                && module != "mod"
            {
                let found = imports_within(room, module, text, &handed_on, &modules);
                imports.insert(module.to_owned(), found);
            }
        }
        let circles = circles(&imports, MOST_IN_A_CIRCLE);
        assert!(circles.is_empty(), "circles in {room}: {circles:#?}");
    }
}

#[test]
fn a_circle_would_be_seen() {
    let modules: BTreeSet<_> = ["a", "b", "c"]
        .map(|module| ("room".to_owned(), module.to_owned()))
        .into();
    let handed_on =
        handed_on_by("mod a;\npub(crate) use self::a::{One, Other};\npub use b::Third;");
    assert_eq!(handed_on.len(), 3);
    let imports = |module, text| imports_within("room", module, text, &handed_on, &modules);
    assert_eq!(imports("b", "use super::One;"), ["a".to_owned()].into());
    assert_eq!(imports("a", "use crate::room::{b::Third, c};").len(), 2);
    assert_eq!(imports("a", "use crate::other::b::Third;").len(), 0);
    let link = |to: &str| BTreeSet::from([to.to_owned()]);
    let ring: BTreeMap<_, _> = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]
        .map(|(from, to)| (from.to_owned(), link(to)))
        .into();
    assert_eq!(
        circles(&ring, 2),
        [["a", "b", "c"].map(str::to_owned).into()]
    );
    assert!(circles(&ring, 3).is_empty());
}

/// The types that a text defines, on its own level or within modules of the file.
fn types_in(text: &str) -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let tests = line == "#[cfg(test)]" || line.starts_with("#[cfg(all(test");
        if tests && lines.peek().is_some_and(|next| next.starts_with("mod ")) {
            break;
        }
        let mut words = line
            .split_whitespace()
            .skip_while(|word| word.starts_with("pub"));
        let keyword = words.next();
        let is_associated = line.starts_with("    ") && keyword == Some("type");
        if !matches!(
            keyword,
            Some("struct" | "enum" | "trait" | "type" | "union")
        ) || is_associated
        {
            continue;
        }
        let name: String = words
            .next()
            .unwrap_or_default()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if !name.is_empty() {
            types.insert(name);
        }
    }
    types
}

/// Rooms that are public as they are, with names that hold within them: `control::Outcome`.
const OWN_NAMESPACES: [&str; 3] = ["control", "sim", "testkit"];

fn names_used_twice(files: &[(String, String)]) -> Vec<String> {
    let mut seen: BTreeMap<String, &String> = BTreeMap::new();
    let mut twice = Vec::new();
    for (file, text) in files {
        let namespace = place_of(file).map(|(room, _)| room);
        let in_own = namespace.is_some_and(|room| OWN_NAMESPACES.contains(&room));
        for name in types_in(text) {
            let key = if in_own {
                format!("{}::{name}", namespace.unwrap_or_default())
            } else {
                name
            };
            if let Some(before) = seen.insert(key.clone(), file) {
                twice.push(format!("{key}: {before} and {file}"));
            }
        }
    }
    twice
}

#[test]
fn a_types_name_is_used_once_in_the_crate() {
    let files: Vec<_> = sources()
        .into_iter()
        // What stands for another file in a model check has its names too.
        .filter(|(file, _)| !file.ends_with("/tests.rs") && !file.ends_with("model.rs"))
        .collect();
    let twice = names_used_twice(&files);
    assert!(twice.is_empty(), "names of two types: {twice:#?}");
}

#[test]
fn a_name_used_twice_would_be_seen() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let one = file(
        "ask/x.rs",
        "pub(crate) struct Shared<T>(T);\n#[cfg(test)]\nmod tests {\n    struct Mine;\n}",
    );
    let other = file("pool/y.rs", "enum Shared {\n    A,\n}\nstruct Mine;");
    assert_eq!(names_used_twice(&[one, other]).len(), 1);
    let outside = file("sim/x.rs", "pub struct Outcome;");
    let inside = file("ask/x.rs", "struct Outcome;");
    assert!(names_used_twice(&[outside, inside]).is_empty());
}

/// Files that extend the shard outside of its room.
fn extends_the_shard(file: &str, text: &str) -> bool {
    let begins = |line: &str| {
        let line = line.trim_start();
        line.starts_with("impl") && (line.contains(" Shard {") || line.contains(" Shard{"))
    };
    !file.starts_with("shard/") && code(text).lines().any(begins)
}

#[test]
fn the_shard_is_extended_in_its_own_room_only() {
    let files = sources();
    let wrong = files
        .iter()
        .filter(|(file, text)| extends_the_shard(file, text));
    let wrong: Vec<_> = wrong.map(|(file, _)| file).collect();
    assert!(wrong.is_empty(), "`impl Shard` in {wrong:?}");
    assert!(extends_the_shard("ask/x.rs", "impl Shard {\n}"));
    assert!(extends_the_shard(
        "ask/x.rs",
        "impl<T> Waits<T> for Shard {\n}"
    ));
    assert!(!extends_the_shard("shard/x.rs", "impl Shard {\n}"));
}

/// Whether a text has more lines than a file may have.
fn is_too_long(text: &str) -> bool {
    text.lines().count() > MOST_LINES
}

#[test]
fn no_file_is_longer_than_six_hundred_lines() {
    let files = sources();
    let long: Vec<_> = files
        .iter()
        .filter(|(_, text)| is_too_long(text))
        .map(|(file, _)| file)
        .collect();
    assert!(long.is_empty(), "longer than {MOST_LINES} lines: {long:?}");
    assert!(is_too_long(&"\n".repeat(MOST_LINES + 1)));
}
