//! What a proxy auto-configuration script answers (FindProxyForURL), and which declared proxy that is (E9).
//!
//! In: the script's result, the declared proxies. Out: the choices in order, and where the first leads. Scripts are not run here.

use crate::config::Proxy;
use crate::target::canonical_host;

/// The longest result that is read, in bytes.
pub const LONGEST: usize = 4096;
/// Choices of one result that are read.
const MOST: usize = 32;
/// Of a choice that is not understood, so many characters are shown.
const SHOWN: usize = 80;

/// One alternative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// No proxy.
    Direct,
    /// A forward proxy.
    Proxy {
        /// Name or address, canonical.
        host: String,
        /// Its port.
        port: u16,
        /// The connection to it is TLS.
        tls: bool,
    },
    /// SOCKS, or what no script should say; as written, shortened.
    Unsupported(String),
}

/// Where a script sends an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Past all proxies.
    Direct,
    /// Through the declared proxy with this name.
    Via(String),
    /// Somewhere that cannot be followed.
    Unknown {
        /// What stands in place of a proxy's name; it holds a space, which no name does.
        shown: String,
        /// Why, in words.
        why: String,
    },
}

/// The alternatives of a result, in order.
pub fn read(result: &str) -> Vec<Choice> {
    let mut end = result.len().min(LONGEST);
    while !result.is_char_boundary(end) {
        end -= 1;
    }
    let choices = result[..end].split(';').map(str::trim).filter(|choice| !choice.is_empty());
    choices.take(MOST).map(choice).collect()
}

fn choice(text: &str) -> Choice {
    let unsupported = || {
        let shown = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
        Choice::Unsupported(shown.take(SHOWN).collect())
    };
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let (tls, usual) = match word.to_ascii_uppercase().as_str() {
        "DIRECT" if rest.is_empty() => return Choice::Direct,
        "PROXY" | "HTTP" => (false, 80),
        "HTTPS" => (true, 443),
        _ => return unsupported(),
    };
    match authority(rest.trim(), usual) {
        Some((host, port)) => Choice::Proxy { host, port, tls },
        None => unsupported(),
    }
}

/// Host and port; an IPv6 address stands in brackets.
fn authority(text: &str, usual: u16) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Some(usual), |port| port.parse().ok()).filter(|port| *port > 0)?;
    let host = canonical_host(host);
    let of_host = |letter: char| letter.is_ascii_alphanumeric() || "-._:".contains(letter);
    (!host.is_empty() && host.len() <= 253 && host.chars().all(of_host)).then_some((host, port))
}

/// Where the first choice leads. `result` is what the script returned, or why it returned nothing.
pub fn way(result: Result<&str, &str>, proxies: &[Proxy]) -> Way {
    let unknown = |shown: String, why: String| Way::Unknown { shown, why };
    let result = match result {
        Ok(result) => result,
        Err(why) => return unknown("PAC error".into(), why.into()),
    };
    match read(result).into_iter().next() {
        None => unknown("PAC nothing".into(), "the PAC script names neither a proxy nor DIRECT".into()),
        Some(Choice::Direct) => Way::Direct,
        Some(Choice::Proxy { host, port, tls }) => {
            let same = |proxy: &&Proxy| (&proxy.host, proxy.port, proxy.tls) == (&host, port, tls);
            match proxies.iter().find(same) {
                Some(proxy) => Way::Via(proxy.name.clone()),
                None => {
                    let shown = format!("{} {host}:{port}", if tls { "HTTPS" } else { "PROXY" });
                    let why = format!("the PAC script says \"{shown}\", and no [[proxy]] is declared there");
                    unknown(shown, why)
                }
            }
        }
        Some(Choice::Unsupported(text)) => {
            let why = format!("the PAC script says \"{text}\", which closedpath cannot follow");
            unknown(format!("PAC {text}"), why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Choice, Way, read, way};
    use crate::config::{Proxy, ProxyExit};

    fn proxy(host: &str, port: u16, tls: bool) -> Choice {
        Choice::Proxy { host: host.into(), port, tls }
    }

    #[test]
    fn choices_are_read_in_order() {
        assert_eq!(
            read(" PROXY Squid.Example.:3128;https [2001:DB8::1]:3129 ; DIRECT;; http a"),
            [
                proxy("squid.example", 3128, false),
                proxy("2001:db8::1", 3129, true),
                Choice::Direct,
                proxy("a", 80, false),
            ]
        );
        assert_eq!(read("HTTPS b"), [proxy("b", 443, true)]);
        assert_eq!(read(" ; "), []);
    }

    #[test]
    fn what_is_not_understood_is_kept_as_written() {
        for text in [
            "SOCKS5 a:1080",
            "PROXY",
            "PROXY a:0",
            "PROXY a:65536",
            "PROXY a b:1",
            "DIRECT x",
            "PROXY [::1",
            "PROXY [a]:1",
        ] {
            assert_eq!(read(text), [Choice::Unsupported(text.into())]);
        }
        assert_eq!(read(&"X".repeat(5000)), [Choice::Unsupported("X".repeat(80))]);
        assert_eq!(read(&"DIRECT;".repeat(500)).len(), 32);
        assert_eq!(read(&format!("DIRECT;{}é", "x".repeat(4088))).len(), 2);
    }

    #[test]
    fn the_first_choice_decides_and_must_be_a_declared_proxy() {
        let squid = Proxy {
            name: "squid".into(),
            host: "10.0.0.1".into(),
            port: 3128,
            tls: false,
            credentials: None,
            exit: ProxyExit::Internet,
        };
        let of = |result| way(result, std::slice::from_ref(&squid));
        assert_eq!(of(Ok("PROXY 10.0.0.1:3128; DIRECT")), Way::Via("squid".into()));
        assert_eq!(of(Ok("DIRECT; PROXY 10.0.0.1:3128")), Way::Direct);
        for (result, shown, why) in [
            (Ok("PROXY 10.0.0.1:8080"), "PROXY 10.0.0.1:8080", "no [[proxy]] is declared there"),
            (Ok("HTTPS 10.0.0.1:3128"), "HTTPS 10.0.0.1:3128", "no [[proxy]] is declared there"),
            (Ok("SOCKS 10.0.0.1:1080"), "PAC SOCKS 10.0.0.1:1080", "which closedpath cannot follow"),
            (Ok(""), "PAC nothing", "names neither a proxy nor DIRECT"),
            (Err("it throws"), "PAC error", "it throws"),
        ] {
            let Way::Unknown { shown: seen, why: words } = of(result) else { panic!("{result:?}") };
            assert_eq!(seen, shown);
            assert!(words.ends_with(why), "{words}");
        }
    }
}
