//! What is read with GET.

use nexus_actors::ActorPath;
use serde_json::json;

use super::client::{get, raw};
use super::fake::{serve, settings};
use crate::source::{By, Query};

#[test]
fn the_page_has_a_policy_that_lets_only_its_own_parts_run() {
    let (inspector, _fake) = serve(settings());
    let page = get(inspector.address(), "/");
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'nonce-"),
        "{policy}"
    );
    let nonce = policy
        .split("'nonce-")
        .nth(1)
        .and_then(|rest| rest.split('\'').next())
        .unwrap();
    assert_eq!(page.body.matches(&format!(" nonce=\"{nonce}\"")).count(), 2);
    let again = get(inspector.address(), "/");
    assert_ne!(again.header("content-security-policy"), Some(policy));
}

#[test]
fn health_is_a_word() {
    let (inspector, _fake) = serve(settings());
    let health = get(inspector.address(), "/healthz");
    assert_eq!((health.status, &*health.body), (200, "ok\n"));
}

#[test]
fn the_overview_is_json() {
    let (inspector, _fake) = serve(settings());
    let overview = get(inspector.address(), "/snapshot").json();
    let expected = json!({
        "pool": "made up", "run": "0011223344556677", "uptime_ms": 1, "watched": false, "control": false,
        "workers": [], "sent_from_outside": 0, "late_replies": 0,
        "totals": {"actors": 0, "sent": 0, "handled": 0, "queued": 0, "stashed": 0},
        "dead_letters": {"total": 0, "by_reason": {}, "recent": []},
        "failures": [], "waiting": [], "waiting_total": 0,
        "top": {"deepest": [], "busiest": [], "restarts": [], "longest": []},
        "examined": 0,
    });
    assert_eq!(overview, expected);
}

#[test]
fn actors_are_json() {
    let (inspector, _fake) = serve(settings());
    let found = get(inspector.address(), "/actors").json();
    let actor = json!({
        "id": "0.3#1", "path": "/user/a", "worker": 0, "message_type": "app::Order", "state": "running",
        "mailbox": 0, "capacity": null, "deepest": null, "stashed": 0, "timers": 0, "tasks": 0, "children": 0,
        "restarts": 0, "handled": null, "busy_ms": 1.235, "age_ms": null,
        "handling": {"message": "00", "correlation": "01", "for_ms": 12},
        "waits_for": {"kind": "actor", "id": "1.4#1", "path": null},
        "cycle": ["/user/a", "/user/b"],
    });
    assert_eq!(
        found,
        json!({"actors": [actor], "matched": 12, "examined": 100, "silent": [1]})
    );
}

#[test]
fn the_parameters_make_a_query() {
    let (inspector, fake) = serve(settings());
    let at = inspector.address();
    let all = "/actors?below=%2Fuser%2Fa&depth=2&matching=a%20b%2B&order=deepest&limit=7&token=x";
    for path in ["/actors", all, "/actors?depth=1", "/actors?order=longest"] {
        assert_eq!(get(at, path).status, 200, "{path}");
    }
    let plain = || Query {
        below: None,
        depth: None,
        matching: None,
        order: By::Tree,
        limit: 200,
    };
    let expected = [
        plain(),
        Query {
            below: Some(ActorPath::parse("/user/a").unwrap()),
            depth: Some(2),
            matching: Some("a b+".to_owned()),
            order: By::Deepest,
            limit: 7,
        },
        Query {
            below: Some(ActorPath::user()),
            depth: Some(1),
            ..plain()
        },
        Query {
            order: By::Longest,
            ..plain()
        },
    ];
    assert_eq!(*fake.queries.lock(), expected);
}

#[test]
fn bad_parameters_are_named() {
    let (inspector, fake) = serve(settings());
    let at = inspector.address();
    let error = |parameters: &str| get(at, &format!("/actors?{parameters}")).error(400);
    assert!(error("below=user").starts_with("\"user\" is no path: "));
    assert!(error("below=/user//a").contains("is no path"));
    assert_eq!(error("depth=-1"), "depth=-1 is no number");
    assert_eq!(error("depth="), "depth= is no number");
    assert_eq!(error("limit=many"), "limit=many is no number");
    assert_eq!(error("limit=0"), "limit=0 is out of range");
    assert_eq!(error("limit=10001"), "limit=10001 is out of range");
    assert_eq!(error("order=wildest"), "there is no order \"wildest\"");
    assert_eq!(error("deph=1"), "there is no parameter \"deph\"");
    assert!(fake.queries.lock().is_empty());
}

#[test]
fn what_is_not_there_is_said_in_json() {
    let (inspector, _fake) = serve(settings());
    let at = inspector.address();
    assert_eq!(get(at, "/actor").error(404), "there is no such page");
    let host = [("Host", "localhost")];
    assert_eq!(
        raw(at, "DELETE /snapshot", &host, "").error(405),
        "this method is not allowed here"
    );
    assert_eq!(
        get(at, "/actors/stop").error(405),
        "this method is not allowed here"
    );
}

#[test]
fn a_panic_while_a_snapshot_is_taken_is_an_error_and_the_service_lives_on() {
    let (inspector, _fake) = serve(settings());
    let at = inspector.address();
    assert_eq!(
        get(at, "/actors?matching=panic").error(500),
        "the snapshot has failed"
    );
    assert_eq!(get(at, "/actors?matching=other").status, 200);
}
