//! The commands, each as a process of its own, against a server that answers with recorded JSON.

#[allow(dead_code, unreachable_pub)]
mod server;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::channel;

use serde_json::{Value, json};

use server::{Answer, Request, Server};

const OVERVIEW: &str = include_str!("data/overview.json");
const CALM: &str = include_str!("data/calm.json");
const ACTORS: &str = include_str!("data/actors.json");

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

#[test]
fn top_without_a_terminal_prints_one_overview() {
    let server = Server::start(inspector);
    let lines = printed(&server, &["top"]);
    has(
        &lines,
        &format!(
            "shop run 0011223344556677 up 1 min 40 s at {}",
            server.address()
        ),
    );
    has(
        &lines,
        "1,000,000 actors, 2,001 sent, 4,000 handled, 120,445 queued, 2 stashed, 45 dead letters",
    );
    has(
        &lines,
        "worker 1 is silent: no answer within 100 ms; /user/spin runs there and handles shop::Spin",
    );
    has(&lines, "cycle of waits: /user/a -> /user/b -> /user/a");
    has(
        &lines,
        "/user/intake/flood has 120,345 messages in its mailbox",
    );
    has(
        &lines,
        "/user/intake/printer has 95 messages in its mailbox: 95 % of its capacity of 100",
    );
    has(
        &lines,
        "/user/payments/crash has restarted 2 times in 1 min 0 s, 17 in all; last: no more\\nink\\u{1b}[0m",
    );
    has(
        &lines,
        "/user/stuck has waited 12 min 34 s for /user/ledger",
    );
    has(
        &lines,
        "1 500,000 2,000 1,000 50 1 2 9 4 8,192 B 101 MiB silent",
    );
    has(
        &lines,
        "/user/\\u{1b}[31mred\\u{202e} 0.17#1 run\\u{9b}ning 3 - - - - 0 - bell\\u{7}",
    );
    has(
        &lines,
        "/user/busy 0.18#1 running 2 - - 90,000 4.0 s 0 - shop::Order",
    );
    let requests: Vec<String> = server
        .requests()
        .into_iter()
        .map(|request| request.line)
        .collect();
    assert_eq!(requests, ["GET /snapshot"]);
}

#[test]
fn a_pool_at_rest_needs_no_attention() {
    let server = Server::start(|_| Answer::Json(200, CALM.to_owned()));
    let lines = printed(&server, &["top"]);
    has(&lines, "Nothing needs attention");
    assert!(
        !lines
            .iter()
            .any(|line| line.contains("Longest") || line.contains("Deepest")),
        "{lines:#?}"
    );
    let waiting = run(&server, &["waiting"]);
    assert_eq!(
        (waiting.code, &*waiting.out, &*waiting.err),
        (Some(0), "", "nexus: no handler waits\n")
    );
    assert_eq!(printed(&server, &["dead-letters"]), ["0 dead letters"]);
}

#[test]
fn a_tree_is_indented_and_says_what_it_leaves_out() {
    let server = Server::start(inspector);
    let ran = run(
        &server,
        &[
            "tree",
            "/user/intake",
            "--depth",
            "2",
            "--limit",
            "6",
            "--matching",
            "a b&c",
        ],
    );
    assert_eq!(ran.code, Some(0));
    let names: Vec<&str> = ran
        .out
        .lines()
        .map(|line| line.split("  0.").next().unwrap().trim_end())
        .collect();
    assert_eq!(&names[1..4], ["/user/intake", "  flood", "    $1"]);
    let lines: Vec<String> = ran.out.lines().map(squeezed).collect();
    has(&lines, "flood 0.11#1 running 120,345 1 0 - shop::Order");
    has(
        &lines,
        "/user/stuck 0.14#2 running 0 0 0 12 min 34 s for /user/ledger shop::Order",
    );
    assert!(
        ran.err
            .contains("6 of 1,012 actors shown; --limit 1012 shows all"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("worker 1 did not answer in time"),
        "{}",
        ran.err
    );
    let request = &server.requests()[0].line;
    assert!(request.starts_with("GET /actors?"), "{request}");
    let (_, query) = request.split_once('?').unwrap();
    let mut query: Vec<&str> = query.split('&').collect();
    query.sort_unstable();
    assert_eq!(
        query[1..],
        ["depth=2", "limit=6", "matching=a%20b%26c", "order=tree"]
    );
    assert!(
        matches!(query[0], "below=/user/intake" | "below=%2Fuser%2Fintake"),
        "{query:?}"
    );
}

#[test]
fn columns_are_aligned_and_lines_end_without_spaces() {
    let server = Server::start(inspector);
    for arguments in [
        &["actors"][..],
        &["tree"],
        &["waiting"],
        &["top"],
        &["dead-letters"],
    ] {
        let out = run(&server, arguments).out;
        assert!(!out.lines().any(|line| line.ends_with(' ')), "{out}");
    }
    let out = run(&server, &["actors"]).out;
    let head = out.lines().next().unwrap();
    let end_of_mailbox = head.find("mailbox").unwrap() + "mailbox".len();
    for (line, number) in out
        .lines()
        .skip(1)
        .zip(["0", "120,345", "0", "95", "0", "3"])
    {
        assert!(
            line[..end_of_mailbox].ends_with(&format!(" {number}")),
            "{out}"
        );
    }
}

#[test]
fn actors_are_listed_in_each_order() {
    let server = Server::start(inspector);
    for order in ["deepest", "busiest", "restarts", "longest"] {
        let lines = printed(&server, &["actors", "--order", order, "--limit", "6"]);
        has(
            &lines,
            "/user/intake/printer 1.12#1 suspended 95 100 100 50 3 ms 0 - shop::Label",
        );
    }
    let asked: Vec<String> = server
        .requests()
        .into_iter()
        .map(|request| request.line)
        .collect();
    let expected = ["deepest", "busiest", "restarts", "longest"]
        .map(|o| format!("GET /actors?order={o}&limit=6"));
    assert_eq!(asked, expected);
}

#[test]
fn a_service_that_counts_nothing_is_explained() {
    let nobody =
        r#"{"actors":[{"id":"0.1#1","path":"/user/a"}],"matched":1,"examined":1,"silent":[]}"#;
    let server = Server::start(|_| Answer::Json(200, nobody.to_owned()));
    let ran = run(&server, &["actors", "--order", "busiest"]);
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.err.contains("nothing is counted while nobody watches"),
        "{}",
        ran.err
    );
}

#[test]
fn waits_are_listed_with_the_longest_first() {
    let server = Server::start(inspector);
    let expected = [
        "actor id worker waits for cycle",
        "/user/stuck 0.14#2 0 12 min 34 s /user/ledger",
        "/user/a 0.15#1 0 5.0 s /user/b /user/a -> /user/b -> /user/a",
        "/user/b 1.16#1 1 4.0 s the actor 0.15#1 /user/b -> /user/a -> /user/b",
        "a task of worker 1 - 1 3 ms time to pass",
        "/user/c 0.19#1 0 - worker 1",
    ];
    assert_eq!(printed(&server, &["waiting"]), expected);
}

#[test]
fn dead_letters_are_counted_by_reason() {
    let server = Server::start(inspector);
    let expected = [
        "45 dead letters",
        "",
        "count reason",
        "40 its actor had stopped",
        "5 its mailbox was full",
        "",
        "to message reason from id",
        "/user/gone u32 its actor had stopped - 00000000000000a1",
        "1.5#1 shop::Label\\u{1b}[2J its mailbox was full 0.4#1 00000000000000a2",
    ];
    assert_eq!(printed(&server, &["dead-letters"]), expected);
}

#[test]
fn actors_are_controlled_by_path_and_by_id() {
    let server = Server::start(inspector);
    for order in ["stop", "kill", "suspend", "resume"] {
        assert_eq!(
            printed(&server, &[order, "/user/a"]),
            [format!("{order}: /user/a\\u{{1b}}[2J")]
        );
        same_json(
            &run(&server, &[order, "0.3#1", "--json"]).out,
            &format!(r#"{{"done":"{order}","path":"/user/a\u001b[2J"}}"#),
        );
    }
    let requests = server.requests();
    for (pair, order) in requests
        .chunks(2)
        .zip(["stop", "kill", "suspend", "resume"])
    {
        for request in pair {
            assert_eq!(request.line, format!("POST /actors/{order}"));
            assert_eq!(request.header("Content-Type"), Some("application/json"));
            assert_eq!(request.header("Origin"), None);
            assert_eq!(request.header("Host"), Some(&*server.address()));
        }
        same_json(&pair[0].body, r#"{"path":"/user/a"}"#);
        same_json(&pair[1].body, r#"{"id":"0.3#1"}"#);
    }
}

#[test]
fn json_is_the_services() {
    let server = Server::start(inspector);
    same_json(&run(&server, &["top", "--json"]).out, OVERVIEW);
    same_json(&run(&server, &["--json", "tree"]).out, ACTORS);
    same_json(&run(&server, &["actors", "--json"]).out, ACTORS);
    let overview: Value = serde_json::from_str(OVERVIEW).unwrap();
    same_json(
        &run(&server, &["waiting", "--json"]).out,
        &overview["waiting"].to_string(),
    );
    same_json(
        &run(&server, &["dead-letters", "--json"]).out,
        &overview["dead_letters"].to_string(),
    );
}

#[test]
fn followed_dead_letters_come_once_each_also_after_the_service_was_away() {
    let overview = |ids: &[&str]| {
        let letter = |id: &&str| json!({"target": "0.3#1", "path": "/user/gone", "message_type": "u32", "reason": "stopped", "message": id});
        format!(
            "event: overview\ndata: {}\n\n",
            json!({"dead_letters": {"recent": ids.iter().map(letter).collect::<Vec<_>>()}})
        )
    };
    let event = |id: &str| {
        let letter = json!({"target": "0.4#1", "path": null, "message_type": "x\u{1b}[2J", "reason": "full", "sender": "0.9#1", "message": id});
        format!("event: dead_letter\ndata: {letter}\n\n")
    };
    let (say, said) = channel::<String>();
    let first = vec![
        overview(&["a1"]),
        event("a2"),
        "event: dead_letter\ndata: {\"omitted\": 12}\n\n".to_owned(),
    ];
    // While there was no connection, a3 came.
    let second = vec![overview(&["a1", "a2x", "a3"])].into_iter().chain(said);
    let answers = Mutex::new(vec![
        Answer::Events(Box::new(second)),
        Answer::Nothing,
        Answer::Events(Box::new(first.into_iter())),
    ]);
    let server = Server::start(move |_| answers.lock().unwrap().pop().unwrap_or(Answer::Nothing));

    let mut child = nexus(&server.address(), &["dead-letters", "--follow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| squeezed(&line.unwrap()));
    assert_eq!(lines.next().unwrap(), "/user/gone u32 stopped - a1");
    assert_eq!(lines.next().unwrap(), "0.4#1 x\\u{1b}[2J full 0.9#1 a2");
    assert_eq!(lines.next().unwrap(), "/user/gone u32 stopped - a2x");
    assert_eq!(lines.next().unwrap(), "/user/gone u32 stopped - a3");
    say.send(event("a3")).unwrap();
    assert_eq!(
        lines.next().unwrap(),
        "0.4#1 x\\u{1b}[2J full 0.9#1 a3",
        "another target is another letter"
    );
    // As `head` does. The next letter finds the pipe closed.
    drop(lines);
    say.send(event("a4")).unwrap();
    let (code, err) = end(&mut child);
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("12 dead letters left out"), "{err}");
    assert!(
        err.contains("waiting for it") && err.contains("is back"),
        "{err}"
    );
    assert_eq!(err.lines().count(), 3, "{err}");
}

fn end(child: &mut Child) -> (Option<i32>, String) {
    let mut err = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    (child.wait().unwrap().code(), err)
}

#[test]
fn followed_dead_letters_are_lines_of_json() {
    let (say, said) = channel::<String>();
    let events = Mutex::new(Some(said));
    let server = Server::start(move |_| match events.lock().unwrap().take() {
        Some(said) => Answer::Events(Box::new(said.into_iter())),
        None => Answer::Nothing,
    });
    let mut child = nexus(&server.address(), &["dead-letters", "--follow", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let letter = r#"{"target":"0.3#1","reason":"a b","later_field":[1]}"#;
    say.send(format!("event: dead_letter\ndata: {letter}\n\n"))
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), letter);
    drop(lines);
    say.send(format!("event: dead_letter\ndata: {letter}\n\n"))
        .unwrap();
    assert_eq!(end(&mut child), (Some(0), String::new()));
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    for arguments in [
        &["actors"][..],
        &["tree"],
        &["waiting"],
        &["top"],
        &["dead-letters"],
        &["top", "--json"],
    ] {
        // The answer waits until the pipe is closed.
        let (close, closed) = channel::<()>();
        let closed = Mutex::new(closed);
        let server = Server::start(move |request| {
            let _ = closed.lock().unwrap().recv();
            inspector(request)
        });
        let mut child = nexus(&server.address(), arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        close.send(()).unwrap();
        let (code, err) = end(&mut child);
        assert_eq!(code, Some(0), "{err}");
        // What is beside the output may be said, but no complaint about the pipe.
        assert!(
            !err.contains("written") && !err.contains("panicked"),
            "{err}"
        );
    }
}

#[test]
fn a_token_is_sent_from_an_option_or_the_environment() {
    let server = Server::start(inspector);
    run(&server, &["--token", "s3cret", "top"]);
    nexus(&server.address(), &["stop", "/user/a"])
        .env("NEXUS_TOKEN", "from-env")
        .output()
        .unwrap();
    nexus(&server.address(), &["actors"])
        .env("NEXUS_TOKEN", "")
        .output()
        .unwrap();
    let sent: Vec<Option<String>> = server
        .requests()
        .iter()
        .map(|request| request.header("Authorization").map(str::to_owned))
        .collect();
    assert_eq!(
        sent,
        [
            Some("Bearer s3cret".to_owned()),
            Some("Bearer from-env".to_owned()),
            None
        ]
    );
    let help = Command::new(env!("CARGO_BIN_EXE_nexus"))
        .arg("--help")
        .env("NEXUS_TOKEN", "hidden")
        .output()
        .unwrap();
    assert!(!ran(help).out.contains("hidden"));
}

#[test]
fn the_address_comes_from_the_environment_too_and_no_proxy_is_asked() {
    let server = Server::start(inspector);
    let mut command = Command::new(env!("CARGO_BIN_EXE_nexus"));
    command
        .env("NEXUS_ADDRESS", server.address())
        .env_remove("NEXUS_TOKEN")
        .env("http_proxy", "http://127.0.0.1:1");
    command
        .env("ALL_PROXY", "http://127.0.0.1:1")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    let ran = ran(command.arg("waiting").output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
}

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
