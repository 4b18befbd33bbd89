//! Answers that a handler is in the middle of making: what it waits for meanwhile, it waits for on behalf of
//! the asker.

use super::polling::Lent;
use super::reply::{NEVER, Reply, has_given_up};
use crate::actor::{Answering, Shard, with_current};
use crate::fiber::running_fiber;

impl<R: Send + 'static> Reply<R> {
    /// Answers with what `work` returns; where that is an error, it is returned, and there is no answer.
    ///
    /// Whatever `work` asks others and waits for, it waits for on behalf of the asker: no
    /// longer than that one does, and not if that one has given up. A cycle of such questions is certain, and
    /// fails at once with [`AskError::Deadlock`](crate::AskError::Deadlock): nobody else can send the reply
    /// meanwhile. So this is the way to answer where others have to be asked first.
    ///
    /// That somebody gives up while `work` waits ends the wait where that is a handler or a task; that a thread
    /// outside has given up before its time was over is not noticed. Where replies are in the middle of being
    /// answered within each other, it is the innermost one that counts.
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
    /// As `work`. The asker is told that there is no answer: with
    /// [`TargetFailed`](crate::AskError::TargetFailed) where the handler returns the error, and else with
    /// [`NoReply`](crate::AskError::NoReply).
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

/// What is to be known of a reply while others are asked for its answer.
fn answering_of<R: Send + 'static>(reply: &Reply<R>, shard: &Shard) -> Answering {
    let now = shard.read_clock();
    let left = reply.time_left().map(|left| left.as_nanos());
    let left = left.map(|left| u64::try_from(left).unwrap_or(NEVER));
    Answering {
        wait: reply.wait_of_a_worker(),
        deadline: left.map(|left| now.saturating_add(left)),
    }
}

/// On whose behalf the handler that runs waits, where it is in the middle of an answer.
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
