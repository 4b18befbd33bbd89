//! `GET /events`: a stream of server-sent events.

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::hub::{Hub, Viewer};
use crate::reply::Refusal;

/// What one viewer is sent. It stops viewing when its connection is dropped.
struct Events(Viewer);

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.events.poll_recv(cx).map(|bytes| bytes.map(Ok))
    }
}

pub(crate) fn events(hub: &Arc<Hub>) -> Result<Response, Refusal> {
    let Some(viewer) = hub.enter() else {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Refusal::new(
            status,
            "too many viewers watch already",
            "close some of their pages",
        ));
    };
    let headers = [(header::CONTENT_TYPE, "text/event-stream")];
    Ok((headers, Body::from_stream(Events(viewer))).into_response())
}
