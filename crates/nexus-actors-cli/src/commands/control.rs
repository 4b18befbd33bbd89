//! `nexus stop`, `kill`, `suspend` and `resume`.

use serde::Deserialize;

use crate::args::ActorName;
use crate::client::Client;
use crate::commands::print_json;
use crate::failure::Failure;
use crate::output::{Output, Style};
use crate::text::Text;

#[derive(Deserialize)]
struct Done {
    done: Text,
    path: Option<Text>,
}

/// Orders an actor to do something.
///
/// # Errors
/// If the service refuses, or has no such actor.
pub(crate) fn control(
    client: &Client,
    output: &mut Output,
    json: bool,
    order: &str,
    actor: &ActorName,
) -> Result<(), Failure> {
    let body = match actor {
        ActorName::Path(path) => serde_json::json!({ "path": path }),
        ActorName::Id(id) => serde_json::json!({ "id": id }),
    };
    let answer = client.post(&format!("/actors/{order}"), &body.to_string())?;
    if json {
        return print_json(output, &answer);
    }
    let done: Done = client.parse(&answer)?;
    let name = done
        .path
        .map_or_else(|| actor.to_string(), |path| path.to_string());
    output.line(Style::Plain, &format!("{}: {name}", done.done))
}
