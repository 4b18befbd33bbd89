//! The spans of actors, in the memory of an exporter.

mod causes;
mod drivers;
mod failures;
mod losses;
mod recorded;
mod request;
mod sampled;
