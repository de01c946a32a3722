//! Findings (DOMAIN §3.5, §4.5): what somebody has to act on, each with its detail and remedy.

mod addresses;
mod ca_hosts;
mod certificates;
mod data;
mod eligibility;
mod endpoints;
mod finding;
mod links;
mod names;
mod routes;

pub use finding::{Finding, FindingId, Severity};
pub use routes::untold;

use crate::attribution::Judged;
use crate::catalog::Catalog;
use crate::closure::Past;
use crate::tables::Tables;

/// All findings of a judged picture, gravest first.
pub fn find(judged: &Judged<'_>, catalogs: &[Catalog], tables: &Tables, past: &Past) -> Vec<Finding> {
    let mut findings = certificates::grace(judged, past);
    findings.extend(links::find(judged));
    findings.extend(data::find(judged, tables));
    findings.extend(routes::of_peers(judged, &tables.communities));
    let strangers = certificates::strangers(judged);
    for key in judged.picture.members.keys() {
        findings.extend(endpoints::find(judged, key, catalogs));
        findings.extend(addresses::find(judged, key, &tables.communities));
        findings.extend(names::find(judged, key));
        findings.extend(eligibility::find(judged, key, catalogs));
        findings.extend(routes::find(judged, key));
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
