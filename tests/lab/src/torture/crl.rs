//! CRLs by hand (RFC 5280 §5.1), for what `openssl ca` would not write.

use anyhow::Result;

use super::Authority;
use super::der::{extension, integer, sequence, tlv, utc_time};

/// ecdsa-with-SHA256 as an AlgorithmIdentifier.
pub(super) const ECDSA_SHA256: &[u8] = &[0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// A CRL to be signed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// thisUpdate, in minutes from now.
    pub this: i64,
    /// nextUpdate, in minutes from now.
    pub next: Option<i64>,
    /// Entries, see [`entry`].
    pub entries: Vec<u8>,
    /// Extensions beside the CRL number.
    pub extensions: Vec<Vec<u8>>,
    /// cRLNumber.
    pub number: u8,
}

impl Default for Draft {
    fn default() -> Self {
        Self { this: -60, next: Some(10_080), entries: Vec::new(), extensions: Vec::new(), number: 42 }
    }
}

impl Draft {
    /// Signed in the name of `issuer` with the key of `signer`.
    ///
    /// # Errors
    /// The signer's key is not on P-256.
    pub fn sign(&self, issuer: &Authority, signer: &Authority) -> Result<Vec<u8>> {
        signer.sign(&self.signed(issuer)?, ECDSA_SHA256)
    }

    /// With a signature of nothing but zeros.
    ///
    /// # Errors
    /// The issuer has no certificate.
    pub fn unsigned(&self, issuer: &Authority) -> Result<Vec<u8>> {
        let zeros = tlv(3, &[&[0], &[0; 70]]);
        Ok(sequence(&[&self.signed(issuer)?, ECDSA_SHA256, &zeros]))
    }

    fn signed(&self, issuer: &Authority) -> Result<Vec<u8>> {
        let number = extension(&[0x55, 0x1d, 20], false, &integer(&[self.number]));
        let extensions = tlv(0xa0, &[&sequence(&[&number, &self.extensions.concat()])]);
        let next = self.next.map(utc_time).unwrap_or_default();
        // §5.1.2.6: the list is absent where it would be empty.
        let entries =
            if self.entries.is_empty() { Vec::new() } else { sequence(&[self.entries.as_slice()]) };
        Ok(sequence(&[
            &integer(&[1]),
            ECDSA_SHA256,
            &issuer.identity()?.0,
            &utc_time(self.this),
            &next,
            &entries,
            &extensions,
        ]))
    }
}

/// An entry for a serial number (contents octets).
pub fn entry(serial: &[u8]) -> Vec<u8> {
    sequence(&[&integer(serial), &utc_time(-2880)])
}

/// An entry with extensions.
pub fn entry_with(serial: &[u8], extensions: &[u8]) -> Vec<u8> {
    sequence(&[&integer(serial), &utc_time(-2880), &sequence(&[extensions])])
}

/// deltaCRLIndicator on this base.
pub fn delta_of(base: u8) -> Vec<u8> {
    extension(&[0x55, 0x1d, 27], true, &integer(&[base]))
}

/// issuingDistributionPoint with these fields.
pub fn idp(fields: &[u8]) -> Vec<u8> {
    extension(&[0x55, 0x1d, 28], true, &sequence(&[fields]))
}
