//! The screen of `nexus top`, on terminals of several sizes, with made-up pools.

use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};
use serde_json::{Value, json};

use super::app::{App, Flow, Granted, View, Wish};
use super::draw::{Palette, draw};
use super::{Asker, grant};
use crate::args::Order;
use crate::client::Client;
use crate::model::Overview;
use crate::server::{Answer, Server};

const SECOND: Duration = Duration::from_secs(1);

/// A pool with every trouble that there is.
fn troubled() -> Value {
    serde_json::from_str(include_str!("../../tests/data/overview.json")).unwrap()
}

fn calm() -> Value {
    serde_json::from_str(include_str!("../../tests/data/calm.json")).unwrap()
}

fn parsed(overview: &Value) -> Overview {
    serde_json::from_value(overview.clone()).unwrap()
}

fn app(overview: &Value) -> App {
    App::new(
        "127.0.0.1:7777".to_owned(),
        parsed(overview),
        Duration::ZERO,
    )
}

fn buffer(app: &mut App, columns: u16, rows: u16, now: Duration, colours: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal
        .draw(|frame| _ = draw(frame, app, now, Palette::new(colours)))
        .unwrap();
    terminal.backend().buffer().clone()
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let row = |y| {
        (0..area.width)
            .map(|x| buffer[(x, y)].symbol())
            .collect::<String>()
            .trim_end()
            .to_owned()
    };
    (0..area.height).map(row).collect()
}

fn screen(app: &mut App, columns: u16, rows: u16) -> Vec<String> {
    lines(&buffer(app, columns, rows, Duration::ZERO, true))
}

/// There is a line that contains this.
fn shows(lines: &[String], text: &str) {
    assert!(
        lines.iter().any(|line| line.contains(text)),
        "no {text:?} in {lines:#?}"
    );
}

fn hides(lines: &[String], text: &str) {
    assert!(
        !lines.iter().any(|line| line.contains(text)),
        "{text:?} in {lines:#?}"
    );
}

fn press(app: &mut App, code: KeyCode) -> Flow {
    app.key(KeyEvent::new(code, KeyModifiers::NONE), 8)
}

fn type_text(app: &mut App, text: &str) {
    for c in text.chars() {
        assert_eq!(press(app, KeyCode::Char(c)), Flow::Continue);
    }
}

fn control(app: &mut App, c: char) -> Flow {
    app.key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL), 8)
}

#[test]
fn the_trouble_of_a_pool_is_seen_at_every_usual_size() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 60), (60, 20), (40, 24)] {
        let mut app = app(&troubled());
        let lines = screen(&mut app, columns, rows);
        assert!(
            lines[0].starts_with("live  shop  up 1 min 40 s"),
            "{lines:#?}"
        );
        shows(&lines, "1,000,000 actors");
        shows(&lines, "Needs attention: 6");
        shows(&lines, "!! worker 1 is silent: no answer");
        shows(&lines, "!! cycle of waits: /user/a -> /user/b");
        shows(&lines, "!  /user/intake/flood has 120,345");
        shows(&lines, "deepest");
        shows(&lines, "> /user/intake/flood");
        shows(&lines, "  /user/intake/printer");
        shows(&lines, "q quit");
        let silent = lines.iter().find(|line| line.ends_with("silent"));
        assert!(
            silent.is_some_and(|line| line.trim_start().starts_with('1')),
            "{lines:#?}"
        );
    }
}

#[test]
fn a_large_screen_shows_more() {
    let lines = screen(&mut app(&troubled()), 160, 40);
    shows(&lines, "/user/spin runs there and handles shop::Spin");
    shows(&lines, "45 dead letters");
    shows(&lines, "run 0011223344556677");
    shows(
        &lines,
        "/user/payments/crash has restarted 2 times in 10.0 s, 17 in all; last: no more",
    );
    shows(
        &lines,
        "/user/stuck has waited 12 min 34 s for /user/ledger",
    );
    shows(&lines, "95 % of its capacity of 100");
    shows(&lines, "suspended");
    shows(&lines, "shop::Label");
    hides(&lines, "press A");
}

#[test]
fn a_calm_pool_says_so() {
    let lines = screen(&mut app(&calm()), 80, 24);
    shows(&lines, "Nothing needs attention");
    shows(&lines, "no actors");
    hides(&lines, "!");
}

#[test]
fn every_size_is_drawn_without_a_control_character() {
    for view in [
        View::Table,
        View::Details,
        View::Workers,
        View::Attention,
        View::Help,
    ] {
        let mut app = app(&troubled());
        app.selected = app.overview.top.deepest.get(2).cloned();
        app.view = view;
        for columns in (1..20).chain([39, 80, 131]) {
            for rows in (1..20).chain([24, 47]) {
                app.editing = rows % 2 == 0;
                let lines = screen(&mut app, columns, rows);
                assert!(
                    lines[0].starts_with(if columns > 4 { "live" } else { "l" }) || columns == 1,
                    "{lines:#?}"
                );
                let hostile = |c: char| c.is_control() || c == '\u{202e}';
                assert!(
                    !lines.iter().any(|line| line.contains(hostile)),
                    "{lines:#?}"
                );
            }
        }
    }
}

/// The overview one second later, when that many more messages have been handled by each worker and by the first
/// of the deepest.
fn later(overview: &Value, seconds: u64, more: u64) -> Value {
    let mut later = overview.clone();
    let add = |value: &mut Value, more: u64| *value = json!(value.as_u64().unwrap() + more);
    add(&mut later["uptime_ms"], seconds * 1000);
    for worker in later["workers"].as_array_mut().unwrap() {
        add(&mut worker["handled"], more);
    }
    add(&mut later["top"]["deepest"][0]["handled"], more);
    add(&mut later["top"]["busiest"][1]["handled"], more);
    later
}

#[test]
fn rates_come_from_differences() {
    let mut app = app(&troubled());
    shows(&screen(&mut app, 80, 24), "- msg/s");
    let second = later(&troubled(), 2, 3000);
    app.overview(parsed(&second), 2 * SECOND);
    let lines = screen(&mut app, 80, 24);
    shows(&lines, "3,000 msg/s");
    let flood = lines
        .iter()
        .find(|line| line.starts_with("> /user/intake/flood"))
        .unwrap();
    assert!(
        flood.contains(" 1,500 ") || flood.ends_with(" 1,500"),
        "{flood}"
    );
    let worker = lines
        .iter()
        .find(|line| line.trim_start().starts_with("0  500,000"))
        .unwrap();
    assert!(worker.contains("1,500"), "{worker}");
    // An overview that comes twice says nothing new.
    app.overview(parsed(&second), 2 * SECOND);
    shows(&screen(&mut app, 80, 24), "3,000 msg/s");
    assert_eq!(app.history.rates(0), [1500]);
}

#[test]
fn the_busiest_are_those_of_now() {
    let mut app = app(&troubled());
    app.overview(parsed(&later(&troubled(), 1, 10)), SECOND);
    press(&mut app, KeyCode::Char('2'));
    // It has handled fewer than /user/busy, which rests.
    shows(&screen(&mut app, 80, 24), "> /user/intake/flood");
}

#[test]
fn restarts_and_dead_letters_are_told_while_they_grow() {
    let mut first = troubled();
    first["failures"] = json!([]);
    let mut app = app(&first);
    let texts = |app: &App| {
        app.attention
            .iter()
            .map(|line| line.text.clone())
            .collect::<Vec<_>>()
    };
    hides(&texts(&app), "restarted");
    let mut second = later(&first, 2, 0);
    second["top"]["restarts"][0]["restarts"] = json!(21);
    second["top"]["deepest"][3]["restarts"] = json!(0);
    second["dead_letters"]["total"] = json!(52);
    app.overview(parsed(&second), 2 * SECOND);
    shows(
        &texts(&app),
        "/user/payments/crash has restarted 4 times in 2.0 s, 21 in all",
    );
    shows(
        &texts(&app),
        "7 dead letters more in 2.0 s, 52 in all; most of all: its actor had stopped",
    );
    // Both have been quiet for longer than it is looked back at.
    for seconds in 3..15 {
        let mut quiet = later(&second, seconds - 2, 0);
        quiet["waiting"] = json!([]);
        app.overview(parsed(&quiet), 2 * SECOND);
    }
    hides(&texts(&app), "restarted");
    hides(&texts(&app), "dead letters");
}

#[test]
fn a_service_that_is_away_is_said_to_be() {
    let mut app = app(&troubled());
    app.went_away("127.0.0.1:7777 cannot be reached: refused".to_owned());
    for (columns, rows) in [(80, 24), (50, 12)] {
        let lines = lines(&buffer(&mut app, columns, rows, 12 * SECOND, true));
        assert!(lines[0].starts_with("AWAY"), "{lines:#?}");
        shows(&lines, "away, trying again; this is 12 s old");
        hides(&lines, "live");
    }
    app.overview(parsed(&later(&troubled(), 20, 5)), 20 * SECOND);
    let lines = lines(&buffer(&mut app, 80, 24, 20 * SECOND, true));
    assert!(lines[0].starts_with("live"), "{lines:#?}");
    hides(&lines, "trying again");
}

#[test]
fn an_overview_that_gets_old_is_said_to_be() {
    let mut app = app(&troubled());
    hides(
        &lines(&buffer(&mut app, 80, 24, 4 * SECOND, true)),
        "no word",
    );
    let lines = lines(&buffer(&mut app, 80, 24, 7 * SECOND, true));
    assert!(lines[0].starts_with("SILENT"), "{lines:#?}");
    shows(&lines, "no word from the service for 7 s");
}

#[test]
fn a_pool_that_is_started_anew_begins_at_zero() {
    let mut app = app(&troubled());
    app.overview(parsed(&later(&troubled(), 1, 100)), SECOND);
    let mut other = calm();
    other["run"] = json!("ffffffffffffffff");
    app.overview(parsed(&other), 2 * SECOND);
    let lines = screen(&mut app, 80, 24);
    shows(&lines, "the pool has been started anew");
    shows(&lines, "- msg/s");
    press(&mut app, KeyCode::Down);
    hides(&screen(&mut app, 80, 24), "started anew");
}

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
fn lines_that_do_not_fit_are_counted() {
    shows(
        &screen(&mut app(&troubled()), 80, 16),
        "Needs attention: 6 (3 more: press A)",
    );
}

#[test]
fn of_many_workers_the_silent_one_is_shown() {
    let mut many = troubled();
    let worker = many["workers"][0].clone();
    let mut workers = vec![worker; 64];
    for (index, worker) in workers.iter_mut().enumerate() {
        worker["index"] = json!(index);
    }
    workers[50]["silent"] = json!({"error": "no answer", "running": null});
    many["workers"] = json!(workers);
    let mut app = app(&many);
    let lines = screen(&mut app, 80, 24);
    assert!(
        lines
            .iter()
            .any(|line| line.trim_start().starts_with("50 ") && line.ends_with("silent")),
        "{lines:#?}"
    );
    shows(&lines, "61 more: press w");
    press(&mut app, KeyCode::Char('w'));
    press(&mut app, KeyCode::End);
    let lines = screen(&mut app, 80, 24);
    assert!(
        lines
            .iter()
            .any(|line| line.trim_start().starts_with("63 ")),
        "{lines:#?}"
    );
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

#[test]
fn without_colours_the_same_is_said() {
    let mut app = app(&troubled());
    let coloured = buffer(&mut app, 80, 24, Duration::ZERO, true);
    let plain = buffer(&mut app, 80, 24, Duration::ZERO, false);
    assert_eq!(lines(&coloured), lines(&plain));
    assert!(
        plain
            .content
            .iter()
            .all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset)
    );
    let red = lines(&coloured)
        .iter()
        .position(|line| line.starts_with("!! worker 1"))
        .unwrap();
    assert_eq!(coloured[(0, u16::try_from(red).unwrap())].fg, Color::Red);
    let selected = lines(&plain)
        .iter()
        .position(|line| line.starts_with("> "))
        .unwrap();
    assert!(
        plain[(0, u16::try_from(selected).unwrap())]
            .modifier
            .contains(Modifier::REVERSED)
    );
}

fn client(server: &Server) -> Arc<Client> {
    Arc::new(Client::new(server.address().parse().unwrap(), None))
}

#[test]
fn wishes_are_requests() {
    let server = Server::start(|request| match request.line.contains("matching") {
        true => Answer::Json(200, include_str!("../../tests/data/actors.json").to_owned()),
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
