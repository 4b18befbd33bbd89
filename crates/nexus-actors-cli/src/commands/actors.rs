//! `nexus tree` and `nexus actors`.

use std::collections::HashMap;

use crate::args::{Order, Tree};
use crate::client::Client;
use crate::commands::print_json;
use crate::failure::{Failure, Kind};
use crate::model::{Actor, Found};
use crate::output::{Output, note};
use crate::text::{
    Align::{Left, Right},
    Table, count, escape, grouped, grouped_or_dash, time_or_dash,
};

/// Prints the actors as a tree.
///
/// # Errors
/// If the service cannot be asked, or there is no actor at or below the path.
pub(crate) fn tree(
    client: &Client,
    output: &mut Output,
    json: bool,
    wanted: &Tree,
) -> Result<(), Failure> {
    let mut query = vec![
        ("order", "tree".to_owned()),
        ("limit", wanted.limit.to_string()),
    ];
    query.extend(wanted.below.iter().map(|path| ("below", path.clone())));
    query.extend(
        wanted
            .depth
            .iter()
            .map(|depth| ("depth", depth.to_string())),
    );
    query.extend(
        wanted
            .matching
            .iter()
            .map(|text| ("matching", text.clone())),
    );
    let answer = client.get("/actors", &query)?;
    let found: Found = client.parse(&answer)?;
    // A worker that is silent may have it.
    if let (Some(path), None, [], []) = (
        &wanted.below,
        &wanted.matching,
        &found.actors[..],
        &found.silent[..],
    ) {
        let text = format!("there is no actor at or below {path}");
        return Err(Failure::new(
            Kind::Refused,
            text,
            "List the actors with `nexus tree`.",
        ));
    }
    if json {
        return print_json(output, &answer);
    }
    let mut table = Table::new(&[
        ("actor", Left),
        ("id", Left),
        ("state", Left),
        ("mailbox", Right),
        ("children", Right),
        ("restarts", Right),
        ("waits", Left),
        ("messages", Left),
    ]);
    for (name, actor) in indented(&found.actors) {
        table.row(vec![
            name,
            actor.id.to_string(),
            actor.state.to_string(),
            grouped(actor.mailbox),
            grouped(actor.children),
            grouped(actor.restarts),
            actor.wait(),
            actor.message_type.to_string(),
        ]);
    }
    print(output, &table, &found)
}

/// Returns the actors below their parents, each with its name and an indent. An actor whose parent is not among
/// them has its whole path.
fn indented(actors: &[Actor]) -> Vec<(String, &Actor)> {
    let mut children: HashMap<&str, Vec<&Actor>> = HashMap::new();
    let paths: std::collections::HashSet<&str> =
        actors.iter().map(|actor| actor.path.raw()).collect();
    let mut roots = Vec::new();
    for actor in actors {
        match actor
            .path
            .raw()
            .rsplit_once('/')
            .filter(|(parent, _)| paths.contains(parent))
        {
            Some((parent, _)) => children.entry(parent).or_default().push(actor),
            None => roots.push(actor),
        }
    }
    let mut lines = Vec::with_capacity(actors.len());
    // A stack, since paths may be longer than the stack of a thread is deep.
    let mut rest: Vec<(usize, &Actor)> = roots.into_iter().rev().map(|root| (0, root)).collect();
    while let Some((level, actor)) = rest.pop() {
        let path = actor.path.raw();
        let name = if level == 0 {
            path
        } else {
            path.rsplit('/').next().unwrap_or(path)
        };
        lines.push((format!("{}{}", "  ".repeat(level), escape(name)), actor));
        // Removed, so that an actor that is listed twice does not show its children twice.
        let below = children.remove(path).unwrap_or_default();
        rest.extend(below.into_iter().rev().map(|child| (level + 1, child)));
    }
    lines
}

/// Prints the first actors of an order.
///
/// # Errors
/// If the service cannot be asked.
pub(crate) fn actors(
    client: &Client,
    output: &mut Output,
    json: bool,
    order: Order,
    limit: u64,
) -> Result<(), Failure> {
    let query = [
        ("order", order.name().to_owned()),
        ("limit", limit.to_string()),
    ];
    let answer = client.get("/actors", &query)?;
    let found: Found = client.parse(&answer)?;
    if json {
        return print_json(output, &answer);
    }
    print(output, &flat(&found.actors), &found)?;
    if order == Order::Busiest && found.actors.iter().all(|actor| actor.handled.is_none()) {
        note(
            "nothing is counted while nobody watches: keep `nexus top` or the page open for the busiest actors",
        );
    }
    Ok(())
}

/// Returns a table of actors with their paths.
pub(super) fn flat(actors: &[Actor]) -> Table {
    let mut table = Table::new(&[
        ("path", Left),
        ("id", Left),
        ("state", Left),
        ("mailbox", Right),
        ("capacity", Right),
        ("deepest", Right),
        ("handled", Right),
        ("busy", Right),
        ("restarts", Right),
        ("waits", Left),
        ("messages", Left),
    ]);
    for actor in actors {
        table.row(vec![
            actor.path.to_string(),
            actor.id.to_string(),
            actor.state.to_string(),
            grouped(actor.mailbox),
            grouped_or_dash(actor.capacity),
            grouped_or_dash(actor.deepest),
            grouped_or_dash(actor.handled),
            time_or_dash(actor.busy_ms),
            grouped(actor.restarts),
            actor.wait(),
            actor.message_type.to_string(),
        ]);
    }
    table
}

/// Prints the table, and beside it what it leaves out.
fn print(output: &mut Output, table: &Table, found: &Found) -> Result<(), Failure> {
    if table.is_empty() {
        note(&format!(
            "no actor, of {} examined",
            grouped(found.examined)
        ));
    } else {
        output.table("", table)?;
    }
    output.flush()?;
    let shown = found.actors.len() as u64;
    if found.matched > shown && shown > 0 {
        let all = count(found.matched, "actor", "actors");
        note(&format!(
            "{} of {all} shown; --limit {} shows all",
            grouped(shown),
            found.matched
        ));
    }
    for worker in &found.silent {
        note(&format!(
            "worker {worker} did not answer in time: its actors are missing"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_indented_in_whichever_order_its_actors_come() {
        let actor = |path: &str| Actor {
            path: path.into(),
            ..Actor::default()
        };
        let paths = [
            "/user/b",
            "/user/a",
            "/user/b/x/1",
            "/user/b/y",
            "/user/a/$9",
            "/user/b/x",
            "/user/c/d/e",
        ];
        let actors: Vec<Actor> = paths.into_iter().map(actor).collect();
        let names: Vec<String> = indented(&actors)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            names,
            [
                "/user/b",
                "  y",
                "  x",
                "    1",
                "/user/a",
                "  $9",
                "/user/c/d/e"
            ]
        );
    }
}
