//! The ring of a group whose members come and go.

use std::collections::BTreeSet;

use crate::pool::points_on_ring;

/// A [`ConsistentHashRing`](crate::pool::ConsistentHashRing) of members by number, brought up to date
/// when it is queried.
///
/// Each member has 512 points, so the ring is not built before the first query. Members that are
/// added or removed after that are recorded, at no further cost until the next query; when there
/// are more such changes than members, the ring is discarded and built anew.
#[derive(Default)]
pub(super) struct Ring {
    made: Option<BuiltRing>,
    members: usize,
}

#[derive(Default)]
struct BuiltRing {
    /// The points, each with its member. If members share a point, the lowest number owns it.
    points: BTreeSet<(u64, u32)>,
    /// Members added or removed since the ring was brought up to date.
    changes: Vec<(u32, Change)>,
}

#[derive(Clone, Copy)]
enum Change {
    Came,
    Gone,
}

impl Ring {
    /// Adds a member, whose number no other member has.
    pub(super) fn add(&mut self, member: u32) {
        self.members += 1;
        self.note(member, Change::Came);
    }

    /// Removes a member.
    pub(super) fn remove(&mut self, member: u32) {
        self.members -= 1;
        self.note(member, Change::Gone);
    }

    fn note(&mut self, member: u32, change: Change) {
        if let Some(made) = &mut self.made {
            made.changes.push((member, change));
            if made.changes.len() > self.members {
                self.made = None;
            }
        }
    }

    /// The member that owns a point of the ring, if there is any. `members` are all the members.
    pub(super) fn owner_of_point(
        &mut self,
        point: u64,
        members: impl Iterator<Item = u32>,
    ) -> Option<u32> {
        let made = self.made.get_or_insert_with(|| BuiltRing {
            points: members.flat_map(points_of).collect(),
            changes: Vec::new(),
        });
        for (member, change) in made.changes.drain(..) {
            points_of(member).for_each(|point| match change {
                Change::Came => drop(made.points.insert(point)),
                Change::Gone => drop(made.points.remove(&point)),
            });
        }
        let from = made.points.range((point, 0)..).next();
        // Past the largest point the ring starts again at the smallest.
        let (_, owner) = from.or_else(|| made.points.first())?;
        Some(*owner)
    }
}

fn points_of(member: u32) -> impl Iterator<Item = (u64, u32)> {
    points_on_ring(member).map(move |point| (point, member))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::ConsistentHashRing;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn s8_1_it_is_the_ring_of_those_who_are_there(
            steps in prop::collection::vec((0..12_u32, any::<bool>(), any::<u64>()), 1..60),
        ) {
            let (mut ring, mut members) = (Ring::default(), BTreeSet::new());
            for (member, asks, point) in steps {
                if members.insert(member) {
                    ring.add(member);
                } else {
                    members.remove(&member);
                    ring.remove(member);
                }
                if asks {
                    let expected = ConsistentHashRing::of(members.iter().copied());
                    let expected = expected.map(|ring| ring.owner_of_point(point));
                    let owner = ring.owner_of_point(point, members.iter().copied());
                    prop_assert_eq!(owner, expected);
                }
            }
        }
    }
}
