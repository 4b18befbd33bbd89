//! Things that are in effect for a length of time.

use std::collections::BTreeMap;

/// Things that are in effect from one time to another. Those that are over are dropped, and those
/// still to come are not visited.
pub(super) struct Windows<T> {
    /// Those still to come, by their begin and the order in which they were added, each with its
    /// end.
    to_come: BTreeMap<(u64, u64), (u64, T)>,
    open: Vec<(u64, T)>,
    added: u64,
}

impl<T> Default for Windows<T> {
    fn default() -> Self {
        Self {
            to_come: BTreeMap::new(),
            open: Vec::new(),
            added: 0,
        }
    }
}

impl<T> Windows<T> {
    /// Adds something that is in effect from `since` on, until just before `until`.
    pub(super) fn add(&mut self, since: u64, until: u64, what: T) {
        self.added += 1;
        self.to_come.insert((since, self.added), (until, what));
    }

    /// What is in effect now. The clock does not go back.
    pub(super) fn now(&mut self, now: u64) -> impl Iterator<Item = &mut T> {
        self.open.retain(|(until, _)| now < *until);
        while let Some(first) = self.to_come.first_entry()
            && first.key().0 <= now
        {
            let (until, what) = first.remove();
            if now < until {
                self.open.push((until, what));
            }
        }
        self.open.iter_mut().map(|(_, what)| what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn s9_2_what_holds_is_what_has_begun_and_is_not_over(
            windows in prop::collection::vec((0..50_u64, 0..50_u64, 0..100_u64), 0..30),
            steps in prop::collection::vec(0..8_u64, 0..30),
        ) {
            let (mut kept, mut all, mut now) = (Windows::default(), Vec::new(), 0);
            let mut windows = windows.into_iter();
            for step in steps {
                now += step;
                if let Some((since, length, number)) = windows.next() {
                    kept.add(since, since + length, number);
                    all.push((since, since + length, number));
                }
                let mut open: Vec<u64> = kept.now(now).map(|number| *number).collect();
                let holds = |it: &&(u64, u64, u64)| (it.0..it.1).contains(&now);
                let mut expected: Vec<u64> = all.iter().filter(holds).map(|it| it.2).collect();
                open.sort_unstable();
                expected.sort_unstable();
                prop_assert_eq!(open, expected);
            }
        }
    }
}
