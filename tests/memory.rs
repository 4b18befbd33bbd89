//! Memory taken at a peak is given back.

mod common;

use common::*;
use nexus_actors::pool::WorkerStats;
use nexus_actors::prelude::*;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What a worker at rest may keep for later work.
const AT_HAND: u64 = 4 << 20;

fn held(stats: &WorkerStats) -> u64 {
    stats.bytes_in_slots + stats.bytes_in_slabs + stats.bytes_in_waits
}

/// Waits until the workers of a pool are at rest and have given back the memory they do not need.
#[track_caller]
fn rests(pool: &WorkerPool, needed: u64) {
    let most = needed + AT_HAND * pool.workers() as u64;
    eventually("memory goes back", || {
        pool.stats().workers.iter().map(held).sum::<u64>() <= most
    });
}

fn counter() -> Props<u64> {
    Props::new(|| Behavior::with_state(0, |sum: &mut u64, _ctx, more: u64| *sum += more))
}

/// Starts many actors in a handler, sends each a message, and stops all of them.
enum Crowd {
    Start(u32),
    Tell(Reply<u64>),
    Stop,
}

fn crowd() -> Once<Crowd> {
    Once::new(|| {
        let mut members: Vec<ActorRef<u64>> = Vec::new();
        Behavior::receive(move |ctx, message| {
            match message {
                Crowd::Start(many) => {
                    let counter = counter();
                    for _ in 0..many {
                        members.push(ctx.spawn_anonymous(counter.clone())?);
                    }
                }
                Crowd::Tell(reply) => {
                    members.iter().for_each(|member| member.tell(1));
                    reply.send(members.len() as u64);
                }
                Crowd::Stop => members.drain(..).for_each(ActorRef::stop),
            }
            Ok(())
        })
    })
}

#[test]
fn s9_5_an_actor_costs_about_a_hundred_bytes_and_a_message_what_it_weighs() {
    with_pool(pool_of(1), |pool| {
        let crowd = pool.spawn("crowd", crowd()).unwrap();
        let many = 200_000;
        crowd.tell(Crowd::Start(many));
        let alive = u64::from(many);
        eventually("all have started", || pool.stats().actors() > alive);
        rests(pool, alive * 110);
        let told = crowd.ask(Crowd::Tell, SOON).wait().unwrap();
        assert_eq!(told, alive);
        eventually("all was handled", || pool.stats().queued() == 0);
        rests(pool, alive * 110);
        crowd.tell(Crowd::Stop);
        eventually("all have stopped", || pool.stats().actors() == 1);
        rests(pool, 0);
        // A second time, in the same slots.
        crowd.tell(Crowd::Start(many));
        eventually("all have started again", || pool.stats().actors() > alive);
        assert_eq!(crowd.ask(Crowd::Tell, SOON).wait().unwrap(), alive);
    });
}

#[test]
fn s9_5_a_burst_leaves_nothing_behind() {
    for workers in [1, 2] {
        with_pool(pool_of(workers), |pool| {
            let (go, gate) = mpsc::channel::<()>();
            let held_up = Once::new(move || {
                Behavior::receive(move |_ctx, _: u64| {
                    let _ = gate.recv();
                })
            });
            let held_up = pool.spawn("held-up", held_up).unwrap();
            for number in 0..300_000 {
                held_up.tell(number);
            }
            drop(go);
            eventually("all was handled", || pool.stats().handled() == 300_000);
            rests(pool, 0);
        });
    }
}

#[test]
fn s9_5_handlers_that_waited_leave_nothing_behind() {
    with_pool(pool_of(1), |pool| {
        let sleeper = Props::new(|| Behavior::receive(|ctx, time: Duration| Ok(ctx.sleep(time)?)));
        let many = 20_000;
        let sleepers = pool.spawn_all_anonymous((0..many).map(|_| sleeper.clone()));
        for sleeper in sleepers {
            sleeper.unwrap().tell(ms(300));
        }
        eventually("all was handled", || {
            let stats = pool.stats();
            stats.handled() == many && stats.workers[0].waiting == 0
        });
        rests(pool, many * 110);
        thread::sleep(ms(20)); // it stays so while idle
        rests(pool, many * 110);
    });
}
