//! Which certificates of a picture are revoked, by all that was answered and stapled (R4, R4', R8, DOMAIN §4.3 obtainability).
//!
//! A second least fixed point: an answer over https counts only when the certificates of who gave it are settled without it,
//! and one that a delegated responder signed only when that one's certificate is not itself in doubt.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::member::{Chain, Member, Picture, Seen};
use super::urls;
use crate::observation::{PathCheck, TlsObservation};
use crate::pki::inquiry::SKEW;
use crate::pki::ocsp::{self, OcspAnswer, OcspError, Signer};
use crate::pki::revocation::{self, Answer, NotChecked, Revocation, Said, Source, Staple, staple};
use crate::pki::{self, CertificateFacts};
use crate::target::{EndpointKey, Origin, Probe};

use std::time::SystemTime;

/// Rounds of the fixed point; each settles at least one certificate, and real ones need two.
const MOST_ROUNDS: usize = 16;

/// What is known of every certificate, and of every staple.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Revocations {
    /// By the way that its URLs are asked on, directly or by a forward proxy, and the certificate's fingerprint.
    of: BTreeMap<Option<String>, Settled>,
    /// By the address that presented it, or did not.
    pub staples: BTreeMap<(EndpointKey, IpAddr), Staple>,
}

/// What is known on one way, by fingerprint.
type Settled = BTreeMap<String, Revocation>;

impl Revocations {
    /// What clients on this way find out about a certificate.
    pub fn of(&self, via: &Option<String>, sha256: &str) -> Option<&Revocation> {
        self.of.get(via)?.get(sha256)
    }

    /// What is known of every certificate on every way.
    pub fn all(&self) -> impl Iterator<Item = (&String, &Revocation)> {
        self.of.values().flatten()
    }

    /// Whether revocation is settled for a certificate, so that a client that insists on it connects.
    pub fn satisfied(&self, via: &Option<String>, sha256: &str) -> bool {
        matches!(self.of(via, sha256), Some(Revocation::Good { .. } | Revocation::NotChecked(_)))
    }

    /// Whether a certificate is revoked.
    pub fn revoked(&self, via: &Option<String>, sha256: &str) -> bool {
        matches!(self.of(via, sha256), Some(Revocation::Revoked { .. }))
    }
}

/// Judges every certificate of a picture.
pub fn revocations(picture: &Picture, now: SystemTime) -> Revocations {
    let staples = staples(picture, now);
    let by_leaf = stapled(picture, &staples);
    let of =
        picture.ways.iter().map(|via| (via.clone(), settle(picture, via.as_deref(), &by_leaf))).collect();
    Revocations { of, staples }
}

/// The fixed point on one way: what was asked by a proxy settles nothing for clients that ask directly.
fn settle(picture: &Picture, via: Option<&str>, by_leaf: &BTreeMap<String, &OcspAnswer>) -> Settled {
    let presented = |here: bool| -> BTreeSet<&String> {
        let members = picture.members.iter().filter(|(key, _)| (key.via.as_deref() == via) == here);
        members.flat_map(|(_, member)| &member.chains).flat_map(Chain::all).collect()
    };
    // Those of delegated responders are presented nowhere.
    let (here, elsewhere) = (presented(true), presented(false));
    let concerns = |sha256: &String| here.contains(sha256) || !elsewhere.contains(sha256);
    let mut of = Settled::new();
    for _ in 0..MOST_ROUNDS {
        let facts = picture.certificates.values().filter(|facts| concerns(&facts.sha256));
        let next: Settled = facts
            .map(|facts| {
                let stapled = by_leaf.get(&facts.sha256).copied();
                (facts.sha256.clone(), judge(picture, facts, via, stapled, &of))
            })
            .collect();
        if next == of {
            break;
        }
        of = next;
    }
    of
}

fn judge(
    picture: &Picture,
    facts: &CertificateFacts,
    via: Option<&str>,
    stapled: Option<&OcspAnswer>,
    settled: &Settled,
) -> Revocation {
    if facts.self_signed || picture.pool.trust().contains(&facts.sha256) {
        return Revocation::NotChecked(NotChecked::TrustAnchor);
    }
    let ocsp = facts.ocsp.iter().map(|url| (url, Origin::Ocsp));
    let pointers = ocsp.chain(facts.crl.iter().flatten().map(|url| (url, Origin::Crl)));
    let staple =
        stapled.map(|answer| Answer { source: Source::Staple, said: Said::Ocsp(Ok(answer.clone())) });
    let asked = pointers.map(|(url, kind)| answer(picture, facts, via, (url, kind), settled));
    let unreadable = facts.unreadable.iter().map(|extension| (*extension, "the extension cannot be read"));
    let nameless = facts.crl.iter().filter(|point| point.is_empty());
    let nameless = nameless.map(|_| ("cRLDistributionPoints", "a distribution point is not given as a URL"));
    let unasked = unreadable.chain(nameless).map(|(extension, why)| Answer {
        source: Source::Crl(extension.to_string()),
        said: Said::Nothing(why.to_string()),
    });
    let answers: Vec<Answer> = staple.into_iter().chain(asked).chain(unasked).collect();
    revocation::combine(!answers.is_empty(), &answers)
}

/// What one pointer of a certificate brought.
fn answer(
    picture: &Picture,
    facts: &CertificateFacts,
    via: Option<&str>,
    (url, kind): (&str, Origin),
    settled: &Settled,
) -> Answer {
    let source =
        if kind == Origin::Ocsp { Source::Ocsp(url.to_string()) } else { Source::Crl(url.to_string()) };
    let said = |why: &str| Said::Nothing(why.to_string());
    let Some(link) = urls::parse(url, kind, None) else {
        return Answer { source, said: said("no HTTP client can fetch this URL") };
    };
    let key = link.by(via).about(kind, 0, &facts.sha256).key;
    let said = match (picture.said(&key, &facts.sha256), picture.redirects(&key).last()) {
        (Some(Said::Ocsp(Ok(answer))), _) if !signer_holds(&answer.signer, settled) => {
            said("the responder's own certificate is revoked, or whether it is cannot be found out")
        }
        (Some(Said::Ocsp(Ok(_)) | Said::Crl(Ok(_))), _) if !reached_without(picture, &key, settled) => {
            said("it came over https from a host whose own certificate is not settled")
        }
        (Some(answer), _) => answer.clone(),
        (None, Some(last)) if last.served() => {
            said("its issuer is not at hand, or the issuer's signature cannot be verified by this build")
        }
        (None, Some(last)) => Said::Nothing(picture.why_not(last)),
        (None, None) => said("it was not asked: a bound cut the closure short"),
    };
    Answer { source, said }
}

/// R8: a delegated responder without id-pkix-ocsp-nocheck counts when its own certificate is not in doubt.
fn signer_holds(signer: &Signer, settled: &Settled) -> bool {
    match signer {
        Signer::Issuer | Signer::Delegated { nocheck: true, .. } => true,
        Signer::Delegated { sha256, .. } => {
            matches!(settled.get(sha256), Some(Revocation::Good { .. } | Revocation::NotChecked(_)))
        }
    }
}

/// Whether every host on the way to an answer is spoken to over http, or presents settled certificates of a trusted chain.
fn reached_without(picture: &Picture, key: &str, settled: &Settled) -> bool {
    picture.redirects(key).filter(|url| url.endpoint.probe == Probe::Https).all(|url| {
        let Some(member) = picture.members.get(&url.endpoint) else { return false };
        let holds = |sha256: &String| {
            matches!(settled.get(sha256), Some(Revocation::Good { .. } | Revocation::NotChecked(_)))
        };
        // A host whose certificates were not seen is not settled.
        !member.chains.is_empty() && trusted(member) && member.chains.iter().flat_map(Chain::all).all(holds)
    })
}

/// Whether every chain that was seen leads to a trust anchor.
fn trusted(member: &Member) -> bool {
    handshakes(member).all(|(_, tls)| tls.path == Some(PathCheck::Trusted))
}

fn handshakes(member: &Member) -> impl Iterator<Item = (IpAddr, &TlsObservation)> {
    member.addresses.iter().filter_map(|(ip, seen)| match seen {
        Seen::Observed(seen) => seen.tls.as_ref().filter(|tls| !tls.chain.is_empty()).map(|tls| (*ip, tls)),
        Seen::Pending | Seen::Forbidden(_) => None,
    })
}

fn staples(picture: &Picture, now: SystemTime) -> BTreeMap<(EndpointKey, IpAddr), Staple> {
    let mut staples = BTreeMap::new();
    for (key, member) in &picture.members {
        for (ip, tls) in handshakes(member) {
            let Some(leaf) = tls.chain.first() else { continue };
            let pool = &picture.pool;
            let said = tls.staple.as_ref().map(|response| {
                let issuer = pool.issuers(&pki::fingerprint(leaf)).first();
                let issuer = issuer.and_then(|issuer| pool.der(&issuer.sha256));
                let issuer = issuer.ok_or(OcspError::NoIssuer)?;
                ocsp::verify(response, leaf, issuer, None, now, SKEW)
            });
            staples.insert((key.clone(), ip), staple(leaf, said));
        }
    }
    staples
}

/// Leaves for which every address that presents them staples an answer that counts: that of the one to expire first. A
/// "revoked" counts wherever it comes from.
fn stapled<'a>(
    picture: &Picture,
    staples: &'a BTreeMap<(EndpointKey, IpAddr), Staple>,
) -> BTreeMap<String, &'a OcspAnswer> {
    let mut by_leaf: BTreeMap<String, Vec<Option<&OcspAnswer>>> = BTreeMap::new();
    for (key, member) in &picture.members {
        for (ip, tls) in handshakes(member) {
            let Some(leaf) = tls.chain.first() else { continue };
            let answer = match staples.get(&(key.clone(), ip)) {
                Some(Staple::Valid(answer)) => Some(answer),
                _ => None,
            };
            by_leaf.entry(pki::fingerprint(leaf)).or_default().push(answer);
        }
    }
    by_leaf
        .into_iter()
        .filter_map(|(leaf, answers)| {
            let revoked = |answer: &&OcspAnswer| matches!(answer.status, ocsp::OcspStatus::Revoked { .. });
            if let Some(answer) = answers.iter().copied().flatten().find(revoked) {
                return Some((leaf, answer));
            }
            let all: Vec<&OcspAnswer> = answers.into_iter().collect::<Option<_>>()?;
            all.into_iter().min_by_key(|answer| answer.next_update).map(|answer| (leaf, answer))
        })
        .collect()
}
