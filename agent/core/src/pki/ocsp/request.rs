//! The question to a responder: certID, request (RFC 6960 §4.1), and its GET form (RFC 5019 §5).

use base64::Engine;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512, digest};
use x509_parser::prelude::X509Certificate;

use super::OcspError;
use crate::pki::der::{self, Reader};
use crate::pki::parse;

/// id-pkix-ocsp-nonce, 1.3.6.1.5.5.7.48.1.2.
pub(super) const ID_NONCE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2];
/// id-sha1, 1.3.14.3.2.26.
const ID_SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];
/// id-sha256, -384 and -512, 2.16.840.1.101.3.4.2.1 to .3.
const ID_SHA2: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2];

/// All of base64 that a path segment may not hold as it is: `+`, `/` and `=`.
const PATH: &AsciiSet = NON_ALPHANUMERIC;

/// CertID: a certificate by its issuer's name and key, and its serial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateId(Vec<u8>);

impl CertificateId {
    /// DER.
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }
}

/// The certID with SHA-1, the one hash that every responder must accept (RFC 5019 §2.1.1). `serial` is the contents
/// octets of the serial number.
pub fn certificate_id(issuer: &X509Certificate<'_>, serial: &[u8]) -> CertificateId {
    let name = digest(&SHA1_FOR_LEGACY_USE_ONLY, issuer.subject().as_raw());
    let key = digest(&SHA1_FOR_LEGACY_USE_ONLY, &issuer.public_key().subject_public_key.data);
    let algorithm =
        der::encode(der::SEQUENCE, &[&der::encode(der::OID, &[ID_SHA1]), &der::encode(der::NULL, &[])]);
    CertificateId(der::encode(
        der::SEQUENCE,
        &[
            &algorithm,
            &der::encode(der::OCTET_STRING, &[name.as_ref()]),
            &der::encode(der::OCTET_STRING, &[key.as_ref()]),
            &der::encode(der::INTEGER, &[serial]),
        ],
    ))
}

/// A request for one certificate. `nonce` (1 to 32 octets, RFC 8954 §2.1) belongs in a POST only: it defeats the caches
/// that GET is for (RFC 5019 §4).
pub fn request(certificate: &[u8], issuer: &[u8], nonce: Option<&[u8]>) -> Result<Vec<u8>, OcspError> {
    let certificate = parse(certificate).ok_or(OcspError::UnreadableCertificate)?;
    let issuer = parse(issuer).ok_or(OcspError::UnreadableCertificate)?;
    let id = certificate_id(&issuer, certificate.raw_serial());
    let list = der::encode(der::SEQUENCE, &[&der::encode(der::SEQUENCE, &[id.as_der()])]);
    let extensions = nonce.map_or_else(Vec::new, |nonce| {
        let value = der::encode(der::OCTET_STRING, &[&der::encode(der::OCTET_STRING, &[nonce])]);
        let extension = der::encode(der::SEQUENCE, &[&der::encode(der::OID, &[ID_NONCE]), &value]);
        der::encode(der::constructed(2), &[&der::encode(der::SEQUENCE, &[&extension])])
    });
    Ok(der::encode(der::SEQUENCE, &[&der::encode(der::SEQUENCE, &[&list, &extensions])]))
}

/// What a GET appends to the responder's URL after a slash: base64, percent-escaped.
pub fn get_path(request: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(request);
    percent_encode(text.as_bytes(), PATH).to_string()
}

/// Whether a CertID (its contents octets) names this certificate, by whichever hash the responder chose.
pub(super) fn names(
    body: &[u8],
    issuer: &X509Certificate<'_>,
    serial: &[u8],
) -> Result<bool, der::Malformed> {
    let mut id = Reader::new(body);
    let mut algorithm = id.inside(der::SEQUENCE)?;
    let hash = algorithm.body(der::OID)?;
    let name = id.body(der::OCTET_STRING)?;
    let key = id.body(der::OCTET_STRING)?;
    let number = id.body(der::INTEGER)?;
    id.end()?;
    let Some(hash) = hash_of(hash) else { return Ok(false) };
    Ok(der::same_integer(number, serial)
        && digest(hash, issuer.subject().as_raw()).as_ref() == name
        && digest(hash, &issuer.public_key().subject_public_key.data).as_ref() == key)
}

fn hash_of(oid: &[u8]) -> Option<&'static Algorithm> {
    if oid == ID_SHA1 {
        return Some(&SHA1_FOR_LEGACY_USE_ONLY);
    }
    match oid.strip_prefix(ID_SHA2)? {
        [1] => Some(&SHA256),
        [2] => Some(&SHA384),
        [3] => Some(&SHA512),
        _ => None,
    }
}
