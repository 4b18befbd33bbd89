//! Test support: probes, tests of a single behaviour, watches over dead letters and failures.
//!
//! Everything here works the same way with a pool of threads and with a [simulation](crate::sim),
//! as each part is made from a [`WorkerNode`](crate::WorkerNode):
//! [`WorkerPool::node`](crate::WorkerPool::node) and [`Sim::node`](crate::sim::Sim::node) return
//! one, and `configure` passes one. Waiting parks a thread outside the pool, suspends a handler, or
//! drives a simulation, in simulated time.
//!
//! An assertion whose name begins with `try_` returns what its counterpart panics with. Times are
//! limits, a [`Deadline`](crate::Deadline) each: a wait ends as soon as what it waits for is there.
//!
//! # What an actor sends: a probe
//!
//! A [`Probe`] is an actor that stores what is sent to it.
//!
//! ```
//! use nexus_actors::prelude::*;
//! use nexus_actors::testkit::Probe;
//! use std::time::Duration;
//!
//! const SOON: Duration = Duration::from_secs(5);
//!
//! /// Sends on what it is sent, twice.
//! fn doubler(to: ActorRef<u32>) -> Props<u32> {
//!     Props::new(move || Behavior::receive(move |_ctx, number| {
//!         to.tell(number);
//!         to.tell(number);
//!     }))
//! }
//!
//! let pool = WorkerPool::builder().workers(2).start()?;
//! let probe = Probe::new(&pool.node(), "probe")?;
//! let doubler = pool.spawn("doubler", doubler(probe.actor_ref()))?;
//! doubler.tell(7);
//! probe.expect_in_order([7, 7], SOON);
//! doubler.stop();
//! probe.expect_terminated(doubler, SOON);
//! pool.shutdown(SOON)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The same in a simulation, where an hour without a message takes no time:
//!
//! ```
//! use nexus_actors::prelude::*;
//! use nexus_actors::sim::Sim;
//! use nexus_actors::testkit::Probe;
//! use std::time::Duration;
//!
//! const HOUR: Duration = Duration::from_secs(3600);
//!
//! for seed in 0..10 {
//!     let mut sim = Sim::new(seed);
//!     let probe = Probe::new(&sim.node(0), "probe")?;
//!     let to = probe.actor_ref();
//!     let later = sim.spawn("later", Props::new(move || Behavior::receive(move |ctx, number: u8| {
//!         ctx.sleep(2 * HOUR)?;
//!         to.tell(number);
//!         Ok(())
//!     })))?;
//!     later.tell(7);
//!     probe.expect_no_message(HOUR);
//!     assert_eq!(probe.expect(2 * HOUR), 7);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A question that a probe has received is answered through the [`Reply`](crate::Reply) in it, as
//! the example at [`Probe`] shows. If the test itself waits for the actor that asks, the probe has
//! to answer on its own: [`Probe::answering`].
//!
//! # A single behaviour
//!
//! [`BehaviorTest`] tests one behaviour, message by message, and reports the outcome of each.
//!
//! ```
//! use nexus_actors::prelude::*;
//! use nexus_actors::testkit::{BehaviorTest, Outcome};
//!
//! fn door(open: bool) -> Behavior<&'static str> {
//!     Behavior::receive(move |_ctx, order| match (order, open) {
//!         ("open", false) => Next::Become(door(true)),
//!         ("close", true) => Next::Become(door(false)),
//!         ("break", _) => Next::Stop,
//!         _ => Next::Unhandled,
//!     })
//! }
//!
//! let mut test = BehaviorTest::new(|| door(false))?;
//! assert_eq!(test.tell("open"), Outcome::Handled);
//! assert_eq!(test.tell("open"), Outcome::Unhandled);
//! assert_eq!(test.tell("break"), Outcome::Stopped);
//! assert_eq!(test.tell("close"), Outcome::Refused);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What was lost, and what failed
//!
//! [`DeadLetterProbe`] watches the dead letters of a pool; [`FailureLog`] records its failures.
//!
//! ```
//! use nexus_actors::prelude::*;
//! use nexus_actors::sim::Sim;
//! use nexus_actors::testkit::{DeadLetterProbe, FailureLog};
//!
//! let failures = FailureLog::new();
//! let mut sim = Sim::builder().seed(3).on_failure(failures.hook()).start()?;
//! let letters = DeadLetterProbe::new(&sim.node(0));
//! let divider = sim.spawn("divider", Props::new(|| {
//!     Behavior::receive(|_ctx, number: u32| {
//!         100_u32.checked_div(number).ok_or("by zero")?;
//!         Ok(())
//!     })
//! }))?;
//! [5, 0, 4].into_iter().for_each(|number| divider.tell(number));
//! divider.stop();
//! divider.tell(7);
//! sim.run_until_idle();
//!
//! failures.expect("by zero"); // it cost that message alone
//! letters.expect_type::<u32>(1); // the 7, which came after the end
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Time
//!
//! A simulation has its own clock, which advances as far as the actors and the test need. A pool of
//! threads uses the real clock, unless it is built with a [`ManualTime`](crate::pool::ManualTime), which
//! the test advances; the wait of an outside thread is then still limited in real time, so that a
//! test does not wait for ever. [`Sim`](crate::sim::Sim) is the better choice wherever time
//! matters.

mod behavior_test;
mod dead_letter_probe;
mod error;
mod failure_log;
mod failure_record;
mod outcome;
mod probe;
mod termination;
mod watched;

pub use self::behavior_test::{BehaviorTest, BehaviorTestError};
pub use self::dead_letter_probe::DeadLetterProbe;
pub use self::error::ProbeError;
pub use self::failure_log::FailureLog;
pub use self::failure_record::FailureRecord;
pub use self::outcome::Outcome;
pub use self::probe::Probe;
pub use self::termination::{expect_terminated, try_expect_terminated};
