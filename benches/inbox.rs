//! The inbox of a worker beside other queues: producers on threads of their own, one polling consumer,
//! messages one by one and in batches of 32.

#![allow(missing_docs)] // criterion's macros make public functions

// The queues are not public; the bench compiles their sources itself.
#[allow(dead_code, unused_imports, unsafe_code)]
#[path = "../src/memory/mod.rs"]
mod memory;
#[allow(dead_code, unused_imports, unsafe_code)]
#[path = "../src/queue/mod.rs"]
mod queue;
#[allow(dead_code, unused_imports, unreachable_pub)]
#[path = "../src/sync/mod.rs"]
mod sync;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crossbeam_queue::SegQueue;
use queue::{Link, Node, inbox};
use std::ptr::NonNull;
use std::thread;
use std::time::Duration;

const MESSAGES: u64 = 400_000;
const BATCH: usize = 32;

/// A node with some numbers in it. Every queue carries the same nodes, each on the heap, as batches are;
/// only the way in which the queue holds them differs.
#[repr(C)]
struct Numbers {
    link: Link,
    numbers: Vec<u64>,
}

struct Owned(Box<Numbers>);

impl Owned {
    fn new(count: usize) -> Self {
        let numbers = (0..count as u64).collect();
        Self(Box::new(Numbers {
            link: Link::new(),
            numbers,
        }))
    }

    fn consume(self) {
        std::hint::black_box(self.0.numbers.iter().sum::<u64>());
    }
}

// SAFETY: only the owner of the node touches the link.
#[allow(unsafe_code)]
unsafe impl Send for Owned {}

// SAFETY: a box gives its address up and takes the same one back; the link is its first field
// (`repr(C)`), and no other code has the address in between.
#[allow(unsafe_code)]
unsafe impl Node for Owned {
    fn into_link(self) -> NonNull<Link> {
        NonNull::from(Box::leak(self.0)).cast()
    }

    unsafe fn from_link(link: NonNull<Link>) -> Self {
        // SAFETY: the caller passes what `into_link` returned.
        Self(unsafe { Box::from_raw(link.cast().as_ptr()) })
    }
}

fn through_inbox(producers: u64, batch: usize) {
    let (sender, mut receiver) = inbox::<Owned>();
    thread::scope(|scope| {
        for _ in 0..producers {
            let sender = sender.clone();
            scope.spawn(move || {
                for _ in 0..MESSAGES / producers / batch as u64 {
                    assert!(sender.push(Owned::new(batch)).is_ok());
                }
            });
        }
        let mut left = MESSAGES / producers / batch as u64 * producers;
        while left > 0 {
            for node in receiver.take() {
                node.consume();
                left -= 1;
            }
            std::hint::spin_loop();
        }
    });
}

fn through_seg_queue(producers: u64, batch: usize) {
    let queue = SegQueue::new();
    thread::scope(|scope| {
        for _ in 0..producers {
            scope.spawn(|| {
                for _ in 0..MESSAGES / producers / batch as u64 {
                    queue.push(Owned::new(batch));
                }
            });
        }
        let mut left = MESSAGES / producers / batch as u64 * producers;
        while left > 0 {
            match queue.pop() {
                Some(node) => {
                    node.consume();
                    left -= 1;
                }
                None => std::hint::spin_loop(),
            }
        }
    });
}

fn through_channel(producers: u64, batch: usize) {
    let (sender, receiver) = crossbeam_channel::unbounded::<Owned>();
    thread::scope(|scope| {
        for _ in 0..producers {
            let sender = sender.clone();
            scope.spawn(move || {
                for _ in 0..MESSAGES / producers / batch as u64 {
                    sender.send(Owned::new(batch)).expect("the consumer lives");
                }
            });
        }
        drop(sender);
        for node in receiver {
            node.consume();
        }
    });
}

fn queues(criterion: &mut Criterion) {
    for producers in [1, 2] {
        for batch in [1, BATCH] {
            let name = format!("{producers} producers, {batch} at a time");
            let mut group = criterion.benchmark_group(name);
            group.throughput(Throughput::Elements(MESSAGES));
            group.bench_function("inbox", |bencher| {
                bencher.iter(|| through_inbox(producers, batch));
            });
            group.bench_function("SegQueue", |bencher| {
                bencher.iter(|| through_seg_queue(producers, batch));
            });
            group.bench_function("crossbeam-channel", |bencher| {
                bencher.iter(|| through_channel(producers, batch));
            });
            group.finish();
        }
    }
}

fn settings() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! {
    name = benches;
    config = settings();
    targets = queues
}
criterion_main!(benches);
