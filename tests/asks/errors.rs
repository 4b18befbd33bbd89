//! What errors say: everything once, in terms of the public API, and with the names that the user gave.

use crate::common::*;
use nexus_actors::actor::{StashError, TellError};
use nexus_actors::address::{NameError, PathError};
use nexus_actors::ask::AskErrorKind;
use nexus_actors::control::{Refusal, ResendError, TooManyOutstanding};
use nexus_actors::failure::{Cause, PanicPayload, TaskError};
use nexus_actors::mailbox::MailboxError;
use nexus_actors::pool::{CoordinateError, ShutdownError};
use nexus_actors::prelude::*;
use nexus_actors::routing::{OpenError, RouterError, TopicMessage};
use nexus_actors::sim::{FaultError, Sim};
use nexus_actors::supervision::BackoffError;
use nexus_actors::testkit::{BehaviorTest, BehaviorTestError, DeadLetterProbe, ProbeError};
use nexus_actors::{
    ActorPath, BoxError, Failure, Group, LookupError, Router, SendError, SpawnError, StartError,
    Topic, WaitError,
};
use std::error::Error;
use std::panic::panic_any;
use std::sync::{Arc, Mutex};
use std::{fmt, io};

/// An error of the user's with two sources below it.
#[derive(Debug, thiserror::Error)]
#[error("the ledger is torn")]
struct Torn(#[source] Wet);

#[derive(Debug, thiserror::Error)]
#[error("it is wet")]
struct Wet(#[source] fmt::Error);

fn torn() -> BoxError {
    Torn(Wet(fmt::Error)).into()
}

/// The text of an error, and of each of its sources.
fn chain(error: &dyn Error) -> Vec<String> {
    let mut said = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        said.push(error.to_string());
        next = error.source();
    }
    said
}

/// Checks that nothing is said twice, and that no internal term of this crate appears.
#[track_caller]
fn is_said_once(error: &dyn Error) {
    let said = chain(error);
    for (at, text) in said.iter().enumerate() {
        assert!(!text.is_empty(), "{said:?}");
        for below in &said[at + 1..] {
            assert!(!text.contains(below), "{below:?} is said twice: {said:?}");
        }
    }
    let text = &said[0];
    for inner in ["topic-", "group-", "routing::", "PoisonError", "{"] {
        assert!(
            !text.contains(inner),
            "{inner:?} is nobody's business: {text}"
        );
    }
    assert!(!text.ends_with('.'), "{text}");
}

fn failing_setup() -> Props<u8> {
    Props::new(|| Behavior::setup(|_ctx| Err(torn())))
}

#[test]
fn s4_5_a_failure_says_its_cause_once_and_leads_to_what_lies_below() {
    let failures: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
    let noted = Arc::clone(&failures);
    let pool = pool_of(1).on_failure(move |failure: &Failure| {
        is_said_once(failure);
        noted.lock().unwrap().push(chain(failure));
    });
    let pool = pool.start().unwrap();
    let below = ["it is wet".to_owned(), fmt::Error.to_string()];
    let with = |first: &str| {
        let first = [first.to_owned()].into_iter();
        first.chain(below.clone()).collect::<Vec<_>>()
    };
    // A failed start.
    let error = pool.spawn("clerk", failing_setup()).unwrap_err();
    is_said_once(&error);
    assert_eq!(
        chain(&error),
        with("/user/clerk did not start: the ledger is torn")
    );
    // A handler's failure, and the parent's failure that it escalates to.
    let escalates = SupervisorStrategy::one_for_one().always(Directive::Escalate);
    let office = Props::new(|| {
        Behavior::setup(|ctx| {
            let clerk = Props::new(|| Behavior::receive(|_ctx, _: u8| Err::<(), _>(torn())));
            let clerk = ctx.spawn("clerk", clerk)?;
            Ok(Behavior::receive(move |_ctx, number: u8| {
                clerk.tell(number)
            }))
        })
    });
    let office = pool.spawn("office", office.supervising(escalates)).unwrap();
    office.tell(1);
    gone(&pool, "/user/office");
    let failed = "/user/office/clerk failed while handling a u8: the ledger is torn";
    let with_child = format!("/user/office failed to supervise its child: {failed}");
    assert_eq!(*failures.lock().unwrap(), [with(failed), with(&with_child)]);
    pool.shutdown(SOON).unwrap();
}

/// A failure with an error of the user's, the error of an ask that it ended, and the payload of a panic
/// with the same error. All of them have two errors below.
fn failed() -> (Arc<Failure>, AskError, PanicPayload) {
    let mut sim = Sim::builder().orderly().on_failure(|_| {}).start().unwrap();
    let fails = Props::receive(
        |_ctx, (panics, _reply): (bool, Reply<u8>)| -> HandlerResult<_> {
            if panics {
                panic_any(torn());
            }
            Err(torn())
        },
    );
    let fails = sim.spawn("clerk", fails).unwrap();
    let mut failure_of = |panics| {
        let asked = fails.ask(|reply| (panics, reply), SECOND);
        let error = sim.run_until(asked).unwrap_err();
        let failure = error.details().and_then(|details| details.failure());
        (Arc::clone(failure.expect("it failed")), error)
    };
    let (failure, error) = failure_of(false);
    match &failure_of(true).0.cause {
        Cause::Panic(payload) => (failure, error, payload.clone()),
        other => panic!("{other:?}"),
    }
}

/// Prints an error with all that lies below, as the usual reporters do, and checks that each fact of the
/// user's is there once.
#[track_caller]
fn says_each_fact_once(error: &(dyn Error + 'static)) {
    is_said_once(error);
    let all = chain(error).join(": ");
    for fact in ["the ledger is torn", "it is wet", &fmt::Error.to_string()] {
        assert_eq!(all.matches(fact).count(), 1, "{fact:?} in {all:?}");
    }
}

#[test]
fn every_error_with_a_source_says_each_fact_once() {
    let (failure, asked, payload) = failed();
    let details = || asked.details().unwrap().clone();
    let spawn = || SpawnError::Failed(Arc::clone(&failure));
    let configure = || StartError::Configure {
        worker: 0,
        error: torn(),
    };
    let panicked = || StartError::Configure {
        worker: 0,
        error: payload.clone().into(),
    };
    let with_source: Vec<BoxError> = vec![
        Arc::clone(&failure).into(),
        payload.clone().into(),
        AskError::Timeout(details()).into(),
        AskError::NoReply(details()).into(),
        AskError::TargetStopped(details()).into(),
        AskError::TargetFailed(details()).into(),
        AskError::MailboxFull(details()).into(),
        AskError::Deadlock(details()).into(),
        AskError::Cancelled(details()).into(),
        AskError::PoolClosed(details()).into(),
        spawn().into(),
        TaskError::Panicked(payload.clone()).into(),
        RouterError::Spawn(spawn()).into(),
        OpenError::Spawn(spawn()).into(),
        configure().into(),
        panicked().into(),
        StartError::NoThread {
            worker: 0,
            error: io::Error::other(torn()),
        }
        .into(),
        StartError::NoWatchdog(io::Error::other(torn())).into(),
        StartError::NoStack {
            worker: 0,
            error: torn(),
        }
        .into(),
        BehaviorTestError::Start(configure()).into(),
        BehaviorTestError::Spawn(spawn()).into(),
    ];
    for error in with_source {
        says_each_fact_once(&*error);
    }
}

#[test]
fn every_error_that_holds_another_one_says_it_once() {
    let name = || nexus_actors::address::validate_name("no name").unwrap_err();
    let path: PathError = ActorPath::parse("/user/no name").unwrap_err();
    let wait = || WaitError::Forbidden;
    let lookup = || LookupError::NotFound("/user/nobody".to_owned());
    let holding: Vec<BoxError> = vec![
        name().into(),
        path.clone().into(),
        AskError::CannotWait(wait()).into(),
        SendError::CannotWait(1_u8, wait()).into(),
        TaskError::CannotWait(wait()).into(),
        TaskError::Cancelled.into(),
        SpawnError::CannotWait(wait()).into(),
        SpawnError::InvalidName(name()).into(),
        RouterError::NoRoutees.into(),
        RouterError::Spawn(SpawnError::InvalidName(name())).into(),
        OpenError::WrongType(lookup()).into(),
        OpenError::Spawn(SpawnError::CannotWait(wait())).into(),
        BehaviorTestError::Spawn(SpawnError::ShuttingDown).into(),
        BehaviorTestError::Start(StartError::TooManyPools).into(),
        ProbeError::CannotWait(wait()).into(),
        FaultError::InvalidPath(path).into(),
        FaultError::NoHandling.into(),
        FaultError::NoTime.into(),
        CoordinateError::DuplicatePhase("drain".to_owned()).into(),
        ShutdownError::OnWorker.into(),
        MailboxError::NoCapacity.into(),
        BackoffError::ZeroMin.into(),
        StashError::NoStash(1_u8).into(),
        TellError::Full(1_u8).into(),
        Refusal::Forgotten.into(),
        TooManyOutstanding(1_u8).into(),
        ResendError::ZeroFirst.into(),
    ];
    for error in holding {
        is_said_once(&*error);
    }
}

#[test]
fn s8_2_an_error_of_a_start_says_its_cause_once_and_leads_to_what_lies_below() {
    let error = pool_of(1)
        .configure(|_node| Err(torn()))
        .start()
        .unwrap_err();
    is_said_once(&error);
    let said = chain(&error);
    assert_eq!(said[0], "configuring worker 0 failed: the ledger is torn");
    assert_eq!(said[1..], ["it is wet".to_owned(), fmt::Error.to_string()]);
    // A failed spawn is an error of the user's here.
    let spawns = pool_of(1).configure(|node| Ok(node.spawn("clerk", failing_setup()).map(drop)?));
    let error = spawns.start().unwrap_err();
    is_said_once(&error);
    assert_eq!(chain(&error).len(), 3);
    for error in [
        pool_of(0).start().unwrap_err(),
        pool_of(1).stack_size(1).start().unwrap_err(),
        pool_of(1).blocking_threads(0).start().unwrap_err(),
        pool_of(1).name("a\0b").start().unwrap_err(),
    ] {
        is_said_once(&error);
    }
    match BehaviorTest::from_props(failing_setup()) {
        Err(error @ BehaviorTestError::Spawn(_)) => {
            is_said_once(&error);
            assert_eq!(chain(&error).len(), 3);
        }
        other => panic!("{other:?}"),
    }
    let in_handler = echo(|| ActorSystem::new("inner").map(drop).unwrap_err());
    with_pool(pool_of(1), |pool| {
        let error: StartError = pool
            .spawn("starts", in_handler)
            .unwrap()
            .ask(|reply| reply, SOON)
            .wait()
            .unwrap();
        is_said_once(&error);
    });
}

#[test]
fn s8_3_errors_of_names_lookups_and_starts_say_what_is_wrong_once() {
    with_pools(|pool| {
        let actor = pool.spawn("actor", echo(|| 1_u8)).unwrap();
        let other = pool_of(1).start().unwrap();
        let large = echo(|| 1_u8).stack_size(1);
        let spawns = [
            pool.spawn("actor", echo(|| 1_u8)),
            pool.spawn("no name", echo(|| 1_u8)),
            pool.spawn_on(99, "name", echo(|| 1_u8)),
            other.spawn_near(actor, "name", echo(|| 1_u8)),
            pool.spawn("large", large),
            pool.spawn("ended", Props::new(Behavior::stopped)),
        ];
        for spawned in spawns {
            is_said_once(&spawned.unwrap_err());
        }
        is_said_once(&pool.lookup::<u8>("/user/nobody").unwrap_err());
        is_said_once(&pool.lookup::<u8>("/user/actor").unwrap_err());
        other.shutdown(SOON).unwrap();
        is_said_once(&other.lookup::<u8>("/user/nobody").unwrap_err());
        is_said_once(&other.spawn("late", echo(|| 1_u8)).unwrap_err());
        is_said_once(&Router::round_robin(0, echo(|| 1_u8)).props().unwrap_err());
        let deep = Router::smallest_mailbox(1, echo(|| 1_u8)).spread(&pool.node());
        is_said_once(&deep.props().unwrap_err());
    });
}

#[test]
fn s5_3_errors_of_questions_and_messages_say_what_is_wrong_once() {
    enum Do {
        Keep(Reply<u8>),
        Drop(Reply<u8>),
        Fail(Reply<u8>),
        AskItself(Reply<u8>),
    }
    let mut sim = Sim::builder().orderly().start().unwrap();
    let make = || {
        Props::new(|| {
            Behavior::with_state(Vec::new(), |kept, ctx, message| {
                match message {
                    Do::Keep(reply) => kept.push(reply),
                    Do::Drop(reply) => drop(reply),
                    Do::Fail(_reply) => return Err(torn()),
                    Do::AskItself(reply) => {
                        let itself = ctx.self_ref();
                        let asked = itself.ask(Do::Keep, LONG).wait();
                        is_said_once(&asked.unwrap_err());
                        reply.send(1);
                    }
                }
                Ok(Next::Same)
            })
        })
    };
    let actor = sim.spawn("actor", make()).unwrap();
    let mut kinds = Vec::new();
    let mut failed = |asked: Result<u8, AskError>| {
        let error = asked.unwrap_err();
        is_said_once(&error);
        assert!(error.to_string().contains("/user/actor"), "{error}");
        kinds.push(error.kind());
    };
    failed(actor.ask(Do::Keep, SECOND).wait());
    failed(actor.ask(Do::Drop, SECOND).wait());
    actor.ask(Do::AskItself, SECOND).wait().unwrap();
    failed(actor.ask(Do::Fail, SECOND).wait());
    let asked = actor.ask(Do::Keep, LONG);
    actor.stop();
    failed(asked.wait());
    assert_eq!(
        kinds,
        [
            AskErrorKind::Timeout,
            AskErrorKind::NoReply,
            AskErrorKind::TargetFailed,
            AskErrorKind::TargetStopped
        ]
    );
    let refuses = |overflow| Mailbox::bounded(1, overflow).unwrap();
    for overflow in [Overflow::Fail, Overflow::DropNewest, Overflow::Backpressure] {
        let slow = Props::new(|| Behavior::receive(|ctx, _: u8| Ok(ctx.sleep(LONG)?)));
        let slow = slow.mailbox(refuses(overflow));
        let slow = sim.spawn_anonymous_for_test(slow);
        slow.tell(1);
        sim.run_until_idle();
        slow.tell(2);
        sim.run_until_idle();
        is_said_once(&slow.try_tell(3).map_err(|error| error.to_string()).said());
        let sent = slow.send_timeout(3, SECOND);
        is_said_once(&sent.map_err(|error| error.to_string()).said());
    }
    sim.shutdown(SECOND);
    let told = actor.ask(Do::Keep, SECOND).wait();
    is_said_once(&told.unwrap_err());
}

/// A text as an error, for errors that hold a message that has no text.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

trait IntoSaid {
    fn said(self) -> Said;
}

impl<T: fmt::Debug> IntoSaid for Result<T, String> {
    fn said(self) -> Said {
        Said(self.unwrap_err())
    }
}

trait SpawnAnonymous {
    fn spawn_anonymous_for_test(&mut self, props: Props<u8>) -> ActorRef<u8>;
}

impl SpawnAnonymous for Sim {
    fn spawn_anonymous_for_test(&mut self, props: Props<u8>) -> ActorRef<u8> {
        let started = self.node(0).spawn_all_anonymous([props]);
        started.into_iter().next().unwrap().unwrap()
    }
}

// ---- names that users gave -------------------------------------------------------------------------

/// Valid names, some of which are valid only without a prefix or suffix.
fn names() -> [String; 5] {
    [
        "a",
        "prices",
        "topic-prices",
        "group.1_x-y",
        &"n".repeat(255),
    ]
    .map(str::to_owned)
}

#[test]
fn s8_3_a_topic_and_a_group_live_under_the_name_that_they_were_given() {
    with_pools(|pool| {
        let node = pool.node();
        for name in names() {
            let topic = Topic::<u32>::open(&node, &name).unwrap();
            let group = Group::<u32>::open(&node, &name).unwrap();
            // Neither collides with an actor, nor with the other.
            let actor = pool.spawn(&name, echo(|| 1_u8)).unwrap();
            let found = pool.lookup::<TopicMessage<u32>>(format!("/topic/{name}"));
            assert_eq!(found.unwrap(), topic.actor_ref());
            let found = pool.lookup(format!("/group/{name}"));
            assert_eq!(found.unwrap(), group.actor_ref());
            let found = pool.lookup::<Reply<u8>>(format!("/user/{name}"));
            assert_eq!(found.unwrap(), actor);
            let same = Topic::<u32>::open(&node, &name).unwrap();
            assert_eq!(same.actor_ref(), topic.actor_ref());
        }
    });
}

#[test]
fn s1_8_a_name_that_is_none_is_refused_as_it_was_given() {
    with_pools(|pool| {
        let node = pool.node();
        let names = ["", "no name", "a/b", ".", "..", "$1", &"n".repeat(256), "ü"];
        for name in names {
            let expected: NameError = nexus_actors::address::validate_name(name).unwrap_err();
            for error in [
                Topic::<u32>::open(&node, name).unwrap_err(),
                Group::<u32>::open(&node, name).unwrap_err(),
            ] {
                is_said_once(&error);
                match error {
                    OpenError::Spawn(SpawnError::InvalidName(error)) => {
                        assert_eq!(error, expected);
                    }
                    other => panic!("{name:?}: {other}"),
                }
            }
            match Router::round_robin(1, echo(|| 1_u8)).spawn(&node, name) {
                Err(error) => assert_eq!(error.to_string(), expected.to_string()),
                Ok(_) => panic!("{name:?} is no name"),
            }
        }
    });
}

#[test]
fn s8_3_one_of_another_type_is_named_with_the_types_that_it_was_opened_with() {
    let expected =
        |path: &str| format!("the actor at {path} handles u32, not i64; look it up for those");
    with_pools(|pool| {
        let node = pool.node();
        Topic::<u32>::open(&node, "prices").unwrap();
        Group::<u32>::open(&node, "tellers").unwrap();
        let error = Topic::<i64>::open(&node, "prices").unwrap_err();
        is_said_once(&error);
        assert_eq!(error.to_string(), expected("/topic/prices"));
        let error = Group::<i64>::open(&node, "tellers").unwrap_err();
        is_said_once(&error);
        assert_eq!(error.to_string(), expected("/group/tellers"));
    });
    // The same if two workers open it while their pool starts.
    let (tell, told) = std::sync::mpsc::channel();
    let pool = pool_of(2).configure(move |node| {
        let opened = match node.index() {
            0 => Topic::<u32>::open(node, "prices").map(drop),
            _ => Topic::<i64>::open(node, "prices").map(drop),
        };
        if let Err(error) = opened {
            tell.send(error.to_string()).unwrap();
        }
        Ok(())
    });
    let pool = pool.start().unwrap();
    let error = told.recv_timeout(SOON).unwrap();
    let other = "the actor at /topic/prices handles i64, not u32; look it up for those";
    assert!(
        error == expected("/topic/prices") || error == other,
        "{error}"
    );
    pool.shutdown(SOON).unwrap();
}

#[test]
fn s7_1_what_is_asked_of_and_lost_by_a_topic_bears_the_name_that_it_was_given() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    let node = sim.node(0);
    let letters = DeadLetterProbe::new(&node);
    let topic = Topic::<u32>::open(&node, "prices").unwrap();
    topic.publish(5);
    sim.run_until_idle();
    // There are no subscribers.
    let lost = sim.dead_letters().recent();
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].message_type, "TopicMessage<u32>");
    let path = sim.trace().path_of(lost[0].target).cloned();
    assert_eq!(path.unwrap().as_str(), "/topic/prices");
    drop(letters);
    let group = Group::<u32>::open(&node, "tellers").unwrap();
    sim.run_until_idle();
    topic.actor_ref().suspend();
    group.actor_ref().suspend();
    for (asked, path, message) in [
        (
            topic.stats(SECOND).wait().map(drop),
            "/topic/prices",
            "TopicMessage<u32>",
        ),
        (
            group.members(SECOND).wait().map(drop),
            "/group/tellers",
            "GroupMessage<u32>",
        ),
    ] {
        let error = asked.unwrap_err();
        is_said_once(&error);
        let details = error.details().unwrap();
        assert_eq!(details.path().unwrap().as_str(), path);
        assert_eq!(details.message_type(), message);
    }
}
