//! What is wrong with a configuration file: every error with its place, the line, and what to do about it.
//!
//! In: problems as byte ranges of the text. Out: [`ConfigErrors`], whose text is one block for each. Passwords of
//! URLs never appear, neither in a message nor in the line that is shown.

use std::fmt;
use std::ops::Range;

use super::mask::masked_line;

/// So many errors are kept; a file with more has one cause that is soon found.
const MOST: usize = 100;
/// So much of a line is shown.
const WIDTH: usize = 120;

/// One error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file's name, as given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The line (a window of it, if long), secrets masked.
    pub excerpt: String,
    /// Which characters of the excerpt are meant.
    pub mark: Range<usize>,
    /// What to do; may be empty.
    pub help: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        if !self.excerpt.trim().is_empty() {
            let caret = "^".repeat(self.mark.len().max(1));
            write!(f, "\n    {}\n    {}{caret}", self.excerpt, " ".repeat(self.mark.start))?;
        }
        if self.help.is_empty() { Ok(()) } else { write!(f, "\nhelp: {}", self.help) }
    }
}

/// Every error that was found in a file, in the order of the file; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    errors: Vec<ConfigError>,
    more: usize,
}

impl ConfigErrors {
    /// The errors, in the order of the file; at most 100.
    pub fn errors(&self) -> &[ConfigError] {
        &self.errors
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            error.fmt(f)?;
        }
        if self.more > 0 { write!(f, "\n\nand {} more", self.more) } else { Ok(()) }
    }
}

impl std::error::Error for ConfigErrors {}

/// Collects what is wrong while a file is read.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<(Range<usize>, String, String)>,
    more: usize,
}

impl Problems {
    /// Notes that something is wrong at the byte range `span`. `help` says what to do.
    pub(crate) fn add(&mut self, span: &Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let problem = (span.clone(), message.into(), help.into());
        if self.found.len() == MOST {
            self.more += 1;
        } else if !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The errors in the order of the file.
    pub(crate) fn into_errors(mut self, file: &str, text: &str) -> ConfigErrors {
        self.found.sort_by_key(|(span, _, _)| (span.start, span.end));
        let place = |(span, message, help)| place(file, text, &span, message, help);
        ConfigErrors { errors: self.found.into_iter().map(place).collect(), more: self.more }
    }
}

fn place(file: &str, text: &str, span: &Range<usize>, message: String, help: String) -> ConfigError {
    let start = boundary(text, span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let end = boundary(text, span.end).clamp(start, line_end.max(start));
    let from = text[line_start..start].chars().count();
    let to = from + text[start..end].chars().count();

    let shown = masked_line(text[line_start..line_end].trim_end());
    let before = shown.iter().take_while(|(index, _)| *index < from).count();
    let marked = shown.iter().filter(|(index, _)| (from..to).contains(index)).count().max(1);
    let cut = before.saturating_sub(WIDTH / 2);
    let excerpt: String = shown.iter().skip(cut).take(WIDTH).map(|(_, letter)| *letter).collect();
    let mark = before - cut..(before - cut + marked).min(excerpt.chars().count().max(before - cut + 1));
    ConfigError {
        file: file.to_owned(),
        line: text[..start].matches('\n').count() + 1,
        column: from + 1,
        message,
        excerpt,
        mark,
        help,
    }
}

/// The nearest character boundary at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Problems;

    fn shown(text: &str, needle: &str) -> String {
        let start = text.find(needle).expect("the needle is in the text");
        let mut problems = Problems::default();
        problems.add(&(start..start + needle.len()), "wrong", "right");
        problems.into_errors("f.toml", text).to_string()
    }

    #[test]
    fn an_error_is_a_place_a_line_with_a_caret_and_help() {
        assert_eq!(
            shown("[probe]\ninterval = 5\n", "5"),
            "f.toml:2:12: wrong\n    interval = 5\n               ^\nhelp: right"
        );
    }

    #[test]
    fn columns_count_characters_and_carets_follow_the_masked_line() {
        assert_eq!(
            shown("url = \"http://用:秘密@h:1\" # x", "h:1"),
            "f.toml:1:20: wrong\n    url = \"http://用:***@h:1\" # x\n                        ^^^\nhelp: right"
        );
    }

    #[test]
    fn a_long_line_is_shown_around_the_error() {
        let text = format!("a = \"{}BAD{}\"", "x".repeat(5000), "y".repeat(5000));
        let shown = shown(&text, "BAD");
        assert!(shown.len() < 400, "{shown}");
        assert!(shown.contains("BAD"), "{shown}");
    }
}
