//! The standard output: plain text, colours only on a terminal.

use std::io::{self, BufWriter, IsTerminal as _, Write};

use crate::failure::Failure;

/// How a line stands out on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Head,
    Grave,
    Warning,
}

pub(crate) struct Output {
    stream: Box<dyn Write>,
    colours: bool,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self {
            stream: Box::new(BufWriter::new(io::stdout())),
            colours: is_terminal() && colours_are_wanted(),
        }
    }

    /// Writes a line. Its text must hold no control characters of the service.
    ///
    /// # Errors
    /// If the output cannot be written. The reader may have gone.
    pub(crate) fn line(&mut self, style: Style, text: &str) -> Result<(), Failure> {
        let code = match style {
            Style::Plain => "",
            Style::Head => "\x1b[1m",
            Style::Grave => "\x1b[1;31m",
            Style::Warning => "\x1b[33m",
        };
        if self.colours && !code.is_empty() {
            writeln!(self.stream, "{code}{text}\x1b[0m")?;
        } else {
            writeln!(self.stream, "{text}")?;
        }
        Ok(())
    }

    /// Writes a table, its heads in bold.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub(crate) fn table(
        &mut self,
        indent: &str,
        table: &crate::text::Table,
    ) -> Result<(), Failure> {
        for (at, line) in table.lines().enumerate() {
            let style = if at == 0 { Style::Head } else { Style::Plain };
            self.line(style, &format!("{indent}{line}"))?;
        }
        Ok(())
    }

    /// Sends what has been written so far.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.stream.flush()?)
    }
}

/// Writes a note beside the output, which a pipe does not carry.
pub(crate) fn note(text: &str) {
    // Nobody is left to be told of a failure to write this.
    let _ = writeln!(io::stderr(), "nexus: {text}");
}

/// Whether the standard output is a terminal that can do more than print lines.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// Whether the user has not turned colours off (<https://no-color.org>).
pub(crate) fn colours_are_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(colours: bool) -> String {
        let (reader, writer) = io::pipe().unwrap();
        let mut output = Output {
            stream: Box::new(writer),
            colours,
        };
        for style in [Style::Plain, Style::Head, Style::Grave, Style::Warning] {
            output.line(style, "text").unwrap();
        }
        drop(output);
        io::read_to_string(reader).unwrap()
    }

    #[test]
    fn colours_are_for_terminals_only() {
        assert_eq!(written(false), "text\n".repeat(4));
        let coloured = written(true);
        let lines: Vec<&str> = coloured.lines().collect();
        assert_eq!(lines[0], "text");
        assert!(
            lines[1..]
                .iter()
                .all(|line| line.starts_with("\x1b[") && line.ends_with("text\x1b[0m")),
            "{lines:?}"
        );
    }

    #[test]
    fn a_reader_that_has_gone_is_told_from_a_full_disk() {
        use crate::failure::Kind;
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut output = Output {
            stream: Box::new(writer),
            colours: false,
        };
        let closed = output.line(Style::Plain, "text").unwrap_err();
        assert_eq!(
            (closed.kind, closed.exit_code(), closed.message(false)),
            (Kind::ClosedPipe, 0, None)
        );
        let full = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!((full.kind, full.exit_code()), (Kind::Output, 1));
        assert!(full.message(false).unwrap().contains("cannot be written"));
    }
}
