//! Observers of all handlings, of some, and of none.

use crate::common::*;
use crate::observed::noting;
use nexus_actors::observe::{Handled, Handling, Observer, Sampling};
use nexus_actors::pool::{ManualTime, TimeSource};
use nexus_actors::prelude::*;
use std::sync::{Arc, Mutex};

#[test]
fn s10_1_turns_stay_whole_and_in_order_whoever_observes() {
    let order = |sampling: Option<Sampling>| {
        let log = Log::default();
        let time = TimeSource::Manual(ManualTime::new());
        let mut builder = ActorSystem::builder().time_source(time);
        if let Some(sampling) = sampling {
            builder = builder.observer(Counting::new(sampling));
        }
        let system = builder.start().unwrap();
        let one = system.spawn("one", noting(&log, "a")).unwrap();
        let two = system.spawn("two", noting(&log, "b")).unwrap();
        for number in 0..300 {
            one.tell(number);
            two.tell(number);
        }
        system.run();
        log.lines()
    };
    let unobserved = order(None);
    assert_eq!(unobserved.len(), 600);
    assert_eq!(unobserved[0], "a0");
    assert_eq!(unobserved[1], "a1", "a turn is of many messages");
    for sampling in [Sampling::All, Sampling::one_in(7), Sampling::None] {
        assert_eq!(order(Some(sampling)), unobserved, "{sampling:?}");
    }
}

/// Counts the handlings it is told of.
struct Counting {
    sampling: Sampling,
    told: Arc<Mutex<(u64, u64)>>,
}

impl Counting {
    fn new(sampling: Sampling) -> Self {
        Self {
            sampling,
            told: Arc::default(),
        }
    }
}

impl Observer for Counting {
    fn sampling(&self) -> Sampling {
        self.sampling
    }

    fn handling(&self, _: &Handling<'_>) {
        self.told.lock().unwrap().0 += 1;
    }

    fn handled(&self, _: &Handled<'_>) {
        self.told.lock().unwrap().1 += 1;
    }
}

#[test]
fn s10_1_each_of_several_observers_is_told_of_its_share() {
    const SENT: u64 = 200_000;
    let all = Counting::new(Sampling::All);
    let some = Counting::new(Sampling::one_in(20));
    let none = Counting::new(Sampling::None);
    let told = [&all, &some, &none].map(|one| Arc::clone(&one.told));
    let builder = pool_of(2).observer(all).observer(some).observer(none);
    with_pool(builder, |pool| {
        let quiet = || Props::new(|| Behavior::receive(|_ctx, _: u64| ()));
        let actors: Vec<_> = (0..10)
            .map(|_| pool.spawn_anonymous(quiet()).unwrap())
            .collect();
        for number in 0..SENT {
            actors[number as usize % 10].tell(number);
        }
    });
    let [all, some, none] = told.map(|told| *told.lock().unwrap());
    assert_eq!(all, (SENT, SENT));
    assert_eq!(some.0, some.1);
    // One in 20 of 200,000 are 10,000; the distance to that has a standard deviation of about 60.
    assert!((9_500..10_500).contains(&some.0), "{some:?}");
    assert_eq!(none, (0, 0));
}

#[test]
fn s10_1_what_is_withdrawn_or_bounded_or_wrapped_is_observed_all_the_same() {
    let counting = Counting::new(Sampling::All);
    let told = Arc::clone(&counting.told);
    let handled = with_pool(pool_of(1).observer(counting), |pool| {
        let slow = Props::new(|| {
            Behavior::receive(|ctx: &mut Context<'_, Reply<u8>>, reply| {
                ctx.sleep(ms(20))?;
                reply.send(1);
                Ok::<_, BoxError>(())
            })
            .on_signal(|_, _| Next::Same)
        });
        let slow = slow.mailbox(Mailbox::bounded(10, Overflow::Fail).unwrap());
        let slow = pool.spawn("slow", slow).unwrap();
        let first = slow.ask(|reply| reply, SOON);
        let late = slow.ask(|reply| reply, ms(1));
        let last = slow.ask(|reply| reply, SOON);
        assert!(late.wait().is_err());
        assert_eq!(first.wait(), Ok(1));
        assert_eq!(last.wait(), Ok(1));
        (pool.stats().handled(), pool.dead_letters().total())
    });
    let (handled, lost) = handled;
    assert_eq!((handled, lost), (2, 1));
    assert_eq!(*told.lock().unwrap(), (handled, handled));
}
