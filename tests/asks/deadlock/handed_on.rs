//! Questions that are forwarded more than once, from worker to worker: notices of that reach the
//! asker from several workers, in any order.

use super::HOUR;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::time::Duration;

/// A question with the actors it is forwarded to in turn, the last of which is asked.
struct Question(Vec<ActorRef<Question>>, Reply<Result<(), AskError>>);

/// Forwards the question, or asks the last actor on behalf of the asker.
fn member() -> Props<Question> {
    Props::new(|| {
        Behavior::receive(|_ctx, Question(mut way, reply)| match way.len() {
            0 => reply.send(Ok(())),
            1 => {
                let asked = way[0].ask(|reply| Question(Vec::new(), reply), HOUR);
                let answer = asked.wait_on_behalf_of(&reply);
                reply.send(answer.unwrap_or_else(Err));
            }
            _ => {
                let next = way.remove(0);
                reply.forward(next, |reply| Question(way, reply));
            }
        })
    })
}

#[test]
fn s5_6_a_cycle_is_found_through_a_question_that_was_handed_on_again_and_again() {
    const WORKERS: usize = 4;
    for times in [1, 2, 3, 6] {
        Sim::builder().workers(WORKERS).check(0..200, |sim| {
            let mut start = |place: usize| {
                let name = format!("m{place}");
                sim.spawn_on(place % WORKERS, &name, member()).unwrap()
            };
            let asker = {
                let first = start(1);
                let way: Vec<_> = (2..times + 2).map(&mut start).collect();
                let asker = Props::new(move || {
                    let way = way.clone();
                    Behavior::receive(move |ctx, Question(_, reply)| {
                        let mut way = way.clone();
                        way.push(ctx.self_ref());
                        let asked = first.ask(|reply| Question(way, reply), HOUR);
                        let answer = asked.wait_on_behalf_of(&reply);
                        reply.send(answer.unwrap_or_else(Err));
                    })
                });
                sim.spawn_on(0, "asker", asker).unwrap()
            };
            let asked = asker.ask(|reply| Question(Vec::new(), reply), 2 * HOUR);
            let answer = asked.wait();
            let error = answer.unwrap().unwrap_err();
            assert_eq!(error.kind(), AskErrorKind::Deadlock, "{error}");
            let cycle = error.details().unwrap().cycle().unwrap();
            let paths: Vec<_> = cycle.links().iter().map(|link| &link.path).collect();
            let last = format!("/user/m{}", times + 1);
            assert!(cycle.is_certain() && paths.len() == 2, "{cycle}");
            assert_eq!(
                (paths[0].as_str(), paths[1].as_str()),
                (&*last, "/user/asker")
            );
            let soon = sim.now() < Duration::from_secs(1);
            assert!(soon, "no time-out was waited for");
        });
    }
}
