//! Values local to the running handler, which no other handler sees while that one waits.

use std::any::{Any, TypeId};
use std::fmt;
use std::rc::Rc;

use crate::fiber::running_fiber;
use crate::shard::{Locals, with_current};

/// A value that each handler has for itself, like a `thread_local!`, but local to the handler's fiber.
///
/// The value is made when a handler uses it first, stays while the handler waits, and is dropped when the
/// actor's turn ends: the next turn begins with a new one. A task has its own value as well, and so has
/// the start of an actor. On a thread that runs no handler, the value belongs to the thread, until the
/// thread ends.
///
/// Nothing can wait while the value is dropped.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::WaitError;
/// use nexus_actors::actor::FiberLocal;
/// use std::cell::Cell;
/// use std::time::Duration;
///
/// static DEPTH: FiberLocal<Cell<u32>> = FiberLocal::new(|| Cell::new(0));
///
/// fn descend(ctx: &mut Context<'_, (u32, Reply<u32>)>, levels: u32) -> Result<(), WaitError> {
///     if levels > 0 {
///         DEPTH.with(|depth| depth.set(depth.get() + 1));
///         ctx.sleep(Duration::from_millis(1))?; // others descend meanwhile
///         descend(ctx, levels - 1)?;
///     }
///     Ok(())
/// }
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let diver = Props::new(|| {
///     Behavior::receive(|ctx, (levels, reply): (u32, Reply<u32>)| {
///         descend(ctx, levels)?;
///         reply.send(DEPTH.with(Cell::get));
///         Ok(())
///     })
/// });
/// let divers = [pool.spawn("a", diver.clone())?, pool.spawn("b", diver)?];
/// let second = Duration::from_secs(1);
/// let asked = divers.map(|diver| diver.ask(|reply| (3, reply), second));
/// for depth in asked.map(Ask::wait) {
///     assert_eq!(depth?, 3);
/// }
/// pool.shutdown(second)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FiberLocal<T: 'static> {
    init: fn() -> T,
}

impl<T: 'static> FiberLocal<T> {
    /// Makes a fiber local whose values are made by `init`.
    pub const fn new(init: fn() -> T) -> Self {
        Self { init }
    }

    /// Runs `code` with the value of the calling handler. `code` may wait.
    pub fn with<R>(&'static self, code: impl FnOnce(&T) -> R) -> R {
        let key = (std::ptr::from_ref(self).addr(), TypeId::of::<T>());
        let value = match with_locals(|locals| locals.get(key)) {
            Some(value) => value,
            None => {
                // The function may use other fiber locals, or this one itself, and may wait.
                let made: Rc<dyn Any> = Rc::new((self.init)());
                with_locals(|locals| locals.get_or_add(key, made))
            }
        };
        let value = value.downcast_ref::<T>();
        code(value.expect("a value is found by its type"))
    }
}

impl<T: 'static> fmt::Debug for FiberLocal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FiberLocal<{}>", std::any::type_name::<T>())
    }
}

thread_local! {
    static OF_THREAD: Locals = const { Locals::none() };
}

fn with_locals<R>(look: impl FnOnce(&Locals) -> R) -> R {
    with_current(|shard| match shard {
        Some(shard) if running_fiber().is_some() => look(&shard.mark_scoped().locals),
        _ => OF_THREAD.with(look),
    })
}
