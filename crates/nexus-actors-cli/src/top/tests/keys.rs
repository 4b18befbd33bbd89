//! What keys do, and what is asked of the service.

use std::sync::Arc;

use ratatui::crossterm::event::KeyCode;
use serde_json::{Value, json};

use super::{
    SECOND, app, control, hides, later, parsed, press, screen, shows, troubled, type_text,
};
use crate::args::Order;
use crate::client::Client;
use crate::server::{Answer, Server};
use crate::top::app::{Flow, Granted, Wish};
use crate::top::{Asker, grant};

#[test]
fn keys_switch_the_tables() {
    let mut app = app(&troubled());
    let tables = [
        ('1', "[1 deepest]", "> /user/intake/flood", "120,345"),
        ('2', "[2 busiest]", "> /user/busy", "90,000"),
        ('3', "[3 restarts]", "> /user/payments/crash", "17"),
        (
            '4',
            "[4 longest]",
            "> /user/stuck",
            "12 min 34 s  /user/ledger",
        ),
    ];
    for (key, tab, first, value) in tables {
        press(&mut app, KeyCode::Char(key));
        let lines = screen(&mut app, 80, 24);
        shows(&lines, tab);
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with(first) && line.contains(value)),
            "{lines:#?}"
        );
    }
    shows(&screen(&mut app, 80, 24), "/user/b (cycle)");
    press(&mut app, KeyCode::Tab);
    assert_eq!(app.order, Order::Deepest);
    press(&mut app, KeyCode::BackTab);
    assert_eq!(app.order, Order::Longest);
}

#[test]
fn the_value_that_an_order_is_about_stays_on_a_narrow_screen() {
    let mut app = app(&troubled());
    for (key, value) in [('1', "120,345"), ('3', "17"), ('4', "12 min 34 s")] {
        press(&mut app, KeyCode::Char(key));
        let lines = screen(&mut app, 40, 24);
        let selected = lines.iter().find(|line| line.starts_with("> ")).unwrap();
        assert!(selected.contains(value), "{selected}");
    }
}

#[test]
fn the_cursor_stays_on_its_actor() {
    let mut app = app(&troubled());
    press(&mut app, KeyCode::Down);
    let mut second = later(&troubled(), 1, 0);
    second["top"]["deepest"].as_array_mut().unwrap().swap(0, 1);
    app.overview(parsed(&second), SECOND);
    assert_eq!(app.cursor, 0);
    shows(&screen(&mut app, 80, 24), "> /user/intake/printer");
    // Where its actor is listed no more, it stays within the table.
    press(&mut app, KeyCode::End);
    assert_eq!(app.cursor, 3);
    second["top"]["deepest"].as_array_mut().unwrap().truncate(2);
    app.overview(parsed(&second), 2 * SECOND);
    assert_eq!(app.cursor, 1);
}

#[test]
fn rows_below_the_screen_are_reached() {
    let mut many = troubled();
    let rows: Vec<Value> = (0..50)
        .map(|i| json!({"id": format!("0.{i}#1"), "path": format!("/user/n{i}-")}))
        .collect();
    many["top"]["deepest"] = json!(rows);
    let mut app = app(&many);
    hides(&screen(&mut app, 80, 24), "/user/n40-");
    for _ in 0..40 {
        press(&mut app, KeyCode::Down);
    }
    shows(&screen(&mut app, 80, 24), "> /user/n40-");
    press(&mut app, KeyCode::PageUp);
    shows(&screen(&mut app, 80, 24), "> /user/n32-");
    press(&mut app, KeyCode::Home);
    shows(&screen(&mut app, 80, 24), "> /user/n0-");
}

#[test]
fn a_filter_asks_for_all_actors() {
    let mut app = app(&troubled());
    press(&mut app, KeyCode::Char('/'));
    // Keys are text now.
    type_text(&mut app, "qx");
    press(&mut app, KeyCode::Backspace);
    press(&mut app, KeyCode::Backspace);
    type_text(&mut app, "print");
    shows(&screen(&mut app, 80, 24), "filter: print");
    // What is at hand is shown at once.
    let lines = screen(&mut app, 80, 24);
    shows(&lines, "> /user/intake/printer");
    assert!(
        !lines
            .iter()
            .any(|line| line.contains("flood") && !line.starts_with('!')),
        "{lines:#?}"
    );
    let wish = app.wish();
    assert_eq!(wish.filter, Some(("print".to_owned(), Order::Deepest)));

    let far = json!({"actors": [{"id": "1.7#1", "path": "/user/far/printer-9", "mailbox": 1}], "matched": 300, "examined": 1_000_000});
    let answer = |far: &Value| Some(Ok(serde_json::from_value(far.clone()).unwrap()));
    app.granted(Granted {
        wish,
        filter: answer(&far),
        details: None,
    });
    press(&mut app, KeyCode::Enter);
    let lines = screen(&mut app, 100, 24);
    shows(&lines, "/print: 1 of 300 matching, of 1,000,000 actors");
    shows(&lines, "> /user/far/printer-9");

    // The answer to a question that is not asked any more changes nothing.
    let old = Wish {
        filter: Some(("old".to_owned(), Order::Deepest)),
        details: None,
    };
    let none = json!({"actors": [], "matched": 0, "examined": 1});
    app.granted(Granted {
        wish: old,
        filter: answer(&none),
        details: None,
    });
    shows(&screen(&mut app, 100, 24), "> /user/far/printer-9");

    app.granted(Granted {
        wish: app.wish(),
        filter: Some(Err("it is away".to_owned())),
        details: None,
    });
    shows(&screen(&mut app, 100, 24), "/print: it is away");

    press(&mut app, KeyCode::Char('/'));
    press(&mut app, KeyCode::Esc);
    assert_eq!((app.wish(), app.editing), (Wish::default(), false));
    shows(&screen(&mut app, 80, 24), "> /user/intake/flood");
}

#[test]
fn the_details_of_an_actor_are_all_shown() {
    let mut app = app(&troubled());
    press(&mut app, KeyCode::Enter);
    let lines = screen(&mut app, 80, 40);
    for (label, value) in [
        ("path", "/user/intake/flood"),
        ("id", "0.11#1 on worker 0"),
        ("messages", "shop::Order"),
        ("state", "running"),
        ("mailbox", "120,345"),
        ("deepest", "130,000"),
        ("stashed", "7"),
        ("restarts", "0"),
        ("handled", "4,000"),
        ("busy", "812 ms"),
        ("age", "1 min 39 s"),
        ("children", "2"),
        ("timers", "1"),
        ("tasks", "3"),
    ] {
        shows(&lines, &format!("  {label:<8}  {value}"));
    }
    press(&mut app, KeyCode::Esc);
    shows(&screen(&mut app, 80, 24), "[1 deepest]");

    press(&mut app, KeyCode::Char('4'));
    press(&mut app, KeyCode::Enter);
    let lines = screen(&mut app, 80, 40);
    shows(&lines, "12 min 34 s for /user/ledger");
    shows(
        &lines,
        "message 00000000000000ab, correlation 00000000000000cd",
    );

    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::Char('3'));
    press(&mut app, KeyCode::Enter);
    shows(
        &screen(&mut app, 80, 40),
        "500 ms ago: no more\\nink\\u{1b}[0m (restart)",
    );
}

#[test]
fn details_scroll_on_a_small_screen() {
    let mut app = app(&troubled());
    press(&mut app, KeyCode::Enter);
    let lines = screen(&mut app, 80, 16);
    shows(&lines, "more lines below)");
    hides(&lines, "tasks");
    press(&mut app, KeyCode::End);
    let lines = screen(&mut app, 80, 16);
    shows(&lines, "tasks");
    hides(&lines, "more lines below)");
    // One key is enough to go back up.
    press(&mut app, KeyCode::Up);
    hides(&screen(&mut app, 80, 16), "tasks");
}

#[test]
fn details_are_kept_up_and_an_actor_that_is_gone_is_said_to_be() {
    let mut app = app(&troubled());
    press(&mut app, KeyCode::Enter);
    let wish = app.wish();
    assert_eq!(wish.details.as_deref(), Some("/user/intake/flood"));
    let fresh = json!({"actors": [{"id": "0.11#1", "path": "/user/intake/flood", "mailbox": 77, "state": "stopping"}]});
    app.granted(Granted {
        wish,
        filter: None,
        details: Some(Ok(serde_json::from_value(fresh).unwrap())),
    });
    let lines = screen(&mut app, 80, 30);
    shows(&lines, "mailbox   77");
    shows(&lines, "stopping");
    let none = json!({"actors": []});
    app.granted(Granted {
        wish: app.wish(),
        filter: None,
        details: Some(Ok(serde_json::from_value(none).unwrap())),
    });
    shows(&screen(&mut app, 80, 30), "there is no such actor any more");
}

#[test]
fn what_needs_attention_leads_to_its_actor() {
    let mut app = app(&troubled());
    let mut paths = Vec::new();
    for _ in 0..3 {
        press(&mut app, KeyCode::Char('a'));
        paths.extend(app.wish().details);
    }
    assert_eq!(paths, ["/user/spin", "/user/a", "/user/intake/flood"]);
    press(&mut app, KeyCode::Char('A'));
    let lines = screen(&mut app, 60, 12);
    shows(&lines, "Needs attention: 6");
    shows(&lines, "!  /user/stuck has waited 12 min 34 s");
}

#[test]
fn q_escape_and_control_c_quit() {
    let mut app = app(&troubled());
    assert_eq!(press(&mut app, KeyCode::Char('q')), Flow::Quit);
    assert_eq!(press(&mut app, KeyCode::Esc), Flow::Quit);
    assert_eq!(control(&mut app, 'c'), Flow::Quit);
    assert_eq!(control(&mut app, 'z'), Flow::Suspend);
    press(&mut app, KeyCode::Char('?'));
    shows(&screen(&mut app, 80, 30), "q Ctrl-C quit");
    assert_eq!(
        press(&mut app, KeyCode::Esc),
        Flow::Continue,
        "from the help it leads back"
    );
    press(&mut app, KeyCode::Char('/'));
    assert_eq!(
        control(&mut app, 'c'),
        Flow::Quit,
        "also while a filter is typed"
    );
}

fn client(server: &Server) -> Arc<Client> {
    Arc::new(Client::new(server.address().parse().unwrap(), None))
}

#[test]
fn wishes_are_requests() {
    let server = Server::start(|request| match request.line.contains("matching") {
        true => Answer::Json(
            200,
            include_str!("../../../tests/data/actors.json").to_owned(),
        ),
        false => Answer::Json(400, r#"{"error":"no such path"}"#.to_owned()),
    });
    let wish = Wish {
        filter: Some(("a b".to_owned(), Order::Busiest)),
        details: Some("/user/a".to_owned()),
    };
    let granted = grant(&client(&server), wish.clone());
    assert_eq!(granted.wish, wish);
    assert_eq!(granted.filter.unwrap().unwrap().matched, 1012);
    assert_eq!(granted.details.unwrap().unwrap_err(), "no such path");
    let asked: Vec<String> = server
        .requests()
        .into_iter()
        .map(|request| request.line)
        .collect();
    assert_eq!(
        asked[0],
        "GET /actors?matching=a%20b&order=busiest&limit=200"
    );
    assert!(
        asked[1].starts_with("GET /actors?below=") && asked[1].ends_with("&depth=0&limit=1"),
        "{}",
        asked[1]
    );
}

#[test]
fn one_question_is_asked_at_a_time() {
    let server = Server::start(|_| Answer::Json(200, r#"{"actors":[]}"#.to_owned()));
    let mut asker = Asker::start(&client(&server));
    let wish = |text: &str| Wish {
        filter: Some((text.to_owned(), Order::Deepest)),
        details: None,
    };
    asker.ask(Wish::default());
    asker.ask(wish("a"));
    asker.ask(wish("b"));
    let granted = std::iter::from_fn(|| Some(asker.answer()))
        .find_map(|answer| answer)
        .unwrap();
    assert_eq!(granted.wish, wish("a"));
    asker.ask_if_new(wish("a"));
    asker.ask_if_new(wish("c"));
    let granted = std::iter::from_fn(|| Some(asker.answer()))
        .find_map(|answer| answer)
        .unwrap();
    assert_eq!(granted.wish, wish("c"));
    assert_eq!(server.requests().len(), 2);
}
