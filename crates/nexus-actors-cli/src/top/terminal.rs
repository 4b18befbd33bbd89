//! The terminal in the state that `nexus top` needs, and back.

use std::io::{self, Stdout, stdout};
use std::sync::Once;
use std::{panic, process, thread};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

/// The exit code of a program that panics.
const PANICKED: i32 = 101;

/// A terminal on its alternate screen, in raw mode. It is restored when this is dropped, and before the message of
/// a panic is written.
pub(super) struct Screen {
    pub(super) terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// # Errors
    /// If there is no terminal, or it refuses.
    pub(super) fn open() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            let here = thread::current().id();
            panic::set_hook(Box::new(move |info| {
                restore();
                before(info);
                // The thread that draws ends by itself. It would draw on after the end of another thread.
                if thread::current().id() != here {
                    process::exit(PANICKED);
                }
            }));
        });
        enter()?;
        match Terminal::new(CrosstermBackend::new(stdout())) {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
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
        self.terminal.clear()
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

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen).inspect_err(|_| restore())
}

/// As far as it can be: there is nobody to tell of a failure.
fn restore() {
    let _ = disable_raw_mode();
    let _ = execute!(stdout(), Clear(ClearType::All), LeaveAlternateScreen, Show);
}
