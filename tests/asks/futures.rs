//! Asks and sends as futures: on tokio, on a minimal executor, and in handlers.

use crate::common::{
    NEVER, SOON, echo, eventually, finish, pool_of, watchdog, with_pool, with_pools,
};
use futures_util::future::{Either, select};
use nexus_actors::actor::TellError;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::{DeadLetterReason, SendError, sim};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context as Task, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

// ---- executors ----------------------------------------------------------------------------------

/// Unparks the polling thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest executor there is: this thread polls, and parks. A lost wake-up is a hang, which
/// the watchdog ends.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut task = Task::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut task) {
            return output;
        }
        thread::park();
    }
}

/// Counts its wake-ups.
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

fn poll_with<F: Future + Unpin>(count: &Arc<Count>, future: &mut F) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(count));
    Pin::new(future).poll(&mut Task::from_waker(&waker))
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(&Arc::default(), future)
}

fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap()
}

// ---- actors -------------------------------------------------------------------------------------

/// Runs a closure with its context.
struct Job(Work);
type Work = Box<dyn FnOnce(&mut Context<'_, Job>) + Send>;

fn runner() -> Props<Job> {
    Props::new(|| Behavior::receive(|ctx, Job(job): Job| job(ctx)))
}

/// Runs `job` in a handler of a new actor on that worker, and returns its result.
fn in_handler<R: Send + 'static>(
    pool: &WorkerPool,
    worker: usize,
    job: impl FnOnce(&mut Context<'_, Job>) -> R + Send + 'static,
) -> R {
    let name = format!("runner-{worker}");
    let actor = pool.spawn_on(worker, &name, runner()).unwrap();
    let run = |reply: Reply<R>| Job(Box::new(move |ctx| reply.send(job(ctx))));
    let answer = actor.ask(run, SOON).wait().unwrap();
    actor.stop();
    crate::common::gone(pool, &format!("/user/{name}"));
    answer
}

/// An actor that hands every reply over to the test.
fn keeper(pool: &WorkerPool) -> (ActorRef<Reply<u32>>, mpsc::Receiver<Reply<u32>>) {
    let (give, replies) = mpsc::channel();
    let keeper = Props::new(move || {
        let give = give.clone();
        Behavior::receive(move |_ctx, reply: Reply<u32>| give.send(reply).unwrap())
    });
    (pool.spawn_on(0, "keeper", keeper).unwrap(), replies)
}

/// The numbers that an actor has handled, in order.
type Handled = Arc<Mutex<Vec<u32>>>;

/// An actor with a bounded mailbox that records the numbers it is sent.
fn noting(pool: &WorkerPool, capacity: usize, overflow: Overflow) -> (ActorRef<u32>, Handled) {
    let handled = Handled::default();
    let written = Arc::clone(&handled);
    let props = Props::new(move || {
        let handled = Arc::clone(&written);
        Behavior::receive(move |_ctx, number| handled.lock().unwrap().push(number))
    });
    let mailbox = Mailbox::bounded(capacity, overflow).unwrap();
    let actor = pool.spawn_on(0, "noting", props.mailbox(mailbox)).unwrap();
    (actor, handled)
}

/// As `noting`, with a mailbox of capacity one that is full and is not emptied.
fn full(pool: &WorkerPool) -> (ActorRef<u32>, Handled) {
    let (actor, handled) = noting(pool, 1, Overflow::Backpressure);
    actor.suspend();
    crate::common::round_trip(pool, 0);
    actor.try_tell(0).unwrap();
    (actor, handled)
}

fn numbers(handled: &Handled) -> Vec<u32> {
    handled.lock().unwrap().clone()
}

// ---- asks ---------------------------------------------------------------------------------------

#[test]
fn s1_5_asks_and_sends_are_awaited_on_tokio_on_a_bare_executor_and_in_handlers() {
    with_pools(|pool| {
        let double = Props::new(|| {
            Behavior::receive(|_ctx, (number, reply): (u32, Reply<u32>)| reply.send(number * 2))
        });
        let double = pool.spawn("double", double).unwrap();
        let (sink, handled) = noting(pool, 2, Overflow::Backpressure);
        let talk = move |from: u32| async move {
            for number in from..from + 100 {
                let answer = double.ask(|reply| (number, reply), SOON).await;
                assert_eq!(answer, Ok(number * 2));
                sink.send_async(number).await.unwrap();
            }
        };
        tokio().block_on(async {
            let tasks: Vec<_> = (0..4).map(|task| tokio::spawn(talk(task * 1000))).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        block_on(talk(4000));
        for worker in 0..pool.workers() {
            let from = 5000 + 1000 * u32::try_from(worker).unwrap();
            in_handler(pool, worker, move |ctx| ctx.block_on(talk(from))).unwrap();
        }
        let talks = 5 + pool.workers();
        eventually("all is handled", || numbers(&handled).len() == 100 * talks);
        let handled = numbers(&handled);
        for talk in 0..talks {
            let own = handled
                .iter()
                .filter(|&&number| number as usize / 1000 == talk);
            let own: Vec<usize> = own.map(|&number| number as usize % 1000).collect();
            assert_eq!(own, (0..100).collect::<Vec<_>>(), "in order, and each once");
        }
    });
}

#[test]
fn s5_1_an_ask_that_was_begun_in_a_handler_is_awaited_elsewhere() {
    with_pools(|pool| {
        let runtime = tokio();
        let (keeper, replies) = keeper(pool);
        for worker in 0..pool.workers() {
            let begin = || in_handler(pool, worker, move |_| keeper.ask(|reply| reply, SOON));
            // Before there is an answer, and after.
            let asked = begin();
            let awaited = runtime.spawn(asked);
            replies.recv().unwrap().send(1);
            assert_eq!(runtime.block_on(awaited).unwrap(), Ok(1));
            let asked = begin();
            replies.recv().unwrap().send(2);
            assert_eq!(block_on(asked), Ok(2));
            // In a handler of another worker, if there is one.
            let asked = begin();
            let elsewhere = (worker + 1) % pool.workers();
            let reply = replies.recv().unwrap();
            let answering = thread::spawn(move || reply.send(3));
            let answer = in_handler(pool, elsewhere, |ctx| ctx.block_on(asked));
            assert_eq!(answer.unwrap(), Ok(3));
            answering.join().unwrap();
        }
    });
}

#[test]
fn s5_1_an_ask_may_change_hands_while_it_is_awaited() {
    with_pools(|pool| {
        let (keeper, replies) = keeper(pool);
        let [first, second] = [Arc::<Count>::default(), Arc::default()];
        let mut asked = keeper.ask(|reply| reply, SOON);
        assert_eq!(poll_with(&first, &mut asked), Poll::Pending);
        let (give, taken) = mpsc::channel();
        let waker = Arc::clone(&second);
        thread::spawn(move || {
            assert_eq!(poll_with(&waker, &mut asked), Poll::Pending);
            give.send(asked).unwrap();
        });
        let mut asked = taken.recv().unwrap();
        replies.recv().unwrap().send(7);
        assert_eq!((first.get(), second.get()), (0, 1), "the last one is woken");
        assert_eq!(poll_once(&mut asked), Poll::Ready(Ok(7)));
    });
}

#[test]
fn s5_1_no_wake_up_is_lost_in_many_rounds() {
    const ROUNDS: u32 = 3_000;
    with_pools(|pool| {
        let counter = Props::new(|| {
            Behavior::with_state(0_u32, |count, _ctx, reply: Reply<u32>| {
                *count += 1;
                reply.send(*count);
            })
        });
        let counter = pool.spawn("counter", counter).unwrap();
        for round in 1..=ROUNDS {
            assert_eq!(block_on(counter.ask(|reply| reply, NEVER)), Ok(round));
        }
        // With two tasks that take turns, so that the waker changes.
        tokio().block_on(async {
            let ask = move || async move {
                for _ in 0..ROUNDS {
                    counter.ask(|reply| reply, NEVER).await.unwrap();
                    tokio::task::yield_now().await;
                }
            };
            let tasks = [tokio::spawn(ask()), tokio::spawn(ask())];
            for task in tasks {
                task.await.unwrap();
            }
        });
        let last = block_on(counter.ask(|reply| reply, NEVER));
        assert_eq!(last, Ok(3 * ROUNDS + 1));
    });
}

#[test]
fn s5_4_an_ask_that_is_dropped_unfinished_withdraws_its_question() {
    with_pools(|pool| {
        let letters = pool.dead_letters();
        let cancelled = || letters.count(DeadLetterReason::Cancelled);
        let (keeper, replies) = keeper(pool);
        keeper.suspend();
        crate::common::round_trip(pool, 0);
        // Never polled, polled, and dropped by a task that waits for several things at once.
        drop(keeper.ask(|reply| reply, NEVER));
        let mut polled = keeper.ask(|reply| reply, NEVER);
        assert_eq!(poll_once(&mut polled), Poll::Pending);
        drop(polled);
        tokio().block_on(async {
            let (done, over) = tokio::sync::oneshot::channel();
            let asked = keeper.ask(|reply| reply, NEVER);
            done.send(()).unwrap();
            match select(asked, over).await {
                Either::Left((answer, _)) => panic!("nobody answers, but {answer:?} came"),
                Either::Right((_, asked)) => drop(asked),
            }
        });
        // And in a handler, together with the future that waits for it.
        for worker in 0..pool.workers() {
            let given_up = in_handler(pool, worker, move |ctx| {
                let mut asked = keeper.ask(|reply| reply, NEVER);
                ctx.block_on(std::future::poll_fn(move |cx| {
                    assert_eq!(Pin::new(&mut asked).poll(cx), Poll::Pending);
                    Poll::Ready(())
                }))
            });
            given_up.unwrap();
        }
        assert_eq!(cancelled(), 0, "it is found out when their turn comes");
        keeper.resume();
        let answered = keeper.ask(|reply| reply, SOON);
        replies.recv().unwrap().send(9);
        assert_eq!(answered.wait(), Ok(9), "the only question that was handled");
        assert_eq!(cancelled(), 3 + pool.workers() as u64);
    });
}

#[test]
fn s5_3_an_awaited_ask_times_out_and_not_before_its_time() {
    with_pools(|pool| {
        let (keeper, replies) = keeper(pool);
        let short = Duration::from_millis(5);
        let ask = move || keeper.ask(|reply| reply, short);
        let timed_out = |answer: Result<u32, AskError>, begun: Instant| {
            assert!(begun.elapsed() >= short, "never early");
            assert_eq!(answer.unwrap_err().kind(), AskErrorKind::Timeout);
        };
        let begun = Instant::now();
        timed_out(block_on(ask()), begun);
        let begun = Instant::now();
        timed_out(tokio().block_on(ask()), begun);
        for worker in 0..pool.workers() {
            let begun = Instant::now();
            let answer = in_handler(pool, worker, move |ctx| ctx.block_on(ask()));
            timed_out(answer.unwrap(), begun);
            // Begun there and awaited here: that worker's clock counts.
            let begun = Instant::now();
            timed_out(block_on(in_handler(pool, worker, move |_| ask())), begun);
        }
        // Late answers have no receiver.
        replies.try_iter().for_each(|reply| reply.send(1));
    });
}

#[test]
fn s5_8_awaited_asks_end_with_their_actor_and_with_the_pool() {
    for workers in crate::common::SIZES {
        let _watchdog = watchdog();
        let pool = pool_of(workers).start().unwrap();
        let (keeper, replies) = keeper(&pool);
        let (other, _handled) = full(&pool);
        let runtime = tokio();
        let asked = runtime.spawn(keeper.ask(|reply| reply, NEVER));
        let sent = runtime.spawn(other.send_async(1));
        drop(replies.recv().unwrap());
        let answer = runtime.block_on(asked).unwrap();
        assert!(matches!(answer, Err(AskError::NoReply(_))));
        // The send waits for capacity until the end, which is forced because the actor is suspended.
        let report = finish(&pool, Duration::from_millis(20));
        assert_eq!(report.forced, 1);
        let unsent = runtime.block_on(sent).unwrap().unwrap_err();
        assert_eq!(unsent.into_message(), 1);
        let late = block_on(keeper.ask(|reply| reply, NEVER));
        assert!(matches!(late, Err(AskError::PoolClosed(_))));
        let late = block_on(other.send_async(2));
        assert_eq!(late, Err(SendError::PoolClosed(2)));
    }
}

// ---- sends --------------------------------------------------------------------------------------

#[test]
fn s1_4_send_async_waits_for_room_and_is_let_in_in_order() {
    with_pools(|pool| {
        let (actor, handled) = full(pool);
        let woken: [Arc<Count>; 3] = Default::default();
        let mut sends = [1, 2, 3].map(|number| actor.send_async(number));
        for (send, woken) in sends.iter_mut().zip(&woken) {
            assert_eq!(poll_with(woken, send), Poll::Pending);
        }
        crate::common::round_trip(pool, 0); // all of them wait
        assert!(
            matches!(actor.try_tell(9), Err(TellError::Full(9))),
            "and nobody overtakes them"
        );
        actor.resume();
        for ((number, send), woken) in (1..).zip(&mut sends).zip(&woken) {
            eventually("it is woken", || woken.get() == 1);
            assert_eq!(poll_once(send), Poll::Ready(Ok(())));
            eventually("it arrives", || numbers(&handled).contains(&number));
        }
        assert_eq!(numbers(&handled), [0, 1, 2, 3]);
    });
}

#[test]
fn s1_4_send_async_says_for_certain_and_gives_the_message_back() {
    with_pools(|pool| {
        for overflow in [Overflow::Fail, Overflow::DropNewest, Overflow::DropOldest] {
            let (actor, handled) = noting(pool, 1, overflow);
            actor.suspend();
            crate::common::round_trip(pool, 0);
            assert_eq!(block_on(actor.send_async(1)), Ok(()));
            let (expected, kept) = match overflow {
                Overflow::Fail => (Err(SendError::Full(2)), 1),
                Overflow::DropNewest => (Err(SendError::Dropped(2)), 1),
                _ => (Ok(()), 2),
            };
            assert_eq!(block_on(actor.send_async(2)), expected, "{overflow:?}");
            actor.resume();
            eventually("it is handled", || !numbers(&handled).is_empty());
            assert_eq!(numbers(&handled), [kept]);
            actor.stop();
            crate::common::gone(pool, "/user/noting");
            assert_eq!(block_on(actor.send_async(3)), Err(SendError::Stopped(3)));
        }
        // Also for an unbounded mailbox, and from every context.
        let (log, noted) = mpsc::channel();
        let props = Props::new(move || {
            let log = log.clone();
            Behavior::receive(move |_ctx, number: u32| log.send(number).unwrap())
        });
        let actor = pool.spawn_on(0, "unbounded", props).unwrap();
        assert_eq!(block_on(actor.send_async(1)), Ok(()));
        for worker in 0..pool.workers() {
            let sent = in_handler(pool, worker, move |ctx| ctx.block_on(actor.send_async(2)));
            assert_eq!(sent.unwrap(), Ok(()));
        }
        // A message of a worker may be under way when its sender has its answer, and a stop of this thread
        // could overtake it.
        for _ in 0..1 + pool.workers() {
            noted.recv_timeout(SOON).unwrap();
        }
        actor.stop();
        crate::common::gone(pool, "/user/unbounded");
        assert_eq!(block_on(actor.send_async(4)), Err(SendError::Stopped(4)));
        for worker in 0..pool.workers() {
            let sent = in_handler(pool, worker, move |ctx| ctx.block_on(actor.send_async(5)));
            assert_eq!(sent.unwrap(), Err(SendError::Stopped(5)));
        }
        assert_eq!(noted.try_iter().count(), 0);
    });
}

#[test]
fn s1_5_a_send_async_that_is_dropped_sends_nothing_and_gives_its_place_in_line_up() {
    with_pools(|pool| {
        let (actor, handled) = full(pool);
        drop(actor.send_async(1)); // never polled
        let mut second = actor.send_async(2);
        assert_eq!(poll_once(&mut second), Poll::Pending);
        let mut third = actor.send_async(3);
        assert_eq!(poll_once(&mut third), Poll::Pending);
        drop(second);
        // And one that was admitted before it was dropped: its permit goes to the next.
        let woken = Arc::<Count>::default();
        assert_eq!(poll_with(&woken, &mut third), Poll::Pending);
        let mut last = actor.send_async(4);
        let last_woken = Arc::<Count>::default();
        assert_eq!(poll_with(&last_woken, &mut last), Poll::Pending);
        actor.resume();
        eventually("the third has room", || woken.get() == 1);
        assert_eq!(last_woken.get(), 0, "the only room is the third's");
        drop(third);
        eventually("the last has room", || last_woken.get() == 1);
        assert_eq!(poll_once(&mut last), Poll::Ready(Ok(())));
        eventually("it arrives", || numbers(&handled) == [0, 4]);
        assert_eq!(pool.stats().dead_letters, 0);
    });
}

#[test]
fn s3_3_a_send_async_in_a_handler_gives_its_place_up_when_it_is_dropped() {
    with_pools(|pool| {
        let (actor, handled) = full(pool);
        for worker in 0..pool.workers() {
            let given_up = in_handler(pool, worker, move |ctx| {
                let mut sending = actor.send_async(1);
                ctx.block_on(std::future::poll_fn(move |cx| {
                    assert_eq!(Pin::new(&mut sending).poll(cx), Poll::Pending);
                    Poll::Ready(())
                }))
            });
            given_up.unwrap();
            // One that is begun in a handler and continues elsewhere.
            let begun = in_handler(pool, worker, move |ctx| {
                let mut sending = actor.send_async(2);
                let polled = ctx.block_on(std::future::poll_fn(|cx| {
                    Poll::Ready(Pin::new(&mut sending).poll(cx))
                }));
                assert_eq!(polled.unwrap(), Poll::Pending);
                sending
            });
            let mut begun = begun;
            assert_eq!(poll_once(&mut begun), Poll::Pending);
            drop(begun);
        }
        actor.resume();
        block_on(actor.send_async(3)).unwrap();
        eventually("it arrives", || numbers(&handled) == [0, 3]);
    });
}

#[test]
fn s3_3_a_send_async_gives_up_at_its_deadline() {
    with_pools(|pool| {
        let (actor, handled) = full(pool);
        let short = Duration::from_millis(5);
        let begun = Instant::now();
        let sent = block_on(actor.send_async_timeout(1, short));
        assert_eq!(sent, Err(SendError::Timeout(1)));
        assert!(begun.elapsed() >= short);
        let deadline = Instant::now() + short;
        let sent = tokio().block_on(actor.send_async_timeout(2, deadline));
        assert_eq!(sent, Err(SendError::Timeout(2)));
        assert!(Instant::now() >= deadline);
        for worker in 0..pool.workers() {
            let sent = in_handler(pool, worker, move |ctx| {
                ctx.block_on(actor.send_async_timeout(3, short))
            });
            assert_eq!(sent.unwrap(), Err(SendError::Timeout(3)));
        }
        // No sender waits any more: the next one takes the free capacity.
        actor.resume();
        block_on(actor.send_async_timeout(4, SOON)).unwrap();
        eventually("it arrives", || numbers(&handled) == [0, 4]);
    });
}

#[test]
fn s3_3_to_wait_for_room_in_ones_own_mailbox_fails_when_awaited_too() {
    with_pool(pool_of(1), |pool| {
        let (tell, told) = mpsc::channel();
        let props = Props::new(move || {
            let tell = tell.clone();
            Behavior::receive(move |ctx, number: u32| {
                if number == 0 {
                    let own = ctx.self_ref();
                    own.send(1).unwrap();
                    let sent = ctx.block_on(own.send_async(2)).unwrap();
                    tell.send(sent).unwrap();
                }
            })
        });
        let mailbox = Mailbox::bounded(1, Overflow::Backpressure).unwrap();
        let actor = pool.spawn("actor", props.mailbox(mailbox)).unwrap();
        actor.tell(0);
        assert_eq!(told.recv_timeout(SOON), Ok(Err(SendError::Full(2))));
    });
}

#[test]
fn s3_3_everything_that_is_sent_async_arrives_once_and_in_order() {
    const EACH: u32 = 1_000;
    with_pools(|pool| {
        let (actor, handled) = noting(pool, 3, Overflow::Backpressure);
        tokio().block_on(async {
            let tasks: Vec<_> = (0..4)
                .map(|task| {
                    tokio::spawn(async move {
                        for number in 0..EACH {
                            actor.send_async(task * EACH + number).await.unwrap();
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        eventually("all is handled", || {
            numbers(&handled).len() == 4 * EACH as usize
        });
        let handled = numbers(&handled);
        for task in 0..4 {
            let own = handled.iter().filter(|&&number| number / EACH == task);
            let own: Vec<u32> = own.map(|&number| number % EACH).collect();
            assert_eq!(own, (0..EACH).collect::<Vec<_>>());
        }
    });
}

#[test]
fn s9_1_in_a_simulation_awaiting_drives_it() {
    sim::check(0..50, |sim| {
        let (give, noted) = mpsc::channel();
        let slow = Props::new(move || {
            let give = give.clone();
            Behavior::receive(move |ctx, number: u32| {
                ctx.sleep(Duration::from_millis(1))?;
                give.send(number).unwrap();
                Ok(())
            })
        });
        let mailbox = Mailbox::bounded(2, Overflow::Backpressure).unwrap();
        let slow = sim.spawn("slow", slow.mailbox(mailbox)).unwrap();
        let answering = sim.spawn("answering", echo(|| 7)).unwrap();
        block_on(async {
            for number in 0..10 {
                slow.send_async(number).await.unwrap();
                assert_eq!(answering.ask(|reply| reply, SOON).await, Ok(7));
            }
        });
        sim.run_for(SOON);
        assert_eq!(
            noted.try_iter().collect::<Vec<_>>(),
            (0..10).collect::<Vec<_>>()
        );
    });
}
