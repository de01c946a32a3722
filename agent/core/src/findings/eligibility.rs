//! Findings from what the data says could be: F07 and F08 (a change of the circuit would carry it), F09 (a private endpoint
//! would), F17 (the data contradicts itself).

use std::net::IpAddr;

use super::endpoints::finding;
use super::{Finding, FindingId, Severity};
use crate::attribution::{Judged, Judgement};
use crate::catalog::Catalog;
use crate::config::Policy;
use crate::eligibility::Outcome;
use crate::target::{EndpointKey, is_private};

/// Findings about one endpoint. What goes through a proxy has the proxy's addresses: nothing is said of them here.
pub(super) fn find(judged: &Judged<'_>, key: &EndpointKey, catalogs: &[Catalog]) -> Vec<Finding> {
    let Some(member) = judged.picture.members.get(key) else { return Vec::new() };
    if key.via.is_some() || member.is_only_watched() {
        return Vec::new();
    }
    let judgements: Vec<(&IpAddr, &Judgement)> = judged.of.get(key).into_iter().flatten().collect();
    let of_addresses = judgements.iter().filter_map(|(ip, judgement)| {
        let (id, severity, detail, remedy) = raised(key, **ip, judgement)?;
        let about = finding(judged, key, id, severity, detail, remedy);
        Some(Finding { subject: format!("{key} {ip}"), ..about })
    });
    of_addresses.chain(private_endpoint(judged, key, catalogs, &judgements)).collect()
}

/// F07, F08 and F17.
fn raised(
    key: &EndpointKey,
    ip: IpAddr,
    judgement: &Judgement,
) -> Option<(FindingId, Severity, String, &'static str)> {
    let eligibility = &judgement.eligibility;
    let (code, community) = eligibility.reason.split_once(": ").unwrap_or((&eligibility.reason, ""));
    let host = &key.host;
    match (eligibility.result, code) {
        (Outcome::Conditional, "route_filter") => Some((
            FindingId::F07,
            Severity::Medium,
            format!("Microsoft peering could carry {host} ({ip}), but no route filter has {community}"),
            "add the community to the route filter of a circuit with Microsoft peering, and to circuit.NAME.route_filter",
        )),
        (Outcome::NotEligible, "sku_scope") => {
            let region = judgement.owner.region.as_deref().unwrap_or("a region");
            Some((
                FindingId::F08,
                Severity::Medium,
                format!("{host} ({ip}) is in {region}, which no declared circuit's SKU reaches"),
                "the Premium SKU reaches every region; a private endpoint in a region that the circuit reaches does, too",
            ))
        }
        (Outcome::Conditional, "conflict_unsupported_vs_regional" | "conflict_unsupported_vs_route") => {
            Some((
                FindingId::F17,
                Severity::Low,
                format!(
                    "{host} ({ip}) is of a service that Microsoft peering does not support, and its address is {}",
                    match code {
                        "conflict_unsupported_vs_route" => "in a route received there",
                        _ => "in an Azure region",
                    }
                ),
                "rely on the observed path and on the routes that the customer edge receives; ask the product's support whether it may be used",
            ))
        }
        (Outcome::Conditional, "conflict_gsa_vs_regional") => Some((
            FindingId::F17,
            Severity::Low,
            format!(
                "{host} ({ip}) is an edge of Global Secure Access, which is reached over the Internet, and its address is in an Azure region"
            ),
            "rely on the observed path and on the routes that the customer edge receives; that the service works over ExpressRoute is not documented",
        )),
        _ => None,
    }
}

/// F09: a catalogue of one of its workloads knows a private endpoint for it, and it has a public address.
fn private_endpoint(
    judged: &Judged<'_>,
    key: &EndpointKey,
    catalogs: &[Catalog],
    judgements: &[(&IpAddr, &Judgement)],
) -> Option<Finding> {
    let topology = &judged.plan.topology;
    let declared =
        |ip: IpAddr| topology.vnet.iter().chain(&topology.onprem).any(|net| net.contains(&ip.to_canonical()));
    let (public, _) = judgements.iter().find(|(ip, _)| !is_private(**ip) && !declared(**ip))?;
    let names = judged.workloads(key);
    let workloads = || judged.plan.workloads.iter().filter(|workload| names.contains(&workload.name));
    let chosen =
        |catalog: &&Catalog| workloads().any(|workload| workload.catalogs.contains(&catalog.service));
    let zone = catalogs.iter().filter(chosen).find_map(|catalog| zone(catalog, &key.host))?;
    let closed = workloads().any(|workload| workload.policy == Policy::Closed);
    let severity = if closed { Severity::Medium } else { Severity::Low };
    let detail = format!(
        "{} has the public address {public}, and its service can have a private endpoint (zone {zone})",
        key.host
    );
    let remedy = "create a private endpoint, and let the site's resolvers answer from its private DNS zone";
    Some(finding(judged, key, FindingId::F09, severity, detail, remedy))
}

fn zone<'a>(catalog: &'a Catalog, host: &str) -> Option<&'a str> {
    let private = catalog.entries.iter().filter_map(|entry| Some((entry, entry.private_link.as_deref()?)));
    let mut found = private.filter(|(entry, _)| {
        // A sample may be the bare parent, which the wildcard does not match (W2).
        entry.pattern().matches(host).is_some() || entry.samples.iter().any(|sample| sample == host)
    });
    found.next().map(|(_, zone)| zone)
}
