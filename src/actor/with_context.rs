//! Sends under a context, or under a correlation id from elsewhere.

use std::num::NonZeroU64;
use std::sync::Arc;

use crate::address::{Envelope, MessageId};
use crate::failure::DropMarks;
use crate::pool_core::keep_context;
use crate::shard::with_current;

/// Runs `code`; the messages that it sends begin a chain of causes with that context.
///
/// The context goes from message to message: to all that their handlers send, to their asks, tasks and timers,
/// on any worker of the pool. A handler finds it in its message's envelope, by
/// [`Envelope::context`](crate::address::Envelope::context), and so does an
/// [`Observer`](crate::observe::Observer). In a handler, the message that it handles stays the cause of what
/// it sends; the correlation is another one.
///
/// A message carries no more with a context than without. The context is kept in a table of the process, which
/// has the newest 65,536 contexts.
///
/// ```
/// use nexus_actors::actor::with_context;
/// use nexus_actors::prelude::*;
///
/// struct Tenant(&'static str);
///
/// let pool = WorkerPool::builder().workers(2).start()?;
/// let store = pool.spawn("store", Props::new(|| {
///     Behavior::receive(|ctx, reply: Reply<&'static str>| {
///         let tenant = ctx.envelope().context::<Tenant>();
///         reply.send(tenant.map_or("nobody", |tenant| tenant.0));
///     })
/// }))?;
/// let door = pool.spawn("door", Props::new(move || {
///     Behavior::receive(move |_ctx, reply: Reply<&'static str>| store.tell(reply))
/// }))?;
/// let asked = with_context(Tenant("acme"), || door.ask(|reply| reply, Duration::from_secs(5)));
/// assert_eq!(asked.wait()?, "acme");
/// assert_eq!(door.ask(|reply| reply, Duration::from_secs(5)).wait()?, "nobody");
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn with_context<C: Send + Sync + 'static, R>(context: C, code: impl FnOnce() -> R) -> R {
    correlated(keep_context(Arc::new(context)), code)
}

/// Runs `code`; the messages that it sends have that correlation id, as all that follows from them has.
///
/// This is for messages that come from outside, from a broker or a request, and have an id there. Ids that a
/// pool draws itself may be the same by chance, unless those from outside are drawn at random.
///
/// ```
/// use nexus_actors::actor::with_correlation;
/// use nexus_actors::prelude::*;
/// use std::num::NonZeroU64;
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let echo = pool.spawn("echo", Props::new(|| {
///     Behavior::receive(|ctx, reply: Reply<u64>| reply.send(ctx.envelope().correlation_id().get()))
/// }))?;
/// let order = NonZeroU64::new(0x5eed_0042).unwrap();
/// let asked = with_correlation(order, || echo.ask(|reply| reply, Duration::from_secs(5)));
/// assert_eq!(asked.wait()?, order.get());
/// pool.shutdown(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn with_correlation<R>(id: NonZeroU64, code: impl FnOnce() -> R) -> R {
    correlated(MessageId::from_outside(id), code)
}

fn correlated<R>(correlation: MessageId, code: impl FnOnce() -> R) -> R {
    /// Restores what was before, also if `code` panics.
    enum RestoreChain {
        Handler(Envelope),
        Thread(Option<MessageId>),
    }

    impl Drop for RestoreChain {
        fn drop(&mut self) {
            match *self {
                Self::Handler(envelope) => with_current(|shard| {
                    shard.inspect(|shard| shard.set_envelope(envelope));
                }),
                Self::Thread(before) => drop(DropMarks::correlate(before)),
            }
        }
    }

    let _restore = with_current(|shard| match shard {
        Some(shard) => {
            let envelope = shard.envelope();
            shard.set_envelope(Envelope {
                correlation,
                ..envelope
            });
            RestoreChain::Handler(envelope)
        }
        None => RestoreChain::Thread(DropMarks::correlate(Some(correlation))),
    });
    code()
}
