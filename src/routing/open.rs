//! How an actor that exists once in a pool is found by name, or started.

use std::any::type_name;
use std::marker::PhantomData;

use crate::actor::{ActorPath, ActorRef, NameError, Props, SpawnError};
use crate::pool::{LookupError, WorkerNode};

/// How often it is tried, when others start and stop the same actor meanwhile.
const TRIES: usize = 16;

/// Why a topic or a group was not opened. It names that by the path at which it lives, such as
/// `/topic/prices`, and what it is for by the type that it was opened with.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is one of that name, for other messages.
    #[error(transparent)]
    WrongType(LookupError),
    /// It could not be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

/// What is opened.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Topic,
    Group,
}

impl Kind {
    /// Where one of that name lives: apart from the actors of users, so that it has the name that it was
    /// given, whatever that is.
    pub(super) fn path(self, name: &str) -> Result<ActorPath, NameError> {
        let place = match self {
            Self::Topic => "topic",
            Self::Group => "group",
        };
        ActorPath::root().child(place)?.child(name)
    }
}

/// Attempts to find or start the topic or group at a path, for messages of type `M`, whose actor handles `W`, a
/// wrapper of those messages.
struct Attempts<M> {
    path: ActorPath,
    tries: usize,
    messages: PhantomData<fn(M)>,
}

impl<M> Attempts<M> {
    fn at(kind: Kind, name: &str) -> Result<Self, OpenError> {
        let path = kind.path(name).map_err(SpawnError::from)?;
        Ok(Self {
            path,
            tries: 0,
            messages: PhantomData,
        })
    }

    /// The one that is there, if any is.
    fn find<W: Send + 'static>(&self, node: &WorkerNode) -> Option<Result<ActorRef<W>, OpenError>> {
        match node.lookup(&self.path) {
            Ok(found) => Some(Ok(found)),
            Err(LookupError::NotFound(_)) => None,
            Err(LookupError::PoolClosed) => Some(Err(SpawnError::PoolClosed.into())),
            Err(LookupError::WrongType { actual, .. }) => {
                Some(Err(wrong_type::<M>(&self.path, actual)))
            }
        }
    }

    /// What has come of a start; `None` to try again.
    fn settle<W>(
        &mut self,
        started: Result<ActorRef<W>, SpawnError>,
    ) -> Option<Result<ActorRef<W>, OpenError>> {
        self.tries += 1;
        match started {
            Ok(started) => Some(Ok(started)),
            // Somebody else was first, or the one before is still about to stop.
            Err(SpawnError::NameTaken(_)) if self.tries < TRIES => None,
            Err(SpawnError::WrongType { actual, .. }) => {
                Some(Err(wrong_type::<M>(&self.path, actual)))
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// The topic or group of that name, for messages of that type, which is started where there is none.
pub(super) fn open<M, W: Send + 'static>(
    node: &WorkerNode,
    kind: Kind,
    name: &str,
    props: &Props<W>,
) -> Result<ActorRef<W>, OpenError> {
    let mut attempts = Attempts::<M>::at(kind, name)?;
    loop {
        if let Some(found) = attempts.find(node) {
            return found;
        }
        let path = attempts.path.clone();
        let started = node
            .shared
            .spawn_configured(node.index, path, props.clone());
        if let Some(opened) = attempts.settle(started) {
            return opened;
        }
    }
}

/// As [`open`], for `async` code.
pub(super) async fn open_async<M, W: Send + 'static>(
    node: &WorkerNode,
    kind: Kind,
    name: &str,
    props: Props<W>,
) -> Result<ActorRef<W>, OpenError> {
    let mut attempts = Attempts::<M>::at(kind, name)?;
    loop {
        if let Some(found) = attempts.find(node) {
            return found;
        }
        let path = attempts.path.clone();
        let owner = node.shared.owner(path.name());
        let start = node
            .shared
            .begin_spawn_at(Ok(owner), Ok(Some(path)), props.clone());
        if let Some(opened) = attempts.settle(start.await) {
            return opened;
        }
    }
}

/// There is one, whose actor handles messages of that name.
fn wrong_type<M>(path: &ActorPath, actual: &'static str) -> OpenError {
    OpenError::WrongType(LookupError::WrongType {
        path: path.to_string(),
        expected: type_name::<M>(),
        actual: wrapped(actual),
    })
}

/// The type that a wrapper is for: `u32`, for one that is called `TopicMessage<u32>`.
fn wrapped(name: &'static str) -> &'static str {
    let inner = name
        .split_once('<')
        .and_then(|(_, rest)| rest.strip_suffix('>'));
    inner.unwrap_or(name)
}
