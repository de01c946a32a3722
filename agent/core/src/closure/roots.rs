//! R1, R9, R10 and E8: what the configuration itself asks for.

use std::net::SocketAddr;

use crate::catalog::{Catalog, Expansion};
use crate::config::{Echo, Plan, Policy};
use crate::target::{EndpointKey, Origin, Probe, Requirement};

/// One endpoint that one workload asks for by configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// What.
    pub key: EndpointKey,
    /// In what role.
    pub origin: Origin,
    /// For which workload.
    pub workload: String,
    /// How badly; canaries and echoes are optional.
    pub requirement: Requirement,
    /// Endpoints with the same group are alternatives: one suffices.
    pub group: String,
    /// `expect_path`
    pub expect_path: Option<String>,
}

/// All roots, and what the catalogues could not turn into endpoints.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    /// In configuration order.
    pub roots: Vec<Root>,
    /// Per workload: its catalogue's name and expansion, for what was skipped or sampled.
    pub expansions: Vec<(String, String, Expansion)>,
}

/// The roots of a plan. `servers` are the resolvers' real addresses.
pub fn roots(plan: &Plan, catalogs: &[Catalog], servers: &[(String, SocketAddr)]) -> Roots {
    let mut all = Roots::default();
    for workload in &plan.workloads {
        let name = &workload.name;
        let mut add = |key: EndpointKey, origin, requirement, group: Option<&str>, expect_path| {
            let group = group.map_or_else(|| key.to_string(), str::to_string);
            all.roots.push(Root { key, origin, workload: name.clone(), requirement, group, expect_path });
        };
        let through_proxy = |key: &EndpointKey| {
            let via = workload.proxy.clone().filter(|_| key.probe.uses_tcp());
            EndpointKey { via, ..key.clone() }
        };
        for target in plan.targets.iter().filter(|target| target.workload == *name) {
            add(
                through_proxy(&target.endpoint),
                Origin::Target,
                Requirement::Hard,
                None,
                target.expect_path.clone(),
            );
        }
        let chosen = catalogs.iter().filter(|catalog| workload.catalogs.contains(&catalog.service));
        for catalog in chosen {
            let expansion = catalog.expand(&workload.parameters);
            for endpoint in &expansion.endpoints {
                add(through_proxy(&endpoint.key), Origin::Catalog, endpoint.requirement, None, None);
            }
            all.expansions.push((name.clone(), catalog.service.clone(), expansion));
        }
        let mut add = |key: EndpointKey, origin, requirement, group: Option<&str>| {
            let group = group.map_or_else(|| key.to_string(), str::to_string);
            let expect_path = None;
            all.roots.push(Root { key, origin, workload: name.clone(), requirement, group, expect_path });
        };
        if let Some(proxy) = plan.proxies.iter().find(|proxy| Some(&proxy.name) == workload.proxy.as_ref()) {
            // R9: with its chain, where it speaks TLS itself.
            let probe = if proxy.tls { Probe::Tls } else { Probe::Tcp };
            add(EndpointKey::new(&proxy.host, proxy.port, probe), Origin::Proxy, Requirement::Hard, None);
        }
        for (_, server) in servers {
            let key = EndpointKey::new(&server.ip().to_string(), server.port(), Probe::UdpDns);
            add(key, Origin::Resolver, Requirement::Hard, Some("a resolver"));
        }
        for host in &plan.topology.ntp {
            let key = EndpointKey::new(host, 123, Probe::Ntp);
            add(key, Origin::Ntp, Requirement::Soft, Some("a time source"));
        }
        for key in plan.echoes.iter().filter_map(Echo::endpoint) {
            add(key, Origin::Echo, Requirement::Optional, None);
        }
        // What is only watched is judged as closed would be (DESIGN §4.5).
        if workload.policy != Policy::ClosedExcept {
            for canary in &plan.canaries {
                add(canary.endpoint.clone(), Origin::Canary, Requirement::Optional, None);
            }
        }
    }
    all
}
