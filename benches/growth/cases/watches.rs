//! Watches, notices of termination, and subscriptions to dead letters.

use super::{Case, Job, doer, job, many_idle, system};
use nexus_actors::prelude::*;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "an actor watches many, which end",
        size: 8000,
        run: watched_end,
    },
    Case {
        name: "an actor watches many, and no more, the last one first",
        size: 8000,
        run: unwatched_from_the_last,
    },
    Case {
        name: "an actor watches many that have ended, and no more before it is told",
        size: 8000,
        run: unwatched_untold,
    },
    Case {
        name: "many watch an actor, and end",
        size: 4000,
        run: watchers_end,
    },
    Case {
        name: "many watch an actor, and no more, the last one first",
        size: 4000,
        run: watchers_leave_from_the_last,
    },
    Case {
        name: "many watch an actor, which ends",
        size: 4000,
        run: all_watchers_told,
    },
    Case {
        name: "subscriptions to dead letters end, the last one first",
        size: 16_000,
        run: letters_unsubscribed,
    },
];

/// A doer that counts the notices of termination.
fn counting(told: &Arc<AtomicUsize>) -> Props<Job> {
    let told = Arc::clone(told);
    Props::new(move || {
        let told = Arc::clone(&told);
        let behavior = Behavior::receive(|ctx: &mut Context<'_, Job>, Job(work)| work(ctx));
        behavior.on_signal(move |_ctx, signal| {
            if let Signal::Terminated { .. } = signal {
                told.fetch_add(1, Relaxed);
            }
        })
    })
}

fn watched_end(count: usize) {
    let (system, told) = (system(), Arc::default());
    let watcher = system.spawn("watcher", counting(&told)).unwrap();
    let watched = many_idle(&system, count);
    let these = watched.clone();
    watcher.tell(job(move |ctx| these.iter().for_each(|one| ctx.watch(*one))));
    system.run_until_idle();
    watched.iter().for_each(|one| one.stop());
    system.run_until_idle();
    assert_eq!(told.load(Relaxed), count);
}

fn unwatched_from_the_last(count: usize) {
    let (system, told) = (system(), Arc::default());
    let watcher = system.spawn("watcher", counting(&told)).unwrap();
    let watched = many_idle(&system, count);
    let these = watched.clone();
    watcher.tell(job(move |ctx| {
        these.iter().for_each(|one| ctx.watch(*one));
        these.iter().rev().for_each(|one| ctx.unwatch(*one));
    }));
    system.run_until_idle();
    watched.iter().for_each(|one| one.stop());
    system.run_until_idle();
    assert_eq!(told.load(Relaxed), 0);
}

fn unwatched_untold(count: usize) {
    let (system, told) = (system(), Arc::default());
    let watcher = system.spawn("watcher", counting(&told)).unwrap();
    let ended = many_idle(&system, count);
    ended.iter().for_each(|one| one.stop());
    system.run_until_idle();
    watcher.tell(job(move |ctx| {
        ended.iter().for_each(|one| ctx.watch(*one));
        ended.iter().skip(1).rev().for_each(|one| ctx.unwatch(*one));
    }));
    system.run_until_idle();
    assert_eq!(told.load(Relaxed), 1);
}

/// Starts that many actors that watch an actor.
fn watching(
    system: &ActorSystem,
    count: usize,
    told: &Arc<AtomicUsize>,
) -> (ActorRef<Job>, Vec<ActorRef<Job>>) {
    let watched = system.spawn("watched", doer()).unwrap();
    let watchers = system.spawn_all_anonymous((0..count).map(|_| counting(told)));
    let watchers: Vec<_> = watchers.into_iter().map(Result::unwrap).collect();
    for watcher in &watchers {
        watcher.tell(job(move |ctx| ctx.watch(watched)));
    }
    system.run_until_idle();
    (watched, watchers)
}

fn watchers_end(count: usize) {
    let (system, told) = (system(), Arc::default());
    let (watched, watchers) = watching(&system, count, &told);
    watchers.iter().for_each(|one| one.stop());
    system.run_until_idle();
    watched.stop();
    system.run_until_idle();
    assert_eq!(told.load(Relaxed), 0);
}

fn watchers_leave_from_the_last(count: usize) {
    let (system, told) = (system(), Arc::default());
    let (watched, watchers) = watching(&system, count, &told);
    for watcher in watchers.iter().skip(1).rev() {
        watcher.tell(job(move |ctx| ctx.unwatch(watched)));
    }
    system.run_until_idle();
    watched.stop();
    system.run_until_idle();
    assert_eq!(told.load(Relaxed), 1);
}

fn all_watchers_told(count: usize) {
    let (system, told) = (system(), Arc::default());
    let (watched, _) = watching(&system, count, &told);
    watched.stop();
    system.run_until_idle();
    assert_eq!(told.load(Relaxed), count);
}

fn letters_unsubscribed(count: usize) {
    let (system, told) = (system(), Arc::new(AtomicUsize::new(0)));
    let letters = system.dead_letters();
    let subscribe = |_| {
        let told = Arc::clone(&told);
        letters.subscribe(move |_| {
            told.fetch_add(1, Relaxed);
        })
    };
    let mut subscriptions: Vec<_> = (0..count).map(subscribe).collect();
    while subscriptions.len() > 1 {
        drop(subscriptions.pop());
    }
    let [gone] = many_idle(&system, 1)[..] else {
        unreachable!("one was started")
    };
    gone.stop();
    gone.tell(1);
    system.run_until_idle();
    assert_eq!(told.load(Relaxed), 1);
}
