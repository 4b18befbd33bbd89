//! Groups of actors behind one name: routers, and who is found or told by name in a pool.

mod engine;
mod error;
mod handle;
mod members;
mod router;

pub use self::error::RouterError;
pub use self::handle::{RouterMessage, RouterRef};
pub use self::router::Router;
