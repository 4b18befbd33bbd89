//! Orders that meet user code half-way: destructors that wait, notices under way.

use nexus_actors::failure::Stage;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{DeadLetterReason, Failure};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(5);

/// Its destructor asks another actor, and waits for the answer.
struct Clinging(Option<ActorRef<Reply<()>>>);

impl Drop for Clinging {
    fn drop(&mut self) {
        if let Some(helper) = self.0 {
            let _ = helper.ask(|reply| reply, SOON).wait();
        }
    }
}

/// Sends two messages, the first with a destructor that waits, and then a kill.
fn killer(victim: ActorRef<Clinging>, helper: ActorRef<Reply<()>>) -> Props<()> {
    Props::new(move || {
        Behavior::receive(move |_ctx, ()| {
            victim.tell(Clinging(Some(helper)));
            victim.tell(Clinging(None));
            victim.kill();
        })
    })
}

#[test]
fn s4_3_a_killed_actor_handles_nothing_while_its_mail_is_dropped() {
    let mut sim = Sim::builder().workers(1).orderly().start().unwrap();
    let handled = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&handled);
    let victim = Props::new(move || {
        let count = Arc::clone(&count);
        Behavior::receive(move |_ctx, _: Clinging| {
            count.fetch_add(1, SeqCst);
        })
    });
    let victim = sim.spawn("victim", victim).unwrap();
    let helper = Props::new(|| {
        Behavior::receive(|ctx, reply: Reply<()>| {
            ctx.sleep(Duration::from_millis(1))?;
            reply.send(());
            Ok(())
        })
    });
    let helper = sim.spawn("helper", helper).unwrap();
    sim.spawn("killer", killer(victim, helper))
        .unwrap()
        .tell(());
    sim.run_for(SOON);
    assert_eq!(handled.load(SeqCst), 0);
    assert!(sim.lookup::<Clinging>("/user/victim").is_err());
    let stats = sim.stats();
    assert_eq!(stats.sent(), stats.handled() + stats.dead_letters);
    assert_eq!(stats.dead_letters, 2);
}

/// While the destructor waits, the victim is gone, and another actor, with messages of another type, has its
/// slot. The killer must not drop that actor's mail.
#[test]
fn s1_3_the_next_actor_in_the_slot_of_a_killed_one_keeps_its_mail() {
    let mut sim = Sim::builder().workers(1).orderly().start().unwrap();
    let victim = Props::new(|| Behavior::receive(|_ctx, _: Clinging| Next::Stop));
    let victim = sim.spawn("victim", victim).unwrap();
    let got = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&got);
    let node = sim.node(0);
    let helper = Props::new(move || {
        let (node, count) = (node.clone(), Arc::clone(&count));
        Behavior::receive(move |ctx, reply: Reply<()>| {
            // By then the victim has had its turn, and is gone.
            ctx.sleep(Duration::from_millis(1))?;
            let count = Arc::clone(&count);
            let next = Props::new(move || {
                let count = Arc::clone(&count);
                Behavior::receive(move |_ctx, text: String| {
                    assert_eq!(text, "for the next one");
                    count.fetch_add(1, SeqCst);
                })
            });
            let next = node.spawn("next", next)?;
            assert_eq!(
                next.id().to_string().split('#').next(),
                victim.id().to_string().split('#').next(),
                "it was to have the victim's slot"
            );
            for _ in 0..10 {
                next.tell("for the next one".to_owned());
            }
            reply.send(());
            Ok(())
        })
    });
    let helper = sim.spawn("helper", helper).unwrap();
    sim.spawn("killer", killer(victim, helper))
        .unwrap()
        .tell(());
    sim.run_for(SOON);
    assert_eq!(got.load(SeqCst), 10);
}

#[test]
fn s4_11_who_watches_twice_is_told_once_also_of_one_that_is_gone() {
    for workers in [1, 2] {
        let mut sim = Sim::builder().workers(workers).start().unwrap();
        let gone = Props::new(|| Behavior::receive(|_ctx, ()| Next::Stop));
        let gone = sim.spawn_on(workers - 1, "gone", gone).unwrap();
        gone.tell(());
        sim.run_for(SOON);
        let told = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&told);
        let watcher = Props::new(move || {
            let count = Arc::clone(&count);
            Behavior::receive(move |ctx, ()| {
                ctx.watch(gone);
                // By then the notice from another worker has arrived, and has not been told.
                ctx.sleep(Duration::from_secs(1))?;
                ctx.watch(gone);
                Ok(())
            })
            .on_signal(move |_ctx, signal| {
                if let Signal::Terminated { .. } = signal {
                    count.fetch_add(1, SeqCst);
                }
            })
        });
        sim.spawn_on(0, "watcher", watcher).unwrap().tell(());
        sim.run_for(SOON);
        assert_eq!(told.load(SeqCst), 1, "with {workers} workers");
    }
}

/// A child that fails while it is rebuilt has no instance to continue with. If its parent cannot decide, and
/// is resumed together with it, the child stops.
#[test]
fn s4_5_a_child_that_failed_while_restarting_stops_when_its_parent_is_resumed() {
    let resuming = SupervisorStrategy::one_for_one().always(Directive::Resume);
    let mut sim = Sim::builder()
        .workers(1)
        .orderly()
        .supervising(resuming)
        .start()
        .unwrap();
    let told = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&told);
    let parent = Props::new(move || {
        let count = Arc::clone(&count);
        Behavior::setup(move |ctx| {
            let built = AtomicU32::new(0);
            let child = Props::new(move || {
                assert_eq!(built.fetch_add(1, SeqCst), 0, "it cannot be built again");
                Behavior::receive(|_ctx, ()| Err::<(), _>(BoxError::from("it fails")))
            });
            ctx.spawn("child", child)?;
            Ok(Behavior::<()>::empty().on_signal(move |_ctx, signal| {
                if let Signal::ChildFailed { .. } = signal {
                    count.fetch_add(1, SeqCst);
                }
            }))
        })
    });
    let deciding =
        SupervisorStrategy::one_for_one().decide(|failure: &Failure| match failure.during {
            Stage::Restarting => Directive::Escalate,
            _ => Directive::Restart,
        });
    sim.spawn("parent", parent.supervising(deciding)).unwrap();
    let child = sim.lookup::<()>("/user/parent/child").unwrap();
    child.tell(());
    child.tell(());
    sim.run_for(SOON);
    assert!(sim.lookup::<()>("/user/parent").is_ok());
    assert!(sim.lookup::<()>("/user/parent/child").is_err());
    assert_eq!(told.load(SeqCst), 1);
    assert_eq!(sim.dead_letters().count(DeadLetterReason::Failed), 1);
}

/// An actor that starts after the deadline of a shutdown ends like all others; otherwise nothing would end
/// it.
#[test]
fn s4_4_a_child_that_starts_after_the_deadline_and_is_suspended_holds_nothing_up() {
    let mut sim = Sim::builder().workers(1).orderly().start().unwrap();
    let parent = Props::new(|| {
        Behavior::receive(|ctx, ()| Ok(ctx.sleep(Duration::from_secs(3600))?)).on_signal(
            |ctx, signal| {
                if matches!(signal, Signal::PostStop(_)) {
                    let late =
                        ctx.spawn("late", Props::new(|| Behavior::receive(|_ctx, ()| ())))?;
                    late.suspend();
                    late.tell(());
                }
                Ok(())
            },
        )
    });
    sim.spawn("parent", parent).unwrap().tell(());
    sim.run_for(SOON);
    sim.shutdown(Duration::ZERO);
    assert!(sim.has_ended());
    assert_eq!(sim.dead_letters().count(DeadLetterReason::Forced), 1);
}

/// A parent whose setup waits has children already, and supervises them.
#[test]
fn s4_5_a_child_that_fails_during_its_parents_setup_is_supervised_by_the_parent() {
    let mut sim = Sim::builder().workers(1).orderly().start().unwrap();
    let handled = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&handled);
    let parent = Props::new(move || {
        let count = Arc::clone(&count);
        Behavior::setup(move |ctx| {
            let child = Props::new(move || {
                let count = Arc::clone(&count);
                Behavior::receive(move |_ctx, fails: bool| {
                    count.fetch_add(1, SeqCst);
                    if fails {
                        return Err(BoxError::from("it fails"));
                    }
                    Ok(())
                })
            });
            let child = ctx.spawn("child", child)?;
            child.tell(true);
            child.tell(false);
            ctx.sleep(Duration::from_millis(1))?;
            Ok(Behavior::<()>::empty())
        })
    });
    // The guardian would stop the child.
    let resuming = SupervisorStrategy::one_for_one().always(Directive::Resume);
    sim.spawn("parent", parent.supervising(resuming)).unwrap();
    sim.run_for(SOON);
    assert_eq!(handled.load(SeqCst), 2);
    assert!(sim.lookup::<bool>("/user/parent/child").is_ok());
}

/// Counts how often it is told that it has stopped, and starts a child that fails when a message comes.
fn stops_with_a_child_that_clings(
    stopped: &Arc<AtomicU32>,
    helper: ActorRef<Reply<()>>,
) -> Props<()> {
    let stopped = Arc::clone(stopped);
    Props::new(move || {
        let stopped = Arc::clone(&stopped);
        Behavior::setup(move |ctx| {
            let child = Props::new(|| {
                Behavior::receive(|_ctx, _: Clinging| Err::<(), _>(BoxError::from("it fails")))
            });
            let child = ctx.spawn("child", child)?;
            Ok(Behavior::receive(move |_ctx, ()| {
                child.tell(Clinging(None));
                child.tell(Clinging(Some(helper)));
            })
            .on_signal(move |_ctx, signal| {
                if matches!(signal, Signal::PostStop(_)) {
                    stopped.fetch_add(1, SeqCst);
                }
            }))
        })
    })
    .supervising(SupervisorStrategy::one_for_one().always(Directive::Escalate))
}

/// The parent stops because of its child's failure, and kills the child, whose mail has a destructor that
/// waits. The child is gone meanwhile, but that does not end the parent's turn.
#[test]
fn s4_4_an_actor_that_waits_while_it_kills_its_children_stops_once() {
    let stops = SupervisorStrategy::one_for_one().always(Directive::Stop);
    let builder = Sim::builder().workers(1).orderly();
    let mut sim = builder.supervising(stops).start().unwrap();
    let helper = Props::new(|| {
        Behavior::receive(|ctx, reply: Reply<()>| {
            ctx.sleep(Duration::from_millis(1))?;
            reply.send(());
            Ok(())
        })
    });
    let helper = sim.spawn("helper", helper).unwrap();
    let stopped = Arc::new(AtomicU32::new(0));
    let parent = stops_with_a_child_that_clings(&stopped, helper);
    sim.spawn("parent", parent).unwrap().tell(());
    sim.run_for(SOON);
    assert_eq!(stopped.load(SeqCst), 1);
    assert_eq!(sim.pending().actors, 1, "the helper is left");
}

/// Handles a number of messages. At the first one it starts a child that gives it an order before it
/// continues. Returns how many messages it had handled before it was resumed or rebuilt, and how often it was
/// built.
fn handles_after_an_order_of_its_child(order: fn(ActorRef<()>)) -> (u32, u32) {
    let pool = WorkerPool::builder().workers(1).start().unwrap();
    let [handled, built, before] = [(); 3].map(|()| Arc::<AtomicU32>::default());
    let (count, births, seen) = (
        Arc::clone(&handled),
        Arc::clone(&built),
        Arc::clone(&before),
    );
    let parent = Props::new(move || {
        births.fetch_add(1, SeqCst);
        let (count, seen) = (Arc::clone(&count), Arc::clone(&seen));
        let last = Arc::clone(&count);
        Behavior::receive(move |ctx, ()| {
            if count.fetch_add(1, SeqCst) > 0 {
                return Ok(());
            }
            let parent = ctx.self_ref();
            let child = move |_ctx: &mut Context<'_, ()>| {
                order(parent);
                Ok(Behavior::receive(|_ctx, ()| ()))
            };
            ctx.spawn("child", Props::new(move || Behavior::setup(child)))?;
            Ok(())
        })
        .on_signal(move |_ctx, signal| {
            if let Signal::PostStop(_) = signal {
                let _ = seen.compare_exchange(0, last.load(SeqCst), SeqCst, SeqCst);
            }
        })
    });
    let parent = pool.spawn("parent", parent).unwrap();
    // All at once, so that they belong to one turn.
    let sender = Props::new(move || {
        Behavior::receive(move |_ctx, reply: Reply<()>| {
            (0..3).for_each(|_| parent.tell(()));
            reply.send(());
        })
    });
    let sender = pool.spawn("sender", sender).unwrap();
    sender.ask(|reply| reply, SOON).wait().unwrap();
    let helper = Props::new(|| Behavior::receive(|_ctx, reply: Reply<()>| reply.send(())));
    let helper = pool.spawn("helper", helper).unwrap();
    helper.ask(|reply| reply, SOON).wait().unwrap();
    let _ = before.compare_exchange(0, handled.load(SeqCst), SeqCst, SeqCst);
    parent.resume();
    while handled.load(SeqCst) < 3 {
        std::thread::yield_now();
    }
    pool.shutdown(SOON).unwrap();
    (before.load(SeqCst), built.load(SeqCst))
}

#[test]
fn s4_3_an_order_of_a_child_that_starts_comes_before_its_parents_next_message() {
    let suspended = handles_after_an_order_of_its_child(ActorRef::suspend);
    assert_eq!(suspended, (1, 1));
    let passivated = handles_after_an_order_of_its_child(ActorRef::passivate);
    assert_eq!(passivated, (1, 2));
}
