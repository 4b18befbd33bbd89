//! Runs on real threads: the same plans, with the choices made by the machine.

use nexus_actors::WorkerPool;
use nexus_actors::pool::PoolStats;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::foreign;
use crate::note::Load;
use crate::plan::{End, Foreigner, Plan, Size};
use crate::run::{Ended, LONG, Outcome, check_end, check_helpers, check_quiet, sums};
use crate::sender::nanos;
use crate::world::World;

/// How often a pool is checked while waiting for it to become quiet.
const LOOK: Duration = Duration::from_micros(300);
/// The number of checks that must find a pool quiet.
const LOOKS: u32 = 3;

/// What is running at the moment, for a watching thread.
#[derive(Clone, Default)]
pub struct Watch(Arc<Mutex<Option<Running>>>);

struct Running {
    seed: u64,
    since: Instant,
    /// The pool, if threads run it.
    pool: Option<WorkerPool>,
}

impl Watch {
    /// Records that a run begins.
    pub fn begins(&self, seed: u64) {
        *self.0.lock() = Some(Running {
            seed,
            since: Instant::now(),
            pool: None,
        });
    }

    /// Records that the run is over.
    pub fn ends(&self) {
        self.0.lock().take();
    }

    fn has_pool(&self, pool: &WorkerPool) {
        if let Some(running) = &mut *self.0.lock() {
            running.pool = Some(pool.clone());
        }
    }

    /// The seed that has run for longer than that, and what its actors wait for.
    pub fn hangs(&self, longer_than: Duration) -> Option<(u64, String)> {
        let (seed, pool) = {
            let running = self.0.lock();
            let running = running.as_ref()?;
            if running.since.elapsed() < longer_than {
                return None;
            }
            (running.seed, running.pool.clone())
        };
        Some((seed, pool.as_ref().map(who_waits).unwrap_or_default()))
    }
}

/// The waiting handlers and tasks of every worker of a pool.
fn who_waits(pool: &WorkerPool) -> String {
    let (waiting, silent) = pool.waiting(Duration::from_secs(1));
    let mut text = format!("{:#?}\n", pool.stats());
    for waiting in waiting {
        text += &format!("worker {}: {waiting}\n", waiting.worker);
    }
    for (worker, error) in silent {
        text += &format!("worker {worker} does not say: {error}\n");
    }
    text
}

/// Runs a plan on threads.
pub fn run(plan: &Plan, watch: &Watch) -> Outcome {
    watch.begins(plan.seed);
    let outcome = match plan.size {
        Size::Small => run_with::<[u64; 0]>(plan, watch),
        Size::Medium => run_with::<[u64; 12]>(plan, watch),
        Size::Large => run_with::<[u64; 50]>(plan, watch),
    };
    watch.ends();
    outcome
}

fn run_with<L: Load>(plan: &Plan, watch: &Watch) -> Outcome {
    let world = World::<L>::new(plan, false);
    let pool = start(&world, plan);
    world.is_ready();
    watch.has_pool(&pool);
    let (meddling, spawning) = (Arc::clone(&world), pool.clone());
    let letters = pool.dead_letters();
    let told = letters.subscribe(move |letter| {
        meddling.hears_of(letter);
        meddling.is_told(false);
    });
    world.is_listening();
    let anonymously = move |props| spawning.spawn_anonymous(props);
    *world.anonymously.write() = Some(Arc::new(anonymously));
    let since = Instant::now();
    foreign::open(&world, plan, &|| Some(nanos(since.elapsed())));
    let foreigners: Vec<_> = plan
        .foreigners
        .iter()
        .map(|foreigner| set_out(&world, foreigner))
        .collect();
    let report = match plan.end {
        End::Quiet => {
            join(&world, foreigners);
            wait_until_quiet(&world, &pool);
            check_quiet(&world);
            if foreign::fill_mailboxes(&world) | foreign::wake_all(&world) {
                wait_until_quiet(&world, &pool);
                check_quiet(&world);
            }
            let last = world.publish_last();
            if !last.is_empty() {
                become_quiet(&world, &pool);
            }
            check_helpers(&world, &last);
            foreign::take_names_again(&world);
            shut_down(&world, &pool, LONG)
        }
        End::InTime { after } => {
            let report = shut_down_after(&world, &pool, after, LONG);
            join(&world, foreigners);
            report
        }
        End::Forced { after, within } => {
            let report = shut_down_after(&world, &pool, after, within);
            join(&world, foreigners);
            report
        }
    };
    world.outside.lock().clear();
    drop(told);
    world.anonymously.write().take();
    end(&world, plan, &pool, report)
}

fn start<L: Load>(world: &Arc<World<L>>, plan: &Plan) -> WorkerPool {
    let pool = WorkerPool::builder()
        .workers(plan.workers)
        .name("swarm")
        .on_suspected_deadlock(|_| {})
        .on_failure(world.on_failure())
        .supervising(world.strategy_of_guardian(plan.seed))
        .configure(world.configure(plan.configured))
        .start();
    pool.expect("a pool of a few workers starts")
}

/// Starts an outside thread.
fn set_out<L: Load>(world: &Arc<World<L>>, foreigner: &Foreigner) -> JoinHandle<()> {
    let (world, foreigner) = (Arc::clone(world), foreigner.clone());
    thread::spawn(move || {
        thread::sleep(foreigner.after);
        let since = Instant::now();
        let clock = || Some(nanos(since.elapsed()));
        foreign::act(&world, foreigner.acts, foreigner.seed, &clock);
    })
}

fn join<L: Load>(world: &World<L>, threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            let text = "a thread outside panicked".to_owned();
            world.oracles.violated(text);
        }
    }
}

/// Waits until nothing is being sent, handled or waited for.
fn wait_until_quiet<L: Load>(world: &World<L>, pool: &WorkerPool) {
    become_quiet(world, pool);
    // A suspension may have been in flight with the last message.
    world.resume_all();
    become_quiet(world, pool);
}

fn become_quiet<L: Load>(world: &World<L>, pool: &WorkerPool) {
    let (mut last, mut same) = (Vec::new(), 0);
    while same < LOOKS {
        thread::sleep(LOOK);
        let (stats, now) = look(pool);
        let stashed: u64 = stats.workers.iter().map(|worker| worker.stashed).sum();
        let at_rest = stats.queued() == 0
            && stats.sent() == stats.handled() + stats.dead_letters + stashed
            && stats.workers.iter().all(|worker| worker.waiting == 0);
        if !at_rest {
            world.resume_all();
        }
        same = if at_rest && now == last { same + 1 } else { 0 };
        last = now;
    }
}

fn look(pool: &WorkerPool) -> (PoolStats, Vec<u64>) {
    let stats = pool.stats();
    let of_workers = stats.workers.iter();
    let numbers = of_workers.flat_map(|worker| [worker.sent, worker.handled, worker.batches]);
    let numbers = numbers.collect();
    (stats, numbers)
}

fn shut_down<L: Load>(
    world: &World<L>,
    pool: &WorkerPool,
    within: Duration,
) -> nexus_actors::pool::ShutdownReport {
    world.oracles.pool_ends.store(true, SeqCst);
    let report = pool.shutdown(within);
    report.expect("this thread is none of the pool's")
}

fn shut_down_after<L: Load>(
    world: &World<L>,
    pool: &WorkerPool,
    after: Duration,
    within: Duration,
) -> nexus_actors::pool::ShutdownReport {
    thread::sleep(after);
    shut_down(world, pool, within)
}

fn end<L: Load>(
    world: &Arc<World<L>>,
    plan: &Plan,
    pool: &WorkerPool,
    report: nexus_actors::pool::ShutdownReport,
) -> Outcome {
    let oracles = &world.oracles;
    let stats = pool.stats();
    let sums = sums(world, &stats, &pool.dead_letters());
    if stats.actors() != 0 {
        oracles.violated(format!("actors are left: {stats:?}"));
    }
    let ended = Ended {
        sums,
        forced: report.forced,
        stuck: report.stuck_workers.len(),
    };
    check_end(world, plan, &ended);
    Outcome {
        seed: plan.seed,
        violations: oracles.found(),
        deliveries: oracles.handled.load(SeqCst),
        seen: oracles.seen(),
        ..Outcome::default()
    }
}
