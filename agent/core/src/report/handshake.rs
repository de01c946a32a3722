//! A handshake in a report: the chain, all verdicts on it, and what the staple says of the leaf.

use std::time::{Duration, SystemTime};

use super::address::{
    CertificateReport, Revocation, RevocationOfCertificate, RevocationStatus, Stapled, TlsReport,
};
use crate::attribution::Judged;
use crate::observation::TlsObservation;
use crate::pki::ocsp::{self, OcspAnswer, OcspStatus};
use crate::pki::{self, CertificateFacts, aia};

/// How far the clock of a responder may differ from ours.
const SKEW: Duration = Duration::from_secs(300);

/// The report on a handshake.
pub(super) fn handshake(judged: &Judged<'_>, seen: &TlsObservation) -> TlsReport {
    let known = |der: &Vec<u8>| judged.picture.certificates.get(&pki::fingerprint(der)).cloned();
    let facts: Vec<CertificateFacts> =
        seen.chain.iter().filter_map(|der| known(der).or_else(|| pki::read(der))).collect();
    let verdicts = pki::judge(seen, &facts, judged.now);
    let staple = staple(seen, judged.now);
    TlsReport {
        version: seen.version.clone(),
        cipher: seen.cipher.clone(),
        group: seen.group.clone(),
        alpn: seen.alpn.clone(),
        verdict: verdicts.first().copied(),
        verdicts,
        completed_by_aia: false,
        client_certificate_required: seen.client_certificate_required,
        stapled: Stapled {
            present: seen.staple.is_some(),
            status: staple.as_ref().map(status),
            next_update: staple
                .as_ref()
                .and_then(|said| said.as_ref().ok())
                .and_then(|answer| answer.next_update),
        },
        revocation: revocation(&facts, staple),
        chain: facts.into_iter().map(certificate).collect(),
    }
}

/// What the staple says of the leaf, as far as it counts; `None` without one, which never reads as good.
fn staple(seen: &TlsObservation, now: SystemTime) -> Option<Result<OcspAnswer, String>> {
    let response = seen.staple.as_ref()?;
    let leaf = seen.chain.first()?;
    let Some(issuer) = seen.chain.iter().skip(1).find(|candidate| aia::is_issuer(candidate, leaf)) else {
        return Some(Err("the issuer, without whom a staple cannot be verified, was not presented".into()));
    };
    let answer = ocsp::verify(response, leaf, issuer, None, now, SKEW);
    Some(answer.map_err(|error| error.to_string()))
}

fn status(said: &Result<OcspAnswer, String>) -> RevocationStatus {
    match said.as_ref().map(|answer| answer.status) {
        Ok(OcspStatus::Good) => RevocationStatus::Good,
        Ok(OcspStatus::Revoked { .. }) => RevocationStatus::Revoked,
        Ok(OcspStatus::Unknown) | Err(_) => RevocationStatus::Undetermined,
    }
}

/// The worst status of the chain; a staple speaks of the leaf alone.
fn revocation(chain: &[CertificateFacts], staple: Option<Result<OcspAnswer, String>>) -> Revocation {
    let mut certificates: Vec<RevocationOfCertificate> = chain.iter().enumerate().map(unasked).collect();
    if let (Some(leaf), Some(said)) = (certificates.first_mut(), staple) {
        leaf.status = status(&said);
        leaf.source = Some("staple".into());
        leaf.reason = None;
        match said {
            Err(why) => leaf.reason = Some(why),
            Ok(answer) => {
                leaf.next_update = answer.next_update;
                if let OcspStatus::Revoked { at, reason } = answer.status {
                    leaf.revoked_at = Some(at);
                    leaf.reason = reason.map(|reason| format!("{reason:?}"));
                }
            }
        }
    }
    let worst = certificates.iter().max_by_key(|certificate| certificate.status);
    Revocation {
        status: worst.map_or(RevocationStatus::NotChecked, |certificate| certificate.status),
        source: worst.and_then(|certificate| certificate.source.clone()),
        certificates,
    }
}

/// A certificate that nobody was asked about.
fn unasked((position, facts): (usize, &CertificateFacts)) -> RevocationOfCertificate {
    let pointers = !facts.ocsp.is_empty() || !facts.crl.is_empty() || !facts.unreadable.is_empty();
    RevocationOfCertificate {
        position,
        sha256: facts.sha256.clone(),
        status: RevocationStatus::NotChecked,
        source: None,
        reason: Some(if pointers { "not_verified_by_this_version" } else { "no_pointers" }.to_string()),
        revoked_at: None,
        next_update: None,
    }
}

fn certificate(facts: CertificateFacts) -> CertificateReport {
    CertificateReport {
        sha256: facts.sha256,
        subject: facts.subject,
        issuer: facts.issuer,
        not_before: facts.not_before,
        not_after: facts.not_after,
        crl: facts.crl.into_iter().flatten().collect(),
        ocsp: facts.ocsp,
        ca_issuers: facts.ca_issuers,
    }
}
