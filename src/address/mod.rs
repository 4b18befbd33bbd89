//! Names and types of actors and messages: identifiers, paths, envelopes with their causes, and the types of
//! messages. Any room above may use them; nothing here knows a worker, a queue or a clock, and no code of the
//! user's is called.

mod cause;
mod envelope;
mod escape;
mod id;
mod message_type;
mod path;
mod run_id;
mod shared_text;

pub use self::envelope::Envelope;
pub use self::escape::{escape_name, unescape_name};
pub use self::id::{ActorId, MessageId};
pub use self::message_type::{MessageNameError, name_message_type};
pub use self::path::{ActorPath, NameError, PathError, validate_name};
pub use self::run_id::RunId;

pub(crate) use self::cause::MessageCause;
pub(crate) use self::id::{Home, Key, MOST_POOL};
pub(crate) use self::message_type::{MessageType, message_name};
