//! Behaviours, functional and as a trait: what a handler may return, and the effect of it.

use crate::common::*;
use nexus_actors::DeadLetterReason;
use nexus_actors::actor::IntoNext;
use nexus_actors::failure::Cause;
use nexus_actors::prelude::*;
use std::sync::{Arc, Mutex};

/// What the handlers of these tests are told to do.
enum Do {
    Count(Reply<u32>),
    Become(u32),
    Stop,
    Nothing,
    Fail,
}

/// The functional form: counts, from `base`.
fn functional(base: u32) -> Behavior<Do> {
    Behavior::with_state(base, |count, _ctx, message| {
        *count += 1;
        Ok(match message {
            Do::Count(reply) => {
                reply.send(*count);
                Next::Same
            }
            Do::Become(base) => Next::Become(functional(base)),
            Do::Stop => Next::Stop,
            Do::Nothing => Next::Unhandled,
            Do::Fail => return Err("planned".into()),
        })
    })
}

/// The same as a trait.
struct Structured(u32, Log);

impl Actor for Structured {
    type Message = Do;

    fn receive(&mut self, _ctx: &mut Context<'_, Do>, message: Do) -> HandlerResult<Do> {
        self.0 += 1;
        match message {
            Do::Count(reply) => reply.send(self.0),
            Do::Become(base) => {
                return Ok(Next::Become(Behavior::actor(Self(base, self.1.clone()))));
            }
            Do::Stop => return Ok(Next::Stop),
            Do::Nothing => return Ok(Next::Unhandled),
            Do::Fail => Err("planned")?,
        }
        Ok(Next::Same)
    }

    fn signal(&mut self, ctx: &mut Context<'_, Do>, signal: &Signal) -> HandlerResult<Do> {
        self.1.add(format!("{} {signal:?}", ctx.path().name()));
        Ok(Next::Same)
    }
}

fn count(actor: ActorRef<Do>) -> Result<u32, AskError> {
    actor.ask(Do::Count, SOON).wait()
}

fn keeps_its_promises(make: impl Fn() -> Behavior<Do> + Send + Sync + Clone + 'static) {
    for workers in SIZES {
        let failures = Log::default();
        with_pool(pool_of(workers).on_failure(failures.hook()), |pool| {
            let spawn = |name: &str| pool.spawn(name, Props::new(make.clone())).unwrap();
            let actor = spawn("same");
            assert_eq!((count(actor), count(actor)), (Ok(1), Ok(2)));

            actor.tell(Do::Become(100));
            assert_eq!(count(actor), Ok(101), "it goes on as another");
            actor.tell(Do::Nothing);
            assert_eq!(count(actor), Ok(103), "it goes on");
            let letters = pool.dead_letters();
            assert_eq!(letters.count(DeadLetterReason::Unhandled), 1);

            actor.tell(Do::Stop);
            actor.tell(Do::Nothing);
            assert!(matches!(count(actor), Err(AskError::TargetStopped(_))));
            gone(pool, "/user/same");
            assert!(failures.lines().is_empty());

            let failing = spawn("failing");
            failing.tell(Do::Fail);
            gone(pool, "/user/failing");
            assert!(
                failures.lines()[0].contains("/user/failing failed while handling a"),
                "{:?}",
                failures.lines()
            );
        });
        assert_eq!(failures.lines().len(), 1);
    }
}

#[test]
fn s2_1_a_functional_behaviour_goes_on_becomes_stops_passes_and_fails() {
    keeps_its_promises(|| functional(0));
}

#[test]
fn s2_1_a_trait_goes_on_becomes_stops_passes_and_fails() {
    let log = Log::default();
    let signals = log.clone();
    keeps_its_promises(move || Behavior::actor(Structured(0, signals.clone())));
    let lines = log.lines();
    let of = |line: &str| lines.iter().filter(|told| *told == line).count();
    assert_eq!(
        [of("same PreStart"), of("same PostStop(Stopped)")],
        [SIZES.len(); 2]
    );
    assert_eq!(
        [of("failing PreStart"), of("failing PostStop(Failed)")],
        [SIZES.len(); 2]
    );
}

#[test]
fn s2_1_a_setup_makes_the_behaviour_with_the_context_also_when_it_is_returned_from_a_handler() {
    fn with_child(depth: u32) -> Behavior<Option<Reply<u32>>> {
        Behavior::setup(move |ctx| {
            let child = ctx.spawn(&format!("child-{depth}"), echo(move || depth))?;
            Ok(Behavior::setup(move |_ctx| {
                let depth = child.ask(|reply| reply, SOON).wait()?;
                Ok(Behavior::receive(
                    move |_ctx, message: Option<Reply<u32>>| match message {
                        Some(reply) => {
                            reply.send(depth);
                            Next::Same
                        }
                        None => Next::Become(with_child(depth + 1)),
                    },
                ))
            }))
        })
    }
    with_pools(|pool| {
        let actor = pool.spawn("actor", Props::new(|| with_child(0))).unwrap();
        for depth in 0..5 {
            assert_eq!(actor.ask(Some, SOON).wait(), Ok(depth));
            actor.tell(None);
        }
        assert!(pool.lookup::<Reply<u32>>("/user/actor/child-4").is_ok());
    });
}

#[test]
fn s2_1_state_is_changed_in_place_and_dropped_with_its_behaviour() {
    struct NotClone(Log);
    impl Drop for NotClone {
        fn drop(&mut self) {
            self.0.add("dropped");
        }
    }
    with_pools(|pool| {
        let log = Log::default();
        let kept = log.clone();
        let actor = pool
            .spawn(
                "actor",
                Props::new(move || {
                    Behavior::with_state(NotClone(kept.clone()), |state, _ctx, last: bool| {
                        state.0.add("used");
                        if last {
                            Next::Become(Behavior::stopped())
                        } else {
                            Next::Same
                        }
                    })
                }),
            )
            .unwrap();
        actor.tell(false);
        actor.tell(true);
        gone(pool, "/user/actor");
        eventually("it is dropped", || {
            log.lines() == ["used", "used", "dropped"]
        });
    });
}

#[test]
fn s2_1_whatever_a_handler_returns_is_a_decision() {
    fn next<T: IntoNext<u8>>(answer: T) -> Result<Next<u8>, BoxError> {
        answer.into_next()
    }
    assert!(matches!(next(()), Ok(Next::Same)));
    assert!(matches!(next(Next::Stop), Ok(Next::Stop)));
    assert!(matches!(next(Behavior::stopped()), Ok(Next::Become(_))));
    assert!(matches!(next(Ok(())), Ok(Next::Same)));
    assert!(next(Err::<(), _>("planned".into())).is_err());
}

#[test]
fn s2_1_an_error_arrives_whole_at_the_hook() {
    #[derive(Debug, thiserror::Error)]
    #[error("planned {0}")]
    struct Planned(u32);
    let caught = Arc::new(Mutex::new(None));
    let told = Arc::clone(&caught);
    let builder = pool_of(1).on_failure(move |failure| {
        let Cause::Error(error) = &failure.cause else {
            return;
        };
        *told.lock().unwrap() = error
            .downcast_ref::<Planned>()
            .map(|planned| (planned.0, failure.message_type));
    });
    with_pool(builder, |pool| {
        let actor = pool
            .spawn(
                "actor",
                Props::new(|| {
                    Behavior::receive(|_ctx, number: u32| Err::<(), _>(Planned(number).into()))
                }),
            )
            .unwrap();
        actor.tell(42);
        gone(pool, "/user/actor");
    });
    assert_eq!(*caught.lock().unwrap(), Some((42, "u32")));
}
