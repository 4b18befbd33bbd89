//! A live page for a running pool of `nexus-actors`, and the same figures as JSON.
//!
//! ```
//! use nexus_actors::prelude::*;
//! use nexus_actors_inspector::{Feed, Inspector};
//!
//! let feed = Feed::new(); // optional: failures and restarts
//! let pool = WorkerPool::builder().name("shop").observer(feed.clone()).start()?;
//! let inspector = Inspector::builder(&pool)
//!     .address("127.0.0.1:0") // any free port; the default is 127.0.0.1:7777
//!     .feed(&feed)
//!     .start()?;
//! println!("see http://{}/", inspector.address());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The page shows the one actor of a million that is stuck, the one whose mailbox grows, the one that restarts
//! again and again, and cycles of waits; and lost messages as they are lost.
//!
//! # Costs
//!
//! Nothing is measured while nobody watches. While at least one page is open, and for ten seconds after, the
//! workers count for each actor, and are asked for one snapshot at each [interval](InspectorBuilder::interval),
//! for all pages together. The service runs on a thread of its own, and two more that wait for snapshots.
//!
//! # Security
//!
//! By default the service is reached from the same machine only, and changes nothing. An address that others
//! can reach needs a [token](InspectorBuilder::token); orders to actors have to be
//! [allowed](InspectorBuilder::allow_control). Requests with a foreign `Host` or `Origin` are refused, so that
//! no page of another site reads or does anything through a browser.

mod actors;
mod builder;
mod control;
mod error;
mod events;
mod feed;
mod guard;
mod hub;
mod letters;
mod page;
mod pool;
mod reply;
mod service;
mod source;
mod view;

#[cfg(test)]
mod tests;

pub use self::builder::{Inspector, InspectorBuilder};
pub use self::error::InspectorError;
pub use self::feed::Feed;

/// The program in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
