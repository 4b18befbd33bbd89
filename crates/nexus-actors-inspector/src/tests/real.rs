//! The service with a running pool.

use nexus_actors::prelude::*;
use serde_json::{Value, json};
use std::net::SocketAddr;

use super::client::{Watching, get, post};
use super::fake::until;
use crate::{Feed, Inspector};

const LONG: Duration = Duration::from_secs(3600);

fn pool(feed: &Feed) -> WorkerPool {
    let builder = WorkerPool::builder().workers(2).name("real");
    let quiet = builder.observer(feed.clone()).on_failure(|_| {});
    quiet.start().unwrap()
}

fn inspect(pool: &WorkerPool, feed: &Feed) -> Inspector {
    let builder = Inspector::builder(pool).address("127.0.0.1:0").feed(feed);
    builder.allow_control(true).start().unwrap()
}

fn sleeper() -> Props<u32> {
    Props::receive(|ctx, _: u32| Ok(ctx.sleep(LONG)?))
}

/// The only actor below that path, alone.
fn actor(at: SocketAddr, path: &str) -> Value {
    let found = get(at, &format!("/actors?below={path}&depth=0")).json();
    found["actors"][0].clone()
}

#[test]
fn the_overview_has_the_figures_of_the_pool() {
    let feed = Feed::new();
    let pool = pool(&feed);
    let asleep = pool.spawn("asleep", sleeper()).unwrap();
    let mute = pool
        .spawn("mute", Props::receive(|_ctx, _: u32| Next::Unhandled))
        .unwrap();
    (0..10).for_each(|number| asleep.tell(number));
    (0..3).for_each(|number| mute.tell(number));
    until("it is quiet", || {
        let stats = pool.stats();
        stats.queued() == 9 && stats.dead_letters == 3
    });
    let inspector = inspect(&pool, &feed);
    let seen = get(inspector.address(), "/snapshot").json();
    let stats = pool.stats();
    assert_eq!(seen["pool"], "real");
    assert_eq!(seen["run"], pool.run_id().to_string());
    let totals = json!({
        "actors": stats.actors(), "sent": stats.sent(), "handled": stats.handled(), "queued": 9, "stashed": 0,
    });
    assert_eq!(seen["totals"], totals);
    assert_eq!(seen["workers"].as_array().unwrap().len(), 2);
    assert_eq!(seen["sent_from_outside"], stats.sent_from_outside);
    assert_eq!(seen["waiting_total"], 1);
    assert_eq!(seen["waiting"][0]["path"], "/user/asleep");
    assert_eq!(seen["waiting"][0]["waits_for"], json!({"kind": "time"}));
    assert_eq!(seen["top"]["deepest"][0]["path"], "/user/asleep");
    assert_eq!(seen["top"]["deepest"][0]["mailbox"], 9);
    assert_eq!(seen["dead_letters"]["total"], 3);
    assert_eq!(
        seen["dead_letters"]["by_reason"]["its actor did not handle it"],
        3
    );
    assert_eq!(seen["dead_letters"]["recent"][2]["path"], "/user/mute");
    pool.shutdown(Duration::ZERO).unwrap();
}

#[test]
fn failures_come_with_what_was_decided() {
    let feed = Feed::new();
    let pool = pool(&feed);
    let fails = || Err::<(), _>(BoxError::from("out of paper"));
    let printer = pool
        .spawn("printer", Props::receive(move |_ctx, _: u32| fails()))
        .unwrap();
    (0..4).for_each(|number| printer.tell(number));
    let inspector = inspect(&pool, &feed);
    let failures = || get(inspector.address(), "/snapshot").json()["failures"].clone();
    until("all have failed", || failures()[3]["directive"].is_string());
    let failures = failures();
    let decided: Vec<_> = failures
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            assert_eq!(
                (&one["path"], &one["text"]),
                (&json!("/user/printer"), &json!("out of paper"))
            );
            (one["directive"].as_str().unwrap(), one["count"].as_u64())
        })
        .collect();
    let expected = [
        ("restart", Some(1)),
        ("restart", Some(2)),
        ("restart", Some(3)),
        ("stop", None),
    ];
    assert_eq!(decided, expected);
}

#[test]
fn orders_reach_the_actor_by_path_and_by_id() {
    let feed = Feed::new();
    let pool = pool(&feed);
    pool.spawn("one", sleeper()).unwrap();
    pool.spawn("other", sleeper()).unwrap();
    let inspector = inspect(&pool, &feed);
    let at = inspector.address();
    let done = post(at, "/actors/suspend", r#"{"path":"/user/one"}"#).json();
    assert_eq!(done, json!({"done": "suspend", "path": "/user/one"}));
    until("it is suspended", || {
        actor(at, "/user/one")["state"] == "suspended"
    });
    assert_eq!(actor(at, "/user/other")["state"], "running");
    let id = actor(at, "/user/one")["id"].clone();
    post(at, "/actors/resume", &json!({"id": id}).to_string()).json();
    until("it is resumed", || {
        actor(at, "/user/one")["state"] == "running"
    });
    post(at, "/actors/stop", r#"{"path":"/user/one"}"#).json();
    post(at, "/actors/kill", r#"{"path":"/user/other"}"#).json();
    until("both have stopped", || pool.stats().actors() == 0);
    post(at, "/actors/kill", r#"{"path":"/user/other"}"#).error(404);
    post(at, "/actors/kill", &json!({"id": id}).to_string()).error(404);
}

#[test]
fn actors_are_counted_while_watched_only() {
    let feed = Feed::new();
    let pool = pool(&feed);
    let well = pool
        .spawn("well", Props::receive(|_ctx, _: u32| ()))
        .unwrap();
    let inspector = inspect(&pool, &feed);
    let at = inspector.address();
    assert_eq!(actor(at, "/user/well")["handled"], Value::Null);
    let mut watching = Watching::begin(at);
    assert_eq!(watching.next("overview")["watched"], true);
    until("it is counted", || {
        (0..1000).for_each(|number| well.tell(number));
        actor(at, "/user/well")["handled"].as_u64() > Some(0)
    });
}

#[test]
fn lost_messages_are_told_with_their_paths() {
    let feed = Feed::new();
    let pool = pool(&feed);
    let mute = pool
        .spawn("mute", Props::receive(|_ctx, _: u32| Next::Unhandled))
        .unwrap();
    let inspector = inspect(&pool, &feed);
    let mut watching = Watching::begin(inspector.address());
    watching.next("overview");
    mute.tell(1);
    let letter = watching.next("dead_letter");
    assert_eq!(letter["path"], "/user/mute");
    assert_eq!(letter["reason"], "its actor did not handle it");
    assert_eq!(letter["message_type"], "u32");
}

#[test]
fn it_keeps_no_pool_running_and_shows_its_end() {
    let feed = Feed::new();
    let pool = pool(&feed);
    let asleep = pool.spawn("asleep", sleeper()).unwrap();
    let inspector = inspect(&pool, &feed);
    let at = inspector.address();
    get(at, "/snapshot").json();
    drop(pool);
    until("the pool has ended", || asleep.try_tell(1).is_err());
    let seen = || get(at, "/snapshot").json();
    until("no worker answers", || {
        let workers = seen()["workers"].clone();
        workers
            .as_array()
            .unwrap()
            .iter()
            .all(|worker| worker["silent"].is_object())
    });
    let uptime = seen()["uptime_ms"].as_u64();
    until("its time goes on", || seen()["uptime_ms"].as_u64() > uptime);
}
