//! The end of a run: nothing is left at either side.

use super::{Side, Step, World};
use std::time::Duration;

impl World {
    /// From now on no message arrives, and all requests, executions and waits have ended. Only time passes.
    pub(super) fn die_out(&mut self) {
        for which in 0..self.seen.len() {
            self.step(&Step::Cancel(which));
        }
        self.to_responder.clear();
        self.to_requester.clear();
        let config = &self.config;
        let later = |age: u64| i64::try_from(age).unwrap();
        let (here, there) = (
            later(config.confirm_within),
            later(config.longest.max(config.remember_for)),
        );
        // A clock that went back stands still until it has reached its latest time again.
        self.here.shows = self.here.told;
        self.there.shows = self.there.told;
        self.step(&Step::Clock(Side::Requester, here));
        self.step(&Step::Poll(Side::Requester));
        for _ in 0..2 {
            self.step(&Step::Clock(Side::Responder, there));
            self.step(&Step::Poll(Side::Responder));
        }
        self.is_empty();
    }

    fn is_empty(&self) {
        let held = [
            self.requester.outstanding(),
            self.requester.unconfirmed(),
            self.responder.in_progress(),
            self.responder.remembered(),
        ];
        assert_eq!(held, [0; 4], "nothing is left");
        let due = [self.requester.next_due(), self.responder.next_due()];
        assert_eq!(due, [None; 2]);
    }

    /// From now on messages arrive, executions end, and time passes. Every request ends.
    pub(super) fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 1_000, "it does not come to its end");
            while !self.to_responder.is_empty() || !self.to_requester.is_empty() {
                self.step(&Step::Deliver(Side::Responder, round));
                self.step(&Step::Deliver(Side::Requester, round));
            }
            self.step(&Step::Finish(round));
            let due = [self.requester.next_due(), self.responder.next_due()];
            let nothing_under_way = self.to_requester.is_empty() && self.executing.is_empty();
            if due == [None; 2] && nothing_under_way {
                break;
            }
            // A deadline that never comes is not waited for; such a request gets its answer.
            let soon = |due: &Duration| *due < Duration::MAX;
            self.here.shows = due[0].filter(soon).unwrap_or(self.here.told);
            self.there.shows = due[1].filter(soon).unwrap_or(self.there.told);
            self.step(&Step::Poll(Side::Requester));
            self.step(&Step::Poll(Side::Responder));
        }
        assert!(self.seen.values().all(|seen| seen.over), "each has ended");
        self.is_empty();
    }
}
