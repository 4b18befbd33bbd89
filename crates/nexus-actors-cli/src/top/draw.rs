//! The screen of `nexus top`.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

use crate::args::Order;
use crate::attention::Attention;
use crate::text::{count, escape, fit, grouped, grouped_or_dash, time, width};
use crate::top::app::{App, View};
use crate::top::{columns, details};

/// The styles of the screen. Everything that a colour says is also said by a word or a mark.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    colours: bool,
}

impl Palette {
    pub(super) fn new(colours: bool) -> Self {
        Self { colours }
    }

    fn coloured(self, colour: Color) -> Style {
        if self.colours {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    fn head(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn grave(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    fn warning(self) -> Style {
        self.coloured(Color::Yellow)
    }

    fn calm(self) -> Style {
        self.coloured(Color::Green)
    }

    fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
}

/// The lines of the screen, written from top to bottom.
struct Pen<'a, 'b> {
    frame: &'a mut Frame<'b>,
    area: Rect,
    row: u16,
}

impl Pen<'_, '_> {
    fn columns(&self) -> usize {
        self.area.width.into()
    }

    fn line(&mut self, style: Style, text: &str) {
        if self.row < self.area.height {
            let area = Rect {
                y: self.area.y + self.row,
                height: 1,
                ..self.area
            };
            self.frame
                .render_widget(Line::styled(fit(text, self.columns()), style), area);
            self.row += 1;
        }
    }
}

/// How the rows of the screen are shared out.
struct Plan {
    attention: usize,
    workers: usize,
    footer: bool,
}

impl Plan {
    fn of(app: &App, height: usize) -> Self {
        let attention = match app.attention.len() {
            0 => 1,
            lines => (lines + 1).min((height / 4).max(1)),
        };
        let workers = app.overview.workers.len() + 1;
        let has_workers = app.view == View::Table && height >= 16;
        Self {
            attention: if height < 5 || matches!(app.view, View::Attention | View::Help) {
                0
            } else {
                attention
            },
            workers: if has_workers {
                workers.min(height / 5 + 1)
            } else {
                0
            },
            footer: height >= 8,
        }
    }
}

/// Draws the screen. Returns how many rows of actors it has.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, now: Duration, palette: Palette) -> usize {
    let area = frame.area();
    let height = usize::from(area.height);
    let plan = Plan::of(app, height);
    let mut pen = Pen {
        frame,
        area,
        row: 0,
    };
    header(&mut pen, app, now, palette);
    needs_attention(&mut pen, app, plan.attention, palette);
    if plan.workers > 0 {
        limited(
            &mut pen,
            &details::workers(app, area.width.into()),
            plan.workers,
            palette,
        );
    }
    let rest = height.saturating_sub(usize::from(pen.row) + usize::from(plan.footer));
    let page = match app.view {
        View::Table => table(&mut pen, app, rest, palette),
        View::Details => {
            let lines = details::details(app, area.width.into());
            scrolled(&mut pen, app, "Actor", &lines, rest, palette)
        }
        View::Workers => {
            let lines = details::workers(app, area.width.into());
            scrolled(&mut pen, app, "Workers", &lines, rest, palette)
        }
        View::Attention => {
            let mark = |grave| if grave { "!!" } else { "! " };
            let line = |line: &Attention| format!("{} {}", mark(line.grave), line.text);
            let lines: Vec<String> = app.attention.iter().map(line).collect();
            let title = format!("Needs attention: {}", lines.len());
            scrolled(&mut pen, app, &title, &lines, rest, palette)
        }
        View::Help => scrolled(
            &mut pen,
            app,
            "Help",
            &details::HELP.map(str::to_owned),
            rest,
            palette,
        ),
    };
    if plan.footer {
        pen.row = area.height - 1;
        footer(&mut pen, app, palette);
    }
    page
}

fn header(pen: &mut Pen<'_, '_>, app: &App, now: Duration, palette: Palette) {
    let overview = &app.overview;
    let stale = app.stale(now);
    let old = stale.map(|age| format!("{} s", age.as_secs()));
    let status = if app.away.is_some() {
        "AWAY"
    } else if stale.is_some() {
        "SILENT"
    } else {
        "live"
    };
    // The most important first: what does not fit is cut at the end.
    let title = format!(
        "{status}  {}  up {}  {}  run {}",
        overview.pool,
        time(overview.uptime_ms),
        app.address,
        overview.run
    );
    let style = if status == "live" {
        palette.head()
    } else {
        palette.grave()
    };
    pen.line(style, &title);
    match (&app.away, old) {
        (Some(why), old) => {
            let old = old
                .map(|old| format!("; this is {old} old"))
                .unwrap_or_default();
            pen.line(palette.grave(), &format!("away, trying again{old}: {why}"));
        }
        (None, Some(old)) => pen.line(
            palette.grave(),
            &format!("no word from the service for {old}"),
        ),
        (None, None) if app.replaced => {
            pen.line(
                palette.warning(),
                "the pool has been started anew: its counts begin at 0",
            );
        }
        (None, None) => {}
    }
    let totals = &overview.totals;
    let rate = format!("{} msg/s", grouped_or_dash(app.history.rate()));
    let parts = [
        count(totals.actors, "actor", "actors"),
        rate,
        format!("{} queued", grouped(totals.queued)),
        count(overview.dead_letters.total, "dead letter", "dead letters"),
        format!("{} stashed", grouped(totals.stashed)),
        format!("{} handled", grouped(totals.handled)),
    ];
    pen.line(Style::new(), &parts.join("  "));
}

fn needs_attention(pen: &mut Pen<'_, '_>, app: &App, rows: usize, palette: Palette) {
    if rows == 0 {
        return;
    }
    if app.attention.is_empty() {
        pen.line(palette.calm(), "Nothing needs attention");
        return;
    }
    let shown = if rows > app.attention.len() {
        app.attention.len()
    } else {
        rows - 1
    };
    let left_out = app.attention.len() - shown;
    let more = if left_out == 0 || shown == 0 {
        String::new()
    } else {
        format!(" ({left_out} more: press A)")
    };
    let grave = app.attention.iter().any(|line| line.grave);
    let style = if grave {
        palette.grave()
    } else {
        palette.warning().add_modifier(Modifier::BOLD)
    };
    pen.line(
        style,
        &format!("Needs attention: {}{more}", app.attention.len()),
    );
    for line in &app.attention[..shown] {
        let (mark, style) = if line.grave {
            ("!!", palette.grave())
        } else {
            ("! ", palette.warning())
        };
        pen.line(style, &format!("{mark} {}", line.text));
    }
}

/// Writes lines, of which the first is a head; the last row says how many there was no room for.
fn limited(pen: &mut Pen<'_, '_>, lines: &[String], rows: usize, palette: Palette) {
    let shown = if lines.len() > rows {
        rows - 1
    } else {
        lines.len()
    };
    for (at, line) in lines[..shown].iter().enumerate() {
        pen.line(
            if at == 0 {
                palette.head()
            } else {
                Style::new()
            },
            line,
        );
    }
    if shown < lines.len() {
        pen.line(
            Style::new(),
            &format!("  {} more: press w", lines.len() - shown),
        );
    }
}

fn table(pen: &mut Pen<'_, '_>, app: &App, rows: usize, palette: Palette) -> usize {
    if rows == 0 {
        return 0;
    }
    let actors = app.rows();
    let room = rows.saturating_sub(2);
    pen.line(palette.head(), &tabs(app, pen.columns(), &actors.len()));
    // The window of rows that has the cursor in it.
    let first = app
        .cursor
        .saturating_sub(room.saturating_sub(1))
        .min(actors.len());
    let window = &actors[first..(first + room).min(actors.len())];
    let selected = app.cursor - first;
    let lines = columns::lines(window, selected, &app.history, app.order, pen.columns());
    if window.is_empty() {
        if room > 0 {
            pen.line(
                Style::new(),
                if app.filter.is_empty() {
                    "  no actors"
                } else {
                    "  no actor matches"
                },
            );
        }
        return room;
    }
    for (at, line) in lines.iter().enumerate() {
        let style = match at {
            0 => palette.head(),
            at if at == selected + 1 => palette.selected(),
            _ => Style::new(),
        };
        pen.line(style, line);
    }
    room
}

/// Returns the line above the table: the tables to choose from, and the filter.
fn tabs(app: &App, columns: usize, shown: &usize) -> String {
    let tab = |(at, order): (usize, Order)| match order == app.order {
        true => format!("[{} {}]", at + 1, order.name()),
        false => format!(" {} {} ", at + 1, order.name()),
    };
    let mut tabs: String = Order::ALL.into_iter().enumerate().map(tab).collect();
    if width(&tabs) > columns {
        tabs = format!("[{}] 1-4", app.order.name());
    }
    if app.filter.is_empty() || app.editing {
        return tabs;
    }
    let how_many = match &app.found {
        Some(Ok(found)) if found.silent.is_empty() => {
            format!(
                "{shown} of {} matching, of {} actors",
                grouped(found.matched),
                grouped(found.examined)
            )
        }
        Some(Ok(found)) => {
            format!(
                "{shown} of {} matching, without {} silent workers",
                grouped(found.matched),
                found.silent.len()
            )
        }
        Some(Err(error)) => error.clone(),
        None => "searching".to_owned(),
    };
    format!("{tabs}  /{}: {how_many}", escape(&app.filter))
}

/// Writes the part of the lines that the operator has scrolled to.
fn scrolled(
    pen: &mut Pen<'_, '_>,
    app: &mut App,
    title: &str,
    lines: &[String],
    rows: usize,
    palette: Palette,
) -> usize {
    let room = rows.saturating_sub(1);
    app.scroll = app.scroll.min(lines.len().saturating_sub(room));
    let end = (app.scroll + room).min(lines.len());
    let left_out = lines.len() - end;
    let more = if left_out == 0 {
        String::new()
    } else {
        format!("  ({left_out} more lines below)")
    };
    if rows > 0 {
        pen.line(palette.head(), &format!("{title}{more}"));
    }
    for line in &lines[app.scroll..end] {
        pen.line(Style::new(), line);
    }
    room
}

fn footer(pen: &mut Pen<'_, '_>, app: &App, palette: Palette) {
    if app.editing {
        let text = format!("filter: {}", escape(&app.filter));
        let column = u16::try_from(width(&text))
            .unwrap_or(u16::MAX)
            .min(pen.area.width.saturating_sub(1));
        let cursor = Position::new(pen.area.x + column, pen.area.y + pen.row);
        pen.line(
            palette.head(),
            &format!("{text}   (Enter keeps, Esc clears)"),
        );
        pen.frame.set_cursor_position(cursor);
        return;
    }
    let keys = match app.view {
        View::Table => "q quit  ? help  1-4 table  / filter  Enter details  a attention  w workers",
        _ => "q quit  Esc back  Up/Down scroll  a next attention",
    };
    pen.line(palette.head(), keys);
}
