//! Asks that are awaited on behalf of others.

use super::{HOUR, Job, SEEDS, ms, runner, worker};
use crate::common::with_pools;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{all, first};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn s5_1_a_chain_of_any_length_that_waits_on_behalf_of_one_is_given_up_with_it() {
    const CHAIN: usize = 5000;
    for (spread, joined) in [(1, false), (2, false), (1, true), (2, true)] {
        let mut sim = Sim::builder().workers(2).orderly().start().unwrap();
        let told: Arc<Mutex<Vec<AskErrorKind>>> = Arc::default();
        let keeper = Props::new(|| {
            Behavior::with_state(Vec::new(), |kept, _ctx, reply: Reply<()>| kept.push(reply))
        });
        let mut next = sim.spawn("keeper", keeper).unwrap();
        for number in 0..CHAIN {
            let (asked, told) = (next, Arc::clone(&told));
            let link = Props::new(move || {
                let told = Arc::clone(&told);
                Behavior::receive(move |_ctx, reply: Reply<()>| {
                    let asked = asked.ask(|reply| reply, HOUR);
                    let ended = match joined {
                        true => all((asked,)).wait_on_behalf_of(&reply).map(|((),)| ()),
                        false => asked.wait_on_behalf_of(&reply),
                    };
                    told.lock().unwrap().push(ended.unwrap_err().kind());
                })
            });
            // Part of the chain, or all of it, is on one worker.
            let worker = number / 1000 % spread;
            next = sim
                .spawn_on(worker, &format!("link-{number}"), link)
                .unwrap();
        }
        let runner = sim.spawn("runner", runner()).unwrap();
        runner.tell(Box::new(move || {
            let asked = next.ask(|reply| reply, HOUR);
            assert!(next.ask(|reply| reply, ms(100)).wait().is_err());
            asked.cancel();
        }));
        sim.run_for(ms(50));
        assert_eq!(sim.waiting().len(), CHAIN + 1);
        sim.run_for(ms(100));
        assert_eq!(sim.waiting(), []);
        assert_eq!(*told.lock().unwrap(), vec![AskErrorKind::Cancelled; CHAIN]);
    }
}

type Form = fn([Ask<u64>; 2], Vec<Ask<u64>>, &Reply<u64>) -> Result<(), AskError>;

const FORMS: [Form; 7] = [
    |[one, _two], _, reply| one.wait_on_behalf_of(reply).map(drop),
    |[one, _two], _, reply| one.map(drop).wait_on_behalf_of(reply),
    |[one, two], _, reply| all((one, two)).wait_on_behalf_of(reply).map(drop),
    |[one, two], _, reply| first([one, two]).wait_on_behalf_of(reply).map(drop),
    |[one, two], _, reply| one.and_then(|_| two).wait_on_behalf_of(reply).map(drop),
    |_, many, reply| all(many).wait_on_behalf_of(reply).map(drop),
    |_, many, reply| first(many).wait_on_behalf_of(reply).map(drop),
];

#[test]
fn s5_1_who_waits_on_behalf_of_a_reply_waits_no_longer_than_it_is_waited_for() {
    for form in FORMS {
        waits_no_longer(form);
    }
}

fn waits_no_longer(form: Form) {
    for workers in [1, 2] {
        for gives_up in [false, true] {
            Sim::builder().workers(workers).check(SEEDS, |sim| {
                let handled = Arc::default();
                let mut slow = |name| sim.spawn_on(workers - 1, name, worker(&handled)).unwrap();
                let slow = [slow("slow"), slow("slower")];
                let ended: Arc<Mutex<Vec<(AskErrorKind, Duration)>>> = Arc::default();
                let log = Arc::clone(&ended);
                let between = Props::new(move || {
                    let log = Arc::clone(&log);
                    Behavior::receive(move |ctx, reply: Reply<u64>| {
                        let after = |reply| Job::After(HOUR / 2, 1, reply);
                        let asked = slow.map(|slow| slow.ask(after, HOUR));
                        let many = slow.into_iter().cycle().take(40);
                        let many = many.map(|slow| slow.ask(after, HOUR)).collect();
                        let begun = ctx.now();
                        let error = form(asked, many, &reply).unwrap_err();
                        log.lock().unwrap().push((error.kind(), ctx.now() - begun));
                    })
                });
                let between = sim.spawn_on(0, "between", between).unwrap();
                let runner = sim.spawn_on(workers - 1, "runner", runner()).unwrap();
                runner.tell(Box::new(move || {
                    let asked = between.ask(|reply| reply, ms(200));
                    if gives_up {
                        let other = between.ask(|reply| reply, ms(100));
                        let _ = other.wait();
                        drop(asked);
                    } else {
                        assert!(asked.wait().is_err());
                    }
                }));
                sim.run_for(ms(1000));
                let ended = ended.lock().unwrap();
                let (kind, waited) = ended[0];
                if gives_up {
                    assert_eq!(kind, AskErrorKind::Cancelled);
                    assert!(waited < ms(190), "{waited:?}");
                } else {
                    let expected = [AskErrorKind::Timeout, AskErrorKind::Cancelled];
                    assert!(expected.contains(&kind));
                    assert!(waited < ms(250), "{waited:?}");
                }
            });
        }
    }
}

#[test]
fn s5_1_a_thread_waits_on_behalf_of_a_reply_by_its_time_out_too() {
    with_pools(|pool| {
        let (give, replies) = std::sync::mpsc::channel::<Reply<u64>>();
        let keeper = Props::new(move || {
            let give = give.clone();
            Behavior::receive(move |_ctx, reply| give.send(reply).unwrap())
        });
        let keeper = pool.spawn("keeper", keeper).unwrap();
        let outer = keeper.ask(|reply| reply, ms(20));
        let reply = replies.recv().unwrap();
        let asked = keeper.ask(|reply| reply, HOUR);
        let _held = replies.recv().unwrap();
        let kind = asked.wait_on_behalf_of(&reply).unwrap_err().kind();
        let over = [AskErrorKind::Timeout, AskErrorKind::Cancelled];
        assert!(over.contains(&kind), "{kind:?}");
        drop(outer);
        let asked = keeper.ask(|reply| reply, HOUR);
        assert_eq!(
            asked.wait_on_behalf_of(&reply).unwrap_err().kind(),
            AskErrorKind::Cancelled
        );
        let asked = [(); 2].map(|()| keeper.ask(|reply| reply, HOUR));
        assert_eq!(
            all(asked).wait_on_behalf_of(&reply).unwrap_err().kind(),
            AskErrorKind::Cancelled
        );
    });
}
