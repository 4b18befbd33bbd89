//! Handlers that may fail.

use crate::common::{SECOND, ms};
use nexus_actors::prelude::*;
use nexus_actors::sim::check;
use std::sync::{Arc, Mutex};

#[test]
fn s2_1_a_handler_with_question_marks_ends_with_a_plain_ok() {
    struct Structured;
    impl Actor for Structured {
        type Message = &'static str;
        fn receive(
            &mut self,
            ctx: &mut Context<'_, &'static str>,
            number: &'static str,
        ) -> HandlerResult<&'static str> {
            number.parse::<u32>()?;
            ctx.yield_now()?;
            Ok(Next::Stop)
        }
    }
    let handlers: [fn() -> Behavior<&'static str>; 7] = [
        || {
            Behavior::receive(|ctx, number: &str| {
                number.parse::<u32>()?;
                ctx.yield_now()?;
                Ok(())
            })
        },
        || {
            Behavior::receive(|ctx, number: &str| {
                number.parse::<u32>()?;
                ctx.yield_now()?;
                Ok(Next::Stop)
            })
        },
        || {
            Behavior::receive(|_ctx, number: &str| {
                number.parse::<u32>()?;
                Ok(Behavior::stopped())
            })
        },
        || {
            Behavior::with_state(0, |sum, ctx, number: &str| {
                *sum += number.parse::<u32>()?;
                ctx.yield_now()?;
                Ok(())
            })
        },
        || {
            Behavior::setup(|ctx| {
                ctx.yield_now()?;
                Ok(Behavior::receive(|_ctx, number: &str| {
                    if number.is_empty() {
                        return Err("nothing".into());
                    }
                    number.parse::<u32>()?;
                    Ok(())
                }))
            })
        },
        || {
            let last = Mutex::new("");
            let last = Arc::new(last);
            let seen = Arc::clone(&last);
            Behavior::receive(move |ctx, number: &'static str| {
                *seen.lock().unwrap() = number;
                ctx.set_receive_timeout(ms(1));
            })
            .on_signal(move |_ctx, signal| {
                if let Signal::ReceiveTimeout = signal {
                    last.lock().unwrap().parse::<u32>()?;
                }
                Ok(())
            })
        },
        || Behavior::actor(Structured),
    ];
    check(0..5, |sim| {
        for (place, handler) in handlers.iter().copied().enumerate() {
            let strategy = SupervisorStrategy::one_for_one().always(Directive::Stop);
            let parent = Props::new(move || {
                Behavior::setup(move |ctx| {
                    let actor = ctx.spawn("actor", Props::new(handler))?;
                    Ok(Behavior::receive(move |_ctx, text| actor.tell(text)))
                })
            });
            let name = format!("parent-{place}");
            let parent = sim.spawn(&name, parent.supervising(strategy)).unwrap();
            parent.tell("1");
            parent.tell("one");
            sim.run_for(SECOND);
            let failed = sim.lookup::<&str>(format!("/user/{name}/actor"));
            assert!(failed.is_err(), "handler {place} has failed, or stopped");
        }
    });
}
