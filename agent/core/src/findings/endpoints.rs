//! Findings about a name or an endpoint as a whole: F15, F16, F22, F24, F32, F41.

use super::{Finding, FindingId, Severity};
use crate::attribution::{Judged, PathClass};
use crate::catalog::{self, Catalog};
use crate::config::Policy;
use crate::failure::label;
use crate::observation::{DnsStatus, DnsView};
use crate::target::{EndpointKey, Origin, Requirement};

/// Findings about one endpoint.
pub(super) fn find(judged: &Judged<'_>, key: &EndpointKey, catalogs: &[Catalog]) -> Vec<Finding> {
    let found = [
        unresolvable(judged, key),
        not_in_catalogue(judged, key, catalogs),
        ipv6_leak(judged, key),
        bypass(judged, key),
        forbidden(judged, key),
    ];
    found.into_iter().flatten().chain(unexpected(judged, key)).collect()
}

/// A finding about an endpoint as a whole.
pub(super) fn finding(
    judged: &Judged<'_>,
    key: &EndpointKey,
    id: FindingId,
    severity: Severity,
    detail: String,
    remedy: &str,
) -> Finding {
    Finding::new(id, severity, key.to_string(), judged.workloads(key), detail, remedy)
}

/// F16: a required or targeted name that yields no address, whatever the reason (DESIGN §4.5).
fn unresolvable(judged: &Judged<'_>, key: &EndpointKey) -> Option<Finding> {
    let member = judged.picture.members.get(key)?;
    if member.is_only_watched() {
        return None;
    }
    let dns = member.dns.as_ref()?;
    if !dns.addresses().is_empty() {
        return None;
    }
    let views: Vec<String> =
        dns.views.iter().map(|view| format!("{} says {}", view.resolver, words(view))).collect();
    let detail = format!("{} gives no address: {}", dns.name, views.join("; "));
    let remedy = "a retired name, a missing record, or a resolver that may not ask outside: compare with `dig` at each resolver, then correct the record or the forwarder";
    Some(finding(judged, key, FindingId::F16, Severity::High, detail, remedy))
}

fn words(view: &DnsView) -> String {
    let status = match view.status {
        DnsStatus::Ok => "nothing",
        DnsStatus::Nxdomain => "NXDOMAIN (the name does not exist)",
        DnsStatus::Nodata => "NODATA (the name exists without an address)",
        DnsStatus::Servfail => "SERVFAIL (the resolver failed)",
        DnsStatus::Refused => "REFUSED (the resolver will not answer us)",
        DnsStatus::Timeout => "nothing in time",
        DnsStatus::Loop => "a CNAME loop",
    };
    match view.text.as_str() {
        "" => status.to_string(),
        text => format!("{status} ({text})"),
    }
}

/// F15: a probed or discovered name that no catalogue holds; CA hosts have their own list (F35).
fn not_in_catalogue(judged: &Judged<'_>, key: &EndpointKey, catalogs: &[Catalog]) -> Option<Finding> {
    let member = judged.picture.members.get(key)?;
    let named = |origin: &Origin| matches!(origin, Origin::Target | Origin::Redirect);
    if key.ip().is_some() || !member.origins.iter().any(named) || member.origins.contains(&Origin::Catalog) {
        return None;
    }
    if judged.is_ca_host(key) || catalog::contains(catalogs, &key.host) {
        return None;
    }
    let detail = format!("{} is in no catalogue, so nothing says whose it is or what needs it", key.host);
    let remedy = "note its owner and purpose where the site keeps its communication requirements";
    Some(finding(judged, key, FindingId::F15, Severity::Low, detail, remedy))
}

/// F22: IPv6 leaves by the Internet while IPv4 is closed.
fn ipv6_leak(judged: &Judged<'_>, key: &EndpointKey) -> Option<Finding> {
    let answering = judged.answering(key);
    let of = |ipv6: bool| {
        let family = answering.iter().filter(move |(ip, _)| ip.to_canonical().is_ipv6() == ipv6);
        family.map(|(_, judgement)| judgement.path.class).collect::<Vec<PathClass>>()
    };
    let (v4, v6) = (of(false), of(true));
    let leaks =
        !v4.is_empty() && v4.iter().all(|class| class.is_closed()) && v6.iter().any(|class| class.is_open());
    let class = v6.iter().find(|class| class.is_open())?;
    if !leaks {
        return None;
    }
    let detail =
        format!("{} goes {} by IPv6 while IPv4 is closed; clients prefer IPv6", key.host, label(class));
    let remedy = "route IPv6 over ExpressRoute too, or stop it: no router advertisement with a default route, no AAAA answers";
    Some(finding(judged, key, FindingId::F22, Severity::Critical, detail, remedy))
}

/// F24: the proxy is not the only way out.
fn bypass(judged: &Judged<'_>, key: &EndpointKey) -> Option<Finding> {
    let direct = judged.bypasses.get(key).filter(|direct| direct.reachable)?;
    let detail = format!(
        "{} connects directly as well, {}; nothing forces clients through the proxy",
        key.host,
        label(&direct.class)
    );
    let remedy = "close the direct way at the firewall for everything but the proxy";
    Some(finding(judged, key, FindingId::F24, Severity::High, detail, remedy))
}

/// F32: what nobody needs, canaries among it, is reached by the Internet. CA hosts have F34.
fn forbidden(judged: &Judged<'_>, key: &EndpointKey) -> Option<Finding> {
    let promised: Vec<String> = judged
        .plan
        .workloads
        .iter()
        .filter(|workload| workload.policy == Policy::Closed)
        .filter(|workload| judged.needs.of.get(key).is_some_and(|needed| needed.contains_key(&workload.name)))
        .map(|workload| workload.name.clone())
        .collect();
    let member = judged.picture.members.get(key)?;
    // An echo is meant to be outside.
    if member.origins.iter().all(|origin| *origin == Origin::Echo) {
        return None;
    }
    let answering = judged.answering(key);
    let (ip, judgement) = answering.iter().find(|(_, judgement)| judgement.path.class.is_open())?;
    if promised.is_empty() || judged.requirement(key) != Requirement::Optional || judged.is_ca_host(key) {
        return None;
    }
    let detail = format!(
        "{} ({ip}) answers {} and nothing needs it; under a closed policy it should not",
        key.host,
        label(&judgement.path.class)
    );
    let remedy = "close the way to it at the firewall";
    let about = finding(judged, key, FindingId::F32, Severity::Medium, detail, remedy);
    Some(Finding { workloads: promised, ..about })
}

/// F41: `expect_path` does not hold.
fn unexpected(judged: &Judged<'_>, key: &EndpointKey) -> Vec<Finding> {
    let class = label(&judged.class(key));
    let roots = judged.picture.roots.roots.iter().filter(|root| root.key == *key);
    let mut expected: Vec<&String> = roots.filter_map(|root| root.expect_path.as_ref()).collect();
    expected.dedup();
    expected
        .into_iter()
        .filter(|expected| **expected != class)
        .map(|expected| {
            let detail = format!("{key} must go {expected} and goes {class}");
            let remedy = "`closedpath explain` shows the evidence: correct the network, or the expectation";
            finding(judged, key, FindingId::F41, Severity::High, detail, remedy)
        })
        .collect()
}
