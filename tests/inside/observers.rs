//! What observers are told, on every driver.

use crate::common::*;
use nexus_actors::ask::AskErrorKind;
use nexus_actors::failure::{Cycle, DeadLetter};
use nexus_actors::observe::{
    ActorStarted, ActorStopped, ActorSupervised, AskBegun, AskEnded, Handled, Handling,
    MessageSource, ObservedActor, Observer, Sampling, SlowHandler, Waited,
};
use nexus_actors::pool::{ManualTime, TimeSource};
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_actors::{ActorPath, DeadLetterReason, Failure, SpawnError};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// Writes down what it is told, as a line for each event.
#[derive(Default)]
struct Scribe {
    lines: Mutex<Vec<String>>,
    asks: bool,
}

impl Scribe {
    fn note(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// The lines about that actor, without its path.
    fn of(&self, path: &str) -> Vec<String> {
        let lines = self.lines();
        let of = lines.iter().filter_map(|line| line.strip_prefix(path));
        of.filter_map(|rest| rest.strip_prefix(": "))
            .map(str::to_owned)
            .collect()
    }
}

fn name(actor: &ObservedActor<'_>) -> ActorPath {
    actor.path()
}

impl Observer for Scribe {
    fn sampling(&self) -> Sampling {
        Sampling::All
    }

    fn observes_asks(&self) -> bool {
        self.asks
    }

    fn handling(&self, event: &Handling<'_>) {
        let what = match event.message.downcast_ref::<Do>() {
            Some(what) => format!("{what:?}"),
            None => "something".to_owned(),
        };
        let from = match event.source {
            MessageSource::Mailbox => "",
            MessageSource::Timer => " of a timer",
            MessageSource::Stash => " of the stash",
            _ => " of elsewhere",
        };
        self.note(format!("{}: handles {what}{from}", name(&event.actor)));
    }

    fn handled(&self, event: &Handled<'_>) {
        self.note(format!("{}: {}", name(&event.actor), event.outcome));
    }

    fn started(&self, event: &ActorStarted<'_>) {
        self.note(format!("{}: starts {:?}", name(&event.actor), event.kind));
    }

    fn not_started(&self, actor: &ObservedActor<'_>, error: &SpawnError) {
        let why = match error {
            SpawnError::Failed(failure) => failure.cause.to_string(),
            other => format!("{other:?}"),
        };
        self.note(format!("{}: does not start, {why}", name(actor)));
    }

    fn stopped(&self, event: &ActorStopped<'_>) {
        self.note(format!("{}: stops, {}", name(&event.actor), event.reason));
    }

    fn supervised(&self, event: &ActorSupervised<'_>) {
        let (directive, delay, restarts) = (event.directive, event.delay, event.restarts);
        self.note(format!(
            "{}: {directive:?} after {delay:?}, {restarts} restarts",
            name(&event.actor)
        ));
    }

    fn passivated(&self, actor: &ObservedActor<'_>) {
        self.note(format!("{}: is passive", name(actor)));
    }

    fn failed(&self, failure: &Failure) {
        self.note(format!("{}: fails, {}", failure.path, failure.cause));
    }

    fn dead_letter(&self, letter: &DeadLetter) {
        let path = letter.path().expect("known where it is lost");
        self.note(format!("{path}: loses, {}", letter.reason));
    }

    fn asking(&self, event: &AskBegun) {
        let path = event.asker.path().expect("it runs here");
        self.note(format!("{path}: asks with {:?}", event.timeout));
    }

    fn asked(&self, event: &AskEnded<'_>) {
        let path = event.asker.path().expect("it runs here");
        self.note(format!("{path}: has asked, {:?}", event.outcome));
    }
}

#[derive(Debug, Clone)]
enum Do {
    Nothing,
    Leave,
    Fail,
    Panic,
    Become,
    Later,
    Stash,
    Unstash,
    Passivate,
    Stop,
}

fn doer() -> Props<Do> {
    Props::new(|| Behavior::with_stash(10, |_ctx| Ok(doing())))
}

fn doing() -> Behavior<Do> {
    Behavior::receive(|ctx: &mut Context<'_, Do>, what| {
        match what {
            Do::Nothing => {}
            Do::Leave => return Ok(Next::Unhandled),
            Do::Fail => return Err(BoxError::from("planned")),
            Do::Panic => panic!("planned"),
            Do::Become => return Ok(Next::Become(doing())),
            Do::Later => ctx.timers().start_single("later", Do::Nothing, ms(1)),
            Do::Stash => ctx.stash(Do::Nothing).map_err(|full| full.to_string())?,
            Do::Unstash => ctx.unstash_all(),
            Do::Passivate => return Ok(Next::Passivate),
            Do::Stop => return Ok(Next::Stop),
        }
        Ok(Next::Same)
    })
}

/// A driver of actors that is observed.
enum Driver {
    Pool(WorkerPool),
    System(ActorSystem),
    Sim(Box<Sim>),
}

impl Driver {
    /// Each kind of driver, with an observer of its own.
    fn all(asks: bool) -> Vec<(Self, Arc<Scribe>)> {
        let scribe = || {
            Arc::new(Scribe {
                asks,
                ..Scribe::default()
            })
        };
        let (of_pool, of_system, of_sim) = (scribe(), scribe(), scribe());
        let pool = WorkerPool::builder()
            .workers(2)
            .supervising(twice())
            .on_failure(|_| {})
            .observer(Arc::clone(&of_pool));
        let system = ActorSystem::builder()
            .supervising(twice())
            .on_failure(|_| {})
            .observer(Arc::clone(&of_system));
        let sim = Sim::builder()
            .seed(5)
            .supervising(twice())
            .observer(Arc::clone(&of_sim));
        vec![
            (Self::Pool(pool.start().unwrap()), of_pool),
            (Self::System(system.start().unwrap()), of_system),
            (Self::Sim(Box::new(sim.start().unwrap())), of_sim),
        ]
    }

    fn spawn<M: Send + 'static>(
        &mut self,
        name: &str,
        props: Props<M>,
    ) -> Result<ActorRef<M>, SpawnError> {
        match self {
            Self::Pool(pool) => pool.spawn(name, props),
            Self::System(system) => system.spawn(name, props),
            Self::Sim(sim) => sim.spawn(name, props),
        }
    }

    /// Ends it, when all actors have handled what they were sent.
    fn end(self) {
        match self {
            Self::Pool(pool) => drop(finish(&pool, SOON)),
            Self::System(system) => drop(system.shutdown(SOON)),
            Self::Sim(mut sim) => drop(sim.shutdown(SOON)),
        }
    }
}

/// Restarts an actor once, then stops it.
fn twice() -> SupervisorStrategy {
    SupervisorStrategy::one_for_one().limit(1, Duration::from_secs(60))
}

/// Drives until the scribe has that many lines of the actor.
fn until(driver: &mut Driver, scribe: &Scribe, path: &str, count: usize) {
    match driver {
        Driver::Pool(_) => eventually("lines", || scribe.of(path).len() >= count),
        Driver::System(system) => system.run(),
        Driver::Sim(sim) => sim.run_for(SECOND),
    }
    assert!(scribe.of(path).len() >= count, "{:?}", scribe.lines());
}

#[test]
fn s10_1_an_observer_sees_each_handling_with_its_message_and_its_outcome_on_every_driver() {
    let _watchdog = watchdog();
    for (mut driver, scribe) in Driver::all(false) {
        let doer = driver.spawn("doer", doer()).unwrap();
        let all = [Do::Nothing, Do::Leave, Do::Become, Do::Later, Do::Stash];
        all.into_iter().for_each(|what| doer.tell(what));
        until(&mut driver, &scribe, "/user/doer", 14);
        doer.tell(Do::Unstash);
        until(&mut driver, &scribe, "/user/doer", 18);
        doer.tell(Do::Stop);
        until(&mut driver, &scribe, "/user/doer", 21);
        let lines = scribe.of("/user/doer");
        let expected = [
            "starts First",
            "handles Nothing",
            "handled",
            "handles Leave",
            "loses, its actor did not handle it",
            "unhandled",
            "handles Become",
            "became",
            "handles Later",
            "handled",
            "handles Stash",
            "stashed",
            "handles Nothing of a timer",
            "handled",
            "handles Unstash",
            "handled",
            "handles Nothing of the stash",
            "handled",
            "handles Stop",
            "stopped",
            "stops, stopped",
        ];
        assert_eq!(lines, expected);
        driver.end();
        assert_eq!(scribe.of("/user/doer").len(), expected.len());
    }
}

#[test]
fn s10_1_failures_decisions_restarts_and_ends_are_told_with_their_reasons() {
    let _watchdog = watchdog();
    for (mut driver, scribe) in Driver::all(false) {
        let doer = driver.spawn("doer", doer()).unwrap();
        doer.tell(Do::Fail);
        doer.tell(Do::Nothing);
        doer.tell(Do::Panic);
        until(&mut driver, &scribe, "/user/doer", 13);
        let expected = [
            "starts First",
            "handles Fail",
            "failed",
            "fails, planned",
            "Restart after 0ns, 0 restarts",
            "starts Restart(1)",
            "handles Nothing",
            "handled",
            "handles Panic",
            "panicked",
            "fails, panic: planned",
            "Stop after 0ns, 1 restarts",
            "stops, failed",
        ];
        assert_eq!(scribe.of("/user/doer"), expected);
        driver.end();
    }
}

#[test]
fn s10_1_passivation_waking_up_and_failed_starts_are_told() {
    let _watchdog = watchdog();
    for (mut driver, scribe) in Driver::all(false) {
        let doer = driver.spawn("doer", doer()).unwrap();
        doer.tell(Do::Passivate);
        until(&mut driver, &scribe, "/user/doer", 4);
        doer.tell(Do::Nothing);
        until(&mut driver, &scribe, "/user/doer", 7);
        let expected = [
            "starts First",
            "handles Passivate",
            "passivated",
            "is passive",
            "starts WokenUp",
            "handles Nothing",
            "handled",
        ];
        assert_eq!(scribe.of("/user/doer"), expected);
        let broken = Props::new(|| Behavior::<Do>::setup(|_| Err("no such file".into())));
        assert!(driver.spawn("broken", broken).is_err());
        let told = scribe.of("/user/broken");
        assert_eq!(told, ["does not start, no such file"]);
        let killed = driver.spawn("killed", self::doer()).unwrap();
        killed.kill();
        until(&mut driver, &scribe, "/user/killed", 2);
        assert_eq!(scribe.of("/user/killed")[1], "stops, killed");
        driver.end();
    }
}

#[test]
fn s10_1_asks_of_handlers_are_told_with_their_outcomes() {
    let _watchdog = watchdog();
    for (mut driver, scribe) in Driver::all(true) {
        let answers = Props::new(|| {
            Behavior::receive(|ctx: &mut Context<'_, (u8, Reply<u8>)>, (what, reply)| {
                match what {
                    0 => reply.send(1),
                    1 => drop(reply),
                    _ => {
                        ctx.sleep(ms(50))?;
                        drop(reply);
                    }
                }
                Ok::<_, BoxError>(())
            })
        });
        let answers = driver.spawn("answers", answers).unwrap();
        let asks = Props::new(move || {
            Behavior::receive(move |_ctx, ()| {
                let ask = |what, within| answers.ask(|reply| (what, reply), within);
                let _ = ask(0, SOON).wait();
                let _ = ask(1, SOON).wait();
                let _ = ask(2, ms(5)).wait();
                ask(0, SOON).cancel();
            })
        });
        driver.spawn("asks", asks).unwrap().tell(());
        until(&mut driver, &scribe, "/user/asks", 11);
        let expected = [
            "starts First",
            "handles something",
            "asks with Some(20s)",
            "has asked, Ok(())",
            "asks with Some(20s)",
            "has asked, Err(NoReply)",
            "asks with Some(5ms)",
            "has asked, Err(Timeout)",
            "asks with Some(20s)",
            "has asked, Err(Cancelled)",
            "handled",
        ];
        assert_eq!(scribe.of("/user/asks"), expected);
        driver.end();
    }
}

/// Notes the order in which messages are handled.
fn noting(log: &Log, name: &'static str) -> Props<u32> {
    let log = log.clone();
    Props::new(move || {
        let log = log.clone();
        Behavior::receive(move |_ctx, number: u32| log.add(format!("{name}{number}")))
    })
}

#[test]
fn s10_1_turns_stay_whole_and_in_order_whoever_observes() {
    let order = |sampling: Option<Sampling>| {
        let log = Log::default();
        let time = TimeSource::Manual(ManualTime::new());
        let mut builder = ActorSystem::builder().time_source(time);
        if let Some(sampling) = sampling {
            builder = builder.observer(Counting::new(sampling));
        }
        let system = builder.start().unwrap();
        let one = system.spawn("one", noting(&log, "a")).unwrap();
        let two = system.spawn("two", noting(&log, "b")).unwrap();
        for number in 0..300 {
            one.tell(number);
            two.tell(number);
        }
        system.run();
        log.lines()
    };
    let unobserved = order(None);
    assert_eq!(unobserved.len(), 600);
    assert_eq!(unobserved[0], "a0");
    assert_eq!(unobserved[1], "a1", "a turn is of many messages");
    for sampling in [Sampling::All, Sampling::one_in(7), Sampling::None] {
        assert_eq!(order(Some(sampling)), unobserved, "{sampling:?}");
    }
}

/// Counts the handlings it is told of.
struct Counting {
    sampling: Sampling,
    told: Arc<Mutex<(u64, u64)>>,
}

impl Counting {
    fn new(sampling: Sampling) -> Self {
        Self {
            sampling,
            told: Arc::default(),
        }
    }
}

impl Observer for Counting {
    fn sampling(&self) -> Sampling {
        self.sampling
    }

    fn handling(&self, _: &Handling<'_>) {
        self.told.lock().unwrap().0 += 1;
    }

    fn handled(&self, _: &Handled<'_>) {
        self.told.lock().unwrap().1 += 1;
    }
}

#[test]
fn s10_1_each_of_several_observers_is_told_of_its_share() {
    const SENT: u64 = 200_000;
    let all = Counting::new(Sampling::All);
    let some = Counting::new(Sampling::one_in(20));
    let none = Counting::new(Sampling::None);
    let told = [&all, &some, &none].map(|one| Arc::clone(&one.told));
    let builder = pool_of(2).observer(all).observer(some).observer(none);
    with_pool(builder, |pool| {
        let quiet = || Props::new(|| Behavior::receive(|_ctx, _: u64| ()));
        let actors: Vec<_> = (0..10)
            .map(|_| pool.spawn_anonymous(quiet()).unwrap())
            .collect();
        for number in 0..SENT {
            actors[number as usize % 10].tell(number);
        }
    });
    let [all, some, none] = told.map(|told| *told.lock().unwrap());
    assert_eq!(all, (SENT, SENT));
    assert_eq!(some.0, some.1);
    // One in 20 of 200,000 are 10,000; the distance to that has a standard deviation of about 60.
    assert!((9_500..10_500).contains(&some.0), "{some:?}");
    assert_eq!(none, (0, 0));
}

#[test]
fn s10_1_what_is_withdrawn_or_bounded_or_wrapped_is_observed_all_the_same() {
    let counting = Counting::new(Sampling::All);
    let told = Arc::clone(&counting.told);
    let handled = with_pool(pool_of(1).observer(counting), |pool| {
        let slow = Props::new(|| {
            Behavior::receive(|ctx: &mut Context<'_, Reply<u8>>, reply| {
                ctx.sleep(ms(20))?;
                reply.send(1);
                Ok::<_, BoxError>(())
            })
            .on_signal(|_, _| Next::Same)
        });
        let slow = slow.mailbox(Mailbox::bounded(10, Overflow::Fail).unwrap());
        let slow = pool.spawn("slow", slow).unwrap();
        let first = slow.ask(|reply| reply, SOON);
        let late = slow.ask(|reply| reply, ms(1));
        let last = slow.ask(|reply| reply, SOON);
        assert!(late.wait().is_err());
        assert_eq!(first.wait(), Ok(1));
        assert_eq!(last.wait(), Ok(1));
        (pool.stats().handled(), pool.dead_letters().total())
    });
    let (handled, lost) = handled;
    assert_eq!((handled, lost), (2, 1));
    assert_eq!(*told.lock().unwrap(), (handled, handled));
}

/// An observer that does what it should not.
#[derive(Default)]
struct Naughty {
    collector: Mutex<Option<ActorRef<u32>>>,
    target: Mutex<Option<ActorRef<u32>>>,
    mute: Mutex<Option<ActorRef<Reply<()>>>>,
    waits: Mutex<Vec<Option<AskErrorKind>>>,
    handled: Mutex<u32>,
}

impl Observer for Naughty {
    fn sampling(&self) -> Sampling {
        Sampling::All
    }

    fn handling(&self, event: &Handling<'_>) {
        let number = event.message.downcast_ref::<u32>().copied();
        let (target, mute) = (*self.target.lock().unwrap(), *self.mute.lock().unwrap());
        let (Some(number), Some(target), Some(mute)) = (number, target, mute) else {
            return;
        };
        if let Some(collector) = *self.collector.lock().unwrap() {
            collector.tell(number);
        }
        let waited = mute.ask(|reply| reply, SOON).wait().err();
        let waited = waited.map(|error| error.kind());
        self.waits.lock().unwrap().push(waited);
        match number {
            1 => panic!("planned"),
            2 => target.kill(),
            _ => {}
        }
    }

    fn handled(&self, _: &Handled<'_>) {
        *self.handled.lock().unwrap() += 1;
    }
}

#[test]
fn s10_1_an_observer_that_panics_sends_waits_or_kills_disturbs_nobody() {
    let naughty = Arc::new(Naughty::default());
    let log = Log::default();
    with_pool(pool_of(1).observer(Arc::clone(&naughty)), |pool| {
        let collector = pool.spawn("collector", noting(&log, "told of ")).unwrap();
        let target = pool.spawn("target", noting(&log, "handled ")).unwrap();
        let mute = Props::new(|| {
            Behavior::with_state(Vec::new(), |kept, _ctx, reply: Reply<()>| kept.push(reply))
        });
        *naughty.mute.lock().unwrap() = Some(pool.spawn("mute", mute).unwrap());
        *naughty.collector.lock().unwrap() = Some(collector);
        *naughty.target.lock().unwrap() = Some(target);
        (0..4).for_each(|number| target.tell(number));
        eventually("what it sent is handled", || log.lines().len() >= 6);
        let dead = pool.dead_letters();
        let stopped = || dead.count(DeadLetterReason::Stopped);
        eventually("the rest is lost", || stopped() == 1);
    });
    // It is killed while it handles the third message, and the fourth is lost.
    assert_eq!(log.of("handled"), ["0", "1", "2"]);
    assert_eq!(log.of("told"), ["of 0", "of 1", "of 2"]);
    // What the observer has sent itself it is not told of.
    assert_eq!(*naughty.handled.lock().unwrap(), 3);
    let waits = naughty.waits.lock().unwrap();
    assert_eq!(*waits, [Some(AskErrorKind::CannotWait); 3]);
}

#[test]
fn s10_1_slow_handlers_and_deadlocks_are_told() {
    #[derive(Default)]
    struct Troubles {
        slow: Mutex<Vec<SlowHandler>>,
        cycles: Mutex<Vec<String>>,
    }
    impl Observer for Troubles {
        fn slow_handler(&self, slow: &SlowHandler) {
            self.slow.lock().unwrap().push(slow.clone());
        }

        fn deadlock(&self, cycle: &Cycle) {
            self.cycles.lock().unwrap().push(cycle.to_string());
        }
    }
    let troubles = Arc::new(Troubles::default());
    let builder = pool_of(2)
        .slow_after(Some(ms(5)))
        .on_slow_handler(|_| {})
        .observer(Arc::clone(&troubles));
    with_pool(builder, |pool| {
        let told = Arc::clone(&troubles);
        let busy = Props::new(move || {
            let told = Arc::clone(&told);
            Behavior::receive(move |_ctx, ()| {
                while told.slow.lock().unwrap().is_empty() {
                    std::thread::yield_now();
                }
            })
        });
        pool.spawn("busy", busy).unwrap().tell(());
        eventually("it is told", || pool.stats().handled() == 1);
        let narcissus = Props::new(|| {
            Behavior::receive(|ctx: &mut Context<'_, Reply<u8>>, reply| {
                let own = ctx.self_ref().ask(|reply| reply, SOON).wait();
                assert_eq!(own.unwrap_err().kind(), AskErrorKind::Deadlock);
                reply.send(1);
            })
        });
        let narcissus = pool.spawn("narcissus", narcissus).unwrap();
        assert_eq!(narcissus.ask(|reply| reply, SOON).wait(), Ok(1));
    });
    let slow = troubles.slow.lock().unwrap();
    assert_eq!(slow[0].path.as_ref().unwrap().as_str(), "/user/busy");
    let cycles = troubles.cycles.lock().unwrap();
    assert_eq!(cycles.len(), 1);
    assert!(cycles[0].starts_with("/user/narcissus -> /user/narcissus"));
}

#[test]
fn s10_1_the_time_in_the_mailbox_is_told_of_all_messages_or_of_samples() {
    #[derive(Default)]
    struct Waits(Mutex<Vec<(u64, Duration, usize)>>);
    impl Observer for Waits {
        fn sampling(&self) -> Sampling {
            Sampling::All
        }

        fn waited(&self, event: &Waited<'_>) {
            let number = event.envelope.message_id().get();
            let told = (number, event.waited, event.mailbox);
            self.0.lock().unwrap().push(told);
        }
    }
    let waits = Arc::new(Waits::default());
    let time = ManualTime::new();
    let system = ActorSystem::builder()
        .time_source(TimeSource::Manual(time.clone()))
        .observer(Arc::clone(&waits))
        .start()
        .unwrap();
    let naps = Props::new(|| {
        Behavior::receive(|ctx: &mut Context<'_, u64>, nap| {
            if nap > 0 {
                ctx.sleep(ms(nap))?;
            }
            Ok::<_, BoxError>(())
        })
    });
    let naps = system.spawn("naps", naps).unwrap();
    naps.tell(10);
    naps.tell(0);
    naps.tell(0);
    system.run_until_idle();
    time.advance(ms(10));
    system.run_until_idle();
    naps.tell(0);
    time.advance(ms(3));
    system.run_until_idle();
    let told = std::mem::take(&mut *waits.0.lock().unwrap());
    let expected = [(0, 3), (10, 2), (10, 1), (0, 1)];
    let told: Vec<_> = told.iter().map(|told| (told.1, told.2)).collect();
    // What a thread outside sends arrives when the worker takes it in.
    assert_eq!(
        told,
        expected.map(|(waited, mailbox)| (ms(waited), mailbox))
    );
    // What is lost is not told, and neither is what comes to the next actor in its place.
    naps.tell(10);
    naps.tell(0);
    system.run_until_idle();
    naps.kill();
    system.run_until_idle();
    time.advance(ms(10));
    system.run_until_idle();
    let told = std::mem::take(&mut *waits.0.lock().unwrap());
    assert_eq!(told.len(), 1);
}

#[test]
fn s10_1_the_time_in_the_mailbox_is_told_of_about_as_many_as_handlings_are() {
    struct Rates(AtomicU64, AtomicU64);
    impl Observer for Rates {
        fn sampling(&self) -> Sampling {
            Sampling::one_in(10)
        }

        fn handled(&self, _: &Handled<'_>) {
            self.0.fetch_add(1, Relaxed);
        }

        fn waited(&self, _: &Waited<'_>) {
            self.1.fetch_add(1, Relaxed);
        }
    }
    let rates = Arc::new(Rates(AtomicU64::new(0), AtomicU64::new(0)));
    with_pool(pool_of(2).observer(Arc::clone(&rates)), |pool| {
        let pong = Props::new(|| Behavior::receive(|_ctx, reply: Reply<()>| reply.send(())));
        let pong = pool.spawn_on(0, "pong", pong).unwrap();
        let ping = Props::new(move || {
            Behavior::receive(move |_ctx, reply: Reply<()>| {
                for _ in 0..20_000 {
                    pong.ask(|reply| reply, SOON).wait()?;
                }
                reply.send(());
                Ok::<_, BoxError>(())
            })
        });
        let ping = pool.spawn_on(1, "ping", ping).unwrap();
        ping.ask(|reply| reply, SOON).wait().unwrap();
    });
    let (handled, waited) = (rates.0.load(Relaxed), rates.1.load(Relaxed));
    assert!((1_700..2_300).contains(&handled), "{handled}");
    assert!((1_700..2_300).contains(&waited), "{waited}");
}
