//! Findings about CA hosts (DOMAIN §4.5): F33, F34 and F35.

use std::collections::BTreeSet;

use super::endpoints::finding;
use super::{Finding, FindingId, Severity};
use crate::attribution::{Judged, PathClass};
use crate::closure::{Choice, Group, UrlState};
use crate::failure::label;
use crate::tables::CaHosts;
use crate::target::{EndpointKey, Origin, Requirement};

/// Findings about one endpoint, if it serves certificate checking.
pub(super) fn find(judged: &Judged<'_>, key: &EndpointKey, documented: &CaHosts) -> Vec<Finding> {
    if !judged.is_ca_host(key) {
        return Vec::new();
    }
    let urls: Vec<(&String, &UrlState)> =
        judged.picture.urls.iter().filter(|(_, url)| url.endpoint == *key && url.kind.is_ca()).collect();
    let found =
        [unreachable(judged, key, &urls), by_internet(judged, key), undocumented(judged, key, documented)];
    found.into_iter().flatten().collect()
}

/// F33: what a certificate points to is not served. Hard clients fail, soft ones wait (DOMAIN §4.4.1).
fn unreachable(judged: &Judged<'_>, key: &EndpointKey, urls: &[(&String, &UrlState)]) -> Option<Finding> {
    // Of a responder, every certificate has a request; the first failure stands for them all.
    let mut told = BTreeSet::new();
    let not_served: Vec<&(&String, &UrlState)> =
        urls.iter().filter(|(key, _)| !judged.picture.served(key)).collect();
    let requirement = not_served.iter().map(|(url, state)| wanted(judged, key, url, state)).max();
    let broken: Vec<String> = not_served
        .into_iter()
        .filter(|(_, url)| told.insert(&url.url))
        .map(|(key, url)| match judged.picture.redirects(key).last() {
            Some(last) if last.url != url.url => {
                format!("{} leads to {}: {}", url.url, last.url, judged.picture.why_not(last))
            }
            _ => format!("{}: {}", url.url, judged.picture.why_not(url)),
        })
        .collect();
    let severity = match requirement? {
        Requirement::Hard => Severity::Critical,
        Requirement::Soft | Requirement::Deferred => Severity::High,
        Requirement::Optional => Severity::Info,
    };
    Some(finding(
        judged,
        key,
        FindingId::F33,
        severity,
        format!("certificates point to what is not served: {}", broken.join("; ")),
        "allow the host by name at a forward proxy or firewall (port 80 too), or serve a mirror of the CRL inside and point DNS at it; a client that has cached an answer only fails when that expires",
    ))
}

/// How much is wanted of one URL: an issuer that the server sends itself is wanted from nowhere else, whatever else the host serves.
fn wanted(judged: &Judged<'_>, key: &EndpointKey, url: &str, state: &UrlState) -> Requirement {
    if state.kind != Origin::Aia {
        return judged.requirement(key);
    }
    let offers = |group: &&Group| {
        group.choices.iter().any(|choice| matches!(choice, Choice::Url(offered) if offered == url))
    };
    let of_groups = judged.needs.groups.iter().filter(offers).map(|group| group.requirement).max();
    of_groups.unwrap_or_else(|| judged.requirement(key))
}

/// F34: an exception entry where the policy is closed.
fn by_internet(judged: &Judged<'_>, key: &EndpointKey) -> Option<Finding> {
    let answering = judged.answering(key);
    let open: Vec<PathClass> =
        answering.iter().map(|(_, judgement)| judgement.path.class).filter(|class| class.is_open()).collect();
    let class = open.first()?;
    Some(finding(
        judged,
        key,
        FindingId::F34,
        Severity::Medium,
        format!("{} is reached {}; certificates of the workload point to it", key.host, label(class)),
        "declare it as an exception by name, or serve a mirror of the CRL inside (CRLs are signed, so http and a DNS override do)",
    ))
}

/// F35: an allow-list that was built from the documents lacks this host.
fn undocumented(judged: &Judged<'_>, key: &EndpointKey, documented: &CaHosts) -> Option<Finding> {
    if documented.is_documented(&key.host) {
        return None;
    }
    let detail = format!(
        "certificates point to {}, which Microsoft's lists of CA hosts do not name ({}, {})",
        key.host, documented.data_set.name, documented.data_set.version
    );
    let remedy = "add it to the allow-list by name: what certificates say counts, not the list";
    Some(finding(judged, key, FindingId::F35, Severity::Low, detail, remedy))
}
