//! The command line: what a run may be told, and the limits of each option.

use std::path::PathBuf;

use clap::Parser;

/// A run takes a few seconds on two cores with this many rounds.
const DEFAULT_REPEAT: u64 = 5_000;

/// The file that comes with the crate, wherever the example is started.
const DEFAULT_INPUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/flights-20k.csv");

/// Sends real flights through a pool of workers, one actor an airport, and checks what the
/// airports counted against a plain sequential fold of the same file.
#[derive(Debug, Parser)]
#[command(name = "pool")]
pub(crate) struct Options {
    /// Worker threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub(crate) workers: Option<u16>,

    /// How often the file's flights are sent
    #[arg(long, value_name = "N", default_value_t = DEFAULT_REPEAT,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) repeat: u64,

    /// The flights: a CSV file with the header date,delay,distance,origin,destination
    #[arg(long, value_name = "FILE", default_value = DEFAULT_INPUT, hide_default_value = true)]
    pub(crate) input: PathBuf,
}
