//! Server-sent events, read from a stream.

use std::io::{self, BufRead, Read as _};

/// More than any overview takes. A stream that sends a longer line is none of the service.
const LONGEST_LINE: u64 = 64 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: String,
}

/// The events of a stream.
pub(crate) struct Events<R> {
    stream: R,
}

impl<R: BufRead> Events<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self { stream }
    }

    /// Waits for the next event. Returns `None` at the end of the stream; an event that was not complete is left
    /// out.
    ///
    /// # Errors
    /// If the stream breaks, has a line that is too long, or is no UTF-8.
    pub(crate) fn next(&mut self) -> io::Result<Option<Event>> {
        let (mut name, mut data) = (String::new(), None::<String>);
        while let Some(line) = self.line()? {
            if line.is_empty() {
                if let Some(data) = data.take() {
                    return Ok(Some(Event { name, data }));
                }
                name.clear();
                continue;
            }
            // A line without a field is a comment, which keeps the connection open.
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut name),
                "data" => match &mut data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    None => data = Some(value.to_owned()),
                },
                _ => {}
            }
        }
        Ok(None)
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        self.stream
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)?;
        if line.pop_if(|last| *last == b'\n').is_none() {
            let too_long = line.len() as u64 == LONGEST_LINE;
            return if too_long {
                Err(io::Error::other("a line is too long"))
            } else {
                Ok(None)
            };
        }
        line.pop_if(|last| *last == b'\r');
        String::from_utf8(line).map(Some).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(stream: &[u8]) -> Vec<(String, String)> {
        let mut events = Events::new(stream);
        let next = || events.next().unwrap().map(|event| (event.name, event.data));
        std::iter::from_fn(next).collect()
    }

    fn event(name: &str, data: &str) -> (String, String) {
        (name.to_owned(), data.to_owned())
    }

    #[test]
    fn events_have_names_and_data() {
        let stream = b": hello\n\nevent: overview\ndata: {\"a\":1}\n\nid: 3\r\nevent:dead_letter\r\ndata:x\r\n\r\ndata: y\n\n";
        assert_eq!(
            all(stream),
            [
                event("overview", "{\"a\":1}"),
                event("dead_letter", "x"),
                event("", "y")
            ]
        );
    }

    #[test]
    fn lines_of_data_are_joined_and_a_name_belongs_to_one_event() {
        let stream = b"event: lost\n\ndata: a\ndata\ndata: b\n\nevent: half\ndata: c\n";
        assert_eq!(all(stream), [event("", "a\n\nb")]);
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error() {
        assert!(Events::new(&b"data: \xff\n\n"[..]).next().is_err());
    }
}
