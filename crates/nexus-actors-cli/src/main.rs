//! `nexus`: a terminal client of the inspector service of a pool of nexus-actors.

mod args;
mod attention;
mod client;
mod commands;
mod events;
mod failure;
mod feed;
mod model;
mod output;
mod text;
mod top;

#[cfg(test)]
#[path = "../tests/server/mod.rs"]
#[allow(dead_code, unreachable_pub)]
mod server;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;

use crate::args::{Command, Options};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => {
            // A reader of the help that has gone needs none.
            let _ = error.print();
            return ExitCode::from(error.exit_code().try_into().unwrap_or(2));
        }
    };
    let json = options.json;
    match run(options) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(signal)) => die_of(signal),
        Err(failure) => {
            if let Some(message) = failure.message(json) {
                let _ = writeln!(std::io::stderr(), "{message}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Does what was asked for. Returns the signal that ended it, if one did.
fn run(options: Options) -> Result<Option<i32>, Failure> {
    let json = options.json;
    let client = Arc::new(Client::new(options.address, options.token));
    let mut output = Output::new();
    let out = &mut output;
    match &options.command {
        Command::Top if output::is_terminal() && !json => return top::top(&client),
        Command::Top => commands::overview(&client, out, json),
        Command::Tree(tree) => commands::tree(&client, out, json, tree),
        Command::Waiting => commands::waiting(&client, out, json),
        Command::DeadLetters { follow: true } => commands::follow(&client, out, json),
        Command::DeadLetters { follow: false } => commands::dead_letters(&client, out, json),
        Command::Actors { order, limit } => commands::actors(&client, out, json, *order, *limit),
        Command::Stop(target) => commands::control(&client, out, json, "stop", &target.actor),
        Command::Kill(target) => commands::control(&client, out, json, "kill", &target.actor),
        Command::Suspend(target) => commands::control(&client, out, json, "suspend", &target.actor),
        Command::Resume(target) => commands::control(&client, out, json, "resume", &target.actor),
    }?;
    output.flush()?;
    Ok(None)
}

/// Ends the process as the signal does, so that a shell or a supervisor sees what it was.
#[cfg(unix)]
fn die_of(signal: i32) -> ExitCode {
    // Returns only if the signal does not end a process.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    ExitCode::FAILURE
}

#[cfg(not(unix))]
fn die_of(_: i32) -> ExitCode {
    ExitCode::FAILURE
}
