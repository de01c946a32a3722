//! Whether a key signed some bytes, for the answers that decide on revocation.
//!
//! In: a public key and the raw parts of a signed structure. Out: yes, or why not. SHA-1 and MD5 are refused here: an
//! answer that anybody could have forged must never make a certificate good.

use x509_parser::asn1_rs::BitString;
use x509_parser::error::X509Error;
use x509_parser::oid_registry::{OID_PKCS1_SHA1WITHRSA, OID_SHA1_WITH_RSA};
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::der::{self, Malformed, Reader};

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignatureError {
    /// It is not one of that key over those bytes.
    Bad,
    /// The algorithm is too weak, or this build does not know it.
    Unsupported,
}

/// Checks `signature` over `signed`; `algorithm` is a whole AlgorithmIdentifier.
pub(super) fn check(
    key: &SubjectPublicKeyInfo<'_>,
    algorithm: &[u8],
    signature: &[u8],
    signed: &[u8],
) -> Result<(), SignatureError> {
    let Ok((rest, algorithm)) = AlgorithmIdentifier::from_der(algorithm) else {
        return Err(SignatureError::Bad);
    };
    if !rest.is_empty() {
        return Err(SignatureError::Bad);
    }
    if algorithm.algorithm == OID_PKCS1_SHA1WITHRSA || algorithm.algorithm == OID_SHA1_WITH_RSA {
        return Err(SignatureError::Unsupported);
    }
    x509_parser::verify::verify_signature(key, &algorithm, &BitString::new(0, signature), signed)
        .map_err(|error| reason(&error))
}

/// Whether `key` signed a certificate (DER). Stricter than a path check need be: what is not covered by the signature must
/// be the one encoding there is, so that a certificate cannot be altered and still count.
pub(super) fn check_certificate(
    key: &SubjectPublicKeyInfo<'_>,
    certificate: &[u8],
) -> Result<(), SignatureError> {
    let [signed, algorithm, signature] = parts(certificate).map_err(|_| SignatureError::Bad)?;
    check(key, algorithm, signature, signed)
}

/// tbsCertificate, signatureAlgorithm and signatureValue (RFC 5280 §4.1.1).
fn parts(certificate: &[u8]) -> Result<[&[u8]; 3], Malformed> {
    let mut outer = Reader::new(der::single(certificate, der::SEQUENCE)?.body);
    let signed = outer.element(der::SEQUENCE)?;
    let algorithm = outer.element(der::SEQUENCE)?.raw;
    let signature = der::octets_of_bits(outer.body(der::BIT_STRING)?)?;
    outer.end()?;
    let mut inner = Reader::new(signed.body);
    inner.optional(der::constructed(0))?;
    inner.element(der::INTEGER)?;
    // §4.1.1.2: the same algorithm inside and outside of what is signed.
    if inner.element(der::SEQUENCE)?.raw != algorithm {
        return Err(Malformed);
    }
    Ok([signed.raw, algorithm, signature])
}

/// A failure of `verify_signature` in our words.
fn reason(error: &X509Error) -> SignatureError {
    if matches!(error, X509Error::SignatureUnsupportedAlgorithm) {
        SignatureError::Unsupported
    } else {
        SignatureError::Bad
    }
}
