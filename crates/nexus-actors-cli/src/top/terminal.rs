//! The terminal in the state that `nexus top` needs, and back.

use std::io::{self, Stdout, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, Once, PoisonError};
use std::{panic, process, thread};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::{Position, Rect};
use ratatui::{Frame, Terminal};

/// The exit code of a program that panics.
const PANICKED: i32 = 101;

/// Whether the terminal is to be restored.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Held while the screen is drawn, so that nothing is drawn over the message of a panic of another thread.
static DRAWING: Mutex<()> = Mutex::new(());

/// A terminal on its alternate screen, in raw mode. It is restored when this is dropped, and before the message of
/// a panic is written.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// # Errors
    /// If there is no terminal, or it refuses.
    pub(super) fn open() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(restore_at_panics);
        enter()?;
        match Terminal::new(CrosstermBackend::new(stdout())) {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    /// # Errors
    /// If the terminal cannot be written to: it may have gone.
    pub(super) fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let _drawing = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
        self.terminal.draw(render)?;
        Ok(())
    }

    /// Gives the terminal back to the shell until the user resumes this process.
    ///
    /// # Errors
    /// If the terminal cannot be taken again.
    #[cfg(unix)]
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        restore();
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        enter()?;
        // Draws everything anew. `Terminal::clear` would ask the terminal where its cursor is, and the answer
        // would go to the thread that reads keys.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }

    /// Elsewhere, there is nothing like it.
    #[cfg(not(unix))]
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Reads keys on a thread of its own. A terminal that has gone holds that thread up for ever, and must not hold up
/// the signal that says so.
pub(super) fn keys() -> Receiver<io::Result<Event>> {
    let (sender, keys) = channel();
    thread::spawn(move || {
        loop {
            let event = event::read();
            let failed = event.is_err();
            if sender.send(event).is_err() || failed {
                return;
            }
        }
    });
    keys
}

fn restore_at_panics() {
    let before = panic::take_hook();
    let here = thread::current().id();
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == here {
            restore();
            return before(info);
        }
        // The thread that draws ends with this one. It waits here if it wants to draw.
        let _drawing = DRAWING.lock();
        restore();
        before(info);
        process::exit(PANICKED);
    }));
}

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::Relaxed);
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen).inspect_err(|_| restore())
}

/// Once only: what is on the screen after that is not ours. As far as it can be: there is nobody to tell of a
/// failure.
fn restore() {
    if TAKEN.swap(false, Ordering::Relaxed) {
        let _ = disable_raw_mode();
        let _ = execute!(stdout(), Clear(ClearType::All), LeaveAlternateScreen, Show);
    }
}
