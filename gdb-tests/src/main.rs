//! Three handlers and a task wait and one handler runs, at the moment when a debugger stops the program in [`all_wait`]:
//! `ci/gdb.sh` runs it under gdb, and checks what the commands of `tools/gdb/nexus.py` print about it. With
//! the argument `abort` it aborts there, and leaves a core; with `many`, many more handlers wait.

use nexus_actors::failure::WaitError;
use nexus_actors::prelude::*;
use std::hint::black_box;
use std::time::Duration;

const NEVER: Duration = Duration::from_secs(3600);
/// More than the cells of one group of an arena.
const MANY: usize = 1500;

/// Has a number that a debugger can read in the frame of the handler that waits.
#[inline(never)]
fn naps_in_a_helper(ctx: &mut Context<'_, Nap>) -> Result<(), WaitError> {
    let sheep = black_box(4711);
    ctx.sleep(NEVER)?;
    black_box(sheep);
    Ok(())
}

struct Nap;

fn naps(ctx: &mut Context<'_, Nap>, _: Nap) -> Result<(), BoxError> {
    Ok(naps_in_a_helper(ctx)?)
}

/// Keeps the reply, so that the asker waits.
struct Question(Reply<u32>);

struct Wonder(ActorRef<Question>);

fn wonders(_: &mut Context<'_, Wonder>, Wonder(of): Wonder) -> Result<(), BoxError> {
    of.ask(Question, NEVER).wait()?;
    Ok(())
}

/// Has a child without a given name, which wonders.
fn parent() -> Props<Wonder> {
    Props::new(|| {
        Behavior::receive(|ctx: &mut Context<'_, Wonder>, wonder| {
            let child = Props::new(|| Behavior::receive(wonders));
            ctx.spawn_anonymous(child)?.tell(wonder);
            Ok(())
        })
    })
}

struct Work;

/// Waits in a task, and not itself.
fn works(ctx: &mut Context<'_, Work>, _: Work) {
    drop(ctx.spawn_task(|task| task.sleep(NEVER)));
}

struct Look(Reply<()>);

fn looks(_: &mut Context<'_, Look>, Look(reply): Look) {
    all_wait();
    reply.send(());
}

/// Where the debugger stops.
#[inline(never)]
fn all_wait() {
    if is_asked_to("abort") {
        std::process::abort();
    }
}

fn is_asked_to(what: &str) -> bool {
    std::env::args().nth(1).as_deref() == Some(what)
}

fn main() -> Result<(), BoxError> {
    let pool = WorkerPool::builder().workers(2).start()?;
    let keeper = Props::new(|| {
        let mut kept = Vec::new();
        Behavior::receive(move |_, Question(reply)| kept.push(reply))
    });
    let keeper = pool.spawn_on(0, "keeper", keeper)?;
    let napper = || Props::new(|| Behavior::receive(naps));
    pool.spawn_on(0, "napper", napper())?.tell(Nap);
    pool.spawn_on(1, "other-napper", napper())?.tell(Nap);
    pool.spawn_on(0, "wonderer", parent())?.tell(Wonder(keeper));
    let worker = Props::new(|| Behavior::receive(works));
    pool.spawn_on(0, "worker", worker)?.tell(Work);
    let more = if is_asked_to("many") { MANY } else { 0 };
    for number in 0..more {
        let name = format!("more-{number}");
        pool.spawn_on(1, &name, napper())?.tell(Nap);
    }
    while pool.waiting(NEVER).0.len() < 4 + more {}

    let looker = Props::new(|| Behavior::receive(looks));
    let looker = pool.spawn_on(0, "looker", looker)?;
    // Not before it has looked: an actor that the shutdown stops just then is in the middle of a change.
    looker.ask(Look, Duration::from_secs(60)).wait()?;
    pool.shutdown(Duration::from_millis(10))?;
    Ok(())
}
