//! Output that is read while it is written, and readers that go away.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::channel;

use serde_json::json;

use super::server::{Answer, Server};
use super::{inspector, nexus, squeezed};

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
