//! OCSP (RFC 6960, RFC 5019, RFC 8954): the question, and whether an answer is one.
//!
//! In: certificates and a response as DER. Out: an [`OcspAnswer`] that the issuer vouches for and that holds now, or the
//! reason why it does not count ([`OcspError`]). Stapled and fetched responses are judged by the same code.

mod request;
mod response;
mod verify;

use std::time::SystemTime;

pub use request::{CertificateId, certificate_id, get_path, request};
pub use verify::verify;

use super::Reason;

/// What a responder says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OcspStatus {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked {
        /// Since when.
        at: SystemTime,
        /// Why, if it says so.
        reason: Option<Reason>,
    },
    /// The responder does not know the certificate. Never the same as good.
    Unknown,
}

/// Whose key signed an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// The certificate's issuer.
    Issuer,
    /// A responder to whom the issuer delegated it (RFC 6960 §4.2.2.2).
    Delegated {
        /// Its subject.
        subject: String,
        /// SHA-256 of its certificate, lower-case hexadecimal.
        sha256: String,
        /// It carries id-pkix-ocsp-nocheck: it needs no revocation check of its own (R8).
        nocheck: bool,
        /// Its certificate, DER.
        certificate: Vec<u8>,
    },
}

/// A verified answer on one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspAnswer {
    /// What it says.
    pub status: OcspStatus,
    /// When this was known to be right.
    pub this_update: SystemTime,
    /// When newer information will be there. Without one, newer information is there at any time (RFC 6960 §4.2.2.1):
    /// the answer must not be kept.
    pub next_update: Option<SystemTime>,
    /// When it was signed.
    pub produced_at: SystemTime,
    /// Who signed it.
    pub signer: Signer,
}

/// OCSPResponseStatus other than successful (RFC 6960 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ErrorStatus {
    /// 1
    #[error("malformedRequest")]
    MalformedRequest,
    /// 2
    #[error("internalError")]
    InternalError,
    /// 3
    #[error("tryLater")]
    TryLater,
    /// 5
    #[error("sigRequired")]
    SigRequired,
    /// 6: often a certificate this responder is not in charge of.
    #[error("unauthorized")]
    Unauthorized,
}

/// Why a response says nothing about the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OcspError {
    /// It is no OCSP response.
    #[error("not an OCSP response (malformed)")]
    Malformed,
    /// The certificate or issuer asked about cannot be read.
    #[error("the certificate or its issuer cannot be read")]
    UnreadableCertificate,
    /// Nobody at hand issued the certificate.
    #[error("the certificate's issuer, without whom nothing can be verified, is not at hand")]
    NoIssuer,
    /// The responder said that it has no answer.
    #[error("the responder answered {0}")]
    ErrorStatus(ErrorStatus),
    /// Every answer in it is on other certificates.
    #[error("the response is about other certificates")]
    WrongCertificate,
    /// Neither the issuer nor a responder that the issuer certified signed it.
    #[error("the responder is neither the issuer nor certified by it")]
    UnknownResponder,
    /// The responder's certificate lacks id-kp-OCSPSigning (RFC 6960 §4.2.2.2).
    #[error("the responder's certificate lacks the OCSPSigning extended key usage")]
    ResponderNotAuthorised,
    /// The responder's certificate is not valid now.
    #[error("the responder's certificate is expired or not yet valid")]
    ResponderExpired,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    BadSignature,
    /// The signature's algorithm is too weak (SHA-1, MD5) or unknown to this build.
    #[error("the signature's algorithm is too weak or not supported")]
    UnsupportedAlgorithm,
    /// It carries a critical extension this build does not know.
    #[error("the response carries an unknown critical extension")]
    UnknownCriticalExtension,
    /// thisUpdate or producedAt lies in the future.
    #[error("the response is dated in the future; a clock is wrong")]
    NotYetValid,
    /// nextUpdate has passed.
    #[error("the response is stale: nextUpdate has passed")]
    Stale,
    /// Without nextUpdate, newer information is there at any time, and this answer is not of now.
    #[error("the response has no nextUpdate and was not made just now")]
    NoNextUpdateTooOld,
    /// It answers another question: a replay, or a cache.
    #[error("the response carries another nonce")]
    NonceMismatch,
}

impl From<super::der::Malformed> for OcspError {
    fn from(_: super::der::Malformed) -> Self {
        Self::Malformed
    }
}
