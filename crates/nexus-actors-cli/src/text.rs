//! Text for a terminal: strings of the service made harmless, numbers, times and aligned tables.

use std::fmt::{self, Write as _};

use serde::Deserialize;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// A string of the service. It is printed with its control characters escaped, so that no name of an actor and
/// no text of an error can move the cursor, change colours or reorder a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text(String);

impl Text {
    /// Returns the string as the service sent it. It is for requests, never for the terminal.
    pub(crate) fn raw(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&escape(&self.0))
    }
}

/// Whether a terminal would obey this character instead of showing it: control characters of both ranges, marks
/// that reorder or hide text, and separators of lines.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns the text with hostile characters written as `\n` or `\u{1b}`.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Returns a JSON text with hostile characters in its strings written as `\u001b`. JSON that is valid has such
/// characters only in strings, except for the space between its parts.
pub(crate) fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' | '\t' => escaped.push(c),
            '\r' => escaped.push(' '),
            c if is_hostile(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns a number with a comma between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Returns a number that may be unknown. Its stand-in, `-`, keeps the columns of a line countable.
pub(crate) fn grouped_or_dash(number: Option<u64>) -> String {
    number.map_or_else(|| "-".to_owned(), grouped)
}

/// Returns a number of bytes.
pub(crate) fn bytes(number: u64) -> String {
    match number {
        0..10_240 => format!("{} B", grouped(number)),
        10_240..10_485_760 => format!("{} KiB", grouped(number / 1024)),
        _ => format!("{} MiB", grouped(number / 1_048_576)),
    }
}

/// Returns a time, with two units at most.
pub(crate) fn time(milliseconds: f64) -> String {
    let ms = milliseconds.max(0.0);
    if ms < 1.0 && ms > 0.0 {
        return format!("{ms:.1} ms");
    }
    if ms < 1000.0 {
        return format!("{ms:.0} ms");
    }
    if ms < 60_000.0 {
        // Rounded down: 59.99 s is not 60.0 s.
        return format!("{:.1} s", (ms / 100.0).floor() / 10.0);
    }
    let seconds = (ms / 1000.0) as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours) {
        (0, 0) => format!("{minutes} min {} s", seconds % 60),
        (0, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// Returns a time that may be unknown.
pub(crate) fn time_or_dash(milliseconds: Option<f64>) -> String {
    milliseconds.map_or_else(|| "-".to_owned(), time)
}

/// Returns `1 actor` or `2 actors`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    let noun = if number == 1 { one } else { many };
    format!("{} {noun}", grouped(number))
}

/// Returns the columns of a terminal that the text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Returns the text within that many columns: of a longer one, the beginning.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let fits = |c: &char| match c.width().unwrap_or(0) {
        wide if wide <= left => {
            left -= wide;
            true
        }
        _ => false,
    };
    let mut fitted: String = text.chars().take_while(fits).collect();
    if columns > 0 {
        fitted.push('…');
    }
    fitted
}

/// Returns the text within that many columns: of a longer one, the end, which tells paths apart.
pub(crate) fn fit_end(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let reversed: String = text.chars().rev().collect();
    fit(&reversed, columns).chars().rev().collect()
}

/// Where the text of a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Returns the text filled up with spaces to that many columns.
pub(crate) fn pad(text: &str, columns: usize, align: Align) -> String {
    let spaces = " ".repeat(columns.saturating_sub(width(text)));
    match align {
        Align::Left => format!("{text}{spaces}"),
        Align::Right => format!("{spaces}{text}"),
    }
}

/// Rows with aligned columns, two spaces between them.
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the line of heads and then those of the rows, without spaces at their ends.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let widest = |column: usize| {
            let cells = self.rows.iter().map(move |row| width(&row[column]));
            cells
                .chain([width(self.columns[column].0)])
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(widest).collect();
        let heads = self
            .columns
            .iter()
            .map(|column| column.0.to_owned())
            .collect();
        let rows = std::iter::once(heads).chain(self.rows.iter().cloned());
        rows.map(move |cells: Vec<String>| {
            let cells = cells.iter().zip(&self.columns).zip(&widths);
            let cells = cells.map(|((cell, column), &width)| pad(cell, width, column.1));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_service_does_not_command_the_terminal() {
        let hostile = Text::from("a\u{1b}[2Jb\u{9b}1m\n\u{202e}c\u{7f}");
        let shown = hostile.to_string();
        assert_eq!(shown, "a\\u{1b}[2Jb\\u{9b}1m\\n\\u{202e}c\\u{7f}");
        assert_eq!(hostile.raw(), "a\u{1b}[2Jb\u{9b}1m\n\u{202e}c\u{7f}");
        assert_eq!(Text::from("/user/größe-1").to_string(), "/user/größe-1");
    }

    #[test]
    fn json_keeps_its_meaning_when_it_is_escaped() {
        let json = "{\"a\":\t\"x\u{9b}y\u{202e}z\u{e0041}\",\r\n\"b\": 18446744073709551615}";
        let escaped = escape_json(json);
        assert!(
            !escaped.contains(['\u{9b}', '\u{202e}', '\u{e0041}', '\r']),
            "{escaped}"
        );
        let meaning = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(meaning(&escaped), meaning(json));
    }

    #[test]
    fn numbers_and_times_are_short() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped_or_dash(None), "-");
        assert_eq!(count(1, "actor", "actors"), "1 actor");
        assert_eq!(count(2000, "actor", "actors"), "2,000 actors");
        assert_eq!(bytes(8192), "8,192 B");
        assert_eq!(bytes(20_480), "20 KiB");
        assert_eq!(bytes(3 << 30), "3,072 MiB");
        let times = [
            (0.0, "0 ms"),
            (0.25, "0.2 ms"),
            (12.0, "12 ms"),
            (1500.0, "1.5 s"),
            (59_990.0, "59.9 s"),
            (61_000.0, "1 min 1 s"),
            (3_720_000.0, "1 h 2 min"),
            (180_000_000.0, "2 d 2 h"),
        ];
        for (milliseconds, text) in times {
            assert_eq!(time(milliseconds), text);
        }
    }

    #[test]
    fn what_is_too_long_is_cut_at_the_side_that_tells_less() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit_end("/user/shop/order-17", 9), "…order-17");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit_end("abc", 1), "…");
    }

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&[
            ("path", Align::Left),
            ("mailbox", Align::Right),
            ("type", Align::Left),
        ]);
        table.row(vec![
            "/user/日本".to_owned(),
            "12,000".to_owned(),
            "u8".to_owned(),
        ]);
        table.row(vec![
            "/user/a-longer-one".to_owned(),
            "1".to_owned(),
            String::new(),
        ]);
        let lines: Vec<String> = table.lines().collect();
        assert_eq!(
            lines,
            [
                "path                mailbox  type",
                "/user/日本           12,000  u8",
                "/user/a-longer-one        1",
            ]
        );
    }
}
