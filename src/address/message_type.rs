//! The types of messages, for code that handles messages of any type.

use std::any::TypeId;

/// The messages of actors that this crate makes for its user, whose types the user never wrote: of
/// topics, groups and routers.
const OWN_MESSAGES: &str = concat!(env!("CARGO_CRATE_NAME"), "::routing::");

/// The display name of a message type: the name that the language gives it, but without the private
/// module if the type is [not the user's](OWN_MESSAGES).
pub(crate) fn message_name<M>() -> &'static str {
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
