//! The state of one worker: its slots with their mailboxes and bodies, its run queue, waits, alarms, fibers
//! and outboxes, and the ways of a message into and out of it. Any room above may call it, on the worker's
//! own thread only; it carries out no lifecycle, takes no turn, and decides nothing about a failure.
//!
//! A send is here in three files: `route` decides whether the receiver is on this worker, on another one of
//! the pool, or outside; `parcel` says what travels; `delivery` is the receiver's half. `loss` is how a
//! message ends that is not handled. All `impl Shard` blocks are in this room.

mod acting;
mod alarms;
mod arming;
mod arrivals;
mod attention;
mod births;
mod body;
mod capacity;
mod capacity_queue;
mod clock;
mod current;
mod delivery;
mod local_jobs;
mod loss;
mod message_ops;
mod new_body;
mod observation;
mod observing;
mod parcel;
mod path_cache;
mod probe_records;
mod records;
mod report;
mod roles;
mod route;
mod run_queue;
mod scopes;
mod slot;
mod slot_flags;
mod stack_overflow;
mod starts;
mod state;
mod switch;
mod tree;
mod turn_record;
mod vtable;

pub(crate) use self::alarms::{Alarm, RECEIVE_TIMEOUT, TickBudget};
pub(crate) use self::body::{Body, BodyBox, NewBody, TurnEnd, TurnOf, one_by_one};
pub(crate) use self::capacity::{
    bind, give_up, is_still_next, shut, wait_for_capacity, with_bound,
};
pub(crate) use self::current::{Here, enter, with_current};
pub(crate) use self::delivery::{BoundedQuestion, Evicting, Message, note_question};
pub(crate) use self::loss::{
    bury_without_pool, drop_deferred, drop_lost, fate_of_dropped_reply, record,
};
pub(crate) use self::observation::ToldHandling;
pub(crate) use self::observing::is_of_observer;
pub(crate) use self::parcel::Parcel;
pub(crate) use self::path_cache::{path_elsewhere, path_here, path_of_asked};
pub(crate) use self::probe_records::{ActorChecks, PendingCheck, PendingChecks, Search, Searches};
pub(crate) use self::records::{
    AtEnd, CutShort, Decided, JobEnd, Own, OwnMessage, Passive, ReceiveTimeout, Recipe, Role,
    StandIn, Store, Supervised, System, TaskJob, TaskRecord, ToChild, Watching,
};
pub(crate) use self::report::{describe, report, tell_hook};
pub(crate) use self::roles::{
    actor_of, give_up_outpost, is_cancelled, is_outpost, slot_of, stand_in_at,
    supervised_elsewhere, undecided_parent, with_record, with_stand_in,
};
pub(crate) use self::route::{PermitReleased, Route, dispatch, dispatch_from};
pub(crate) use self::run_queue::Runnable;
pub(crate) use self::slot::{ActorState, Extra, NO_SLOT, Slot};
pub(crate) use self::state::{Chore, Shard, TypedKey, WorkerWait};
pub(crate) use self::tree::{
    GUARDIAN, Name, adopt, all_below, below_as, children, children_of, disown, has_only_tasks,
    interrupt, key_of, open_shard, path_of, path_of_child, paths_of_children, wake,
    younger_siblings,
};
pub(crate) use self::turn_record::{Answering, Locals};
pub(crate) use self::vtable::MessageVtable;
