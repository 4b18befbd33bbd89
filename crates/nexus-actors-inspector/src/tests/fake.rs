//! A source that is made up: it records what it is asked, and counts its guards.

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use crate::builder::{Inspector, Settings};
use crate::letters::LetterQueue;
use crate::source::{Guard, Order, OrderError, Query, Source, Target};
use crate::view::*;

/// Longer than anything takes that a test waits for.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Fake {
    pub(super) queries: Mutex<Vec<Query>>,
    pub(super) orders: Mutex<Vec<(Order, Target)>>,
    pub(super) refuses: Mutex<Option<OrderError>>,
    pub(super) overviews: AtomicU64,
    /// How often it was watched, and how many guards there are.
    pub(super) watches: AtomicU64,
    pub(super) guards: Arc<AtomicU64>,
    pub(super) letters: Mutex<Option<Arc<LetterQueue>>>,
}

struct Counted(Arc<AtomicU64>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Source for Fake {
    fn overview(&self) -> Overview {
        Overview {
            pool: "made up".to_owned(),
            run: "0011223344556677".to_owned(),
            uptime_ms: self.overviews.fetch_add(1, SeqCst) + 1,
            ..Overview::default()
        }
    }

    fn actors(&self, query: &Query) -> Found {
        assert_ne!(query.matching.as_deref(), Some("panic"), "planned");
        self.queries.lock().push(query.clone());
        Found {
            actors: vec![actor()],
            matched: 12,
            examined: 100,
            silent: vec![1],
        }
    }

    fn order(&self, order: Order, target: &Target) -> Result<String, OrderError> {
        self.orders.lock().push((order, target.clone()));
        match &*self.refuses.lock() {
            Some(error) => Err(error.clone()),
            None => Ok("/user/a".to_owned()),
        }
    }

    fn watch(&self) -> Guard {
        self.watches.fetch_add(1, SeqCst);
        self.guards.fetch_add(1, SeqCst);
        Box::new(Counted(Arc::clone(&self.guards)))
    }

    fn subscribe(&self, letters: Arc<LetterQueue>) -> Guard {
        *self.letters.lock() = Some(letters);
        self.guards.fetch_add(1, SeqCst);
        Box::new(Counted(Arc::clone(&self.guards)))
    }
}

impl Fake {
    /// Loses a message for that reason.
    pub(super) fn lose(&self, reason: &str) {
        let letter = || LetterView {
            target: "0.3#1".to_owned(),
            message_type: "u32",
            reason: reason.to_owned(),
            ..LetterView::default()
        };
        let letters = self.letters.lock().clone();
        letters
            .expect("someone has subscribed")
            .push(Instant::now(), letter);
    }
}

pub(super) fn actor() -> ActorView {
    ActorView {
        id: "0.3#1".to_owned(),
        path: "/user/a".to_owned(),
        message_type: "app::Order",
        state: "running".to_owned(),
        busy_ms: Some(1.23456),
        handling: Some(HandlingView {
            message: "00".to_owned(),
            correlation: "01".to_owned(),
            for_ms: Some(12),
        }),
        waits_for: Some(WaitsForView::Actor {
            id: "1.4#1".to_owned(),
            path: None,
        }),
        cycle: Some(vec!["/user/a".to_owned(), "/user/b".to_owned()]),
        ..ActorView::default()
    }
}

pub(super) fn settings() -> Settings {
    Settings {
        address: "127.0.0.1:0".to_owned(),
        interval: Duration::from_millis(20),
        linger: Duration::ZERO,
        ..Settings::default()
    }
}

/// Starts a service with those settings.
pub(super) fn serve(settings: Settings) -> (Inspector, Arc<Fake>) {
    let fake = Arc::new(Fake::default());
    let source: Arc<dyn Source> = fake.clone();
    let inspector = Inspector::serve(source, settings, "test-inspector").expect("it starts");
    (inspector, fake)
}

/// Waits until it holds.
pub(super) fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
