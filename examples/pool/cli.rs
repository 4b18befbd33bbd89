//! The command line: the options of a run, and their limits.
//!
//! Three options need no crate: one with all that a larger program wants takes as long to compile as
//! everything else here.

use std::ffi::{OsStr, OsString};
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// A run takes a few seconds on two cores with this many rounds.
const DEFAULT_REPEAT: u64 = 5_000;

/// The file that comes with the examples, wherever the program is started.
const DEFAULT_INPUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/flights-20k.csv");

pub(crate) const HELP: &str = "\
Sends real flights through a pool of workers, one actor an airport, and checks what the airports counted
against a plain sequential fold of the same file

Usage: pool [OPTIONS]

Options:
      --workers <N>   Worker threads [default: one for each core]
      --repeat <N>    How often the file's flights are sent [default: 5000]
      --input <FILE>  The flights: a CSV file with the header date,delay,distance,origin,destination
  -h, --help          Print help
";

/// Printed below a mistake.
pub(crate) const USAGE: &str = "\
Usage: pool [--workers <N>] [--repeat <N>] [--input <FILE>]

For more information, try '--help'.";

/// The options of a run.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// One for each core if not given.
    pub(crate) workers: Option<u16>,
    pub(crate) repeat: u64,
    pub(crate) input: PathBuf,
}

/// What the program is to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Run(Options),
    Help,
}

/// Reads the arguments that follow the name of the program.
///
/// # Errors
///
/// Says which argument is wrong, and what belongs there.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut arguments = arguments.into_iter().peekable();
    let [mut workers, mut repeat, mut input] = [None, None, None];
    while let Some(argument) = arguments.next() {
        let (name, attached) = split(&argument);
        let (option, value) = match name.to_str() {
            Some("-h" | "--help") if attached.is_none() => return Ok(Command::Help),
            Some("--workers") => ("--workers <N>", &mut workers),
            Some("--repeat") => ("--repeat <N>", &mut repeat),
            Some("--input") => ("--input <FILE>", &mut input),
            _ => return Err(format!("unexpected argument {argument:?} found")),
        };
        let given = attached.map(OsStr::to_owned);
        let given = given.or_else(|| arguments.next_if(|next| !is_option(next)));
        let given = given.filter(|given| !given.is_empty());
        let Some(given) = given else {
            return Err(format!(
                "a value is required for '{option}' but none was supplied"
            ));
        };
        if value.replace(given).is_some() {
            return Err(format!(
                "the argument '{option}' cannot be used multiple times"
            ));
        }
    }
    let number = |option, text: Option<OsString>, range| {
        let number = text.map(|text| within(option, &text, range));
        number.transpose()
    };
    Ok(Command::Run(Options {
        workers: number("--workers <N>", workers, 1..=1_024)?
            .map(|number| u16::try_from(number).expect("no more than 1024")),
        repeat: number("--repeat <N>", repeat, 1..=1_000_000)?.unwrap_or(DEFAULT_REPEAT),
        input: input.map_or_else(|| DEFAULT_INPUT.into(), PathBuf::from),
    }))
}

/// Splits `--name=value` into its two parts, or returns the whole.
fn split(argument: &OsStr) -> (&OsStr, Option<&OsStr>) {
    let bytes = argument.as_bytes();
    let equals = bytes.iter().position(|&byte| byte == b'=');
    match equals.filter(|_| bytes.starts_with(b"--")) {
        Some(at) => (
            OsStr::from_bytes(&bytes[..at]),
            Some(OsStr::from_bytes(&bytes[at + 1..])),
        ),
        None => (argument, None),
    }
}

/// Whether the argument cannot be the value of an option, as it looks like an option.
fn is_option(argument: &OsStr) -> bool {
    argument.len() > 1 && argument.as_bytes().starts_with(b"-")
}

fn within(option: &str, text: &OsStr, range: RangeInclusive<u64>) -> Result<u64, String> {
    let wrong = |why: String| {
        let text = text.display();
        format!("invalid value '{text}' for '{option}': {why}")
    };
    let parsed = text.to_string_lossy().parse::<u64>();
    let number = parsed.map_err(|error| wrong(error.to_string()))?;
    if range.contains(&number) {
        return Ok(number);
    }
    let (least, most) = range.into_inner();
    Err(wrong(format!("{number} is not in {least}..={most}")))
}
