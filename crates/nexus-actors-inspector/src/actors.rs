//! `GET /actors`: the parameters.

use axum::http::Uri;
use nexus_actors::ActorPath;
use std::borrow::Cow;

use crate::reply::Refusal;
use crate::source::{By, Query};

const DEFAULT_LIMIT: usize = 200;
const MOST: usize = 10_000;

/// Returns the parameters of an address, decoded.
pub(crate) fn parameters(uri: &Uri) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
}

pub(crate) fn query(uri: &Uri) -> Result<Query, Refusal> {
    let mut query = Query {
        below: None,
        depth: None,
        matching: None,
        order: By::Tree,
        limit: DEFAULT_LIMIT,
    };
    for (name, value) in parameters(uri) {
        match &*name {
            "below" => query.below = Some(path(&value)?),
            "depth" => query.depth = Some(number(&name, &value)?),
            "matching" => query.matching = Some(value.into_owned()),
            "order" => query.order = order(&value)?,
            "limit" => query.limit = limit(&value)?,
            "token" => {}
            _ => {
                return Err(Refusal::bad(
                    format!("there is no parameter {name:?}"),
                    "there are below, depth, matching, order and limit",
                ));
            }
        }
    }
    if query.depth.is_some() && query.below.is_none() {
        query.below = Some(ActorPath::user());
    }
    Ok(query)
}

pub(crate) fn path(text: &str) -> Result<ActorPath, Refusal> {
    ActorPath::parse(text).map_err(|error| {
        Refusal::bad(
            format!("{text:?} is no path: {error}"),
            "a path is like /user/orders",
        )
    })
}

fn number(name: &str, text: &str) -> Result<usize, Refusal> {
    let help = || Refusal::bad(format!("{name}={text} is no number"), "write it in digits");
    text.parse().map_err(|_| help())
}

fn limit(text: &str) -> Result<usize, Refusal> {
    let limit = number("limit", text)?;
    if (1..=MOST).contains(&limit) {
        return Ok(limit);
    }
    Err(Refusal::bad(
        format!("limit={limit} is out of range"),
        format!("it is from 1 to {MOST}"),
    ))
}

fn order(text: &str) -> Result<By, Refusal> {
    Ok(match text {
        "tree" => By::Tree,
        "deepest" => By::Deepest,
        "busiest" => By::Busiest,
        "restarts" => By::Restarts,
        "longest" => By::Longest,
        _ => {
            return Err(Refusal::bad(
                format!("there is no order {text:?}"),
                "there are tree, deepest, busiest, restarts and longest",
            ));
        }
    })
}
