//! What the checks of a presented chain amount to: all verdicts that hold, the gravest first (DESIGN §4.3, §4.5).

use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CertificateFacts;
use crate::observation::{NameCheck, PathCheck, TlsObservation};

/// Verdicts on a presented chain, gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TlsVerdict {
    /// A certificate has expired.
    Expired,
    /// A certificate is not valid yet.
    NotYetValid,
    /// The leaf is for other names.
    NameMismatch,
    /// The leaf signed itself and is no trust anchor.
    SelfSigned,
    /// The issuer of the last certificate is neither presented nor a trust anchor.
    IncompleteChain,
    /// The chain is complete and leads to no trust anchor.
    UntrustedRoot,
    /// The site's own inspection CA signed it (F25).
    Inspected,
    /// The chain uses an algorithm this build cannot verify.
    UnsupportedAlgorithm,
    /// Everything holds.
    Ok,
}

/// All verdicts that hold for a presented chain; empty where none was presented. `inspected`: the site's declared inspection
/// CA signed it, which then says all there is to say of its trust.
pub fn judge(
    seen: &TlsObservation,
    chain: &[CertificateFacts],
    inspected: bool,
    now: SystemTime,
) -> Vec<TlsVerdict> {
    let (Some(path), Some(leaf)) = (&seen.path, chain.first()) else { return Vec::new() };
    let mut verdicts = Vec::new();
    if chain.iter().any(|certificate| certificate.not_after < now) {
        verdicts.push(TlsVerdict::Expired);
    }
    if chain.iter().any(|certificate| certificate.not_before > now) {
        verdicts.push(TlsVerdict::NotYetValid);
    }
    if matches!(seen.name, Some(NameCheck::Mismatch(_))) {
        verdicts.push(TlsVerdict::NameMismatch);
    }
    match path {
        _ if inspected => verdicts.push(TlsVerdict::Inspected),
        PathCheck::Trusted => {}
        PathCheck::UnknownIssuer if leaf.self_signed => verdicts.push(TlsVerdict::SelfSigned),
        PathCheck::UnknownIssuer if is_complete(chain) => verdicts.push(TlsVerdict::UntrustedRoot),
        PathCheck::UnknownIssuer => verdicts.push(TlsVerdict::IncompleteChain),
        PathCheck::UnsupportedAlgorithm => verdicts.push(TlsVerdict::UnsupportedAlgorithm),
        PathCheck::Invalid(_) if verdicts.is_empty() => verdicts.push(TlsVerdict::UntrustedRoot),
        PathCheck::Invalid(_) => {}
    }
    if verdicts.is_empty() {
        verdicts.push(TlsVerdict::Ok);
    }
    verdicts.sort();
    verdicts
}

/// Whether the presented certificates reach up to a self-issued one.
pub fn is_complete(chain: &[CertificateFacts]) -> bool {
    let Some(mut current) = chain.first() else { return false };
    for _ in chain {
        if current.self_signed {
            return true;
        }
        match chain.iter().find(|other| other.subject == current.issuer && *other != current) {
            Some(issuer) => current = issuer,
            None => return false,
        }
    }
    false
}

/// URLs of a certificate that no HTTP client can fetch (ldap://, file:// …).
pub fn unfetchable(facts: &CertificateFacts) -> Vec<&str> {
    let urls = facts.crl.iter().flatten().chain(&facts.ocsp).chain(&facts.ca_issuers);
    urls.map(String::as_str)
        .filter(|url| {
            let lower = url.to_ascii_lowercase();
            !lower.starts_with("http://") && !lower.starts_with("https://")
        })
        .collect()
}
