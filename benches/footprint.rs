//! The memory that actors take, how fast they start, and the costs of waiting and of idling.
//!
//! Memory and idle CPU time are not durations that criterion could measure: each figure is read once from
//! the operating system, and printed with the limit that it should stay below.

use nexus_actors::prelude::*;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    // `cargo bench` and `cargo test --benches` pass options of their own.
    let quick = std::env::args().any(|argument| argument == "--test" || argument == "--quick");
    let (actors, waiting) = if quick {
        (20_000, 5_000)
    } else {
        (1_000_000, 100_000)
    };
    idle_actors(actors);
    restarted(actors);
    waiting_handlers(waiting);
    if !quick && available() >= 8 << 30 {
        waiting_handlers(1_000_000);
    }
    idle_pool(if quick {
        Duration::from_millis(500)
    } else {
        Duration::from_secs(5)
    });
}

struct Idle(u64);

enum Parent {
    Spawn(u64, Reply<Duration>),
    Reach(Reply<()>),
}

impl Actor for Idle {
    type Message = u64;

    fn receive(&mut self, _ctx: &mut Context<'_, u64>, message: u64) -> HandlerResult<u64> {
        self.0 += message;
        Ok(if message == 0 { Next::Stop } else { Next::Same })
    }
}

/// An actor that spawns children on request, and can send each of them a message.
fn parent(message: u64) -> Props<Parent> {
    Props::new(move || {
        let child = Props::from_actor(|| Idle(7));
        let mut children: Vec<ActorRef<u64>> = Vec::new();
        Behavior::receive(move |ctx, order| {
            match order {
                Parent::Spawn(count, done) => {
                    children.reserve_exact(usize::try_from(count)?);
                    let start = Instant::now();
                    for _ in 0..count {
                        children.push(ctx.spawn_anonymous(child.clone())?);
                    }
                    done.send(start.elapsed());
                }
                Parent::Reach(done) => {
                    for child in children.drain(..) {
                        child.tell(message);
                    }
                    done.send(());
                }
            }
            Ok(())
        })
    })
}

/// Resident memory of an actor that waits for its first message, and how fast actors start.
fn idle_actors(count: u64) {
    // Starting a million actors in one handler is just what the watchdog reports.
    let builder = WorkerPool::builder().workers(1).slow_after(None);
    let pool = builder.start().expect("starts");
    let parent = pool.spawn("parent", parent(1)).expect("spawns");
    let before = resident();
    let spawn = |done| Parent::Spawn(count, done);
    let took = parent.ask(spawn, PATIENCE).wait().expect("answers");
    // The parent's list of references is not part of the children's memory.
    let list = count * size_of::<ActorRef<u64>>() as u64;
    let each = (resident() - before - list) as f64 / count as f64;
    println!("an idle actor:            {each:.0} bytes resident (limit 200)");
    let rate = count as f64 / took.as_secs_f64() / 1e6;
    println!("actors started:           {rate:.1} million a second (at least 3)");
    parent.ask(Parent::Reach, PATIENCE).wait().expect("answers");
    pool.shutdown(PATIENCE).expect("ends");
}

/// The whole life of an actor: started, sent one message, stopped.
fn restarted(count: u64) {
    let pool = WorkerPool::builder().workers(1).start().expect("starts");
    let parent = pool.spawn("parent", parent(0)).expect("spawns");
    let rounds = 10;
    let start = Instant::now();
    for _ in 0..rounds {
        let spawn = |done| Parent::Spawn(count / rounds, done);
        parent.ask(spawn, PATIENCE).wait().expect("answers");
        parent.ask(Parent::Reach, PATIENCE).wait().expect("answers");
        while pool.stats().actors() > 1 {
            std::thread::yield_now();
        }
    }
    let rate = count as f64 / start.elapsed().as_secs_f64() / 1e6;
    println!("started, told, stopped:   {rate:.1} million a second");
    pool.shutdown(PATIENCE).expect("ends");
}

enum Hub {
    Hold(Reply<()>),
    Count(Reply<usize>),
    Release,
}

/// Many handlers that wait in an ask at the same time.
fn waiting_handlers(count: usize) {
    let pool = WorkerPool::builder().workers(2).start().expect("starts");
    let hub = Props::new(|| {
        Behavior::with_state(
            Vec::new(),
            |held: &mut Vec<Reply<()>>, _ctx, message| match message {
                Hub::Hold(reply) => held.push(reply),
                Hub::Count(reply) => reply.send(held.len()),
                Hub::Release => held.drain(..).for_each(|reply| reply.send(())),
            },
        )
    });
    let hub = pool.spawn("hub", hub).expect("spawns");
    let asker = Props::new(move || {
        Behavior::receive(move |_ctx, (): ()| Ok(hub.ask(Hub::Hold, PATIENCE * 10).wait()?))
    });
    let askers: Vec<_> = (0..count)
        .map(|index| {
            let name = format!("asker-{index}");
            pool.spawn_on(index % 2, &name, asker.clone())
                .expect("spawns")
        })
        .collect();
    let before = resident();
    let start = Instant::now();
    askers.iter().for_each(|asker| asker.tell(()));
    while hub.ask(Hub::Count, PATIENCE).wait().expect("answers") < count {
        std::thread::yield_now();
    }
    let each = (resident() - before) as f64 / count as f64;
    let took = start.elapsed().as_secs_f64();
    println!("handlers waiting at once: {count}, {each:.0} bytes resident each, in {took:.2} s");
    hub.tell(Hub::Release);
    let report = pool.shutdown(PATIENCE).expect("ends");
    assert_eq!(
        (report.forced, report.unprocessed),
        (0, 0),
        "all of them went on"
    );
}

/// Available memory in bytes; 0 if it is not known.
fn available() -> u64 {
    let known = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = known.lines().find(|line| line.starts_with("MemAvailable:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    kibibytes.unwrap_or(0_u64) * 1024
}

/// CPU time of four workers that have nothing to do.
fn idle_pool(length: Duration) {
    let pool = WorkerPool::builder().workers(4).start().expect("starts");
    // The workers may still be looking for work; they stop by themselves.
    std::thread::sleep(Duration::from_millis(100));
    let before = cpu_time();
    std::thread::sleep(length);
    let used = cpu_time() - before;
    println!("an idle pool of 4:        {used:?} of CPU in {length:?} (limit 0)");
    pool.shutdown(PATIENCE).expect("ends");
}

/// Resident memory of this process in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = status
        .split(' ')
        .nth(1)
        .and_then(|field| field.parse().ok())
        .expect("pages");
    pages * 4096
}

/// CPU time of the threads of this process, as the scheduler counts it.
fn cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let nanos = tasks.filter_map(|task| {
        let path = task.ok()?.path().join("schedstat");
        let text = std::fs::read_to_string(path).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}
