//! Pools and systems whose workers get no memory for their stacks.

#![allow(unsafe_code)] // to limit the address space

use crate::common::{in_child, pool_of};
use nexus_actors::StartError;
use nexus_actors::prelude::*;
use std::thread;
use std::time::Duration;

const MIB: usize = 1 << 20;

/// Address space that this process uses, and may use.
fn limit_address_space(more: usize) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let used = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let used = used.unwrap().split_whitespace().next().unwrap();
    let bytes = (used.parse::<usize>().unwrap() << 10) + more;
    let limit = libc::rlimit {
        rlim_cur: bytes as libc::rlim_t,
        rlim_max: bytes as libc::rlim_t,
    };
    // SAFETY: the structure is valid, and only read.
    let limited = unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) };
    assert_eq!(limited, 0);
}

/// One of two workers gets no memory for its first stack, and has closed its inbox when the `configure` of
/// the other one spawns an actor there: the refused question ends the wait while it begins.
#[test]
fn a_wait_that_its_own_flush_ends_does_not_last_for_ever() {
    in_child(
        "no_memory::a_wait_that_its_own_flush_ends_does_not_last_for_ever",
        || {
            // The threads take 2 x 514 MiB, the first mapping of a worker's stacks 4 GiB.
            limit_address_space(6_500 * MIB);
            let started = pool_of(2)
                .stack_size(256 * MIB)
                .configure(|node| {
                    thread::sleep(Duration::from_millis(300));
                    let other = 1 - node.index();
                    node.spawn_on(
                        other,
                        "there",
                        Props::new(|| Behavior::receive(|_, _: u8| ())),
                    )?;
                    Ok(())
                })
                .start();
            let error = started.err();
            assert!(
                matches!(error, Some(StartError::NoStack { .. })),
                "{error:?}"
            );
        },
    );
}

#[test]
fn s8_2_a_system_without_memory_for_a_stack_says_so() {
    in_child(
        "no_memory::s8_2_a_system_without_memory_for_a_stack_says_so",
        || {
            limit_address_space(500 * MIB);
            for _ in 0..2_000 {
                let started = ActorSystem::builder().stack_size(1 << 30).start();
                let error = started.err();
                assert!(
                    matches!(error, Some(StartError::NoStack { worker: 0, .. })),
                    "{error:?}"
                );
            }
        },
    );
}
