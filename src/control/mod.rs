//! The control protocol of an ask, as one state machine without I/O, threads or a clock: for
//! programs that carry asks over a transport of their own, even one that loses, repeats, delays and
//! reorders.
//!
//! The two sides of a session are a [`Requester`] and a [`Responder`]. Each is given the messages
//! that arrive and the time, and returns what is to be sent and done. Neither encodes messages,
//! executes requests, or manages the transport. The asks within a pool use [`Progress`] alone.
//!
//! # Guarantees
//!
//! - A request is executed **at most once**, whatever the transport does and however much has been
//!   forgotten meanwhile.
//! - A request ends **exactly once** at the requester: with the reply of its one execution, a
//!   refusal, a cancel, or its time-out. The first terminal event wins ([`Progress::on`]); later
//!   replies are dropped and counted, and as no number is used twice they reach no other request.
//! - Once the responder has accepted a cancel, the request does not begin any more, even if it
//!   arrives only then.
//! - A refusal with [`Refusal::Busy`] means that the request was not executed and will not be.
//! - A request whose time is over when it arrives is not executed, and one whose time runs out
//!   while it is in progress is cancelled.
//! - Neither side ever holds more than its limits allow, and both are empty when everything has
//!   ended and the times to remember it have passed.
//! - Over a lossless link an ask is a request and one answer (and a cancel, if it was cancelled or
//!   timed out). Nothing is acknowledged, resent, or stored.
//!
//! # The messages
//!
//! | from the requester  | answered, by the state of the request at the responder                    |
//! |---------------------|---------------------------------------------------------------------------|
//! | [`Request`]         | new: [`Ack`], and executed; in progress: [`Ack`]; ended: as it has ended  |
//! | [`Cancel`]          | new, in progress, cancelled: [`Cancelled`]; ended otherwise: as it has    |
//!
//! An ended request is answered with [`Reply`] from the cache, [`Refused`], or [`Cancelled`], each
//! time that a message arrives for it. On its own, the responder sends a [`Reply`] or [`Cancelled`]
//! once, when the request ends; after that the requester has to ask again.
//!
//! # The states
//!
//! At the **responder**. A dash means that nothing happens, except for the answer above.
//!
//! | state       | `Request`                                                             | `Cancel`               | [`reply`](Responder::reply) | [`cancel`](Responder::cancel) | its time passes |
//! |-------------|-----------------------------------------------------------------------|------------------------|-----------------|---------------|-------------------------|
//! | new         | → in progress; with no time left → cancelled; at capacity → refused   | → cancelled            | late            | late          |                         |
//! | in progress | –                                                                     | → cancelled, abort it  | → replied       | → cancelled   | → cancelled, abort it   |
//! | replied     | –                                                                     | –                      | late            | late          | forgotten               |
//! | cancelled   | –                                                                     | –                      | late            | late          | forgotten               |
//! | refused     | –                                                                     | –                      | late            | late          | forgotten               |
//! | forgotten   | [`Refusal::Forgotten`]                                                | –                      | late            | late          |                         |
//!
//! *Forgotten* takes no memory: numbers only grow, and the responder stores the highest that it has
//! forgotten. A request at or below that number that is not remembered may have been executed, so
//! it is not executed again. A request that is late by more than what is
//! [remembered](ResponderLimits::remembered) is therefore refused even if it was never seen.
//!
//! At the **requester**:
//!
//! | state       | `Ack`         | `Reply`              | `Refused`  | `Cancelled`  | [`cancel`](Requester::cancel) | interval passes  | deadline          |
//! |-------------|---------------|----------------------|------------|--------------|----------------|------------------|-------------------|
//! | waiting     | longest interval from now on | → replied | → refused  | → cancelled  | → let go, send `Cancel` | send `Request`   | → let go, send `Cancel` |
//! | let go      | –             | late, → over         | → over     | → over       | –              | send `Cancel`    | → over            |
//! | over        | –             | late                 | –          | –            | –              |                  |                   |
//!
//! For the caller, *let go* is over: this state exists only over a lossy link, until the responder
//! has confirmed the cancel, or for [the time set for that](RequesterLimits::confirm_within).
//! Replied, refused and cancelled are *over*, and take no memory.
//!
//! The intervals double up to the longest; an acknowledgement moves to the longest at once. An
//! acknowledged request is still resent, as its reply may be lost, and the responder resends that
//! only on request.
//!
//! # Time
//!
//! Each side has its own clock, and counts from a moment of its own. A clock that jumps ahead ends
//! everything due by then; one that goes back stands still until it has caught up. Nothing becomes
//! due before the largest time seen has grown, since the beginning, by as much as it was given. A
//! request carries its remaining time; the responder does not know the time in transit, so it may
//! execute a request for somewhat longer than its answer is awaited.
//!
//! # Sessions
//!
//! Both sides are created with the number of their session, and drop messages of any other. Their
//! state is in memory alone, so if one side has lost it, both have to begin a new session, with a
//! number that was never used between them: requests that were outstanding in the old one may or
//! may not have been executed.
//!
//! # An example
//!
//! The reply is lost in transit. The requester asks again, and is answered from the cache.
//!
//! ```
//! use nexus_actors::control::{
//!     Due, Execution, Outcome, Requester, RequesterLimits, Resend, Responder, ResponderLimits,
//! };
//! use std::time::Duration;
//!
//! let at = Duration::from_millis;
//! let resend = Resend::new(at(100), at(1000))?;
//! let mut requester = Requester::lossy(7, resend, RequesterLimits::default());
//! let mut responder = Responder::lossy(7, ResponderLimits::default());
//!
//! // The request arrives, is acknowledged, and is executed.
//! let (id, request) = requester.request(at(0), "twice 21", at(5000))?;
//! let received = responder.handle(at(0), request);
//! let ack = received.send.expect("each message is answered");
//! assert_eq!(requester.handle::<u32>(at(10), ack), None);
//! assert!(matches!(received.execution, Some(Execution::Begin { .. })));
//! let lost = responder.reply(at(20), id, 42);
//! assert!(lost.is_some());
//!
//! // A second later it asks again. Nothing is executed, and the reply comes after all.
//! assert_eq!(requester.poll(at(1000)), None);
//! let Some(Due::Resend(again)) = requester.poll(at(1010)) else {
//!     unreachable!("it was to be sent again");
//! };
//! let received = responder.handle(at(1020), again);
//! assert_eq!(received.execution, None);
//! let reply = received.send.expect("each message is answered");
//! assert_eq!(requester.handle(at(1030), reply), Some((id, Outcome::Replied(42))));
//! assert_eq!(requester.next_due(), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A driver waits for a message or for [`Requester::next_due`], whichever comes first, and then
//! calls [`Requester::poll`] until it returns `None`; the same on the other side.
//!
//! # Origins
//!
//! - A. D. Birrell and B. J. Nelson, "Implementing Remote Procedure Calls", ACM TOCS 2(1), 1984:
//!   calls have numbers that only grow, by which the callee recognises repetitions, and a caller
//!   that has received an acknowledgement keeps asking while it waits.
//! - RFC 3261 (SIP), 17.1.2 and 17.2.2, transactions that are not `INVITE`: resending at intervals
//!   that double from T1 to T2, and at T2 after a provisional response; responses resent only when
//!   the request is; a time for which a completed transaction is kept, zero over a reliable
//!   transport.
//! - B. Liskov, L. Shrira and J. Wroclawski, "Efficient At-Most-Once Messages Based on Synchronized
//!   Clocks", ACM TOCS 9(2), 1991: one bound in place of everything that was forgotten. There it is
//!   a time, which needs synchronised clocks; here it is a number, which needs a session.
//!
//! [`Request`]: RequesterMessage::Request
//! [`Cancel`]: RequesterMessage::Cancel
//! [`Ack`]: ResponderMessage::Ack
//! [`Reply`]: ResponderMessage::Reply
//! [`Refused`]: ResponderMessage::Refused
//! [`Cancelled`]: ResponderMessage::Cancelled

mod clock;
mod message;
#[cfg(test)]
mod model;
mod progress;
mod requester;
mod resend;
mod responder;

pub use self::message::{Refusal, RequestId, RequesterMessage, ResponderMessage};
pub use self::progress::{Event, Progress, Transition};
pub use self::requester::{Due, Outcome, Requester, RequesterLimits, TooManyOutstanding};
pub use self::resend::{Resend, ResendError};
pub use self::responder::{Execution, Expired, Received, Responder, ResponderLimits};
