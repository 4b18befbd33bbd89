//! Those who watch.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::client::{Watching, get};
use super::fake::{serve, settings, until};
use crate::builder::Settings;

#[test]
fn overviews_come_by_themselves() {
    let (inspector, _fake) = serve(settings());
    let mut watching = Watching::begin(inspector.address());
    let first = watching.next("overview");
    assert_eq!(first["pool"], "made up");
    assert_eq!(first["watched"], true);
    let second = watching.next("overview");
    assert!(second["uptime_ms"].as_u64() > first["uptime_ms"].as_u64());
}

#[test]
fn nothing_is_measured_while_nobody_watches() {
    let (inspector, fake) = serve(settings());
    let at = inspector.address();
    assert_eq!(get(at, "/snapshot").json()["watched"], false);
    get(at, "/actors");
    assert_eq!(fake.watches.load(SeqCst), 0);
    let watching = Watching::begin(at);
    until("it is measured, and letters are passed on", || {
        fake.guards.load(SeqCst) == 2
    });
    until("the overview says so", || {
        get(at, "/snapshot").json()["watched"] == true
    });
    drop(watching);
    until("it is no longer measured", || fake.guards.load(SeqCst) == 0);
    assert_eq!(get(at, "/snapshot").json()["watched"], false);
    let taken = fake.overviews.load(SeqCst);
    let mut again = Watching::begin(at);
    again.next("overview");
    assert!(fake.overviews.load(SeqCst) > taken);
    assert_eq!(fake.watches.load(SeqCst), 2);
}

#[test]
fn a_page_that_is_loaded_again_finds_its_figures() {
    let (inspector, fake) = serve(Settings {
        linger: Duration::from_secs(3600),
        ..settings()
    });
    for _ in 0..3 {
        Watching::begin(inspector.address()).next("overview");
    }
    assert_eq!(fake.watches.load(SeqCst), 1, "it was watched all the time");
    assert_eq!(fake.guards.load(SeqCst), 2);
}

#[test]
fn one_snapshot_serves_all_who_watch() {
    let (inspector, _fake) = serve(settings());
    let mut one = Watching::begin(inspector.address());
    let mut other = Watching::begin(inspector.address());
    let uptime = |watching: &mut Watching| watching.next("overview")["uptime_ms"].as_u64().unwrap();
    let start = uptime(&mut one).max(uptime(&mut other));
    let taken = |watching: &mut Watching| {
        let mut all = vec![uptime(watching)];
        while *all.last().unwrap() < start + 10 {
            all.push(uptime(watching));
        }
        all.retain(|number| (start + 1..=start + 10).contains(number));
        all
    };
    let (first, second) = (taken(&mut one), taken(&mut other));
    assert_eq!(first, second);
    assert_eq!(first, (start + 1..=start + 10).collect::<Vec<_>>());
}

#[test]
fn one_who_comes_has_figures_at_once() {
    let (inspector, _fake) = serve(Settings {
        interval: Duration::from_secs(3600),
        ..settings()
    });
    Watching::begin(inspector.address()).next("overview");
    Watching::begin(inspector.address()).next("overview");
}

#[test]
fn dead_letters_come_as_they_are_lost() {
    let (inspector, fake) = serve(settings());
    let mut watching = Watching::begin(inspector.address());
    watching.next("overview");
    fake.lose("one");
    assert_eq!(watching.next("dead_letter")["reason"], "one");
    fake.lose("two");
    let letter = watching.next("dead_letter");
    let expected = serde_json::json!({"target": "0.3#1", "path": null, "message_type": "u32", "reason": "two", "sender": null, "message": ""});
    assert_eq!(letter, expected);
}

#[test]
fn a_flood_of_dead_letters_is_counted_instead() {
    let (inspector, fake) = serve(settings());
    let mut watching = Watching::begin(inspector.address());
    watching.next("overview");
    let lost = 10_000;
    (0..lost).for_each(|_| fake.lose("flood"));
    let (mut passed, mut omitted) = (0, 0);
    while passed + omitted < lost {
        let letter = watching.next("dead_letter");
        match letter["omitted"].as_u64() {
            Some(number) => omitted += number,
            None => passed += 1,
        }
    }
    assert_eq!(passed + omitted, lost);
    assert!(omitted > passed, "{passed} were passed on");
}

#[test]
fn too_many_viewers_are_refused() {
    let (inspector, _fake) = serve(settings());
    let at = inspector.address();
    let _all: Vec<_> = (0..64).map(|_| Watching::begin(at)).collect();
    assert_eq!(
        get(at, "/events").error(503),
        "too many viewers watch already"
    );
}
