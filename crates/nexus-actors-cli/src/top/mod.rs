//! `nexus top`: the pool, live.

mod app;
mod columns;
mod details;
mod draw;
mod history;
mod terminal;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{Event, KeyEventKind};

use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::feed::{Feed, News};
use crate::model::{Found, Overview};
use crate::output::colours_are_wanted;
use crate::top::app::{App, Flow, Granted, Wish};
use crate::top::draw::{Palette, draw};
use crate::top::terminal::{Screen, keys};

/// How long a key, or a signal, waits for its effect at most.
const TICK: Duration = Duration::from_millis(50);
/// The actors that a filter shows.
const FILTERED: usize = 200;

/// Shows the pool until the user ends it. Returns the signal that ended it, if one did: the caller is to die of it.
///
/// # Errors
/// If the service cannot be reached at the beginning, or the terminal refuses.
pub(crate) fn top(client: &Arc<Client>) -> Result<Option<i32>, Failure> {
    let start = Instant::now();
    let overview: Overview = client.parse(&client.get("/snapshot", &[])?)?;
    let mut feed = Feed::open(client)?;
    let mut app = App::new(client.address().to_string(), overview, start.elapsed());
    let signals = Signals::catch().map_err(|error| terminal_failure(&error))?;
    let mut screen = Screen::open().map_err(|error| terminal_failure(&error))?;
    let result = run(client, &mut app, &mut feed, &mut screen, &signals, start);
    drop(screen);
    result.map_err(|error| terminal_failure(&error))
}

fn terminal_failure(error: &io::Error) -> Failure {
    let text = format!("the terminal cannot be used: {error}");
    Failure::new(
        Kind::Output,
        text,
        "For one overview as plain text, use `nexus top | cat`.",
    )
}

fn run(
    client: &Arc<Client>,
    app: &mut App,
    feed: &mut Feed,
    screen: &mut Screen,
    signals: &Signals,
    start: Instant,
) -> io::Result<Option<i32>> {
    let palette = Palette::new(colours_are_wanted());
    let mut asker = Asker::start(client);
    let keys = keys();
    let mut page = 1;
    let mut drawn = None;
    loop {
        if let Some(signal) = signals.caught() {
            return Ok(Some(signal));
        }
        // The age of the overview is shown too, by the second.
        let second = Some(start.elapsed().as_secs());
        if drawn != second {
            screen.draw(|frame| page = draw(frame, app, start.elapsed(), palette))?;
            drawn = second;
        }
        match keys.recv_timeout(TICK) {
            Ok(event) => {
                drawn = None;
                if let Event::Key(key) = event?
                    && key.kind != KeyEventKind::Release
                {
                    match app.key(key, page) {
                        Flow::Quit => return Ok(None),
                        Flow::Suspend => screen.suspend()?,
                        Flow::Continue => asker.ask_if_new(app.wish()),
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        while let Some(news) = feed.next(Duration::ZERO) {
            drawn = None;
            match news {
                News::Open => {}
                News::Away(failure) => app.went_away(failure.text),
                News::Event(event) if event.name == "overview" => {
                    match client.parse_text(&event.data) {
                        Ok(overview) => app.overview(overview, start.elapsed()),
                        Err(failure) => app.went_away(failure.text),
                    }
                    asker.ask(app.wish());
                }
                News::Event(_) => {}
            }
        }
        if let Some(granted) = asker.answer() {
            drawn = None;
            app.granted(granted);
            asker.ask_if_new(app.wish());
        }
    }
}

/// Asks the service on a thread of its own, one question at a time, so that keys need not wait.
struct Asker {
    wishes: Sender<Wish>,
    answers: Receiver<Granted>,
    /// The last wish, and whether it has no answer yet.
    last: Wish,
    pending: bool,
}

impl Asker {
    fn start(client: &Arc<Client>) -> Self {
        let ((wishes, asked), (granted, answers)) = (channel(), channel());
        let client = Arc::clone(client);
        thread::spawn(move || {
            for wish in asked {
                if granted.send(grant(&client, wish)).is_err() {
                    return;
                }
            }
        });
        Self {
            wishes,
            answers,
            last: Wish::default(),
            pending: false,
        }
    }

    /// Asks, unless the last question has no answer yet.
    fn ask(&mut self, wish: Wish) {
        if self.pending {
            return;
        }
        self.last = wish;
        if self.last != Wish::default() {
            self.pending = self.wishes.send(self.last.clone()).is_ok();
        }
    }

    /// Asks if the question is another one than the last.
    fn ask_if_new(&mut self, wish: Wish) {
        if wish != self.last {
            self.ask(wish);
        }
    }

    fn answer(&mut self) -> Option<Granted> {
        let granted = self.answers.try_recv().ok()?;
        self.pending = false;
        Some(granted)
    }
}

fn grant(client: &Client, wish: Wish) -> Granted {
    let found = |query: &[(&str, String)]| -> Result<Found, String> {
        let answer = client
            .get("/actors", query)
            .and_then(|json| client.parse(&json));
        answer.map_err(|failure| failure.text)
    };
    let filter = wish.filter.as_ref().map(|(text, order)| {
        let limit = FILTERED.to_string();
        found(&[
            ("matching", text.clone()),
            ("order", order.name().to_owned()),
            ("limit", limit),
        ])
    });
    let details = wish.details.as_ref().map(|path| {
        found(&[
            ("below", path.clone()),
            ("depth", "0".to_owned()),
            ("limit", "1".to_owned()),
        ])
    });
    Granted {
        wish,
        filter,
        details,
    }
}

/// Signals that end the process, after the terminal has been restored.
struct Signals {
    #[cfg(unix)]
    caught: Arc<std::sync::atomic::AtomicUsize>,
}

#[cfg(unix)]
impl Signals {
    fn catch() -> io::Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
        let caught = Arc::default();
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            signal_hook::flag::register_usize(signal, Arc::clone(&caught), signal as usize)?;
        }
        Ok(Self { caught })
    }

    fn caught(&self) -> Option<i32> {
        // The number is all that the signal says.
        let signal = self.caught.load(std::sync::atomic::Ordering::Relaxed);
        i32::try_from(signal).ok().filter(|signal| *signal != 0)
    }
}

#[cfg(not(unix))]
impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self {})
    }

    fn caught(&self) -> Option<i32> {
        None
    }
}
