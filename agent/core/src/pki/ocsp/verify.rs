//! Whether a response is an answer on a certificate, given by somebody whom its issuer trusts, and true now
//! (RFC 6960 §3.2, §4.2.2).

use std::time::{Duration, SystemTime};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::X509Certificate;

use super::response::{Basic, ResponderId, Single};
use super::{OcspAnswer, OcspError, OcspStatus, Signer, request, response};
use crate::pki::der;
use crate::pki::parse;
use crate::pki::signature::{self, SignatureError};

/// id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1).
const ID_NOCHECK: &str = "1.3.6.1.5.5.7.48.1.5";

/// Certificates looked at in one response; real ones carry at most three.
const MOST_CERTIFICATES: usize = 16;

/// SingleResponses looked at in one response.
const MOST_SINGLES: usize = 1_024;

/// Verifies `response` for a certificate and its issuer (DER).
///
/// `nonce` is the one that was sent. A response without any is accepted: pre-produced ones cannot have it (RFC 5019 §4),
/// and its dates still decide. `skew` is how far this clock and the responder's may differ. Without nextUpdate an answer
/// counts only while thisUpdate is within `skew` of `now`: newer information is there at any time (RFC 6960 §4.2.2.1).
/// Signatures with SHA-1 are refused.
pub fn verify(
    response: &[u8],
    certificate: &[u8],
    issuer: &[u8],
    nonce: Option<&[u8]>,
    now: SystemTime,
    skew: Duration,
) -> Result<OcspAnswer, OcspError> {
    let basic = response::read(response)?;
    let certificate = parse(certificate).ok_or(OcspError::UnreadableCertificate)?;
    let issuer = parse(issuer).ok_or(OcspError::UnreadableCertificate)?;
    if certificate.issuer().as_raw() != issuer.subject().as_raw() {
        return Err(OcspError::WrongCertificate);
    }
    let single = pick(&basic, &issuer, certificate.raw_serial())?;
    if let (Some(sent), Some(received)) = (nonce, basic.nonce)
        && sent != received
    {
        return Err(OcspError::NonceMismatch);
    }
    let signer = signer(&basic, &issuer, now, skew)?;
    if basic.unknown_critical || single.unknown_critical {
        return Err(OcspError::UnknownCriticalExtension);
    }
    fresh(&basic, &single, now, skew)?;
    Ok(OcspAnswer {
        status: single.status,
        this_update: single.this_update,
        next_update: single.next_update,
        produced_at: basic.produced_at,
        signer,
    })
}

/// The SingleResponse on the certificate: of several, the gravest, then the newest.
fn pick<'a>(basic: &Basic<'a>, issuer: &X509Certificate<'_>, serial: &[u8]) -> Result<Single<'a>, OcspError> {
    let mut singles = basic.singles;
    let mut picked: Option<Single<'a>> = None;
    for _ in 0..MOST_SINGLES {
        if singles.is_empty() {
            break;
        }
        let single = response::single(&mut singles)?;
        if !request::names(single.id, issuer, serial)? {
            continue;
        }
        let rank = |single: &Single<'_>| (gravity(&single.status), single.this_update);
        if picked.as_ref().is_none_or(|before| rank(&single) > rank(before)) {
            picked = Some(single);
        }
    }
    singles.end()?;
    picked.ok_or(OcspError::WrongCertificate)
}

fn gravity(status: &OcspStatus) -> u8 {
    match status {
        OcspStatus::Good => 0,
        OcspStatus::Unknown => 1,
        OcspStatus::Revoked { .. } => 2,
    }
}

/// Whoever the responder's name or key points to and whose key signed: the issuer, or a delegate.
fn signer(
    basic: &Basic<'_>,
    issuer: &X509Certificate<'_>,
    now: SystemTime,
    skew: Duration,
) -> Result<Signer, OcspError> {
    let mut failure = OcspError::UnknownResponder;
    if is_meant(&basic.responder, issuer) {
        match signed_by(basic, issuer) {
            Ok(()) => return Ok(Signer::Issuer),
            Err(error) => failure = error,
        }
    }
    let mut certificates = basic.certificates;
    for _ in 0..MOST_CERTIFICATES {
        if certificates.is_empty() {
            break;
        }
        let raw = certificates.element(der::SEQUENCE)?.raw;
        let Some(delegate) = parse(raw) else { continue };
        if !is_meant(&basic.responder, &delegate) {
            continue;
        }
        match delegated(basic, raw, &delegate, issuer, now, skew) {
            Ok(()) => {
                return Ok(Signer::Delegated {
                    subject: delegate.subject().to_string(),
                    sha256: crate::pki::fingerprint(raw),
                    nocheck: delegate.extensions().iter().any(|e| e.oid.to_id_string() == ID_NOCHECK),
                    certificate: raw.to_vec(),
                });
            }
            // What was wrong with a signer that is meant says more than that another is not.
            Err(error) if failure == OcspError::UnknownResponder => failure = error,
            Err(_) => {}
        }
    }
    Err(failure)
}

fn is_meant(responder: &ResponderId<'_>, candidate: &X509Certificate<'_>) -> bool {
    match responder {
        ResponderId::Name(name) => candidate.subject().as_raw() == *name,
        ResponderId::Key(key) => {
            digest(&SHA1_FOR_LEGACY_USE_ONLY, &candidate.public_key().subject_public_key.data).as_ref()
                == *key
        }
    }
}

/// RFC 6960 §4.2.2.2: issued by the very issuer, for this purpose, and valid.
fn delegated(
    basic: &Basic<'_>,
    raw: &[u8],
    delegate: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
    now: SystemTime,
    skew: Duration,
) -> Result<(), OcspError> {
    if delegate.issuer().as_raw() != issuer.subject().as_raw() {
        return Err(OcspError::UnknownResponder);
    }
    match signature::check_certificate(issuer.public_key(), raw) {
        Ok(()) => {}
        Err(SignatureError::Bad) => return Err(OcspError::UnknownResponder),
        Err(SignatureError::Unsupported) => return Err(OcspError::UnsupportedAlgorithm),
    }
    let purposes = delegate.extensions().iter().any(|extension| match extension.parsed_extension() {
        ParsedExtension::ExtendedKeyUsage(usage) => usage.ocsp_signing,
        _ => false,
    });
    if !purposes {
        return Err(OcspError::ResponderNotAuthorised);
    }
    let seconds = |time: SystemTime| match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(_) => 0,
    };
    let (validity, now, skew) = (delegate.validity(), seconds(now), skew.as_secs().cast_signed());
    if validity.not_before.timestamp() > now.saturating_add(skew)
        || validity.not_after.timestamp() < now.saturating_sub(skew)
    {
        return Err(OcspError::ResponderExpired);
    }
    signed_by(basic, delegate)
}

fn signed_by(basic: &Basic<'_>, signer: &X509Certificate<'_>) -> Result<(), OcspError> {
    signature::check(signer.public_key(), basic.algorithm, basic.signature, basic.signed).map_err(|error| {
        match error {
            SignatureError::Bad => OcspError::BadSignature,
            SignatureError::Unsupported => OcspError::UnsupportedAlgorithm,
        }
    })
}

/// RFC 6960 §3.2 (5) and (6).
fn fresh(basic: &Basic<'_>, single: &Single<'_>, now: SystemTime, skew: Duration) -> Result<(), OcspError> {
    // A sum no clock can show is later than anything.
    let until = |time: SystemTime| time.checked_add(skew);
    if until(now).is_some_and(|latest| single.this_update > latest || basic.produced_at > latest) {
        return Err(OcspError::NotYetValid);
    }
    match single.next_update {
        Some(next) if next < single.this_update => Err(OcspError::Malformed),
        Some(next) if until(next).is_some_and(|last| last < now) => Err(OcspError::Stale),
        None if until(single.this_update).is_some_and(|last| last < now) => {
            Err(OcspError::NoNextUpdateTooOld)
        }
        Some(_) | None => Ok(()),
    }
}
