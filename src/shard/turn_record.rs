//! Which actor acts on a fiber, and under which message.
//!
//! A worker records the state of a running handler on that handler's own fiber, and the shard points to
//! the current record. So a handler that waits saves nothing and restores nothing: when it resumes, it
//! points the shard to its own record again.

#![allow(unsafe_code)]

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::ptr;
use std::rc::Rc;

use super::observation::ToldHandling;
#[cfg(feature = "tracing")]
use crate::address::MessageId;
use crate::address::{ActorId, Envelope, Home, Key, MessageType};
use crate::fiber::do_first;
use crate::observe::Numbers;
use crate::pool_core::RunningTurn;

/// A reply whose answer a handler is making, and which nothing else can send meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Answering {
    /// The wait that the reply ends, if it is a worker's.
    pub(crate) wait: Option<(Home, Key)>,
    /// When that wait ends, by the clock of this worker's pool, if it is known.
    pub(crate) deadline: Option<u64>,
}

/// What a handler has left of its message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftMessage {
    Nothing,
    Unhandled,
    Stashed,
}

/// The record of the actor whose turn it is.
pub(crate) struct TurnRecord {
    /// The actor.
    pub(crate) actor: Cell<ActorId>,
    /// The envelope of the message that it handles.
    pub(super) envelope: Cell<Envelope>,
    /// The number of messages that its turn may still take.
    pub(super) messages_left: Cell<usize>,
    /// Whether a handler runs, in which case dropped replies wait for its end.
    pub(super) handles: Cell<bool>,
    /// The handler in which it acts, if that is another actor's: a subscriber to dead letters belongs to
    /// no worker.
    pub(crate) within: Cell<RunningTurn>,
    /// Starts of actors that handlers on this fiber are performing.
    pub(super) starts: PendingStarts,
    /// What its handler has left of the message, for observers.
    pub(crate) left: Cell<LeftMessage>,
    /// What its body is to tell observers when it has the message.
    pub(crate) telling: Cell<Option<ToldHandling>>,
    /// The observers that are told of what it sends.
    sends: Cell<Numbers>,
    /// The spans of its asks that have not ended.
    #[cfg(feature = "tracing")]
    ask_spans: RefCell<Vec<(MessageId, tracing::Span)>>,
    /// The home of its worker, as far as its sends know: see [`CurrentRecord::seen_home`].
    seen_home: Cell<Home>,
    /// Whether a scope may be entered that is suspended during waits and left at the end of the turn.
    pub(crate) is_scoped: Cell<bool>,
    pub(crate) locals: Locals,
    /// The reply whose answer it makes.
    pub(super) answering: Cell<Option<Answering>>,
    /// The last wait of a handler on this fiber. It is also read from elsewhere, by the cancellation of a
    /// task.
    pub(crate) wait: Rc<Cell<Key>>,
}

impl TurnRecord {
    /// The record for when no actor has a turn.
    fn nobody(home: Home, is_hooked: bool) -> Self {
        Self {
            actor: Cell::new(ActorId::NOBODY),
            envelope: Cell::new(Envelope::NONE),
            messages_left: Cell::new(0),
            handles: Cell::new(false),
            within: Cell::new(RunningTurn::NOBODY),
            starts: PendingStarts::none(),
            left: Cell::new(LeftMessage::Nothing),
            telling: Cell::new(None),
            sends: Cell::new(Numbers::NONE),
            #[cfg(feature = "tracing")]
            ask_spans: RefCell::default(),
            seen_home: Cell::new(home),
            is_scoped: Cell::new(is_hooked),
            locals: Locals::none(),
            answering: Cell::new(None),
            wait: Rc::new(Cell::new(Key::NONE)),
        }
    }
}

/// Points to the record of what acts now.
pub(crate) struct CurrentRecord {
    here: Cell<*const TurnRecord>,
    home: Home,
    /// The records of the fibers whose loops have not ended.
    fibers: RefCell<Vec<*const TurnRecord>>,
    /// Whether hooks are called at each switch.
    is_hooked: bool,
    /// Whether observers are told of each ask.
    tells_of_asks: bool,
    /// The record of the worker's own stack. It is a box held as a pointer, because moving a box would
    /// invalidate what was borrowed from it.
    root: *mut TurnRecord,
}

impl Drop for CurrentRecord {
    fn drop(&mut self) {
        // SAFETY: `new` made it from a box, and nothing acts any more.
        drop(unsafe { Box::from_raw(self.root) });
    }
}

impl CurrentRecord {
    pub(super) fn new(home: Home, is_hooked: bool, tells_of_asks: bool) -> Self {
        let root = Box::into_raw(Box::new(TurnRecord::nobody(home, is_hooked)));
        Self {
            here: Cell::new(root),
            home,
            fibers: RefCell::default(),
            is_hooked,
            tells_of_asks,
            root,
        }
    }

    /// Returns the record of what acts now.
    #[inline(always)]
    pub(crate) fn record(&self) -> &TurnRecord {
        // SAFETY: the pointer is `root`, or the record of a fiber that has not ended. `set_current` is
        // called only with what `on_this_fiber` has lent, by a fiber whose loop continues; and before a
        // fiber ends, it yields, and whatever continues then sets its own record. The reference is held
        // by code on that very fiber.
        unsafe { &*self.here.get() }
    }

    /// Sets the record of the fiber that continues. Called after everything that suspends this fiber.
    #[inline(always)]
    pub(crate) fn set_current(&self, acting: &TurnRecord) {
        self.here.set(ptr::from_ref(acting));
    }

    /// Returns the home of this worker, or that of none while observers are told of what is sent: so no send
    /// finds its actor on this worker, or in this pool, before it has looked again.
    #[inline(always)]
    pub(super) fn seen_home(&self) -> Home {
        self.record().seen_home.get()
    }

    /// Has these observers told of what is sent from here on, on this fiber.
    pub(crate) fn tell_of_sends(&self, observers: Numbers) {
        let here = self.record();
        let seen = if observers.any() {
            Home::NOWHERE
        } else {
            self.home
        };
        here.sends.set(observers);
        here.seen_home.set(seen);
    }

    /// Keeps the span of an ask that begins.
    #[cfg(feature = "tracing")]
    pub(super) fn keep_ask_span(&self, question: MessageId, span: tracing::Span) {
        self.record().ask_spans.borrow_mut().push((question, span));
    }

    /// Closes the span of an ask that has ended, if there is one.
    #[cfg(feature = "tracing")]
    pub(crate) fn end_ask_span(&self, question: MessageId) {
        let mut spans = self.record().ask_spans.borrow_mut();
        let at = spans.iter().position(|(other, _)| *other == question);
        let ended = at.map(|at| spans.swap_remove(at));
        drop(spans);
        drop(ended);
    }

    /// Closes the spans of all asks: the handling ends, or the task. An ask may have left it.
    #[cfg(feature = "tracing")]
    pub(crate) fn end_ask_spans(&self) {
        let ended = self.record().ask_spans.take();
        drop(ended);
    }

    /// Has nobody told of what is sent, until the returned observers are told again.
    pub(super) fn pause_telling_of_sends(&self) -> Numbers {
        let told = self.record().sends.get();
        if told.any() {
            self.tell_of_sends(Numbers::NONE);
        }
        told
    }

    /// Returns the observers that are told of what is sent now.
    pub(crate) fn told_of_sends(&self) -> Numbers {
        self.record().sends.get()
    }

    /// Runs the loop of a fiber with a record of its own. The loop passes it to
    /// [`set_current`](Self::set_current) each time that it is resumed to run. The loop ends when it is resumed
    /// to end.
    pub(crate) fn on_this_fiber(&self, run: impl FnOnce(&TurnRecord)) {
        let acting = TurnRecord::nobody(self.home, self.is_hooked);
        let _listed = Listed::new(&self.fibers, &acting);
        self.set_current(&acting);
        do_first(self.is_hooked || self.tells_of_asks);
        run(&acting);
    }

    /// Returns the actors that are in the middle of a handler on any fiber, with the envelopes of the messages
    /// that they handle.
    pub(crate) fn handling(&self) -> Vec<(ActorId, Envelope)> {
        let fibers = self.fibers.borrow();
        let records = fibers.iter().map(|record| {
            // SAFETY: `Listed` takes a record off the list before the record is gone.
            unsafe { &**record }
        });
        let handling = records.filter(|record| record.handles.get());
        handling
            .map(|record| (record.actor.get(), record.envelope.get()))
            .collect()
    }

    /// Sets the record of the worker's own stack, which continues.
    pub(super) fn set_current_to_root(&self) {
        self.here.set(self.root);
    }
}

/// The record of a fiber, on the list of all of them until its loop ends.
struct Listed<'a> {
    list: &'a RefCell<Vec<*const TurnRecord>>,
    record: &'a TurnRecord,
}

impl<'a> Listed<'a> {
    fn new(list: &'a RefCell<Vec<*const TurnRecord>>, record: &'a TurnRecord) -> Self {
        list.borrow_mut().push(ptr::from_ref(record));
        Self { list, record }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let mut list = self.list.borrow_mut();
        if let Some(at) = list.iter().rposition(|other| ptr::eq(*other, self.record)) {
            list.swap_remove(at);
        }
    }
}

/// The starts that are under way on one fiber, the innermost last.
pub(super) struct PendingStarts(pub(super) RefCell<Vec<PendingStart>>);

pub(super) struct PendingStart {
    pub(super) actor: ActorId,
    pub(super) mail: &'static MessageType,
    /// The slot of the actor that starts it.
    pub(super) starter: u32,
    /// Its wait, once there is one.
    pub(super) wait: Option<Key>,
}

impl PendingStarts {
    /// Whether there are any.
    pub(super) fn any(&self) -> bool {
        !self.0.borrow().is_empty()
    }

    pub(super) const fn none() -> Self {
        Self(RefCell::new(Vec::new()))
    }
}

/// The static and its type: two statics of different types may share an address.
type LocalKey = (usize, TypeId);

/// The values of one handler, or of one thread.
#[derive(Default)]
pub(crate) struct Locals(RefCell<Vec<(LocalKey, Rc<dyn Any>)>>);

impl Locals {
    pub(crate) const fn none() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    pub(crate) fn get(&self, key: LocalKey) -> Option<Rc<dyn Any>> {
        let values = self.0.borrow();
        let found = values.iter().find(|(other, _)| *other == key);
        found.map(|(_, value)| Rc::clone(value))
    }

    pub(crate) fn get_or_add(&self, key: LocalKey, made: Rc<dyn Any>) -> Rc<dyn Any> {
        self.get(key).unwrap_or_else(|| {
            self.0.borrow_mut().push((key, Rc::clone(&made)));
            made
        })
    }

    /// Takes all values out, and leaves none.
    pub(super) fn take(&self) -> Self {
        Self(RefCell::new(self.0.take()))
    }

    /// Puts back what was taken out, if nothing was added since.
    pub(super) fn put_back(&self, taken: Self) {
        let added = self.0.replace(taken.0.into_inner());
        debug_assert!(
            added.is_empty(),
            "what was added in between is dropped there"
        );
    }

    pub(super) fn any(&self) -> bool {
        !self.0.borrow().is_empty()
    }
}
