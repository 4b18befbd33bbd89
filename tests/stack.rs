//! Stacks: what is told when one overflows, how large they are, and how deep they were used.
#![allow(unsafe_code)] // one test reads where nothing is, and one has a signal handler of its own

mod common;

use common::{
    NEVER, SOON, echo, eventually, finish, gone, in_child, pool_of, watchdog, with_pool, with_pools,
};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::Duration;

const CHILD: &str = "NEXUS_ACTORS_STACK_CHILD";

/// Uses so many bytes of the stack it is called on.
fn dig(bytes: usize) {
    #[inline(never)]
    fn further(start: usize, bytes: usize) {
        let frame = black_box([0_u8; 512]);
        if start - (&raw const frame).addr() < bytes {
            further(start, bytes);
        }
        black_box(&frame);
    }
    let start = 0_u8;
    further((&raw const start).addr(), bytes);
}

/// Uses more than there is.
fn dig_on() {
    dig(usize::MAX);
}

/// What a process has come to.
struct End {
    status: ExitStatus,
    errors: String,
}

/// Runs `body` in a process of its own, which it must end; `None` in that process.
#[track_caller]
fn end_of(test: &str, body: impl FnOnce()) -> Option<End> {
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        let _watchdog = watchdog();
        body();
        thread::sleep(SOON);
        panic!("the process goes on");
    }
    let this = std::env::current_exe().expect("a test has a path");
    let output = Command::new(this)
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, test)
        .output()
        .expect("a test can be started again");
    Some(End {
        status: output.status,
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs `body` in a process of its own, which must end by a fault and tell of all that first.
#[track_caller]
fn overflows(test: &str, telling: &[&str], body: impl FnOnce()) {
    let Some(End { status, errors }) = end_of(test, body) else {
        return;
    };
    let signal = status.signal();
    assert!(
        [Some(libc::SIGSEGV), Some(libc::SIGBUS)].contains(&signal),
        "{status}\n{errors}"
    );
    assert_eq!(errors.matches("stack overflow").count(), 1, "{errors}");
    for text in telling {
        assert!(errors.contains(text), "{text:?} is missing in:\n{errors}");
    }
}

struct Dig;

/// An actor that overflows its stack when it is told.
fn digger() -> Props<Dig> {
    Props::new(|| Behavior::receive(|_ctx, Dig| dig_on()))
}

// ---- what is told -------------------------------------------------------------------------------

#[test]
fn s4_10_an_overflow_in_a_handler_is_told_with_path_and_message_type() {
    overflows(
        "s4_10_an_overflow_in_a_handler_is_told_with_path_and_message_type",
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
        "s4_10_an_overflow_in_a_setup_is_told",
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
fn s4_10_an_overflow_in_configure_is_told_of_nobody() {
    overflows(
        "s4_10_an_overflow_in_configure_is_told_of_nobody",
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
        "s4_10_an_overflow_after_a_wait_is_told_of_the_one_that_waited",
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
        "s4_10_an_overflow_names_its_worker_and_a_generated_path",
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
        "s4_10_an_overflow_is_told_where_the_caller_drives",
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
        "s4_10_an_overflow_is_told_in_a_simulation",
        &["in a handler of /user/simulated (", "stack::Dig"],
        || {
            let mut sim = Sim::builder().workers(3).start().unwrap();
            sim.spawn("simulated", digger()).unwrap().tell(Dig);
            sim.run_until_idle();
        },
    );
}

/// Has the kernel know nothing of `MADV_GUARD_INSTALL`, as before Linux 6.13, for this thread and
/// those that it starts.
#[cfg(target_os = "linux")]
fn without_guard_regions() {
    const ADVICE: u32 = 16 + 2 * 8; // the third argument in `seccomp_data`, its lower half
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
        "s4_10_an_overflow_is_told_where_guards_are_pages_without_access",
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

// ---- what is not told, as it is no overflow of ours ---------------------------------------------

#[test]
fn s4_10_another_fault_in_a_handler_ends_the_process_as_ever() {
    let test = "s4_10_another_fault_in_a_handler_ends_the_process_as_ever";
    let end = end_of(test, || {
        let pool = pool_of(1).start().unwrap();
        let reader = Props::new(|| {
            Behavior::receive(|_ctx, address: usize| {
                // SAFETY: none: it is to fault.
                black_box(unsafe {
                    std::ptr::with_exposed_provenance::<u8>(address).read_volatile()
                });
            })
        });
        pool.spawn("reader", reader).unwrap().tell(64);
    });
    let Some(End { status, errors }) = end else {
        return;
    };
    assert_eq!(status.signal(), Some(libc::SIGSEGV), "{errors}");
    assert!(!errors.contains("overflow"), "{errors}");
}

#[test]
fn s4_10_an_overflow_of_another_thread_is_told_as_ever() {
    let test = "s4_10_an_overflow_of_another_thread_is_told_as_ever";
    let end = end_of(test, || {
        let pool = pool_of(1).start().unwrap();
        let _ = thread::Builder::new()
            .name("foreign".into())
            .spawn(dig_on)
            .unwrap()
            .join();
        drop(pool);
    });
    let Some(End { status, errors }) = end else {
        return;
    };
    assert_eq!(status.signal(), Some(libc::SIGABRT), "{errors}");
    assert!(errors.contains("thread 'foreign'"), "{errors}");
    assert!(errors.contains("has overflowed its stack"), "{errors}");
    assert!(!errors.contains("nexus-actors"), "{errors}");
}

#[test]
fn s4_10_a_handler_of_the_users_is_called_after_the_report() {
    extern "C" fn on_fault(_signal: libc::c_int) {
        let text = b"the user's own handler\n";
        // SAFETY: the text is valid; both functions may be called in a signal handler.
        unsafe {
            libc::write(2, text.as_ptr().cast(), text.len());
            libc::_exit(77);
        }
    }
    let test = "s4_10_a_handler_of_the_users_is_called_after_the_report";
    let end = end_of(test, || {
        // SAFETY: the handler has the type that no `SA_SIGINFO` asks for.
        unsafe { libc::signal(libc::SIGSEGV, on_fault as *const () as usize) };
        let pool = pool_of(1).start().unwrap();
        pool.spawn("mine", digger()).unwrap().tell(Dig);
        thread::sleep(SOON);
    });
    let Some(End { status, errors }) = end else {
        return;
    };
    assert_eq!(status.code(), Some(77), "{errors}");
    let (report, own) = (errors.find("/user/mine"), errors.find("the user's own"));
    assert!(report.is_some() && report < own, "{errors}");
}

// ---- stacks of an actor's own -------------------------------------------------------------------

#[test]
fn s4_10_an_overflow_of_a_stack_of_ones_own_is_told_with_its_size() {
    overflows(
        "s4_10_an_overflow_of_a_stack_of_ones_own_is_told_with_its_size",
        &[
            "in a handler of /user/mine (",
            "on a stack of 1048576 bytes",
        ],
        || {
            let pool = pool_of(1).start().unwrap();
            let mine = digger().stack_size(1000 * KIB);
            pool.spawn("mine", mine).unwrap().tell(Dig);
            thread::sleep(SOON);
        },
    );
}

#[test]
fn s4_10_an_actor_with_a_stack_of_its_own_digs_deeper_than_the_others_could() {
    with_pools(|pool| {
        let deep = pool.spawn("deep", miner().stack_size(8192 * KIB)).unwrap();
        have_dug(deep, 7000 * KIB);
        have_dug(deep, KIB);
        have_dug(deep, 7000 * KIB);
        let worker = deep.id().worker();
        eventually("it is seen", || {
            marks(&pool.stats())[worker] >= 7000 * KIB as u64
        });
    });
    let system = ActorSystem::new("alone").unwrap();
    let deep = system.spawn("deep", miner().stack_size(8192 * KIB));
    have_dug(deep.unwrap(), 7000 * KIB);
    let mut sim = Sim::new(7);
    let deep = sim.spawn("deep", miner().stack_size(8192 * KIB));
    have_dug(deep.unwrap(), 7000 * KIB);
}

#[test]
fn s4_10_a_stack_of_ones_own_that_is_no_larger_than_the_others_changes_nothing() {
    with_pool(pool_of(1).stack_size(1024 * KIB), |pool| {
        for (name, size) in [("less", 64 * KIB), ("equal", 1024 * KIB)] {
            let digging = pool.spawn(name, miner().stack_size(size)).unwrap();
            have_dug(digging, 900 * KIB);
        }
        eventually("one fiber is all", || pool.stats().workers[0].fibers == 1);
    });
}

/// Asks another actor from the depth of its stack, and digs again when it has the answer.
fn asking_miner(other: ActorRef<Reply<u8>>) -> Props<(usize, Reply<()>)> {
    #[inline(never)]
    fn ask_below(left: usize, other: ActorRef<Reply<u8>>) {
        let frame = black_box([0_u8; KIB]);
        if left > 0 {
            ask_below(left - 1, other);
        } else {
            other.ask(|reply| reply, NEVER).wait().unwrap();
        }
        black_box(&frame);
    }
    Props::new(move || {
        Behavior::receive(move |ctx, (depth, reply): (usize, Reply<()>)| {
            ask_below(depth / KIB / 4, other);
            ctx.yield_now().unwrap();
            dig(depth);
            reply.send(());
        })
    })
}

#[test]
fn s4_10_handlers_wait_on_stacks_of_their_own_beside_others() {
    with_pools(|pool| {
        let other = pool.spawn_on(0, "other", echo(|| 7_u8)).unwrap();
        let miners: Vec<_> = (0..60)
            .map(|number: usize| {
                let props = asking_miner(other);
                let (props, depth) = match number % 4 {
                    0 => (props, 32 * KIB),
                    1 => (props.stack_size(400 * KIB), 380 * KIB),
                    2 => (props.stack_size(1024 * KIB), 900 * KIB),
                    _ => (props.stack_size(2048 * KIB), 1800 * KIB),
                };
                let worker = number % pool.workers();
                let name = format!("miner-{number}");
                (pool.spawn_on(worker, &name, props).unwrap(), depth)
            })
            .collect();
        for _ in 0..5 {
            let asks: Vec<_> = miners
                .iter()
                .map(|(miner, depth)| miner.ask(|reply| (*depth, reply), SOON))
                .collect();
            for ask in asks {
                ask.wait().unwrap();
            }
        }
    });
}

#[test]
fn s4_10_an_actor_has_its_own_stack_also_when_it_starts_again_and_when_it_stops() {
    with_pool(pool_of(1), |pool| {
        let (tell, told) = std::sync::mpsc::channel();
        let failing = Props::new(move || {
            let tell = tell.clone();
            Behavior::receive(|_ctx, ()| -> Result<(), BoxError> { Err("planned".into()) })
                .on_signal(move |_ctx, signal| {
                    if !matches!(signal, Signal::PreStart) {
                        dig(1800 * KIB);
                        tell.send(format!("{signal:?}")).unwrap();
                    }
                })
        })
        .stack_size(2048 * KIB);
        let parent = Props::new(move || {
            let failing = failing.clone();
            Behavior::setup(move |ctx| {
                let child = ctx.spawn("child", failing)?;
                child.tell(());
                Ok(Behavior::receive(|_ctx, ()| ()))
            })
        });
        let parent = pool.spawn("parent", parent).unwrap();
        let next = || told.recv_timeout(SOON).unwrap();
        assert!(next().starts_with("PreRestart"));
        assert!(next().starts_with("PostRestart"));
        parent.stop();
        assert!(next().starts_with("PostStop"));
    });
}

/// An actor whose setup digs, waits, and digs again.
fn deep_setup(outcome: Result<(), &'static str>) -> Props<Reply<ActorPath>> {
    Props::new(move || {
        Behavior::setup(move |ctx| {
            dig(1800 * KIB);
            ctx.sleep(Duration::from_millis(1))?;
            dig(1800 * KIB);
            outcome?;
            Ok(Behavior::receive(|ctx, reply: Reply<ActorPath>| {
                reply.send(ctx.path());
            }))
        })
    })
    .stack_size(2048 * KIB)
}

#[test]
fn s4_10_a_deep_setup_has_the_stack_of_its_actor_and_its_spawner_waits() {
    with_pools(|pool| {
        let spawner = Props::new(|| {
            Behavior::receive(|ctx, reply: Reply<Result<ActorPath, String>>| {
                let child = ctx.spawn("deep", deep_setup(Ok(())));
                let path = child.map_err(|error| error.to_string()).map(|child| {
                    // It runs by now, and may be looked up.
                    child.ask(|reply| reply, SOON).wait().unwrap()
                });
                let failing = ctx.spawn("failing", deep_setup(Err("planned")));
                assert!(failing.unwrap_err().to_string().contains("planned"));
                let again = ctx.spawn("failing", deep_setup(Ok(())));
                assert!(again.is_ok(), "its name is free");
                let taken = ctx.spawn("deep", deep_setup(Ok(())));
                assert!(matches!(taken, Err(SpawnError::NameTaken(_))));
                reply.send(path);
            })
        });
        let spawner = pool.spawn("spawner", spawner).unwrap();
        let path = spawner.ask(|reply| reply, SOON).wait().unwrap();
        assert_eq!(path.unwrap().to_string(), "/user/spawner/deep");
        let outside = pool.spawn("outside", deep_setup(Ok(()))).unwrap();
        let path = outside.ask(|reply| reply, SOON).wait().unwrap();
        assert_eq!(path.to_string(), "/user/outside");
    });
    let mut sim = Sim::new(7);
    sim.spawn("outside", deep_setup(Ok(()))).unwrap();
}

#[test]
fn s4_10_a_setup_on_a_stack_of_its_own_may_be_ended_by_force() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let endless: fn() -> Props<()> = || {
        Props::new(|| {
            Behavior::setup(|ctx| {
                dig(1800 * KIB);
                ctx.sleep(NEVER)?;
                Ok(Behavior::receive(|_ctx, ()| ()))
            })
        })
        .stack_size(2048 * KIB)
    };
    let spawner = Props::new(move || {
        Behavior::receive(move |ctx, ()| {
            let _ = ctx.spawn("endless", endless());
        })
    });
    pool.spawn("spawner", spawner).unwrap().tell(());
    eventually("both wait", || pool.stats().workers[0].waiting == 2);
    let report = finish(&pool, Duration::ZERO);
    assert_eq!(report.forced, 2, "{report:?}");
    let stats = pool.stats().workers[0];
    assert_eq!((stats.actors, stats.waiting, stats.fibers), (0, 0, 0));
}

#[test]
fn s4_10_what_a_setup_on_a_stack_of_its_own_sends_has_the_same_cause() {
    let told = |stack: Option<usize>| {
        let pool = pool_of(1).start().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let last = Props::new(move || {
            let tell = tell.clone();
            Behavior::receive(move |ctx, ()| {
                let envelope = ctx.envelope();
                let chain = (envelope.correlation_id(), envelope.causation_id());
                tell.send(chain).unwrap();
            })
        });
        let last = pool.spawn("last", last).unwrap();
        let child = Props::new(move || {
            Behavior::setup(move |_ctx| {
                last.tell(());
                Ok(Behavior::receive(|_ctx, ()| ()))
            })
        });
        let child = match stack {
            Some(bytes) => child.stack_size(bytes),
            None => child,
        };
        let (tell_own, own) = std::sync::mpsc::channel();
        let spawner = Props::new(move || {
            let (child, tell_own) = (child.clone(), tell_own.clone());
            Behavior::receive(move |ctx, ()| {
                tell_own.send(ctx.envelope().message_id()).unwrap();
                ctx.spawn_anonymous(child.clone()).unwrap();
            })
        });
        pool.spawn("spawner", spawner).unwrap().tell(());
        let (chain, own) = (told.recv().unwrap(), own.recv().unwrap());
        finish(&pool, SOON);
        assert_eq!(chain, (own, Some(own)));
    };
    told(None);
    told(Some(1024 * KIB));
}

#[test]
fn s4_10_the_end_by_force_unwinds_handlers_on_stacks_of_their_own() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let never = Props::new(|| {
        let mut kept = Vec::new();
        Behavior::receive(move |_ctx, reply: Reply<u8>| kept.push(reply))
    });
    let never = pool.spawn("never", never).unwrap();
    let waiting = asking_miner(never).stack_size(4096 * KIB);
    let waiting = pool.spawn("waiting", waiting).unwrap();
    let ask = waiting.ask(|reply| (3000 * KIB, reply), NEVER);
    eventually("it waits", || pool.stats().workers[0].waiting > 0);
    let report = finish(&pool, Duration::ZERO);
    assert!(report.forced > 0, "{report:?}");
    assert!(ask.wait().is_err());
    let stats = pool.stats().workers[0];
    assert_eq!((stats.waiting, stats.fibers), (0, 0));
}

#[test]
fn s4_10_memory_of_stacks_of_ones_own_is_given_back_when_nobody_needs_them() {
    fn mapped() -> usize {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = status
            .split(' ')
            .next()
            .and_then(|pages| pages.parse().ok());
        pages.unwrap_or(0_usize) * 4096
    }
    // In a process of its own, where no other test maps memory.
    let test = "s4_10_memory_of_stacks_of_ones_own_is_given_back_when_nobody_needs_them";
    in_child(test, || {
        with_pool(pool_of(1), |pool| {
            let before = mapped();
            let huge = pool.spawn("huge", miner().stack_size(1 << 30)).unwrap();
            have_dug(huge, 100 << 20);
            assert!(before == 0 || mapped() >= before + (1 << 30));
            huge.stop();
            gone(pool, "/user/huge");
            eventually("it is unmapped", || mapped() < before + (1 << 29));
        });
    });
}

#[test]
fn s4_10_stacks_of_a_size_that_cannot_be_are_refused() {
    let refusal = |bytes: usize| format!("a stack has between 64 KiB and 1 GiB, not {bytes} bytes");
    with_pool(pool_of(1), |pool| {
        for bytes in [0, 64 * KIB - 1, (1 << 30) + 1, usize::MAX] {
            let refused = pool.spawn("miner", miner().stack_size(bytes));
            let Err(error) = refused else {
                panic!("{bytes} bytes are not refused")
            };
            assert!(matches!(error, SpawnError::InvalidStackSize(size) if size == bytes));
            assert_eq!(error.to_string(), refusal(bytes));
            let refused = pool_of(1).stack_size(bytes).start();
            assert_eq!(refused.unwrap_err().to_string(), refusal(bytes));
        }
        // The name is free again.
        for bytes in [64 * KIB, 1 << 30] {
            let miner = pool.spawn(&format!("miner-{bytes}"), miner().stack_size(bytes));
            have_dug(miner.unwrap(), KIB);
        }
        have_dug(pool.spawn("miner", miner()).unwrap(), KIB);
    });
}

// ---- how deep stacks were used ------------------------------------------------------------------

const KIB: usize = 1024;

/// What a turn takes beside what its handler digs, with debug assertions and without.
const BESIDE: u64 = 64 * KIB as u64;

/// An actor that uses as much of its stack as it is told.
fn miner() -> Props<(usize, Reply<()>)> {
    Props::new(|| {
        Behavior::receive(|_ctx, (depth, reply): (usize, Reply<()>)| {
            dig(depth);
            reply.send(());
        })
    })
}

/// The mark of each worker.
fn marks(stats: &nexus_actors::PoolStats) -> Vec<u64> {
    let workers = stats.workers.iter();
    workers.map(|worker| worker.stack_high_water).collect()
}

/// Has an actor dig, and waits until it has.
fn have_dug(actor: ActorRef<(usize, Reply<()>)>, depth: usize) {
    actor.ask(|reply| (depth, reply), SOON).wait().unwrap();
}

#[test]
fn s4_10_the_high_water_mark_follows_the_deepest_handler() {
    with_pool(pool_of(2).stack_size(1024 * KIB), |pool| {
        let miner = pool.spawn_on(0, "miner", miner()).unwrap();
        let marks = || marks(&pool.stats());
        for depth in [200 * KIB, 700 * KIB, 100 * KIB, 900 * KIB] {
            have_dug(miner, depth);
            eventually("it is seen", || marks()[0] >= depth as u64);
        }
        let [dug, idle] = marks()[..] else {
            panic!("two workers")
        };
        assert!(dug <= 900 * KIB as u64 + BESIDE, "{dug}");
        assert!((1..=BESIDE).contains(&idle), "{idle}");
    });
}

#[test]
fn s4_10_the_high_water_mark_is_known_at_once_where_the_caller_drives() {
    let system = ActorSystem::builder()
        .stack_size(1024 * KIB)
        .start()
        .unwrap();
    let digging = system.spawn("miner", miner()).unwrap();
    let deep = 500 * KIB as u64;
    assert!(marks(&system.stats())[0] < deep);
    have_dug(digging, 500 * KIB);
    let mark = marks(&system.stats())[0];
    assert!((deep..=deep + BESIDE).contains(&mark), "{mark}");

    let mut sim = Sim::builder()
        .stack_size(1024 * KIB)
        .workers(2)
        .start()
        .unwrap();
    let digging = sim.spawn_on(1, "miner", miner()).unwrap();
    have_dug(digging, 500 * KIB);
    let marks = marks(&sim.stats());
    assert!(
        marks[0] < deep && (deep..=deep + BESIDE).contains(&marks[1]),
        "{marks:?}"
    );
    sim.shutdown(SOON);
}
