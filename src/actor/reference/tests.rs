//! Tests of `reference.rs`.

use super::*;
use static_assertions::{assert_eq_size, assert_impl_all};

struct NotClone;
assert_impl_all!(ActorRef<NotClone>: Copy, Send, Sync, Eq, Hash, fmt::Debug);
assert_impl_all!(ActorRef<std::cell::Cell<u8>>: Send, Sync);
assert_eq_size!(ActorRef<NotClone>, [u8; 16]);
