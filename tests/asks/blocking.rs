//! Futures and blocking work in handlers: row 6.4 of the contract.

use crate::common::{SOON, eventually, pool_of, threads_named, with_pool, with_pools};
use nexus_actors::actor::no_wait;
use nexus_actors::failure::TaskError;
use nexus_actors::prelude::*;
use nexus_actors::{BoxError, SendError, SpawnError, WaitError, sim};
use std::cell::Cell;
use std::future::{self, Future};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

/// An actor that runs closures with its context.
type Work = Box<dyn FnOnce(&mut Context<'_, Job>) -> Result<(), BoxError> + Send>;
struct Job(Work);

fn worker() -> Props<Job> {
    Props::new(|| Behavior::receive(|ctx, Job(work): Job| work(ctx)))
}

/// Runs `work` in a handler of a new actor, and returns its result.
fn in_handler<R: Send + 'static>(
    pool: &WorkerPool,
    work: impl FnOnce(&mut Context<'_, Job>) -> R + Send + 'static,
) -> Result<R, AskError> {
    let actor = pool.spawn_anonymous(worker()).unwrap();
    let answer = actor.ask(
        |reply: Reply<R>| {
            Job(Box::new(move |ctx| {
                reply.send(work(ctx));
                Ok(())
            }))
        },
        SOON,
    );
    let answer = answer.wait();
    actor.stop();
    answer
}

/// Ready at the n-th poll; until then each poll wakes it.
struct Countdown(u32);

impl Future for Countdown {
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<&'static str> {
        if self.0 == 0 {
            return Poll::Ready("done");
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn s6_4_a_handler_waits_for_a_future() {
    with_pools(|pool| {
        assert_eq!(
            in_handler(pool, |ctx| ctx.block_on(future::ready(7))),
            Ok(Ok(7))
        );
        let counted = in_handler(pool, |ctx| ctx.block_on(Countdown(50)));
        assert_eq!(counted, Ok(Ok("done")));
        // The future need not be `Send`.
        let local = in_handler(pool, |ctx| {
            let sum = Rc::new(Cell::new(0));
            let adding = Rc::clone(&sum);
            ctx.block_on(async move {
                for number in 1..=10 {
                    adding.set(adding.get() + number);
                    Countdown(3).await;
                }
            })
            .map(|()| sum.get())
        });
        assert_eq!(local, Ok(Ok(55)));
    });
}

#[test]
fn s6_4_a_future_is_woken_from_any_thread_and_only_its_actor_waits() {
    with_pools(|pool| {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let waiting = pool.spawn_on(0, "waiting", worker()).unwrap();
        let asked = waiting.ask(
            |reply: Reply<u32>| {
                Job(Box::new(move |ctx| {
                    reply.send(ctx.block_on(receiver)??);
                    Ok(())
                }))
            },
            SOON,
        );
        // Its worker continues with other actors.
        let other = pool
            .spawn_on(0, "other", crate::common::echo(|| 1))
            .unwrap();
        assert_eq!(other.ask(|reply| reply, SOON).wait(), Ok(1));
        thread::spawn(move || sender.send(7))
            .join()
            .unwrap()
            .unwrap();
        assert_eq!(asked.wait(), Ok(7));
    });
}

#[test]
fn s6_4_wakers_may_be_called_late_twice_or_never() {
    let kept: Arc<Mutex<Vec<Waker>>> = Arc::default();
    with_pool(pool_of(1), |pool| {
        let keeping = Arc::clone(&kept);
        let polls = in_handler(pool, move |ctx| {
            let mut polls = 0;
            let polled = ctx.block_on(future::poll_fn(|cx| {
                polls += 1;
                keeping.lock().unwrap().push(cx.waker().clone());
                if polls < 3 {
                    cx.waker().wake_by_ref();
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(())
            }));
            polled.map(|()| polls)
        });
        assert_eq!(polls, Ok(Ok(3)));
        kept.lock().unwrap().iter().for_each(Waker::wake_by_ref);
        assert_eq!(
            in_handler(pool, |ctx| ctx.block_on(Countdown(3))),
            Ok(Ok("done"))
        );
        assert_eq!(
            pool.stats().late_replies,
            0,
            "nobody has asked for anything"
        );
    });
    kept.lock().unwrap().drain(..).for_each(Waker::wake);
}

#[test]
fn s6_4_a_future_that_is_never_ready_is_dropped_at_the_deadline() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let pool = pool_of(2).start().unwrap();
    let actor = pool.spawn("actor", worker()).unwrap();
    let noting = Arc::clone(&dropped);
    actor.tell(Job(Box::new(move |ctx| {
        let guard = crate::common::OnDrop(move || {
            noting.fetch_add(1, Relaxed);
        });
        ctx.block_on(async move {
            let _guard = guard;
            future::pending::<()>().await;
        })?;
        Ok(())
    })));
    crate::common::round_trip(&pool, actor.id().worker());
    let report = crate::common::finish(&pool, Duration::from_millis(10));
    assert_eq!((report.forced, dropped.load(Relaxed)), (1, 1));
}

#[test]
fn s6_4_in_a_simulation_futures_and_work_are_as_repeatable_as_the_rest() {
    sim::check(0..30, |sim| {
        let actor = sim.spawn("actor", worker()).unwrap();
        let asked = actor.ask(
            |reply: Reply<u32>| {
                Job(Box::new(move |ctx| {
                    ctx.block_on(Countdown(5))?;
                    let number = ctx.run_blocking(|| 42)?;
                    ctx.sleep(Duration::from_millis(1))?;
                    reply.send(number);
                    Ok(())
                }))
            },
            SOON,
        );
        assert_eq!(asked.wait(), Ok(42));
    });
}

#[test]
fn s6_4_blocking_work_is_done_beside_the_workers() {
    with_pool(pool_of(1).name("beside"), |pool| {
        let (release, released) = mpsc::channel::<()>();
        let blocked = pool.spawn("blocked", worker()).unwrap();
        let asked = blocked.ask(
            |reply: Reply<String>| {
                Job(Box::new(move |ctx| {
                    let name = ctx.run_blocking(move || {
                        released.recv().unwrap();
                        thread::current().name().unwrap().to_owned()
                    })?;
                    reply.send(name);
                    Ok(())
                }))
            },
            SOON,
        );
        // The only worker continues.
        assert_eq!(in_handler(pool, |ctx| ctx.worker()), Ok(0));
        release.send(()).unwrap();
        assert_eq!(asked.wait().unwrap(), "beside-blocking");
    });
}

#[test]
fn s6_4_no_more_work_runs_at_a_time_than_there_are_threads() {
    with_pool(pool_of(2).blocking_threads(3), |pool| {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let actors: Vec<_> = (0..20)
            .map(|_| pool.spawn_anonymous(worker()).unwrap())
            .collect();
        let asked: Vec<_> = actors
            .iter()
            .map(|actor| {
                let (now, most) = (Arc::clone(&now), Arc::clone(&most));
                let work = move || {
                    most.fetch_max(now.fetch_add(1, Relaxed) + 1, Relaxed);
                    thread::sleep(Duration::from_millis(2));
                    now.fetch_sub(1, Relaxed);
                };
                actor.ask(
                    |reply: Reply<()>| {
                        Job(Box::new(move |ctx| {
                            ctx.run_blocking(work)?;
                            reply.send(());
                            Ok(())
                        }))
                    },
                    SOON,
                )
            })
            .collect();
        asked.into_iter().for_each(|asked| asked.wait().unwrap());
        assert_eq!(most.load(Relaxed), 3);
    });
}

#[test]
fn s6_4_a_panic_in_the_work_is_one_of_the_handler() {
    let log = crate::common::Log::default();
    with_pool(pool_of(1).on_failure(log.hook()), |pool| {
        let failed = in_handler(pool, |ctx| ctx.run_blocking(|| panic!("planned")).is_ok());
        assert!(matches!(failed, Err(AskError::TargetFailed(_))));
        assert_eq!(in_handler(pool, |ctx| ctx.run_blocking(|| 1)), Ok(Ok(1)));
    });
    let lines = log.lines();
    assert!(
        lines.len() == 1 && lines[0].ends_with("panic: planned"),
        "{lines:?}"
    );
}

#[test]
fn s6_4_side_threads_end_with_their_pool_and_what_they_have_not_begun_is_dropped() {
    let begun = Arc::new(AtomicUsize::new(0));
    let (release, released) = mpsc::channel::<()>();
    let pool = pool_of(1)
        .name("ending")
        .blocking_threads(1)
        .start()
        .unwrap();
    let mut released = Some(released);
    for _ in 0..2 {
        let (begun, released) = (Arc::clone(&begun), released.take());
        let actor = pool.spawn_anonymous(worker()).unwrap();
        actor.tell(Job(Box::new(move |ctx| {
            ctx.run_blocking(move || {
                begun.fetch_add(1, Relaxed);
                released.map(|released| released.recv());
            })?;
            Ok(())
        })));
    }
    eventually("the first has begun", || begun.load(Relaxed) == 1);
    let report = crate::common::finish(&pool, Duration::ZERO);
    assert_eq!(report.forced, 2);
    release.send(()).unwrap();
    eventually("the thread has ended", || {
        threads_named("ending-blocking").is_empty()
    });
    assert_eq!(begun.load(Relaxed), 1);
}

#[test]
fn s6_4_no_side_thread_at_all_is_refused() {
    let error = pool_of(1).blocking_threads(0).start().unwrap_err();
    assert_eq!(
        error.to_string(),
        "work that is handed over needs at least 1 thread, not 0"
    );
}

/// The actors that handlers wait for.
#[derive(Clone)]
struct Others {
    silent: ActorRef<Reply<()>>,
    full: ActorRef<()>,
    node: WorkerNode,
}

impl Others {
    fn ask(&self) -> Ask<()> {
        self.silent.ask(|reply| reply, SOON)
    }
}

type Wait = fn(&mut Context<'_, Job>, &Others) -> Option<WaitError>;

/// Every operation of a handler that waits, and why it could not.
const WAITS: [(&str, Wait); 9] = [
    ("sleep", |ctx, _| ctx.sleep(SOON).err()),
    ("yield", |ctx, _| ctx.yield_now().err()),
    ("ask", |_, others| cause(others.ask().wait().err()?)),
    ("several asks", |ctx, others| {
        let all = nexus_actors::all([others.ask(), others.ask()]);
        ctx.block_on(all).err()
    }),
    ("a future", |ctx, _| {
        ctx.block_on(future::pending::<()>()).err()
    }),
    ("work on a side thread", |ctx, _| {
        ctx.run_blocking(|| ()).err()
    }),
    ("room in a mailbox", |_, others| {
        match others.full.send_timeout((), SOON).err()? {
            SendError::CannotWait((), error) => Some(error),
            _ => None,
        }
    }),
    ("a start on another worker", |ctx, others| {
        let props = Props::<()>::new(Behavior::empty);
        match others
            .node
            .spawn_on(1 - ctx.worker(), "another", props)
            .err()?
        {
            SpawnError::CannotWait(error) => Some(error),
            _ => None,
        }
    }),
    ("a task", |ctx, _| {
        match ctx.spawn_task(|_| ()).wait().err()? {
            TaskError::CannotWait(error) => Some(error),
            _ => None,
        }
    }),
];

fn cause(error: AskError) -> Option<WaitError> {
    match error {
        AskError::CannotWait(error) => Some(error),
        _ => None,
    }
}

#[test]
fn s6_6_nothing_waits_where_it_is_forbidden() {
    with_pool(pool_of(2), |pool| {
        let silent = Props::new(|| {
            let mut kept = Vec::new();
            Behavior::receive(move |_ctx, reply| kept.push(reply))
        });
        let silent = pool.spawn_on(0, "silent", silent).unwrap();
        let full = Props::new(|| Behavior::receive(|_ctx, ()| {}));
        let full = full.mailbox(Mailbox::bounded(1, Overflow::Backpressure).unwrap());
        let full = pool.spawn_on(1, "full", full).unwrap();
        full.suspend();
        full.tell(());
        let others = Others {
            silent,
            full,
            node: pool.node(),
        };
        for (name, wait) in WAITS {
            let others = others.clone();
            let refused = in_handler(pool, move |ctx| {
                let refused = no_wait(|| no_wait(|| wait(ctx, &others)));
                // A scope that ends by a panic has ended too.
                let panics = std::panic::catch_unwind(|| no_wait(|| panic!("planned")));
                assert!(panics.is_err());
                assert_eq!(ctx.sleep(Duration::from_millis(1)), Ok(()));
                refused
            });
            assert_eq!(refused, Ok(Some(WaitError::Forbidden)), "{name}");
        }
        full.resume();
    });
}

#[test]
fn s6_6_a_thread_drives_nothing_where_waiting_is_forbidden() {
    let system = ActorSystem::new("forbidden").unwrap();
    let echo = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| reply.send(7)));
    let echo = system.spawn("echo", echo).unwrap();
    let ask = || echo.ask(|reply| reply, SOON).wait();
    assert_eq!(no_wait(ask).map_err(cause), Err(Some(WaitError::Forbidden)));
    assert_eq!(ask(), Ok(7));
    assert_eq!(system.shutdown(SOON).forced, 0);
}
