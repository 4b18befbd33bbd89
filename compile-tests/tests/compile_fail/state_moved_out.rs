//! Props travel to the worker that will own the actor, so what a factory captures must be `Send`.

use nexus_actors::prelude::*;
use std::rc::Rc;

fn captured() -> Props<u8> {
    let shared = Rc::new(7);
    Props::new(move || {
        let shared = Rc::clone(&shared);
        Behavior::receive(move |_ctx, message: u8| drop((message, Rc::clone(&shared))))
    })
}

fn main() {}
