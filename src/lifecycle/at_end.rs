//! Actions for when an actor has ended and its name is free.

use crate::address::Key;
use crate::shard::{AtEnd, Extra, Shard};

/// Runs an action when the actor of a key has ended and its name is free; at once if that is so.
pub(crate) fn on_end(shard: &Shard, key: Key, then: Box<dyn AtEnd>) {
    let Some(slot) = shard.tenant(key) else {
        return then.ended(shard);
    };
    let given_up = slot.with_extra(|Extra { at_end, .. }| add_wanted(at_end, then));
    given_up.into_iter().for_each(|it| it.ended(shard));
}

/// Adds an action, and removes those no longer wanted, but only when the list would have to grow: so, seldom.
pub(crate) fn add_wanted(
    list: &mut Vec<Box<dyn AtEnd>>,
    then: Box<dyn AtEnd>,
) -> Vec<Box<dyn AtEnd>> {
    let mut given_up = Vec::new();
    if list.len() == list.capacity() {
        given_up.extend(list.extract_if(.., |it| !it.is_wanted()));
        // Otherwise the place of a single removed action would be all the room there is until the next scan.
        if list.len() > list.capacity() / 2 {
            list.reserve(list.capacity());
        }
    }
    list.push(then);
    given_up
}

/// Ends a wait when an actor has ended.
pub(crate) struct EndsWait(pub(crate) Key);

impl AtEnd for EndsWait {
    fn ended(self: Box<Self>, shard: &Shard) {
        shard.follow_up(shard.waits.fulfil(self.0, ()));
    }
}
