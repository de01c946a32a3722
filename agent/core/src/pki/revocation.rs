//! What all answers on a certificate amount to (R4, R4', F38, F39): good, revoked, or undetermined and why.
//!
//! In: what the staple, the responders and the CRLs said, each already verified or refused. Out: one state with its source.
//! A verified "revoked" wins over anything. Silence never reads as good, nor does a missing staple.

use std::time::SystemTime;

use x509_parser::prelude::{FromDer, X509Certificate};

use super::crl::{CrlAnswer, CrlError, Listing};
use super::der::{self, Reader};
use super::ocsp::{OcspAnswer, OcspError, OcspStatus, Signer};
use super::{Reason, Reasons};

/// TLS Feature (RFC 7633 §4).
const ID_TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";
/// status_request (RFC 6066 §8).
const STATUS_REQUEST: &[u8] = &[5];

/// Where an answer came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The TLS handshake.
    Staple,
    /// A responder, by its URL.
    Ocsp(String),
    /// A CRL, by its URL.
    Crl(String),
}

/// What a source said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// An OCSP response, stapled or fetched.
    Ocsp(Result<OcspAnswer, OcspError>),
    /// A CRL.
    Crl(Result<CrlAnswer, CrlError>),
    /// Nothing came, and why.
    Nothing(String),
}

impl Said {
    /// R8: fingerprint and DER of the delegated responder whose own revocation this answer hangs on: one that does not exempt itself
    /// (id-pkix-ocsp-nocheck, RFC 6960 §4.2.2.2.1).
    pub fn delegate(&self) -> Option<(&String, &[u8])> {
        match self {
            Self::Ocsp(Ok(answer)) => match &answer.signer {
                Signer::Delegated { nocheck: false, sha256, certificate, .. } => Some((sha256, certificate)),
                Signer::Delegated { .. } | Signer::Issuer => None,
            },
            Self::Ocsp(Err(_)) | Self::Crl(_) | Self::Nothing(_) => None,
        }
    }
}

/// What one source said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Who.
    pub source: Source,
    /// What.
    pub said: Said,
}

/// Whether a certificate is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// It is not.
    Good {
        /// Who says so; with CRLs split by reasons (R4'), all that were needed.
        sources: Vec<Source>,
        /// Until when that is known: the latest of the answers that suffice alone, or the first of those that only
        /// suffice together. F39's date for this certificate.
        until: SystemTime,
    },
    /// It is.
    Revoked {
        /// Who says so first.
        source: Source,
        /// Since when.
        at: SystemTime,
        /// Why, if it was said.
        reason: Option<Reason>,
    },
    /// Nobody who counts has said.
    Undetermined {
        /// Why, source by source; empty where nobody was asked.
        because: Vec<(Source, Doubt)>,
    },
    /// There was nobody to ask.
    NotChecked(NotChecked),
}

/// Why an answer leaves it open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The OCSP response does not count.
    #[error(transparent)]
    Ocsp(OcspError),
    /// The responder does not know the certificate.
    #[error("the responder does not know the certificate")]
    Unknown,
    /// The CRL does not count.
    #[error(transparent)]
    Crl(CrlError),
    /// The CRLs seen speak of some reasons only.
    #[error("the CRL speaks of some revocation reasons only, and the CRLs of the others are missing")]
    SomeReasons,
    /// Nothing came.
    #[error("{0}")]
    Nothing(String),
}

/// Why nobody was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotChecked {
    /// The certificate names neither a CRL nor a responder.
    NoPointers,
    /// It is a trust anchor: whoever trusts it does not ask it about itself.
    TrustAnchor,
}

/// A leaf's staple (F38).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Staple {
    /// None came, and none is demanded. Says nothing on revocation.
    Absent,
    /// None came although the certificate demands one (RFC 7633): strict clients refuse the connection.
    MissingThoughRequired,
    /// One came and counts.
    Valid(OcspAnswer),
    /// One came and does not count.
    Refused {
        /// Why.
        error: OcspError,
        /// The certificate demands one that counts.
        required: bool,
    },
}

/// Whether the certificate (DER) demands a staple: TLS Feature with status_request (RFC 7633).
pub fn must_staple(certificate: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    certificate
        .extensions()
        .iter()
        .filter(|extension| extension.oid.to_id_string() == ID_TLS_FEATURE)
        .any(|extension| demands_status(extension.value).unwrap_or(false))
}

/// What to say of a leaf's staple, verified by [`super::ocsp::verify`] where one came.
pub fn staple(certificate: &[u8], seen: Option<Result<OcspAnswer, OcspError>>) -> Staple {
    match (seen, must_staple(certificate)) {
        (None, false) => Staple::Absent,
        (None, true) => Staple::MissingThoughRequired,
        (Some(Ok(answer)), _) => Staple::Valid(answer),
        (Some(Err(error)), required) => Staple::Refused { error, required },
    }
}

/// Combines the answers on one certificate. `has_pointers`: it names a CRL or a responder (fetchable or not).
pub fn combine(has_pointers: bool, answers: &[Answer]) -> Revocation {
    if let Some(revoked) = answers.iter().find_map(revoked) {
        return revoked;
    }
    let alone: Vec<(&Source, SystemTime)> = answers.iter().filter_map(good_alone).collect();
    if let Some(until) = alone.iter().map(|(_, until)| *until).max() {
        return Revocation::Good {
            sources: alone.into_iter().map(|(source, _)| source.clone()).collect(),
            until,
        };
    }
    if let Some(good) = good_together(answers) {
        return good;
    }
    if !has_pointers && answers.is_empty() {
        return Revocation::NotChecked(NotChecked::NoPointers);
    }
    Revocation::Undetermined {
        because: answers
            .iter()
            .filter_map(|answer| Some((answer.source.clone(), doubt(&answer.said)?)))
            .collect(),
    }
}

/// F39: when the first certificate of a chain loses its last verified answer; what clients that insist on one will notice.
/// Certificates without any count as broken already and have no date.
pub fn breaks_at<'a>(chain: impl IntoIterator<Item = &'a Revocation>) -> Option<SystemTime> {
    chain
        .into_iter()
        .filter_map(|certificate| match certificate {
            Revocation::Good { until, .. } => Some(*until),
            Revocation::Revoked { .. } | Revocation::Undetermined { .. } | Revocation::NotChecked(_) => None,
        })
        .min()
}

fn revoked(answer: &Answer) -> Option<Revocation> {
    let (at, reason) = match &answer.said {
        Said::Ocsp(Ok(OcspAnswer { status: OcspStatus::Revoked { at, reason }, .. })) => (*at, *reason),
        Said::Crl(Ok(CrlAnswer { listing: Listing::Revoked { at, reason }, .. })) => (*at, *reason),
        Said::Ocsp(_) | Said::Crl(_) | Said::Nothing(_) => return None,
    };
    Some(Revocation::Revoked { source: answer.source.clone(), at, reason })
}

/// An answer that makes the certificate good by itself, and until when.
fn good_alone(answer: &Answer) -> Option<(&Source, SystemTime)> {
    let until = match &answer.said {
        Said::Ocsp(Ok(ocsp)) if ocsp.status == OcspStatus::Good => {
            ocsp.next_update.unwrap_or(ocsp.this_update)
        }
        Said::Crl(Ok(crl)) if crl.listing == Listing::NotListed(Reasons::ALL) => crl.next_update,
        Said::Ocsp(_) | Said::Crl(_) | Said::Nothing(_) => return None,
    };
    Some((&answer.source, until))
}

/// R4': CRLs by reasons make it good once they speak of every reason; then the first to expire ends that.
fn good_together(answers: &[Answer]) -> Option<Revocation> {
    let mut seen = Reasons::NONE;
    let mut parts = Vec::new();
    for answer in answers {
        if let Said::Crl(Ok(CrlAnswer { listing: Listing::NotListed(reasons), next_update, .. })) =
            &answer.said
        {
            seen = seen.or(*reasons);
            parts.push((answer.source.clone(), *next_update));
        }
    }
    let until = parts.iter().map(|(_, until)| *until).min()?;
    (seen == Reasons::ALL)
        .then(|| Revocation::Good { sources: parts.into_iter().map(|(source, _)| source).collect(), until })
}

fn doubt(said: &Said) -> Option<Doubt> {
    match said {
        Said::Ocsp(Err(error)) => Some(Doubt::Ocsp(*error)),
        Said::Ocsp(Ok(answer)) => match answer.status {
            OcspStatus::Unknown => Some(Doubt::Unknown),
            OcspStatus::Good | OcspStatus::Revoked { .. } => None,
        },
        Said::Crl(Err(error)) => Some(Doubt::Crl(*error)),
        Said::Crl(Ok(answer)) => match answer.listing {
            Listing::NotListed(_) => Some(Doubt::SomeReasons),
            Listing::Revoked { .. } => None,
        },
        Said::Nothing(text) => Some(Doubt::Nothing(text.clone())),
    }
}

fn demands_status(value: &[u8]) -> Result<bool, der::Malformed> {
    let mut features = Reader::new(der::single(value, der::SEQUENCE)?.body);
    let mut demanded = false;
    while !features.is_empty() {
        demanded |= features.body(der::INTEGER)? == STATUS_REQUEST;
    }
    Ok(demanded)
}
