//! Scopes that a handler enters on its thread: no other handler is in them.

use crate::common::{NEVER, SECOND, SOON, finish, ms, pool_of, watchdog};
use nexus_actors::actor::{FiberLocal, no_wait};
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::scope::SwitchHook;
use nexus_actors::sim::Sim;
use nexus_actors::supervision::Strategy;
use nexus_actors::{Failure, WaitError, all};
use std::cell::{Cell, RefCell};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};

thread_local! {
    /// The scopes that code on this thread is in, the innermost last.
    static SCOPES: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

fn scopes() -> Vec<&'static str> {
    SCOPES.with_borrow(Clone::clone)
}

/// Stays in a scope until it is dropped. Leaving scopes out of order panics.
struct Entered(&'static str);

fn entered(name: &'static str) -> Entered {
    SCOPES.with_borrow_mut(|scopes| scopes.push(name));
    Entered(name)
}

impl Drop for Entered {
    fn drop(&mut self) {
        let left = SCOPES.with_borrow_mut(Vec::pop);
        assert_eq!(left, Some(self.0), "scopes are left in order");
    }
}

struct Scopes;

impl SwitchHook for Scopes {
    type Taken = Vec<&'static str>;

    fn suspend(&self) -> Self::Taken {
        SCOPES.take()
    }

    fn resume(&self, taken: Self::Taken) {
        let between = SCOPES.replace(taken);
        assert!(between.is_empty(), "others have left {between:?}");
    }
}

type Seen = Vec<Vec<&'static str>>;

/// An actor that answers with the scopes it is in.
fn onlooker() -> Props<Reply<Vec<&'static str>>> {
    Props::new(|| Behavior::receive(|_ctx, reply: Reply<Vec<&'static str>>| reply.send(scopes())))
}

/// An actor that is in a scope of that name while it waits in every possible way. It answers with
/// the scopes that it and the onlooker have seen.
fn insider(
    name: &'static str,
    onlooker: ActorRef<Reply<Vec<&'static str>>>,
) -> Props<Reply<(Seen, Seen)>> {
    Props::new(move || {
        Behavior::receive(move |ctx, reply: Reply<(Seen, Seen)>| {
            let (mut own, mut others) = (vec![scopes()], Vec::new());
            let _outer = entered(name);
            let _inner = entered("inner");
            others.push(onlooker.ask(|reply| reply, NEVER).wait()?);
            own.push(scopes());
            ctx.sleep(ms(1))?;
            own.push(scopes());
            ctx.yield_now()?;
            own.push(scopes());
            others.push(ctx.block_on(onlooker.ask(|reply| reply, NEVER))??);
            own.push(scopes());
            others.extend(all([(); 2].map(|()| onlooker.ask(|reply| reply, NEVER))).wait()?);
            own.push(scopes());
            others.push(ctx.run_blocking(scopes)?);
            own.push(scopes());
            let task = ctx.spawn_task(|ctx| {
                let before = scopes();
                let _entered = entered("task");
                ctx.sleep(ms(1))?;
                Ok::<_, WaitError>((before, scopes()))
            });
            let (before, within) = task.wait()??;
            others.push(before);
            assert_eq!(within, ["task"]);
            own.push(scopes());
            reply.send((own, others));
            Ok(())
        })
    })
}

fn check_insiders(asked: [Ask<(Seen, Seen)>; 2]) {
    for (name, asked) in ["a", "b"].into_iter().zip(asked) {
        let (own, others) = asked.wait().unwrap();
        assert_eq!(own[0], [""; 0], "a turn begins in no scope");
        assert_eq!(own[1..], vec![vec![name, "inner"]; 7]);
        assert_eq!(others, vec![vec![""; 0]; 6], "nobody else is in its scopes");
    }
}

#[test]
fn s6_6_a_hook_takes_off_what_a_handler_has_entered_while_it_waits() {
    let _watchdog = watchdog();
    for workers in [1, 2] {
        let pool = pool_of(workers).switch_hook(Scopes).start().unwrap();
        let onlooker = pool.spawn("onlooker", onlooker()).unwrap();
        let ask = |name| {
            let insider = pool.spawn_on(0, name, insider(name, onlooker)).unwrap();
            insider.ask(|reply| reply, NEVER)
        };
        check_insiders(["a", "b"].map(ask));
        finish(&pool, SOON);
    }
}

#[test]
fn s6_6_a_thread_that_drives_handlers_is_in_its_scopes_alone() {
    let _watchdog = watchdog();
    let system = ActorSystem::builder().switch_hook(Scopes).start().unwrap();
    let _thread = entered("thread");
    let onlooker = system.spawn("onlooker", onlooker()).unwrap();
    let ask = |name| {
        let insider = system.spawn(name, insider(name, onlooker)).unwrap();
        insider.ask(|reply| reply, NEVER)
    };
    check_insiders(["a", "b"].map(ask));
    assert_eq!(scopes(), ["thread"]);
}

#[test]
fn s6_6_a_hook_is_told_of_the_switches_of_a_simulation() {
    let _watchdog = watchdog();
    for seed in 0..20 {
        let mut sim = Sim::builder()
            .seed(seed)
            .switch_hook(Scopes)
            .start()
            .unwrap();
        let _thread = entered("thread");
        let onlooker = sim.spawn("onlooker", onlooker()).unwrap();
        let mut ask = |name| {
            let insider = sim.spawn_on(0, name, insider(name, onlooker)).unwrap();
            insider.ask(|reply| reply, NEVER)
        };
        check_insiders(["a", "b"].map(&mut ask));
        assert_eq!(scopes(), ["thread"]);
    }
}

#[test]
fn s6_6_the_next_turn_begins_outside_of_what_the_last_one_has_left_entered() {
    let _watchdog = watchdog();
    let pool = pool_of(1).switch_hook(Scopes).start().unwrap();
    let careless =
        Props::new(|| Behavior::receive(|_ctx, ()| std::mem::forget(entered("careless"))));
    let careless = pool.spawn("careless", careless).unwrap();
    let onlooker = pool.spawn("onlooker", onlooker()).unwrap();
    for _ in 0..3 {
        careless.tell(());
        assert!(onlooker.ask(|reply| reply, SOON).wait().unwrap().is_empty());
    }
    finish(&pool, SOON);
}

/// Starts a child in a scope of its own, and stops it.
fn parent(seen: Arc<Mutex<Seen>>) -> Props<Reply<Vec<&'static str>>> {
    Props::new(move || {
        let seen = Arc::clone(&seen);
        Behavior::receive(move |ctx, reply: Reply<Vec<&'static str>>| {
            let _entered = entered("parent");
            let seen = Arc::clone(&seen);
            let child = Props::new(move || {
                let (in_setup, at_end) = (Arc::clone(&seen), Arc::clone(&seen));
                Behavior::setup(move |ctx| {
                    in_setup.lock().unwrap().push(scopes());
                    std::mem::forget(entered("child"));
                    ctx.sleep(ms(1))?;
                    in_setup.lock().unwrap().push(scopes());
                    Ok(Behavior::receive(|_ctx, (): ()| ()))
                })
                .on_signal(move |_ctx, signal| {
                    if matches!(signal, Signal::PostStop { .. }) {
                        at_end.lock().unwrap().push(scopes());
                    }
                })
            });
            ctx.spawn_anonymous(child)?.stop();
            ctx.sleep(ms(1))?;
            reply.send(scopes());
            Ok(())
        })
    })
}

#[test]
fn s6_6_a_child_starts_and_stops_outside_of_its_parents_scopes() {
    let _watchdog = watchdog();
    let pool = pool_of(1).switch_hook(Scopes).start().unwrap();
    let seen = Arc::default();
    let parent = pool.spawn("parent", parent(Arc::clone(&seen))).unwrap();
    assert_eq!(parent.ask(|reply| reply, SOON).wait().unwrap(), ["parent"]);
    finish(&pool, SOON);
    assert_eq!(*seen.lock().unwrap(), [vec![], vec!["child"], vec![]]);
}

#[test]
fn s6_6_a_handler_that_is_ended_where_it_waits_unwinds_within_its_scopes() {
    struct Look(Arc<Mutex<Seen>>);
    impl Drop for Look {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(scopes());
        }
    }
    let _watchdog = watchdog();
    let pool = pool_of(1).switch_hook(Scopes).start().unwrap();
    let seen = Arc::<Mutex<Seen>>::default();
    let (waits, begun) = std::sync::mpsc::channel();
    for name in ["a", "b"] {
        let (seen, waits) = (Arc::clone(&seen), waits.clone());
        let waiting = Props::new(move || {
            let (seen, waits) = (Arc::clone(&seen), waits.clone());
            Behavior::receive(move |ctx, ()| {
                let _entered = entered(name);
                let _look = Look(Arc::clone(&seen));
                waits.send(()).unwrap();
                ctx.sleep(NEVER)?;
                Ok(())
            })
        });
        pool.spawn(name, waiting).unwrap().tell(());
        begun.recv().unwrap();
    }
    assert_eq!(pool.shutdown(ms(1)).unwrap().forced, 2);
    let mut seen = std::mem::take(&mut *seen.lock().unwrap());
    seen.sort();
    assert_eq!(seen, [["a"], ["b"]]);
}

/// Panics or waits on request.
struct Unruly(Arc<AtomicUsize>);

impl SwitchHook for Unruly {
    type Taken = ();

    fn suspend(&self) {
        if self.0.load(SeqCst) == 1 {
            panic!("planned, when it waits");
        }
    }

    fn resume(&self, (): ()) {
        if self.0.load(SeqCst) == 2 {
            panic!("planned, when it goes on");
        }
    }
}

#[test]
fn s6_6_a_panic_of_a_hook_is_one_of_the_handler() {
    let _watchdog = watchdog();
    let what = Arc::new(AtomicUsize::new(0));
    let failures = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&failures);
    let pool = pool_of(1)
        .switch_hook(Scopes)
        .switch_hook(Unruly(Arc::clone(&what)))
        .supervising(Strategy::one_for_one())
        .on_failure(move |failure: &Failure| note.lock().unwrap().push(failure.cause.to_string()))
        .start()
        .unwrap();
    let waits = Props::new(move || {
        let what = Arc::clone(&what);
        Behavior::receive(
            move |ctx, (when, reply): (usize, Reply<Vec<&'static str>>)| {
                let _entered = entered("waits");
                // Set within the handler, so that no other switch sees it.
                what.store(when, SeqCst);
                let slept =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ctx.sleep(ms(1))));
                what.store(0, SeqCst);
                reply.send(scopes());
                if let Err(panic) = slept {
                    std::panic::resume_unwind(panic);
                }
            },
        )
    });
    let waits = pool.spawn("waits", waits).unwrap();
    for when in [1, 2, 0] {
        let within = waits.ask(|reply| (when, reply), SOON).wait();
        assert_eq!(within.unwrap(), ["waits"]);
    }
    finish(&pool, SOON);
    let failures = failures.lock().unwrap();
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert!(
        failures[0].contains("planned, when it waits"),
        "{failures:?}"
    );
    assert!(
        failures[1].contains("planned, when it goes on"),
        "{failures:?}"
    );
}

#[test]
fn s6_6_a_hook_cannot_wait() {
    struct Waits(ActorRef<Reply<u8>>, Arc<Mutex<Vec<AskErrorKind>>>);
    impl SwitchHook for Waits {
        type Taken = ();
        fn suspend(&self) {
            let asked = self.0.ask(|reply| reply, SOON).wait();
            self.1.lock().unwrap().push(asked.unwrap_err().kind());
        }
        fn resume(&self, (): ()) {}
    }
    let _watchdog = watchdog();
    let other = pool_of(1).start().unwrap();
    let answers = Props::new(|| Behavior::receive(|_ctx, reply: Reply<u8>| reply.send(1)));
    let answers = other.spawn("answers", answers).unwrap();
    let errors = Arc::default();
    let hook = Waits(answers, Arc::clone(&errors));
    let pool = pool_of(1).switch_hook(hook).start().unwrap();
    let sleeps = Props::new(|| {
        Behavior::receive(|ctx, reply: Reply<bool>| reply.send(ctx.sleep(ms(1)).is_ok()))
    });
    let sleeps = pool.spawn("sleeps", sleeps).unwrap();
    assert!(sleeps.ask(|reply| reply, SOON).wait().unwrap());
    finish(&pool, SOON);
    finish(&other, SOON);
    let errors = errors.lock().unwrap();
    assert!(!errors.is_empty());
    assert!(
        errors.iter().all(|kind| *kind == AskErrorKind::CannotWait),
        "{errors:?}"
    );
}

static NUMBER: FiberLocal<Cell<u32>> = FiberLocal::new(|| Cell::new(0));

#[test]
fn s6_6_a_fiber_local_is_the_handlers_own_and_new_in_each_turn() {
    let _watchdog = watchdog();
    let pool = pool_of(1).start().unwrap();
    let counts = Props::new(|| {
        Behavior::receive(|ctx, (number, reply): (u32, Reply<[u32; 4]>)| {
            let before = NUMBER.with(|own| own.replace(number));
            ctx.sleep(ms(2))?;
            let after = NUMBER.with(Cell::get);
            let of_task = ctx.spawn_task(|_ctx| NUMBER.with(Cell::get)).wait()?;
            let seen = Arc::new(AtomicUsize::new(usize::MAX));
            let note = Arc::clone(&seen);
            let child = Props::new(move || {
                let note = Arc::clone(&note);
                Behavior::setup(move |ctx| {
                    let before = NUMBER.with(|own| own.replace(1_000));
                    ctx.sleep(ms(1))?;
                    note.store(before as usize, SeqCst);
                    Ok(Behavior::receive(|_ctx, (): ()| ()))
                })
            });
            ctx.spawn_anonymous(child)?;
            assert_eq!(NUMBER.with(Cell::get), number);
            let of_child = u32::try_from(seen.load(SeqCst)).unwrap();
            reply.send([before, after, of_task, of_child]);
            Ok(())
        })
    });
    NUMBER.with(|own| own.set(77));
    let both = ["a", "b"].map(|name| pool.spawn(name, counts.clone()).unwrap());
    for round in 1..4 {
        let numbers = [round, 10 * round];
        let asked = [0, 1].map(|at| both[at].ask(|reply| (numbers[at], reply), SOON));
        for (number, asked) in numbers.into_iter().zip(asked) {
            assert_eq!(asked.wait().unwrap(), [0, number, 0, 0]);
        }
    }
    finish(&pool, SOON);
    assert_eq!(NUMBER.with(Cell::get), 77, "a thread has its own");
}

struct Bomb(Cell<bool>);

impl Drop for Bomb {
    fn drop(&mut self) {
        let waits = NUMBER.with(|own| own.replace(1));
        assert_eq!(waits, 0, "the values of its turn are gone");
        if self.0.get() {
            panic!("planned");
        }
        DROPPED.fetch_add(1, SeqCst);
    }
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);
static BOMB: FiberLocal<Bomb> = FiberLocal::new(|| Bomb(Cell::new(false)));

#[test]
fn s6_6_a_fiber_local_is_dropped_at_the_end_of_the_turn_and_may_panic() {
    let _watchdog = watchdog();
    let failures = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&failures);
    let pool = pool_of(1)
        .on_failure(move |failure: &Failure| note.lock().unwrap().push(failure.to_string()))
        .start()
        .unwrap();
    let careful = Props::new(|| {
        Behavior::receive(|_ctx, (panics, reply): (bool, Reply<u32>)| {
            BOMB.with(|bomb| bomb.0.set(panics));
            reply.send(NUMBER.with(Cell::get));
        })
    });
    let actor = pool.spawn("careful", careful).unwrap();
    for panics in [false, true, false] {
        let number = actor.ask(|reply| (panics, reply), SECOND).wait().unwrap();
        assert_eq!(number, 0, "what a destructor has made goes as well");
    }
    finish(&pool, SOON);
    assert_eq!(DROPPED.load(SeqCst), 2);
    let failures = failures.lock().unwrap();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].contains("/user/careful"), "{failures:?}");
}

#[test]
fn s6_6_a_fiber_local_may_be_used_where_nothing_waits_and_in_its_own_making() {
    static OUTER: FiberLocal<u32> = FiberLocal::new(|| INNER.with(|inner| inner + 1));
    static INNER: FiberLocal<u32> = FiberLocal::new(|| 41);
    assert_eq!(OUTER.with(|outer| *outer), 42);
    assert_eq!(
        no_wait(|| OUTER.with(|outer| INNER.with(|inner| outer + inner))),
        83
    );
    assert_eq!(format!("{INNER:?}"), "FiberLocal<u32>");
}
