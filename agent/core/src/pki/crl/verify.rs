//! Whether a CRL is genuine and current (RFC 5280 §6.3.3).

use std::time::{Duration, SystemTime};

use x509_parser::extensions::ParsedExtension;

use super::{Crl, CrlError};
use crate::pki::parse;
use crate::pki::signature::{self, SignatureError};

impl Crl<'_> {
    /// Verifies that `signer` (DER; the certificate's issuer, or the CRL issuer its distribution point names) signed this
    /// and that it holds at `now`, give or take `skew`. Signatures with SHA-1 are refused.
    pub fn verify(&self, signer: &[u8], now: SystemTime, skew: Duration) -> Result<(), CrlError> {
        let signer = parse(signer).ok_or(CrlError::UnreadableCertificate)?;
        if signer.subject().as_raw() != self.issuer {
            return Err(CrlError::WrongIssuer);
        }
        let forbidden = signer.extensions().iter().any(|extension| match extension.parsed_extension() {
            ParsedExtension::KeyUsage(usage) => !usage.crl_sign(),
            _ => false,
        });
        if forbidden {
            return Err(CrlError::IssuerNotAuthorised);
        }
        signature::check(signer.public_key(), self.algorithm, self.signature, self.signed).map_err(
            |error| match error {
                SignatureError::Bad => CrlError::BadSignature,
                SignatureError::Unsupported => CrlError::UnsupportedAlgorithm,
            },
        )?;
        if self.unknown_critical {
            return Err(CrlError::UnknownCriticalExtension);
        }
        self.is_current(now, skew)
    }

    fn is_current(&self, now: SystemTime, skew: Duration) -> Result<(), CrlError> {
        // A sum no clock can show is later than anything.
        let until = |time: SystemTime| time.checked_add(skew);
        let Some(next) = self.next_update else { return Err(CrlError::NoNextUpdate) };
        if next < self.this_update {
            return Err(CrlError::Malformed);
        }
        if until(now).is_some_and(|latest| self.this_update > latest) {
            return Err(CrlError::NotYetValid);
        }
        if until(next).is_some_and(|last| last < now) {
            return Err(CrlError::Stale);
        }
        Ok(())
    }
}
