//! Messages and answers of odd sizes and alignments.

use crate::common::*;
use nexus_actors::prelude::*;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

#[repr(align(64))]
struct Aligned(u8);

fn arrives<M: Send + 'static>(
    make: impl Fn() -> M + Send + Sync + Clone + 'static,
    check: impl Fn(&M) -> bool + Send + Sync + Clone + 'static,
) {
    with_pools(|pool| {
        let good = Arc::new(AtomicU64::new(0));
        let (count, check) = (Arc::clone(&good), check.clone());
        let sink = pool
            .spawn(
                "sink",
                Props::new(move || {
                    let (count, check) = (Arc::clone(&count), check.clone());
                    Behavior::receive(move |_ctx, message: M| {
                        count.fetch_add(u64::from(check(&message)), SeqCst);
                    })
                }),
            )
            .unwrap();
        for _ in 0..9 {
            sink.tell(make());
        }
        for worker in 0..pool.workers() {
            let make = make.clone();
            let source = pool
                .spawn_on(
                    worker,
                    &format!("source-{worker}"),
                    Props::new(move || {
                        let make = make.clone();
                        Behavior::receive(move |_ctx, reply: Reply<()>| {
                            (0..9).for_each(|_| sink.tell(make()));
                            reply.send(());
                        })
                    }),
                )
                .unwrap();
            source.ask(|reply| reply, SOON).wait().unwrap();
        }
        let expected = 9 + 9 * pool.workers() as u64;
        eventually("all have arrived whole", || good.load(SeqCst) == expected);
    });
}

#[test]
fn s3_1_messages_of_size_zero_arrive() {
    arrives(|| (), |()| true);
}

#[test]
fn s3_1_messages_of_strict_alignment_arrive() {
    arrives(
        || Aligned(7),
        |message| message.0 == 7 && (&raw const *message).addr() % 64 == 0,
    );
}

#[test]
fn s3_1_messages_of_strict_alignment_and_size_zero_arrive() {
    #[repr(align(64))]
    struct AlignedNothing;
    arrives(
        || AlignedNothing,
        |message| (&raw const *message).addr() % 64 == 0,
    );
}

fn bytes_arrive<const SIZE: usize>() {
    arrives(
        || [3_u8; SIZE],
        |message| message.iter().all(|byte| *byte == 3),
    );
}

#[test]
fn s3_1_messages_of_odd_sizes_arrive() {
    bytes_arrive::<255>();
    bytes_arrive::<256>();
    bytes_arrive::<257>();
    bytes_arrive::<1009>();
    arrives(|| u128::MAX, |message| *message == u128::MAX);
}

#[test]
fn s3_1_messages_that_are_not_sync_arrive() {
    arrives(|| std::cell::Cell::new(5_u8), |message| message.get() == 5);
}

#[test]
fn s3_1_large_messages_arrive_where_the_stacks_are_large() {
    in_child(
        "hostile::messages::s3_1_large_messages_arrive_where_the_stacks_are_large",
        || {
            let large = || {
                thread::Builder::new().stack_size(64 << 20).spawn(|| {
                    with_pool(pool_of(2).stack_size(64 << 20), |pool| {
                        let sink = pool
                            .spawn(
                                "sink",
                                Props::new(|| {
                                    Behavior::receive(
                                        |_ctx, (large, reply): ([u8; 1 << 20], Reply<u8>)| {
                                            reply.send(large[77])
                                        },
                                    )
                                }),
                            )
                            .unwrap();
                        assert_eq!(sink.ask(|reply| ([9; 1 << 20], reply), SOON).wait(), Ok(9));
                    });
                })
            };
            large().unwrap().join().unwrap();
        },
    );
}

#[test]
fn s5_1_answers_of_strict_alignment_arrive() {
    with_pools(|pool| {
        let sink = pool.spawn("sink", echo(|| Aligned(7))).unwrap();
        for worker in 0..pool.workers() {
            let asker = pool
                .spawn_on(
                    worker,
                    &format!("asker-{worker}"),
                    Props::new(move || {
                        Behavior::receive(move |_ctx, reply: Reply<bool>| {
                            let answer = sink.ask(|reply| reply, SOON).wait().unwrap();
                            reply.send(answer.0 == 7 && (&raw const answer).addr() % 64 == 0);
                        })
                    }),
                )
                .unwrap();
            assert_eq!(asker.ask(|reply| reply, SOON).wait(), Ok(true));
        }
        assert_eq!(sink.ask(|reply| reply, SOON).wait().unwrap().0, 7);
    });
}
