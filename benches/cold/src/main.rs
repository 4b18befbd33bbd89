//! Measures the runtime cold: each figure in a process of its own, beside its yardsticks.
//!
//! A process that has run for a while has its memory mapped, its pages touched, its caches and branch
//! predictors warmed up, and says little about the first million messages. So this program starts itself
//! anew for each measurement: one workload, once, by one contender. Contenders and workloads take turns
//! in an order that is shuffled in every round, so that an hour in which the machine is slow is slow for
//! all. The ratio of ours to another contender is computed within each round; the reported ratio is the
//! median of these.
//!
//! ```text
//! cargo cold                      # everything, seven times
//! cargo cold --only burst         # workloads with "burst" in their names
//! cargo cold --quick              # everything once, in small sizes: a check that it works
//! cargo cold --also before=PATH   # beside an earlier build of this program
//! cargo cold soak --minutes 30    # one process that works for that long: whether it grows
//! ```

mod moment;
mod outcome;
mod random;
mod rounds;
mod soak;
mod stakker;
mod system;
mod table;
mod workloads;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Measures nexus-actors beside its yardsticks, each figure in a process of its own.
#[derive(Parser, Debug)]
#[command(name = "nexus-cold")]
struct Options {
    /// How often each contender runs each workload.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only rows with this in the name of the workload, or of the workload and its size. May be repeated.
    #[arg(long)]
    only: Vec<String>,
    /// Only these contenders, beside ours.
    #[arg(long)]
    beside: Vec<String>,
    /// Lists the workloads and their contenders.
    #[arg(long)]
    list: bool,
    /// Small sizes and one round: checks that everything works, and measures nothing.
    #[arg(long)]
    quick: bool,
    /// One more contender: ours, from another build of this program.
    #[arg(long, value_name = "NAME=PATH", value_parser = parse_other)]
    also: Vec<(String, PathBuf)>,
    /// The seed for the order of the measurements. By default a different one each time.
    #[arg(long)]
    seed: Option<u64>,
    #[command(subcommand)]
    one: Option<One>,
}

#[derive(Subcommand, Debug)]
enum One {
    /// Measures once, in this process.
    Run {
        workload: String,
        contender: String,
        size: u64,
    },
    /// Works for that long in one process, and fails if the process holds more memory in the end.
    Soak {
        #[arg(long)]
        minutes: u64,
    },
}

fn parse_other(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("it wants NAME=PATH")?;
    Ok((name.to_owned(), PathBuf::from(path)))
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.quick {
        outcome::be_quick();
    }
    if let Some(One::Run {
        workload,
        contender,
        size,
    }) = &options.one
    {
        return run(workload, contender, *size);
    }
    if let Some(One::Soak { minutes }) = options.one {
        let seed = options.seed.unwrap_or_else(rounds::any_seed);
        return soak::soak(Duration::from_secs(60 * minutes), seed);
    }
    let rows = rounds::rows(&options);
    if options.list {
        for row in &rows {
            println!("{}: {}", row.name, row.names().join(", "));
        }
        return ExitCode::SUCCESS;
    }
    if rounds::measure(&options, rows) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(workload: &str, contender: &str, size: u64) -> ExitCode {
    let all = workloads::all();
    let workload = all.iter().find(|one| one.name == workload);
    let mut contenders = workload.iter().flat_map(|workload| &workload.contenders);
    let Some(contender) = contenders.find(|one| one.name == contender) else {
        eprintln!("nobody of that name does that: see --list");
        return ExitCode::from(2);
    };
    println!("{}", (contender.run)(size));
    // Contenders' threads that cannot be stopped end here.
    std::process::exit(0)
}
