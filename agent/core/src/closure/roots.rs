//! R1, R9, R10 and E8: what the configuration itself asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::catalog::{Catalog, Expansion};
use crate::config::{Echo, Plan, Policy, Proxy, Workload};
use crate::pac::{self, Way};
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
    /// Per workload and endpoint: why a PAC script leads nowhere that can be followed.
    pub unrouted: BTreeMap<(String, EndpointKey), String>,
    /// What PAC scripts offer beside their first choice, in words.
    pub alternatives: BTreeSet<String>,
}

/// What PAC scripts say, per workload and endpoint: a result, or why there is none.
pub type PacAnswers = BTreeMap<(String, EndpointKey), Result<String, String>>;

impl Roots {
    /// What PAC scripts are to be asked, each with the workload whose script it is.
    pub fn to_ask<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a Workload, &'a EndpointKey)> {
        self.roots.iter().filter_map(|root| Some((asked(plan, root)?, &root.key)))
    }

    /// Leads every endpoint where its workload's script says (E9). The proxies that are used become roots (R9).
    #[must_use]
    pub fn routed(mut self, plan: &Plan, answers: &PacAnswers) -> Self {
        let mut used: BTreeSet<(String, String)> = BTreeSet::new();
        for root in &mut self.roots {
            let Some(workload) = asked(plan, root).map(|workload| workload.name.clone()) else { continue };
            let answer = answers.get(&(workload.clone(), root.key.clone()));
            let result = match answer {
                Some(Ok(result)) => Ok(result.as_str()),
                Some(Err(why)) => Err(why.as_str()),
                None => Err("the PAC script was not asked"),
            };
            let further = result.is_ok_and(|result| pac::read(result).len() > 1);
            if further {
                let said: String = result.unwrap_or_default().chars().take(200).collect();
                self.alternatives.insert(format!(
                    "the PAC script of {workload} gives {} the choices \"{said}\": only the first was followed, and the direct attempt beside a proxy",
                    root.key
                ));
            }
            let direct = root.key.to_string();
            match pac::way(result, &plan.proxies) {
                Way::Direct => {}
                Way::Via(proxy) => {
                    used.insert((workload, proxy.clone()));
                    root.key.via = Some(proxy);
                }
                Way::Unknown { shown, why } => {
                    root.key.via = Some(shown);
                    self.unrouted.insert((workload, root.key.clone()), why);
                }
            }
            if root.group == direct {
                root.group = root.key.to_string();
            }
        }
        for (workload, name) in used {
            let Some(proxy) = plan.proxies.iter().find(|proxy| proxy.name == name) else { continue };
            let key = of_proxy(proxy);
            let (origin, requirement, group) = (Origin::Proxy, Requirement::Hard, key.to_string());
            self.roots.push(Root { key, origin, workload, requirement, group, expect_path: None });
        }
        self
    }
}

/// The workload whose script decides on a root.
fn asked<'a>(plan: &'a Plan, root: &Root) -> Option<&'a Workload> {
    let workload = plan.workloads.iter().find(|workload| workload.name == root.workload)?;
    let decides = workload.pac.is_some()
        && root.key.via.is_none()
        && root.key.probe.uses_tcp()
        && matches!(root.origin, Origin::Target | Origin::Catalog);
    decides.then_some(workload)
}

/// R9: a proxy itself, with its chain where it speaks TLS.
fn of_proxy(proxy: &Proxy) -> EndpointKey {
    EndpointKey::new(&proxy.host, proxy.port, if proxy.tls { Probe::Tls } else { Probe::Tcp })
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
            add(of_proxy(proxy), Origin::Proxy, Requirement::Hard, None);
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
