//! The commands that print and end.

mod actors;
mod control;
mod dead_letters;
mod overview;
mod waiting;

pub(crate) use actors::{actors, tree};
pub(crate) use control::control;
pub(crate) use dead_letters::{dead_letters, follow};
pub(crate) use overview::overview;
pub(crate) use waiting::waiting;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::{Client, Json};
use crate::failure::Failure;
use crate::output::{Output, Style};
use crate::text::escape_json;

/// Prints an answer as the service gave it.
fn print_json(output: &mut Output, json: &Json) -> Result<(), Failure> {
    output.line(Style::Plain, &json.printable())
}

/// The parts of an overview that have commands of their own, as the service wrote them.
#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow)]
    waiting: &'a RawValue,
    #[serde(borrow)]
    dead_letters: &'a RawValue,
}

/// Prints one part of an overview as the service gave it.
fn print_part(
    client: &Client,
    output: &mut Output,
    overview: &Json,
    part: fn(Parts<'_>) -> &RawValue,
) -> Result<(), Failure> {
    let parts: Parts<'_> = client.parse(overview)?;
    output.line(Style::Plain, &escape_json(part(parts).get()))
}
