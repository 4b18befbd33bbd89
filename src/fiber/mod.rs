//! Fibers: handlers that can wait in the middle of a function, on pooled stacks, and the report of a stack
//! overflow. The shard switches between them and `suspend` yields on them; nothing here knows an actor or
//! what a fiber waits for.
//!
//! A fiber is made on one thread and never leaves it. The layer above resumes fibers from the worker's
//! own stack (the *root*), or from a fiber whose handler waits. Each fiber suspends back to where it was
//! resumed, and says why.

mod current;
mod listed;
mod overflow;
mod set;
mod shadow_stack;
mod stack;
mod thread_end;

pub(crate) use current::{
    CannotSuspend, FiberId, Parent, Resume, Suspend, are_waits_forbidden, do_first, forbid_waits,
    free_fiber, off_fiber, running_fiber, suspend, waiting_fiber,
};
pub(crate) use overflow::{Report, watch_for_overflows};
pub(crate) use set::FiberSet;
pub(crate) use shadow_stack::has_shadow_stack;
pub(crate) use stack::{STACK_SIZES, StackClass, StackConfig, StackError};
pub(crate) use thread_end::ThreadEnd;
