//! The routes.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use std::sync::Arc;

use crate::actors::query;
use crate::control::control;
use crate::events::events;
use crate::guard::{Guarded, guard};
use crate::hub::Hub;
use crate::page::page;
use crate::reply::{Refusal, json, json_bytes};

/// More than the body of any order.
const BODY_LIMIT: usize = 64 * 1024;

type Answer = Result<Response, Refusal>;

pub(crate) fn router(hub: Arc<Hub>, guarded: Guarded) -> Router {
    Router::new()
        .route("/", get(async || page()))
        .route("/healthz", get(async || "ok\n"))
        .route("/snapshot", get(snapshot))
        .route("/actors", get(actors))
        .route("/events", get(async |State(hub): State<Arc<Hub>>| events(&hub)))
        .route("/actors/{verb}", post(orders))
        .fallback(async || {
            let help = "there are /, /snapshot, /actors, /events, /healthz and /actors/{stop|kill|suspend|resume}";
            Refusal::new(StatusCode::NOT_FOUND, "there is no such page", help)
        })
        .method_not_allowed_fallback(async || {
            let help = "orders are given with POST, and everything else is read with GET";
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this method is not allowed here", help)
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(guarded, guard))
        .with_state(hub)
}

async fn snapshot(State(hub): State<Arc<Hub>>) -> Answer {
    Ok(json_bytes(hub.overview().await?))
}

async fn actors(State(hub): State<Arc<Hub>>, uri: Uri) -> Answer {
    let query = query(&uri)?;
    let found = hub.blocking(move |source| source.actors(&query)).await?;
    json(&found)
}

async fn orders(
    State(hub): State<Arc<Hub>>,
    Path(verb): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Answer {
    let body = body.map_err(|rejection| {
        Refusal::new(rejection.status(), rejection.body_text(), "send less")
    })?;
    control(&hub, &verb, &headers, &body).await
}
