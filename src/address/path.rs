//! Actor paths: the validated, slash-separated names of actors in their tree.

use std::fmt;
use std::str::FromStr;

use super::shared_text::SharedText;

/// The longest name of one actor, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// How much of a refused text an error repeats, in bytes.
const EXCERPT_BYTES: usize = 64;

/// The place of an actor in the tree of actors, such as
/// `/user/orders/order-123`.
///
/// A path is `/`, the root, or a sequence of names, each after a `/`. A name is
/// 1 to 255 bytes from `A-Z a-z 0-9 _ . -`, but not `.` or `..`. A name that
/// the library generated is `$` followed by at least one of these characters;
/// [`parse`](Self::parse) accepts it, [`child`](Self::child) does not. A path
/// has less than 4 GiB, and a clone shares its text.
///
/// The actors of users live below `/user`; [topics](crate::Topic) and [groups](crate::Group), which the
/// library starts for them, below `/topic` and `/group`.
///
/// The order is that of the text, byte by byte: a path sorts before its
/// descendants.
///
/// ```
/// use nexus_actors::ActorPath;
///
/// let orders = ActorPath::user().child("orders")?;
/// let order: ActorPath = "/user/orders/order-123".parse()?;
/// assert!(order.is_child_of(&orders));
/// assert_eq!(order.name(), "order-123");
/// assert_eq!(order.parent(), Some(orders));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorPath(SharedText);

/// Why a text is not an [`ActorPath`]. Offsets are in bytes from its start, and
/// a long text is repeated only in part.
///
/// ```
/// use nexus_actors::ActorPath;
/// use nexus_actors::address::PathError;
///
/// let error = ActorPath::parse("/user//orders").unwrap_err();
/// assert_eq!(error, PathError::EmptySegment { offset: 6 });
/// assert_eq!(
///     error.to_string(),
///     "the path has an empty segment at byte 6: remove one of the two slashes",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The text is empty.
    #[error("the path is empty: write `/` for the root")]
    Empty,
    /// The text has 4 GiB or more.
    #[error("the path has {length} bytes: shorten it to less than 4 GiB")]
    TooLong {
        /// The length of the text in bytes.
        length: usize,
    },
    /// The text does not start with a slash.
    #[error("the path {path:?} is not absolute: start it with `/`")]
    NotAbsolute {
        /// The start of the text.
        path: String,
    },
    /// Two slashes follow each other.
    #[error("the path has an empty segment at byte {offset}: remove one of the two slashes")]
    EmptySegment {
        /// Where the empty segment is.
        offset: usize,
    },
    /// The text ends with a slash and is not the root.
    #[error("the path ends with a slash at byte {offset}: remove it")]
    TrailingSlash {
        /// Where the slash is.
        offset: usize,
    },
    /// A segment is not a name.
    #[error("the segment {segment:?} at byte {offset} is not a name: {reason}")]
    Segment {
        /// The start of the segment.
        segment: String,
        /// Where the segment starts.
        offset: usize,
        /// What is wrong with it. Its own offset counts from the segment's start.
        reason: NameError,
    },
}

/// Why a text is not the name of an actor. A long text is repeated only in
/// part.
///
/// ```
/// use nexus_actors::address::{NameError, validate_name};
///
/// let error = validate_name("order 123").unwrap_err();
/// assert!(matches!(error, NameError::InvalidCharacter { character: ' ', offset: 5, .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name has no characters.
    #[error("the name is empty: give it at least one character")]
    Empty,
    /// The name has more than 255 bytes.
    #[error("the name starting {start:?} has {length} bytes: shorten it to 255")]
    TooLong {
        /// The start of the name.
        start: String,
        /// The length of the whole name in bytes.
        length: usize,
    },
    /// The name is `.` or `..`.
    #[error("the name {name:?} is refused, as paths are never relative: choose another")]
    Relative {
        /// The name.
        name: String,
    },
    /// The name starts with `$`.
    #[error("the name {name:?} starts with `$`, reserved for generated names: remove the `$`")]
    Reserved {
        /// The name.
        name: String,
    },
    /// The name has nothing after the `$` of a generated name.
    #[error("the name `$` is incomplete: a generated name has characters after the `$`")]
    BareDollar,
    /// The name has a character outside `A-Z a-z 0-9 _ . -`.
    #[error(
        "the name {name:?} has the character {character:?} at byte {offset}: \
         use only letters A-Z and a-z, digits, `_`, `.` and `-`"
    )]
    InvalidCharacter {
        /// The start of the name.
        name: String,
        /// The first character that is not allowed.
        character: char,
        /// Where it is, in bytes from the start of the name.
        offset: usize,
    },
}

/// Checks a name that a user of the library chose for an actor.
///
/// # Errors
///
/// [`NameError`] if it is not 1 to 255 bytes from `A-Z a-z 0-9 _ . -`, is `.` or `..`, or starts with the `$`
/// that marks generated names. [`escape_name`](crate::address::escape_name) makes a valid name of any text.
///
/// ```
/// use nexus_actors::address::{NameError, validate_name};
///
/// assert_eq!(validate_name("order-123"), Ok(()));
/// assert!(matches!(validate_name("$7"), Err(NameError::Reserved { .. })));
/// ```
pub fn validate_name(name: &str) -> Result<(), NameError> {
    // Length first, so that the other errors concern a name of sane size.
    check_length(name)?;
    if name.starts_with('$') {
        return Err(NameError::Reserved {
            name: excerpt(name),
        });
    }
    check_characters(name, 0)
}

/// Checks a name that a user chose or the library generated.
fn validate_segment(name: &str) -> Result<(), NameError> {
    check_length(name)?;
    match name.strip_prefix('$') {
        Some("") => Err(NameError::BareDollar),
        Some(_) => check_characters(name, 1),
        None => check_characters(name, 0),
    }
}

/// Refuses names that are empty or overlong.
fn check_length(name: &str) -> Result<(), NameError> {
    match name.len() {
        0 => Err(NameError::Empty),
        1..=MAX_NAME_BYTES => Ok(()),
        length => Err(NameError::TooLong {
            start: excerpt(name),
            length,
        }),
    }
}

/// Refuses `.`, `..` and the characters of no name from byte `from` onwards.
fn check_characters(name: &str, from: usize) -> Result<(), NameError> {
    if matches!(name, "." | "..") {
        return Err(NameError::Relative { name: name.into() });
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let bad = name[from..].char_indices().find(|&(_, c)| !allowed(c));
    match bad {
        None => Ok(()),
        Some((at, character)) => Err(NameError::InvalidCharacter {
            name: excerpt(name),
            character,
            offset: from + at,
        }),
    }
}

/// The start of a text, short enough for an error.
fn excerpt(text: &str) -> String {
    let mut end = text.len().min(EXCERPT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

impl ActorPath {
    /// Reads a path from its text.
    ///
    /// # Errors
    ///
    /// [`PathError`] for the first rule of [`ActorPath`] that the text breaks.
    ///
    /// ```
    /// use nexus_actors::ActorPath;
    ///
    /// assert!(ActorPath::parse("/user/orders/$7").is_ok());
    /// assert!(ActorPath::parse("user/orders").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if u32::try_from(text.len()).is_err() {
            let length = text.len();
            return Err(PathError::TooLong { length });
        }
        let Some(names) = text.strip_prefix('/') else {
            return Err(PathError::NotAbsolute {
                path: excerpt(text),
            });
        };
        if names.is_empty() {
            return Ok(Self::root());
        }
        let mut offset = 1;
        for segment in names.split('/') {
            check_segment(segment, offset, text.len())?;
            offset += segment.len() + 1;
        }
        Ok(Self(text.into()))
    }

    /// The root of the tree, `/`.
    ///
    /// ```
    /// # use nexus_actors::ActorPath;
    /// assert_eq!(ActorPath::root().as_str(), "/");
    /// ```
    #[must_use]
    pub fn root() -> Self {
        Self("/".into())
    }

    /// The parent of all actors that users spawn at the top, `/user`.
    ///
    /// ```
    /// # use nexus_actors::ActorPath;
    /// assert_eq!(ActorPath::user().as_str(), "/user");
    /// ```
    #[must_use]
    pub fn user() -> Self {
        Self("/user".into())
    }

    /// The path of the child called `name`, a name that a user chose.
    ///
    /// # Errors
    ///
    /// [`NameError`] if [`validate_name`] refuses the name.
    ///
    /// # Panics
    ///
    /// If the child's path had 4 GiB or more.
    ///
    /// ```
    /// # use nexus_actors::ActorPath;
    /// assert_eq!(ActorPath::user().child("orders")?.as_str(), "/user/orders");
    /// assert!(ActorPath::user().child("$7").is_err());
    /// # Ok::<(), nexus_actors::address::NameError>(())
    /// ```
    pub fn child(&self, name: &str) -> Result<Self, NameError> {
        validate_name(name)?;
        Ok(self.join(name))
    }

    /// The path of the child called `name`, which may be a generated name.
    ///
    /// # Errors
    ///
    /// [`NameError`] if the name could not be a segment of a parsed path.
    pub(crate) fn generated_child(&self, name: &str) -> Result<Self, NameError> {
        validate_segment(name)?;
        Ok(self.join(name))
    }

    /// Appends a name that has been checked.
    fn join(&self, name: &str) -> Self {
        Self(SharedText::concat([self.prefix(), "/", name]))
    }

    /// The text that stands before the slash of every descendant's name.
    fn prefix(&self) -> &str {
        if self.is_root() { "" } else { &self.0 }
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// The text before and after the last slash.
    fn split_last(&self) -> (&str, &str) {
        self.0.rsplit_once('/').unwrap_or(("", ""))
    }

    /// The path of the parent, or `None` for the root.
    ///
    /// ```
    /// # use nexus_actors::ActorPath;
    /// assert_eq!(ActorPath::user().parent(), Some(ActorPath::root()));
    /// assert_eq!(ActorPath::root().parent(), None);
    /// ```
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        match self.split_last().0 {
            "" => Some(Self::root()),
            parent => Some(Self(parent.into())),
        }
    }

    /// The last segment, or `""` for the root.
    ///
    /// ```
    /// # use nexus_actors::ActorPath;
    /// assert_eq!(ActorPath::user().name(), "user");
    /// assert_eq!(ActorPath::root().name(), "");
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        self.split_last().1
    }

    /// The number of segments: 0 for the root.
    ///
    /// ```
    /// # use nexus_actors::ActorPath;
    /// assert_eq!(ActorPath::root().depth(), 0);
    /// assert_eq!(ActorPath::parse("/user/orders")?.depth(), 2);
    /// # Ok::<(), nexus_actors::address::PathError>(())
    /// ```
    #[must_use]
    pub fn depth(&self) -> usize {
        self.segments().count()
    }

    /// The names on the way from the root to the actor; none for the root.
    ///
    /// ```
    /// # use nexus_actors::ActorPath;
    /// let path = ActorPath::parse("/user/orders")?;
    /// assert!(path.segments().eq(["user", "orders"]));
    /// # Ok::<(), nexus_actors::address::PathError>(())
    /// ```
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        // The only empty pieces are those beside the root's slash.
        self.0.split('/').filter(|segment| !segment.is_empty())
    }

    /// Whether `parent` is exactly one level above this path.
    ///
    /// ```
    /// # use nexus_actors::ActorPath;
    /// assert!(ActorPath::user().is_child_of(&ActorPath::root()));
    /// ```
    #[must_use]
    pub fn is_child_of(&self, parent: &Self) -> bool {
        !self.is_root() && self.split_last().0 == parent.prefix()
    }

    /// Whether `ancestor` is one or more levels above this path. A path is not
    /// its own descendant.
    ///
    /// ```
    /// # use nexus_actors::ActorPath;
    /// let order = ActorPath::parse("/user/orders/order-123")?;
    /// assert!(order.is_descendant_of(&ActorPath::user()));
    /// assert!(!order.is_descendant_of(&order));
    /// # Ok::<(), nexus_actors::address::PathError>(())
    /// ```
    #[must_use]
    pub fn is_descendant_of(&self, ancestor: &Self) -> bool {
        !self.is_root()
            && self
                .0
                .strip_prefix(ancestor.prefix())
                .is_some_and(|rest| rest.starts_with('/'))
    }

    /// The text of the path, which [`parse`](Self::parse) reads back.
    ///
    /// ```
    /// # use nexus_actors::ActorPath;
    /// assert_eq!(ActorPath::user().as_str(), "/user");
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks the segment at byte `offset` of a path of `length` bytes.
fn check_segment(segment: &str, offset: usize, length: usize) -> Result<(), PathError> {
    match validate_segment(segment) {
        Ok(()) => Ok(()),
        Err(NameError::Empty) if offset == length => {
            Err(PathError::TrailingSlash { offset: offset - 1 })
        }
        Err(NameError::Empty) => Err(PathError::EmptySegment { offset }),
        Err(reason) => Err(PathError::Segment {
            segment: excerpt(segment),
            offset,
            reason,
        }),
    }
}

impl FromStr for ActorPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for ActorPath {
    type Error = PathError;

    fn try_from(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl AsRef<str> for ActorPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ActorPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ActorPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorPath({})", self.as_str())
    }
}

#[cfg(test)]
mod tests;
