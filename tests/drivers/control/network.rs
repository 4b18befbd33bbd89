//! What happens to messages in transit.

use super::{SESSION, Side, World, take};
use nexus_actors::control::{RequestId, RequesterMessage, ResponderMessage};

impl World {
    pub(super) fn deliver(&mut self, to: Side, which: usize) {
        let which = if self.config.lossless { 0 } else { which };
        match to {
            Side::Requester => {
                if let Some(message) = take(&mut self.to_requester, which) {
                    self.receive(message);
                }
            }
            Side::Responder => {
                if let Some(message) = take(&mut self.to_responder, which) {
                    self.take_in(message);
                }
            }
        }
    }

    /// Delivers a message of another session, with a number that this session uses too.
    pub(super) fn stray(&mut self, to: Side) {
        let number = self.seen.keys().next_back().copied().unwrap_or(1);
        let id = RequestId {
            session: SESSION + 1,
            number,
        };
        match to {
            Side::Requester => {
                let payload = 0;
                let message = ResponderMessage::Reply { id, payload };
                assert_eq!(self.requester.handle(self.here.tell(), message), None);
                assert_eq!(self.requester.cancel(self.here.tell(), id), None);
                self.foreign_messages[0] += 1;
            }
            Side::Responder => {
                let message = RequesterMessage::<u64>::Cancel { id };
                let received = self.responder.handle(self.there.tell(), message);
                assert_eq!((received.send, received.execution), (None, None));
                assert!(!self.responder.is_in_progress(id));
                assert_eq!(self.responder.cancel(self.there.tell(), id), None);
                self.foreign_messages[1] += 1;
            }
        }
    }
}
