//! `nexus dead-letters`.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::commands::print_part;
use crate::failure::Failure;
use crate::feed::{Feed, News};
use crate::model::{DeadLetter, Omitted, Overview};
use crate::output::{Output, Style, note};
use crate::text::{
    Align::{Left, Right},
    Table, Text, count, escape_json, grouped, pad,
};

/// So many letters are remembered, so that one that comes twice is printed once. The service keeps fewer.
const REMEMBERED: usize = 4096;

/// Prints how many messages reached nobody, why, and the last of them.
///
/// # Errors
/// If the service cannot be asked.
pub(crate) fn dead_letters(
    client: &Client,
    output: &mut Output,
    json: bool,
) -> Result<(), Failure> {
    let answer = client.get("/snapshot", &[])?;
    let overview: Overview = client.parse(&answer)?;
    if json {
        return print_part(client, output, &answer, |parts| parts.dead_letters);
    }
    let letters = &overview.dead_letters;
    output.line(
        Style::Head,
        &count(letters.total, "dead letter", "dead letters"),
    )?;
    let mut reasons = Table::new(&[("count", Right), ("reason", Left)]);
    for (reason, number) in letters.reasons() {
        reasons.row(vec![grouped(number), reason.to_string()]);
    }
    if !reasons.is_empty() {
        output.line(Style::Plain, "")?;
        output.table("", &reasons)?;
    }
    let mut recent = Table::new(&HEADS.map(|head| (head, Left)));
    for letter in &letters.recent {
        recent.row(cells(letter).into());
    }
    if !recent.is_empty() {
        output.line(Style::Plain, "")?;
        output.table("", &recent)?;
    }
    Ok(())
}

const HEADS: [&str; 5] = ["to", "message", "reason", "from", "id"];

fn cells(letter: &DeadLetter) -> [String; 5] {
    let or_dash = |text: &Option<Text>| {
        text.as_ref()
            .map_or_else(|| "-".to_owned(), ToString::to_string)
    };
    [
        letter.path.as_ref().unwrap_or(&letter.target).to_string(),
        letter.message_type.to_string(),
        letter.reason.to_string(),
        or_dash(&letter.sender),
        or_dash(&letter.message),
    ]
}

/// Prints the last dead letters, and then each one as it comes, until the output is closed. A service that goes
/// away is waited for.
///
/// # Errors
/// If the service cannot be reached at the beginning, or the output cannot be written.
pub(crate) fn follow(client: &Arc<Client>, output: &mut Output, json: bool) -> Result<(), Failure> {
    let mut feed = Feed::open(client)?;
    let mut letters = Letters::new(json);
    let mut away = false;
    loop {
        let Some(news) = feed.next(Duration::from_secs(1)) else {
            continue;
        };
        match news {
            News::Open if away => {
                note(&format!("{} is back", client.address()));
                away = false;
            }
            News::Open => {}
            News::Away(failure) => {
                if !std::mem::replace(&mut away, true) {
                    note(&format!("{}; waiting for it", failure.text));
                }
            }
            News::Event(event) => letters.event(client, output, &event.name, &event.data)?,
        }
        output.flush()?;
    }
}

/// The letters that have been printed.
struct Letters {
    json: bool,
    /// The widths of the columns so far. They only grow, since what is printed stays.
    widths: [usize; 5],
    seen: HashSet<(Text, Text)>,
    order: VecDeque<(Text, Text)>,
}

impl Letters {
    fn new(json: bool) -> Self {
        let widths = [24, 16, 24, 8, 0];
        Self {
            json,
            widths,
            seen: HashSet::new(),
            order: VecDeque::new(),
        }
    }

    fn event(
        &mut self,
        client: &Client,
        output: &mut Output,
        name: &str,
        data: &str,
    ) -> Result<(), Failure> {
        match name {
            // The last letters are in every overview, also those that came while there was no connection.
            "overview" => {
                #[derive(serde::Deserialize)]
                struct Raw {
                    dead_letters: RawLetters,
                }
                #[derive(serde::Deserialize)]
                struct RawLetters {
                    recent: Vec<Box<serde_json::value::RawValue>>,
                }
                let overview: Raw = client.parse_text(data)?;
                for letter in &overview.dead_letters.recent {
                    self.letter(client, output, letter.get())?;
                }
                Ok(())
            }
            "dead_letter" => match client.parse_text::<Omitted>(data) {
                Ok(Omitted { omitted }) => {
                    note(&format!(
                        "{} left out",
                        count(omitted, "dead letter", "dead letters")
                    ));
                    Ok(())
                }
                Err(_) => self.letter(client, output, data),
            },
            _ => Ok(()),
        }
    }

    fn letter(&mut self, client: &Client, output: &mut Output, json: &str) -> Result<(), Failure> {
        let letter: DeadLetter = client.parse_text(json)?;
        if !self.is_new(&letter) {
            return Ok(());
        }
        if self.json {
            return output.line(Style::Plain, &escape_json(json).replace('\n', " "));
        }
        let cells = cells(&letter);
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&mut self.widths) {
            *width = (*width).max(crate::text::width(cell));
            line.push_str(&pad(cell, *width, Left));
            line.push_str("  ");
        }
        output.line(Style::Plain, line.trim_end())
    }

    fn is_new(&mut self, letter: &DeadLetter) -> bool {
        let Some(message) = letter.message.clone() else {
            return true;
        };
        let key = (message, letter.target.clone());
        if !self.seen.insert(key.clone()) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > REMEMBERED {
            self.order
                .pop_front()
                .map(|oldest| self.seen.remove(&oldest));
        }
        true
    }
}
