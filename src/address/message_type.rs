//! The types of messages, for code that handles messages of any type.

use parking_lot::RwLock;
use std::any::TypeId;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// The messages of actors that this crate makes for its user, whose types the user never wrote: of
/// topics, groups and routers.
const OWN_MESSAGES: &str = concat!(env!("CARGO_CRATE_NAME"), "::routing::");

/// The names that the user has given to types, in the order of the types' ids.
static NAMES: RwLock<Vec<(TypeId, &'static str)>> = RwLock::new(Vec::new());
/// Whether there are any. Relaxed: the lock hands the names over; who reads `false` is not told of a name that
/// is being given.
static ANY_NAMES: AtomicBool = AtomicBool::new(false);

/// Why a type of messages was not given a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageNameError {
    /// It has another name already.
    #[error("the type has the name `{0}` already; give each type one name, once")]
    Named(&'static str),
    /// Another type has that name.
    #[error("another type has the name `{0}`; give each type a name of its own")]
    Taken(&'static str),
}

/// Gives a type of messages a name, which takes the place of the one that the compiler gives it: in dead
/// letters, failures, errors, events, snapshots and log lines. Such a name stays the same when the type is
/// renamed or moved, so that metrics and alerts can rely on it. It holds for all pools of the process, from now
/// on.
///
/// ```
/// use nexus_actors::address::name_message_type;
/// use nexus_actors::prelude::*;
///
/// struct Order(u32);
///
/// name_message_type::<Order>("shop.order")?;
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let deaf = pool.spawn("deaf", Props::new(|| Behavior::<Order>::receive(|_, _| Next::Unhandled)))?;
/// deaf.tell(Order(7));
/// pool.shutdown(Duration::from_secs(5))?;
/// assert_eq!(pool.dead_letters().recent()[0].message_type, "shop.order");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`MessageNameError`] if the type has another name, or another type has this one. To give a type the same name
/// again is no error.
pub fn name_message_type<M: 'static>(name: &'static str) -> Result<(), MessageNameError> {
    let (id, mut names) = (TypeId::of::<M>(), NAMES.write());
    for &(other, given) in &*names {
        match (other == id, given == name) {
            (true, true) => return Ok(()),
            (true, false) => return Err(MessageNameError::Named(given)),
            (false, true) => return Err(MessageNameError::Taken(given)),
            (false, false) => {}
        }
    }
    let at = names.partition_point(|(other, _)| *other < id);
    names.insert(at, (id, name));
    ANY_NAMES.store(true, Relaxed);
    Ok(())
}

fn given_name(id: TypeId) -> Option<&'static str> {
    if !ANY_NAMES.load(Relaxed) {
        return None;
    }
    let names = NAMES.read();
    let found = names.binary_search_by_key(&id, |(named, _)| *named);
    found.ok().map(|at| names[at].1)
}

/// The display name of a message type: that which the user has given it, or else that of the language, but
/// without the private module if the type is [not the user's](OWN_MESSAGES).
pub(crate) fn message_name<M: 'static>() -> &'static str {
    if let Some(name) = given_name(TypeId::of::<M>()) {
        return name;
    }
    let name = std::any::type_name::<M>();
    if !name.starts_with(OWN_MESSAGES) {
        return name;
    }
    let outer = &name[..name.find('<').unwrap_or(name.len())];
    let last = outer.rfind("::");
    last.map_or(name, |at| &name[at + "::".len()..])
}

/// A message type, in one word: its description exists once for all actors.
#[derive(Clone, Copy)]
pub(crate) struct MessageType {
    id: fn() -> TypeId,
    name: fn() -> &'static str,
}

impl MessageType {
    pub(crate) const fn of<M: 'static>() -> &'static Self {
        const { &Self::new::<M>() }
    }

    pub(crate) const fn new<M: 'static>() -> Self {
        Self {
            id: TypeId::of::<M>,
            name: message_name::<M>,
        }
    }

    pub(crate) fn is<M: 'static>(&self) -> bool {
        (self.id)() == TypeId::of::<M>()
    }

    pub(crate) fn name(&self) -> &'static str {
        (self.name)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s1_14_a_type_has_the_name_that_it_was_given_and_no_other_has_it() {
        struct One;
        struct Other;
        assert!(message_name::<One>().ends_with("One"));
        assert_eq!(name_message_type::<One>("test.one"), Ok(()));
        assert_eq!(name_message_type::<One>("test.one"), Ok(()));
        assert_eq!(message_name::<One>(), "test.one");
        assert_eq!(MessageType::of::<One>().name(), "test.one");
        assert!(message_name::<Other>().ends_with("Other"));
        let again = name_message_type::<One>("test.two");
        assert_eq!(again, Err(MessageNameError::Named("test.one")));
        let taken = name_message_type::<Other>("test.one");
        assert_eq!(taken, Err(MessageNameError::Taken("test.one")));
    }
}
