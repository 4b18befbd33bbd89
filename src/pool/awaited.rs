//! Starting and ending things from `async` code: as futures, on any executor, without blocking its
//! thread.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{fmt, thread};

use super::coordinated::{Coordinated, CoordinatedReport};
use super::handle::WorkerPool;
use super::node::WorkerNode;
use super::shared::PoolShared;
use super::shared::spawn_error;
use super::shared::start_here;
use super::shutdown::{ShutdownError, ShutdownReport};
use crate::actor::{self, ActorRef, Spawnable, get_or_start};
use crate::address::ActorPath;
use crate::ask::{Ask, Deadline, begin_call_of};
use crate::failure::{SpawnError, catch_user, drop_quietly};
use crate::queue::once;
use crate::queue::oneshot;
use crate::shard::GUARDIAN;

/// An actor that is being started: see [`WorkerPool::spawn_async`](crate::WorkerPool::spawn_async).
///
/// The start has begun when the method returns. Dropping this does not stop the start.
#[must_use = "awaiting it returns the error of the start"]
pub struct Spawning<M: Send + 'static>(AwaitStep<M>);

enum AwaitStep<M: Send + 'static> {
    Known(Result<ActorRef<M>, SpawnError>),
    UnderWay(Ask<Result<ActorRef<M>, SpawnError>>),
    Over,
}

/// # Panics
///
/// If it is polled again after it was ready.
impl<M: Send + 'static> Future for Spawning<M> {
    type Output = Result<ActorRef<M>, SpawnError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match std::mem::replace(&mut self.0, AwaitStep::Over) {
            AwaitStep::Known(outcome) => outcome,
            AwaitStep::UnderWay(mut ask) => match Pin::new(&mut ask).poll(cx) {
                Poll::Ready(outcome) => outcome.unwrap_or_else(|error| Err(spawn_error(error))),
                Poll::Pending => {
                    self.0 = AwaitStep::UnderWay(ask);
                    return Poll::Pending;
                }
            },
            AwaitStep::Over => panic!("`Spawning` polled after completion"),
        };
        Poll::Ready(outcome)
    }
}

impl<M: Send + 'static> fmt::Debug for Spawning<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spawning<{}>", std::any::type_name::<M>())
    }
}

impl PoolShared {
    /// Starts a top-level actor on that worker, at that path or under a generated name, to be
    /// awaited.
    pub(crate) fn begin_spawn_at<P: Spawnable>(
        &self,
        worker: Result<u32, SpawnError>,
        path: Result<Option<ActorPath>, SpawnError>,
        props: P,
    ) -> Spawning<P::Message> {
        let place = worker.and_then(|worker| Ok((worker, path?)));
        Spawning(match place {
            Ok((worker, path)) => {
                let start = begin_call_of(&self.core, worker, None, move |shard, caller| {
                    start_here(shard, path.as_ref(), props, caller)
                });
                AwaitStep::UnderWay(start)
            }
            Err(error) => AwaitStep::Known(Err(error)),
        })
    }

    /// Finds the actor at that path, or starts it there, to be awaited.
    pub(crate) fn begin_get_or_spawn_at<P: Spawnable>(
        &self,
        path: Result<ActorPath, SpawnError>,
        props: P,
    ) -> Spawning<P::Message> {
        let path = match path {
            Ok(path) => path,
            Err(error) => return Spawning(AwaitStep::Known(Err(error))),
        };
        if let Some(entry) = self.live(&path) {
            let _ = drop_quietly(props);
            return Spawning(AwaitStep::Known(actor::typed(&path, entry)));
        }
        let owner = self.owner(path.name());
        let start = begin_call_of(&self.core, owner, None, move |shard, caller| {
            get_or_start(shard, GUARDIAN, &path, props, caller)
        });
        Spawning(AwaitStep::UnderWay(start))
    }

    fn begin_spawn<P: Spawnable>(&self, name: &str, props: P) -> Spawning<P::Message> {
        let path = ActorPath::user().child(name).map(Some);
        self.begin_spawn_at(Ok(self.owner(name)), path.map_err(SpawnError::from), props)
    }
}

impl WorkerPool {
    /// As [`spawn`](Self::spawn), for `async` code: begins at the call, and is awaited.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let second = Duration::from_secs(1);
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let seven = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u32>| reply.send(7)));
    /// let seven = pool.spawn_async("seven", seven).await?;
    /// assert_eq!(seven.ask(|reply| reply, second).await?, 7);
    /// pool.shutdown_async(second).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn), when it is awaited.
    pub fn spawn_async<P: Spawnable>(&self, name: &str, props: P) -> Spawning<P::Message> {
        self.node().shared.begin_spawn(name, props)
    }

    /// As [`get_or_spawn`](Self::get_or_spawn), for `async` code.
    ///
    /// # Errors
    ///
    /// As for [`get_or_spawn`](Self::get_or_spawn), when it is awaited.
    pub fn get_or_spawn_async<P: Spawnable>(&self, name: &str, props: P) -> Spawning<P::Message> {
        self.node().get_or_spawn_async(name, props)
    }

    /// As [`spawn_anonymous`](Self::spawn_anonymous), for `async` code.
    ///
    /// # Errors
    ///
    /// As for [`spawn_anonymous`](Self::spawn_anonymous), when it is awaited.
    pub fn spawn_anonymous_async<P: Spawnable>(&self, props: P) -> Spawning<P::Message> {
        self.node().spawn_anonymous_async(props)
    }

    /// As [`shutdown`](Self::shutdown), for `async` code: begins at the call, and waits for the end
    /// on a thread of its own. Dropping the future does not stop the shutdown.
    ///
    /// # Errors
    ///
    /// As for [`shutdown`](Self::shutdown), and [`ShutdownError::NoThread`]; when it is awaited.
    pub fn shutdown_async(&self, within: impl Into<Deadline>) -> ShuttingDown<ShutdownReport> {
        let within = within.into().left();
        self.request_shutdown(within);
        let pool = self.clone();
        ShuttingDown::begin(self.is_own_worker(), move || pool.shutdown(within))
    }
}

impl WorkerNode {
    /// As [`WorkerPool::spawn_async`](crate::WorkerPool::spawn_async). While the pool starts, each
    /// call starts an actor of its own, whereas [`spawn`](Self::spawn) starts one for all workers.
    ///
    /// # Errors
    ///
    /// As for [`WorkerPool::spawn`](crate::WorkerPool::spawn), when it is awaited.
    pub fn spawn_async<P: Spawnable>(&self, name: &str, props: P) -> Spawning<P::Message> {
        self.shared.begin_spawn(name, props)
    }

    /// As [`WorkerPool::get_or_spawn_async`](crate::WorkerPool::get_or_spawn_async).
    ///
    /// # Errors
    ///
    /// As for [`get_or_spawn`](Self::get_or_spawn), when it is awaited.
    pub fn get_or_spawn_async<P: Spawnable>(&self, name: &str, props: P) -> Spawning<P::Message> {
        let path = ActorPath::user().child(name).map_err(SpawnError::from);
        self.shared.begin_get_or_spawn_at(path, props)
    }

    /// As [`WorkerPool::spawn_anonymous_async`](crate::WorkerPool::spawn_anonymous_async).
    ///
    /// # Errors
    ///
    /// As for [`spawn_anonymous`](Self::spawn_anonymous), when it is awaited.
    pub fn spawn_anonymous_async<P: Spawnable>(&self, props: P) -> Spawning<P::Message> {
        let shared = &self.shared;
        shared.begin_spawn_at(Ok(shared.quietest()), Ok(None), props)
    }
}

impl Coordinated {
    /// As [`shutdown`](Self::shutdown), for `async` code: begins at the call, on a thread of its
    /// own. Dropping the future does not stop the shutdown.
    ///
    /// # Errors
    ///
    /// As for [`shutdown`](Self::shutdown), and [`ShutdownError::NoThread`]; when it is awaited.
    pub fn shutdown_async(
        &self,
        within: impl Into<Deadline>,
    ) -> ShuttingDown<Arc<CoordinatedReport>> {
        let within = within.into().left();
        let this = self.clone();
        ShuttingDown::begin(false, move || this.shutdown(within))
    }
}

/// A shutdown whose end can be awaited: see
/// [`WorkerPool::shutdown_async`](crate::WorkerPool::shutdown_async).
#[must_use = "awaiting it returns the report"]
pub struct ShuttingDown<R>(Result<once::Receiver<Result<R, ShutdownError>>, Option<ShutdownError>>);

impl<R: Send + 'static> ShuttingDown<R> {
    /// Waits for the end on another thread, unless called on a worker of the pool, which would have
    /// to end first.
    fn begin(
        on_own_worker: bool,
        wait: impl FnOnce() -> Result<R, ShutdownError> + Send + 'static,
    ) -> Self {
        if on_own_worker {
            return Self(Err(Some(ShutdownError::OnWorker)));
        }
        let (sender, receiver) = oneshot();
        let waits = move || {
            // A panic of the waker does not concern the shutdown.
            let _ = catch_user(|| drop(sender.send(wait())));
        };
        let thread = thread::Builder::new().name("nexus-shutdown".to_owned());
        Self(match thread.spawn(waits) {
            Ok(_) => Ok(receiver),
            Err(_) => Err(Some(ShutdownError::NoThread)),
        })
    }
}

/// # Panics
///
/// If it is polled again after it was ready.
impl<R> Future for ShuttingDown<R> {
    type Output = Result<R, ShutdownError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &mut self.0 {
            Ok(receiver) => std::task::ready!(receiver.poll_recv(cx)),
            Err(error) => Ok(Err(error
                .take()
                .expect("`ShuttingDown` polled after completion"))),
        };
        self.0 = Err(None);
        Poll::Ready(outcome.expect("the thread that waits answers"))
    }
}

impl<R> fmt::Debug for ShuttingDown<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShuttingDown<{}>", std::any::type_name::<R>())
    }
}
