//! The screen of `nexus top`, on terminals of several sizes, with made-up pools.

mod keys;
mod screen;

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::{Value, json};

use super::app::{App, Flow};
use super::draw::{Palette, draw};
use crate::model::Overview;

const SECOND: Duration = Duration::from_secs(1);

/// A pool with every trouble that there is.
fn troubled() -> Value {
    serde_json::from_str(include_str!("../../../tests/data/overview.json")).unwrap()
}

fn calm() -> Value {
    serde_json::from_str(include_str!("../../../tests/data/calm.json")).unwrap()
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
