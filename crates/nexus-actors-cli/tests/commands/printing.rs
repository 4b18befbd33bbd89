//! What the commands print, and what they ask the service.

use std::process::Command;

use serde_json::Value;

use super::server::{Answer, Server};
use super::{
    ACTORS, CALM, OVERVIEW, has, inspector, nexus, printed, ran, run, same_json, squeezed,
};

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
