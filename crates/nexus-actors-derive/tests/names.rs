//! How methods and traits are named, which attributes they take over, and where they are visible.

// Generated code must be as clean as the user's own.
#![deny(warnings, clippy::pedantic, missing_docs, unreachable_pub)]

mod common;

use common::{SOON, with_pool};
use nexus_actors::prelude::*;

/// Messages with names that need care.
#[derive(Message)]
#[message(name = "SwitchMethods")]
enum Switch {
    /// A keyword.
    Type,
    /// A keyword of later editions.
    Gen,
    /// In capitals.
    GetHTTPStatus(Reply<u32>),
    /// The method is renamed.
    #[message(name = "halt")]
    Stop,
    /// This one too, to a keyword.
    #[message(name = "move")]
    Clone(u32),
    /// Named after a function without a receiver.
    New(u32, Reply<u32>),
    /// Looks like a conversion.
    FromInside,
    /// With more arguments than clippy allows.
    #[allow(clippy::enum_variant_names)]
    Many(u8, u8, u8, u8, u8, u8, u8, u8, Reply<u32>),
}

fn switch() -> Props<Switch> {
    Props::new(|| {
        Behavior::with_state(0, |state: &mut u32, _ctx, message| match message {
            Switch::Type => *state += 1,
            Switch::Gen => *state += 10,
            Switch::Stop => *state += 100,
            Switch::Clone(number) => *state += number,
            Switch::FromInside => *state += 1_000_000,
            Switch::GetHTTPStatus(reply) => reply.send(*state),
            Switch::New(number, reply) => reply.send(number),
            Switch::Many(one, two, three, four, five, six, seven, eight, reply) => {
                let all = [one, two, three, four, five, six, seven, eight];
                reply.send(all.into_iter().map(u32::from).sum());
            }
        })
    })
}

#[test]
fn methods_and_traits_may_be_renamed_and_keywords_are_raw() {
    fn by_the_trait(switch: impl SwitchMethods) {
        switch.r#move(10_000);
    }
    with_pool(1, |pool| {
        let switch = pool.spawn("switch", switch()).unwrap();
        switch.r#type();
        switch.r#gen();
        switch.halt();
        switch.r#move(1_000);
        switch.from_inside();
        by_the_trait(switch);
        assert_eq!(switch.get_http_status().wait_for(SOON), Ok(1_011_111));
        assert_eq!(switch.new(3).wait_for(SOON), Ok(3));
        assert_eq!(switch.many(1, 2, 3, 4, 5, 6, 7, 8).wait_for(SOON), Ok(36));
    });
}

/// The arguments are named by the fields, so that a call with swapped arguments is another call.
#[derive(Message)]
enum Range {
    /// From, to.
    Between {
        /// The lower end.
        from: u32,
        /// The reply.
        reply: Reply<std::ops::Range<u32>>,
        /// The upper end.
        r#in: u32,
    },
}

#[test]
fn arguments_come_in_the_order_of_the_fields() {
    with_pool(1, |pool| {
        let range = Props::new(|| {
            Behavior::receive(|_ctx, Range::Between { from, reply, r#in }| reply.send(from..r#in))
        });
        let range = pool.spawn("range", range).unwrap();
        assert_eq!(range.between(1, 2).wait_for(SOON), Ok(1..2));
    });
}

/// Some parts are configured away.
#[derive(Message)]
enum Partly {
    /// Exists.
    #[cfg(unix)]
    There(Reply<u8>),
    /// Its type does not even exist.
    #[cfg(any())]
    Missing(NoSuchType),
    /// One of its fields does not exist.
    Fields {
        /// Exists.
        one: u8,
        /// Does not exist.
        #[cfg(any())]
        other: NoSuchType,
    },
    /// Old.
    #[cfg_attr(unix, deprecated = "not any more")]
    Old,
}

#[test]
#[allow(deprecated)]
fn what_is_configured_away_has_no_method() {
    with_pool(1, |pool| {
        let partly = Props::new(|| {
            Behavior::with_state(0, |sum: &mut u8, _ctx, message| match message {
                Partly::There(reply) => reply.send(*sum),
                Partly::Fields { one } => *sum += one,
                Partly::Old => *sum += 10,
            })
        });
        let partly = pool.spawn("partly", partly).unwrap();
        partly.fields(1);
        partly.old();
        assert_eq!(partly.there().wait_for(SOON), Ok(11));
    });
}

/// A protocol in a module of its own.
mod protocol {
    use nexus_actors::Reply;

    /// Visible in the parent.
    #[derive(nexus_actors::Message)]
    pub(super) enum Near {
        /// Is it?
        Is(Reply<bool>),
    }

    /// For nested modules.
    pub(crate) mod inner {
        use nexus_actors::prelude::*;

        /// Visible in the named module.
        #[derive(Message)]
        pub(in super::super) enum Far {
            /// Is it?
            Is(Reply<bool>),
        }
    }
}

#[test]
fn a_trait_is_seen_where_its_enum_is() {
    use protocol::inner::{Far, FarCalls};
    use protocol::{Near, NearCalls};

    with_pool(1, |pool| {
        let near = Props::new(|| Behavior::receive(|_ctx, Near::Is(reply)| reply.send(true)));
        let far = Props::new(|| Behavior::receive(|_ctx, Far::Is(reply)| reply.send(false)));
        let (near, far) = (pool.spawn("near", near), pool.spawn("far", far));
        assert_eq!(near.unwrap().is().wait_for(SOON), Ok(true));
        assert_eq!(far.unwrap().is().wait_for(SOON), Ok(false));
    });
}

/// Names that break the language's conventions.
mod foreign {
    use super::*;

    /// The derive's code is allowed what the enum allows.
    #[allow(non_camel_case_types, non_snake_case, unreachable_pub)]
    #[derive(Message)]
    pub enum odd_names {
        /// With arguments of such names.
        #[message(name = "setAll")]
        Set_all {
            /// Like this one.
            theValue: Reply<u8>,
            /// And that one.
            otherValue: u8,
        },
    }
}

#[test]
fn odd_names_are_as_odd_as_their_user_wants() {
    use foreign::{odd_names, odd_namesCalls};

    with_pool(1, |pool| {
        let odd = Props::new(|| {
            Behavior::receive(|_ctx, message| {
                let odd_names::Set_all {
                    theValue: reply,
                    otherValue: value,
                } = message;
                reply.send(value);
            })
        });
        let odd = pool.spawn("odd", odd).unwrap();
        assert_eq!(odd.setAll(7).wait_for(SOON), Ok(7));
    });
}

/// The methods are not called, and need not be.
#[derive(Message)]
enum Uncalled {
    /// Sent with `tell`.
    Set(u8),
    /// Asked with `ask`.
    Get(Reply<u8>),
}

#[test]
fn messages_may_be_sent_in_the_long_way_too() {
    with_pool(1, |pool| {
        let cell = Props::new(|| {
            Behavior::with_state(0, |cell, _ctx, message| match message {
                Uncalled::Set(value) => *cell = value,
                Uncalled::Get(reply) => reply.send(*cell),
            })
        });
        let cell = pool.spawn("cell", cell).unwrap();
        cell.tell(Uncalled::Set(6));
        assert_eq!(cell.ask(Uncalled::Get, SOON).wait(), Ok(6));
    });
}
