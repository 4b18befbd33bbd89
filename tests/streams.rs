//! Sinks that feed actors, and streams that are fed by actors.
#![cfg(feature = "async")]

mod common;

use common::{SIZES, SOON, eventually, finish, pool_of, round_trip, watchdog, with_pools};
use futures_util::{FutureExt, SinkExt, StreamExt};
use nexus_actors::actor::TellError;
use nexus_actors::ask::Sending;
use nexus_actors::prelude::*;
use nexus_actors::streams::{ActorStream, stream};
use nexus_actors::{SendError, SpawnError, sim};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, Wake, Waker};
use std::time::Duration;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Count {
    fn get(&self) -> usize {
        self.0.load(Relaxed)
    }
}

fn poll_next<T: Send + 'static>(
    stream: &mut ActorStream<T>,
    woken: &Arc<Count>,
) -> Poll<Option<T>> {
    let waker = Waker::from(Arc::clone(woken));
    stream.poll_next_unpin(&mut Task::from_waker(&waker))
}

fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap()
}

fn waiting(capacity: usize) -> Mailbox {
    Mailbox::bounded(capacity, Overflow::Backpressure).unwrap()
}

/// Runs a closure with its context.
struct Job(Work);
type Work = Box<dyn FnOnce(&mut Context<'_, Job>) + Send>;

fn runner() -> Props<Job> {
    Props::new(|| Behavior::receive(|ctx, Job(job): Job| job(ctx)))
}

type Handled = Arc<Mutex<Vec<u32>>>;

fn noting(pool: &WorkerPool, mailbox: Mailbox) -> (ActorRef<u32>, Handled) {
    let handled = Handled::default();
    let written = Arc::clone(&handled);
    let props = Props::new(move || {
        let handled = Arc::clone(&written);
        Behavior::receive(move |_ctx, number| handled.lock().unwrap().push(number))
    });
    let actor = pool.spawn_on(0, "noting", props.mailbox(mailbox)).unwrap();
    (actor, handled)
}

fn numbers(handled: &Handled) -> Vec<u32> {
    handled.lock().unwrap().clone()
}

// ---- streams ------------------------------------------------------------------------------------

#[test]
fn s1_11_a_stream_brings_what_its_actor_is_sent_in_order_and_then_ends() {
    with_pools(|pool| {
        for mailbox in [Mailbox::unbounded(), waiting(1), waiting(3), waiting(100)] {
            let (actor, numbers) = stream(&pool.node(), mailbox).unwrap();
            let sending = Props::new(move || {
                Behavior::receive(move |_ctx, ()| {
                    (0..1_000_u32).try_for_each(|number| actor.send(number))?;
                    actor.stop();
                    Ok(())
                })
            });
            let sending = pool.spawn("sending", sending).unwrap();
            sending.tell(());
            let brought = tokio().block_on(numbers.collect::<Vec<_>>());
            assert_eq!(brought, (0..1_000).collect::<Vec<_>>(), "{mailbox:?}");
            sending.stop();
            common::gone(pool, "/user/sending");
        }
    });
}

#[test]
fn s1_11_the_mailbox_of_an_unread_stream_fills_up() {
    with_pools(|pool| {
        let woken = Arc::<Count>::default();
        let (actor, mut numbers) = stream(&pool.node(), waiting(3)).unwrap();
        assert_eq!(poll_next(&mut numbers, &woken), Poll::Pending);
        // Three are handed over, and three wait.
        let mut sent = 0;
        eventually("it is full", || {
            while actor.try_tell(sent).is_ok() {
                sent += 1;
            }
            assert!(sent <= 6);
            sent == 6
        });
        let mut seventh: Sending<u32> = actor.send_async(6);
        let let_in = Arc::<Count>::default();
        let waker = Waker::from(Arc::clone(&let_in));
        let mut task = Task::from_waker(&waker);
        assert_eq!(seventh.poll_unpin(&mut task), Poll::Pending);
        round_trip(pool, 0);
        assert_eq!((woken.get(), let_in.get()), (1, 0));
        // No sender is let in until everything that was handed over has been read.
        for number in 0..2 {
            assert_eq!(poll_next(&mut numbers, &woken), Poll::Ready(Some(number)));
        }
        round_trip(pool, 0);
        assert_eq!(let_in.get(), 0);
        assert_eq!(poll_next(&mut numbers, &woken), Poll::Ready(Some(2)));
        eventually("there is room", || let_in.get() == 1);
        assert_eq!(seventh.poll_unpin(&mut task), Poll::Ready(Ok(())));
        actor.stop();
        let rest = tokio().block_on(numbers.collect::<Vec<_>>());
        assert_eq!(rest, [3, 4, 5, 6]);
    });
}

#[test]
fn s1_11_a_stream_that_is_dropped_stops_its_actor() {
    with_pools(|pool| {
        let before = pool.stats().actors();
        for polled in [false, true] {
            let (actor, mut numbers) = stream(&pool.node(), waiting(2)).unwrap();
            if polled {
                assert_eq!(poll_next(&mut numbers, &Arc::default()), Poll::Pending);
            }
            for number in 0..4 {
                actor.send(number).unwrap();
            }
            round_trip(pool, 0); // two are handed over, and two wait
            drop(numbers);
            eventually("it stops", || pool.stats().actors() == before);
            assert!(matches!(actor.send(4), Err(SendError::Stopped(4))));
        }
        let lost = pool.stats().dead_letters;
        assert_eq!(lost, 4, "what waited is lost with its reason");
    });
}

#[test]
fn s1_11_a_stream_ends_with_its_pool_after_all_that_was_sent() {
    for workers in SIZES {
        let _watchdog = watchdog();
        let pool = pool_of(workers).start().unwrap();
        let (actor, mut read) = stream(&pool.node(), waiting(2)).unwrap();
        let (_, mut idle) = stream::<u32>(&pool.node(), waiting(2)).unwrap();
        let (unread_actor, mut unread) = stream(&pool.node(), waiting(2)).unwrap();
        for number in 0..4 {
            actor.send(number).unwrap();
            unread_actor.send(number).unwrap();
        }
        let runtime = tokio();
        let reading = runtime.spawn(async move {
            let all: Vec<u32> = read.by_ref().collect().await;
            (all, read.next().await)
        });
        let waiting = runtime.spawn(async move { idle.next().await });
        let ended = finish(&pool, Duration::from_millis(100));
        assert_eq!(ended.forced, 1, "the one that nobody reads");
        let (all, after) = runtime.block_on(reading).unwrap();
        assert_eq!((all, after), (vec![0, 1, 2, 3], None));
        assert_eq!(runtime.block_on(waiting).unwrap(), None);
        // What was handed over to that stream can still be read.
        let rest = runtime.block_on(async {
            let rest: Vec<u32> = unread.by_ref().collect().await;
            rest
        });
        assert_eq!(rest, [0, 1]);
        let closed = stream::<u32>(&pool.node(), Mailbox::unbounded()).unwrap_err();
        assert!(matches!(
            closed,
            SpawnError::PoolClosed | SpawnError::ShuttingDown
        ));
    }
}

#[test]
fn s1_11_no_wake_up_of_a_stream_is_lost_in_many_rounds() {
    const ROUNDS: u32 = 3_000;
    with_pools(|pool| {
        let (actor, mut numbers) = stream(&pool.node(), waiting(1)).unwrap();
        let echo = Props::new(move || {
            Behavior::receive(move |ctx, number: u32| {
                if number.is_multiple_of(7) {
                    ctx.yield_now()?;
                }
                actor.send(number)?;
                Ok(())
            })
        });
        let echo = pool.spawn("echo", echo).unwrap();
        tokio().block_on(async move {
            for number in 0..ROUNDS {
                echo.send_async(number).await.unwrap();
                assert_eq!(numbers.next().await, Some(number));
                if number.is_multiple_of(5) {
                    tokio::task::yield_now().await;
                }
            }
        });
    });
}

#[test]
fn s1_11_a_stream_is_read_in_a_handler_and_only_that_waits() {
    with_pools(|pool| {
        for worker in 0..pool.workers() {
            let (actor, mut numbers) = stream::<u32>(&pool.node(), waiting(2)).unwrap();
            let name = format!("runner-{worker}");
            let runner = pool.spawn_on(worker, &name, runner()).unwrap();
            let read = |reply: Reply<u32>| {
                Job(Box::new(move |ctx| {
                    let mut sum = 0;
                    while let Some(number) = ctx.block_on(numbers.next()).unwrap() {
                        sum += number;
                    }
                    reply.send(sum);
                }))
            };
            let sum = runner.ask(read, SOON);
            (1..=100).for_each(|number| actor.send(number).unwrap());
            round_trip(pool, worker);
            actor.stop();
            assert_eq!(sum.wait(), Ok(5050));
        }
    });
}

#[test]
fn s1_11_a_stream_changes_hands_while_it_is_awaited() {
    with_pools(|pool| {
        let (actor, mut numbers) = stream::<u32>(&pool.node(), Mailbox::unbounded()).unwrap();
        let [first, second] = [Arc::<Count>::default(), Arc::default()];
        assert_eq!(poll_next(&mut numbers, &first), Poll::Pending);
        assert_eq!(poll_next(&mut numbers, &second), Poll::Pending);
        actor.tell(1);
        eventually("it is woken", || second.get() == 1);
        assert_eq!(first.get(), 0);
        assert_eq!(poll_next(&mut numbers, &first), Poll::Ready(Some(1)));
    });
}

#[test]
fn s1_11_in_a_simulation_reading_a_stream_drives_it() {
    sim::check(0..50, |sim| {
        let (actor, numbers) = stream(&sim.node(0), waiting(2)).unwrap();
        let sending = Props::new(move || {
            Behavior::receive(move |ctx, ()| {
                for number in 0..20_u32 {
                    ctx.sleep(Duration::from_millis(1))?;
                    actor.send(number)?;
                }
                actor.stop();
                Ok(())
            })
        });
        sim.spawn_on(1 % sim.workers(), "sending", sending)
            .unwrap()
            .tell(());
        let brought = numbers.collect::<Vec<_>>().now_or_never();
        assert_eq!(brought, Some((0..20).collect()));
        // If nothing is left that could send an item, the stream ends.
        let (_actor, mut idle) = stream::<u32>(&sim.node(0), waiting(2)).unwrap();
        assert_eq!(idle.next().now_or_never(), Some(None));
    });
}

// ---- sinks --------------------------------------------------------------------------------------

#[test]
fn s1_11_a_sink_feeds_an_actor_in_order() {
    with_pools(|pool| {
        for mailbox in [Mailbox::unbounded(), waiting(1), waiting(7)] {
            let (actor, handled) = noting(pool, mailbox);
            let feed = futures_util::stream::iter(0..1_000).map(Ok);
            tokio().block_on(feed.forward(actor.sink())).unwrap();
            actor.stop();
            common::gone(pool, "/user/noting");
            assert_eq!(numbers(&handled), (0..1_000).collect::<Vec<_>>());
        }
    });
}

#[test]
fn s1_11_a_sink_is_ready_when_it_has_a_place_and_gives_it_back() {
    with_pools(|pool| {
        let (actor, handled) = noting(pool, waiting(1));
        actor.suspend();
        round_trip(pool, 0);
        let woken = Arc::<Count>::default();
        let waker = Waker::from(Arc::clone(&woken));
        let mut task = Task::from_waker(&waker);
        let (mut first, mut second) = (actor.sink(), actor.sink());
        assert_eq!(first.poll_ready_unpin(&mut task), Poll::Ready(Ok(())));
        assert!(
            matches!(actor.try_tell(9), Err(TellError::Full(9))),
            "the place is taken"
        );
        assert_eq!(second.poll_ready_unpin(&mut task), Poll::Pending);
        round_trip(pool, 0);
        assert_eq!(woken.get(), 0);
        // A sink that is closed gives its permit to the next.
        assert_eq!(first.poll_close_unpin(&mut task), Poll::Ready(Ok(())));
        eventually("the other one is ready", || woken.get() == 1);
        assert_eq!(second.poll_ready_unpin(&mut task), Poll::Ready(Ok(())));
        second.start_send_unpin(1).unwrap();
        assert_eq!(second.poll_flush_unpin(&mut task), Poll::Ready(Ok(())));
        // So does a sink that is dropped while it holds a permit or waits for one.
        assert_eq!(first.poll_ready_unpin(&mut task), Poll::Pending);
        let mut third = actor.sink();
        assert_eq!(third.poll_ready_unpin(&mut task), Poll::Pending);
        drop(first);
        actor.resume();
        eventually("the third is ready", || woken.get() == 2);
        assert_eq!(third.poll_ready_unpin(&mut task), Poll::Ready(Ok(())));
        drop(third);
        eventually("there is room again", || actor.try_tell(2).is_ok());
        eventually("it arrives", || numbers(&handled) == [1, 2]);
    });
}

#[test]
fn s1_11_a_sinks_errors_say_why_and_hold_the_message_that_was_sent() {
    with_pools(|pool| {
        let mut task = Task::from_waker(Waker::noop());
        let cases = [
            (Overflow::Fail, SendError::Full(Some(2))),
            (Overflow::DropNewest, SendError::Dropped(Some(2))),
        ];
        for (overflow, expected) in cases {
            let (actor, _) = noting(pool, Mailbox::bounded(1, overflow).unwrap());
            actor.suspend();
            round_trip(pool, 0);
            let mut sink = actor.sink();
            for number in [1, 2] {
                assert_eq!(sink.poll_ready_unpin(&mut task), Poll::Ready(Ok(())));
                let sent = sink.start_send_unpin(number);
                assert_eq!(
                    sent,
                    if number == 1 {
                        Ok(())
                    } else {
                        Err(expected.clone())
                    }
                );
            }
            actor.resume();
            actor.stop();
            common::gone(pool, "/user/noting");
        }
        // The actor stops while one sink holds a permit and another waits for it.
        let (actor, _) = noting(pool, waiting(1));
        actor.suspend();
        round_trip(pool, 0);
        let (mut held, mut waits) = (actor.sink(), actor.sink());
        assert_eq!(held.poll_ready_unpin(&mut task), Poll::Ready(Ok(())));
        assert_eq!(waits.poll_ready_unpin(&mut task), Poll::Pending);
        actor.kill();
        common::gone(pool, "/user/noting");
        assert_eq!(held.start_send_unpin(1), Err(SendError::Stopped(Some(1))));
        let unsent = tokio().block_on(poll_fn(|cx| waits.poll_ready_unpin(cx)));
        assert_eq!(unsent, Err(SendError::Stopped(None)));
        let again = Pin::new(&mut waits).poll_ready_unpin(&mut task);
        assert_eq!(again, Poll::Ready(Err(SendError::Stopped(None))));
    });
}

#[test]
fn s1_11_a_pipeline_of_a_sink_and_a_stream_is_as_fast_as_its_reader() {
    with_pools(|pool| {
        let (actor, mut numbers) = stream(&pool.node(), waiting(4)).unwrap();
        let sent = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&sent);
        tokio().block_on(async move {
            let feeding = tokio::spawn(async move {
                let mut sink = actor.sink();
                for number in 0..2_000_u32 {
                    sink.send(number).await.unwrap();
                    counting.fetch_add(1, Relaxed);
                }
                actor.stop();
            });
            let mut read = 0;
            while let Some(number) = numbers.next().await {
                assert_eq!(number, read);
                read += 1;
                let ahead = sent.load(Relaxed).saturating_sub(read as usize);
                assert!(
                    ahead <= 8,
                    "{ahead} ahead, where 4 are handed over and 4 wait"
                );
            }
            assert_eq!(read, 2_000);
            feeding.await.unwrap();
        });
    });
}
