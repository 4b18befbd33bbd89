//! Actors at the ends of `async` pipelines: sinks that feed them, and streams that they feed, with the
//! feature `async`. Users call it from any executor; it blocks no thread, and holds at most one permit for
//! each sink.

mod sink;
mod stream;

pub use self::sink::ActorSink;
pub use self::stream::{ActorStream, stream, stream_async};
