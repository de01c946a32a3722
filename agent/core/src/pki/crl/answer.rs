//! What a CRL, with its delta if there is one, says of a certificate (RFC 5280 §6.3.3).

use std::cmp::Ordering;
use std::time::{Duration, SystemTime};

use super::{Crl, CrlError, DistributionPoint};
use crate::pki::{Reason, Reasons, parse};

/// Whether a certificate is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Revoked.
    Revoked {
        /// Since when.
        at: SystemTime,
        /// Why, if it says so.
        reason: Option<Reason>,
    },
    /// Not listed, which is worth something for these reasons only.
    NotListed(Reasons),
}

/// A verified answer on one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrlAnswer {
    /// What it says.
    pub listing: Listing,
    /// When it was made.
    pub this_update: SystemTime,
    /// When the next one will be there: of base and delta, the earlier.
    pub next_update: SystemTime,
}

/// Verifies `crl` (complete, not a delta) and looks the certificate up in it.
///
/// `signer` is who signed the CRL: the certificate's issuer unless `point` names another. `point` is the certificate's
/// distribution point it came from. A `delta` must be verified by the same signer, be of the same scope and fit the base
/// (§5.2.4), else the whole answer is that error: ask again without it.
pub fn answer(
    crl: &Crl<'_>,
    delta: Option<&Crl<'_>>,
    certificate: &[u8],
    signer: &[u8],
    point: Option<&DistributionPoint<'_>>,
    now: SystemTime,
    skew: Duration,
) -> Result<CrlAnswer, CrlError> {
    let certificate = parse(certificate).ok_or(CrlError::UnreadableCertificate)?;
    if crl.delta_base.is_some() {
        return Err(CrlError::DeltaWithoutBase);
    }
    crl.verify(signer, now, skew)?;
    let reasons = crl.scope(&certificate, point)?;
    let mut next_update = crl.next_update.ok_or(CrlError::NoNextUpdate)?;
    let (issuer, serial) = (certificate.issuer().as_raw(), certificate.raw_serial());
    let mut entry = crl.find(issuer, serial)?;
    if let Some(delta) = delta {
        delta.verify(signer, now, skew)?;
        if !fits(crl, delta) {
            return Err(CrlError::DeltaWithoutBase);
        }
        next_update = next_update.min(delta.next_update.ok_or(CrlError::NoNextUpdate)?);
        entry = match delta.find(issuer, serial)? {
            Some(lifted) if lifted.reason == Some(Reason::RemoveFromCrl) => None,
            Some(newer) => Some(newer),
            None => entry,
        };
    }
    let listing = match entry {
        Some(entry) => Listing::Revoked { at: entry.revoked_at, reason: entry.reason },
        None => Listing::NotListed(reasons),
    };
    Ok(CrlAnswer { listing, this_update: crl.this_update, next_update })
}

/// §5.2.4: the same issuer and scope, a base not older than the delta builds on, and a delta not older than the base.
fn fits(base: &Crl<'_>, delta: &Crl<'_>) -> bool {
    let (Some(from), Some(number), Some(newer)) = (delta.delta_base, base.number, delta.number) else {
        return false;
    };
    base.issuer == delta.issuer
        && base.idp == delta.idp
        && der_at_least(number, from)
        && der_at_least(newer, number)
}

fn der_at_least(one: &[u8], other: &[u8]) -> bool {
    matches!(crate::pki::der::order_of(one, other), Some(Ordering::Equal | Ordering::Greater))
}
