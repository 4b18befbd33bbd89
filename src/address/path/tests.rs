//! Tests of `path.rs`.

use super::*;
use proptest::prelude::*;

fn path(text: &str) -> ActorPath {
    ActorPath::parse(text).unwrap()
}

fn refusal(text: &str) -> PathError {
    ActorPath::parse(text).unwrap_err()
}

#[test]
fn s1_8_parse_accepts_the_documented_paths() {
    for text in [
        "/",
        "/user",
        "/user/orders/order-123",
        "/A/z/0/9/_/-/a.b/...",
        "/user/$1/$a.b_c-d/.hidden",
    ] {
        assert_eq!(path(text).as_str(), text);
        assert_eq!(text.parse(), Ok(path(text)));
        assert_eq!(ActorPath::try_from(text), Ok(path(text)));
    }
}

#[test]
fn s1_8_parse_refuses_what_is_not_absolute() {
    assert_eq!(refusal(""), PathError::Empty);
    let expected = PathError::NotAbsolute {
        path: "user/a".into(),
    };
    assert_eq!(refusal("user/a"), expected);
}

#[test]
fn s1_8_parse_refuses_surplus_slashes() {
    assert_eq!(refusal("//"), PathError::EmptySegment { offset: 1 });
    assert_eq!(refusal("//user"), PathError::EmptySegment { offset: 1 });
    assert_eq!(refusal("/user//a"), PathError::EmptySegment { offset: 6 });
    assert_eq!(refusal("/user/"), PathError::TrailingSlash { offset: 5 });
}

#[test]
fn s1_8_parse_names_the_bad_segment() {
    let error = refusal("/user/or ders/x");
    let reason = NameError::InvalidCharacter {
        name: "or ders".into(),
        character: ' ',
        offset: 2,
    };
    let expected = PathError::Segment {
        segment: "or ders".into(),
        offset: 6,
        reason,
    };
    assert_eq!(error, expected);
    let text = error.to_string();
    for part in ["\"or ders\"", "at byte 6", "' ' at byte 2", "use only"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn s1_8_relative_segments_are_refused() {
    for name in [".", ".."] {
        let expected = NameError::Relative { name: name.into() };
        assert_eq!(validate_name(name), Err(expected.clone()));
        let expected = PathError::Segment {
            segment: name.into(),
            offset: 6,
            reason: expected,
        };
        assert_eq!(refusal(&format!("/user/{name}/a")), expected);
    }
}

#[test]
fn s1_8_the_dollar_is_for_generated_names() {
    let user = ActorPath::user();
    let reserved = NameError::Reserved { name: "$1".into() };
    assert_eq!(user.child("$1"), Err(reserved));
    let generated = user.generated_child("$1").unwrap();
    assert_eq!(path("/user/$1"), generated);
    assert_eq!(user.generated_child("$"), Err(NameError::BareDollar));
    assert!(matches!(
        refusal("/user/$"),
        PathError::Segment {
            reason: NameError::BareDollar,
            ..
        }
    ));
    for name in ["$a$", "a$"] {
        assert!(matches!(
            user.generated_child(name),
            Err(NameError::InvalidCharacter { character: '$', offset, .. })
                if offset == name.len() - 1
        ));
    }
}

#[test]
fn s1_8_a_name_has_at_most_255_bytes() {
    let longest = "x".repeat(255);
    let user = ActorPath::user();
    assert_eq!(user.child(&longest).unwrap().name(), longest);
    assert!(ActorPath::parse(&format!("/{longest}/{longest}")).is_ok());
    let error = user.child(&"é".repeat(128)).unwrap_err();
    let expected = NameError::TooLong {
        start: "é".repeat(32),
        length: 256,
    };
    assert_eq!(error, expected);
    assert_eq!(user.child(""), Err(NameError::Empty));
}

#[test]
fn s1_8_characters_outside_the_set_are_refused() {
    for c in ['/', ' ', '\0', '\n', '%', '*', ':', '~', '@', 'é', '界'] {
        let error = validate_name(&format!("ab{c}")).unwrap_err();
        let named = matches!(
            error,
            NameError::InvalidCharacter { character, offset: 2, .. } if character == c
        );
        assert!(named, "{error}");
    }
}

#[test]
fn s1_8_the_root_has_no_name_and_no_parent() {
    let root = ActorPath::root();
    assert_eq!((root.name(), root.depth(), root.parent()), ("", 0, None));
    assert_eq!(root.segments().next(), None);
    assert!(!root.is_child_of(&root) && !root.is_descendant_of(&root));
    assert_eq!(root.child("user").unwrap(), ActorPath::user());
}

#[test]
fn s1_8_a_longer_name_is_not_a_descendant() {
    assert!(!path("/user/ab").is_descendant_of(&path("/user/a")));
    assert!(!path("/user/ab").is_child_of(&path("/user/a")));
    assert!(!path("/user/a/b").is_child_of(&path("/user")));
}

#[test]
fn errors_do_not_repeat_a_long_text() {
    let error = refusal(&"x".repeat(1_000_000));
    assert!(error.to_string().len() < 200);
    let error = refusal(&format!("/{}", "x".repeat(1_000_000)));
    assert!(error.to_string().len() < 300);
}

#[test]
fn display_honours_the_width() {
    assert_eq!(format!("{:>8}|", ActorPath::user()), "   /user|");
    assert_eq!(format!("{:?}", ActorPath::user()), "ActorPath(/user)");
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_.-]{1,12}".prop_filter("relative", |name| name != "." && name != "..")
}

fn any_path() -> impl Strategy<Value = ActorPath> {
    let generated = name().prop_map(|name| format!("${name}"));
    let segment = prop_oneof![3 => name(), 1 => generated];
    prop::collection::vec(segment, 0..6).prop_map(|names| path(&format!("/{}", names.join("/"))))
}

proptest! {
    #[test]
    fn s1_8_display_and_parse_are_inverse(path in any_path()) {
        prop_assert_eq!(path.to_string().parse(), Ok(path.clone()));
        prop_assert_eq!(path.segments().count(), path.depth());
        let rebuilt = path
            .segments()
            .fold(ActorPath::root(), |at, name| at.generated_child(name).unwrap());
        prop_assert_eq!(rebuilt, path);
    }

    #[test]
    fn s1_8_parse_accepts_exactly_what_has_valid_segments(text in "/?[a$./ é]{0,6}") {
        let valid = |name: &str| {
            let plain = name.strip_prefix('$').unwrap_or(name);
            let relative = name == "." || name == "..";
            !plain.is_empty() && !relative && plain.chars().all(|c| c == 'a' || c == '.')
        };
        let expected = text == "/"
            || text.strip_prefix('/').is_some_and(|names| names.split('/').all(valid));
        prop_assert_eq!(ActorPath::parse(&text).is_ok(), expected);
    }

    #[test]
    fn s1_8_a_child_lies_under_its_parent(parent in any_path(), name in name()) {
        let child = parent.child(&name).unwrap();
        prop_assert_eq!(child.name(), &name);
        prop_assert_eq!(child.depth(), parent.depth() + 1);
        prop_assert_eq!(child.parent(), Some(parent.clone()));
        prop_assert!(child.is_child_of(&parent) && !parent.is_child_of(&child));
        prop_assert!(parent < child);
    }

    #[test]
    fn s1_8_descent_is_a_chain_of_parents(a in any_path(), b in any_path(), name in name()) {
        let below = b.segments().fold(a.child(&name).unwrap(), |at, name| {
            at.generated_child(name).unwrap()
        });
        for (low, high) in [(&a, &b), (&below, &a), (&a, &below), (&a, &a)] {
            let mut parents = std::iter::successors(low.parent(), ActorPath::parent);
            prop_assert_eq!(low.is_descendant_of(high), parents.any(|p| p == *high));
            prop_assert_eq!(low.is_child_of(high), low.parent().as_ref() == Some(high));
        }
    }
}
