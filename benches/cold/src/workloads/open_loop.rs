//! Questions at a fixed rate, whether or not the answers keep up, beside a busy tokio runtime: how late
//! the answers are, counted from the time at which each question was due.

use super::Workload;
use crate::moment::PATIENCE;
use crate::outcome::{self, Outcome};
use crate::random::Random;
use crate::system::{nexus, tokio};
use ::tokio::runtime::Runtime;
use ::tokio::sync::{mpsc, oneshot};
use ::tokio::task::JoinSet;
use nexus_actors::pool::WaitStrategy;
use nexus_actors::prelude::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ACTORS: u64 = 1_000;
const GENERATORS: u64 = 8;
const CORES: usize = 2;
/// How often per second questions fall due.
const TICKS: u64 = 1_000;

/// A target that answers with the number that it is asked about.
trait Answering: Clone + Send + Sync + 'static {
    fn ask(&self, whom: u64, number: u64) -> impl Future<Output = u64> + Send;
}

struct Question(u64, Reply<u64>);

#[derive(Clone)]
struct Actors(Arc<Vec<ActorRef<Question>>>);

impl Answering for Actors {
    async fn ask(&self, whom: u64, number: u64) -> u64 {
        let whom = self.0[whom as usize];
        let asked = whom.ask(|reply| Question(number, reply), PATIENCE);
        asked.await.expect("it is answered")
    }
}

#[derive(Clone)]
struct Tasks(Arc<Vec<mpsc::UnboundedSender<Letter>>>);

type Letter = (u64, oneshot::Sender<u64>);

impl Answering for Tasks {
    async fn ask(&self, whom: u64, number: u64) -> u64 {
        let (reply, answer) = oneshot::channel();
        let sent = self.0[whom as usize].send((number, reply));
        sent.expect("the task lives");
        answer.await.expect("it is answered")
    }
}

/// Asks one generator's share of what is due at each tick; returns how late each answer was.
async fn generate<A: Answering>(
    answering: A,
    seed: u64,
    rate: u64,
    mut ticks: mpsc::UnboundedReceiver<(u64, Instant)>,
) -> Vec<u64> {
    let mut random = Random::new(seed);
    let mut under_way = JoinSet::new();
    let (mut asked, mut late) = (0, Vec::new());
    while let Some((tick, due)) = ticks.recv().await {
        while asked < due_after(tick, rate) {
            let (answering, whom, number) = (answering.clone(), random.below(ACTORS), asked);
            under_way.spawn(async move {
                assert_eq!(answering.ask(whom, number).await, number);
                due.elapsed().as_nanos() as u64
            });
            asked += 1;
        }
        while let Some(answered) = under_way.try_join_next() {
            late.push(answered.expect("ends well"));
        }
    }
    while let Some(answered) = under_way.join_next().await {
        late.push(answered.expect("ends well"));
    }
    late
}

/// Returns how many questions one generator has asked after that many ticks.
fn due_after(ticks: u64, rate: u64) -> u64 {
    ticks * rate / GENERATORS / TICKS
}

/// Asks that many questions a second for a while, from a runtime with as many threads as there are cores.
///
/// The ticks come from a thread outside the runtime, as the runtime's timers are accurate only to a
/// millisecond.
fn load<A: Answering>(runtime: &Runtime, answering: A, rate: u64) -> Outcome {
    let length = outcome::length(Duration::from_secs(5)).max(Duration::from_secs(1));
    let ticks = length.as_secs() * TICKS;
    let (tickers, generators): (Vec<_>, Vec<_>) = (0..GENERATORS)
        .map(|seed| {
            let (ticker, ticks) = mpsc::unbounded_channel();
            let generate = generate(answering.clone(), seed, rate, ticks);
            (ticker, runtime.spawn(generate))
        })
        .unzip();
    let begun = Instant::now();
    for tick in 1..=ticks {
        let due = begun + Duration::from_secs(1) * tick as u32 / TICKS as u32;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        for ticker in &tickers {
            ticker.send((tick, due)).expect("the generator lives");
        }
    }
    drop(tickers);
    let mut late = runtime.block_on(async {
        let mut late = Vec::new();
        for generator in generators {
            late.extend(generator.await.expect("ends well"));
        }
        late
    });
    let asked = GENERATORS * due_after(ticks, rate);
    assert_eq!(late.len() as u64, asked, "each is answered");
    late.sort_unstable();
    let micros = |share: f64| late[(late.len() as f64 * share) as usize] as f64 / 1e3;
    Outcome::new()
        .with("µs p50", micros(0.5))
        .with("µs p99", micros(0.99))
        .with("µs p99.9", micros(0.999))
}

fn ours(rate: u64, strategy: Option<WaitStrategy>) -> Outcome {
    let mut builder = WorkerPool::builder().workers(CORES);
    if let Some(strategy) = strategy {
        builder = builder.wait_strategy(strategy);
    }
    let pool = builder.start().expect("starts");
    let answering =
        Props::new(|| Behavior::receive(|_ctx, Question(number, reply)| reply.send(number)));
    let start = |_| pool.spawn_anonymous(answering.clone()).expect("starts");
    let actors = Actors(Arc::new((0..ACTORS).map(start).collect()));
    let outcome = load(&tokio::runtime(CORES), actors, rate);
    nexus::end(&pool);
    outcome
}

fn tasks(rate: u64) -> Outcome {
    let runtime = tokio::runtime(CORES);
    let start = |_| {
        let (sender, mut mail) = mpsc::unbounded_channel::<Letter>();
        runtime.spawn(async move {
            while let Some((number, reply)) = mail.recv().await {
                let _ = reply.send(number);
            }
        });
        sender
    };
    let tasks = Tasks(Arc::new((0..ACTORS).map(start).collect()));
    load(&runtime, tasks, rate)
}

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload::new("open-loop", &[20_000, 100_000], 20_000)
            .ours(|rate| ours(rate, None))
            .beside("nexus-park", |rate| ours(rate, Some(WaitStrategy::Park)))
            .beside("tokio", tasks),
    ]
}
