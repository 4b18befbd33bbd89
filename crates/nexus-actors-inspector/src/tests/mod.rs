//! The service, called over HTTP, with a pool that is made up.

mod client;
mod control;
mod events;
mod fake;
mod guard;
mod reading;
mod real;
mod start;
