//! Findings about presented chains (DOMAIN §4.4, §4.5): F25, F36, F37, F38, and F39 per workload.

use std::collections::{BTreeMap, BTreeSet};

use super::endpoints::finding;
use super::{Finding, FindingId, Severity};
use crate::attribution::Judged;
use crate::catalog::{Catalog, TlsInspection};
use crate::closure::{Chain, Member, Past, Seen};
use crate::observation::TlsObservation;
use crate::pki::revocation::{Revocation, Staple};
use crate::target::{EndpointKey, Origin};

/// Issuers that nobody trusts, and the domains whose names they sign: one on names of several owners is no CA of theirs.
pub(super) type Strangers = BTreeMap<String, BTreeSet<String>>;

/// Collects them.
pub(super) fn strangers(judged: &Judged<'_>) -> Strangers {
    let mut strangers = Strangers::new();
    for (key, member) in &judged.picture.members {
        for issuer in member.chains.iter().filter_map(|chain| untrusted_issuer(judged, chain)) {
            strangers.entry(issuer).or_default().insert(domain(&key.host));
        }
    }
    strangers
}

/// Findings about the chains of one endpoint.
pub(super) fn find(
    judged: &Judged<'_>,
    key: &EndpointKey,
    catalogs: &[Catalog],
    strangers: &Strangers,
) -> Vec<Finding> {
    let Some(member) = judged.picture.members.get(key) else { return Vec::new() };
    let found =
        [inspected(judged, key, member, catalogs, strangers), missing_intermediate(judged, key, member)];
    found.into_iter().flatten().chain(staples(judged, key, member)).collect()
}

/// F39: the moment until which clients that insist on an answer live on the ones at hand.
pub(super) fn grace(judged: &Judged<'_>, past: &Past) -> Vec<Finding> {
    let of = |name: &String| {
        let at = judged.breaks_at(name, past)?;
        let at = humantime::format_rfc3339_seconds(at);
        Some(Finding::new(
            FindingId::F39,
            Severity::Info,
            format!("workload:{name}"),
            vec![name.clone()],
            format!(
                "the first answer on revocation expires at {at}; until then, clients that have it connect even where no CA host can be reached"
            ),
            "a test of a closed network proves nothing about revocation before that moment: wait for it, or empty the clients' caches (Windows: certutil -urlcache * delete)",
        ))
    };
    judged.plan.workloads.iter().filter_map(|workload| of(&workload.name)).collect()
}

/// F36: the chain or its CA hosts are not those of before; allow-lists built from the old ones are too short (DOMAIN §4.4.3).
pub(super) fn changed(judged: &Judged<'_>, key: &EndpointKey, past: &Past) -> Option<Finding> {
    let change = past.change(key, judged.plan.verdict.window, judged.now)?;
    let mut said = Vec::new();
    if !change.ca_hosts.is_empty() {
        said.push(format!("its certificates now point to {}", change.ca_hosts.join(", ")));
    }
    if !change.issuers.is_empty() {
        said.push(format!("its chains are now signed by {}", change.issuers.join(", ")));
    }
    let severity = if change.ca_hosts.is_empty() { Severity::Info } else { Severity::High };
    let detail = format!("{} has changed: {}", key.host, said.join("; "));
    let remedy = "add the new hosts to allow-lists and mirrors, and look whether clients pin the old issuer";
    Some(finding(judged, key, FindingId::F36, severity, detail, remedy))
}

/// F25: somebody on the way signs in the place of the servers.
fn inspected(
    judged: &Judged<'_>,
    key: &EndpointKey,
    member: &Member,
    catalogs: &[Catalog],
    strangers: &Strangers,
) -> Option<Finding> {
    let trust = judged.picture.pool.trust();
    let declared = handshakes(member).any(|tls| trust.is_inspection_of(&tls.chain));
    let issuer = match declared {
        true => member.chains.iter().find_map(|chain| topmost_issuer(judged, chain)),
        false => member.chains.iter().find_map(|chain| suspect(judged, key, member, chain, strangers)),
    }?;
    let detail = match declared {
        true => format!("the chain of {} is signed by the declared inspection CA ({issuer})", key.host),
        false => format!(
            "the chain of {} ends at \"{issuer}\", which no public root vouches for: TLS is probably opened and signed anew on the way",
            key.host
        ),
    };
    let named =
        |catalog: &&Catalog| catalog.entries.iter().any(|entry| entry.pattern().matches(&key.host).is_some());
    let workloads = judged.workloads(key);
    let used = judged.plan.workloads.iter().filter(|workload| workloads.contains(&workload.name));
    let used: BTreeSet<&String> = used.flat_map(|workload| &workload.catalogs).collect();
    let forbidden =
        catalogs.iter().filter(|catalog| used.contains(&catalog.service)).filter(named).any(|catalog| {
            let mut entries =
                catalog.entries.iter().filter(|entry| entry.pattern().matches(&key.host).is_some());
            entries.any(|entry| entry.tls_inspection == TlsInspection::Forbidden)
        });
    let remedy = "put the host on the bypass list of the device that inspects TLS; where inspection is meant, declare its CA as agent.inspection_ca and make sure that the service tolerates it";
    let severity = if forbidden { Severity::High } else { Severity::Medium };
    Some(finding(judged, key, FindingId::F25, severity, detail, remedy))
}

/// The issuer that makes a chain look inspected although no inspection CA is declared.
fn suspect(
    judged: &Judged<'_>,
    key: &EndpointKey,
    member: &Member,
    chain: &Chain,
    strangers: &Strangers,
) -> Option<String> {
    let pool = &judged.picture.pool;
    if let Some(issuer) = untrusted_issuer(judged, chain) {
        return strangers.get(&issuer).is_some_and(|domains| domains.len() > 1).then_some(issuer);
    }
    // What a catalogue names is Microsoft's, and no private CA signs for Microsoft.
    let private = |sha256: &String| {
        pool.der(sha256).and_then(|der| pool.trust().is_public(der)).is_some_and(|is_public| !is_public)
    };
    let all_private = !chain.anchors.is_empty() && chain.anchors.iter().all(private);
    (all_private && member.origins.contains(&Origin::Catalog) && key.ip().is_none())
        .then(|| topmost_issuer(judged, chain))
        .flatten()
}

/// The issuer above a chain that leads to no anchor; `None` for a trusted chain, and for a leaf that signed itself.
fn untrusted_issuer(judged: &Judged<'_>, chain: &Chain) -> Option<String> {
    if !chain.anchors.is_empty() {
        return None;
    }
    let leaf = judged.picture.certificates.get(chain.certificates.first()?)?;
    if leaf.self_signed { None } else { topmost_issuer(judged, chain) }
}

/// The issuer of the last certificate that the leaf leads to.
fn topmost_issuer(judged: &Judged<'_>, chain: &Chain) -> Option<String> {
    let certificates: Vec<_> =
        chain.all().filter_map(|sha256| judged.picture.certificates.get(sha256)).collect();
    let mut current = *certificates.first()?;
    for _ in &certificates {
        match certificates.iter().find(|other| other.subject == current.issuer && !current.self_signed) {
            Some(issuer) => current = issuer,
            None => break,
        }
    }
    Some(current.issuer.clone())
}

/// F37: clients that do not fetch missing issuers cannot connect at all (R5).
fn missing_intermediate(judged: &Judged<'_>, key: &EndpointKey, member: &Member) -> Option<Finding> {
    let chain = member.chains.iter().find(|chain| chain.incomplete)?;
    if judged.picture.pool.trust().is_inspection_of(&presented(judged, chain)) {
        return None;
    }
    let missing = chain
        .certificates
        .last()
        .and_then(|last| judged.picture.certificates.get(last))
        .map_or_else(String::new, |last| last.issuer.clone());
    let brought = match (chain.completed.is_empty(), chain.anchors.is_empty()) {
        (false, false) => "caIssuers (AIA) brings it, to clients that fetch it and can reach that host",
        (false, true) => "caIssuers (AIA) brings a certificate, and still no trusted root is reached",
        (true, _) => "caIssuers (AIA) does not bring it either",
    };
    let detail = format!(
        "{} presents an incomplete chain: \"{missing}\" is missing. {brought}. OpenSSL, Go and Java do not fetch it and fail",
        key.host
    );
    let remedy =
        "have the server send its intermediate certificates; until then, install them on the clients";
    Some(finding(judged, key, FindingId::F37, Severity::High, detail, remedy))
}

fn presented(judged: &Judged<'_>, chain: &Chain) -> Vec<std::sync::Arc<[u8]>> {
    chain.certificates.iter().filter_map(|sha256| judged.picture.pool.der(sha256).cloned()).collect()
}

/// F38: a staple that is demanded and does not come, or comes and does not count; or one that is missed because nobody else
/// says whether the leaf is revoked. No staple is normal otherwise: fewer and fewer CAs run responders.
fn staples(judged: &Judged<'_>, key: &EndpointKey, member: &Member) -> Option<Finding> {
    let (severity, detail) = member.addresses.keys().find_map(|ip| {
        let staple = judged.revocations.staples.get(&(key.clone(), *ip))?;
        let at = format!("{} ({ip})", key.host);
        match staple {
            Staple::MissingThoughRequired => Some((
                Severity::Medium,
                format!("{at} staples no OCSP response although its certificate demands one (Must-Staple)"),
            )),
            Staple::Refused { error, required } => {
                let severity = if *required { Severity::Medium } else { Severity::Low };
                Some((severity, format!("{at} staples an OCSP response that does not count: {error}")))
            }
            Staple::Absent if unanswered(judged, &key.via, member) => Some((
                Severity::Low,
                format!(
                    "{at} staples no OCSP response, and nobody else says whether its certificate is revoked"
                ),
            )),
            Staple::Absent | Staple::Valid(_) => None,
        }
    })?;
    let remedy = "turn stapling on or mend it on the server (nginx: ssl_stapling with a reachable responder); strict clients refuse a Must-Staple certificate without a staple";
    Some(finding(judged, key, FindingId::F38, severity, detail, remedy))
}

/// Whether the revocation of a leaf with a responder is left open.
fn unanswered(judged: &Judged<'_>, via: &Option<String>, member: &Member) -> bool {
    member.chains.iter().filter_map(|chain| chain.certificates.first()).any(|leaf| {
        let responder = judged.picture.certificates.get(leaf).is_some_and(|facts| !facts.ocsp.is_empty());
        responder && matches!(judged.revocations.of(via, leaf), Some(Revocation::Undetermined { .. }))
    })
}

fn handshakes(member: &Member) -> impl Iterator<Item = &TlsObservation> {
    member.addresses.values().filter_map(|seen| match seen {
        Seen::Observed(seen) => seen.tls.as_ref(),
        Seen::Pending | Seen::Forbidden(_) => None,
    })
}

/// The last two labels: enough to tell owners apart.
fn domain(host: &str) -> String {
    let labels: Vec<&str> = host.rsplit('.').take(2).collect();
    labels.into_iter().rev().collect::<Vec<_>>().join(".")
}
