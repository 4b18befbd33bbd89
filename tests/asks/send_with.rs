//! Answers that depend on another actor's answer: `Reply::send_with`.

use crate::common::{LONG, NEVER, SECOND, SOON, finish, ms, pool_of, watchdog};
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{BoxError, all};
use std::sync::{Arc, Mutex};

/// How a handler waits for another actor's answer.
type WaitFor = fn(&mut Context<'_, Message>, Ask<u32>) -> Result<u32, AskError>;

const WAYS: [WaitFor; 4] = [
    |_, asked| asked.wait(),
    |_, asked| all([asked]).wait().map(|answers| answers[0]),
    |_, asked| asked.map(|number| number).wait(),
    |ctx, asked| ctx.block_on(asked)?,
];

enum Message {
    Meet(ActorRef<Message>, Reply<()>),
    Ask(Reply<u32>),
}

/// Asks the actor it has met for the answer, and records why there is none.
fn relay(wait: WaitFor, errors: Arc<Mutex<Vec<AskErrorKind>>>) -> Props<Message> {
    Props::new(move || {
        let errors = Arc::clone(&errors);
        Behavior::with_state(None, move |next, ctx, message| match message {
            Message::Meet(other, reply) => {
                *next = Some(other);
                reply.send(());
            }
            Message::Ask(reply) => {
                let asked = next.expect("it has met one").ask(Message::Ask, NEVER);
                let sent = reply.send_with(|| wait(ctx, asked));
                if let Err(error) = sent {
                    errors.lock().unwrap().push(error.kind());
                }
            }
        })
    })
}

fn meet(relay: ActorRef<Message>, other: ActorRef<Message>) {
    let met = relay.ask(|reply| Message::Meet(other, reply), SOON);
    met.wait().unwrap();
}

#[test]
fn s5_6_a_cycle_of_answers_that_others_are_asked_for_is_certain() {
    let _watchdog = watchdog();
    for wait in WAYS {
        for workers in [1, 2] {
            let errors = Arc::default();
            let pool = pool_of(workers).start().unwrap();
            let ring = [0, 1, 0].map(|worker| {
                let relay = relay(wait, Arc::clone(&errors));
                pool.spawn_on(
                    worker % workers,
                    &format!("relay-{worker}-{}", pool.stats().actors()),
                    relay,
                )
                .unwrap()
            });
            for (at, relay) in ring.iter().enumerate() {
                let other = ring[(at + 1) % ring.len()];
                meet(*relay, other);
            }
            // Otherwise this thread would be the one that waits for ever.
            let asked = ring[0].ask(Message::Ask, NEVER).wait().unwrap_err();
            assert_eq!(asked.kind(), AskErrorKind::NoReply);
            finish(&pool, SOON);
            let errors = errors.lock().unwrap();
            assert!(errors.contains(&AskErrorKind::Deadlock), "{errors:?}");
        }
    }
}

/// Never answers, but keeps the replies.
fn silent() -> Props<Message> {
    Props::new(|| {
        Behavior::with_state(Vec::new(), |kept, _ctx, message: Message| {
            kept.push(message)
        })
    })
}

#[test]
fn s5_1_an_answer_is_made_for_no_longer_than_it_is_waited_for() {
    for wait in WAYS {
        for seed in 0..20 {
            let mut sim = Sim::builder().seed(seed).start().unwrap();
            let errors = Arc::default();
            let relay = sim
                .spawn("relay", relay(wait, Arc::clone(&errors)))
                .unwrap();
            let silent = sim.spawn("silent", silent()).unwrap();
            meet(relay, silent);
            // An actor that waits in a handler, and gives up after a while.
            let asker = sim.spawn(
                "asker",
                Props::new(move || {
                    Behavior::receive(
                        move |_ctx, (within, reply): (std::time::Duration, Reply<bool>)| {
                            reply.send(relay.ask(Message::Ask, within).wait().is_err());
                        },
                    )
                }),
            );
            let asked = asker.unwrap().ask(|reply| (ms(50), reply), LONG);
            assert!(asked.wait().unwrap());
            sim.run_until_idle();
            assert_eq!(errors.lock().unwrap().len(), 1, "nobody waits any more");
            // A thread outside the simulation.
            assert!(relay.ask(Message::Ask, ms(50)).wait().is_err());
            sim.run_until_idle();
            assert_eq!(errors.lock().unwrap().len(), 2, "nobody waits any more");
        }
    }
}

#[test]
fn s5_1_an_answer_is_not_made_any_more_when_the_asker_has_given_up() {
    for wait in WAYS {
        for seed in 0..20 {
            let mut sim = Sim::builder().seed(seed).start().unwrap();
            let errors = Arc::<Mutex<Vec<AskErrorKind>>>::default();
            let relay = sim
                .spawn("relay", relay(wait, Arc::clone(&errors)))
                .unwrap();
            let silent = sim.spawn("silent", silent()).unwrap();
            meet(relay, silent);
            let asker = sim.spawn(
                "asker",
                Props::new(move || {
                    Behavior::receive(move |ctx, (): ()| {
                        let asked = relay.ask(Message::Ask, LONG);
                        ctx.sleep(ms(5))?;
                        drop(asked);
                        Ok(())
                    })
                }),
            );
            asker.unwrap().tell(());
            sim.run_for(SECOND);
            assert_eq!(*errors.lock().unwrap(), [AskErrorKind::Cancelled]);
        }
    }
}

#[test]
fn s5_2_an_answer_that_cannot_be_made_ends_the_ask() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let fails = Props::new(|| {
        Behavior::receive(|_ctx, (passes_on, reply): (bool, Reply<u32>)| {
            let sent = reply.send_with(|| Err::<u32, BoxError>("planned".into()));
            if passes_on { sent } else { Ok(()) }
        })
    });
    let fails = pool.spawn("fails", fails).unwrap();
    let kind = |passes_on| {
        let asked = fails.ask(|reply| (passes_on, reply), SOON);
        asked.wait().unwrap_err().kind()
    };
    assert_eq!(kind(false), AskErrorKind::NoReply);
    assert_eq!(kind(true), AskErrorKind::TargetFailed);
    finish(&pool, SOON);
}

#[test]
fn s5_1_what_is_started_for_an_answer_is_not_on_behalf_of_the_asker() {
    let mut sim = Sim::builder().start().unwrap();
    let slow = Props::new(|| {
        Behavior::receive(|ctx, reply: Reply<u32>| {
            ctx.sleep(ms(500))?;
            reply.send(7);
            Ok(())
        })
    });
    let slow = sim.spawn("slow", slow).unwrap();
    let answers = Arc::<Mutex<Vec<u32>>>::default();
    let note = Arc::clone(&answers);
    let starts = Props::new(move || {
        let note = Arc::clone(&note);
        Behavior::receive(move |ctx, reply: Reply<u32>| {
            let note = Arc::clone(&note);
            let child = Props::new(move || {
                let note = Arc::clone(&note);
                Behavior::setup(move |_ctx| {
                    note.lock()
                        .unwrap()
                        .push(slow.ask(|reply| reply, LONG).wait()?);
                    Ok(Behavior::receive(|_ctx, (): ()| ()))
                })
            });
            reply.send_with(|| Ok(ctx.spawn_anonymous(child).map(|_| 1)?))
        })
    });
    let starts = sim.spawn("starts", starts).unwrap();
    assert!(starts.ask(|reply| reply, ms(50)).wait().is_err());
    sim.run_for(SECOND);
    assert_eq!(*answers.lock().unwrap(), [7]);
}
