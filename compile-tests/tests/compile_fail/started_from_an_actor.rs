//! An actor is started from props that make it on its worker, not from a value.

use nexus_actors::prelude::*;

struct Counter(u32);

impl Actor for Counter {
    type Message = u32;

    fn receive(&mut self, _ctx: &mut Context<'_, u32>, number: u32) -> HandlerResult<u32> {
        self.0 += number;
        Ok(Next::Same)
    }
}

fn start(pool: &WorkerPool) {
    let _ = pool.spawn_anonymous(Counter(0));
}

fn main() {
    let _ = start;
}
