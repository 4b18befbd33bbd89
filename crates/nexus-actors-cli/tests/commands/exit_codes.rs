//! The exit codes, and what is said with them.

use std::process::Command;

use serde_json::{Value, json};

use super::server::{Answer, Server};
use super::{OVERVIEW, nexus, ran, run};

/// Every command that asks the service something.
const COMMANDS: [&[&str]; 10] = [
    &["top"],
    &["tree"],
    &["waiting"],
    &["dead-letters"],
    &["dead-letters", "--follow"],
    &["actors"],
    &["stop", "/user/a"],
    &["kill", "0.3#1"],
    &["suspend", "/user/a"],
    &["resume", "/user/a"],
];

/// Runs every command, plain and with `--json`, which must all end with that code and that text.
fn all_fail(address: &str, code: i32, expected: &str) {
    for arguments in COMMANDS {
        let plain = ran(nexus(address, arguments).output().unwrap());
        assert_eq!(
            (plain.code, &*plain.out),
            (Some(code), ""),
            "{arguments:?}: {}",
            plain.err
        );
        assert!(
            plain.err.starts_with("nexus: ") && plain.err.contains(expected),
            "{arguments:?}: {}",
            plain.err
        );
        assert!(plain.err.lines().count() == 2, "what to do: {}", plain.err);

        let json = ran(nexus(address, arguments).arg("--json").output().unwrap());
        assert_eq!(
            (json.code, &*json.out),
            (Some(code), ""),
            "{arguments:?}: {}",
            json.err
        );
        let error: Value = serde_json::from_str(&json.err).unwrap();
        assert!(
            error["error"].is_string() && !error["help"].as_str().unwrap().is_empty(),
            "{}",
            json.err
        );
    }
}

#[test]
fn a_refusal_is_1() {
    let refusal =
        json!({"error": "the token is missing\u{1b}[2J", "help": "It is in the log."}).to_string();
    let server = Server::start(move |_| Answer::Json(401, refusal.clone()));
    all_fail(
        &server.address(),
        1,
        "the token is missing\\u{1b}[2J\n  It is in the log. Give the token of the inspector",
    );
}

#[test]
fn control_that_is_not_allowed_and_an_actor_that_is_not_there_are_1() {
    let refused = Server::start(|_| Answer::Json(403, r#"{"error":"control is off"}"#.to_owned()));
    let ran = run(&refused, &["kill", "/user/a"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.err,
        "nexus: control is off\n  The program must allow control: `allow_control(true)` of its inspector.\n"
    );

    let nobody =
        Server::start(|_| Answer::Json(404, r#"{"error":"there is no /user/a"}"#.to_owned()));
    let ran = run(&nobody, &["stop", "/user/a"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.err,
        "nexus: there is no /user/a\n  List the actors with `nexus tree`.\n"
    );

    let bad = Server::start(|_| {
        Answer::Json(
            400,
            r#"{"error":"limit is too large","help":"at most 10"}"#.to_owned(),
        )
    });
    let ran = run(&bad, &["actors", "--limit", "99"]);
    assert_eq!(
        (ran.code, &*ran.err),
        (Some(1), "nexus: limit is too large\n  at most 10\n")
    );
}

#[test]
fn a_tree_of_nobody_is_1_and_a_search_without_a_match_is_0() {
    let answer = |silent: &'static str| {
        let none = format!(r#"{{"actors":[],"matched":0,"examined":7,"silent":[{silent}]}}"#);
        Server::start(move |_| Answer::Json(200, none.clone()))
    };
    let server = answer("");
    let ran = run(&server, &["tree", "/user/none"]);
    assert_eq!((ran.code, &*ran.out), (Some(1), ""));
    assert_eq!(
        ran.err,
        "nexus: there is no actor at or below /user/none\n  List the actors with `nexus tree`.\n"
    );
    let ran = run(&server, &["tree", "/user/none", "--matching", "x"]);
    assert_eq!(
        (ran.code, &*ran.err),
        (Some(0), "nexus: no actor, of 7 examined\n")
    );
    // It may be there: nobody can say.
    let ran = run(&answer("1"), &["tree", "/user/none"]);
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.err.contains("worker 1 did not answer in time"),
        "{}",
        ran.err
    );
}

#[test]
fn mistakes_on_the_command_line_are_2() {
    let wrong: [&[&str]; 12] = [
        &[],
        &["no-such-command"],
        &["top", "--no-such-option"],
        &["tree", "user/a"],
        &["tree", "--depth", "-1"],
        &["tree", "--limit", "0"],
        &["actors", "--order", "biggest"],
        &["stop"],
        &["stop", "user/a"],
        &["kill", "0.3"],
        &["--address", "nowhere", "top"],
        &["--token", "a b", "top"],
    ];
    for arguments in wrong {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nexus"));
        command
            .env_remove("NEXUS_ADDRESS")
            .env_remove("NEXUS_TOKEN");
        let ran = ran(command.args(arguments).output().unwrap());
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{arguments:?}");
        assert!(
            ran.err.contains("Usage") || ran.err.contains("--help"),
            "{arguments:?}: {}",
            ran.err
        );
    }
}

#[test]
fn help_and_version_are_0() {
    for (arguments, expected) in [
        (["--help"], "Exit codes: 0 done, 1 the service refused"),
        (["--version"], concat!("nexus ", env!("CARGO_PKG_VERSION"))),
    ] {
        let ran = ran(Command::new(env!("CARGO_BIN_EXE_nexus"))
            .args(arguments)
            .output()
            .unwrap());
        assert_eq!((ran.code, &*ran.err), (Some(0), ""));
        assert!(ran.out.contains(expected), "{}", ran.out);
    }
}

#[test]
fn nobody_who_listens_is_3() {
    all_fail(
        "127.0.0.1:1",
        3,
        "127.0.0.1:1 cannot be reached: Connection refused",
    );
}

#[test]
fn half_an_answer_is_3() {
    let half = Server::start(|_| Answer::Half(OVERVIEW.to_owned()));
    for arguments in COMMANDS
        .iter()
        .filter(|arguments| !arguments.contains(&"--follow"))
    {
        let ran = run(&half, arguments);
        assert_eq!(
            (ran.code, &*ran.out),
            (Some(3), ""),
            "{arguments:?}: {}",
            ran.err
        );
        assert!(
            ran.err
                .contains("closed the connection in the middle of its answer"),
            "{}",
            ran.err
        );
    }
    let nothing = Server::start(|_| Answer::Nothing);
    all_fail(
        &nothing.address(),
        3,
        "closed the connection in the middle of its answer",
    );
}

#[test]
fn another_service_is_3() {
    let web = Server::start(|_| Answer::Html(404, "<h1>Not found</h1>".to_owned()));
    all_fail(
        &web.address(),
        3,
        "does not answer as an inspector of this version",
    );
    let web = Server::start(|_| Answer::Html(200, "<h1>Welcome</h1>".to_owned()));
    all_fail(
        &web.address(),
        3,
        "does not answer as an inspector of this version",
    );
    let other = Server::start(|_| Answer::Json(200, r#"{"status":"up"}"#.to_owned()));
    for arguments in [
        &["top"][..],
        &["tree"],
        &["waiting"],
        &["dead-letters"],
        &["dead-letters", "--follow"],
        &["stop", "/user/a"],
    ] {
        assert_eq!(run(&other, arguments).code, Some(3), "{arguments:?}");
    }
}
