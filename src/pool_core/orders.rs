//! Orders to workers and to actors: what they say. All but a stop of an actor travel beside the mail.

/// An order to a worker, given outside of its inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkerOrder {
    /// Stop all actors, by force after that many nanoseconds.
    ShutDown { within: u64 },
    /// Take no more mail and end: every worker has stopped its actors.
    Close,
}

/// An order to one actor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ActorOrder {
    Stop,
    Kill,
    Suspend,
    Passivate,
    Resume,
}
