//! The requester's steps, and what is observed of them.

use super::{SESSION, Seen, World, ms, pick};
use nexus_actors::control::{Due, Outcome, Refusal, RequestId, RequesterMessage, ResponderMessage};
use std::collections::BTreeSet;
use std::time::Duration;

impl World {
    pub(super) fn request(&mut self, timeout: u64) {
        self.serial += 1;
        let tag = self.serial;
        // The longest possible time, for example, never ends.
        let timeout = if timeout == u64::MAX {
            Duration::MAX
        } else {
            ms(timeout)
        };
        match self.requester.request(self.here.tell(), tag, timeout) {
            Ok((id, message)) => {
                let seen = Seen {
                    tag,
                    deadline: self.here.told.saturating_add(timeout),
                    last_sent: self.here.told,
                    ..Seen::default()
                };
                assert!(self.seen.insert(id.number, seen).is_none(), "a number anew");
                assert_eq!(message.id(), id);
                self.send_to_responder(message);
            }
            Err(refused) => {
                assert_eq!(refused.0, tag, "what was refused is given back");
                assert_eq!(self.requester.outstanding(), self.config.outstanding);
                self.met.full += 1;
            }
        }
    }

    pub(super) fn cancel(&mut self, which: usize) {
        let numbers: Vec<u64> = self.seen.keys().copied().collect();
        let Some(&number) = pick(&numbers, which) else {
            return;
        };
        let id = RequestId {
            session: SESSION,
            number,
        };
        let cancel = self.requester.cancel(self.here.tell(), id);
        assert_eq!(cancel.is_none(), self.of(id).over, "cancelled if it waits");
        if let Some(cancel) = cancel {
            assert_eq!(cancel, RequesterMessage::Cancel { id });
            self.ends(id);
            self.of(id).last_sent = self.here.told;
            self.send_to_responder(cancel);
        }
    }

    /// Records the end of a request, which happens once.
    fn ends(&mut self, id: RequestId) {
        let seen = self.of(id);
        assert!(!seen.over, "{id:?} ends for a second time");
        seen.over = true;
    }

    pub(super) fn poll_requester(&mut self) {
        let now = self.here.tell();
        let (told, first) = (self.here.told, ms(self.config.first));
        let mut sent = BTreeSet::new();
        while let Some(due) = self.requester.poll(now) {
            match due {
                Due::Resend(message) => {
                    assert!(!self.config.lossless, "nothing is sent again");
                    let id = message.id();
                    assert!(sent.insert(id), "however far the time has jumped, once");
                    let seen = self.of(id);
                    assert!(seen.last_sent + first <= told, "not before its interval");
                    seen.last_sent = told;
                    if let RequesterMessage::Request {
                        time_left, payload, ..
                    } = &message
                    {
                        assert!(!seen.over, "nobody waits for it");
                        assert_eq!(*payload, seen.tag);
                        assert_eq!(*time_left, seen.deadline - told);
                    } else {
                        assert!(seen.over, "it is waited for");
                    }
                    self.send_to_responder(message);
                }
                Due::TimedOut { id, cancel } => {
                    assert!(self.of(id).deadline <= told, "never early");
                    self.ends(id);
                    self.of(id).last_sent = told;
                    self.met.timed_out += 1;
                    assert_eq!(cancel, RequesterMessage::Cancel { id });
                    self.send_to_responder(cancel);
                }
            }
        }
        let missed = self.seen.values().find(|s| !s.over && s.deadline <= told);
        assert!(missed.is_none(), "a deadline has passed");
        assert!(self.requester.next_due().is_none_or(|due| due > told));
    }

    pub(super) fn receive(&mut self, message: ResponderMessage<u64>) {
        let id = message.id();
        let before = self.requester.unconfirmed();
        let is_reply = matches!(message, ResponderMessage::Reply { .. });
        let was_over = self.of(id).over;
        let ended = self.requester.handle(self.here.tell(), message.clone());
        if is_reply && was_over {
            self.late_replies += 1;
            self.met.late_replies += 1;
        }
        self.met.confirmed += u32::from(self.requester.unconfirmed() < before);
        let Some((ended, outcome)) = ended else {
            let ack = matches!(message, ResponderMessage::Ack { .. });
            assert!(ack || was_over, "{message:?} ends what waits");
            return;
        };
        assert_eq!(ended, id, "the reply of another request");
        self.ends(id);
        let (seen, met) = (&self.seen[&id.number], &mut self.met);
        match outcome {
            Outcome::Replied(result) => {
                assert_eq!(Some(result), seen.result, "of its one execution");
                met.replied += 1;
            }
            Outcome::Refused(Refusal::Busy) => {
                assert!(!seen.begun && seen.barred, "it was not executed");
                met.busy += 1;
            }
            Outcome::Refused(_) => met.forgotten += 1,
            Outcome::Cancelled => assert!(seen.in_progress.is_none()),
        }
    }
}
