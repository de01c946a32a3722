//! What the site trusts: the anchors of the agent's store, which of them are public, and the site's own inspection CA.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{fingerprint, parse};

/// Trust anchors as certificates. An anchor is an issuer like any other; only nobody asks it about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    anchors: BTreeMap<String, Arc<[u8]>>,
    by_subject: BTreeMap<Vec<u8>, Vec<String>>,
    public: BTreeSet<Vec<u8>>,
    inspection: Vec<Arc<[u8]>>,
}

impl Trust {
    /// Trusts these certificates (DER); what cannot be read is left out.
    pub fn new<T: AsRef<[u8]>>(anchors: impl IntoIterator<Item = T>) -> Self {
        let mut trust = Self::default();
        for der in anchors {
            let der = der.as_ref();
            let Some(certificate) = parse(der) else { continue };
            let sha256 = fingerprint(der);
            if trust.anchors.insert(sha256.clone(), der.into()).is_none() {
                trust.by_subject.entry(certificate.subject().as_raw().to_vec()).or_default().push(sha256);
            }
        }
        trust
    }

    /// Knows these roots (DER) as those that browsers and operating systems trust. Without any, nothing is called private.
    #[must_use]
    pub fn with_public<T: AsRef<[u8]>>(mut self, roots: impl IntoIterator<Item = T>) -> Self {
        self.public.extend(roots.into_iter().filter_map(|der| key_of(der.as_ref())));
        self
    }

    /// Knows these certificates (DER) as the site's own inspection CA (F25).
    #[must_use]
    pub fn with_inspection<T: AsRef<[u8]>>(mut self, authorities: impl IntoIterator<Item = T>) -> Self {
        self.inspection.extend(authorities.into_iter().map(|der| Arc::from(der.as_ref())));
        self
    }

    /// Whether this very certificate is an anchor.
    pub fn contains(&self, sha256: &str) -> bool {
        self.anchors.contains_key(sha256)
    }

    /// An anchor's DER.
    pub fn der(&self, sha256: &str) -> Option<&Arc<[u8]>> {
        self.anchors.get(sha256)
    }

    /// The anchors with a subject (DER of the Name).
    pub fn named(&self, subject: &[u8]) -> &[String] {
        self.by_subject.get(subject).map_or(&[], Vec::as_slice)
    }

    /// Whether a certificate bears the name and key of a root that the public trusts; `None` where no public root is known.
    pub fn is_public(&self, der: &[u8]) -> Option<bool> {
        (!self.public.is_empty()).then(|| key_of(der).is_some_and(|key| self.public.contains(&key)))
    }

    /// Whether a presented chain (DER) holds the declared inspection CA, or a certificate that it issued.
    pub fn is_inspection_of<T: AsRef<[u8]>>(&self, chain: &[T]) -> bool {
        let same = |one: &[u8], other: &[u8]| key_of(one).is_some() && key_of(one) == key_of(other);
        self.inspection.iter().any(|authority| {
            let mut chain = chain.iter().map(AsRef::as_ref);
            chain.any(|der| same(authority, der) || super::aia::is_issuer(authority, der))
        })
    }
}

/// Name and key: two certificates that share both are the same authority.
fn key_of(der: &[u8]) -> Option<Vec<u8>> {
    let certificate = parse(der)?;
    Some([certificate.subject().as_raw(), certificate.public_key().raw].concat())
}
