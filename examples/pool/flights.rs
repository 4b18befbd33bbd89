//! Reads flights from a CSV file, and reports what is wrong with each bad line.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// What the first line must be.
pub(crate) const HEADER: &str = "date,delay,distance,origin,destination";

/// Bad lines that are stored to be shown; the others are only counted.
pub(crate) const SHOWN_BAD_LINES: usize = 5;

/// The range of a delay in minutes: no flight comes a day early, or two days late. The bounds limit the
/// size of an airport's histogram.
pub(crate) const EARLIEST: i32 = -1_440;
pub(crate) const LATEST: i32 = 2_880;

/// Half the way round the Earth, in miles: no flight is longer.
const FARTHEST: u32 = 12_450;

/// An airport's code of three letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Code([u8; 3]);

impl Code {
    fn parse(field: &'static str, text: &str) -> Result<Self, Fault> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(Fault::Code(field, shown(text))),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.0).expect("a code consists of ASCII letters"))
    }
}

/// What both airports of a flight are told: small, so that millions are cheap to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flight {
    /// Minutes late at the destination; negative if it was early.
    pub(crate) delay: i32,
    /// Miles.
    pub(crate) distance: u32,
}

/// A valid line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) flight: Flight,
    pub(crate) origin: Code,
    pub(crate) destination: Code,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the line is not UTF-8 text")]
    NotText,
    #[error("5 fields belong here ({HEADER}), not {0}")]
    Fields(usize),
    #[error("date {0} is not of the form 2001/12/31 23:59")]
    Date(String),
    #[error("delay {0} is not a whole number of minutes")]
    Delay(String),
    #[error("a delay of {0} minutes is not between {EARLIEST} and {LATEST}")]
    DelayRange(i32),
    #[error("distance {0} is not a whole number of miles")]
    Distance(String),
    #[error("a distance of {0} miles is not between 1 and {FARTHEST}")]
    DistanceRange(u32),
    #[error("{0} {1} is not an airport code of three capital letters")]
    Code(&'static str, String),
}

/// A line that is no flight.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub(crate) struct BadLine {
    /// Counted from 1, as editors do.
    pub(crate) line: usize,
    pub(crate) fault: Fault,
}

/// The content of a file.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    pub(crate) records: Vec<Record>,
    /// The first few bad lines.
    pub(crate) bad: Vec<BadLine>,
    /// How many bad lines there are.
    pub(crate) bad_count: usize,
}

/// Why a file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("cannot open {}: {error}", path.display())]
    Open { path: PathBuf, error: io::Error },
    #[error("{}, line {line}: cannot be read: {error}", path.display())]
    Read {
        path: PathBuf,
        line: usize,
        error: io::Error,
    },
    #[error("{}, line 1: the header {HEADER} belongs here, not {found}", path.display())]
    Header { path: PathBuf, found: String },
}

/// Reads a file of flights.
///
/// # Errors
///
/// [`LoadError`] if there is nothing to work with; single bad lines are no error.
pub(crate) fn load(path: &Path) -> Result<Flights, LoadError> {
    let file = File::open(path).map_err(|error| LoadError::Open {
        path: path.to_owned(),
        error,
    })?;
    parse(BufReader::new(file), path)
}

/// Reads flights from anything that has lines; `path` is its name in errors.
///
/// # Errors
///
/// Those of [`load`].
pub(crate) fn parse(mut source: impl BufRead, path: &Path) -> Result<Flights, LoadError> {
    let mut flights = Flights::default();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let read = source.read_until(b'\n', &mut bytes);
        let read = read.map_err(|error| LoadError::Read {
            path: path.to_owned(),
            line,
            error,
        })?;
        // Bytes, not `lines()`: a line that is not text must cost that line only.
        let bytes = bytes.trim_ascii_end();
        if line == 1 {
            check_header(bytes, path)?;
        } else if read == 0 {
            break;
        } else if !bytes.is_empty() {
            flights.take_in(line, bytes);
        }
    }
    Ok(flights)
}

fn check_header(bytes: &[u8], path: &Path) -> Result<(), LoadError> {
    if bytes == HEADER.as_bytes() {
        return Ok(());
    }
    Err(LoadError::Header {
        path: path.to_owned(),
        found: match bytes {
            [] => "nothing".to_owned(),
            _ => shown(&String::from_utf8_lossy(bytes)),
        },
    })
}

impl Flights {
    fn take_in(&mut self, line: usize, bytes: &[u8]) {
        match parse_record(bytes) {
            Ok(record) => self.records.push(record),
            Err(fault) => {
                self.bad_count += 1;
                if self.bad.len() < SHOWN_BAD_LINES {
                    self.bad.push(BadLine { line, fault });
                }
            }
        }
    }
}

fn parse_record(bytes: &[u8]) -> Result<Record, Fault> {
    let line = std::str::from_utf8(bytes).map_err(|_| Fault::NotText)?;
    let fields: Vec<&str> = line.split(',').collect();
    let &[date, delay, distance, origin, destination] = fields.as_slice() else {
        return Err(Fault::Fields(fields.len()));
    };
    if !is_date(date) {
        return Err(Fault::Date(shown(date)));
    }
    Ok(Record {
        flight: Flight {
            delay: parse_delay(delay)?,
            distance: parse_distance(distance)?,
        },
        origin: Code::parse("origin", origin)?,
        destination: Code::parse("destination", destination)?,
    })
}

fn parse_delay(text: &str) -> Result<i32, Fault> {
    match text.parse() {
        Ok(delay) if (EARLIEST..=LATEST).contains(&delay) => Ok(delay),
        Ok(delay) => Err(Fault::DelayRange(delay)),
        Err(_) => Err(Fault::Delay(shown(text))),
    }
}

fn parse_distance(text: &str) -> Result<u32, Fault> {
    match text.parse() {
        Ok(distance) if (1..=FARTHEST).contains(&distance) => Ok(distance),
        Ok(distance) => Err(Fault::DistanceRange(distance)),
        Err(_) => Err(Fault::Distance(shown(text))),
    }
}

/// Whether a text is a date and a time, such as 2001/12/31 23:59. The flights are not ordered by it, so the
/// number of days of each month is not checked.
fn is_date(text: &str) -> bool {
    let shape = |(found, form): (u8, &u8)| match form {
        b'0' => found.is_ascii_digit(),
        _ => found == *form,
    };
    let form = b"0000/00/00 00:00";
    let number = |at: usize| text[at..at + 2].parse::<u8>().unwrap_or(u8::MAX);
    text.len() == form.len()
        && text.bytes().zip(form).all(shape)
        && (1..=12).contains(&number(5))
        && (1..=31).contains(&number(8))
        && number(11) < 24
        && number(14) < 60
}

/// Returns a text in quotation marks, cut if it is too long for a message.
fn shown(text: &str) -> String {
    const LONGEST: usize = 48;
    match text.char_indices().nth(LONGEST) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?} and more", &text[..end]),
    }
}
