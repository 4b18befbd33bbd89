//! A client that says exactly what a test wants it to say.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::fake::PATIENCE;

pub(super) struct Response {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Response {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value)
    }

    pub(super) fn json(&self) -> Value {
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{}",
            self.body
        );
        serde_json::from_str(&self.body).expect("it is JSON")
    }

    /// Checks that this is an error in the form that all have, and returns its text.
    pub(super) fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        let json = self.json();
        let keys: Vec<_> = json.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["error", "help"]);
        assert!(!json["help"].as_str().expect("a text").is_empty());
        json["error"].as_str().expect("a text").to_owned()
    }
}

/// Sends a request with exactly these headers, and reads to the end.
pub(super) fn raw(at: SocketAddr, request: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut stream = TcpStream::connect(at).expect("the service listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut text = format!("{request} HTTP/1.1\r\nConnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("an answer in time");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Response {
        status: status.expect("a status"),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

pub(super) fn get(at: SocketAddr, path: &str) -> Response {
    raw(at, &format!("GET {path}"), &[("Host", "localhost")], "")
}

pub(super) fn post(at: SocketAddr, path: &str, body: &str) -> Response {
    let headers = [("Host", "localhost"), ("Content-Type", "application/json")];
    raw(at, &format!("POST {path}"), &headers, body)
}

/// Someone who watches.
pub(super) struct Watching(BufReader<TcpStream>);

impl Watching {
    pub(super) fn begin(at: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(at).expect("the service listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
            .write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(stream.read_line(&mut head).expect("a head in time"), 0);
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        Self(stream)
    }

    /// Returns the data of the next event of that name.
    pub(super) fn next(&mut self, name: &str) -> Value {
        loop {
            if self.line() == format!("event: {name}") {
                let data = self.line();
                let data = data.strip_prefix("data: ").expect("data");
                return serde_json::from_str(data).expect("it is JSON");
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(
            self.0.read_line(&mut line).expect("events in time"),
            0,
            "the stream has ended"
        );
        line.trim_end().to_owned()
    }
}
