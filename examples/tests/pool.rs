//! How the pool example handles files and options that are wrong.

#[path = "../pool/cli.rs"]
mod cli;
#[path = "../pool/flights.rs"]
mod flights;
#[path = "../pool/numbers.rs"]
mod numbers;

use std::ffi::{OsStr, OsString};
use std::io::{self, BufReader, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::{Command, Options};
use crate::flights::{BadLine, Flight, Flights, HEADER, LoadError, SHOWN_BAD_LINES, load, parse};

const GOOD: &str = "2001/01/01 00:47,66,1750,DTW,LAS";

fn read(text: impl AsRef<[u8]>) -> Result<Flights, LoadError> {
    parse(text.as_ref(), Path::new("some.csv"))
}

fn error(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

/// What is reported of a line between two good ones, as the third of its file.
fn fault(line: impl AsRef<[u8]>) -> String {
    let before = format!("{HEADER}\n{GOOD}\n");
    let text = [before.as_bytes(), line.as_ref(), b"\n", GOOD.as_bytes()].concat();
    let flights = read(text).unwrap();
    assert_eq!(flights.records.len(), 2, "the good lines count");
    assert_eq!(flights.bad_count, 1);
    flights.bad[0].to_string()
}

#[test]
fn a_good_line_is_read_field_by_field() {
    let flights = read(format!("{HEADER}\n{GOOD}\n")).unwrap();
    assert_eq!((flights.bad_count, flights.records.len()), (0, 1));
    let record = flights.records[0];
    let (delay, distance) = (66, 1750);
    assert_eq!(record.flight, Flight { delay, distance });
    assert_eq!(record.origin.to_string(), "DTW");
    assert_eq!(record.destination.to_string(), "LAS");
}

#[test]
fn line_ends_and_blank_lines_make_no_difference() {
    let early = "2001/12/31 23:59,-59,30,ORD,MKE";
    for text in [
        format!("{HEADER}\n{early}"),
        format!("{HEADER}\r\n{early}\r\n"),
        format!("{HEADER}\n\n{early}\n\n"),
    ] {
        let flights = read(&text).unwrap();
        assert_eq!(flights.bad, Vec::<BadLine>::new(), "{text:?}");
        assert_eq!(flights.records[0].flight.delay, -59, "{text:?}");
    }
}

#[test]
fn each_kind_of_bad_line_is_named_with_its_number() {
    let form = "is not of the form 2001/12/31 23:59";
    let code = "is not an airport code of three capital letters";
    let fields = "5 fields belong here (date,delay,distance,origin,destination), not";
    for (line, wrong) in [
        ("2001/01/01 00:47,66,1750,DTW", format!("{fields} 4")),
        ("2001/01/01 00:47,66,1750,DTW,LAS,x", format!("{fields} 6")),
        (
            "yesterday,66,1750,DTW,LAS",
            format!("date \"yesterday\" {form}"),
        ),
        (
            "2001/13/01 00:47,66,1750,DTW,LAS",
            format!("date \"2001/13/01 00:47\" {form}"),
        ),
        (
            "2001/01/00 00:47,66,1750,DTW,LAS",
            format!("date \"2001/01/00 00:47\" {form}"),
        ),
        (
            "2001/01/01 24:00,66,1750,DTW,LAS",
            format!("date \"2001/01/01 24:00\" {form}"),
        ),
        (
            "2001/01/01 00:60,66,1750,DTW,LAS",
            format!("date \"2001/01/01 00:60\" {form}"),
        ),
        (
            "2001/01/01 0é:4,66,1750,DTW,LAS",
            format!("date \"2001/01/01 0é:4\" {form}"),
        ),
        (
            "2001/01/01 00:47,late,1750,DTW,LAS",
            "delay \"late\" is not a whole number of minutes".to_owned(),
        ),
        (
            "2001/01/01 00:47,-1441,1750,DTW,LAS",
            "a delay of -1441 minutes is not between -1440 and 2880".to_owned(),
        ),
        (
            "2001/01/01 00:47,66,-1,DTW,LAS",
            "distance \"-1\" is not a whole number of miles".to_owned(),
        ),
        (
            "2001/01/01 00:47,66,0,DTW,LAS",
            "a distance of 0 miles is not between 1 and 12450".to_owned(),
        ),
        (
            "2001/01/01 00:47,66,1750,DT,LAS",
            format!("origin \"DT\" {code}"),
        ),
        (
            "2001/01/01 00:47,66,1750,DTW,las",
            format!("destination \"las\" {code}"),
        ),
    ] {
        assert_eq!(fault(line), format!("line 3: {wrong}"));
    }
}

#[test]
fn a_line_that_is_not_text_costs_that_line_only() {
    assert_eq!(fault(b"\xff\xfe,1,2"), "line 3: the line is not UTF-8 text");
}

#[test]
fn the_limits_of_a_delay_are_good_delays() {
    for delay in [flights::EARLIEST, flights::LATEST] {
        let line = format!("2001/01/01 00:47,{delay},1750,DTW,LAS");
        let flights = read(format!("{HEADER}\n{line}\n")).unwrap();
        assert_eq!(flights.records[0].flight.delay, delay);
    }
}

#[test]
fn a_field_of_any_length_makes_a_short_message() {
    let line = format!("2001/01/01 00:47,66,1750,{},LAS", "é".repeat(10_000));
    assert!(fault(line).len() < 200);
}

#[test]
fn all_bad_lines_are_counted_and_the_first_are_kept() {
    let text = format!("{HEADER}\n{}", "bad\n".repeat(100));
    let flights = read(text).unwrap();
    assert_eq!((flights.records.len(), flights.bad_count), (0, 100));
    let lines: Vec<usize> = flights.bad.iter().map(|bad| bad.line).collect();
    assert_eq!(lines, (2..2 + SHOWN_BAD_LINES).collect::<Vec<_>>());
}

#[test]
fn another_header_is_an_error_since_the_columns_may_be_others() {
    let belongs = format!("some.csv, line 1: the header {HEADER} belongs here, not");
    assert_eq!(error(""), format!("{belongs} nothing"));
    assert_eq!(error("a,b\n"), format!("{belongs} \"a,b\""));
    assert!(error(&format!("{GOOD}\n")).starts_with(&belongs));
}

#[test]
fn a_missing_file_is_named() {
    let error = load(Path::new("no/such/file.csv")).unwrap_err();
    assert!(matches!(error, LoadError::Open { .. }));
    assert!(
        error
            .to_string()
            .starts_with("cannot open no/such/file.csv: No such file")
    );
}

#[test]
fn a_file_that_breaks_off_is_named_with_the_line() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let text = format!("{HEADER}\n{GOOD}\n");
    let source = BufReader::new(text.as_bytes().chain(Broken));
    let error = parse(source, Path::new("some.csv")).unwrap_err();
    let expected = "some.csv, line 3: cannot be read: the disk is gone";
    assert_eq!(error.to_string(), expected);
}

/// The options of a run with these arguments.
fn options(arguments: &[&str]) -> Result<Options, String> {
    match cli::parse(arguments.iter().map(OsString::from))? {
        Command::Run(options) => Ok(options),
        Command::Help => panic!("no run"),
    }
}

#[test]
fn the_file_that_comes_with_the_crate_is_the_default_and_all_good() {
    let options = options(&[]).unwrap();
    assert_eq!(options.workers, None, "one for each core");
    let flights = load(&options.input).unwrap();
    assert_eq!((flights.records.len(), flights.bad_count), (20_000, 0));
}

#[test]
fn impossible_options_are_refused_with_what_is_possible() {
    for (option, value, range) in [
        ("--workers", "0", "0 is not in 1..=1024"),
        ("--workers", "1025", "1025 is not in 1..=1024"),
        ("--repeat", "0", "0 is not in 1..=1000000"),
        ("--repeat", "many", "invalid digit found in string"),
    ] {
        let error = format!("invalid value '{value}' for '{option} <N>': {range}");
        assert_eq!(options(&[option, value]), Err(error.clone()));
        assert_eq!(options(&[&format!("{option}={value}")]), Err(error));
    }
    let least = options(&["--workers", "1", "--repeat", "1"]).unwrap();
    assert_eq!((least.workers, least.repeat), (Some(1), 1));
}

#[test]
fn what_is_no_option_is_named_and_so_is_one_without_its_value_or_given_twice() {
    for wrong in ["--worker", "--workers:3", "-w", "3", "--help=x", ""] {
        let error = format!("unexpected argument {wrong:?} found");
        assert_eq!(options(&["--repeat", "1", wrong]), Err(error));
    }
    for (name, value) in [
        ("--workers", "<N>"),
        ("--repeat", "<N>"),
        ("--input", "<FILE>"),
    ] {
        let none = format!("a value is required for '{name} {value}' but none was supplied");
        for wrong in [&[name][..], &[name, "--help"], &[&format!("{name}=")]] {
            assert_eq!(options(wrong), Err(none.clone()), "{wrong:?}");
        }
        let twice = format!("the argument '{name} {value}' cannot be used multiple times");
        assert_eq!(options(&[name, "1", &format!("{name}=1")]), Err(twice));
    }
}

#[test]
fn a_file_of_any_name_is_taken_and_help_is_given_before_a_run() {
    let name = OsStr::from_bytes(b"a=\xff.csv");
    let attached = [b"--input=", name.as_bytes()].concat();
    for arguments in [
        vec!["--input".into(), name.to_owned()],
        vec![OsString::from_vec(attached)],
    ] {
        let Ok(Command::Run(options)) = cli::parse(arguments) else {
            panic!("no run")
        };
        assert_eq!(options.input, PathBuf::from(name));
    }
    for help in ["-h", "--help"] {
        let command = cli::parse(["--repeat", "1", help].map(OsString::from));
        assert_eq!(command, Ok(Command::Help));
    }
    for option in ["--workers <N>", "--repeat <N>", "--input <FILE>", "--help"] {
        assert!(cli::HELP.contains(option), "{option} is not explained");
        assert!(cli::USAGE.contains(option), "{option} is not mentioned");
    }
}

#[test]
fn the_progress_says_how_much_is_done_and_how_long_the_rest_takes() {
    let line = |done| numbers::progress(done, 100_000, Duration::from_secs(1));
    assert_eq!(
        line(25_000),
        "[####............]  25%  25,000 of 100,000 flights, 3 s left"
    );
    assert_eq!(
        line(100_000),
        "[################] 100%  100,000 of 100,000 flights, 0 s left"
    );
    let long = 20_000 * 1_000_000;
    let widest = numbers::progress(long, long, Duration::ZERO);
    assert!(widest.len() < 80, "{widest}");
}
