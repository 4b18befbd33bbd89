//! Systems that are driven, dropped or asked in handlers and destructors.

use super::{Count, counter, end, smuggle, smuggled, stuck, system, with_system};
use crate::common::*;
use nexus_actors::StartError;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

/// Runs closures.
fn runner() -> Props<Box<dyn FnOnce() + Send>> {
    Props::new(|| Behavior::receive(|_ctx, work: Box<dyn FnOnce() + Send>| work()))
}

type Work = Box<dyn FnOnce() + Send>;

/// Runs `work` in a handler, and drives until it has run. Returns what the failure hook received.
fn in_handler(work: impl FnOnce() + Send + 'static) -> Vec<String> {
    let _watchdog = watchdog();
    let failures = Log::default();
    let builder = ActorSystem::builder().on_failure(failures.hook());
    let system = Rc::new(builder.start().unwrap());
    smuggle(Rc::clone(&system));
    let runner = system.spawn("runner", runner()).unwrap();
    let work: Work = Box::new(work);
    runner.tell(work);
    system.run();
    end(&system);
    failures.lines()
}

#[test]
fn s9_1_a_handler_that_drives_its_own_system_panics_with_the_reason() {
    let drives: [fn(&ActorSystem); 4] = [
        ActorSystem::run,
        ActorSystem::run_until_idle,
        |system| _ = system.run_until_shutdown(),
        |system| _ = system.shutdown(SOON),
    ];
    for drive in drives {
        let failures = in_handler(move || drive(&smuggled::<Rc<ActorSystem>>())).join("\n");
        assert!(
            failures.contains("a handler cannot drive an actor system"),
            "{failures}"
        );
    }
}

#[test]
fn s9_1_a_destructor_of_a_handler_that_panics_drives_nothing() {
    in_child(
        "system::nested::s9_1_a_destructor_of_a_handler_that_panics_drives_nothing",
        || {
            let failures = in_handler(|| {
                let system = smuggled::<Rc<ActorSystem>>();
                let _guard = OnDrop(|| {
                    system.run();
                    let _ = system.shutdown(SOON);
                });
                panic!("planned");
            });
            assert_eq!(failures.len(), 1, "{failures:?}");
        },
    );
}

#[test]
fn s9_1_in_its_own_handler_a_system_can_be_looked_at_and_given_orders() {
    let failures = in_handler(|| {
        let system = smuggled::<Rc<ActorSystem>>();
        let counter = system.spawn("counter", counter()).unwrap();
        assert_eq!(counter.ask(Count::Get, SOON).wait(), Ok(0));
        assert_eq!(system.run_until(counter.ask(Count::Get, SOON)), Ok(0));
        assert_eq!(system.waiting(), []);
        assert!(system.now() > Duration::ZERO);
        assert!(system.lookup::<Count>("/user/counter").is_ok());
        assert!(!system.has_ended());
        system.request_shutdown(SOON);
    });
    assert_eq!(failures, Vec::<String>::new());
}

#[test]
fn s5_1_an_ask_begun_outside_can_be_waited_for_in_a_handler() {
    with_system(ActorSystem::builder(), |system| {
        let answering = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| reply.send(7)));
        let answering = system.spawn("answering", answering).unwrap();
        smuggle(answering.ask(|reply| reply, NEVER));
        let runner = system.spawn("runner", runner()).unwrap();
        let (tell, told) = mpsc::channel();
        let work: Work = Box::new(move || tell.send(smuggled::<Ask<u8>>().wait()).unwrap());
        runner.tell(work);
        system.run_until_idle();
        assert_eq!(told.try_recv(), Ok(Ok(7)));
    });
}

#[test]
fn s9_1_a_handler_cannot_start_a_system() {
    let failures = in_handler(|| {
        let refused = ActorSystem::new("inner").err();
        assert!(matches!(refused, Some(StartError::OnWorker)), "{refused:?}");
    });
    assert_eq!(failures, Vec::<String>::new());
}

#[test]
fn s4_4_a_system_dropped_in_its_own_handler_ends() {
    in_child(
        "system::nested::s4_4_a_system_dropped_in_its_own_handler_ends",
        || {
            for panics in [false, true] {
                let log = Log::default();
                let system = system();
                let waiting = system.spawn("stuck", stuck(&log)).unwrap();
                waiting.tell(());
                system.run_until_idle();
                let answering = system.spawn(
                    "answering",
                    Props::new(move || {
                        Behavior::receive(move |_ctx, reply: Reply<u8>| {
                            let system = smuggled::<ActorSystem>();
                            if panics {
                                panic!("planned: {system:?} is dropped by a panic");
                            }
                            drop(system);
                            reply.send(7);
                        })
                    }),
                );
                let asked = answering.unwrap().ask(|reply| reply, NEVER);
                smuggle(system);
                let expected = if panics {
                    Err(AskErrorKind::TargetFailed)
                } else {
                    Ok(7)
                };
                assert_eq!(asked.wait().map_err(|error| error.kind()), expected);
                assert_eq!(log.lines(), ["unwound", "told"]);
            }
        },
    );
}

#[test]
fn s4_4_a_system_dropped_in_the_handler_of_another_harms_nobody() {
    in_child(
        "system::nested::s4_4_a_system_dropped_in_the_handler_of_another_harms_nobody",
        || {
            let (inner, outer) = (system(), system());
            let waiting = inner.spawn("stuck", stuck(&Log::default())).unwrap();
            waiting.tell(());
            inner.run_until_idle();
            let asked = waiting;
            smuggle(inner);
            let runner = outer.spawn("runner", runner()).unwrap();
            let other = outer.spawn("other", echo(|| 7)).unwrap();
            let (tell, told) = mpsc::channel();
            let work: Work = Box::new(move || {
                drop(smuggled::<ActorSystem>());
                tell.send(other.ask(|reply| reply, SOON).wait()).unwrap();
            });
            runner.tell(work);
            outer.run();
            assert_eq!(told.try_recv(), Ok(Ok(7)), "the handler can still wait");
            assert!(asked.try_tell(()).is_err());
            end(&outer);
        },
    );
}

#[test]
fn s4_9_destructors_may_ask() {
    struct Asks(ActorRef<Count>, Log);
    impl Drop for Asks {
        fn drop(&mut self) {
            let answer = self.0.ask(Count::Get, SOON).wait();
            self.1.add(format!("{answer:?}"));
        }
    }
    with_system(ActorSystem::builder(), |system| {
        let log = Log::default();
        let counter = system.spawn("counter", counter()).unwrap();
        // The unclaimed answer of an ask, dropped outside of any handler.
        let noted = log.clone();
        let answers = system.spawn(
            "answers",
            Props::new(move || {
                let log = noted.clone();
                Behavior::receive(move |_ctx, reply: Reply<Asks>| {
                    reply.send(Asks(counter, log.clone()));
                })
            }),
        );
        let asked = answers.unwrap().ask(|reply| reply, SOON);
        system.run();
        drop(asked);
        assert_eq!(log.lines(), ["Ok(0)"]);
        // A message in its handler, and a message that is lost.
        let eats = Props::new(|| Behavior::receive(|_ctx, _: Asks| Next::Stop));
        let eats = system.spawn("eats", eats).unwrap();
        (0..2).for_each(|_| eats.tell(Asks(counter, log.clone())));
        system.run();
        assert_eq!(log.lines()[1], "Ok(0)");
        assert_eq!(log.lines().len(), 3);
    });
}

/// What a destructor drives while the runtime runs it is not part of that drop.
#[test]
fn s5_3_what_a_destructor_drives_is_not_touched_by_why_it_runs() {
    struct Asks(ActorRef<Reply<u8>>, mpsc::Sender<Result<u8, AskError>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            let answer = self.0.ask(|reply| reply, NEVER).wait();
            self.1.send(answer).unwrap();
        }
    }
    with_system(ActorSystem::builder(), |live| {
        let props = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| drop(reply)));
        let forgetful = live.spawn("forgetful", props).unwrap();
        let ended = system();
        let props = Props::new(|| Behavior::receive(|_ctx, _: Asks| ()));
        let gone = ended.spawn("gone", props).unwrap();
        end(&ended);
        let (tell, told) = mpsc::channel();
        gone.tell(Asks(forgetful, tell));
        assert!(matches!(told.try_recv(), Ok(Err(AskError::NoReply(_)))));
    });
}
