//! TODO

mod cause;
mod envelope;
mod escape;
mod id;
mod message_type;
mod path;
mod shared_text;
pub(crate) use self::cause::MessageCause;
pub use self::envelope::Envelope;
pub use self::escape::{escape_name, unescape_name};
pub use self::id::{ActorId, MessageId};
pub(crate) use self::id::{Home, Key, MOST_POOL};
pub(crate) use self::message_type::{MessageType, message_name};
pub use self::path::{ActorPath, NameError, PathError, validate_name};
