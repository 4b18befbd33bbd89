//! What `nexus top` knows, and how keys and news change it. It touches neither the terminal nor the network.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::args::Order;
use crate::attention::{Attention, attention};
use crate::model::{Actor, Found, Overview};
use crate::text::Text;
use crate::top::history::History;

/// An overview that is older is said to be old. Times are those since the program started.
const STALE: Duration = Duration::from_secs(5);

/// What takes the place below the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Table,
    Details,
    /// All workers, where the others show some of them.
    Workers,
    /// All lines that need attention.
    Attention,
    Help,
}

/// What to do after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    Suspend,
    Quit,
}

/// What the service is asked besides the overview.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    /// The filter, and the order of what it finds.
    pub(super) filter: Option<(String, Order)>,
    /// The path of the actor whose details are shown.
    pub(super) details: Option<String>,
}

/// The answer to a wish. Each part is the service's, or why there is none.
pub(super) struct Granted {
    pub(super) wish: Wish,
    pub(super) filter: Option<Result<Found, String>>,
    pub(super) details: Option<Result<Found, String>>,
}

pub(super) struct App {
    pub(super) address: String,
    pub(super) overview: Overview,
    pub(super) history: History,
    pub(super) attention: Vec<Attention>,
    /// When the overview came.
    heard: Duration,
    /// Why the service is away, if it is.
    pub(super) away: Option<String>,
    /// The pool has ended, and another one has come in its place.
    pub(super) replaced: bool,
    pub(super) view: View,
    pub(super) order: Order,
    pub(super) filter: String,
    pub(super) editing: bool,
    /// What the filter found among all actors.
    pub(super) found: Option<Result<Found, String>>,
    found_for: Option<(String, Order)>,
    /// The row of the table.
    pub(super) cursor: usize,
    cursor_id: Option<Text>,
    /// The actor whose details are shown, as it was when it was last seen.
    pub(super) selected: Option<Actor>,
    /// What there is to say about the selected actor.
    pub(super) selected_note: Option<String>,
    pub(super) scroll: usize,
    attention_cursor: usize,
}

impl App {
    pub(super) fn new(address: String, overview: Overview, now: Duration) -> Self {
        let mut app = Self {
            address,
            overview: Overview::default(),
            history: History::default(),
            attention: Vec::new(),
            heard: now,
            away: None,
            replaced: false,
            view: View::Table,
            order: Order::Deepest,
            filter: String::new(),
            editing: false,
            found: None,
            found_for: None,
            cursor: 0,
            cursor_id: None,
            selected: None,
            selected_note: None,
            scroll: 0,
            attention_cursor: 0,
        };
        app.overview(overview, now);
        app
    }

    /// A new overview has come.
    pub(super) fn overview(&mut self, overview: Overview, now: Duration) {
        self.heard = now;
        self.away = None;
        if self.history.push(&overview) {
            self.replaced = true;
        }
        self.attention = attention(&overview, self.history.growth().as_ref());
        self.overview = overview;
        if let Some(selected) = &mut self.selected {
            let fresh = self
                .overview
                .top
                .all()
                .find(|actor| actor.id == selected.id);
            if let Some(fresh) = fresh {
                selected.clone_from(fresh);
            }
        }
        self.follow_cursor();
    }

    /// The service cannot be reached.
    pub(super) fn went_away(&mut self, why: String) {
        self.away = Some(why);
    }

    /// How old the overview is, if that is worth saying.
    pub(super) fn stale(&self, now: Duration) -> Option<Duration> {
        Some(now.saturating_sub(self.heard)).filter(|age| *age >= STALE)
    }

    pub(super) fn wish(&self) -> Wish {
        let filter = (!self.filter.is_empty()).then(|| (self.filter.clone(), self.order));
        let selected = self
            .selected
            .as_ref()
            .filter(|_| self.view == View::Details);
        Wish {
            filter,
            details: selected.map(|actor| actor.path.raw().to_owned()),
        }
    }

    /// The service has answered a wish.
    pub(super) fn granted(&mut self, granted: Granted) {
        let wish = self.wish();
        if wish.filter == granted.wish.filter {
            self.found = granted.filter;
            self.found_for = granted.wish.filter;
            self.follow_cursor();
        }
        if wish.details != granted.wish.details {
            return;
        }
        match granted.details {
            Some(Ok(mut found)) if !found.actors.is_empty() => {
                self.selected = Some(found.actors.swap_remove(0));
                self.selected_note = None;
            }
            Some(Ok(found)) if found.silent.is_empty() => {
                self.selected_note = Some("there is no such actor any more".to_owned());
            }
            Some(Ok(_)) => {
                self.selected_note = Some("its worker did not answer in time".to_owned())
            }
            Some(Err(error)) => self.selected_note = Some(error),
            None => {}
        }
    }

    /// The rows of the table.
    pub(super) fn rows(&self) -> Vec<&Actor> {
        let mut rows = self.filtered();
        if self.order == Order::Busiest {
            // The service goes by all messages that were handled; an operator wants those of now.
            rows.sort_by_key(|actor| std::cmp::Reverse(self.history.rate_of(&actor.id)));
        }
        rows
    }

    fn filtered(&self) -> Vec<&Actor> {
        if self.filter.is_empty() {
            return self.overview.top.of(self.order).iter().collect();
        }
        match &self.found {
            Some(Ok(found)) if self.found_for.as_ref() == self.wish().filter.as_ref() => {
                found.actors.iter().collect()
            }
            // Until the service has looked through all actors: those that are at hand.
            _ => {
                let matches = |actor: &&Actor| {
                    actor.path.raw().contains(&self.filter)
                        || actor.message_type.raw().contains(&self.filter)
                };
                self.overview
                    .top
                    .of(self.order)
                    .iter()
                    .filter(matches)
                    .collect()
            }
        }
    }

    /// Keeps the cursor on its actor, where that is still listed.
    fn follow_cursor(&mut self) {
        let rows = self.rows();
        let id = self.cursor_id.as_ref();
        let place = id.and_then(|id| rows.iter().position(|actor| actor.id == *id));
        self.cursor = place.unwrap_or(self.cursor.min(rows.len().saturating_sub(1)));
    }

    fn move_cursor(&mut self, to: usize) {
        let rows = self.rows();
        let to = to.min(rows.len().saturating_sub(1));
        let id = rows.get(to).map(|actor| actor.id.clone());
        (self.cursor, self.cursor_id) = (to, id);
    }

    /// A key was pressed. `page` is how many rows the table has on the screen.
    pub(super) fn key(&mut self, key: KeyEvent, page: usize) -> Flow {
        self.replaced = false;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Flow::Quit,
                KeyCode::Char('z') => Flow::Suspend,
                KeyCode::Char('u') if self.editing => {
                    self.filter.clear();
                    self.filter_changed();
                    Flow::Continue
                }
                _ => Flow::Continue,
            };
        }
        if self.editing {
            self.edit(key.code);
            return Flow::Continue;
        }
        match key.code {
            KeyCode::Char('q') => return Flow::Quit,
            KeyCode::Esc if self.view == View::Table => return Flow::Quit,
            KeyCode::Esc | KeyCode::Backspace | KeyCode::Left => self.view = View::Table,
            KeyCode::Char('?' | 'h') => self.toggle(View::Help),
            KeyCode::Char('w') => self.toggle(View::Workers),
            KeyCode::Char('a') => self.next_attention(),
            KeyCode::Char('A') => self.toggle(View::Attention),
            KeyCode::Char('/') => {
                self.view = View::Table;
                self.editing = true;
            }
            KeyCode::Char('1'..='4') | KeyCode::Tab | KeyCode::BackTab => {
                self.switch_order(key.code)
            }
            KeyCode::Enter | KeyCode::Right => self.open_row(),
            code => self.go(code, page.max(1)),
        }
        Flow::Continue
    }

    fn toggle(&mut self, view: View) {
        self.view = if self.view == view { View::Table } else { view };
        self.scroll = 0;
    }

    fn edit(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.editing = false,
            KeyCode::Esc => {
                self.editing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(c) => self.filter.push(c),
            _ => return,
        }
        self.filter_changed();
    }

    fn filter_changed(&mut self) {
        if self.filter.is_empty() {
            self.found = None;
        }
        self.follow_cursor();
    }

    fn switch_order(&mut self, code: KeyCode) {
        let now = Order::ALL
            .iter()
            .position(|order| *order == self.order)
            .unwrap_or(0);
        let next = match code {
            KeyCode::Char(digit) => digit as usize - '1' as usize,
            KeyCode::BackTab => now + Order::ALL.len() - 1,
            _ => now + 1,
        };
        self.order = Order::ALL[next % Order::ALL.len()];
        self.view = View::Table;
        self.move_cursor(0);
    }

    fn go(&mut self, code: KeyCode, page: usize) {
        let at = if self.view == View::Table {
            self.cursor
        } else {
            self.scroll
        };
        let to = match code {
            KeyCode::Up | KeyCode::Char('k') => at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => at + 1,
            KeyCode::PageUp => at.saturating_sub(page),
            KeyCode::PageDown => at + page,
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => usize::MAX / 2,
            _ => return,
        };
        match self.view {
            View::Table => self.move_cursor(to),
            // The drawing knows how much there is, and brings it back.
            _ => self.scroll = to,
        }
    }

    fn open_row(&mut self) {
        if self.view != View::Table {
            return;
        }
        let actor = self.rows().get(self.cursor).map(|actor| (*actor).clone());
        if let Some(actor) = actor {
            self.open(actor);
        }
    }

    fn open(&mut self, actor: Actor) {
        self.selected = Some(actor);
        self.selected_note = None;
        self.scroll = 0;
        self.view = View::Details;
    }

    /// Opens the actor of the next line that needs attention.
    fn next_attention(&mut self) {
        let paths: Vec<&Text> = self
            .attention
            .iter()
            .filter_map(|line| line.path.as_ref())
            .collect();
        if paths.is_empty() {
            return;
        }
        if self.view != View::Details {
            self.attention_cursor = 0;
        }
        let path = paths[self.attention_cursor % paths.len()].clone();
        self.attention_cursor += 1;
        let known = self
            .overview
            .top
            .all()
            .find(|actor| actor.path == path)
            .cloned();
        // Its details come with the answer to the next wish.
        self.open(known.unwrap_or_else(|| Actor {
            path,
            ..Actor::default()
        }));
    }
}
