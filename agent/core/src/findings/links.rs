//! Findings about the declared links: what nobody can see from here (F28), and what is no closed connection (F29).

use super::{Finding, FindingId, Severity};
use crate::attribution::{Judged, PathClass};
use crate::config::Policy;

/// Findings about every link.
pub(super) fn find(judged: &Judged<'_>) -> Vec<Finding> {
    let closed: Vec<String> = judged
        .plan
        .workloads
        .iter()
        .filter(|workload| workload.policy == Policy::Closed)
        .map(|workload| workload.name.clone())
        .collect();
    let used = |link: &str| {
        let paths = judged.of.values().flat_map(|of| of.values()).map(|judgement| &judgement.path);
        let mut by_service = paths.filter(|path| path.class == PathClass::InternetPeeringService);
        by_service
            .any(|path| path.link.as_deref() == Some(link) || path.links.iter().any(|other| other == link))
    };
    let mut findings = Vec::new();
    for link in &judged.plan.topology.links {
        let about = |id: FindingId, severity, workloads: &[String], detail: String, remedy: &str| {
            Finding::new(id, severity, format!("link:{}", link.name), workloads.to_vec(), detail, remedy)
        };
        if link.encryption.macsec_declared {
            let detail = format!(
                "MACsec on {} is declared; a host behind the edge router cannot see whether it is on",
                link.name
            );
            let remedy =
                "ask the owner of the edge router for `show macsec` of the port, and file it with the report";
            findings.push(about(FindingId::F28, Severity::Info, &[], detail, remedy));
        }
        if link.peering_service && !closed.is_empty() && used(&link.name) {
            let detail = format!(
                "{} is an Azure Peering Service: a better way over the public Internet, not a closed connection",
                link.name
            );
            let remedy = "take what must stay closed to ExpressRoute, or promise closed-except and name the exceptions";
            findings.push(about(FindingId::F29, Severity::Medium, &closed, detail, remedy));
        }
    }
    findings
}
