//! Mailboxes: unbounded by default, and free of cost while empty.

use crate::common::*;
use nexus_actors::prelude::*;
use std::sync::{Mutex, mpsc};

enum Mail {
    Hold,
    Number(u64),
    Sum(Reply<(u64, usize)>),
}

/// Sums the numbers. `Hold` blocks its worker until it is told to continue.
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

/// A message with its position, and optionally a reply.
struct Placed(u64, Option<Reply<()>>);

#[test]
fn s3_5_no_way_to_send_overtakes_another() {
    with_pools(|pool| {
        let (told, got) = mpsc::channel();
        let (leave, exit) = mpsc::channel::<()>();
        let exit = Mutex::new(exit);
        let handler = move |_ctx: &mut Context<'_, Placed>, Placed(place, reply): Placed| {
            if place == 0 {
                exit.lock().unwrap().recv().unwrap();
            }
            told.send(place).unwrap();
            if let Some(reply) = reply {
                reply.send(());
            }
        };
        let handler = Mutex::new(Some(handler));
        let actor = Props::new(move || Behavior::receive(handler.lock().unwrap().take().unwrap()));
        let actor = pool.spawn("actor", actor).unwrap();
        let part = actor.contramap(|place| Placed(place, None));
        actor.tell(Placed(0, None));
        actor.tell(Placed(1, None));
        let first = actor.ask(|reply| Placed(2, Some(reply)), SOON);
        actor.try_tell(Placed(3, None)).unwrap();
        part.tell(4);
        actor.tell(Placed(5, None));
        let last = actor.ask(|reply| Placed(6, Some(reply)), SOON);
        leave.send(()).unwrap();
        // The later answer is there once the earlier one is.
        assert_eq!((last.wait(), first.wait()), (Ok(()), Ok(())));
        assert_eq!(got.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
    });
}
