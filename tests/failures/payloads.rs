//! Panics with payloads of any type: how they are described, and where the payload itself is found.

use crate::common::*;
use nexus_actors::failure::{Cause, PanicPayload, TaskError};
use nexus_actors::pool::{CoordinatedShutdown, HookOutcome};
use nexus_actors::prelude::*;
use nexus_actors::sim::check;
use nexus_actors::{BoxError, Failure, SpawnError, StartError};
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::{Arc, mpsc};

/// A payload that is neither text nor an error.
#[derive(Debug, PartialEq)]
struct OutOfPaper(u8);

/// An error of the user's.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("tray {0} is open")]
struct TrayOpen(u8, #[source] fmt::Error);

const NO_TEXT: &str = "a payload that is not text";

#[derive(Clone, Copy)]
enum Do {
    Panic,
    PanicInTask,
    KeepPanicking(u8),
    Wait,
}

fn printer() -> Behavior<Do> {
    Behavior::receive(|ctx, message| match message {
        Do::Panic => panic_any(OutOfPaper(1)),
        Do::PanicInTask => drop(ctx.spawn_task(|_| panic_any(OutOfPaper(2)))),
        Do::KeepPanicking(tray) => panic_any(OutOfPaper(tray)),
        Do::Wait => {}
    })
}

fn payload_of(failure: &Failure) -> &PanicPayload {
    match &failure.cause {
        Cause::Panic(payload) => payload,
        other => panic!("it panicked, but: {other}"),
    }
}

#[test]
fn s4_5_a_failure_carries_its_payload_wherever_it_is_reported() {
    let (tell, told) = mpsc::channel();
    let tell_hook = tell.clone();
    let note = move |of: &'static str, failure: &Failure| {
        let payload = payload_of(failure.root());
        let tray = payload.downcast_ref::<OutOfPaper>().map(|paper| paper.0);
        tell.send((of, tray, payload.to_string())).unwrap();
    };
    let (decides, signalled) = (note.clone(), note);
    let builder = pool_of(1).on_failure(move |failure| {
        let payload = payload_of(failure.root());
        let tray = payload.downcast_ref::<OutOfPaper>().map(|paper| paper.0);
        tell_hook.send(("hook", tray, payload.to_string())).unwrap();
    });
    let pool = builder.start().unwrap();
    let strategy = SupervisorStrategy::one_for_one().decide(move |failure: &Failure| {
        decides("decider", failure);
        match payload_of(failure).downcast_ref() {
            Some(OutOfPaper(1)) => Directive::Restart,
            _ => Directive::Stop,
        }
    });
    let for_child = signalled.clone();
    let office = Props::new(move || {
        let (signalled, for_child) = (signalled.clone(), for_child.clone());
        Behavior::setup(move |ctx| {
            let child = Props::new(move || {
                let signalled = signalled.clone();
                printer().on_signal(move |_ctx, signal| match signal {
                    Signal::PreRestart(failure) => signalled("before", failure),
                    Signal::PostRestart(failure) => signalled("after", failure),
                    _ => {}
                })
            });
            let child = ctx.spawn("printer", child)?;
            Ok(
                Behavior::receive(move |_ctx, message| child.tell(message)).on_signal(
                    move |_ctx, signal| {
                        if let Signal::ChildFailed { failure, .. } = signal {
                            for_child("parent", failure);
                        }
                    },
                ),
            )
        })
    })
    .supervising(strategy);
    let office = pool.spawn("office", office).unwrap();
    office.tell(Do::Panic);
    office.tell(Do::KeepPanicking(2));
    let told: Vec<_> = (0..7).map(|_| told.recv_timeout(SOON).unwrap()).collect();
    let expected = [
        ("hook", 1),
        ("decider", 1),
        ("before", 1),
        ("after", 1),
        ("hook", 2),
        ("decider", 2),
        ("parent", 2),
    ];
    let expected = expected.map(|(of, tray)| (of, Some(tray), NO_TEXT.to_owned()));
    assert_eq!(told, expected);
    pool.shutdown(SOON).unwrap();
}

#[test]
fn s4_5_the_payload_is_found_below_an_escalated_failure() {
    let (tell, told) = mpsc::channel();
    let pool = pool_of(1).on_failure(move |failure| {
        if let Cause::Child(_) = failure.cause {
            let root = failure.root();
            let text = failure.to_string();
            let tray = payload_of(root)
                .downcast_ref()
                .map(|OutOfPaper(tray)| *tray);
            tell.send((root.path.to_string(), tray, text)).unwrap();
        }
    });
    let pool = pool.start().unwrap();
    let escalates = || SupervisorStrategy::one_for_one().always(Directive::Escalate);
    let floor = Props::new(move || {
        Behavior::setup(|ctx| {
            let child = ctx.spawn("printer", Props::new(printer))?;
            Ok(Behavior::receive(move |_ctx, message: Do| {
                child.tell(message)
            }))
        })
    });
    let floor = floor.supervising(escalates());
    pool.spawn("floor", floor).unwrap().tell(Do::Panic);
    let (root, tray, text) = told.recv_timeout(SOON).unwrap();
    assert_eq!((root.as_str(), tray), ("/user/floor/printer", Some(1)));
    let said = format!(
        "/user/floor failed to supervise its child: /user/floor/printer failed while handling a failures::payloads::Do: panic: \
         {NO_TEXT}"
    );
    assert_eq!(text, said);
    pool.shutdown(SOON).unwrap();
}

#[test]
fn s1_10_a_failed_start_has_the_payload() {
    with_pools(|pool| {
        let props = Props::new(|| -> Behavior<u8> { panic_any(OutOfPaper(3)) });
        match pool.spawn("printer", props) {
            Err(SpawnError::Failed(failure)) => {
                let payload = payload_of(&failure);
                assert_eq!(payload.downcast_ref(), Some(&OutOfPaper(3)));
                let text = failure.to_string();
                assert_eq!(
                    text,
                    format!("/user/printer did not start: panic: {NO_TEXT}")
                );
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn s6_4_the_waiter_for_a_task_has_the_payload_and_so_has_the_hook() {
    let failures = Log::default();
    let pool = pool_of(1).on_failure(failures.hook()).start().unwrap();
    let asked = Props::new(|| {
        Behavior::receive(|ctx, reply: Reply<TaskError>| {
            let task = ctx.spawn_task(|_| -> u8 { panic_any(OutOfPaper(4)) });
            reply.send(task.wait().unwrap_err());
        })
    });
    let asked = pool.spawn("asked", asked).unwrap();
    match asked.ask(|reply| reply, SOON).wait().unwrap() {
        TaskError::Panicked(payload) => {
            assert_eq!(payload.downcast_ref(), Some(&OutOfPaper(4)));
        }
        other => panic!("{other}"),
    }
    let lines = failures.take();
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].ends_with(&format!("panic: {NO_TEXT}")),
        "{lines:?}"
    );
    // The failure of a detached task is its actor's.
    let printer = pool.spawn("printer", Props::new(printer)).unwrap();
    printer.tell(Do::PanicInTask);
    gone(&pool, "/user/printer");
    assert_eq!(failures.take().len(), 1);
    pool.shutdown(SOON).unwrap();
}

#[test]
fn s6_4_a_panic_of_blocking_work_goes_on_in_the_handler_as_what_it_was() {
    let (tell, told) = mpsc::channel();
    let pool = pool_of(1).on_failure(move |failure| {
        let payload = payload_of(failure);
        tell.send(payload.downcast_ref().map(|OutOfPaper(tray)| *tray))
            .unwrap();
    });
    let pool = pool.start().unwrap();
    let asked = Props::new(|| {
        Behavior::receive(|ctx, reply: Reply<bool>| {
            let work = AssertUnwindSafe(|| ctx.run_blocking(|| panic!("a text")));
            let caught = catch_unwind(work).expect_err("it panics");
            reply.send(caught.is::<&'static str>());
            Ok(ctx.run_blocking(|| -> () { panic_any(OutOfPaper(5)) })?)
        })
    });
    let asked = pool.spawn("asked", asked).unwrap();
    assert!(asked.ask(|reply| reply, SOON).wait().unwrap());
    assert_eq!(told.recv_timeout(SOON).unwrap(), Some(5));
    pool.shutdown(SOON).unwrap();
}

#[test]
fn s8_2_a_configure_that_panics_has_the_payload() {
    let error = pool_of(2)
        .configure(|_node| panic_any(OutOfPaper(6)))
        .start();
    let error = error.expect_err("it panics");
    let text = error.to_string();
    assert!(
        text.ends_with(&format!("failed: panic: {NO_TEXT}")),
        "{text}"
    );
    match error {
        StartError::Configure { error, .. } => {
            let payload = error.downcast::<PanicPayload>().unwrap();
            assert_eq!(payload.downcast_ref(), Some(&OutOfPaper(6)));
        }
        other => panic!("{other}"),
    }
    let error = pool_of(1)
        .configure(|_node| panic!("no {}", "port"))
        .start();
    let text = error.expect_err("it panics").to_string();
    assert_eq!(text, "configuring worker 0 failed: panic: no port");
}

#[test]
fn s4_4_a_hook_of_a_shutdown_that_panics_has_the_payload() {
    let pool = pool_of(1).start().unwrap();
    let plan = CoordinatedShutdown::new()
        .phase("last", SOON)
        .hook("last", "prints", |_| panic_any(OutOfPaper(7)));
    let report = pool.coordinate(plan).unwrap().shutdown(SOON).unwrap();
    match &report.phases[0].hooks[0].outcome {
        HookOutcome::Panicked(payload) => {
            assert_eq!(payload.downcast_ref(), Some(&OutOfPaper(7)));
        }
        other => panic!("{other}"),
    }
    let text = report.to_string();
    assert!(
        text.starts_with(&format!("last, prints: panicked: {NO_TEXT}\n")),
        "{text}"
    );
}

#[test]
fn s4_5_a_panic_with_an_error_is_reported_as_that_error() {
    let failures = Log::default();
    let (tell, told) = mpsc::channel();
    let hook = failures.hook();
    let pool = pool_of(1).on_failure(move |failure| {
        hook(failure);
        let source = failure.source().map(ToString::to_string);
        let tray = payload_of(failure).downcast_ref::<BoxError>();
        let tray = tray.and_then(|error| Some(error.downcast_ref::<TrayOpen>()?.0));
        tell.send((tray, source)).unwrap();
    });
    let pool = pool.start().unwrap();
    let printer = Props::new(|| {
        Behavior::receive(|_ctx, tray: u8| -> () {
            match tray {
                0 => panic_any(std::io::Error::other("jammed")),
                _ => panic_any(BoxError::from(TrayOpen(tray, fmt::Error))),
            }
        })
    });
    for (tray, said, source) in [
        (0, "jammed", None),
        (8, "tray 8 is open", Some(fmt::Error.to_string())),
    ] {
        let name = format!("printer-{tray}");
        pool.spawn(&name, printer.clone()).unwrap().tell(tray);
        let expected = (tray > 0).then_some(tray);
        assert_eq!(told.recv_timeout(SOON).unwrap(), (expected, source));
        let line = format!("/user/{name} failed while handling a u8: panic: {said}");
        assert_eq!(failures.take(), [line]);
    }
    pool.shutdown(SOON).unwrap();
}

#[test]
fn s5_3_a_question_in_a_payload_ends_as_one_of_a_handler_that_fails() {
    struct WithReply(#[allow(dead_code)] Reply<u8>);
    check(SEEDS, |sim| {
        let printer = Props::new(|| {
            Behavior::receive(|_ctx, reply: Reply<u8>| -> () { panic_any(WithReply(reply)) })
        });
        let printer = sim.spawn("printer", printer).unwrap();
        let asked = printer.ask(|reply| reply, LONG).wait();
        assert!(matches!(asked, Err(AskError::TargetFailed(_))), "{asked:?}");
    });
}

#[test]
fn s4_9_a_payload_that_is_kept_outlives_its_pool_and_is_dropped_by_the_last_holder() {
    let dropped = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = Arc::clone(&dropped);
    let (keep, kept) = mpsc::channel();
    let pool = pool_of(1).on_failure(move |failure| {
        keep.send(payload_of(failure).clone()).unwrap();
    });
    let pool = pool.start().unwrap();
    let printer = Props::new(move || {
        let count = Arc::clone(&count);
        Behavior::receive(move |_ctx, message: Do| {
            if let Do::Wait = message {
                return;
            }
            let count = Arc::clone(&count);
            panic_any(OnDrop(move || {
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                panic!("planned: by the destructor of a payload")
            }))
        })
    });
    let printer = pool.spawn("printer", printer).unwrap();
    printer.tell(Do::Wait);
    printer.tell(Do::Panic);
    let payload: PanicPayload = kept.recv_timeout(SOON).unwrap();
    pool.shutdown(SOON).unwrap();
    drop(pool);
    assert_eq!(dropped.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!(payload.text(), NO_TEXT);
    drop(payload);
    assert_eq!(dropped.load(std::sync::atomic::Ordering::SeqCst), 1);
}
