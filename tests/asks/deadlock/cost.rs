//! The cost of a search for cycles.

use super::HOUR;
use crate::common::watchdog;
use nexus_actors::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn s5_6_asking_a_waiting_actor_takes_as_long_however_much_mail_there_is() {
    enum Job {
        Wait,
        Note,
        Question(Reply<()>),
    }
    let _watchdog = watchdog();
    let pool = WorkerPool::builder().workers(1).start().unwrap();
    let held: Arc<Mutex<Vec<Reply<()>>>> = Arc::default();
    let keeps = Arc::clone(&held);
    let mute = Props::new(move || {
        let keeps = Arc::clone(&keeps);
        Behavior::receive(move |_ctx, reply| keeps.lock().unwrap().push(reply))
    });
    let mute = pool.spawn("mute", mute).unwrap();
    let busy = Props::new(move || {
        Behavior::receive(move |_ctx, job| match job {
            Job::Wait => drop(mute.ask(|reply| reply, HOUR).wait()),
            Job::Note => {}
            Job::Question(reply) => reply.send(()),
        })
    });
    let busy = pool.spawn("busy", busy).unwrap();
    busy.tell(Job::Wait);
    (0..200_000).for_each(|_| busy.tell(Job::Note));
    let asker = Props::new(move || {
        Behavior::receive(move |ctx, (tasks, reply): (u32, Reply<()>)| {
            for _ in 0..tasks {
                drop(ctx.spawn_task(move |_task| drop(busy.ask(Job::Question, HOUR).wait())));
            }
            reply.send(());
        })
    });
    let asker = pool.spawn("asker", asker).unwrap();
    let begun = std::time::Instant::now();
    // The second answer comes after the questions of all tasks.
    for tasks in [1500, 0] {
        asker.ask(|reply| (tasks, reply), HOUR).wait().unwrap();
    }
    // One scan of all the mail for each question would take several times that long.
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    held.lock().unwrap().clear();
    pool.shutdown(Duration::from_secs(20)).unwrap();
}

#[test]
fn s5_6_asking_a_waiting_actor_takes_as_long_as_the_chain_is() {
    const CHAIN: usize = 20_000;
    const ASKERS: u32 = 100;
    let _watchdog = watchdog();
    let pool = WorkerPool::builder().workers(1).start().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    // Keeps the reply.
    let mute = Props::new(move || {
        let tell = tell.clone();
        Behavior::receive(move |_ctx, reply: Reply<()>| tell.send(reply).unwrap())
    });
    let mut next = pool.spawn("mute", mute).unwrap();
    for number in 0..CHAIN {
        let asks = next;
        let link = Props::new(move || {
            Behavior::receive(move |_ctx, reply: Reply<()>| {
                if asks
                    .ask(|reply| reply, HOUR)
                    .wait_on_behalf_of(&reply)
                    .is_ok()
                {
                    reply.send(());
                }
            })
        });
        next = pool.spawn(&format!("link-{number}"), link).unwrap();
    }
    let first = next;
    let through = first.ask(|reply| reply, HOUR);
    let held = told.recv().unwrap();
    let (waits, waiting) = std::sync::mpsc::channel();
    let asker = Props::new(move || {
        let waits = waits.clone();
        Behavior::receive(move |ctx, ()| {
            for _ in 0..ASKERS {
                let waits = waits.clone();
                drop(ctx.spawn_task(move |_task| {
                    let asked = first.ask(|reply| reply, HOUR);
                    waits.send(()).unwrap();
                    drop(asked.wait());
                }));
            }
        })
    });
    let asker = pool.spawn("asker", asker).unwrap();
    let begun = std::time::Instant::now();
    asker.tell(());
    (0..ASKERS).for_each(|_| waiting.recv().unwrap());
    first.kill(); // after its current question
    held.send(());
    assert_eq!(through.wait(), Ok(()));
    // Comparing each link with all links before it would take many times that long.
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    drop(told);
    pool.shutdown(Duration::from_secs(20)).unwrap();
}
