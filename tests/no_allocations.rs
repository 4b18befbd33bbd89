//! A repeated ask between two actors of one worker allocates nothing, and neither does the check
//! whether it closes a cycle. A wait that ended in vain leaves nothing behind.

#![allow(unsafe_code)]

use nexus_actors::pool::{ManualTime, TimeSource};
use nexus_actors::prelude::*;
use nexus_actors::testkit::try_expect_terminated;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// The system's allocator, with a count of each thread's allocations.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<u64> = const { Cell::new(0) };
    /// Bytes that have not been freed yet.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator; the count is a thread-local that needs
// neither memory nor a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get() + 1);
        HELD.set(HELD.get().wrapping_add(layout.size()));
        // SAFETY: the caller upholds the contract, which is the same for the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD.set(HELD.get().wrapping_sub(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn s5_2_an_ask_on_one_worker_allocates_nothing() {
    let system = ActorSystem::new("asks").unwrap();
    let answering = Props::new(|| {
        Behavior::receive(|_ctx, (number, reply): (u64, Reply<u64>)| reply.send(number + 1))
    });
    let answering = system.spawn("answering", answering).unwrap();
    let asking = Props::new(move || {
        Behavior::receive(move |_ctx, (asks, reply): (u64, Reply<u64>)| {
            let ask = |number| answering.ask(move |reply| (number, reply), HOUR).wait();
            for number in 0..asks {
                assert_eq!(ask(number), Ok(number + 1));
            }
            let before = ALLOCATED.get();
            for number in 0..asks {
                assert_eq!(ask(number), Ok(number + 1));
            }
            reply.send(ALLOCATED.get() - before);
        })
    });
    let asking = system.spawn("asking", asking).unwrap();
    let counted = Box::new(0_u8); // shows that allocations are counted
    assert!(ALLOCATED.get() > 0 && *counted == 0);
    let allocated = asking.ask(|reply| (10_000, reply), HOUR).wait().unwrap();
    assert_eq!(allocated, 0);
    system.shutdown(HOUR);
}

#[test]
fn s5_6_asking_a_waiting_actor_allocates_nothing() {
    // Time stands still: how many asks begin in one tick does not depend on how long the tick takes.
    let time = TimeSource::Manual(ManualTime::new());
    let system = ActorSystem::builder().time_source(time).start().unwrap();
    let slow = Props::new(|| {
        Behavior::receive(|ctx, reply: Reply<u64>| {
            (0..5).try_for_each(|_| ctx.yield_now())?;
            reply.send(1);
            Ok(())
        })
    });
    let mut last = system.spawn("slow", slow).unwrap();
    for number in 0..3 {
        let next = last;
        let asking = Props::new(move || {
            Behavior::receive(move |_ctx, reply: Reply<u64>| {
                let answer = next.ask(|reply| reply, HOUR).wait_on_behalf_of(&reply);
                reply.send(answer.unwrap());
            })
        });
        last = system.spawn(&format!("asking-{number}"), asking).unwrap();
    }
    let asking = Props::new(move || {
        Behavior::receive(move |ctx, (asks, reply): (u64, Reply<u64>)| {
            let mut before = 0;
            for number in 0..2 * asks {
                if number == asks {
                    before = ALLOCATED.get();
                }
                let asked = last.ask(|reply| reply, HOUR);
                // Lets every actor ask its question and wait.
                (0..4).try_for_each(|_| ctx.yield_now())?;
                assert_eq!(asked.wait(), Ok(1));
            }
            reply.send(ALLOCATED.get() - before);
            Ok(())
        })
    });
    let asking = system.spawn("asking", asking).unwrap();
    let allocated = asking.ask(|reply| (1000, reply), HOUR).wait().unwrap();
    assert_eq!(allocated, 0);
    system.shutdown(HOUR);
}

#[test]
fn s4_12_of_those_who_have_waited_for_an_end_in_vain_nothing_is_kept() {
    let system = ActorSystem::new("watched").unwrap();
    let lives = Props::new(|| Behavior::receive(|_ctx, ()| ()));
    let lives = system.spawn("lives", lives).unwrap();
    let wait_in_vain = |times| {
        for _ in 0..times {
            assert!(try_expect_terminated(lives, Duration::ZERO).is_err());
        }
        HELD.get()
    };
    let before = wait_in_vain(1000);
    let more = wait_in_vain(10_000) - before;
    // One word for each wait would exceed this.
    assert!(more < 10_000 * size_of::<usize>(), "{more} bytes more");
    system.shutdown(HOUR);
}
