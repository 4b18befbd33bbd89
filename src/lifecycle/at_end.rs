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
pub(super) fn add_wanted(
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
pub(super) struct EndsWait(pub(super) Key);

impl AtEnd for EndsWait {
    fn ended(self: Box<Self>, shard: &Shard) {
        shard.follow_up(shard.waits.fulfil(self.0, ()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    /// Is wanted while its flag is set, and counts how often it is asked.
    struct Counted(Rc<Cell<usize>>, Rc<Cell<bool>>);

    impl AtEnd for Counted {
        fn ended(self: Box<Self>, _shard: &Shard) {}

        fn is_wanted(&self) -> bool {
            self.0.set(self.0.get() + 1);
            self.1.get()
        }
    }

    #[test]
    fn s9_4_those_who_come_and_give_up_one_by_one_cost_no_look_at_all_who_stay() {
        for stay in [0, 1, 3, 4, 7, 1000, 1023, 1024] {
            let (looks, mut list, mut given_up) = (Rc::new(Cell::new(0)), Vec::new(), 0);
            let one = |wanted: &Rc<Cell<bool>>| {
                Box::new(Counted(Rc::clone(&looks), Rc::clone(wanted))) as Box<dyn AtEnd>
            };
            let wanted = Rc::new(Cell::new(true));
            for _ in 0..stay {
                given_up += add_wanted(&mut list, one(&wanted)).len();
            }
            const COME: usize = 10_000;
            for _ in 0..COME {
                let wanted = Rc::new(Cell::new(true));
                given_up += add_wanted(&mut list, one(&wanted)).len();
                wanted.set(false);
            }
            assert!(
                looks.get() <= 4 * (stay + COME),
                "{} for {stay}",
                looks.get()
            );
            assert_eq!(list.len() + given_up, stay + COME);
            assert!(list.capacity() <= 4 * stay + 8, "for {stay}");
        }
    }
}
