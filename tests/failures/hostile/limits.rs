//! Options, times and paths at their limits.

use super::failing;
use crate::common::*;
use nexus_actors::pool::{ManualTime, TimeSource};
use nexus_actors::prelude::*;
use std::panic::catch_unwind;
use std::sync::mpsc;
use std::time::Duration;

/// Has panics print a backtrace, as the usual hook does if the environment asks for it.
fn print_backtraces() {
    std::panic::set_hook(Box::new(|info| {
        eprintln!("{info}\n{}", std::backtrace::Backtrace::force_capture());
    }));
}

/// Runs one handler that panics, in a pool with stacks of that size.
fn panics_once(stack_size: usize) {
    with_pool(pool_of(1).stack_size(stack_size), |pool| {
        let failing = pool.spawn("failing", failing()).unwrap();
        failing.tell(());
        gone(pool, "/user/failing");
    });
}

#[test]
fn s8_2_an_endless_stack_is_refused() {
    in_child("hostile::limits::s8_2_an_endless_stack_is_refused", || {
        assert!(pool_of(1).stack_size(usize::MAX).start().is_err());
    });
}

#[test]
fn s8_2_a_stack_beyond_the_address_space_is_refused() {
    in_child(
        "hostile::limits::s8_2_a_stack_beyond_the_address_space_is_refused",
        || {
            assert!(pool_of(1).stack_size(1 << 60).start().is_err());
        },
    );
}

#[test]
fn s8_2_a_name_with_a_nul_is_refused_with_an_error() {
    let started = catch_unwind(|| pool_of(1).name("a\0b").start().is_err());
    assert_eq!(started.ok(), Some(true));
}

#[test]
fn s8_2_the_smallest_stack_has_room_for_a_panic() {
    in_child(
        "hostile::limits::s8_2_the_smallest_stack_has_room_for_a_panic",
        || {
            std::panic::set_hook(Box::new(|info| eprintln!("{info}"))); // without a backtrace
            panics_once(64 * 1024);
        },
    );
}

#[test]
fn s8_2_the_smallest_stack_has_room_for_a_panic_with_the_usual_hook() {
    in_child(
        "hostile::limits::s8_2_the_smallest_stack_has_room_for_a_panic_with_the_usual_hook",
        || {
            print_backtraces();
            panics_once(64 * 1024);
        },
    );
}

#[test]
fn s4_9_the_usual_stack_has_room_for_a_panic_with_the_usual_hook() {
    in_child(
        "hostile::limits::s4_9_the_usual_stack_has_room_for_a_panic_with_the_usual_hook",
        || {
            print_backtraces();
            panics_once(256 * 1024);
        },
    );
}

#[test]
fn s6_2_a_manual_clock_put_forward_by_a_duration_ends_a_sleep_of_it() {
    let time = ManualTime::new();
    let builder = pool_of(1).time_source(TimeSource::Manual(time.clone()));
    with_pool(builder, |pool| {
        let (tell, told) = mpsc::channel();
        let sleeper = pool
            .spawn(
                "sleeper",
                Props::new(move || {
                    let tell = tell.clone();
                    Behavior::receive(move |ctx, ()| {
                        tell.send(()).unwrap();
                        ctx.sleep(Duration::from_secs(1))?;
                        tell.send(()).unwrap();
                        Ok(())
                    })
                }),
            )
            .unwrap();
        sleeper.tell(());
        told.recv().unwrap();
        round_trip(pool, 0);
        time.advance(Duration::from_secs(1));
        let woke = told.recv_timeout(Duration::from_secs(2));
        time.advance(Duration::from_secs(1));
        assert_eq!(woke, Ok(()));
    });
}

#[test]
fn s5_3_the_longest_time_is_no_time_out() {
    with_pools(|pool| {
        let sink = pool.spawn("sink", echo(|| 7_u8)).unwrap();
        let asker = pool
            .spawn(
                "asker",
                Props::new(move || {
                    Behavior::receive(move |_ctx, reply: Reply<u8>| {
                        reply.send(sink.ask(|reply| reply, Duration::MAX).wait().unwrap());
                    })
                }),
            )
            .unwrap();
        assert_eq!(asker.ask(|reply| reply, Duration::MAX).wait(), Ok(7));
    });
}

#[test]
fn s1_8_the_path_of_a_deep_family_can_be_told() {
    in_child(
        "hostile::limits::s1_8_the_path_of_a_deep_family_can_be_told",
        || {
            struct Deeper(u32, Reply<usize>);
            fn link() -> Behavior<Deeper> {
                Behavior::receive(|ctx, Deeper(left, reply)| {
                    if left == 0 {
                        reply.send(ctx.path().depth());
                    } else {
                        ctx.spawn_anonymous(Props::new(link))?
                            .tell(Deeper(left - 1, reply));
                    }
                    Ok(())
                })
            }
            with_pool(pool_of(1), |pool| {
                let first = pool.spawn_anonymous(Props::new(link)).unwrap();
                let depth = first.ask(|reply| Deeper(5_000, reply), SOON).wait();
                assert_eq!(depth, Ok(5_002));
            });
        },
    );
}
