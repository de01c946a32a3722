//! Checks a presented chain: does it lead to a trust anchor, is the leaf for the name. Dates aside (they are judged from
//! the certificates themselves), so the result depends on chain, anchors and name alone and is remembered by them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use closedpath_core::observation::{NameCheck, PathCheck};
use ring::digest::{Context, SHA256};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage};

use super::anchors::Anchors;

/// Chains remembered; when there are more, all are forgotten and verified again once.
const REMEMBERED: usize = 4096;

/// How often the moment of verification is moved before the dates are said not to overlap.
const MOMENTS: usize = 12;

/// The trust anchors, and what they said about chains already seen.
#[derive(Debug)]
pub(super) struct Verifier {
    anchors: Anchors,
    algorithms: WebPkiSupportedAlgorithms,
    seen: Mutex<HashMap<[u8; 32], Checks>>,
}

/// Path, and name where the leaf can be read.
pub(super) type Checks = (PathCheck, Option<NameCheck>);

impl Verifier {
    pub fn new(anchors: Anchors, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { anchors, algorithms, seen: Mutex::default() }
    }

    /// The trust anchors as certificates, DER.
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.anchors.certificates
    }

    /// Both checks of a chain, from memory where the same chain was seen for the same name; `None` for an empty chain.
    pub fn check(&self, chain: &[CertificateDer<'_>], name: &ServerName<'_>) -> Option<Checks> {
        let (leaf, intermediates) = chain.split_first()?;
        let key = key_of(chain, name);
        if let Some(known) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Some(known.clone());
        }
        let checks = match EndEntityCert::try_from(leaf) {
            Ok(end_entity) => (self.path(&end_entity, intermediates), Some(name_check(&end_entity, name))),
            // What cannot be read is for no name that could be told.
            Err(error) => (path_of_error(&error), None),
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert(key, checks.clone());
        Some(checks)
    }

    /// Moves the moment of verification into the validity of whichever certificate is out of date, until only other
    /// reasons are left.
    fn path(&self, leaf: &EndEntityCert<'_>, intermediates: &[CertificateDer<'_>]) -> PathCheck {
        let mut moment = UnixTime::now();
        for _ in 0..MOMENTS {
            match self.path_at(leaf, intermediates, moment) {
                Ok(()) => return PathCheck::Trusted,
                Err(Error::CertExpired { not_after, .. }) => moment = not_after,
                Err(Error::CertNotValidYet { not_before, .. }) => moment = not_before,
                Err(Error::CaUsedAsEndEntity) if leaf.issuer() == leaf.subject() => {
                    // A self-signed CA certificate served as a leaf: trusted only if it is an anchor itself.
                    let trusted = self.anchors.contains(&leaf.der());
                    return if trusted { PathCheck::Trusted } else { PathCheck::UnknownIssuer };
                }
                Err(error) => return path_of_error(&error),
            }
        }
        PathCheck::Invalid("there is no moment at which all certificates of the chain are valid".to_owned())
    }

    fn path_at(
        &self,
        leaf: &EndEntityCert<'_>,
        intermediates: &[CertificateDer<'_>],
        moment: UnixTime,
    ) -> Result<(), Error> {
        let (algorithms, anchors) = (self.algorithms.all, &self.anchors.list);
        leaf.verify_for_usage(algorithms, anchors, intermediates, moment, KeyUsage::server_auth(), None, None)
            .map(|_| ())
    }
}

fn name_check(leaf: &EndEntityCert<'_>, name: &ServerName<'_>) -> NameCheck {
    match leaf.verify_is_valid_for_subject_name(name) {
        Ok(()) => NameCheck::Match,
        Err(Error::CertNotValidForName(context)) => {
            NameCheck::Mismatch(context.presented.iter().map(|name| plain_name(name)).collect())
        }
        Err(_) => NameCheck::Mismatch(leaf.valid_dns_names().map(ToOwned::to_owned).collect()),
    }
}

/// `DnsName("a.example")` and `IpAddress(192.0.2.1)`, as webpki writes them, without the wrapping.
fn plain_name(presented: &str) -> String {
    let inner = presented.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(presented);
    inner.trim_matches('"').to_owned()
}

fn path_of_error(error: &Error) -> PathCheck {
    let words = match error {
        Error::UnknownIssuer => return PathCheck::UnknownIssuer,
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            return PathCheck::UnsupportedAlgorithm;
        }
        Error::InvalidSignatureForPublicKey => "a signature in the chain does not hold",
        Error::CaUsedAsEndEntity => "a CA certificate is served as the server's own",
        Error::EndEntityUsedAsCa => "a certificate that is not a CA's has signed another",
        Error::NameConstraintViolation => "a name is outside the CA's name constraints",
        Error::PathLenConstraintViolated => "the chain is longer than its CA allows",
        Error::RequiredEkuNotFoundContext(_) => "a certificate is not for server authentication",
        Error::UnsupportedCriticalExtension => "a critical extension is not known",
        Error::UnsupportedCertVersion => "a certificate is not X.509 version 3",
        other => return PathCheck::Invalid(other.to_string()),
    };
    PathCheck::Invalid(words.to_owned())
}

fn key_of(chain: &[CertificateDer<'_>], name: &ServerName<'_>) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    for certificate in chain {
        hash.update(&certificate.len().to_be_bytes());
        hash.update(certificate);
    }
    // No certificate is empty, so the name cannot be taken for one.
    hash.update(&0_usize.to_be_bytes());
    hash.update(name.to_str().as_bytes());
    hash.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
}
