//! Who may ask: the token, the name under which the service is called, and whose page the caller is on.

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

use crate::actors::parameters;
use crate::reply::Refusal;

#[derive(Clone, Debug)]
pub(crate) struct Guarded {
    pub(crate) token: Option<Arc<str>>,
    /// The address that is bound.
    pub(crate) bound: IpAddr,
}

/// Checks a request before anything is done for it, and adds to each answer what browsers should keep to.
pub(crate) async fn guard(
    State(guarded): State<Guarded>,
    request: Request,
    next: Next,
) -> Response {
    let allowed = guarded.allows(request.method(), request.uri(), request.headers());
    let mut response = match allowed {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(CACHE_CONTROL, "no-store");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    set(REFERRER_POLICY, "no-referrer");
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        headers.insert(CONTENT_SECURITY_POLICY, nothing);
    }
    response
}

impl Guarded {
    fn allows(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        if let Some(token) = &self.token {
            // A probe of health has no secret, and learns nothing.
            if uri.path() != "/healthz" && !has_token(token, uri, headers) {
                return Err(Refusal::new(
                    StatusCode::UNAUTHORIZED,
                    "the token is missing or wrong",
                    "send it as `Authorization: Bearer TOKEN`, or as `?token=TOKEN`",
                ));
            }
        } else if !self.is_called_rightly(headers) {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "the Host header names another machine",
                "call the service by localhost, 127.0.0.1, [::1] or the address that it is bound to; \
                 or give it a token",
            ));
        }
        if method == Method::POST && !has_own_origin(headers) {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "the request comes from a page of another origin",
                "give orders from the inspector's own page, or without an Origin header",
            ));
        }
        Ok(())
    }

    /// A page of another site may have its own name resolved to this machine. It cannot change the name.
    fn is_called_rightly(&self, headers: &HeaderMap) -> bool {
        let Some(host) = only(headers, &HOST) else {
            return false;
        };
        let name = without_port(host);
        let name = name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(name);
        name.eq_ignore_ascii_case("localhost")
            || name
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip.is_loopback() || ip == self.bound)
    }
}

/// Returns the value of a header that comes exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let value = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(value)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn has_own_origin(headers: &HeaderMap) -> bool {
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    let origin = only(headers, &ORIGIN).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, origin)| only(headers, &HOST) == Some(origin))
}

fn has_token(token: &str, uri: &Uri, headers: &HeaderMap) -> bool {
    let bearer = only(headers, &AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    if let Some(bearer) = bearer {
        return equal(bearer, token);
    }
    parameters(uri).any(|(name, value)| name == "token" && equal(&value, token))
}

/// Takes as long for any two texts of the same length.
fn equal(one: &str, other: &str) -> bool {
    let differences = one
        .bytes()
        .zip(other.bytes())
        .fold(0, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(differences) == 0 && one.len() == other.len()
}
