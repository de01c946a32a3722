//! Certificates at hand, and which of them issued which (RFC 5280 §6.1, RFC 4158).
//!
//! In: certificates as they are met, presented or fetched. Out: for each, its issuers, whose signatures on it hold; a CA that
//! is cross-signed has several parents, and all are kept. Whether a path is trusted in time and by name is not said here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::{Trust, aia, parse};

/// Certificates of one name that are considered; a name that more bear is somebody's joke.
const MOST_NAMESAKES: usize = 16;
/// Certificates above a presented one.
const MOST_ABOVE: usize = 16;

/// One certificate that issued another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parent {
    /// Which.
    pub sha256: String,
    /// It is a trust anchor.
    pub anchor: bool,
}

/// What lies above a chain as it was presented.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Above {
    /// Issuers that were not presented, nearest first; of a cross-signed CA all.
    pub issuers: Vec<String>,
    /// The anchors that are reached.
    pub anchors: BTreeSet<String>,
}

/// All certificates met so far.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    trust: Arc<Trust>,
    known: BTreeMap<String, Known>,
    /// By subject, DER of the Name.
    by_subject: BTreeMap<Vec<u8>, Vec<String>>,
    /// By issuer, DER of the Name: who waits for one.
    by_issuer: BTreeMap<Vec<u8>, Vec<String>>,
}

#[derive(Debug, Clone)]
struct Known {
    der: Arc<[u8]>,
    key: Vec<u8>,
    parents: Vec<Parent>,
}

impl Pool {
    /// An empty pool over what is trusted.
    pub fn new(trust: Arc<Trust>) -> Self {
        Self { trust, ..Self::default() }
    }

    /// Adds a certificate. Out: those that have an issuer now and had none, itself among them.
    pub fn add(&mut self, sha256: &str, der: &[u8]) -> Vec<String> {
        let Some(certificate) = parse(der) else { return Vec::new() };
        if self.known.contains_key(sha256) {
            return Vec::new();
        }
        let (subject, issuer) =
            (certificate.subject().as_raw().to_vec(), certificate.issuer().as_raw().to_vec());
        let key = [subject.as_slice(), certificate.public_key().raw].concat();
        let known = Known { der: der.into(), key, parents: self.parents(der, &issuer) };
        let mut found = Vec::new();
        if !known.parents.is_empty() {
            found.push(sha256.to_string());
        }
        self.known.insert(sha256.to_string(), known);
        if subject != issuer {
            self.by_issuer.entry(issuer).or_default().push(sha256.to_string());
        }
        let namesakes = self.by_subject.entry(subject.clone()).or_default();
        if namesakes.len() >= MOST_NAMESAKES {
            return found;
        }
        namesakes.push(sha256.to_string());
        if self.trust.contains(sha256) {
            // Its children know it already.
            return found;
        }
        for child in self.by_issuer.get(&subject).into_iter().flatten().filter(|child| *child != sha256) {
            let Some(child_known) = self.known.get_mut(child) else { continue };
            if aia::is_issuer(der, &child_known.der) {
                if child_known.parents.is_empty() {
                    found.push(child.clone());
                }
                child_known.parents.push(Parent { sha256: sha256.to_string(), anchor: false });
            }
        }
        found
    }

    /// Those at hand that issued a certificate; anchors first.
    pub fn issuers(&self, sha256: &str) -> &[Parent] {
        self.known.get(sha256).map_or(&[], |known| known.parents.as_slice())
    }

    /// A certificate's DER, be it an anchor.
    pub fn der(&self, sha256: &str) -> Option<&Arc<[u8]>> {
        self.known.get(sha256).map(|known| &known.der).or_else(|| self.trust.der(sha256))
    }

    /// What the site trusts.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The issuers above a presented chain, of those that `may` complete it: what another host presents is at hand, and no
    /// client would have it from there.
    pub fn above(&self, presented: &[String], may: impl Fn(&str) -> bool) -> Above {
        let mut above = Above::default();
        let Some(leaf) = presented.first() else { return above };
        let (mut seen, mut keys) = (BTreeSet::new(), BTreeSet::new());
        let mut queue = VecDeque::from([leaf.as_str()]);
        while let Some(sha256) = queue.pop_front() {
            let Some(known) = self.known.get(sha256).filter(|_| seen.insert(sha256)) else { continue };
            keys.insert(known.key.as_slice());
            if self.trust.contains(sha256) {
                above.anchors.insert(sha256.to_string());
                continue;
            }
            if !presented.iter().any(|other| other == sha256) {
                if !may(sha256) {
                    continue;
                }
                if above.issuers.len() >= MOST_ABOVE {
                    break;
                }
                above.issuers.push(sha256.to_string());
            }
            for parent in &known.parents {
                // RFC 4158 §5.2: a name and key that a path has already lead nowhere. Two cross-signs of one CA are met
                // side by side and both kept: each has an issuer of its own.
                let behind =
                    self.known.get(&parent.sha256).is_some_and(|met| keys.contains(met.key.as_slice()));
                if parent.anchor {
                    above.anchors.insert(parent.sha256.clone());
                } else if !behind {
                    queue.push_back(&parent.sha256);
                }
            }
        }
        above
    }

    fn parents(&self, der: &[u8], issuer: &[u8]) -> Vec<Parent> {
        let anchors = self.trust.named(issuer).iter().map(|sha256| (sha256, true));
        let namesakes = self.by_subject.get(issuer).into_iter().flatten().map(|sha256| (sha256, false));
        anchors
            .chain(namesakes.filter(|(sha256, _)| !self.trust.contains(sha256)))
            .filter(|(sha256, _)| {
                let candidate = self.der(sha256);
                candidate.is_some_and(|candidate| **candidate != *der && aia::is_issuer(candidate, der))
            })
            .map(|(sha256, anchor)| Parent { sha256: sha256.clone(), anchor })
            .collect()
    }
}
