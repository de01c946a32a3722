//! Members of the closure, and the whole picture at the fixed point.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::roots::Roots;
use super::urls::UrlState;
use crate::failure::{Failure, label};
use crate::observation::{AddressObservation, Contact, DnsObservation};
use crate::pki::revocation::Said;
use crate::pki::{CertificateFacts, Pool};
use crate::target::{EndpointKey, Origin};

/// One endpoint of the closure.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Why it is here.
    pub origins: BTreeSet<Origin>,
    /// Steps from what the configuration names.
    pub depth: u8,
    /// The configuration itself names it: the guard does not apply.
    pub trusted: bool,
    /// Behind a proxy, and named by the network: whether the guard lets it pass, or why not.
    pub behind: Option<Result<(), String>>,
    /// The endpoints whose certificates or redirects led here.
    pub required_by: BTreeSet<EndpointKey>,
    /// How its host resolved; a proxied endpoint's is that of the proxy.
    pub dns: Option<DnsObservation>,
    /// What was seen of each address.
    pub addresses: BTreeMap<IpAddr, Seen>,
    /// The chains it presented, each once.
    pub chains: Vec<Chain>,
    /// The URL of an http target's page.
    pub page: Option<String>,
}

/// A presented chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Fingerprints in the presented order.
    pub certificates: Vec<String>,
    /// An issuer is missing (R5).
    pub incomplete: bool,
    /// Of an incomplete one: the issuers that caIssuers brought, nearest first, of a cross-signed CA all.
    pub completed: Vec<String>,
    /// The trust anchors that are reached, by fingerprint; with those that were brought.
    pub anchors: BTreeSet<String>,
}

impl Chain {
    /// All certificates of it that are asked about: the presented ones, then those that were brought.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.certificates.iter().chain(&self.completed)
    }
}

/// What is known of one address.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// The probe is under way.
    Pending,
    /// The guard refused it.
    Forbidden(Failure),
    /// Probed.
    Observed(Box<AddressObservation>),
}

impl Member {
    /// A member without observations.
    pub fn new(depth: u8) -> Self {
        Self {
            origins: BTreeSet::new(),
            depth,
            trusted: depth == 0,
            behind: None,
            required_by: BTreeSet::new(),
            dns: None,
            addresses: BTreeMap::new(),
            chains: Vec::new(),
            page: None,
        }
    }

    /// Whether no workload needs it: it is a canary or an echo, and nothing else.
    pub fn is_only_watched(&self) -> bool {
        self.origins.iter().all(|origin| origin.is_only_watched())
    }

    /// Whether it is an echo and nothing else: its certificates do not matter (DESIGN §4.5).
    pub(super) fn is_only_echo(&self) -> bool {
        self.origins.iter().all(|origin| *origin == Origin::Echo)
    }

    /// Addresses with which contact was made.
    pub fn contacted(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.addresses.iter().filter_map(|(ip, seen)| match seen {
            Seen::Observed(seen) => seen.contact.made().then_some(*ip),
            Seen::Pending | Seen::Forbidden(_) => None,
        })
    }

    /// Whether the endpoint is to be had: contact was made with some address, and its handshake, if any, completed.
    pub fn obtainable(&self) -> bool {
        self.addresses.values().any(|seen| match seen {
            Seen::Observed(seen) => {
                matches!(seen.contact, Contact::Made(_))
                    && seen
                        .tls
                        .as_ref()
                        .is_none_or(|tls| tls.failure.is_none() || tls.client_certificate_required)
            }
            Seen::Pending | Seen::Forbidden(_) => false,
        })
    }
}

/// Everything at the fixed point.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// Every member.
    pub members: BTreeMap<EndpointKey, Member>,
    /// The direct attempts beside a proxy that are no members themselves (A1, F24).
    pub bypasses: BTreeMap<EndpointKey, Member>,
    /// The ways that members are reached by: directly, and each forward proxy.
    pub ways: BTreeSet<Option<String>>,
    /// Every URL by canonical key.
    pub urls: BTreeMap<String, UrlState>,
    /// Every certificate seen, by fingerprint.
    pub certificates: BTreeMap<String, CertificateFacts>,
    /// The certificates themselves, and who issued whom.
    pub pool: Pool,
    /// What the configuration asks for.
    pub roots: Roots,
    /// Bounds that were hit (F40), in words.
    pub truncated: BTreeSet<String>,
    /// URLs of certificates that nobody can fetch (ldap:// …).
    pub unfetchable: BTreeSet<String>,
}

impl Picture {
    /// How the name of an endpoint itself resolves for us: behind a proxy, that of the direct attempt (A1). The proxy resolves it
    /// anew, and what it gets cannot be seen from here.
    pub fn resolved(&self, key: &EndpointKey) -> Option<&DnsObservation> {
        let direct = EndpointKey { via: None, ..key.clone() };
        let member = self.members.get(&direct).or_else(|| self.bypasses.get(&direct));
        member.and_then(|member| member.dns.as_ref())
    }

    /// Whether a URL, or what it redirects to, was served.
    pub fn served(&self, key: &str) -> bool {
        self.redirects(key).last().is_some_and(UrlState::served)
    }

    /// The key of the URL that a URL leads to in the end.
    pub(super) fn last_of(&self, key: &str) -> Option<String> {
        let mut last = key.to_string();
        for url in self.redirects(key) {
            last = match &url.next {
                Some(next) if self.urls.contains_key(next) => next.clone(),
                _ => return Some(last),
            };
        }
        None
    }

    /// What the URL that a certificate points to says of it, wherever it redirects to; a delta CRL that counts says more.
    pub fn said(&self, key: &str, about: &str) -> Option<&Said> {
        let last = self.redirects(key).last()?;
        let of_delta = |delta: &String| self.redirects(delta).last()?.said.get(about);
        let counts = |said: &&Said| matches!(said, Said::Crl(Ok(_)));
        last.deltas.iter().filter_map(of_delta).find(counts).or_else(|| last.said.get(about))
    }

    /// What the caIssuers URLs of each certificate brought; all by fingerprint.
    pub(super) fn brought(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut brought: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (key, url) in self.urls.iter().filter(|(_, url)| url.kind == Origin::Aia && url.redirects == 0) {
            let Some(last) = self.redirects(key).last().filter(|last| !last.brought.is_empty()) else {
                continue;
            };
            for asker in &url.askers {
                brought.entry(asker.clone()).or_default().extend(last.brought.iter().cloned());
            }
        }
        brought
    }

    /// The keys of the delta CRLs of a URL.
    pub fn deltas(&self, key: &str) -> impl Iterator<Item = &String> {
        self.redirects(key).last().into_iter().flat_map(|last| &last.deltas)
    }

    /// Why a URL was not served, in words: the failure mode, with the delay that clients suffer by it (DOMAIN §4.4.1).
    pub fn why_not(&self, url: &UrlState) -> String {
        if let Some(fetched) = &url.fetched {
            return format!("{} (after {:.1} s)", url.trouble(), fetched.took.as_secs_f64());
        }
        let Some(member) = self.members.get(&url.endpoint) else { return url.trouble() };
        let reasons: Vec<String> = member
            .addresses
            .iter()
            .filter_map(|(ip, seen)| match seen {
                Seen::Observed(seen) => {
                    seen.contact.failure().map(|failure| match failure.text.contains(&ip.to_string()) {
                        true => format!("{}: {}", label(&failure.code), failure.text),
                        false => format!("{ip} {}: {}", label(&failure.code), failure.text),
                    })
                }
                Seen::Forbidden(failure) => Some(failure.text.clone()),
                Seen::Pending => None,
            })
            .collect();
        match (reasons.is_empty(), member.dns.as_ref().and_then(|dns| dns.chosen())) {
            (false, _) => reasons.join(", "),
            (true, Some(view)) => format!("the name does not resolve ({})", label(&view.status)),
            (true, None) => url.trouble(),
        }
    }

    /// A URL and everything it redirects to.
    pub fn redirects<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a UrlState> + use<'a> {
        let mut visited = BTreeSet::new();
        std::iter::successors(self.urls.get(key), move |url| {
            let next = url.next.as_ref()?;
            visited.insert(next.clone()).then(|| self.urls.get(next)).flatten()
        })
    }
}
