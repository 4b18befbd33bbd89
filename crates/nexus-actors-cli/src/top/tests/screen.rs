//! What the screen shows.

use std::time::Duration;

use ratatui::crossterm::event::KeyCode;
use ratatui::style::{Color, Modifier};
use serde_json::json;

use super::{
    SECOND, app, buffer, calm, hides, later, lines, parsed, press, screen, shows, troubled,
};
use crate::top::app::{App, View};

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
