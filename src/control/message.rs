//! What the two sides send each other.

use std::time::Duration;

/// Names one request among all of a session. No number is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    /// The pair of a [`Requester`](super::Requester) and a [`Responder`](super::Responder).
    pub session: u64,
    /// The request, counted from 1 by the requester.
    pub number: u64,
}

/// What a requester sends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RequesterMessage<P> {
    /// Do this, unless it is known to you already.
    Request {
        /// Which request.
        id: RequestId,
        /// How much of its time was left when this was sent. The clocks of the two sides need not
        /// agree, so the time on the way is not in it; a transport that knows that may take it
        /// off.
        time_left: Duration,
        /// What is asked for.
        payload: P,
    },
    /// Do not do this, or stop: nobody waits for it any more.
    Cancel {
        /// Which request.
        id: RequestId,
    },
}

/// What a responder sends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ResponderMessage<R> {
    /// The request has arrived and is in progress.
    Ack {
        /// Which request.
        id: RequestId,
    },
    /// It was executed; this came of it.
    Reply {
        /// Which request.
        id: RequestId,
        /// What came of it.
        payload: R,
    },
    /// It is not executed now, and will not be.
    Refused {
        /// Which request.
        id: RequestId,
        /// Why not.
        refusal: Refusal,
    },
    /// It is not in progress, will not begin any more, and has no reply. It may have begun.
    Cancelled {
        /// Which request.
        id: RequestId,
    },
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Too many others are in progress. This one was not executed, and will not be; ask again
    /// later.
    #[error("too many requests are in progress; this one is not executed, ask again later")]
    Busy,
    /// The responder has forgotten about requests as old as this one, so it cannot tell whether it
    /// was executed before. It will not be from now on.
    #[error("the request is too old: whether it was executed before is not known any more")]
    Forgotten,
}

impl<P> RequesterMessage<P> {
    /// Which request it is about.
    pub const fn id(&self) -> RequestId {
        match self {
            Self::Request { id, .. } | Self::Cancel { id } => *id,
        }
    }
}

impl<R> ResponderMessage<R> {
    /// Which request it is about.
    pub const fn id(&self) -> RequestId {
        match self {
            Self::Ack { id }
            | Self::Reply { id, .. }
            | Self::Refused { id, .. }
            | Self::Cancelled { id } => *id,
        }
    }
}
