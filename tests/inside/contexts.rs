//! What travels with a message: contexts, and correlations from outside.

use crate::common::*;
use nexus_actors::actor::{with_context, with_correlation};
use nexus_actors::prelude::*;
use std::num::NonZeroU64;

#[derive(Debug, PartialEq)]
struct Tenant(u32);

/// Reports the context and the correlation of its message.
type Seen = (Option<u32>, u64);

fn seen<M>(ctx: &Context<'_, M>) -> Seen
where
    M: Send + 'static,
{
    let envelope = ctx.envelope();
    let tenant = envelope.context::<Tenant>();
    (
        tenant.map(|tenant| tenant.0),
        envelope.correlation_id().get(),
    )
}

fn end() -> Props<Reply<Seen>> {
    Props::new(|| Behavior::receive(|ctx, reply: Reply<Seen>| reply.send(seen(ctx))))
}

/// Hands its question to the actor at the end: by a tell, an ask, a task or a timer.
#[derive(Clone, Copy)]
enum Way {
    Tell,
    Ask,
    Task,
    Timer,
    Child,
}

struct Through(Way, Reply<Seen>);

fn middle(end: ActorRef<Reply<Seen>>) -> Props<Through> {
    Props::new(move || {
        Behavior::receive(move |ctx: &mut Context<'_, Through>, Through(way, reply)| {
            match way {
                Way::Tell => end.tell(reply),
                Way::Ask => {
                    ctx.sleep(ms(1))?;
                    reply.send(end.ask(|reply| reply, SOON).wait()?);
                }
                Way::Task => {
                    let _ = ctx.spawn_task(move |task| {
                        task.sleep(ms(1)).expect("a task can wait");
                        end.tell(reply);
                    });
                }
                Way::Timer => {
                    let later = Through(Way::Tell, reply);
                    ctx.timers().start_single("later", later, ms(1));
                }
                Way::Child => ctx.spawn_anonymous(self::end())?.tell(reply),
            }
            Ok::<_, BoxError>(())
        })
    })
}

const WAYS: [Way; 5] = [Way::Tell, Way::Ask, Way::Task, Way::Timer, Way::Child];

#[test]
fn s7_3_a_context_goes_along_by_tells_asks_tasks_timers_and_starts_on_any_worker() {
    with_pools(|pool| {
        let last = pool.workers() - 1;
        let end = pool.spawn_on(last, "end", end()).unwrap();
        let middle = pool.spawn_on(0, "middle", middle(end)).unwrap();
        for (number, way) in (7..).zip(WAYS) {
            let asked = with_context(Tenant(number), || {
                middle.ask(|reply| Through(way, reply), SOON)
            });
            assert_eq!(asked.wait().unwrap().0, Some(number));
            // What is sent after that has none.
            let asked = middle.ask(|reply| Through(way, reply), SOON);
            assert_eq!(asked.wait().unwrap().0, None);
        }
    });
}

#[test]
fn s7_3_a_correlation_comes_from_outside_and_is_inherited() {
    with_pools(|pool| {
        let end = pool.spawn("end", end()).unwrap();
        let middle = pool.spawn("middle", middle(end)).unwrap();
        for (number, way) in (1000..).zip(WAYS) {
            let id = NonZeroU64::new(number).unwrap();
            let asked = with_correlation(id, || middle.ask(|reply| Through(way, reply), SOON));
            assert_eq!(asked.wait(), Ok((None, number)));
        }
    });
}

#[test]
fn s7_3_contexts_nest_and_end_with_their_scope_also_by_a_panic() {
    with_pool(pool_of(2), |pool| {
        let end = pool.spawn("end", end()).unwrap();
        let tenant = || end.ask(|reply| reply, SOON).wait().unwrap().0;
        with_context(Tenant(1), || {
            assert_eq!(tenant(), Some(1));
            with_context(Tenant(2), || assert_eq!(tenant(), Some(2)));
            assert_eq!(tenant(), Some(1));
            with_context("of another type", || assert_eq!(tenant(), None));
            let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                with_context(Tenant(3), || std::panic::panic_any(()))
            }));
            assert!(panicked.is_err());
            assert_eq!(tenant(), Some(1));
        });
        assert_eq!(tenant(), None);
    });
}

#[test]
fn s7_3_a_handler_begins_a_context_and_its_message_stays_the_cause() {
    let (told, causes) = std::sync::mpsc::channel();
    with_pool(pool_of(2), |pool| {
        let end = Props::new(move || {
            let told = told.clone();
            Behavior::receive(move |ctx, _: ()| {
                let envelope = ctx.envelope();
                let tenant = envelope.context::<Tenant>().map(|tenant| tenant.0);
                told.send((tenant, envelope.causation_id())).unwrap();
            })
        });
        let end = pool.spawn_on(1, "end", end).unwrap();
        let begin = Props::new(move || {
            Behavior::receive(move |ctx, reply: Reply<_>| {
                with_context(Tenant(5), || end.tell(()));
                end.tell(());
                reply.send(ctx.envelope().message_id());
            })
        });
        let begin = pool.spawn_on(0, "begin", begin).unwrap();
        let begun = begin.ask(|reply| reply, SOON).wait().unwrap();
        let both = [causes.recv().unwrap(), causes.recv().unwrap()];
        assert_eq!(both, [(Some(5), Some(begun)), (None, Some(begun))]);
    });
}

#[test]
fn s7_3_contexts_work_on_a_driving_thread_and_in_a_simulation() {
    let system = ActorSystem::new("contexts").unwrap();
    let end_here = system.spawn("end", end()).unwrap();
    let asked = with_context(Tenant(8), || end_here.ask(|reply| reply, SOON));
    assert_eq!(asked.wait().unwrap().0, Some(8));
    assert_eq!(end_here.ask(|reply| reply, SOON).wait().unwrap().0, None);

    let mut sim = nexus_actors::sim::Sim::builder()
        .seed(1)
        .workers(3)
        .start()
        .unwrap();
    let end_there = sim.spawn_on(2, "end", end()).unwrap();
    let middle = sim.spawn_on(0, "middle", middle(end_there)).unwrap();
    for way in WAYS {
        let asked = with_context(Tenant(9), || middle.ask(|reply| Through(way, reply), SOON));
        assert_eq!(asked.wait().unwrap().0, Some(9));
    }
}
