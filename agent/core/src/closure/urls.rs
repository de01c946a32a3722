//! URLs out of certificates and redirects: canonical form, and what was fetched.

use std::collections::BTreeSet;
use std::net::IpAddr;

use url::Url;

use crate::observation::FetchObservation;
use crate::target::{EndpointKey, Origin, Probe};

/// Redirects followed per URL (DOMAIN §4.3, termination).
pub const MAX_REDIRECTS: u8 = 5;

/// A URL in the closure.
#[derive(Debug, Clone, PartialEq)]
pub struct UrlState {
    /// As it is asked for.
    pub url: String,
    /// What it is: a CRL, a responder, a certificate, or the page of an http target.
    pub kind: Origin,
    /// Where it leads.
    pub endpoint: EndpointKey,
    /// How many redirects led here.
    pub redirects: u8,
    /// The last exchange.
    pub fetched: Option<FetchObservation>,
    /// The key of the URL it redirects to.
    pub next: Option<String>,
    /// Addresses already asked.
    pub tried: BTreeSet<IpAddr>,
    /// An exchange is under way.
    pub in_flight: bool,
}

impl UrlState {
    /// A URL that nobody has asked for yet.
    pub fn new(link: Link, kind: Origin, redirects: u8) -> Self {
        Self {
            url: link.url,
            kind,
            endpoint: link.endpoint,
            redirects,
            fetched: None,
            next: None,
            tried: BTreeSet::new(),
            in_flight: false,
        }
    }

    /// Whether this exchange brought what the URL is for; a redirect does not by itself.
    ///
    /// An OCSP responder answers a bare GET with any status it likes (RFC 5019 §5 puts the request into the path),
    /// so any answer of its own shows that it serves; CRLs and certificates are there or not.
    pub fn served(&self) -> bool {
        let Some(fetched) = self.fetched.as_ref().filter(|fetched| fetched.failure.is_none()) else {
            return false;
        };
        match self.kind {
            Origin::Ocsp => fetched.status.is_some_and(|status| !matches!(status, 300..=399 | 403 | 407)),
            _ => fetched.status.is_some_and(|status| (200..300).contains(&status)),
        }
    }

    /// Why it did not, in words.
    pub fn trouble(&self) -> String {
        match &self.fetched {
            None => "no address of the host could be reached".to_string(),
            Some(fetched) => match (&fetched.failure, fetched.status) {
                (Some(failure), _) => failure.text.clone(),
                (None, Some(status)) => format!("the answer is HTTP {status}"),
                (None, None) => "no answer".to_string(),
            },
        }
    }
}

/// A parsed URL: its key in the closure, its text and its endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Canonical: scheme, lower-case host, port, path; OCSP by scheme, host and port only (DOMAIN §4.3).
    pub key: String,
    /// As it is asked for.
    pub url: String,
    /// Where it leads.
    pub endpoint: EndpointKey,
}

/// Reads a URL that came from the network; `None` if no HTTP client can fetch it. A relative one needs `base`.
pub fn parse(text: &str, kind: Origin, base: Option<&str>) -> Option<Link> {
    /// Longer ones are somebody's joke.
    const MAX_LENGTH: usize = 2048;
    if text.len() > MAX_LENGTH {
        return None;
    }
    let mut url = match base {
        Some(base) => Url::parse(base).ok()?.join(text).ok()?,
        None => Url::parse(text.trim()).ok()?,
    };
    let probe = match url.scheme() {
        "http" => Probe::Http,
        "https" => Probe::Https,
        _ => return None,
    };
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    let endpoint = EndpointKey::new(url.host_str()?, url.port_or_known_default()?, probe);
    // "http:./" has the host ".", the root of the DNS.
    if endpoint.host.is_empty() {
        return None;
    }
    let key = match kind {
        Origin::Ocsp => format!("{}://{}:{} ocsp", url.scheme(), endpoint.host, endpoint.port),
        _ => url.to_string(),
    };
    Some(Link { key, url: url.to_string(), endpoint })
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::target::Origin;

    #[test]
    fn urls_become_canonical() {
        let link = parse("HTTP://CRL.Example:80/A%20b.crl#x", Origin::Crl, None).expect("a URL");
        assert_eq!(link.key, "http://crl.example/A%20b.crl");
        assert_eq!(link.endpoint.to_string(), "crl.example:80/http");
        let ocsp = parse("http://user:secret@ocsp.example/abc", Origin::Ocsp, None).expect("a URL");
        assert_eq!(
            (ocsp.key.as_str(), ocsp.url.as_str()),
            ("http://ocsp.example:80 ocsp", "http://ocsp.example/abc")
        );
        let moved = parse("/b.crl", Origin::Crl, Some("https://crl.example/a.crl")).expect("a URL");
        assert_eq!(moved.endpoint.to_string(), "crl.example:443/https");
        let odd = parse("http://0x7f.1/a", Origin::Crl, None).expect("a URL");
        assert_eq!(odd.endpoint.host, "127.0.0.1");
    }

    #[test]
    fn what_no_http_client_can_fetch_is_no_link() {
        for text in ["ldap:///CN=CA", "file:///etc/passwd", "http://", "nonsense", "http://a b/", "http://./"]
        {
            assert_eq!(parse(text, Origin::Crl, None), None, "{text}");
        }
    }
}
