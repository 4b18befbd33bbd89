//! Defects found by reading, in odd corners: each of these tests failed once.

use crate::common::*;
use nexus_actors::prelude::*;
use nexus_actors::{Ask, DeadLetterReason, Next, SpawnError};
use std::cell::RefCell;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

/// Blocks its thread, as a computation does.
fn work() {
    thread::sleep(ms(2));
}

#[test]
fn s4_9_a_message_that_is_left_unhandled_after_a_wait_does_not_end_the_process() {
    in_child(
        "mended::s4_9_a_message_that_is_left_unhandled_after_a_wait_does_not_end_the_process",
        || {
            with_pool(pool_of(1), |pool| {
                let late = Props::new(|| {
                    Behavior::receive(|ctx, _: u32| {
                        ctx.sleep(ms(20))?;
                        work();
                        Ok(Next::Unhandled)
                    })
                });
                let busy = Props::new(|| {
                    Behavior::receive(|ctx, (left, done): (u32, Reply<()>)| {
                        work();
                        match left {
                            0 => done.send(()),
                            _ => ctx.self_ref().tell((left - 1, done)),
                        }
                    })
                });
                let late = pool.spawn("late", late).unwrap();
                let busy = pool.spawn("busy", busy).unwrap();
                let done = busy.ask(|reply| (100, reply), SOON);
                (0..10).for_each(|number| late.tell(number));
                done.wait().unwrap();
                let letters = pool.dead_letters();
                eventually("all are left unhandled", || {
                    letters.count(DeadLetterReason::Unhandled) == 10
                });
            });
        },
    );
}

#[test]
fn s3_4_messages_that_are_left_unhandled_fill_a_round_as_others_do() {
    const EACH: u64 = 64;
    let system = ActorSystem::new("test").unwrap();
    let victim = |others: Vec<ActorRef<()>>| {
        Props::new(move || {
            let mut others = others.clone();
            Behavior::receive(move |_ctx, ()| {
                // The order comes from an outside thread, so it is carried out when the next round begins.
                let others = std::mem::take(&mut others);
                thread::scope(|scope| {
                    scope.spawn(|| others.into_iter().for_each(ActorRef::kill));
                });
                Next::Unhandled
            })
        })
    };
    let others: Vec<_> = (0..64)
        .map(|_| system.spawn_anonymous(victim(Vec::new())).unwrap())
        .collect();
    let first = system.spawn_anonymous(victim(others.clone())).unwrap();
    let filler = Props::new(move || {
        let others = others.clone();
        Behavior::receive(move |_ctx, ()| {
            for victim in [first].iter().chain(&others) {
                victim.tell_all((0..EACH).map(|_| ()));
            }
        })
    });
    let filler = system.spawn("filler", filler).unwrap();
    system.run_until_idle();
    filler.tell(());
    system.run_until_idle();
    let unhandled = system.dead_letters().count(DeadLetterReason::Unhandled);
    assert!(
        (EACH..2 * EACH).contains(&unhandled),
        "{unhandled} until an order was followed"
    );
}

thread_local! {
    static SYSTEM: RefCell<Option<ActorSystem>> = const { RefCell::new(None) };
    static BORROWED: String = "used first by a handler".to_owned();
}

#[test]
fn s4_16_a_system_in_a_thread_local_is_watched_over_after_many_others_too() {
    const CHILD: &str = "NEXUS_ACTORS_TEST_AFTER_MANY";
    let test = "mended::s4_16_a_system_in_a_thread_local_is_watched_over_after_many_others_too";
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        let used = thread::spawn(|| {
            for _ in 0..200 {
                ActorSystem::new("before").unwrap().run_until_idle();
            }
            SYSTEM.set(Some(ActorSystem::new("kept").unwrap()));
            SYSTEM.with_borrow(|system| {
                let system = system.as_ref().unwrap();
                let borrower = Props::new(|| {
                    Behavior::receive(|ctx, ()| Ok(BORROWED.with(|_borrowed| ctx.sleep(NEVER))?))
                });
                system.spawn("borrower", borrower).unwrap().tell(());
                system.run_until_idle();
            });
        });
        return used.join().unwrap();
    }
    let output = run_again(test, CHILD);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it goes on: {error}");
    assert!(
        error.contains("shut the system down before its thread ends"),
        "{error}"
    );
}

/// Keeps every reply.
fn mute() -> Props<Reply<()>> {
    Props::new(|| {
        let mut kept = Vec::new();
        Behavior::receive(move |_ctx, reply| kept.push(reply))
    })
}

#[test]
fn s6_2_a_wait_on_behalf_of_a_thread_lasts_as_long_after_a_long_computation() {
    with_pool(pool_of(1), |pool| {
        let mute = pool.spawn("mute", mute()).unwrap();
        let (give, ended) = mpsc::channel();
        let slow = Props::new(move || {
            let give = give.clone();
            Behavior::receive(move |_ctx, reply: Reply<()>| {
                thread::sleep(ms(600));
                let answer = mute.ask(|reply| reply, NEVER).wait_on_behalf_of(&reply);
                give.send((Instant::now(), answer.is_err())).unwrap();
            })
        });
        let slow = pool.spawn("slow", slow).unwrap();
        let until = Instant::now() + SECOND;
        assert!(slow.ask(|reply| reply, until).wait().is_err());
        let (ended, is_over) = ended.recv_timeout(SOON).unwrap();
        assert!(is_over);
        assert!(ended >= until, "{:?} too early", until - ended);
    });
}

/// Asks when it is dropped, and reports when that was.
struct AsksInTheEnd {
    mute: ActorRef<Reply<()>>,
    asked: mpsc::Sender<(Instant, Ask<()>)>,
}

impl Drop for AsksInTheEnd {
    fn drop(&mut self) {
        thread::sleep(ms(300));
        let now = Instant::now();
        let ask = self.mute.ask(|reply| reply, ms(400));
        let _ = self.asked.send((now, ask));
    }
}

#[test]
fn s6_2_what_a_destructor_asks_while_mail_is_taken_in_has_all_of_its_time() {
    with_pool(pool_of(1), |pool| {
        let mute = pool.spawn("mute", mute()).unwrap();
        let gone_soon = Props::new(|| Behavior::receive(|_ctx, _: AsksInTheEnd| {}));
        let stopped = pool.spawn("stopped", gone_soon).unwrap();
        stopped.stop();
        gone(pool, "/user/stopped");
        let (give, asked) = mpsc::channel();
        // Both are lost in one round, which comes after this handler.
        let (go, gate) = mpsc::channel();
        let gate = std::sync::Mutex::new(Some(gate));
        let blocking = Props::new(move || {
            let gate = gate.lock().unwrap().take().unwrap();
            Behavior::receive(move |_ctx, ()| gate.recv().unwrap())
        });
        pool.spawn("blocking", blocking).unwrap().tell(());
        for _ in 0..2 {
            let asked = give.clone();
            stopped.tell(AsksInTheEnd { mute, asked });
        }
        go.send(()).unwrap();
        for _ in 0..2 {
            let (began, ask) = asked.recv_timeout(SOON).unwrap();
            assert!(ask.wait().is_err());
            let lasted = began.elapsed();
            assert!(lasted >= ms(400), "over after {lasted:?}");
        }
    });
}

/// The error of a start, which reports when it is dropped.
#[derive(Debug)]
struct Planned(mpsc::Sender<()>);

impl std::fmt::Display for Planned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("planned")
    }
}

impl std::error::Error for Planned {}

impl Drop for Planned {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[test]
fn s1_10_a_start_by_a_node_that_lasts_past_that_of_the_pool_leaves_nothing_behind() {
    let _watchdog = watchdog();
    let (give, replies) = mpsc::channel();
    let (told, dropped) = mpsc::channel();
    let builder = pool_of(1).configure(move |node| {
        // Lets `configure` continue when the setup has begun; the test lets the setup continue.
        let give = give.clone();
        let bell = node.spawn(
            "bell",
            Props::new(move || {
                let (give, mut configures) = (give.clone(), None);
                Behavior::receive(move |_ctx, (begun, reply): (bool, Reply<()>)| {
                    if begun {
                        give.send(reply).unwrap();
                        configures
                            .take()
                            .into_iter()
                            .for_each(|reply: Reply<()>| reply.send(()));
                    } else {
                        configures = Some(reply);
                    }
                })
            }),
        )?;
        let configures = bell.ask(|reply| (false, reply), SOON);
        let (node_of_actor, told) = (node.clone(), told.clone());
        let late = move || {
            let told = told.clone();
            Props::new(move || {
                let told = told.clone();
                Behavior::<()>::setup(move |_ctx| {
                    bell.ask(|reply| (true, reply), SOON).wait()?;
                    Err(Planned(told).into())
                })
            })
        };
        let spawner = Props::new(move || {
            let (node, late) = (node_of_actor.clone(), late.clone());
            Behavior::receive(move |_ctx, ()| {
                let started = node.spawn("late", late());
                assert!(matches!(started, Err(SpawnError::Failed(_))));
            })
        });
        node.spawn("spawner", spawner)?.tell(());
        Ok(configures.wait()?)
    });
    let pool = builder.start().unwrap();
    replies.recv_timeout(SOON).unwrap().send(());
    assert_eq!(dropped.recv_timeout(SOON), Ok(()));
    finish(&pool, SOON);
}

/// Runs a function when it is dropped.
struct Lost(Option<Box<dyn FnOnce() + Send>>);

impl Drop for Lost {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(|work| work());
    }
}

/// Runs a function inside this many nested losses of a message.
fn lose(to: ActorRef<Lost>, levels: u32, work: impl FnOnce() + Send + 'static) {
    match levels {
        0 => work(),
        _ => to.tell(Lost(Some(Box::new(move || lose(to, levels - 1, work))))),
    }
}

#[test]
fn s5_2_a_destructor_that_waits_holds_up_no_other_that_is_put_off() {
    let _watchdog = watchdog();
    // Of a pool that is gone, so that its messages are lost at the sender.
    let gone = pool_of(1).start().unwrap();
    let lost = Props::new(|| Behavior::receive(|_ctx, _: Lost| {}));
    let lost = gone.spawn("lost", lost).unwrap();
    finish(&gone, SOON);
    drop(gone);
    let pool = pool_of(2).start().unwrap();
    let (give, replies) = mpsc::channel();
    let keeper = Props::new(move || {
        let give = give.clone();
        Behavior::receive(move |_ctx, reply: Reply<()>| give.send(reply).unwrap())
    });
    let keeper = pool.spawn_on(1, "keeper", keeper).unwrap();
    let echo = pool.spawn_on(1, "echo", echo(|| ())).unwrap();
    let (tell, told) = mpsc::channel();
    let replies = std::sync::Mutex::new(Some(replies));
    let sender = Props::new(move || {
        let (tell, replies) = (tell.clone(), replies.lock().unwrap().take().unwrap());
        Behavior::receive(move |_ctx, ()| {
            let [first, second] = [(); 2].map(|()| keeper.ask(|reply| reply, SOON));
            // What a handler sends leaves its worker when the handler waits.
            echo.ask(|reply| reply, SOON).wait().unwrap();
            let [of_first, of_second] = [(); 2].map(|()| replies.recv().unwrap());
            let tell = tell.clone();
            lose(lost, 1, move || {
                // So deep that messages lost there are dropped later.
                lose(lost, 7, move || {
                    lose(lost, 1, move || {
                        second.wait().unwrap();
                        of_first.send(());
                    });
                    lose(lost, 1, move || of_second.send(()));
                });
                tell.send(first.wait()).unwrap();
            });
        })
    });
    pool.spawn_on(0, "sender", sender).unwrap().tell(());
    assert_eq!(told.recv_timeout(SOON), Ok(Ok(())));
    finish(&pool, SOON);
}
