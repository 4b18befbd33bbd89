//! Who may ask.

use super::client::{get, raw};
use super::fake::{serve, settings};
use crate::builder::Settings;

fn secret() -> Settings {
    Settings {
        token: Some("open+sesame".to_owned()),
        control: true,
        ..settings()
    }
}

#[test]
fn a_token_is_needed_everywhere_but_for_health() {
    let (inspector, fake) = serve(secret());
    let at = inspector.address();
    for path in [
        "/",
        "/snapshot",
        "/actors",
        "/events",
        "/nothing",
        "/snapshot?token=",
        "/snapshot?token=open",
    ] {
        assert_eq!(
            get(at, path).error(401),
            "the token is missing or wrong",
            "{path}"
        );
    }
    let post = raw(
        at,
        "POST /actors/stop",
        &[("Content-Type", "application/json")],
        r#"{"path":"/user/a"}"#,
    );
    post.error(401);
    for value in [
        "Bearer open",
        "Bearer open+sesame2",
        "Bearer  open+sesame",
        "open+sesame",
        "Basic open+sesame",
    ] {
        raw(at, "GET /snapshot", &[("Authorization", value)], "").error(401);
    }
    assert_eq!(get(at, "/healthz").status, 200);
    assert!(fake.orders.lock().is_empty());
}

#[test]
fn a_token_is_a_header_or_a_parameter_under_any_name_of_the_machine() {
    let (inspector, _fake) = serve(secret());
    let at = inspector.address();
    let headers = [
        ("Host", "inspector.example"),
        ("Authorization", "Bearer open+sesame"),
    ];
    assert_eq!(raw(at, "GET /snapshot", &headers, "").status, 200);
    for path in ["/", "/snapshot", "/actors"] {
        let request = format!("GET {path}?token=open%2Bsesame");
        assert_eq!(
            raw(at, &request, &[("Host", "inspector.example")], "").status,
            200,
            "{path}"
        );
    }
    // A header that is wrong is not made good by the address.
    let wrong = [("Authorization", "Bearer wrong")];
    raw(at, "GET /snapshot?token=open%2Bsesame", &wrong, "").error(401);
}

#[test]
fn without_a_token_the_service_is_called_by_a_name_of_this_machine() {
    let (inspector, fake) = serve(settings());
    let at = inspector.address();
    let port = at.port();
    for host in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        "127.0.0.2:80",
        "[::1]",
        "[::1]:7777",
    ] {
        assert_eq!(
            raw(at, "GET /actors", &[("Host", host)], "").status,
            200,
            "{host}"
        );
    }
    let asked = fake.queries.lock().len();
    let long = format!("evil.example:{port}");
    for host in [
        "evil.example",
        &long,
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "192.0.2.1",
        "",
    ] {
        let refused = raw(at, "GET /actors", &[("Host", host)], "");
        assert_eq!(
            refused.error(403),
            "the Host header names another machine",
            "{host}"
        );
    }
    raw(at, "GET /actors", &[], "").error(403);
    raw(at, "GET /", &[("Host", "evil.example")], "").error(403);
    raw(at, "GET /healthz", &[("Host", "evil.example")], "").error(403);
    assert_eq!(
        fake.queries.lock().len(),
        asked,
        "nothing was done for them"
    );
}

#[test]
fn every_answer_tells_browsers_to_be_careful() {
    let (inspector, _fake) = serve(settings());
    let at = inspector.address();
    let refused = raw(at, "GET /", &[("Host", "evil.example")], "");
    for answer in [
        get(at, "/"),
        get(at, "/snapshot"),
        get(at, "/nothing"),
        refused,
    ] {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            Some("same-origin")
        );
        assert_eq!(answer.header("access-control-allow-origin"), None);
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'")
        );
    }
}
