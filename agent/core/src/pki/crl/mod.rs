//! CRLs (RFC 5280 §5), read where they lie: nothing grows with the number of entries.
//!
//! In: a CRL's bytes (DER, or PEM after [`decode`]), certificates, and distribution points. Out: the header
//! ([`Crl::parse`]), whether it is genuine and current ([`Crl::verify`]), whether it lists a serial ([`Crl::find`]), whether
//! it speaks of a certificate at all ([`Crl::scope`]), and all of that as one answer ([`answer()`]).

mod answer;
mod entries;
mod point;
mod scope;
mod verify;
mod walk;

use std::borrow::Cow;
use std::time::SystemTime;

pub use answer::{CrlAnswer, Listing, answer};
pub(super) use point::points;
pub use point::{DistributionPoint, freshest_of, points_of};

use super::der::Malformed;
use super::{Reason, Reasons};

/// A CRL's header; the entries stay where they are.
#[derive(Debug, Clone)]
pub struct Crl<'a> {
    /// Issuer, DER of the Name.
    pub issuer: &'a [u8],
    /// When it was made.
    pub this_update: SystemTime,
    /// When the next one will be there at the latest.
    pub next_update: Option<SystemTime>,
    /// cRLNumber, contents octets.
    pub number: Option<&'a [u8]>,
    /// Which certificates it speaks of; `None`: all of its issuer's.
    pub idp: Option<IssuingDistributionPoint<'a>>,
    /// BaseCRLNumber, contents octets: this is a delta CRL (§5.2.4).
    pub delta_base: Option<&'a [u8]>,
    /// Where delta CRLs to this one are (§5.2.6).
    pub freshest: Vec<DistributionPoint<'a>>,
    /// A critical extension this build does not know.
    unknown_critical: bool,
    /// Contents of revokedCertificates.
    entries: &'a [u8],
    /// TBSCertList with its header.
    signed: &'a [u8],
    /// AlgorithmIdentifier, DER.
    algorithm: &'a [u8],
    /// Signature octets.
    signature: &'a [u8],
}

/// issuingDistributionPoint (§5.2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuingDistributionPoint<'a> {
    /// The part of a partitioned CRL: its distribution point's GeneralNames, contents octets.
    pub names: Option<&'a [u8]>,
    /// The URIs among them.
    pub uris: Vec<String>,
    /// It is named relative to the issuer, a form nobody uses and this build does not match.
    pub relative_name: bool,
    /// Of end entities only.
    pub only_user_certificates: bool,
    /// Of CAs only.
    pub only_ca_certificates: bool,
    /// Of attribute certificates only.
    pub only_attribute_certificates: bool,
    /// The reasons it speaks of.
    pub reasons: Reasons,
    /// It also speaks of certificates of other issuers.
    pub indirect: bool,
}

/// One revoked certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Since when.
    pub revoked_at: SystemTime,
    /// Why, if it says so.
    pub reason: Option<Reason>,
    /// The certificate's issuer, DER of the Name, where an indirect CRL names one (§5.3.3).
    pub certificate_issuer: Option<&'a [u8]>,
}

/// Why a CRL says nothing about the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    /// It is no CRL.
    #[error("not a CRL (malformed)")]
    Malformed,
    /// The certificate or issuer asked about cannot be read.
    #[error("the certificate or its issuer cannot be read")]
    UnreadableCertificate,
    /// Another CA issued it.
    #[error("the CRL is of another CA")]
    WrongIssuer,
    /// The issuer's certificate does not allow it to sign CRLs (§4.2.1.3).
    #[error("the issuer's key must not sign CRLs (key usage)")]
    IssuerNotAuthorised,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    BadSignature,
    /// The signature's algorithm is too weak (SHA-1, MD5) or unknown to this build.
    #[error("the signature's algorithm is too weak or not supported")]
    UnsupportedAlgorithm,
    /// It, or an entry, carries a critical extension this build does not know (§5.2, §5.3).
    #[error("the CRL carries an unknown critical extension")]
    UnknownCriticalExtension,
    /// thisUpdate lies in the future.
    #[error("the CRL is dated in the future; a clock is wrong")]
    NotYetValid,
    /// nextUpdate has passed.
    #[error("the CRL is stale: nextUpdate has passed")]
    Stale,
    /// §5.1.2.5 demands nextUpdate; without it nothing says until when it holds.
    #[error("the CRL has no nextUpdate")]
    NoNextUpdate,
    /// It is of another distribution point, or of another kind of certificates.
    #[error("the CRL does not cover this certificate (issuing distribution point)")]
    OutOfScope,
    /// A delta CRL alone, or one that does not belong to the base.
    #[error("the delta CRL does not belong to a complete one at hand")]
    DeltaWithoutBase,
}

impl From<Malformed> for CrlError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// The DER of a downloaded CRL: itself, or the content of the one PEM block (RFC 7468 §7) that it is.
pub fn decode(body: &[u8]) -> Result<Cow<'_, [u8]>, CrlError> {
    if body.first() == Some(&super::der::SEQUENCE) {
        return Ok(Cow::Borrowed(body));
    }
    match <[Vec<u8>; 1]>::try_from(super::pem::blocks(body, &["X509 CRL"], 1)?) {
        Ok([der]) => Ok(Cow::Owned(der)),
        Err(_) => Err(CrlError::Malformed),
    }
}
