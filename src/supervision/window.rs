//! The limit on restarts, over a window that slides with time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::nanos;

/// At most this many restarts in this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) restarts: u32,
    pub(super) within: Duration,
}

impl Limit {
    /// What row 4.6 promises if no limit was set.
    pub(super) const DEFAULT: Self = Self {
        restarts: 3,
        within: Duration::from_secs(60),
    };
}

/// The restarts that may still count.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// The times of the restarts, the first one first. A restart after a delay may lie ahead, and behind a
    /// shorter one that was decided later, so they do not arrive in that order.
    times: BinaryHeap<Reverse<u64>>,
}

impl Window {
    /// Whether one more restart stays within the limit: fewer than `limit.restarts` were less than
    /// `limit.within` ago.
    pub(super) fn has_room(&mut self, limit: Limit, now: u64) -> bool {
        let within = nanos(limit.within);
        while let Some(Reverse(first)) = self.times.peek()
            && now.saturating_sub(*first) >= within
        {
            self.times.pop();
        }
        self.times.len() < limit.restarts as usize
    }

    /// Counts a restart that the limit permitted, so there are never more than the limit.
    pub(super) fn count(&mut self, time: u64) {
        self.times.push(Reverse(time));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.times.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limit(restarts: u32, within: u64) -> Limit {
        Limit {
            restarts,
            within: Duration::from_nanos(within),
        }
    }

    /// Restarts at once, if the limit permits it.
    fn try_at(window: &mut Window, limit: Limit, now: u64) -> bool {
        let room = window.has_room(limit, now);
        if room {
            window.count(now);
        }
        room
    }

    #[test]
    fn s4_6_a_restart_counts_until_exactly_the_window_has_passed() {
        let (mut window, limit) = (Window::default(), limit(2, 100));
        assert!(try_at(&mut window, limit, 1000));
        assert!(try_at(&mut window, limit, 1050));
        assert!(!try_at(&mut window, limit, 1099));
        assert!(try_at(&mut window, limit, 1100));
        assert!(!try_at(&mut window, limit, 1149));
        assert!(try_at(&mut window, limit, 1150));
    }

    #[test]
    fn s4_6_a_limit_of_no_restarts_allows_none_and_remembers_nothing() {
        let mut window = Window::default();
        for now in [0, 1, u64::MAX] {
            assert!(!try_at(&mut window, limit(0, 10), now));
        }
        assert_eq!(window.times.capacity(), 0);
    }

    #[test]
    fn s4_6_a_window_of_for_ever_forgets_nothing() {
        let forever = Limit {
            restarts: 2,
            within: Duration::MAX,
        };
        let mut window = Window::default();
        assert!(try_at(&mut window, forever, 0));
        assert!(try_at(&mut window, forever, 1 << 60));
        assert!(!try_at(&mut window, forever, u64::MAX - 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn s4_6_the_window_agrees_with_a_list_of_all_restarts(
            restarts in 0..6_u32,
            within in 1..100_u64,
            // The time before each failure, and the delay of its restart.
            failures in prop::collection::vec((0..60_u64, 0..60_u64), 0..200),
        ) {
            let limit = limit(restarts, within);
            let (mut window, mut all, mut now) = (Window::default(), Vec::<u64>::new(), 0);
            for (pause, delay) in failures {
                now += pause;
                let counting = |time: &&u64| now < **time + within;
                let room = all.iter().filter(counting).count() < restarts as usize;
                prop_assert_eq!(window.has_room(limit, now), room);
                if room {
                    window.count(now + delay);
                    all.push(now + delay);
                }
                prop_assert!(window.len() <= restarts as usize);
            }
        }

        #[test]
        fn s4_6_no_window_holds_more_restarts_than_the_limit(
            restarts in 1..6_u32,
            within in 1..100_u64,
            pauses in prop::collection::vec(0..60_u64, 0..200),
        ) {
            let limit = limit(restarts, within);
            let (mut window, mut done, mut now) = (Window::default(), Vec::new(), 0);
            for pause in pauses {
                now += pause;
                if try_at(&mut window, limit, now) {
                    done.push(now);
                }
            }
            for group in done.windows(restarts as usize + 1) {
                prop_assert!(group[restarts as usize] - group[0] >= within);
            }
        }
    }
}
