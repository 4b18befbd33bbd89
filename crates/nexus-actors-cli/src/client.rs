//! Requests to the service.

use std::io::{BufReader, Read};
use std::time::Duration;

use serde::Deserialize;
use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use crate::args::{Address, Token};
use crate::events::{Event, Events};
use crate::failure::{Failure, Kind};
use crate::text::escape_json;

/// Longer than the service waits for its workers.
const PATIENCE: Duration = Duration::from_secs(15);
const PATIENCE_TO_CONNECT: Duration = Duration::from_secs(5);
/// More than a million actors take.
const LONGEST_ANSWER: u64 = 1 << 30;

/// A JSON text of the service.
#[derive(Clone, Debug)]
pub(crate) struct Json(String);

impl Json {
    /// Returns it as it may be printed.
    pub(crate) fn printable(&self) -> String {
        escape_json(self.0.trim_end())
    }
}

/// An error of the service.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    help: String,
}

pub(crate) struct Client {
    agent: Agent,
    address: Address,
    token: Option<Token>,
}

impl Client {
    pub(crate) fn new(address: Address, token: Option<Token>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // The service is on this machine or behind a tunnel. A proxy would look for it on the wrong side.
            .proxy(None)
            .user_agent(concat!("nexus/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(PATIENCE_TO_CONNECT))
            .timeout_recv_response(Some(PATIENCE));
        Self {
            agent: config.build().into(),
            address,
            token: token.filter(|token| !token.secret().is_empty()),
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// # Errors
    /// If the service cannot be reached, refuses, or answers something else than JSON.
    pub(crate) fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Json, Failure> {
        let mut request = self.agent.get(format!("http://{}{path}", self.address));
        for (key, value) in query {
            request = request.query(key, value);
        }
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.secret()));
        }
        let request = request.config().timeout_global(Some(PATIENCE)).build();
        self.json(request.call(), false)
    }

    /// # Errors
    /// As [`Self::get`].
    pub(crate) fn post(&self, path: &str, body: &str) -> Result<Json, Failure> {
        let mut request = self.agent.post(format!("http://{}{path}", self.address));
        request = request.header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.secret()));
        }
        let request = request.config().timeout_global(Some(PATIENCE)).build();
        self.json(request.send(body), true)
    }

    /// Opens the stream of events.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) fn events(&self) -> Result<EventStream, Failure> {
        let mut request = self.agent.get(format!("http://{}/events", self.address));
        request = request.header(header::ACCEPT, "text/event-stream");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.secret()));
        }
        let response = request.call().map_err(|error| self.unreachable(&error))?;
        let kind = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        if response.status() != StatusCode::OK {
            self.json(Ok(response), false)?;
            return Err(self.not_ours("the events are missing"));
        }
        if !kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
            return Err(self.not_ours("the events are no event stream"));
        }
        let body: Box<dyn Read + Send> = Box::new(
            response
                .into_body()
                .into_with_config()
                .limit(u64::MAX)
                .reader(),
        );
        Ok(EventStream(Events::new(BufReader::new(body))))
    }

    /// Reads what an answer, or an event, tells.
    ///
    /// # Errors
    /// If it does not tell that.
    pub(crate) fn parse<'a, T: Deserialize<'a>>(&self, json: &'a Json) -> Result<T, Failure> {
        self.parse_text(&json.0)
    }

    /// As [`Self::parse`].
    pub(crate) fn parse_text<'a, T: Deserialize<'a>>(&self, json: &'a str) -> Result<T, Failure> {
        serde_json::from_str(json)
            .map_err(|error| self.not_ours(&format!("its JSON does not fit ({error})")))
    }

    fn json(
        &self,
        answer: Result<Response<Body>, ureq::Error>,
        control: bool,
    ) -> Result<Json, Failure> {
        let mut response = answer.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let body = response
            .body_mut()
            .with_config()
            .limit(LONGEST_ANSWER)
            .read_to_vec();
        let body = body.map_err(|error| self.unreachable(&error))?;
        let body = String::from_utf8(body)
            .map_err(|_| self.not_ours("it answered something else than text"))?;
        if status == StatusCode::OK {
            self.parse_text::<serde::de::IgnoredAny>(&body)?;
            return Ok(Json(body));
        }
        match serde_json::from_str::<Refusal>(&body) {
            Ok(refusal) => Err(Failure::new(
                Kind::Refused,
                refusal.error,
                help(status, control, refusal.help),
            )),
            Err(_) => Err(self.not_ours(&format!("it answered with the status {status}"))),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let address = &self.address;
        let (text, help) = match error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => (
                format!(
                    "{address} cannot be reached in {} s",
                    PATIENCE_TO_CONNECT.as_secs()
                ),
                "Is the host right? From another machine the inspector is reached through a tunnel, such as `ssh -L`.",
            ),
            ureq::Error::Timeout(_) => (
                format!("{address} did not answer within {} s", PATIENCE.as_secs()),
                "Its process may be stopped or overloaded: try again, or look at the process.",
            ),
            ureq::Error::HostNotFound => (
                format!("{address} cannot be reached: there is no such host"),
                "Give the inspector's address with --address or NEXUS_ADDRESS.",
            ),
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => (
                format!("{address} closed the connection in the middle of its answer"),
                "Its process may have ended: try again.",
            ),
            ureq::Error::Io(error) => (
                format!("{address} cannot be reached: {error}"),
                "Does the program run, with an inspector? Give its address with --address or NEXUS_ADDRESS.",
            ),
            error => (
                format!("{address} does not answer as an inspector: {error}"),
                "Give the inspector's address with --address or NEXUS_ADDRESS.",
            ),
        };
        Failure::new(Kind::Unreachable, text, help)
    }

    fn ended(&self, what: &str) -> Failure {
        Failure::new(Kind::Unreachable, format!("{}: {what}", self.address), "")
    }

    fn not_ours(&self, what: &str) -> Failure {
        Failure::new(
            Kind::Unreachable,
            format!(
                "{} does not answer as an inspector of this version: {what}",
                self.address
            ),
            "Give the inspector's address with --address or NEXUS_ADDRESS, and use a `nexus` of its version.",
        )
    }
}

/// What to do about a refusal: what the service says, or how this program does it.
fn help(status: StatusCode, control: bool, help: String) -> String {
    match status {
        StatusCode::UNAUTHORIZED => {
            let ours = "Give the token of the inspector with NEXUS_TOKEN or --token.";
            if help.is_empty() {
                ours.to_owned()
            } else {
                format!("{help} {ours}")
            }
        }
        StatusCode::FORBIDDEN if control && help.is_empty() => {
            "The program must allow control: `allow_control(true)` of its inspector.".to_owned()
        }
        StatusCode::NOT_FOUND if control && help.is_empty() => {
            "List the actors with `nexus tree`.".to_owned()
        }
        _ => help,
    }
}

/// The events of a service.
pub(crate) struct EventStream(Events<BufReader<Box<dyn Read + Send>>>);

impl EventStream {
    /// Waits for the next event.
    ///
    /// # Errors
    /// If the stream has ended, in whichever way.
    pub(crate) fn next(&mut self, client: &Client) -> Result<Event, Failure> {
        match self.0.next() {
            Ok(Some(event)) => Ok(event),
            Ok(None) => Err(client.ended("the service has ended the stream of events")),
            Err(error) => Err(client.ended(&format!("the stream of events broke: {error}"))),
        }
    }
}
