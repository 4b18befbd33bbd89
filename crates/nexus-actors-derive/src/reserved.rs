//! Method names that every `ActorRef` already has. `tests/reserved.rs` compares them with the sources of
//! `nexus-actors`.

/// The public functions of `ActorRef` itself. They would be called instead of a message's method.
pub(crate) const INHERENT: [&str; 17] = [
    "ask",
    "contramap",
    "id",
    "kill",
    "passivate",
    "path",
    "resume",
    "send",
    "send_async",
    "send_async_timeout",
    "send_timeout",
    "sink",
    "stop",
    "suspend",
    "tell",
    "tell_all",
    "try_tell",
];

/// Traits of the standard library, with their functions. `ActorRef` implements all of them except the two
/// traits of ordering, for whose functions a reader would take a message's method.
///
/// A call is either ambiguous, or its meaning depends on whether the receiver is borrowed.
pub(crate) const TRAITS: [(&str, &[&str]); 15] = [
    ("Any", &["type_id"]),
    ("Borrow", &["borrow"]),
    ("BorrowMut", &["borrow_mut"]),
    ("Clone", &["clone", "clone_from"]),
    ("Copy", &[]),
    ("Debug", &["fmt"]),
    ("Eq", &[]),
    ("From", &["from"]),
    ("Hash", &["hash", "hash_slice"]),
    ("Into", &["into"]),
    ("Ord", &["cmp"]),
    ("PartialEq", &["eq", "ne"]),
    ("PartialOrd", &["partial_cmp"]),
    ("ToOwned", &["to_owned", "clone_into"]),
    ("TryInto", &["try_into", "try_from"]),
];

/// Returns why a message's method cannot have that name, if it cannot.
pub(crate) fn why(name: &str) -> Option<String> {
    if INHERENT.contains(&name) {
        return Some(format!(
            "`ActorRef` has a method `{name}`, which would be called instead"
        ));
    }
    let (owner, _) = TRAITS.iter().find(|(_, names)| names.contains(&name))?;
    Some(format!(
        "`{name}` is a method of the standard library's `{owner}`, and a call would be ambiguous"
    ))
}
