//! The first answer of several asks.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::error::AskError;
use super::join::Pending;
use super::parts::Parts;

/// Returned by [`first`].
#[derive(Debug)]
#[must_use = "what is dropped is cancelled: wait for it"]
pub struct First<P>(Parts<P>);

/// Combines asks into one, whose answer is the first answer, whichever ask gives it; the others are given up.
/// If none is possible, it ends with the error of the ask that ended last.
///
/// # Panics
///
/// If there are no asks.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::first;
/// use nexus_actors::ask::Pending;
/// use std::time::Duration;
///
/// const SOON: Duration = Duration::from_secs(5);
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let deaf = pool.spawn("deaf", Props::new(|| {
///     Behavior::receive(|_ctx, reply: Reply<u32>| drop(reply))
/// }))?;
/// let seven = pool.spawn("seven", Props::new(|| {
///     Behavior::receive(|_ctx, reply: Reply<u32>| reply.send(7))
/// }))?;
/// let asked = [deaf, seven].map(|actor| actor.ask(|reply| reply, SOON));
/// assert_eq!(first(asked).wait()?, 7);
/// pool.shutdown(SOON)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn first<P: Pending>(asks: impl IntoIterator<Item = P>) -> First<P> {
    let asks = Parts::of(asks.into_iter());
    assert!(asks.left() > 0, "the first of none never comes");
    First(asks)
}

impl<P: Pending> Future for First<P> {
    type Output = Result<P::Answer, AskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut last = None;
        let polled = self.0.poll(cx, |_, answer| match answer {
            Ok(answer) => ControlFlow::Break(answer),
            Err(error) => {
                last = Some(error);
                ControlFlow::Continue(())
            }
        });
        if let ControlFlow::Break(answer) = polled {
            self.0.clear();
            return Poll::Ready(Ok(answer));
        }
        match last {
            Some(error) if self.0.left() == 0 => Poll::Ready(Err(error)),
            _ => Poll::Pending,
        }
    }
}

impl<P: Pending> Pending for First<P> {
    type Answer = P::Answer;

    fn pool(&self) -> u32 {
        self.0.first().map_or(0, P::pool)
    }
}
