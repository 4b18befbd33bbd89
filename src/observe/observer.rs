//! The trait of an observer.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::event::{
    ActorStarted, ActorStopped, ActorSupervised, AskBegun, AskEnded, Handled, Handling,
    ObservedActor, SendBegun, Waited,
};
use super::slow_handler::SlowHandler;
use crate::failure::{Cycle, DeadLetter, Failure, SpawnError};

/// How many of the handlings of a worker an observer is told of. Other events are always told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sampling {
    /// None.
    #[default]
    None,
    /// One in that many on the average, drawn by chance. The distance between two of them varies, so that no
    /// actor is left out because it has its turns in a regular order. In a simulation the draw depends on
    /// the seed alone.
    OneIn(NonZeroU32),
    /// About that many in each second on each worker, however many it handles, and at most one in each of its
    /// rounds. So what observation costs has a bound. The times are drawn by chance; then any message of a round may
    /// be the one.
    PerSecond(NonZeroU32),
    /// Each whose message has a [context](crate::actor::with_context): it was sent under one, or because of a
    /// message that was. So all handlings of a chain of causes are told, or none; one that is given another
    /// context, or a correlation, begins a chain there.
    UnderContext,
    /// Each.
    All,
}

impl Sampling {
    /// One handling in `n`; each, if `n` is 0 or 1.
    pub const fn one_in(n: u32) -> Self {
        match NonZeroU32::new(n) {
            Some(n) if n.get() > 1 => Self::OneIn(n),
            _ => Self::All,
        }
    }

    /// About `n` handlings in a second on each worker, at most one in each of its rounds; none, if `n` is 0.
    pub const fn per_second(n: u32) -> Self {
        match NonZeroU32::new(n) {
            Some(n) => Self::PerSecond(n),
            None => Self::None,
        }
    }
}

/// Observes the actors of a pool, a system or a simulation. See the [module](self).
///
/// Each method has a default that does nothing. It is called on the thread where the event happens, in the
/// middle of the runtime's work, and delays that work: keep it short.
///
/// - It cannot wait: inside of it, what would wait returns
///   [`WaitError::Forbidden`](crate::WaitError::Forbidden).
/// - It may send messages. The observers are not told how those are handled. They are told what the handlers of
///   those send on: if an actor that an observer feeds sends to others, there may be no end. A message that it
///   loses is counted as a dead letter, and told to no subscriber.
/// - A panic of an observer ends with that call, and goes to the panic hook alone.
/// - Several observers are called in the order in which they were added.
pub trait Observer: Send + Sync + 'static {
    /// Which handlings this observer is told of: [`handling`](Self::handling) and
    /// [`handled`](Self::handled). Asked once, when it is added. The default is [`Sampling::None`].
    fn sampling(&self) -> Sampling {
        Sampling::None
    }

    /// Whether this observer is told of all asks: [`asking`](Self::asking) and [`asked`](Self::asked). Asked
    /// once, when the pool starts. The default is `false`. If it is `true`, each ask of the pool takes a longer way,
    /// on which the clock is read.
    fn observes_asks(&self) -> bool {
        false
    }

    /// Whether this observer is told of what is sent in the handlings that it is told of:
    /// [`sending`](Self::sending), and of the asks that end there, [`asked`](Self::asked). Asked once, when it is
    /// added. The default is `false`.
    fn observes_sends(&self) -> bool {
        false
    }

    /// An actor is about to handle a message. If a handler kills its own actor, or suspends it, the messages
    /// behind are not handled, and not told of.
    fn handling(&self, event: &Handling<'_>) {
        let _ = event;
    }

    /// The handling of a message has ended, after any waits. For each [`handling`](Self::handling) there is
    /// one, unless the thread of the worker ends before.
    fn handled(&self, event: &Handled<'_>) {
        let _ = event;
    }

    /// A message is about to be sent: by a handler whose message this observer was told of, or by a task that
    /// such a handler has begun, which may outlive the handling. Told if
    /// [`observes_sends`](Self::observes_sends) is `true`. Not told are messages of timers, answers to asks, what
    /// the factory or the setup of a child sends, messages to another pool, and messages that are certain not to
    /// arrive: to a full mailbox, or by `try_tell` to an actor that has stopped.
    fn sending(&self, event: &SendBegun<'_>) {
        let _ = event;
    }

    /// A message has waited in its mailbox, and is about to be handled. Told of all messages, or of about as many
    /// as [`handled`](Self::handled) is, but not of the same ones: after a sampled handling, the next message
    /// that comes to that actor is told.
    fn waited(&self, event: &Waited<'_>) {
        let _ = event;
    }

    /// An actor has started, was restarted, or has woken up for a message after its passivation.
    fn started(&self, event: &ActorStarted<'_>) {
        let _ = event;
    }

    /// An actor did not start: its factory or its setup failed, or stopped it. Nothing will be left of it; the
    /// children that its setup has started stop next. A start that is refused, as its name is taken for example,
    /// is not told.
    fn not_started(&self, actor: &ObservedActor<'_>, error: &SpawnError) {
        let _ = (actor, error);
    }

    /// An actor has stopped; its children have stopped before. The last event of an actor.
    fn stopped(&self, event: &ActorStopped<'_>) {
        let _ = event;
    }

    /// A supervisor has decided what becomes of an actor because of a failure: its own, or that of a sibling
    /// or a child. That a failure of a child on another worker is escalated is not told.
    fn supervised(&self, event: &ActorSupervised<'_>) {
        let _ = event;
    }

    /// An actor has become passive: its instance is gone, its name and its references stay.
    fn passivated(&self, actor: &ObservedActor<'_>) {
        let _ = actor;
    }

    /// An actor has failed. Called beside the builder's `on_failure`, for the same failures.
    fn failed(&self, failure: &Failure) {
        let _ = failure;
    }

    /// A message was lost. Called as a [subscriber](crate::failure::DeadLetters::subscribe) is.
    fn dead_letter(&self, letter: &DeadLetter) {
        let _ = letter;
    }

    /// A handler, or a task, asks an actor. Told if [`observes_asks`](Self::observes_asks) is `true`. Asks of
    /// threads outside the pool are not told.
    fn asking(&self, event: &AskBegun) {
        let _ = event;
    }

    /// An ask has ended for its asker: it has the outcome, or gives up. Told of all asks if
    /// [`observes_asks`](Self::observes_asks) is `true`, and of those that end in a handling, or a
    /// task, of which this observer is told what is [sent](Self::sending). The end of an ask is not told that has left
    /// the handler which made it, to be awaited on another thread or by another executor.
    fn asked(&self, event: &AskEnded<'_>) {
        let _ = event;
    }

    /// A handler has held its worker for long. Called beside the builder's `on_slow_handler`, on the thread
    /// of the watchdog; so only in a [`WorkerPool`](crate::WorkerPool).
    fn slow_handler(&self, slow: &SlowHandler) {
        let _ = slow;
    }

    /// A cycle of waits is suspected. Called beside the builder's `on_suspected_deadlock`.
    fn suspected_deadlock(&self, cycle: &Cycle) {
        let _ = cycle;
    }

    /// A cycle of waits is certain. One of its waits ends with [`AskError::Deadlock`](crate::AskError).
    fn deadlock(&self, cycle: &Cycle) {
        let _ = cycle;
    }
}

macro_rules! forward {
    ($($name:ident($($arg:ident: $of:ty),*) $(-> $to:ty)?;)*) => {
        impl<O: Observer + ?Sized> Observer for Arc<O> {
            $(fn $name(&self, $($arg: $of),*) $(-> $to)? {
                (**self).$name($($arg),*)
            })*
        }
    };
}

forward! {
    sampling() -> Sampling;
    observes_asks() -> bool;
    observes_sends() -> bool;
    handling(event: &Handling<'_>);
    handled(event: &Handled<'_>);
    sending(event: &SendBegun<'_>);
    waited(event: &Waited<'_>);
    started(event: &ActorStarted<'_>);
    not_started(actor: &ObservedActor<'_>, error: &SpawnError);
    stopped(event: &ActorStopped<'_>);
    supervised(event: &ActorSupervised<'_>);
    passivated(actor: &ObservedActor<'_>);
    failed(failure: &Failure);
    dead_letter(letter: &DeadLetter);
    asking(event: &AskBegun);
    asked(event: &AskEnded<'_>);
    slow_handler(slow: &SlowHandler);
    suspected_deadlock(cycle: &Cycle);
    deadlock(cycle: &Cycle);
}
