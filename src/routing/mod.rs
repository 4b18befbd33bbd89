//! Groups of actors behind one name: routers, and groups and topics that are opened by name in a pool. They
//! are actors themselves, written against the rooms below as a user would write them; no room below knows of
//! them, and they take no way into a mailbox that a user has not.

mod engine;
mod error;
mod group;
mod handle;
mod members;
mod open;
mod ring;
mod router;
mod topic;

pub use self::error::RouterError;
pub use self::group::{Group, GroupMessage};
pub use self::handle::{RouterMessage, RouterRef};
pub use self::open::OpenError;
pub use self::router::Router;
pub use self::topic::{Topic, TopicMessage, TopicStats};
