//! Reads the paths out of Rust source: comments, strings and characters aside, every `a::b::c`, with groups of `use` spread.
//!
//! In: text. Out: paths with lines. It understands just enough of Rust for this, and nothing is left out: what is no path
//! comes out as a path of one name.

/// A path that a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Where, from 1.
    pub(super) line: usize,
    /// `std::fs::read` is `[std, fs, read]`; a macro keeps its `!`.
    pub(super) segments: Vec<String>,
}

/// All paths of a source text.
pub(super) fn named(text: &str) -> Vec<Named> {
    let tokens = tokens(text);
    let (mut at, mut all) = (0, Vec::new());
    while at < tokens.len() {
        if tokens[at].is_name() { path(&tokens, &mut at, &[], &mut all) } else { at += 1 }
    }
    all
}

/// A name, or one character that is not part of one; `::` is one token.
#[derive(Debug)]
struct Token {
    line: usize,
    text: String,
}

impl Token {
    fn is_name(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphanumeric() || first == '_')
    }
}

/// Reads one path from a name on, and the paths of a group behind it.
fn path(tokens: &[Token], at: &mut usize, before: &[String], all: &mut Vec<Named>) {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let line = tokens[*at].line;
    let mut segments = before.to_vec();
    loop {
        let mut name = text(*at).to_owned();
        *at += 1;
        if text(*at) == "!" && text(*at + 1) != "=" {
            name.push('!');
        }
        segments.push(name);
        if text(*at) != "::" {
            break;
        }
        *at += 1;
        if text(*at) == "{" {
            *at += 1;
            while *at < tokens.len() && text(*at) != "}" {
                if tokens[*at].is_name() { path(tokens, at, &segments, all) } else { *at += 1 }
            }
            *at += 1;
            return;
        }
        if !tokens.get(*at).is_some_and(Token::is_name) {
            break;
        }
    }
    all.push(Named { line, segments });
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut line, mut all) = (0, 1, Vec::new());
    while at < chars.len() {
        let start = at;
        at = past_one(&chars, at);
        let word: String = chars[start..at].iter().collect();
        let kept = word == "::" || chars[start].is_alphanumeric() || chars[start] == '_' || word.len() == 1;
        let quoted = word.len() > 1 && word.ends_with(['"', '#']);
        if kept && !quoted && !chars[start].is_whitespace() {
            all.push(Token { line, text: word.clone() });
        }
        line += word.matches('\n').count();
    }
    all
}

/// Where the token, comment, string or character that begins here ends.
fn past_one(chars: &[char], at: usize) -> usize {
    let is = |at: usize, what: char| chars.get(at) == Some(&what);
    match chars[at] {
        '/' if is(at + 1, '/') => past(chars, at, |at| is(at, '\n')),
        '/' if is(at + 1, '*') => past_comment(chars, at),
        '"' => past_string(chars, at + 1),
        ':' if is(at + 1, ':') => at + 2,
        // A character, unless it is a lifetime.
        '\'' if is(at + 1, '\\') => past(chars, at + 3, |at| is(at, '\'')) + 1,
        '\'' if is(at + 2, '\'') => at + 3,
        first if first.is_alphanumeric() || first == '_' => past_word(chars, at),
        _ => at + 1,
    }
}

/// A name, a number, or a string with a prefix (`b"…"`, `r#"…"#`).
fn past_word(chars: &[char], at: usize) -> usize {
    let end = past(chars, at, |at| !(chars[at].is_alphanumeric() || chars[at] == '_'));
    let word: String = chars[at..end].iter().collect();
    let hashes = chars[end..].iter().take_while(|char| **char == '#').count();
    match word.as_str() {
        "b" | "c" if chars.get(end) == Some(&'"') => past_string(chars, end + 1),
        "r" | "br" | "cr" if chars.get(end + hashes) == Some(&'"') => {
            let closes = |at: usize| {
                chars[at] == '"'
                    && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
            };
            (past(chars, end + hashes + 1, closes) + 1 + hashes).min(chars.len())
        }
        _ => end,
    }
}

fn past_string(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// Comments between `/*` and `*/` may hold others.
fn past_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match chars.get(at..at + 2) {
            Some(['/', '*']) => (depth, at) = (depth + 1, at + 2),
            Some(['*', '/']) if depth == 1 => return at + 2,
            Some(['*', '/']) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn past(chars: &[char], from: usize, ends: impl Fn(usize) -> bool) -> usize {
    (from..chars.len()).find(|at| ends(*at)).unwrap_or(chars.len())
}
