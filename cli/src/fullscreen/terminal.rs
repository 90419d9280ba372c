//! The terminal while a full screen is on it: taken for it, and given back as it was, whatever ends this process. It
//! knows nothing of what is drawn.
//!
//! Three things give it back. [`Held`] does when it is dropped, which is the usual end; a panic hook does before the
//! panic's message is written, which would otherwise stand on the screen that goes away. And for `kill -9`, after which
//! nothing of this process runs any more, a keeper does: a shell that waits for the end of a pipe from us. The kernel
//! closes the pipe when we end, however that was. Where the keeper has read a line before that, all is in order already.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, Once, PoisonError};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::style::ResetColor;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::crossterm::{execute, queue};
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};

/// The terminal that this process belongs to, wherever its streams lead.
const TTY: &str = "/dev/tty";

/// Waits for the end of its input. It ignores what ends its parent, and SIGTTOU: once the parent is gone it is in the
/// background, and the kernel would stop it for changing the terminal's modes.
const KEEPER: &str = r#"trap '' INT TERM HUP QUIT TTOU TTIN TSTP
modes=$(stty -g </dev/tty) || exit
echo ready
read -r line && exit
stty "$modes" </dev/tty
printf '\033[?1049l\033[?25h\033[0m' >/dev/tty"#;

/// The modes to give back; `None` while no full screen is on the terminal.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Sets the panic hook once, however often a screen is taken.
static HOOK: Once = Once::new();

/// What drawing goes to.
pub type Backend = CrosstermBackend<File>;

/// A terminal with a full screen of ours on it, until this is dropped.
#[derive(Debug)]
pub struct Held {
    keeper: Option<Child>,
}

impl Held {
    /// Takes the terminal: a second screen, no cursor, and keys one by one without their echo. Ctrl-C stays a signal.
    ///
    /// # Errors
    /// Where this process has no terminal, is in the background of it, or the terminal refuses.
    pub fn take() -> io::Result<(Self, Terminal<Backend>)> {
        let mut tty = File::options().read(true).write(true).open(TTY)?;
        // The kernel stops a process in the background (`groundswell run … &`) that changes the terminal's modes.
        if tcgetpgrp(&tty)? != getpgrp() {
            return Err(io::Error::other("this process is in the background"));
        }
        let before = tcgetattr(&tty)?;
        HOOK.call_once(|| {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                usual(panic);
            }));
        });
        // Before the modes change: it gives back those that it finds.
        let held = Self { keeper: keeper().ok() };
        let mut modes = before.clone();
        modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        // Ctrl-Z arrives as a key: the process stops when this screen is gone, which would else be the shell's, without echo.
        modes.special_codes[SpecialCodeIndex::VSUSP] = 0;
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        tcsetattr(&tty, OptionalActions::Now, &modes)?;
        execute!(tty, EnterAlternateScreen, Hide)?;
        let terminal = Terminal::new(CrosstermBackend::new(tty))?;
        Ok((held, terminal))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        give_back();
        if let Some(mut keeper) = self.keeper.take() {
            // A line, then the end of its input: it has nothing to do. Where it is gone already, neither have we.
            if let Some(mut input) = keeper.stdin.take() {
                let _ = input.write_all(b"\n");
            }
            let _ = keeper.wait();
        }
    }
}

/// Gives the terminal back as it was. The second time it does nothing.
fn give_back() {
    let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    // An error leaves nothing to be done: the terminal is gone.
    let Ok(mut tty) = File::options().read(true).write(true).open(TTY) else { return };
    let _ = queue!(tty, ResetColor, LeaveAlternateScreen, Show).and_then(|()| tty.flush());
    let _ = tcsetattr(&tty, OptionalActions::Now, &before);
}

/// Starts the keeper, and waits until it has read the terminal's modes.
fn keeper() -> io::Result<Child> {
    let mut keeper = Command::new("sh")
        .args(["-c", KEEPER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(output) = keeper.stdout.take() {
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
    }
    Ok(keeper)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes the test panic on a screen, in a process of its own that has a terminal.
    const PANICS: &str = "TEST_PANICS_ON_A_SCREEN";

    #[test]
    fn a_panic_gives_the_terminal_back_before_its_message() {
        if std::env::var_os(PANICS).is_some() {
            let _held = Held::take().unwrap();
            panic!("while it draws");
        }
        let this = std::env::current_exe().unwrap();
        let name = "fullscreen::terminal::tests::a_panic_gives_the_terminal_back_before_its_message";
        let line = format!("stty -g; {} --exact {name} --nocapture; stty -g", this.display());
        let output = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .env(PANICS, "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        // As in `500:5:bf:8a3b:3:1c:…`.
        let is_modes =
            |line: &&str| line.contains(':') && line.chars().all(|c| c == ':' || c.is_ascii_hexdigit());
        let modes: Vec<&str> = text.lines().map(str::trim).filter(is_modes).collect();
        assert!(modes.len() == 2 && modes[0] == modes[1], "{text:?}");
        let order = ["\u{1b}[?1049h", "\u{1b}[?1049l", "while it draws"].map(|part| text.find(part));
        assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?}: {text:?}");
    }
}
