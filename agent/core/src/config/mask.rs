//! Keeps secrets out of messages: the password of `scheme://user:password@host` becomes `***`.
//!
//! In: a line of the configuration, or one of its values. Out: the same without what may be a password. It rather
//! hides too much than too little: what precedes the last `@` counts, well-formed or not.

/// A value as it may be shown in a message: masked, in one line, cut after 80 characters.
pub(super) fn shown(text: &str) -> String {
    let masked: String = masked(text, false).into_iter().map(|(_, letter)| letter).collect();
    match masked.char_indices().nth(80) {
        Some((cut, _)) => format!("{}…", &masked[..cut]),
        None => masked,
    }
}

/// The letters of a source line as they may be shown, each with the index of the letter it stands for.
pub(super) fn masked_line(line: &str) -> Vec<(usize, char)> {
    masked(line, true)
}

fn masked(text: &str, is_source: bool) -> Vec<(usize, char)> {
    let letters: Vec<char> = text.chars().collect();
    let secret = secret(&letters, is_source);
    let mut out = Vec::with_capacity(letters.len());
    for (index, letter) in letters.into_iter().enumerate() {
        match &secret {
            Some(range) if range.contains(&index) => {
                if index == range.start {
                    out.extend([(index, '*'); 3]);
                }
            }
            _ => out.push((index, if letter.is_control() { ' ' } else { letter })),
        }
    }
    out
}

/// Where a password may stand: before the last `@`, after `user:`.
fn secret(letters: &[char], is_source: bool) -> Option<std::ops::Range<usize>> {
    let scheme = letters.windows(3).position(|three| three == [':', '/', '/']).map(|at| at + 3);
    let end = if scheme.is_none() && is_source { comment(letters) } else { letters.len() };
    let at = letters[..end].iter().rposition(|letter| *letter == '@')?;
    let start = match scheme {
        Some(start) => start,
        None if is_source => value(letters, at),
        None => 0,
    };
    let colon = letters.get(start..at)?.iter().position(|letter| *letter == ':');
    Some(colon.map_or(start, |colon| start + colon + 1)..at)
}

/// Where the value of `key = value` begins.
fn value(letters: &[char], before: usize) -> usize {
    let equals = letters[..before].iter().position(|letter| *letter == '=').map_or(0, |at| at + 1);
    let skipped =
        letters[equals..before].iter().take_while(|letter| matches!(letter, ' ' | '\t' | '"' | '\''));
    equals + skipped.count()
}

/// Where the line's comment begins; the line's end where there is none.
fn comment(letters: &[char]) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (index, letter) in letters.iter().enumerate() {
        match (quote, letter) {
            _ if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), letter) if open == *letter => quote = None,
            (None, '"' | '\'') => quote = Some(*letter),
            (None, '#') => return index,
            _ => {}
        }
    }
    letters.len()
}

#[cfg(test)]
mod tests {
    use super::{masked_line, shown};

    fn line(text: &str) -> String {
        masked_line(text).into_iter().map(|(_, letter)| letter).collect()
    }

    #[test]
    fn passwords_are_hidden_however_the_line_is_broken() {
        assert_eq!(line(r#"url = "http://joe:hunter2@h:1""#), r#"url = "http://joe:***@h:1""#);
        assert_eq!(line(r#"url = "http://joe:hun@ter2@h:1""#), r#"url = "http://joe:***@h:1""#);
        assert_eq!(line(r#"url = "http://joe:hun"ter2@h:1""#), r#"url = "http://joe:***@h:1""#);
        assert_eq!(line(r#"url = "http://joe:hunter2@h:1"#), r#"url = "http://joe:***@h:1"#);
        assert_eq!(line("url = http://joe:hunter2@h:1"), "url = http://joe:***@h:1");
        assert_eq!(line(r#"url = "http://hunter2@h""#), r#"url = "http://***@h""#);
        assert_eq!(line(r#"url = "joe:hunter2@h:1""#), r#"url = "joe:***@h:1""#);
        assert_eq!(line("joe:hunter2@h:1"), "joe:***@h:1");
        assert_eq!(shown("joe:hunter2@h"), "joe:***@h");
    }

    #[test]
    fn what_is_no_secret_stays_readable() {
        assert_eq!(line(r#"a = "5 parsecs" # ask ops@example"#), r#"a = "5 parsecs" # ask ops@example"#);
        assert_eq!(line(r#"url = "http://h:1""#), r#"url = "http://h:1""#);
    }

    #[test]
    fn values_are_shown_in_one_short_line() {
        assert_eq!(shown("a\nb\u{1b}c"), "a b c");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), 81);
    }
}
