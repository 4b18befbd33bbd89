//! The responder's steps, and what is observed of them.

use super::{Seen, World, ms, pick, take};
use nexus_actors::control::{Execution, Refusal, RequesterMessage, ResponderMessage};

impl World {
    pub(super) fn take_in(&mut self, message: RequesterMessage<u64>) {
        let (now, id) = (self.there.tell(), message.id());
        let in_progress = self.responder.in_progress();
        let received = self.responder.handle(now, message.clone());
        let (told, longest) = (self.there.told, ms(self.config.longest));
        let is_cancel = matches!(message, RequesterMessage::Cancel { .. });
        let room = in_progress < self.config.in_progress;
        let seen = self.of(id);
        match received.execution {
            Some(Execution::Begin {
                id: begun,
                time_left,
                payload,
            }) => {
                assert_eq!((begun, payload), (id, seen.tag));
                assert!(!seen.begun, "{id:?} is executed a second time");
                assert!(!seen.barred, "{id:?} was cancelled or refused");
                assert!(!is_cancel && room && !time_left.is_zero());
                assert!(time_left <= longest);
                seen.begun = true;
                seen.in_progress = Some(told.saturating_add(time_left));
                self.executing.push(id);
            }
            Some(Execution::Abort { id: aborted }) => {
                assert_eq!(aborted, id);
                assert!(is_cancel && seen.in_progress.is_some());
                seen.in_progress = None;
                self.met.cancelled_in_progress += 1;
            }
            None => {}
        }
        let seen = self.seen.get_mut(&id.number).expect("it is there");
        if is_cancel {
            self.met.cancelled_first += u32::from(!seen.begun && !seen.barred);
            assert!(seen.in_progress.is_none(), "a cancel is obeyed");
            seen.barred = true;
        }
        match &received.send {
            None => assert!(self.config.lossless, "each message is answered"),
            Some(ResponderMessage::Ack { .. }) => assert!(seen.in_progress.is_some()),
            Some(ResponderMessage::Reply { payload, .. }) => {
                assert_eq!(Some(*payload), seen.result);
                self.met.cached += 1;
            }
            Some(ResponderMessage::Refused { refusal, .. }) => {
                assert!(seen.in_progress.is_none());
                if *refusal == Refusal::Busy {
                    assert!(!seen.begun && (!room || seen.barred));
                }
                seen.barred = true;
            }
            Some(ResponderMessage::Cancelled { .. }) => {
                assert!(seen.in_progress.is_none());
                seen.barred = true;
            }
        }
        if let Some(answer) = received.send {
            assert_eq!(answer.id(), id);
            self.send_to_requester(answer);
        }
    }

    pub(super) fn finish(&mut self, which: usize) {
        let Some(id) = take(&mut self.executing, which) else {
            return;
        };
        self.serial += 1;
        let result = self.serial;
        let reply = self.responder.reply(self.there.tell(), id, result);
        let was_in_progress = self.of(id).in_progress.take().is_some();
        assert_eq!(reply.is_some(), was_in_progress);
        self.met.late_results += u32::from(!was_in_progress);
        if let Some(reply) = reply {
            let payload = result;
            assert_eq!(reply, ResponderMessage::Reply { id, payload });
            self.of(id).result = Some(result);
            self.send_to_requester(reply);
        }
    }

    /// Ends an execution without a result. A result that it has later is too late.
    pub(super) fn give_up(&mut self, which: usize) {
        let Some(&id) = pick(&self.executing, which) else {
            return;
        };
        let cancelled = self.responder.cancel(self.there.tell(), id);
        let was_in_progress = self.of(id).in_progress.take().is_some();
        assert_eq!(cancelled.is_some(), was_in_progress);
        if let Some(cancelled) = cancelled {
            assert_eq!(cancelled, ResponderMessage::Cancelled { id });
            self.send_to_requester(cancelled);
        }
    }

    pub(super) fn poll_responder(&mut self) {
        let now = self.there.tell();
        let told = self.there.told;
        while let Some(expired) = self.responder.poll(now) {
            let id = expired.id;
            let until = self.of(id).in_progress.take();
            assert!(until.expect("it was in progress") <= told, "never early");
            assert_eq!(expired.send, ResponderMessage::Cancelled { id });
            self.met.expired += 1;
            self.send_to_requester(expired.send);
        }
        let overdue = |seen: &Seen| seen.in_progress.is_some_and(|until| until <= told);
        assert!(!self.seen.values().any(overdue), "it is past its time");
        assert!(self.responder.next_due().is_none_or(|due| due > told));
    }
}
