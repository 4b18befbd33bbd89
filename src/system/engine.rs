//! The engine of a system: its one worker, driven by the thread that waits.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use crate::address::Key;
use crate::ask::{Drive, can_drive, enlist};
use crate::cancel::time_out;
use crate::deadlock::has_unprobed_waits;
use crate::failure::{WaitError, abort_on_panic};
use crate::fiber::{StackConfig, StackError, ThreadEnd, off_fiber};
use crate::observe::Observers;
use crate::pool::{
    PoolShared, ShutdownReport, SideThreads, StartError, TimeSource, WorkerDirectory,
    default_blocking_threads, lanes, no_stack, start_clock,
};
use crate::pool_core::{
    CoreParts, FailureHook, PoolCore, Source, SuspicionHook, register, unregister,
};
use crate::scope::Scopes;
use crate::shard::{Shard, with_current};
use crate::supervision::SupervisorStrategy;
use crate::time::Clock;
use crate::worker::{ShutdownProgress, Tick, Worker, WorkerParts};

/// The parts of an engine.
pub(super) struct SystemEngineParts {
    pub(super) name: String,
    pub(super) stack_size: usize,
    pub(super) time_source: TimeSource,
    pub(super) on_failure: FailureHook,
    pub(super) on_suspicion: SuspicionHook,
    pub(super) guardian: SupervisorStrategy,
    pub(super) scopes: Scopes,
    pub(super) observers: Observers,
}

/// What to do if nothing is left to do at once.
#[derive(Clone, Copy)]
pub(super) enum Rest {
    /// Return.
    Never,
    /// Wait for timers, but not for what only another thread could send.
    ForTimers,
    /// Wait for anything that comes, up to a real time if one is given.
    ForAll(Option<u64>),
}

/// A worker that has no thread of its own.
pub(super) struct SystemEngine {
    pub(super) shared: Arc<PoolShared>,
    pub(super) shard: Rc<Shard>,
    ending: Arc<ShutdownProgress>,
    clock: Clock,
    /// The real time, even if the system's clock is advanced by hand.
    real: Clock,
    /// Whether the thread of the system is ending.
    pub(super) thread_end: ThreadEnd,
    /// `None` once it was left to itself.
    worker: RefCell<Option<Worker>>,
    ended: Cell<bool>,
}

impl SystemEngine {
    pub(super) fn start(parts: SystemEngineParts) -> Result<Rc<Self>, StartError> {
        if with_current(|shard| shard.is_some()) {
            return Err(StartError::OnWorker);
        }
        let (core, source) = found(
            parts.name,
            parts.on_failure,
            parts.on_suspicion,
            parts.guardian,
            (parts.scopes, parts.observers),
        )?;
        let clock = start_clock(&parts.time_source, &core);
        let ending = Arc::new(ShutdownProgress::default());
        let worker = with_a_fiber(Worker::new(WorkerParts {
            core: Arc::clone(&core),
            index: 0,
            source,
            stacks: StackConfig {
                size: parts.stack_size,
            },
            ending: Arc::clone(&ending),
            clock: Some(clock.clone()),
        }));
        let worker = worker.map_err(|error| {
            unregister(&core);
            no_stack(0, error)
        })?;
        let engine = Rc::new(Self {
            shard: Rc::clone(worker.shard()),
            ending,
            clock,
            real: start_clock(&TimeSource::Monotonic, &core),
            shared: Arc::new(PoolShared::new(core)),
            thread_end: ThreadEnd::default(),
            worker: RefCell::new(Some(worker)),
            ended: Cell::new(false),
        });
        engine.shared.end_configuring();
        let weak: Weak<Self> = Rc::downgrade(&engine);
        enlist(engine.shared.core.id, weak);
        Ok(engine)
    }

    /// The time by the system's clock.
    pub(super) fn now(&self) -> Duration {
        Duration::from_nanos(self.clock.now())
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// Reports what the end has come to so far.
    pub(super) fn report(&self) -> ShutdownReport {
        ShutdownReport::of(&self.shared.core, &self.ending)
    }

    /// Measures how deep stacks were used; not from one of its own handlers.
    pub(super) fn measure_stacks(&self) {
        if let Ok(Some(worker)) = self.worker.try_borrow().as_deref() {
            worker.measure_stacks();
        }
    }

    // ---- driving ----------------------------------------------------------------------------

    /// Drives the worker while `wanted` returns `true`, until it has ended, or until the rest is over.
    ///
    /// The caller has made sure that it [can drive](can_drive).
    pub(super) fn drive(&self, rest: Rest, wanted: &dyn Fn() -> bool) {
        while !self.ended.get() && wanted() {
            match self.tick() {
                Tick::Busy => {}
                Tick::Done => self.ended.set(true),
                Tick::Idle(until) => {
                    if wanted() && !self.rest(rest, until) {
                        return;
                    }
                }
            }
        }
    }

    fn tick(&self) -> Tick {
        let Some(worker) = &mut *self.worker.borrow_mut() else {
            return Tick::Done;
        };
        let tick = || {
            let tick = worker.tick(self.clock.now());
            self.shard.tick_ends();
            tick.expect("a waiting handler has reserved a spare stack")
        };
        let core = &self.shared.core;
        core.drive_outside_of_scopes(|| abort_on_panic(tick))
    }

    /// Sleeps until there may be something to do. Returns whether to continue.
    fn rest(&self, rest: Rest, until: Option<u64>) -> bool {
        let mut worker = self.worker.borrow_mut();
        let Some(worker) = worker.as_mut() else {
            return false;
        };
        if worker.has_mail() || until.is_some_and(|until| until <= self.clock.now()) {
            return true;
        }
        // Nothing else begins these searches: no tick comes while the thread sleeps.
        if has_unprobed_waits(&self.shard) {
            let look = || worker.look_for_cycles();
            let core = &self.shared.core;
            return core.drive_outside_of_scopes(|| abort_on_panic(look));
        }
        // `None` for a clock that is advanced by hand: no length of sleep is the right one.
        let timer = self.clock.time_to(until);
        let limit = match rest {
            Rest::Never => return false,
            Rest::ForTimers if timer.is_none() => return false,
            Rest::ForTimers => None,
            Rest::ForAll(limit) => self.real.time_to(limit),
        };
        if limit == Some(0) {
            return false;
        }
        worker.tidy_up();
        worker.park(timer.into_iter().chain(limit).min());
        true
    }

    /// The real time after that length of it, if the system's own clock may stand still.
    fn real_limit(&self, length: Option<Duration>) -> Option<u64> {
        let manual = matches!(self.clock, Clock::Manual(_));
        let length = length.filter(|_| manual)?;
        Some(self.real.now().saturating_add(nanos(length)))
    }

    // ---- the end ----------------------------------------------------------------------------

    /// Shuts the worker down, by force after that time, and drives it to its end.
    pub(super) fn shut_down(&self, within: Duration) {
        self.shared.request_shutdown(within);
        self.drive(Rest::ForAll(self.real_limit(Some(within))), &|| true);
        if !self.ended.get() {
            self.shared.request_shutdown(Duration::ZERO);
            self.drive(Rest::ForAll(None), &|| true);
        }
    }

    /// Ends the system by force, as well as the caller's place allows.
    pub(super) fn end(&self) {
        if self.worker.try_borrow_mut().is_err() {
            // In one of its own handlers: the code that drives it there has the engine, and ends it.
            return self.shared.request_shutdown(Duration::ZERO);
        }
        self.thread_end.refuse_to_outlive(self.shard.fibers.busy());
        if can_drive().is_ok() {
            self.shut_down(Duration::ZERO);
        } else if !self.ended.get() {
            self.end_here();
        }
        self.shared.core.offload.close();
        unregister(&self.shared.core);
    }

    /// Ends the system in the middle of an unwinding, or of another system's handler. Every waiting handler
    /// is unwound, as none may outlive what it has borrowed from this thread; no handler runs any more
    /// except for `PostStop`.
    fn end_here(&self) {
        off_fiber(|| {
            if let Some(worker) = &mut *self.worker.borrow_mut() {
                abort_on_panic(|| worker.force_end(self.clock.now()));
            }
            self.drive(Rest::ForAll(None), &|| true);
        });
    }
}

impl Drop for SystemEngine {
    fn drop(&mut self) {
        self.end();
    }
}

impl Drive for SystemEngine {
    fn shard(&self) -> Rc<Shard> {
        Rc::clone(&self.shard)
    }

    fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Each drive begins with a round, and that arms the timeout.
    fn has_begun_a_wait(&self) {}

    fn has_ended(&self) -> bool {
        self.ended.get()
    }

    fn drive_until_ended(&self, wait: Key) -> Result<(), WaitError> {
        let waits = &self.shard.waits;
        let limit = self.real_limit(waits.timeout(wait).map(Duration::from_nanos));
        self.drive(Rest::ForAll(limit), &|| waits.is_pending(wait));
        if !self.ended.get() {
            // The clock was not advanced meanwhile. If the wait has ended before, this does nothing.
            time_out(&self.shard, wait);
        }
        Ok(())
    }
}

/// Creates the shared part of a new pool of one worker, and the source of that worker's mail.
fn found(
    name: String,
    on_failure: FailureHook,
    on_suspicion: SuspicionHook,
    guardian: SupervisorStrategy,
    (scopes, observers): (Scopes, Observers),
) -> Result<(Arc<PoolCore>, Box<dyn Source>), StartError> {
    let (transport, ends) = lanes(1);
    let offload = Box::new(SideThreads::new(&name, default_blocking_threads()));
    let core = register(CoreParts {
        name,
        workers: 1,
        transport: Box::new(transport),
        directory: Box::new(WorkerDirectory::default()),
        offload,
        on_failure,
        on_suspicion,
        guardian,
        scopes,
        observers,
        repeatable: false,
    });
    let source = ends.into_iter().next().expect("one lane was made");
    Ok((core.ok_or(StartError::TooManyPools)?, Box::new(source)))
}

/// Makes a new worker create its first fiber, after which it can always have another one.
fn with_a_fiber(mut worker: Worker) -> Result<Worker, StackError> {
    worker.shard().add_task(Box::new(|_| {}));
    let now = worker.shard().now.get();
    worker.tick(now)?;
    Ok(worker)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
