//! What safe user code must not be able to do: end the process, from corners where the runtime drops or
//! outlives what the user gave it.

use crate::common::{Bomb, NEVER, SOON, eventually, in_child, pool_of, threads_named};
use nexus_actors::prelude::*;
use std::cell::RefCell;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// Runs a function in the destructor of a thread-local.
struct AtThreadEnd(Option<Box<dyn FnOnce()>>);

impl Drop for AtThreadEnd {
    fn drop(&mut self) {
        if let Some(run) = self.0.take() {
            run();
        }
    }
}

thread_local! {
    static AT_END: RefCell<AtThreadEnd> = const { RefCell::new(AtThreadEnd(None)) };
}

fn at_thread_end(run: impl FnOnce() + 'static) {
    AT_END.with(|at_end| at_end.borrow_mut().0 = Some(Box::new(run)));
}

/// An ask stays on the thread that asked, but it may outlive the worker there.
#[test]
fn an_ask_that_outlives_its_worker_ends_with_an_error() {
    in_child(
        "no_aborts::an_ask_that_outlives_its_worker_ends_with_an_error",
        || {
            let pool = pool_of(1).start().unwrap();
            let (told, outcome) = mpsc::channel();
            let mute = pool
                .spawn(
                    "mute",
                    Props::new(|| {
                        let mut kept = Vec::new();
                        Behavior::receive(move |_, reply: Reply<u8>| kept.push(reply))
                    }),
                )
                .unwrap();
            let asker = pool
                .spawn(
                    "asker",
                    Props::new(move || {
                        let told = told.clone();
                        Behavior::receive(move |_ctx, ()| {
                            let ask = mute.ask(|reply| reply, NEVER);
                            let told = told.clone();
                            at_thread_end(move || {
                                let _ = told.send(ask.wait().map_err(|error| error.to_string()));
                            });
                        })
                    }),
                )
                .unwrap();
            asker.tell(());
            pool.shutdown(SOON).unwrap();
            assert!(outcome.recv().unwrap().is_err());
        },
    );
}

/// Ending a pool joins its threads, and one of these may be the thread that drops the handle.
#[test]
fn the_last_handle_may_lie_in_a_thread_local_of_a_worker() {
    in_child(
        "no_aborts::the_last_handle_may_lie_in_a_thread_local_of_a_worker",
        || {
            let (sent, node) = mpsc::channel();
            let pool = pool_of(1)
                .name("tls-pool")
                .configure(move |node| Ok(sent.send(node.clone())?))
                .start()
                .unwrap();
            let node: WorkerNode = node.recv().unwrap();
            let keeper = pool
                .spawn(
                    "keeper",
                    Props::new(|| {
                        Behavior::receive(|_ctx, (pool, reply): (WorkerPool, Reply<()>)| {
                            at_thread_end(move || drop(pool));
                            reply.send(());
                        })
                    }),
                )
                .unwrap();
            keeper
                .ask(|reply| (pool.clone(), reply), SOON)
                .wait()
                .unwrap();
            drop(pool);
            node.request_shutdown(SOON);
            eventually("its thread ends", || threads_named("tls-pool").is_empty());
        },
    );
}

/// What the failure hook, or a subscriber, has captured may be dropped on a worker, where a panic would be
/// taken for one of the runtime's own.
#[test]
fn a_hook_that_panics_when_dropped_harms_nobody() {
    in_child(
        "no_aborts::a_hook_that_panics_when_dropped_harms_nobody",
        || {
            let bomb = Bomb;
            let pool = pool_of(1)
                .name("bomb-pool")
                .on_failure(move |_| {
                    let _ = &bomb;
                })
                .start()
                .unwrap();
            let keeper = pool
                .spawn(
                    "keeper",
                    Props::new(|| {
                        Behavior::receive(|_ctx, (pool, go): (WorkerPool, mpsc::Receiver<()>)| {
                            go.recv().unwrap();
                            drop(pool);
                        })
                    }),
                )
                .unwrap();
            let (go, gone) = mpsc::channel();
            keeper.tell((pool.clone(), gone));
            drop(pool);
            go.send(()).unwrap();
            eventually("its thread ends", || threads_named("bomb-pool").is_empty());
        },
    );
}

/// An answer that is never taken is dropped with its worker.
#[test]
fn an_answer_to_a_forgotten_ask_that_panics_when_dropped_harms_nobody() {
    in_child(
        "no_aborts::an_answer_to_a_forgotten_ask_that_panics_when_dropped_harms_nobody",
        || {
            let pool = pool_of(1).start().unwrap();
            let bomber = pool
                .spawn(
                    "bomber",
                    Props::new(|| Behavior::receive(|_, reply: Reply<Bomb>| reply.send(Bomb))),
                )
                .unwrap();
            let asker = pool
                .spawn(
                    "asker",
                    Props::new(move || {
                        Behavior::receive(move |_, ()| {
                            std::mem::forget(bomber.ask(|reply| reply, NEVER));
                        })
                    }),
                )
                .unwrap();
            asker.tell(());
            pool.shutdown(SOON).unwrap();
        },
    );
}

/// An error that `configure` ignored is kept for the other workers, and dropped at the end of the start.
#[test]
fn an_error_that_configure_put_up_with_is_dropped_in_peace() {
    #[derive(Debug)]
    struct Loud(#[allow(dead_code)] Arc<Mutex<()>>);
    impl std::fmt::Display for Loud {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("loud")
        }
    }
    impl std::error::Error for Loud {}
    impl Drop for Loud {
        fn drop(&mut self) {
            panic!("planned: an error that panics when it is dropped");
        }
    }
    in_child(
        "no_aborts::an_error_that_configure_put_up_with_is_dropped_in_peace",
        || {
            let started = thread::spawn(|| {
                pool_of(1)
                    .name("loud-pool")
                    .configure(|node| {
                        let failing = Props::<u8>::new(|| {
                            Behavior::setup(|_| Err(Loud(Arc::default()).into()))
                        });
                        let _ = node.spawn("failing", failing);
                        Ok(())
                    })
                    .start()
                    .map(|pool| pool.shutdown(Duration::ZERO))
            });
            assert!(started.join().is_ok(), "start does not panic");
            assert!(threads_named("loud-pool").is_empty(), "no thread is left");
        },
    );
}
