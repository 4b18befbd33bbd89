//! A directory in plain memory, in order: which names a simulated pool has.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::{ActorId, ActorPath, Directory, DirectoryEntry};

/// The names of one pool, each with its actor once that lives.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<Mutex<BTreeMap<ActorPath, Option<DirectoryEntry>>>>);

impl Names {
    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

impl Directory for Names {
    fn reserve(&self, path: &ActorPath) -> bool {
        let mut names = self.0.lock();
        let free = !names.contains_key(path);
        if free {
            names.insert(path.clone(), None);
        }
        free
    }

    fn publish(&self, path: &ActorPath, entry: DirectoryEntry) {
        self.0.lock().insert(path.clone(), Some(entry));
    }

    fn release(&self, path: &ActorPath) {
        self.0.lock().remove(path);
    }

    fn name_of(&self, actor: ActorId) -> Option<ActorPath> {
        let names = self.0.lock();
        let named =
            |entry: &Option<DirectoryEntry>| entry.is_some_and(|entry| entry.actor() == actor);
        let mut named = names.iter().filter(|(_, entry)| named(entry));
        named.next().map(|(path, _)| path.clone())
    }

    fn find(&self, path: &str) -> Option<DirectoryEntry> {
        let path = ActorPath::parse(path).ok()?;
        self.0.lock().get(&path).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::{Home, Key, MessageType};
    use crate::pool::WorkerDirectory;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Reserve,
        Publish { bounded: bool },
        Release,
    }

    fn step() -> impl Strategy<Value = (usize, Step)> {
        let step = prop_oneof![
            Just(Step::Reserve),
            any::<bool>().prop_map(|bounded| Step::Publish { bounded }),
            Just(Step::Release),
        ];
        (0..NAMES, step)
    }

    const NAMES: usize = 40;

    fn path(name: usize) -> ActorPath {
        let name = format!("a{name}");
        ActorPath::user().child(&name).expect("a name")
    }

    /// What a directory tells of a name: its address, and whether `u8` is the type of its messages.
    fn found(directory: &dyn Directory, name: usize) -> Option<(ActorId, bool)> {
        let found = directory.find(path(name).as_str());
        found.map(|entry| (entry.address, entry.message.is::<u8>()))
    }

    proptest! {
        #[test]
        fn s8_3_a_directory_knows_who_was_published_and_not_released(
            steps in prop::collection::vec(step(), 0..200),
        ) {
            let directories: [&dyn Directory; 2] = [&Names::default(), &WorkerDirectory::default()];
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
                            directory.publish(&path(name), DirectoryEntry { address, message });
                            prop_assert_eq!(directory.name_of(actor), Some(path(name)));
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
                prop_assert_eq!(directory.name_of(ActorId::NOBODY), None);
            }
        }
    }
}
