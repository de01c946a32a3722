//! Text for a terminal: colour where wanted, lines within the width, columns aligned by what a terminal shows.
//!
//! Text from the network passes through here: control characters never reach the terminal.

use std::io::IsTerminal;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to use colours.
    pub colour: bool,
    /// Columns of the terminal, at least 80.
    pub width: usize,
}

impl Style {
    /// Without colour, for files.
    pub const PLAIN: Self = Self { colour: false, width: 120 };

    /// What standard output can show: colours only on a terminal, and never with `NO_COLOR` (no-color.org).
    pub fn detect() -> Self {
        if !std::io::stdout().is_terminal() {
            return Self::PLAIN;
        }
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
        Self { colour: !no_color && !dumb, width: width.clamp(80, 160) }
    }
}

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    Plain,
    /// Closed, fulfilled.
    Good,
    /// Open, broken.
    Bad,
    /// Not known.
    Unsure,
    /// A heading.
    Strong,
    /// Less important.
    Dim,
}

/// Stand for the escape sequences until the end, so that text from the network cannot bring its own.
const MARKS: [(char, &str); 6] = [
    ('\u{f0000}', "\x1b[0m"),
    ('\u{f0001}', "\x1b[32m"),
    ('\u{f0002}', "\x1b[31m"),
    ('\u{f0003}', "\x1b[33m"),
    ('\u{f0004}', "\x1b[1m"),
    ('\u{f0005}', "\x1b[2m"),
];

/// `text` in a tone; has effect only in lines given to a [`Page`].
pub(crate) fn paint(tone: Tone, text: &str) -> String {
    let mark = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Good => MARKS[1].0,
        Tone::Bad => MARKS[2].0,
        Tone::Unsure => MARKS[3].0,
        Tone::Strong => MARKS[4].0,
        Tone::Dim => MARKS[5].0,
    };
    format!("{mark}{text}{}", MARKS[0].0)
}

/// One cell of a row.
pub(crate) type Cell = (Tone, String);

/// One row, with a remark below it.
pub(crate) struct Row {
    /// The cells; the first may be long.
    pub cells: Vec<Cell>,
    /// What stands below, wrapped.
    pub remarks: Vec<String>,
}

/// Lines under construction.
pub(crate) struct Page {
    style: Style,
    text: String,
}

impl Page {
    pub(crate) fn new(style: Style) -> Self {
        Self { style: Style { width: style.width.max(80), ..style }, text: String::new() }
    }

    /// An empty line.
    pub(crate) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// A heading after an empty line.
    pub(crate) fn title(&mut self, title: &str) {
        self.gap();
        self.line(&paint(Tone::Strong, title));
    }

    /// One line as it is; control characters become `·`.
    pub(crate) fn line(&mut self, line: &str) {
        for c in line.trim_end().chars() {
            match MARKS.iter().find(|(mark, _)| *mark == c) {
                Some((_, sequence)) if self.style.colour => self.text.push_str(sequence),
                Some(_) => {}
                None if is_unsafe(c) => self.text.push('·'),
                None => self.text.push(c),
            }
        }
        self.gap();
    }

    /// Text wrapped to the width: `first` before the first line, the same room before the others.
    pub(crate) fn wrapped(&mut self, first: &str, text: &str) {
        let indent = shown(first);
        let room = self.style.width.saturating_sub(indent).max(20);
        for (index, line) in wrap(text, room).into_iter().enumerate() {
            let before = if index == 0 { first.to_owned() } else { " ".repeat(indent) };
            self.line(&(before + &line));
        }
    }

    /// Aligned columns. A first cell that does not fit stands on its own line; nothing is cut.
    pub(crate) fn table(&mut self, header: &[&str], rows: &[Row]) {
        const GAP: usize = 2;
        let mut widths: Vec<usize> = header.iter().map(|title| title.width()).collect();
        for row in rows {
            for (width, (_, text)) in widths.iter_mut().zip(&row.cells) {
                *width = (*width).max(text.width());
            }
        }
        // Lists that are too wide continue below; what is no list keeps its width.
        while 2 * GAP + widths.iter().skip(1).map(|width| width + GAP).sum::<usize>() > self.style.width {
            let narrower = (1..widths.len()).filter_map(|column| {
                let cells = rows.iter().filter_map(|row| row.cells.get(column));
                let title = header.get(column).map_or(0, |title| title.width());
                let least = cells.flat_map(|(_, text)| pieces(text)).map(UnicodeWidthStr::width).max();
                let least = least.unwrap_or(0).max(title);
                (least < *widths.get(column)?).then_some((column, least))
            });
            let widest = narrower.max_by_key(|(column, _)| widths.get(*column).copied());
            let Some((column, least)) = widest else { break };
            if let Some(width) = widths.get_mut(column) {
                *width = least;
            }
        }
        let others: usize = widths.iter().skip(1).map(|width| width + GAP).sum();
        let room = self.style.width.saturating_sub(others + GAP);
        // Rather a line of its own for most names than columns that are wider than the terminal.
        let first = widths.first().copied().unwrap_or(0).min(room.max(2));
        if let Some(width) = widths.first_mut() {
            *width = first;
        }
        let titles: Vec<Cell> = header.iter().map(|title| (Tone::Dim, (*title).to_owned())).collect();
        self.cells(&titles, &widths);
        for row in rows {
            self.cells(&row.cells, &widths);
            for remark in &row.remarks {
                self.wrapped("      ", remark);
            }
        }
    }

    /// One line, or two where the first cell is too long.
    fn cells(&mut self, cells: &[Cell], widths: &[usize]) {
        match (cells.split_first(), widths.first()) {
            (Some(((tone, name), rest)), Some(first)) if name.width() > *first => {
                self.hard_wrapped(*tone, name);
                let mut cells = vec![(Tone::Plain, String::new())];
                cells.extend(rest.iter().cloned());
                self.row(&cells, widths);
            }
            _ => self.row(cells, widths),
        }
    }

    fn row(&mut self, cells: &[Cell], widths: &[usize]) {
        let columns: Vec<Vec<String>> =
            cells.iter().zip(widths).map(|((_, text), width)| fold(text, *width)).collect();
        for index in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
            let mut line = String::from("  ");
            for (((tone, _), lines), width) in cells.iter().zip(&columns).zip(widths) {
                let text = lines.get(index).map_or("", String::as_str);
                if !text.is_empty() {
                    line += &paint(*tone, text);
                }
                line += &" ".repeat(width.saturating_sub(text.width()) + 2);
            }
            self.line(&line);
        }
    }

    fn hard_wrapped(&mut self, tone: Tone, text: &str) {
        for line in wrap(text, self.style.width - 2) {
            self.line(&format!("  {}", paint(tone, &line)));
        }
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// The entries of a list, each with its comma.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(',').map(str::trim)
}

/// A list in lines of at most `width` where its entries allow that.
fn fold(text: &str, width: usize) -> Vec<String> {
    if text.width() <= width {
        return vec![text.to_owned()];
    }
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces(text) {
        match lines.last_mut() {
            Some(line) if line.width() + piece.width() <= width => line.push_str(piece),
            _ => lines.push(piece.to_owned()),
        }
    }
    lines
}

/// Control characters, and those that reorder what follows (Unicode TR 9).
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_mark(c: char) -> bool {
    MARKS.iter().any(|(mark, _)| *mark == c)
}

/// Columns that `text` takes on a terminal.
fn shown(text: &str) -> usize {
    text.chars().filter(|c| !is_mark(*c)).map(|c| c.width().unwrap_or(1)).sum()
}

/// Lines of at most `room` columns, broken at spaces, inside a word only where it alone is too long.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && shown(&line) + 1 + shown(word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            if !is_mark(c) && shown(&line) + c.width().unwrap_or(1) > room {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::{Page, Row, Style, Tone, paint, shown};

    const NARROW: Style = Style { colour: true, width: 80 };

    #[test]
    fn escape_sequences_from_the_network_never_reach_the_terminal() {
        let mut page = Page::new(NARROW);
        page.line(&paint(Tone::Bad, "evil\x1b[2J\n\u{202e}name"));
        assert_eq!(page.finish(), "\x1b[31mevil·[2J··name\x1b[0m\n");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_wide_characters_count_twice() {
        let mut page = Page::new(Style { colour: false, ..NARROW });
        page.wrapped("  - ", &"閉域ではない reason ".repeat(20));
        let long = "x".repeat(120);
        let cells = [long.as_str(), "internet_via_azure_proxy", "confirmed", "er-primary-ms"];
        let cells = cells.iter().map(|text| (Tone::Plain, (*text).to_owned())).collect();
        page.table(&["ENDPOINT", "PATH", "SURE", "LINK"], &[Row { cells, remarks: vec!["why ".repeat(60)] }]);
        let text = page.finish();
        assert!(text.lines().all(|line| shown(line) <= 80), "{text}");
        let wide =
            ["ENDPOINT", "internet_via_azure_proxy", "confirmed", "er-primary-ms,internet", "1 of 2, 9 ms"];
        let cells = wide.iter().map(|text| (Tone::Plain, (*text).to_owned())).collect();
        let mut page = Page::new(Style { colour: false, ..NARROW });
        page.table(&["ENDPOINT", "PATH", "SURE", "LINK", "ANSWER"], &[Row { cells, remarks: Vec::new() }]);
        let narrow = page.finish();
        assert!(narrow.lines().all(|line| shown(line) <= 80), "{narrow}");
        // Nothing of the long name is cut; the other x is in the proxy's class.
        assert_eq!(text.matches('x').count(), 120 + 1);
    }

    #[test]
    fn a_list_that_is_too_wide_continues_below_in_its_column() {
        let cells = [
            "a.example:443/tls",
            "internet_direct",
            "confirmed",
            "er-primary-ms,internet",
            "1 of 2, 34 µs",
            "expired,name",
        ];
        let cells = cells.iter().map(|text| (Tone::Plain, (*text).to_owned())).collect();
        let mut page = Page::new(Style { colour: false, ..NARROW });
        page.table(
            &["ENDPOINT", "PATH", "SURE", "LINK", "ANSWER", "CERT"],
            &[Row { cells, remarks: Vec::new() }],
        );
        assert_eq!(
            page.finish(),
            "  ENDPOINT
         PATH             SURE       LINK            ANSWER         CERT
  a.example:443/tls
         internet_direct  confirmed  er-primary-ms,  1 of 2, 34 µs  expired,name
                                     internet
"
        );
    }

    #[test]
    fn a_colour_that_ends_with_a_full_line_begins_no_new_one() {
        let mut page = Page::new(NARROW);
        page.wrapped("  ", &paint(Tone::Bad, &"x".repeat(78)));
        assert_eq!(page.finish(), format!("  \x1b[31m{}\x1b[0m\n", "x".repeat(78)));
    }
}
