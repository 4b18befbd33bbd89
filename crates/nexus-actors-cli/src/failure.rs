//! Why a command could not be done, what to do about it, and the exit code that says so to scripts.

use std::io;

use crate::text::escape;

/// What kind of failure it is. Each has an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The service refused, or has no such actor.
    Refused,
    /// No inspector answers, or its answer broke off.
    Unreachable,
    /// The output could not be written.
    Output,
    /// The reader of the output has gone, as `head` does. That is no mistake of anybody.
    ClosedPipe,
}

/// A command that could not be done. The texts hold no control characters.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// What happened.
    pub(crate) text: String,
    /// What to do. Empty if there is nothing to say.
    pub(crate) help: String,
}

impl Failure {
    pub(crate) fn new(kind: Kind, text: impl AsRef<str>, help: impl AsRef<str>) -> Self {
        Self {
            kind,
            text: escape(text.as_ref()),
            help: escape(help.as_ref()),
        }
    }

    /// The exit code of the process. 2 is that of a command line that makes no sense, which clap finds.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::ClosedPipe => 0,
            Kind::Refused | Kind::Output => 1,
            Kind::Unreachable => 3,
        }
    }

    /// Returns what is written to the standard error: two lines of text, or a line of JSON as the service writes
    /// its errors. Nothing if nobody is to be told.
    pub(crate) fn message(&self, json: bool) -> Option<String> {
        if self.kind == Kind::ClosedPipe {
            return None;
        }
        if json {
            return Some(serde_json::json!({ "error": self.text, "help": self.help }).to_string());
        }
        let help = if self.help.is_empty() {
            String::new()
        } else {
            format!("\n  {}", self.help)
        };
        Some(format!("nexus: {}{help}", self.text))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let kind = if error.kind() == io::ErrorKind::BrokenPipe {
            Kind::ClosedPipe
        } else {
            Kind::Output
        };
        Self::new(
            kind,
            format!("the output cannot be written: {error}"),
            "Is there room on its disk?",
        )
    }
}
