//! The commands, each as a process of its own, against a server that answers with recorded JSON.

mod exit_codes;
mod pipes;
mod printing;
#[path = "../server/mod.rs"]
#[allow(dead_code, unreachable_pub)]
mod server;

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use server::{Answer, Request, Server};

const OVERVIEW: &str = include_str!("../data/overview.json");
const CALM: &str = include_str!("../data/calm.json");
const ACTORS: &str = include_str!("../data/actors.json");

/// Answers as an inspector that allows control.
fn inspector(request: &Request) -> Answer {
    let path = request.line.split(['?']).next().unwrap();
    match path {
        "GET /snapshot" => Answer::Json(200, OVERVIEW.to_owned()),
        "GET /actors" => Answer::Json(200, ACTORS.to_owned()),
        "POST /actors/stop"
        | "POST /actors/kill"
        | "POST /actors/suspend"
        | "POST /actors/resume" => {
            let order = path.rsplit('/').next().unwrap();
            Answer::Json(
                200,
                json!({"done": order, "path": "/user/a\u{1b}[2J"}).to_string(),
            )
        }
        _ => Answer::Json(
            404,
            json!({"error": "there is no such page", "help": ""}).to_string(),
        ),
    }
}

/// The command as a user calls it, with nothing of the environment of the tests.
fn nexus(address: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nexus"));
    for variable in [
        "NEXUS_ADDRESS",
        "NEXUS_TOKEN",
        "NO_COLOR",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
    ] {
        command.env_remove(variable);
    }
    command
        .args(["--address", address])
        .args(arguments)
        .stdin(Stdio::null());
    command
}

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn ran(output: Output) -> Ran {
    let ran = Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    // Of everything that is ever printed to a pipe.
    let hostile = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(
        !ran.out.contains(hostile) && !ran.err.contains(hostile),
        "{}{}",
        ran.out,
        ran.err
    );
    ran
}

fn run(server: &Server, arguments: &[&str]) -> Ran {
    ran(nexus(&server.address(), arguments).output().unwrap())
}

/// Runs it, and returns what it printed, with the spaces between columns as one.
fn printed(server: &Server, arguments: &[&str]) -> Vec<String> {
    let ran = run(server, arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    ran.out.lines().map(squeezed).collect()
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn has(lines: &[String], expected: &str) {
    assert!(
        lines.iter().any(|line| line == expected),
        "no line {expected:?} in {lines:#?}"
    );
}

/// The service's JSON has been printed, whatever spaces it has.
fn same_json(printed: &str, sent: &str) {
    let value = |json: &str| serde_json::from_str::<Value>(json).unwrap();
    assert_eq!(value(printed), value(sent));
}
