//! Members of the closure, and the whole picture at the fixed point.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::roots::Roots;
use super::urls::UrlState;
use crate::failure::Failure;
use crate::observation::{AddressObservation, Contact, DnsObservation};
use crate::pki::CertificateFacts;
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
    /// The endpoints whose certificates or redirects led here.
    pub required_by: BTreeSet<EndpointKey>,
    /// How its host resolved; a proxied endpoint's is that of the proxy.
    pub dns: Option<DnsObservation>,
    /// What was seen of each address.
    pub addresses: BTreeMap<IpAddr, Seen>,
    /// The chains it presented.
    pub chains: BTreeSet<Chain>,
    /// The URL of an http target's page.
    pub page: Option<String>,
}

/// A presented chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chain {
    /// Fingerprints in the presented order.
    pub certificates: Vec<String>,
    /// An issuer is missing (R5).
    pub incomplete: bool,
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
            required_by: BTreeSet::new(),
            dns: None,
            addresses: BTreeMap::new(),
            chains: BTreeSet::new(),
            page: None,
        }
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
    /// Every URL by canonical key.
    pub urls: BTreeMap<String, UrlState>,
    /// Every certificate seen, by fingerprint.
    pub certificates: BTreeMap<String, CertificateFacts>,
    /// What the configuration asks for.
    pub roots: Roots,
    /// Bounds that were hit (F40), in words.
    pub truncated: BTreeSet<String>,
    /// URLs of certificates that nobody can fetch (ldap:// …).
    pub unfetchable: BTreeSet<String>,
}

impl Picture {
    /// Whether a URL, or what it redirects to, was served.
    pub fn served(&self, key: &str) -> bool {
        self.redirects(key).last().is_some_and(UrlState::served)
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
