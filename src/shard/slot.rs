//! A slot: all that a worker stores of one actor, in a cache line and a half.
//!
//! A slot is let to one actor after another. Each tenancy has a generation, and a [`Key`] of an earlier one
//! opens nothing. The slot is also where the type of an actor's messages is erased; `message_ops.rs`
//! recovers it:
//!
//! **Invariant.** During one tenancy, which is begun for a type `M` by giving [`Slot::occupy`] the operations
//! on `M`, a slot's mailbox holds messages of that type. Code that pushes or pops holds a key of that tenancy
//! together with `M`: in an `ActorRef<M>`, made when the actor is started or when the directory has compared the
//! type, or in the actor's own body, which is built for `M`.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::sync::Arc;
use std::{mem, ptr};

use super::attention::Attention;
use super::body::{BodyBox, NewBody};
use super::capacity_queue::CapacityQueue;
use super::records::{AtEnd, Recipe, Role, System};
use super::slot_flags::{SlotFlag, SlotFlags};
use super::state::Shard;
use super::vtable::{MessageVtable, NO_MESSAGES};
use crate::address::{ActorId, ActorPath, Envelope, Key, MessageCause, MessageId, MessageType};
use crate::failure::{DeadLetterReason, WaitEnd, drop_quietly};
use crate::mailbox::{MailItem, MailPlace, RawMailbox};
use crate::memory::{Slabs, Tenant, prefetch};
use crate::pool_core::BoundedMailbox;
use crate::sync::{Mutant, is_mutated};

/// The index of no slot.
pub(crate) const NO_SLOT: u32 = u32::MAX;

/// The state of an actor's life.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum ActorState {
    /// The slot belongs to no actor.
    #[default]
    Vacant,
    /// Its factory and setup run. Its mailbox is open, but the mail waits.
    Starting,
    /// It handles what arrives.
    Running,
    /// It takes no more mail, and stops when it has handled what it has.
    Draining,
    /// It handles nothing more, and waits for its children to stop.
    Stopping,
}

/// What is rarely needed of an actor.
#[derive(Default)]
pub(crate) struct Extra {
    /// The path, if the actor was given a name.
    pub(crate) path: Option<ActorPath>,
    /// What to do when the slot is vacated. None of it is user code.
    pub(crate) at_end: Vec<Box<dyn AtEnd>>,
    /// What the system wants of the actor, and remembers of it.
    pub(crate) system: Option<Box<System>>,
    /// The bound of its mailbox, if it has one.
    pub(crate) bound: Option<Box<CapacityQueue>>,
    /// What it is besides an actor, or instead of one.
    pub(crate) role: Option<Box<Role>>,
}

/// The actor itself, while it has no turn.
enum BodyPlace {
    Here(BodyBox),
    /// The actor has a turn, or is not built. The key is what it waited for last, if anything.
    Out(Key),
}

/// The state of an actor, in the four bytes beside its mailbox.
pub(crate) struct Flags {
    state: Cell<ActorState>,
    /// Whether a turn is due or running, or the actor must not have one yet.
    pub(crate) queued: Cell<bool>,
    /// Whether a turn has more to check than the mail.
    pub(crate) attention: Attention,
    traits: SlotFlags,
}

/// A place for one actor. The fields that a message needs come first.
#[repr(C)]
pub(crate) struct Slot {
    /// The tenancy's generation while new mail is admitted, else 0: admission takes one comparison.
    pub(super) open: Cell<u32>,
    generation: Cell<u32>,
    pub(super) mailbox: RawMailbox<Flags>,
    desk: Cell<BodyPlace>,
    /// `None` if it was never let, or its memory was given back since.
    mail: Cell<Option<&'static MessageVtable>>,
    pub(crate) parent: Cell<u32>,
    pub(crate) first_child: Cell<u32>,
    pub(super) next_sibling: Cell<u32>,
    pub(super) previous_sibling: Cell<u32>,
    /// How to build the actor again: an `Arc` of the recipe that `mail` knows, or null.
    recipe: Cell<*const ()>,
    extra: Cell<Option<Box<Extra>>>,
}

impl std::ops::Deref for Slot {
    type Target = Flags;

    #[inline(always)]
    fn deref(&self) -> &Flags {
        &self.mailbox.beside
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            open: Cell::new(0),
            generation: Cell::new(0),
            parent: Cell::new(NO_SLOT),
            first_child: Cell::new(NO_SLOT),
            next_sibling: Cell::new(NO_SLOT),
            previous_sibling: Cell::new(NO_SLOT),
            mailbox: RawMailbox::new(Flags {
                state: Cell::new(ActorState::Vacant),
                queued: Cell::new(false),
                attention: Attention::default(),
                traits: SlotFlags::default(),
            }),
            desk: Cell::new(BodyPlace::Out(Key::NONE)),
            mail: Cell::new(None),
            recipe: Cell::new(ptr::null()),
            extra: Cell::new(None),
        }
    }
}

// SAFETY: `vacate` leaves nothing owned. All zeros are a vacant and closed slot without a body, whose
// references are options, so it is valid. No key is of generation 0.
unsafe impl Tenant for Slot {
    fn generation(&self) -> u32 {
        self.generation.get()
    }

    fn vacant(generation: u32) -> Self {
        let slot = Self::default();
        slot.generation.set(generation);
        slot
    }
}

impl Drop for Slot {
    /// Releases a tenancy that has not ended, as its worker never ran, or is gone.
    fn drop(&mut self) {
        let _ = drop_quietly(self.take_recipe());
    }
}

impl Slot {
    /// Begins a tenancy for an actor that handles `M`, with its mailbox open, and returns its generation. The
    /// slot must be vacant.
    pub(crate) fn occupy(&self, mail: &'static MessageVtable, parent: u32) -> u32 {
        debug_assert_eq!(self.state.get(), ActorState::Vacant);
        let generation = self.generation.get() + 1;
        self.generation.set(generation);
        self.open.set(generation);
        self.state.set(ActorState::Starting);
        self.queued.set(true);
        self.parent.set(parent);
        self.mail.set(Some(mail));
        generation
    }

    /// Ends the tenancy. Returns whether the slot may be let again: it may not if its generations are used
    /// up, since a stale key must never open it.
    pub(crate) fn vacate(&self, slabs: &Slabs) -> bool {
        debug_assert_eq!(self.mailbox.len(), 0);
        // SAFETY: `mail` is that of the present tenancy.
        unsafe { (self.mail_kind().release)(self, slabs) };
        self.open.set(0);
        self.state.set(ActorState::Vacant);
        self.queued.set(false);
        self.attention.clear();
        self.traits.clear();
        let _ = drop_quietly(self.take_recipe());
        self.generation.get() < u32::MAX
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation.get()
    }

    pub(crate) fn state(&self) -> ActorState {
        self.state.get()
    }

    /// Moves to the next state of the actor's life.
    pub(crate) fn enter(&self, state: ActorState) {
        debug_assert!(
            matches!(
                (self.state.get(), state),
                (
                    ActorState::Starting,
                    ActorState::Running | ActorState::Draining | ActorState::Stopping
                ) | (
                    ActorState::Running,
                    ActorState::Draining | ActorState::Stopping
                ) | (ActorState::Draining, ActorState::Stopping)
            ),
            "an actor does not go from {:?} to {state:?}",
            self.state.get(),
        );
        self.state.set(state);
    }

    /// Admits no more mail.
    pub(crate) fn shut(&self) {
        self.open.set(0);
    }

    /// Whether `key` is of the present tenancy.
    pub(super) fn is_let_to(&self, key: Key) -> bool {
        self.generation.get() == key.generation() && self.state.get() != ActorState::Vacant
    }

    /// Returns what becomes of the replies that the actor still holds.
    pub(crate) fn ending(&self) -> WaitEnd {
        self.traits.ending()
    }

    pub(crate) fn end_with(&self, end: WaitEnd) {
        self.traits.end_with(end);
    }

    /// Whether a message to `key` would be admitted.
    pub(super) fn is_open_for(&self, key: Key) -> bool {
        self.open.get() == key.generation() || self.is_armed_for(key.generation())
    }

    pub(crate) fn mailbox_len(&self) -> usize {
        self.mailbox.len()
    }

    /// Returns the kind of mail of the tenant, if there is one.
    #[inline(always)]
    pub(super) fn kind_of_tenant(&self) -> Option<&'static MessageType> {
        self.mail.get().map(|mail| &mail.message_type)
    }

    #[inline(always)]
    pub(crate) fn message_kind(&self) -> &'static MessageType {
        &self.mail_kind().message_type
    }

    #[inline(always)]
    pub(super) fn mail_kind(&self) -> &'static MessageVtable {
        self.mail.get().unwrap_or(&NO_MESSAGES)
    }

    pub(crate) fn message_type(&self) -> &'static str {
        self.message_kind().name()
    }

    /// Makes room in the mailbox, if `generation` is that of the present tenancy and it still
    /// takes mail.
    ///
    /// # Safety
    ///
    /// If `generation` is of the present tenancy, that tenancy was begun for `M`. The caller writes
    /// the item before it does anything else.
    #[inline(always)]
    pub(super) unsafe fn admit<M>(
        &self,
        generation: u32,
        slabs: &Slabs,
        cause: MessageCause,
    ) -> Option<*mut MailItem<M>> {
        if self.open.get() != generation
            && !(is_mutated(Mutant::NextTenantServed) && self.open.get() != 0)
        {
            return None;
        }
        // SAFETY: the mailbox is open for this generation, so the caller's promises hold.
        Some(unsafe { self.push_place(slabs, cause) })
    }

    /// Makes room in the mailbox.
    ///
    /// # Safety
    ///
    /// The present tenancy was begun for `M`. The caller writes the item before it does anything else.
    #[inline(always)]
    pub(super) unsafe fn push_place<M>(
        &self,
        slabs: &Slabs,
        cause: MessageCause,
    ) -> *mut MailItem<M> {
        // SAFETY: the caller's promise.
        unsafe { self.mailbox.push_place(slabs, cause) }
    }

    /// Takes the oldest message out, and returns where it lies.
    ///
    /// # Safety
    ///
    /// The slot's present tenancy was begun for `M`. The caller reads the item, which it
    /// then owns, before it does anything else.
    #[inline(always)]
    pub(crate) unsafe fn next_message<M>(&self, slabs: &Slabs) -> Option<MailPlace<M>> {
        // SAFETY: the caller's promises.
        unsafe { self.mailbox.pop_place::<M>(slabs) }
    }

    /// Gives the memory of the mailbox back if the mailbox is empty.
    ///
    /// # Safety
    ///
    /// The slot's present tenancy was begun for `M`.
    #[inline(always)]
    pub(crate) unsafe fn release_empty_mailbox<M>(&self, slabs: &Slabs) {
        if self.mailbox.len() == 0 {
            // SAFETY: the caller's promise.
            unsafe { self.mailbox.release::<M>(slabs) };
        }
    }

    /// As [`release_empty_mailbox`](Self::release_empty_mailbox), for a mailbox that is empty and whose
    /// memory was usually given back at the end of the turn.
    #[inline(always)]
    pub(crate) fn release_mailbox(&self, slabs: &Slabs) {
        if self.mailbox.has_memory() {
            // SAFETY: `mail` is that of the present tenancy.
            unsafe { (self.mail_kind().release)(self, slabs) }
        }
    }

    /// Loses every message that waits for `actor`, which is the actor of the present tenancy, and returns
    /// their number.
    pub(crate) fn bury_mail(&self, shard: &Shard, actor: ActorId, reason: DeadLetterReason) -> u64 {
        // SAFETY: `mail` is that of the present tenancy.
        unsafe { (self.mail_kind().bury)(self, shard, actor, reason) }
    }

    /// Returns the envelope of the oldest message.
    pub(crate) fn peek_envelope(&self) -> Option<Envelope> {
        // SAFETY: `mail` is that of the present tenancy.
        unsafe { (self.mail_kind().peek)(self) }
    }

    /// Drops the oldest message as if a handler had taken it. Replies in it end with `end`.
    #[cold]
    pub(crate) fn discard_next(&self, shard: &Shard, end: WaitEnd) {
        // SAFETY: `mail` is that of the present tenancy.
        unsafe { (self.mail_kind().discard)(self, shard, end) }
    }

    /// Whether that message waits in the mailbox. Checks all of its messages.
    pub(crate) fn holds_message(&self, message: MessageId) -> bool {
        // SAFETY: `mail` is that of the present tenancy.
        unsafe { (self.mail_kind().holds)(self, message) }
    }

    /// Makes a message the next one, if it is among the `most` oldest. Returns whether it is.
    pub(crate) fn advance_message(&self, slabs: &Slabs, message: MessageId, most: usize) -> bool {
        // SAFETY: `mail` is that of the present tenancy.
        unsafe { (self.mail_kind().advance)(self, slabs, message, most) }
    }

    /// Loses the oldest message.
    pub(crate) fn bury_next(&self, shard: &Shard, actor: ActorId, reason: DeadLetterReason) {
        // SAFETY: `mail` is that of the present tenancy.
        unsafe { (self.mail_kind().bury_next)(self, shard, actor, reason) }
    }

    #[inline]
    pub(crate) fn take_body(&self) -> Option<BodyBox> {
        match self.desk.replace(BodyPlace::Out(Key::NONE)) {
            BodyPlace::Here(body) => Some(body),
            BodyPlace::Out(wait) => {
                self.desk.set(BodyPlace::Out(wait));
                None
            }
        }
    }

    #[inline]
    pub(crate) fn put_body(&self, body: BodyBox) {
        let before = self.desk.replace(BodyPlace::Here(body));
        debug_assert!(matches!(before, BodyPlace::Out(_)));
        mem::forget(before); // there is nothing to drop, which the compiler does not know
    }

    /// Stores a body that was just built.
    pub(crate) fn take_in(&self, body: NewBody, slabs: &Slabs) {
        self.put_body(body.into_slab(slabs));
    }

    /// Prefetches the slot.
    #[inline(always)]
    pub(crate) fn prefetch(&self) {
        let start = ptr::from_ref(self);
        prefetch(start.cast());
        prefetch(start.wrapping_add(1).wrapping_byte_sub(1).cast());
    }

    /// Prefetches the actor and its mail.
    #[inline(always)]
    pub(crate) fn prefetch_actor(&self) {
        prefetch(self.mailbox.first());
        // SAFETY: a slot is used by one thread, and nothing else is done during this look.
        if let BodyPlace::Here(body) = unsafe { &*self.desk.as_ptr() } {
            prefetch(ptr::from_ref(&**body).cast());
        }
    }

    /// Records that the actor waits, in its turn.
    #[inline(always)]
    pub(crate) fn note_wait(&self, wait: Key) {
        // It is at its desk if a destructor waits in its name, such as that of a lost message.
        if self.is_at_work() {
            // SAFETY: as in `is_at_work`. What was there is a key, which need not be dropped.
            unsafe { self.desk.as_ptr().write(BodyPlace::Out(wait)) };
        }
    }

    /// Returns what the actor waited for last in its present turn, if anything.
    pub(crate) fn wait(&self) -> Option<Key> {
        // SAFETY: as in `is_at_work`.
        match unsafe { &*self.desk.as_ptr() } {
            BodyPlace::Out(wait) => Some(*wait).filter(|&wait| wait != Key::NONE),
            BodyPlace::Here(_) => None,
        }
    }

    /// Whether its actor has a turn, or is not built.
    #[inline(always)]
    pub(crate) fn is_at_work(&self) -> bool {
        // SAFETY: a slot is used by one thread, and nothing else is done during this look.
        matches!(unsafe { &*self.desk.as_ptr() }, BodyPlace::Out(_))
    }

    /// Whether its mailbox is bounded.
    #[inline(always)]
    pub(crate) fn is_bounded(&self) -> bool {
        self.traits.has(SlotFlag::Bounded)
    }

    pub(super) fn become_bounded(&self) {
        self.traits.set(SlotFlag::Bounded, true);
    }

    /// Whether it waits for the system, and must not have a turn for its mail.
    pub(super) fn is_resting(&self) -> bool {
        self.traits.has(SlotFlag::Resting)
    }

    pub(crate) fn set_resting(&self, resting: bool) {
        self.traits.set(SlotFlag::Resting, resting);
    }

    /// Whether it has a receive time-out, which counts from the end of each turn.
    #[inline(always)]
    pub(crate) fn is_timed(&self) -> bool {
        self.traits.has(SlotFlag::Timed)
    }

    pub(crate) fn set_timed(&self, timed: bool) {
        self.traits.set(SlotFlag::Timed, timed);
    }

    /// Whether the actor is stopped by a shutdown's deadline.
    pub(crate) fn is_forced(&self) -> bool {
        self.traits.has(SlotFlag::Forced)
    }

    pub(crate) fn set_forced(&self, forced: bool) {
        self.traits.set(SlotFlag::Forced, forced);
    }

    /// Whether its path can be found from elsewhere.
    #[inline]
    pub(super) fn is_known(&self) -> bool {
        self.traits.has(SlotFlag::Known)
    }

    pub(super) fn become_known(&self) {
        self.traits.set(SlotFlag::Known, true);
    }

    /// Reads or changes what is rarely needed.
    pub(crate) fn with_extra<R>(&self, look: impl FnOnce(&mut Extra) -> R) -> R {
        let mut extra = self.extra.take().unwrap_or_default();
        let answer = look(&mut extra);
        self.extra.set(Some(extra));
        answer
    }

    /// Reads or changes what the system wants of the actor.
    pub(crate) fn with_system<R>(&self, look: impl FnOnce(&mut System) -> R) -> R {
        self.with_extra(|extra| look(extra.system.get_or_insert_default()))
    }

    /// Whether the system has ever wanted anything of the actor.
    pub(crate) fn has_system(&self) -> bool {
        // SAFETY: a slot is used by one thread, and nothing else is done during this look.
        let extra = unsafe { &*self.extra.as_ptr() };
        extra.as_ref().is_some_and(|extra| extra.system.is_some())
    }

    /// Reads or changes the bound of its mailbox, if it has one.
    pub(super) fn with_bound<R>(&self, look: impl FnOnce(&mut CapacityQueue) -> R) -> Option<R> {
        if !self.is_bounded() {
            return None;
        }
        self.with_extra(|extra| extra.bound.as_deref_mut().map(look))
    }

    /// Returns what all threads share of its mailbox, if that is bounded.
    pub(crate) fn bounded(&self) -> Option<Arc<BoundedMailbox>> {
        self.with_bound(|bound| Arc::clone(&bound.bounded))
    }

    /// Stores how the actor is built. No recipe may be stored already.
    ///
    /// # Safety
    ///
    /// `mail` are the operations on the messages for which the present tenancy was begun, and on a recipe
    /// that is an `R`.
    pub(crate) unsafe fn keep_recipe<R: Recipe>(
        &self,
        mail: &'static MessageVtable,
        recipe: Arc<R>,
    ) {
        debug_assert!(self.recipe.get().is_null());
        self.mail.set(Some(mail));
        self.recipe.set(Arc::into_raw(recipe).cast());
    }

    /// Returns what [`keep_recipe`](Self::keep_recipe) has stored.
    ///
    /// # Safety
    ///
    /// A recipe that is an `R` was stored in the present tenancy, which lasts as long as the result is used.
    pub(crate) unsafe fn recipe_as<R: Recipe>(&self) -> &R {
        // SAFETY: it comes from `Arc::into_raw` in `keep_recipe::<R>`, and is not dropped before the
        // tenancy has ended.
        unsafe { &*self.recipe.get().cast::<R>() }
    }

    /// Returns how the actor is built; `None` for the guardian, and for tasks.
    pub(crate) fn recipe(&self) -> Option<Arc<dyn Recipe>> {
        let recipe = self.recipe.get();
        let kept = self.take_recipe()?;
        self.recipe.set(recipe);
        let copy = Arc::clone(&kept);
        mem::forget(kept); // it is the slot's again
        Some(copy)
    }

    /// Whether the actor can have another instance.
    pub(crate) fn can_be_built_again(&self) -> bool {
        self.recipe().is_some_and(|recipe| recipe.serves_again())
    }

    fn take_recipe(&self) -> Option<Arc<dyn Recipe>> {
        let recipe = self.recipe.replace(ptr::null());
        // SAFETY: it was stored during the tenancy that `mail` is of, and is taken out once.
        (!recipe.is_null()).then(|| unsafe { (self.mail_kind().recipe)(recipe) })
    }

    /// Takes out what is rarely needed, if there is any.
    pub(crate) fn take_extra(&self) -> Option<Box<Extra>> {
        self.extra.take()
    }

    /// Reads the path without a copy, if the actor was given a name. This also works in a signal handler,
    /// where nothing is found if the signal interrupted another look.
    pub(crate) fn look_at_given_path<R>(&self, look: impl FnOnce(&ActorPath) -> R) -> Option<R> {
        let extra = self.extra.take()?;
        let answer = extra.path.as_ref().map(look);
        self.extra.set(Some(extra));
        answer
    }

    /// Reads what it is besides an actor, or instead of one, if anything.
    pub(super) fn look_at_role<R>(&self, look: impl FnOnce(&Role) -> R) -> Option<R> {
        let extra = self.extra.take()?;
        let answer = extra.role.as_deref().map(look);
        self.extra.set(Some(extra));
        answer
    }

    /// Returns the path, if the actor was given a name.
    pub(super) fn given_path(&self) -> Option<ActorPath> {
        let extra = self.extra.take()?;
        let path = extra.path.clone();
        self.extra.set(Some(extra));
        path
    }
}

#[cfg(test)]
mod tests;
