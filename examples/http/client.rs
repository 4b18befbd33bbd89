//! A minimal HTTP client: one request per connection, over a plain socket.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Sends a request, and returns the status and the text of the response.
pub(crate) fn request(server: SocketAddr, method: &str, path: &str) -> io::Result<(u16, String)> {
    receive(send(server, method, path)?)
}

/// Sends a request.
pub(crate) fn send(server: SocketAddr, method: &str, path: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server)?;
    let request = format!("{method} {path} HTTP/1.1\r\nHost: bank\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

/// Receives the response.
pub(crate) fn receive(mut stream: TcpStream) -> io::Result<(u16, String)> {
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let parsed = response.split_once("\r\n\r\n").and_then(|(head, body)| {
        let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?;
        Some((status.parse().ok()?, body.to_owned()))
    });
    parsed.ok_or_else(|| io::Error::other(format!("no response: {response:?}")))
}
