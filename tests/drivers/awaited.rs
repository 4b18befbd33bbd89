//! Starts and ends that `async` code awaits without blocking its executor's thread.

use crate::common::{SOON, eventually, ms, pool_of, watchdog};
use nexus_actors::pool::CoordinatedShutdown;
use nexus_actors::prelude::*;
use nexus_actors::routing::OpenError;
use nexus_actors::{Group, SpawnError, Topic};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Barrier};
use std::task::{Context as Task, Poll, Wake, Waker};
use std::thread::{self, Thread};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls once, which must not block and cannot be ready. Then unblocks what the future waits for,
/// and awaits it.
fn await_after<F: Future>(mut future: Pin<&mut F>, let_go_on: impl FnOnce()) -> F::Output {
    let mut task = Task::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut task).is_pending());
    let_go_on();
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Task::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Blocks the first worker of a pool until the barrier is passed.
fn block(pool: &WorkerPool) -> Arc<Barrier> {
    let (begun, gate) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (begins, waits) = (Arc::clone(&begun), Arc::clone(&gate));
    let blocks = Props::new(move || {
        let (begins, waits) = (Arc::clone(&begins), Arc::clone(&waits));
        Behavior::receive(move |_ctx, ()| {
            begins.wait();
            waits.wait();
            Next::Stop
        })
    });
    pool.spawn_on(0, "blocks", blocks).unwrap().tell(());
    begun.wait();
    gate
}

fn seven() -> Props<Reply<u32>> {
    Props::new(|| Behavior::receive(|_ctx, reply: Reply<u32>| reply.send(7)))
}

#[test]
fn s1_15_a_start_is_awaited() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let gate = block(&pool);
    let named = pin!(pool.spawn_async("named", seven()));
    let named = await_after(named, || _ = gate.wait()).unwrap();
    assert_eq!(named.ask(|reply| reply, SOON).wait().unwrap(), 7);
    let gate = block(&pool);
    let anonymous = pin!(pool.spawn_anonymous_async(seven()));
    let anonymous = await_after(anonymous, || _ = gate.wait()).unwrap();
    assert_eq!(anonymous.ask(|reply| reply, SOON).wait().unwrap(), 7);
    let gate = block(&pool);
    let taken = pin!(pool.node().spawn_async("named", seven()));
    let taken = await_after(taken, || _ = gate.wait());
    assert!(matches!(taken, Err(SpawnError::NameTaken(_))), "{taken:?}");
    // It need not be awaited.
    drop(pool.spawn_async("unheard", seven()));
    eventually("it has started", || {
        pool.lookup::<Reply<u32>>("/user/unheard").is_ok()
    });
    let refused = pin!(pool.spawn_async("no name", seven()));
    let Poll::Ready(refused) = refused.poll(&mut Task::from_waker(Waker::noop())) else {
        panic!("that is certain at once");
    };
    assert!(
        matches!(refused, Err(SpawnError::InvalidName(_))),
        "{refused:?}"
    );
    pool.shutdown(SOON).unwrap();
    let ended = pin!(pool.spawn_async("late", seven()));
    let ended = ended.poll(&mut Task::from_waker(Waker::noop()));
    assert!(
        matches!(ended, Poll::Ready(Err(SpawnError::PoolClosed))),
        "{ended:?}"
    );
}

#[test]
fn s1_15_topics_and_groups_are_opened_by_who_awaits() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let node = pool.node();
    let gate = block(&pool);
    let opens = pin!(Topic::<u32>::open_async(&node, "prices"));
    let topic = await_after(opens, || _ = gate.wait()).unwrap();
    assert_eq!(
        topic.actor_ref(),
        Topic::<u32>::open(&node, "prices").unwrap().actor_ref()
    );
    let gate = block(&pool);
    let opens = pin!(Group::<u32>::open_async(&node, "members"));
    let group = await_after(opens, || _ = gate.wait()).unwrap();
    assert_eq!(
        group.actor_ref(),
        Group::<u32>::open(&node, "members").unwrap().actor_ref()
    );
    let other = pin!(Topic::<u8>::open_async(&node, "prices"));
    let other = other.poll(&mut Task::from_waker(Waker::noop()));
    assert!(matches!(other, Poll::Ready(Err(OpenError::WrongType(_)))));
    pool.shutdown(SOON).unwrap();
}

#[test]
fn s1_15_the_end_of_a_pool_is_awaited() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let gate = block(&pool);
    let ends = pin!(pool.shutdown_async(SOON));
    let report = await_after(ends, || _ = gate.wait()).unwrap();
    assert_eq!((report.forced, report.stuck_workers.len()), (0, 0));
    let pool = pool_of(1).start().unwrap();
    let plan = CoordinatedShutdown::new().phase("hooks", SOON);
    let plan = plan.hook("hooks", "slow", |_node| {
        thread::sleep(ms(5));
        Ok(())
    });
    let coordinated = pool.coordinate(plan).unwrap();
    let ends = pin!(coordinated.shutdown_async(SOON));
    let report = await_after(ends, || ()).unwrap();
    assert!(report.all_done());
}

#[test]
fn s1_15_an_actor_does_not_await_the_end_of_its_own_pool() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let (told, tells) = std::sync::mpsc::channel();
    let handle = pool.clone();
    let ends = Props::new(move || {
        let (told, handle) = (told.clone(), handle.clone());
        Behavior::receive(move |ctx, ()| {
            let ended = ctx.block_on(handle.shutdown_async(SOON))?;
            told.send(ended.unwrap_err()).unwrap();
            Ok(())
        })
    });
    pool.spawn("ends", ends).unwrap().tell(());
    assert_eq!(
        tells.recv_timeout(SOON),
        Ok(nexus_actors::pool::ShutdownError::OnWorker)
    );
    pool.wait().unwrap();
}
