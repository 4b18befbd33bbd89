//! The path of a failed ask's target, wherever it was asked from and however it failed.

use std::sync::mpsc;
use std::time::Duration;

use crate::common::{NEVER, SOON, eventually, pool_of, with_pool};
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{BoxError, Directive, Mailbox, Overflow};

const SHORT: Duration = Duration::from_millis(10);

/// What happens to a question.
enum Question {
    Keep(Reply<u32>),
    Drop(Reply<u32>),
    Fail(Reply<u32>),
    Stop(Reply<u32>),
    /// Handled by a child without a name, which drops it.
    Child(Reply<ActorRef<Question>>),
    /// Put to the next actor on behalf of the asker, which receives the outcome.
    Ask(Vec<ActorRef<Question>>, Reply<Result<(), AskError>>),
    /// Put to that actor on behalf of the asker; the outcome is sent through the channel.
    Tell(ActorRef<Question>, mpsc::Sender<AskError>, Reply<u32>),
    /// Forwarded to that actor, which keeps it.
    HandOn(ActorRef<Question>, Reply<u32>),
    Busy(Duration),
    /// The actor sends itself that question before it stops.
    AskYourself(Asked, Reply<AskError>),
}

fn answering() -> Props<Question> {
    Props::new(|| {
        Behavior::with_state(Vec::new(), |kept: &mut Vec<_>, ctx, question| {
            match question {
                Question::Keep(reply) => kept.push(reply),
                Question::Drop(reply) => drop(reply),
                Question::Fail(_reply) => return Err::<_, BoxError>("planned".into()),
                Question::Stop(reply) => {
                    kept.push(reply);
                    return Ok(Next::Stop);
                }
                Question::Child(reply) => reply.send(ctx.spawn_anonymous(answering())?),
                Question::Ask(mut others, reply) => {
                    let next = others.remove(0);
                    let asked = next.ask(|own| Question::Ask(others, own), NEVER);
                    let answer = asked.wait_on_behalf_of(&reply);
                    reply.send(answer.and_then(|answer| answer));
                }
                Question::Tell(other, told, reply) => {
                    let asked = other.ask(Question::Keep, NEVER);
                    told.send(asked.wait_on_behalf_of(&reply).unwrap_err())?;
                }
                Question::HandOn(other, reply) => reply.forward(other, Question::Keep),
                Question::Busy(time) => ctx.sleep(time)?,
                Question::AskYourself(question, reply) => {
                    let child = ctx.spawn("mate", answering())?;
                    let asked = child.ask(question, SHORT).wait();
                    reply.send(asked.expect_err("nobody answers"));
                }
            }
            Ok(Next::Same)
        })
    })
    .supervising(SupervisorStrategy::one_for_one().decide(|_| Directive::Stop))
}

fn path_of(error: &AskError) -> String {
    let details = error.details().expect("it was asked");
    let path = details.path().map(ToString::to_string);
    path.unwrap_or_else(|| format!("no path in: {error}"))
}

/// How a question ends.
type Asked = fn(Reply<u32>) -> Question;

/// An ask that fails.
type Failing = Box<dyn FnOnce(&mut Context<'_, Asking>) -> AskError + Send>;

/// Asks, and waits for the error.
struct Asking(Failing, Reply<AskError>);

fn asking() -> Props<Asking> {
    Props::new(|| Behavior::receive(|ctx, Asking(ask, reply)| reply.send(ask(ctx))))
}

/// Where a question is asked, and how its answer is awaited.
#[derive(Clone, Copy, Debug, PartialEq)]
enum From {
    Handler,
    Future,
    Thread,
}

const ALL: [From; 3] = [From::Handler, From::Future, From::Thread];

impl From {
    fn ask(
        self,
        sim: &mut Sim,
        to: ActorRef<Question>,
        question: Asked,
        within: Duration,
    ) -> AskError {
        if self == Self::Thread {
            return to.ask(question, within).wait().unwrap_err();
        }
        let asker = sim.lookup::<Asking>("/user/asker");
        let asker = asker.unwrap_or_else(|_| sim.spawn_on(1, "asker", asking()).unwrap());
        let ask = move |ctx: &mut Context<'_, Asking>| {
            let asked = to.ask(question, within);
            let answer = match self {
                Self::Future => ctx.block_on(asked).unwrap(),
                _ => asked.wait(),
            };
            answer.unwrap_err()
        };
        let error = asker.ask(|reply| Asking(Box::new(ask), reply), NEVER);
        error.wait().unwrap()
    }
}

fn each(test: impl Fn(&mut Sim, From, ActorRef<Question>)) {
    for from in ALL {
        let builder = Sim::builder().workers(2).supervising(
            // A failed actor stops.
            SupervisorStrategy::one_for_one().decide(|_| Directive::Stop),
        );
        builder.check(0..10, |sim| {
            let target = sim.spawn_on(0, "target", answering()).unwrap();
            test(sim, from, target);
        });
    }
}

#[test]
fn s5_3_an_error_names_a_target_that_did_not_answer_wherever_it_lives() {
    each(|sim, from, target| {
        let error = from.ask(sim, target, Question::Keep, SHORT);
        assert_eq!(error.kind(), AskErrorKind::Timeout, "{from:?}");
        assert_eq!(path_of(&error), "/user/target", "{from:?}");
        assert!(error.to_string().contains("asked /user/target"), "{error}");
        let error = from.ask(sim, target, Question::Drop, NEVER);
        assert_eq!(error.kind(), AskErrorKind::NoReply);
        assert_eq!(path_of(&error), "/user/target", "{from:?}");
        // Also for a child without a name.
        let child = target.ask(Question::Child, NEVER).wait().unwrap();
        let error = from.ask(sim, child, Question::Drop, NEVER);
        let id = child.id();
        let path = path_of(&error);
        assert!(path.starts_with("/user/target/$0."), "{path} of {id}");
    });
}

#[test]
fn s5_3_an_error_names_a_target_that_has_stopped_or_failed_meanwhile() {
    each(|sim, from, target| {
        let error = from.ask(sim, target, Question::Stop, NEVER);
        assert_eq!(error.kind(), AskErrorKind::TargetStopped, "{from:?}");
        assert_eq!(path_of(&error), "/user/target", "{from:?}");
        // And again, long after.
        sim.run_for(SOON);
        let error = from.ask(sim, target, Question::Keep, NEVER);
        assert_eq!(error.kind(), AskErrorKind::TargetStopped);
        assert_eq!(path_of(&error), "/user/target", "{from:?}");
    });
    each(|sim, from, target| {
        let error = from.ask(sim, target, Question::Fail, NEVER);
        assert_eq!(error.kind(), AskErrorKind::TargetFailed);
        assert_eq!(path_of(&error), "/user/target", "{from:?}");
    });
    each(|sim, from, target| {
        // In the mailbox of an actor that is killed.
        target.tell(Question::Busy(SHORT));
        sim.schedule(SHORT / 2, move || target.kill());
        let error = from.ask(sim, target, Question::Keep, NEVER);
        assert_eq!(error.kind(), AskErrorKind::TargetStopped);
        assert_eq!(path_of(&error), "/user/target", "{from:?}");
    });
}

#[test]
fn s5_3_an_error_names_a_target_that_has_ended_on_the_askers_own_worker() {
    Sim::builder().check(0..10, |sim| {
        let own: [(Asked, _); 4] = [
            (Question::Stop, AskErrorKind::TargetStopped),
            (Question::Fail, AskErrorKind::TargetFailed),
            (Question::Keep, AskErrorKind::Timeout),
            (Question::Drop, AskErrorKind::NoReply),
        ];
        for (place, (question, kind)) in own.into_iter().enumerate() {
            let parent = sim.spawn(&format!("p{place}"), answering()).unwrap();
            let asked = parent.ask(|reply| Question::AskYourself(question, reply), NEVER);
            let error = asked.wait().unwrap();
            assert_eq!(error.kind(), kind);
            assert_eq!(path_of(&error), format!("/user/p{place}/mate"));
        }
    });
}

#[test]
fn s5_6_an_error_names_the_target_of_the_ask_that_closed_a_cycle() {
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..50, |sim| {
            let first = sim.spawn_on(0, "first", answering()).unwrap();
            let second = sim.spawn_on(workers - 1, "second", answering()).unwrap();
            let asked = first.ask(|reply| Question::Ask(vec![second, first], reply), NEVER);
            let error = asked.wait().unwrap().unwrap_err();
            assert_eq!(error.kind(), AskErrorKind::Deadlock);
            assert_eq!(path_of(&error), "/user/first");
        });
    }
}

#[test]
fn s5_3_an_error_names_the_target_of_an_ask_that_is_no_longer_needed() {
    for workers in [1, 2] {
        Sim::builder().workers(workers).check(0..20, |sim| {
            let target = sim.spawn_on(workers - 1, "target", answering()).unwrap();
            let first = sim.spawn_on(0, "first", answering()).unwrap();
            let (tell, told) = mpsc::channel();
            let asker = sim.spawn_on(workers - 1, "asker", asking()).unwrap();
            let ask = move |_: &mut Context<'_, Asking>| {
                let asked = first.ask(|reply| Question::Tell(target, tell, reply), NEVER);
                // The other ask's time-out does not travel with this question.
                let other = target.ask(Question::Keep, SHORT).wait();
                drop(asked);
                other.unwrap_err()
            };
            let error = asker.ask(|reply| Asking(Box::new(ask), reply), NEVER);
            assert_eq!(path_of(&error.wait().unwrap()), "/user/target");
            sim.run_for(SHORT);
            let error = told.try_recv().unwrap();
            assert_eq!(error.kind(), AskErrorKind::Cancelled);
            assert_eq!(path_of(&error), "/user/target");
        });
    }
}

#[test]
fn s5_3_an_error_names_a_target_that_was_asked_by_way_of_others() {
    each(|sim, from, target| {
        // Through one `contramap`, and through two.
        let first = target.contramap(|reply: Reply<u32>| Question::Keep(reply));
        let second = first.contramap(|(reply, _): (Reply<u32>, u8)| reply);
        if from == From::Thread {
            let error = second.ask(|reply| (reply, 1), SHORT).wait().unwrap_err();
            assert_eq!(path_of(&error), "/user/target");
        }
        // A bounded mailbox, whatever its overflow strategy.
        for (place, overflow) in [Overflow::Fail, Overflow::DropOldest]
            .into_iter()
            .enumerate()
        {
            let name = format!("bounded-{place}");
            let props = answering().mailbox(Mailbox::bounded(1, overflow).unwrap());
            let bounded = sim.spawn_on(0, &name, props).unwrap();
            let error = from.ask(sim, bounded, Question::Keep, SHORT);
            assert_eq!(error.kind(), AskErrorKind::Timeout);
            assert_eq!(path_of(&error), format!("/user/{name}"));
        }
    });
    // The asker of a forwarded question waits for the next actor.
    Sim::builder().workers(2).check(0..10, |sim| {
        let desk = sim.spawn_on(0, "desk", answering()).unwrap();
        let clerk = sim.spawn_on(0, "clerk", answering()).unwrap();
        let asker = sim.spawn_on(1, "asker", asking()).unwrap();
        let ask = move |_: &mut Context<'_, Asking>| {
            let asked = desk.ask(|reply| Question::HandOn(clerk, reply), SHORT);
            asked.wait().unwrap_err()
        };
        let error = asker.ask(|reply| Asking(Box::new(ask), reply), NEVER);
        assert_eq!(path_of(&error.wait().unwrap()), "/user/clerk");
    });
}

#[test]
fn s5_3_a_thread_and_an_executor_are_told_the_path_too() {
    with_pool(pool_of(2), |pool| {
        let target = pool.spawn_on(1, "target", answering()).unwrap();
        let error = target.ask(Question::Keep, SHORT).wait().unwrap_err();
        assert_eq!(path_of(&error), "/user/target");
        let error = target.ask(Question::Drop, NEVER).wait().unwrap_err();
        assert_eq!(path_of(&error), "/user/target");
        // Polled, and through another worker's wait.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let error = runtime
            .block_on(target.ask(Question::Keep, SHORT))
            .unwrap_err();
        assert_eq!(path_of(&error), "/user/target");
        let (give, given) = mpsc::channel();
        let asker = Props::new(move || {
            let give = give.clone();
            Behavior::receive(move |_ctx, ()| give.send(target.ask(Question::Keep, SHORT)).unwrap())
        });
        pool.spawn_on(0, "asker", asker).unwrap().tell(());
        let error = runtime.block_on(given.recv().unwrap()).unwrap_err();
        assert_eq!(path_of(&error), "/user/target");
        // Given up, because the question it was asked on behalf of is no longer awaited.
        let (give, given) = mpsc::channel();
        drop(target.ask(
            |reply: Reply<u32>| {
                give.send(reply).unwrap();
                Question::Busy(Duration::ZERO)
            },
            NEVER,
        ));
        let over = given.recv().unwrap();
        let error = target
            .ask(Question::Keep, NEVER)
            .wait_on_behalf_of(&over)
            .unwrap_err();
        assert_eq!(error.kind(), AskErrorKind::Cancelled);
        assert_eq!(path_of(&error), "/user/target");
        let error = target.ask(Question::Stop, NEVER).wait().unwrap_err();
        assert_eq!(error.kind(), AskErrorKind::TargetStopped);
        assert_eq!(path_of(&error), "/user/target");
    });
}

#[test]
fn s5_3_only_the_id_is_known_of_a_target_without_a_name_that_was_not_asked_before() {
    with_pool(pool_of(1), |pool| {
        let (hold, held) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let held = std::sync::Mutex::new(Some(held));
        let holder = Props::new(move || {
            let (held, begin) = (held.lock().unwrap().take(), begin.clone());
            Behavior::receive(move |_ctx, ()| {
                begin.send(()).unwrap();
                let _ = held.as_ref().map(mpsc::Receiver::recv);
            })
        });
        let target = pool.spawn_anonymous(answering()).unwrap();
        pool.spawn("holder", holder).unwrap().tell(());
        begun.recv().unwrap();
        let error = target.ask(Question::Keep, SHORT).wait().unwrap_err();
        drop(hold);
        let details = error.details().unwrap();
        assert_eq!(
            (details.target(), details.path()),
            (Some(target.id()), None)
        );
        eventually("its worker goes on", || {
            let asked = target.ask(Question::Drop, SOON).wait();
            path_of(&asked.unwrap_err()).starts_with("/user/$0.")
        });
    });
}
