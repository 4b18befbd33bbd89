//! Sends by outside threads: order, floods, sleeping workers, and pools that end meanwhile.

use nexus_actors::pool::WaitStrategy;
use nexus_actors::prelude::*;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(120);

fn pool(workers: usize) -> WorkerPool {
    let pool = WorkerPool::builder().workers(workers);
    pool.start().expect("a pool starts")
}

/// A message of one thread, with its number.
enum Sent {
    Number(usize, u64),
    Seen(Reply<Vec<u64>>),
}

/// Counts the messages of each thread, which must arrive in order.
fn in_order(threads: usize) -> Props<Sent> {
    Props::new(move || {
        Behavior::with_state(
            vec![0; threads],
            |seen: &mut Vec<u64>, _ctx, message| match message {
                Sent::Number(thread, number) => {
                    assert_eq!(seen[thread], number, "of thread {thread}");
                    seen[thread] += 1;
                }
                Sent::Seen(reply) => reply.send(seen.clone()),
            },
        )
    })
}

fn seen(actor: ActorRef<Sent>) -> Vec<u64> {
    actor.ask(Sent::Seen, PATIENCE).wait().expect("it answers")
}

/// Waits until every message sent is handled or lost. Returns how many were lost.
fn settle(pool: &WorkerPool) -> u64 {
    let start = Instant::now();
    loop {
        let stats = pool.stats();
        if stats.sent() == stats.handled() + stats.dead_letters {
            return stats.dead_letters;
        }
        assert!(
            start.elapsed() < PATIENCE,
            "messages are missing: {stats:?}"
        );
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn s1_6_messages_and_stops_of_foreign_threads_keep_their_order() {
    let pool = pool(2);
    for round in 0..50 {
        let handled = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&handled);
        let actor = pool.spawn_anonymous(Props::new(move || {
            let count = Arc::clone(&count);
            Behavior::receive(move |_ctx, _: u64| {
                count.fetch_add(1, Relaxed);
            })
        }));
        let actor = actor.expect("it starts");
        (0..100).for_each(|number| actor.tell(number));
        actor.stop();
        (0..10).for_each(|number| actor.tell(number));
        let lost = settle(&pool);
        assert_eq!(handled.load(Relaxed), 100);
        assert_eq!(lost, 10 * (round + 1));
    }
    pool.shutdown(PATIENCE).expect("it ends");
}

#[test]
fn s1_6_four_foreign_threads_flood_an_actor_each_in_order() {
    let pool = pool(2);
    let actor = pool.spawn("actor", in_order(4)).expect("it starts");
    let senders = [0, 1, 2, 3].map(|thread| {
        thread::spawn(move || {
            let numbers = (0..250_000).map(|number| Sent::Number(thread, number));
            if thread % 2 == 0 {
                numbers.for_each(|message| actor.tell(message));
            } else {
                actor.tell_all(numbers);
            }
        })
    });
    for sender in senders {
        sender.join().expect("it sends");
    }
    assert_eq!(seen(actor), [250_000; 4]);
    assert_eq!(settle(&pool), 0);
    pool.shutdown(PATIENCE).expect("it ends");
}

#[test]
fn s1_5_tell_all_sends_in_order_on_every_path() {
    let pool = pool(2);
    let bounded = in_order(1).mailbox(Mailbox::bounded(1_000, Overflow::Fail).expect("a bound"));
    for (number, props) in [in_order(1), bounded].into_iter().enumerate() {
        for worker in 0..2 {
            let name = format!("target-{number}-{worker}");
            let target = pool.spawn_on(worker, &name, props.clone());
            let target = target.expect("it starts");
            let sender = pool.spawn_on(
                0,
                &format!("{name}-sender"),
                Props::new(move || {
                    Behavior::receive(move |_ctx, reply: Reply<()>| {
                        target.tell_all((0..100).map(|number| Sent::Number(0, number)));
                        reply.send(());
                    })
                }),
            );
            let sender = sender.expect("it starts");
            sender.ask(|reply| reply, PATIENCE).wait().expect("it sent");
            // Messages to another worker are published when the handler has returned.
            while seen(target) != [100] {}
            target.tell_all((100..175).map(|number| Sent::Number(0, number)));
            assert_eq!(seen(target), [175]);
        }
    }
    assert_eq!(settle(&pool), 0);
    pool.shutdown(PATIENCE).expect("it ends");
}

#[test]
fn s1_4_tell_all_sends_what_an_iterator_gave_before_it_panicked() {
    let pool = pool(1);
    let actor = pool.spawn("actor", in_order(1)).expect("it starts");
    let sent = std::panic::catch_unwind(|| {
        actor.tell_all((0..50).map(|number| {
            assert!(number < 40, "the iterator fails");
            Sent::Number(0, number)
        }));
    });
    assert!(sent.is_err());
    assert_eq!(seen(actor), [40]);
    pool.shutdown(PATIENCE).expect("it ends");
}

#[test]
fn s3_4_a_kill_does_not_wait_behind_a_flood() {
    let pool = pool(2);
    let busy = pool.spawn_on(
        0,
        "busy",
        Props::new(|| Behavior::receive(|_ctx, _: u64| thread::sleep(Duration::from_micros(20)))),
    );
    let busy = busy.expect("it starts");
    let other = pool.spawn_on(0, "other", in_order(1)).expect("it starts");
    busy.tell_all(0..200_000);
    other.suspend();
    other.tell(Sent::Number(0, 0));
    other.resume();
    let start = Instant::now();
    busy.kill();
    // Handling the flood takes four seconds; the rest of it becomes dead letters.
    assert_eq!(seen(other), [1]);
    let lost = settle(&pool);
    assert!(lost > 100_000, "only {lost} were lost");
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    pool.shutdown(PATIENCE).expect("it ends");
}

#[test]
fn s8_5_workers_that_sleep_are_woken_by_threads_and_by_workers() {
    let pool = WorkerPool::builder()
        .workers(2)
        .wait_strategy(WaitStrategy::Park)
        .start()
        .expect("a pool starts");
    let target = pool.spawn_on(1, "target", in_order(2)).expect("it starts");
    let sender = pool.spawn_on(
        0,
        "sender",
        Props::new(move || {
            Behavior::receive(move |_ctx, number: u64| target.tell(Sent::Number(1, number)))
        }),
    );
    let sender = sender.expect("it starts");
    for number in 0..2_000 {
        target.tell(Sent::Number(0, number));
        sender.tell(number);
        if number % 3 == 0 {
            settle(&pool);
        }
        if number % 50 == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    assert_eq!(settle(&pool), 0);
    assert_eq!(seen(target), [2_000; 2]);
    pool.shutdown(PATIENCE).expect("it ends");
}

#[test]
fn s7_2_nothing_is_lost_when_a_pool_ends_while_threads_tell() {
    for round in 0..10 {
        let pool = pool(2);
        let actor = pool.spawn_on(
            1,
            "actor",
            Props::new(|| Behavior::receive(|_ctx, _: u64| ())),
        );
        let actor = actor.expect("it starts");
        let told = Arc::new(AtomicU64::new(0));
        let begin = Arc::new(Barrier::new(4));
        let senders = [0, 1, 2].map(|_| {
            let (told, begin) = (Arc::clone(&told), Arc::clone(&begin));
            thread::spawn(move || {
                begin.wait();
                for number in 0..20_000 {
                    actor.tell(number);
                    told.fetch_add(1, Relaxed);
                }
            })
        });
        begin.wait();
        thread::sleep(Duration::from_micros(200 * round));
        pool.shutdown(PATIENCE).expect("it ends");
        for sender in senders {
            sender.join().expect("it sends");
        }
        // The count is known as long as the handle exists.
        settle(&pool);
        assert_eq!(pool.stats().sent(), told.load(Relaxed));
        drop(pool);
        actor.tell(1);
    }
}

#[test]
fn s7_2_one_thread_sends_to_two_pools_by_turns() {
    let pools = [pool(1), pool(2)];
    let actors = pools
        .each_ref()
        .map(|pool| pool.spawn("actor", in_order(1)).expect("it starts"));
    for number in 0..1_000 {
        actors
            .iter()
            .for_each(|actor| actor.tell(Sent::Number(0, number)));
    }
    for (pool, actor) in pools.iter().zip(actors) {
        assert_eq!(seen(actor), [1_000]);
        assert_eq!(settle(pool), 0);
        assert_eq!(pool.stats().sent_from_outside, 1_001);
    }
    for pool in pools {
        pool.shutdown(PATIENCE).expect("it ends");
    }
    // The thread still holds the ports of one of them.
    actors
        .iter()
        .for_each(|actor| actor.tell(Sent::Number(0, 0)));
}

#[repr(align(64))]
struct Aligned([u64; 8]);

#[test]
fn s1_4_messages_of_any_size_and_alignment_are_sent_from_outside() {
    let pool = pool(1);
    let sum = Arc::new(AtomicU64::new(0));
    let add = |sum: &Arc<AtomicU64>| {
        let sum = Arc::clone(sum);
        move |more| {
            sum.fetch_add(more, Relaxed);
        }
    };
    macro_rules! send {
        ($name:literal, $type:ty, $make:expr, $read:expr) => {{
            let add = add(&sum);
            let read: fn($type) -> u64 = $read;
            let props = Props::new(move || {
                let add = add.clone();
                Behavior::receive(move |_ctx, message: $type| add(read(message)))
            });
            let actor = pool.spawn($name, props).expect("it starts");
            for number in 0..1_000_u64 {
                actor.tell($make(number));
            }
            actor.tell_all((0..1_000_u64).map($make));
        }};
    }
    let total = 2 * (0..1_000).sum::<u64>();
    send!("large", [u64; 100], |number| [number; 100], |message| {
        message[99]
    });
    send!(
        "aligned",
        Aligned,
        |number| Aligned([number; 8]),
        |message| {
            assert_eq!((&raw const message).addr() % 64, 0);
            message.0[7]
        }
    );
    send!("boxed", Box<u64>, Box::new, |message| *message);
    send!("small", u8, |_| 1, u64::from);
    send!("empty", (), |_| (), |()| 1);
    assert_eq!(settle(&pool), 0);
    assert_eq!(sum.load(Relaxed), 3 * total + 2 * 2_000);
    pool.shutdown(PATIENCE).expect("it ends");
}

/// A message whose destructor panics.
struct Fragile(u64);

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(self.0 != 7, "number seven breaks");
    }
}

#[test]
fn s7_2_messages_whose_destructors_panic_are_lost_one_by_one() {
    let pool = pool(1);
    let actor = pool.spawn(
        "actor",
        Props::new(|| {
            Behavior::receive(|ctx, _: Fragile| {
                ctx.self_ref().stop();
            })
        }),
    );
    let actor = actor.expect("it starts");
    let told =
        std::panic::catch_unwind(|| (0..1_000).for_each(|number| actor.tell(Fragile(number % 10))));
    assert!(told.is_ok(), "a destructor's panic is not the sender's");
    settle(&pool);
    assert_eq!(pool.stats().sent(), 1_000);
    pool.shutdown(PATIENCE).expect("it ends");
    actor.tell(Fragile(7));
}

#[test]
fn s1_6_what_a_thread_sent_before_it_caused_a_message_arrives_before_that() {
    enum Relay {
        To(ActorRef<u64>),
        Tell(u64),
    }
    let pool = pool(2);
    {
        let (told, seen) = mpsc::channel();
        let last = Once::new(move || {
            Behavior::receive(move |_ctx, number: u64| told.send(number).unwrap())
        });
        let last = pool.spawn_on(1, "last", last).unwrap();
        let relay = Once::new(|| {
            let mut to = None;
            Behavior::receive(move |_ctx, message| match message {
                Relay::To(other) => to = Some(other),
                Relay::Tell(number) => to.unwrap().tell(number),
            })
        });
        let relay = pool.spawn_on(0, "relay", relay).unwrap();
        relay.tell(Relay::To(last));
        let rounds = 20_000;
        for number in 0..rounds {
            last.tell(2 * number);
            relay.tell(Relay::Tell(2 * number + 1));
        }
        // However they interleave, each odd number comes after the even number below it.
        let mut sent_by_thread = 0;
        for _ in 0..2 * rounds {
            let number = seen.recv_timeout(PATIENCE).expect("all of them arrive");
            if number % 2 == 0 {
                assert_eq!(number, sent_by_thread);
                sent_by_thread += 2;
            } else {
                assert!(
                    number < sent_by_thread,
                    "{number} came before what had caused it"
                );
            }
        }
    }
    let report = pool.shutdown(PATIENCE).unwrap();
    assert_eq!(report.unprocessed, 0);
}
