//! The yardsticks: the same work done with other crates, or with bare threads.

use crossbeam::utils::CachePadded;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::thread;
use std::time::Instant;

// ---- two threads -----------------------------------------------------------------------------

/// One thread sends, another receives, through an unbounded crossbeam channel.
pub(crate) fn channel_count(messages: u64) {
    let (sender, receiver) = crossbeam_channel::unbounded::<u64>();
    let consumer = thread::spawn(move || receiver.iter().sum::<u64>());
    for number in 0..messages {
        sender.send(number).expect("the consumer lives");
    }
    drop(sender);
    assert_eq!(
        consumer.join().expect("ends well"),
        messages * (messages - 1) / 2
    );
}

/// One thread pushes, another polls, through a `SegQueue`.
pub(crate) fn seg_queue_count(messages: u64) {
    let queue = crossbeam_queue::SegQueue::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut sum, mut received) = (0, 0);
            while received < messages {
                match queue.pop() {
                    Some(number) => {
                        sum += number;
                        received += 1;
                    }
                    None => std::hint::spin_loop(),
                }
            }
            assert_eq!(sum, messages * (messages - 1) / 2);
        });
        for number in 0..messages {
            queue.push(number);
        }
    });
}

/// A number goes to and fro between two spinning threads: the limit of the hardware.
pub(crate) fn cache_line_ping_pong(trips: u64) {
    let line = CachePadded::new(AtomicU64::new(0));
    let wait_for = |value| {
        while line.load(Acquire) != value {
            std::hint::spin_loop();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            for trip in 0..trips {
                wait_for(2 * trip + 1);
                line.store(2 * trip + 2, Release);
            }
        });
        for trip in 0..trips {
            line.store(2 * trip + 1, Release);
            wait_for(2 * trip + 2);
        }
    });
    assert_eq!(line.load(Relaxed), 2 * trips);
}

/// Two threads that poll all the time: one makes a one-shot slot and pushes it to the other, which writes
/// the answer into the slot.
pub(crate) fn bare_one_shots(trips: u64) {
    let questions = crossbeam_queue::SegQueue::<Arc<AtomicU64>>::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..trips {
                let slot = loop {
                    match questions.pop() {
                        Some(slot) => break slot,
                        None => std::hint::spin_loop(),
                    }
                };
                slot.store(1, Release);
            }
        });
        for _ in 0..trips {
            let slot = Arc::new(AtomicU64::new(0));
            questions.push(Arc::clone(&slot));
            while slot.load(Acquire) == 0 {
                std::hint::spin_loop();
            }
        }
    });
}

/// Two threads, one of which sleeps while the other works and then wakes it: a round trip of wake-ups.
pub(crate) fn park_and_unpark(trips: u64) {
    let turn = Arc::new(AtomicU64::new(0));
    let theirs = Arc::clone(&turn);
    let asking = thread::current();
    let answering = thread::spawn(move || {
        for trip in 0..trips {
            while theirs.load(Acquire) != 2 * trip + 1 {
                thread::park();
            }
            theirs.store(2 * trip + 2, Release);
            asking.unpark();
        }
    });
    for trip in 0..trips {
        turn.store(2 * trip + 1, Release);
        answering.thread().unpark();
        while turn.load(Acquire) != 2 * trip + 2 {
            thread::park();
        }
    }
    answering.join().expect("answers");
}

/// A thread that sleeps until it is asked, and then wakes the asker, which sleeps meanwhile.
pub(crate) struct Sleeper {
    turn: Arc<AtomicU64>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Sleeper {
    const IDLE: u64 = 0;
    const ASKED: u64 = 1;
    const OVER: u64 = 2;

    pub(crate) fn new() -> Self {
        let turn = Arc::new(AtomicU64::new(Self::IDLE));
        let (theirs, asking) = (Arc::clone(&turn), thread::current());
        let thread = thread::spawn(move || {
            loop {
                match theirs.load(Acquire) {
                    Self::ASKED => {
                        theirs.store(Self::IDLE, Release);
                        asking.unpark();
                    }
                    Self::OVER => return,
                    _ => thread::park(),
                }
            }
        });
        Self {
            turn,
            thread: Some(thread),
        }
    }

    fn tell(&self, turn: u64) {
        self.turn.store(turn, Release);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    pub(crate) fn ask(&self) {
        self.tell(Self::ASKED);
        while self.turn.load(Acquire) == Self::ASKED {
            thread::park();
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.tell(Self::OVER);
        let ended = self.thread.take().map(thread::JoinHandle::join);
        ended.expect("it was started").expect("ends well");
    }
}

// ---- tokio, one thread -----------------------------------------------------------------------

fn tokio_on_one_thread<F: Future>(work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("builds");
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// Two tasks send a number to and fro.
pub(crate) fn tokio_ping_pong(trips: u64) {
    tokio_on_one_thread(async move {
        let (to_one, mut at_one) = tokio::sync::mpsc::unbounded_channel::<u64>();
        let (to_other, mut at_other) = tokio::sync::mpsc::unbounded_channel::<u64>();
        let other = tokio::task::spawn_local(async move {
            while let Some(number) = at_other.recv().await {
                if to_one.send(number + 1).is_err() {
                    break;
                }
            }
        });
        let one = tokio::task::spawn_local(async move {
            for number in 0..trips {
                to_other.send(number).expect("the other lives");
                at_one.recv().await.expect("the other answers");
            }
        });
        one.await.expect("ends well");
        other.await.expect("ends well");
    });
}

type Question = tokio::sync::oneshot::Sender<u64>;

async fn tokio_server(mut questions: tokio::sync::mpsc::UnboundedReceiver<Question>) {
    while let Some(reply) = questions.recv().await {
        let _ = reply.send(7);
    }
}

async fn tokio_client(server: tokio::sync::mpsc::UnboundedSender<Question>, asks: u64) {
    for _ in 0..asks {
        let (reply, answer) = tokio::sync::oneshot::channel();
        server.send(reply).expect("the server lives");
        answer.await.expect("the server answers");
    }
}

/// A task asks another: a message with a one-shot in it.
pub(crate) fn tokio_ask(asks: u64) {
    tokio_on_one_thread(async move {
        let (sender, questions) = tokio::sync::mpsc::unbounded_channel();
        let server = tokio::task::spawn_local(tokio_server(questions));
        let client = tokio::task::spawn_local(tokio_client(sender, asks));
        client.await.expect("ends well");
        server.await.expect("ends well");
    });
}

/// The same with tasks that may move between that many threads, as actors on tokio do.
pub(crate) fn tokio_ask_on_threads(threads: usize, asks: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .build()
        .expect("builds");
    let (sender, questions) = tokio::sync::mpsc::unbounded_channel();
    let server = runtime.spawn(tokio_server(questions));
    let client = runtime.spawn(tokio_client(sender, asks));
    runtime.block_on(async move {
        client.await.expect("ends well");
        server.await.expect("ends well");
    });
}

// ---- stakker, one thread ---------------------------------------------------------------------

use stakker::{ActorOwn, CX, Ret, Stakker, actor, call, ret_nop, ret_some_to};

struct Counter(u64);

impl Counter {
    #[allow(clippy::unnecessary_wraps)] // stakker's constructors return an option
    fn init(_: CX![]) -> Option<Self> {
        Some(Self(0))
    }

    fn one(&mut self, _: CX![], number: u64) {
        self.0 += number;
    }

    fn sum(&mut self, _: CX![], reply: Ret<u64>) {
        reply.ret(self.0);
    }
}

struct Producer {
    counter: ActorOwn<Counter>,
    burst: u64,
}

impl Producer {
    #[allow(clippy::unnecessary_wraps)]
    fn init(_: CX![], counter: ActorOwn<Counter>, burst: u64) -> Option<Self> {
        Some(Self { counter, burst })
    }

    fn go(&mut self, cx: CX![], left: u64) {
        for number in 0..self.burst.min(left) {
            call!([self.counter], one(number));
        }
        if left > self.burst {
            let rest = left - self.burst;
            call!([cx], go(rest));
        }
    }
}

fn run_stakker(set_up: impl FnOnce(&mut Stakker)) {
    let mut stakker = Stakker::new(Instant::now());
    set_up(&mut stakker);
    stakker.run(Instant::now(), false);
}

/// One actor calls another, in bursts.
pub(crate) fn stakker_count(messages: u64, burst: u64) {
    run_stakker(|stakker| {
        let counter = actor!(stakker, Counter::init(), ret_nop!());
        let producer = actor!(stakker, Producer::init(counter, burst), ret_nop!());
        call!([producer], go(messages));
        stakker.run(Instant::now(), false);
    });
}

struct Player {
    other: Option<stakker::Actor<Player>>,
}

impl Player {
    #[allow(clippy::unnecessary_wraps)]
    fn init(_: CX![]) -> Option<Self> {
        Some(Self { other: None })
    }

    fn meet(&mut self, _: CX![], other: stakker::Actor<Player>) {
        self.other = Some(other);
    }

    fn ping(&mut self, _: CX![], left: u64) {
        if let (true, Some(other)) = (left > 0, &self.other) {
            let left = left - 1;
            call!([other], ping(left));
        }
    }
}

/// Two actors call each other in turn.
pub(crate) fn stakker_ping_pong(trips: u64) {
    run_stakker(|stakker| {
        let one = actor!(stakker, Player::init(), ret_nop!());
        let other = actor!(stakker, Player::init(), ret_nop!());
        call!([one], meet(other.clone()));
        call!([other], meet(one.clone()));
        call!([one], ping(2 * trips));
        stakker.run(Instant::now(), false);
    });
}

struct Asker {
    counter: ActorOwn<Counter>,
    left: u64,
    answered: Rc<Cell<u64>>,
}

impl Asker {
    #[allow(clippy::unnecessary_wraps)]
    fn init(
        _: CX![],
        counter: ActorOwn<Counter>,
        left: u64,
        answered: Rc<Cell<u64>>,
    ) -> Option<Self> {
        Some(Self {
            counter,
            left,
            answered,
        })
    }

    fn next(&mut self, cx: CX![]) {
        if self.left > 0 {
            self.left -= 1;
            let reply = ret_some_to!([cx], answer() as (u64));
            call!([self.counter], sum(reply));
        }
    }

    fn answer(&mut self, cx: CX![], _sum: u64) {
        self.answered.set(self.answered.get() + 1);
        self.next(cx);
    }
}

/// An actor asks another one, and is called back with the answer.
pub(crate) fn stakker_ask(asks: u64) {
    let answered = Rc::new(Cell::new(0));
    run_stakker(|stakker| {
        let counter = actor!(stakker, Counter::init(), ret_nop!());
        let asker = actor!(
            stakker,
            Asker::init(counter, asks, answered.clone()),
            ret_nop!()
        );
        call!([asker], next());
        stakker.run(Instant::now(), false);
    });
    assert_eq!(answered.get(), asks);
}
