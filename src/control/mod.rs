//! The control protocol of an ask, as one state machine without input or output, threads or a
//! clock: for those who carry asks over a transport of their own, also one that loses, repeats,
//! delays and reorders.
//!
//! The two sides of a session are a [`Requester`] and a [`Responder`]. Each is handed the messages
//! that arrive and the time, and returns what is to be sent and done. What neither does is to
//! encode messages, to execute requests, and to look after the transport.
//!
//! # What holds
//!
//! - A request is executed **at most once**, whatever the transport does and however much has been
//!   forgotten meanwhile.
//! - A request ends **exactly once** at the requester: with the reply of its one execution, a
//!   refusal, a cancel, or its time-out. The first terminal event wins ([`Progress::on`]); replies
//!   that come later are dropped and counted, and as no number is given twice they reach no other
//!   request.
//! - When the responder has taken a cancel, the request does not begin any more, even if it arrives
//!   only then.
//! - A refusal with [`Refusal::Busy`] means that the request was not executed and will not be.
//! - A request whose time is over when it arrives is not executed, and one whose time passes while
//!   it is in progress is cancelled.
//! - Neither side ever holds more than its limits say, and both are empty when everything has ended
//!   and the times to remember it have passed.
//! - Over a lossless link an ask is a request and one answer (and a cancel, where it was called off
//!   or timed out). Nothing is acknowledged, sent again, or kept.
//!
//! # The messages
//!
//! | from the requester  | answered, by the state of the request at the responder                    |
//! |---------------------|---------------------------------------------------------------------------|
//! | [`Request`]         | new: [`Ack`], and executed; in progress: [`Ack`]; ended: as it has ended  |
//! | [`Cancel`]          | new, in progress, cancelled: [`Cancelled`]; ended otherwise: as it has    |
//!
//! An ended request is answered with [`Reply`] from the cache, [`Refused`], or [`Cancelled`], each
//! time that a message comes for it. The responder sends a [`Reply`] or [`Cancelled`] once of its
//! own accord, when the request ends; for the rest the requester asks again.
//!
//! # The states
//!
//! At the **responder**. A dash: nothing happens, but for the answer above.
//!
//! | state       | `Request`                                                             | `Cancel`               | [`reply`](Responder::reply) | [`cancel`](Responder::cancel) | its time passes |
//! |-------------|-----------------------------------------------------------------------|------------------------|-----------------|---------------|-------------------------|
//! | new         | → in progress; with no time left → cancelled; with no room → refused  | → cancelled            | late            | late          |                         |
//! | in progress | –                                                                     | → cancelled, abort it  | → replied       | → cancelled   | → cancelled, abort it   |
//! | replied     | –                                                                     | –                      | late            | late          | forgotten               |
//! | cancelled   | –                                                                     | –                      | late            | late          | forgotten               |
//! | refused     | –                                                                     | –                      | late            | late          | forgotten               |
//! | forgotten   | [`Refusal::Forgotten`]                                                | –                      | late            | late          |                         |
//!
//! *Forgotten* takes no memory: numbers go up, and the responder keeps the highest that it has
//! forgotten. What is not above that, and not remembered, may have been executed, so it is not
//! executed again. A request that is late by more than what is
//! [remembered](ResponderLimits::remembered) is therefore refused though it was never seen.
//!
//! At the **requester**:
//!
//! | state       | `Ack`         | `Reply`              | `Refused`  | `Cancelled`  | [`cancel`](Requester::cancel) | interval passes  | deadline          |
//! |-------------|---------------|----------------------|------------|--------------|----------------|------------------|-------------------|
//! | waiting     | longest interval from now on | → replied | → refused  | → cancelled  | → let go, send `Cancel` | send `Request`   | → let go, send `Cancel` |
//! | let go      | –             | late, → over         | → over     | → over       | –              | send `Cancel`    | → over            |
//! | over        | –             | late                 | –          | –            | –              |                  |                   |
//!
//! *Let go* is over for whoever asked: it exists only over a lossy link, until the responder has
//! confirmed the cancel, or for [as long as it is given](RequesterLimits::confirm_within). Replied,
//! refused and cancelled are *over*, and take no memory.
//!
//! The intervals double up to the longest, and an acknowledgement goes to the longest at once. A
//! request that was acknowledged is sent on, though, for its reply may be lost, and the responder
//! sends that again only when it is asked.
//!
//! # Time
//!
//! Each side has its own clock, and counts from a moment of its own. A clock that jumps ahead ends
//! what is due by then; one that goes back stands still until it is where it was. Nothing is
//! due before the largest time seen is as large as it was when it began, and as much more as it was
//! given. A request carries how much of its time is left; the time on the way is not known to the
//! responder, so it may execute a request for somewhat longer than anybody waits for it.
//!
//! # Sessions
//!
//! Both are made with the number of their session, and drop what belongs to another. What they know
//! is in memory alone, so where one side has lost it, both have to begin a new session, with a number
//! that was never used between them: what was outstanding in the old one may have been executed, or
//! not.
//!
//! # An example
//!
//! The reply is lost on the way. The requester asks again, and is answered from the cache.
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
//! A driver waits for the earlier of a message and [`Requester::next_due`], and then calls
//! [`Requester::poll`] until it answers `None`; so on the other side.
//!
//! # Where it comes from
//!
//! - A. D. Birrell and B. J. Nelson, "Implementing Remote Procedure Calls", ACM TOCS 2(1), 1984: calls
//!   have numbers that only grow, by which the callee tells what is repeated, and a caller that has
//!   been acknowledged goes on asking while it waits.
//! - RFC 3261 (SIP), 17.1.2 and 17.2.2, transactions that are not `INVITE`: resending at
//!   intervals that double from T1 to T2, and at T2 after a provisional response; responses sent
//!   again only when the request is; a time for which what has completed is kept, zero over a
//!   reliable transport.
//! - B. Liskov, L. Shrira and J. Wroclawski, "Efficient At-Most-Once Messages Based on Synchronized
//!   Clocks", ACM TOCS 9(2), 1991: one bound in place of all that was forgotten. There it is a
//!   time, which needs synchronised clocks; here it is a number, which needs a session.
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
