//! How long messages have waited in their mailboxes.

use crate::common::*;
use nexus_actors::observe::{Handled, Observer, Sampling, Waited};
use nexus_actors::pool::{ManualTime, TimeSource};
use nexus_actors::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

#[test]
fn s10_1_the_time_in_the_mailbox_is_told_of_all_messages_or_of_samples() {
    #[derive(Default)]
    struct Waits(Mutex<Vec<(u64, Duration, usize)>>);
    impl Observer for Waits {
        fn sampling(&self) -> Sampling {
            Sampling::All
        }

        fn waited(&self, event: &Waited<'_>) {
            let number = event.envelope.message_id().get();
            let told = (number, event.waited, event.mailbox);
            self.0.lock().unwrap().push(told);
        }
    }
    let waits = Arc::new(Waits::default());
    let time = ManualTime::new();
    let system = ActorSystem::builder()
        .time_source(TimeSource::Manual(time.clone()))
        .observer(Arc::clone(&waits))
        .start()
        .unwrap();
    let naps = Props::new(|| {
        Behavior::receive(|ctx: &mut Context<'_, u64>, nap| {
            if nap > 0 {
                ctx.sleep(ms(nap))?;
            }
            Ok::<_, BoxError>(())
        })
    });
    let naps = system.spawn("naps", naps).unwrap();
    naps.tell(10);
    naps.tell(0);
    naps.tell(0);
    system.run_until_idle();
    time.advance(ms(10));
    system.run_until_idle();
    naps.tell(0);
    time.advance(ms(3));
    system.run_until_idle();
    let told = std::mem::take(&mut *waits.0.lock().unwrap());
    let expected = [(0, 3), (10, 2), (10, 1), (0, 1)];
    let told: Vec<_> = told.iter().map(|told| (told.1, told.2)).collect();
    // What a thread outside sends arrives when the worker takes it in.
    assert_eq!(
        told,
        expected.map(|(waited, mailbox)| (ms(waited), mailbox))
    );
    // What is lost is not told, and neither is what comes to the next actor in its place.
    naps.tell(10);
    naps.tell(0);
    system.run_until_idle();
    naps.kill();
    system.run_until_idle();
    time.advance(ms(10));
    system.run_until_idle();
    let told = std::mem::take(&mut *waits.0.lock().unwrap());
    assert_eq!(told.len(), 1);
}

#[test]
fn s10_1_the_time_in_the_mailbox_is_told_of_about_as_many_as_handlings_are() {
    struct Rates(AtomicU64, AtomicU64);
    impl Observer for Rates {
        fn sampling(&self) -> Sampling {
            Sampling::one_in(10)
        }

        fn handled(&self, _: &Handled<'_>) {
            self.0.fetch_add(1, Relaxed);
        }

        fn waited(&self, _: &Waited<'_>) {
            self.1.fetch_add(1, Relaxed);
        }
    }
    let rates = Arc::new(Rates(AtomicU64::new(0), AtomicU64::new(0)));
    with_pool(pool_of(2).observer(Arc::clone(&rates)), |pool| {
        let pong = Props::new(|| Behavior::receive(|_ctx, reply: Reply<()>| reply.send(())));
        let pong = pool.spawn_on(0, "pong", pong).unwrap();
        let ping = Props::new(move || {
            Behavior::receive(move |_ctx, reply: Reply<()>| {
                for _ in 0..20_000 {
                    pong.ask(|reply| reply, SOON).wait()?;
                }
                reply.send(());
                Ok::<_, BoxError>(())
            })
        });
        let ping = pool.spawn_on(1, "ping", ping).unwrap();
        ping.ask(|reply| reply, SOON).wait().unwrap();
    });
    let (handled, waited) = (rates.0.load(Relaxed), rates.1.load(Relaxed));
    assert!((1_700..2_300).contains(&handled), "{handled}");
    assert!((1_700..2_300).contains(&waited), "{waited}");
}
