//! Wakers of the user's own: what they do when the runtime calls them.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskCx, Poll, Wake, Waker};
use std::time::Duration;

use crate::common::{SEEDS, ms, with_pools};
use nexus_actors::ask::Sending;
use nexus_actors::prelude::*;
use nexus_actors::sim::{Fault, Sim, TraceKind};
use nexus_actors::{DeadLetterReason, SendError};

const HOUR: Duration = Duration::from_secs(3600);

/// A waker that calls that function.
struct Calls<F>(F);

impl<F: Fn() + Send + Sync> Wake for Calls<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

fn calls(work: impl Fn() + Send + Sync + 'static) -> Waker {
    Arc::new(Calls(work)).into()
}

/// An actor that runs closures.
fn runner() -> Props<Box<dyn FnOnce() + Send>> {
    Props::new(|| Behavior::receive(|_ctx, work: Box<dyn FnOnce() + Send>| work()))
}

/// A future that several may poll.
type Shared<F> = Arc<Mutex<Option<F>>>;

fn poll<F: Future + Unpin>(future: &Shared<F>, waker: &Waker) -> Poll<F::Output> {
    // Not locked during the poll, because the poll may call the waker.
    let mut taken = future.lock().unwrap().take().unwrap();
    let polled = Pin::new(&mut taken).poll(&mut TaskCx::from_waker(waker));
    *future.lock().unwrap() = Some(taken);
    polled
}

#[test]
fn s3_1_a_question_withdrawn_by_the_waker_of_an_admitted_sender_frees_one_permit() {
    // The only question, the next one, or one behind it.
    for (capacity, place) in [(1, 0), (2, 0), (2, 1)] {
        Sim::builder().workers(1).check(SEEDS, |sim| {
            let handled: Arc<Mutex<Vec<u32>>> = Arc::default();
            let log = Arc::clone(&handled);
            let busy = Props::new(move || {
                let log = Arc::clone(&log);
                Behavior::receive(move |ctx, (number, reply): (u32, Option<Reply<()>>)| {
                    assert!(ctx.mailbox_len() <= capacity, "the mailbox is too full");
                    log.lock().unwrap().push(number);
                    if let Some(reply) = reply {
                        reply.send(());
                    }
                })
            });
            let bound = Mailbox::bounded(capacity, Overflow::Backpressure).unwrap();
            let busy = sim.spawn("busy", busy.mailbox(bound)).unwrap();
            let runner = sim.spawn("runner", runner()).unwrap();
            busy.suspend();
            sim.run_until_idle();
            let questions = 0..capacity as u32;
            let ask = |number| busy.ask(|reply| (number, Some(reply)), HOUR);
            let mut asked: Vec<_> = questions.clone().map(ask).collect();
            let taken_back = Mutex::new(Some(asked.remove(place)));
            let waker = calls(move || drop(taken_back.lock().unwrap().take()));
            let sending = busy.send_async((7, None));
            let sending: Shared<Sending<_>> = Arc::new(Mutex::new(Some(sending)));
            let first = Arc::clone(&sending);
            runner.tell(Box::new(move || assert!(poll(&first, &waker).is_pending())));
            sim.run_until_idle();
            busy.resume();
            sim.run_until_idle();
            // It polls again for its capacity.
            let sent: Shared<Result<(), SendError<_>>> = Arc::default();
            let told = Arc::clone(&sent);
            runner.tell(Box::new(move || {
                let Poll::Ready(outcome) = poll(&sending, Waker::noop()) else {
                    panic!("it was let in");
                };
                *told.lock().unwrap() = Some(outcome);
            }));
            sim.run_until_idle();
            assert!(matches!(sent.lock().unwrap().take(), Some(Ok(()))));
            let others = questions.filter(|&number| number != place as u32);
            let expected: Vec<_> = others.chain([7]).collect();
            assert_eq!(*handled.lock().unwrap(), expected);
            let letters = sim.dead_letters();
            assert_eq!(letters.count(DeadLetterReason::Cancelled), 1);
            // No permit was lost or created.
            busy.suspend();
            sim.run_until_idle();
            let room = (0..5).take_while(|_| busy.try_tell((8, None)).is_ok());
            assert_eq!(room.count(), capacity);
            busy.resume();
            sim.run_for(ms(1));
            assert_eq!(handled.lock().unwrap().len(), expected.len() + capacity);
            let stats = sim.stats();
            assert_eq!(stats.sent(), stats.handled() + stats.dead_letters);
        });
    }
}

#[test]
fn s9_2_a_question_that_is_taken_back_as_its_turn_comes_was_not_handled_for_the_trace_and_for_faults()
 {
    Sim::builder().workers(1).check(SEEDS, |sim| {
        let busy = Props::new(|| Behavior::receive(|_ctx, _: Option<Reply<()>>| ()));
        let bound = Mailbox::bounded(1, Overflow::Backpressure).unwrap();
        let busy = sim.spawn("busy", busy.mailbox(bound)).unwrap();
        let runner = sim.spawn("runner", runner()).unwrap();
        busy.suspend();
        sim.run_until_idle();
        let taken_back = Mutex::new(Some(busy.ask(Some, HOUR)));
        let waker = calls(move || drop(taken_back.lock().unwrap().take()));
        let sending: Shared<Sending<_>> = Arc::new(Mutex::new(Some(busy.send_async(None))));
        let first = Arc::clone(&sending);
        runner.tell(Box::new(move || assert!(poll(&first, &waker).is_pending())));
        sim.run_until_idle();
        sim.inject(Fault::panic("/user/busy", 1)).unwrap();
        let before = sim.trace().len() as usize;
        busy.resume();
        sim.run_until_idle();
        let to_busy = |sim: &Sim| -> Vec<_> {
            let trace = sim.trace();
            let what = trace.events().skip(before).map(|event| event.what.clone());
            what.filter_map(|what| match what {
                TraceKind::Delivers { actor, .. } => Some((actor, None)),
                TraceKind::Loses { actor, reason, .. } => Some((actor, Some(reason))),
                _ => None,
            })
            .filter(|(actor, _)| *actor == busy.id())
            .map(|(_, lost)| lost)
            .collect()
        };
        assert_eq!(to_busy(sim), [Some(DeadLetterReason::Cancelled)]);
        assert!(!sim.trace().to_string().contains("planned"));
        // The send that was admitted is the first to be handled.
        runner.tell(Box::new(move || {
            let sent = poll(&sending, Waker::noop());
            assert!(matches!(sent, Poll::Ready(Ok(()))));
        }));
        sim.run_until_idle();
        assert_eq!(to_busy(sim), [Some(DeadLetterReason::Cancelled), None]);
        assert!(sim.trace().to_string().contains("planned"));
    });
}

#[test]
fn s4_9_a_waker_that_panics_disturbs_nobody() {
    enum Job {
        Sleep,
        Question(Reply<()>),
    }
    for worker in [0, 1] {
        Sim::builder().workers(2).check(SEEDS, |sim| {
            let busy = Props::new(|| {
                Behavior::receive(|ctx, job| {
                    match job {
                        Job::Sleep => ctx.sleep(ms(100))?,
                        Job::Question(reply) => reply.send(()),
                    }
                    Ok(())
                })
            });
            let bound = Mailbox::bounded(2, Overflow::Backpressure).unwrap();
            let busy = sim.spawn_on(0, "busy", busy.mailbox(bound)).unwrap();
            let runner = sim.spawn_on(worker, "runner", runner()).unwrap();
            let called: Arc<Mutex<u32>> = Arc::default();
            let count = Arc::clone(&called);
            let waker = calls(move || {
                *count.lock().unwrap() += 1;
                panic!("planned");
            });
            busy.tell(Job::Sleep);
            sim.run_for(ms(1));
            // One is answered, one times out, and one waits for capacity.
            let [answered, expired]: [Shared<Ask<()>>; 2] = Default::default();
            let (asked, late) = (Arc::clone(&answered), Arc::clone(&expired));
            let sending: Shared<Sending<_>> = Arc::default();
            let sends = Arc::clone(&sending);
            runner.tell(Box::new(move || {
                *asked.lock().unwrap() = Some(busy.ask(Job::Question, HOUR));
                *late.lock().unwrap() = Some(busy.ask(Job::Question, ms(50)));
                *sends.lock().unwrap() = Some(busy.send_async(Job::Sleep));
                assert!(poll(&asked, &waker).is_pending());
                assert!(poll(&late, &waker).is_pending());
                assert!(poll(&sends, &waker).is_pending());
            }));
            sim.run_for(ms(500));
            assert_eq!(*called.lock().unwrap(), 3);
            runner.tell(Box::new(move || {
                assert!(poll(&answered, Waker::noop()).is_ready());
                assert!(poll(&expired, Waker::noop()).is_ready());
                assert!(poll(&sending, Waker::noop()).is_ready());
            }));
            sim.run_for(ms(500));
            assert!(busy.ask(Job::Question, HOUR).wait().is_ok(), "it lives");
            let stats = sim.stats();
            assert_eq!(stats.sent(), stats.handled() + stats.dead_letters);
        });
    }
}

#[test]
fn s4_9_a_waker_of_a_task_elsewhere_that_panics_disturbs_nobody() {
    with_pools(|pool| {
        let slow = Props::new(|| {
            Behavior::receive(|ctx, reply: Reply<u32>| {
                ctx.yield_now()?;
                reply.send(1);
                Ok(())
            })
        });
        let slow = pool.spawn("slow", slow).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let waker = calls(move || {
            let _ = tell.send(());
            panic!("planned");
        });
        slow.suspend();
        // One was begun here; the other was begun in a handler and is awaited here.
        let begun = pool.spawn("runner", runner()).unwrap();
        let (give, given) = std::sync::mpsc::channel();
        begun.tell(Box::new(move || {
            give.send(slow.ask(|reply| reply, HOUR)).unwrap()
        }));
        let mut asked = [slow.ask(|reply| reply, HOUR), given.recv().unwrap()];
        let mut cx = TaskCx::from_waker(&waker);
        for asked in &mut asked {
            assert!(Pin::new(asked).poll(&mut cx).is_pending());
        }
        slow.resume();
        for _ in 0..2 {
            told.recv().unwrap();
        }
        for asked in asked {
            assert_eq!(asked.wait(), Ok(1));
        }
        assert_eq!(slow.ask(|reply| reply, HOUR).wait(), Ok(1));
    });
}

#[test]
fn s5_2_a_reply_that_a_waker_drops_where_a_handler_begins_to_wait_ends_at_once() {
    enum Job {
        Keep(Reply<()>),
        Drop,
    }
    Sim::builder().workers(1).check(SEEDS, |sim| {
        // Drops what it holds, and sleeps for a long time.
        let keeper = Props::new(|| {
            Behavior::with_state(None, |kept, ctx, job| {
                match job {
                    Job::Keep(reply) => *kept = Some(reply),
                    Job::Drop => {
                        drop(kept.take());
                        ctx.sleep(HOUR)?;
                    }
                }
                Ok(())
            })
        });
        let keeper = sim.spawn("keeper", keeper).unwrap();
        let runner = sim.spawn("runner", runner()).unwrap();
        let held: Arc<Mutex<Option<Reply<()>>>> = Arc::default();
        let hold = Arc::clone(&held);
        let holder = Props::new(move || {
            let hold = Arc::clone(&hold);
            Behavior::receive(move |_ctx, reply| *hold.lock().unwrap() = Some(reply))
        });
        let other = sim
            .spawn("holder", holder)
            .unwrap()
            .ask(|reply| reply, HOUR);
        sim.run_until_idle();
        let dropping = calls(move || drop(held.lock().unwrap().take()));
        let polled: Shared<Ask<()>> = Arc::default();
        let polls = Arc::clone(&polled);
        runner.tell(Box::new(move || {
            *polls.lock().unwrap() = Some(keeper.ask(Job::Keep, HOUR));
            assert!(poll(&polls, &dropping).is_pending());
        }));
        sim.run_until_idle();
        let began = sim.now();
        keeper.tell(Job::Drop);
        assert!(matches!(other.wait(), Err(AskError::NoReply(_))));
        assert!(sim.now() - began < ms(1000), "{:?}", sim.now() - began);
        drop(polled.lock().unwrap().take());
    });
}
