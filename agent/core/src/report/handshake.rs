//! A handshake in a report: the chain, all verdicts on it, the staple, and whether any of its certificates is revoked.

use std::net::IpAddr;

use super::address::{
    CertificateReport, Revocation, RevocationOfCertificate, RevocationStatus, Stapled, TlsReport,
};
use crate::attribution::Judged;
use crate::closure::Chain;
use crate::failure::label;
use crate::observation::TlsObservation;
use crate::pki::ocsp::OcspStatus;
use crate::pki::revocation::{NotChecked, Revocation as Found, Source, Staple};
use crate::pki::{self, CertificateFacts};
use crate::target::EndpointKey;

/// The report on a handshake with one address.
pub(super) fn handshake(
    judged: &Judged<'_>,
    key: &EndpointKey,
    ip: IpAddr,
    seen: &TlsObservation,
) -> TlsReport {
    let picture = judged.picture;
    let known = |der: &Vec<u8>| picture.certificates.get(&pki::fingerprint(der)).cloned();
    let facts: Vec<CertificateFacts> =
        seen.chain.iter().filter_map(|der| known(der).or_else(|| pki::read(der))).collect();
    let presented: Vec<&String> = facts.iter().map(|facts| &facts.sha256).collect();
    let chains = picture.members.get(key).map_or(&[][..], |member| member.chains.as_slice());
    let chain = chains.iter().find(|chain| chain.certificates.iter().eq(presented.iter().copied()));
    let verdicts = pki::judge(seen, &facts, picture.pool.trust().is_inspection_of(&seen.chain), judged.now);
    TlsReport {
        version: seen.version.clone(),
        cipher: seen.cipher.clone(),
        group: seen.group.clone(),
        alpn: seen.alpn.clone(),
        verdict: verdicts.first().copied(),
        verdicts,
        completed_by_aia: chain.is_some_and(|chain| {
            chain.incomplete && !chain.completed.is_empty() && !chain.anchors.is_empty()
        }),
        client_certificate_required: seen.client_certificate_required,
        stapled: stapled(seen, judged.revocations.staples.get(&(key.clone(), ip))),
        revocation: revocation(judged, &key.via, chain),
        chain: facts.into_iter().map(certificate).collect(),
    }
}

fn stapled(seen: &TlsObservation, staple: Option<&Staple>) -> Stapled {
    let (status, next_update) = match staple {
        Some(Staple::Valid(answer)) => (Some(of_ocsp(answer.status)), answer.next_update),
        Some(Staple::Refused { .. }) => (Some(RevocationStatus::Undetermined), None),
        Some(Staple::Absent | Staple::MissingThoughRequired) | None => (None, None),
    };
    Stapled { present: seen.staple.is_some(), status, next_update }
}

fn of_ocsp(status: OcspStatus) -> RevocationStatus {
    match status {
        OcspStatus::Good => RevocationStatus::Good,
        OcspStatus::Revoked { .. } => RevocationStatus::Revoked,
        OcspStatus::Unknown => RevocationStatus::Undetermined,
    }
}

/// The worst status of the chain. Trust anchors do not count: nobody asks them about themselves.
fn revocation(judged: &Judged<'_>, via: &Option<String>, chain: Option<&Chain>) -> Revocation {
    let all = chain.map(Chain::all).into_iter().flatten();
    let certificates: Vec<RevocationOfCertificate> = all
        .enumerate()
        .map(|(position, sha256)| of_certificate(position, sha256, judged.revocations.of(via, sha256)))
        .collect();
    let anchor = label(&NotChecked::TrustAnchor);
    let counted = certificates.iter().filter(|certificate| certificate.reason.as_ref() != Some(&anchor));
    let worst = counted.max_by_key(|certificate| certificate.status);
    Revocation {
        status: worst.map_or(RevocationStatus::NotChecked, |certificate| certificate.status),
        source: worst.and_then(|certificate| certificate.source.clone()),
        certificates,
    }
}

fn of_certificate(position: usize, sha256: &str, found: Option<&Found>) -> RevocationOfCertificate {
    let mut certificate = RevocationOfCertificate {
        position,
        sha256: sha256.to_string(),
        status: RevocationStatus::NotChecked,
        source: None,
        reason: None,
        revoked_at: None,
        next_update: None,
    };
    match found {
        None => {}
        Some(Found::NotChecked(why)) => certificate.reason = Some(label(why)),
        Some(Found::Good { sources, until }) => {
            certificate.status = RevocationStatus::Good;
            certificate.source = sources.first().map(kind);
            certificate.next_update = Some(*until);
        }
        Some(Found::Revoked { source, at, reason }) => {
            certificate.status = RevocationStatus::Revoked;
            certificate.source = Some(kind(source));
            certificate.reason = reason.map(|reason| label(&reason));
            certificate.revoked_at = Some(*at);
        }
        Some(Found::Undetermined { because }) => {
            certificate.status = RevocationStatus::Undetermined;
            let doubts: Vec<String> =
                because.iter().map(|(source, doubt)| format!("{}: {doubt}", place(source))).collect();
            certificate.reason = Some(doubts.join("; "));
            certificate.source = because.first().map(|(source, _)| kind(source));
        }
    }
    certificate
}

fn kind(source: &Source) -> String {
    match source {
        Source::Staple => "staple",
        Source::Ocsp(_) => "ocsp",
        Source::Crl(_) => "crl",
    }
    .to_string()
}

fn place(source: &Source) -> &str {
    match source {
        Source::Staple => "staple",
        Source::Ocsp(url) | Source::Crl(url) => url,
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
