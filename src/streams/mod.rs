//! Actors at the ends of `async` pipelines: sinks that feed them, and streams that they feed.

mod sink;
mod stream;

pub use self::sink::ActorSink;
pub use self::stream::{ActorStream, stream, stream_async};
