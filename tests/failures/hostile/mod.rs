//! What hostile user code may do to the runtime: destructors that panic, wait or send, hooks that
//! re-enter it, orders that cross each other, and messages of odd shapes.

mod counts;
mod destructors;
mod hooks;
mod limits;
mod messages;
mod orders;
mod starts;
mod stuck;

use nexus_actors::prelude::*;
use std::sync::mpsc;

/// A panic whose type is not `!`, so that a handler may end with it.
fn planned() {
    panic!("planned");
}

/// An actor that panics when it is told.
fn failing() -> Props<()> {
    Props::new(|| Behavior::receive(|_ctx, ()| planned()))
}

/// Starts an actor that passes every reply that it is sent to the test.
fn keeper(pool: &WorkerPool) -> (ActorRef<Reply<()>>, mpsc::Receiver<Reply<()>>) {
    let (give, replies) = mpsc::channel();
    let props = Props::new(move || {
        let give = give.clone();
        Behavior::receive(move |_ctx, reply: Reply<()>| give.send(reply).unwrap())
    });
    (pool.spawn("keeper", props).unwrap(), replies)
}
