//! URLs out of certificates and redirects: canonical form, and what was fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use url::Url;

use super::work::{Ask, Complete};
use crate::observation::FetchObservation;
use crate::pki::inquiry::{Question, Validity};
use crate::pki::revocation::Said;
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
    /// Why what came is not what the URL is for.
    pub trouble: Option<String>,
    /// The period that a CRL or an OCSP response is for.
    pub validity: Option<Validity>,
    /// The key of the URL it redirects to.
    pub next: Option<String>,
    /// Addresses already asked.
    pub tried: BTreeSet<IpAddr>,
    /// The address that is being asked.
    pub in_flight: Option<IpAddr>,
    /// Certificates that wait for an answer, by fingerprint.
    pub questions: BTreeMap<String, Question>,
    /// Those among them that the exchange under way is about.
    pub asked: BTreeSet<String>,
    /// What it says of certificates, by fingerprint.
    pub said: BTreeMap<String, Said>,
    /// The certificates that point to it, by fingerprint.
    pub askers: BTreeSet<String>,
    /// Of a caIssuers URL: the certificates that it brought, by fingerprint.
    pub brought: Vec<String>,
    /// Of a complete CRL: the keys of its delta CRLs.
    pub deltas: BTreeSet<String>,
    /// Of a delta CRL: the key of the complete one.
    pub complete: Option<String>,
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
            trouble: None,
            validity: None,
            next: None,
            tried: BTreeSet::new(),
            in_flight: None,
            questions: BTreeMap::new(),
            asked: BTreeSet::new(),
            said: BTreeMap::new(),
            askers: BTreeSet::new(),
            brought: Vec::new(),
            deltas: BTreeSet::new(),
            complete: None,
        }
    }

    /// Whether this exchange brought what the URL is for; a redirect does not by itself.
    ///
    /// An OCSP responder that was asked without a question (the issuer is not at hand) answers with any status it likes
    /// (RFC 5019 §5 puts the request into the path), so any answer of its own shows that it serves.
    pub fn served(&self) -> bool {
        let Some(fetched) = self.fetched.as_ref().filter(|fetched| fetched.failure.is_none()) else {
            return false;
        };
        let bare = self.kind == Origin::Ocsp && self.said.is_empty() && self.questions.is_empty();
        let status = fetched.status.is_some_and(|status| match bare {
            true => !matches!(status, 300..=399 | 403 | 407),
            false => (200..300).contains(&status),
        });
        status && self.trouble.is_none()
    }

    /// Why it did not, in words.
    pub fn trouble(&self) -> String {
        match &self.fetched {
            None => "no address of the host could be reached".to_string(),
            Some(fetched) => match (&fetched.failure, fetched.status, &self.trouble) {
                (Some(failure), ..) => failure.text.clone(),
                (None, Some(200..=299), Some(trouble)) => trouble.clone(),
                (None, Some(status), _) => format!("the answer is HTTP {status}"),
                (None, None, _) => "no answer".to_string(),
            },
        }
    }

    /// What to ask it for, next; `complete` is the CRL that a delta builds on.
    pub(super) fn ask(&self, complete: Option<Complete>) -> Ask {
        match self.kind {
            Origin::Crl => Ask::Crl { questions: self.questions.values().cloned().collect(), complete },
            Origin::Ocsp => match self.questions.values().next() {
                Some(question) => Ask::Ocsp { question: question.clone(), redirected: self.redirects > 0 },
                None => Ask::Page,
            },
            Origin::Aia => Ask::Certificates,
            _ => Ask::Page,
        }
    }
}

/// A parsed URL: its key in the closure, its text and its endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Canonical: scheme, lower-case host, port, path; OCSP by scheme, host and port only (DOMAIN §4.3), to which
    /// [`Link::about`] adds the certificate.
    pub key: String,
    /// As it is asked for.
    pub url: String,
    /// Where it leads.
    pub endpoint: EndpointKey,
}

impl Link {
    /// The same asked through a forward proxy: what comes there need not be what comes here.
    #[must_use]
    pub fn by(mut self, via: Option<&str>) -> Self {
        self.endpoint.via = via.map(str::to_string);
        if let Some(via) = via {
            self.key = format!("{} via {via}", self.key);
        }
        self
    }

    /// The key for what a responder says of one certificate; other kinds speak of all at once.
    #[must_use]
    pub fn about(mut self, kind: Origin, redirects: u8, certificate: &str) -> Self {
        if kind == Origin::Ocsp {
            // A redirected request is a URL of its own: by host alone, one to the same host would look like a loop.
            self.key = match (redirects, &self.endpoint.via) {
                (0, _) => format!("{} {certificate}", self.key),
                (_, None) => format!("{} {certificate}", self.url),
                (_, Some(via)) => format!("{} via {via} {certificate}", self.url),
            };
        }
        self
    }

    /// The key for a delta CRL over the complete one with the key `complete`.
    #[must_use]
    pub fn delta_of(mut self, complete: &str) -> Self {
        self.key = format!("{} delta of {complete}", self.key);
        self
    }
}

/// Reads a URL that came from the network; `None` if no HTTP client can fetch it. A relative one needs `base`.
pub fn parse(text: &str, kind: Origin, base: Option<&str>) -> Option<Link> {
    /// Longer ones are somebody's joke; those of a sign-in have some thousand characters.
    const MAX_LENGTH: usize = 8192;
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

/// Whether a redirect leads out of HTTP, to an application of the client.
pub fn is_of_another_scheme(text: &str, base: &str) -> bool {
    let url = Url::parse(base).and_then(|base| base.join(text));
    url.is_ok_and(|url| !matches!(url.scheme(), "http" | "https"))
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
