//! Hooks that are told when a handler gives its thread away, and when it goes on.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// Takes off what a handler has entered on its thread when it waits, and puts it back when it goes on.
///
/// Handlers of one worker take turns on its thread. What one has set there for the time of a call, in a
/// thread-local as a rule, would be found by the others while it waits. Give such a hook to
/// [`WorkerPoolBuilder::switch_hook`](crate::WorkerPoolBuilder::switch_hook), or to the builder of a system or a
/// simulation. For spans of `tracing`, and for the runtime of tokio, there are ready-made ones, with the features
/// of these names. For a value of your own a [`FiberLocal`](crate::FiberLocal) is simpler.
///
/// When the turn of an actor, or a task, ends, [`suspend`](Self::suspend) is called as well, and what it returns is
/// dropped: the next turn begins with nothing entered. A thread that drives an
/// [`ActorSystem`](crate::ActorSystem) or a simulation waits for its handlers meanwhile: what it has entered is
/// taken off too.
///
/// Both functions run on the worker's thread, where nothing can wait: that returns
/// [`WaitError::Forbidden`](crate::WaitError::Forbidden). A panic of theirs is a panic of the handler.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::SwitchHook;
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
///         Ok::<_, WaitError>(())
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
    type Taken;

    /// Takes off what is entered on this thread.
    fn suspend(&self) -> Self::Taken;

    /// Puts back what [`suspend`](Self::suspend) has taken off, on the same thread.
    fn resume(&self, taken: Self::Taken);
}

/// Runs what is to be done in a hook.
type Within<'a> = &'a dyn Fn(&mut dyn FnMut());

trait Hook: Send + Sync {
    fn around(&self, hooked: Within<'_>, run: &mut dyn FnMut());
    fn leave(&self);
}

impl<H: SwitchHook> Hook for H {
    fn around(&self, hooked: Within<'_>, run: &mut dyn FnMut()) {
        let mut taken = None;
        hooked(&mut || taken = Some(self.suspend()));
        let ran = catch_unwind(AssertUnwindSafe(run));
        let mut put_back = || {
            if let Some(taken) = taken.take() {
                self.resume(taken);
            }
        };
        match ran {
            Ok(()) => hooked(&mut put_back),
            Err(panic) => {
                // It is the first panic that tells what went wrong.
                let put_back = catch_unwind(AssertUnwindSafe(|| hooked(&mut put_back)));
                if let Err(another) = put_back {
                    std::mem::forget(another);
                }
                resume_unwind(panic);
            }
        }
    }

    fn leave(&self) {
        drop(self.suspend());
    }
}

/// The hooks of a pool, in the order in which they are told.
#[derive(Clone, Default)]
pub(super) struct Hooks(Vec<Arc<dyn Hook>>);

impl Hooks {
    pub(super) fn add(&mut self, hook: impl SwitchHook) {
        self.0.push(Arc::new(hook));
    }

    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Runs something outside of what is entered here.
    pub(super) fn around<R>(&self, hooked: Within<'_>, run: impl FnOnce() -> R) -> R {
        let (mut run, mut answer) = (Some(run), None);
        around(&self.0, hooked, &mut || {
            let run = run.take().expect("it is run once");
            answer = Some(run());
        });
        answer.expect("it was run")
    }

    pub(super) fn leave(&self) {
        self.0.iter().for_each(|hook| hook.leave());
    }
}

/// The first hook takes off first, and puts back last.
fn around(hooks: &[Arc<dyn Hook>], hooked: Within<'_>, run: &mut dyn FnMut()) {
    match hooks.split_first() {
        None => run(),
        Some((first, others)) => first.around(hooked, &mut || around(others, hooked, run)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

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
        let direct: Within<'_> = &|hook| hook();
        assert_eq!(hooks.around(direct, || 7), 7);
        assert_eq!(
            std::mem::take(&mut *log.lock()),
            ["a off", "b off", "b on", "a on"]
        );
        let ran = catch_unwind(AssertUnwindSafe(|| {
            hooks.around(direct, || panic!("planned"))
        }));
        assert_eq!(*ran.unwrap_err().downcast::<&str>().unwrap(), "planned");
        assert_eq!(
            std::mem::take(&mut *log.lock()),
            ["a off", "b off", "b on", "a on"]
        );
        hooks.leave();
        assert_eq!(*log.lock(), ["a off", "b off"]);
    }
}
