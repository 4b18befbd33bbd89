//! A turnstile as a finite state machine: one behaviour for each state, a change of state as *become*, and
//! timeouts as timers.
//!
//! It is locked until a visitor pays, and unlocked until one passes or ten seconds are over. If it is
//! pushed while locked, it raises an alarm: for a minute it stashes the payments, and then handles them. If
//! it was not used for an hour, it says good night.
//!
//! ```text
//! $ cargo run --example turnstile
//!    0 s  locked
//!    1 s  unlocked
//!    3 s  somebody passes
//!    3 s  locked
//!   10 s  unlocked
//!   20 s  nobody came
//!   20 s  locked
//!   30 s  alarm
//!   90 s  locked
//!   90 s  unlocked
//!   95 s  somebody passes
//!   95 s  locked
//! 3695 s  good night, after 2 have passed
//! ```

use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::time::Duration;

#[rustfmt::skip]
enum Turnstile { Pay, Push, TimeIsUp }

use Turnstile::{Pay, Push, TimeIsUp};

type State = Behavior<Turnstile>;

fn say(ctx: &Context<'_, Turnstile>, text: &str) {
    println!("{:>4} s  {text}", ctx.now().as_secs());
}

/// A state: it prints its name when it is entered, and its timeout applies to this state alone.
fn state(name: &'static str, lasts: Option<Duration>, behavior: State) -> State {
    Behavior::setup(move |ctx| {
        say(ctx, name);
        ctx.timers().cancel("state");
        if let Some(lasts) = lasts {
            ctx.timers().start_single("state", TimeIsUp, lasts);
        }
        Ok(behavior)
    })
}

fn locked(passed: u32) -> State {
    let behavior = Behavior::receive(move |_ctx, message| match message {
        Pay => Next::Become(unlocked(passed)),
        Push => Next::Become(alarmed(passed)),
        TimeIsUp => Next::Unhandled,
    });
    // The day ends in this state only.
    let behavior = behavior.on_signal(move |ctx, signal| match signal {
        Signal::ReceiveTimeout => {
            say(ctx, &format!("good night, after {passed} have passed"));
            Next::Stop
        }
        _ => Next::Same,
    });
    state("locked", None, behavior)
}

fn unlocked(passed: u32) -> State {
    let behavior = Behavior::receive(move |ctx, message| match message {
        Pay => Next::Same,
        Push => {
            say(ctx, "somebody passes");
            Next::Become(locked(passed + 1))
        }
        TimeIsUp => {
            say(ctx, "nobody came");
            Next::Become(locked(passed))
        }
    });
    state("unlocked", Some(Duration::from_secs(10)), behavior)
}

fn alarmed(passed: u32) -> State {
    let behavior = Behavior::receive(move |ctx, message| match message {
        Pay => ctx.stash(Pay).map_or(Next::Unhandled, |()| Next::Same),
        Push => Next::Same,
        TimeIsUp => {
            ctx.unstash_all();
            Next::Become(locked(passed))
        }
    });
    state("alarm", Some(Duration::from_secs(60)), behavior)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In simulated time, so that the example takes none.
    let mut sim = Sim::builder().orderly().start()?;
    let turnstile = Props::new(|| {
        Behavior::with_stash(8, |ctx| {
            ctx.set_receive_timeout(Duration::from_secs(3600));
            Ok(locked(0))
        })
    });
    let turnstile = sim.spawn("turnstile", turnstile)?;
    let messages = [
        (1, Pay),
        (3, Push),
        (10, Pay),
        (30, Push),
        (40, Pay),
        (95, Push),
    ];
    for (at, message) in messages {
        sim.schedule(Duration::from_secs(at), move || turnstile.tell(message));
    }
    sim.run_for(Duration::from_secs(7200));
    Ok(())
}
