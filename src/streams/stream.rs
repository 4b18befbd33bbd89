//! A stream that actors feed.
//!
//! Between the two there is an actor that others send to, and whose handler passes its mail on to
//! the stream. When it has passed on as much as its mailbox holds, it suspends itself: its mail
//! stays in the mailbox, and senders find a full one. Reading the last item that was passed on
//! resumes it.

use futures_core::Stream;
use futures_core::stream::FusedStream;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::actor::{ActorRef, Behavior, Props};
use crate::ask::{Ask, AskError, Reply};
use crate::failure::SpawnError;
use crate::mailbox::Mailbox;
use crate::pool::WorkerNode;

/// Starts an actor that passes the messages sent to it on to a [`Stream`], in order.
///
/// It is an actor like any other: others `tell` and `send` to it, through its reference or through
/// a [`Recipient`](crate::Recipient) made from that. It has no name, and lives on the node's own
/// worker.
///
/// With a bounded `mailbox`, at most as many messages as it holds are passed on before they are
/// read, and as many again wait in it; then it is full, and its overflow strategy applies. So with
/// [`Overflow::Backpressure`](crate::Overflow::Backpressure) the senders wait for the reader.
///
/// The stream ends when the actor has stopped and everything that was passed on has been read. When
/// the pool shuts down, the actor first passes on what it has left: read to the end or drop the
/// stream; otherwise the actor may be stopped by force. Dropping the stream kills the actor, and the
/// messages it had left become dead letters.
///
/// Like other ways to start an actor, this waits until the actor runs: an outside thread is blocked
/// for that long; see [`stream_async`].
///
/// # Errors
///
/// As for [`WorkerPool::spawn_anonymous`](crate::WorkerPool::spawn_anonymous).
///
/// ```
/// use futures_util::StreamExt;
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// let pool = WorkerPool::builder().workers(2).start()?;
/// let mailbox = Mailbox::bounded(8, Overflow::Backpressure)?;
/// let (actor, numbers) = nexus_actors::streams::stream(&pool.node(), mailbox)?;
///
/// let counting = pool.spawn("counting", Props::new(move || {
///     Behavior::receive(move |_ctx, ()| {
///         (1..=100_u32).try_for_each(|number| actor.send(number))?; // waits for the reader
///         actor.stop();
///         Ok(())
///     })
/// }))?;
/// counting.tell(());
///
/// let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
/// let sum = runtime.block_on(numbers.fold(0, async |sum, number| sum + number));
/// assert_eq!(sum, 5050);
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn stream<T: Send + 'static>(
    node: &WorkerNode,
    mailbox: Mailbox,
) -> Result<(ActorRef<T>, ActorStream<T>), SpawnError> {
    let shared = StreamShared::default();
    let props = props_of(&shared, mailbox);
    let worker = node.shared.worker(node.index())?;
    let actor = node.shared.spawn(worker, None, props)?;
    Ok((actor, ActorStream::of(actor, shared)))
}

/// As [`stream`], for `async` code: the executor's thread is not blocked. Begins when it is
/// awaited.
///
/// # Errors
///
/// As for [`stream`].
pub async fn stream_async<T: Send + 'static>(
    node: &WorkerNode,
    mailbox: Mailbox,
) -> Result<(ActorRef<T>, ActorStream<T>), SpawnError> {
    let shared = StreamShared::default();
    let props = props_of(&shared, mailbox);
    let worker = node.shared.worker(node.index());
    let actor = node.shared.begin_spawn_at(worker, Ok(None), props).await?;
    Ok((actor, ActorStream::of(actor, shared)))
}

fn props_of<T: Send + 'static>(shared: &StreamShared<T>, mailbox: Mailbox) -> Props<T> {
    let (handing, limit) = (shared.clone(), mailbox.capacity().unwrap_or(usize::MAX));
    Props::new(move || hand_over(handing.clone(), limit)).mailbox(mailbox)
}

/// A [`Stream`] of the messages sent to an actor: see [`stream`].
#[must_use = "a stream that is dropped kills its actor"]
pub struct ActorStream<T: Send + 'static> {
    actor: ActorRef<T>,
    shared: StreamShared<T>,
    /// An ask without a question, for the next message or the end.
    asked: Option<Ask<()>>,
    has_ended: bool,
}

impl<T: Send + 'static> ActorStream<T> {
    fn of(actor: ActorRef<T>, shared: StreamShared<T>) -> Self {
        Self {
            actor,
            shared,
            asked: None,
            has_ended: false,
        }
    }
}

/// The items passed on, shared by the actor and the stream.
struct StreamShared<T>(Arc<Mutex<StreamState<T>>>);

struct StreamState<T> {
    items: VecDeque<T>,
    /// The reply that ends the stream's ask.
    waiting: Option<Reply<()>>,
    /// Whether the actor waits for the stream to be read.
    is_suspended: bool,
    has_ended: bool,
}

impl<T> Default for StreamShared<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(StreamState {
            items: VecDeque::new(),
            waiting: None,
            is_suspended: false,
            has_ended: false,
        })))
    }
}

impl<T> Clone for StreamShared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> StreamShared<T> {
    /// Changes the state, and wakes the stream to look at it.
    fn change<R>(&self, change: impl FnOnce(&mut StreamState<T>) -> R) -> R {
        let mut state = self.0.lock();
        let result = change(&mut state);
        let waiting = state.waiting.take();
        drop(state);
        // Outside the lock, as the waker is the user's.
        waiting.into_iter().for_each(Reply::let_go);
        result
    }
}

/// Records the end of the actor, however it happens.
struct NoteStreamEnd<T>(StreamShared<T>);

impl<T> Drop for NoteStreamEnd<T> {
    fn drop(&mut self) {
        self.0.change(|state| state.has_ended = true);
    }
}

/// The actor's behaviour.
fn hand_over<T: Send + 'static>(shared: StreamShared<T>, limit: usize) -> Behavior<T> {
    Behavior::setup(move |_ctx| {
        // For a restart: a waker may have panicked.
        shared.change(|state| state.has_ended = false);
        let shared = NoteStreamEnd(shared);
        Ok(Behavior::receive(move |ctx, item| {
            let is_full = shared.0.change(|state| {
                state.items.push_back(item);
                let is_full = state.items.len() >= limit;
                state.is_suspended |= is_full;
                is_full
            });
            if is_full {
                // If the stream resumes it in between, that message takes effect after this
                // handler.
                ctx.self_ref().suspend();
            }
        }))
    })
}

/// What a look at the state found.
enum StreamRead<T> {
    Item(T),
    End,
}

impl<T: Send + 'static> ActorStream<T> {
    fn find(&mut self, state: &mut StreamState<T>) -> Option<StreamRead<T>> {
        if let Some(item) = state.items.pop_front() {
            return Some(StreamRead::Item(item));
        }
        self.has_ended |= state.has_ended;
        self.has_ended.then_some(StreamRead::End)
    }

    /// Takes the next message if it is there. Otherwise begins an ask for it, unless there is one.
    fn look(&mut self) -> Option<StreamRead<T>> {
        let shared = self.shared.clone();
        let mut new = None;
        loop {
            let mut state = shared.0.lock();
            if let Some(found) = self.find(&mut state) {
                let resumes = state.is_suspended && state.items.is_empty();
                state.is_suspended &= !resumes;
                drop(state);
                if resumes {
                    self.actor.resume();
                }
                if let Some((_ask, reply)) = new {
                    Reply::let_go(reply);
                }
                return Some(found);
            }
            if self.asked.is_some() {
                return None;
            }
            if let Some((ask, reply)) = new.take() {
                let replaced = state.waiting.replace(reply);
                drop(state);
                self.asked = Some(ask);
                replaced.into_iter().for_each(Reply::let_go);
                return None;
            }
            drop(state);
            // The ask is begun outside the lock, and then the state is checked again.
            new = Some(Ask::begin(None, self.actor.id()));
        }
    }
}

// Its contents are never pinned.
impl<T: Send + 'static> Unpin for ActorStream<T> {}

/// On a thread that itself drives the actor's system or simulation, polling for the next message
/// drives it. If nothing is left to do that could produce one, the stream ends.
impl<T: Send + 'static> Stream for ActorStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            match self.look() {
                Some(StreamRead::Item(item)) => return Poll::Ready(Some(item)),
                Some(StreamRead::End) => return Poll::Ready(None),
                None => {}
            }
            let Some(asked) = &mut self.asked else {
                continue;
            };
            let outcome = ready!(Pin::new(asked).poll(cx));
            self.asked = None;
            // A reply that was let go means to look again; after any other end, nothing is left to
            // wake the stream.
            if !matches!(outcome, Ok(()) | Err(AskError::NoReply(_))) {
                self.has_ended = true;
            }
        }
    }
}

impl<T: Send + 'static> FusedStream for ActorStream<T> {
    fn is_terminated(&self) -> bool {
        self.has_ended && self.shared.0.lock().items.is_empty()
    }
}

impl<T: Send + 'static> Drop for ActorStream<T> {
    fn drop(&mut self) {
        self.actor.kill();
        let mut state = self.shared.0.lock();
        let left = (std::mem::take(&mut state.items), state.waiting.take());
        drop(state);
        // Outside the lock, as the messages are the user's.
        drop(left);
    }
}

impl<T: Send + 'static> fmt::Debug for ActorStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorStream({:?})", self.actor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::assert_impl_all;

    assert_impl_all!(ActorStream<std::cell::Cell<u8>>: Send, Unpin);
}
