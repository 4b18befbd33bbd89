//! Pools, systems and simulations also end under `panic = "abort"`, although waiting handlers
//! cannot be unwound: `cargo run --package nexus-abort-tests --profile abort`.

use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::sync::mpsc;
use std::time::Duration;

const MOMENT: Duration = Duration::from_millis(10);
const NEVER: Duration = Duration::from_secs(3600);
/// Longer than any orderly end takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for ever, and has a child that does the same.
fn waiting(depth: u32) -> Props<()> {
    Props::new(move || {
        Behavior::receive(move |ctx: &mut Context<'_, ()>, ()| {
            if depth > 0 {
                ctx.spawn("child", waiting(depth - 1))?.tell(());
            }
            ctx.sleep(NEVER)?;
            Ok(())
        })
    })
}

/// Handles its messages, and reports that it stops.
fn orderly(told: &mpsc::Sender<()>) -> Props<()> {
    let told = told.clone();
    Props::new(move || {
        let told = told.clone();
        Behavior::receive(|_ctx, ()| {}).on_signal(move |_ctx, signal| {
            if matches!(signal, Signal::PostStop(_)) {
                let _ = told.send(());
            }
        })
    })
}

fn pool() {
    let pool = WorkerPool::builder().workers(2).start().expect("starts");
    let (tell, told) = mpsc::channel();
    for worker in 0..2 {
        let name = format!("waiting-{worker}");
        let waiting = pool.spawn_on(worker, &name, waiting(1));
        waiting.expect("starts").tell(());
    }
    pool.spawn("orderly", orderly(&tell)).expect("starts");
    while pool.stats().actors() < 5 {
        std::thread::yield_now();
    }
    let report = pool.shutdown(MOMENT).expect("another thread ends it");
    assert_eq!(report.forced, 4, "{report}");
    assert!(report.stuck_workers.is_empty(), "{report}");
    assert_eq!(told.try_recv(), Ok(()));
}

fn system() {
    let system = ActorSystem::new("test").expect("starts");
    system
        .spawn("waiting", waiting(1))
        .expect("starts")
        .tell(());
    let (tell, told) = mpsc::channel();
    system.spawn("orderly", orderly(&tell)).expect("starts");
    system.run_until_idle();
    drop(system);
    assert_eq!(told.try_recv(), Ok(()));
}

fn simulation() {
    let mut sim = Sim::builder().workers(2).start().expect("starts");
    sim.spawn("waiting", waiting(1)).expect("starts").tell(());
    let (tell, told) = mpsc::channel();
    sim.spawn("orderly", orderly(&tell)).expect("starts");
    sim.run_until_idle();
    drop(sim);
    assert_eq!(told.try_recv(), Ok(()));
}

fn main() {
    if cfg!(not(panic = "abort")) {
        eprintln!("run it with `--profile abort`");
        std::process::exit(2);
    }
    let ends: [(&str, fn()); 3] = [
        ("pool", pool),
        ("system", system),
        ("simulation", simulation),
    ];
    for (name, end) in ends {
        let (tell, ended) = mpsc::channel();
        std::thread::spawn(move || {
            end();
            let _ = tell.send(());
        });
        let in_time = ended.recv_timeout(PATIENCE);
        assert!(in_time.is_ok(), "the {name} does not end");
        println!("the {name} has ended");
    }
}
