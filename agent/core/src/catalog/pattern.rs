//! Host names with wildcards, of every kind seen in Microsoft's data (W1): exact, `*.suffix`, in the middle, glued.
//!
//! In: the pattern's text. Out: whether a name matches, and how specific the match is. Paths and ports are not part of it.

use crate::target::canonical_host;

/// A name, or a name with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// One name.
    Exact(String),
    /// `*.x`: every name below x, at any depth, but not x itself (W2). Holds `.x`.
    Below(String),
    /// Wildcards elsewhere; the literal pieces between them. A wildcard stands for any text, none included.
    Glob(Vec<String>),
}

/// How narrow a match is; the greater, the narrower: exact over the longest `*.suffix` over glob (EL6), then by literal length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Specificity(u8, usize);

impl Pattern {
    /// Reads `login.x`, `*.x`, `a.*.x`, `*a.x`; case and a final dot do not matter.
    pub fn new(text: &str) -> Self {
        let text = canonical_host(text);
        if !text.contains('*') {
            return Self::Exact(text);
        }
        match text.strip_prefix('*') {
            Some(suffix) if suffix.starts_with('.') && !suffix.contains('*') => {
                Self::Below(suffix.to_owned())
            }
            _ => Self::Glob(text.split('*').map(str::to_owned).collect()),
        }
    }

    /// How specifically the canonical `host` is matched; `None` where it is not.
    pub fn matches(&self, host: &str) -> Option<Specificity> {
        match self {
            Self::Exact(name) => (name == host).then_some(Specificity(2, name.len())),
            Self::Below(suffix) => (host.len() > suffix.len() && host.ends_with(suffix.as_str()))
                .then_some(Specificity(1, suffix.len())),
            Self::Glob(pieces) => {
                glob(pieces, host).then(|| Specificity(0, pieces.iter().map(String::len).sum()))
            }
        }
    }
}

/// Whether the pieces occur in order, the first at the start and the last at the end.
fn glob(pieces: &[String], host: &str) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return false };
    let Some((last, middle)) = rest.split_last() else { return host == first };
    let Some(mut remaining) = host.strip_prefix(first.as_str()) else { return false };
    for piece in middle {
        match remaining.find(piece.as_str()) {
            Some(at) => remaining = &remaining[at + piece.len()..],
            None => return false,
        }
    }
    remaining.ends_with(last.as_str())
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_leading_wildcard_matches_every_depth_below_but_not_the_name_itself() {
        let pattern = Pattern::new("*.Login.Microsoft.com");
        assert!(pattern.matches("japaneast.login.microsoft.com").is_some());
        assert!(pattern.matches("a.b.login.microsoft.com").is_some());
        assert!(pattern.matches("login.microsoft.com").is_none());
        assert!(pattern.matches("evillogin.microsoft.com").is_none());
    }

    #[test]
    fn wildcards_in_the_middle_and_glued_ones_match() {
        assert!(
            Pattern::new("autodiscover.*.onmicrosoft.com")
                .matches("autodiscover.contoso.onmicrosoft.com")
                .is_some()
        );
        assert!(Pattern::new("*cdn.onenote.net").matches("webcdn.onenote.net").is_some());
        assert!(
            Pattern::new("azgn*.servicebus.windows.net").matches("azgn12.servicebus.windows.net").is_some()
        );
        assert!(Pattern::new("azgn*.servicebus.windows.net").matches("ns.servicebus.windows.net").is_none());
        assert!(Pattern::new("a*a").matches("a").is_none());
    }

    #[test]
    fn an_exact_name_beats_the_longest_suffix_which_beats_a_glob() {
        let host = "a.b.example.com";
        let exact = Pattern::new("a.b.example.com").matches(host);
        let long = Pattern::new("*.b.example.com").matches(host);
        let short = Pattern::new("*.example.com").matches(host);
        let glob = Pattern::new("a.*.example.com").matches(host);
        assert!(exact > long && long > short && short > glob && glob.is_some());
    }
}
