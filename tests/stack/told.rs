//! What an overflow reports.

use super::{Dig, dig_on, digger, overflows};
use crate::common::{NEVER, SOON, echo, pool_of};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::thread;

#[test]
fn s4_10_an_overflow_in_a_handler_is_told_with_path_and_message_type() {
    overflows(
        "told::s4_10_an_overflow_in_a_handler_is_told_with_path_and_message_type",
        &[
            "stack overflow in a handler of /user/mine (0.1#1), which handles stack::Dig\n",
            "on worker 0 of the pool \"orders\", on a stack of 131072 bytes",
            "Props::stack_size",
        ],
        || {
            let pool = pool_of(1).name("orders").stack_size(128 * 1024);
            let pool = pool.start().unwrap();
            pool.spawn("mine", digger()).unwrap().tell(Dig);
            thread::sleep(SOON);
        },
    );
}

#[test]
fn s4_10_an_overflow_in_a_setup_is_told() {
    overflows(
        "told::s4_10_an_overflow_in_a_setup_is_told",
        &[
            "in a handler of /user/early (",
            "which handles stack::Dig\n",
        ],
        || {
            let pool = pool_of(1).start().unwrap();
            let early: Props<Dig> = Props::new(|| {
                Behavior::setup(|_ctx| {
                    dig_on();
                    Ok(Behavior::stopped())
                })
            });
            let _ = pool.spawn("early", early);
        },
    );
}

#[test]
fn s4_10_an_overflow_in_configure_is_reported_as_outside_of_handlers() {
    overflows(
        "told::s4_10_an_overflow_in_configure_is_reported_as_outside_of_handlers",
        &["stack overflow outside of handlers\n  on worker 0 of the pool \"nexus\""],
        || {
            let digging = pool_of(1).configure(|_node| {
                dig_on();
                Ok(())
            });
            let _ = digging.start();
        },
    );
}

#[test]
fn s4_10_an_overflow_after_a_wait_is_told_of_the_one_that_waited() {
    overflows(
        "told::s4_10_an_overflow_after_a_wait_is_told_of_the_one_that_waited",
        &[
            "in a handler of /user/patient (",
            "which handles stack::Dig\n",
        ],
        || {
            let pool = pool_of(1).start().unwrap();
            let inner = pool.spawn("inner", echo(|| 7_u8)).unwrap();
            let outer = pool.spawn(
                "outer",
                echo(move || inner.ask(|reply| reply, NEVER).wait().unwrap()),
            );
            let outer = outer.unwrap();
            let patient = Props::new(move || {
                Behavior::receive(move |_ctx, Dig| {
                    outer.ask(|reply| reply, NEVER).wait().unwrap();
                    dig_on();
                })
            });
            pool.spawn("patient", patient).unwrap().tell(Dig);
            thread::sleep(SOON);
        },
    );
}

#[test]
fn s4_10_an_overflow_names_its_worker_and_a_generated_path() {
    overflows(
        "told::s4_10_an_overflow_names_its_worker_and_a_generated_path",
        &[
            "in a handler of /user/parent/$1.2.1 (1.2#1), which handles stack::Dig\n",
            "on worker 1 of",
        ],
        || {
            let pool = pool_of(2).start().unwrap();
            let parent = Props::new(|| {
                Behavior::receive(|ctx, ()| {
                    ctx.spawn_anonymous(digger()).unwrap().tell(Dig);
                })
            });
            pool.spawn_on(1, "parent", parent).unwrap().tell(());
            thread::sleep(SOON);
        },
    );
}

#[test]
fn s4_10_an_overflow_is_told_where_the_caller_drives() {
    overflows(
        "told::s4_10_an_overflow_is_told_where_the_caller_drives",
        &["in a handler of /user/driven (", "stack::Dig", "\"alone\""],
        || {
            let system = ActorSystem::builder().name("alone").start().unwrap();
            system.spawn("driven", digger()).unwrap().tell(Dig);
            system.run_until_idle();
        },
    );
}

#[test]
fn s4_10_an_overflow_is_told_in_a_simulation() {
    overflows(
        "told::s4_10_an_overflow_is_told_in_a_simulation",
        &["in a handler of /user/simulated (", "stack::Dig"],
        || {
            let mut sim = Sim::builder().workers(3).start().unwrap();
            sim.spawn("simulated", digger()).unwrap().tell(Dig);
            sim.run_until_idle();
        },
    );
}

/// Hides `MADV_GUARD_INSTALL` from this thread and the threads it starts, as a kernel before Linux 6.13 does.
#[cfg(target_os = "linux")]
fn without_guard_regions() {
    const ADVICE: u32 = 16 + 2 * 8; // the lower half of the third argument in `seccomp_data`
    let statement = |code: u32, jt, jf, k| libc::sock_filter {
        code: u16::try_from(code).unwrap(),
        jt,
        jf,
        k,
    };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let compare = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let give = libc::BPF_RET | libc::BPF_K;
    let mut filter = [
        statement(load, 0, 0, 0),
        statement(compare, 0, 3, u32::try_from(libc::SYS_madvise).unwrap()),
        statement(load, 0, 0, ADVICE),
        statement(compare, 0, 1, 102),
        statement(give, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EINVAL as u32),
        statement(give, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: 6,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the program is valid, and the kernel copies it.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        let done = libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program);
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn s4_10_an_overflow_is_told_where_guards_are_pages_without_access() {
    overflows(
        "told::s4_10_an_overflow_is_told_where_guards_are_pages_without_access",
        &["in a handler of /user/mine (", "stack::Dig"],
        || {
            without_guard_regions();
            let pool = pool_of(1).start().unwrap();
            let mine = pool.spawn("mine", digger()).unwrap();
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            let guards = maps.lines().filter(|line| line.contains("---p")).count();
            // A first mapping of sixteen stacks, each with its guard.
            assert!(guards >= 16, "{guards} areas without access");
            mine.tell(Dig);
            thread::sleep(SOON);
        },
    );
}
