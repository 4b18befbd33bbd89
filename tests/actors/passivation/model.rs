//! No message is lost under any interleaving, nor on other stacks and drivers.

use super::{Do, SECOND, ms, sleeper};
use crate::common::{Log, SOON, with_pools};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is saved of an actor, and what happened to its instances.
#[derive(Default)]
struct Saved {
    seen: Vec<u32>,
    instances: u32,
    alive: u32,
}

/// Records numbers in its state, and saves them when it ends.
fn saver(saved: &Arc<Mutex<Saved>>) -> Props<u32> {
    let saved = Arc::clone(saved);
    Props::new(move || {
        let saved = Arc::clone(&saved);
        Behavior::setup(move |ctx| {
            let mut safe = saved.lock().unwrap();
            safe.instances += 1;
            safe.alive += 1;
            assert_eq!(safe.alive, 1, "one instance at a time");
            let seen = Arc::new(Mutex::new(safe.seen.clone()));
            drop(safe);
            ctx.set_receive_timeout(ms(2));
            let counted = Arc::clone(&seen);
            let behavior = Behavior::receive(move |ctx: &mut Context<'_, u32>, number| {
                counted.lock().unwrap().push(number);
                if number % 7 == 3 {
                    ctx.sleep(Duration::from_micros(300))?;
                }
                Ok(match number % 5 {
                    0 => Next::Passivate,
                    _ => Next::Same,
                })
            });
            Ok(behavior.on_signal(move |ctx, signal| {
                match signal {
                    Signal::ReceiveTimeout => return Ok(Next::Passivate),
                    Signal::PostStop(_) => {
                        ctx.sleep(Duration::from_micros(200))?;
                        let mut safe = saved.lock().unwrap();
                        safe.alive -= 1;
                        safe.seen.clone_from(&seen.lock().unwrap());
                    }
                    _ => {}
                }
                Ok(Next::Same)
            }))
        })
    })
}

#[test]
fn s6_5_no_message_is_lost_or_out_of_order_however_often_an_actor_passivates() {
    for bound in [None, Some(3)] {
        let instances = AtomicU32::new(0);
        Sim::builder().workers(3).check(0..200, |sim| {
            let saved: Arc<Mutex<Saved>> = Arc::default();
            let mut props = saver(&saved);
            if let Some(bound) = bound {
                props = props.mailbox(Mailbox::bounded(bound, Overflow::Backpressure).unwrap());
            }
            let actor = sim.spawn_on(0, "saver", props).unwrap();
            let sender = Props::new(move || {
                Behavior::receive(move |ctx: &mut Context<'_, u32>, seed: u32| {
                    for step in 0..40 {
                        actor.send(seed + step)?;
                        match (seed / 1000 + step) % 11 {
                            0 => actor.passivate(),
                            1 => actor.suspend(),
                            2 => actor.resume(),
                            3 => ctx.sleep(ms(4))?,
                            _ => {}
                        }
                    }
                    actor.resume();
                    Ok(())
                })
            });
            for (number, worker) in (0..3_u32).zip(0..) {
                let sender = sim
                    .spawn_on(worker, &format!("sender-{number}"), sender.clone())
                    .unwrap();
                sender.tell(number * 1000);
            }
            // While the actor is suspended, all senders may be waiting for room.
            for _ in 0..200 {
                sim.run_for(ms(5));
                actor.resume();
            }
            actor.stop();
            sim.run_for(SECOND);
            let saved = saved.lock().unwrap();
            assert_eq!((saved.alive, saved.seen.len()), (0, 120));
            for sender in 0..3 {
                let of_sender = saved.seen.iter().filter(|seen| **seen / 1000 == sender);
                let expected: Vec<_> = (0..40).map(|step| sender * 1000 + step).collect();
                assert!(of_sender.eq(&expected), "in order");
            }
            instances.fetch_add(saved.instances, Relaxed);
            let stats = sim.stats();
            assert_eq!(stats.sent(), stats.handled() + stats.dead_letters);
            assert_eq!((stats.dead_letters, sim.pending().slots), (0, 3));
        });
        assert!(instances.load(Relaxed) > 2000, "{instances:?}");
    }
}

#[test]
fn s6_5_an_actor_with_a_stack_of_its_own_wakes_up_on_it() {
    fn depth(left: u32) -> u32 {
        if left == 0 {
            0
        } else {
            1 + std::hint::black_box(depth(left - 1))
        }
    }
    with_pools(|pool| {
        let deep = Props::new(|| {
            Behavior::setup(|_ctx| {
                assert_eq!(depth(50_000), 50_000);
                Ok(Behavior::receive(|_ctx, reply: Reply<u8>| {
                    reply.send(1);
                    Next::Passivate
                }))
            })
        });
        let actor = pool.spawn("deep", deep.stack_size(64 << 20)).unwrap();
        for _ in 0..3 {
            assert_eq!(actor.ask(|reply| reply, SOON).wait(), Ok(1));
        }
    });
}

#[test]
fn s6_5_actors_passivate_where_the_caller_drives() {
    let system = ActorSystem::new("rest").unwrap();
    let log = Log::default();
    let actor = system.spawn("sleeper", sleeper(&log)).unwrap();
    actor.tell(Do::Rest);
    system.run_until_idle();
    assert_eq!(log.take(), ["starts", "stopped", "dropped"]);
    assert_eq!(actor.ask(Do::Ask, SOON).wait(), Ok(7));
    assert_eq!(log.take(), ["starts"]);
    assert_eq!(system.shutdown(SOON).forced, 0);
}
