//! The viewers, and what is measured for all of them together while there is one.

use axum::body::Bytes;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};

use crate::letters::LetterQueue;
use crate::source::Source;
use crate::view::Overview;

/// More viewers at once are refused.
const MOST_VIEWERS: usize = 64;
/// What a viewer that reads slowly may be behind, in events. It misses those that come meanwhile.
const BEHIND: usize = 16;
/// An overview that is asked for is not taken anew more often than that.
const FRESH: Duration = Duration::from_millis(50);
/// Dead letters are sent together if they come faster than that.
const TOGETHER: Duration = Duration::from_millis(100);

pub(crate) struct Hub {
    source: Arc<dyn Source>,
    control: bool,
    interval: Duration,
    /// How long is measured on after the last viewer has left: a page that is loaded again finds its figures.
    linger: Duration,
    state: Mutex<State>,
    /// Of a viewer that comes.
    came: Notify,
    /// The last overview that was taken, and when.
    last: tokio::sync::Mutex<Option<(Instant, Bytes)>>,
}

#[derive(Default)]
struct State {
    viewers: BTreeMap<u64, mpsc::Sender<Bytes>>,
    next: u64,
    watched: bool,
}

impl Hub {
    pub(crate) fn new(
        source: Arc<dyn Source>,
        control: bool,
        interval: Duration,
        linger: Duration,
    ) -> Self {
        Self {
            source,
            control,
            interval,
            linger,
            state: Mutex::default(),
            came: Notify::new(),
            last: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn allows_control(&self) -> bool {
        self.control
    }

    /// Adds a viewer, unless there are too many.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Viewer> {
        let mut state = self.state.lock();
        if state.viewers.len() == MOST_VIEWERS {
            return None;
        }
        let (sender, events) = mpsc::channel(BEHIND);
        let number = state.next;
        state.next += 1;
        state.viewers.insert(number, sender);
        drop(state);
        self.came.notify_one();
        Some(Viewer {
            hub: Arc::clone(self),
            number,
            events,
        })
    }

    /// Returns the overview as JSON. One that is just a moment old serves all who ask for it.
    pub(crate) async fn overview(&self) -> Result<Bytes, Failed> {
        self.overview_of(FRESH).await
    }

    /// Returns one that is at most that old.
    async fn overview_of(&self, age: Duration) -> Result<Bytes, Failed> {
        let mut last = self.last.lock().await;
        if let Some((taken, bytes)) = &*last
            && taken.elapsed() < age
        {
            return Ok(bytes.clone());
        }
        let bytes = self.take().await?;
        *last = Some((Instant::now(), bytes.clone()));
        Ok(bytes)
    }

    async fn take(&self) -> Result<Bytes, Failed> {
        let (watched, control) = (self.state.lock().watched, self.control);
        self.blocking(move |source| {
            let overview = Overview {
                watched,
                control,
                ..source.overview()
            };
            serde_json::to_vec(&overview)
                .map(Bytes::from)
                .map_err(|_| Failed)
        })
        .await?
    }

    /// Calls the source on a thread that may wait.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Source) -> T + Send + 'static,
    ) -> Result<T, Failed> {
        let source = Arc::clone(&self.source);
        let called = tokio::task::spawn_blocking(move || call(&*source));
        called.await.map_err(|_| Failed)
    }

    /// Measures, and sends, whenever there are viewers. Never ends.
    pub(crate) async fn run(&self) {
        loop {
            self.viewed().await;
            let letters = Arc::new(LetterQueue::default());
            let _counting = self.source.watch();
            let _subscribed = self.source.subscribe(Arc::clone(&letters));
            self.set_watched(true).await;
            tokio::select! {
                () = self.send_overviews() => {}
                () = self.send_letters(&letters) => {}
            }
            self.set_watched(false).await;
        }
    }

    async fn set_watched(&self, watched: bool) {
        self.state.lock().watched = watched;
        // It says the opposite.
        *self.last.lock().await = None;
    }

    fn has_viewers(&self) -> bool {
        !self.state.lock().viewers.is_empty()
    }

    /// Waits for a viewer, unless there is one.
    async fn viewed(&self) {
        while !self.has_viewers() {
            self.came.notified().await;
        }
    }

    /// Returns some time after the last viewer has left.
    async fn send_overviews(&self) {
        let mut age = Duration::ZERO;
        loop {
            if tokio::time::timeout(self.linger, self.viewed())
                .await
                .is_err()
            {
                return;
            }
            let began = Instant::now();
            if let Ok(bytes) = self.overview_of(age).await {
                self.send(&event("overview", &bytes));
            }
            // A viewer that comes has its first figures at once.
            let next = tokio::time::sleep_until((began + self.interval).into());
            age = tokio::select! {
                () = next => Duration::ZERO,
                () = self.came.notified() => FRESH,
            };
        }
    }

    async fn send_letters(&self, letters: &LetterQueue) {
        loop {
            let (events, again) = letters.take(Instant::now());
            let mut text = Vec::new();
            for letter in events {
                if let Ok(json) = serde_json::to_vec(&letter) {
                    text.extend_from_slice(&event("dead_letter", &json));
                }
            }
            if !text.is_empty() {
                self.send(&Bytes::from(text));
                tokio::time::sleep(TOGETHER).await;
            }
            letters.wait(again).await;
        }
    }

    fn send(&self, bytes: &Bytes) {
        for viewer in self.state.lock().viewers.values() {
            // One that is too far behind misses this event.
            let _ = viewer.try_send(bytes.clone());
        }
    }
}

/// The source has panicked, or its figures are no JSON: neither is expected.
#[derive(Debug)]
pub(crate) struct Failed;

fn event(name: &str, json: &[u8]) -> Bytes {
    [b"event: ", name.as_bytes(), b"\ndata: ", json, b"\n\n"]
        .concat()
        .into()
}

/// One who watches, until it is dropped.
pub(crate) struct Viewer {
    hub: Arc<Hub>,
    number: u64,
    pub(crate) events: mpsc::Receiver<Bytes>,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.hub.state.lock().viewers.remove(&self.number);
    }
}
