//! Hooks that run when a handler yields its thread, and when it resumes.

use std::any::Any;
use std::sync::Arc;

/// Removes what a handler has entered on its thread while the handler waits, and restores it when
/// the handler resumes.
///
/// Handlers of one worker take turns on its thread. What one of them has set there for the time of
/// a call, usually in a thread-local, would be visible to the others while it waits. Pass such a
/// hook to [`WorkerPoolBuilder::switch_hook`](crate::pool::WorkerPoolBuilder::switch_hook), or to the
/// builder of a system or a simulation. For spans of `tracing`, and for the tokio runtime, there
/// are ready-made ones, with the features of these names. For a value of your own a
/// [`FiberLocal`](crate::actor::FiberLocal) is simpler.
///
/// When the turn of an actor or a task ends, [`suspend`](Self::suspend) is called as well, and the
/// value it returns is dropped: the next turn begins with nothing entered. A thread that drives an
/// [`ActorSystem`](crate::ActorSystem) or a simulation waits for the handlers it runs: what the
/// thread itself has entered is removed meanwhile, too.
///
/// Both functions run on the worker's thread, where nothing can wait: an attempt returns
/// [`WaitError::Forbidden`](crate::WaitError::Forbidden). A panic in one of them is a panic of the
/// handler.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::scope::SwitchHook;
/// use std::cell::Cell;
/// use std::time::Duration;
///
/// thread_local! {
///     /// Some other crate's idea of who is logged in.
///     static USER: Cell<Option<u32>> = const { Cell::new(None) };
/// }
///
/// struct Users;
///
/// impl SwitchHook for Users {
///     type Taken = Option<u32>;
///
///     fn suspend(&self) -> Option<u32> {
///         USER.take()
///     }
///
///     fn resume(&self, taken: Option<u32>) {
///         USER.set(taken);
///     }
/// }
///
/// let pool = WorkerPool::builder().workers(1).switch_hook(Users).start()?;
/// let request = Props::new(|| {
///     Behavior::receive(|ctx, (user, reply): (u32, Reply<bool>)| {
///         let before = USER.replace(Some(user));
///         ctx.sleep(Duration::from_millis(1))?;
///         reply.send(before.is_none() && USER.get() == Some(user));
///         Ok(())
///     })
/// });
/// let (a, b) = (pool.spawn("a", request.clone())?, pool.spawn("b", request)?);
/// let second = Duration::from_secs(1);
/// let asked = [a.ask(|reply| (1, reply), second), b.ask(|reply| (2, reply), second)];
/// for answer in asked.map(Ask::wait) {
///     assert!(answer?);
/// }
/// pool.shutdown(second)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait SwitchHook: Send + Sync + 'static {
    /// What was entered.
    type Taken: 'static;

    /// Removes what is entered on this thread.
    fn suspend(&self) -> Self::Taken;

    /// Restores what [`suspend`](Self::suspend) has removed, on the same thread.
    fn resume(&self, taken: Self::Taken);
}

trait ErasedHook: Send + Sync {
    fn take_off(&self) -> Box<dyn Any>;
    fn put_back(&self, taken: Box<dyn Any>);
    fn leave(&self);
}

impl<H: SwitchHook> ErasedHook for H {
    fn take_off(&self) -> Box<dyn Any> {
        Box::new(self.suspend())
    }

    fn put_back(&self, taken: Box<dyn Any>) {
        let taken = taken.downcast();
        self.resume(*taken.expect("this hook has taken it off"));
    }

    fn leave(&self) {
        drop(self.suspend());
    }
}

/// The hooks of a pool, in the order in which they run.
#[derive(Clone, Default)]
pub(super) struct Hooks(Vec<Arc<dyn ErasedHook>>);

impl Hooks {
    pub(super) fn add(&mut self, hook: impl SwitchHook) {
        self.0.push(Arc::new(hook));
    }

    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Removes what is entered here, until the returned guard is dropped.
    pub(super) fn take_off(&self) -> TakenOff<'_> {
        let mut taken_off = TakenOff(Vec::with_capacity(self.0.len()));
        for hook in &self.0 {
            let taken = hook.take_off();
            taken_off.0.push((&**hook, taken));
        }
        taken_off
    }

    pub(super) fn leave(&self) {
        self.0.iter().for_each(|hook| hook.leave());
    }
}

/// What hooks have removed, in the order of removal. Dropping it restores everything in reverse
/// order.
pub(crate) struct TakenOff<'a>(Vec<(&'a dyn ErasedHook, Box<dyn Any>)>);

impl Drop for TakenOff<'_> {
    fn drop(&mut self) {
        if let Some((hook, taken)) = self.0.pop() {
            // The others are restored afterwards, even if this one panics.
            let _others = TakenOff(std::mem::take(&mut self.0));
            hook.put_back(taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    struct Note(&'static str, Arc<Mutex<Vec<String>>>);

    impl SwitchHook for Note {
        type Taken = ();

        fn suspend(&self) {
            self.1.lock().push(format!("{} off", self.0));
        }

        fn resume(&self, (): ()) {
            self.1.lock().push(format!("{} on", self.0));
        }
    }

    #[test]
    fn s6_6_what_is_taken_off_first_is_put_back_last_also_by_a_panic() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut hooks = Hooks::default();
        assert!(!hooks.any());
        hooks.add(Note("a", Arc::clone(&log)));
        hooks.add(Note("b", Arc::clone(&log)));
        drop(hooks.take_off());
        assert_eq!(
            std::mem::take(&mut *log.lock()),
            ["a off", "b off", "b on", "a on"]
        );
        let panics = || {
            let _taken_off = hooks.take_off();
            panic!("planned");
        };
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert_eq!(
            std::mem::take(&mut *log.lock()),
            ["a off", "b off", "b on", "a on"]
        );
        hooks.leave();
        assert_eq!(*log.lock(), ["a off", "b off"]);
    }
}
