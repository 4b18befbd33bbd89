//! Answers: JSON, and errors as JSON.

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::hub::Failed;

/// An answer that says what was wrong, and what would help.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: String,
    help: String,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    help: &'a str,
}

impl Refusal {
    pub(crate) fn new(
        status: StatusCode,
        error: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            status,
            error: error.into(),
            help: help.into(),
        }
    }

    pub(crate) fn bad(error: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, help)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Body {
            error: &self.error,
            help: &self.help,
        };
        let json = serde_json::to_vec(&body).unwrap_or_default();
        (self.status, json_bytes(json.into())).into_response()
    }
}

impl From<Failed> for Refusal {
    fn from(_: Failed) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(
            status,
            "the snapshot has failed",
            "the standard error of the program may say more",
        )
    }
}

pub(crate) fn json_bytes(json: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}

pub(crate) fn json(value: &impl Serialize) -> Result<Response, Refusal> {
    let json = serde_json::to_vec(value).map_err(|_| Failed)?;
    Ok(json_bytes(json.into()))
}
