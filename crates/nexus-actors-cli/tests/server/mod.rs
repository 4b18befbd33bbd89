//! A small HTTP server that answers as a test tells it to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method and the target: `GET /snapshot`.
    pub line: String,
    pub headers: Vec<String>,
    pub body: String,
}

impl Request {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let of_name = |header: &&String| {
            header
                .split_once(':')
                .is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
        };
        self.headers
            .iter()
            .find(of_name)?
            .split_once(':')
            .map(|(_, value)| value.trim())
    }
}

/// What is sent, before the connection is closed.
pub enum Answer {
    Json(u16, String),
    /// Something that is no inspector's.
    Html(u16, String),
    /// Claims a byte more than it sends.
    Half(String),
    /// No byte at all.
    Nothing,
    /// An event stream: texts that are sent as they come. At the end, the stream ends.
    Events(Box<dyn Iterator<Item = String> + Send>),
}

pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    accepting: Option<JoinHandle<()>>,
    ended: Arc<Mutex<bool>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let ended = Arc::<Mutex<bool>>::default();
        let (heard, over, answer) = (Arc::clone(&requests), Arc::clone(&ended), Arc::new(answer));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if *over.lock().unwrap() {
                    return;
                }
                let (heard, answer) = (Arc::clone(&heard), Arc::clone(&answer));
                thread::spawn(move || serve(stream.unwrap(), &heard, &*answer));
            }
        });
        Self {
            address,
            requests,
            accepting: Some(accepting),
            ended,
        }
    }

    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        *self.ended.lock().unwrap() = true;
        // Wakes the thread, so that it sees the end.
        let _ = TcpStream::connect(self.address);
        let _ = self.accepting.take().map(JoinHandle::join);
    }
}

fn serve(mut stream: TcpStream, heard: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request) -> Answer) {
    let Some(request) = read(&stream) else { return };
    heard.lock().unwrap().push(request.clone());
    let with_length = |status: u16, kind: &str, length: usize, body: &str| {
        format!(
            "HTTP/1.1 {status} Status\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    };
    // A client that has gone needs no answer.
    let _ = match answer(&request) {
        Answer::Json(status, body) => {
            stream.write_all(with_length(status, "application/json", body.len(), &body).as_bytes())
        }
        Answer::Html(status, body) => {
            stream.write_all(with_length(status, "text/html", body.len(), &body).as_bytes())
        }
        Answer::Half(body) => {
            stream.write_all(with_length(200, "application/json", body.len() + 1, &body).as_bytes())
        }
        Answer::Nothing => Ok(()),
        Answer::Events(events) => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            let _ = stream.write_all(head.as_bytes());
            for event in events {
                let _ = stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes());
            }
            stream.write_all(b"0\r\n\r\n")
        }
    };
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let first = lines.remove(0);
    let line = first.strip_suffix(" HTTP/1.1").unwrap_or(&first).to_owned();
    let mut request = Request {
        line,
        headers: lines,
        body: String::new(),
    };
    let length = request
        .header("Content-Length")
        .map_or(0, |length| length.parse().unwrap());
    reader.take(length).read_to_string(&mut request.body).ok()?;
    Some(request)
}
