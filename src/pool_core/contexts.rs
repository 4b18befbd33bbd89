//! The contexts of messages: values that travel with a chain of causes.
//!
//! An envelope holds the id of the first message of its chain, which everything that is sent because of it
//! inherits. A context is kept in a table under an id that takes the place of that first message's. So a
//! message without a context pays nothing for it, and one with a context no more than any other.

use parking_lot::Mutex;
use std::any::Any;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

use crate::address::{Envelope, MessageId, RunId};
use crate::failure::drop_quietly;

/// The contexts of a process that are kept.
const KEPT: usize = 1 << 16;

type Value = Arc<dyn Any + Send + Sync>;
type Place = Mutex<Option<(MessageId, Value)>>;

static TABLE: OnceLock<Box<[Place]>> = OnceLock::new();
/// Relaxed: it only has to give each context another number.
static LAST: AtomicU64 = AtomicU64::new(0);
/// Where the numbers begin: at random, as a correlation from outside should not name a context by chance, or by
/// the intent of its sender.
static FIRST: OnceLock<u64> = OnceLock::new();

#[allow(clippy::cast_possible_truncation)] // the low bits count
fn place(id: MessageId) -> &'static Place {
    let table = TABLE.get_or_init(|| (0..KEPT).map(|_| Mutex::new(None)).collect());
    &table[id.get() as usize % KEPT]
}

/// Keeps a context, in place of the oldest one. Returns the id of the chain that it is for.
pub(crate) fn keep_context(context: Value) -> MessageId {
    let first = FIRST.get_or_init(|| RunId::draw().get());
    let id = MessageId::of_context(first.wrapping_add(LAST.fetch_add(1, Relaxed)));
    let before = place(id).lock().replace((id, context));
    // Dropped outside of the lock: it is the user's value, and of another user than the caller.
    let _ = drop_quietly(before);
    id
}

impl Envelope {
    /// Whether the chain of causes of this message began under a context, of whatever type. That may be too old to
    /// be found.
    pub fn has_context(&self) -> bool {
        self.correlation.is_of_context()
    }

    /// Returns the context under which the chain of causes of this message began, if there is one of that
    /// type: see [`with_context`](crate::actor::with_context).
    ///
    /// The newest 65,536 contexts of a process are kept. An older one is not found any more.
    pub fn context<C: Send + Sync + 'static>(&self) -> Option<Arc<C>> {
        if !self.correlation.is_of_context() {
            return None;
        }
        let kept = place(self.correlation).lock();
        let (id, context) = kept.as_ref()?;
        let context = (*id == self.correlation).then(|| Arc::clone(context))?;
        drop(kept);
        context.downcast().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ActorId;

    #[test]
    fn s7_3_a_context_is_found_until_many_newer_ones_have_come() {
        let first = keep_context(Arc::new("first"));
        let message = MessageId::start_of_worker(0).next();
        let under = |correlation| {
            let begin = Envelope {
                correlation,
                ..Envelope::NONE
            };
            begin.next(ActorId::NOBODY, message)
        };
        assert_eq!(under(first).context::<&str>().as_deref(), Some(&"first"));
        assert_eq!(under(first).context::<u8>(), None, "of that type");
        assert_eq!(under(MessageId::NONE).context::<&str>(), None);
        let newer: Vec<_> = (0..KEPT).map(|_| keep_context(Arc::new(0_u8))).collect();
        assert_eq!(under(first).context::<&str>(), None);
        assert_eq!(under(newer[KEPT - 1]).context::<u8>().as_deref(), Some(&0));
    }
}
