//! Escaping: any text as the name of an actor, and back.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::path::{NameError, validate_name};

/// The byte that begins an escape. Doubled, it stands for itself.
const ESCAPE: u8 = b'_';

/// Returns a valid actor name for any text, such as an address, a key or a title.
///
/// A text of letters `A-Z` and `a-z`, digits, `.` and `-` stays as it is. Each `_` becomes `__`, and
/// every other byte of the text becomes `_` followed by its two hexadecimal digits. The empty text becomes `_`,
/// and the dots of `.` and `..`, which are no names, are escaped. No two texts have the same name, and
/// [`unescape_name`] restores the text.
///
/// ```
/// use nexus_actors::address::{escape_name, unescape_name};
///
/// assert_eq!(escape_name("order-123")?, "order-123");
/// assert_eq!(escape_name("ann@example.org")?, "ann_40example.org");
/// assert_eq!(escape_name("a_b/c")?, "a__b_2fc");
/// assert_eq!(unescape_name("a__b_2fc").as_deref(), Some("a_b/c"));
/// # Ok::<(), nexus_actors::address::NameError>(())
/// ```
///
/// # Errors
///
/// Returns [`NameError::TooLong`] if the name would have more than 255 bytes.
pub fn escape_name(text: &str) -> Result<Cow<'_, str>, NameError> {
    if is_plain(text) {
        validate_name(text)?;
        return Ok(Cow::Borrowed(text));
    }
    let mut name = String::with_capacity(text.len() + 8);
    // No name is empty, or relative.
    if text.is_empty() {
        name.push(char::from(ESCAPE));
    }
    let relative = matches!(text, "." | "..");
    for byte in text.bytes() {
        match byte {
            ESCAPE => name.push_str("__"),
            byte if stands_for_itself(byte) && !relative => name.push(char::from(byte)),
            byte => write!(name, "_{byte:02x}").expect("writing to a String cannot fail"),
        }
    }
    validate_name(&name)?;
    Ok(Cow::Owned(name))
}

/// Returns the text from which [`escape_name`] makes this name; `None` if there is no such text.
///
/// ```
/// use nexus_actors::address::unescape_name;
///
/// assert_eq!(unescape_name("ann_40example.org").as_deref(), Some("ann@example.org"));
/// assert_eq!(unescape_name("half_4"), None);
/// ```
pub fn unescape_name(name: &str) -> Option<Cow<'_, str>> {
    if is_plain(name) {
        return Some(Cow::Borrowed(name));
    }
    let mut text = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        if byte != ESCAPE {
            text.push(byte);
            continue;
        }
        match rest.next() {
            Some(ESCAPE) => text.push(ESCAPE),
            Some(high) => text.push(digit(high)? << 4 | digit(rest.next()?)?),
            None if name.len() == 1 => {}
            None => return None,
        }
    }
    let text = String::from_utf8(text).ok()?;
    // A name that encodes its text in another way was not made by `escape_name`.
    let is_ours = escape_name(&text).is_ok_and(|escaped| escaped == name);
    is_ours.then_some(Cow::Owned(text))
}

/// Whether a text is its own name.
fn is_plain(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && text.bytes().all(stands_for_itself)
}

fn stands_for_itself(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn s1_8_what_is_no_name_has_one_too() {
        for (text, name) in [
            ("", "_"),
            (".", "_2e"),
            ("..", "_2e_2e"),
            ("...", "..."),
            ("$7", "_247"),
            ("_", "__"),
            ("a b", "a_20b"),
            ("\u{e9}", "_c3_a9"),
        ] {
            assert_eq!(escape_name(text).unwrap(), name);
            assert_eq!(unescape_name(name).as_deref(), Some(text));
        }
        for name in [
            "", ".", "..", "_2", "_2E", "a_", "_41", "_ff", "a b", "_5f", "_g0",
        ] {
            assert_eq!(unescape_name(name), None, "{name}");
        }
        assert!(escape_name(&"a".repeat(255)).is_ok());
        for text in ["a".repeat(256), "_".repeat(128)] {
            assert!(matches!(escape_name(&text), Err(NameError::TooLong { .. })));
        }
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[a-c_.0-9-]{0,6}", "\\PC{0,40}", any::<String>()]
    }

    proptest! {
        #[test]
        fn s1_8_any_text_is_a_name_and_comes_back(text in text()) {
            match escape_name(&text) {
                Ok(name) => {
                    prop_assert_eq!(validate_name(&name), Ok(()));
                    let back = unescape_name(&name);
                    prop_assert_eq!(back.as_deref(), Some(&*text));
                }
                Err(error) => {
                    prop_assert!(matches!(error, NameError::TooLong { .. }), "{}", error);
                    prop_assert!(text.len() > 255 / 3);
                }
            }
        }

        #[test]
        fn s1_8_two_texts_never_have_the_same_name(one in text(), other in text()) {
            if let (Ok(a), Ok(b)) = (escape_name(&one), escape_name(&other)) {
                prop_assert_eq!(a == b, one == other);
            }
        }

        #[test]
        fn s1_8_a_name_without_the_escape_stays_as_it_is(name in "[A-Za-z0-9.-]{1,255}") {
            prop_assume!(validate_name(&name).is_ok());
            prop_assert_eq!(escape_name(&name).unwrap(), name.as_str());
            let back = unescape_name(&name);
            prop_assert_eq!(back.as_deref(), Some(name.as_str()));
        }

        #[test]
        fn s1_8_only_what_was_escaped_is_unescaped(name in "[ab_0-9.]{0,8}") {
            if let Some(text) = unescape_name(&name) {
                prop_assert_eq!(escape_name(&text).unwrap(), name.as_str());
            }
        }
    }
}
