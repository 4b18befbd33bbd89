//! The correct versions of the other cases: those fail for no other reason.

use nexus_actors::prelude::*;
use std::rc::Rc;

fn greet(greeter: ActorRef<String>) {
    greeter.tell("Ada".to_owned());
}

fn share(actor: ActorRef<std::sync::Arc<u32>>) {
    actor.tell(std::sync::Arc::new(1));
}

fn keeping() -> Behavior<u8> {
    let mut kept = Vec::new();
    Behavior::receive(move |ctx, _message| kept.push(ctx.self_ref()))
}

fn echo() -> Behavior<Reply<u8>> {
    Behavior::receive(|_ctx, reply: Reply<u8>| reply.send(1))
}

fn captured() -> Props<u8> {
    Props::new(|| {
        let shared = Rc::new(7);
        Behavior::receive(move |_ctx, message: u8| drop((message, Rc::clone(&shared))))
    })
}

fn wait_for(asked: std::vec::IntoIter<Ask<u32>>) {
    let _ = all(asked.collect::<Vec<_>>());
}

struct Counter(u32);

impl Actor for Counter {
    type Message = u32;

    fn receive(&mut self, _ctx: &mut Context<'_, u32>, number: u32) -> HandlerResult<u32> {
        self.0 += number;
        Ok(Next::Same)
    }
}

fn start(pool: &WorkerPool) {
    let _ = pool.spawn_anonymous(Props::from_actor(|| Counter(0)));
    let _ = pool.spawn_anonymous(Once::actor(Counter(0)));
}

fn main() {
    let _ = (greet, share, keeping, echo, captured, wait_for, start);
}
