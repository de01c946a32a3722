//! What an echo page says: our address as its server saw it (E8).
//!
//! In: the body of a page and the expression of `match`. Out: an address, or nothing: the body is anybody's.

use std::net::IpAddr;

use regex::bytes::{Regex, RegexBuilder};

/// Memory that an expression may take once it is compiled.
const COMPILED: usize = 256 * 1024;
/// The longest text of an address is an IPv6 one that ends as an IPv4 one.
const LONGEST: usize = 45;

/// How the address is found in a page.
#[derive(Debug, Clone)]
pub struct EchoPage {
    pattern: Option<Regex>,
}

impl EchoPage {
    /// Bytes of a body that are worth reading.
    pub const LARGEST: usize = 64 * 1024;

    /// By an expression whose first group is the address; without one, the body is the address. An error in words.
    pub fn new(pattern: Option<&str>) -> Result<Self, String> {
        let Some(pattern) = pattern else { return Ok(Self { pattern: None }) };
        let compiled = RegexBuilder::new(pattern).size_limit(COMPILED).dfa_size_limit(COMPILED).build();
        let pattern = compiled.map_err(|error| in_one_line(&error))?;
        match pattern.captures_len() {
            0 | 1 => Err("it has no group".to_string()),
            _ => Ok(Self { pattern: Some(pattern) }),
        }
    }

    /// The address in a body.
    pub fn read(&self, body: &[u8]) -> Option<IpAddr> {
        let body = &body[..body.len().min(Self::LARGEST)];
        let found = match &self.pattern {
            Some(pattern) => pattern.captures(body)?.get(1)?.as_bytes(),
            None => body,
        };
        let text = found.trim_ascii();
        if text.len() > LONGEST {
            return None;
        }
        std::str::from_utf8(text).ok()?.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
    }
}

/// The last line of the crate's words says what is wrong; those before it draw where.
fn in_one_line(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => format!("it would take more than {limit} bytes"),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EchoPage;

    fn read(pattern: Option<&str>, body: &[u8]) -> Option<String> {
        let page = EchoPage::new(pattern).expect("a good expression");
        page.read(body).map(|ip| ip.to_string())
    }

    #[test]
    fn the_body_or_the_first_group_is_the_address() {
        assert_eq!(read(None, b" 198.51.100.7\r\n").as_deref(), Some("198.51.100.7"));
        assert_eq!(read(None, b"2001:DB8::7").as_deref(), Some("2001:db8::7"));
        assert_eq!(read(None, b"::ffff:198.51.100.7").as_deref(), Some("198.51.100.7"));
        let page = b"<p>\xff src=203.0.113.9 via 192.0.2.1</p>";
        assert_eq!(read(Some(r"src=([\d.]+)(?: via)?"), page).as_deref(), Some("203.0.113.9"));
    }

    #[test]
    fn what_is_no_address_gives_none() {
        for body in [
            &b""[..],
            b"198.51.100.7 198.51.100.8",
            b"198.51.100.256",
            b"<html>198.51.100.7</html>",
            &[b'1'; 99],
        ] {
            assert_eq!(read(None, body), None);
        }
        assert_eq!(read(Some("src=(.*)"), b"src=unknown"), None);
        assert_eq!(read(Some("(src)?=x"), b"=x"), None);
        let late = [vec![b' '; EchoPage::LARGEST], b"198.51.100.7".to_vec()].concat();
        assert_eq!(read(Some("([0-9.]+)"), &late), None);
    }

    #[test]
    fn expressions_that_are_wrong_or_huge_or_without_a_group_are_refused() {
        let why = |pattern| EchoPage::new(Some(pattern)).map(|_| ()).expect_err("refused");
        assert_eq!(why("a("), "unclosed group");
        assert_eq!(why("src=.*"), "it has no group");
        assert_eq!(why(r"((\w{1000}){1000})"), "it would take more than 262144 bytes");
    }
}
