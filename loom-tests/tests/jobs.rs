//! Every job is done, or returned, and no thread is left behind.

#![cfg(nexus_loom)]

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread::{self, JoinHandle};
use nexus_actors::model::{Jobs, Mutant};
use nexus_loom_tests::{Outcomes, explore, rejected};
use std::cell::RefCell;
use std::time::Duration;

const PREEMPTIONS: usize = 3;

/// Loom has no clock: a thread that waits for a while gives up at once.
const A_WHILE: Option<Duration> = Some(Duration::from_secs(1));

/// A count of the jobs that were done.
#[derive(Clone, Default)]
struct Done(Arc<(Mutex<usize>, Condvar)>);

impl Done {
    fn one_more(&self) {
        let (count, changed) = &*self.0;
        *count.lock().unwrap() += 1;
        changed.notify_all();
    }

    fn count(&self) -> usize {
        *self.0.0.lock().unwrap()
    }

    fn wait_for(&self, wanted: usize) {
        let (count, changed) = &*self.0;
        let mut count = count.lock().unwrap();
        while *count < wanted {
            count = changed.wait(count).unwrap();
        }
    }
}

type Job = Box<dyn FnOnce()>;

/// Jobs, and the threads that were started for them.
struct Pool {
    jobs: Arc<Jobs<Job>>,
    patience: Option<Duration>,
    threads: RefCell<Vec<JoinHandle<()>>>,
}

impl Pool {
    fn new(most: usize, patience: Option<Duration>) -> Self {
        Self {
            jobs: Arc::new(Jobs::new(most)),
            patience,
            threads: RefCell::default(),
        }
    }

    fn submit(&self, job: impl FnOnce() + 'static) -> bool {
        self.jobs.submit(Box::new(job), || self.start()).is_ok()
    }

    fn start(&self) -> bool {
        let (jobs, patience) = (Arc::clone(&self.jobs), self.patience);
        let thread = thread::spawn(move || {
            while let Some(job) = jobs.next(patience) {
                job();
            }
        });
        self.threads.borrow_mut().push(thread);
        true
    }

    fn threads(&self) -> usize {
        self.threads.borrow().len()
    }

    /// Closes the queue, and waits for the threads. Returns how many jobs were returned.
    fn end(&self) -> usize {
        let left = self.jobs.close().len();
        for thread in self.threads.take() {
            thread.join().unwrap();
        }
        left
    }
}

/// Two jobs, one after the other, for threads that wait for more, or that give up at once.
fn two_jobs(patience: Option<Duration>, outcomes: &Outcomes) {
    let (pool, done) = (Pool::new(2, patience), Done::default());
    for _ in 0..2 {
        let done = done.clone();
        assert!(pool.submit(move || done.one_more()), "it is open");
    }
    done.wait_for(2);
    outcomes.note("by one thread", pool.threads() == 1);
    outcomes.note("by two threads", pool.threads() == 2);
    assert_eq!(pool.end(), 0);
    let late = pool.jobs.submit(Box::new(|| {}), || true);
    assert!(late.is_err(), "it has ended");
}

fn two_jobs_are_done(patience: Option<Duration>) {
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || two_jobs(patience, &outcomes));
    assert_eq!(reached.seen(), ["by one thread", "by two threads"]);
}

#[test]
fn threads_that_wait_do_every_job() {
    // Claim: a job is done by an idle thread, or by one that is started for it; all threads end.
    two_jobs_are_done(None);
}

#[test]
fn threads_that_give_up_leave_no_job() {
    // Claim: a submitter that brings a job while a thread ends finds it gone, or is found by it.
    two_jobs_are_done(A_WHILE);
}

#[test]
fn ending_without_looking_for_a_job_is_rejected() {
    // Claim: a job may come at the moment when the time is over.
    rejected(
        PREEMPTIONS,
        Some(Mutant::JobLeftAtTheEnd),
        "deadlock",
        || two_jobs(A_WHILE, &Outcomes::default()),
    );
}

#[test]
fn bringing_a_job_without_a_word_is_rejected() {
    // Claim: an idle thread does not look for jobs by itself.
    rejected(PREEMPTIONS, Some(Mutant::JobUntold), "deadlock", || {
        two_jobs(None, &Outcomes::default());
    });
}

#[test]
fn ending_without_a_word_is_rejected() {
    // Claim: an idle thread does not end by itself.
    rejected(PREEMPTIONS, Some(Mutant::JobsEndUntold), "deadlock", || {
        two_jobs(None, &Outcomes::default());
    });
}

#[test]
fn taking_a_job_after_the_end_is_rejected() {
    // Claim: a job that is submitted after the end is returned.
    rejected(
        PREEMPTIONS,
        Some(Mutant::JobTakenAfterClose),
        "it has ended",
        || two_jobs(None, &Outcomes::default()),
    );
}

/// A thread is idle when two jobs come, of which the first waits for the second.
fn two_jobs_side_by_side() {
    let (pool, done) = (Pool::new(2, None), Done::default());
    let first = done.clone();
    assert!(pool.submit(move || first.one_more()));
    done.wait_for(1);
    let (waits, other) = (done.clone(), done.clone());
    assert!(pool.submit(move || waits.wait_for(2)));
    assert!(pool.submit(move || other.one_more()));
    done.wait_for(2);
    pool.end();
}

#[test]
fn as_many_jobs_run_side_by_side_as_there_may_be_threads() {
    // Claim: a job is left to an idle thread only if no other job is.
    explore(PREEMPTIONS, two_jobs_side_by_side);
}

#[test]
fn leaving_two_jobs_to_one_idle_thread_is_rejected() {
    // Claim: a thread that was notified of a job, and has not begun it, is not idle any more.
    rejected(
        PREEMPTIONS,
        Some(Mutant::JobsUncounted),
        "deadlock",
        two_jobs_side_by_side,
    );
}

/// Two jobs are submitted while the queue closes.
fn jobs_against_the_end(outcomes: &Outcomes) {
    let (pool, done) = (Pool::new(1, None), Done::default());
    let closes = {
        let jobs = Arc::clone(&pool.jobs);
        thread::spawn(move || jobs.close().len())
    };
    let mut taken = 0;
    for _ in 0..2 {
        let done = done.clone();
        taken += usize::from(pool.submit(move || done.one_more()));
    }
    let given_back = closes.join().unwrap();
    assert_eq!(pool.end(), 0, "the end was before");
    assert_eq!(done.count() + given_back, taken);
    outcomes.note("done", done.count() > 0);
    outcomes.note("given back", given_back > 0);
    outcomes.note("refused", taken < 2);
}

#[test]
fn each_job_is_done_or_given_back_or_refused() {
    // Claim: at the end, no job is left without a thread.
    let outcomes = Outcomes::default();
    let reached = outcomes.clone();
    explore(PREEMPTIONS, move || jobs_against_the_end(&outcomes));
    assert_eq!(reached.seen(), ["done", "given back", "refused"]);
}
