//! A directory in plain memory, ordered: the names of a simulated pool.

use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::address::{ActorId, ActorPath};
use crate::pool_core::{Directory, DirectoryEntry, NamePhase};

/// The names of one pool.
#[derive(Clone, Default)]
pub(super) struct SimNames(Arc<Mutex<KnownName>>);

#[derive(Default)]
struct KnownName {
    /// Each with the phase that its actor has reached.
    by_path: BTreeMap<ActorPath, (NamePhase, Option<DirectoryEntry>)>,
    by_actor: HashMap<ActorId, ActorPath>,
}

impl SimNames {
    pub(super) fn len(&self) -> usize {
        self.0.lock().by_path.len()
    }

    /// The name of a live actor, if it has one.
    pub(super) fn name_of(&self, actor: ActorId) -> Option<ActorPath> {
        self.0.lock().by_actor.get(&actor).cloned()
    }
}

impl Directory for SimNames {
    fn reserve(&self, path: &ActorPath) -> bool {
        let names = &mut self.0.lock().by_path;
        let free = !names.contains_key(path);
        if free {
            names.insert(path.clone(), (NamePhase::Starting, None));
        }
        free
    }

    fn begins(&self, path: &ActorPath, entry: DirectoryEntry) {
        if let Some((_, actor)) = self.0.lock().by_path.get_mut(path) {
            *actor = Some(entry);
        }
    }

    fn publish(&self, path: &ActorPath) {
        let KnownName { by_path, by_actor } = &mut *self.0.lock();
        if let Some((phase, Some(entry))) = by_path.get_mut(path) {
            *phase = NamePhase::Live;
            by_actor.insert(entry.actor(), path.clone());
        }
    }

    fn ends(&self, path: &ActorPath) {
        if let Some((phase @ NamePhase::Live, _)) = self.0.lock().by_path.get_mut(path) {
            *phase = NamePhase::Ending;
        }
    }

    fn release(&self, path: &ActorPath) {
        let KnownName { by_path, by_actor } = &mut *self.0.lock();
        if let Some((_, Some(entry))) = by_path.remove(path) {
            by_actor.remove(&entry.actor());
        }
    }

    fn find(&self, path: &str) -> Option<DirectoryEntry> {
        let path = ActorPath::parse(path).ok()?;
        let (phase, entry) = self.look(&path)?;
        entry.filter(|_| phase != NamePhase::Starting)
    }

    fn look(&self, path: &ActorPath) -> Option<(NamePhase, Option<DirectoryEntry>)> {
        self.0.lock().by_path.get(path).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Home, Key, MessageType};
    use crate::pool::WorkerDirectory;
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Reserve,
        Publish { bounded: bool },
        End,
        Release,
    }

    fn step() -> impl Strategy<Value = (usize, Step)> {
        let step = prop_oneof![
            Just(Step::Reserve),
            any::<bool>().prop_map(|bounded| Step::Publish { bounded }),
            Just(Step::End),
            Just(Step::Release),
        ];
        (0..NAMES, step)
    }

    const NAMES: usize = 40;

    fn path(name: usize) -> ActorPath {
        let name = format!("a{name}");
        ActorPath::user().child(&name).expect("a name")
    }

    /// What a directory returns for a name: the address, and whether its messages have type `u8`.
    fn found(directory: &dyn Directory, name: usize) -> Option<(ActorId, bool)> {
        let found = directory.find(path(name).as_str());
        found.map(|entry| (entry.address, entry.message.is::<u8>()))
    }

    proptest! {
        #[test]
        fn s8_3_a_directory_knows_who_was_published_and_not_released(
            steps in prop::collection::vec(step(), 0..200),
        ) {
            let directories: [&dyn Directory; 2] = [&SimNames::default(), &WorkerDirectory::default()];
            let mut oracle: HashMap<usize, Option<(ActorId, bool)>> = HashMap::new();
            for (slot, (name, step)) in (0..).zip(steps) {
                let actor = ActorId::new(Home::new(1, 0), Key::new(slot, 1));
                match step {
                    Step::Reserve => {
                        let free = !oracle.contains_key(&name);
                        oracle.entry(name).or_default();
                        for directory in directories {
                            prop_assert_eq!(directory.reserve(&path(name)), free);
                        }
                    }
                    Step::Publish { bounded } => {
                        let Some(place @ None) = oracle.get_mut(&name) else {
                            continue;
                        };
                        let address = actor.address(bounded);
                        let message = if bounded {
                            MessageType::of::<u8>()
                        } else {
                            MessageType::of::<String>()
                        };
                        *place = Some((address, bounded));
                        for directory in directories {
                            directory.begins(&path(name), DirectoryEntry { address, message });
                            prop_assert_eq!(found(directory, name), None);
                            directory.publish(&path(name));
                        }
                    }
                    Step::End => {
                        let live = oracle.get(&name).copied().flatten().is_some();
                        for directory in directories {
                            directory.ends(&path(name));
                            let phase = directory.look(&path(name)).map(|(phase, _)| phase);
                            prop_assert_eq!(phase == Some(NamePhase::Ending), live);
                        }
                    }
                    Step::Release => {
                        oracle.remove(&name);
                        for directory in directories {
                            directory.release(&path(name));
                        }
                    }
                }
                for directory in directories {
                    let expected = oracle.get(&name).copied().flatten();
                    prop_assert_eq!(found(directory, name), expected);
                }
            }
            for directory in directories {
                for name in 0..NAMES {
                    let expected = oracle.get(&name).copied().flatten();
                    prop_assert_eq!(found(directory, name), expected);
                }
            }
        }
    }
}
