//! Findings about how a name resolves: private endpoints (F10, F11) and resolvers that disagree (F14). E12: names are facts
//! about names, never evidence of a path.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::endpoints::finding;
use super::{Finding, FindingId, Severity};
use crate::attribution::{Judged, PathClass};
use crate::config::{Plan, Policy};
use crate::failure::label;
use crate::observation::{DnsObservation, DnsStatus, DnsView};
use crate::target::{EndpointKey, is_private};

/// The label that Azure puts into the names of private endpoints.
const PRIVATE_LINK: &str = "privatelink";

/// Findings about the name of one endpoint.
pub(super) fn find(judged: &Judged<'_>, key: &EndpointKey) -> Vec<Finding> {
    let Some(member) = judged.picture.members.get(key) else { return Vec::new() };
    let Some(dns) = member.dns.as_ref().filter(|_| key.via.is_none()) else { return Vec::new() };
    if member.is_only_watched() {
        return Vec::new();
    }
    let found = [public_answer(judged, key, dns), empty(judged, key, dns), divergence(judged, key, dns)];
    found.into_iter().flatten().collect()
}

/// F10: the name has a private endpoint, and the answer is the public address all the same.
fn public_answer(judged: &Judged<'_>, key: &EndpointKey, dns: &DnsObservation) -> Option<Finding> {
    let leaky: Vec<&DnsView> = dns.views.iter().filter(|view| is_private_link(view)).collect();
    let answers = leaky.iter().flat_map(|view| view.answers.iter().map(|answer| (*view, answer.ip)));
    let public: Vec<(&DnsView, IpAddr)> = answers.filter(|(_, ip)| !is_inside(judged.plan, *ip)).collect();
    let (view, ip) = public.first()?;
    let workloads = judged.workloads(key);
    let closed = judged
        .plan
        .workloads
        .iter()
        .any(|workload| workload.policy == Policy::Closed && workloads.contains(&workload.name));
    let severity = if closed { Severity::High } else { Severity::Medium };
    let detail = format!(
        "{} is an alias of a private endpoint ({PRIVATE_LINK}), and {} answers the public address {ip}",
        key.host, view.resolver
    );
    let remedy = "have the on-premises resolvers forward the public zone (such as blob.core.windows.net, not the privatelink one) to a resolver in Azure, link the private zone there, and look whether it may fall back to public answers (NxDomainRedirect)";
    Some(finding(judged, key, FindingId::F10, severity, detail, remedy))
}

/// F11: the private zone is asked and has no record for the name.
fn empty(judged: &Judged<'_>, key: &EndpointKey, dns: &DnsObservation) -> Option<Finding> {
    let without = |view: &&DnsView| matches!(view.status, DnsStatus::Nxdomain | DnsStatus::Nodata);
    let view = dns.views.iter().filter(|view| is_private_link(view)).find(without)?;
    let detail = format!(
        "{} is an alias of a private endpoint ({PRIVATE_LINK}), and {} has no address for it ({})",
        key.host,
        view.resolver,
        label(&view.status)
    );
    let remedy = "add the record to the private zone; a zone that is shared hides the public answers of other tenants' resources too";
    Some(finding(judged, key, FindingId::F11, Severity::High, detail, remedy))
}

/// F14: which path a client takes depends on the resolver it asks. A resolver that did not answer disagrees with nobody.
fn divergence(judged: &Judged<'_>, key: &EndpointKey, dns: &DnsObservation) -> Option<Finding> {
    let answered =
        |view: &&DnsView| matches!(view.status, DnsStatus::Ok | DnsStatus::Nxdomain | DnsStatus::Nodata);
    let views: Vec<(&str, BTreeSet<String>)> = dns
        .views
        .iter()
        .filter(answered)
        .map(|view| (view.resolver.as_str(), kinds(judged, key, view)))
        .collect();
    let (first, kinds_of_first) = views.first()?;
    let (other, kinds_of_other) = views.iter().find(|(_, kinds)| kinds != kinds_of_first)?;
    let words = |kinds: &BTreeSet<String>| kinds.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let detail = format!(
        "{}: {first} leads to {}, {other} to {}",
        key.host,
        words(kinds_of_first),
        words(kinds_of_other)
    );
    let remedy = "give all resolvers that the workload may ask the same forwarders for this zone";
    Some(finding(judged, key, FindingId::F14, Severity::Medium, detail, remedy))
}

/// Where a view leads to, in words that differ only where the way does.
fn kinds(judged: &Judged<'_>, key: &EndpointKey, view: &DnsView) -> BTreeSet<String> {
    if view.answers.is_empty() {
        return BTreeSet::from(["no address".to_string()]);
    }
    let class =
        |ip: IpAddr| judged.of.get(key).and_then(|of| of.get(&ip)).map(|judgement| judgement.path.class);
    view.answers
        .iter()
        .map(|answer| match (class(answer.ip), is_inside(judged.plan, answer.ip)) {
            (Some(class), _) if class != PathClass::Unknown => label(&class),
            (_, true) => "a private address".to_string(),
            (_, false) => "a public address".to_string(),
        })
        .collect()
}

fn is_private_link(view: &DnsView) -> bool {
    view.cname.iter().any(|cname| cname.target.split('.').any(|part| part.eq_ignore_ascii_case(PRIVATE_LINK)))
}

fn is_inside(plan: &Plan, ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    is_private(ip) || plan.topology.onprem.iter().chain(&plan.topology.vnet).any(|net| net.contains(&ip))
}
