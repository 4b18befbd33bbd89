//! Orders.

use nexus_actors::ActorPath;
use serde_json::json;

use super::client::{post, raw};
use super::fake::{serve, settings};
use crate::builder::Settings;
use crate::source::{Order, OrderError, Target};

const BODY: &str = r#"{"path":"/user/a"}"#;

fn allowed() -> Settings {
    Settings {
        control: true,
        ..settings()
    }
}

#[test]
fn orders_are_off_unless_allowed() {
    let (inspector, fake) = serve(settings());
    for verb in ["stop", "kill", "suspend", "resume"] {
        let refused = post(inspector.address(), &format!("/actors/{verb}"), BODY);
        assert_eq!(
            refused.error(403),
            "orders are switched off for this inspector"
        );
    }
    assert!(fake.orders.lock().is_empty());
}

#[test]
fn each_order_reaches_the_actor_by_path_or_id() {
    let (inspector, fake) = serve(allowed());
    let at = inspector.address();
    for verb in ["stop", "kill", "suspend", "resume"] {
        let done = post(at, &format!("/actors/{verb}"), BODY);
        assert_eq!(done.status, 200);
        assert_eq!(done.json(), json!({"done": verb, "path": "/user/a"}));
    }
    assert_eq!(post(at, "/actors/stop", r#"{"id":"0.3#1"}"#).status, 200);
    let path = || Target::Path(ActorPath::parse("/user/a").unwrap());
    let expected = [
        (Order::Stop, path()),
        (Order::Kill, path()),
        (Order::Suspend, path()),
        (Order::Resume, path()),
        (Order::Stop, Target::Id("0.3#1".to_owned())),
    ];
    assert_eq!(*fake.orders.lock(), expected);
}

#[test]
fn what_is_no_order_is_refused() {
    let (inspector, fake) = serve(allowed());
    let at = inspector.address();
    assert_eq!(
        post(at, "/actors/tickle", BODY).error(404),
        "there is no order \"tickle\""
    );
    let one = "exactly one of path and id is needed";
    assert_eq!(post(at, "/actors/stop", "{}").error(400), one);
    assert_eq!(
        post(at, "/actors/stop", r#"{"path":"/user/a","id":"0.3#1"}"#).error(400),
        one
    );
    assert!(
        post(at, "/actors/stop", r#"{"path":"a"}"#)
            .error(400)
            .contains("is no path")
    );
    assert!(
        post(at, "/actors/stop", r#"{"paht":"/user/a"}"#)
            .error(400)
            .contains("unknown field")
    );
    post(at, "/actors/stop", "not JSON").error(400);
    post(at, "/actors/stop", "").error(400);
    post(
        at,
        "/actors/stop",
        &format!("{{\"path\":\"/user/{}\"}}", "a".repeat(70_000)),
    )
    .error(413);
    assert!(fake.orders.lock().is_empty());
}

#[test]
fn only_json_from_the_own_page_is_an_order() {
    let (inspector, fake) = serve(allowed());
    let at = inspector.address();
    let own = at.to_string();
    let kind = |kind| {
        raw(
            at,
            "POST /actors/stop",
            &[("Host", "localhost"), ("Content-Type", kind)],
            BODY,
        )
    };
    for foreign in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
    ] {
        assert_eq!(
            kind(foreign).error(415),
            "the request is not of type application/json"
        );
    }
    raw(at, "POST /actors/stop", &[("Host", "localhost")], BODY).error(415);
    let from = |origin: &str| {
        let headers = [
            ("Host", &*own),
            ("Content-Type", "application/json"),
            ("Origin", origin),
        ];
        raw(at, "POST /actors/stop", &headers, BODY)
    };
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost:1",
        "http://127.0.0.1",
    ] {
        assert_eq!(
            from(origin).error(403),
            "the request comes from a page of another origin"
        );
    }
    assert!(fake.orders.lock().is_empty());
    assert_eq!(from(&format!("http://{own}")).status, 200);
    assert_eq!(kind("application/json; charset=utf-8").status, 200);
    assert_eq!(fake.orders.lock().len(), 2);
}

#[test]
fn an_order_to_nobody_and_one_to_a_silent_worker_fail() {
    let (inspector, fake) = serve(allowed());
    let at = inspector.address();
    *fake.refuses.lock() = Some(OrderError::NoSuchActor);
    assert_eq!(
        post(at, "/actors/kill", BODY).error(404),
        "there is no such actor"
    );
    *fake.refuses.lock() = Some(OrderError::Silent(3));
    assert_eq!(
        post(at, "/actors/kill", BODY).error(503),
        "worker 3 did not answer in time"
    );
}
