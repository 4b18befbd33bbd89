//! Cycles through a handler that waits for several answers at once.

use super::{Ended, HOUR, Told, cycle_of, in_no_time, nothing, tell, told};
use crate::common::{SEEDS, ms};
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{all, first};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One of the forms in which a handler waits for several answers.
type Form = fn(Ask<Ended>, [Ask<Ended>; 2]) -> Ended;

const FORMS: [Form; 6] = [
    |asked, [one, two]| all((one, asked, two)).wait().map(drop),
    |asked, [one, two]| all([asked, one, two]).wait().map(drop),
    |asked, [one, two]| all(vec![one, two, asked]).wait().map(drop),
    |asked, [one, two]| all((all([one, asked]), two.map(drop))).wait().map(drop),
    |asked, [one, two]| {
        let named = HashMap::from([("asked", asked)]);
        all((one, all(named), two)).wait().map(drop)
    },
    |asked, [one, two]| {
        let asked = asked.map(|_| ()).and_then(|()| one);
        all((asked, two.map(drop))).wait().map(drop)
    },
];

/// The errors that askers received, and when.
#[derive(Clone, Default)]
struct Errors(Arc<Mutex<Vec<(Duration, AskError)>>>);

impl Errors {
    fn note(&self, ctx: &Context<'_, Told>, ended: Ended) -> Ended {
        if let Err(error) = &ended {
            self.0.lock().unwrap().push((ctx.now(), error.clone()));
        }
        ended
    }

    /// Asks that actor, after a pause, on behalf of the reply that it is called with.
    fn of_asking(
        &self,
        asked: ActorRef<Told>,
        pause: u64,
    ) -> impl FnOnce(&mut Context<'_, Told>, &Reply<Ended>) -> Ended + use<> {
        let errors = self.clone();
        move |ctx, reply| {
            ctx.sleep(ms(pause))?;
            let answer = asked.ask(nothing, HOUR).wait_on_behalf_of(reply);
            errors.note(ctx, answer.map(|_| ()))
        }
    }

    /// Asserts that exactly one asker received an error: that cycle, and at once.
    #[track_caller]
    fn assert_one_deadlock(&self, mut cycle: Vec<&str>) {
        let errors = self.0.lock().unwrap();
        let [(at, error)] = &errors[..] else {
            panic!("not one error: {errors:?}");
        };
        assert!(*at < ms(100), "{at:?}");
        let mut found = cycle_of(error);
        found.sort();
        cycle.sort_unstable();
        assert_eq!(found, cycle);
    }
}

#[derive(Clone, Copy)]
struct Cast {
    several: ActorRef<Told>,
    asked: ActorRef<Told>,
    third: ActorRef<Told>,
    slow: [ActorRef<Told>; 2],
}

impl Cast {
    fn new(sim: &mut Sim) -> Self {
        let workers = sim.workers();
        let mut on = |worker: usize, name| sim.spawn_on(worker % workers, name, told()).unwrap();
        Self {
            several: on(0, "several"),
            asked: on(1, "asked"),
            third: on(2, "third"),
            slow: [on(0, "slow"), on(2, "slower")],
        }
    }

    /// Has `several` wait in that form: for the slow actors, and for one that asks `asks` after a pause.
    fn have_wait(
        self,
        form: Form,
        errors: &Errors,
        asks: ActorRef<Told>,
        pause: u64,
    ) -> Ask<Ended> {
        let errors = errors.clone();
        tell(self.several, move |ctx, _| {
            let asking = tell(self.asked, errors.of_asking(asks, pause));
            let ended = form(asking, self.slow.map(slow));
            errors.note(ctx, ended)
        })
    }
}

/// Answers so late that a deadlock that is reported only then was not reported at once.
fn slow(actor: ActorRef<Told>) -> Ask<Ended> {
    tell(actor, |ctx, _| Ok(ctx.sleep(ms(900))?))
}

fn in_each_form(run: impl Fn(&mut Sim, Cast, Form, &Errors)) {
    for form in FORMS {
        for workers in [1, 3] {
            Sim::builder().workers(workers).check(0..20, |sim| {
                let (cast, errors) = (Cast::new(sim), Errors::default());
                run(sim, cast, form, &errors);
                sim.run_for(ms(5000));
                assert_eq!(sim.waiting(), []);
            });
        }
    }
}

#[test]
fn s5_6_who_waits_for_several_answers_closes_a_cycle_by_each_of_them() {
    for pause in [0, 2] {
        in_each_form(|sim, cast, form, errors| {
            let told = cast.have_wait(form, errors, cast.several, pause);
            sim.run_for(ms(950));
            drop(told);
            errors.assert_one_deadlock(vec!["/user/asked", "/user/several"]);
        });
    }
}

#[test]
fn s5_6_who_waits_for_many_answers_closes_a_cycle_by_each_of_them_however_many_have_come() {
    const MANY: usize = 40;
    for pause in [0, 5, 18] {
        for workers in [1, 3] {
            Sim::builder().workers(workers).check(0..20, |sim| {
                let (cast, errors) = (Cast::new(sim), Errors::default());
                let inner = errors.clone();
                let told = tell(cast.several, move |ctx, _| {
                    // Each answers one question a millisecond.
                    let quick = |actor| tell(actor, |ctx, _| Ok(ctx.sleep(ms(1))?));
                    let answering = cast.slow.into_iter().cycle().take(MANY);
                    let mut asked: Vec<_> = answering.map(quick).collect();
                    asked.insert(
                        MANY / 2,
                        tell(cast.asked, inner.of_asking(cast.several, pause)),
                    );
                    asked.extend(cast.slow.map(slow));
                    let ended = all(asked).wait().map(drop);
                    inner.note(ctx, ended)
                });
                sim.run_for(ms(950));
                drop(told);
                errors.assert_one_deadlock(vec!["/user/asked", "/user/several"]);
                sim.run_for(ms(5000));
                assert_eq!(sim.waiting(), []);
            });
        }
    }
}

#[test]
fn s5_6_a_cycle_through_one_of_several_answers_closes_elsewhere_too() {
    for (first, second) in [(2, 4), (4, 2)] {
        in_each_form(|sim, cast, form, errors| {
            let told = cast.have_wait(form, errors, cast.third, first);
            sim.run_for(ms(1));
            let asking = tell(cast.third, errors.of_asking(cast.several, second));
            sim.run_for(ms(940));
            drop((told, asking));
            errors.assert_one_deadlock(vec!["/user/asked", "/user/several", "/user/third"]);
        });
    }
}

#[test]
fn s5_6_who_waits_for_several_answers_on_behalf_of_another_is_a_certain_link() {
    for workers in [1, 3] {
        Sim::builder().workers(workers).check(SEEDS, |sim| {
            let (cast, errors) = (Cast::new(sim), Errors::default());
            let inner = errors.clone();
            let asking = move |ctx: &mut Context<'_, Told>, reply: &Reply<Ended>| {
                let asked = tell(cast.asked, inner.of_asking(cast.third, 2));
                let ended = all((asked, all(cast.slow.map(slow)))).wait_on_behalf_of(reply);
                inner.note(ctx, ended.map(drop))
            };
            let told = tell(cast.third, move |_, reply| {
                tell(cast.several, asking).wait_on_behalf_of(reply)?
            });
            sim.run_for(ms(950));
            drop(told);
            errors.assert_one_deadlock(vec!["/user/asked", "/user/several", "/user/third"]);
            sim.run_for(ms(5000));
            assert_eq!(sim.waiting(), []);
        });
    }
}

/// A question that is asked after an answer has come closes the cycle; the others were followed before.
#[test]
fn s5_6_what_is_asked_after_some_of_many_answers_closes_a_cycle_too() {
    for workers in [1, 3] {
        for pause in [1, 12, 19] {
            Sim::builder().workers(workers).check(0..20, |sim| {
                let (cast, errors) = (Cast::new(sim), Errors::default());
                let inner = errors.clone();
                // Waits for the actor that waits for several, which does not wait for this one yet.
                let waiting = tell(cast.third, move |ctx, _| {
                    ctx.sleep(ms(1))?;
                    let answer = cast.several.ask(nothing, HOUR).wait();
                    inner.note(ctx, answer.map(drop))
                });
                let inner = errors.clone();
                let told = tell(cast.several, move |ctx, _| {
                    let quick = |actor| tell(actor, |ctx, _| Ok(ctx.sleep(ms(1))?));
                    let go_on = move |_| cast.slow[0].ask(nothing, HOUR);
                    let mut asked: Vec<_> = (0..40)
                        .map(|number| {
                            quick(cast.slow[number % 2]).and_then(Box::new(go_on) as Next)
                        })
                        .collect();
                    let after = tell(cast.asked, move |ctx, _| Ok(ctx.sleep(ms(pause))?));
                    let closes = move |_| cast.third.ask(nothing, HOUR);
                    asked.insert(20, after.and_then(Box::new(closes) as Next));
                    asked.push(slow(cast.slow[1]).and_then(Box::new(go_on) as Next));
                    let ended = all(asked).wait().map(drop);
                    inner.note(ctx, ended)
                });
                sim.run_for(ms(850));
                drop((told, waiting));
                errors.assert_one_deadlock(vec!["/user/several", "/user/third"]);
                sim.run_for(ms(5000));
                assert_eq!(sim.waiting(), []);
            });
        }
    }
}

/// The worker never rests, and each further answer wakes the waiter, so that a search often meets
/// it just woken.
#[test]
fn s5_6_an_actor_that_is_woken_while_its_new_questions_are_searched_is_searched_again() {
    const MANY: usize = 400;
    for workers in [1, 3] {
        Sim::builder().workers(workers).check(0..20, |sim| {
            let (cast, errors) = (Cast::new(sim), Errors::default());
            let kept: Arc<Mutex<VecDeque<Reply<Ended>>>> = Arc::default();
            let keeps = Arc::clone(&kept);
            let keeper = Props::new(move || {
                let kept = Arc::clone(&keeps);
                Behavior::receive(move |_ctx, reply| kept.lock().unwrap().push_back(reply))
            });
            let keeper = sim.spawn_on(0, "keeper", keeper).unwrap();
            let inner = errors.clone();
            let told = tell(cast.several, move |ctx, _| {
                let ask = move || keeper.ask(|reply| reply, HOUR);
                let asked = (0..MANY).map(|number| {
                    let go_on: Next = match number {
                        20 => Box::new(move |_| cast.third.ask(nothing, HOUR)),
                        _ => Box::new(move |_| ask()),
                    };
                    ask().and_then(go_on)
                });
                let asked: Vec<_> = asked.collect();
                let ended = all(asked).wait().map(drop);
                inner.note(ctx, ended)
            });
            sim.run_for(ms(1));
            let inner = errors.clone();
            let waiting = tell(cast.third, move |ctx, _| {
                let answer = cast.several.ask(nothing, HOUR).wait();
                inner.note(ctx, answer.map(drop))
            });
            sim.run_for(ms(1));
            let answering = tell(cast.slow[0], move |ctx, _| {
                let mut idle = 0;
                while idle < 300 {
                    let next = kept.lock().unwrap().pop_front();
                    idle = if next.is_some() { 0 } else { idle + 1 };
                    next.into_iter().for_each(|reply| reply.send(Ok(())));
                    ctx.yield_now()?;
                }
                Ok(())
            });
            sim.run_for(ms(90));
            drop((told, waiting, answering));
            errors.assert_one_deadlock(vec!["/user/several", "/user/third"]);
            sim.run_for(ms(5000));
            assert_eq!(sim.waiting(), []);
        });
    }
}

/// The question that follows an answer.
type Next = Box<dyn FnOnce(Ended) -> Ask<Ended> + Send>;

#[test]
fn s5_6_who_waits_for_many_answers_on_behalf_of_another_is_a_certain_link_when_some_have_come() {
    for workers in [1, 3] {
        Sim::builder().workers(workers).check(0..30, |sim| {
            let (cast, errors) = (Cast::new(sim), Errors::default());
            let inner = errors.clone();
            let asking = move |ctx: &mut Context<'_, Told>, reply: &Reply<Ended>| {
                let quick = |actor| tell(actor, |ctx, _| Ok(ctx.sleep(ms(1))?));
                let mut asked: Vec<_> = cast.slow.into_iter().cycle().take(40).map(quick).collect();
                asked.push(tell(cast.asked, inner.of_asking(cast.third, 10)));
                asked.extend(cast.slow.map(slow));
                let ended = all(asked).wait_on_behalf_of(reply);
                inner.note(ctx, ended.map(drop))
            };
            let told = tell(cast.third, move |_, reply| {
                tell(cast.several, asking).wait_on_behalf_of(reply)?
            });
            sim.run_for(ms(950));
            drop(told);
            errors.assert_one_deadlock(vec!["/user/asked", "/user/several", "/user/third"]);
            sim.run_for(ms(5000));
            assert_eq!(sim.waiting(), []);
        });
    }
}

#[test]
fn s5_6_two_that_wait_for_several_answers_make_a_cycle_together() {
    in_each_form(|sim, cast, form, errors| {
        let Cast { several, third, .. } = cast;
        let told = [(several, third), (third, several)].map(|(one, two)| {
            let inner = errors.clone();
            tell(one, move |ctx, _| {
                ctx.sleep(ms(1))?;
                let others = if one == several {
                    cast.slow
                } else {
                    [cast.asked; 2]
                };
                let ended = form(two.ask(nothing, HOUR), others.map(slow));
                inner.note(ctx, ended)
            })
        });
        sim.run_for(ms(950));
        drop(told);
        errors.assert_one_deadlock(vec!["/user/several", "/user/third"]);
    });
}

#[test]
fn s5_6_who_can_do_without_one_of_several_answers_waits_for_the_others() {
    for workers in [1, 3] {
        Sim::builder().workers(workers).check(SEEDS, |sim| {
            let (cast, errors) = (Cast::new(sim), Errors::default());
            let inner = errors.clone();
            let told = tell(cast.several, move |_, _| {
                let answer = tell(cast.third, |ctx, _| Ok(ctx.sleep(ms(5))?));
                let asking = tell(cast.asked, inner.of_asking(cast.several, 0));
                first([asking, answer]).wait()?
            });
            assert_eq!(told.wait(), Ok(Ok(())));
            sim.run_for(ms(10));
            let errors = errors.0.lock().unwrap();
            let kinds: Vec<_> = errors.iter().map(|(_, error)| error.kind()).collect();
            assert!(!kinds.contains(&AskErrorKind::Deadlock), "{kinds:?}");
            in_no_time(sim);
        });
    }
}

#[test]
fn s5_6_several_answers_that_come_make_no_cycle() {
    for workers in [1, 3] {
        Sim::builder().workers(workers).check(SEEDS, |sim| {
            let (cast, errors) = (Cast::new(sim), Errors::default());
            let inner = errors.clone();
            let told = tell(cast.several, move |_, _| {
                let asks = |other| tell(other, inner.of_asking(cast.asked, 1));
                let asked = cast.asked.ask(nothing, HOUR);
                all((all(cast.slow.map(asks)), asked)).wait().map(drop)
            });
            let pause = tell(cast.asked, |ctx, _| Ok(ctx.sleep(ms(3))?));
            assert_eq!((told.wait(), pause.wait()), (Ok(Ok(())), Ok(Ok(()))));
            assert!(errors.0.lock().unwrap().is_empty());
            in_no_time(sim);
        });
    }
}
