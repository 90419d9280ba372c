//! A test on a screen of its own: what it is, how it stands, the latency heatmap, figures, thresholds, and one list at a
//! time of drivers, requests or events. It takes what was read of the test, and asks nothing by itself.

mod figures;
mod heat;
mod lists;
mod parts;
mod terminal;
#[cfg(test)]
mod tests;

use std::io;
use std::time::Duration;

use orchestrator::model::{TestView, WindowView};
use ratatui::Terminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use self::heat::Heat;
pub use self::lists::List;
use self::terminal::{Backend, Held};
use crate::progress::Line;

/// Rows and columns that a full screen needs.
const SMALLEST: (u16, u16) = (60, 16);

/// Most sentences that are kept until the screen goes away.
const MAX_KEPT: usize = 1_000;

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Another list, or a terminal of another size: draw again.
    Draw,
    /// To leave this screen.
    Leave,
    /// Ctrl-Z: to stop this process, without this screen.
    Pause,
}

/// What stands on the screen.
#[derive(Debug, Clone)]
pub struct Shown {
    pub test: TestView,
    /// Its progress in words.
    pub line: Line,
    pub running: Duration,
    /// How long it is to run, where that is known.
    pub length: Option<Duration>,
}

/// The screen of a test.
#[derive(Debug)]
pub struct FullScreen {
    /// `None` once it was given back.
    held: Option<Held>,
    terminal: Terminal<Backend>,
    colour: bool,
    shown: Option<Shown>,
    heat: Heat,
    list: List,
    /// What was said meanwhile, for the terminal below.
    kept: Vec<String>,
    n_lost: usize,
}

impl FullScreen {
    /// Takes the terminal, if it is large enough. `colour`: whether it shows colours.
    ///
    /// # Errors
    /// Where it is too small, or refuses.
    pub fn take(colour: bool) -> io::Result<Self> {
        let (columns, rows) = ratatui::crossterm::terminal::size()?;
        if columns < SMALLEST.0 || rows < SMALLEST.1 {
            return Err(io::Error::other("the terminal is too small"));
        }
        let (held, terminal) = Held::take()?;
        Ok(Self {
            held: Some(held),
            terminal,
            colour,
            shown: None,
            heat: Heat::default(),
            list: List::default(),
            kept: Vec::new(),
            n_lost: 0,
        })
    }

    /// The first second that the screen does not have and may show, of a test that has run for so long.
    pub fn next_second(&self, elapsed: Duration) -> u64 {
        self.heat.wanted(elapsed.as_secs())
    }

    /// Takes seconds of the fleet, in order.
    pub fn take_seconds(&mut self, windows: &[WindowView]) {
        windows.iter().for_each(|window| self.heat.take(window));
    }

    /// Shows the test as it is now.
    pub fn show(&mut self, shown: Shown) {
        self.shown = Some(shown);
        self.draw();
    }

    /// Keeps a sentence for the terminal below; the newest stands at the foot of the screen.
    pub fn keep(&mut self, sentence: &str) {
        if self.kept.len() == MAX_KEPT {
            self.n_lost += 1;
            return;
        }
        self.kept.push(sentence.to_owned());
        self.draw();
    }

    /// Acts on the keys that were pressed since the last call.
    pub fn keys(&mut self) -> Option<Asked> {
        let mut asked = None;
        // A terminal that is gone has no keys; its end arrives as a signal.
        while event::poll(Duration::ZERO).unwrap_or(false) {
            match event::read() {
                Ok(Event::Key(key)) => match self.key(key) {
                    Some(ends @ (Asked::Leave | Asked::Pause)) => return Some(ends),
                    other => asked = other.or(asked),
                },
                Ok(Event::Resize(..)) => asked = Some(Asked::Draw),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        if asked == Some(Asked::Draw) {
            self.draw();
        }
        asked
    }

    fn key(&mut self, key: KeyEvent) -> Option<Asked> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return (key.code == KeyCode::Char('z')).then_some(Asked::Pause);
        }
        self.list = match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Some(Asked::Leave),
            KeyCode::Tab => self.list.next(),
            KeyCode::Char('d') => List::Drivers,
            KeyCode::Char('r') => List::Requests,
            KeyCode::Char('e') => List::Events,
            _ => return None,
        };
        Some(Asked::Draw)
    }

    fn draw(&mut self) {
        let Some(shown) = &self.shown else { return };
        let view = parts::View {
            shown,
            heat: &self.heat,
            list: self.list,
            colour: self.colour,
            said: self.kept.last().map(String::as_str),
        };
        // What could not be written is drawn with the next look.
        let _ = self.terminal.draw(|frame| parts::draw(frame, &view));
    }

    /// Gives the terminal back, and returns what was said meanwhile.
    pub fn leave(mut self) -> Vec<String> {
        self.held = None;
        if self.n_lost > 0 {
            self.kept.push(format!("and {} more lines", self.n_lost));
        }
        self.kept
    }
}
