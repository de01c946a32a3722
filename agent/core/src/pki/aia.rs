//! Certificates out of a caIssuers body (RFC 5280 §4.2.2.1), and which of them issued another.
//!
//! In: an HTTP body. Out: certificates as DER: one (DER), or several (PEM, PKCS#7 certs-only), at most [`MOST`]. What they
//! are worth only a path to a trust anchor says: here nothing is trusted.

use super::der::{self, Malformed, Reader};
use super::{fingerprint, parse, pem};

/// Certificates in one body; real ones hold one to four.
pub const MOST: usize = 16;

/// Octets of a body; real ones have one to six thousand.
pub const LARGEST: usize = 256 * 1024;

/// id-signedData, 1.2.840.113549.1.7.2.
const ID_SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];

/// Why a body does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AiaError {
    /// Nothing in it.
    #[error("the body is empty")]
    Empty,
    /// A web page: a portal, a proxy's error, or a parked name.
    #[error("a web page came instead of a certificate; a proxy or portal may have answered")]
    Html,
    /// Larger than [`LARGEST`].
    #[error("the body is too large for certificates")]
    TooLarge,
    /// More than [`MOST`] certificates.
    #[error("the body holds too many certificates")]
    TooMany,
    /// It is none of the three forms.
    #[error("the body is no certificate (DER, PEM or PKCS#7)")]
    NotACertificate,
    /// None of the certificates signed the one that lacks an issuer.
    #[error("none of the certificates is the issuer")]
    WrongCertificate,
    /// The issuer is in the chain already.
    #[error("the certificates lead back into the chain (a loop)")]
    Loop,
}

impl From<Malformed> for AiaError {
    fn from(_: Malformed) -> Self {
        Self::NotACertificate
    }
}

/// The certificates in a body, each of which can be read.
pub fn certificates(body: &[u8]) -> Result<Vec<Vec<u8>>, AiaError> {
    if body.len() > LARGEST {
        return Err(AiaError::TooLarge);
    }
    let text = body.trim_ascii_start();
    let found = match text.first() {
        None => return Err(AiaError::Empty),
        Some(b'<') => return Err(AiaError::Html),
        _ if text.starts_with(b"\xef\xbb\xbf<") => return Err(AiaError::Html),
        Some(b'-') => from_pem(text)?,
        Some(_) => from_der(body)?,
    };
    if found.iter().all(|der| is_certificate(der)) { Ok(found) } else { Err(AiaError::NotACertificate) }
}

/// Whether `candidate` issued `certificate` (both DER): its name is the issuer's, it may be a CA, and its key signed.
pub fn is_issuer(candidate: &[u8], certificate: &[u8]) -> bool {
    let (Some(candidate), Some(certificate)) = (parse(candidate), parse(certificate)) else {
        return false;
    };
    // A certificate without basicConstraints is a CA only before version 3 (RFC 5280 §6.1.4 (k)).
    let may_issue = candidate.is_ca() || candidate.version().0 < 2;
    candidate.subject().as_raw() == certificate.issuer().as_raw()
        && may_issue
        && certificate.verify_signature(Some(candidate.public_key())).is_ok()
}

/// Those of `candidates` that issued the last certificate of `chain` and are not in it: one, or several where a CA is
/// cross-signed, each of which starts a path of its own.
pub fn issuers<'a>(chain: &[Vec<u8>], candidates: &'a [Vec<u8>]) -> Result<Vec<&'a [u8]>, AiaError> {
    let Some(last) = chain.last() else { return Err(AiaError::WrongCertificate) };
    let mut found: Vec<&[u8]> =
        candidates.iter().map(Vec::as_slice).filter(|candidate| is_issuer(candidate, last)).collect();
    if found.is_empty() {
        return Err(AiaError::WrongCertificate);
    }
    found.sort_by_key(|candidate| fingerprint(candidate));
    found.dedup();
    found.retain(|candidate| !chain.iter().any(|link| has_the_same_key(link, candidate)));
    if found.is_empty() { Err(AiaError::Loop) } else { Ok(found) }
}

/// RFC 4158 §5.2: the same name and key twice in a path lead nowhere, whichever certificate says so.
fn has_the_same_key(one: &[u8], other: &[u8]) -> bool {
    match (parse(one), parse(other)) {
        (Some(one), Some(other)) => {
            one.subject().as_raw() == other.subject().as_raw()
                && one.public_key().raw == other.public_key().raw
        }
        _ => false,
    }
}

fn is_certificate(der: &[u8]) -> bool {
    parse(der).is_some()
}

fn from_pem(text: &[u8]) -> Result<Vec<Vec<u8>>, AiaError> {
    let blocks = pem::blocks(text, &["CERTIFICATE"], MOST + 1);
    let Ok(blocks) = blocks else {
        let bundle = pem::blocks(text, &["PKCS7", "CMS"], 1)?;
        return from_pkcs7(bundle.first().ok_or(AiaError::NotACertificate)?);
    };
    if blocks.len() > MOST { Err(AiaError::TooMany) } else { Ok(blocks) }
}

fn from_der(body: &[u8]) -> Result<Vec<Vec<u8>>, AiaError> {
    if is_certificate(body) { Ok(vec![body.to_vec()]) } else { from_pkcs7(body) }
}

/// SignedData without signers (RFC 5652 §5.1, RFC 8551 §3.8).
fn from_pkcs7(body: &[u8]) -> Result<Vec<Vec<u8>>, AiaError> {
    let mut content = Reader::new(der::single(body, der::SEQUENCE)?.body);
    if content.body(der::OID)? != ID_SIGNED_DATA {
        return Err(AiaError::NotACertificate);
    }
    let signed = der::single(content.body(der::constructed(0))?, der::SEQUENCE)?;
    content.end()?;
    let mut signed = Reader::new(signed.body);
    signed.element(der::INTEGER)?;
    signed.element(der::SET)?;
    signed.element(der::SEQUENCE)?;
    let mut set = signed.inside(der::constructed(0))?;
    let mut found = Vec::new();
    while !set.is_empty() {
        let element = set.any()?;
        // CertificateChoices: everything but `certificate` is tagged, and of no use here.
        if element.tag != der::SEQUENCE {
            continue;
        }
        if found.len() == MOST {
            return Err(AiaError::TooMany);
        }
        found.push(element.raw.to_vec());
    }
    if found.is_empty() { Err(AiaError::NotACertificate) } else { Ok(found) }
}
