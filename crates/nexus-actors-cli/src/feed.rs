//! The events of a service that may go away and come back.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Client, EventStream};
use crate::events::Event;
use crate::failure::{Failure, Kind};

/// A stream that says nothing for so long is opened anew: the other end of the connection may be gone without
/// having closed it. The service sends an overview at each of its intervals.
const SILENCE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(crate) enum News {
    /// The stream is open, again or for the first time.
    Open,
    Event(Event),
    /// The stream has ended, or could not be opened. The next attempt comes after a pause.
    Away(Failure),
}

pub(crate) struct Feed {
    client: Arc<Client>,
    news: Receiver<News>,
    heard: Instant,
}

impl Feed {
    /// Opens the stream. Later, it is opened anew whenever it ends.
    ///
    /// # Errors
    /// If it cannot be opened this time.
    pub(crate) fn open(client: &Arc<Client>) -> Result<Self, Failure> {
        let stream = client.events()?;
        Ok(Self {
            client: Arc::clone(client),
            news: start(client, Some(stream)),
            heard: Instant::now(),
        })
    }

    /// Returns the next news, if any comes within that time.
    pub(crate) fn next(&mut self, within: Duration) -> Option<News> {
        match self.news.recv_timeout(within) {
            Ok(news) => {
                self.heard = Instant::now();
                Some(news)
            }
            Err(RecvTimeoutError::Timeout) if self.heard.elapsed() < SILENCE => None,
            Err(_) => {
                // The old thread may be within a read that never ends. It ends when it next has news.
                self.news = start(&self.client, None);
                self.heard = Instant::now();
                let text = format!(
                    "{}: no word for {} s",
                    self.client.address(),
                    SILENCE.as_secs()
                );
                Some(News::Away(Failure::new(Kind::Unreachable, text, "")))
            }
        }
    }
}

fn start(client: &Arc<Client>, stream: Option<EventStream>) -> Receiver<News> {
    // Bounded, so that a terminal that is slow slows the stream down instead of filling the memory.
    let (sender, news) = sync_channel(64);
    let client = Arc::clone(client);
    thread::spawn(move || read(&client, stream, &sender));
    news
}

/// Reads until nobody listens any more.
fn read(client: &Client, mut stream: Option<EventStream>, news: &SyncSender<News>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let away = match stream.take().map_or_else(|| client.events(), Ok) {
            Ok(mut stream) => {
                if news.send(News::Open).is_err() {
                    return;
                }
                loop {
                    match stream.next(client) {
                        Ok(event) => {
                            pause = FIRST_PAUSE;
                            if news.send(News::Event(event)).is_err() {
                                return;
                            }
                        }
                        Err(ended) => break ended,
                    }
                }
            }
            Err(failure) => failure,
        };
        if news.send(News::Away(away)).is_err() {
            return;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::server::{Answer, Server};

    fn client(server: &Server) -> Arc<Client> {
        Arc::new(Client::new(server.address().parse().unwrap(), None))
    }

    /// Far longer than a reconnect takes.
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_service_that_goes_away_is_found_again() {
        let events = |name: &str| {
            Answer::Events(Box::new(std::iter::once(format!(
                "event: {name}\ndata: x\n\n"
            ))))
        };
        let down = || Answer::Json(503, r#"{"error":"not yet"}"#.to_owned());
        let answers = Mutex::new(vec![
            events("second"),
            down(),
            Answer::Nothing,
            events("first"),
        ]);
        let server =
            Server::start(move |_| answers.lock().unwrap().pop().unwrap_or(Answer::Nothing));
        let mut feed = Feed::open(&client(&server)).unwrap();
        let news = (0..7).map(|_| match feed.next(LONG).unwrap() {
            News::Open => "open".to_owned(),
            News::Event(event) => event.name,
            News::Away(failure) => failure.text.replace(&server.address(), "HERE"),
        });
        let expected = [
            "open",
            "first",
            "HERE: the service has ended the stream of events",
            "HERE closed the connection in the middle of its answer",
            "not yet",
            "open",
            "second",
        ];
        assert_eq!(news.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_feed_that_cannot_be_opened_is_an_error_at_once() {
        let server = Server::start(|_| Answer::Json(401, r#"{"error":"no token"}"#.to_owned()));
        assert_eq!(
            Feed::open(&client(&server)).err().unwrap().kind,
            Kind::Refused
        );
        let server = Server::start(|_| Answer::Json(200, "{}".to_owned()));
        assert_eq!(
            Feed::open(&client(&server)).err().unwrap().kind,
            Kind::Unreachable
        );
    }

    #[test]
    fn no_news_is_no_event() {
        let (_say, said) = std::sync::mpsc::channel();
        let said = Mutex::new(Some(said));
        let server = Server::start(move |_| match said.lock().unwrap().take() {
            Some(said) => Answer::Events(Box::new(said.into_iter())),
            None => Answer::Nothing,
        });
        let mut feed = Feed::open(&client(&server)).unwrap();
        assert!(matches!(feed.next(LONG), Some(News::Open)));
        assert!(feed.next(Duration::ZERO).is_none());
    }
}
