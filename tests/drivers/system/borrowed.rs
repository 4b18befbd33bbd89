//! No waiting handler outlives what it has borrowed from its thread, however the system ends.

use super::{NEVER, OnDrop, SMUGGLED, run_again, smuggle, smuggled, system};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;

/// What happened, in order.
type Story = Arc<Mutex<Vec<&'static str>>>;

/// Owned by its thread; records its destruction.
struct Owned(RefCell<Option<Story>>);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(story) = self.0.get_mut() {
            story.lock().unwrap().push("destroyed");
        }
    }
}

thread_local! {
    static OWNED: Owned = const { Owned(RefCell::new(None)) };
}

/// Borrows a value of its thread, and waits for ever.
fn borrowing(story: &Story) -> Props<()> {
    let story = Arc::clone(story);
    Props::new(move || {
        let (story, told) = (Arc::clone(&story), Arc::clone(&story));
        Behavior::receive(move |ctx, ()| {
            OWNED.with(|owned| {
                *owned.0.borrow_mut() = Some(Arc::clone(&story));
                let _returns = OnDrop(|| story.lock().unwrap().push("given back"));
                Ok(ctx.sleep(NEVER)?)
            })
        })
        .on_signal(move |_ctx, signal| {
            if matches!(signal, Signal::PostStop(_)) {
                told.lock().unwrap().push("told");
            }
        })
    })
}

/// A driver of actors on this thread.
trait Driven: Sized + 'static {
    fn with_borrower(story: &Story) -> Self;
}

impl Driven for ActorSystem {
    fn with_borrower(story: &Story) -> Self {
        let system = system();
        system.spawn("borrower", borrowing(story)).unwrap().tell(());
        system.run_until_idle();
        system
    }
}

impl Driven for Sim {
    fn with_borrower(story: &Story) -> Self {
        let mut sim = Sim::builder().start().unwrap();
        sim.spawn("borrower", borrowing(story)).unwrap().tell(());
        sim.run_until_idle();
        sim
    }
}

type Way<S> = (&'static str, fn(S));

/// The ways in which a system may end.
fn ends<S: Driven>() -> [Way<S>; 4] {
    [
        ("dropped", |system| drop(system)),
        ("dropped by a panic", |system| {
            let panics = catch_unwind(AssertUnwindSafe(|| {
                let _system = system;
                panic!("planned");
            }));
            assert!(panics.is_err());
        }),
        ("dropped in the handler of another system", |system| {
            dropped_in_a_handler(system, |system| drop(system));
        }),
        (
            "dropped by a panic in the handler of another system",
            |system| {
                dropped_in_a_handler(system, |system| {
                    let _system = system;
                    panic!("planned");
                });
            },
        ),
    ]
}

fn dropped_in_a_handler<S: 'static>(system: S, how: impl Fn(S) + Send + Sync + 'static) {
    let outer = super::system();
    smuggle(system);
    let how = Arc::new(how);
    let dropping = Props::new(move || {
        let how = Arc::clone(&how);
        Behavior::receive(move |_ctx, ()| how(smuggled::<S>()))
    });
    outer.spawn("dropping", dropping).unwrap().tell(());
    outer.run_until_idle();
    assert!(SMUGGLED.with_borrow(Vec::is_empty), "it has been dropped");
}

fn all_ends<S: Driven>() {
    for (name, end) in ends::<S>() {
        let story = Story::default();
        let told = Arc::clone(&story);
        let thread = thread::spawn(move || end(S::with_borrower(&told)));
        thread.join().unwrap();
        let story = story.lock().unwrap();
        assert_eq!(*story, ["given back", "told", "destroyed"], "{name}");
    }
}

#[test]
fn s4_16_a_waiting_handler_gives_back_what_it_borrowed_however_the_system_ends() {
    all_ends::<ActorSystem>();
}

#[test]
fn s4_16_a_waiting_handler_gives_back_what_it_borrowed_however_the_simulation_ends() {
    all_ends::<Sim>();
}

thread_local! {
    static SYSTEM: RefCell<Option<ActorSystem>> = const { RefCell::new(None) };
    static SIM: RefCell<Option<Sim>> = const { RefCell::new(None) };
}

const CHILD: &str = "NEXUS_ACTORS_TEST_THREAD_LOCAL";

/// Runs a thread, in a process of its own, that ends with a system in a thread-local. The process
/// must end well, or abort with a message.
fn in_a_thread_local(test: &str, ends_well: bool, begin: fn(&Story)) {
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        let story = Story::default();
        let told = Arc::clone(&story);
        thread::spawn(move || begin(&told)).join().unwrap();
        let story = story.lock().unwrap();
        assert_eq!(*story, ["given back", "told", "destroyed"]);
        return;
    }
    let output = run_again(test, CHILD);
    let error = String::from_utf8_lossy(&output.stderr);
    let refused = error.contains("shut the system down before its thread ends");
    let (status, expected) = (output.status, (ends_well, !ends_well));
    assert_eq!((status.success(), refused), expected, "{status}: {error}");
}

#[test]
fn s4_16_a_system_in_a_thread_local_ends_the_process_rather_than_use_what_is_gone() {
    in_a_thread_local(
        "system::borrowed::s4_16_a_system_in_a_thread_local_ends_the_process_rather_than_use_what_is_gone",
        false,
        |story| {
            SYSTEM.with_borrow_mut(|system| *system = Some(super::system()));
            SYSTEM.with_borrow(|system| {
                let system = system.as_ref().unwrap();
                system.spawn("borrower", borrowing(story)).unwrap().tell(());
                system.run_until_idle();
            });
        },
    );
}

#[test]
fn s4_16_a_simulation_in_a_thread_local_ends_the_process_rather_than_use_what_is_gone() {
    in_a_thread_local(
        "system::borrowed::s4_16_a_simulation_in_a_thread_local_ends_the_process_rather_than_use_what_is_gone",
        false,
        |story| {
            SIM.with_borrow_mut(|sim| *sim = Some(Sim::builder().start().unwrap()));
            SIM.with_borrow_mut(|sim| {
                let sim = sim.as_mut().unwrap();
                sim.spawn("borrower", borrowing(story)).unwrap().tell(());
                sim.run_until_idle();
            });
        },
    );
}

#[test]
fn s4_16_a_system_that_came_to_a_thread_local_after_its_handlers_waited_unwinds_them() {
    in_a_thread_local(
        "system::borrowed::s4_16_a_system_that_came_to_a_thread_local_after_its_handlers_waited_unwinds_them",
        true,
        |story| {
            let system = ActorSystem::with_borrower(story);
            SYSTEM.with_borrow_mut(|place| *place = Some(system));
        },
    );
}
