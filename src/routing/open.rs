//! How an actor that exists once in a pool is found by name, or started.

use std::any::type_name;

use crate::actor::{ActorPath, ActorRef, NameError, Props, SpawnError};
use crate::pool::{LookupError, WorkerNode};

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

/// The topic or group of that name, for messages of that type, which is started where there is none.
pub(super) fn open<M, W: Send + 'static>(
    node: &WorkerNode,
    kind: Kind,
    name: &str,
    props: &Props<W>,
) -> Result<ActorRef<W>, OpenError> {
    let path = kind.path(name).map_err(SpawnError::from)?;
    let found = node.shared.get_or_spawn_at(path.clone(), props.clone());
    found.map_err(|error| not_opened::<M>(&path, error))
}

/// As [`open`], for `async` code.
pub(super) async fn open_async<M, W: Send + 'static>(
    node: &WorkerNode,
    kind: Kind,
    name: &str,
    props: Props<W>,
) -> Result<ActorRef<W>, OpenError> {
    let path = kind.path(name).map_err(SpawnError::from)?;
    let found = node.shared.begin_get_or_spawn_at(Ok(path.clone()), props);
    found.await.map_err(|error| not_opened::<M>(&path, error))
}

fn not_opened<M>(path: &ActorPath, error: SpawnError) -> OpenError {
    match error {
        SpawnError::WrongType { actual, .. } => wrong_type::<M>(path, actual),
        error => error.into(),
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
