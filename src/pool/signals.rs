//! Shutting down when the process is told to terminate.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::sync::{Arc, Weak};
use std::time::Duration;
use std::{io, thread};

use super::coordinated::{Coordinated, CoordinatedInner};
use crate::ask::Deadline;

impl Coordinated {
    /// Shuts the pool down, with its phases and within that time, when the process receives SIGINT,
    /// as from Ctrl-C, or SIGTERM; a `Duration` counts from the signal. The process itself
    /// continues: a caller that waits for the end, with [`wait`](Self::wait), may then return from
    /// `main`. Needs the feature `signals`.
    ///
    /// A second signal ends the pool by force at once, but not the phases. Once the shutdown is done,
    /// or the pool is gone, a signal has its default effect: it ends the process.
    ///
    /// Call this once per process. Signals are handled on a thread that is started here, and that
    /// does not keep the pool running.
    ///
    /// ```no_run
    /// use nexus_actors::prelude::*;
    /// use nexus_actors::pool::CoordinatedShutdown;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().start()?;
    /// let coordinated = pool.coordinate(CoordinatedShutdown::new())?;
    /// coordinated.shutdown_on_signals(Duration::from_secs(30))?;
    /// println!("{}", coordinated.wait()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the operating system if it provides no handler or no thread.
    pub fn shutdown_on_signals(&self, within: impl Into<Deadline>) -> io::Result<()> {
        let within = within.into();
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let pool = Arc::downgrade(&self.inner);
        let listen = move || {
            let mut begun = false;
            for signal in signals.forever() {
                obey(&pool, signal, within, begun);
                begun = true;
            }
        };
        let thread = thread::Builder::new().name("nexus-signals".to_owned());
        thread.spawn(listen).map(drop)
    }
}

fn obey(pool: &Weak<CoordinatedInner>, signal: i32, within: Deadline, begun: bool) {
    let alive = pool.upgrade().map(|inner| Coordinated { inner });
    match alive.filter(|coordinated| coordinated.report().is_none()) {
        // Nothing is left to do before the process ends; the call cannot fail for these signals.
        None => drop(emulate_default_handler(signal)),
        Some(coordinated) if begun || coordinated.request_shutdown(within).is_err() => {
            coordinated.pool().request_shutdown(Duration::ZERO);
        }
        Some(_) => {}
    }
}
