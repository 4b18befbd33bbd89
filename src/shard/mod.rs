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

pub(crate) use self::alarms::{Alarm, Measure, RECEIVE_TIMEOUT};
pub(crate) use self::body::{Body, BodyBox, NewBody, TurnEnd, one_by_one};
pub(crate) use self::capacity::{bind, give_up, is_still_next, shut, wait_for_room, with_bound};
pub(crate) use self::current::{Here, enter, with_current};
pub(crate) use self::delivery::{Evicting, Message, Question, note_question};
pub(crate) use self::loss::{
    bury_without_pool, drop_deferred, drop_lost, fate_of_dropped_reply, record,
};
pub(crate) use self::parcel::Parcel;
pub(crate) use self::path_cache::path_elsewhere;
pub(crate) use self::path_cache::{path_here, path_of_asked};
pub(crate) use self::probe_records::{Look, OfActor, Search, Searches, Unprobed};
pub(crate) use self::records::{
    AtEnd, CutShort, Decided, Job, JobEnd, Kept, Own, Passive, ReceiveTimeout, Recipe, Role,
    StandIn, Store, Supervised, System, TaskRecord, ToChild, Watching,
};
pub(crate) use self::report::{describe, report, tell_hook};
pub(crate) use self::roles::{
    actor_of, give_up_outpost, is_outpost, slot_of, stand_in_at, supervised_elsewhere,
    with_stand_in,
};
pub(crate) use self::roles::{is_cancelled, undecided_parent, with_record};
pub(crate) use self::route::{RoomFreed, Route, dispatch, dispatch_from};
pub(crate) use self::run_queue::Due;
pub(crate) use self::slot::{Extra, NO_SLOT, Slot, State};
pub(crate) use self::state::{Chore, Shard, TypedKey, Wait};
pub(crate) use self::tree::open_shard;
pub(crate) use self::tree::{
    GUARDIAN, Name, adopt, all_below, below_as, children, children_of, disown, has_only_tasks,
    interrupt, key_of, path_of, path_of_child, paths_of_children, wake, younger_siblings,
};
pub(crate) use self::turn_record::{Answering, Locals};
pub(crate) use self::vtable::MailKind;
