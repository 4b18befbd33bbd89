//! `POST /actors/stop`, `kill`, `suspend` and `resume`.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::actors::path;
use crate::hub::Hub;
use crate::reply::{Refusal, json};
use crate::source::{Order, OrderError, Target};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    path: Option<String>,
    id: Option<String>,
}

#[derive(Serialize)]
struct Done {
    done: &'static str,
    path: String,
}

const HELP: &str = r#"send {"path": "/user/orders"} or {"id": "0.3#1"}"#;

pub(crate) async fn control(
    hub: &Hub,
    verb: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Refusal> {
    let Some(order) = Order::ALL.into_iter().find(|order| order.name() == verb) else {
        let status = StatusCode::NOT_FOUND;
        let error = format!("there is no order {verb:?}");
        return Err(Refusal::new(
            status,
            error,
            "there are stop, kill, suspend and resume",
        ));
    };
    if !hub.allows_control() {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "orders are switched off for this inspector",
            "start it with `allow_control(true)`",
        ));
    }
    if !is_json(headers) {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the request is not of type application/json",
            "send the header `Content-Type: application/json`",
        ));
    }
    let target = target(body)?;
    let ordered = hub
        .blocking(move |source| source.order(order, &target))
        .await?;
    match ordered {
        Ok(path) => json(&Done {
            done: order.name(),
            path,
        }),
        Err(OrderError::NoSuchActor) => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "there is no such actor",
            "it may have stopped; `GET /actors?matching=TEXT` finds actors",
        )),
        Err(OrderError::Silent(worker)) => Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("worker {worker} did not answer in time"),
            "a handler holds it, or has until now: `GET /snapshot` tells which",
        )),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn target(body: &[u8]) -> Result<Target, Refusal> {
    let body: Body =
        serde_json::from_slice(body).map_err(|error| Refusal::bad(error.to_string(), HELP))?;
    match (body.path, body.id) {
        (Some(text), None) => Ok(Target::Path(path(&text)?)),
        (None, Some(id)) => Ok(Target::Id(id)),
        _ => Err(Refusal::bad("exactly one of path and id is needed", HELP)),
    }
}
