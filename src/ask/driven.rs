//! Threads that drive a pool's workers themselves, instead of leaving them to threads of their own.
//!
//! On such a thread waiting means driving: an ask of the pool runs the pool's workers until the answer is
//! there. Its wait is a wait of the first worker, so the pool's clock measures it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use crate::address::{Home, Key};
use crate::failure::WaitError;
use crate::fiber::are_waits_forbidden;
use crate::shard::{Shard, with_current};

/// Drives the workers of a pool on this thread.
pub(crate) trait Drive {
    /// The first worker.
    fn shard(&self) -> Rc<Shard>;

    /// The time by the pool's clock.
    fn now(&self) -> u64;

    /// A wait has begun on the first worker; it may have a timeout to arm.
    fn has_begun_a_wait(&self);

    /// Whether the pool has ended, so that driving it can no longer end a wait.
    fn has_ended(&self) -> bool;

    /// Drives the pool until a wait of the first worker has ended, or the pool has. If the pool's clock may
    /// stand still, the driver itself ends the wait when its time is over.
    ///
    /// The caller has made sure that it [can drive](can_drive).
    ///
    /// # Errors
    ///
    /// An error if nothing is left to do that could end the wait.
    fn drive_until_ended(&self, wait: Key) -> Result<(), WaitError>;
}

/// Checks whether this thread could drive a pool here and now.
///
/// # Errors
///
/// An error if waiting is [forbidden](crate::actor::no_wait); while the thread panics, as that could not be
/// told from the handlers' own panics; and in a handler, whose fiber is not the one that switches to others.
pub(crate) fn can_drive() -> Result<(), WaitError> {
    if are_waits_forbidden() {
        return Err(WaitError::Forbidden);
    }
    if std::thread::panicking() {
        return Err(WaitError::Unwinding);
    }
    if with_current(|shard| shard.is_some()) {
        return Err(WaitError::InHandler);
    }
    Ok(())
}

/// The drivers of one thread, by the numbers of their pools.
struct Drivers {
    by_pool: BTreeMap<u32, Weak<dyn Drive>>,
    /// At this many entries, those whose drivers are gone are removed.
    most: usize,
}

thread_local! {
    static DRIVERS: RefCell<Drivers> = const {
        RefCell::new(Drivers {
            by_pool: BTreeMap::new(),
            most: 0,
        })
    };
}

/// Registers a driver as that of a pool, on this thread, until it is dropped.
pub(crate) fn enlist(pool: u32, driver: Weak<dyn Drive>) {
    DRIVERS.with_borrow_mut(|Drivers { by_pool, most }| {
        if by_pool.len() >= *most {
            by_pool.retain(|_, driver| driver.strong_count() > 0);
            *most = 2 * by_pool.len();
        }
        by_pool.insert(pool, driver);
    });
}

/// Returns the driver of a pool that has not ended, if it is on this thread.
pub(super) fn driver_of(pool: u32) -> Option<Rc<dyn Drive>> {
    known_driver_of(pool).filter(|driver| !driver.has_ended())
}

fn known_driver_of(pool: u32) -> Option<Rc<dyn Drive>> {
    let found = DRIVERS.try_with(|drivers| drivers.borrow().by_pool.get(&pool)?.upgrade());
    found.ok().flatten()
}

/// Returns the driver on this thread whose own waits are those of that worker. It still has them after the
/// end of its pool: an answer that came before the end is taken from there.
pub(super) fn driver_at(home: Home) -> Option<Rc<dyn Drive>> {
    known_driver_of(home.pool()).filter(|driver| driver.shard().home == home)
}
