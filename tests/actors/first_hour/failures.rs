//! An error says what has failed.

use super::{Count, counter, with_pools};
use crate::common::{LONG, SECOND, SEEDS, SOON};
use nexus_actors::ask::AskErrorKind;
use nexus_actors::failure::{Cause, Stage};
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, check};
use std::error::Error;
use std::time::Duration;

/// The failure in an error, and what the error says.
fn failure_of(asked: Result<u32, AskError>) -> (String, &'static str, Stage, String, String) {
    let error = asked.expect_err("it fails");
    assert_eq!(error.kind(), AskErrorKind::TargetFailed, "{error}");
    let details = error.details().expect("it was asked");
    let failure = details.failure().expect("the failure is known");
    let cause = failure.cause.to_string();
    let path = failure.path.to_string();
    (
        path,
        failure.message_type,
        failure.during,
        cause,
        error.to_string(),
    )
}

#[test]
fn s5_3_an_ask_that_a_failure_ends_says_what_has_failed() {
    with_pools(|pool| {
        type Question = fn(Reply<u32>) -> Count;
        let questions: [(Question, &str); 2] = [
            (Count::FailAsked, "planned"),
            (Count::PanicAsked, "panic: planned"),
        ];
        for (question, text) in questions {
            let name = if text == "planned" { "one" } else { "other" };
            let actor = pool.spawn(name, counter()).unwrap();
            let from_thread = actor.ask(question, SOON).wait();
            let asker = pool.spawn_near(
                actor,
                &format!("near-{name}"),
                Props::new(move || {
                    Behavior::receive(move |_ctx, reply: Reply<Result<u32, AskError>>| {
                        reply.send(actor.ask(question, SOON).wait());
                    })
                }),
            );
            let near = asker.unwrap().ask(|reply| reply, SOON).wait().unwrap();
            let worker = pool.workers() - 1 - actor.id().worker();
            let far = Props::new(move || {
                Behavior::receive(move |_ctx, reply: Reply<Result<u32, AskError>>| {
                    reply.send(actor.ask(question, SOON).wait());
                })
            });
            let far = pool.spawn_on(worker, &format!("far-{name}"), far).unwrap();
            let far = far.ask(|reply| reply, SOON).wait().unwrap();
            for asked in [from_thread, near, far] {
                let (path, message_type, during, cause, said) = failure_of(asked);
                assert_eq!(path, format!("/user/{name}"));
                assert_eq!(message_type, "actors::first_hour::Count");
                assert_eq!(during, Stage::Handling);
                assert_eq!(cause, text);
                assert!(
                    said.contains(&format!(
                        "/user/{name} failed while handling a actors::first_hour::Count: {text}"
                    )),
                    "{said}"
                );
            }
        }
    });
}

#[test]
fn s5_3_an_ask_names_the_failure_of_the_questions_holder_and_its_source() {
    #[derive(Debug, thiserror::Error)]
    #[error("the ledger is torn")]
    struct Torn(#[source] std::fmt::Error);
    with_pools(|pool| {
        let clerk = pool.spawn(
            "clerk",
            Props::new(|| {
                Behavior::receive(|_ctx, _reply: Reply<u32>| -> Result<(), BoxError> {
                    Err(Torn(std::fmt::Error))?
                })
            }),
        );
        let clerk = clerk.unwrap();
        let desk = pool.spawn(
            "desk",
            Props::new(move || {
                Behavior::receive(move |_ctx, reply: Reply<u32>| {
                    reply.forward(clerk, |reply| reply)
                })
            }),
        );
        let error = desk.unwrap().ask(|reply| reply, SOON).wait().unwrap_err();
        let failure = error
            .details()
            .and_then(|details| details.failure())
            .unwrap();
        assert_eq!(failure.path.as_str(), "/user/clerk");
        assert!(matches!(&failure.cause, Cause::Error(error) if error.is::<Torn>()));
        // It is printed with its cause, so its source is the cause's own source.
        assert!(error.to_string().ends_with("the ledger is torn"), "{error}");
        assert!(
            error
                .source()
                .is_some_and(|source| source.is::<std::fmt::Error>())
        );
    });
}

#[test]
fn s5_3_askers_in_the_mailbox_or_the_state_of_a_failed_actor_are_told_its_failure() {
    // The actor keeps the first question and fails at the second, with the third still in the mailbox.
    let keeps = || {
        Props::new(|| {
            Behavior::with_state(None, |kept: &mut Option<Reply<u32>>, ctx, reply| {
                if kept.is_some() {
                    ctx.sleep(SECOND)?;
                    Err("planned")?;
                }
                *kept = Some(reply);
                Ok(())
            })
        })
    };
    let stops = || SupervisorStrategy::one_for_one().always(Directive::Stop);
    check(SEEDS, |sim| {
        // The same for an actor that is stopping, and for one whose parent fails.
        let parent = Props::new(move || {
            Behavior::setup(move |ctx| {
                let child = ctx.spawn("child", keeps())?;
                Ok(Behavior::receive(
                    move |_ctx, reply: Reply<ActorRef<Reply<u32>>>| {
                        reply.send(child);
                    },
                ))
            })
        });
        let parent = sim.spawn("parent", parent.supervising(stops())).unwrap();
        let child = parent.ask(|reply| reply, LONG).wait().unwrap();
        let asked = [(); 3].map(|()| child.ask(|reply| reply, LONG));
        for asked in asked {
            let (path, _, during, cause, _) = failure_of(asked.wait());
            assert_eq!(
                (path.as_str(), during),
                ("/user/parent/child", Stage::Handling)
            );
            assert_eq!(cause, "planned");
        }
    });
}

#[test]
fn s5_3_who_waits_for_a_child_is_told_of_the_failure_above_it() {
    check(SEEDS, |sim| {
        let parent = Props::new(|| {
            Behavior::setup(|ctx| {
                let child = Props::new(|| {
                    Behavior::with_state(Vec::new(), |kept, _ctx, reply: Reply<u32>| {
                        kept.push(reply)
                    })
                });
                let child = ctx.spawn("child", child)?;
                Ok(Behavior::receive(
                    move |_ctx, wanted: Option<Reply<ActorRef<_>>>| {
                        wanted.ok_or("planned")?.send(child);
                        Ok(())
                    },
                ))
            })
        });
        let parent = sim.spawn("parent", parent).unwrap();
        let child = parent.ask(Some, LONG).wait().unwrap();
        let asked = child.ask(|reply| reply, LONG);
        sim.run_until_idle();
        parent.tell(None);
        let (path, _, _, cause, _) = failure_of(asked.wait());
        assert_eq!((path.as_str(), cause.as_str()), ("/user/parent", "planned"));
    });
}

#[test]
fn s5_3_what_was_not_waited_for_is_not_said() {
    let mut sim = Sim::builder().orderly().workers(1).start().unwrap();
    let actor = sim.spawn("actor", counter()).unwrap();
    actor.stop();
    sim.run_until_idle();
    let error = actor.ask(Count::Say, LONG).wait().unwrap_err();
    assert!(!error.to_string().contains("waited"), "{error}");
    let sleeps = Props::new(|| Behavior::receive(|ctx, _: Reply<()>| Ok(ctx.sleep(LONG)?)));
    let sleeps = sim.spawn("sleeps", sleeps).unwrap();
    let error = sleeps.ask(|reply| reply, SECOND).wait().unwrap_err();
    assert!(error.to_string().contains("waited 1s"), "{error}");
    sim.shutdown(Duration::ZERO);
}
