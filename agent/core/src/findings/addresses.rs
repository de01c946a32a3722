//! Findings about one address: eligibility held against the observed path (F01–F04), private addresses (F12, F13), and
//! evidence that cannot be settled (F20, F30).

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Finding, FindingId, Severity};
use crate::attribution::{Judged, Judgement, PathClass, Reason, classes_of_flows};
use crate::closure::Seen;
use crate::config::{Edge, Policy};
use crate::eligibility::{Eligibility, Outcome, Peering};
use crate::failure::label;
use crate::tables::Communities;
use crate::target::{EndpointKey, Origin, is_private};

/// What is raised about one address: identifier, severity, detail, remedy.
type Raised = (FindingId, Severity, String, &'static str);

/// Findings about every address of one endpoint.
pub(super) fn find(judged: &Judged<'_>, key: &EndpointKey, communities: &Communities) -> Vec<Finding> {
    let Some(member) = judged.picture.members.get(key) else { return Vec::new() };
    if member.is_only_watched() {
        return Vec::new();
    }
    let of_network = |origin: &Origin| origin.is_ca() || *origin == Origin::Redirect;
    let ca_only = member.origins.iter().all(of_network) && judged.is_ca_host(key);
    let mut findings = Vec::new();
    for (ip, judgement) in judged.of.get(key).into_iter().flatten() {
        let about = About { judged, key, ip: *ip, judgement };
        let raised = [
            // A CA host gets F33 or F34, not F02 as well (DESIGN §4.5); F01 only if the data says so.
            if ca_only && !about.could_go_by_expressroute() { None } else { about.by_internet() },
            about.authorised_by_internet(communities),
            about.ineligible_by_expressroute(),
            about.private_by_internet(),
            about.private_undeclared(),
            about.mixed_by_ecmp(),
            about.conflict(),
        ];
        findings.extend(raised.into_iter().flatten().map(|(id, severity, detail, remedy)| {
            Finding::new(id, severity, format!("{key} {ip}"), judged.workloads(key), detail, remedy)
        }));
    }
    findings
}

struct About<'a> {
    judged: &'a Judged<'a>,
    key: &'a EndpointKey,
    ip: IpAddr,
    judgement: &'a Judgement,
}

impl About<'_> {
    fn class(&self) -> PathClass {
        self.judgement.path.class
    }

    /// What could carry the destination. Behind a proxy that is not asked of the proxy's address, but of what our resolvers say of the
    /// name: of several answers, the one that could go by ExpressRoute.
    fn eligibility(&self) -> &Eligibility {
        let own = self.judged.bypasses.get(self.key).map_or(&[][..], |direct| direct.eligibility.as_slice());
        let could = own.iter().find(|eligibility| eligibility.result != Outcome::NotEligible);
        could.or(own.first()).unwrap_or(&self.judgement.eligibility)
    }

    /// The class of the traffic, or that of the route where nothing answered.
    fn class_or_route(&self) -> PathClass {
        match self.class() {
            PathClass::Unknown => self.judgement.path.route_only.unwrap_or(PathClass::Unknown),
            known => known,
        }
    }

    fn carried(&self) -> String {
        let path = &self.judgement.path;
        let link = path.link.as_ref().map(|link| format!(" by {link}")).unwrap_or_default();
        format!(
            "{} ({}) goes {}{link}, {}",
            self.key.host,
            self.ip,
            label(&path.class),
            label(&path.confidence)
        )
    }

    /// Every workload that needs it declares it an exception.
    fn excepted(&self) -> bool {
        let names = self.judged.workloads(self.key);
        let mut workloads =
            self.judged.plan.workloads.iter().filter(|workload| names.contains(&workload.name));
        !names.is_empty() && workloads.all(|workload| workload.excepts(&self.key.host, self.key.port))
    }

    fn could_go_by_expressroute(&self) -> bool {
        matches!(self.eligibility().result, Outcome::Eligible | Outcome::Conditional)
    }

    /// F01 and F02. What the data does not know counts as eligible: rather one leak too many.
    fn by_internet(&self) -> Option<Raised> {
        if !self.class().is_internet() {
            return None;
        }
        let eligibility = self.eligibility();
        let carried = self.carried();
        match eligibility.result {
            Outcome::NotEligible => {
                let names = self.judged.workloads(self.key);
                let mut workloads = self.judged.plan.workloads.iter();
                let promised = workloads.any(|workload| {
                    names.contains(&workload.name)
                        && match workload.policy {
                            Policy::Closed => true,
                            Policy::ClosedExcept => !workload.excepts(&self.key.host, self.key.port),
                            Policy::Observe => false,
                        }
                });
                let severity = if promised { Severity::High } else { Severity::Info };
                let detail = format!("{carried}; ExpressRoute cannot carry it ({})", eligibility.reason);
                let remedy =
                    "accept it as a declared exception, send it through a proxy, or remove the dependency";
                Some((FindingId::F02, severity, detail, remedy))
            }
            Outcome::Eligible | Outcome::Conditional | Outcome::Internal | Outcome::Unknown => {
                let why = match (eligibility.result, eligibility.peering) {
                    (Outcome::Eligible, Some(Peering::Private)) => {
                        "the private peering could carry it".to_string()
                    }
                    (Outcome::Eligible, _) => "the Microsoft peering could carry it".to_string(),
                    (Outcome::Conditional, _) => {
                        format!("ExpressRoute could carry it if {}", eligibility.reason)
                    }
                    _ => format!(
                        "whether ExpressRoute could carry it is not known ({}), so it is counted as if it could",
                        eligibility.reason.replace('_', " ")
                    ),
                };
                let severity = if self.excepted() { Severity::Info } else { Severity::Critical };
                let remedy = "prefer ExpressRoute at the customer edge (local preference), add the community to the route filter, correct static and default routes; check that the monthly prefix update was not filtered";
                Some((FindingId::F01, severity, format!("{carried}; {why}"), remedy))
            }
        }
    }

    /// F06, beside F01: Microsoft's approval is there and not used.
    fn authorised_by_internet(&self, communities: &Communities) -> Option<Raised> {
        let eligibility = self.eligibility();
        let authorised = self.judged.plan.topology.circuits.values().any(|circuit| circuit.m365_authorised);
        if !(authorised && self.could_go_by_expressroute() && self.class().is_internet()) {
            return None;
        }
        let community = eligibility.community.as_deref()?.parse().ok()?;
        communities.service(community).filter(|service| service.authorisation)?;
        let detail = format!("{}; Microsoft 365 is authorised on a circuit ({community})", self.carried());
        let remedy = "check the route filter for the community (5010, 5020, 5030, 5100), the received routes, and that the edge router prefers them";
        Some((FindingId::F06, Severity::Medium, detail, remedy))
    }

    /// F03 and F04.
    fn ineligible_by_expressroute(&self) -> Option<Raised> {
        if self.eligibility().result != Outcome::NotEligible || self.class_or_route() == PathClass::Unknown {
            return None;
        }
        let detail = format!(
            "{} ({}) leaves by ExpressRoute, which does not carry it ({})",
            self.key.host,
            self.ip,
            self.eligibility().reason
        );
        match self.judgement.path.edge? {
            Edge::ErPrivate => {
                let remedy = "if Internet through Azure is meant, declare it (proxy or default route); otherwise a routing error, and the traffic may be dropped";
                Some((FindingId::F03, Severity::Medium, detail, remedy))
            }
            Edge::ErMicrosoft => {
                let remedy = "overlapping communities or old data: Microsoft does not support this service over ExpressRoute; take its prefixes out of the route filter";
                Some((FindingId::F04, Severity::High, detail, remedy))
            }
            Edge::Internet | Edge::S2sVpnOverInternet | Edge::Internal => None,
        }
    }

    /// F12: also where nothing answers, since the misrouted packets left all the same.
    fn private_by_internet(&self) -> Option<Raised> {
        let ip = self.ip.to_canonical();
        let declared = self.judged.plan.topology.vnet.iter().any(|net| net.contains(&ip));
        let by_internet =
            self.judgement.path.edge == Some(Edge::Internet) && self.class_or_route().is_internet();
        if !by_internet || !(is_private(self.ip) || declared) {
            return None;
        }
        let detail =
            format!("{} ({}) is private, and its packets leave by the Internet link", self.key.host, self.ip);
        let remedy = "the route of the VNet prefix is missing and the default route swallows it: restore the route, and add null routes for private prefixes at the Internet edge";
        Some((FindingId::F12, Severity::Critical, detail, remedy))
    }

    /// F13 (EL3).
    fn private_undeclared(&self) -> Option<Raised> {
        let ip = self.ip.to_canonical();
        let topology = &self.judged.plan.topology;
        let declared = topology.vnet.iter().chain(&topology.onprem).any(|net| net.contains(&ip))
            || topology.tunnels.iter().flat_map(|tunnel| &tunnel.prefixes).any(|net| net.contains(&ip));
        if !is_private(self.ip) || declared {
            return None;
        }
        let detail =
            format!("{} resolves to {}, a private address in no declared prefix", self.key.host, self.ip);
        let remedy = "declare it in topology.onprem or topology.vnet, or find the resolver or hosts file that answers with it";
        Some((FindingId::F13, Severity::Medium, detail, remedy))
    }

    /// The classes that flows to the address take or can take, where these are several.
    fn flows(&self) -> BTreeSet<PathClass> {
        let member = self.judged.picture.members.get(self.key);
        match member.and_then(|member| member.addresses.get(&self.ip)) {
            Some(Seen::Observed(seen)) => classes_of_flows(seen, &self.judged.plan.topology, self.judged.now),
            Some(Seen::Pending | Seen::Forbidden(_)) | None => BTreeSet::new(),
        }
    }

    /// F20.
    fn mixed_by_ecmp(&self) -> Option<Raised> {
        let flows = self.flows();
        let mixed = flows.iter().any(|class| class.is_open()) && flows.iter().any(|class| class.is_closed());
        let spread = self.judgement.path.reason == Some(Reason::Ambiguous) && mixed;
        let classes: Vec<String> = flows.iter().map(label).collect();
        if self.judgement.path.reason != Some(Reason::EcmpMixedClass) && !spread {
            return None;
        }
        let which = if classes.is_empty() { String::new() } else { format!(": {}", classes.join(", ")) };
        let detail =
            format!("flows to {} ({}) spread over links of several classes{which}", self.key.host, self.ip);
        Some((FindingId::F20, Severity::Critical, detail, "remove the equal cost"))
    }

    /// F30, with every contribution.
    fn conflict(&self) -> Option<Raised> {
        let path = &self.judgement.path;
        if path.reason != Some(Reason::Conflict) {
            return None;
        }
        let says: Vec<String> =
            path.evidence.iter().map(|item| format!("{}: {}", item.id, item.says)).collect();
        let detail =
            format!("evidence about {} ({}) contradicts: {}", self.key.host, self.ip, says.join("; "));
        let remedy = "compare `ip route get`, `traceroute -T` and the declared links; correct the topology in the configuration";
        Some((FindingId::F30, Severity::High, detail, remedy))
    }
}
