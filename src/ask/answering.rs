//! Answers that a handler is in the middle of making: while it makes one, it waits on behalf of the asker.

use super::polling::Lent;
use super::reply::{NEVER, Reply, has_given_up};
use crate::fiber::running_fiber;
use crate::shard::{Answering, Shard, with_current};

impl<R: Send + 'static> Reply<R> {
    /// Sends the value that `work` returns as the answer. If `work` fails, returns its error and sends no
    /// answer.
    ///
    /// Whatever `work` asks others and waits for, it waits for on behalf of the asker: no longer than the
    /// asker waits, and not if the asker has given up. A cycle of such questions is certain, and fails at
    /// once with [`AskError::Deadlock`](crate::AskError::Deadlock): nothing else can send the reply
    /// meanwhile. So use this function if the answer needs asks of other actors.
    ///
    /// If the asker is a handler or a task, and gives up while `work` waits, the wait ends. A thread outside
    /// that gives up before its time is over is not noticed. If replies are being answered within each
    /// other, the innermost one counts.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use std::time::Duration;
    ///
    /// type Question = (u32, Reply<u32>);
    ///
    /// let second = Duration::from_secs(1);
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let inner = pool.spawn("inner", Props::new(|| {
    ///     Behavior::receive(|_ctx, (number, reply): Question| reply.send(number + 1))
    /// }))?;
    /// let outer = pool.spawn("outer", Props::new(move || {
    ///     Behavior::receive(move |_ctx, (number, reply): Question| {
    ///         reply.send_with(|| Ok(inner.ask(|reply| (number * 2, reply), second).wait()?))
    ///     })
    /// }))?;
    /// assert_eq!(outer.ask(|reply| (20, reply), second).wait()?, 41);
    /// pool.shutdown(second)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the error of `work`. The asker learns that there is no answer: with
    /// [`TargetFailed`](crate::AskError::TargetFailed) if the handler returns the error, and with
    /// [`NoReply`](crate::AskError::NoReply) otherwise.
    pub fn send_with<E>(self, work: impl FnOnce() -> Result<R, E>) -> Result<(), E> {
        let answer = with_current(|shard| match shard {
            Some(shard) if running_fiber().is_some() => {
                let answering = answering_of(&self, shard);
                shard.while_answering(answering, work)
            }
            _ => work(),
        })?;
        self.send(answer);
        Ok(())
    }
}

/// What the waits of a handler need to know of a reply while others are asked for its answer.
fn answering_of<R: Send + 'static>(reply: &Reply<R>, shard: &Shard) -> Answering {
    let now = shard.read_clock();
    let left = reply.time_left().map(|left| left.as_nanos());
    let left = left.map(|left| u64::try_from(left).unwrap_or(NEVER));
    Answering {
        wait: reply.wait_of_a_worker(),
        deadline: left.map(|left| now.saturating_add(left)),
    }
}

/// On whose behalf the running handler waits, if it is in the middle of an answer.
#[cold]
pub(super) fn lent_here() -> Option<Lent> {
    with_current(|shard| {
        let shard = shard.filter(|_| running_fiber().is_some())?;
        let Answering { wait, deadline } = shard.answering()?;
        let left = deadline.map(|deadline| deadline.saturating_sub(shard.now.get()));
        Some(Lent {
            left: left.map(std::time::Duration::from_nanos),
            wait,
            is_given_up: left == Some(0)
                || wait.is_some_and(|(home, wait)| has_given_up(home, wait)),
        })
    })
}
