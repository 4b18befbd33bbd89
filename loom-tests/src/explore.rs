//! Runs a model to its end, or to the failure that is expected of it.

use loom::model::Builder;
use nexus_actors::model::{Mutant, with_mutant};
use std::io::{self, Write};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;
use std::{env, thread};

/// The model's own thread and two more: one consumer, two producers.
const THREADS: usize = 3;

/// Set for the process in which a broken model runs.
const BROKEN: &str = "NEXUS_LOOM_BROKEN";

/// Runs `model` in every interleaving that preempts a thread at most `preemptions` times, with
/// every value that the memory orderings let each load see.
///
/// # Panics
///
/// If one interleaving fails, or if there was only one, so that nothing was checked.
pub fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let start = Instant::now();
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = runs.clone();
    builder(preemptions).check(move || {
        counter.fetch_add(1, Relaxed);
        model();
    });
    let runs = runs.load(Relaxed);
    let (test, took) = (test_name(), start.elapsed());
    let count = format!("{test}: {runs} interleavings in {took:.1?}\n");
    // Not `eprint`, which the test harness would capture: the count belongs in the log.
    let _ = io::stderr().write_all(count.as_bytes());
    assert!(runs > 1, "nothing ran side by side");
}

/// Runs a `model` that is broken, by `mutant` or by itself, and checks that loom rejects it with
/// the words `complaint`. Must be called from a test, as it runs that test once more: unwinding
/// out of a failed model drops values of loom's, which by then panic, and so abort. That has to
/// end a separate process.
///
/// # Panics
///
/// If the model passes, or fails with other words: then the check is blind.
pub fn rejected(
    preemptions: usize,
    mutant: Option<Mutant>,
    complaint: &str,
    model: impl Fn() + Send + Sync + 'static,
) {
    if env::var_os(BROKEN).is_some() {
        let check = || builder(preemptions).check(model);
        return match mutant {
            Some(mutant) => with_mutant(mutant, check),
            None => check(),
        };
    }
    let again = Command::new(env::current_exe().expect("a test knows its program"))
        .args([&test_name(), "--exact", "--nocapture"])
        .env(BROKEN, "1")
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("a test can be run again");
    let words = [again.stdout, again.stderr].concat();
    let words = String::from_utf8_lossy(&words);
    assert!(words.contains("running 1 test"), "not this test: {words}");
    assert!(!again.status.success(), "the broken model passed");
    assert!(
        words.contains(complaint),
        "the broken model failed without saying {complaint:?}: {words}"
    );
}

/// The test harness names the thread of a test after the test.
fn test_name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

/// Everything is set here, so that no environment variable can cut an exploration short.
fn builder(preemptions: usize) -> Builder {
    let mut builder = Builder::new();
    builder.max_threads = THREADS;
    builder.preemption_bound = Some(preemptions);
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.checkpoint_file = None;
    builder
}
