//! How an actor that exists once in a pool is found by name, or started.

use std::any::type_name;

use crate::actor::{ActorRef, Props};
use crate::address::{ActorPath, NameError};
use crate::failure::SpawnError;
use crate::pool::{LookupError, WorkerNode};

/// Why a topic or a group was not opened. The error names it by its path, such as `/topic/prices`,
/// and names its messages by the type it was opened with.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A topic or group of that name exists, for other messages.
    #[error(transparent)]
    WrongType(LookupError),
    /// The topic or group could not be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

/// What is opened.
#[derive(Clone, Copy)]
pub(super) enum RoutingKind {
    Topic,
    Group,
}

impl RoutingKind {
    /// The path of the topic or group of that name. It is apart from the actors of users, so that
    /// none of those can have taken the name.
    pub(super) fn path(self, name: &str) -> Result<ActorPath, NameError> {
        let place = match self {
            Self::Topic => "topic",
            Self::Group => "group",
        };
        ActorPath::root().child(place)?.child(name)
    }
}

/// Returns the topic or group of that name, for messages of that type. Starts it if there is none.
pub(super) fn open<M, W: Send + 'static>(
    node: &WorkerNode,
    kind: RoutingKind,
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
    kind: RoutingKind,
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

/// The error for an existing actor whose message type has that name.
fn wrong_type<M>(path: &ActorPath, actual: &'static str) -> OpenError {
    OpenError::WrongType(LookupError::WrongType {
        path: path.to_string(),
        expected: type_name::<M>(),
        actual: wrapped(actual),
    })
}

/// The type inside a wrapper: `u32`, if the name is `TopicMessage<u32>`.
fn wrapped(name: &'static str) -> &'static str {
    let inner = name
        .split_once('<')
        .and_then(|(_, rest)| rest.strip_suffix('>'));
    inner.unwrap_or(name)
}
