//! One line of progress on a terminal; nothing elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::round::Progress;

/// Not more often than this.
const EVERY: Duration = Duration::from_millis(100);

/// The line.
pub struct Line {
    terminal: bool,
    shown: Option<Instant>,
}

impl Line {
    /// A line on standard error, if that is a terminal.
    pub fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), shown: None }
    }

    /// Shows how far the round has come.
    pub fn show(&mut self, progress: Progress) {
        if !self.terminal || self.shown.is_some_and(|shown| shown.elapsed() < EVERY) {
            return;
        }
        self.shown = Some(Instant::now());
        let Progress { endpoints, done, under_way } = progress;
        self.write(&format!("\r\x1b[K{endpoints} endpoints, {done} steps done, {under_way} under way …"));
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if self.shown.take().is_some() {
            self.write("\r\x1b[K");
        }
    }

    /// A terminal that has gone away is nobody's loss.
    fn write(&self, text: &str) {
        let mut err = std::io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }
}
