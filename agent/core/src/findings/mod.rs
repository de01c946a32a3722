//! Findings (DOMAIN §3.5, §4.5): what somebody has to act on, each with its detail and remedy.

mod addresses;
mod ca_hosts;
mod certificates;
mod data;
mod eligibility;
mod endpoints;
mod finding;
mod flows;
mod links;
mod names;
mod routes;

pub use finding::{Finding, FindingId, Severity};
pub use routes::untold;

use std::net::IpAddr;

use crate::attribution::{Judged, Judgement};
use crate::catalog::Catalog;
use crate::closure::{Past, Seen};
use crate::observation::AddressObservation;
use crate::tables::Tables;
use crate::target::EndpointKey;

/// All findings of a judged picture, gravest first.
pub fn find(judged: &Judged<'_>, catalogs: &[Catalog], tables: &Tables, past: &Past) -> Vec<Finding> {
    let mut findings = certificates::grace(judged, past);
    findings.extend(links::find(judged));
    findings.extend(data::find(judged, tables));
    findings.extend(routes::of_peers(judged, &tables.communities));
    findings.extend(routes::of_tunnels(judged));
    let strangers = certificates::strangers(judged);
    for key in judged.picture.members.keys() {
        findings.extend(endpoints::find(judged, key, catalogs));
        findings.extend(addresses::find(judged, key, &tables.communities));
        findings.extend(names::find(judged, key));
        findings.extend(eligibility::find(judged, key, catalogs));
        findings.extend(routes::find(judged, key));
        findings.extend(flows::find(judged, key));
        findings.extend(ca_hosts::find(judged, key, &tables.ca_hosts));
        findings.extend(certificates::find(judged, key, catalogs, &strangers));
        findings.extend(certificates::changed(judged, key, past));
    }
    findings.extend(judged.picture.truncated.iter().map(|bound| {
        Finding::new(
            FindingId::F40,
            Severity::High,
            "closure".into(),
            judged.plan.workloads.iter().map(|workload| workload.name.clone()).collect(),
            format!("the closure was cut short: {bound}; what lies behind was not looked at"),
            "find out which certificate or redirect names so much, and whether that is meant",
        )
    }));
    findings.sort_by(|a, b| (a.severity, a.id, &a.subject).cmp(&(b.severity, b.id, &b.subject)));
    findings
}

/// What was seen and judged of an endpoint's addresses; what is only watched is left out.
fn observed<'j>(
    judged: &'j Judged<'_>,
    key: &EndpointKey,
) -> impl Iterator<Item = (IpAddr, &'j AddressObservation, &'j Judgement)> {
    let member = judged.picture.members.get(key);
    let member = member.filter(|member| !member.is_only_watched());
    let judgements = judged.of.get(key);
    member.into_iter().flat_map(|member| &member.addresses).filter_map(move |(ip, seen)| match seen {
        Seen::Observed(seen) => Some((*ip, seen.as_ref(), judgements?.get(ip)?)),
        Seen::Pending | Seen::Forbidden(_) => None,
    })
}
