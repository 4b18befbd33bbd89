//! TODO

mod acting;
mod alarms;
mod attention;
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

pub(crate) use self::alarms::Alarm;
pub(crate) use self::alarms::RECEIVE_TIMEOUT;
pub(crate) use self::alarms::TickBudget;
pub(crate) use self::body::{Body, BodyBox, NewBody, TurnEnd, one_by_one};
pub(crate) use self::capacity::{
    bind, give_up, is_still_next, shut, wait_for_capacity, with_bound,
};
pub(crate) use self::current::{Here, enter, with_current};
pub(crate) use self::delivery::BoundedQuestion;
pub(crate) use self::delivery::Evicting;
pub(crate) use self::delivery::Message;
pub(crate) use self::delivery::note_question;
pub(crate) use self::loss::{
    bury_without_pool, drop_deferred, drop_lost, fate_of_dropped_reply, record,
};
pub(crate) use self::parcel::Parcel;
pub(crate) use self::path_cache::path_elsewhere;
pub(crate) use self::path_cache::{path_here, path_of_asked};
pub(crate) use self::probe_records::ActorChecks;
pub(crate) use self::probe_records::PendingCheck;
pub(crate) use self::probe_records::PendingChecks;
pub(crate) use self::probe_records::Search;
pub(crate) use self::probe_records::Searches;
pub(crate) use self::records::AtEnd;
pub(crate) use self::records::CutShort;
pub(crate) use self::records::Decided;
pub(crate) use self::records::JobEnd;
pub(crate) use self::records::Own;
pub(crate) use self::records::OwnMessage;
pub(crate) use self::records::Passive;
pub(crate) use self::records::ReceiveTimeout;
pub(crate) use self::records::Recipe;
pub(crate) use self::records::Role;
pub(crate) use self::records::StandIn;
pub(crate) use self::records::Store;
pub(crate) use self::records::Supervised;
pub(crate) use self::records::System;
pub(crate) use self::records::TaskJob;
pub(crate) use self::records::TaskRecord;
pub(crate) use self::records::ToChild;
pub(crate) use self::records::Watching;
pub(crate) use self::report::{describe, report, tell_hook};
pub(crate) use self::roles::{
    actor_of, give_up_outpost, is_outpost, slot_of, stand_in_at, supervised_elsewhere,
    with_stand_in,
};
pub(crate) use self::roles::{is_cancelled, undecided_parent, with_record};
pub(crate) use self::route::PermitReleased;
pub(crate) use self::route::Route;
pub(crate) use self::route::dispatch;
pub(crate) use self::route::dispatch_from;
pub(crate) use self::run_queue::Runnable;
pub(crate) use self::slot::ActorState;
pub(crate) use self::slot::Extra;
pub(crate) use self::slot::NO_SLOT;
pub(crate) use self::slot::Slot;
pub(crate) use self::state::Chore;
pub(crate) use self::state::Shard;
pub(crate) use self::state::TypedKey;
pub(crate) use self::state::WorkerWait;
pub(crate) use self::tree::open_shard;
pub(crate) use self::tree::{
    GUARDIAN, Name, adopt, all_below, below_as, children, children_of, disown, has_only_tasks,
    interrupt, key_of, path_of, path_of_child, paths_of_children, wake, younger_siblings,
};
pub(crate) use self::turn_record::{Answering, Locals};
pub(crate) use self::vtable::MessageVtable;
