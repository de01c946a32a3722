//! OCSP responses by hand (RFC 6960 §4.2.1), for what `openssl ocsp` would not say.

use anyhow::Result;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::Authority;
use super::crl::ECDSA_SHA256;
use super::der::{extension, generalized_time, integer, sequence, tlv};

/// A response to be signed.
#[derive(Debug, Clone)]
pub struct Response {
    /// The answers in it.
    pub singles: Vec<Single>,
    /// producedAt, in minutes from now.
    pub produced: i64,
    /// A nonce.
    pub nonce: Option<Vec<u8>>,
    /// A critical response extension that nobody knows.
    pub odd_extension: bool,
    /// Certificates (DER) that come with it.
    pub certificates: Vec<Vec<u8>>,
}

/// An answer on one certificate.
#[derive(Debug, Clone)]
pub struct Single {
    /// Contents octets of the serial number.
    pub serial: Vec<u8>,
    /// As `CertStatus` in DER: [`Single::GOOD`], [`Single::UNKNOWN`], or [`Single::revoked`].
    pub status: Vec<u8>,
    /// thisUpdate, in minutes from now.
    pub this: i64,
    /// nextUpdate, in minutes from now.
    pub next: Option<i64>,
}

impl Single {
    /// good.
    pub const GOOD: [u8; 2] = [0x80, 0];
    /// unknown.
    pub const UNKNOWN: [u8; 2] = [0x82, 0];

    /// revoked, two days ago, for keyCompromise.
    pub fn revoked() -> Vec<u8> {
        tlv(0xa1, &[&generalized_time(-2880), &tlv(0xa0, &[&tlv(0x0a, &[&[1]])])])
    }

    /// Good for a week.
    pub fn good(serial: &[u8]) -> Self {
        Self { serial: serial.to_vec(), status: Self::GOOD.to_vec(), this: -60, next: Some(10_080) }
    }
}

impl Response {
    /// With one answer.
    pub fn of(single: Single) -> Self {
        let produced = single.this;
        Self {
            singles: vec![single],
            produced,
            nonce: None,
            odd_extension: false,
            certificates: Vec::new(),
        }
    }

    /// On certificates of `issuer`, signed by `signer`.
    ///
    /// # Errors
    /// The signer's key is not on P-256.
    pub fn sign(&self, issuer: &Authority, signer: &Authority) -> Result<Vec<u8>> {
        let (name, key) = issuer.identity()?;
        let singles: Vec<u8> = self.singles.iter().flat_map(|single| single.encode(&name, &key)).collect();
        let responder = tlv(0xa1, &[&signer.identity()?.0]);
        let mut extensions = Vec::new();
        if let Some(nonce) = &self.nonce {
            extensions.extend(extension(&[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2], false, &tlv(4, &[nonce])));
        }
        if self.odd_extension {
            extensions.extend(extension(&[0x2a, 3, 4], true, &[5, 0]));
        }
        if !extensions.is_empty() {
            extensions = tlv(0xa1, &[&sequence(&[&extensions])]);
        }
        let signed =
            sequence(&[&responder, &generalized_time(self.produced), &sequence(&[&singles]), &extensions]);
        let bits = tlv(3, &[&[0], &signer.signature(&signed)?]);
        let mut certificates = self.certificates.concat();
        if !certificates.is_empty() {
            certificates = tlv(0xa0, &[&sequence(&[&certificates])]);
        }
        let basic = sequence(&[&signed, ECDSA_SHA256, &bits, &certificates]);
        let bytes = sequence(&[&tlv(6, &[&[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1]]), &tlv(4, &[&basic])]);
        Ok(sequence(&[&tlv(0x0a, &[&[0]]), &tlv(0xa0, &[&bytes])]))
    }
}

impl Single {
    fn encode(&self, name: &[u8], key: &[u8]) -> Vec<u8> {
        let sha1 = sequence(&[&tlv(6, &[&[0x2b, 0x0e, 3, 2, 0x1a]]), &[5, 0]]);
        let hash = |bytes| tlv(4, &[digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref()]);
        let id = sequence(&[&sha1, &hash(name), &hash(key), &integer(&self.serial)]);
        let next = self.next.map(|next| tlv(0xa0, &[&generalized_time(next)])).unwrap_or_default();
        sequence(&[&id, &self.status, &generalized_time(self.this), &next])
    }
}

/// A response that is nothing but an error status.
pub fn error_status(status: u8) -> Vec<u8> {
    sequence(&[&tlv(0x0a, &[&[status]])])
}
