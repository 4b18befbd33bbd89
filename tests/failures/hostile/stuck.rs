//! Shutdowns while handlers, hooks and destructors take long, or never return.

use nexus_actors::pool::{ShutdownReport, StuckWorker, WorkerPoolBuilder};
use nexus_actors::prelude::*;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use crate::common::{NEVER, SOON, eventually, finish, pool_of, watchdog};

/// Two hundred of these are the time for which a worker may do nothing before it counts as stuck.
const MOMENT: Duration = Duration::from_millis(10);

/// A handler that does not return until it is released.
struct Held {
    holder: ActorRef<()>,
    let_go: mpsc::Sender<()>,
}

/// Has a handler block that worker, and then do something.
fn hold(pool: &WorkerPool, worker: usize, then: impl Fn() + Send + Sync + 'static) -> Held {
    let (let_go, gone) = mpsc::channel::<()>();
    let (enter, entered) = mpsc::channel();
    let (gone, then) = (Arc::new(Mutex::new(gone)), Arc::new(then));
    let props = Props::new(move || {
        let (gone, enter, then) = (Arc::clone(&gone), enter.clone(), Arc::clone(&then));
        Behavior::receive(move |_ctx, ()| {
            enter.send(()).unwrap();
            gone.lock().unwrap().recv().unwrap();
            then();
        })
    });
    let holder = pool.spawn_on(worker, "holder", props).unwrap();
    holder.tell(());
    entered.recv_timeout(SOON).unwrap();
    Held { holder, let_go }
}

fn the_stuck(report: &ShutdownReport) -> &StuckWorker {
    assert_eq!(report.stuck_workers.len(), 1, "{report}");
    &report.stuck_workers[0]
}

/// Counts the threads of a pool that have ended, by the drops of their thread-locals.
fn counting_threads(builder: WorkerPoolBuilder) -> (WorkerPoolBuilder, Arc<AtomicUsize>) {
    struct Ended(Arc<AtomicUsize>);
    impl Drop for Ended {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    thread_local!(static ENDED: RefCell<Option<Ended>> = const { RefCell::new(None) });
    let ended = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&ended);
    let builder = builder.configure(move |_node| {
        ENDED.with_borrow_mut(|ended| *ended = Some(Ended(Arc::clone(&counting))));
        Ok(())
    });
    (builder, ended)
}

#[test]
fn s4_15_one_worker_that_is_stuck_is_named_and_the_others_end() {
    let _watchdog = watchdog();
    let (builder, ended) = counting_threads(pool_of(4));
    let pool = builder.start().unwrap();
    let other = Props::new(|| Behavior::receive(|_ctx, reply: Reply<()>| reply.send(())));
    let other = pool.spawn_on(1, "other", other).unwrap();
    let (tell, told) = mpsc::channel();
    let held = hold(&pool, 2, move || {
        tell.send(other.ask(|reply| reply, SOON).wait()).unwrap();
    });
    let report = pool.shutdown(Duration::ZERO).unwrap();
    let stuck = the_stuck(&report);
    assert_eq!(stuck.worker, 2);
    let handler = stuck.handler.as_ref().unwrap();
    assert_eq!(handler.actor, held.holder.id());
    assert_eq!(handler.message_type, "()");
    assert!(stuck.to_string().starts_with("/user/holder "), "{stuck}");
    assert_eq!(ended.load(SeqCst), 3, "the other threads have been joined");
    assert_eq!(
        pool.shutdown(Duration::ZERO).unwrap().stuck_workers.len(),
        1
    );
    // What the handler finds when it continues; its worker ends then.
    held.let_go.send(()).unwrap();
    let answer = told.recv_timeout(SOON).unwrap();
    assert!(answer.is_err(), "the other worker has ended");
    let report = pool.shutdown(SOON).unwrap();
    assert_eq!(report.stuck_workers, Vec::new());
    assert_eq!(ended.load(SeqCst), 4);
    let stats = pool.stats();
    let lost = pool.dead_letters().total();
    assert_eq!(stats.sent(), stats.handled() + lost, "{stats:?}");
}

#[test]
fn s4_15_who_waits_for_a_shutdown_that_others_ask_for_does_not_wait_for_a_stuck_worker() {
    let _watchdog = watchdog();
    let pool = pool_of(2).start().unwrap();
    let held = hold(&pool, 1, || {});
    let waiting = pool.clone();
    let waiter = thread::spawn(move || waiting.wait().unwrap());
    pool.node().request_shutdown(MOMENT);
    let report = waiter.join().unwrap();
    assert_eq!(the_stuck(&report).worker, 1);
    held.let_go.send(()).unwrap();
    finish(&pool, SOON);
}

#[test]
fn s4_15_many_slow_hooks_are_progress_and_who_was_forced_is_named() {
    const ACTORS: usize = 230;
    let _watchdog = watchdog();
    let pool = pool_of(2).start().unwrap();
    let waits = |ctx: &mut Context<'_, ()>, ()| Ok::<_, BoxError>(ctx.sleep(NEVER)?);
    let slow = Props::new(move || {
        Behavior::receive(waits).on_signal(|_ctx, signal| {
            if matches!(signal, Signal::PostStop(_)) {
                thread::sleep(MOMENT);
            }
        })
    });
    let actors = (0..ACTORS).map(|number| (format!("slow-{number}"), slow.clone()));
    // All on one worker, so that it takes longer than a worker may do nothing.
    for (name, slow) in actors {
        pool.spawn_on(0, &name, slow).unwrap().tell(());
    }
    eventually("all wait", || {
        pool.stats().workers[0].waiting == ACTORS as u64
    });
    let report = finish(&pool, MOMENT);
    assert_eq!(report.forced, ACTORS as u64);
    assert_eq!(
        report.forced_actors.len(),
        100,
        "of many, a hundred are named"
    );
    let forced = &report.forced_actors[7].to_string();
    assert!(forced.starts_with("/user/slow-"), "{forced}");
}

/// A message that takes a moment to drop.
struct Slow;

impl Drop for Slow {
    fn drop(&mut self) {
        thread::sleep(MOMENT);
    }
}

#[test]
fn s4_15_much_mail_to_lose_is_progress() {
    const EACH: usize = 230;
    let _watchdog = watchdog();
    let pool = pool_of(2).start().unwrap();
    let busy = Props::new(|| Behavior::receive(|ctx, _: Slow| Ok(ctx.sleep(NEVER)?)));
    let mailbox = pool.spawn_on(0, "mailbox", busy).unwrap();
    let (enter, entered) = mpsc::channel();
    let stashing = Props::new(move || {
        let enter = enter.clone();
        Behavior::with_stash(EACH, move |_ctx| {
            Ok(Behavior::receive(move |ctx, message: Slow| {
                ctx.stash(message).map_err(|_| "the stash is full")?;
                enter.send(()).unwrap();
                Ok(())
            }))
        })
    });
    let stash = pool.spawn_on(1, "stash", stashing).unwrap();
    for _ in 0..=EACH {
        mailbox.tell(Slow);
    }
    for _ in 0..EACH {
        stash.tell(Slow);
        entered.recv_timeout(SOON).unwrap();
    }
    let report = finish(&pool, Duration::ZERO);
    assert!(report.unprocessed >= EACH as u64, "{report}");
}

#[test]
fn s4_15_a_handler_that_catches_its_forced_end_for_ever_is_stuck() {
    let _watchdog = watchdog();
    let pool = pool_of(2).start().unwrap();
    let released = Arc::new(AtomicBool::new(false));
    let (release, enter) = (Arc::clone(&released), mpsc::channel());
    let (enter, entered) = enter;
    let props = Props::new(move || {
        let (released, enter) = (Arc::clone(&release), enter.clone());
        Behavior::receive(move |ctx, ()| {
            enter.send(()).unwrap();
            while !released.load(SeqCst) {
                let _ = catch_unwind(AssertUnwindSafe(|| ctx.sleep(NEVER)));
            }
        })
    });
    let stubborn = pool.spawn_on(0, "stubborn", props).unwrap();
    stubborn.tell(());
    entered.recv_timeout(SOON).unwrap();
    let report = pool.shutdown(MOMENT).unwrap();
    let stuck = the_stuck(&report);
    assert_eq!(stuck.handler.as_ref().unwrap().actor, stubborn.id());
    let forced: Vec<String> = report
        .forced_actors
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(forced, ["/user/stubborn"]);
    released.store(true, SeqCst);
    finish(&pool, SOON);
}

#[test]
fn s4_15_a_destructor_that_never_returns_is_no_handler() {
    struct Holding(mpsc::Receiver<()>);
    impl Drop for Holding {
        fn drop(&mut self) {
            let _ = self.0.recv();
        }
    }
    let _watchdog = watchdog();
    let pool = pool_of(2).start().unwrap();
    let busy = Props::new(|| Behavior::receive(|ctx, _: Option<Holding>| Ok(ctx.sleep(NEVER)?)));
    let busy = pool.spawn_on(1, "busy", busy).unwrap();
    let (let_go, gone) = mpsc::channel();
    busy.tell(None);
    eventually("it waits", || pool.stats().workers[1].waiting == 1);
    busy.tell(Some(Holding(gone)));
    let report = pool.shutdown(MOMENT).unwrap();
    let stuck = the_stuck(&report);
    assert_eq!((stuck.worker, &stuck.handler), (1, &None));
    assert_eq!(stuck.to_string(), "a destructor has held worker 1");
    drop(let_go);
    finish(&pool, SOON);
}
