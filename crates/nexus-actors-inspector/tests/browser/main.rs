//! The page, in a browser, with running pools. Needs Chromium and chromedriver, which `ci/inspector.sh`
//! installs.

mod driver;
mod looks;
mod orders;
mod reading;
#[allow(dead_code)] // the example uses all of it
#[path = "../../examples/operator/troubles.rs"]
mod troubles;
mod watching;

use nexus_actors::prelude::*;
use nexus_actors_inspector::{Feed, Inspector, InspectorBuilder};
use std::sync::{Mutex, MutexGuard};

use driver::Browser;

/// One browser at a time.
static ONE: Mutex<()> = Mutex::new(());

fn one_at_a_time() -> MutexGuard<'static, ()> {
    // A test that has failed says nothing about the next one.
    ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn pool(feed: &Feed) -> WorkerPool {
    let builder = WorkerPool::builder()
        .workers(2)
        .name("shop")
        .observer(feed.clone());
    let silent = builder
        .on_failure(|_| {})
        .on_suspected_deadlock(|_| {})
        .on_slow_handler(|_| {});
    silent.start().unwrap()
}

fn inspect(pool: &WorkerPool, feed: &Feed) -> InspectorBuilder {
    let builder = Inspector::builder(pool).address("127.0.0.1:0").feed(feed);
    builder.interval(Duration::from_millis(200))
}

fn url(inspector: &Inspector) -> String {
    format!("http://{}/", inspector.address())
}

/// Opens the page, and waits for its first figures.
fn open(inspector: &Inspector) -> Browser {
    let browser = Browser::open(&url(inspector));
    browser.until("document.getElementById('link').textContent === 'live'");
    browser
}

/// An actor that takes numbers, and does nothing with them.
fn sink() -> Props<u32> {
    Props::receive(|_ctx, _: u32| ())
}

/// A parent with that many children, which are called child-0 and so on.
fn family(children: usize) -> Props<u32> {
    Props::new(move || {
        Behavior::setup(move |ctx| {
            for number in 0..children {
                ctx.spawn(&format!("child-{number}"), sink())?;
            }
            Ok(Behavior::receive(|_ctx, _: u32| ()))
        })
    })
}

/// As the page writes a number.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
