//! What the two sides send each other.

use std::time::Duration;

/// Identifies one request among all of a session. No number is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    /// The pair of a [`Requester`](super::Requester) and a [`Responder`](super::Responder).
    pub session: u64,
    /// The number of the request, counted from 1 by the requester.
    pub number: u64,
}

/// What a requester sends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RequesterMessage<P> {
    /// Execute this, unless it is known already.
    Request {
        /// The request.
        id: RequestId,
        /// The time left when this was sent. The clocks of the two sides need not agree, so the
        /// time in transit is not deducted; a transport that knows it may deduct it.
        time_left: Duration,
        /// What is requested.
        payload: P,
    },
    /// Do not execute this, or abort it: its answer is no longer awaited.
    Cancel {
        /// The request.
        id: RequestId,
    },
}

/// What a responder sends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ResponderMessage<R> {
    /// The request has arrived and is in progress.
    Ack {
        /// The request.
        id: RequestId,
    },
    /// The request was executed, with this result.
    Reply {
        /// The request.
        id: RequestId,
        /// The result.
        payload: R,
    },
    /// The request is not executed now, and will not be.
    Refused {
        /// The request.
        id: RequestId,
        /// The reason.
        refusal: Refusal,
    },
    /// The request is not in progress, will not begin any more, and has no reply. It may have
    /// begun.
    Cancelled {
        /// The request.
        id: RequestId,
    },
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Too many other requests are in progress. This one was not executed, and will not be; ask
    /// again later.
    #[error("too many requests are in progress; this one is not executed, ask again later")]
    Busy,
    /// The responder no longer remembers requests as old as this one, so it cannot tell whether it
    /// was executed before. It will not be executed from now on.
    #[error(
        "the request is too old: whether it was executed before is not known any more; find out \
         before you ask again"
    )]
    Forgotten,
}

impl<P> RequesterMessage<P> {
    /// The request that the message is about.
    pub const fn id(&self) -> RequestId {
        match self {
            Self::Request { id, .. } | Self::Cancel { id } => *id,
        }
    }
}

impl<R> ResponderMessage<R> {
    /// The request that the message is about.
    pub const fn id(&self) -> RequestId {
        match self {
            Self::Ack { id }
            | Self::Reply { id, .. }
            | Self::Refused { id, .. }
            | Self::Cancelled { id } => *id,
        }
    }
}
