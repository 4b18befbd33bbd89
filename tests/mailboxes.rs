//! Mailboxes: unbounded unless told otherwise, and empty ones cost nothing.

mod common;

use common::*;
use nexus_actors::prelude::*;
use std::sync::{Mutex, mpsc};

enum Mail {
    Hold,
    Number(u64),
    Sum(Reply<(u64, usize)>),
}

/// Sums the numbers; holds its worker at `Hold` until told to go on.
fn summing(exit: mpsc::Receiver<()>) -> Props<Mail> {
    let exit = Mutex::new(Some(exit));
    Props::new(move || {
        let exit = exit.lock().unwrap().take().unwrap();
        Behavior::with_state(0, move |sum, ctx, mail| match mail {
            Mail::Hold => exit.recv().unwrap(),
            Mail::Number(number) => *sum += number,
            Mail::Sum(reply) => reply.send((*sum, ctx.mailbox_len())),
        })
    })
}

#[test]
fn s3_1_a_mailbox_takes_all_that_is_sent_while_its_actor_is_busy() {
    const MANY: u64 = 200_000;
    with_pools(|pool| {
        let (leave, exit) = mpsc::channel();
        let actor = pool.spawn("actor", summing(exit)).unwrap();
        actor.tell(Mail::Hold);
        for number in 0..MANY {
            assert!(actor.try_tell(Mail::Number(number)).is_ok());
        }
        leave.send(()).unwrap();
        let sum = actor.ask(Mail::Sum, SOON).wait();
        assert_eq!(sum, Ok((MANY * (MANY - 1) / 2, 0)));
        assert_eq!(pool.stats().dead_letters, 0);
    });
}

#[test]
fn s3_1_a_mailbox_grows_within_one_worker_too() {
    const MANY: u64 = 200_000;
    with_pools(|pool| {
        let (_leave, exit) = mpsc::channel();
        let actor = pool.spawn("actor", summing(exit)).unwrap();
        let sender = pool
            .spawn_near(
                actor,
                "sender",
                Props::new(move || {
                    Behavior::receive(move |_ctx, reply: Reply<(u64, usize)>| {
                        (0..MANY).for_each(|number| actor.tell(Mail::Number(number)));
                        actor.tell(Mail::Sum(reply));
                        actor.tell(Mail::Number(0));
                    })
                }),
            )
            .unwrap();
        let (sum, left) = sender.ask(|reply| reply, SOON).wait().unwrap();
        assert_eq!(sum, MANY * (MANY - 1) / 2);
        assert_eq!(left, 1, "the length is that of what waits");
    });
}
