//! Why an inspector did not start.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Why an inspector did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectorError {
    /// The address is not one of a socket, such as `127.0.0.1:7777`, or its name is not known.
    #[error("{address:?} is no address of a socket, such as 127.0.0.1:7777: {source}")]
    InvalidAddress {
        /// The address that was given.
        address: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// Others than the users of this machine could reach that address, and there is no token.
    #[error(
        "{0} can be reached from other machines: set a token, or use an address of the loopback interface"
    )]
    NeedsToken(SocketAddr),
    /// The token is empty, or has a character that is not visible ASCII.
    #[error("a token must not be empty, and consists of visible ASCII characters")]
    InvalidToken,
    /// The interval is shorter than 20 milliseconds.
    #[error("an interval of {0:?} is too short: the shortest is 20 ms")]
    InvalidInterval(Duration),
    /// The address could not be bound.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address that was given.
        address: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The thread of the service, or its runtime, could not be started.
    #[error("cannot start the service: {0}")]
    Thread(io::Error),
}
