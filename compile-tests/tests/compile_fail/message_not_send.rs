//! A message may move to another thread.

use nexus_actors::prelude::*;
use std::rc::Rc;

fn share(actor: ActorRef<Rc<u32>>) {
    actor.tell(Rc::new(1));
}

fn main() {}
